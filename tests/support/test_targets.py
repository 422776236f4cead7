#!/usr/bin/python3
"""Prints what ninja must build so that the tests of a build folder can run, without those of some suites.

Usage: test_targets.py FOLDER [SUITE...]
"""

import json
import os
import subprocess
import sys


def introspect(folder, what):
    command = ["meson", "introspect", what, folder]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def main():
    folder, left_out = os.path.abspath(sys.argv[1]), set(sys.argv[2:])
    needed = set()
    for test in introspect(folder, "--tests"):
        suites = {suite.split(":")[-1] for suite in test["suite"]}
        if not suites & left_out:
            needed.update(test["depends"])
    for target in introspect(folder, "--targets"):
        if target["id"] in needed:
            print(os.path.relpath(target["filename"][0], folder))


if __name__ == "__main__":
    main()
