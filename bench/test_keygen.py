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
PARTS = {"drawing", "deriving", "pairwise_test", "encoding", "other"}
CURVES = ("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519")
OTHERS = ("untested", "openssl_bare", "public_keys")
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


def check_search(figures):
    assert set(figures["shares"]) == STAGES
    assert all(0 <= share <= 1 for share in figures["shares"].values()), figures["shares"]
    assert close(sum(figures["shares"].values()), 1, 0.02), figures["shares"]
    assert 0 < figures["lane_use"] <= 1
    if figures["pairs"] >= 10:
        # Far outside what any bound of the sieve gives: a counter that does not count.
        assert 5 < figures["tests_per_prime"] < 500
        assert 3 < figures["rounds_per_prime"] < 100
    assert figures["test_ns"] > 0
    assert all(figures[name] is None for name in ("portable", "batch", *OTHERS)), figures


def check_side(side):
    assert side["pairs"] >= 1 and side["failures"] == 0, side
    assert side["standard_error"] >= 0 and close(side["pairs_per_second"], side["pairs"] / side["cpu_seconds"]), side


def check_curve(figures):
    for name in OTHERS:
        check_side(figures[name])
    assert (figures["portable"] is None) == (figures["cpu_path"] == "portable")
    if figures["portable"] is not None:
        check_side(figures["portable"])
    assert figures["batch"] >= 1 and figures["sieve_bound"] is None and figures["lane_use"] is None
    assert close(figures["ratio_to_bare"], figures["pairs_per_second"] / figures["openssl_bare"]["pairs_per_second"])
    if figures["ifma_per_ns"] is None or figures["cpu_path"] == "portable":
        assert figures["ifma_per_public_key"] is None
    else:
        assert close(figures["ifma_per_public_key"] * figures["public_keys"]["pairs_per_second"],
            figures["ifma_per_ns"] * 1e9)
    # Parts and whole are measured at different times, and not for long.
    shares = figures["shares"]
    assert set(shares) == PARTS
    assert all(0 <= share < 1.5 for share in shares.values()) and 0.98 < sum(shares.values()) < 2, shares
    assert close(shares["deriving"], figures["pairs_per_second"] / figures["public_keys"]["pairs_per_second"])


def check_stages(figures):
    assert figures["kernel"] and figures["lanes"] >= 1
    if figures["spec"] in CURVES:
        assert figures["generator"].startswith("ec-")
        check_curve(figures)
    else:
        assert figures["generator"].startswith("rsa-")
        check_search(figures)


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
    check(measure("--spec", "RSA_2048", "--seconds", "0.1"), "RSA_2048", None)
    check(measure("--spec=RSA_2048", "--seconds=0.05", "--cpu-path=portable"), "RSA_2048", "portable")
    figures = measure("--spec", "ECC_NIST_P256", "--seconds", "0.05", "--cores", "all")
    check(figures, "ECC_NIST_P256", None)
    check_cores(figures)
    assert figures["openssl_side"] == "openssl-pair" and figures["openssl_same_process"] is False
    figures = measure("--spec", "ECC_NIST_EDWARDS25519", "--seconds", "0.05", "--openssl", "keygen")
    check(figures, "ECC_NIST_EDWARDS25519", None)
    assert figures["openssl_side"] == "openssl-keygen" and figures["several_cores"] is None
    # Of the two kinds of curves one each on the portable path, which every CPU has.
    for spec in CURVES:
        check(measure("--spec", spec, "--seconds", "0.05"), spec, None)
    for spec in ("ECC_NIST_P384", "ECC_NIST_EDWARDS25519"):
        check(measure("--spec", spec, "--seconds", "0.05", "--cpu-path", "portable"), spec, "portable")


def test_text():
    result = run("--spec", "ECC_SECG_P256K1", "--seconds", "0.05", environment={"KEYWELL_CPU": "portable"})
    assert result.returncode == 0, result
    for word in ("ECC_SECG_P256K1", "path portable", "ours", "OpenSSL 3", "ratio", "+-", "pairs/s", "untested",
            "bare", "points", "deriving"):
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
    time.sleep(1)
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
