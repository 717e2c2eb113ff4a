"""The shared library: where it is, its functions and structs, as sim/sheaf.h has them. What the library
can say of itself, engines, operators and the fields of a config, is taken from it.

Looked for in this order: the file that SHEAF_LIBRARY names, libsheaf.so beside this
package, the build folder of the tree it stands in, whatever the system's loader finds.
"""
import ctypes
import errno
import json
import operator
import os
from ctypes import POINTER, byref, c_bool, c_char, c_char_p, c_double, c_int, c_int64, c_size_t
from ctypes import c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Dict, Iterator, Optional

OK, NO_MEMORY, IO, INPUT, LIMIT = range(5)
STOPPED, PAUSED, FAULTED, MORE = range(4)


class ProgramError(ValueError):
    """A program or a configuration that sheaf cannot take; `bundle` says which, if one is to blame."""

    def __init__(self, text: str, bundle: Optional[int] = None) -> None:
        super().__init__(text)
        self.bundle = bundle


class Error(ctypes.Structure):
    _fields_ = [("text", c_char * 1024), ("line", ctypes.c_uint), ("column", ctypes.c_uint)]


class Fault(ctypes.Structure):
    _fields_ = [
        ("kind", c_char_p),
        ("core", c_uint32),
        ("cycle", c_uint64),
        ("pc", c_int64),
        ("engine", c_char_p),
        ("slot", c_uint32),
        ("slot_text", c_char_p),
        ("what", c_char_p),
    ]


class Reg(ctypes.Structure):
    _fields_ = [("block", c_uint32), ("word", c_uint16), ("stride", c_uint8), ("lanes", c_uint8)]


class Range(ctypes.Structure):
    _fields_ = [("first", c_uint32), ("words", c_uint32)]


def _candidates() -> Iterator[str]:
    given = os.environ.get("SHEAF_LIBRARY")
    if given:
        yield given
        return
    package = os.path.dirname(os.path.abspath(__file__))
    tree = os.path.dirname(os.path.dirname(os.path.dirname(package)))
    for folder in (package, os.path.join(tree, "build")):
        path = os.path.join(folder, "libsheaf.so")
        if os.path.exists(path):
            yield path
    yield "libsheaf.so.0"


def _open() -> ctypes.CDLL:
    problems = []
    for path in _candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            problems.append(str(error))
    raise ImportError("libsheaf is not found: run make, or set SHEAF_LIBRARY (%s)" % "; ".join(problems))


_library = _open()
path: str = _library._name


def function(name: str) -> Callable[..., Any]:
    """The library's function sheaf_NAME, with its types."""
    result, *parameters = _FUNCTIONS[name]
    found = getattr(_library, "sheaf_" + name)
    found.restype = result
    found.argtypes = parameters
    return found


def _describe() -> Dict[str, Any]:
    write = _library.sheaf_describe
    write.restype, write.argtypes = c_size_t, (c_char_p, c_size_t)
    text = ctypes.create_string_buffer(write(None, 0) + 1)
    write(text, len(text))
    return json.loads(text.value.decode())


_DESCRIPTION = _describe()
ENGINES = tuple(_DESCRIPTION["engines"])
SIMULATORS = tuple(_DESCRIPTION["simulators"])
OPERATORS = tuple(_DESCRIPTION["operators"])
REFERENCE: Dict[str, int] = _DESCRIPTION["machine"]
LIMITS: Dict[str, int] = _DESCRIPTION["limits"]


def _type_of(field: Dict[str, Any]) -> Any:
    unsigned = {1: c_uint8, 2: c_uint16, 4: c_uint32, 8: c_uint64}
    one = {"bool": c_bool, "pointer": c_void_p, "unsigned": unsigned[field["bytes"]]}[field["type"]]
    return one if field["count"] == 1 else one * field["count"]


class Config(ctypes.Structure):
    _fields_ = [(field["name"], _type_of(field)) for field in _DESCRIPTION["config"]["fields"]]


if [getattr(Config, field["name"]).offset for field in _DESCRIPTION["config"]["fields"]] \
        != [field["at"] for field in _DESCRIPTION["config"]["fields"]] \
        or ctypes.sizeof(Config) != _DESCRIPTION["config"]["size"]:
    raise ImportError("libsheaf's configuration is not laid out as this Python would")


