#!/usr/bin/env python3
"""The operation table is the only place to touch: a copy of the tree with invented operations, each one
row more in sim/isa/isa.def, is built after `make manual`, and everything that knows operations knows them.

What programs with them come to is computed here, by the few lines of `simulate`, and held against the
step, the fast and the batch simulator, the builder and its constant folder, and Python.

usage: tests/table.py BUILD    (from the root; the copy has a build of its own)
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

# One of each shape: an operator with a scalar expression and one whose expression holds for vectors, a load,
# a pure slot on alu, one on valu with a scalar and a literal among its operands, a jump.
ROWS = {
    "BINARY": [
        'ISA_BINARY(MIN_OF, "min", 0, a < b ? a : b, "the lesser, \\"unsigned\\"")',
        'ISA_BINARY_LANES(MAX_OF, "max", 0, ISA_IF(a < b, b, a), "the greater")',
    ],
    "SLOT": [
        'ISA_SLOT(PEEK, LOAD, "peek", LOAD, DEST, SRC, NONE, NONE, 0, "s[dest] = m[s[a]]")',
        'ISA_SLOT(CLAMP, ALU, "clamp", PURE, DEST, SRC, SRC, SRC, a < b ? b : a > c ? c : a, "a within b to c")',
        'ISA_SLOT(SCALED, VALU, "scaled", PURE, VDEST, LITERAL, VSRC, SRC, a + b * k, "s[dest+i] = s[a+i] + s[b]*k")',
        'ISA_SLOT(BRANCH, FLOW, "branch", COND_JUMP_REL, SRC, RELATIVE, NONE, NONE, 0, "if s[a] != 0: pc += k")',
    ],
}
WORD = 2**32
VALUES = {
    "+": lambda a, b: a + b,
    "min": min,
    "max": max,
    "clamp": lambda a, b, c: b if a < b else min(a, c),
}
MEM, SCRATCH = 96, 1536


def simulate(program, mem, vlen):
    """The machine's rules for what `draw` draws: memory, scratch, cycles and the pc at the end."""
    mem, scratch, pc, cycles = list(mem), [0] * SCRATCH, 0, 0
    while pc < len(program):
        writes, bundle, pc = [], program[pc], pc + 1
        for engine, slots in bundle.items():
            for op, *x in slots:
                lanes = range(vlen if engine == "valu" or op in ("vload", "vstore") else 1)
                if op == "const":
                    writes.append((scratch, x[0], x[1]))
                elif op in ("load", "peek", "vload"):
                    writes += [(scratch, x[0] + i, mem[scratch[x[1]] + i]) for i in lanes]
                elif op in ("store", "vstore"):
                    writes += [(mem, scratch[x[0]] + i, scratch[x[1] + i]) for i in lanes]
                elif op == "branch":
                    pc += x[1] if scratch[x[0]] else 0
                elif op == "scaled":
                    writes += [(scratch, x[0] + i, scratch[x[2] + i] + scratch[x[3]] * x[1]) for i in lanes]
                else:
                    writes += [(scratch, x[0] + i, VALUES[op](*(scratch[at + i] for at in x[1:]))) for i in lanes]
        for words, at, value in writes:
            words[at] = value % WORD
        cycles += 1
    return mem, scratch, cycles, pc


