"""What goes through the command: traces, profiles, verdicts."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import sheaf

COMMAND = os.path.join(os.environ["SHEAF_BUILD"], "sheaf")
ADD = [{"load": [("const", 1, 1), ("load", 2, 0)]}, {"alu": [("+", 2, 2, 1)], "flow": [("pause",)]},
       {"debug": [("compare", 2, "x")]}, {"store": [("store", 0, 2)]}]


def has(command):
    """Whether this build of sheaf has the command."""
    return subprocess.run([COMMAND, command, "--help"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def built(folder, program, *options):
    path = os.path.join(folder, "program.json")
    subprocess.run([COMMAND, "build", program, "-o", path, *options], stdout=subprocess.DEVNULL, check=True)
    return sheaf.Program.load(path)


def slots_in(path):
    with open(path, encoding="utf-8") as file:
        return [(event["ts"], event["name"]) for event in json.load(file) if event["ph"] == "X"]


class Command(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(folder.name, "out.json")

    def test_the_command_beside_the_library_is_used(self):
        self.assertEqual(os.path.realpath(sheaf.command._command()), os.path.realpath(COMMAND))

    def test_machine_writes_what_it_has_run(self):
        machine = sheaf.Machine([5], ADD, None, trace=self.path, value_trace={"x": 6})
        machine.run()
        self.assertEqual(slots_in(self.path), [(0, "const"), (0, "load"), (1, "+"), (1, "pause")])
        machine.run()
        self.assertEqual(slots_in(self.path)[4:], [(2, "store")])
        self.assertEqual(machine.mem, [6])

    def test_a_faulting_machine_writes_what_came_before(self):
        machine = sheaf.Machine([5], ADD[:1] + [{"store": [("store", 2, 1)]}], None, trace=self.path)
        self.assertRaises(IndexError, machine.run)
        self.assertEqual(slots_in(self.path), [(0, "const"), (0, "load")])

    def test_trace(self):
        sheaf.trace(self.path, ADD, [5], no_debug=True, engines="load,store", cycles="0:1")
        self.assertEqual(slots_in(self.path), [(0, "const"), (0, "load")])
        with self.assertRaisesRegex(sheaf.ProgramError, "out.txt"):
            sheaf.trace(os.path.join(self.folder, "out.txt"), ADD, [5])
        with self.assertRaisesRegex(sheaf.Fault, "out_of_range"):
            sheaf.trace(self.path, ADD, [], no_debug=True)

    NAMES = sheaf.DebugInfo({1: ("one", 1), 2: ("sum", 1)})

    def test_names_reach_what_is_said(self):
        for program in (ADD, sheaf.Program(ADD), sheaf.Program(sheaf.Program(ADD).bundles)):
            said = sheaf.debug(program, [5], script=["step", "bundle"], debug_info=self.NAMES, no_debug=True)
            self.assertIn("+ sum, sum, one", said)
        self.assertIn("+ sum, sum, one", sheaf.debug(sheaf.Program(ADD, self.NAMES), [5], script="step\nbundle\n"))
        self.assertNotIn("sum", sheaf.debug(ADD, [5], script="step\nbundle\n"))
        path = pathlib.Path(self.folder, "program.json")
        sheaf.Program(ADD).save(path)
        self.assertIn("sum", sheaf.debug(path, [5], script=["step"], debug_info=self.NAMES))
        wrong = [{"alu": [("%", 2, 1, 1)]}]
        for command in (sheaf.profile, lambda *given, **named: sheaf.trace(self.path, *given, **named)):
            with self.assertRaisesRegex(sheaf.Fault, "`% sum, one, one`"):
                command(wrong, [5], debug_info=self.NAMES)
        found = sheaf.diff(ADD[:2], [ADD[0], {"alu": [("-", 2, 2, 1)]}], [5], debug_info=self.NAMES)["divergence"]
        self.assertEqual((found["place"], found["b"]["text"]), ("sum", "- sum, sum, one"))
        named = sheaf.Program(ADD, self.NAMES)
        self.assertEqual(named.bundles, sheaf.Program(ADD).bundles)
        machine = sheaf.Machine([5], sheaf.Program(wrong, self.NAMES))
        self.assertRaisesRegex(ZeroDivisionError, "`% sum, one, one`", machine.run)

    def test_keys_of_ones_own_are_texts_there(self):
        program = [{"debug": [("compare", 0, frozenset((1,)))]}]
        self.assertIn("compare 0, \"frozenset({1})\"", sheaf.debug(program, [0], script=["bundle"], no_debug=True))

    def test_files(self):
        """Of any name, in any form."""
        before = os.getcwd()
        os.chdir(self.folder)
        try:
            for path in ("-p.json", pathlib.Path("-p.json"), b"-p.json", pathlib.Path("q.s"), "a b.json"):
                sheaf.Program(ADD).save(path)
                self.assertEqual(len(sheaf.Program.load(path)), len(ADD))
                self.assertIn("+ 2, 2, 1", sheaf.debug(path, [5], script=["step"]))
            sheaf.trace(pathlib.Path("-t.json"), "-p.json", [5], no_debug=True)
            self.assertEqual(len(slots_in("-t.json")), 5)
            machine = sheaf.Machine([5], ADD, trace=pathlib.Path("u.json"))
            machine.run()
            self.assertEqual(len(slots_in("u.json")), 4)
        finally:
            os.chdir(before)
        gone = os.path.join(self.folder, "no", "p.json")
        for call in (sheaf.Program.load, sheaf.profile, sheaf.judge, sheaf.Program(ADD).save,
                     lambda path: sheaf.trace(path, ADD, [5]), lambda path: sheaf.debug(path, script=[])):
            with self.assertRaises(FileNotFoundError) as caught:
                call(gone)
            self.assertEqual(caught.exception.filename, gone)

    @unittest.skipUnless(has("profile"), "this sheaf has no profile")
    def test_profile(self):
        program = built(self.folder, "tree_hash:interleaved", "--set", "height=4,rounds=8,batch=32")
        mem = os.path.join(self.folder, "mem.json")
        subprocess.run([COMMAND, "gen", "tree_hash", "--set", "height=4,rounds=8,batch=32", "-o", mem],
                       stdout=subprocess.DEVNULL, check=True)
        with open(mem, encoding="ascii") as file:
            words = json.load(file)
        machine = sheaf.Machine(words, program)
        machine.run()
        report = sheaf.profile(program.bundles, words)
        self.assertEqual(report["cycles"], machine.cycle)
        self.assertLessEqual(report["bounds"]["work"], machine.cycle)
        with self.assertRaisesRegex(sheaf.Fault, "out_of_range"):
            sheaf.profile([{"load": [("load", 0, 1)]}], [])
        with self.assertRaisesRegex(sheaf.ProgramError, "fpu"):
            sheaf.profile([{"fpu": []}], [])

    @unittest.skipUnless(has("judge"), "this sheaf has no judge")
    def test_judge(self):
        sizes = "height=4,rounds=8,batch=32"
        program = built(self.folder, "tree_hash:interleaved", "--set", sizes)
        verdict = sheaf.judge(program.bundles, inputs=5, set=sizes, seed=1)
        self.assertEqual(verdict["verdict"], "pass")
        half = sheaf.judge(program.bundles[:len(program) // 2], inputs=5, set=sizes, seed=1)
        self.assertEqual(half["verdict"], "wrong")
        self.assertEqual(sheaf.judge([{"fpu": []}])["verdict"], "rejected")
        self.assertEqual(sheaf.judge([{"flow": [("jump", 0)]}], set=sizes, cycle_limit=1000)["verdict"], "limit")


if __name__ == "__main__":
    unittest.main()
