#!/usr/bin/python3
"""clang-tidy finds nothing in the sources (tests left out), with the compile commands of the build folder given.

That folder should be one set up with clang: gcc's commands have options that clang-tidy does not know. With --paths N
the analyzer gives up on a function after N of its states; its own limit is 225,000.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess

import source

clang_tidy = source.need("clang-tidy")
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("build")
parser.add_argument("--paths", type=int)
arguments = parser.parse_args()
build = arguments.build
command = [clang_tidy, "--quiet", "-p", build]
if arguments.paths:
    to_analyzer = ["-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={arguments.paths}"]
    command += [f"--extra-arg={argument}" for argument in to_analyzer]


def tidy(path):
    result = subprocess.run([*command, path], text=True, capture_output=True, check=False)
    return f"{os.path.relpath(path, source.ROOT)}:\n{result.stdout.strip() or result.stderr}" if result.returncode else None


with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
    compiled = {os.path.normpath(os.path.join(entry["directory"], entry["file"])) for entry in json.load(file)}
ours = [os.path.join(source.ROOT, folder, "") for folder in ("pool", "engine", "api", "tools")]
files = sorted(path for path in compiled if path.startswith(tuple(ours)) and path.endswith(".c"))
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as executor:
    findings = [found for found in executor.map(tidy, files) if found]
print(f"{len(files)} files, findings in {len(findings)}")
source.finish(findings, files)
