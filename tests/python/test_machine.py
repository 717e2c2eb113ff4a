"""Machine against the recorded runs of the reference machine, and against the step engine."""
import contextlib
import io
import json
import os
import random
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


if __name__ == "__main__":
    unittest.main()
