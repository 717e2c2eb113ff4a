#!/usr/bin/env python3
"""The protocol of `sheaf judge --serve`: every answer is held against its JSON Schema; requests in any order of
keys, with keys twice, with ids, seeds and limits of every kind, broken in every way; and the line of the command
that shows a failure again.

usage: tests/serve.py BUILD [REQUESTS]
"""
import itertools
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile

import judge
import schema

SMALL = judge.SMALL
check = judge.check
schemas = {}


def read_schemas():
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "schema")
    for name in ("request", "answer"):
        with open(os.path.join(here, f"judge-{name}.json"), encoding="ascii") as file:
            schemas[name] = json.load(file)


def serve(lines, *arguments):
    """The answers to lines of bytes, each valid JSON of the schema."""
    done = judge.run("judge", "--serve", *arguments, stdin=b"\n".join(lines) + b"\n")
    check(f"serve: exit status {done.returncode} {done.stderr[:200]}", done.returncode == 0 and not done.stderr)
    answers = []
    for line in done.stdout.split(b"\n")[:-1]:
        try:
            answer = schema.read(line)
        except ValueError as why:
            check(f"{why}: {line[:200]}", False)
            answer = {"id": None, "verdict": None, "why": None}
        wrong = schema.problems(answer, schemas["answer"])
        raw = [byte for byte in line if byte < 32 or byte == 127]
        if wrong or raw:
            check(f"the answer's schema: {wrong[:3]} {raw[:3]} in {line[:300]}", False)
        answers.append(answer)
    check(f"{len(lines)} requests, {len(answers)} answers", len(answers) == len(lines))
    return answers + [{"id": None, "verdict": None, "why": ""}] * (len(lines) - len(answers))


def ask(*requests, arguments=()):
    """Answers to objects, or to lines; one answer for one."""
    lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in requests]
    answers = serve(lines, *arguments)
    return answers[0] if len(answers) == 1 else answers


# --- what a request says -------------------------------------------------------------


def orders():
    """The order of keys never matters."""
    program = judge.build("scalar", "--set", "height=3,rounds=3,batch=8", "--contract", "indices")
    cases = [
        {"kernel": "tree_hash", "set": SMALL, "contract": "indices", "program": program, "seed": 7},
        {"kernel": "pq_index", "contract": judge_contract("pq_index"), "program": [], "seed": 1, "inputs": 2},
        {"kernel": "tree_hash", "set": "start=any," + SMALL, "asm": "", "strict": True, "inputs": 3, "seed": 2},
        {"kernel": "moe_sort", "inputs": 1, "seed": 3, "program": [], "cycle_limit": 5}]
    for case in cases:
        keys = sorted(case)
        some = list(itertools.permutations(keys)) if len(keys) < 6 else \
            [random.Random(i).sample(keys, len(keys)) for i in range(60)] + [keys]
        answers = ask(*({key: case[key] for key in order} for order in some), arguments=("--inputs", "5"))
        check(f"any order of {keys}", all(a == answers[0] for a in answers) and answers[0]["verdict"] != "error"
              and answers[0]["kernel"] == case["kernel"])
        check("a schema for it", not schema.problems(case, schemas["request"]))


def judge_contract(kernel):
    kernels = json.loads(judge.run("kernels", "--json").stdout)["kernels"]
    return [k for k in kernels if k["name"] == kernel][0]["contracts"][-1]["name"]


