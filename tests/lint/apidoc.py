#!/usr/bin/python3
"""docs/api.md is what tools/apidoc prints, and the pages that readers come from link to it. Usage: apidoc.py PROGRAM"""

import difflib
import os
import subprocess
import sys

import source

PAGE = os.path.join("docs", "api.md")


def read(path):
    with open(os.path.join(source.ROOT, path), encoding="utf-8") as file:
        return file.read()


problems = []
printed = subprocess.run([sys.argv[1]], text=True, capture_output=True, check=True).stdout
kept = read(PAGE)
if printed != kept:
    changes = list(difflib.unified_diff(kept.splitlines(), printed.splitlines(), PAGE, "what apidoc prints", lineterm=""))
    problems = [f"{PAGE} is not what apidoc prints; make it again: {sys.argv[1]} > {PAGE}", *changes[:40]]
for page, link in (("README.md", "docs/api.md"), (os.path.join("docs", "operations.md"), "api.md")):
    if f"({link})" not in read(page):
        problems.append(f"{page} has no link to {link}")
source.finish(problems, printed.splitlines())
