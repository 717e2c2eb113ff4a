"""Faults of the simulated program, as exceptions.

Each is also the exception that the reference machine's Python code raises for it, so code
that catches those goes on working. The text is sheaf's: kind, core, cycle, bundle, slot.

=================  ====================  ===========================================
kind               is also               when
=================  ====================  ===========================================
out_of_range       IndexError            a scratch or memory address beyond the end,
                                         or a negative one
divide_by_zero     ZeroDivisionError     //, % or cdiv by 0, in any lane
slot_limit         AssertionError        more slots for an engine than it has
debug_mismatch     AssertionError        a compare that does not hold, or whose key
                                         has no expected value
unknown_op         NotImplementedError   no such operation
write_conflict     RuntimeError          strict: a word is written twice in a bundle
cycle_limit        RuntimeError          too many cycles
trace_limit        RuntimeError          a trace buffer that outgrew its limit
out_of_memory      MemoryError           of the host
=================  ====================  ===========================================
"""
from typing import Callable, Dict, Optional, Type

from . import _library


class Fault(Exception):
    """A fault. The state of the machine is as it was before the faulting bundle."""

    kind = "fault"

    def __init__(self, text: str, core: int = 0, cycle: int = 0, pc: int = 0, engine: Optional[str] = None,
                 slot: int = 0, slot_text: str = "", what: str = "") -> None:
        super().__init__(text)
        self.core = core
        self.cycle = cycle  # the faulting bundle not counted
        self.pc = pc  # the faulting bundle
        self.engine = engine  # None when no slot is to blame
        self.slot = slot  # from 0, in its engine's list
        self.slot_text = slot_text
        self.what = what

    def spelled(self, say: Callable[[str], str]) -> "Fault":
        """The same in the words that `say` makes of its own."""
        return type(self)(say(str(self)), self.core, self.cycle, self.pc, self.engine, self.slot,
                          say(self.slot_text), say(self.what))


class OutOfRange(Fault, IndexError):
    kind = "out_of_range"


class DivideByZero(Fault, ZeroDivisionError):
    kind = "divide_by_zero"


class SlotLimit(Fault, AssertionError):
    kind = "slot_limit"


class DebugMismatch(Fault, AssertionError):
    kind = "debug_mismatch"


class UnknownOperation(Fault, NotImplementedError):
    kind = "unknown_op"


class WriteConflict(Fault, RuntimeError):
    kind = "write_conflict"


class CycleLimit(Fault, RuntimeError):
    kind = "cycle_limit"


class TraceLimit(Fault, RuntimeError):
    kind = "trace_limit"


class OutOfMemory(Fault, MemoryError):
    kind = "out_of_memory"


_KINDS: Dict[str, Type[Fault]] = {kind.kind: kind for kind in Fault.__subclasses__()}


def of_machine(handle: int) -> Fault:
    """The fault that a machine of the library has."""
    found = _library.Fault()
    _library.function("fault")(handle, found)
    kind = _KINDS.get(found.kind.decode(), Fault)
    return kind(_library.text_of("fault_text", handle), found.core, found.cycle, found.pc,
                found.engine.decode() if found.engine else None, found.slot,
                found.slot_text.decode("utf-8", "replace"), found.what.decode("utf-8", "replace"))
