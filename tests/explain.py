#!/usr/bin/env python3
"""What explains a run: `profile` and `diff` on every variant of every kernel, on programs drawn at
random, and on programs with one mistake planted in them.

The figures of `profile --json` are held against each other and against `run`; what this file works out
itself from the program (slots by engine, gathers, fullness) is worked out from the JSON bundles alone.

usage: tests/explain.py BUILD
"""
import json
import os
import random
import subprocess
import sys
import tempfile

ENGINES = ("alu", "valu", "load", "store", "flow")
SLOTS = {"alu": 12, "valu": 6, "load": 2, "store": 2, "flow": 1}
CAUSES = ("missed", "scratch", "order", "ready-later", "none")
SMALL = {"tree_hash": "height=4,rounds=6,batch=24", "pq_index": "H=2,n=512,D=16,C=16,K=32,SINK=32,WIN=32", "moe_sort": "E=32,U=16"}

passed, failed = 0, 0
SHEAF = ""


def check(what, good):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("wrong:", what)


def sheaf(*arguments, status=0):
    done = subprocess.run([SHEAF, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          check=False)
    if done.returncode != status:
        raise RuntimeError(f"{arguments}: exit status {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def profile(*arguments, status=0):
    return json.loads(sheaf("profile", "--json", *arguments, status=status))


def adds_up(name, p, slots=None, cores=1):
    """All that must add up within one program's profile."""
    slots = slots or SLOTS
    good = True
    for e in ENGINES:
        x, holes = p["engines"][e], p["holes"][e]
        good &= x["room"] == p["cycles"] * slots[e] * cores and x["used"] + x["empty"] == x["room"]
        good &= sum(holes.values()) == x["empty"] and set(holes) == set(CAUSES)
        good &= sum(p["waits_for"][e].values()) == holes["ready-later"]
        good &= p["fill"][e] <= holes["none"]
        for key in ("used", *CAUSES):
            whole = x["used"] if key == "used" else holes[key]
            good &= sum(w[e][key] for w in p["windows"]) == whole
    check(f"{name}: every empty slot has one cause", good)
    check(f"{name}: slots", p["slots"] == sum(p["engines"][e]["used"] for e in ENGINES)
          == sum(n * cycles for n, cycles in enumerate(p["fullness"])))
    check(f"{name}: fullness is of all cycles", sum(p["fullness"]) == p["cycles"])
    rows = p["where"]["rows"]
    check(f"{name}: shares are 100 % exactly", not rows or sum(round(10 * r["percent"]) for r in rows) == 1000)
    check(f"{name}: shares are of all cycles and slots", abs(sum(r["cycles"] for r in rows) - p["cycles"]) < 1e-3 * max(
        1, p["cycles"]) and all(sum(r[e] for r in rows) == p["engines"][e]["used"] for e in ENGINES))
    loads = p["loads"]
    check(f"{name}: kinds of loads", sum(loads[k] for k in ("gathers", "vectors", "constants"))
          == p["engines"]["load"]["used"])
    check(f"{name}: repeated loads", all(s is None or s["repeated"] <= s["loads"] == loads["gathers"]
          for s in (loads[k] for k in ("same_vector", "same_window", "same_round", "at_all"))))
    bounds = p["bounds"]
    check(f"{name}: bounds bound", all(bounds[k] is None or bounds[k] <= p["cycles"]
          for k in ("work", "dep", "words", "io", "builder")) and bounds["dep"] <= bounds["words"])
    # A core sees in the same cycle what the cores before it stored, and a jump may share the cycle of what
    # it must not be before.
    chain = p["chain"]
    jumps = sum(x["text"].split()[0] in ("jump", "cond_jump", "cond_jump_rel", "jump_indirect", "halt", "pause") for x in chain)
    check(f"{name}: the chain is as long as its bound", bounds["dep"] <= len(chain)
          and (cores > 1 or len(chain) - jumps <= bounds["dep"])
          and all(x["cycle"] < y["cycle"] or (x["cycle"] == y["cycle"] and (cores > 1 or y["engine"] == "flow"))
                  for x, y in zip(chain, chain[1:])))
    gap = p["gap"]
    if gap:
        items = sum(gap[k] for k in (*CAUSES, "full"))
        bound = max(bounds["work"], bounds["dep"])
        check(f"{name}: the gap is itemised", items == gap["units"] * gap["cycles"] + gap["rounding"]
              and gap["cycles"] == p["cycles"] - bound)
    savings = [a["saving"] for a in p["advice"]]
    check(f"{name}: advice is ranked and promises no more than there is",
          savings == sorted(savings, reverse=True) and all(s <= p["cycles"] for s in savings))


def kernels():
    """Every variant, small; the figures agree with those of `run`."""
    for kernel in json.loads(sheaf("kernels", "--json"))["kernels"]:
        for variant in kernel["variants"]:
            name = f"{kernel['name']}:{variant['name']}"
            sizes = ("--set", SMALL[kernel["name"]]) if kernel["name"] in SMALL else ()
            ran = json.loads(sheaf("run", name, "--json", *sizes))
            p = profile(name, *sizes)
            check(f"{name}: cycles and result as run", p["cycles"] == ran["cycles"] and p["correct"] is True)
            for one in p.get("programs", [p]):
                adds_up(name, one)
            if "programs" not in p:
                check(f"{name}: slots as run", all(p["engines"][e]["used"] == ran["slots"][e] for e in ENGINES))
                bound = max(ran["bounds"].values()) if ran["bounds"] else None
                check(f"{name}: the builder's bound as run", p["bounds"]["builder"] == bound)


def random_program(rng):
    """Bundles of slots on 40 words of scratch and 32 of memory, loops included."""
    word = lambda n=1: rng.randrange(0, 41 - n)
    program = [{"load": [["const", i, rng.randrange(24)], ["const", i + 1, 1 + rng.randrange(24)]]} for i in (0, 2, 4)]
    for _ in range(rng.randrange(1, 40)):
        bundle = {}
        for _ in range(rng.choice((0, 1, 1, 2, 5, 14))):
            engine = rng.choice(ENGINES)
            slot = {"alu": lambda: [rng.choice("+-^&|"), 6 + rng.randrange(34), word(), word()],
                    "valu": lambda: ["+", 8 + rng.randrange(24), word(8), word(8)],
                    "load": lambda: rng.choice((["load", 6 + rng.randrange(34), rng.randrange(6)],
                                                ["vload", 6 + rng.randrange(26), rng.randrange(6)])),
                    "store": lambda: ["store", rng.randrange(6), word()],
                    "flow": lambda: ["select", 6 + rng.randrange(34), word(), word(), word()]}[engine]()
            if len(bundle.get(engine, ())) < SLOTS[engine]:
                bundle.setdefault(engine, []).append(slot)
        program.append(bundle or {"alu": []})
    if rng.random() < 0.4:  # a loop: word 5 counts down
        program.append({"flow": [["add_imm", 5, 5, -1]]})
        program.append({"flow": [["cond_jump", 5, rng.randrange(3, len(program))]]})
    return program


def random_programs(folder, cases):
    rng = random.Random(20)
    path, memory = os.path.join(folder, "random.json"), os.path.join(folder, "memory.json")
    with open(memory, "w", encoding="ascii") as file:
        json.dump([rng.randrange(1 << 32) for _ in range(32)], file)
    for case in range(cases):
        program = random_program(rng)
        cores = rng.choice((1, 1, 1, 3))
        with open(path, "w", encoding="ascii") as file:
            json.dump(program, file)
        p = profile(path, "--mem", memory, "--cores", str(cores), "--cycle-limit", "2000")
        adds_up(f"random program {case}", p, cores=cores)
        if not any("cond_jump" in str(b) for b in program):
            used = {e: cores * sum(len(b.get(e, ())) for b in program) for e in ENGINES}
            check(f"random program {case}: slots by engine",
                  used == {e: p["engines"][e]["used"] for e in ENGINES})


def plant(program, engine, which, change):
    """A copy with `change` made to a slot; its bundle and its place there."""
    copy = json.loads(json.dumps(program))
    places = [(i, k) for i, b in enumerate(copy) for k, s in enumerate(b.get(engine, ())) if which(s)]
    bundle, slot = places[len(places) // 2]
    change(copy, bundle, slot)
    return copy, bundle, slot


def mistakes(folder):
    """One mistake in a program: `diff` names the slot and the value."""
    right, wrong = os.path.join(folder, "right.json"), os.path.join(folder, "wrong.json")
    sheaf("build", "tree_hash:best", "-o", right)
    with open(right, encoding="utf-8") as file:
        program = json.load(file)

    def write(copy):
        with open(wrong, "w", encoding="utf-8") as file:
            json.dump(copy, file)

    def divergence(status=1):
        return json.loads(sheaf("diff", "tree_hash:best", wrong, "--json", status=status))["divergence"]

    def constant(copy, bundle, slot):
        copy[bundle]["load"][slot][2] += 1

    copy, bundle, slot = plant(program, "load", lambda s: s[0] == "const", constant)
    write(copy)
    found = divergence()
    check("a wrong constant is found", found and (found["b"]["bundle"], found["b"]["engine"], found["b"]["slot"])
          == (bundle, "load", slot) and found["b"]["value"] == found["a"]["value"] + 1
          and found["place"] == str(copy[bundle]["load"][slot][1]))

    def early(copy, bundle, slot):
        copy[bundle - 1].setdefault("valu", []).append(copy[bundle]["valu"].pop(slot))

    # A slot of a bundle after one that has room, which reads what that bundle writes.
    for at in range(20, len(program)):
        before, now = program[at - 1], program[at]
        written = {s[1] for s in before.get("valu", ())}
        late = [k for k, s in enumerate(now.get("valu", ())) if s[2] in written and s[0] == "multiply_add"]
        if late:
            break
    copy = json.loads(json.dumps(program))
    early(copy, at, late[0])
    write(copy)
    done = subprocess.run([SHEAF, "diff", right, wrong, "--json", "--kernel", "tree_hash", "--machine", "valu=7"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    found = json.loads(done.stdout)["divergence"] if done.stdout else None
    check("a read a cycle early is found", done.returncode == 1 and found and (found["b"]["bundle"], found["b"]["engine"],
          found["b"]["slot"]) == (at - 1, "valu", len(copy[at - 1]["valu"]) - 1)
          and found["a"]["bundle"] == at and found["a"]["slot"] == late[0])

    write(program)
    check("a program is the same as itself", divergence(status=0) is None)


def compares(folder):
    """A mistake where the program has debug compares: `run` names bundle, slot and value."""
    path = os.path.join(folder, "compare.s")
    with open(path, "w", encoding="ascii") as file:
        file.write(".name x 0 1\n.name y 1 1\n{ load: const x, 6; const y, 7 }\n{ alu: * x, x, y }\n"
                   "{ flow: halt; debug: compare x, [0,0,\"val\"] }\n")
    done = subprocess.run([SHEAF, "run", path, "--kernel", "tree_hash"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    check("a compare that does not hold names its slot", done.returncode == 3 and
          b"bundle 2, debug slot 0 `compare x," in done.stderr and b"found 42, expected" in done.stderr)


def pictures(folder):
    """The strip has a line an engine, the timeline a line a slot of its window."""
    text = sheaf("profile", "tree_hash:packed", "--set", SMALL["tree_hash"])
    lines = text.splitlines()
    check("the strip", all(any(line.startswith(f"{e:<6}  ") and set(line[8:]) <= set("·▁▂▃▄▅▆▇█") for line in lines)
                           for e in ENGINES))
    check("no colours in a file", "\033" not in text)
    path = os.path.join(folder, "t.s")
    with open(path, "w", encoding="ascii") as file:
        file.write("{ load: const 1, 5; const 2, 6 }\n{ alu: + 3, 1, 2 }\n{ store: store 1, 2 }\n{ alu: * 4, 3, 3 }\n")
    with open(os.path.join(folder, "m.json"), "w", encoding="ascii") as file:
        file.write("[0,0,0,0,0,0]")
    window = sheaf("profile", path, "--mem", os.path.join(folder, "m.json"), "--timeline", "0:4").splitlines()[4:]
    check("the timeline", [line.rstrip() for line in window] == [
        "      0 load   E--   const 1, 5",
        "      0 load   E--   const 2, 6",
        "      1 alu     E--  + 3, 1, 2",
        "      2 store   =E   store 1, 2",
        "      3 alu      =E  * 4, 3, 3"])


def errors():
    """One clear error each, exit status 2."""
    for arguments in (("--by", "colour"), ("--by", "label"), ("--cycles", "9:3"), ("--timeline", "x"),
                      ("--timeline", "0:5000")):
        done = subprocess.run([SHEAF, "profile", "tree_hash:packed", *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        check(f"error of {arguments}", done.returncode == 2 and done.stderr.count(b"\n") == 1 and not done.stdout)


def main():
    global SHEAF
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    SHEAF = os.path.join(os.path.abspath(sys.argv[1]), "sheaf")
    with tempfile.TemporaryDirectory() as folder:
        for part in (kernels, lambda: random_programs(folder, 250), lambda: mistakes(folder),
                     lambda: compares(folder), lambda: pictures(folder), errors):
            part()
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
