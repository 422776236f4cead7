#!/usr/bin/python3
"""The script serve at smoke size: what it runs, writes, refuses, and that nothing of it stays behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

SERVE, BUILD = sys.argv[1:3]
FIGURES = ("rps_max", "rps_sustained_p256", "nginx_rps_max", "ratio_to_nginx", "p99_us_idle", "p99_us_refill", "p99_us_drain",
    "audit_records_per_second", "cpu_us_per_request", "nginx_cpu_us_per_request")
SPANS = ("rps_max", "nginx_rps_max", "ratio_to_nginx", "p99_us_idle", "p99_us_refill", "p99_us_drain", "p99_refill_to_idle",
    "p99_rsa_4096_to_p256")


def command(*arguments):
    return ["/usr/bin/python3", SERVE, "--build", BUILD, *arguments]


def left_behind(folder):
    """Processes that were started with something in the folder."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if folder.encode() in file.read():
                    found.append(name)
        except OSError:
            pass
    return found


def check_figures(side):
    for name in FIGURES:
        assert isinstance(side[name], (int, float)) and side[name] > 0, (name, side[name])
    assert set(SPANS) <= set(side["confidence"]), side["confidence"]
    assert side["ratio_to_nginx"] == side["rps_max"] / side["nginx_rps_max"]
    for kind in ("keywell", "nginx", "idle", "refill", "drain", "RSA_4096", "ECC_NIST_P256"):
        blocks = side["blocks"][kind]
        assert blocks and all(block["failed"] == 0 and block["cpu_us_per_request"] > 0 for block in blocks), (kind, blocks)
    assert side["blocks"]["idle"][0]["worker_cores"] < 0.01 < side["blocks"]["refill"][0]["worker_cores"]
    asked = sum(block["requests"] for blocks in side["blocks"].values() for block in blocks) - sum(
        block["requests"] for block in side["blocks"]["nginx"])
    assert side["audit_records"] >= asked > 0, (side["audit_records"], asked)
    assert side["sustained_p256"][-1]["no_miss"] and side["sustained_p256"][-1]["pool_misses"] == 0
    assert side["burst"]["requests"] > 0 and 2000 < side["answer_bytes"] < 3000


def check_run(folder):
    paths = [os.path.join(folder, name) for name in ("out.json", "out.svg", "data")]
    done = subprocess.run(command("--quick", "--json", paths[0], "--svg", paths[1], "--data", paths[2]), capture_output=True, text=True,
        check=False, env={**os.environ, "TMPDIR": folder})
    assert done.returncode == 0, done
    assert "rate" in done.stdout and "SMOKE SIZE" in done.stdout, done.stdout
    with open(paths[0], encoding="ascii") as file:
        found = json.load(file)
    check_figures(found)
    check_figures(found["tls"])
    assert found["quick"] and 0 <= found["steal"] <= 1, found
    drawn = xml.etree.ElementTree.parse(paths[1]).getroot()
    assert drawn.tag.endswith("svg") and len(drawn.findall("{*}rect")) > 8
    assert os.path.getsize(os.path.join(paths[2], "pools", "RSA_2048.saved")) > 0, "the pools were not kept"
    assert not left_behind(folder), left_behind(folder)


def check_interruption(folder):
    data = os.path.join(folder, "interrupted")
    running = subprocess.Popen(command("--depth", "100000", "--data", data), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": folder})
    deadline = time.monotonic() + 60
    while not os.path.exists(os.path.join(data, "run.json")) and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130 and "interrupted" in err and "Traceback" not in err, (out, err)
    assert not left_behind(folder), left_behind(folder)
    assert not [name for name in os.listdir(folder) if name.startswith("keywell-")], os.listdir(folder)


def check_refusals(folder):
    for arguments in (("--nginx", "/no/nginx"), ("--build", folder), ("--depth", "0"), ("--load-core", "8000")):
        done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
        assert done.returncode == 1 and done.stderr.startswith("serve: ") and "Traceback" not in done.stderr, done
        assert done.stdout == "", done


if not shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin"):
    print("skipped: nginx is not installed (tools/deps --tests)")
    sys.exit(77)
with tempfile.TemporaryDirectory() as scratch:
    check_run(scratch)
    if len(os.sched_getaffinity(0)) > 1:
        check_interruption(scratch)
        check_refusals(scratch)