def contracts():
    """Without a contract it is the one that the command would take."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(b"[]")
        file.flush()
        for kernel, sizes in (("tree_hash", "start=any"), ("tree_hash", "start=any,height=3"), ("tree_hash", "height=3"),
                              ("tree_hash", "rounds=2,start=any"), ("pq_index", None), ("moe_sort", None)):
            given = ("--set", sizes) if sizes else ()
            command = judge.judge(file.name, "--kernel", kernel, "--inputs", "1", *given)["contract"]
            request = {"kernel": kernel, "set": sizes, "program": [], "inputs": 1}
            found = ask({key: value for key, value in request.items() if value is not None})
            check(f"{kernel} {sizes}: {command}, {found['contract']}", found["contract"] == command)
    request = {"set": "start=any", "program": [], "inputs": 1}
    check("start=any is full", ask(request)["contract"] == "full")
    check("the server's contract stays", ask(request, arguments=("--contract", "values"))["verdict"] == "error")
    check("but for another kernel", ask({"kernel": "pq_index", "program": [], "inputs": 1},
                                        arguments=("--contract", "values"))["verdict"] == "wrong")
    check("the server's sizes stay", ask({"kernel": "tree_hash", "program": [], "inputs": 1},
                                         arguments=("--set", "height=3"))["parameters"]["height"] == 3)


def duplicates():
    """Keys given twice are one clear error; the first id that is one is the answer's."""
    lines = {b'{"id":"a","id":"b","program":[]}': "a", b'{"id":1,"program":[],"id":2}': 1,
             b'{"program":[],"program":[],"id":3}': 3, b'{"asm":"a","asm":"b","id":4}': 4,
             b'{"set":"height=3","id":5,"set":"rounds=3","program":[]}': 5,
             b'{"id":[6],"seed":1,"seed":1,"program":[]}': [6], b'{"\\u0069d":7,"id":8,"program":[]}': 7,
             b'{"kernel":"tree_hash","kernel":"pq_index","id":9,"program":[]}': 9,
             b'{"id":10,"strict":true,"strict":false,"inputs":1,"program":[]}': 10}
    for (line, want), answer in zip(lines.items(), ask(*lines)):
        check(f"given twice: {line}: {answer}", answer["id"] == want and answer["verdict"] == "error"
              and "given twice" in answer["why"])


def verdicts():
    """`error` for the harness's mistakes, `rejected` for a submission that is no program."""
    errors = [
        b"{}", b"[]", b"null", b"7", b'"x"', b"{", b'{"id"', b'{"id":', b"\xff\xfe", b"hello", b'{"program":[]}x',
        b'{"program":[]}{"program":[]}', b'{"program":[]} []', b'{"program": }', b'{"program":[],}', b'{,"program":[]}',
        b'{"program":[],"no":1}', b'{"program":[],"kernel":"x"}', b'{"program":[],"kernel":7}',
        b'{"program":[],"set":"height=99"}', b'{"program":[],"set":"nothing=1"}', b'{"program":[],"set":""}',
        b'{"program":[],"set":"height=3\\u0000"}', b'{"program":[],"contract":"x"}', b'{"program":[],"contract":null}',
        b'{"program":[],"inputs":0}', b'{"program":[],"inputs":-1}', b'{"program":[],"inputs":1.5}',
        b'{"program":[],"inputs":100001}', b'{"program":[],"inputs":1e400}', b'{"program":[],"inputs":"1"}',
        b'{"program":[],"seed":18446744073709551616}', b'{"program":[],"seed":-1}', b'{"program":[],"seed":01}',
        b'{"program":[],"time_limit":4294967296}', b'{"program":[],"cycle_limit":18446744073709551615}',
        b'{"program":[],"strict":1}', b'{"program":[],"strict":"true"}', b'{"program":[],"asm":""}', b'{"asm":7}',
        b'{"asm":"\\ud800"}', b'{"asm":"\xff"}', b'{"asm":"\\x"}', b'{"asm":"\\u12"}', b'{"asm":"',
        b'{"set":"start=any","contract":"values","program":[]}', b'{"kernel":"x","program":7}', b"[" * 5000,
        b'{"no":' + b"[" * 5000, b'{"program":[],"set":"height=20,batch=65536","inputs":100000}', b'\x00', b'{"program":[]\x00}',
        b'{"prog\x1bram":[]}', b'{"program":[],"id":\xed\xa0\x80}', b'{"program":[],"\xc0\x80":1}']
    rejected = [
        b'{"program":7}', b'{"program":null}', b'{"program":"[]"}', b'{"program":[[]]}', b'{"program":[7]}',
        b'{"program":{"program":7}}', b'{"program":{}}', b'{"program":[{"no":[]}]}', b'{"program":[[[[', b'{"program":[1,2}',
        b'{"program":[{"alu":[["+",1,2]]}]}', b'{"program":[{"load":[["const",0,1e400]]}]}', b'{"program":tru}',
        b'{"program":[{"a":[]},{"a":}]', b'{"program":[' + b"[" * 5000, b'{"asm":"nothing"}', b'{"asm":"{ alu: \\u0000 }"}',
        b'{"asm":"{ alu: \\u001b }"}', b'{"program":[{"debug":[["comment","\\ud800"]]}]}', b'{"program":[{"\\u001b[2J":[]}]}']
    for lines, verdict in ((errors, "error"), (rejected, "rejected")):
        for line, answer in zip(lines, ask(*lines)):
            check(f"{verdict}: {line[:80]}: {answer}", answer["verdict"] == verdict and answer["why"])
    for line in errors:
        try:
            request = schema.read(line)
        except (ValueError, RecursionError):
            continue
        # What a schema cannot know: names, and sizes that go together.
        if not any(text in line for text in (b'"x"', b'"set"', b'1e400')):
            check(f"no request by the schema: {line}", schema.problems(request, schemas["request"]))
    for line in rejected:
        try:
            check(f"a request by the schema: {line[:80]}", not schema.problems(schema.read(line), schemas["request"]))
        except (ValueError, RecursionError):
            pass


