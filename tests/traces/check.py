#!/usr/bin/env python3
"""Traces against a replay of their programs by other code (machine.py), read by other code
(readers.py) and by programs that we did not write: protoc, vcd2fst and fst2vcd. Every executed
slot has to be there once, with its operation, operands, names and values; every named variable
with its values whenever it is written; nothing else; and no two events of a track at once.

usage: tests/traces/check.py BUILD
"""
import bisect
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import machine
import readers

SMALL = "height=4,batch=32,rounds=8"
RANDOM_PROGRAMS = 24
LONG = 64  # of names with more words only those written are shown


class Case:
    """A program, or several, on one memory; `names` (name, address, length) of the last."""

    def __init__(self, title, operands, programs, mem, names, **machine_options):
        self.title, self.operands, self.programs, self.mem, self.names = title, operands, programs, mem, names
        self.options = machine_options

    def replay(self):
        """The machines that ran, one for each program."""
        mem, cycle, machines = list(self.mem), 0, []
        for program in self.programs:
            machines.append(machine.Machine(program, mem, cycle, **self.options).run())
            cycle = machines[-1].cycle
            if machines[-1].fault:
                break
        return machines


def sheaf(*arguments, expected=0):
    done = subprocess.run([SHEAF, *map(str, arguments)], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    error = done.stderr.decode()
    assert done.returncode == expected, (arguments, done.returncode, error)
    assert error.count("\n") == (expected != 0), error
    return done.stdout.decode()


# --- cases ------------------------------------------------------------------------------

def kernel_case(name, folder, sizes=SMALL):
    program, mem, asm = (os.path.join(folder, f) for f in ("program.json", "mem.json", "program.s"))
    sheaf("build", name, "--set", sizes, "-o", program)
    sheaf("gen", name.split(":")[0], "--set", sizes, "-o", mem)
    with open(program, encoding="utf-8") as file:
        programs = json.load(file)
    with open(mem, encoding="utf-8") as file:
        words = json.load(file)
    operands = [name, "--set", sizes]
    if isinstance(programs, dict):
        return Case(name, operands, [s["program"] for s in programs["stages"]], words, None)
    sheaf("build", name, "--set", sizes, "-o", asm)
    names = []
    with open(asm, encoding="utf-8") as file:
        for line in file:
            if line.startswith(".name "):
                what, address, length = line[6:].rsplit(None, 2)
                names.append((json.loads(what) if what[0] == '"' else what, int(address), int(length)))
    return Case(name, operands, [programs], words, names)


def random_case(seed, folder):
    """A loop over random bundles. Words 0 to 7 hold addresses and a counter, and stay as they are;
    one program in four may divide by 0."""
    r = random.Random(seed)
    cores, vlen, words = r.choice((1, 1, 2, 5)), r.choice((1, 4, 8)), 400
    names = [("addr", 0, 7), ("n", 7, 1), ("long", 8, 150), ("v", 16, vlen), ("w", 20, vlen),
             ("s", 300, 1), ("a \"b\" \u00fc\n+", 301, 1)]
    divides = r.random() < 0.25

    def word():
        return r.choice((r.randrange(8, 60), r.randrange(8, 60), 300, 301, r.randrange(8, 390)))

    def slot(engine):
        if engine in ("alu", "valu"):
            op = r.choice([o for o in machine.OPERATORS if divides or o not in ("//", "%", "cdiv")])
            if engine == "valu" and r.random() < 0.3:
                return r.choice((["vbroadcast", word(), word()], ["multiply_add", word(), word(), word(), word()]))
            return [op, word(), word(), word()]
        if engine == "load":
            return r.choice((["load", word(), r.randrange(7)], ["vload", word(), r.randrange(7)],
                             ["const", word(), r.randrange(-9, 2**33)], ["load_offset", word(), 0, r.randrange(4)]))
        if engine == "store":
            return r.choice((["store", r.randrange(7), word()], ["vstore", r.randrange(7), word()]))
        return r.choice((["select", word(), word(), word(), word()], ["vselect", word(), word(), word(), word()],
                         ["add_imm", word(), word(), r.randrange(-99, 99)], ["coreid", word()], ["pause"],
                         ["trace_write", word()], ["cond_jump_rel", word(), r.randrange(0, 2)]))

    program = [{"load": [["const", i, r.randrange(40)]]} for i in range(7)] + [{"load": [["const", 7, r.randrange(1, 5)]]}]
    start = len(program)
    for _ in range(r.randrange(2, 25)):
        engines = r.sample(machine.ENGINES, r.randrange(0, 6))
        bundle = {e: [slot(e) for _ in range(r.randrange(0, machine.SLOTS[e] + 1))] for e in engines}
        if r.random() < 0.3:
            bundle["debug"] = [["comment", "\u00fc \"quoted\" \\ <tag>"]]
        program.append(bundle)
    program += [{"flow": [["add_imm", 7, 7, -1]]}, {"flow": [["cond_jump", 7, start]]}, {"flow": [["halt"]]}]
    mem = [r.randrange(2**32) for _ in range(64)]
    pause = r.random() < 0.5
    latency = {e: r.randrange(1, 6) for e in machine.ENGINES} if seed % 3 == 2 else {}
    path, image = os.path.join(folder, "random.json"), os.path.join(folder, "random_mem.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": {"vlen": vlen, "scratch": words, "cores": cores, "latency": latency},
                   "scratch_map": {str(a): [n, l] for n, a, l in names}, "program": program}, file)
    with open(image, "w", encoding="utf-8") as file:
        json.dump(mem, file)
    return Case("random %d" % seed, [path, "--mem", image] + (["--pause"] if pause else []), [program], mem, names,
                cores=cores, scratch=words, vlen=vlen, pause=pause, latency=latency)


