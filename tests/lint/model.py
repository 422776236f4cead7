#!/usr/bin/python3
"""The committed tables of the service model are what the generator makes of the model."""

import os
import subprocess
import sys

import source

MODEL = os.path.join(os.path.dirname(source.ROOT), "shared", "kms-service-2.json")

if not os.path.exists(MODEL):
    print("skipped: the service model is not beside this source tree (../shared/kms-service-2.json)")
    sys.exit(source.SKIPPED)
generator = os.path.join(source.ROOT, "tests", "support", "model_tables.py")
sys.exit(subprocess.run([sys.executable, generator, MODEL, os.path.join(source.ROOT, "api"), "--check"], check=False)
    .returncode)
