"""The machine, executed plainly from its description (sim/README.md): what traces are compared
with. It shares nothing with the simulator."""

MASK = 0xFFFFFFFF
ENGINES = ("alu", "valu", "load", "store", "flow")
SLOTS = {"alu": 12, "valu": 6, "load": 2, "store": 2, "flow": 1}
OPERATORS = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "//": lambda a, b: a // b, "cdiv": lambda a, b: (a + b - 1) // b, "%": lambda a, b: a % b,
    "^": lambda a, b: a ^ b, "&": lambda a, b: a & b, "|": lambda a, b: a | b,
    "<<": lambda a, b: a << b if b < 32 else 0, ">>": lambda a, b: a >> b if b < 32 else 0,
    "<": lambda a, b: int(a < b), "==": lambda a, b: int(a == b),
}


class Fault(Exception):
    pass


class Slot:
    """An executed slot: where, and what it wrote."""

    def __init__(self, cycle, core, engine, number, bundle, slot):
        self.cycle, self.core, self.engine, self.number = cycle, core, engine, number
        self.bundle, self.slot = bundle, slot
        self.address, self.wrote = None, []


class Core:
    def __init__(self, words):
        self.pc, self.state, self.scratch = 0, "running", [0] * words


class Machine:
    """Runs one program on `mem`, which it changes."""

    def __init__(self, program, mem, first_cycle=0, cores=1, scratch=1536, vlen=8, pause=False,
                 latency=None):
        self.program, self.mem, self.cycle = program, mem, first_cycle
        self.vlen, self.pause = vlen, pause
        self.latency = latency or {}  # by engine: cycles until what it writes is there, else 1
        self.flight = []  # (cycle it is there from, core's number, list, address, value), as issued
        self.cores = [Core(scratch) for _ in range(cores)]
        self.slots = []   # every executed Slot
        self.words = []   # (cycle, core, address, value): scratch after each cycle that wrote it
        self.bundles = []  # (cycle, core, bundle)
        self.fault = False

    def read(self, memory, at):
        if not 0 <= at < len(memory):
            raise Fault
        return memory[at]

    def execute(self, number, core, s, writes, stores, event):
        """One slot: reads now, and appends what is to be written."""
        op, a = s[0], s[1:]
        scratch = [core.scratch]
        get = lambda at: self.read(scratch[0], at)
        vlen, written, stored = self.vlen, len(writes), len(stores)

        def lanes(dest, values):
            writes.extend((dest + i, v & MASK) for i, v in enumerate(values))

        if event.engine in ("alu", "valu") and op in OPERATORS:
            for i in range(vlen if event.engine == "valu" else 1):
                x, y = get(a[1] + i), get(a[2] + i)
                if y == 0 and op in ("//", "%", "cdiv"):
                    raise Fault
                writes.append((a[0] + i, OPERATORS[op](x, y) & MASK))
        elif op == "vbroadcast":
            lanes(a[0], [get(a[1])] * vlen)
        elif op == "multiply_add":
            lanes(a[0], [get(a[1] + i) * get(a[2] + i) + get(a[3] + i) for i in range(vlen)])
        elif op == "const":
            lanes(a[0], [a[1]])
        elif op in ("load", "load_offset", "vload"):
            k = a[2] if op == "load_offset" else 0
            event.address = get(a[1] + k)
            lanes(a[0] + k, [self.read(self.mem, event.address + i) for i in range(vlen if op == "vload" else 1)])
        elif op in ("store", "vstore"):
            event.address = get(a[0])
            stores.extend((event.address + i, get(a[1] + i)) for i in range(vlen if op == "vstore" else 1))
        elif op in ("select", "vselect"):
            for i in range(vlen if op == "vselect" else 1):
                c, x, y = get(a[1] + i), get(a[2] + i), get(a[3] + i)
                writes.append((a[0] + i, x if c else y))
        elif op == "add_imm":
            lanes(a[0], [get(a[1]) + a[2]])
        elif op == "cond_jump":
            if get(a[0]):
                core.next = a[1]
        elif op == "cond_jump_rel":
            if get(a[0]):
                core.next = core.pc + 1 + a[1]
        elif op == "jump":
            core.next = a[0]
        elif op == "jump_indirect":
            core.next = get(a[0])
        elif op == "halt":
            core.after = "stopped"
        elif op == "pause":
            core.after = "paused" if self.pause else core.after
        elif op == "trace_write":
            get(a[0])
        elif op == "coreid":
            lanes(a[0], [number])
        else:
            raise ValueError(s)
        event.wrote = [v for _, v in writes[written:] + stores[stored:]]

    def step_core(self, number, core):
        """Whether the bundle costs a cycle."""
        bundle, writes, stores, events, issued = self.program[core.pc], [], [], [], []
        core.next, core.after = core.pc + 1, "running"
        for engine in bundle:
            for i, s in enumerate(bundle[engine]):
                if engine == "debug":
                    continue
                event = Slot(self.cycle, number, engine, i, core.pc, s)
                written, stored, there = len(writes), len(stores), self.cycle + self.latency.get(engine, 1)
                self.execute(number, core, s, writes, stores, event)
                issued += [(there, number, core.scratch, at, value) for at, value in writes[written:]]
                issued += [(there, number, self.mem, at, value) for at, value in stores[stored:]]
                events.append(event)
        if any(not 0 <= at < len(core.scratch) for at, _ in writes) or \
                any(not 0 <= at < len(self.mem) for at, _ in stores):
            raise Fault
        costs = any(engine != "debug" for engine in bundle)
        self.flight += issued
        if costs:
            self.bundles.append((self.cycle, number, core.pc))
            self.land(self.cycle + 1, number)
        self.slots += events
        core.pc, core.state = core.next, core.after
        if core.state != "running":
            self.land(1 << 64, number)
        return costs

    def land(self, cycle, number=None):
        """What is there by that cycle, of a core or of all: the earliest due first."""
        lands = lambda w: w[0] <= cycle and number in (None, w[1])
        landing = sorted(filter(lands, self.flight), key=lambda w: w[0])
        self.flight = [w for w in self.flight if not lands(w)]
        for _, core, words, at, value in landing:
            words[at] = value
            if words is not self.mem:
                self.words.append((self.cycle, core, at, value))

    def run(self, cycles=None):
        """To the end (pausing cores go on), a fault, or for so many cycles."""
        end = None if cycles is None else self.cycle + cycles
        try:
            while end is None or self.cycle < end:
                if not any(c.state == "running" for c in self.cores):
                    if not any(c.state == "paused" for c in self.cores):
                        break
                    for c in self.cores:
                        c.state = "running" if c.state == "paused" else c.state
                costs = False
                for number, core in enumerate(self.cores):
                    if core.state != "running":
                        continue
                    if not 0 <= core.pc < len(self.program):
                        core.state = "stopped"
                        self.land(1 << 64, number)
                    elif self.step_core(number, core):
                        costs = True
                if costs:
                    self.land(self.cycle + 1)
                self.cycle += costs
        except Fault:
            self.fault = True
        self.words.sort(key=lambda w: w[:2])
        return self
