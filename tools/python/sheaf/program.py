"""Programs: bundles as Python has them, and what the library makes of them."""
import array
import contextlib
import ctypes
import functools
import json
import operator
import os
import re
import threading
from collections.abc import Mapping as AnyMapping
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _library, _objects

ProgramError = _library.ProgramError
Bundle = Dict[str, List[Sequence[Any]]]
# What is taken for one: also with the reference's own, narrower annotations.
AnyBundle = Mapping[Any, Sequence[Sequence[Any]]]

_program_text = _library.function("program_text")
_destroy_machine = _library.function("machine_destroy")
_destroy_program = _library.function("program_destroy")

# --- keys ---------------------------------------------------------------------------

_UNKNOWN, _WORD, _OTHER = range(3)
_MISSING = object()


def hashable(key: Any) -> Any:
    """A key as value_trace has it: what are lists in JSON are tuples."""
    return tuple(hashable(part) for part in key) if isinstance(key, (list, tuple)) else key


def _found(key: Any, look: Callable[[Any], Any]) -> Any:
    """What is expected for a key; nothing for what is no key at all, a comment say."""
    try:
        return look(key)
    except (KeyError, TypeError):
        return _MISSING


def _expectation(value: Any) -> Tuple[int, int]:
    """Kind and word of an expected value, which may be anything."""
    if value is _MISSING:
        return _UNKNOWN, 0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        word = operator.index(value)
    except TypeError:
        return _OTHER, 0
    return (_WORD, word) if 0 <= word <= _library.WORD else (_OTHER, 0)


class Expected:
    """What compares expect, for the library: a word for each key, and of what kind it is."""

    def __init__(self, keys: Sequence[Any], value_trace: Any) -> None:
        self.kinds: Optional[bytes] = None
        look = value_trace.get if type(value_trace) is dict else None
        try:
            values = [look(key, _MISSING) for key in keys] if look else [value_trace[key] for key in keys]
            self.words = array.array("I", values)
        except (KeyError, TypeError, OverflowError):
            pairs = [_expectation(_found(key, value_trace.__getitem__)) for key in keys]
            self.words = array.array("I", [word for _, word in pairs])
            self.kinds = bytes(kind for kind, _ in pairs)

    def arguments(self) -> Tuple[int, Optional[bytes], int]:
        """For sheaf_machine_expect; good as long as this object is there."""
        return self.words.buffer_info()[0], self.kinds, len(self.words)


# --- what the library has ---------------------------------------------------------------

_OBJECT = re.compile(r'"<object (\d+)>"')
_VALUE = re.compile(r'"<value (\d+)>"')


