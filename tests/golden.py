#!/usr/bin/env python3
"""Golden transcripts: tests/golden/*.txt hold commands, each a line `$ COMMAND`, and
below it exactly what the command prints, standard error after standard output, and
its exit status where that is not 0. The commands run in tests/golden/in, with the
build on PATH and an empty directory for what they write in $OUT.

With --bless the transcripts are rewritten with what the commands do now: read the
difference before committing it.

usage: tests/golden.py BUILD [--bless] [NAME...]
"""
import difflib
import os
import subprocess
import sys
import tempfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
SECONDS = 60


def run(command, environment):
    """What the command leaves in a transcript."""
    try:
        done = subprocess.run(["sh", "-c", command], cwd=os.path.join(HERE, "in"), env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"[does not end within {SECONDS} s]\n"
    output = ""
    for stream in (done.stdout, done.stderr):
        text = stream.decode("utf-8", "backslashreplace")
        output += text if text.endswith("\n") or not text else text + "[no line end]\n"
    return output + (f"[exit status {done.returncode}]\n" if done.returncode else "")


def parse(text):
    """The lines before the first command, and (command, output) of each."""
    head, entries = [], []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            entries.append([line[2:].rstrip("\n"), ""])
        elif entries:
            entries[-1][1] += line
        else:
            head.append(line)
    return "".join(head), entries


def main():
    arguments = [a for a in sys.argv[1:] if a != "--bless"]
    bless = len(arguments) < len(sys.argv) - 1
    if not arguments:
        sys.exit(__doc__)
    build = os.path.abspath(arguments[0])
    names = arguments[1:] or sorted(f[:-4] for f in os.listdir(HERE) if f.endswith(".txt"))
    passed, failed = 0, 0
    for name in names:
        path = os.path.join(HERE, name + ".txt")
        with open(path, encoding="utf-8") as file:
            head, entries = parse(file.read())
        with tempfile.TemporaryDirectory(prefix="sheaf_golden.") as out:
            environment = dict(os.environ, PATH=build + ":" + os.environ["PATH"], OUT=out, LC_ALL="C")
            found = [(command, run(command, environment)) for command, _ in entries]
        if bless:
            with open(path, "w", encoding="utf-8") as file:
                file.write(head + "".join(f"$ {command}\n{output}" for command, output in found))
        for (command, expected), (_, output) in zip(entries, found):
            if bless or output == expected:
                passed += 1
                continue
            failed += 1
            print(f"{name}: $ {command}")
            sys.stdout.writelines(difflib.unified_diff(expected.splitlines(True), output.splitlines(True),
                                                       "expected", "found"))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