# --- what has to be there ----------------------------------------------------------------

def joined(values):
    return ", ".join(map(str, values))


def expected_slots(machines, window, engines):
    """(process, track) -> [Slot], in order of time."""
    found = {}
    for m in machines:
        for s in m.slots:
            if window[0] <= s.cycle < window[1] and s.engine in engines:
                found.setdefault(("Core %d" % s.core, "%s-%d" % (s.engine, s.number)), []).append(s)
    return found


def named_tracks(names):
    """Of each name, as Trace.by_name has it."""
    found = []
    for name, _, length in names:
        track, n = "%s-%d" % (name, length), 1
        while track in found:
            n += 1
            track = "%s-%d[%d]" % (name, length, n)
        found.append(track)
    return found


def wave_names(names):
    """Of each name, as waveforms have it."""
    found = []
    for name, address, _ in names:
        shown = re.sub(b"[^A-Za-z0-9_]", b"_", name.encode()).decode()
        found.append("%s@%d" % (shown, address) if any(shown == f.split("@")[0] for f in found) else shown)
    return found


def expected_names(machines, window, names):
    """(process, track) -> [(cycle, text)], of the only program."""
    found, m, tracks = {}, machines[0], named_tracks(names)
    scratch = [[0] * len(c.scratch) for c in m.cores]
    at = 0
    while at < len(m.words):
        cycle, core = m.words[at][:2]
        written = {}
        while at < len(m.words) and m.words[at][:2] == (cycle, core):
            written[m.words[at][2]] = m.words[at][3]
            scratch[core][m.words[at][2]] = m.words[at][3]
            at += 1
        if not window[0] <= cycle < window[1]:
            continue
        for (_, address, length), track in zip(names, tracks):
            inside = [w - address for w in written if address <= w < address + length]
            if not inside:
                continue
            if length <= LONG:
                shown = joined(scratch[core][address:address + length])
            else:
                shown = {w: scratch[core][address + w] for w in inside}
            found.setdefault(("Core %d Scratch" % core, track), []).append((cycle, shown))
    return found


def operand(spelled, names):
    """The number that an operand stands for."""
    name, _, offset = spelled.rpartition("+")
    spelled, name = (json.loads(n) if n[:1] == n[-1:] == '"' else n for n in (spelled, name))
    for candidate, more in ((spelled, 0), (name, offset)):
        for what, address, _ in names:
            if what == candidate:
                return address + int(more)
    return int(spelled, 0)


def check_arguments(slot, arguments, names, spelled):
    """What is told of a slot; `spelled`: also as it is written in the program."""
    left = dict(arguments)
    if spelled:
        assert json.loads(left.pop("slot")) == slot.slot
    operation, _, operands = left.pop("named").partition(" ")
    operands = operands.split(", ") if operands else []
    assert operation == slot.slot[0] and len(operands) == len(slot.slot) - 1
    if names is not None:
        assert [operand(o, names) for o in operands] == slot.slot[1:], (operands, slot.slot)
    assert left.pop("bundle") == slot.bundle
    assert left.pop("address", None) == slot.address
    assert left.pop("wrote", "") == joined(slot.wrote)
    assert set(left) <= {"stage", "round", "strand", "value"}, left


