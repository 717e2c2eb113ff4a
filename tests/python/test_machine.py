"""Machine against the recorded runs of the reference machine, and against the step simulator."""
import collections
import contextlib
import enum
import io
import json
import os
import random
import signal
import tempfile
import unittest

from sheaf import CoreState, DebugInfo, Fault, Machine, Program, ProgramError, faults

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXCEPTIONS = {
    "out_of_range": IndexError,
    "divide_by_zero": ZeroDivisionError,
    "slot_limit": AssertionError,
    "unknown_op": NotImplementedError,
    "debug_mismatch": AssertionError,
}


def as_tuples(value):
    return tuple(as_tuples(part) for part in value) if isinstance(value, list) else value


def as_written(program):
    """Slots as tuples, which is how kernels write them."""
    return [{engine: [as_tuples(slot) for slot in slots] for engine, slots in bundle.items()} for bundle in program]


def vectors():
    with open(os.path.join(TOP, "tests", "data", "machine.jsonl"), encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def machine_of(vector, program):
    config = vector["config"]
    values = {as_tuples(key): value for key, value in vector.get("values", [])}
    machine = Machine(vector["mem"], program, None, n_cores=config.get("n_cores", 1),
                      scratch_size=config.get("scratch_size", 1536), value_trace=values)
    machine.enable_pause = config.get("enable_pause", False)
    machine.enable_debug = config.get("enable_debug", True)
    return machine


class Conformance(unittest.TestCase):
    def replay(self, vector, program):
        expect = vector["expect"]
        machine = machine_of(vector, program)
        if expect["fault"]:
            with self.assertRaises(EXCEPTIONS[expect["fault"]]) as caught:
                for _ in range(1000):
                    machine.run()
            self.assertIsInstance(caught.exception, Fault)
            self.assertEqual(caught.exception.kind, expect["fault"])
            self.assertEqual(machine.cycle, expect["cycles"])
            return
        runs = 0
        while runs == 0 or any(core.state != CoreState.STOPPED for core in machine.cores):
            machine.run()
            runs += 1
        self.assertEqual(runs, expect.get("runs", 1))
        self.assertEqual(machine.cycle, expect["cycles"])
        self.assertEqual(machine.mem, expect["mem"])
        for core, of_core in zip(machine.cores, expect["cores"]):
            self.assertEqual(core.pc, of_core["pc"])
            self.assertEqual({str(at): word for at, word in enumerate(core.scratch) if word}, dict(of_core["scratch"]))
            self.assertEqual(core.trace_buf, of_core["trace"])

    def test_every_vector(self):
        count = 0
        for vector in vectors():
            with self.subTest(vector["name"]):
                self.replay(vector, vector["program"])
                self.replay(vector, as_written(vector["program"]))
                self.replay(vector, Program(vector["program"]))
            count += 1
        self.assertGreaterEqual(count, 135)


class RandomPrograms(unittest.TestCase):
    """Bundles given to Machine, against the step simulator on the same program from a file."""

    PURE = ("+", "-", "*", "//", "cdiv", "^", "&", "|", "<<", ">>", "%", "<", "==")
    LIMITS = {"alu": 12, "valu": 6, "load": 2, "store": 2, "flow": 1, "debug": 2}
    SCRATCH, WORDS = 64, 80

    def setUp(self):
        self.draw = random.Random(5)

    def address(self, words=1):
        if self.draw.random() < 0.001:
            return self.draw.choice([-1, self.SCRATCH, self.SCRATCH - 1, 2**31 - 1])
        return self.draw.randrange(self.SCRATCH - words + 1)

    def slot(self, engine, bundles):
        draw, at, vector = self.draw, self.address, lambda: self.address(8)
        if draw.random() < 0.002:
            return (draw.choice(["nop", "vsub", "*+"]), 1, (2, 3))
        number = draw.choice([draw.randrange(-5, 70), draw.randrange(-(2**40), 2**40)])
        kinds = {
            "alu": [lambda: (draw.choice(self.PURE), at(), at(), at())],
            "valu": [
                lambda: (draw.choice(self.PURE), vector(), vector(), vector()),
                lambda: ("vbroadcast", vector(), at()),
                lambda: ("multiply_add", vector(), vector(), vector(), vector()),
            ],
            "load": [
                lambda: ("const", at(), number),
                lambda: ("const", at(), draw.randrange(self.WORDS)),
                lambda: ("load", at(), draw.randrange(8)),
                lambda: ("load_offset", vector(), draw.randrange(8), draw.randrange(8)),
                lambda: ("vload", vector(), draw.randrange(8)),
            ],
            "store": [lambda: ("store", draw.randrange(8), at()), lambda: ("vstore", draw.randrange(8), vector())],
            "flow": [
                lambda: ("select", at(), at(), at(), at()),
                lambda: ("vselect", vector(), vector(), vector(), vector()),
                lambda: ("add_imm", at(), at(), number),
                lambda: ("cond_jump", at(), draw.randrange(bundles + 2)),
                lambda: ("cond_jump_rel", at(), draw.randrange(-3, 4)),
                lambda: ("jump_indirect", draw.randrange(8)),
                lambda: ("trace_write", at()),
                lambda: ("coreid", at()),
                lambda: ("pause",),
                lambda: ("halt",) if draw.random() < 0.2 else ("jump", draw.randrange(bundles + 1)),
            ],
            "debug": [
                lambda: ("comment", "a \"b\" \u00e9"),
                lambda: ("compare", at(), ("x", draw.randrange(200))) if draw.random() < 0.02 else ("?", 1),
            ],
        }
        return draw.choice(kinds[engine])()

    def program(self):
        """Words 0 to 7 are addresses that fit, until something overwrites them."""
        bundles = self.draw.randrange(1, 40)
        program = [{"load": [("const", i, self.draw.randrange(self.WORDS - 8)) for i in (at, at + 1)]}
                   for at in range(0, 8, 2)]
        for _ in range(bundles):
            bundle = {}
            for engine in self.draw.sample(sorted(self.LIMITS), self.draw.randrange(7)):
                limit = self.LIMITS[engine] + (self.draw.random() < 0.02)
                bundle[engine] = [self.slot(engine, bundles) for _ in range(self.draw.randrange(limit + 1))]
            program.append(bundle)
        return program

    @staticmethod
    def outcome(machine):
        """Everything there is to see after the runs."""
        texts = []
        for _ in range(4):
            try:
                machine.run()
            except Fault as fault:
                texts.append((type(fault), str(fault), fault.engine, fault.slot, fault.what))
        cores = [(core.pc, core.state, core.scratch, core.trace_buf) for core in machine.cores]
        return texts, machine.cycle, machine.double_writes, machine.mem, cores

    def test_random_programs(self):
        ends = set()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "program.json")
            for _ in range(600):
                program = self.program()
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(program, file)
                mem = [self.draw.choice([self.draw.randrange(100), self.draw.randrange(2**32)])
                       for _ in range(self.WORDS)]
                values = {("x", i): self.draw.randrange(10) for i in range(150)}
                shape = {"n_cores": self.draw.choice([1, 1, 2, 3]), "scratch_size": self.SCRATCH,
                         "value_trace": values, "strict": self.draw.random() < 0.1, "cycle_limit": 300}
                modes = self.draw.random() < 0.5, self.draw.random() < 0.5
                fast = Machine(mem, program, None, **shape)
                step = Machine(mem, Program.load(path), None, simulator="step", **shape)
                for machine in (fast, step):
                    machine.enable_pause, machine.enable_debug = modes
                outcome = self.outcome(fast)
                self.assertEqual(outcome, self.outcome(step))
                ends.add(outcome[0][0][0].kind if outcome[0] else None)
        self.assertEqual(ends, {None, "out_of_range", "divide_by_zero", "slot_limit", "unknown_op", "debug_mismatch",
                                "write_conflict", "cycle_limit"})