class Converted:
    """A program of the library, the keys in it, and machines that nobody uses any more."""

    IDLE, IDLE_WORDS = 2, 1 << 20  # how many of those, and the largest memory they may keep

    def __init__(self, handle: Optional[int], read: Optional[_objects.Read] = None) -> None:
        self.handle = handle
        self.read = read
        self.bundles: int = _library.function("program_bundles")(handle)
        self._keys: Optional[Sequence[Any]] = read.keys if read else None
        self._idle: List[Tuple[tuple, int]] = []
        self._lock = threading.Lock()
        self._own_machine: Optional[bool] = False if read else None

    @classmethod
    def by(cls, function: str, *arguments: Any) -> "Converted":
        """What a function of the library reads."""
        handle, error = ctypes.c_void_p(), _library.Error()
        _library.check(_library.function(function)(*arguments, handle, error), error)
        return cls(handle.value)

    @classmethod
    def from_text(cls, text: str) -> "Converted":
        data = text.encode()
        return cls.by("program_parse_json", data, len(data), b"program")

    def __copy__(self) -> "Converted":
        return self  # a program never changes

    def __deepcopy__(self, memo: Any) -> "Converted":
        return self

    def __reduce__(self) -> Any:
        raise TypeError("a converted program cannot be pickled: pickle the Program")

    def __del__(self) -> None:
        handle, self.handle = getattr(self, "handle", None), None
        if handle:
            for _, machine in self._idle:
                _destroy_machine(machine)
            _destroy_program(handle)

    def is_of(self, bundles: Any, names: Optional[Dict[Any, Any]]) -> bool:
        """Whether these bundles and names are this very program."""
        return self.read is not None and len(bundles) == self.bundles and self.read.is_of(bundles, names)

    def json(self) -> str:
        """Where it has keys that JSON has not, "<object N>" stands for key N."""
        return _library.text_of("program_json", self.handle)

    def own_machine(self) -> bool:
        """Whether it says on which machine it is to run, and that is another one than the reference's."""
        if self._own_machine is None:
            text = self.json()
            told = json.loads(text) if text.startswith("{") else {}
            machine = dict(told.get("machine", {}))
            machine.update(machine.pop("slots", {}))
            machine.update(("%s latency" % name, cycles) for name, cycles in machine.pop("latency", {}).items()
                           if cycles != 1)
            self._own_machine = any(_library.REFERENCE.get(name) != value for name, value in machine.items())
        return self._own_machine

    @property
    def keys(self) -> Sequence[Any]:
        """The object of each text of the program: keys of compares, and comments."""
        if self._keys is None:
            texts: List[Any] = []
            text = _program_text(self.handle, 0)
            while text is not None:
                texts.append(json.loads(text))
                text = _program_text(self.handle, len(texts))
            self._keys = texts
        return self._keys

    @keys.setter
    def keys(self, keys: Sequence[Any]) -> None:
        self._keys = keys

    def expected(self, value_trace: Any) -> Optional[Expected]:
        """What the program's compares find in value_trace."""
        keys = self.keys
        if not (self.read and self.read.lasting):
            keys = [hashable(key) for key in keys]
        return Expected(keys, value_trace) if keys else None

    def json_with_keys(self) -> str:
        """The same where keys that JSON has not are texts that say what they are."""
        return _OBJECT.sub(lambda found: json.dumps(repr(self.keys[int(found[1])])), self.json())

    def message(self, text: str, values: Any) -> str:
        """The text of a fault with the keys themselves in it, and with the values that no word equals."""
        text = _OBJECT.sub(lambda found: repr(self.keys[int(found[1])]), text)
        return _VALUE.sub(lambda found: repr(_found(hashable(self.keys[int(found[1])]), values.__getitem__)), text)

    def take(self, kind: tuple) -> Optional[int]:
        """An idle machine of this kind, in some state."""
        with self._lock:
            for i, (of, machine) in enumerate(self._idle):
                if of == kind:
                    del self._idle[i]
                    return machine
        return None

    def give_back(self, kind: tuple, words: int, machine: int) -> None:
        # Garbage that refers to itself is finalised in any order: the program may be gone.
        if not self.handle or words > self.IDLE_WORDS or len(self._idle) == self.IDLE:
            _destroy_machine(machine)
        else:
            self._idle.append((kind, machine))


# --- from Python's objects ---------------------------------------------------------------


def _plain(number: Any) -> int:
    """A number of another package as Python's own."""
    try:
        return operator.index(number)
    except TypeError:
        raise ProgramError("program: %r is neither a number, a text, a list nor a dict" % (number,)) from None


def _plain_operand(operand: Any) -> Any:
    if isinstance(operand, str):
        return str.__str__(operand)
    if type(operand) in (int, bool) or not hasattr(operand, "__index__"):
        return operand
    return operator.index(operand)


def _plain_slot(slot: Any, key: Callable[[Any], Any]) -> Any:
    """The slot with its operands as Python's own numbers and texts; its keys as `key` has them."""
    if not isinstance(slot, (list, tuple)) or not slot:
        return slot
    name, *operands = slot
    name = _plain_operand(name)
    if name == "compare" and len(operands) == 2:
        return [name, _plain_operand(operands[0]), key(operands[1])]
    if name == "vcompare" and len(operands) == 2 and isinstance(operands[1], (list, tuple)):
        return [name, _plain_operand(operands[0]), [key(one) for one in operands[1]]]
    return [name] + [_plain_operand(operand) for operand in operands]


