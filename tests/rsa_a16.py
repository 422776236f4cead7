#!/usr/bin/python3
"""What rsa_a16 says of files that do not hold, or cannot be read: rsa_a16.py PROGRAM VECTORS."""

import json
import subprocess
import sys
import tempfile

HOLD, WRONG, USAGE, SKIP = 0, 1, 2, 77

program, vectors = sys.argv[1:]
with open(vectors, encoding="utf-8") as vectors_file:
    # A short one with both primes, so that each run takes little time.
    good = min((case for case in json.load(vectors_file)["cases"] if "q" in case), key=lambda case: len(case["n"]))
failures = 0


def run(*arguments):
    return subprocess.run([program, "--cpu-path", "portable", *arguments], text=True, capture_output=True, check=False)


def check(what, arguments, status, words):
    """One run: how it ends, and that it says so where it should (errors on stderr, results on stdout)."""
    global failures
    result = run(*arguments)
    said = result.stderr if status == USAGE else result.stdout
    if result.returncode != status or words not in said:
        failures += 1
        print(f"{what}: {result.returncode}, expected {status} and {words!r}\n{result.stdout}{result.stderr}")


def check_text(what, text, status, words):
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        check(what, [file.name], status, words)


def check_cases(what, cases, status, words):
    check_text(what, json.dumps({"cases": cases}), status, words)


def changed(**numbers):
    """The good case with these numbers instead; None takes one out."""
    return {key: value for key, value in {**good, **numbers}.items() if value is not None}


def plus(key, number):
    return f"{int(good[key], 16) + number:x}"


check_cases("good", [good], HOLD, "1 of 1 cases hold; CPU path portable")
check_cases("upper case", [{key: value.upper() for key, value in good.items()}], HOLD, "1 of 1 cases hold")
check_cases("leading zeros", [{key: "000" + value for key, value in good.items()}], HOLD, "1 of 1 cases hold")
for number in ("p1", "p2", "p", "q1", "q2", "q", "n", "d"):
    check_cases(f"{number} off by 2", [good, changed(**{number: plus(number, 2)})], WRONG, f" {number} WRONG (found ")
for number in ("p1", "p2", "q1", "q2", "n", "d"):
    check_cases(f"without {number}", [changed(**{number: None})], HOLD, f" {number} absent")
check_cases("some hold", [good, changed(p=plus("p", 2)), good], WRONG, "2 of 3 cases hold")
check_cases("the next start", [changed(xp1=plus("p1", 1))], WRONG, " p1 WRONG")
half = 4 * len(good["xp"])
check_cases("xp at the end of its range", [changed(xp=f"{2 ** half - 1:x}")], WRONG, "B.9 step 6")
check_cases("the same start twice", [changed(xp2=good["xp1"])], WRONG, "B.9 step 1")
check_cases("e divides all of p - 1", [changed(e="10001", xp1="10001", p1="10001")], WRONG, "the search for p")

for number in ("e", "xp1", "xp2", "xp", "p", "xq1", "xq2", "xq", "q"):
    check_cases(f"without {number}", [changed(**{number: None})], USAGE, f"case 1: {number} is missing")
without_q = {key: value for key, value in good.items() if "q" not in key}
check_cases("n without q", [without_q], USAGE, "n and d cannot be checked")
for number in good:
    for bad in ("", "xyz", "-1", "0x11", "12 34", 17, None, [], {}):
        check_cases(f"{number} = {bad!r}", [good, {**good, number: bad}], USAGE, f"case 2: {number} is not hexadecimal")
    check_cases(f"{number} too long", [changed(**{number: "1" * 100000})], USAGE, f"{number} is too long")
for bad in ("10000", "ffff", "10002", "1" + "0" * 63 + "1", "0"):
    check_cases(f"e = {bad}", [changed(e=bad)], USAGE, "e is not odd between")
for bad in ("0", "10000", "ffff", "f" * 509):
    check_cases(f"xp1 = {bad}", [changed(xp1=bad)], USAGE, "xp1 is out of range")
check_cases("short xp", [changed(xp="f" * 31)], USAGE, "xp is shorter")
check_cases("long auxiliaries", [changed(xp1="f" * (half // 8), xp2="e" * (half // 8))], USAGE, "too long for it")

check_text("no JSON", "{", USAGE, ".json:1: ")
check_text("empty", "", USAGE, ".json:1: ")
for text in ("[]", "{}", '{"cases": []}', '{"cases": {}}', '{"cases": null}', "17"):
    check_text(text, text, USAGE, ".json")
check_cases("no object", [17], USAGE, "case 1 is not an object")
check_text("key twice", '{"cases": [{"e": "10001", "e": "10001"}]}', USAGE, "duplicate")
check("no such file", ["/nonexistent"], USAGE, "No such file")
check("a folder", ["/"], USAGE, "is not a file")
check("no end", ["/dev/zero"], USAGE, "is not a file")
check("skipped", ["--or-skip", "/nonexistent"], SKIP, "skipped: there is no /nonexistent")
check("no file", [], USAGE, "which file?")
check("two files", ["a", "b"], USAGE, "more than one file: b")
check("option", ["--all", "a"], USAGE, "unknown option --all")
check("no value", ["a", "--cpu-path"], USAGE, "wants a value")
check("path", ["--cpu-path", "sse", "a"], USAGE, "no CPU path sse")
usage = subprocess.run([program, "--help"], text=True, capture_output=True, check=False)
if usage.returncode != HOLD or "Exit status" not in usage.stdout:
    failures += 1
    print("--help")
print(f"{failures} failed")
sys.exit(failures != 0)
