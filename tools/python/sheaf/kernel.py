"""Kernels written as operators on values, built into packed bundles by the library's builder.

The sum of the words 0 to 63 into word 64:

    k = Kernel()
    total = k.var(0, "total")
    with k.range(0, 64) as i:
        total += k.load(i)
    k.store(64, total)
    bundles = k.build()

What is written means what it would mean executed one after the other. How operations overlap, which
engine does them and where values live is the builder's business.
"""
import contextlib
import ctypes
import operator
import threading
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from . import _library
from .machine import _buffer
from .program import Bundle, Program

OPERATORS: Tuple[str, ...] = _library.OPERATORS
_CODES = {name: code for code, name in enumerate(OPERATORS)}
_ANYWHERE = _library.Range(0, 0xFFFFFFFF)

_error = _library.function("kernel_error")
_binary = _library.function("binary")
_set = _library.function("set")
_destroy = _library.function("kernel_destroy")

Operand = Union["Value", int]


class KernelError(ValueError):
    """A call that means nothing, or a kernel that cannot be built."""


@dataclass(frozen=True)
class Report:
    """What a run cost."""

    cycles: int
    bound: int  # its blocks, executed as often, take no fewer cycles
    slots: Dict[str, int]  # executed, by engine
    used: Dict[str, float]  # of the slots there were: 0 to 1
    text: str  # all this for people

    def __str__(self) -> str:
        return self.text


def _lane_number(lane: Any) -> int:
    try:
        return operator.index(lane)
    except TypeError:
        what = "a slice of a vector is no value" if isinstance(lane, slice) else "a lane is not %r" % (lane,)
        raise TypeError(what + ": v[i] is lane i, and there are len(v) of them") from None


class Value:
    """A word, or a vector of them, that exists when the kernel runs.

    + - * // % ^ & | << >> work on unsigned words modulo 2^32, lane by lane; < > <= >= == != give 0 or 1.
    The other operand may be a number or a scalar, which then stands for itself in every lane. The product
    of vectors and a sum with it are one multiply_add.

    `v[i]` is one lane of a vector, a scalar, and can be assigned: `v[i] = x`.

    Values stay what they are: `v ^= x` makes the name `v` mean a new one. See Variable for what changes.
    """

    __slots__ = ("_kernel", "_reg", "_factors")
    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None  # numbers of numpy leave their operators to this class

    def __init__(self, kernel: "Kernel", reg: _library.Reg) -> None:
        self._kernel = kernel
        self._reg = reg
        # Of a product: its operands, and the kernel's state in which they have the values that were meant.
        self._factors: Optional[Tuple[Operand, Operand, int]] = None

    @property
    def lanes(self) -> int:
        """1 for a scalar."""
        return self._reg.lanes

    def __len__(self) -> int:
        return self._reg.lanes

    def __getitem__(self, lane: int) -> "Variable":
        number, lanes = _lane_number(lane), self._reg.lanes
        if not -lanes <= number < lanes:
            raise IndexError("lane %d of %d" % (number, lanes))
        return Variable(self._kernel, self._kernel._call("lane", self._reg, number % lanes))

    def __copy__(self) -> "Value":
        raise TypeError("a value belongs to its kernel: Kernel.var makes a register of its own")

    def __deepcopy__(self, memo: Any) -> "Value":
        raise TypeError("a value belongs to its kernel: Kernel.var makes a register of its own")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("a value cannot be pickled")

    def __setitem__(self, lane: int, value: Operand) -> None:
        self[lane].set(value)

    def __bool__(self) -> bool:
        raise TypeError("a value is known only when the kernel runs: use Kernel.select or Kernel.when")

    def __add__(self, other: Operand) -> "Value":
        return self._kernel._sum(self, other)

    def __sub__(self, other: Operand) -> "Value":
        return self._kernel._binary("-", self, other)

    def __mul__(self, other: Operand) -> "Value":
        return self._kernel._product(self, other)

    def __floordiv__(self, other: Operand) -> "Value":
        return self._kernel._binary("//", self, other)

    def __mod__(self, other: Operand) -> "Value":
        return self._kernel._binary("%", self, other)

    def __xor__(self, other: Operand) -> "Value":
        return self._kernel._binary("^", self, other)

    def __and__(self, other: Operand) -> "Value":
        return self._kernel._binary("&", self, other)

    def __or__(self, other: Operand) -> "Value":
        return self._kernel._binary("|", self, other)

    def __lshift__(self, other: Operand) -> "Value":
        return self._kernel._binary("<<", self, other)

    def __rshift__(self, other: Operand) -> "Value":
        return self._kernel._binary(">>", self, other)

    def __radd__(self, other: int) -> "Value":
        return self._kernel._sum(other, self)

    def __rsub__(self, other: int) -> "Value":
        return self._kernel._binary("-", other, self)

    def __rmul__(self, other: int) -> "Value":
        return self._kernel._product(other, self)

    def __rfloordiv__(self, other: int) -> "Value":
        return self._kernel._binary("//", other, self)

    def __rmod__(self, other: int) -> "Value":
        return self._kernel._binary("%", other, self)

    def __rxor__(self, other: int) -> "Value":
        return self._kernel._binary("^", other, self)

    def __rand__(self, other: int) -> "Value":
        return self._kernel._binary("&", other, self)

    def __ror__(self, other: int) -> "Value":
        return self._kernel._binary("|", other, self)

    def __rlshift__(self, other: int) -> "Value":
        return self._kernel._binary("<<", other, self)

    def __rrshift__(self, other: int) -> "Value":
        return self._kernel._binary(">>", other, self)

    def __neg__(self) -> "Value":
        return 0 - self

    def __invert__(self) -> "Value":
        return self ^ 0xFFFFFFFF

    def __lt__(self, other: Operand) -> "Value":
        return self._kernel._binary("<", self, other)

    def __gt__(self, other: Operand) -> "Value":
        return self._kernel._binary("<", other, self)

    def __le__(self, other: Operand) -> "Value":
        return (self > other) ^ 1

    def __ge__(self, other: Operand) -> "Value":
        return (self < other) ^ 1

    def __eq__(self, other: object) -> "Value":  # type: ignore[override]
        return self._kernel._binary("==", self, other)  # type: ignore[arg-type]

    def __ne__(self, other: object) -> "Value":  # type: ignore[override]
        return (self == other) ^ 1