def check_tracks(trace, case, machines, window, engines, spelled):
    """Slots and variables of a trace, all and nothing else."""
    slots = expected_slots(machines, window, engines)
    variables = expected_names(machines, window, case.names) if case.names is not None else {}
    for key, events in trace.by_name().items():
        for before, after in zip(events, events[1:]):
            assert before[1] <= after[0], ("overlap", key, before, after)
        if "Scratch" in key[0] and case.names is None:
            continue
        if "Scratch" not in key[0]:
            wanted = slots.pop(key, [])
            assert [e[:3] for e in events] == [(s.cycle, s.cycle + 1, s.slot[0]) for s in wanted], key
            for event, slot in zip(events, wanted):
                check_arguments(slot, event[3], case.names, spelled)
            continue
        wanted = variables.pop(key, [])
        assert [e[:2] for e in events] == [(cycle, cycle + 1) for cycle, _ in wanted], key
        for event, (_, shown) in zip(events, wanted):
            assert same_values(event[2], shown), (key, event, shown)
    assert not slots and not variables, ("missing", list(slots) + list(variables))


def same_values(found, shown):
    if isinstance(shown, str):
        return found == shown
    pairs = [item.strip("[").split("] ") for item in found.split(", ")]
    return {int(word): int(value) for word, value in pairs} == shown


# --- the formats ---------------------------------------------------------------------------

def check_chrome(case, machines, folder, window=None, engines=machine.ENGINES, options=(), status=0):
    path = os.path.join(folder, "trace.json")
    sheaf("trace", *case.operands, *options, "-o", path, expected=status)
    check_tracks(readers.read_chrome(path), case, machines, window or (0, 1 << 64), engines, True)


def check_perfetto(case, machines, folder, window=None, engines=machine.ENGINES, options=(), status=0):
    path = os.path.join(folder, "trace.pftrace")
    sheaf("trace", *case.operands, *options, "-o", path, expected=status)
    trace, window = readers.read_perfetto(path), window or (0, 1 << 64)
    check_tracks(trace, case, machines, window, engines, False)
    with open(path, "rb") as file:
        raw = subprocess.run(["protoc", "--decode_raw"], stdin=file, capture_output=True, check=True).stdout
    assert raw.count(b"\n1 {") + raw.startswith(b"1 {") == trace.packets
    used, cycles = {}, set()
    for m in machines:
        cycles |= {cycle for cycle, _, _ in m.bundles if window[0] <= cycle < window[1]}
        for s in m.slots:
            used[s.core, s.engine, s.cycle] = used.get((s.core, s.engine, s.cycle), 0) + 1
    assert len(trace.counters) == len(engines) * len(machines[0].cores)
    for (process, name), changes in trace.counters.items():
        value, steps = 0, dict(changes)
        assert len(steps) == len(changes)
        for cycle in sorted(cycles):
            value = steps.pop(cycle, value)
            assert value == used.get((int(process.split()[1]), name.split()[0], cycle), 0), (process, name, cycle)
        assert list(steps.values()) == ([0] if value else []), steps


def check_wave(wave, case, machines, window, engines):
    """Every variable in every cycle."""
    slots, used, pcs = {}, {}, {}
    for m in machines:
        for s in m.slots:
            slots[s.core, s.engine, s.number, s.cycle] = s.slot[0]
            used[s.core, s.engine, s.cycle] = used.get((s.core, s.engine, s.cycle), 0) + 1
        for cycle, core, bundle in m.bundles:
            pcs[core, cycle] = bundle
    first, last = window[0], min(window[1], max([c + 1 for m in machines for c, _, _ in m.bundles], default=0))
    expected = {}
    for core in range(len(machines[0].cores)):
        expected["core%d.pc" % core] = lambda c, core=core: pcs.get((core, c))
        for e in engines:
            expected["core%d.%s.%s-used" % (core, e, e)] = lambda c, core=core, e=e: used.get((core, e, c), 0)
            for i in range(machine.SLOTS[e]):
                expected["core%d.%s.%s-%d" % (core, e, e, i)] = \
                    lambda c, core=core, e=e, i=i: slots.get((core, e, i, c), ".")
    words = {}
    if case.names is not None:
        for cycle, core, at, value in machines[0].words:
            words.setdefault((core, at), []).append((cycle, value))
        for (_, address, length), name in zip(case.names, wave_names(case.names)):
            for core in range(len(machines[0].cores)):
                for w in range(length):
                    path = "core%d.scratch.%s" % (core, name) + ("(%d)" % w if length > 1 else "")
                    expected[path] = (core, address + w)
        assert set(expected) == set(wave.changes), set(expected) ^ set(wave.changes)
    for path, what in expected.items():
        if isinstance(what, tuple):
            history = words.get(what, [])
            cycles, values = [c for c, _ in history], [0] + [v for _, v in history]
            what = lambda c, cycles=cycles, values=values: values[bisect.bisect_left(cycles, c)]
        found, changes = None, iter(wave.changes[path] + [(1 << 64, None)])
        following = next(changes)
        for cycle in range(first, last):
            while following[0] <= cycle:
                found, following = following[1], next(changes)
            assert found == what(cycle), (path, cycle, found, what(cycle))
    if last > first:
        assert all(wave.at(p, last) in (None, 0, ".") for p in expected if ".scratch" not in p)


