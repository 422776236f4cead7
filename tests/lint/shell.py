#!/usr/bin/python3
"""shellcheck finds nothing in the shell scripts."""

import subprocess
import sys

import source

shellcheck = source.need("shellcheck")
files = [*source.paths(".sh"), *source.scripts("bash")]
if not files:
    source.finish([], files)
sys.exit(subprocess.run([shellcheck, "--external-sources", *files], cwd=source.ROOT, check=False).returncode)
