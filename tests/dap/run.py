#!/usr/bin/env python3
"""Drives `sheaf debug --dap` as an editor would, and as nobody should.

usage: tests/dap/run.py BUILD [SCENARIO...]
"""
import json
import os
import random
import subprocess
import sys
import time
import traceback

from client import Broken, Client

HERE = os.path.dirname(os.path.abspath(__file__))
IN = os.path.join(HERE, "..", "golden", "in")
SHEAF = os.path.join(os.path.abspath(sys.argv[1]), "sheaf") if len(sys.argv) > 1 else sys.exit(__doc__)


class Wrong(Exception):
    """Something is not as it should be."""


def same(found, expected, what):
    if found != expected:
        raise Wrong(f"{what}: {found!r}, expected {expected!r}")


def launched(**arguments):
    """A client whose program stands at its start, and its initialize body."""
    c = Client(SHEAF, cwd=IN)
    can = c.ask("initialize", adapterID="sheaf", linesStartAt1=True, columnsStartAt1=True)
    c.ask("launch", **dict({"program": "debug.s", "mem": "debug.json", "stopOnEntry": True}, **arguments))
    c.event("initialized")
    return c, can


def standing(**arguments):
    c, _ = launched(**arguments)
    c.ask("configurationDone")
    same(c.event("stopped")["reason"], "entry", "first stop")
    return c


def go(c, command, **arguments):
    """A request that moves the machine; the stop's body."""
    c.ask(command, **dict({"threadId": 1}, **arguments))
    return c.event("stopped")


def frame(c, thread=1):
    return c.ask("stackTrace", threadId=thread)["stackFrames"][0]


def scope(c, name, frame_id=1, **paging):
    """The variables of a scope: name to variable."""
    found = [s for s in c.ask("scopes", frameId=frame_id)["scopes"] if s["name"] == name][0]
    return children(c, found, **paging)


def children(c, variable, **paging):
    body = c.ask("variables", variablesReference=variable["variablesReference"], **paging)
    return {v["name"]: v for v in body["variables"]}


def value(c, expression, **more):
    return c.ask("evaluate", expression=expression, frameId=1, **more)["result"]


def finish(c):
    status, errors = c.close()
    same((status, errors), (0, ""), "exit status and standard error")


# --- an editor ---------------------------------------------------------------------

def a_session_from_start_to_end():
    c, can = launched()
    for feature in ("ConfigurationDoneRequest", "FunctionBreakpoints", "ConditionalBreakpoints", "StepBack",
                    "SetVariable", "DataBreakpoints", "DisassembleRequest", "InstructionBreakpoints"):
        same(can.get("supports" + feature), True, feature)
    lines = c.ask("setBreakpoints", source={"path": os.path.join(IN, "debug.s")},
                  breakpoints=[{"line": 11}, {"line": 1, "condition": "cycle > 0"}])["breakpoints"]
    same([(b["verified"], b["line"]) for b in lines], [(True, 10), (True, 7)], "lines of breakpoints")
    c.ask("setExceptionBreakpoints", filters=[])
    c.ask("configurationDone")
    same(c.event("stopped")["reason"], "entry", "reason")
    same(c.ask("threads")["threads"], [{"id": 1, "name": "core 0"}], "threads")
    for rest in (3, 2, 1):
        stop = go(c, "continue")
        same((stop["reason"], stop["hitBreakpointIds"]), ("breakpoint", [lines[0]["id"]]), "stop")
        top = frame(c)
        same((top["name"], top["line"], top["instructionPointerReference"]), ("again", 10, "2"), "frame")
        same(os.path.samefile(top["source"]["path"], os.path.join(IN, "debug.s")), True, "source")
        same(value(c, "i"), str(rest), "i")
    c.ask("continue", threadId=1)
    same("9 cycles" in c.event("output")["output"], True, "what is said at the end")
    same(c.event("exited"), {"exitCode": 0}, "exit")
    c.event("terminated")
    finish(c)


