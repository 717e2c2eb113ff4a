"""What the command `sheaf` does with a program: profile, judge, trace.

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
from .machine import Bundle, Program, _buffer, _plain

# A list of bundles, a Program, or what the command takes: a file, or KERNEL[:VARIANT].
AnyProgram = Union[str, Program, Sequence[Bundle]]

_FINE, _FAILED, _USAGE, _FAULTED = range(4)


def _command() -> str:
    folder = os.path.dirname(_library.path)
    found = os.environ.get("SHEAF_COMMAND") or (shutil.which("sheaf", path=folder) if folder else None)
    found = found or shutil.which("sheaf")
    if found:
        return found
    raise FileNotFoundError("the command sheaf is not found: run make, or set SHEAF_COMMAND")


@contextlib.contextmanager
def _files(program: AnyProgram, mem: Optional[Iterable[int]]) -> Iterator[List[str]]:
    """The command's arguments for a program and a memory, with the files they name."""
    with tempfile.TemporaryDirectory(prefix="sheaf.") as folder:
        if isinstance(program, (str, bytes, os.PathLike)):
            name = os.fsdecode(_library.file_name(program))
            arguments = [os.path.join(".", name) if name.startswith("-") and name != "-" else name]
        else:
            arguments = [os.path.join(folder, "program.json")]
            if isinstance(program, Program):
                program.save(arguments[0])
            else:
                with open(arguments[0], "w", encoding="ascii") as file:
                    file.write(json.dumps(program, default=_plain))
        if mem is not None:
            arguments += ["--mem", os.path.join(folder, "mem.bin")]
            words = _buffer(mem)
            if sys.byteorder == "big":
                words.byteswap()
            with open(arguments[-1], "wb") as file:
                words.tofile(file)
        yield arguments


def _run(name: str, program: AnyProgram, mem: Optional[Iterable[int]], options: Dict[str, Any]) -> str:
    """Runs the command; options as keywords: `cycle_limit=5` is --cycle-limit 5, None is left out."""
    arguments = []
    for key, value in options.items():
        if value is not None and value is not False:
            arguments.append("--" + key.replace("_", "-"))
            if isinstance(value, dict):
                arguments.append(",".join("%s=%s" % pair for pair in value.items()))
            elif value is not True:
                arguments.append(str(value))
    with _files(program, mem) as files:
        done = subprocess.run([_command(), name] + files + arguments, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode == _FAULTED:
        raise faults.Fault(said)
    if done.returncode not in (_FINE, _FAILED):
        raise _library.ProgramError(said or "sheaf %s: exit status %d" % (name, done.returncode))
    return done.stdout.decode("utf-8")


def profile(program: AnyProgram, mem: Optional[Iterable[int]] = None, **options: Any) -> Dict[str, Any]:
    """Where every cycle and slot of a run went, and why: what `sheaf profile --json` says.

    Options are the command's, as keywords: profile(program, mem, cores=2), profile("tree_hash:best", by="stage").
    """
    return json.loads(_run("profile", program, mem, dict(options, json=True)))


def judge(program: AnyProgram, kernel: str = "tree_hash", **options: Any) -> Dict[str, Any]:
    """The verdict on a program for a kernel, on fresh inputs: what `sheaf judge --json` says.

    Options are the command's, as keywords: judge(program, inputs=100, contract="values", seed=1,
    set={"height": 10}).
    """
    return json.loads(_run("judge", program, None, dict(options, kernel=kernel, json=True)))


def trace(path: str, program: AnyProgram, mem: Optional[Iterable[int]] = None, **options: Any) -> None:
    """Writes what every slot of a run does, cycle by cycle, in the format that the file's name asks for.

    Options are the command's, as keywords: trace("run.json", program, mem, cycles="0:100").
    """
    _run("trace", program, mem, dict(options, output=os.fsdecode(_library.file_name(path))))
