"""optimize and pack: what they return does the same as what they were given, in fewer cycles."""
import json
import os
import random
import subprocess
import tempfile
import unittest

from sheaf import Machine, ProgramError, optimize, pack

SHEAF = os.path.join(os.environ.get("SHEAF_BUILD", "build"), "sheaf")
SIZES = "height=4,rounds=5,batch=16"


def sheaf(*arguments):
    return subprocess.run([SHEAF, *arguments], check=True, stdout=subprocess.PIPE).stdout.decode()


def memories(n):
    made = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mem.json")
        for seed in range(n):
            sheaf("gen", "tree_hash", "--set", SIZES, "--seed", str(seed), "-o", path)
            with open(path, encoding="ascii") as file:
                made.append(json.load(file))
    return made


def bundles_of(variant):
    return json.loads(sheaf("build", "tree_hash:" + variant, "--set", SIZES))


def run(mem, bundles):
    machine = Machine(list(mem), bundles)
    machine.enable_debug = False
    while True:
        machine.run()
        if all(core.state.name != "PAUSED" for core in machine.cores):
            return machine


class Optimize(unittest.TestCase):
    HEADER = 7
    ARRAYS = [(7, 31), (38, 16), (54, 16)]

    def same(self, before, after, mems):
        for mem in mems:
            one, two = run(mem, before), run(mem, after)
            self.assertEqual(one.mem, two.mem)
            self.assertLessEqual(two.cycle, one.cycle)

    def test_scalar_slots_packed(self):
        mems = memories(12)
        naive = bundles_of("scalar")
        slots = [(engine, slot) for bundle in naive for engine in bundle for slot in bundle[engine]]
        packed = pack(slots, mems[:8], header=self.HEADER, arrays=self.ARRAYS)
        self.assertLess(len(packed) * 8, len(slots))
        self.same(naive, packed, mems)

    def test_report(self):
        mems = memories(4)
        found = optimize(bundles_of("scalar"), mems, header=self.HEADER, arrays=self.ARRAYS)
        self.assertTrue(found.changed)
        self.assertEqual(found.why, "")
        self.assertEqual(found.cycles_after, 4 * found.bundles_after)
        self.assertGreaterEqual(found.bundles_after, found.bound)
        self.assertEqual(found.unknown, 0)

    def test_without_memory(self):
        """Only what can be proved: loads and stores keep their order."""
        mems = memories(4)
        naive = bundles_of("scalar")
        found = optimize(naive)
        self.assertGreater(found.unknown, 0)
        self.assertLess(found.bundles_after, found.bundles_before)
        self.same(naive, found.bundles, mems)

    def test_nothing_gained(self):
        program = [{"load": [("const", 0, 1)]}, {"store": [("store", 0, 0)]}]
        found = optimize(program, [0, 0])
        self.assertFalse(found.changed)
        self.assertIn("no schedule", found.why)
        self.assertEqual(found.bundles, [{"load": [["const", 0, 1]]}, {"store": [["store", 0, 0]]}])

    def test_refused(self):
        for program, mem, why in (
            ([{"flow": [("jump_indirect", 3)]}], None, "bundle 0, flow slot 0 .*indirect jump"),
            ([{"alu": [("+", 1, 2, 5000)]}], None, "bundle 0, alu slot 0 .*outside the scratch"),
            ([{"load": [("const", 1, 9)]}, {"load": [("load", 0, 1)]}], [1, 2], "faults on input 0: out_of_range"),
        ):
            with self.assertRaisesRegex(ProgramError, why):
                optimize(program, mem)

    def test_arguments(self):
        program = [{"load": [("const", 0, 1)]}]
        for wrong in ({"evals": -1}, {"threads": 0}, {"header": 2**33}, {"seed": 1 << 64}):
            with self.assertRaises(ValueError):
                optimize(program, **wrong)
        with self.assertRaises(ValueError):
            optimize(program, [[1, 2], [1]])
        with self.assertRaises(TypeError):
            optimize(program, b"abcd")

    def test_pauses_stay_outside(self):
        """A pause before the first store and one after the last one are still there."""
        slots = [("flow", ("pause",)), ("load", ("const", 0, 1)), ("load", ("const", 1, 7)), ("alu", ("+", 2, 0, 1)),
                 ("store", ("store", 0, 2)), ("flow", ("pause",))]
        packed = pack(slots, [0, 0])
        machine = Machine([0, 0], packed)
        machine.run()
        self.assertEqual(machine.mem, [0, 0])
        machine.run()
        self.assertEqual(machine.mem, [0, 8])

    def test_random_slots(self):
        """Slots in a line, with aliasing words and addresses."""
        draw = random.Random(3)
        for _ in range(200):
            slots = [("load", ("const", word, draw.randrange(16))) for word in range(8)]
            for _ in range(draw.randrange(5, 60)):
                a, b, c = (draw.randrange(8, 24) for _ in range(3))
                slots.append(draw.choice([
                    ("alu", (draw.choice("+-^&|"), a, b, c)), ("load", ("load", a, draw.randrange(8))),
                    ("store", ("store", draw.randrange(8), b)), ("flow", ("select", a, b, c, draw.randrange(24))),
                    ("valu", ("+", 8 * draw.randrange(1, 3), b % 16, c % 16))]))
            mem = [draw.randrange(2**32) for _ in range(16)]
            naive = [{engine: [slot]} for engine, slot in slots]
            self.same(naive, pack(slots, [mem, mem[::-1]], assume=draw.random() < 0.5), [mem, mem[::-1]])


if __name__ == "__main__":
    unittest.main()
