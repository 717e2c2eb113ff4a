"""The simulated machine, in place of the reference machine written in Python."""
import array
import contextlib
import copy
import ctypes
import enum
import operator
import os
import threading
import weakref
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _library, faults
from .program import AnyBundle, Program, ProgramError, names_of
from .stepwise import EXECUTING, TRACING, Stepwise, overridden

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
        self.release()

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

    def release(self) -> None:
        """Is not there any more."""
        handle, self.handle = self.handle, None
        if handle:
            self._converted.give_back(self._kind(), self._n_words, handle)

    def go_on_with(self, program: Program) -> None:
        """Has another program from here on."""
        if self.handle:
            error = _library.Error()
            change = _library.function("machine_program")
            _library.check(change(self.handle, program._handle, self.config, error), error)
        self._converted = program._converted

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


@dataclass
class _ByHand:
    """The state of a core that C does not run."""

    pc: int
    state: CoreState
    trace_buf: List[int]


class Core:
    """A core of a machine: `id`, `scratch`, `trace_buf`, `pc` and `state`."""

    def __init__(self, machine: "Machine", number: int) -> None:
        self._machine = weakref.ref(machine)
        self._simulator = machine._simulator
        self._scratch: Optional[List[int]] = None
        self._by_hand: Optional[_ByHand] = None
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
        return self._by_hand.trace_buf if self._by_hand else self._simulator.copy_out("trace", self.id)

    @property
    def pc(self) -> int:
        """The next bundle; after a fault, the faulting one. Where it is set, the machine goes on in Python."""
        if self._by_hand:
            return self._by_hand.pc
        return _pc(self._simulator.handle, self.id) if self._simulator.handle else 0

    @pc.setter
    def pc(self, pc: int) -> None:
        self._taken_over().pc = pc

    @property
    def state(self) -> CoreState:
        """Running, paused or stopped. Where it is set, the machine goes on in Python."""
        if self._by_hand:
            return self._by_hand.state
        handle = self._simulator.handle
        return _STATES[_core_state(handle, self.id)] if handle else CoreState.RUNNING

    @state.setter
    def state(self, state: CoreState) -> None:
        self._taken_over().state = _STATES[[str(one.name) for one in _STATES].index(state.name)]

    def _taken_over(self) -> "_ByHand":
        machine = self._machine()
        if machine:
            machine._take_over()
        if not self._by_hand:
            raise ReferenceError("the machine of this core is gone")
        return self._by_hand

    def _take_over(self) -> None:
        """Has its state here from now on."""
        self._scratch, self._by_hand = self.scratch, _ByHand(self.pc, self.state, self.trace_buf)

    def _restart(self) -> None:
        self._scratch = self._by_hand = None

    def __copy__(self) -> "Core":
        raise TypeError("a core is a part of its machine: copy that")

    def _of(self, machine: "Machine") -> "Core":
        """The same core of a copy."""
        core = Core(machine, self.id)
        core._by_hand = copy.deepcopy(self._by_hand)
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


