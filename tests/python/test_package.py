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


class Package(unittest.TestCase):
    def test_version(self):
        setup = configparser.ConfigParser()
        setup.read(os.path.join(PACKAGE, "setup.cfg"))
        self.assertEqual(setup["metadata"]["version"], sheaf.__version__)

    def test_grammar_of_the_oldest_python(self):
        for path in glob.glob(os.path.join(PACKAGE, "*", "*.py")):
            with open(path, encoding="utf-8") as file:
                ast.parse(file.read(), path, feature_version=(3, 8))

    def test_install(self):
        """pip puts in place a package that works away from the tree."""
        pip = [sys.executable, "-m", "pip"]
        if subprocess.run(pip + ["--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            self.skipTest("there is no pip")
        try:
            import setuptools  # noqa: F401
            import wheel  # noqa: F401
        except ImportError:
            self.skipTest("pip has nothing to build with here")
        with tempfile.TemporaryDirectory() as folder:
            source, target = os.path.join(folder, "source"), os.path.join(folder, "target")
            shutil.copytree(PACKAGE, source)  # which building leaves files in
            subprocess.run(pip + ["install", "--quiet", "--no-index", "--no-build-isolation", "--target", target, source],
                           check=True)
            environment = dict(os.environ, PYTHONPATH=target)
            program = "import sheaf; m = sheaf.Machine([1], []); m.run(); print(sheaf.__file__, m.mem)"
            said = subprocess.run([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True,
                                  cwd=folder, check=True).stdout
            self.assertIn(target, said)
            self.assertIn("[1]", said)


if __name__ == "__main__":
    unittest.main()
