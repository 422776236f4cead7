#!/usr/bin/python3
"""Adds up what the parts of tools/check recorded and prints the sum as the last line.

Usage: tally.py RECORD...
A record is a file of JSON Lines in the form of meson's testlog.json: name, result, stdout, stderr. The stage it belongs to is its
file name without the suffix. Exits 1 if anything failed, or if nothing passed.
"""

import json
import os
import sys

PASSED, SKIPPED = ("OK", "EXPECTEDFAIL"), ("SKIP",)
LOG_LINES = 80


def read(path):
    stage = os.path.splitext(os.path.basename(path))[0]
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                entry = json.loads(line)
                entry["name"] = f"{stage}: {entry['name'].removeprefix('keywell / ')}"
                yield entry


def text_of(entry):
    return "\n".join(entry.get(stream) or "" for stream in ("stdout", "stderr")).strip()


def reason_of(text):
    """The line that says why a test was skipped: one that speaks of skipping, or else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
    return next((line for line in lines if "skip" in line.lower()), lines[-1])


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in sys.argv[1:]:
        for entry in read(path):
            text = text_of(entry)
            if entry["result"] in PASSED:
                counts["passed"] += 1
            elif entry["result"] in SKIPPED:
                counts["skipped"] += 1
                print(f"skipped  {entry['name']}: {reason_of(text)}")
            else:
                counts["failed"] += 1
                print(f"FAILED   {entry['name']} ({entry['result']})")
                for line in text.splitlines()[-LOG_LINES:]:
                    print(f"    {line}")
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


main()