class Machine(Stepwise):
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
    negative addresses are IndexErrors; words of mem are taken modulo 2^32, and after a fault there is no
    going on. `program` may be changed and assigned between runs.

    Overridden methods are called. Where one of step, alu, valu, load, store and flow is overridden, where step() is
    called, or pc or state of a core or `cycle` set, the machine goes on in Python, with the same state, and takes
    as long as the reference. print_step, scratch_map, rewrite_instr and rewrite_slot are what `prints` calls.

    simulator (`fast`, `step`; `engine` is its old name), strict, cycle_limit: as in the command's options of these names. A program in the
    object form that asks for a machine other than the reference's is refused, unless machine="program" says that
    it may have it.

    A machine belongs to one thread at a time: others that run it or look at it wait. copy.deepcopy makes another one in
    the same state; one that has been run cannot be pickled.
    """

    def __init__(self, mem_dump: Sequence[int], program: Union[Sequence[AnyBundle], Program],
                 debug_info: Optional[Any] = None, n_cores: int = 1, scratch_size: int = SCRATCH_SIZE,
                 trace: Union[bool, str, "os.PathLike[str]"] = False, value_trace: Optional[Mapping[Any, int]] = None, *,
                 simulator: str = "fast", strict: bool = False, cycle_limit: Optional[int] = None,
                 machine: Optional[str] = None, engine: Optional[str] = None) -> None:
        self._start = _buffer(mem_dump)
        self._mem: Optional[List[int]] = None
        self._cycle: Optional[int] = None  # where the state is here
        self._own_machine = machine is not None
        self._listed: Tuple[Any, Sequence[Any]] = (None, ())
        self._program = program if isinstance(program, Program) else Program(program, debug_info)
        if machine not in (None, "program"):
            raise ValueError("machine is %r, expected None or 'program'" % (machine,))
        self._check_machine(self._program)
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
        self.cores = [Core(self, i) for i in range(n_cores)]
        self._given = program
        self._check_trace()

    def _check_machine(self, program: Program) -> None:
        if not self._own_machine and program._converted.own_machine():
            raise ProgramError("the program asks for a machine of its own; machine='program' lets it have that")

    def _check_trace(self) -> None:
        """The command writes it, from a run of its own."""
        names = overridden(self, TRACING + EXECUTING) if self.trace else []
        if names:
            raise TypeError("%s overrides %s, which a trace does not show: it is written by the command sheaf" % (
                type(self).__name__, ", ".join(names)))

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
        """Cycles until now. Where they are set, the machine goes on in Python."""
        if self._cycle is not None:
            return self._cycle
        return _cycle(self._simulator.handle) if self._simulator.handle else 0

    @cycle.setter
    def cycle(self, cycle: int) -> None:
        self._take_over()
        self._cycle = cycle

    @property
    def double_writes(self) -> int:
        """Writes replaced by a later one to the same word in the same bundle."""
        if self._cycle is not None:
            return self._overwritten
        handle = self._simulator.handle
        return _library.function("double_writes")(handle) if handle else 0

    def __deepcopy__(self, memo: Dict[int, Any]) -> "Machine":
        made = Machine.__new__(type(self))
        memo[id(self)] = made
        with self._simulator.lock:
            made._simulator = self._simulator.copy()
            made._program, made._start = self._program, self._start[:]
            made._mem = None if self._mem is None else list(self._mem)
            made.cores = [core._of(made) for core in self.cores]
            memo.update((id(core), copied) for core, copied in zip(self.cores, made.cores))
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
        self._check_trace()
        if self._cycle is not None or overridden(self, EXECUTING):
            self._take_over()
            self._run_by_hand()
            return
        self._look_at_program()
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

    def _look_at_program(self) -> None:
        """It may be another one than it was, or have other bundles in it."""
        given, names = self.program, names_of(self.debug_info)
        if given is self._given and (not isinstance(given, (list, tuple))
                                     or self._program._converted.is_of(given, names)):
            return
        program = given if isinstance(given, Program) else Program(given, self.debug_info)
        if program._converted is not self._program._converted:
            self._check_machine(program)
            self._simulator.go_on_with(program)
        self._program, self._given = program, given

    def _take_over(self) -> None:
        """Has the state here from now on."""
        with self._simulator.lock:
            if self._cycle is not None:
                return
            config = self._simulator.config
            for name, there in (("strict", config.strict), ("machine='program'", self._own_machine)):
                if there:
                    raise TypeError("%s is not for a machine that runs in Python: %s" % (
                        name, ", ".join(overridden(self, EXECUTING)) or "step() is called, or pc, state or cycle set"))
            self._overwritten = self.double_writes
            self._mem = self.mem
            for core in self.cores:
                core._take_over()
            self._cycle = self.cycle
            self._simulator.release()

    def _run_by_hand(self) -> None:
        if self.trace:
            raise TypeError("trace: step() was called, or pc, state or cycle set, which a trace does not show")
        limit = self._simulator.config.cycle_limit
        for costs in self._rounds(self._bundles, CoreState, bool(self.prints)):
            if costs and self.cycle >= limit:
                raise faults.CycleLimit("cycle_limit: reached the limit of %d cycles" % limit, cycle=limit)
            self._cycle = self.cycle + costs

    def _bundles(self) -> Sequence[Any]:
        """What is executed, in Python's own objects."""
        if isinstance(self.program, (list, tuple)):
            return self.program
        if self.program is not self._listed[0]:
            program = self.program if isinstance(self.program, Program) else Program(self.program)
            self._listed = self.program, program.bundles
        return self._listed[1]

    def reset(self, mem_dump: Sequence[int]) -> None:
        """Back to before the first cycle, with other memory of the same size: much quicker than a new machine."""
        words = _buffer(mem_dump)
        if len(words) != len(self._start):
            raise ValueError("mem has %d words, expected %d: its size cannot change" % (len(words), len(self._start)))
        with self._simulator.lock:
            self._start, self._mem, self._cycle = words, None, None
            for core in self.cores:
                core._restart()
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
        bundles = self._bundles()
        first, more = all(core.state != CoreState.RUNNING for core in self.cores), True
        while more:
            for core in self.cores:
                runs = core.state == CoreState.RUNNING or (first and core.state == CoreState.PAUSED)
                if runs and core.pc < len(bundles):
                    self.print_step(bundles[core.pc], core)
            self._push()
            first, more = False, self._goes_on(_step(self._simulator.handle, 1))
            self._pull()

    def _write_trace(self) -> None:
        """Runs again from the start what has been run, watched."""
        from . import command

        config = self._simulator.config
        path = "trace.json" if self.trace is True else self.trace
        with contextlib.suppress(faults.Fault):
            command.trace(path, self._program, self._start, cycles="0:%d" % self.cycle, no_debug=True,
                          pause=config.pause, strict=config.strict, cores=config.cores, scratch=config.scratch)
