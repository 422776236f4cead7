#!/usr/bin/python3
"""Every C and C++ file is as clang-format leaves it."""

import subprocess
import sys

import source

clang_format = source.need("clang-format")
files = list(source.paths(".c", ".h", ".cc"))
if not files:
    source.finish([], files)
result = subprocess.run([clang_format, "--dry-run", "-Werror", *files], cwd=source.ROOT, check=False)
sys.exit(result.returncode)
