"""The package as users get it."""
import ast
import configparser
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import sheaf

PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tools", "python")


# What harnesses write, with the reference's own annotations.
TYPED = """
import pathlib
from typing import Any, Dict, List, Literal, Optional, Tuple
import sheaf

Engine = Literal["alu", "load", "store", "valu", "flow", "debug"]
Instruction = Dict[Engine, List[Tuple[Any, ...]]]
program: List[Instruction] = [{"load": [("const", 1, 2)]}]
values: Dict[Any, int] = {(1, "x"): 2}
names = sheaf.DebugInfo({0: ("x", 1)})
machine = sheaf.Machine([1, 2], program, names, n_cores=1, value_trace=values, trace=False)
machine.run()
memory: List[int] = machine.mem
machine.program = program
state: sheaf.CoreState = machine.cores[0].state
machine.cores[0].pc = 3
machine.step(program[0], machine.cores[0])
sheaf.Program(program, names).save(pathlib.Path("x.json"))
report: Dict[str, Any] = sheaf.profile(program, memory, debug_info=names)
"""


def has_mypy():
    return subprocess.run([sys.executable, "-m", "mypy", "--version"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def can_install(python):
    """Whether this Python has what building and installing a package takes."""
    return os.path.exists(python) and subprocess.run(
        [python, "-c", "import setuptools, pip, wheel"], stderr=subprocess.DEVNULL, check=False).returncode == 0


class Package(unittest.TestCase):
    def test_version(self):
        setup = configparser.ConfigParser()
        setup.read(os.path.join(PACKAGE, "setup.cfg"))
        self.assertEqual(setup["metadata"]["version"], sheaf.__version__)

    def test_grammar_of_the_oldest_python(self):
        for path in glob.glob(os.path.join(PACKAGE, "*", "*.py")):
            with open(path, encoding="utf-8") as file:
                ast.parse(file.read(), path, feature_version=(3, 8))

    @unittest.skipUnless(has_mypy(), "there is no mypy")
    def test_types(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "harness.py")
            with open(path, "w", encoding="ascii") as file:
                file.write(TYPED)
            done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder, path],
                                  env=dict(os.environ, MYPYPATH=PACKAGE), stdout=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_install(self):
        """pip puts in place a package that works away from the tree."""
        python = next(filter(can_install, (sys.executable, "/usr/bin/python3")), None)
        if not python:
            self.skipTest("there is no pip, or nothing for it to build with")
        with tempfile.TemporaryDirectory() as folder:
            source, target = os.path.join(folder, "source"), os.path.join(folder, "target")
            shutil.copytree(PACKAGE, source)  # which building leaves files in
            subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation",
                            "--target", target, source], check=True)
            environment = dict(os.environ, PYTHONPATH=target)
            program = "import sheaf; m = sheaf.Machine([1], []); m.run(); print(sheaf.__file__, m.mem)"
            said = subprocess.run([python, "-c", program], env=environment, stdout=subprocess.PIPE, text=True,
                                  cwd=folder, check=True).stdout
            self.assertIn(target, said)
            self.assertIn("[1]", said)


if __name__ == "__main__":
    unittest.main()
