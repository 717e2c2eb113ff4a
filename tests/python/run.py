#!/usr/bin/env python3
"""Runs the tests of the Python module on a build's shared library; ends in `N passed, N failed`.

usage: tests/python/run.py BUILD
"""
import os
import subprocess
import sys
import unittest

FOLDER = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(FOLDER))


def sanitizer(library):
    """The runtime that has to be there before a library built with the address sanitizer, or None."""
    needed = subprocess.run(["ldd", library], stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in needed.splitlines():
        if "asan" in line:
            return line.split("=>")[1].split()[0]
    return None


def start_again(build):
    """Replaces this process by one that finds the library and the package."""
    environment = dict(os.environ)
    library = os.path.join(build, "libsheaf.so")
    runtime = sanitizer(library)
    if runtime:
        environment["LD_PRELOAD"] = runtime
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    environment["SHEAF_LIBRARY"] = library
    environment["SHEAF_BUILD"] = build
    environment["PYTHONPATH"] = os.path.join(TOP, "tools", "python")
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    os.execve(sys.executable, [sys.executable, os.path.abspath(__file__)], environment)


def main():
    if len(sys.argv) == 2:
        start_again(os.path.abspath(sys.argv[1]))
    if "SHEAF_BUILD" not in os.environ:
        sys.exit(__doc__)
    result = unittest.TextTestRunner(stream=sys.stdout).run(unittest.defaultTestLoader.discover(FOLDER))
    failed = len(result.failures) + len(result.errors)
    print("%d passed, %d failed" % (result.testsRun - len(result.skipped) - min(failed, result.testsRun), failed))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
