"""What harnesses override, call and change: it counts, or is refused by name."""
import collections
import contextlib
import copy
import io
import random
import unittest

import test_machine
from sheaf import CoreState, DebugInfo, Fault, Machine, Program, ProgramError, faults

ADD = test_machine.Interface.ADD


class Watched(Machine):
    """Runs in Python, as step is overridden."""

    def step(self, instr, core):
        super().step(instr, core)


class Differential(unittest.TestCase):
    def outcome(self, machine):
        ends = []
        for _ in range(4):
            try:
                machine.run()
            except Fault as fault:
                ends.append((type(fault), fault.core, fault.pc, fault.engine, fault.slot, fault.cycle))
                break
        cores = [(core.pc, core.state, core.scratch, core.trace_buf) for core in machine.cores]
        return ends, machine.cycle, machine.mem, machine.double_writes, cores

    def test_random_programs(self):
        """The same state and the same faults as in C."""
        maker = test_machine.RandomPrograms()
        maker.setUp()
        draw, ends = maker.draw, collections.Counter()
        for _ in range(400):
            program = maker.program()
            mem = [draw.choice([draw.randrange(100), draw.randrange(2**32)]) for _ in range(maker.WORDS)]
            values = {("x", i): draw.randrange(10) for i in range(150)}
            shape = {"n_cores": draw.choice([1, 1, 2, 3]), "scratch_size": maker.SCRATCH, "value_trace": values}
            modes = draw.random() < 0.5, draw.random() < 0.5
            outcomes = []
            for kind in (Machine, Watched):
                machine = kind(mem, draw.choice((program, Program(program))), None, cycle_limit=200, **shape)
                machine.enable_pause, machine.enable_debug = modes
                outcomes.append(self.outcome(machine))
            kinds = [faulted[0][0][0].kind if faulted[0] else None for faulted in outcomes]
            self.assertEqual(kinds[0], kinds[1], program)
            ends[kinds[0]] += 1
            if kinds[0] != "cycle_limit":  # which is found a bundle later
                self.assertEqual(*outcomes)
        self.assertGreater(len(ends), 4, ends)

    def test_vectors(self):
        """The recorded runs of the reference machine."""
        for vector in test_machine.vectors():
            with self.subTest(vector["name"]):
                original, test_machine.Machine = test_machine.Machine, Watched
                try:
                    test_machine.Conformance().replay(vector, test_machine.as_written(vector["program"]))
                finally:
                    test_machine.Machine = original