def steps_forth_and_back_pass_the_same_states():
    c = standing()
    seen = []
    for _ in range(8):
        registers = {n: v["value"] for n, v in scope(c, "Registers").items()}
        seen.append((frame(c), registers, scope(c, "Names"), value(c, "v")))
        same(go(c, random.Random(len(seen)).choice(["next", "stepIn", "stepOut"]))["reason"], "step", "reason")
    same(value(c, "cycle"), "8", "cycle")
    for expected in reversed(seen):
        same(go(c, "stepBack")["reason"], "step", "reason")
        registers = {n: v["value"] for n, v in scope(c, "Registers").items()}
        same((frame(c), registers, scope(c, "Names"), value(c, "v")), expected, "state on the way back")
    go(c, "stepBack")
    same(value(c, "round"), "0", "before the start")
    finish(c)


def reverse_continue_stops_where_continue_did():
    c = standing()
    c.ask("setFunctionBreakpoints", breakpoints=[{"name": "again", "condition": "i < 3"}])
    forth = [(go(c, "continue")["reason"], value(c, "cycle")) for _ in range(2)]
    same(forth, [("function breakpoint", "4"), ("function breakpoint", "6")], "stops")
    go(c, "next")
    back = [(go(c, "reverseContinue")["reason"], value(c, "cycle")) for _ in range(2)]
    same(back, forth[::-1], "stops on the way back")
    same(go(c, "reverseContinue")["reason"], "entry", "at the start")
    same(value(c, "cycle"), "0", "cycle at the start")
    finish(c)


def data_breakpoints_stop_after_writes():
    c = standing()
    names = [s for s in c.ask("scopes", frameId=1)["scopes"] if s["name"] == "Names"][0]
    info = c.ask("dataBreakpointInfo", variablesReference=names["variablesReference"], name="v")
    same(info["accessTypes"], ["write"], "access types")
    store = c.ask("dataBreakpointInfo", name="m[16]")
    same(c.ask("dataBreakpointInfo", name="nosuch")["dataId"], None, "no data")
    same(c.ask("dataBreakpointInfo", name="[9]", variablesReference=1)["dataId"], None, "no container")
    memory = [s for s in c.ask("scopes", frameId=1)["scopes"] if s["name"] == "Memory"][0]["variablesReference"]
    same([c.ask("dataBreakpointInfo", name=n, variablesReference=memory)["dataId"] is None for n in ("[23]", "[24]")],
         [False, True], "the last word, and one more")
    c.ask("setDataBreakpoints", breakpoints=[{"dataId": info["dataId"], "accessType": "write", "condition": "i == 1"},
                                             {"dataId": store["dataId"]}])
    stop = go(c, "continue")
    same((stop["reason"], value(c, "v")), ("data breakpoint", "[20 24 28 32 4 8 12 16]"), "first stop")
    same("m[16] was 0, is 40" in go(c, "continue")["text"], True, "second stop")
    same(value(c, "m[16:24]"), "[40 48 56 64 8 16 24 32]", "memory")
    wrong = ["x", "0:0", "0:0:0", "0:1536:1", "7:0:1", "4294967295:24:1", "0:4294967295:2", ""]
    body = c.ask("setDataBreakpoints", breakpoints=[{"dataId": i} for i in wrong] + [
        {"dataId": info["dataId"], "accessType": "read"}, {"dataId": info["dataId"], "condition": "i +"}])
    same([b["verified"] for b in body["breakpoints"]], [False] * 10, "hostile data ids")
    finish(c)


