#!/usr/bin/env python3
"""Times of the Python module on a dense program, medians of processor time: converting it, making a machine,
run() itself.

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


def run_of(machine):
    machine.run()
    return machine


def main():
    build = os.path.abspath(sys.argv[1])
    name = sys.argv[2] if len(sys.argv) > 2 else "tree_hash:best"
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 101
    os.environ["SHEAF_LIBRARY"] = os.path.join(build, "libsheaf.so")
    sys.path.insert(0, os.path.join(TOP, "tools", "python"))
    import sheaf
    from sheaf import machine as internals

    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, file) for file in ("program.json", "mem.json")]
        command = os.path.join(build, "sheaf")
        subprocess.run([command, "build", name, "-o", paths[0]], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([command, "gen", name.split(":")[0], "-o", paths[1]], check=True, stdout=subprocess.DEVNULL)
        lists = sheaf.Program.load(paths[0]).bundles
        with open(paths[1], encoding="ascii") as file:
            mem = json.load(file)
    bundles = [{engine: [tuple(slot) for slot in slots] for engine, slots in bundle.items()} for bundle in lists]

    def whole():
        machine = sheaf.Machine(mem, bundles, None)
        machine.enable_pause = machine.enable_debug = False
        machine.run()
        return machine.mem

    machine = sheaf.Machine(mem, bundles, None)
    machine.run()
    cycles, slots = machine.cycle, sum(len(slots) for bundle in bundles for slots in bundle.values())
    program = sheaf.Program(bundles)
    run = median(10 * runs, machine.run, lambda: machine.reset(mem))
    kept = []
    rows = (
        ("convert, new", median(runs, lambda: sheaf.Program(bundles), internals._from_marshal.cache_clear)),
        ("convert, known", median(runs, lambda: sheaf.Program(bundles))),
        ("make and run", median(runs, lambda: kept.append(run_of(sheaf.Machine(mem, program, None))))),
        ("the same again", median(runs, lambda: run_of(sheaf.Machine(mem, program, None)), kept.clear)),
        ("reset", median(runs, lambda: machine.reset(mem))),
        ("run()", run),
        ("whole, new", median(runs, whole, internals._from_marshal.cache_clear)),
        ("whole, known", median(runs, whole)),
        ("reference", cycles / REFERENCE),
    )
    print("program    %s, %d bundles, %d slots" % (name, len(bundles), slots))
    for label, seconds in rows:
        print("%-15s %9.3f ms" % (label, 1e3 * seconds))
    print("run()      %.1f million bundles a second, %.0f times the reference" % (1e-6 * cycles / run,
                                                                                  cycles / run / REFERENCE))


if __name__ == "__main__":
    main()
