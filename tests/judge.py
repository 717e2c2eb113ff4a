#!/usr/bin/env python3
"""`sheaf judge`: honest programs, wrong ones and hostile ones, each with the verdict that it deserves,
on the command line and through --serve; thousands of requests in one process, with flat memory.

usage: tests/judge.py BUILD [REQUESTS]
"""
import json
import os
import resource
import subprocess
import sys
import tempfile

import hostile

SHEAF = ""
SMALL = "height=3,rounds=3,batch=8"
passed, failed = 0, 0


def check(what, good):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("wrong:", what)


def run(*arguments, stdin=b""):
    return subprocess.run([SHEAF, *arguments], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=120, check=False)


def judge(path, *arguments, stdin=b""):
    done = run("judge", path, "--json", *arguments, stdin=stdin)
    try:
        return json.loads(done.stdout)
    except ValueError:
        print("no verdict:", path, arguments, done.stderr.decode())
        return {"verdict": None}


def build(variant, *arguments):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        done = run("build", f"tree_hash:{variant}", "-o", file.name, *arguments)
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        with open(file.name, encoding="ascii") as written:  # another file of that name by now
            return json.load(written)


def clip_values(program):
    """Right on 30 bits only: the eight values lose their top two bits before the program begins."""
    return [{"load": [["const", 1500, 30], ["const", 1501, 0x3fffffff]]},
            {"load": [["vload", 1504, 1500]], "valu": [["vbroadcast", 1512, 1501]]},
            {"valu": [["&", 1504, 1504, 1512]]}, {"store": [["vstore", 1500, 1504]]},
            {"load": [["const", 1500 + i, 0] for i in (0, 1)]}] + program


