#!/usr/bin/env python3
"""sheaf optimize: the rungs as anyone's programs, a good program pulled apart, naive programs in eight styles, programs
that cannot be lifted, what is assumed, and the report. What comes out is judged by another command.

usage: tests/optimize.py BUILD
"""
import json
import math
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
VLEN = 8
passed, failed = 0, 0
build, folder = "", ""


def check(what, good, *found):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("wrong:", what, *found)


def run(*arguments, status=0):
    done = subprocess.run([os.path.join(build, "sheaf"), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    check(" ".join(arguments), done.returncode == status, done.returncode, done.stdout[-300:], done.stderr[-300:])
    return done.stdout, done.stderr


def file(name, value=None):
    path = os.path.join(folder, name)
    if value is not None:
        with open(path, "w", encoding="ascii") as out:
            json.dump(value, out)
    return path


def read(path):
    with open(path, encoding="ascii") as text:
        return json.load(text)


def optimized(name, program, *options, kernel="tree_hash", sizes=None, judged=True):
    """The report, after the program that came out has passed a judgement and is no longer."""
    more = ["--kernel", kernel] + (["--set", sizes] if sizes else [])
    path, out = file(name + ".json", program), file(name + ".out.json")
    text, _ = run("optimize", path, *more, "-o", out, "--json", *options)
    report = json.loads(text)
    check(name + ": not worse", report["cycles"] <= report["cycles_before"], report)
    if judged:
        run("judge", out, *more, "--inputs", "100")
    ran = json.loads(run("run", out, *more, "--json")[0])
    check(name + ": the cycles that are reported", ran["cycles"] == report["cycles"], ran["cycles"], report)
    return report


# --- slots ---------------------------------------------------------------------------

def words(engine, slot):
    """(read, written) words of scratch."""
    some = lambda first, n=1: set(range(first, first + n))
    op, arguments = slot[0], slot[1:]
    wide = VLEN if engine == "valu" or op in ("vload", "vselect") else 1
    if engine == "alu" or (engine == "valu" and op != "vbroadcast") or op in ("select", "vselect"):
        return set().union(*(some(a, wide) for a in arguments[1:])), some(arguments[0], wide)
    if op == "vbroadcast":
        return some(arguments[1]), some(arguments[0], VLEN)
    if op == "const":
        return set(), some(arguments[0])
    if op in ("load", "vload"):
        return some(arguments[1]), some(arguments[0], wide)
    if op in ("store", "vstore"):
        return some(arguments[0]) | some(arguments[1], VLEN if op == "vstore" else 1), set()
    if op == "add_imm":
        return some(arguments[1]), some(arguments[0])
    raise ValueError(op)


def in_turn(bundle):
    """The slots of a bundle, cut into groups that may follow each other: none reads or writes what an earlier one
    has written, nor loads after a store; each with whether it has to stay whole, its slots waiting in a circle."""
    slots = [(engine, slot, *words(engine, slot)) for engine in bundle for slot in bundle[engine]]
    groups = []
    while slots:
        ready = [s for s in slots if not any(
            o is not s and (s[3] & o[2] or (s[0] == "store" and o[0] == "load") or
                            (slots.index(o) < slots.index(s) and (o[3] & s[3] or o[0] == s[0] == "store")))
            for o in slots)]
        groups.append(([(s[0], s[1]) for s in ready or slots], not ready))
        slots = [s for s in slots if s not in ready] if ready else []
    return groups


def pulled_apart(program, draw):
    """Its bundles over about twice as many, in the same order."""
    out = []
    for bundle in program:
        parts = [group for group, _ in in_turn(bundle)]
        if len(parts) == 1:
            late = [s for s in parts[0] if draw.random() < 0.5]
            parts = [[s for s in parts[0] if s not in late], late]
            if any(e == "store" for e, _ in parts[0]) and any(e == "load" for e, _ in parts[1]):
                parts = [parts[1], parts[0]]
            reads = [set().union(*(words(*s)[0] for s in p)) if p else set() for p in parts]
            writes = [set().union(*(words(*s)[1] for s in p)) if p else set() for p in parts]
            if writes[0] & (reads[1] | writes[1]):
                parts = [[s for s in parts[0] + parts[1]], []]
        for part in parts:
            out.append(bundled(part) or {"alu": []})
    return out


def bundled(slots):
    made = {}
    for engine, slot in slots:
        made.setdefault(engine, []).append(slot)
    return made


def one_a_bundle(program):
    return [part for bundle in program for group, whole in in_turn(bundle)
            for part in ([bundled(group)] if whole else [{engine: [slot]} for engine, slot in group])]


def engine_a_bundle(program):
    return [part for bundle in program for group, whole in in_turn(bundle)
            for part in ([bundled(group)] if whole else [bundled([x for x in group if x[0] == engine])
                                                         for engine in dict.fromkeys(e for e, _ in group)])]


def scalar_tree(height, rounds, batch, style):
    """A walker after the other, as beginners write it. Styles: constants loaded once or every time, values kept in
    scratch or stored and loaded each round, addresses computed anew, words of scratch reused at once or not."""
    stages = [("+", 0x7ED55D16, "+", "<<", 12), ("^", 0xC761C23C, "^", ">>", 19), ("+", 0x165667B1, "+", "<<", 5),
              ("+", 0xD3A2646C, "^", "<<", 9), ("+", 0xFD7046C5, "+", "<<", 3), ("^", 0xB55A4F09, "^", ">>", 16)]
    slots, constants, top = [], {}, [64]
    nodes = 2 ** (height + 1) - 1
    tree, values = 7, 7 + nodes + batch

    def constant(value):
        if value in constants and not style["reload"]:
            return constants[value]
        where = constants.setdefault(value, len(constants) + 1000)
        slots.append(("load", ["const", where, value]))
        return where

    def temporary(at):
        if style["reuse"]:
            return at
        top[0] = top[0] + 1 if top[0] < 900 else 64
        return top[0]

    for r in range(rounds) if style["rounds_first"] else [None]:
        for i in range(batch):
            for step in [r] if r is not None else range(rounds):
                value, index, address = temporary(1), 2, temporary(3)
                if style["memory"] or step == 0 or r is not None:
                    at = constant(values + i)
                    slots.append(("load", ["load", value, at]))
                    slots.append(("load", ["load", index, constant(7 + nodes + i)]))
                else:
                    value = kept
                slots.append(("alu", ["+", address, constant(tree), index]))
                node, t, u = temporary(4), temporary(5), temporary(6)
                slots.append(("load", ["load", node, address]))
                new = temporary(7)
                slots.append(("alu", ["^", new, value, node]))
                for op1, c, op2, op3, k in stages:
                    slots.append(("alu", [op1, t, new, constant(c)]))
                    slots.append(("alu", [op3, u, new, constant(k)]))
                    slots.append(("alu", [op2, new, t, u]))
                bit = temporary(8)
                slots.append(("alu", ["%", bit, new, constant(2)]))
                slots.append(("alu", ["+", bit, bit, constant(1)]))
                slots.append(("alu", ["*", index, index, constant(2)]))
                slots.append(("alu", ["+", index, index, bit]))
                slots.append(("alu", ["<", bit, index, constant(nodes)]))
                slots.append(("alu", ["*", index, index, bit]))
                kept = new
                if style["memory"] or r is not None or step == rounds - 1:
                    slots.append(("store", ["store", constant(values + i), new]))
                    slots.append(("store", ["store", constant(7 + nodes + i), index]))
    return [{engine: [slot]} for engine, slot in slots]


# --- what is tried -------------------------------------------------------------------

def rungs():
    """Nothing of the builder's is left in a file of bundles."""
    for rung, most in (("scalar", 9920), ("packed", 10103), ("resident", 6757), ("grouped", 3816), ("interleaved", 2102),
                       ("best", 876)):
        program = read_built(rung)
        report = optimized(rung, program, "--effort", "0")
        check(rung + ": at most", report["cycles"] <= most, report["cycles"])


def read_built(rung, *options):
    path = file("built.json")
    run("build", "tree_hash:" + rung, "-o", path, *options)
    return read(path)


def apart():
    best = read_built("best")
    for seed in range(3):
        program = pulled_apart(best, random.Random(seed))
        report = optimized(f"apart{seed}", program, "--effort", "0")
        check("pulled apart: at most 890", report["cycles"] <= 890, report["cycles"])
        check("pulled apart: it was longer", report["cycles_before"] > 1500, report["cycles_before"])
    for name, style in (("slot", one_a_bundle), ("engine", engine_a_bundle)):
        report = optimized(name, style(best), "--effort", "0")
        check(f"a {name} a bundle: at most 900", report["cycles"] <= 900, report["cycles"])


def naive():
    sizes, gains = "height=4,rounds=5,batch=16", []
    for k in range(8):
        style = {"reload": k & 1, "reuse": k & 2, "memory": k & 4, "rounds_first": k in (3, 5)}
        report = optimized(f"naive{k}", scalar_tree(4, 5, 16, style), sizes=sizes)
        gains.append(report["cycles_before"] / report["cycles"])
        check("a gain", gains[-1] > 4, k, gains[-1])
    print(f"naive programs: {math.prod(gains) ** (1 / len(gains)):.1f} times faster (geometric mean of {len(gains)})")


def assumptions():
    program = read_built("scalar", "--set", "height=4,rounds=5,batch=16")
    sizes = "height=4,rounds=5,batch=16"
    free = optimized("free", program, sizes=sizes)
    bound = optimized("bound", program, "--no-assume", sizes=sizes)
    check("accesses are assumed", free["accesses"]["assumed"] > 0 and free["accesses"]["unknown"] == 0, free)
    check("nothing is assumed", bound["accesses"]["assumed"] == 0 and bound["accesses"]["unknown"] > 0, bound)
    check("assumptions are worth something", free["cycles"] < bound["cycles"], free["cycles"], bound["cycles"])
    text, _ = run("optimize", file("free.json"), "--kernel", "tree_hash", "--set", sizes)
    for line in ("runs end without a fault", "accesses touch only", "checked    verified"):
        check("the report says", line in text, line, text)


def refused():
    for name, program, why, status in (
        ("indirect", [{"load": [["const", 1, 2]]}, {"flow": [["jump_indirect", 1]]}], "bundle 1, flow slot 0 `jump_indirect 1`: ", 1),
        ("outside", [{"alu": [["+", 1600, 1, 2]]}], "bundle 0, alu slot 0 `+ 1600, 1, 2`: ", 1),
        ("fault", [{"load": [["const", 1, 99999]]}, {"load": [["load", 2, 1]]}], "faults on input 0: out_of_range", 1),
        ("cores", {"machine": {"cores": 2}, "program": [{"load": [["const", 1, 9]]}]}, "2 cores", 1),
        ("slots", [{"flow": [["select", 1, 2, 3, 4], ["select", 2, 2, 3, 4]]}], "", 1),
    ):
        _, error = run("optimize", file(name + ".json", program), "--mem", file("mem.json", [0] * 8), status=status)
        check(name, why in error and error.startswith("sheaf: ") and error.count("\n") == 1, error)
    text, _ = run("optimize", file("short.json", [{"load": [["const", 1, 7]]}, {"store": [["store", 0, 1]]}]), "--mem",
                  file("mem.json"))
    check("unchanged is said", "unchanged: no schedule" in text, text)
    _, error = run("optimize", file("short.json"), "-o", "-", status=2)
    check("no report into the program", "-o -" in error, error)


def loops():
    """A loop over memory, with a trace in it: fewer cycles a turn, the same trace."""
    source = file("loop.s")
    with open(source, "w", encoding="ascii") as out:
        out.write("{ load: const 0, 0; const 1, 16 }\n{ load: const 2, 1 }\nagain:\n{ load: load 4, 0 }\n{ alu: * 5, 4, 1 }\n"
                  "{ alu: + 6, 5, 2 }\n{ alu: + 7, 6, 6 }\n{ alu: ^ 7, 7, 4 }\n{ alu: + 20, 0, 1 }\n{ store: store 20, 7 }\n{ alu: + 0, 0, 2 }\n"
                  "{ alu: < 8, 0, 1 }\n{ flow: cond_jump 8, @again }\n{ flow: trace_write 7 }\n{ store: store 0, 7 }\n")
    mem = file("mem.json", [3 * i for i in range(40)])
    out = file("loop.out.s")
    report = json.loads(run("optimize", source, "--mem", mem, "--no-assume", "-o", out, "--json")[0])
    check("a loop is shorter", report["cycles"] < report["cycles_before"], report)
    dumps = []
    for program in (source, out):
        path = file("after.json")
        run("run", program, "--mem", mem, "-o", path)
        dumps.append(read(path))
    check("memory after a loop", dumps[0] == dumps[1])


def memory():
    """What is known of memory is forgotten where an access may touch it, and only there."""
    head = [{"load": [["const", 1, 5], ["load", 2, 0]]}, {"load": [["const", 3, 1], ["const", 4, 9]]}, {"load": [["const", 5, 6]]}]
    for name, middle, mem, stores, loads in (
        ("through a pointer", [{"store": [["store", 1, 3]]}, {"store": [["store", 2, 4]]}, {"load": [["load", 6, 1]]}], [5] + [0] * 7, 0, 0),
        ("read between", [{"store": [["store", 1, 3]]}, {"load": [["load", 6, 2]]}, {"store": [["store", 1, 4]]}], [5] + [0] * 7, 0, 0),
        ("overwritten unread", [{"store": [["store", 1, 3]]}, {"store": [["store", 1, 4]]}, {"load": [["load", 6, 1]]}], [5] + [0] * 7, 1, 1),
    ):
        path, out, image = file("memory.json", head + middle + [{"store": [["store", 5, 6]]}]), file("memory.out.json"), file("mem.json", mem)
        report = json.loads(run("optimize", path, "--mem", image, "-o", out, "--json")[0])
        check(name, (report["repeated"]["stores"], report["repeated"]["loads"]) == (stores, loads), report["repeated"])
        left = []
        for program in (path, out):
            run("run", program, "--mem", image, "-o", file("after.json"))
            left.append(read(file("after.json")))
        check(name + ": memory", left[0] == left[1], left)


def left_out():
    program = read_built("scalar", "--set", "height=4,rounds=5,batch=16")
    sizes = "height=4,rounds=5,batch=16"
    steps = lambda *options: [s["name"] for s in optimized("steps", program, "--effort", "0", *options, sizes=sizes)["steps"]]
    check("all steps", len(steps()) == 4, steps())
    check("one step less", len(steps("--without", "number")) == 3)
    check("two steps less", len(steps("--without", "fold,number")) == 2)
    _, error = run("optimize", file("steps.json"), "--without", "folding", status=2)
    check("no such step", "--without folding: expected fold or number" in error, error)


def main():
    global build, folder
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        for part in (rungs, apart, naive, assumptions, refused, loops, memory, left_out):
            part()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
