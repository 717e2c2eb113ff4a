"""Kernels: what operators compute, against Python's own numbers; what is built runs in Machine."""
import importlib.util
import os
import random
import unittest

from sheaf import OPERATORS, Kernel, KernelError, Machine

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORD = 2**32
CORNERS = [0, 1, 2, 31, 32, 33, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
OPERATORS_IN_PYTHON = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def number(draw):
    return draw.choice([draw.choice(CORNERS), draw.randrange(WORD)])


def operands(draw, name, n):
    """n pairs that Python's operator takes, in reasonable time."""
    for _ in range(n):
        b = number(draw)
        if name == "<<":
            b %= 64
        yield number(draw), b or (1 if name in ("//", "%") else 0)


class Operators(unittest.TestCase):
    def setUp(self):
        self.draw = random.Random(1)

    def run_both(self, kernel, mem):
        """Runs a kernel by itself and as bundles in Machine: the same, cycles too."""
        after, report = kernel.run(mem)
        machine = Machine(mem, kernel.build(), None)
        machine.run()
        self.assertEqual(machine.mem, after)
        self.assertEqual(machine.cycle, report.cycles)
        self.assertLessEqual(report.bound, report.cycles)
        return after

    def test_every_operator(self):
        for name, apply in OPERATORS_IN_PYTHON.items():
            with self.subTest(name):
                pairs = list(operands(self.draw, name, 8))
                n = next(operands(self.draw, name, 1))
                expected = [int(apply(a, b)) % WORD for a, b in pairs]
                k = Kernel()
                a, b = k.vload(0), k.vload(8)
                k.store(16, apply(a, b))
                k.store(24, apply(a, n[1]))
                k.store(40, apply(a[3], b[3]))
                if name not in ("//", "%"):
                    k.store(32, apply(n[0], b % 32 if name in ("<<", ">>") else b))
                after = self.run_both(k, [a for a, _ in pairs] + [b for _, b in pairs] + [0] * 25)
                self.assertEqual(after[16:24], expected)
                self.assertEqual(after[24:32], [int(apply(a, n[1])) % WORD for a, _ in pairs])
                self.assertEqual(after[40], expected[3])
                if name not in ("//", "%"):
                    limit = 32 if name in ("<<", ">>") else WORD
                    self.assertEqual(after[32:40], [int(apply(n[0], b % limit)) % WORD for _, b in pairs])

    def test_by_name(self):
        """Each operator of the machine, by its name in a slot."""
        self.assertEqual(set(OPERATORS) - set(OPERATORS_IN_PYTHON), {"cdiv"})
        for name in OPERATORS:
            with self.subTest(name):
                k = Kernel()
                k.store(2, k.binary(name, k.load(0), k.load(1)))
                expected = OPERATORS_IN_PYTHON.get(name, lambda a, b: -(-a // b))(77, 9)
                self.assertEqual(self.run_both(k, [77, 9, 0])[2], int(expected) % WORD)

    def test_in_place(self):
        """v op= x on a variable changes the register, on a value only the name."""
        k = Kernel()
        v = k.var(k.load(0))
        w = v
        value = k.load(0)
        other = value
        v += 5; v *= 3; v -= 1; v ^= 0xFF; v |= 256; v &= 0xFFFF; v <<= 3; v >>= 1; v %= 1000; v //= 3
        value += 5
        k.store(1, v), k.store(2, w), k.store(3, value), k.store(4, other)
        v = 7
        v += 5; v *= 3; v -= 1; v ^= 0xFF; v |= 256; v &= 0xFFFF; v <<= 3; v >>= 1; v %= 1000; v //= 3
        self.assertEqual(self.run_both(k, [7, 0, 0, 0, 0]), [7, v, v, 12, 7])

    def test_unary_select_lanes(self):
        k = Kernel()
        v = k.var(k.vload(0))
        v[2] = v[0] + 1
        k.store(8, -v)
        k.store(16, ~v)
        k.store(24, k.select(v > 3, v, 9))
        k.store(32, k.select(v[1], 5, 6))
        k.store(33, k.cdiv(v[7], 2))
        k.store(40, k.broadcast(v[4]) + k.vconst(1))
        after = self.run_both(k, list(range(8)) + [0] * 40)
        v = [0, 1, 1, 3, 4, 5, 6, 7]
        self.assertEqual(after[8:16], [-x % WORD for x in v])
        self.assertEqual(after[16:24], [x ^ 0xFFFFFFFF for x in v])
        self.assertEqual(after[24:32], [x if x > 3 else 9 for x in v])
        self.assertEqual(after[32:34], [5, 4])
        self.assertEqual(after[40:48], [5] * 8)

    def test_gather(self):
        k = Kernel()
        k.store(8, k.gather(k.vload(0), within=(16, 8)))
        self.assertEqual(self.run_both(k, [23, 22, 21, 20, 19, 18, 17, 16] + [0] * 8 + list(range(8)))[8:16],
                         [7, 6, 5, 4, 3, 2, 1, 0])


class Products(unittest.TestCase):
    def ops(self, build):
        k = Kernel()
        build(k)
        mem, _ = k.run(list(range(1, 9)) + [0] * 16)
        slots = [slot[0] for bundle in k.build() for slots in bundle.values() for slot in slots]
        return mem[8:16], slots

    def test_a_product_and_a_sum_are_one_operation(self):
        for form in (lambda v: v * 3 + 7, lambda v: 7 + 3 * v, lambda v: v * v + (v ^ 1)):
            after, slots = self.ops(lambda k: k.store(8, form(k.vload(0))))
            self.assertEqual(after, [form(x) for x in range(1, 9)])
            self.assertIn("multiply_add", slots)
            self.assertNotIn("*", slots)

    def test_a_product_used_twice_is_right(self):
        def build(k):
            p = k.vload(0) * 3
            k.store(8, p + p)

        self.assertEqual(self.ops(build)[0], [6 * x for x in range(1, 9)])

    def test_a_factor_that_changed(self):
        """The product is that of the values before."""
        def build(k):
            v = k.var(k.vload(0))
            p = v * 3
            v += 1
            k.store(8, p + 7)

        self.assertEqual(self.ops(build)[0], [3 * x + 7 for x in range(1, 9)])

    def test_a_factor_that_changes_later_in_a_loop(self):
        def build(k):
            v, total = k.var(k.vload(0)), k.var(k.vconst(0))
            p = v * 3
            with k.range(0, 4):
                total += p + 7
                v += 1
            k.store(8, total)

        self.assertEqual(self.ops(build)[0], [4 * (3 * x + 7) for x in range(1, 9)])

    def test_a_lane_that_changed(self):
        def build(k):
            v = k.var(k.vload(0))
            p = v * 3
            v[1] = 100
            k.store(8, p + 7)

        self.assertEqual(self.ops(build)[0], [3 * x + 7 for x in range(1, 9)])


class Control(unittest.TestCase):
    def test_range(self):
        k = Kernel()
        total = k.var(0, "total")
        with k.range(0, 64) as i:
            total += k.load(i)
        k.store(64, total)
        mem = [random.Random(2).randrange(WORD) for _ in range(64)]
        self.assertEqual(k.run(mem + [0])[0][64], sum(mem) % WORD)

    def test_range_of_values(self):
        k = Kernel()
        count = k.var(0)
        with k.range(k.load(0), k.load(1), 3):
            count += 1
        k.store(2, count)
        for first, end in ((5, 50), (7, 7), (9, 2)):
            machine = Machine([first, end, 0], k.program)
            machine.run()
            self.assertEqual(machine.mem[2], len(range(first, end, 3)))

    def test_loop_and_when(self):
        """Collatz: as many steps as Python takes."""
        k = Kernel()
        n, steps = k.var(k.load(0)), k.var(0)
        with k.loop() as loop:
            with k.when(n % 2) as odd:
                n.set(n * 3 + 1)
                odd.otherwise()
                n >>= 1
            steps += 1
            loop.again(n != 1)
        k.store(1, steps)
        n, steps = 27, 0
        while n != 1:
            n, steps = (n * 3 + 1 if n % 2 else n // 2), steps + 1
        self.assertEqual(k.run([27, 0])[0][1], steps)

    def test_other_machines(self):
        k = Kernel(vlen=4, slots={"load": 1}, scratch=64)
        k.store(4, k.vload(0) + 1)
        self.assertEqual(k.vlen, 4)
        self.assertEqual(k.run([1, 2, 3, 4, 0, 0, 0, 0])[0], [1, 2, 3, 4, 2, 3, 4, 5])


class Mistakes(unittest.TestCase):
    def refused(self, what, call, kind=KernelError):
        with self.assertRaisesRegex(kind, what):
            call(Kernel())

    def test_wrong_calls(self):
        self.refused("address is a scalar", lambda k: k.load(k.vconst(1)))
        with self.assertRaises(IndexError):
            Kernel().vconst(1)[8]
        self.refused("constant is not to be assigned", lambda k: k.vconst(1).__setitem__(0, 1))
        self.refused("of another kernel", lambda k: k.store(0, Kernel().load(0)))
        self.refused("when the kernel runs", lambda k: 1 if k.load(0) else 2, TypeError)
        self.refused("number", lambda k: k.load(0) + 1.5, TypeError)
        self.refused("number", lambda k: k.store(0, "x"), TypeError)
        self.refused("no operator 'plus', only .*cdiv", lambda k: k.binary("plus", 1, 2))
        self.refused("vlen", lambda k: Kernel(vlen=1000))
        self.refused("no engine", lambda k: Kernel(slots={"fpu": 1}), ValueError)

    def test_lanes(self):
        """A vector is a sequence of lanes, and no more."""
        k = Kernel()
        v = k.vload(0)
        self.assertEqual(len(list(v)), len(v))
        self.assertRaises(IndexError, v.__getitem__, 8)
        for wrong in (slice(0, 2), slice(None)):
            with self.assertRaisesRegex(TypeError, "a slice of a vector is no value"):
                v[wrong]
            with self.assertRaisesRegex(TypeError, "a slice of a vector is no value"):
                v[wrong] = 1
        with self.assertRaisesRegex(TypeError, "a lane is not 'x'"):
            v["x"]

    def test_numbers_of_others(self):
        """On both sides: numpy leaves operators to classes that say so."""
        class Number:
            def __init__(self, number):
                self.number = number

            def __index__(self):
                return self.number

            def __add__(self, other):  # as numpy does it
                return NotImplemented if getattr(other, "__array_ufunc__", 0) is None else "mine"

        k = Kernel()
        x = k.load(Number(0), within=(Number(0), Number(1)))
        k.store(Number(1), Number(3) + x + Number(4))
        mem, _ = k.run([Number(5), 0])
        self.assertEqual(mem[1], 12)

    def test_open_loops(self):
        k = Kernel()
        k.range(0, 4).__enter__()
        with self.assertRaisesRegex(KernelError, "not closed"):
            k.build()
        with self.assertRaisesRegex(KernelError, "does not say"):
            with Kernel().loop():
                pass

    def test_nothing_is_added_to_what_is_built(self):
        k = Kernel()
        k.store(0, 1)
        k.build()
        with self.assertRaisesRegex(KernelError, "is built"):
            k.store(0, 2)

    def test_a_run_that_faults(self):
        k = Kernel()
        k.store(100, 1)
        with self.assertRaisesRegex(KernelError, "out_of_range"):
            k.run([0])

    def test_scratch_that_does_not_do(self):
        k = Kernel(scratch=100)
        loaded = [k.vload(8 * i) for i in range(20)]
        for i in range(20):
            k.store(8 * i, loaded[19 - i])
        with self.assertRaisesRegex(KernelError, "100"):
            k.build()


class Example(unittest.TestCase):
    def setUp(self):
        path = os.path.join(TOP, "tools", "python", "examples", "tree_hash.py")
        spec = importlib.util.spec_from_file_location("tree_hash", path)
        self.example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.example)

    def test_results_and_cycles(self):
        for sizes, cycles in (((10, 16, 256), 1911), ((4, 8, 32), 145), ((3, 9, 8), None)):
            kernel = self.example.build(*sizes)
            for seed in range(3):
                mem = self.example.problem(*sizes, seed=seed)
                machine = Machine(mem, kernel.build())
                machine.run()
                self.assertEqual(machine.mem, self.example.reference(mem))
                self.assertIn(cycles, (None, machine.cycle))


if __name__ == "__main__":
    unittest.main()