def draw(rng, bundles, vlen):
    """A random program over 40 words, from 0 on; addresses into memory are in words 100 to 107."""
    def word():
        return rng.randrange(40)

    def vector():
        return rng.randrange(41 - vlen)

    def address():
        return 100 + rng.randrange(8)

    program = [{"load": [["const", 100 + i, rng.randrange(MEM - vlen + 1)]]} for i in range(8)]
    program += [{"load": [["vload", vector(), address()], ["peek", word(), address()]]} for _ in range(6)]
    for _ in range(bundles):
        bundle = {
            "alu": [["clamp", word(), word(), word(), word()] if rng.random() < 0.1 else
                    [rng.choice(["min", "max", "+"]), word(), word(), word()] for _ in range(rng.randrange(6))],
            "valu": [["scaled", vector(), rng.choice([-1, 3, 2**31]), vector(), word()] if rng.random() < 0.4 else
                     [rng.choice(["min", "max"]), vector(), vector(), vector()] for _ in range(rng.randrange(4))],
            "load": [["peek", word(), address()] if rng.random() < 0.8 else ["vload", vector(), address()]
                     for _ in range(rng.randrange(3))],
            "store": [["vstore", address(), vector()]] if rng.random() < 0.2 else [],
            "flow": [["branch", word(), 1]] if rng.random() < 0.1 else [],
        }
        # Scalar slots on consecutive words, which the fast simulator does as one.
        first, lanes = rng.randrange(20), rng.randrange(2, 9)
        if rng.random() < 0.5:
            op = rng.choice(["min", "max"])
            bundle["alu"] = [[op, 200 + i, first + i, first + 10 + i] for i in range(lanes)]
        program += [bundle, {"alu": [["+", word(), 200 + rng.randrange(8), word()]]}]
    return program + [{"store": [["store", 100 + i, word()]]} for i in range(8)]


KERNEL = """
#include <stdio.h>
#include "builder/api/sheaf_builder.h"

int main(void)
{
    uint32_t memory[32] = {9, 4, 7, 7, 1, 0, 2, 4000000000u, 4, 9, 7, 6, 0, 1, 4000000000u, 2};
    const struct sheaf_program *program;
    struct sheaf_error error;
    static char text[10000];
    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    const struct sheaf_reg a = sheaf_vload(k, sheaf_const(k, 0)), b = sheaf_vload(k, sheaf_const(k, 8));
    sheaf_store(k, sheaf_const(k, 16), sheaf_min_of(k, a, b));
    sheaf_store(k, sheaf_const(k, 24), sheaf_max_of(k, sheaf_lane(k, a, 1), sheaf_lane(k, b, 1)));
    sheaf_store(k, sheaf_const(k, 25), sheaf_binary(k, SHEAF_OP_MIN_OF, sheaf_const(k, 70), sheaf_const(k, 77)));
    if (sheaf_kernel_run(k, memory, 32, NULL, &error) != SHEAF_OK ||
        sheaf_kernel_build(k, &program, &error) != SHEAF_OK)
        return puts(error.text), 1;
    for (int i = 16; i < 26; i++)
        printf("%u ", memory[i]);
    sheaf_program_json(program, text, sizeof text);
    printf("\\n%s\\n", text);
    sheaf_kernel_destroy(k);
    return 0;
}
"""

PYTHON = """
import json, sys
from sheaf import OPERATORS, Kernel, Machine, Program
from sheaf._library import SIMULATORS
assert OPERATORS.index("min") == 0 and "max" in OPERATORS
k = Kernel()
a, b = k.vload(0), k.vload(8)
k.store(16, k.binary("min", a, b))
k.store(24, k.binary("max", a[0], b[0]))
mem, _ = k.run([9, 4, 7, 7, 1, 0, 2, 2**32 - 1, 4, 9, 7, 6, 0, 1, 2, 3] + [0] * 9)
assert mem[16:] == [4, 4, 7, 6, 0, 0, 2, 3, 9], mem
for case in json.load(sys.stdin):
    for simulator in SIMULATORS:
        machine = Machine(case["mem"], Program(case["program"]), engine=simulator, machine="program")
        machine.run()
        assert machine.mem == case["end"] and machine.cycle == case["cycles"], simulator
        assert machine.cores[0].scratch == case["scratch"], simulator
"""


