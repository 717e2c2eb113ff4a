"""The simulated machine, in place of the reference machine written in Python."""
import array
import contextlib
import copy
import ctypes
import enum
import operator
import threading
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _library, faults
from .program import AnyBundle, Bundle, Program, ProgramError, names_of

SCRATCH_SIZE: int = _library.REFERENCE["scratch"]
VLEN: int = _library.REFERENCE["vlen"]
_SLOTS = {engine: _library.REFERENCE[engine] for engine in _library.ENGINES}

_step = _library.function("step")
_run_some = _library.function("run_some")
_cycle = _library.function("cycle")
_pc = _library.function("pc")
_core_state = _library.function("core_state")
_reset = _library.function("machine_reset")
_expect = _library.function("machine_expect")


class CoreState(enum.Enum):
    """Equal, too, to the member of that name of another CoreState: the one that a harness has already."""

    RUNNING = 1
    PAUSED = 2
    STOPPED = 3

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, enum.Enum) and type(other).__name__ == "CoreState"
                                 and self.name == other.name)

    __hash__ = enum.Enum.__hash__


_STATES = (CoreState.RUNNING, CoreState.PAUSED, CoreState.STOPPED)


@dataclass
class DebugInfo:
    """Names of scratch: address -> (name, length in words)."""

    scratch_map: Dict[int, Tuple[str, int]] = field(default_factory=dict)


def _buffer(words: Iterable[int]) -> "array.array[int]":
    """The words for C, modulo 2^32."""
    if isinstance(words, (bytes, bytearray, str)) or (isinstance(words, memoryview) and words.itemsize != 4):
        raise TypeError("memory is words, found %s: array.array('I', data) takes four bytes each" % type(words).__name__)
    if not isinstance(words, (list, tuple, array.array)):
        words = list(words)  # an iterator's words are there once
    try:
        return array.array("I", words)
    except (OverflowError, TypeError):
        return array.array("I", [operator.index(word) & 0xFFFFFFFF for word in words])


def _copy_out(address: Optional[int], words: int) -> List[int]:
    return list((ctypes.c_uint32 * words).from_address(address)) if address and words else []


def _copy_in(words: Sequence[int], address: Optional[int], room: int, what: str) -> None:
    if len(words) != room:
        raise ValueError("%s has %d words, expected %d: its size cannot change" % (what, len(words), room))
    source = _buffer(words)
    if room:
        ctypes.memmove(address, source.buffer_info()[0], 4 * room)


