"""Programs made faster: `optimize` for bundles, `pack` for slots that are still to become bundles."""
import array
import ctypes
import dataclasses
import json
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

from . import _library
from .machine import _buffer
from .program import Program

Bundle = Dict[str, Sequence[Any]]
Memory = Sequence[int]


@dataclasses.dataclass(frozen=True)
class Optimized:
    """What `optimize` returns: the bundles, shorter or as they came, and what is known of them."""
    bundles: List[Any]
    changed: bool
    why: str  # what kept the program from being shorter; empty for a gain
    bundles_before: int  # of those that cost a cycle
    bundles_after: int
    cycles_before: int  # on all memories together; 0 without any
    cycles_after: int
    bound: int  # no schedule of the operations takes fewer cycles; of programs without jumps
    proved: int  # accesses to memory whose address is known
    assumed: int  # that are taken to touch only words, or arrays, that they touched on these memories
    unknown: int  # of which nothing is known
    debug_slots: int  # left out


def _memories(mem: Union[None, Memory, Sequence[Memory]]) -> List["array.array[int]"]:
    if mem is None:
        return []
    many = len(mem) > 0 and not hasattr(mem[0], "__index__")
    images = [_buffer(one) for one in mem] if many else [_buffer(mem)]  # type: ignore[arg-type]
    if any(len(one) != len(images[0]) for one in images):
        raise ValueError("memories of %d and %d words, expected all alike" % (min(map(len, images)), max(map(len, images))))
    return images


def optimize(program: Union[Sequence[Bundle], Program], mem: Union[None, Memory, Sequence[Memory]] = None, *,
             arrays: Iterable[Tuple[int, int]] = (), header: int = 0, evals: int = 0, seed: int = 1, threads: int = 1,
             pause: bool = False, keep_scratch: bool = False, fold: bool = True, number: bool = True,
             assume: bool = True) -> Optimized:
    """The same program in fewer cycles, held against the one given by proof and by runs on `mem`.

    mem: a memory (a list of words) or several of the same kind, as different as the program's inputs may be: they are
    run, and with `assume` an access is taken to touch only words that it touches on them, widened to the `arrays`
    (first word, words) these lie in. header: how many words at the start are the same in all runs. fold, number: whether
    dead slots and constants, and values computed again, go. evals: schedules that a search tries. ProgramError where the program cannot be lifted or faults, with bundle and slot."""
    given = program if isinstance(program, Program) else Program(program)
    images = _memories(mem)
    ranges = [_library.Range(first, words) for first, words in arrays]
    options = _library.OptimizeOptions()
    _library.function("optimize_init")(ctypes.byref(options), ctypes.sizeof(options))
    options.evaluations = _library.within("evals", evals, 0, 2**63, ValueError)
    options.seed = _library.within("seed", seed, 0, 2**64 - 1, ValueError)
    options.threads = _library.within("threads", threads, 1, 64, ValueError)
    options.header = _library.within("header", header, 0, _library.WORD, ValueError)
    options.pause, options.keep_scratch, options.assume = pause, keep_scratch, assume
    options.fold, options.number = fold, number
    if ranges:
        kept = (_library.Range * len(ranges))(*ranges)
        options.arrays, options.n_arrays = ctypes.cast(kept, ctypes.c_void_p), len(ranges)
    words = array.array("I", b"".join(one.tobytes() for one in images))
    made, report, error = ctypes.c_void_p(), _library.OptimizeReport(), _library.Error()
    _library.check(_library.function("optimize")(
        given._handle, words.buffer_info()[0], len(images[0]) if images else 0, len(images), ctypes.byref(options),
        made, ctypes.byref(report), error), error)
    bundles: List[Any] = given.bundles
    if made.value:
        try:
            told = json.loads(_library.text_of("program_json", made.value))
        finally:
            _library.function("program_destroy")(made.value)
        bundles = told["program"] if isinstance(told, dict) else told
    return Optimized(bundles, bool(made.value), report.why.decode(), report.bundles_before, report.bundles_after,
                     report.cycles_before, report.cycles_after, max(report.work, report.dep), report.proved,
                     report.assumed, report.unknown, report.debug_slots)


def pack(slots: Iterable[Tuple[str, Sequence[Any]]], mem: Optional[Any] = None, **options: Any) -> List[Bundle]:
    """Bundles of a flat list of (engine, slot), in an order that is their meaning: each slot sees what those before it
    wrote. mem and options: as of `optimize`."""
    return optimize([{engine: [tuple(slot)]} for engine, slot in slots], mem, **options).bundles
