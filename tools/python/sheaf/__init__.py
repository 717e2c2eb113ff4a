"""sheaf: a cycle-accurate simulator of a bundle-based VLIW/SIMD machine, and a builder for it.

    from sheaf import Machine

    machine = Machine(mem, program, debug_info)
    machine.run()
    print(machine.cycle, machine.mem[:8])

`Machine` has the interface of the reference machine written in Python, and its results. `Kernel` builds
programs from operators on values. Everything is done by libsheaf, which `make` builds; see tools/README.md.
"""
from . import _library, faults
from ._library import ProgramError
from .command import debug, diff, judge, profile, trace
from .faults import Fault
from .kernel import OPERATORS, Kernel, KernelError, Report, Value, Variable
from .machine import SCRATCH_SIZE, VLEN, Core, CoreState, DebugInfo, Machine
from .optimize import Optimized, optimize, pack
from .program import Program

__version__ = _library.function("version")().decode()

__all__ = [
    "OPERATORS",
    "SCRATCH_SIZE",
    "VLEN",
    "Core",
    "CoreState",
    "DebugInfo",
    "Fault",
    "Kernel",
    "KernelError",
    "Machine",
    "Optimized",
    "Program",
    "ProgramError",
    "Report",
    "Value",
    "Variable",
    "debug",
    "diff",
    "faults",
    "judge",
    "optimize",
    "pack",
    "profile",
    "trace",
]
