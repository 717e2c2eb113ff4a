"""Nothing ends the process, and nothing is lost without a word: copies, pickles, pools, threads, wrong types and numbers."""
import array
import copy
import itertools
import multiprocessing
import os
import pathlib
import pickle
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import sheaf
from sheaf import Kernel, Machine, Program, ProgramError
from sheaf.kernel import KernelError

BUNDLES = [{"load": [("const", 0, 3)]}, {"flow": [("trace_write", 0)]}, {"flow": [("pause",)]}, {"store": [("store", 1, 0)]}]
CALLS = 20000


def size(program):
    return len(program)


def endless(**options):
    return Machine([0] * 8, [{"load": [("const", 0, 1)]}, {"flow": [("trace_write", 0)]}, {"flow": [("jump", 1)]}], **options)


class Copies(unittest.TestCase):
    def test_programs(self):
        for program in (Program(BUNDLES), Program({"scratch_map": {"0": ["x", 1]}, "program": BUNDLES}),
                        Program({"machine": {"vlen": 4}, "program": BUNDLES})):
            for made in (copy.copy(program), copy.deepcopy(program), pickle.loads(pickle.dumps(program))):
                self.assertEqual(made.bundles, program.bundles)
                self.assertEqual(pickle.dumps(made), pickle.dumps(program))
        self.assertEqual(len(copy.deepcopy([Program(BUNDLES)] * 3)), 3)

    def test_pools(self):
        for method in ("spawn", "fork"):
            with multiprocessing.get_context(method).Pool(2) as workers:
                self.assertEqual(workers.map(size, [Program(BUNDLES)] * 4, chunksize=1), [4] * 4)

    def test_machines(self):
        machine = Machine([0] * 8, BUNDLES, n_cores=2)
        before = copy.deepcopy(machine)
        machine.run()
        paused = copy.deepcopy(machine)
        machine.run()
        self.assertEqual([m.cycle for m in (before, paused, machine)], [0, 3, 4])
        self.assertEqual((paused.mem, machine.mem), ([0] * 8, [3] + [0] * 7))
        self.assertEqual([core.trace_buf for core in paused.cores], [[3], [3]])
        self.assertEqual(paused.cores[0].state.name, "PAUSED")
        paused.cores[1].scratch[0] = 9
        for other in (before, before, paused):
            other.run()
        self.assertEqual((before.mem, paused.mem[0], machine.mem[0]), ([3] + [0] * 7, 9, 3))
        self.assertEqual(machine.cores[1].scratch[0], 3)

    def test_machines_at_a_fault_and_with_values(self):
        machine = Machine([], [{"debug": [("compare", 0, "k")]}, {"alu": [("%", 0, 0, 0)]}], value_trace={"k": 0})
        with self.assertRaises(ZeroDivisionError):
            copy.deepcopy(machine).run()
        with self.assertRaises(ZeroDivisionError):
            machine.run()
        again = copy.deepcopy(machine)
        with self.assertRaises(ZeroDivisionError):
            again.run()

    def test_what_cannot_be_copied(self):
        machine, kernel = Machine([0], BUNDLES), Kernel()
        machine.run()
        for thing in (kernel, kernel.var(1), kernel.const(2), machine.cores[0], machine._simulator):
            for make in (copy.copy, copy.deepcopy, pickle.dumps):
                if thing is machine._simulator and make is not pickle.dumps:
                    continue
                with self.assertRaises(TypeError, msg=(thing, make)):
                    make(thing)
        for make in (copy.copy, pickle.dumps):
            with self.assertRaises(TypeError):
                make(machine)