class Report(ctypes.Structure):
    _fields_ = [
        ("cycles", c_uint64),
        ("bound", c_uint64),
        ("slots", c_uint64 * len(ENGINES)),
        ("used", c_double * len(ENGINES)),
    ]


class OptimizeOptions(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("evaluations", c_uint64),
        ("seed", c_uint64),
        ("threads", ctypes.c_uint),
        ("pause", c_bool),
        ("keep_scratch", c_bool),
        ("fold", c_bool),
        ("number", c_bool),
        ("assume", c_bool),
        ("header", c_uint32),
        ("arrays", c_void_p),
        ("n_arrays", c_size_t),
    ]


class OptimizeReport(ctypes.Structure):
    _fields_ = [
        ("bundles_before", c_uint32),
        ("bundles_after", c_uint32),
        ("cycles_before", c_uint64),
        ("cycles_after", c_uint64),
        ("work", c_uint32),
        ("dep", c_uint32),
        ("proved", c_uint32),
        ("assumed", c_uint32),
        ("unknown", c_uint32),
        ("debug_slots", c_uint32),
        ("why", ctypes.c_char * 512),
    ]


_OBJECT, _OUT, _WORDS = c_void_p, POINTER(c_void_p), POINTER(c_size_t)

# Result, then parameters.
_FUNCTIONS: Dict[str, tuple] = {
    "version": (c_char_p,),
    "program_load": (c_int, c_char_p, _OUT, POINTER(Error)),
    "program_parse_json": (c_int, c_char_p, c_size_t, c_char_p, _OUT, POINTER(Error)),
    "program_save": (c_int, _OBJECT, c_char_p, POINTER(Error)),
    "program_json": (c_size_t, _OBJECT, c_char_p, c_size_t),
    "program_bundles": (c_size_t, _OBJECT),
    "program_text": (c_char_p, _OBJECT, c_size_t),
    "program_destroy": (None, _OBJECT),
    "config_init": (None, POINTER(Config), c_size_t),
    "machine_create": (c_int, _OBJECT, POINTER(Config), c_void_p, c_size_t, _OUT, POINTER(Error)),
    "machine_reset": (None, _OBJECT, c_void_p),
    "machine_change": (c_int, _OBJECT, POINTER(Config), POINTER(Error)),
    "machine_program": (c_int, _OBJECT, _OBJECT, POINTER(Config), POINTER(Error)),
    "machine_expect": (c_int, _OBJECT, c_void_p, c_char_p, c_size_t),
    "machine_copy": (c_int, _OBJECT, _OUT, POINTER(Error)),
    "machine_destroy": (None, _OBJECT),
    "step": (c_int, _OBJECT, c_uint64),
    "run_some": (c_int, _OBJECT),
    "cycle": (c_uint64, _OBJECT),
    "double_writes": (c_uint64, _OBJECT),
    "memory": (c_void_p, _OBJECT, _WORDS),
    "scratch": (c_void_p, _OBJECT, c_uint32, _WORDS),
    "pc": (c_int64, _OBJECT, c_uint32),
    "core_state": (c_int, _OBJECT, c_uint32),
    "trace": (c_void_p, _OBJECT, c_uint32, _WORDS),
    "fault": (c_bool, _OBJECT, POINTER(Fault)),
    "fault_text": (c_size_t, _OBJECT, c_char_p, c_size_t),
    "kernel_create": (_OBJECT, POINTER(Config)),
    "kernel_destroy": (None, _OBJECT),
    "kernel_error": (c_char_p, _OBJECT),
    "vlen": (c_uint32, _OBJECT),
    "stage": (None, _OBJECT, c_char_p),
    "const": (Reg, _OBJECT, c_uint32),
    "vconst": (Reg, _OBJECT, c_uint32),
    "var": (Reg, _OBJECT, c_char_p, Reg),
    "set": (None, _OBJECT, Reg, Reg),
    "lane": (Reg, _OBJECT, Reg, c_uint32),
    "broadcast": (Reg, _OBJECT, Reg),
    "binary": (Reg, _OBJECT, c_int, Reg, Reg),
    "multiply_add": (Reg, _OBJECT, Reg, Reg, Reg),
    "select": (Reg, _OBJECT, Reg, Reg, Reg),
    "load_in": (Reg, _OBJECT, Reg, Range),
    "vload_in": (Reg, _OBJECT, Reg, Range),
    "gather_in": (Reg, _OBJECT, Reg, Range),
    "store_in": (None, _OBJECT, Reg, Reg, Range),
    "for": (Reg, _OBJECT, c_uint32, c_uint32, c_uint32),
    "for_regs": (Reg, _OBJECT, Reg, Reg, c_uint32),
    "end_for": (None, _OBJECT),
    "do": (None, _OBJECT),
    "while": (None, _OBJECT, Reg),
    "if": (None, _OBJECT, Reg),
    "else": (None, _OBJECT),
    "end_if": (None, _OBJECT),
    "kernel_build": (c_int, _OBJECT, _OUT, POINTER(Error)),
    "kernel_run": (c_int, _OBJECT, c_void_p, c_size_t, POINTER(Report), POINTER(Error)),
    "optimize_init": (None, POINTER(OptimizeOptions), c_size_t),
    "optimize": (c_int, _OBJECT, c_void_p, c_size_t, c_uint32, POINTER(OptimizeOptions), _OUT,
                 POINTER(OptimizeReport), POINTER(Error)),
    "report_text": (c_size_t, POINTER(Report), c_char_p, c_size_t),
}