def ids():
    """Whatever is wrong, the id comes back where it can be read."""
    values = [b"null", b"true", b"false", b"0", b"-0.0", b"1.10", b"1E+2", b"9223372036854775808", b"1" * 400, b'""', b'"a"',
              b'"\\u0000"', b'"\\ud83d\\ude00"', '"ä\u00fc\U0001f600"'.encode(), b'"a\\\\\\"\\/\\b\\f\\n\\r\\t"', b"[]", b"{}",
              b'[1,[2,{"a":[3]}]]', b'{"b":1,"a":12345678901234567890,"c":{"id":5}}', b'"' + b"x" * 100000 + b'"',
              b"[" * 100 + b"]" * 100, b'{"id":{"id":"id"}}']
    lines = [b'{"id":%s,"program":[]}', b'{"program":[],"id":%s}', b'{"id": %s ,"program":7}', b'{"id":%s,"kernel":"x"}',
             b'{"kernel":7,"id":%s}', b'{"no":[{"id":0},"\\"id\\":1"],"id":%s}', b'{"inputs":0,"id":%s}', b'{"id":%s}',
             b'{"id":%s,"program":[]}{}', b'{"program":[[[[],"id":0]]]]],"id":%s}', b'{"a"1,"id":%s}', b'{"id":%s,,', b'{"id":%s',
             b'{"program":[],"id":%s,"id":"other"}', b'{"seed":1,"seed":2,"id":%s,"program":[]}', b'\t{ "id" :\r%s\r,"asm":7}\r']
    requests = [(v, line % v) for v in values for line in lines]
    for (value, line), answer in zip(requests, ask(*(line for _, line in requests), arguments=("--inputs", "1", "--set", SMALL))):
        check(f"id {value[:60]} of {line[:80]}: {answer['id']!r:.60}", schema.same(answer["id"], json.loads(value)))
    raw = judge.run("judge", "--serve", stdin=b'{"id":1.10}\n{"id":12345678901234567890123}\n').stdout
    check("a number is not rounded", b'"id": 1.10,' in raw and b'"id": 12345678901234567890123,' in raw)
    raw = judge.run("judge", "--serve", stdin=b'{"id":"\x7f\xc2\x9b\xe2\x80\xae"}\n').stdout
    check("what a terminal obeys is escaped", b'"id": "\\u007f\\u009b\\u202e",' in raw)
    bad = [b'"\xff"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe0\x80\x80"', b'"\x01"',
           b'"\x00"', b"nul", b"01", b"1.", b"+1", b"NaN", b"[1", b"{1:2}", b"[" * 5000, b"'a'", b'"\\u00g0"']
    for value, answer in zip(bad, ask(*(b'{"id":' + v + b',"program":[]}' for v in bad))):
        check(f"no id: {value[:60]}: {answer}", answer["id"] is None and answer["verdict"] == "error")
    long = b" " * (1 << 22)
    clipped = ask(b'{"id":"far","program":[' + long + b"]}", b'{"id":"next","program":[]}', b'{"program":[' + long + b'],"id":1}',
                  b'{"id":2,"program":[]}', arguments=("--size-limit", "1000", "--inputs", "1"))
    check("the id of a line that is too long, and the lines after it", [(a["id"], a["verdict"], a["limit"]) for a in clipped] ==
          [("far", "limit", "size"), ("next", "wrong", None), (None, "limit", "size"), (2, "wrong", None)])