def instructions_are_disassembled_and_stopped_at():
    c = standing()
    found = c.ask("disassemble", memoryReference="2", instructionOffset=-4, instructionCount=10)["instructions"]
    same([i["address"] for i in found], [str(n) for n in range(-2, 8)], "addresses")
    same([i.get("presentationHint") for i in found], ["invalid"] * 2 + [None] * 5 + ["invalid"] * 3, "hints")
    same((found[4]["symbol"], found[4]["line"], found[4]["instruction"]),
         ("again", 10, "{ alu: - i, i, one; valu: + v, v, v }"), "instruction")
    body = c.ask("setInstructionBreakpoints", breakpoints=[
        {"instructionReference": "0x2", "offset": 2}, {"instructionReference": "5"}, {"instructionReference": "zwei"}])
    same([b["verified"] for b in body["breakpoints"]], [True, False, False], "verified")
    same((go(c, "continue")["reason"], value(c, "pc")), ("instruction breakpoint", "4"), "stop")
    c.refused("disassemble", memoryReference="x", instructionCount=3)
    c.refused("disassemble", memoryReference="0", instructionCount=1 << 40)
    c.refused("disassemble", memoryReference="9223372036854775807", instructionOffset=1, instructionCount=3)
    c.refused("disassemble", memoryReference="0", instructionCount=-1)
    finish(c)


def scopes_show_everything_by_pages():
    c = standing()
    go(c, "next")
    go(c, "next")
    names = scope(c, "Names")
    same({n: v["value"] for n, v in names.items()},
         {"i": "3", "one": "1", "addr": "16", "v": "[5 6 7 8 1 2 3 4]"}, "names")
    same([v["value"] for v in children(c, names["v"], start=6, count=5).values()], ["3", "4"], "end of a vector")
    memory = scope(c, "Memory", filter="indexed", start=2, count=3)
    same({n: v["value"] for n, v in memory.items()}, {"[2]": "7", "[3]": "8", "[4]": "1"}, "memory")
    same(value(c, memory["[3]"]["evaluateName"]), "8", "evaluateName")
    same(len(scope(c, "Scratch")), 1536, "scratch")
    same(scope(c, "Scratch", filter="named"), {}, "no named words")
    same(scope(c, "Memory", start=1 << 40, count=1 << 40), {}, "beyond the end")
    engines = scope(c, "Engines")
    same(engines["valu"]["value"], "1 of 6 slots", "engine")
    same("v=[5 6 7 8 1 2 3 4]" in children(c, engines["valu"])["[0]"]["value"], True, "slot with its operands")
    same(scope(c, "Names", format={"hex": True})["addr"]["value"], "0x10", "hexadecimal")
    for reference in (0, -1, 1, 1 << 26 | 63 << 20, 7 << 26 | 4, 8 << 26, 9 << 26, 6 << 26 | 5, 1 << 31, 1 << 62):
        c.refused("variables", variablesReference=reference)
    finish(c)


def values_are_evaluated_and_set():
    c = standing()
    go(c, "next")
    go(c, "next")
    body = c.ask("evaluate", expression="v[2:5]", frameId=1, context="watch")
    same(body["result"], "[7 8 1]", "words")
    same([v["value"] for v in children(c, body).values()], ["7", "8", "1"], "words as variables")
    same(value(c, "i * 2 + m[0]"), "11", "expression")
    same(value(c, "addr", format={"hex": True}), "0x10", "hexadecimal")
    same("const i, 3" in value(c, "writer i", context="repl"), True, "console")
    for text in ("continue", "quit", "set i = 3", "program 0", "nosuch", "("):
        c.refused("evaluate", expression=text, frameId=1, context="repl")
    c.refused("evaluate", expression="writer i", frameId=1)
    c.refused("evaluate", expression="i", frameId=2)
    names = [s for s in c.ask("scopes", frameId=1)["scopes"] if s["name"] == "Names"][0]["variablesReference"]
    same(c.ask("setVariable", variablesReference=names, name="i", value="one + 6")["value"], "7", "set")
    vector = scope(c, "Names")["v"]["variablesReference"]
    same(c.ask("setVariable", variablesReference=vector, name="[1]", value="0xffffffff")["value"], "4294967295", "set")
    for reference, name, text in ((names, "i", "x"), (names, "nosuch", "1"), (names, "[0]", "1"), (names, "i", "1 // 0"),
                                  (vector, "[8]", "1"), (vector, "[-1]", "1"), (vector, "[1", "1"), (vector, "1", "1")):
        c.refused("setVariable", variablesReference=reference, name=name, value=text)
    go(c, "next")
    same((value(c, "i"), value(c, "v[1]")), ("6", "4294967294"), "after a step")
    go(c, "stepBack")
    same((value(c, "i"), value(c, "v[1]")), ("7", "4294967295"), "and back")
    go(c, "stepBack")
    same((value(c, "i"), value(c, "v[1]")), ("3", "0"), "before it was set")
    finish(c)


