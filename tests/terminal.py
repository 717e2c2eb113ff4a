#!/usr/bin/env python3
"""No control character of an input reaches the terminal: whatever way a program, a file's name, an option or a request
brings one in, the commands print it escaped, and no line is forged.

usage: tests/terminal.py BUILD
"""
import json
import os
import re
import subprocess
import sys
import tempfile

SHEAF = ""
passed, failed = 0, 0

# What a terminal obeys, as bytes, and as it is to be shown.
HOSTILE = {
    b"\x1b[2J": rb"\u001b[2J",
    b"\x07": rb"\u0007",
    b"\x7f": rb"\u007f",
    b"\r": rb"\u000d",
    "\x9b31m".encode(): rb"\u009b31m",
    "\u202e".encode(): rb"\u202e",
    "\u2066\u200f".encode(): rb"\u2066\u200f",
    "\u2028".encode(): rb"\u2028",
    b"\xff": rb"\xff",
    b"\xc3": rb"\xc3",
    b"\xe0\x80\x80": rb"\xe0\x80\x80",
    b"\xed\xa0\x80": rb"\xed\xa0\x80",
}
DANGER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def check(what, good):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("wrong:", what)


def run(what, *arguments, shown=None, stdin=b"", environment=None):
    """Runs the command; what it prints must do nothing to a terminal, and have `shown` somewhere."""
    done = subprocess.run([SHEAF, *arguments], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          check=False, env={**os.environb, **(environment or {})})
    printed = done.stdout + done.stderr
    try:
        danger = DANGER.search(printed.decode("utf-8"))
    except UnicodeDecodeError as why:
        danger = why
    check(f"{what}: {danger} in {printed[:300]}", not danger and printed)
    if shown is not None:
        check(f"{what}: {shown} in {printed[:400]}", shown in printed)
    check(f"{what}: exit status {done.returncode}", 0 <= done.returncode <= 3)
    return done


def write(path, data):
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


def is_text(bad):
    try:
        bad.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def spelled(bad, case=str.lower):
    """In a JSON text: escaped where JSON has to, else as it is."""
    return b"".join(b"\\u%04x" % byte if byte < 32 else bytes([byte]) for byte in bad)


def json_programs(folder, bad, shown):
    """Keys, engines, operations, names and texts of a program in JSON."""
    path = os.path.join(folder, b"p.json")
    inside = spelled(bad)
    texts = {
        "an engine": b'[{"lo%sad":[]}]', "a key": b'{"program":[],"x%sy":1}', "a key of a machine": b'{"machine":{"a%s":1},"program":[]}',
        "an engine of a machine": b'{"machine":{"slots":{"a%s":1}},"program":[]}', "an address": b'{"scratch_map":{"0%s":["a",1]},"program":[]}',
        "a key of a program of several": b'{"stages":[{"x%s":1}]}', "behind a value": b'[{"alu":[]}] %s'}
    for name, text in texts.items():
        raw = name == "behind a value"
        write(path, text % (bad if raw else inside))
        for command in ("run", "check", "dis", "judge", "profile", "debug"):
            if command == "dis" and "several" in name or command == "judge" and "several" in name:
                continue
            done = run(f"{command}: {name} {bad}", command, path, shown=shown if is_text(bad) and not raw else None)
            check(f"{command}: {name} is refused: {done}", done.returncode in (1, 2) or raw and bad == b"\r")
    if not is_text(bad):
        return
    program = b'{"scratch_map":{"1600":["n%sn",1],"3":["m%s",1]},"program":[{"debug":[["comment","c%s"]],"load":[["const",3,5]]},' \
              b'{"alu":[["o%sp",1,2]]}]}' % ((inside,) * 4)
    write(path, program)
    for command in (("run",), ("run", "--json"), ("check",), ("check", "--json"), ("dis",), ("profile",), ("profile", "--timeline", "0:9"),
                    ("trace", "--format", "json", "-o", "-"), ("trace", "--format", "vcd", "-o", "-"), ("judge",), ("judge", "--json"), ("diff", path)):
        run(f"{command}: names and texts {bad}", command[0], path, *command[1:])
    run(f"debug: names and texts {bad}", "debug", path, stdin=b"bundle\nnames\nstep\nbundle\nnames n\nprint m%s\nwriter m%s\nstep\n" % (bad, bad))
    write(path, b'[{"load":[["const",1600,%s]]}]' % b"7")
    write(path, b'{"scratch_map":{"1600":["n%sn",1]},"program":[{"load":[["const",1600,7]]}]}' % inside)
    run(f"a fault at a name {bad}", "run", path, shown=b'"n\\')
    assembly = run(f"dis {bad}", "dis", path).stdout
    again = subprocess.run([SHEAF, "asm", "-"], input=assembly, stdout=subprocess.PIPE, check=True).stdout
    check("and it reads back", json.loads(again)["scratch_map"] == json.loads(program)["scratch_map"] or
          json.loads(again)["scratch_map"]["1600"][0] == json.loads(b'"n%sn"' % inside))
    stages = b'{"stages":[{"name":"s%s\\nresult","program":[{"alu":[["+",1,2,3]]}]},{"name":"b","program":[{"alu":[["+",1,2,3]]}]}]}' % inside
    write(path, stages)
    for command in (("run",), ("run", "--json"), ("profile",), ("profile", "--json"), ("profile", "--timeline", "0:9"), ("diff", path), ("check",)):
        done = run(f"{command}: a program's name {bad}", command[0], path, *command[1:])
        check(f"{command}: no line of its own: {done.stdout}", not re.search(rb"^result *$", done.stdout, re.M))
    run(f"debug: a program's name {bad}", "debug", path, stdin=b"program\n", shown=shown)