def seeds():
    """Of the whole range, in and out; what is reported can be sent back."""
    program = judge.clip_values(judge.build("scalar", "--set", SMALL))
    base = {"set": SMALL, "contract": "full", "program": program}
    first = (0, 1, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 2, (1 << 64) - 1)
    for seed, answer in zip(first, ask(*({**base, "seed": seed, "inputs": 30} for seed in first))):
        check(f"seed {seed}: {answer['verdict']}", answer["verdict"] == "wrong" and answer["seeds_known"] is True
              and answer["first_seed"] == seed and answer["seed"] == (seed + answer["input"]) % (1 << 64))
        again = ask({**base, "set": answer["set"], "seed": answer["seed"], "inputs": 1})
        check(f"seed {seed} again", again["wrong"] == answer["wrong"] and again["parameters"] == answer["parameters"])
    drawn = ask(*[{**base, "inputs": 30}] * 12)
    check("seeds of the system", all(a["seeds_known"] is False and a["first_seed"] is None for a in drawn))
    check("also above 2^63", any(a.get("seed", 0) >= 1 << 63 for a in drawn))
    for answer in drawn:
        if answer["verdict"] == "wrong":
            again = ask({**base, "set": answer["set"], "seed": answer["seed"], "inputs": 1})
            check("a drawn seed again", again.get("wrong") == answer["wrong"] and again["seed"] == answer["seed"])
    check("the server's seed", ask(base, arguments=("--seed", "5"))["first_seed"] == 5)
    for extra, known in (((), False), (("--seed", "18446744073709551615"), True)):
        found = judge.judge("-", *extra, "--inputs", "2", stdin=b"[]")
        check("the command says it, too", found["seeds_known"] is known)