def faults_are_exceptions():
    c = standing(program="debug_cores.s", pause=True)
    same([t["name"] for t in c.ask("threads")["threads"]], ["core 0", "core 1"], "threads")
    c.refused("exceptionInfo", threadId=1)
    stop = go(c, "continue")
    same((stop["reason"], stop["threadId"]), ("exception", 2), "stop")
    same(c.ask("exceptionInfo", threadId=2)["exceptionId"], "divide_by_zero", "kind")
    same(frame(c, 2)["instructionPointerReference"], "4", "where it is")
    go(c, "stepBack", threadId=2)
    same(c.ask("evaluate", expression="pc", frameId=2)["result"], "4", "before the fault")
    same(c.ask("evaluate", expression="me", frameId=1)["result"], "1", "another core's word")
    same(go(c, "next", threadId=2)["reason"], "exception", "again")
    c.ask("continue", threadId=2)
    same(c.event("exited"), {"exitCode": 3}, "exit")
    c.event("terminated")
    finish(c)


def programs_without_a_file_have_a_listing():
    c, _ = launched(program="tree_hash:scalar", mem=None, set={"height": 2, "rounds": 2, "batch": 4}, seed=7)
    text = c.ask("source", sourceReference=1)["content"].split("\n")
    line = text.index([t for t in text if t.startswith("{ alu: ^")][0]) + 1
    body = c.ask("setBreakpoints", source={"sourceReference": 1}, breakpoints=[{"line": line}])
    same((body["breakpoints"][0]["verified"], body["breakpoints"][0]["line"]), (True, line), "breakpoint")
    c.ask("configurationDone")
    c.event("stopped")
    go(c, "continue")
    same((frame(c)["line"], frame(c)["source"]["sourceReference"]), (line, 1), "frame")
    c.ask("setBreakpoints", source={"sourceReference": 1}, breakpoints=[])
    c.ask("continue", threadId=1)
    same("Its result is correct" in c.event("output")["output"], True, "result")
    c.event("terminated")
    go(c, "stepBack")
    c.refused("source", sourceReference=2)
    finish(c)


def without_stop_on_entry_it_runs_to_the_first_breakpoint():
    c, _ = launched(stopOnEntry=False, stopAtEnd=True)
    c.ask("setInstructionBreakpoints", breakpoints=[{"instructionReference": "0"}])
    c.ask("configurationDone")
    same((c.event("stopped")["reason"], value(c, "cycle")), ("instruction breakpoint", "0"), "first bundle")
    same(go(c, "continue")["reason"], "end", "the end")
    same(frame(c)["name"], "stopped", "frame at the end")
    go(c, "stepBack")
    same(value(c, "pc"), "4", "last bundle")
    go(c, "next")
    c.ask("next", threadId=1)
    c.event("terminated")
    finish(c)


def a_run_can_be_paused_and_asked():
    c = standing(program="endless.s", mem=None, cycleLimit=10**15)
    c.ask("continue", threadId=1)
    time.sleep(0.2)
    c.refused("stackTrace", threadId=1)
    same(c.ask("setFunctionBreakpoints", breakpoints=[{"name": "nosuch"}])["breakpoints"][0]["verified"], False, "label")
    c.ask("pause", threadId=1)
    same(c.event("stopped")["reason"], "pause", "reason")
    far = int(value(c, "cycle"))
    same(far > 1000, True, "how far it got")
    data = c.ask("dataBreakpointInfo", name="never")["dataId"]
    c.ask("setDataBreakpoints", breakpoints=[{"dataId": data}])
    c.ask("reverseContinue", threadId=1)
    c.ask("pause", threadId=1)
    same(c.event("stopped")["reason"] in ("pause", "entry"), True, "reason")
    c.ask("continue", threadId=1)
    c.ask("terminate")
    c.event("terminated")
    finish(c)


