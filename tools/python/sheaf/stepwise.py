"""The machine in Python, slot by slot, with the same state: for a Machine of which methods are overridden, that is
stepped by hand, or whose cores are sent elsewhere. C is not asked then, and it takes as long as Python takes.

The methods have the reference machine's names and arguments, so what is overridden there can be here.
"""
import operator
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Type

from . import _library, faults
from .program import hashable

# What a run calls for each bundle or slot: overridden, the run is done here.
EXECUTING = ("step", "alu", "valu", "load", "store", "flow")
# What the reference calls to write its trace, which here is the command's.
TRACING = ("setup_trace", "trace_post_step", "trace_slot", "rewrite_slot", "rewrite_instr")

VLEN: int = _library.REFERENCE["vlen"]
SLOT_LIMITS: Dict[str, int] = dict({engine: _library.REFERENCE[engine] for engine in _library.ENGINES}, debug=64)

_WORDS = _library.WORD + 1
_OPERATORS: Dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "cdiv": lambda a, b: (a + b - 1) // b,
    "^": operator.xor,
    "&": operator.and_,
    "|": operator.or_,
    "<<": lambda a, b: a << b if b < 32 else 0,
    ">>": operator.rshift,
    "%": operator.mod,
    "<": operator.lt,
    "==": operator.eq,
}

_OPERANDS: Dict[str, Dict[str, int]] = {
    "alu": {op: 3 for op in _OPERATORS},
    "valu": dict({op: 3 for op in _OPERATORS}, vbroadcast=2, multiply_add=4),
    "load": {"const": 2, "load": 2, "load_offset": 3, "vload": 2},
    "store": {"store": 2, "vstore": 2},
    "flow": {"select": 4, "vselect": 4, "add_imm": 3, "cond_jump": 2, "cond_jump_rel": 2, "jump": 1, "jump_indirect": 1,
             "halt": 0, "pause": 0, "trace_write": 1, "coreid": 1},
}


def overridden(machine: Any, names: Sequence[str]) -> List[str]:
    """Which of these methods are not the machine's own: of a derived class, of the object, or put into the class."""
    return [name for name in names if name in vars(machine) or getattr(type(machine), name, None) is not _OWN[name]]


