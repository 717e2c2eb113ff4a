"""Programs that try to outlast a time limit: name -> (text, arguments of `sheaf judge`). Each does work that some simulator
used not to count: slots that the oracle does for every instance, free bundles, debug slots, cores, latencies, copies."""
import json

ALU = [["+", 100 + i, 100 + i, 50] for i in range(12)]
VALU = [["*", 200 + 8 * i, 200 + 8 * i, 200 + 8 * i] for i in range(6)]
LOADS = [["vload", 300, 0], ["vload", 308, 0]]
TWICE = [["vstore", 0, 400], ["vstore", 0, 400]]
BACK = {"flow": [["jump", 0]]}


def bundles(*list_of):
    return json.dumps(list(list_of), separators=(",", ":")).encode()


def free(count, *last):
    """`count` bundles that cost no cycle."""
    return b"[" + b"{}," * count + json.dumps(last, separators=(",", ":")).encode()[1:]


def debug(count, **rest):
    return {"debug": [["x"]] * count, **rest, **BACK}


def nest(depth):
    """Loops in loops of 65536 each: no end in sight."""
    program = [{"load": [["const", 0, 0], ["const", 1, 65536]]}, {"load": [["const", 2, 1]]}]
    for level in range(depth):
        program.append({"load": [["const", 10 + level, 0]]})
    for level in reversed(range(depth)):
        program += [{"alu": [["+", 10 + level, 10 + level, 2]]}, {"alu": [["<", 40, 10 + level, 1]]},
                    {"flow": [["cond_jump", 40, 2 + level + (level < depth - 1)]]}]
    return program


def indirect(count):
    """Jumps to where memory says, through a table of addresses in scratch."""
    return [{"load": [["const", i % 64, (7 * i + 3) % count]], "flow": [["jump_indirect", (5 * i) % 64]]} for i in range(count)]


def apart():
    """Instances go different ways at every turn, by their own values."""
    return [{"load": [["const", 0, 29], ["const", 1, 1]]}, {"load": [["load", 2, 0]]},
            {"alu": [["&", 3, 2, 1], [">>", 2, 2, 1], ["+", 4, 4, 1]]}, {"flow": [["cond_jump", 3, 5]]},
            {"alu": [["^", 2, 2, 4]]}, {"alu": [["+", 2, 2, 4]]}, {"flow": [["jump", 2]]}]


def programs():
    full = {"alu": ALU, "valu": VALU, "load": LOADS}
    more = ("--cycle-limit", "1000000000000")
    cores, late = ("--machine", "cores=2"), ("--machine", "load_latency=3,alu_latency=2")
    text = bundles
    return {
        "two stores to a word": (text({**full, "store": TWICE, **BACK}), more),
        "two stores, two cores": (text({**full, "store": TWICE, **BACK}), (*more, *cores)),
        "two stores, 16 cores": (text({**full, "store": TWICE, **BACK}), (*more, "--machine", "cores=16")),
        "two stores, latencies": (text({**full, "store": TWICE, **BACK}), (*more, *late)),
        "two scalar stores": (text({"store": [["store", 0, 1], ["store", 0, 1]], **BACK}), more),
        "20,000 debug slots": (text(debug(20000, store=[["store", 0, 1]] * 2)), more),
        "20,000 debug slots, free": (text(debug(20000)), more),
        "debug slots, two cores": (text(debug(20000)), (*more, *cores)),
        "debug slots, latencies": (text(debug(20000, alu=ALU)), (*more, *late)),
        "1,000 debug slots, twice written": (text(debug(1000, alu=[["+", 1, 1, 1], ["+", 1, 2, 2]])), more),
        "free bundles": (free(200000, BACK), more),
        "free bundles, two cores": (free(100000, BACK), (*more, *cores)),
        "free bundles, latencies": (free(100000, BACK), (*more, *late)),
        "one free bundle and a jump": (free(1, BACK), more),
        "only debug bundles": (text(*[{"debug": [["x"]]}] * 1000, BACK), more),
        "a long straight program": (b"[" + b'{"alu":[["+",1,1,1]]},' * 100000 + b"{}]", more),
        "a long program, again and again": (b"[" + b'{"valu":[["*",8,8,8]]},' * 60000 + text(BACK)[1:], more),
        "long, all to the oracle": (b"[" + b'{"store":[["store",0,1],["store",0,1]]},' * 30000 + text(BACK)[1:], more),
        "deep loops": (text(*nest(8)), more),
        "deep loops, two cores": (text(*nest(8)), (*more, *cores)),
        "indirect jumps": (text(*indirect(64)), more),
        "indirect jumps, many bundles": (text(*indirect(5000)), more),
        "indirect jumps, latencies": (text(*indirect(64)), (*more, *late)),
        "every instance its own way": (text(*apart()), more),
        "every instance its own way, two cores": (text(*apart()), (*more, *cores)),
        "a huge scratch": (text({"valu": VALU, **BACK}), (*more, "--machine", "scratch=16777216")),
        "a huge scratch, at once over": (text({}), ("--machine", "scratch=16777216")),
        "16 cores, a large scratch": (text({"valu": VALU, **BACK}), (*more, "--machine", "scratch=1000000,cores=16")),
        "wide vectors": (text({"valu": [["*", 64 * i, 64 * i, 64 * i] for i in range(6)], **BACK}),
                         (*more, "--machine", "vlen=64")),
        "wide vectors, twice written": (text({"valu": [["*", 32 * i, 64 * i, 64 * i] for i in range(6)], **BACK}), (*more, "--machine", "vlen=64")),
        "64 slots an engine": (text({"alu": [["*", i, i, i] for i in range(64)], "valu": [["*", 8 * i, 8 * i, 8 * i] for i in range(64)],
                                     **BACK}), (*more, "--machine", "alu=64,valu=64")),
        "divisions": (text({"load": [["const", i, 7 + i] for i in (1, 2)]},
                           {"alu": [["%", 3 + i, 1, 2] for i in range(12)], "flow": [["jump", 1]]}), more),
        "trace writes": (text({"flow": [["trace_write", 0]]}, BACK), more),
        "pauses": (text({"flow": [["pause"]]}, BACK), more),
        "stops at each slot": (text({"alu": ALU}, {"valu": VALU, **BACK}), more),
        "a large problem": (text({}), ("--set", "height=20,rounds=64,batch=1048576", *more)),
    }