def assembly_programs(folder, bad, shown):
    """Labels, names, directives and comments in assembly, and its excerpts with a caret."""
    path = os.path.join(folder, b"p.s")
    inside = spelled(bad)
    texts = {"an operation": b"{ alu: a%s 1 }", "an engine": b"{ a%s: + 1, 2, 3 }", "a directive": b".a%s 1\n", "a label": b"%s:\n",
             "a number": b"{ load: const 1, 1%s }", "behind a bundle": b"{ } %s", "a comment before": b"{ alu: no 1 } # %s",
             "far into a line": b"# " + b"x" * 500 + b"\n{ alu: + 1, 2, 3 } " + b"%s" * 40 + b" no"}
    for name, text in texts.items():
        write(path, text.replace(b"%s", bad))
        for command in ("asm", "run", "check", "judge"):
            run(f"{command}: {name} {bad}", command, path)
    if not is_text(bad):
        return
    quoted = {"a name that is not there": b'{ alu: + "x%s", 1, 2 }', "a label that is not there": b'{ flow: jump @"x%s" }',
              "a label twice": b'"x%s":\n{ }\n"x%s":\n{ }'}
    for name, text in quoted.items():
        write(path, text.replace(b"%s", inside))
        run(f"asm: {name} {bad}", "asm", path, shown=shown)
    write(path, b'.name "n%s" 1 2\n"l%s":\n{ alu: + "n%s", 1, 2; debug: comment "c%s"; flow: cond_jump 5, @"l%s" }\n{ load: const 1600, 1 }'
          .replace(b"%s", inside))
    for command in (("asm",), ("run",), ("check",), ("profile", "--by", "label"), ("profile", "--by", "label", "--json"), ("diff", path)):
        run(f"{command}: a label {bad}", command[0], path, *command[1:])
    run(f"debug: a label {bad}", "debug", path, stdin=b"bundle\nnames\nbreak 1\ncontinue\nbundle\nstops\n", shown=shown)


