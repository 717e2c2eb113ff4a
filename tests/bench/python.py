#!/usr/bin/env python3
"""Times of the Python module on a dense program, medians of processor time: converting it (and what that is of the
time that json.dumps takes for the same), making a machine, run() itself, and runs with compares.

usage: tests/bench/python.py BUILD [PROGRAM [RUNS]]    (PROGRAM as for `sheaf build`)
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REFERENCE = 50000  # bundles a second, of the reference machine written in Python


def median(runs, work, prepare=lambda: None):
    """Seconds of the processor that work() takes, each time after prepare()."""
    times = []
    for _ in range(runs):
        prepare()
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def medians(runs, *works):
    """The same of several, which take turns: the machine may be slower at times. A pair is what to do before, and it."""
    times = [[] for _ in works]
    for _ in range(runs):
        for work, of in zip(works, times):
            of.append(median(1, *(work[::-1] if isinstance(work, tuple) else (work,))))
    return [statistics.median(of) for of in times]


def run_of(machine):
    machine.run()
    return machine


def as_written(lists):
    """As kernels have it: slots are tuples, names of operations are the same objects everywhere."""
    return [{sys.intern(engine): [(sys.intern(slot[0]),) + tuple(slot[1:]) for slot in slots]
             for engine, slots in bundle.items()} for bundle in lists]


def with_compares(n=3072):
    """A program that compares as often as a kernel in development, and the values."""
    keys = [[(i // 32, i % 32 * 8 + lane, "hashed_val") for lane in range(8)] for i in range(n)]
    bundles = [{"alu": [("+", 0, 0, 0)], "debug": [("vcompare", 8, of)]} for of in keys]
    return bundles, {key: 0 for of in keys for key in of}


def main():
    build = os.path.abspath(sys.argv[1])
    name = sys.argv[2] if len(sys.argv) > 2 else "tree_hash:best"
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 101
    os.environ["SHEAF_LIBRARY"] = os.path.join(build, "libsheaf.so")
    sys.path.insert(0, os.path.join(TOP, "tools", "python"))
    import sheaf
    from sheaf import program as internals

    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, file) for file in ("program.json", "mem.json")]
        command = os.path.join(build, "sheaf")
        subprocess.run([command, "build", name, "-o", paths[0]], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([command, "gen", name.split(":")[0], "-o", paths[1]], check=True, stdout=subprocess.DEVNULL)
        lists = sheaf.Program.load(paths[0]).bundles
        with open(paths[1], encoding="ascii") as file:
            mem = json.load(file)
    bundles = as_written(lists)
    rebuilt = as_written(lists)
    names = sheaf.DebugInfo({at: ("name_%d" % at, 1) for at in range(1500)})
    compares, values = with_compares()

    def whole():
        machine = sheaf.Machine(mem, bundles, None)
        machine.enable_pause = machine.enable_debug = False
        machine.run()
        return machine.mem

    machine, listed = sheaf.Machine(mem, sheaf.Program(bundles)), sheaf.Machine(mem, bundles)
    machine.run()
    listed.run()
    cycles, slots = machine.cycle, sum(len(slots) for bundle in bundles for slots in bundle.values())
    program = sheaf.Program(bundles)
    run = median(10 * runs, machine.run, lambda: machine.reset(mem))
    kept = []

    def developed():
        machine = sheaf.Machine(mem, compares, None, value_trace=values)
        machine.run()

    def convert(label, bundles, again, *more):
        """Rows for a list that is new, and for one seen before."""
        text, new, known, anew = medians(
            runs, lambda: json.dumps(bundles), (internals.recent.clear, lambda: sheaf.Program(bundles, *more)),
            lambda: sheaf.Program(bundles, *more), lambda: sheaf.Program(again, *more))
        for what, seconds in ((label, new), ("  known", known), ("  built anew", anew)):
            yield what, seconds, "%.3f of json.dumps" % (seconds / text)

    rows = (
        *convert("convert", bundles, rebuilt),
        *convert("  with names", bundles, rebuilt, names),
        *convert("  compares", compares, with_compares()[0]),
        ("run, compares", median(runs // 4, developed)),
        ("make and run", median(runs, lambda: kept.append(run_of(sheaf.Machine(mem, program, None))))),
        ("the same again", median(runs, lambda: run_of(sheaf.Machine(mem, program, None)), kept.clear)),
        ("reset", median(runs, lambda: machine.reset(mem))),
        ("run()", run),
        ("run(), of lists", median(10 * runs, listed.run, lambda: listed.reset(mem))),
        ("whole, new", median(runs, whole, internals.recent.clear)),
        ("whole, known", median(runs, whole)),
        ("reference", cycles / REFERENCE),
    )
    print("program    %s, %d bundles, %d slots" % (name, len(bundles), slots))
    for label, seconds, *note in rows:
        print(("%-15s %9.3f ms  %s" % (label, 1e3 * seconds, "".join(note))).rstrip())
    print("run()      %.1f million bundles a second, %.0f times the reference" % (1e-6 * cycles / run,
                                                                                  cycles / run / REFERENCE))


if __name__ == "__main__":
    main()