class Interface(unittest.TestCase):
    ADD = [{"load": [("const", 2, 1), ("load", 3, 0)]}, {"alu": [("+", 3, 3, 2)]},
           {"store": [("store", 0, 3)], "flow": [("pause",)]}]

    def test_lists_are_lists(self):
        """mem and scratch are lists, the same before and after a run, and writing them counts."""
        machine = Machine((5, 6), self.ADD * 2, None)
        mem, scratch = machine.mem, machine.cores[0].scratch
        self.assertEqual((mem, scratch), ([5, 6], [0] * 1536))
        mem[0] = 0
        mem[1] = 9
        scratch[100] = 2**32 + 3
        machine.run()
        self.assertIs(machine.mem, mem)
        self.assertEqual(mem, [1, 9])
        self.assertEqual(scratch[:4] + scratch[100:101], [0, 0, 1, 1, 3])
        mem[0] = 2**32 - 1
        scratch[3] = 77
        machine.run()
        self.assertEqual(machine.mem[0:1], [0])
        self.assertEqual(machine.cores[0].scratch[3], 0)
        machine.mem = [3, 4]
        machine.cores[0].scratch = [0] * 1536
        machine.run()
        self.assertEqual(machine.mem, [3, 4])
        self.assertEqual(machine.cores[0].state, CoreState.STOPPED)

    def test_sizes_do_not_change(self):
        machine = Machine([0], self.ADD, None)
        machine.mem.append(1)  # before the first run there is nothing yet
        machine.run()
        machine.mem.append(2)
        with self.assertRaisesRegex(ValueError, "mem has 3 words, expected 2"):
            machine.run()
        del machine.mem[2:]
        machine.cores[0].scratch.pop()
        with self.assertRaisesRegex(ValueError, "scratch has 1535 words"):
            machine.run()

    def test_words_are_taken_modulo(self):
        machine = Machine([-1, 2**32 + 7], [], None)
        machine.run()
        self.assertEqual(machine.mem, [2**32 - 1, 7])
        self.assertRaises(TypeError, Machine, ["x"], [], None)

    def test_modes_change_between_runs(self):
        machine = Machine([0], self.ADD * 4, None)
        for expected in (1, 2):
            machine.run()
            self.assertEqual((machine.mem[0], machine.cores[0].state), (expected, CoreState.PAUSED))
        machine.enable_pause = False
        machine.run()
        self.assertEqual((machine.mem[0], machine.cores[0].state), (4, CoreState.STOPPED))
        self.assertEqual(machine.cycle, 12)

    def test_values_are_looked_up_when_running(self):
        """A harness fills value_trace while the machine is paused."""
        values = {}
        check = [{"debug": [("compare", 3, (0, 1, "sum")), ("vcompare", 8, [("v", i) for i in range(8)])]}]
        machine = Machine([4], self.ADD + check + self.ADD, None, value_trace=values)
        machine.run()
        values.update({("v", i): 0 for i in range(8)})
        values[(0, 1, "sum")] = 5
        machine.run()
        self.assertEqual(machine.mem, [6])
        values[(0, 1, "sum")] = 6
        machine = Machine([4], self.ADD + check, None, value_trace=values)
        machine.run()
        with self.assertRaisesRegex(AssertionError, r"debug_mismatch: .* bundle 3, .*found 5, expected 6"):
            machine.run()
        machine = Machine([4], self.ADD + check, None, value_trace=values)
        machine.enable_debug = False
        machine.run()
        machine.run()
        self.assertEqual(machine.cycle, 3)

    def test_faults_say_where(self):
        machine = Machine([0], [{}, {"alu": [("+", 1, 1, 1), ("//", 1, 2, 3)]}], None)
        with self.assertRaises(faults.DivideByZero) as caught:
            machine.run()
        fault = caught.exception
        self.assertEqual(str(fault), "divide_by_zero: core 0, cycle 0, bundle 1, alu slot 1 `// 1, 2, 3`: "
                                     "0 // 0 in lane 0")
        self.assertEqual((fault.kind, fault.core, fault.cycle, fault.pc, fault.engine, fault.slot, fault.slot_text),
                         ("divide_by_zero", 0, 0, 1, "alu", 1, "// 1, 2, 3"))
        self.assertRaises(ZeroDivisionError, machine.run)
        machine.reset([0])
        self.assertEqual(machine.cores[0].pc, 0)

    def test_endless_loops_end(self):
        with self.assertRaisesRegex(faults.CycleLimit, "limit of 1000000 cycles.*from bundle 0 to 0"):
            Machine([], [{"flow": [("jump", 0)]}], None, cycle_limit=10**6).run()

    def test_interrupts_are_heard(self):
        def interrupt(*_):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with self.assertRaises(KeyboardInterrupt):
                Machine([], [{"flow": [("jump", 0)]}], None, cycle_limit=10**15).run()
        finally:
            signal.signal(signal.SIGALRM, before)

    def test_prints(self):
        """What is executed, as the reference prints it: named scratch, then the bundle, also with names."""
        names = DebugInfo({2: ("one", 1), 3: ("sum", 1), 8: ("v", 2)})
        program = self.ADD + [{"flow": [("coreid", 8)]}]
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            machine = Machine([4], program, names, n_cores=2)
            machine.prints = True
            machine.run()
            machine.run()
        lines = said.getvalue().splitlines()
        self.assertEqual(lines[0], "{'one': [0], 'sum': [0], 'v': [0, 0]}")
        self.assertEqual(lines[1], "0 {'load': [('const', 2, 1), ('load', 3, 0)]} "
                                   "{'load': [('const', 'one', 1), ('load', 'sum', 0)]}")
        self.assertEqual(lines[8], "{'one': [1], 'sum': [5], 'v': [0, 0]}")
        self.assertEqual([line.split(" ")[0] for line in lines[1::2]], list("00112233"))
        self.assertEqual(machine.cycle, 4)
        quiet = Machine([4], program, names, n_cores=2)
        quiet.run()
        quiet.run()
        self.assertEqual((machine.mem, machine.cores[1].scratch), (quiet.mem, quiet.cores[1].scratch))

    def test_impossible_machines(self):
        for shape in ({"n_cores": 0}, {"n_cores": -1}, {"n_cores": 2**32 + 1}, {"scratch_size": 0}, {"n_cores": 1000},
                      {"scratch_size": 2**31}, {"cycle_limit": -1}, {"engine": "warp"}):
            with self.assertRaises(ProgramError, msg=shape):
                Machine([], [], None, **shape).run()

    def test_states_of_another_enumeration(self):
        """A harness that has the reference's own CoreState goes on comparing with it."""
        theirs = enum.Enum("CoreState", "RUNNING PAUSED STOPPED")
        machine = Machine([0], self.ADD, None)
        state = machine.cores[0].state
        self.assertTrue(state == theirs.RUNNING and theirs.RUNNING == state and state == CoreState.RUNNING)
        self.assertTrue(state != theirs.STOPPED and state != CoreState.STOPPED and state != 1)
        self.assertEqual({state: 1}[CoreState.RUNNING], 1)

    def test_reset(self):
        machine = Machine([4], self.ADD, None)
        machine.run()
        machine.reset([8])
        self.assertEqual((machine.cycle, machine.mem), (0, [8]))
        machine.enable_pause = False
        machine.run()
        self.assertEqual((machine.cycle, machine.mem), (3, [9]))
        self.assertRaises(ValueError, machine.reset, [1, 2])


