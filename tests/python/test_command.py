"""What goes through the command: traces, profiles, verdicts."""
import json
import os
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
