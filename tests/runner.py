#!/usr/bin/env python3
"""The runner of the suites: what tests/parallel.py makes of suites that pass, fail, crash, hang, count nothing
or cannot be started, and that two run at a time without sharing anything.

usage: tests/runner.py [BUILD]    (BUILD is not used)
"""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def fields(suites):
    return "".join(f"{len(words)}\0" + "".join(word + "\0" for word in words) for words in suites)


def run(*suites, jobs=2, **environment):
    """Suites given as (name, shell text) or (name, word, word...): exit status, lines printed."""
    words = [(s[0], "sh", "-c", s[1]) if len(s) == 2 else s for s in suites]
    done = subprocess.run([os.path.join(HERE, "parallel.py"), str(jobs)], input=fields(words), text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, **environment))
    return done.returncode, done.stdout.splitlines()


class Runner(unittest.TestCase):
    def ends(self, expected, *suites, **more):
        status, lines = run(*suites, **more)
        self.assertEqual((lines[-1], status), (expected, 0 if expected.endswith(" 0 failed") else 1), lines)
        return lines

    def test_sum(self):
        lines = self.ends("5 passed, 0 failed", ("a", "echo noise; echo 3 passed, 0 failed"), ("b", "echo 2 passed, 0 failed"))
        self.assertNotIn("noise", lines)

    def test_failing(self):
        lines = self.ends("5 passed, 2 failed", ("a", "echo why; echo 1 passed, 2 failed; exit 1"), ("b", "echo 4 passed, 0 failed"))
        self.assertIn("why", lines)
        self.assertEqual(lines[-2], "failed: a")

    def test_failures_counted_but_status_0(self):
        self.ends("1 passed, 2 failed", ("a", "echo 1 passed, 2 failed"))

    def test_status_without_a_failure_counted(self):
        self.ends("3 passed, 1 failed", ("a", "echo 3 passed, 0 failed; exit 7"))

    def test_crashing(self):
        lines = self.ends("3 passed, 1 failed", ("a", "echo 3 passed, 0 failed; kill -SEGV $$"))
        self.assertTrue(any("Segmentation fault" in line for line in lines), lines)

    def test_counting_nothing(self):
        self.ends("0 passed, 1 failed", ("a", "true"))
        self.ends("0 passed, 1 failed", ("a", "echo 0 passed, 0 failed"))

    def test_not_there(self):
        self.ends("1 passed, 2 failed", ("a", "/nowhere/at", "all"), ("b", HERE + "/README.md", "x"), ("c", "echo 1 passed, 0 failed"))

    def test_no_suites(self):
        self.assertEqual(run(), (1, ["0 passed, 0 failed"]))

    def test_hanging(self):
        """Ended with all that it started, after the time that it has."""
        with tempfile.TemporaryDirectory() as folder:
            lines = self.ends("1 passed, 1 failed", ("a", f"(sleep 1000 & echo $! >{folder}/child; wait)"),
                              ("b", "echo 1 passed, 0 failed"), SUITE_SECONDS="1")
            self.assertTrue(any("took too long" in line for line in lines), lines)
            self.assert_ended(f"{folder}/child")

    def test_hanging_deaf(self):
        self.ends("0 passed, 1 failed", ("a", "trap '' TERM; while :; do sleep 1; done"), SUITE_SECONDS="0.1")

    def assert_ended(self, path):
        with open(path, encoding="ascii") as file:
            number = file.read().strip()
        for _ in range(1000):  # a process is there for a moment after it is killed
            try:
                with open(f"/proc/{number}/stat", encoding="ascii") as file:
                    if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                        return
            except OSError:
                return
            time.sleep(0.01)
        self.fail(f"process {number} is still there")

    def test_left_running(self):
        with tempfile.TemporaryDirectory() as folder:
            self.ends("1 passed, 0 failed", ("a", f"sleep 1000 & echo $! >{folder}/child; echo 1 passed, 0 failed"))
            self.assert_ended(f"{folder}/child")

    def test_interrupted(self):
        """Nothing goes on, not even what another runner started within."""
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(f"{folder}/ready")
            inner = f"sleep 1000 & echo $! >{folder}/child; echo >{folder}/ready; wait"
            with open(f"{folder}/inner", "w", encoding="ascii") as file:
                file.write(fields([("b", "sh", "-c", inner)]))
            suite = ("a", "sh", "-c", f"{HERE}/parallel.py 1 <{folder}/inner")
            with subprocess.Popen([os.path.join(HERE, "parallel.py"), "2"], stdin=subprocess.PIPE, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as runner:
                runner.stdin.write(fields([suite]))
                runner.stdin.close()
                with open(f"{folder}/ready", encoding="ascii") as ready:
                    ready.read()
                runner.send_signal(signal.SIGTERM)
                runner.stdout.read()
            self.assertEqual(runner.returncode, 128 + signal.SIGTERM)
            self.assert_ended(f"{folder}/child")

    def test_cmocka(self):
        group = "echo '[  PASSED  ] 3 test(s).'; "
        self.ends("6 passed, 0 failed", ("a", group * 2))
        self.ends("3 passed, 1 failed", ("a", group + "echo '[  FAILED  ] 1 test(s), listed below:'; exit 1"))

    def test_side_by_side(self):
        """Each of two waits for the other, in folders that are not the same."""
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(f"{folder}/pipe")
            self.ends("2 passed, 0 failed", ("a", f"echo $TMPDIR >{folder}/pipe && touch $TMPDIR/x && echo 1 passed, 0 failed"),
                      ("b", f"read there <{folder}/pipe; [ $there != $TMPDIR ] && [ ! -e $TMPDIR/x ] && echo 1 passed, 0 failed"))

    def test_one_at_a_time_in_order(self):
        with tempfile.TemporaryDirectory() as folder:
            self.ends("3 passed, 0 failed", *((name, f"mkdir {folder}/busy && rmdir {folder}/busy && echo {name} >>{folder}/order &&"
                                               "echo 1 passed, 0 failed") for name in "cab"), jobs=1)
            with open(f"{folder}/order", encoding="ascii") as file:
                self.assertEqual(file.read().split(), list("cab"))

    def test_folders_are_removed(self):
        with tempfile.TemporaryDirectory() as folder:
            self.ends("1 passed, 1 failed", ("a", "touch $TMPDIR/x; echo 1 passed, 0 failed"), ("b", "touch $TMPDIR/x; exit 1"),
                      TMPDIR=folder)
            self.assertEqual(os.listdir(folder), [])

    def test_list_of_suites(self):
        """tests/run.sh without an environment: a suite that is there, one that is not, a build that is not."""
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/config", "w", encoding="ascii"):
                pass
            bare = {"PATH": os.environ["PATH"]}

            def last(*arguments):
                done = subprocess.run([os.path.join(HERE, "run.sh"), *arguments], env=bare, check=False, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                return done.returncode, done.stdout.splitlines()[-1]

            self.assertEqual(last(folder, "no-such-suite"), (1, "0 passed, 1 failed"))
            self.assertEqual(last("-j", "2", folder, "layers")[0], 0)
            self.assertEqual(last(folder + "/nowhere")[0], 2)
            self.assertNotEqual(last("-j", "0", folder, "layers")[0], 0)


if __name__ == "__main__":
    result = unittest.TextTestRunner(stream=sys.stdout).run(unittest.defaultTestLoader.loadTestsFromTestCase(Runner))
    failures = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failures} passed, {failures} failed")
    sys.exit(failures > 0)
