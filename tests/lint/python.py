#!/usr/bin/python3
"""pyflakes finds nothing in the Python files."""

import subprocess
import sys

import source

pyflakes = source.need("pyflakes3")
files = [*source.paths(".py"), *source.scripts("python3")]
if not files:
    source.finish([], files)
sys.exit(subprocess.run([pyflakes, *files], cwd=source.ROOT, check=False).returncode)