class Overridden(unittest.TestCase):
    PROGRAM = [{"load": [("const", 0, 5), ("const", 1, 7)]}, {"alu": [("+", 2, 0, 1), ("-", 3, 1, 0)]},
               {"valu": [("+", 8, 0, 0)], "store": [("store", 10, 2)]}, {"flow": [("jump", 4)]}]

    def test_each_is_called(self):
        for name in ("step", "alu", "valu", "load", "store", "flow"):
            calls = []

            def instead(machine, *arguments, name=name, calls=calls):
                calls.append(arguments)
                return getattr(super(kind, machine), name)(*arguments)

            kind = type("Kind", (Machine,), {name: instead})
            machine, plain = kind([0] * 4, self.PROGRAM), Machine([0] * 4, self.PROGRAM)
            machine.run()
            plain.run()
            self.assertGreater(len(calls), 0, name)
            self.assertEqual((machine.mem, machine.cores[0].scratch, machine.cycle),
                             (plain.mem, plain.cores[0].scratch, plain.cycle))

    def test_what_they_do_counts(self):
        class Saturating(Machine):
            def alu(self, core, op, dest, a1, a2):
                super().alu(core, op, dest, a1, a2)
                if op == "+":
                    self.scratch_write[dest] = min(core.scratch[a1] + core.scratch[a2], 10)

        machine = Saturating([0] * 4, self.PROGRAM)
        machine.run()
        self.assertEqual(machine.cores[0].scratch[2:4], [10, 2])

    def test_on_the_object_and_the_class(self):
        calls = []
        machine = Machine([0] * 4, self.PROGRAM)
        own = machine.alu
        machine.alu = lambda *slot: (calls.append(slot), own(*slot))
        machine.run()
        self.assertEqual(len([call for call in calls if call[1] in "+-"]), 10)  # of valu too
        before = Machine.store
        try:
            Machine.store = lambda self, core, *slot: calls.append("store")
            Machine([0] * 4, self.PROGRAM).run()
        finally:
            del Machine.store
        self.assertIs(Machine.store, before)
        self.assertIn("store", calls)

    def test_operations_of_ones_own(self):
        class Extended(Machine):
            def alu(self, core, op, dest, a1, a2):
                if op == "max":
                    self.scratch_write[dest] = max(core.scratch[a1], core.scratch[a2])
                else:
                    super().alu(core, op, dest, a1, a2)

        machine = Extended([], [{"load": [("const", 0, 5), ("const", 1, 7)]}, {"alu": [("max", 2, 0, 1)]}])
        machine.run()
        self.assertEqual(machine.cores[0].scratch[2], 7)

    def test_exceptions_come_through(self):
        class Strange(Machine):
            def store(self, core, *slot):
                raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            Strange([0] * 4, self.PROGRAM).run()

    def test_what_is_shown(self):
        class Loud(Machine):
            def rewrite_slot(self, slot):
                return ("slot",) + super().rewrite_slot(slot)

            def scratch_map(self, core):
                return {"core %d" % core.id: core.scratch[2]}

        said = io.StringIO()
        machine = Loud([4], ADD, DebugInfo({2: ("one", 1)}))
        machine.prints, machine.enable_pause = True, False
        with contextlib.redirect_stdout(said):
            machine.run()
        lines = said.getvalue().splitlines()
        self.assertEqual(lines[:2], ["{'core 0': 0}", "0 %r {'load': [('slot', 'const', 'one', 1), "
                                                      "('slot', 'load', 3, 0)]}" % ADD[0]])
        self.assertEqual(lines[2], "{'core 0': 1}")
        self.assertEqual(machine.mem, [5])

    def test_their_own_methods(self):
        machine = Machine([4], ADD, DebugInfo({2: ("one", 1), 8: ("v", 2)}))
        machine.run()
        self.assertEqual(machine.scratch_map(machine.cores[0]), {"one": [1], "v": [0, 0]})
        self.assertEqual(machine.rewrite_instr({"alu": [("+", 2, 8, 5)]}), {"alu": [("+", "one", "v", 5)]})

    def test_traces_are_refused(self):
        for name in ("trace_post_step", "trace_slot", "setup_trace", "rewrite_slot", "alu", "step"):
            kind = type("Kind", (Machine,), {name: lambda self, *arguments: None})
            with self.assertRaisesRegex(TypeError, "Kind overrides %s, which a trace" % name):
                kind([], [], trace=True)
            kind([], []).run()
        with self.assertRaisesRegex(TypeError, "strict is not for a machine that runs in Python: step"):
            Watched([], [], strict=True).run()