def sizes():
    """A limit of size is one of the program's text, as that of a file is."""
    limit = 5000
    for n in (limit - 1, limit, limit + 1, 2 * limit):
        text = b"[" + b" " * (n - 2) + b"]"
        comment = b"# " + b"x" * (n // 2 - 3) + b"\n" * (n - n // 2 + 1)
        assert len(comment) == n and len(text) == n
        wide = "\u00e4".encode() * ((n - 2) // 2)
        wide = b"#" + wide + b"\n" * (n - 1 - len(wide))
        lines = [b'{"program":' + text + b"}", b'{"id":"' + b"i" * 3000 + b'","program":' + text + b',"inputs":1}',
                 b'{"asm":' + json.dumps(comment.decode()).encode() + b"}",
                 b'{"asm":' + json.dumps(wide.decode()).encode() + b"}",
                 b'{"asm":"' + b"".join(b"\\u%04x" % byte for byte in comment) + b'"}']
        want = ("limit", "size") if n > limit else ("wrong", None)
        for line, answer in zip(lines, ask(*lines, arguments=("--size-limit", str(limit), "--inputs", "1", "--set", SMALL))):
            check(f"{n} bytes: {line[:20]} {answer['verdict']} {answer['limit']}", (answer["verdict"], answer["limit"]) == want)
        file = judge.judge("-", "--size-limit", str(limit), "--inputs", "1", stdin=text)
        check("as the command has it", (file["verdict"], file["limit"]) == want)
    asm = "# a long comment, line after line\n" * 100000
    check("much assembly", ask({"asm": asm, "inputs": 1})["verdict"] == "wrong")


# --- input and output ----------------------------------------------------------------


def ends():
    """A read error is no end of input; line ends, a mark of the byte order, and blank lines are none of a problem."""
    folder = os.open("/", os.O_RDONLY)
    for name, arguments in (("a directory", {"stdin": folder}), ("nothing open", {"preexec_fn": lambda: os.close(0)})):
        done = subprocess.run([judge.SHEAF, "judge", "--serve"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              check=False, **arguments)
        check(f"{name}: {done}", done.returncode == 2 and not done.stdout and done.stderr.startswith(b"sheaf: standard input: "))
    os.close(folder)
    listener = socket.create_server(("127.0.0.1", 0))
    there = socket.create_connection(listener.getsockname())
    here, _ = listener.accept()
    listener.close()
    process = subprocess.Popen([judge.SHEAF, "judge", "--serve", "--inputs", "1"], stdin=here.fileno(), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    here.close()
    there.sendall(b'{"id":1,"program":[]}\n')
    first = process.stdout.readline()
    there.sendall(b'{"id":2,"program":[]}')
    there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    there.close()  # a reset
    rest, error = process.communicate(timeout=60)
    check(f"a connection that breaks: {rest} {error}", json.loads(first)["id"] == 1 and not rest and process.returncode == 2
          and error.startswith(b"sheaf: standard input: ") and error.count(b"\n") == 1)
    one = b'{"id":1,"program":[],"inputs":1}'
    for text, n in ((b"", 0), (b"\n\r\n  \n", 0), (one, 1), (one + b"\r\n" + one + b"\r\n", 2), (b"\xef\xbb\xbf" + one + b"\n", 1),
                    (b"\xef\xbb\xbf\n" + one, 1), (b"\xef\xbb\xbf", 0), (one + b"\n\n\n" + one, 2)):
        done = judge.run("judge", "--serve", stdin=text)
        answers = [schema.read(line) for line in done.stdout.splitlines()]
        check(f"{text[:20]}: {answers}", done.returncode == 0 and [(a["id"], a["verdict"]) for a in answers] == [(1, "wrong")] * n)
    slow = subprocess.Popen([judge.SHEAF, "judge", "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    os.set_blocking(slow.stdin.fileno(), False)
    for byte in one + b"\n":
        os.write(slow.stdin.fileno(), bytes([byte]))
    check("byte by byte", json.loads(slow.stdout.readline())["id"] == 1)
    slow.stdin.close()
    check("and its end", slow.wait(timeout=60) == 0)
    full = subprocess.run(["sh", "-c", '"$0" judge --serve >/dev/full', judge.SHEAF], input=one, stderr=subprocess.PIPE,
                          timeout=60, check=False)
    check("no room for answers", full.returncode == 2 and b"standard output" in full.stderr)


def hostile(n):
    """Lines with bytes changed, dropped, doubled, spliced: each has one answer, valid JSON of the schema."""
    rng = random.Random(1)
    good = [b'{"id":%d,"set":"height=3,rounds=3,batch=8","contract":"full","inputs":2,"seed":3,"program":[{"load":[["const",0,7]]}]}',
            b'{"asm":"{ load: const 0, 99999 }\\n{ load: load 1, 0 }","id":%d,"strict":true,"inputs":1,"cycle_limit":50,"time_limit":900}',
            b'{"program":[{"flow":[["jump",0]]}],"id":{"a":[%d]},"cycle_limit":100,"inputs":1}',
            b'{"kernel":"pq_index","inputs":1,"id":"%d","program":{"machine":{"slots":{"alu":1}},"scratch_map":{"0":["a",1]},"program":[]}}']
    bits = [b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"1e400", b"[" * 300, b'{"id":5}', b'"id":6,', b"\xef\xbb\xbf", b"\r",
            b"\x1b[2J", b"\xc2\x9b", b"\xe2\x80\xae", b'"', b"\\", b",", b"}", b"]", b":", b"null", b"-", b"9" * 30]
    lines = []
    for i in range(n):
        line = bytearray(good[i % len(good)] % i)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(line))
            end = min(len(line), at + rng.randrange(1, 12))
            what = rng.randrange(5)
            if what == 0:
                line[at] = rng.randrange(256)
            elif what == 1:
                del line[at:end]
            elif what == 2:
                line[at:at] = bits[rng.randrange(len(bits))]
            elif what == 3:
                line[at:at] = line[at:end]
            else:
                del line[at:]
            line = line or bytearray(b"{")
        line = bytes(line).replace(b"\n", b" ")
        lines.append(line if line.strip(b" \t\r") not in (b"", b"\xef\xbb\xbf") else b"{")
    answers = serve(lines, "--time-limit", "1000", "--set", SMALL, "--inputs", "1")
    for line, answer in zip(lines, answers):
        try:
            request = schema.read(line)
        except (ValueError, RecursionError):
            request = None
        if request is None:
            check(f"{line}: {answer}", answer["verdict"] in ("error", "rejected", "limit"))
        elif schema.problems(request, schemas["request"]):
            check(f"not of the schema: {line}: {answer}", answer["verdict"] == "error")
        if isinstance(request, dict):
            check(f"the id of {line}: {answer}", schema.same(answer["id"], request.get("id")))
    check("every verdict was seen", {a["verdict"] for a in answers} >= {"wrong", "fault", "limit", "rejected", "error"})


# --- the command ----------------------------------------------------------------------


def again_line(done):
    lines = [line for line in done.stdout.decode().splitlines() if line.startswith("again ")]
    return lines[0].split(None, 1)[1] if len(lines) == 1 else ""


def again():
    """The line of a failure, given to a shell, fails the same way."""
    wrong = judge.clip_values(judge.build("scalar", "--set", SMALL))
    twice = [{"alu": [["+", 1, 2, 3], ["-", 1, 2, 3]]}]
    crowded = [{"alu": [["+", 1, 1, 1]] * 13}]
    late = [{"load": [["const", 0, 5]]}, {"load": [["load", 1, 0]]}, {"store": [["store", 0, 1]]}]
    compare = [{"debug": [["compare", 0, ["no", 1]]]}, {"load": [["const", 0, 99999]]}, {"load": [["load", 1, 0]]}]
    own = lambda machine, program: {"machine": machine, "program": program}
    small = ("--set", SMALL, "--contract", "full")
    cases = [
        ("wrong", wrong, small), ("fault", twice, (*small, "--strict")), ("wrong", twice, small),
        ("fault", crowded, small), ("fault", own({"slots": {"alu": 60}}, crowded), small),
        ("fault", own({"scratch": 4000}, [{"load": [["const", 1600, 1]]}]), small),
        ("wrong", own({"scratch": 64}, [{"load": [["const", 1500, 1]]}]), small),
        ("fault", own({"vlen": 4, "latency": {"load": 3}}, [{"load": [["const", 1530, 1]]}, {"valu": [["+", 0, 0, 1530]]}]), small),
        ("fault", crowded[:1], (*small, "--machine", "alu=5,vlen=4")), ("wrong", crowded, (*small, "--machine", "alu=20")),
        ("wrong", own({"cores": 2}, late), small), ("wrong", late, (*small, "--machine", "cores=2,load_latency=2")),
        ("fault", compare, small), ("limit", [{"flow": [["jump", 0]], "alu": [["+", 0, 0, 0]]}], (*small, "--cycle-limit", "777")),
        ("wrong", [], ("--kernel", "pq_index")), ("wrong", [], ("--kernel", "moe_sort", "--seed", "18446744073709551615")),
        ("wrong", [], ("--set", "start=any,height=3"))]
    names = ["p.json", "it's a file.json", "a b\t$HOME `x` \\ \".json", "-p.json", "tree_hash", "esc\x1b[2J\u202e'.json", "\udcff.json",
             "line\nverdict    pass", "\u00e4.json", "*?[a]~.json", "#x.json"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PATH": os.path.dirname(judge.SHEAF) + ":" + os.environ["PATH"]}
        shell = lambda line: subprocess.run(["bash", "-c", line], cwd=folder, env=environment, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, timeout=60, check=False)
        for i, (verdict, program, arguments) in enumerate(cases + [cases[0]] * len(names)):
            name = names[max(i - len(cases), 0)]
            with open(os.fsencode(os.path.join(folder, name)), "w", encoding="ascii") as file:
                json.dump(program, file)
            command = [judge.SHEAF, "judge", "--inputs", "10", *arguments]
            text, data = (subprocess.run([*command, *more, "--", os.fsencode(name)], cwd=folder, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, timeout=60, check=False)
                          for more in (("--seed", "3"), ("--seed", "3", "--json")))
            data = json.loads(data.stdout or b"{}")
            line = again_line(text)
            what = f"again, {verdict} {name!r} {arguments}: {line}"
            check(f"{what}: {data}", data.get("verdict") == verdict and data.get("again") == line and line.isprintable())
            done = shell(line + " --json")
            try:
                found = json.loads(done.stdout)
            except ValueError:
                check(f"{what}: {done}", False)
                continue
            if verdict == "wrong":
                check(f"{what}: {found}", done.returncode == 1 and found["wrong"] == data["wrong"])
            else:
                fault = found["faults"][0] if found["faults"] else {}
                check(f"{what}: {fault}", done.returncode == 3 and
                      all(fault.get(key) == data["fault"][key] for key in ("kind", "cycle", "bundle", "what")))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    judge.SHEAF = os.path.join(os.path.abspath(sys.argv[1]), "sheaf")
    read_schemas()
    for part in (orders, contracts, duplicates, verdicts, ids, seeds, sizes, ends, again):
        try:
            part()
        except (KeyError, ValueError) as why:
            check(f"{part.__name__}: {why!r}", False)
    hostile(int(sys.argv[2]) if len(sys.argv) == 3 else 3000)
    print(f"{judge.passed} passed, {judge.failed} failed")
    return judge.failed > 0


if __name__ == "__main__":
    sys.exit(main())