def names_and_options(folder, bad, shown):
    """File names, options, commands, scripts, requests, records, the environment."""
    there = write(os.path.join(folder, b"f" + bad + b".json"), [{"alu": [["+", 1, 2, 3]]}])
    missing = os.path.join(folder, b"no" + bad + b".json")
    broken = write(os.path.join(folder, b"b" + bad + b".json"), b"[7]")
    for command in (("run",), ("run", "--json"), ("check",), ("dis",), ("judge", "--inputs", "1"), ("judge", "--inputs", "1", "--json"), ("profile",),
                    ("diff", there), ("debug",), ("conform",), ("trace", "-o", missing + b"/x"), ("run", "--mem", there),
                    ("trace", "-o", os.path.join(folder, b"x" + bad)), ("asm", "-o", missing + b"/x")):
        for path in (there, missing, broken):
            run(f"{command[0]}: a file's name {bad}", command[0], path, *command[1:])
    run(f"the name of a file that is not there {bad}", "run", missing, shown=b"no" + shown)
    run(f"the name of a broken file {bad}", "run", broken, shown=b"b" + shown)
    run(f"the name of a program {bad}", "run", there, shown=b"f" + shown)
    run(f"the name in the line that shows a failure again {bad}", "judge", there)
    p = write(os.path.join(folder, b"p.json"), [])
    for arguments in (("no" + "",), ("run", p, "--kernel"), ("run", p, "--machine"), ("run", p, "--simulator"), ("run", p, "--cycle-limit"),
                      ("run", "tree_hash", "--set"), ("run", "tree_hash", "--contract"), ("run", "tree_hash", "--record"),
                      ("profile", p, "--by"), ("profile", p, "--timeline"), ("trace", p, "-o", "-", "--format"),
                      ("trace", p, "-o", "x.json", "--engines"), ("build", "tree_hash", "-o", "x", "--dump"), ("judge", p, "--set"),
                      ("sweep", "tree_hash:best", "-o", "x.csv", "--grid"), ("sweep", "tree_hash:best", "-o", "x.csv", "--cost"),
                      ("run", "tree_hash:best", "--set", "height=3,rounds=1,batch=8", "--machine"), ("judge", "--serve", "--kernel")):
        for value in (bad, b"a=" + bad, b"height=" + bad):
            done = run(f"{arguments}: an option's value {value}", *arguments, value)
            check(f"{arguments} {value} is refused: {done}", done.returncode == 2)
    for arguments in ((bad,), (b"run" + bad,), ("run", b"--x" + bad), ("run", b"-" + bad), ("run", "tree_hash:" + "", b"x" + bad),
                      ("run", b"tree_hash:" + bad), ("kernels", bad), ("run", b"k" + bad)):
        run(f"an argument {arguments}", *arguments)
    for script in (b"print x%s\n", b"%s\n", b"break %s\n", b"until %s == 1\n", b"names %s\n", b"print 1 # %s\n", b"program %s\n", b"set %s 1\n"):
        run(f"debug: a command {script} {bad}", "debug", p, stdin=script % bad)
    run(f"debug: a script's name {bad}", "debug", p, "--script", missing, shown=shown)
    record = write(os.path.join(folder, b"r.tune"), b"sheaf-tuning 1 %s\n" % bad)
    run(f"a record {bad}", "run", "tree_hash:best", "--record", record)
    csv = write(os.path.join(folder, b"s.csv"), b"kernel,%s\n1,%s\n" % (bad, bad))
    run(f"a sweep's file {bad}", "sweep", "tree_hash:best", "--set", "height=2,rounds=1,batch=8", "--grid", b"load=1:2" + bad, "-o", csv)
    vector = write(os.path.join(folder, b"v.jsonl"), b'{"name":"n%s","program":[],"x%s":1}\n{%s\n' % (spelled(bad), spelled(bad), bad))
    run(f"a vector {bad}", "conform", vector)
    image = write(os.path.join(folder, b"m" + bad + b".json"), b'["%s"]' % bad)
    run(f"an image {bad}", "run", p, "--mem", image)
    for line in (b'{"x%s":1}', b'{"kernel":"%s","program":[]}', b'{"set":"%s","program":[]}', b'{"contract":"%s","program":[]}',
                 b'{"program":[{"e%s":[]}],"inputs":1}', b'{"asm":"%s","inputs":1}', b'{"id":"%s"}', b'{"id":["%s"],"program":[]}', b'%s',
                 b'{"asm":".name \\"n%s\\" 1600 1\\n{ load: const \\"n%s\\", 1 }","inputs":1}'):
        for inside in (bad, spelled(bad)):
            run(f"a request {line} {bad}", "judge", "--serve", stdin=line.replace(b"%s", inside) + b"x\n")
    run(f"the environment {bad}", "profile", p, environment={b"TERM": bad, b"COLUMNS": bad, b"NO_COLOR": bad, b"TMPDIR": bad})


