#!/usr/bin/python3
"""Every header compiles alone, with the compiler given on the command line.

A header that needs another one included first makes the order of includes matter. Public headers (api/keywell.h, if it
is there) must be fit for C++ too.
"""

import concurrent.futures
import os
import subprocess
import sys

import source

FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-I.", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c"]
# Compiled with the flags of an instruction set only; most are the body of several files, which set its size.
TEMPLATES = {
    *(f"engine/x86/ec_{noun}.h" for noun in
        ("bytes", "check_batch", "check_each", "comb", "derive", "edwards", "field", "kernel", "weierstrass")),
    *(f"engine/x86/ifma_{noun}.h" for noun in ("karatsuba", "kernel", "limbs", "mont")),
    "tests/ctime/lanes.h",
}
compiler = sys.argv[1:] or ["cc"]


def compile_alone(path):
    # Twice, so that a header without an include guard is found as well.
    text = f'#include "{path}"\n#include "{path}"\n'
    result = subprocess.run([*compiler, *FLAGS, "-"], cwd=source.ROOT, input=text, text=True, capture_output=True,
        check=False)
    return result.stderr if result.returncode else None


headers = [path for path in source.paths(".h") if path not in TEMPLATES]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as executor:
    outcomes = list(executor.map(compile_alone, headers))
source.finish([f"{path} does not compile alone:\n{why}" for path, why in zip(headers, outcomes) if why], headers)