def programs():
    """Name -> (text of the program, arguments, verdict, more to check)."""
    best, scalar = build("best", "--set", SMALL), build("scalar", "--set", SMALL)
    full = build("best", "--set", SMALL, "--contract", "full")
    indices = build("best", "--set", SMALL, "--contract", "indices")
    text = lambda p: json.dumps(p).encode()
    off = json.loads(json.dumps(best))
    for bundle in off:
        for slot in bundle.get("load", ()):
            if slot[0] == "const" and slot[2] > 1000:
                slot[2] ^= 4
    halt = [{"flow": [["halt"]]}]
    words = 7 + 15 + 8 + 8
    everywhere = [{"load": [["const", 0, 0], ["const", 1, 1]]}, {"load": [["const", 2, words]]}] + [
        {"store": [["store", 0, 1]], "alu": [["+", 0, 0, 1]]} for _ in range(words)]
    answer = [{"load": [["const", 0, words], ["const", 1, 30]]}, {"load": [["vload", 8, 0]]},
              {"store": [["vstore", 1, 8]]}]
    lane = [{"load": [["const", 0, 7]]}, {"load": [["vload", 8, 0]]},
            {"valu": [["-", 16, 8, 8]]}, {"valu": [["//", 24, 8, 16]]}]
    huge = b'[' + b'{"load":[["const",1,2],["const",3,4]]},' * 900000 + b'{}]'
    small = lambda name: ("--set", SMALL, "--contract", name)
    return {
        "right": (text(best), small("values"), "pass", lambda v: v["cycles"] > 0 and v["warnings"]),
        "right, slow": (text(scalar), small("full"), "pass", lambda v: v["fewest"] == v["cycles"]),
        "right, full": (text(full), small("full"), "pass", lambda v: not any("changed" in w for w in v["warnings"])),
        "right, indices": (text(indices), small("indices"), "pass", None),
        "a wrong constant": (text(off), small("values"), "wrong", lambda v: v["wrong"]["array"] == "values"
                             and v["input"] == 0 and v["wrong"]["found"] != v["wrong"]["expected"]),
        "wrong indices under indices": (text(best), small("indices"), "wrong",
                                        lambda v: v["wrong"]["array"] == "indices"),
        "right on small data only": (text(clip_values(scalar)), small("full"), "wrong",
                                     lambda v: v["parameters"]["bits"] == 32),
        "an endless loop": (text([{"flow": [["jump", 0]]}]), small("values"), "limit",
                            lambda v: v["limit"] == "cycles"),
        "an endless loop, slowly": (text([{"alu": [["+", i, i, i] for i in range(12)], "flow": [["jump", 0]]}]),
                                    (*small("values"), "--cycle-limit", "1000000000000", "--time-limit", "300"), "limit",
                                    lambda v: v["limit"] == "time"),
        "an endless trace": (text([{"flow": [["trace_write", 0]]}, {"flow": [["jump", 0]]}]), small("values"), "limit",
                             lambda v: v["limit"] == "memory"),
        "a jump out": (text([{"flow": [["jump", 1 << 40]]}]), small("values"), "wrong", None),
        "a jump before the start": (text([{"flow": [["jump", -1]]}]), small("values"), "fault",
                                    lambda v: v["fault"]["kind"] == "out_of_range"),
        "gigabytes of constants": (huge, (*small("values"), "--size-limit", "20000000"), "limit",
                                   lambda v: v["limit"] == "size"),
        "nested without end": (b"[" * 3000000, small("values"), "rejected", None),
        "nested in a slot": (b'[{"alu":[' + b"[" * 200000 + b"]" * 200000 + b"]}]", small("values"), "rejected", None),
        "not JSON": (b"hello [", small("values"), "rejected", None),
        "nothing": (b"", small("values"), "rejected", None),
        "no bundles": (b"[]", small("values"), "wrong", lambda v: v["cycles"] == 0),
        "writes everywhere": (text(everywhere), small("full"), "wrong", lambda v: v["wrong"]["array"] == "header"),
        "writes beyond": (text(everywhere + everywhere[2:]), small("values"), "fault",
                          lambda v: v["fault"]["kind"] == "out_of_range"),
        "division by zero in a lane": (text(lane), small("values"), "fault",
                                       lambda v: v["fault"]["kind"] == "divide_by_zero"),
        "reads an answer that is not there": (text(answer), small("values"), "fault",
                                              lambda v: v["fault"]["kind"] == "out_of_range"),
        "scratch holds nothing": (text([{"load": [["const", 0, 30]]}, {"store": [["vstore", 0, 100]]}]), small("values"),
                                  "wrong", lambda v: v["wrong"]["found"] == 0),
        "too many slots": (text([{"alu": [["+", 1, 1, 1]] * 13}]), small("values"), "fault",
                           lambda v: v["fault"]["kind"] == "slot_limit"),
        "a machine of its own": (text({"machine": {"slots": {"alu": 60}}, "program": [{"alu": [["+", 1, 1, 1]] * 13}]}),
                                 small("values"), "fault", lambda v: v["fault"]["kind"] == "slot_limit"
                                 and any("machine" in w for w in v["warnings"])),
        "an unknown operation": (text([{"alu": [["exec", 1, 2, 3]]}]), small("values"), "fault",
                                 lambda v: v["fault"]["kind"] == "unknown_op"),
        "halts at once": (text(halt), small("values"), "wrong", None),
        "one word written twice": (text([{"alu": [["+", 1, 2, 3], ["-", 1, 2, 3]]}]), (*small("values"), "--strict"),
                                   "fault", lambda v: v["fault"]["kind"] == "write_conflict"),
        "scratch beyond the end": (text([{"load": [["const", 1536, 1]]}]), small("values"), "fault",
                                   lambda v: v["fault"]["kind"] == "out_of_range"),
    }


def alone(cases):
    for name, (text, arguments, verdict, more) in cases.items():
        v = judge("-", *arguments, "--inputs", "40", stdin=text)
        check(f"{name}: {verdict}, found {v['verdict']}: {v.get('why')}", v["verdict"] == verdict and (not more or more(v)))