class Stepwise:
    """What Machine can do in Python: the methods that may be overridden."""

    scratch_write: Dict[int, int]  # of the bundle that is being executed
    mem_write: Dict[int, int]
    cores: List[Any]
    mem: List[int]
    value_trace: Mapping[Any, Any]
    enable_pause: bool
    enable_debug: bool
    debug_info: Optional[Any]
    _place: Tuple[Any, int, str, int, Sequence[Any]]
    _overwritten: int

    # --- what is shown -------------------------------------------------------------

    def scratch_map(self, core: Any) -> Dict[str, List[int]]:
        """The named words of a core's scratch."""
        return {name: core.scratch[at:at + words] for at, (name, words) in self._scratch_names().items()}

    def rewrite_slot(self, slot: Sequence[Any]) -> Tuple[Any, ...]:
        """The slot with names in place of addresses."""
        names = self._scratch_names()
        return tuple(names.get(part, (None, 0))[0] or part if isinstance(part, int) else part for part in slot)

    def rewrite_instr(self, instr: Mapping[str, Sequence[Sequence[Any]]]) -> Dict[str, List[Tuple[Any, ...]]]:
        """The bundle with names in place of addresses."""
        return {engine: [self.rewrite_slot(slot) for slot in slots] for engine, slots in instr.items()}

    def print_step(self, instr: Any, core: Any) -> None:
        """What `prints` shows of a bundle that is about to be executed."""
        print(self.scratch_map(core))
        print(core.pc, instr, self.rewrite_instr(instr))

    def setup_trace(self) -> None:
        """Nothing: `trace` is written by the command."""

    def trace_post_step(self, instr: Any, core: Any) -> None:
        """Nothing: `trace` is written by the command."""

    def trace_slot(self, core: Any, slot: Any, name: str, i: int) -> None:
        """Nothing: `trace` is written by the command."""

    def _scratch_names(self) -> Mapping[int, Tuple[str, int]]:
        return getattr(self.debug_info, "scratch_map", None) or {}

    # --- one bundle ------------------------------------------------------------------

    def step(self, instr: Mapping[str, Sequence[Sequence[Any]]], core: Any) -> None:
        """Executes a bundle on a core: all of it reads before any of it writes. pc has been advanced already."""
        self._take_over()
        before, traced = (core.pc, core.state, self._overwritten), len(core.trace_buf)
        try:
            self._execute(instr, core)
        except faults.Fault:
            core.pc, core.state, self._overwritten = before
            del core.trace_buf[traced:]
            raise
        del self.scratch_write, self.mem_write

    def _execute(self, instr: Mapping[str, Sequence[Sequence[Any]]], core: Any) -> None:
        self.scratch_write, self.mem_write = {}, {}
        pc = core.pc
        engines = {"alu": self.alu, "valu": self.valu, "load": self.load, "store": self.store, "flow": self.flow}
        for engine, slots in instr.items():
            self._place = core, pc, engine, 0, ()
            if engine == "debug":
                for slot in slots if self.enable_debug else ():
                    self._compare(core, *slot)
                continue
            if engine not in engines:
                raise _library.ProgramError("bundle %d: there is no engine `%s`" % (core.pc - 1, engine))
            limit = SLOT_LIMITS[engine]
            if len(slots) > limit:
                self._place = core, pc, engine, limit, slots[limit]
                self._fail(faults.SlotLimit, "%d slots, the engine has %d" % (len(slots), limit))
            for i, slot in enumerate(slots):
                self._place = core, pc, engine, i, slot
                engines[engine](core, *slot)
        self._write(core)

    def _write(self, core: Any) -> None:
        for words, writes, what in ((core.scratch, self.scratch_write, "scratch"),
                                    (self.mem, self.mem_write, "memory")):
            for at in writes:
                if not 0 <= at < len(words):
                    self._fail(faults.OutOfRange, "writes %s word %d, %s has %d words" % (what, at, what, len(words)))
        for at, word in self.scratch_write.items():
            core.scratch[at] = word
        for at, word in self.mem_write.items():
            self.mem[at] = word

    def _fail(self, kind: Type[faults.Fault], what: str) -> None:
        core, pc, engine, i, slot = self._place
        cycle = self.cycle  # type: ignore[attr-defined]
        shown = self.rewrite_slot(slot)
        text = "%s %s" % (shown[0], ", ".join(map(str, shown[1:]))) if shown else ""
        said = "%s: core %d, cycle %d, bundle %d, %s slot %d `%s`: %s" % (
            kind.kind, core.id, cycle, pc - 1, engine, i, text.strip(), what)
        raise kind(said, core.id, cycle, pc - 1, engine, i, text.strip(), what)

    def _read(self, words: List[int], at: int, what: str) -> int:
        if not 0 <= at < len(words):
            self._fail(faults.OutOfRange, "reads %s word %d, %s has %d words" % (what, at, what, len(words)))
        return words[at]

    def _scratch(self, core: Any, at: int) -> int:
        return self._read(core.scratch, at, "scratch")

    def _memory(self, at: int) -> int:
        return self._read(self.mem, at, "memory")

    def _set(self, at: int, word: int) -> None:
        self._overwritten += at in self.scratch_write
        self.scratch_write[at] = word

    def _store(self, at: int, word: int) -> None:
        self._overwritten += at in self.mem_write
        self.mem_write[at] = word

    # --- slots ------------------------------------------------------------------------

    def _operands(self, engine: str, slot: Sequence[Any]) -> Sequence[Any]:
        """Of an operation that the engine has."""
        op, *operands = slot
        if _OPERANDS[engine].get(op) != len(operands):
            self._fail(faults.UnknownOperation, "no such operation")
        return operands

    def alu(self, core: Any, *slot: Any) -> None:
        op = slot[0]
        dest, a1, a2 = self._operands("alu", slot)
        a, b = self._scratch(core, a1), self._scratch(core, a2)
        if b == 0 and op in ("//", "%", "cdiv"):
            self._fail(faults.DivideByZero, "%d %s 0 in lane %d" % (a, op, dest - self._place[4][1]))
        self._set(dest, int(_OPERATORS[op](a, b)) % _WORDS)

    def valu(self, core: Any, *slot: Any) -> None:
        op = slot[0]
        dest, *sources = self._operands("valu", slot)
        for lane in range(VLEN):
            if op == "vbroadcast":
                self._set(dest + lane, self._scratch(core, sources[0]))
            elif op == "multiply_add":
                a, b, c = (self._scratch(core, source + lane) for source in sources)
                self._set(dest + lane, (a * b + c) % _WORDS)
            else:  # through alu(), as in the reference machine
                self.alu(core, op, dest + lane, sources[0] + lane, sources[1] + lane)

    def load(self, core: Any, *slot: Any) -> None:
        op = slot[0]
        dest, source, *more = self._operands("load", slot)
        if op == "const":
            self._set(dest, source % _WORDS)
        elif op == "load_offset":
            self._set(dest + more[0], self._memory(self._scratch(core, source + more[0])))
        else:
            at = self._scratch(core, source)
            for lane in range(VLEN if op == "vload" else 1):
                self._set(dest + lane, self._memory(at + lane))

    def store(self, core: Any, *slot: Any) -> None:
        at, source = self._operands("store", slot)
        for lane in range(VLEN if slot[0] == "vstore" else 1):
            self._store(self._scratch(core, at) + lane, self._scratch(core, source + lane))

    def flow(self, core: Any, *slot: Any) -> None:
        operands = self._operands("flow", slot)
        getattr(self, "_flow_" + slot[0])(core, *operands)

    def _flow_select(self, core: Any, dest: int, cond: int, a: int, b: int, lanes: int = 1) -> None:
        for lane in range(lanes):
            self._set(dest + lane, self._scratch(core, (a if self._scratch(core, cond + lane) else b) + lane))

    def _flow_vselect(self, core: Any, dest: int, cond: int, a: int, b: int) -> None:
        self._flow_select(core, dest, cond, a, b, VLEN)

    def _flow_add_imm(self, core: Any, dest: int, a: int, imm: int) -> None:
        self._set(dest, (self._scratch(core, a) + imm) % _WORDS)

    def _flow_halt(self, core: Any) -> None:
        core.state = type(core.state).STOPPED

    def _flow_pause(self, core: Any) -> None:
        if self.enable_pause:
            core.state = type(core.state).PAUSED

    def _flow_trace_write(self, core: Any, source: int) -> None:
        core.trace_buf.append(self._scratch(core, source))

    def _flow_coreid(self, core: Any, dest: int) -> None:
        self._set(dest, core.id)

    def _flow_jump(self, core: Any, target: int) -> None:
        if target < 0:
            self._fail(faults.OutOfRange, "jumps to bundle %d" % target)
        core.pc = target

    def _flow_cond_jump(self, core: Any, cond: int, target: int) -> None:
        if self._scratch(core, cond):
            self._flow_jump(core, target)

    def _flow_cond_jump_rel(self, core: Any, cond: int, offset: int) -> None:
        if self._scratch(core, cond):
            self._flow_jump(core, core.pc + offset)

    def _flow_jump_indirect(self, core: Any, at: int) -> None:
        self._flow_jump(core, self._scratch(core, at))

    def _compare(self, core: Any, *slot: Any) -> None:
        if slot[0] not in ("compare", "vcompare") or len(slot) != 3:
            return
        for lane, key in enumerate(map(hashable, [slot[2]] if slot[0] == "compare" else slot[2])):
            found = self._scratch(core, slot[1] + lane)
            try:
                expected = self.value_trace[key]
            except KeyError:
                self._fail(faults.DebugMismatch, "no expected value for key %r" % (key,))
            if found != expected:
                self._fail(faults.DebugMismatch, "found %d, expected %r for key %r (lane %d)" % (
                    found, expected, key, lane))

    # --- a run ----------------------------------------------------------------------------

    def _take_over(self) -> None:
        """Has the state here from now on."""
        raise NotImplementedError

    def _rounds(self, bundles: Callable[[], Sequence[Any]], states: Any, prints: bool) -> Iterator[bool]:
        """A round over the cores at a time, until none runs; whether it cost a cycle."""
        for core in self.cores:
            if core.state == states.PAUSED:
                core.state = states.RUNNING
        while any(core.state == states.RUNNING for core in self.cores):
            costs = False
            for core in self.cores:
                if core.state == states.RUNNING:
                    costs = self._bundle(core, bundles(), states, prints) or costs
            yield costs

    def _bundle(self, core: Any, bundles: Sequence[Any], states: Any, prints: bool) -> bool:
        """The next bundle of a core that runs; whether it costs a cycle."""
        if core.pc >= len(bundles):
            core.state = states.STOPPED
            return False
        instr = bundles[core.pc]
        if prints:
            self.print_step(instr, core)
        core.pc += 1
        try:
            self.step(instr, core)
        except faults.Fault as fault:
            core.pc = fault.pc
            raise
        return any(engine != "debug" for engine in instr)


_OWN = {name: vars(Stepwise)[name] for name in EXECUTING + TRACING}
