#!/usr/bin/python3
"""The benchmark peers at smoke size: every library that was built in makes pairs; table, JSON and chart agree."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

PEERS = sys.argv[1]
OURS = {"keywell", "openssl"}
# RSA is a matter of luck and slow at that; the others show in no time whether a library works.
SPECS = ("RSA_2048", "ECC_NIST_P256", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519")
RSA_ONLY = {"gmp"}
NO_RSA = {"keywell-untested", "libsecp256k1", "openssl-pair"}


def run(*arguments):
    return subprocess.run([PEERS, *arguments], capture_output=True, text=True, check=False)


def measure(folder, *arguments):
    paths = os.path.join(folder, "peers.json"), os.path.join(folder, "peers.svg")
    result = run(*arguments, "--json", paths[0], "--svg", paths[1])
    assert result.returncode == 0 and result.stderr == "", result
    with open(paths[0], encoding="utf-8") as file:
        figures = json.load(file)
    return result.stdout, figures, xml.etree.ElementTree.parse(paths[1])


def built_in():
    listed = re.search(r"This build has: (.*)\.\n", run("--help").stdout)
    return set(listed.group(1).split(", "))


def check_results(figures):
    by_key = {(result["peer"], result["spec"]): result for result in figures["results"]}
    for (_, spec), result in by_key.items():
        assert result["pairs"] >= 1 and result["failures"] == 0 and result["rounds"] >= 1, result
        assert math.isclose(result["pairs_per_second"], result["pairs"] / result["cpu_seconds"], rel_tol=1e-6), result
        assert math.isfinite(result["standard_error"]) and result["standard_error"] > 0, result
        baseline = by_key[("openssl", spec)]["pairs_per_second"]
        assert math.isclose(result["multiple"], result["pairs_per_second"] / baseline, rel_tol=1e-6), result
        assert result["rounds_lower_quartile"] <= result["rounds_median"] <= result["rounds_upper_quartile"], result
    return by_key


def check_presence(by_key, path):
    peers = built_in() - ({"keywell-portable"} if path == "portable" else set())
    assert OURS <= peers
    rsa = {peer for peer, spec in by_key if spec == "RSA_2048"}
    assert rsa == peers - NO_RSA, (rsa, peers)
    curve = {peer for peer, spec in by_key if spec == "ECC_NIST_P256"}
    assert curve == peers - RSA_ONLY - {"libsecp256k1"}, (curve, peers)
    assert "libsecp256k1" not in peers or ("libsecp256k1", "ECC_SECG_P256K1") in by_key
    assert {spec for _, spec in by_key} == set(SPECS)


def check_table(text, figures):
    for peer in figures["peers"]:
        assert f"| {peer['title']} " in text, peer
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1 and rows[0].count("|") == len(SPECS) + 2, rows
    assert len(rows) == 2 + len(figures["peers"])


def check_chart(tree, figures):
    bars = tree.findall(".//{http://www.w3.org/2000/svg}rect")
    assert len(bars) == len(figures["results"])
    assert all(0 < float(bar.get("width")) <= 500 for bar in bars)
    assert any(figures["cpu"] in (text.text or "") for text in tree.iter("{http://www.w3.org/2000/svg}text"))


def test_measurement():
    with tempfile.TemporaryDirectory() as folder:
        text, figures, tree = measure(folder, "--seconds", "0.05", "--specs", ",".join(SPECS))
    assert figures["interrupted"] is False and figures["baseline"] == "openssl"
    check_presence(check_results(figures), figures["cpu_path"])
    check_table(text, figures)
    check_chart(tree, figures)


def test_refusals():
    for arguments in (["--specs", "RSA_1024"], ["--specs", ""], ["--specs", "RSA_2048,"], ["--seconds", "0"], ["extra"],
            ["--svg"], ["--nonsense"]):
        result = run(*arguments)
        assert result.returncode == 2 and result.stdout == "", (arguments, result)
        assert "Try 'peers --help'." in result.stderr, (arguments, result)
    result = run("--seconds", "0.05", "--specs", "ECC_NIST_P256", "--json", "/nonexistent/peers.json")
    assert result.returncode == 1 and "/nonexistent/peers.json: No such file" in result.stderr, result


def test_interruption():
    process = subprocess.Popen([PEERS, "--specs", "ECC_NIST_P256", "--seconds", "600"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "(interrupted)" in out, (process.returncode, out, err)


test_refusals()
test_measurement()
test_interruption()
print("every peer makes pairs:", ", ".join(sorted(built_in())))