class Variable(Value):
    """A register of its own: `v ^= x` and the like, and `v.set(x)`, change it, in loops too.

    Another name for it is no other register: `Kernel.var(v)` makes a copy.
    """

    __slots__ = ()

    def set(self, value: Operand) -> "Variable":
        """Has this value from here on."""
        kernel = self._kernel
        reg = kernel._reg(value)
        with kernel._lock:
            _set(kernel._handle, self._reg, reg)
            kernel._changed()
        return self

    def __iadd__(self, other: Operand) -> "Variable":
        return self.set(self + other)

    def __isub__(self, other: Operand) -> "Variable":
        return self.set(self - other)

    def __imul__(self, other: Operand) -> "Variable":
        return self.set(self * other)

    def __ifloordiv__(self, other: Operand) -> "Variable":
        return self.set(self // other)

    def __imod__(self, other: Operand) -> "Variable":
        return self.set(self % other)

    def __ixor__(self, other: Operand) -> "Variable":
        return self.set(self ^ other)

    def __iand__(self, other: Operand) -> "Variable":
        return self.set(self & other)

    def __ior__(self, other: Operand) -> "Variable":
        return self.set(self | other)

    def __ilshift__(self, other: Operand) -> "Variable":
        return self.set(self << other)

    def __irshift__(self, other: Operand) -> "Variable":
        return self.set(self >> other)


class Loop:
    """A body that is repeated; see Kernel.loop."""

    def __init__(self) -> None:
        self._again: Optional[Operand] = None

    def again(self, cond: Operand) -> None:
        """Repeat while `cond` is not 0; to be said once, at the end of the body."""
        self._again = cond


class Branch:
    """A part that is executed on a condition; see Kernel.when."""

    def __init__(self, kernel: "Kernel") -> None:
        self._kernel = kernel

    def otherwise(self) -> None:
        """What follows is executed if the condition did not hold."""
        self._kernel._do("else")


class Kernel:
    """A kernel for the reference machine, or for one with other slots (a dict by engine), vlen, scratch or cores.

    A wrong call raises KernelError at once.
    """

    def __init__(self, *, slots: Optional[Dict[str, int]] = None, vlen: Optional[int] = None,
                 scratch: Optional[int] = None, cores: Optional[int] = None) -> None:
        try:
            config = _library.config(slots=slots, vlen=vlen, scratch=scratch, cores=cores)
        except _library.ProgramError as problem:
            raise KernelError(str(problem)) from None
        self._lock = threading.RLock()  # C runs without the interpreter's
        self._handle = _library.function("kernel_create")(config)
        self._state = 0  # counts assignments, and the edges of what is executed otherwise than once
        self._program: Optional[Program] = None
        self._check()
        self.vlen: int = _library.function("vlen")(self._handle)

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            _destroy(handle)

    def __copy__(self) -> "Kernel":
        raise TypeError("a kernel cannot be copied: copy its program")

    def __deepcopy__(self, memo: Any) -> "Kernel":
        raise TypeError("a kernel cannot be copied: copy its program")

    def __reduce__(self) -> Any:
        raise TypeError("a kernel cannot be pickled: pickle its program")

    # What is called, and what comes of it.

    def _check(self) -> None:
        error = _error(self._handle)
        if error is not None:
            raise KernelError(error.decode("utf-8", "replace"))

    def _call(self, name: str, *arguments: Any) -> _library.Reg:
        with self._lock:
            reg = _library.function(name)(self._handle, *arguments)
            self._check()
        return reg

    def _changed(self) -> None:
        self._state += 1
        self._check()

    def _do(self, name: str, *arguments: Any) -> Any:
        with self._lock:
            done = _library.function(name)(self._handle, *arguments)
            self._changed()
        return done

    def _reg(self, operand: Operand) -> _library.Reg:
        if isinstance(operand, Value):
            if operand._kernel is not self:
                raise KernelError("a value of another kernel")
            return operand._reg
        try:
            number = operator.index(operand)
        except TypeError:
            raise TypeError("expected a value or a whole number, found %r" % (operand,)) from None
        return self._call("const", number & 0xFFFFFFFF)

    def _binary(self, sign: str, a: Operand, b: Operand) -> Value:
        with self._lock:
            reg = _binary(self._handle, _CODES[sign], self._reg(a), self._reg(b))
            self._check()
        return Value(self, reg)

    def _product(self, a: Operand, b: Operand) -> Value:
        product = self._binary("*", a, b)
        product._factors = a, b, self._state
        return product

    def _sum(self, a: Operand, b: Operand) -> Value:
        for product, other in ((a, b), (b, a)):
            # The product itself is left out of the program unless something else reads it.
            if isinstance(product, Value) and product.lanes > 1 and product._factors:
                x, y, state = product._factors
                if state == self._state:
                    return self.multiply_add(x, y, other)
        return self._binary("+", a, b)

    # Values.

    def const(self, number: int) -> Value:
        """A number. Numbers beside values need not be wrapped; constants cost nothing in a loop."""
        return Value(self, self._reg(number))

    def vconst(self, number: int) -> Value:
        """The same in every lane."""
        return Value(self, self._call("vconst", operator.index(number) & 0xFFFFFFFF))

    def var(self, value: Operand, name: Optional[str] = None) -> Variable:
        """A register of its own that starts as a copy of `value`."""
        return Variable(self, self._call("var", None if name is None else _library.text("name", name), self._reg(value)))

    def broadcast(self, scalar: Operand) -> Value:
        """A vector with the scalar in every lane."""
        return Value(self, self._call("broadcast", self._reg(scalar)))

    def multiply_add(self, a: Operand, b: Operand, c: Operand) -> Value:
        """a * b + c, as vectors."""
        return Value(self, self._call("multiply_add", self._reg(a), self._reg(b), self._reg(c)))

    def binary(self, operator: str, a: Operand, b: Operand) -> Value:
        """Any operator of the machine by its name, one of OPERATORS, lane by lane."""
        if operator not in _CODES:
            raise KernelError("there is no operator %r, only %s" % (operator, ", ".join(OPERATORS)))
        return self._binary(operator, a, b)

    def cdiv(self, a: Operand, b: Operand) -> Value:
        """The quotient, rounded up."""
        return self._binary("cdiv", a, b)

    def select(self, cond: Operand, a: Operand, b: Operand) -> Value:
        """a where cond is not 0, else b."""
        return Value(self, self._call("select", self._reg(cond), self._reg(a), self._reg(b)))

    # Memory. `within` = (first, words) promises that the access touches no other words: accesses whose
    # ranges do not meet may overtake each other. A broken promise makes a wrong program.

    def load(self, addr: Operand, within: Optional[Tuple[int, int]] = None) -> Value:
        """The word at an address."""
        return Value(self, self._call("load_in", self._reg(addr), _range(within)))

    def vload(self, addr: Operand, within: Optional[Tuple[int, int]] = None) -> Value:
        """A vector of consecutive words."""
        return Value(self, self._call("vload_in", self._reg(addr), _range(within)))

    def gather(self, addr: Operand, within: Optional[Tuple[int, int]] = None) -> Value:
        """A word for each lane, from that lane's address."""
        return Value(self, self._call("gather_in", self._reg(addr), _range(within)))

    def store(self, addr: Operand, value: Operand, within: Optional[Tuple[int, int]] = None) -> None:
        """The word, or the vector to consecutive words."""
        self._call("store_in", self._reg(addr), self._reg(value), _range(within))

    # Control. What is inside the `with` is the body.

    @contextlib.contextmanager
    def range(self, first: Operand, end: Operand, step: int = 1) -> Iterator[Value]:
        """Counts from `first` by `step` while below `end`, as range() does; built once, executed often."""
        by = _library.within("range: the step", step, 1, _library.WORD, KernelError)
        if isinstance(first, Value) or isinstance(end, Value):
            index = self._do("for_regs", self._reg(first), self._reg(end), by)
        else:
            index = self._do("for", _library.within("range: the first", first, 0, _library.WORD, KernelError),
                             _library.within("range: the end", end, 0, _library.WORD, KernelError), by)
        yield Value(self, index)
        self._do("end_for")

    @contextlib.contextmanager
    def loop(self) -> Iterator[Loop]:
        """A body that is executed once, and again as long as the condition given to again() holds."""
        loop = Loop()
        self._do("do")
        yield loop
        if loop._again is None:
            raise KernelError("the loop does not say when it is executed again")
        self._do("while", self._reg(loop._again))

    @contextlib.contextmanager
    def when(self, cond: Operand) -> Iterator[Branch]:
        """A part that is executed if `cond` is not 0. select() is cheaper for a value or two."""
        self._do("if", self._reg(cond))
        yield Branch(self)
        self._do("end_if")

    def stage(self, name: str) -> None:
        """Names the operations from here on; errors say where they are."""
        self._do("stage", _library.text("name", name))

    # The result.

    @property
    def program(self) -> Program:
        """The built program; nothing can be added to the kernel from then on."""
        with self._lock:
            if self._program is None:
                handle, error = ctypes.c_void_p(), _library.Error()
                self._answer(_library.function("kernel_build")(self._handle, handle, error), error)
                # The library's program goes with the kernel: keep a copy.
                self._program = Program._from_json(_library.text_of("program_json", handle))
        return self._program

    def build(self) -> List[Bundle]:
        """The program as a list of bundles, for `Machine` here and anywhere else."""
        return self.program.bundles

    def run(self, mem: Iterable[int]) -> Tuple[List[int], Report]:
        """Runs it on a memory: the memory afterwards, and what it cost."""
        words, report, error = _buffer(mem), _library.Report(), _library.Error()
        status: List[int] = []

        def work() -> None:
            with self._lock:
                status.append(_library.function("kernel_run")(self._handle, words.buffer_info()[0], len(words), report, error))

        # In a thread of its own, so that Ctrl-C ends the wait for it.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.05)
        self._answer(status[0], error)
        return words.tolist(), Report(report.cycles, report.bound, dict(zip(_library.ENGINES, report.slots)),
                                      dict(zip(_library.ENGINES, report.used)),
                                      _library.text_of("report_text", report).rstrip("\n"))

    @staticmethod
    def _answer(status: int, error: _library.Error) -> None:
        try:
            _library.check(status, error)
        except _library.ProgramError as problem:
            raise KernelError(str(problem)) from None


def _range(within: Optional[Tuple[int, int]]) -> _library.Range:
    if within is None:
        return _ANYWHERE
    first, words = within
    return _library.Range(_library.within("within: the first word", first, 0, _library.WORD, KernelError),
                          _library.within("within: words", words, 0, _library.WORD, KernelError))
