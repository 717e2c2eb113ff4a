#!/usr/bin/env python3
"""Runs every command that a README shows, and compares what it prints.

In a fenced ```console block a line `$ COMMAND`, with the lines `> MORE` below it, is
run by bash and has to succeed. What follows, if anything, is its output: `...` stands
for any text, on a line of its own for any lines. Measured times may differ.
Each README gets a fresh copy of the tree, with `build` in it and on PATH, and what
`make install` puts in place where `pkg-config` and the C compiler `cc` find it.
A fenced ```c block is the file that was linked to last. Links to files have to lead
somewhere, and make targets have to exist.

usage: tests/docs.py BUILD [README...]
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from python.run import sanitizer

# Not run, for the reason that is given: only looked at as make targets.
NOT_RUN = [
    (r"make( [a-z]+)*( [A-Z]+=\S+)*", "builds, runs the whole test suite, or installs: too long, or outside the copy"),
    (r"sudo make( [a-z]+)*( [A-Z]+=\S+)*", "installs outside the copy"),
    (r"bash \.ci/run", "runs the whole test suite several times"),
    (r"git clone .*|cd sheaf", "needs the network"),
]
# A line of output that begins so is different every time.
MEASURED = ("speed ",)
SECONDS = 120
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def blocks(text):
    """(line number, language, lines) of every fenced block."""
    number, lines = 0, text.split("\n")
    while number < len(lines):
        fence = re.match(r"```(\S*)\s*$", lines[number])
        number += 1
        if not fence:
            continue
        start = number
        while number < len(lines) and lines[number].rstrip() != "```":
            number += 1
        yield start, fence.group(1), lines[start:number]
        number += 1


def commands(lines):
    """(offset, command, expected lines) of a console block."""
    at = 0
    while at < len(lines):
        if not lines[at].startswith("$ "):
            raise ValueError("output before the first command: " + lines[at])
        start, command = at, lines[at][2:]
        at += 1
        while at < len(lines) and (lines[at].startswith("> ") or lines[at] == ">"):
            command += "\n" + lines[at][2:]
            at += 1
        expected = []
        while at < len(lines) and not lines[at].startswith("$ "):
            expected.append(lines[at].rstrip())
            at += 1
        yield start, command, expected


def matches(expected, output):
    def line_pattern(line):
        if line.strip() == "...":
            return r"(?:.*\n)*?"
        if line.startswith(MEASURED):
            return re.escape(line.split()[0]) + " .*\n"
        return "".join(".*" if part == "..." else re.escape(part) for part in re.split(r"(\.\.\.)", line)) + "\n"

    pattern = "".join(line_pattern(line) for line in expected)
    return re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in output.rstrip("\n").split("\n")))


def run(command, cwd, environment):
    """None, or what went wrong."""
    try:
        done = subprocess.run(["bash", "-c", command], cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, text=True, check=False)
    except subprocess.TimeoutExpired:
        return f"does not end within {SECONDS} s", ""
    if done.returncode != 0:
        return f"exit status {done.returncode}", done.stdout
    return None, done.stdout


def check_targets(text, cwd):
    """A problem for each `make TARGET` in the text whose target does not exist."""
    for words in sorted(set(re.findall(r"(?:`|\$ |sudo )make((?: [a-z]+)*)", text))):
        done = subprocess.run(["make", "-n"] + words.split(), cwd=cwd, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            yield f"make{words}: {done.stderr.strip()}"


def check_links(text, folder):
    """A problem for each link to a file that is not there."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        if not os.path.exists(os.path.join(folder, target)):
            yield f"link to {target}, which does not exist"


def check_sources(text, folder):
    """A problem for each block of C that is not the file linked to last before it."""
    lines = text.split("\n")
    for start, language, block in blocks(text):
        if language != "c":
            continue
        links = re.findall(r"\]\(([^)#:]+\.[ch])\)", "\n".join(lines[:start]))
        try:
            with open(os.path.join(folder, links[-1]), encoding="utf-8") as file:
                same = file.read().rstrip("\n").split("\n") == block
        except (IndexError, OSError):
            same = False
        if not same:
            yield f"line {start}: the block is not {links[-1] if links else 'a file that is linked to'}"


