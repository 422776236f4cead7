#!/usr/bin/python3
"""The benchmark keygen at smoke size: its figures are there, finite, and agree with each other; bad usage is refused.

How fast anything is, is not tested: machines differ.
"""

import json
import math
import os
import signal
import subprocess
import sys
import time

KEYGEN = sys.argv[1]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "KEYWELL_CPU"}
STAGES = {"auxiliary", "sieve", "filter", "miller_rabin", "crt", "pairwise_test", "encoding", "other"}
ALWAYS_NUMBERS = ("pairs", "failures", "cpu_seconds", "wall_seconds", "pairs_per_second", "standard_error",
    "openssl_pairs", "openssl_failures", "openssl_cpu_seconds", "openssl_wall_seconds", "openssl_pairs_per_second",
    "openssl_standard_error", "ratio", "ratio_standard_error", "core")
LIMITS = {"RSA_2048": (1024, 29, 5), "RSA_3072": (1536, 43, 4), "RSA_4096": (2048, 58, 4)}


def run(*arguments, environment=None):
    return subprocess.run([KEYGEN, *arguments], env={**ENVIRONMENT, **(environment or {})}, capture_output=True,
        text=True, check=False)


def measure(*arguments):
    result = run("--json", *arguments)
    assert result.returncode == 0, result
    assert result.stderr == "", result.stderr
    assert result.stdout.count("\n") == 1, result.stdout
    return json.loads(result.stdout)


def close(a, b, tolerance=1e-6):
    return math.isclose(a, b, rel_tol=tolerance)


def limit(spec, rate):
    bits, tests, rounds = LIMITS[spec]
    limbs = -(-bits // 52)
    test_s = bits * (3 * limbs ** 2 + 2 * limbs) / (8 * rate) / 1e9
    return 1 / (2 * test_s * (tests + 1.2 * rounds))


def check_limit(figures):
    if figures["ifma_per_ns"] is None:
        assert figures["limit_pairs_per_second"] is None and figures["share_of_limit"] is None
        return
    # No core does less than a tenth of an instruction in a nanosecond, or more than three at 7 GHz.
    assert 0.1 < figures["ifma_per_ns"] < 21
    if figures["spec"] not in LIMITS:
        assert figures["limit_pairs_per_second"] is None and figures["share_of_limit"] is None
        return
    assert close(figures["limit_pairs_per_second"], limit(figures["spec"], figures["ifma_per_ns"]))
    assert close(figures["share_of_limit"], figures["pairs_per_second"] / figures["limit_pairs_per_second"])


def check_stages(figures):
    if figures["shares"] is None:
        assert not figures["generator"].startswith("rsa-"), "our own generator says what it does"
        return
    assert set(figures["shares"]) == STAGES
    assert all(0 <= share <= 1 for share in figures["shares"].values()), figures["shares"]
    assert close(sum(figures["shares"].values()), 1, 0.02), figures["shares"]
    assert figures["kernel"] and figures["lanes"] >= 1
    assert 0 < figures["lane_use"] <= 1
    if figures["pairs"] >= 10:
        # Far outside what any bound of the sieve gives: a counter that does not count.
        assert 5 < figures["tests_per_prime"] < 500
        assert 3 < figures["rounds_per_prime"] < 100
    assert figures["test_ns"] > 0


def check(figures, spec, path):
    assert figures["spec"] == spec
    assert path in (None, figures["cpu_path"])
    for name in ALWAYS_NUMBERS:
        assert math.isfinite(figures[name]), name
    assert figures["pairs"] >= 1 and figures["openssl_pairs"] >= 1
    assert figures["failures"] == 0 and figures["openssl_failures"] == 0
    assert figures["openssl_version"].startswith("OpenSSL ")
    assert figures["cpu"] and figures["generator"] and figures["interrupted"] is False
    assert close(figures["pairs_per_second"], figures["pairs"] / figures["cpu_seconds"])
    assert close(figures["openssl_pairs_per_second"], figures["openssl_pairs"] / figures["openssl_cpu_seconds"])
    assert close(figures["ratio"], figures["pairs_per_second"] / figures["openssl_pairs_per_second"])
    assert figures["cpu_seconds"] <= figures["wall_seconds"] * 1.01
    check_limit(figures)
    check_stages(figures)


def check_cores(figures):
    cores = figures["several_cores"]
    assert cores["cores"] == len(os.sched_getaffinity(0))
    assert cores["one_pairs_per_second"] > 0
    assert close(cores["efficiency"], cores["all_pairs_per_second"] / cores["cores"] / cores["one_pairs_per_second"])


def test_json():
    check(measure("--spec", "RSA_2048", "--seconds", "0.6"), "RSA_2048", None)
    check(measure("--spec=RSA_2048", "--seconds=0.3", "--cpu-path=portable"), "RSA_2048", "portable")
    figures = measure("--spec", "ECC_NIST_P256", "--seconds", "0.2", "--cores", "all")
    check(figures, "ECC_NIST_P256", None)
    check_cores(figures)
    assert figures["openssl_side"] == "openssl-pair" and figures["openssl_same_process"] is False
    figures = measure("--spec", "ECC_NIST_EDWARDS25519", "--seconds", "0.1", "--openssl", "keygen")
    check(figures, "ECC_NIST_EDWARDS25519", None)
    assert figures["openssl_side"] == "openssl-keygen" and figures["several_cores"] is None


def test_text():
    result = run("--spec", "ECC_SECG_P256K1", "--seconds", "0.1", environment={"KEYWELL_CPU": "portable"})
    assert result.returncode == 0, result
    for word in ("ECC_SECG_P256K1", "path portable", "ours", "OpenSSL 3", "ratio", "+-", "pairs/s"):
        assert word in result.stdout, (word, result.stdout)
    assert run("--help").stdout.startswith("Usage: keygen")


def refused(*arguments, environment=None):
    result = run(*arguments, environment=environment)
    assert result.returncode == 2, (arguments, result)
    assert result.stdout == "" and result.stderr.startswith("keygen: "), (arguments, result)
    assert "Try 'keygen --help'." in result.stderr


def test_refusals():
    refused()
    refused("--spec", "RSA_1024")
    refused("--spec", "rsa_2048")
    refused("--spec", "RSA_2048", "--cpu-path", "sse9")
    refused("--spec", "RSA_2048", environment={"KEYWELL_CPU": "sse9"})
    refused("--spec", "RSA_2048", "--openssl", "fast")
    refused("--spec", "RSA_2048", "extra")
    for seconds in ("0", "-1", "nan", "1e9", "1s", ""):
        refused("--spec", "RSA_2048", "--seconds", seconds)
    for cores in ("0", "-1", "100000", "2x"):
        refused("--spec", "RSA_2048", "--cores", cores)
    if measure("--spec", "ECC_NIST_P256", "--seconds", "0.05")["cpu_path"] == "portable":
        refused("--spec", "RSA_2048", "--cpu-path", "avx512ifma")
    result = run("--spec", "RSA_2048", "--json=5")
    assert result.returncode == 2 and result.stdout == ""


def test_interruption():
    process = subprocess.Popen([KEYGEN, "--spec", "ECC_NIST_P256", "--seconds", "600", "--json"], env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (process.returncode, out, err)
    figures = json.loads(out)
    assert figures["interrupted"] is True
    assert figures["cpu_seconds"] < 10


test_refusals()
test_text()
test_json()
test_interruption()
print("keygen's figures agree with each other")