WORD = 2**32 - 1


def within(name: str, number: Any, low: int, high: int, error: Callable[[str], Exception] = ProgramError) -> int:
    """The number, which C would cut off where it does not fit."""
    value = operator.index(number)
    if not low <= value <= high:
        raise error("%s is %d, expected %d to %d" % (name, value, low, high))
    return value


def text(name: str, value: Any) -> bytes:
    """A text for C, which would end it at a NUL."""
    if not isinstance(value, str):
        raise TypeError("%s: expected a text, found %r" % (name, value))
    if "\0" in value:
        raise ValueError("%s: a text with a NUL in it" % name)
    return value.encode()


def file_name(path: Any) -> bytes:
    """The name of a file, as the system has it: of a text, bytes or anything with a path."""
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError("a file name with a NUL in it")
    return name


def no_file(name: Any) -> FileNotFoundError:
    """That there is no such file, or no folder for it."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fsdecode(name))


def config(simulator: str = "fast", *, cycle_limit: Optional[int] = None, slots: Optional[Dict[str, int]] = None,
           **fields: Any) -> Config:
    """The default configuration with these changes; None is none."""
    made = Config()
    function("config_init")(byref(made), ctypes.sizeof(made))
    if simulator not in SIMULATORS:
        raise ProgramError("config: there is no simulator %r, only %s" % (simulator, ", ".join(SIMULATORS)))
    made.simulator = SIMULATORS.index(simulator)
    if cycle_limit is not None:
        made.cycle_limit = within("config: cycle_limit", cycle_limit, 0, 2**64 - 1)
    for name, limit in (slots or {}).items():
        if name not in ENGINES:
            raise ProgramError("config: there is no engine %r, only %s" % (name, ", ".join(ENGINES)))
        made.slots[ENGINES.index(name)] = within("config: slots of " + name, limit, 1, LIMITS["slots"])
    for name, value in fields.items():
        if value is not None:
            most = LIMITS.get(name, WORD)
            setattr(made, name, value if isinstance(value, bool) else within("config: " + name, value, 1, most))
    return made


def check(status: int, error: Error) -> None:
    """Raises what a status other than OK stands for."""
    if status == OK:
        return
    text = error.text.decode("utf-8", "replace")
    if status == NO_MEMORY:
        raise MemoryError(text)
    if status == IO:
        raise OSError(text)
    raise ProgramError(text, error.line - 1 if error.line else None)


def text_of(name: str, *arguments: Any) -> str:
    """What a function that writes text like snprintf has to say."""
    write = function(name)
    size = write(*arguments, None, 0) + 1
    text = ctypes.create_string_buffer(size)
    write(*arguments, text, size)
    return text.value.decode("utf-8", "replace")