class Programs(unittest.TestCase):
    def test_what_is_no_program(self):
        for program, where, what in (
            ([{}, {"alu": [("+", 1, 2)]}], 1, "`\\+` takes 3 operands, found 2"),
            ([{"fpu": []}], 0, "there is no engine `fpu`"),
            ([{}, {}, {"alu": [("+", 1, 2, 1.5)]}], 2, "scratch address"),
            ([{"alu": [("+", 1, 2, "x")]}], 0, "scratch address"),
            ([7], 0, "expected a bundle"),
            ([{"alu": [("+", 1, 2, 2**80)]}], 0, "expected a scratch address .32 bit., found 1208925819614629174706176"),
            ([{}, {"flow": [("jump", 2**64)]}], 1, "expected a bundle number, found 18446744073709551616"),
        ):
            with self.assertRaisesRegex(ProgramError, what) as caught:
                Machine([], program, None)
            self.assertEqual(caught.exception.bundle, where)
        with self.assertRaisesRegex(ProgramError, "neither a number"):
            Machine([], [{"alu": [("+", 1, 2, object())]}], None)
        self.assertRaises(OSError, Program.load, "no/such/file.json")

    def test_other_types(self):
        """Subclasses, and numbers that are not Python's own."""
        class Number:
            def __index__(self):
                return 3

        class Engine(str):
            pass

        bundle = collections.defaultdict(list)
        bundle[Engine("load")].append(collections.namedtuple("slot", "op dest value")("const", True, Number()))
        machine = Machine([], [bundle], None)
        machine.run()
        self.assertEqual(machine.cores[0].scratch[:3], [0, 3, 0])

    def test_a_program_that_changes(self):
        """Bundles are read anew for each machine."""
        program = [{"load": [["const", 0, 1]]}]
        for value in (1, 2, 3):
            program[0]["load"][0][2] = value
            machine = Machine([], program, None)
            machine.run()
            self.assertEqual(machine.cores[0].scratch[0], value)

    def test_files(self):
        program = Program([{"load": [("const", 5, -7)]}, {"flow": [("halt",)]}])
        self.assertEqual(len(program), 2)
        with tempfile.TemporaryDirectory() as folder:
            for name in ("p.json", "p.s"):
                path = os.path.join(folder, name)
                program.save(path)
                self.assertEqual(Program.load(path).bundles, [{"load": [["const", 5, -7]]}, {"flow": [["halt"]]}])

    def test_object_form(self):
        """A program may bring its machine; the scratch size and cores are the caller's."""
        program = Program({"machine": {"vlen": 4}, "program": [{"valu": [["vbroadcast", 4, 0]]}]})
        machine = Machine([], program, None, machine="program")
        machine.cores[0].scratch[0] = 9
        machine.run()
        self.assertEqual(machine.cores[0].scratch[:10], [9, 0, 0, 0, 9, 9, 9, 9, 0, 0])


class Leaks(unittest.TestCase):
    @staticmethod
    def resident():
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @unittest.skipIf("asan" in os.environ.get("LD_PRELOAD", ""), "the sanitizer keeps what was freed")
    def test_ten_thousand_machines(self):
        def some(n):
            for i in range(n):
                program = [{"load": [("const", 1, i)]}, {"debug": [("compare", 1, ("x", i))]}, {"alu": [("?",)]}]
                machine = Machine([1] * 1000, program, None, value_trace={("x", i): i})
                with contextlib.suppress(NotImplementedError):
                    machine.run()
                with contextlib.suppress(ProgramError):
                    Program([{"alu": [("+",)]}])

        some(1000)
        before = self.resident()
        some(10000)
        self.assertLess(self.resident() - before, 2 << 20)


if __name__ == "__main__":
    unittest.main()