class Threads(unittest.TestCase):
    """The machine's lock is held while it runs: the others wait."""

    def test_two_threads_on_one_machine(self):
        machine = endless(cycle_limit=3_000_000)
        machine.enable_pause, ends = False, []

        def run():
            try:
                machine.run()
            except Exception as error:  # the second finds the first one's fault
                ends.append(type(error).__name__)
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            machine.enable_debug = not machine.enable_debug
            self.assertIsInstance(machine.cores[0].trace_buf[-1:], list)
            machine.mem, machine.cycle
        for thread in threads:
            thread.join()
        self.assertEqual(ends, ["CycleLimit"] * 2)

    def test_the_lock_is_held(self):
        machine, seen = endless(cycle_limit=40_000_000), []
        thread = threading.Thread(target=lambda: self.assertRaises(Exception, machine.run))
        thread.start()
        while thread.is_alive():
            free = machine._simulator.lock.acquire(blocking=False)
            seen.append(free)
            if free:
                machine._simulator.lock.release()
            time.sleep(0.001)
        self.assertIn(False, seen)

    def test_many_machines_of_one_program(self):
        program = Program(BUNDLES)

        def run():
            for _ in range(200):
                machine = Machine([0] * 8, program)
                machine.run()
                machine.run()
                results.append(machine.mem[0])
        results, threads = [], [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [3] * 800)

    def test_kernels(self):
        """Calls of threads on one kernel do not mix: each counts in a register of its own (a sum in one would be two calls)."""
        kernel = Kernel()
        counts = [kernel.var(0) for _ in range(4)]

        def add(count):
            for _ in range(200):
                count.set(count + 1)
        threads = [threading.Thread(target=add, args=(count,)) for count in counts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for i, count in enumerate(counts):
            kernel.store(i, count)
        self.assertEqual(kernel.run([0] * 4)[0], [200] * 4)


class Silence(unittest.TestCase):
    def test_words(self):
        for words in ([7, -1, 9], iter([7, -1, 9]), (x for x in (7, -1, 9)), (7, 2**32 - 1, 9), map(int, "7 -1 9".split())):
            self.assertEqual(Machine(words, BUNDLES).mem, [7, 2**32 - 1, 9])
        for words in (b"12345678", bytearray(8), memoryview(b"1234"), "1234"):
            with self.assertRaises(TypeError):
                Machine(words, BUNDLES)
            with self.assertRaises(TypeError):
                Kernel().run(words)
        self.assertEqual(Machine(array.array("I", [1, 2]), BUNDLES).mem, [1, 2])
        for words in ([1.5], [None], ["1"], 7):
            with self.assertRaises(TypeError):
                Machine(words, BUNDLES)

    def test_a_machine_of_its_own(self):
        wide = [{"alu": [("+", i, i, i) for i in range(64)]}]
        form = {"machine": {"slots": {"alu": 64}}, "program": wide}
        for program in (form, Program(form)):
            with self.assertRaises(ProgramError):
                Machine([0], program)
            machine = Machine([0], program, machine="program")
            machine.run()
            self.assertEqual(machine.cycle, 1)
        for extra in ({"vlen": 4}, {"scratch": 99}, {"latency": {"load": 3}}, {"cores": 2}):
            with self.assertRaises(ProgramError):
                Machine([0], {"machine": extra, "program": BUNDLES})
        Machine([0], {"machine": {"slots": {"alu": 12}, "vlen": 8}, "program": BUNDLES}).run()
        with self.assertRaises(ValueError):
            Machine([0], BUNDLES, machine="mine")

    def test_numbers(self):
        for number in (2**32 + 3, -9, 8, 2**70):
            with self.assertRaises(IndexError):
                Kernel().vload(0)[number]
        self.assertEqual(sum(1 for _ in Kernel().vload(0)), 8)
        for arguments in ((0, 2**32 + 5), (-2, 5), (0, 5, 0), (0, 5, 2**32), (0, 5, -1), (2**64, 3)):
            kernel = Kernel()
            with self.assertRaises(KernelError):
                with kernel.range(*arguments):
                    pass
        for within in ((0, 2**32), (-1, 5), (2**40, 1)):
            with self.assertRaises(KernelError):
                Kernel().load(0, within=within)
        for options in ({"n_cores": 2**32 + 1}, {"n_cores": 65}, {"n_cores": 0}, {"scratch_size": 2**40}, {"cycle_limit": 2**64}):
            with self.assertRaises(ProgramError):
                Machine([0], BUNDLES, **options)
        for options in ({"n_cores": 1.0}, {"scratch_size": None, "n_cores": "2"}):
            with self.assertRaises((TypeError, ProgramError)):
                Machine([0], BUNDLES, **options)

    def test_file_names(self):
        program = Program(BUNDLES)
        with tempfile.TemporaryDirectory() as folder:
            for name in ("-p.json", "space here.json", os.fsdecode(b"\xff.json"), "p.s"):
                for path in (os.path.join(folder, name), pathlib.Path(folder, name), os.fsencode(os.path.join(folder, name))):
                    program.save(path)
                    self.assertEqual(len(Program.load(path)), 4)
            with self.assertRaises(FileNotFoundError):
                Program.load(os.path.join(folder, "none.json"))
            with self.assertRaises(OSError):
                program.save(os.path.join(folder, "none", "p.json"))
            here = os.getcwd()
            try:
                os.chdir(folder)
                self.assertEqual(sheaf.profile("-p.json", [0] * 8)["cycles"], 4)
            finally:
                os.chdir(here)
        for call in (lambda: Program.load("a\0b.json"), lambda: program.save("a\0b"), lambda: Kernel().stage("a\0b"),
                     lambda: Kernel().var(0, "a\0b")):
            with self.assertRaises(ValueError):
                call()
        for call in (lambda: Program.load(7.5), lambda: program.save(None), lambda: Kernel().stage(3)):
            with self.assertRaises(TypeError):
                call()


class Interrupts(unittest.TestCase):
    def interrupted(self, run):
        before = time.process_time()
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with self.assertRaises(KeyboardInterrupt):
            run()
        return time.process_time() - before

    def test_machines(self):
        twice = [{"store": [("store", 0, 1), ("store", 0, 1)], "debug": [("x",)] * 3000, "flow": [("jump", 0)]}]
        for program, options in ((twice, {}), ([{"flow": [("jump", 0)]}], {}), (twice, {"engine": "step"}), (twice, {"n_cores": 4})):
            machine = Machine([0], program, cycle_limit=10**15, **options)
            self.interrupted(machine.run)
            at = machine.cycle
            self.assertGreater(at, 0)
            self.interrupted(machine.run)
            self.assertGreater(machine.cycle, at)

    def test_kernels(self):
        kernel = Kernel()
        with kernel.loop() as loop:
            kernel.store(0, kernel.load(0) + 1)
            loop.again(kernel.load(1))
        self.interrupted(lambda: kernel.run([0, 1]))


class WrongCalls(unittest.TestCase):
    """Every public callable with wrong types and numbers, in a process of its own, so that a crash is seen."""

    def test_wrong_calls(self):
        done = subprocess.run([sys.executable, "-X", "dev", os.path.abspath(__file__), "wrong", str(CALLS)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=600)
        said = done.stdout.decode("utf-8", "replace")
        self.assertEqual(done.returncode, 0, said[-3000:])
        self.assertIn("%d calls" % CALLS, said)


def wrong_calls(calls):
    draw = random.Random(1)
    values = [0, 1, -1, 7, 2**31, 2**32, 2**32 + 3, 2**64, -2**70, 1.5, float("nan"), True, None, "", "x", "a\0b", "\udcff", b"", b"xx", [],
              [1, 2], [None], (), (1, 2), {}, {"alu": []}, [{}], [{"alu": [("+", 1, 2, 3)]}], [{"alu": [("+", 2**40, 2, 3)]}], set(), object(),
              iter([1]), lambda: 1, int, 1j, range(3), {"program": []}, {"machine": {"vlen": 10**9}, "program": []}, "fast", "step"]
    fine = (TypeError, ValueError, IndexError, OverflowError, KeyError, AttributeError, AssertionError, ZeroDivisionError,
            NotImplementedError, OSError, MemoryError, sheaf.Fault)

    def things():
        kernel = Kernel()
        vector, scalar = kernel.vload(0), kernel.load(0)
        values[:6] = [0, 1, -1, vector, scalar, kernel.var(3)]
        machine = Machine([0] * 16, BUNDLES)
        yield from ((Program, 1), (Machine, 2), (Kernel, 0), (Program.load, 1))
        for thing in (kernel, vector, kernel.var(scalar), machine, machine.cores[0], Program(BUNDLES)):
            for name in dir(thing):
                if name in ("__class__", "__new__", "__init_subclass__", "__subclasshook__", "__init__", "__del__", "__setattr__", "__delattr__",
                            "__dir__", "__getattribute__", "__sizeof__", "__reduce__", "__reduce_ex__", "__getstate__", "save") or (
                                name.startswith("_") and not name.startswith("__")):
                    continue
                call = getattr(thing, name, None)
                if callable(call):
                    yield call, 1
    keywords = ("n_cores", "scratch_size", "engine", "cycle_limit", "value_trace", "debug_info", "within", "vlen", "slots", "machine", "name", "step")
    outcomes, done, most = {}, 0, None
    for turn in itertools.count():
        for call, least in list(things()):
            for _ in range(4):
                arguments = [draw.choice(values) for _ in range(draw.choice((least, least, draw.randrange(4))))]
                named = {draw.choice(keywords): draw.choice(values)} if draw.random() < 0.2 else {}
                try:
                    call(*arguments, **named)
                    end = "a result"
                except fine as error:
                    end = type(error).__name__
                outcomes[end] = outcomes.get(end, 0) + 1
                done += 1
                if done == calls:
                    print(outcomes)
                    print("%d calls" % done)
                    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                    assert most is None or used < most + 200_000 or "asan" in os.environ.get("LD_PRELOAD", ""), (most, used)
                    return
        if turn == 3:
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    if sys.argv[1:2] == ["wrong"]:
        wrong_calls(int(sys.argv[2]))
