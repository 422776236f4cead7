#!/usr/bin/python3
"""rsa_a16 finds what a slow search by the letter of FIPS 186-5 finds, on each CPU path, and says why where there is nothing.

The cases are made here, from a seed: the same ones each time unless --seed says otherwise.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
import rsa_cases as cases  # noqa: E402

PARTS = ("p1", "p2", "p", "q1", "q2", "q", "n", "d")
SKIPPED = 77


def good(case, **wrong):
    """What rsa_a16 is to say of a case: ok for what it has, unless told."""
    return {part: wrong.get(part, "ok" if part in case else "absent") for part in PARTS}


def random_lengths(rng, half):
    """Lengths of four auxiliary primes, 100 to 500 bits where the prime has room: A.1.6 wants about half of it at most."""
    lengths = []
    for _ in range(2):
        first = rng.randrange(100, min(500, half - 130))
        lengths += [first, rng.randrange(17, min(500, half - 12 - first))]
    return lengths


def holding(rng, half, kind, **options):
    lengths = options.pop("lengths", None) or random_lengths(rng, half)
    case = cases.pair(rng, half, lengths, cases.exponent(rng, kind), **options)
    return case, good(case), None


def edges(rng):
    """Starts and lengths at their limits."""
    half = 320
    shortest = (17, 17, 17, 100)
    # Each pair of lengths leaves but two or three members.
    longest = (160, half - 162, half - 118, 117)
    yield holding(rng, half, "usual", lengths=shortest)
    yield holding(rng, 256, "smooth", lengths=(126, 128, 17, 236))
    yield holding(rng, half, "any", lengths=longest, with_n=False)
    yield holding(rng, 128, "least", lengths=(17, 60, 60, 17))
    # The primes behind such starts are longer than these.
    case = {"e": 65537, "xp1": 2**141 - 1, "xp2": 2**192 - 1, "xp": cases.start_in_range(rng, 512)}
    case.update(p1=cases.auxiliary(case["xp1"]), p2=cases.auxiliary(case["xp2"]))
    assert case["p1"].bit_length() == 142 and case["p2"].bit_length() == 193
    end, case["p"] = cases.search(case["xp"], case["p1"], case["p2"], 65537)
    assert end == cases.FOUND
    yield case, good(case), None
    # Even starts for all, and the least there are: 2^16 + 2.
    case = {"e": 65537, "xp1": 2**16 + 2, "xp2": 2 * rng.getrandbits(150), "xp": cases.start_in_range(rng, half)}
    case.update(p1=cases.auxiliary(case["xp1"]), p2=cases.auxiliary(case["xp2"]))
    end, case["p"] = cases.search(case["xp"], case["p1"], case["p2"], 65537)
    assert end == cases.FOUND and case["p1"] % 2 == 1
    yield case, good(case), None


def endings(rng):
    """Searches that end without a prime, and a file that is wrong."""
    for end, half, bits, kind in ((cases.OVERFLOW, 512, 200, "usual"), (cases.OVERFLOW, 320, 120, "smooth"),
            (cases.FAILURE, 320, 100, "usual"), (cases.FAILURE, 192, 60, "least"), (cases.UNFIT, 256, 100, "any")):
        case = cases.ending(rng, half, bits, cases.exponent(rng, kind), end)
        yield case, good(case, p="WRONG"), f"the search for p {end}"
    # The second prime in order is not the one.
    case, verdict, _ = holding(rng, 384, "any", with_n=False)
    _, case["p"] = cases.search(case["xp"], case["p1"], case["p2"], case["e"], skip=1)
    yield case, {**verdict, "p": "WRONG"}, None
    for part, value in (("p2", 2), ("q1", 2), ("d", 2), ("n", 2)):
        case, verdict, _ = holding(rng, 256, "usual", lengths=(60, 70, 80, 50))
        case[part] += value
        yield case, {**verdict, part: "WRONG"}, None


def make(seed, rounds):
    """(case, what is to be said of each part, and what else) - once, or with more rounds more random ones."""
    rng = random.Random(seed)
    yield from edges(rng)
    yield from endings(rng)
    for _ in range(rounds):
        for kind in cases.KINDS:
            yield holding(rng, 512, kind)
            yield holding(rng, rng.randrange(256, 512), kind, with_q=rng.random() < 0.5)
        yield holding(rng, 1024, "usual", lengths=(141, 142, 200, 180))
        yield holding(rng, 1024, rng.choice(cases.KINDS), with_q=False)
        # len(p1) + len(p2) < 1007, 1518, 2030 for nlen = 2048, 3072, 4096 (Table A.1).
        yield holding(rng, 1024, "smooth", lengths=(500, 506), with_q=False)
        yield holding(rng, 1536, rng.choice(cases.KINDS), lengths=(171, 500), with_q=False)
        yield holding(rng, 2048, rng.choice(cases.KINDS), lengths=(500, 201), with_q=False)


def ask(program, path, listed):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"cases": listed}, file)
        file.flush()
        return subprocess.run([program, "--cpu-path", path, "--or-skip", file.name], capture_output=True, text=True,
            check=False)


def refusals(program, path):
    """Cases that are none are named, and the others run."""
    rng = random.Random(7)
    case = cases.as_text(holding(rng, 192, "usual", lengths=(40, 50, 60, 70))[0])
    bad = [{**case, "e": "10000"}, {**case, "e": "10002"}, {**case, "e": f"{2**256 + 1:x}"}, {**case, "e": 65537},
        {**case, "xp": "x"}, {**case, "xp1": "10000"}, {**case, "xp1": case["xp"]}, {**case, "q": None}, 5, {}]
    bad += [{name: text for name, text in case.items() if name != absent} for absent in ("e", "xp", "xp2", "p", "xq1")]
    for wrong in bad:
        result = ask(program, path, [case, wrong, case])
        lines = result.stdout.splitlines()
        if (result.returncode != 2 or "case 2" not in result.stderr or len(lines) != 3 or "WRONG" in result.stdout or
                not lines[1].startswith("case 3,") or not lines[2].startswith("2 of 3 cases hold;")):
            yield f"{wrong} is not refused: {result}"


def said(line):
    """What a line says of each part."""
    return dict(re.findall(r" ([pq][12]?|n|d) (ok|absent|WRONG)\b", line))


def run(program, path, made):
    """The problems with what the program says on a path; None if this machine does not have it."""
    result = ask(program, path, [cases.as_text(case) for case, _, _ in made])
    if result.returncode == SKIPPED:
        return None
    lines = result.stdout.splitlines()
    num_hold = sum("WRONG" not in verdict.values() for _, verdict, _ in made)
    problems = []
    if result.returncode != (0 if num_hold == len(made) else 1) or result.stderr != "" or len(lines) != len(made) + 1:
        problems.append(f"exit status {result.returncode}, {len(lines)} lines, {result.stderr}")
    for (case, verdict, also), line in zip(made, lines):
        if said(line) != verdict or (also or ":") not in line or (also is None and "search" in line):
            problems.append(f"{line}\n  expected {verdict} {also or ''}\n  of {json.dumps(cases.as_text(case))}")
    if not lines or not lines[-1].startswith(f"{num_hold} of {len(made)} cases hold; CPU path {path}"):
        problems.append(f"the sum is {lines[-1:]}")
    return problems + list(refusals(program, path))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="build/tests/rsa_a16")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1, help="how many times the random cases")
    options = parser.parse_args()
    made = list(make(options.seed, options.rounds))
    wrong = False
    for path in ("portable", "avx512ifma"):
        problems = run(options.program, path, made)
        print(f"{path}: {'not on this machine' if problems is None else f'{len(made)} cases'}")
        print("\n".join(problems or []))
        wrong |= bool(problems)
    sys.exit(1 if wrong else 0)


main()
