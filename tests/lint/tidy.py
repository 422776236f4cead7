#!/usr/bin/python3
"""clang-tidy finds nothing in the sources (tests left out), with the compile commands of the build folder given.

That folder should be one set up with clang: gcc's commands have options that clang-tidy does not know.
"""

import concurrent.futures
import json
import os
import subprocess
import sys

import source

clang_tidy = source.need("clang-tidy")
build = sys.argv[1]


def tidy(path):
    result = subprocess.run([clang_tidy, "--quiet", "-p", build, path], text=True, capture_output=True, check=False)
    return f"{os.path.relpath(path, source.ROOT)}:\n{result.stdout.strip() or result.stderr}" if result.returncode else None


with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
    compiled = {os.path.normpath(os.path.join(entry["directory"], entry["file"])) for entry in json.load(file)}
ours = [os.path.join(source.ROOT, folder, "") for folder in ("pool", "engine", "api", "tools")]
files = sorted(path for path in compiled if path.startswith(tuple(ours)) and path.endswith(".c"))
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as executor:
    findings = [found for found in executor.map(tidy, files) if found]
print(f"{len(files)} files, findings in {len(findings)}")
source.finish(findings, files)