class ByHand(unittest.TestCase):
    def test_step(self):
        machine = Machine([4], ADD)
        core = machine.cores[0]
        for instr in ADD:
            core.pc += 1
            machine.step(instr, core)
        self.assertEqual((machine.mem, core.pc, core.state), ([5], 3, CoreState.PAUSED))
        machine.run()
        self.assertEqual(core.state, CoreState.STOPPED)

    def test_step_in_the_middle(self):
        """The state goes on where C has left it."""
        machine = Machine([4], ADD * 2)
        machine.run()
        self.assertEqual((machine.cycle, machine.mem), (3, [5]))
        core = machine.cores[0]
        machine.step({"load": [("const", 2, 100)], "flow": [("trace_write", 3)]}, core)
        self.assertEqual((core.scratch[2], core.trace_buf, core.pc, machine.cycle), (100, [5], 3, 3))
        machine.run()
        self.assertEqual((machine.cycle, machine.mem, core.state), (6, [6], CoreState.PAUSED))
        again = copy.deepcopy(machine)
        machine.run()
        self.assertEqual((core.state, again.cores[0].state), (CoreState.STOPPED, CoreState.PAUSED))
        machine.reset([8])
        machine.run()
        self.assertEqual((machine.cycle, machine.mem, core.trace_buf), (3, [9], []))

    def test_pc_and_state_are_set(self):
        machine = Machine([4], ADD)
        machine.cores[0].pc = 1
        machine.cores[0].scratch[2:4] = [3, 4]
        machine.run()
        self.assertEqual((machine.mem, machine.cycle), ([7], 2))
        machine = Machine([4], ADD, n_cores=2)
        machine.cores[1].state = CoreState.STOPPED
        machine.run()
        self.assertEqual([core.pc for core in machine.cores], [3, 0])
        machine.cycle = 7
        machine.run()
        self.assertEqual(machine.cycle, 7)

    def test_faults_have_places(self):
        machine = Watched([1], ADD[:1] + [{"alu": [("+", 1, 1, 1), ("//", 1, 2, 9)], "flow": [("trace_write", 2)]}],
                          DebugInfo({2: ("one", 1)}))
        with self.assertRaises(faults.DivideByZero) as caught:
            machine.run()
        self.assertEqual(str(caught.exception), "divide_by_zero: core 0, cycle 1, bundle 1, alu slot 1 `// 1, one, 9`: "
                                                "1 // 0 in lane 0")
        self.assertEqual((machine.cores[0].pc, machine.cores[0].trace_buf), (1, []))


class Programs(unittest.TestCase):
    def test_appended(self):
        program = [dict(bundle) for bundle in ADD]
        machine = Machine([4], program)
        program.append({"store": [("store", 9, 2)]})
        machine.run()
        program.append({"alu": [("+", 3, 3, 3)]})
        program.append({"store": [("store", 9, 3)]})
        machine.run()
        self.assertEqual((machine.mem, machine.cycle, machine.cores[0].pc), ([10], 6, 6))

    def test_changed_inside(self):
        program = [{"load": [["const", 0, 1]]}, {"flow": [["pause"]]}, {"load": [["const", 1, 1]]}]
        machine = Machine([], program)
        machine.run()
        program[2]["load"][0][2] = 9
        machine.run()
        self.assertEqual(machine.cores[0].scratch[:2], [1, 9])

    def test_assigned(self):
        for first, second in ((ADD, ADD * 2), (Program(ADD), ADD * 2), (ADD, Program(ADD * 2))):
            machine = Machine([4], first)
            machine.run()
            machine.program = second
            machine.run()
            self.assertEqual((machine.mem, machine.cycle), ([6], 6))
            machine.reset([1])
            machine.run()
            self.assertEqual(machine.mem, [2])

    def test_assigned_before(self):
        machine = Machine([4], [])
        machine.program = ADD
        machine.run()
        self.assertEqual(machine.mem, [5])

    def test_wrong_ones(self):
        machine = Machine([4], ADD)
        machine.program = [{"alu": [("+", 1)]}]
        with self.assertRaisesRegex(ProgramError, "takes 3 operands"):
            machine.run()
        machine.program = Program({"machine": {"vlen": 4}, "program": []})
        with self.assertRaisesRegex(ProgramError, "a machine of its own"):
            machine.run()
        machine.program = ADD
        machine.run()
        self.assertEqual(machine.mem, [5])

    def test_many_changes(self):
        """Against a machine that is told of them."""
        draw = random.Random(1)
        for _ in range(50):
            program = [{"alu": [("+", draw.randrange(8), draw.randrange(8), draw.randrange(8))], "flow": [("pause",)]}
                       for _ in range(6)]
            machines = [Machine([], program), Watched([], program)]
            for machine in machines:
                machine.cores[0].scratch[:8] = range(1, 9)
            for _ in range(6):
                i = draw.randrange(6)
                program[i] = {"alu": [("^", draw.randrange(8), draw.randrange(8), draw.randrange(8))], "flow": [("pause",)]}
                for machine in machines:
                    machine.run()
                self.assertEqual(*((m.cores[0].scratch[:8], m.cores[0].pc, m.cycle) for m in machines))


if __name__ == "__main__":
    unittest.main()
