#!/usr/bin/env python3
"""Runs test suites side by side and adds up what they report.

Suites are read from standard input, each as fields that end in a null byte: how many
fields follow, a name, the words of a command. They start in that order, each in a
session and with a temporary directory (TMPDIR) of its own. What a suite prints is kept
and, if it fails, shown whole when it ends; what it left running ends with it.

A suite ends in a line `N passed, N failed`, or is a cmocka program. One that cannot be
started, that fails without counting a failure, that counts nothing, or that takes more
than SUITE_SECONDS (default 1200) is itself a failure. The last line is the sum.

usage: tests/parallel.py JOBS < SUITES
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

OWN = re.compile(rb"^(\d+) passed, (\d+) failed$", re.M)
GRACE = 10  # seconds between being asked to end and being ended
CMOCKA = re.compile(rb"^\[  (PASSED|FAILED)  \] (\d+) test", re.M)


def counted(output):
    """(passed, failed): the last line of a suite's own, or the sums of cmocka's groups."""
    own = OWN.findall(output)
    if own:
        return int(own[-1][0]), int(own[-1][1])
    return tuple(sum(int(n) for found, n in CMOCKA.findall(output) if found == word) for word in (b"PASSED", b"FAILED"))


class Suite:
    def __init__(self, name, command):
        self.name, self.command = name, command
        self.folder, self.process, self.began = None, None, None
        self.late = False
        self.passed, self.failed = 0, 0

    def start(self):
        self.folder = tempfile.mkdtemp(prefix="sheaf.")
        scratch = os.path.join(self.folder, "tmp")
        os.mkdir(scratch)
        self.began = time.monotonic()
        with open(os.path.join(self.folder, "output"), "wb") as output:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env=dict(os.environ, TMPDIR=scratch), start_new_session=True)

    def signal(self, number):
        """To the suite and all that it started; its process is not yet waited for, so that the number is its own."""
        os.killpg(self.process.pid, number)

    def signal_when_late(self, limit):
        late = time.monotonic() - self.began - limit
        if late > 0:
            self.signal(signal.SIGKILL if late > GRACE else signal.SIGTERM)
            self.late = True

    def finish(self):
        """Of a process that has ended: counts and shows."""
        self.signal(signal.SIGKILL)
        _, status, usage = os.wait4(self.process.pid, 0)
        code = self.process.returncode = os.waitstatus_to_exitcode(status)
        with open(os.path.join(self.folder, "output"), "rb") as file:
            output = file.read()
        self.passed, self.failed = counted(output)
        end = ("took too long" if self.late else f"exit status {code}" if code > 0 else
               signal.strsignal(-code) if code < 0 else "" if self.failed else "counted nothing")
        if not self.failed and (code or not self.passed):
            self.failed = 1
        self.show(output, end, f"{time.monotonic() - self.began:.1f} s, {usage.ru_utime + usage.ru_stime:.1f} s of processor")

    def show(self, output, end, seconds):
        if self.failed:
            sys.stdout.buffer.write(b"== %s\n%s" % (self.name.encode(), output) + (b"" if output.endswith(b"\n") else b"\n"))
            print(f"== {self.name}: FAILED, {end or f'{self.failed} failed'}; {seconds}", flush=True)
        else:
            print(f"== {self.name}: {self.passed} passed; {seconds}", flush=True)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def read_suites(data):
    fields, suites = iter(data.split(b"\0")[:-1]), []
    for n in fields:
        name, *command = (os.fsdecode(next(fields)) for _ in range(int(n)))
        suites.append(Suite(name, command))
    return suites


def group_lives(group):
    """Whether some process of the group is at work: a suite's first one may end before those that it started."""
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                    state, _, of = file.read().rsplit(")", 1)[1].split()[:3]
            except OSError:
                continue
            if int(of) == group and state not in "ZX":
                return True
    return False


def end_all(suites):
    """What is interrupted does not go on; a suite that runs suites itself is given the time to end them."""
    for suite in suites:
        suite.signal(signal.SIGTERM)
    patience = time.monotonic() + GRACE
    for suite in suites:
        while time.monotonic() < patience and group_lives(suite.process.pid):
            time.sleep(0.02)
        suite.signal(signal.SIGKILL)
        suite.process.wait()
        suite.remove()


def run(suites, jobs, limit):
    waiting, running = list(suites), {}

    def look(*_):
        for suite in running.values():
            suite.signal_when_late(limit)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                suite = waiting.pop(0)
                try:
                    suite.start()
                    running[suite.process.pid] = suite
                except OSError as error:
                    suite.failed = 1
                    suite.show(b"", str(error), "0 s")
                    suite.remove()
            if running:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT).si_pid
                suite = running.pop(ended)
                suite.finish()
                suite.remove()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        end_all(running.values())


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or int(sys.argv[1]) < 1:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # Suites leave nothing in the tree, which some of them copy. They start Python often: this one, not a
    # version manager's script that looks for it each time.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    suites = read_suites(sys.stdin.buffer.read())
    run(suites, int(sys.argv[1]), float(os.environ.get("SUITE_SECONDS", "1200")))
    bad = [suite.name for suite in suites if suite.failed]
    if bad:
        print("failed: " + ", ".join(bad))
    print(f"{sum(suite.passed for suite in suites)} passed, {sum(suite.failed for suite in suites)} failed")
    return 1 if bad or not suites else 0


if __name__ == "__main__":
    sys.exit(main())