def check_vcd(case, machines, folder, window=None, engines=machine.ENGINES, options=(), status=0):
    path, fst = os.path.join(folder, "trace.vcd"), os.path.join(folder, "trace.fst")
    sheaf("trace", *case.operands, *options, "-o", path, expected=status)
    with open(path, encoding="ascii") as file:
        wave = readers.read_vcd(file)
    check_wave(wave, case, machines, window or (0, 1 << 64), engines)
    subprocess.run(["vcd2fst", path, fst], check=True, capture_output=True)
    back = subprocess.run(["fst2vcd", fst], check=True, capture_output=True).stdout.decode("ascii")
    again = readers.read_vcd(back.split("\n"))
    assert set(again.changes) == set(wave.changes)
    for name in wave.changes:
        assert last_of_each(again.changes[name]) == last_of_each(wave.changes[name]), name


def last_of_each(changes):
    """Changes without repetition: the last of each step, where it is another."""
    found = []
    for time, value in dict(changes).items():
        if not found or found[-1][1] != value:
            found.append((time, value))
    return found


FORMATS = {"chrome": check_chrome, "perfetto": check_perfetto, "vcd": check_vcd}


def check_counts(case):
    """As many events as `run` counts."""
    counted = json.loads(sheaf("run", *case.operands, "--json"))["slots"]
    machines = case.replay()
    found = {e: sum(s.engine == e for m in machines for s in m.slots) for e in machine.ENGINES}
    assert counted == found, (counted, found)


def check_mixture(faults, programs):
    """Some of the random programs fault, most do not."""
    assert 0 < faults < programs / 2, faults


# --- the tests -----------------------------------------------------------------------------

def main():
    passed = failed = 0

    def test(title, function, *arguments, **keywords):
        nonlocal passed, failed
        try:
            function(*arguments, **keywords)
            passed += 1
        except Exception as why:  # pylint: disable=broad-except
            failed += 1
            print("%s: %s: %s" % (title, type(why).__name__, str(why)[:500]))

    with tempfile.TemporaryDirectory(prefix="sheaf_traces.") as folder:
        for name in ("tree_hash:scalar", "tree_hash:packed", "tree_hash:grouped", "tree_hash:best"):
            case = kernel_case(name, folder)
            machines = case.replay()
            test(case.title + ", counts", check_counts, case)
            for kind, check in FORMATS.items():
                test("%s, %s" % (case.title, kind), check, case, machines, folder)
                test("%s, %s, window" % (case.title, kind), check, case, machines, folder, (20, 60), ("alu", "load"),
                     ("--cycles", "20:60", "--engines", "load,alu"))
        several = kernel_case("moe_sort:staged", folder, "M=2,E=16,NG=2,TG=1,K=2,U=8")
        machines = several.replay()
        assert len(machines) > 1
        for kind, check in FORMATS.items():
            test("several programs, " + kind, check, several, machines, folder)
            middle = machines[1].bundles[3][0]
            test("several programs, window, " + kind, check, several, machines, folder, (middle, 1 << 64),
                 options=("--cycles", "%d:" % middle))
        faults = 0
        for seed in range(RANDOM_PROGRAMS):
            case = random_case(seed, folder)
            machines = case.replay()
            faults += machines[-1].fault
            for kind, check in FORMATS.items():
                test("%s, %s" % (case.title, kind), check, case, machines, folder, status=3 if machines[-1].fault else 0)
        test("random programs", check_mixture, faults, RANDOM_PROGRAMS)
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    SHEAF = os.path.join(os.path.abspath(sys.argv[1]), "sheaf")
    sys.exit(main())