class _Simulator:
    """A machine of the library, which is made when it is first run."""

    def __init__(self, program: Program, config: _library.Config) -> None:
        self.handle: Optional[int] = None
        self.config = config
        self._converted = program._converted
        self._n_words = 0
        self._values: Mapping[Any, int] = {}
        self.lock = threading.RLock()  # callers that run it or look at it; C runs without the interpreter's lock

    def __reduce__(self) -> Any:
        raise TypeError("a machine that has been run cannot be pickled")

    def copy(self) -> "_Simulator":
        """In the same state, a machine of its own."""
        made = _Simulator.__new__(_Simulator)
        made.config = _library.Config.from_buffer_copy(self.config)
        made.handle, made._converted, made.lock = None, self._converted, threading.RLock()
        made._n_words, made._values = self._n_words, self._values
        if self.handle:
            handle, error = ctypes.c_void_p(), _library.Error()
            _library.check(_library.function("machine_copy")(self.handle, handle, error), error)
            made.handle = handle.value
        return made

    def __del__(self) -> None:
        handle, self.handle = self.handle, None
        if handle:
            self._converted.give_back(self._kind(), self._n_words, handle)

    def _kind(self) -> tuple:
        """What two machines of a program have in common when one can stand for the other."""
        c = self.config
        return self._n_words, c.simulator, c.pause, c.debug, c.strict, c.cycle_limit, c.cores, c.scratch

    def prepare(self, pause: bool, debug: bool, values: Mapping[Any, int], start: "array.array[int]") -> None:
        """Sees to it that it is there, and does what it is told from now on."""
        config = self.config
        if not self.handle or (config.pause, config.debug) != (pause, debug):
            config.pause, config.debug = pause, debug
            error = _library.Error()
            if self.handle:
                _library.check(_library.function("machine_change")(self.handle, config, error), error)
            else:
                self._make(start, error)
        expected = self._converted.expected(values) if debug else None
        if expected and _expect(self.handle, *expected.arguments()) != _library.OK:
            raise MemoryError("out of memory for expected values")
        self._values = values if expected else {}

    def fault(self) -> faults.Fault:
        """The one that it has, with keys and values of compares as Python has them."""
        fault = faults.of_machine(self.handle)
        return fault.spelled(lambda text: self._converted.message(text, self._values))

    def _make(self, start: "array.array[int]", error: _library.Error) -> None:
        address, self._n_words = start.buffer_info()
        idle = self._converted.take(self._kind())
        if idle:
            _reset(idle, address)
            self.handle = idle
            return
        handle = ctypes.c_void_p()
        _library.check(_library.function("machine_create")(self._converted.handle, self.config, address,
                                                           self._n_words, handle, error), error)
        self.handle = handle.value

    def words(self, what: str, *core: int) -> Tuple[Optional[int], int]:
        """Address and number of the words of its memory, or a core's scratch or trace."""
        n = ctypes.c_size_t()
        return _library.function(what)(self.handle, *core, n), n.value

    def copy_out(self, what: str, *core: int) -> List[int]:
        """The words themselves."""
        with self.lock:
            return _copy_out(*self.words(what, *core)) if self.handle else []


class Core:
    """A core of a machine: `id`, `scratch`, `trace_buf`, `pc` and `state`."""

    def __init__(self, simulator: _Simulator, number: int) -> None:
        self._simulator = simulator
        self._scratch: Optional[List[int]] = None
        self.id = number

    @property
    def scratch(self) -> List[int]:
        """Its words. What is changed here is changed for the next run."""
        if self._scratch is None:
            s = self._simulator
            self._scratch = s.copy_out("scratch", self.id) if s.handle else [0] * s.config.scratch
        return self._scratch

    @scratch.setter
    def scratch(self, words: List[int]) -> None:
        self._scratch = words

    @property
    def trace_buf(self) -> List[int]:
        """What its trace_write slots have written."""
        return self._simulator.copy_out("trace", self.id)

    @property
    def pc(self) -> int:
        """The next bundle; after a fault, the faulting one."""
        return _pc(self._simulator.handle, self.id) if self._simulator.handle else 0

    @property
    def state(self) -> CoreState:
        handle = self._simulator.handle
        return _STATES[_core_state(handle, self.id)] if handle else CoreState.RUNNING

    def __copy__(self) -> "Core":
        raise TypeError("a core is a part of its machine: copy that")

    def _of(self, simulator: _Simulator) -> "Core":
        """The same core of a copy."""
        core = Core(simulator, self.id)
        core._scratch = None if self._scratch is None else list(self._scratch)
        return core

    def __deepcopy__(self, memo: Any) -> "Core":
        raise TypeError("a core is a part of its machine: copy that")

    def __reduce__(self) -> Any:
        raise TypeError("a core cannot be pickled")

    def _push(self) -> None:
        if self._scratch is not None:
            _copy_in(self._scratch, *self._simulator.words("scratch", self.id), "scratch")

    def _pull(self) -> None:
        if self._scratch is not None:
            self._scratch[:] = _copy_out(*self._simulator.words("scratch", self.id))

    def __repr__(self) -> str:
        return "Core(id=%d, pc=%d, state=%s)" % (self.id, self.pc, self.state)