def _plain_bundle(bundle: Any, key: Callable[[Any], Any]) -> Any:
    if not isinstance(bundle, AnyMapping):
        return bundle
    return {_plain_operand(engine): [_plain_slot(slot, key) for slot in slots] if isinstance(slots, (list, tuple))
            else slots for engine, slots in bundle.items()}


def _plain_bundles(bundles: Iterable[Any], key: Callable[[Any], Any] = lambda key: key) -> List[Any]:
    """The same in lists, dicts, numbers and texts of Python's own types, as far as that goes."""
    return [_plain_bundle(bundle, key) for bundle in bundles]


def _plain_names(names: Dict[Any, Any]) -> Dict[Any, Tuple[Any, ...]]:
    return {_plain_operand(at): tuple(map(_plain_operand, name)) if isinstance(name, (list, tuple)) else ()
            for at, name in names.items()}


def _in_json(key: Any) -> Any:
    """A key where only its place counts."""
    try:
        json.dumps(key)
    except (TypeError, ValueError, RecursionError):
        return "<object>"
    return key


def _shown(names: Dict[Any, Any]) -> Dict[str, List[Any]]:
    """The names that messages can show, as JSON has them."""
    return {str(int(at)): list(name) for at, name in _plain_names(names).items()
            if isinstance(at, int) and at >= 0 and len(name) == 2 and isinstance(name[0], str)
            and isinstance(name[1], int) and name[1] >= 0}


def text_of(bundles: Any, names: Optional[Dict[Any, Any]]) -> str:
    """As JSON, a bundle a line: so that the lines of complaints are bundles."""
    def lines(bundles: Any) -> str:
        if not isinstance(bundles, (list, tuple)):
            return dump(bundles)
        return "[" + ",\n".join(map(dump, _plain_bundles(bundles, _in_json) if _objects.there else bundles)) + "]"

    dump = functools.partial(json.dumps, default=_plain)
    try:
        if isinstance(bundles, dict):
            parts = [(json.dumps(str(key)), lines(part) if key == "program" else dump(part))
                     for key, part in bundles.items()]
            return "{" + ",".join("%s:%s" % pair for pair in parts) + "}"
        if names:
            return '{"scratch_map":%s,"program":%s}' % (dump(_shown(names)), lines(bundles))
        return lines(bundles)
    except (TypeError, ValueError, RecursionError) as problem:
        if isinstance(problem, ProgramError):
            raise
        raise ProgramError("program: %s" % problem) from None


class _Recent:
    """The programs that were made last: lists are often made anew and are the same."""

    MOST, SLOTS = 8, 1 << 20

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._list: List[Converted] = []

    def find(self, bundles: Any, names: Optional[Dict[Any, Any]]) -> Optional[Converted]:
        with self._lock:
            known = list(self._list)
        for one in known:
            if one.is_of(bundles, names):
                self._first(one)
                return one
        return None

    def add(self, one: Converted) -> None:
        if one.read and one.read.lasting and len(one.read.slots) <= self.SLOTS:
            self._first(one)

    def _first(self, one: Converted) -> None:
        with self._lock:
            self._list = [one] + [other for other in self._list if other is not one][:self.MOST - 1]

    def clear(self) -> None:
        with self._lock:
            self._list = []


recent = _Recent()


def _read(bundles: Any, names: Optional[Dict[Any, Any]]) -> Optional[Converted]:
    """What has been read before, or can be read from the objects."""
    known = recent.find(bundles, names)
    if known:
        return known
    read = _objects.read(bundles, names)
    if read is None:
        return None
    made = Converted(read.handle, read)
    recent.add(made)
    return made