# --- somebody else ------------------------------------------------------------------

def requests_out_of_place_are_refused():
    c = Client(SHEAF, cwd=IN)
    for command in ("threads", "continue", "stackTrace", "variables", "setBreakpoints", "disassemble",
                    "configurationDone", "pause", "source"):
        c.refused(command, threadId=1)
    for arguments in ({}, {"program": 3}, {"program": ""}, {"program": "-"}, {"program": "nosuch.s"},
                      {"program": "debug.s", "mem": "-"}, {"program": "debug.s", "mem": "nosuch.json"},
                      {"program": "debug.s", "set": "height=2"}, {"program": "debug.s", "cores": 99},
                      {"program": "debug.s", "cores": [1]}, {"program": "debug.s", "strict": 1},
                      {"program": "debug.s", "stage": 1}, {"program": "debug.s", "stage": -1},
                      {"program": "tree_hash:nosuch"}, {"program": "tree_hash:best", "set": {"height": {"a": 1}}},
                      {"program": "bad_op.s"}, {"program": "."}):
        c.refused("launch", **arguments)
    c.refused("nosuch")
    c.ask("launch", program="debug.s", stopOnEntry=True)
    c.refused("launch", program="debug.s")
    for command in ("next", "continue", "stepBack", "stackTrace", "pause"):
        for thread in (0, 2, -1, 1 << 40, "1", None, 1.0, [1]):
            c.refused(command, threadId=thread)
    finish(c)


