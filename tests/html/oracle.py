"""Who writes what a slot reads, found in the bundles of a program that runs straight through: nothing
here comes from the report, nor from the simulator."""
import json

VLEN = 8
ENGINES = ("alu", "valu", "load", "store", "flow")
# Scratch operands by operation: written, then read; v: of VLEN words, k: one word moved by the last operand.
ROLES = {
    "alu": "wrr", "valu": "WRR", "vbroadcast": "Wr", "multiply_add": "WRRR", "load": "wr", "load_offset": "kk", "vload": "Wr",
    "const": "w", "store": "rr", "vstore": "rR", "select": "wrrr", "vselect": "WRRR", "add_imm": "wr", "halt": "", "pause": "",
    "coreid": "w", "trace_write": "r",
}


class Slot:
    def __init__(self, engine, slot):
        self.operation = slot[0]
        roles = ROLES.get(slot[0]) if slot[0] in ROLES else ROLES[engine]
        self.writes, self.reads = set(), set()
        for i, (role, address) in enumerate(zip(roles, slot[1:])):
            first = address + (slot[3] if role == "k" else 0)
            words = range(first, first + (VLEN if role in "WR" else 1))
            (self.writes if role in "wW" or (role == "k" and i == 0) else self.reads).update(words)


class Oracle:
    """Slots are numbered in the order of execution: bundles, and within one as it is written."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            program = json.load(file)
        self.slots, self.values = [], []
        writer = {}
        for bundle in program["program"] if isinstance(program, dict) else program:
            first = len(self.slots)
            self.slots += [Slot(engine, slot) for engine, slots in bundle.items() if engine != "debug" for slot in slots]
            fresh = range(first, len(self.slots))
            self.values += [sorted({writer[word] for word in self.slots[i].reads if word in writer}) for i in fresh]
            writer.update({word: i for i in fresh for word in self.slots[i].writes})
        self.back = [[] for _ in self.slots]
        for slot, producers in enumerate(self.values):
            for producer in producers:
                self.back[producer].append(slot)

    def producers(self, slot):
        return self.values[slot]

    def consumers(self, slot):
        return self.back[slot]