def convert(bundles: Any, names: Optional[Dict[Any, Any]] = None) -> Converted:
    """Objects are read as they are, or with Python's own types in place of others; JSON says what is wrong."""
    if isinstance(bundles, (list, tuple)) and _objects.there:
        plain = type(bundles) in (list, tuple)
        made = _read(bundles, names) if plain else None
        if made is None:
            with contextlib.suppress(TypeError, RecursionError):
                made = _read(_plain_bundles(bundles), names and _plain_names(names))
        if made is not None:
            return made
    return Converted.from_text(text_of(bundles, names))


def names_of(debug_info: Optional[Any]) -> Dict[int, Tuple[str, int]]:
    """Its names of scratch: address -> (name, words)."""
    names = getattr(debug_info, "scratch_map", None) or {}
    return names if type(names) is dict else dict(names)


class Program:
    """Bundles converted for the library, once, for any number of machines.

    `Program(bundles)` takes a list of dicts from engine to a list of slots (lists or tuples), and with
    `debug_info` the names that messages and reports show; `Program.load(path)` a file of JSON or assembly.
    ProgramError when it is not a program.
    """

    def __init__(self, bundles: Union[Sequence[AnyBundle], Dict[str, Any]], debug_info: Optional[Any] = None) -> None:
        if isinstance(bundles, Program):
            bundles = bundles.bundles
        self._converted = convert(bundles, names_of(debug_info) if isinstance(bundles, (list, tuple)) else None)

    @classmethod
    def _of(cls, converted: Converted) -> "Program":
        program = cls.__new__(cls)
        program._converted = converted
        return program

    @property
    def _handle(self) -> Optional[int]:
        return self._converted.handle

    @classmethod
    def load(cls, path: Any) -> "Program":
        """Reads a file: assembly if its name ends in .s, else JSON."""
        name = _library.file_name(path)
        if name != b"-" and not os.path.exists(name):
            raise _library.no_file(name)
        return cls._of(Converted.by("program_load", name))

    @classmethod
    def _from_json(cls, text: str, keys: Optional[Sequence[Any]] = None) -> "Program":
        program = cls._of(Converted.from_text(text))
        if keys is not None:
            program._converted.keys = keys
        return program

    def named(self, debug_info: Optional[Any]) -> "Program":
        """The same program with these names in place of its own."""
        read = json.loads(self._converted.json())
        parts = dict(read) if isinstance(read, dict) else {"program": read}
        parts["scratch_map"] = _shown(names_of(debug_info))
        return Program._from_json(json.dumps(parts), self._converted.keys)

    def __reduce__(self) -> Any:
        return Program._from_json, (self._converted.json(), self._converted.keys)

    def __copy__(self) -> "Program":
        return self

    def __deepcopy__(self, memo: Any) -> "Program":
        return self

    def save(self, path: Any) -> None:
        """Writes a file, as assembly if its name ends in .s, else as JSON. Keys that JSON has not are texts there."""
        name = _library.file_name(path)
        if not os.path.isdir(os.path.dirname(name) or b"."):
            raise _library.no_file(name)
        converted, text = self._converted, self._converted.json()
        if _OBJECT.search(text):
            converted = Converted.from_text(converted.json_with_keys())
        error = _library.Error()
        _library.check(_library.function("program_save")(converted.handle, name, error), error)

    @property
    def bundles(self) -> List[Bundle]:
        """The program as a list of dicts of lists."""
        text = self._converted.json()
        read = json.loads(text)
        bundles = read["program"] if isinstance(read, dict) else read
        return self._with_objects(bundles) if _OBJECT.search(text) else bundles

    def _with_objects(self, value: Any) -> Any:
        """With the keys in it that JSON has not."""
        if isinstance(value, list):
            return [self._with_objects(part) for part in value]
        if isinstance(value, dict):
            return {name: self._with_objects(part) for name, part in value.items()}
        found = _OBJECT.fullmatch('"%s"' % value) if isinstance(value, str) else None
        return self._converted.keys[int(found[1])] if found else value

    def __len__(self) -> int:
        return self._converted.bundles