def processor_time():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def limits():
    """Every hostile program has its verdict, from the command and from --serve, and no run takes long after the limit. Processor
    time, and with much to spare: make bench-hostile has the figures."""
    for name, (text, arguments) in hostile.programs().items():
        arguments = arguments if "--set" in arguments else ("--set", SMALL, *arguments)
        for inputs in ("1", "40"):
            start = processor_time()
            v = judge("-", *arguments, "--inputs", inputs, "--time-limit", "100", stdin=text)
            spent = processor_time() - start
            good = v["verdict"] == "limit" or ("at once over" in name or "straight" in name) and v["verdict"] == "wrong"
            check(f"{name}, {inputs} inputs: {v['verdict']} after {spent:.2f} s", good and (spent < 2.5 or "ASAN_OPTIONS" in os.environ))
        done = run("judge", "--serve", *arguments, stdin=b'{"time_limit":100,"inputs":40,"program":%s}\n{"program":[{}]}\n' % text)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        check(f"{name}, served: {answers}", len(answers) == 2 and (answers[0]["verdict"] == v["verdict"] or "straight" in name))


def again():
    """A failure is found again by the seed that is named."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "wrong.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump(clip_values(build("scalar", "--set", SMALL)), file)
        done = run("judge", path, "--set", SMALL, "--contract", "full", "--inputs", "30")
        line = [x for x in done.stdout.decode().splitlines() if x.startswith("again ")]
        check("a failure says how to see it again", done.returncode == 1 and len(line) == 1)
        command = line[0].split()[2:] if line else []
        check("and there it is again", command and b"result     wrong" in run(*command).stdout)
        v = judge(path, "--set", SMALL + ",shape=ones,bits=32", "--contract", "full", "--inputs", "30", "--seed", "1")
        check(f"the shape of the input that failed: {v.get('shape')}", v["verdict"] == "wrong" and v["shape"] == "ones"
              and v["shapes"] == {"ones": 30})


def thresholds():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.json")
        run("build", "tree_hash:interleaved", "-o", path)
        v = judge(path, "--inputs", "3")
        check("thresholds by the worst cycles", v["verdict"] == "pass" and v["thresholds"] and all(
            t["passed"] == (v["cycles"] < t["cycles"]) for t in v["thresholds"]))
        check("of the standard instance only", judge(path, "--inputs", "3", "--contract", "indices")["thresholds"] == [])
        a, b = (judge(path, "--inputs", "3", "--seed", "5") for _ in range(2))
        check("a seed gives the same verdict", a == b)
    shapes = v["shapes"]
    check("shapes, of 3 inputs", shapes == {"uniform": 2, "zeros": 1})
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.json")
        for kernel, variant, least in (("tree_hash", "packed", 9), ("pq_index", "fused", 8), ("moe_sort", "fused", 8)):
            sizes = ("--set", "height=3,rounds=3,batch=8") if kernel == "tree_hash" else (
                "--set", "n=64,K=8,SINK=2,WIN=4,D=4,C=4") if kernel == "pq_index" else ()
            run("build", f"{kernel}:{variant}", *sizes, "-o", path)
            v = judge(path, "--kernel", kernel, *sizes, "--inputs", "64", "--seed", "9")
            check(f"shapes of {kernel}: {v['verdict']}, {v['shapes']}", v["verdict"] == "pass" and len(v["shapes"]) >= least
                  and sum(v["shapes"].values()) == 64 and v["shapes"]["uniform"] <= 32)
    worries = json.loads(run("judge", "--tamper-report", "--json").stdout)
    check("the tamper report", len(worries) > 10 and all(w["worry"] and w["answer"] for w in worries))


def usage():
    for arguments in (("judge",), ("judge", "no-such-file.json"), ("judge", "x.json", "--serve"),
                      ("judge", "-", "--inputs", "0"), ("judge", "-", "--kernel", "nothing"),
                      ("judge", "-", "--set", "height=99")):
        done = run(*arguments)
        check(f"usage: {arguments}", done.returncode == 2 and not done.stdout and done.stderr.count(b"\n") == 1)


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def serve(cases, requests):
    """Many requests in one process, in order, every tenth malformed or hostile."""
    fine = {n: c for n, c in cases.items() if "full" in c[1] or "values" in c[1] or "indices" in c[1]}
    usual = [(n, fine[n]) for n in ("right", "right, full", "a wrong constant", "wrong indices under indices")]
    hostile = [(n, c) for n, c in fine.items() if n not in dict(usual) and len(c[0]) < 100000
               and not any(x in c[1] for x in ("--size-limit", "--time-limit", "--strict")) and c[2] != "rejected"
               and n not in ("an endless loop", "an endless trace")]
    broken = [b"{", b"[]", b'{"program": }', b'{"id": 1}', b"\xff\xfe", b'{"program": [], "no": 1}', b'{"program": [[[[',
              b'{"kernel": "x", "program": []}', b'{"set": "height=99", "program": []}', b'{"program": [], "inputs": 0}',
              b'{"id": {"a": [1, "x"]}, "program": 7}', b'"', b"null", b"[" * 5000,
              b'{"program": [{"flow": [["jump", 0]]}], "cycle_limit": 5000}']
    no_program = (b'{"program": [[[[', b'{"id": {"a": [1, "x"]}, "program": 7}')
    lines, expected = [], []
    for i in range(requests):
        if i % 20 == 9:
            text = broken[i // 20 % len(broken)]
            lines.append(text)
            expected.append((None, "limit" if b"cycle_limit" in text else "rejected" if text in no_program else "error"))
            continue
        pool = hostile if i % 20 == 19 else usual
        name, (text, arguments, verdict, _) = pool[i % len(pool)]
        head = {"id": i, "set": SMALL, "contract": arguments[3], "inputs": 8 if i % 3 else 1, "seed": i % 5, "cycle_limit": 3000}
        if name == "right on small data only":
            head["inputs"] = 30
        lines.append(json.dumps(head)[:-1].encode() + b', "program": ' + text + b"}")
        expected.append((i, verdict))
    # Under the address sanitizer freed memory would be kept, which is not a leak.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
    process = subprocess.Popen([SHEAF, "judge", "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env={**os.environ, "ASAN_OPTIONS": options})
    wrong, sizes = [], []
    for i, line in enumerate(lines):
        process.stdin.write(line + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        if (answer["id"] if expected[i][0] is not None else None, answer["verdict"]) != expected[i]:
            wrong.append((i, expected[i], answer))
        if i in (len(lines) // 2, len(lines) - 1):
            sizes.append(resident(process.pid))
    process.stdin.close()
    check(f"{requests} requests, {len(wrong)} wrong: {wrong[:3]}", not wrong)
    check("serve ends with its input", process.wait(timeout=10) == 0)
    check(f"memory stays flat: {sizes} kB", sizes[1] <= sizes[0] * 1.1 + 512)
    done = run("judge", "--serve", "--size-limit", "1000", "--inputs", "1",
               stdin=b'{"program": [' + b" " * 9000 + b']}\n\n{"id": "next", "program": []}')
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    check("a request too long, and the one after it", [(a["id"], a["verdict"]) for a in answers]
          == [(None, "limit"), ("next", "wrong")])
    asm = run("judge", "--serve", "--inputs", "1", stdin=b'{"asm": "{ load: const 0, 99999 }\\n{ load: load 1, 0 }"}\n')
    check("assembly in a request", json.loads(asm.stdout)["fault"]["kind"] == "out_of_range")


def main():
    global SHEAF
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    SHEAF = os.path.join(os.path.abspath(sys.argv[1]), "sheaf")
    cases = programs()
    alone(cases)
    limits()
    again()
    thresholds()
    usage()
    serve(cases, int(sys.argv[2]) if len(sys.argv) == 3 else 1000)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