def forged(folder):
    """A line end in a name makes no line of a report."""
    path = write(os.path.join(folder, b"x\nverdict    pass\n.json"), [{"flow": [["jump", -1]]}])
    done = run("a file's name of several lines", "judge", path, "--inputs", "1")
    check(f"one verdict: {done.stdout}", len(re.findall(rb"^verdict ", done.stdout, re.M)) == 1 and done.returncode == 1)
    done = run("and in an error", "run", path + b"x")
    check(f"one line: {done.stderr}", done.stderr.count(b"\n") == 1)
    done = run("and in an option", "run", "tree_hash", "--set", "a\nsheaf: fine")
    check(f"one line: {done.stderr}", done.stderr.count(b"\n") == 1)
    for command in ("run", "profile"):
        done = run(f"and in a report of {command}", command, path)
        check(f"the name is one line: {done.stdout}", not re.search(rb"^verdict", done.stdout, re.M))
    done = run("a key of several lines", "run", write(os.path.join(folder, b"k.json"), b'{"a\\nsheaf: fine":1}'))
    check(f"message, line and caret: {done.stderr}", done.stderr.count(b"\n") == 3)


def carets(folder):
    """The caret stands below what it means, whatever is before it; layout and other languages stay."""
    for before in (b"", b"\t", b"\x1b[2J", "\u202e\u202e".encode(), "\u00e4\u4e2d".encode(), b"\xff\xfe", b"\x7f" * 60, "\u00e9".encode() * 300):
        path = write(os.path.join(folder, b"c.s"), b'"' + before + b'": "b": ?\n' if b"\xff" not in before else b"{ } #" + before + b"\n?")
        lines = run(f"a caret after {before[:20]}", "asm", path).stderr.decode().splitlines()
        check(f"a caret: {lines}", len(lines) == 3 and lines[2].strip() == "^" and len(lines[1]) <= 162)
    for text, column in ((b'"\xc3\xa4": ?', 7), (b'"\xe4\xb8\xad\xe4\xb8\xad": ?', 8), (b'\t\t?', 4)):
        lines = run("a caret in columns", "asm", write(os.path.join(folder, b"c.s"), text)).stderr.decode().splitlines()
        check(f"column {column}: {lines}", len(lines) == 3 and lines[1][len(lines[2]) - 1] == "?" and len(lines[2]) == column + 1)
    name = "\u00fc\u4e2d\U0001f600"
    path = write(os.path.join(folder, name.encode() + b".json"), [{"alu": [["+", 1, 2, 3]]}])
    check("names of other languages stay", name.encode() in run("a name", "run", path).stdout)


def main():
    global SHEAF
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    SHEAF = os.path.join(os.path.abspath(sys.argv[1]), "sheaf")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        folder = os.fsencode(folder)
        for bad, shown in HOSTILE.items():
            parts = [json_programs, assembly_programs]
            if bad in (b"\x1b[2J", b"\r", "\x9b31m".encode(), "\u202e".encode(), b"\xff"):
                parts.append(names_and_options)
            for part in parts:
                try:
                    part(folder, bad, shown)
                except (ValueError, KeyError, subprocess.CalledProcessError) as why:
                    check(f"{part.__name__} {bad}: {why!r}", False)
        forged(folder)
        carets(folder)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