class Checks:
    def __init__(self, work):
        self.tree = os.path.join(work, "tree")
        self.work = work
        self.passed = self.failed = 0
        # The makes in here are none of the make that runs this.
        self.env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "LD_PRELOAD")}

    def say(self, good, name, why=""):
        self.passed, self.failed = self.passed + good, self.failed + (not good)
        if not good:
            print("failed: %s\n%s" % (name, why))
        return good

    def run(self, *command, text=None, env=None):
        done = subprocess.run(command, cwd=self.tree, input=text, env=env or self.env, encoding="utf-8",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def check(self, name, *command, text=None, env=None, has=()):
        """The command succeeds, and what it says has these texts."""
        status, said = self.run(*command, text=text, env=env)
        missing = [part for part in has if part not in said]
        self.say(status == 0 and not missing, name, "%s\nexit status %d, without: %s" % (
            said[-3000:], status, missing))
        return said

    def write(self, name, text):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def read(self, name):
        with open(os.path.join(self.tree, name), encoding="utf-8") as file:
            return file.read()


def copy_tree(to, build):
    """What git has, and would have; where this is no checkout, all but what was built."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if listed.returncode != 0:
        shutil.copytree(".", to, ignore=shutil.ignore_patterns(os.path.basename(os.path.normpath(build)), ".*"))
        return
    for path in filter(os.path.isfile, listed.stdout.decode().split("\0")):
        os.makedirs(os.path.join(to, os.path.dirname(path)), exist_ok=True)
        shutil.copy2(path, os.path.join(to, path))


def add_rows(checks):
    """At the beginning of their lists: nothing may depend on what comes first."""
    table = checks.read("sim/isa/isa.def")
    for section, rows in ROWS.items():
        table = table.replace("#ifdef ISA_%s\n" % section, "#ifdef ISA_%s\n%s\n" % (section, "\n".join(rows)))
    with open(os.path.join(checks.tree, "sim/isa/isa.def"), "w", encoding="utf-8") as file:
        file.write(table)


def build(checks):
    make = ["make", "-s", "-j2", "BUILD=build", "CFLAGS=-O0", "LDFLAGS="]
    checks.check("make manual, from clean", *make, "manual")
    checks.say(all('`["%s"' % name in checks.read("sim/README.md")
                   for name in ("min", "max", "peek", "clamp", "scaled", "branch")), "the manual has them")
    checks.say("X(sheaf_min_of, SHEAF_OP_MIN_OF," in checks.read("builder/api/sheaf_builder.h"), "the header has them")
    status, said = checks.run(*make, *("build/" + what for what in (
        "sheaf", "libsheaf.so", "fuzz/differential", "fuzz/random_ir")))
    return checks.say(status == 0, "it builds", said[-3000:])


def cases(rng):
    for bundles, vlen in [(12, 8), (40, 8), (200, 8), (12, 4), (40, 1), (40, 16)]:
        program = draw(rng, bundles, vlen)
        mem = [rng.choice([rng.randrange(WORD), rng.randrange(9)]) for _ in range(MEM)]
        end, scratch, cycles, pc = simulate(program, mem, vlen)
        yield {"program": {"machine": {"vlen": vlen}, "program": program}, "mem": mem, "end": end,
               "scratch": scratch, "cycles": cycles, "pc": pc}


def vector_of(number, case):
    """As one of tests/data/machine.jsonl."""
    scratch = {str(i): word for i, word in enumerate(case["scratch"])}
    return json.dumps({"name": "table-%d" % number, "config": {}, "mem": case["mem"],
                       "program": case["program"]["program"],
                       "expect": {"fault": None, "cycles": case["cycles"], "runs": 1, "mem": case["end"],
                                  "cores": [{"pc": case["pc"], "scratch": scratch, "trace": []}]}}) + "\n"


def run_everywhere(checks, drawn):
    vectors = [vector_of(i, case) for i, case in enumerate(drawn) if case["program"]["machine"]["vlen"] == 8]
    path = checks.write("vectors.jsonl", "".join(vectors))
    for simulator in ("step", "fast", "batch"):
        checks.check("conformance, " + simulator, "build/sheaf", "conform", "--simulator", simulator, path,
                     has=["%d passed, 0 failed" % len(vectors)])
    checks.check("simulators against each other", "build/fuzz/differential", "--cases", "4000")
    checks.check("kernels against each other", "build/fuzz/random_ir", "--cases", "60")
    environment = dict(checks.env, PYTHONPATH="tools/python", SHEAF_LIBRARY="build/libsheaf.so")
    checks.check("Python", sys.executable, "-c", PYTHON, text=json.dumps(drawn), env=environment)


def run_the_command(checks, drawn):
    case = drawn[0]
    program = checks.write("p.json", json.dumps(case["program"]))
    mem = checks.write("mem.json", json.dumps(case["mem"]))
    checks.check("dis", "build/sheaf", "dis", program, "-o", os.path.join(checks.work, "p.s"))
    checks.check("asm", "build/sheaf", "asm", os.path.join(checks.work, "p.s"), "-o", os.path.join(checks.work, "q.json"))
    with open(os.path.join(checks.work, "p.s"), encoding="utf-8") as text, \
            open(os.path.join(checks.work, "q.json"), encoding="utf-8") as back:
        said = text.read()
        checks.say("peek 2" in said and "scaled " in said, "assembly has them", said)
        checks.say(json.load(back)["program"] == [{e: s for e, s in b.items()} for b in case["program"]["program"]],
                   "JSON to assembly to JSON changes nothing")
    checks.check("tandem", "build/sheaf", "run", program, "--mem", mem, "--simulator", "cross-check",
                 has=["%d" % case["cycles"]])
    checks.check("check", "build/sheaf", "check", program, has=["\n0 errors, "])
    bad = checks.write("bad.json", '[{"alu": [["min", 1, 2]]}]')
    status, said = checks.run("build/sheaf", "check", bad)
    checks.say(status == 2 and "min" in said, "wrong operands are refused", said)
    outside = checks.write("outside.json", '[{"load": [["peek", 1536, 0]], "flow": [["branch", 0, -9]]}]')
    status, said = checks.run("build/sheaf", "check", outside)
    checks.say(status == 1 and "`peek 1536, 0`" in said and "jumps to bundle -8" in said, "hazards are found", said)
    for ending, has in (("json", ["scaled", "peek"]), ("vcd", ["min"])):
        path = os.path.join(checks.work, "trace." + ending)
        checks.check("trace, " + ending, "build/sheaf", "trace", program, "--mem", mem, "-o", path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        checks.say(all(name in text for name in has), "the trace has them: " + ending)
    checks.check("profile", "build/sheaf", "profile", program, "--mem", mem, "--timeline", "14:40", has=["scaled"])
    said = checks.check("profile --json", "build/sheaf", "profile", program, "--mem", mem, "--json")
    checks.say('"cycles":%d' % case["cycles"] in said.replace(" ", ""), "the profile counts them")


def build_a_kernel(checks):
    source = checks.write("kernel.c", KERNEL)
    binary = os.path.join(checks.work, "kernel")
    compiler = os.environ.get("CC", "cc").split()
    checks.check("a kernel compiles", *compiler, "-std=c11", "-I.", "-o", binary, source, "-Lbuild", "-lsheaf",
                 "-Wl,-rpath," + os.path.join(checks.tree, "build"))
    said = checks.check("a kernel runs, its constants are folded", binary,
                        has=["4 4 7 6 0 0 2 2 9 70 \n", '["max",'])
    checks.say(said.count('["min",') == 1, "the operator on constants is no slot", said)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tests/table.py BUILD")
    with tempfile.TemporaryDirectory(prefix="sheaf.") as work:
        checks = Checks(work)
        copy_tree(checks.tree, sys.argv[1])
        add_rows(checks)
        if build(checks):
            drawn = list(cases(random.Random(1)))
            run_everywhere(checks, drawn)
            run_the_command(checks, drawn)
            build_a_kernel(checks)
        print("%d passed, %d failed" % (checks.passed, checks.failed))
        return checks.failed > 0


if __name__ == "__main__":
    sys.exit(main())
