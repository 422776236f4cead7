"""What the linters share: the tree of sources, and how a linter ends."""

import os
import shutil
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ("pool", "engine", "api", "tools", "bench", "tests", ".ci")
SKIPPED = 77  # what meson takes for "skipped"


def paths(*suffixes):
    """Every source file with one of the suffixes, relative to the root."""
    for folder in FOLDERS:
        for base, folders, names in os.walk(os.path.join(ROOT, folder)):
            folders[:] = sorted(name for name in folders if name not in ("__pycache__", "corpus"))
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.relpath(os.path.join(base, name), ROOT)


def scripts(interpreter):
    """Every file without a suffix whose first line names the interpreter."""
    for path in paths(""):
        if "." not in os.path.basename(path):
            with open(os.path.join(ROOT, path), "rb") as file:
                first = file.readline(200)
            if first.startswith(b"#!") and interpreter.encode() in first:
                yield path


def need(program):
    """The program, or the end of this test with the reason on the last line."""
    found = shutil.which(program)
    if not found:
        print(f"skipped: {program} is not installed (tools/deps --tests installs it)")
        sys.exit(SKIPPED)
    return found


def finish(problems, looked_at):
    """Ends the linter: a linter that looked at nothing has failed."""
    for problem in problems:
        print(problem)
    if not looked_at:
        print("no file to look at: is the source tree complete?")
    sys.exit(1 if problems or not looked_at else 0)
