#!/usr/bin/python3
"""The script compare, and the benchmark parts at smoke size as what it reads."""

import json
import os
import subprocess
import sys
import tempfile

COMPARE, PARTS = sys.argv[1:3]


def run(*arguments):
    return subprocess.run(["/usr/bin/python3", COMPARE, *arguments], capture_output=True, text=True, check=False)


def write(folder, name, times, **more):
    path = os.path.join(folder, name)
    runs = [{"name": part, "run_type": "iteration", "cpu_time": value, "real_time": 9 * value, "time_unit": "ns", **more}
        for part, values in times.items() for value in values]
    runs.append({"name": "a_mean", "run_type": "aggregate", "cpu_time": 1, "time_unit": "ns"})
    with open(path, "w", encoding="utf-8") as stream:
        json.dump({"context": {}, "benchmarks": runs}, stream)
    return path


def check_real_runs(folder):
    paths = [os.path.join(folder, name) for name in ("one.json", "two.json")]
    for path in paths:
        done = subprocess.run([PARTS, "--benchmark_min_time=0.001", "--benchmark_repetitions=3",
            "--benchmark_format=json", "--benchmark_out=" + path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
    result = run("--json", *paths)
    assert result.returncode == 0 and result.stderr == "", result
    rows = json.loads(result.stdout)
    assert set(rows) == {"http_parse", "sigv4_verify", "json_parse", "json_write", "derive", "audit_record", "audit_check",
        "audit_append"}, rows
    for row in rows.values():
        assert 0 < row["low"] <= row["ratio"] <= row["high"] and row["repetitions"] == [3, 3], row


def check_figures(folder):
    old = write(folder, "old", {"a": [10, 11, 12, 13, 100], "b": [5], "gone": [1], "c/real_time/threads:2": [2, 2, 2]})
    new = write(folder, "new", {"a": [5, 6, 6, 6, 7], "b": [10], "c/real_time/threads:2": [2, 2, 2]})
    result = run("--json", old, new)
    assert result.returncode == 0 and "only" in result.stderr and "gone" in result.stderr, result
    rows = json.loads(result.stdout)
    assert rows["a"] == {"old_ns": 12, "new_ns": 6, "ratio": 0.5, "low": 6 / 13, "high": 6 / 11, "repetitions": [5, 5]}
    assert rows["b"]["ratio"] == 2 and rows["c/real_time/threads:2"]["old_ns"] == 18
    lines = run(old, new).stdout.splitlines()
    assert len(lines) == 4 and lines[1].endswith("*") and "one repetition" in lines[2] and not lines[3].endswith("*"), lines
    micro = write(folder, "micro", {"a": [0.006]}, time_unit="us")
    assert json.loads(run("--json", old, micro).stdout)["a"]["new_ns"] == 6


def check_refusals(folder):
    good = write(folder, "good", {"a": [1, 2]})
    text = os.path.join(folder, "text")
    with open(text, "w", encoding="utf-8") as stream:
        stream.write("BM_a 1 ns")
    shape = os.path.join(folder, "shape")
    with open(shape, "w", encoding="utf-8") as stream:
        stream.write("[1]")
    bad = [text, shape, os.path.join(folder, "none"), write(folder, "zero", {"a": [0]}), write(folder, "empty", {}),
        write(folder, "other", {"x": [1]}), write(folder, "unit", {"a": [1]}, time_unit="h"),
        write(folder, "failed", {"a": [1]}, error_occurred=True, error_message="no")]
    for path in bad:
        for arguments in ((good, path), (path, good)):
            result = run(*arguments)
            assert result.returncode == 1 and result.stdout == "", (path, result)
            assert result.stderr.startswith("compare: ") and result.stderr.endswith(".\n"), result
            assert "Traceback" not in result.stderr, result
    assert run(good).returncode == 2


with tempfile.TemporaryDirectory() as scratch:
    check_real_runs(scratch)
    check_figures(scratch)
    check_refusals(scratch)