def installed(build, top):
    """Installs below `top`; the environment in which that is what a user has."""
    root = os.path.join(top, "root")
    environment = dict(os.environ)
    # The make that called this must not steer the one of a document.
    for variable in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"):
        environment.pop(variable, None)
    subprocess.run(["make", "install", "BUILD=" + build, "PREFIX=/usr", "DESTDIR=" + root], cwd=TOP, env=environment,
                   stdout=subprocess.DEVNULL, check=True)
    # The compiler with the flags of this build: a sanitized library wants them.
    os.mkdir(os.path.join(top, "bin"))
    compiler = os.path.join(top, "bin", "cc")
    with open(compiler, "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\nexec ${CC:-gcc} ${CFLAGS:-} "$@" ${LDFLAGS:-}\n')
    os.chmod(compiler, 0o755)
    runtime = sanitizer(os.path.join(build, "libsheaf.so"))
    if runtime:  # which Python does not bring
        python = os.path.join(top, "bin", "python3")
        with open(python, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nLD_PRELOAD={runtime} ASAN_OPTIONS=detect_leaks=0 exec {sys.executable} "$@"\n')
        os.chmod(python, 0o755)
    environment["PATH"] = os.pathsep.join([os.path.dirname(compiler), build, environment["PATH"]])
    environment["LD_LIBRARY_PATH"] = os.path.join(root, "usr/lib")
    environment["PKG_CONFIG_PATH"] = os.path.join(root, "usr/lib/pkgconfig")
    environment["PKG_CONFIG_SYSROOT_DIR"] = root
    environment["PKG_CONFIG_ALLOW_SYSTEM_CFLAGS"] = environment["PKG_CONFIG_ALLOW_SYSTEM_LIBS"] = "1"
    return environment


def check_readme(name, build, environment):
    """Checks one document; (checks that held, problems)."""
    good, problems = 0, []
    with tempfile.TemporaryDirectory(prefix="sheaf_docs.") as scratch:
        tree = os.path.join(scratch, "sheaf")
        with open(os.path.join(TOP, name), encoding="utf-8") as file:
            text = file.read()
        if "```console" in text:
            shutil.copytree(TOP, tree, ignore=shutil.ignore_patterns(".git", "build", "build-*"))
            os.symlink(build, os.path.join(tree, "build"))
        problems += [f"{name}: {p}" for p in check_targets(text, TOP)]
        problems += [f"{name}: {p}" for p in check_links(text, os.path.dirname(os.path.join(TOP, name)))]
        problems += [f"{name}: {p}" for p in check_sources(text, os.path.dirname(os.path.join(TOP, name)))]
        good += not problems
        for start, language, lines in blocks(text):
            if language in ("sh", "bash", "shell"):
                problems.append(f"{name}:{start}: a block of commands is not run; call it console")
            if language != "console":
                continue
            for offset, command, expected in commands(lines):
                if any(re.fullmatch(pattern, command) for pattern, _ in NOT_RUN):
                    continue
                problem, output = run(command, tree, environment)
                if not problem and expected and not matches(expected, output):
                    problem = "prints something else"
                if problem:
                    problems.append(f"{name}:{start + offset + 1}: $ {command}\n{problem}:\n{output}")
                else:
                    good += 1
    return good, problems


def readmes():
    for folder, folders, files in os.walk(TOP):
        folders[:] = [f for f in folders if not f.startswith(".") and not re.fullmatch("build(-.*)?", f)]
        if "README.md" in files:
            yield os.path.relpath(os.path.join(folder, "README.md"), TOP)
    yield ".github/CONTRIBUTING.md"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    names = sys.argv[2:] or sorted(readmes())
    passed, failed = 0, 0
    with tempfile.TemporaryDirectory(prefix="sheaf_docs.") as top:
        environment = installed(build, top)
        for name in names:
            good, problems = check_readme(name, build, environment)
            passed += good
            failed += len(problems)
            for problem in problems:
                print(problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
