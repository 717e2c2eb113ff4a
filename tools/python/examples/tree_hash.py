"""The tree hash in Python, as its reference reads, built by the builder and run.

usage: tree_hash.py [HEIGHT ROUNDS BATCH]
"""
import random
import sys

from sheaf import Kernel, Machine

STAGES = [
    ("+", 0x7ED55D16, "+", "<<", 12),
    ("^", 0xC761C23C, "^", ">>", 19),
    ("+", 0x165667B1, "+", "<<", 5),
    ("+", 0xD3A2646C, "^", "<<", 9),
    ("+", 0xFD7046C5, "+", "<<", 3),
    ("^", 0xB55A4F09, "^", ">>", 16),
]


def problem(height, rounds, batch, seed=1):
    """The memory at the start: header, tree, indices, values."""
    draw = random.Random(seed)
    nodes = 2 ** (height + 1) - 1
    tree = [draw.randint(0, 2**30 - 1) for _ in range(nodes)]
    values = [draw.randint(0, 2**30 - 1) for _ in range(batch)]
    header = [rounds, nodes, batch, height, 7, 7 + nodes, 7 + nodes + batch]
    return header + tree + [0] * batch + values


def reference(mem):
    """What has to be in memory at the end."""

    def hash_of(a):
        for op1, c, op2, op3, k in STAGES:
            x = a + c if op1 == "+" else a ^ c
            y = a << k if op3 == "<<" else a >> k
            a = (x + y if op2 == "+" else x ^ y) % 2**32
        return a

    mem = list(mem)
    rounds, nodes, batch, _, tree, indices, values = mem[:7]
    for _ in range(rounds):
        for i in range(batch):
            value = hash_of(mem[values + i] ^ mem[tree + mem[indices + i]])
            index = 2 * mem[indices + i] + (1 if value % 2 == 0 else 2)
            mem[values + i] = value
            mem[indices + i] = 0 if index >= nodes else index
    return mem


def hash_of(a):
    for op1, c, op2, op3, k in STAGES:
        if (op1, op2, op3) == ("+", "+", "<<"):
            a = a * (1 + 2**k) + c  # (a + c) + (a << k), in one operation
        else:
            x = a + c if op1 == "+" else a ^ c
            y = a << k if op3 == "<<" else a >> k
            a = x + y if op2 == "+" else x ^ y
    return a


def build(height, rounds, batch):
    """The kernel for walkers that start at the root: the values and indices after the rounds."""
    k = Kernel()
    nodes = 2 ** (height + 1) - 1
    tree, indices = 7, 7 + nodes
    values = indices + batch
    for i in range(0, batch, k.vlen):
        value, index = k.vload(values + i, (values + i, k.vlen)), k.vconst(0)
        for step in range(rounds):
            level = step % (height + 1)
            node = k.gather(tree + index, (tree, nodes)) if level else k.load(tree, (tree, nodes))
            value = hash_of(value ^ node)
            index = 2 * index + (1 + value % 2) if level < height else k.vconst(0)
        k.store(values + i, value, (values + i, k.vlen))
        k.store(indices + i, index, (indices + i, k.vlen))
    return k


def main():
    sizes = [int(number) for number in sys.argv[1:]] or [10, 16, 256]
    mem, kernel = problem(*sizes), build(*sizes)
    after, report = kernel.run(mem)
    machine = Machine(mem, kernel.build())
    machine.run()
    print(report)
    right = machine.mem == after == reference(mem)
    print("result     " + ("correct" if right else "wrong"))
    sys.exit(not right)


if __name__ == "__main__":
    main()
