#!/usr/bin/python3
"""The benchmark audit at smoke size: its figures are there and agree with each other; bad usage is refused.

How fast anything is, is not tested: machines and disks differ.
"""

import json
import math
import os
import subprocess
import sys
import tempfile

AUDIT = sys.argv[1]


def run(*arguments):
    return subprocess.run([AUDIT, *arguments], capture_output=True, text=True, check=False)


def check_spread(spread):
    assert 0 < spread["min"] <= spread["median"] <= spread["max"], spread


def check_plain(plain):
    check_spread(plain["records_per_second"])
    check_spread(plain["ratio"])
    assert plain["latency_us"]["p50"] <= plain["latency_us"]["p99"], plain
    assert plain["cpu_us_per_record"] > 0, plain


def check_level(level, outstanding):
    assert level["outstanding"] == outstanding and level["rounds"] == 2, level
    assert level["records"] >= outstanding, level
    # Real ones: not a few words, and not near the longest that the log takes.
    assert 1000 < level["record_bytes"] < 3000, level
    assert 0 < level["records_per_commit"] <= outstanding, level
    check_spread(level["records_per_second"])
    latency = level["latency_us"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["p99_9"], latency
    used = level["cpu_us_per_record"]
    assert used["process"] > 0 and used["submitters"] > 0, used
    # The parts are read from other clocks than the sum.
    assert used["submitters"] + used["writer"] + used["spare"] + used["ring_workers"] < 1.2 * used["process"] + 20, used
    check_plain(level["append"])
    check_plain(level["rewrite"])


def check_figures(folder):
    result = run("--seconds", "0.05", "--rounds", "2", "--outstanding", "1,40", "--threads", "2", "--dir", folder, "--json")
    assert result.returncode == 0 and result.stderr == "", result
    figures = json.loads(result.stdout)
    assert figures["threads"] == 2 and not figures["interrupted"], figures
    assert len(figures["levels"]) == 2, figures
    for level, outstanding in zip(figures["levels"], (1, 40)):
        check_level(level, outstanding)
    best = max(figures["levels"], key=lambda level: level["records_per_second"]["median"])
    assert math.isclose(figures["audit_records_per_second"], best["records_per_second"]["median"])
    for kind in ("append", "rewrite"):
        assert math.isclose(figures["audit_ratio_to_" + kind], best[kind]["ratio"]["median"])


def check_table(folder):
    result = run("--seconds", "0.05", "--rounds", "1", "--outstanding", "8", "--dir", folder)
    assert result.returncode == 0 and result.stdout.count("\n") == 2, result


def check_refusals(folder):
    for arguments in (["--outstanding", "0"], ["--outstanding", "1,"], ["--outstanding", "1000000"], ["--rounds", "0"],
            ["--rounds", "65"], ["--threads", "x"], ["--seconds", "0"], ["--dir", os.path.join(folder, "none")],
            ["surplus"], ["--unknown"]):
        result = run(*arguments)
        assert result.returncode == 2 and result.stdout == "" and "--help" in result.stderr, (arguments, result)
    assert run("--help").stdout.startswith("Usage: audit")


with tempfile.TemporaryDirectory() as scratch:
    check_figures(scratch)
    check_table(scratch)
    check_refusals(scratch)
    assert os.listdir(scratch) == [], os.listdir(scratch)