def bytes_that_are_no_messages_do_no_harm():
    c = standing()
    def bad(data):
        c.raw(data)
        c.event("output")
        same(value(c, "i"), "0", f"after {data[:40]!r}")
    bad(b"\r\n\r\n")
    bad(b"Content-Length: x\r\n\r\n")
    bad(b"Content-Length: -5\r\n\r\n")
    bad(b"Content-Length: 0\r\n\r\n")
    bad(b"Content-Length: 99999999999999999999999\r\n\r\n")
    bad(b"Content-Length: 3\r\n\r\n{]}")
    bad(b"Content-Length: 2\r\n\r\n[]")
    bad(b"Content-Length: 4\r\n\r\nnull")
    bad(b"Content-Length: 2\r\n\r\n{}")
    bad(b"Content-Length: 4\r\n\r\n\xff\xfe\x00\x01")
    bad(b"Host: example\r\ncontent-length: 2\r\n\r\n{}")
    bad(b"x" * 70000 + b"\r\n\r\n")
    deep = b"[" * 100000
    bad(b"Content-Length: %d\r\n\r\n%s" % (len(deep), deep))
    inner = json.dumps({"seq": 1, "type": "request", "command": "disconnect"}).encode()
    inner = b"Content-Length: %d\r\n\r\n%s" % (len(inner), inner)
    bad(b"Content-Length: %d\r\n\r\n%s%s" % (9000000 + len(inner), b" " * 9000000, inner))
    for message in ({"type": "request", "command": "threads"}, {"type": "request", "seq": "1", "command": "threads"},
                    {"type": "request", "seq": 1, "command": 7}, {"seq": 1, "command": "threads"}):
        body = json.dumps(message).encode()
        bad(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    finish(c)


def messages_may_come_in_pieces():
    c = standing()
    body = json.dumps({"seq": 1000, "type": "request", "command": "threads"}).encode()
    c.pending[1000] = "threads"
    for byte in b"Content-Length: %d\r\n\r\n%s" % (len(body), body):
        c.raw(bytes([byte]))
        time.sleep(0.001)
    same(len(c.response(1000)["body"]["threads"]), 1, "threads")
    finish(c)


def hostile_arguments_are_answered():
    """Requests with random members of random types: each has one response, and the adapter lives."""
    rng = random.Random(5)
    keys = ["threadId", "frameId", "variablesReference", "start", "count", "name", "value", "expression", "context",
            "breakpoints", "source", "memoryReference", "instructionOffset", "instructionCount", "offset", "format",
            "filter", "dataId", "line", "condition", "path", "sourceReference", "startFrame", "instructionReference"]
    commands = ["setBreakpoints", "setFunctionBreakpoints", "setInstructionBreakpoints", "dataBreakpointInfo",
                "setDataBreakpoints", "threads", "stackTrace", "scopes", "variables", "setVariable", "evaluate",
                "exceptionInfo", "next", "stepBack", "pause", "disassemble", "source", "setExceptionBreakpoints"]

    def anything(depth=0):
        kind = rng.randrange(9 if depth < 3 else 7)
        if kind == 0:
            return rng.choice([0, 1, 2, -1, 1 << 26, 2 << 26, 3 << 26, 4 << 26, 5 << 26, 6 << 26, 7 << 26, 1 << 31,
                               (1 << 63) - 1, -(1 << 63), rng.randrange(1 << 30)])
        if kind == 1:
            return rng.choice([None, True, False, 0.5, 1e300])
        if kind in (2, 3):
            return rng.choice(["", "i", "v", "again", "m[0:4]", "0", "2", "0x2", "-1", "\u0000", "\U0001f600", "x" * 3000,
                               "[0]", "(" * 500, "repl", "v[", "0:0:1", "i == 1", "%s%n", "names", "readers v"])
        if kind < 7:
            return rng.randrange(3)
        if kind == 7:
            return [anything(depth + 1) for _ in range(rng.randrange(4))]
        return {rng.choice(keys): anything(depth + 1) for _ in range(rng.randrange(5))}

    c = standing()
    for _ in range(3000):
        arguments = {rng.choice(keys): anything() for _ in range(rng.randrange(7))}
        c.response(c.send(rng.choice(commands), **arguments))
    for kind in ("Function", "Instruction", "Data", ""):
        c.ask(f"set{kind}Breakpoints", source={"path": "debug.s"}, breakpoints=[])
    same([t["id"] for t in c.ask("threads")["threads"]], [1], "threads")
    finish(c)


def it_ends_when_its_input_does():
    for text in (b"", b"Content-Length: 10", b"Content-Length: 10\r\n\r\n{"):
        done = subprocess.run([SHEAF, "debug", "--dap"], input=text, capture_output=True, timeout=60, check=False)
        same((done.returncode, done.stdout, done.stderr), (0, b"", b""), f"after {text!r}")
    c = standing(program="endless.s", mem=None, cycleLimit=10**15)
    c.ask("continue", threadId=1)
    same(c.end()[0], 0, "exit status of a run nobody listens to")


SCENARIOS = [
    a_session_from_start_to_end, steps_forth_and_back_pass_the_same_states, reverse_continue_stops_where_continue_did,
    data_breakpoints_stop_after_writes, instructions_are_disassembled_and_stopped_at, scopes_show_everything_by_pages,
    values_are_evaluated_and_set, faults_are_exceptions, programs_without_a_file_have_a_listing,
    without_stop_on_entry_it_runs_to_the_first_breakpoint, a_run_can_be_paused_and_asked,
    requests_out_of_place_are_refused, bytes_that_are_no_messages_do_no_harm, messages_may_come_in_pieces,
    hostile_arguments_are_answered, it_ends_when_its_input_does,
]


def main():
    passed = failed = 0
    for scenario in SCENARIOS:
        if sys.argv[2:] and scenario.__name__ not in sys.argv[2:]:
            continue
        try:
            scenario()
            passed += 1
        except (Wrong, Broken, EOFError, OSError, KeyError, IndexError, ValueError, subprocess.SubprocessError):
            failed += 1
            print(f"FAILED: {scenario.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
