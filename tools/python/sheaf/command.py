"""What the command `sheaf` does with a program: profile, judge, trace, diff, debug. Each takes `debug_info`, whose
names reach what it says.

The command is the one that SHEAF_COMMAND names, the one beside the library, or the one on PATH.
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

from . import _library, faults
from .machine import _buffer
from .program import AnyBundle, Program, text_of

# A list of bundles, a Program, or what the command takes: a file, or KERNEL[:VARIANT].
AnyProgram = Union[str, bytes, "os.PathLike[str]", Program, Sequence[AnyBundle]]

_FINE, _FAILED, _USAGE, _FAULTED = range(4)


def _command() -> str:
    folder = os.path.dirname(_library.path)
    found = os.environ.get("SHEAF_COMMAND") or (shutil.which("sheaf", path=folder) if folder else None)
    found = found or shutil.which("sheaf")
    if found:
        return found
    raise FileNotFoundError("the command sheaf is not found: run make, or set SHEAF_COMMAND")


def _file(program: AnyProgram, path: str, debug_info: Optional[Any]) -> str:
    """What the command is to call the program, which is written to `path` unless it is a file already."""
    if isinstance(program, (str, bytes, os.PathLike)):
        name = os.fsdecode(_library.file_name(program))
        if (os.path.dirname(name) or os.path.splitext(name)[1]) and not os.path.exists(name):
            raise _library.no_file(name)
        if debug_info is None:
            return os.path.join(".", name) if name.startswith("-") and name != "-" else name
        program = Program.load(name)
    if isinstance(program, dict):  # which may be several programs
        with open(path, "w", encoding="ascii") as file:
            json.dump(program, file)
    elif isinstance(program, Program):
        (program if debug_info is None else program.named(debug_info)).save(path)
    else:
        try:
            Program(program, debug_info).save(path)
        except _library.ProgramError:  # which the command has its own words for
            with open(path, "w", encoding="ascii") as file:
                file.write(text_of(program, None))
    return path


@contextlib.contextmanager
def _files(programs: Sequence[AnyProgram], mem: Optional[Iterable[int]],
           debug_info: Optional[Any]) -> Iterator[List[str]]:
    """The command's arguments for programs and a memory, with the files they name."""
    with tempfile.TemporaryDirectory(prefix="sheaf.") as folder:
        arguments = [_file(program, os.path.join(folder, "program%s.json" % (i or "")), debug_info)
                     for i, program in enumerate(programs)]
        if mem is not None:
            arguments += ["--mem", os.path.join(folder, "mem.bin")]
            words = _buffer(mem)
            if sys.byteorder == "big":
                words.byteswap()
            with open(arguments[-1], "wb") as file:
                words.tofile(file)
        yield arguments


def _place(path: Any) -> str:
    """The name of a file that is to be written."""
    name = os.fsdecode(_library.file_name(path))
    if not os.path.isdir(os.path.dirname(name) or "."):
        raise _library.no_file(name)
    return name


def _run(name: str, programs: Sequence[AnyProgram], mem: Optional[Iterable[int]], debug_info: Optional[Any],
         options: Dict[str, Any], said_to_it: str = "") -> str:
    """Runs the command; options as keywords: `cycle_limit=5` is --cycle-limit 5, None is left out."""
    arguments = []
    for key, value in options.items():
        if value is not None and value is not False:
            arguments.append("--" + key.replace("_", "-"))
            if isinstance(value, dict):
                arguments.append(",".join("%s=%s" % pair for pair in value.items()))
            elif value is not True:
                arguments.append(str(value))
    with _files(programs, mem, debug_info) as files:
        done = subprocess.run([_command(), name] + files + arguments, input=said_to_it.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode == _FAULTED:
        raise faults.Fault(said)
    if done.returncode not in (_FINE, _FAILED):
        raise _library.ProgramError(said or "sheaf %s: exit status %d" % (name, done.returncode))
    return done.stdout.decode("utf-8")


def profile(program: AnyProgram, mem: Optional[Iterable[int]] = None, *, debug_info: Optional[Any] = None,
            **options: Any) -> Dict[str, Any]:
    """Where every cycle and slot of a run went, and why: what `sheaf profile --json` says.

    Options are the command's, as keywords: profile(program, mem, cores=2), profile("tree_hash:best", by="stage").
    """
    return json.loads(_run("profile", [program], mem, debug_info, dict(options, json=True)))


def judge(program: AnyProgram, kernel: str = "tree_hash", *, debug_info: Optional[Any] = None,
          **options: Any) -> Dict[str, Any]:
    """The verdict on a program for a kernel, on fresh inputs: what `sheaf judge --json` says.

    Options are the command's, as keywords: judge(program, inputs=100, contract="values", seed=1,
    set={"height": 10}).
    """
    return json.loads(_run("judge", [program], None, debug_info, dict(options, kernel=kernel, json=True)))


def trace(path: Any, program: AnyProgram, mem: Optional[Iterable[int]] = None, *,
          debug_info: Optional[Any] = None, **options: Any) -> None:
    """Writes what every slot of a run does, cycle by cycle, in the format that the file's name asks for.

    Options are the command's, as keywords: trace("run.json", program, mem, cycles="0:100").
    """
    _run("trace", [program], mem, debug_info, dict(options, output=_place(path)))


def diff(a: AnyProgram, b: AnyProgram, mem: Optional[Iterable[int]] = None, *, debug_info: Optional[Any] = None,
         **options: Any) -> Dict[str, Any]:
    """Where two programs part, on the same memory: what `sheaf diff --json` says.

    Options are the command's, as keywords: diff(a, b, kernel="tree_hash", set={"height": 4}).
    """
    return json.loads(_run("diff", [a, b], mem, debug_info, dict(options, json=True)))


def debug(program: AnyProgram, mem: Optional[Iterable[int]] = None, *, script: Union[str, Sequence[str]],
          debug_info: Optional[Any] = None, **options: Any) -> str:
    """What the debugger says to a script, lines of its commands or a text of them: the transcript of `sheaf debug`.

    Options are the command's, as keywords: debug(program, mem, script=["step 2", "bundle"], pause=True).
    """
    lines = script if isinstance(script, str) else "\n".join(script) + "\n"
    return _run("debug", [program], mem, debug_info, options, lines)