class Machine:
    """Runs a program on a memory: the reference machine's interface and results, in C.

    mem_dump      words at the start, a list or anything like one; copied
    program       a list of bundles, or a Program where one is run often
    debug_info    an object with scratch_map (address -> (name, length)), or None: names for `prints`,
                  messages and traces
    value_trace   expected values of debug compares, by key; looked at whenever run() is called
    trace         True to write trace.json after each run(), for viewers of Chrome trace events, or the name of
                  a file: its ending says the format. It shows a run from `mem_dump` on, by the command `sheaf`

    `mem` and `cores[i].scratch` are lists: what is changed in them between runs counts, and a run
    changes them in place. `enable_pause`, `enable_debug` and `prints` may be set at any time between
    runs. A fault raises one of `sheaf.faults`, which are also the reference's exceptions. Unlike there,
    a program is read when the machine is made: slots with wrong operands raise ProgramError then;
    negative addresses are IndexErrors; words of mem are taken modulo 2^32; pc and state are to be read
    only, and after a fault there is no going on.

    simulator (`fast`, `step`; `engine` is its old name), strict, cycle_limit: as in the command's options of these names. A program in the
    object form that asks for a machine other than the reference's is refused, unless machine="program" says that
    it may have it.

    A machine belongs to one thread at a time: others that run it or look at it wait. copy.deepcopy makes another one in
    the same state; one that has been run cannot be pickled.
    """

    def __init__(self, mem_dump: Sequence[int], program: Union[Sequence[AnyBundle], Program],
                 debug_info: Optional[Any] = None, n_cores: int = 1, scratch_size: int = SCRATCH_SIZE,
                 trace: Union[bool, str] = False, value_trace: Optional[Mapping[Any, int]] = None, *,
                 simulator: str = "fast", strict: bool = False, cycle_limit: Optional[int] = None,
                 machine: Optional[str] = None, engine: Optional[str] = None) -> None:
        self._start = _buffer(mem_dump)
        self._mem: Optional[List[int]] = None
        self._program = program if isinstance(program, Program) else Program(program, debug_info)
        if machine not in (None, "program"):
            raise ValueError("machine is %r, expected None or 'program'" % (machine,))
        if machine is None and not isinstance(program, list) and self._program._converted.own_machine():
            raise ProgramError("the program asks for a machine of its own; machine='program' lets it have that")
        own = {} if machine else {"slots": _SLOTS, "vlen": VLEN}
        self._simulator = _Simulator(self._program, _library.config(
            engine or simulator, cycle_limit=cycle_limit, strict=bool(strict), cores=n_cores, scratch=scratch_size, **own))
        self.program = program
        self.debug_info = debug_info
        self.value_trace: Mapping[Any, int] = {} if value_trace is None else value_trace
        self.trace = trace
        self.prints = False
        self.enable_pause = True
        self.enable_debug = True
        self.cores = [Core(self._simulator, i) for i in range(n_cores)]

    @property
    def mem(self) -> List[int]:
        """Its words. What is changed here is changed for the next run."""
        if self._mem is None:
            made = self._simulator.handle
            self._mem = self._simulator.copy_out("memory") if made else self._start.tolist()
        return self._mem

    @mem.setter
    def mem(self, words: List[int]) -> None:
        self._mem = words

    @property
    def cycle(self) -> int:
        """Cycles until now."""
        return _cycle(self._simulator.handle) if self._simulator.handle else 0

    @property
    def double_writes(self) -> int:
        """Writes replaced by a later one to the same word in the same bundle."""
        handle = self._simulator.handle
        return _library.function("double_writes")(handle) if handle else 0

    def __deepcopy__(self, memo: Dict[int, Any]) -> "Machine":
        made = Machine.__new__(type(self))
        memo[id(self)] = made
        with self._simulator.lock:
            made._simulator = self._simulator.copy()
            made._program, made._start = self._program, self._start[:]
            made._mem = None if self._mem is None else list(self._mem)
            made.cores = [core._of(made._simulator) for core in self.cores]
        for name, value in vars(self).items():
            if name not in vars(made):
                setattr(made, name, value if value is self._program else copy.deepcopy(value, memo))
        return made

    def __copy__(self) -> "Machine":
        raise TypeError("a machine has one state: copy.deepcopy makes another in the same state")

    def __reduce__(self) -> Any:
        raise TypeError("a machine cannot be pickled: pickle its Program and its memory")

    def run(self) -> None:
        """Resumes paused cores and runs until every core has stopped or paused."""
        with self._simulator.lock:
            self._run_whole()

    def _run_whole(self) -> None:
        if not self._simulator.handle and self._mem is not None:
            self._start = _buffer(self._mem)
        self._simulator.prepare(bool(self.enable_pause), bool(self.enable_debug), self.value_trace, self._start)
        self._push()
        try:
            self._run_printing() if self.prints else self._run()
        finally:
            self._pull()
            if self.trace and self.cycle:
                self._write_trace()

    def reset(self, mem_dump: Sequence[int]) -> None:
        """Back to before the first cycle, with other memory of the same size: much quicker than a new machine."""
        words = _buffer(mem_dump)
        if len(words) != len(self._start):
            raise ValueError("mem has %d words, expected %d: its size cannot change" % (len(words), len(self._start)))
        with self._simulator.lock:
            self._start, self._mem = words, None
            for core in self.cores:
                core._scratch = None
            if self._simulator.handle:
                _reset(self._simulator.handle, words.buffer_info()[0])

    def _push(self) -> None:
        """What was changed in lists that somebody holds counts."""
        if self._mem is not None:
            _copy_in(self._mem, *self._simulator.words("memory"), "mem")
        for core in self.cores:
            core._push()

    def _pull(self) -> None:
        """And they show the state."""
        if self._mem is not None:
            self._mem[:] = _copy_out(*self._simulator.words("memory"))
        for core in self.cores:
            core._pull()

    def _goes_on(self, end: int) -> bool:
        """Whether there is more to do."""
        if end == _library.FAULTED:
            raise self._simulator.fault()
        return end == _library.MORE

    def _run(self) -> None:
        # Python looks at pending signals, such as Ctrl-C, in between.
        while self._goes_on(_run_some(self._simulator.handle)):
            pass

    def _run_printing(self) -> None:
        bundles = self._program.bundles if self.program is self._program else self.program
        names = names_of(self.debug_info)
        first, more = all(core.state != CoreState.RUNNING for core in self.cores), True
        while more:
            for core in self.cores:
                runs = core.state == CoreState.RUNNING or (first and core.state == CoreState.PAUSED)
                if runs and core.pc < len(bundles):
                    self._print_bundle(core, bundles[core.pc], names)
            first, more = False, self._goes_on(_step(self._simulator.handle, 1))

    def _print_bundle(self, core: Core, bundle: Bundle, names: Dict[int, Tuple[str, int]]) -> None:
        scratch = _copy_out(*self._simulator.words("scratch", core.id))
        print({name: scratch[at:at + length] for at, (name, length) in names.items()})
        named = {engine: [tuple(_name(names, part) for part in slot) for slot in slots]
                 for engine, slots in bundle.items()}
        print(core.pc, bundle, named)

    def _write_trace(self) -> None:
        """Runs again from the start what has been run, watched."""
        from . import command

        config = self._simulator.config
        path = "trace.json" if self.trace is True else str(self.trace)
        with contextlib.suppress(faults.Fault):
            command.trace(path, self._program, self._start, cycles="0:%d" % self.cycle, no_debug=True,
                          pause=config.pause, strict=config.strict, cores=config.cores, scratch=config.scratch)


def _name(names: Dict[int, Tuple[str, int]], part: Any) -> Any:
    """The name of scratch word `part`, as the reference puts it into a slot."""
    return names.get(part, (None,))[0] or part if isinstance(part, int) else part
