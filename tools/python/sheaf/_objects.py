"""Programs from Python's own objects: C walks the lists, see sheaf_program_from_python in sim/sheaf.h.

That takes a CPython with its interpreter lock and objects that begin as they do since Python 3; elsewhere
nothing is `there`, and programs go through JSON.
"""
import ctypes
import sys
from typing import Any, Dict, List, Optional, Tuple

from . import _library

_TYPES = (int, float, str, list, tuple, dict)
_CONSTANTS = (None, True, False)
_FUNCTIONS = ("PyLong_AsLongLongAndOverflow", "PyLong_AsUnsignedLongLongMask", "PyFloat_AsDouble",
              "PyUnicode_AsUTF8AndSize", "PyUnicode_GetLength", "PyUnicode_ReadChar", "PyList_Append", "PyDict_Next")
_WORD = ctypes.sizeof(ctypes.c_void_p)
_LIST_ITEMS = object.__basicsize__ + _WORD


class _Python(ctypes.Structure):
    _fields_ = [("objects", ctypes.c_void_p * (len(_TYPES) + len(_CONSTANTS))), ("tuple_items", ctypes.c_size_t),
                ("list_items", ctypes.c_size_t), ("functions", ctypes.c_void_p * len(_FUNCTIONS))]


def _begins_as_expected() -> bool:
    """Whether type, size and items are where C looks for them, in each kind of object it looks at."""
    def word(address: int) -> int:
        return ctypes.c_size_t.from_address(address).value

    probe = (object(), "probe", 1 << 70)
    listed = list(probe)
    things = (probe, listed, 7, 1.5, "", {}, None, True)
    items = (id(probe) + tuple.__basicsize__, word(id(listed) + _LIST_ITEMS))
    return all(word(id(thing) + _WORD) == id(type(thing)) for thing in things) \
        and word(id(probe) + 2 * _WORD) == word(id(listed) + 2 * _WORD) == len(probe) \
        and all(word(at + i * _WORD) == id(part) for at in items for i, part in enumerate(probe))


def _python() -> Optional[_Python]:
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    if sys.implementation.name != "cpython" or not locked or not _begins_as_expected():
        return None
    made = _Python(tuple_items=tuple.__basicsize__, list_items=_LIST_ITEMS)
    made.objects[:] = [id(thing) for thing in _TYPES + _CONSTANTS]
    made.functions[:] = [ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value for name in _FUNCTIONS]
    return made


def _without(python: Optional[_Python], *functions: str) -> Optional[_Python]:
    """The same without these functions."""
    made = python and _Python.from_buffer_copy(python)
    for name in functions if made else ():
        made.functions[_FUNCTIONS.index(name)] = None
    return made


_CAREFUL = _python()
_PYTHON = _without(_CAREFUL, "PyUnicode_GetLength", "PyUnicode_ReadChar")
there = _PYTHON is not None
_held = ctypes.PyDLL(_library.path)  # the same library, called with the interpreter's lock held
_object, _maybe = ctypes.py_object, ctypes.c_void_p
_from_python = _held.sheaf_program_from_python
_from_python.restype = ctypes.c_int
_from_python.argtypes = [ctypes.POINTER(_Python), _object, _maybe, _object, _object,
                         ctypes.POINTER(ctypes.c_bool), ctypes.POINTER(ctypes.c_void_p)]
_is_python = _held.sheaf_program_is_python
_is_python.restype = ctypes.c_bool
_is_python.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Python), _object, _maybe, _object, _object]


class Read:
    """What was read: the program's handle, and what tells whether other objects are the same program."""

    def __init__(self, handle: int, slots: List[Any], keys: List[Any], lasting: bool) -> None:
        self.handle, self.lasting = handle, lasting
        self.slots, self.keys = tuple(slots), tuple(keys)  # C is quicker with these

    def is_of(self, bundles: Any, names: Optional[Dict[Any, Any]]) -> bool:
        """Whether reading these would give the same program, keys of compares and all."""
        try:
            return self.lasting and _is_python(self.handle, _PYTHON, bundles, id(names) if names else None,
                                               self.slots, self.keys)
        except UnicodeEncodeError:
            return False


def read(bundles: Any, names: Optional[Dict[Any, Any]]) -> Optional[Read]:
    """None where they are no program, or hold other objects than Python's plain ones."""
    return _read(bundles, names, _PYTHON) if there else None


def _read(bundles: Any, names: Optional[Dict[Any, Any]], python: Any) -> Optional[Read]:
    handle, lasting = ctypes.c_void_p(), ctypes.c_bool()
    slots: List[Any] = []
    keys: List[Any] = []
    try:
        status = _from_python(python, bundles, id(names) if names else None, slots, keys, lasting, handle)
    except UnicodeEncodeError:  # half a surrogate pair
        return None if python is _CAREFUL else _read(bundles, names, _CAREFUL)
    if status == _library.NO_MEMORY:
        raise MemoryError("out of memory while reading a program")
    return Read(handle.value, slots, keys, lasting.value) if status == _library.OK and handle.value else None
