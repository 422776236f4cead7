#!/usr/bin/python3
"""The server's code decides random questions as the slow evaluator of the tests does.

Usage: test_authz_random.py AUTHZ_DECIDE [--seed N] [--count N]

Some thousand questions, the same each time; as many as fit into KEYWELL_SOAK seconds if that is set, from another seed.
"""

import argparse
import collections
import json
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import authz_oracle as oracle  # noqa: E402
import authz_questions as questions  # noqa: E402
import authz_world as world  # noqa: E402

BATCH = 500


def problems(question, got):
    expected = oracle.decide(question)
    found = world.differences(expected, got)
    text = None if expected["allowed"] else oracle.refusal(question, expected)
    if not found and got["refusal"] != text:
        found = [f"refused with {got['refusal']!r}, not {text!r}"]
    return found


def shrink(program, question):
    """The same trouble with less around it."""
    while True:
        candidates = list(questions.smaller(question))
        smaller = next((one for one, got in zip(candidates, program.verdicts(candidates)) if problems(one, got)), None)
        if smaller is None:
            return question
        question = smaller


def compare_decisions(program, maker, seen):
    asked = [maker.question() for _ in range(BATCH)]
    for question, got in zip(asked, program.verdicts(asked)):
        seen[got.get("reason")] += 1
        if problems(question, got):
            question = shrink(program, question)
            found = problems(question, program.verdicts([question])[0])
            yield f"{json.dumps(question, indent=1)}\n  " + "\n  ".join(found)


def compare_grants(program, maker, seen):
    asked = [maker.pair_of_grants() for _ in range(BATCH // 2)]
    for pair, got in zip(asked, program.answers([json.dumps(pair) for pair in asked])):
        expected = oracle.is_within(pair["child"], pair["parent"])
        seen["within" if got["within"] else "not within"] += 1
        if got["within"] != expected:
            yield f"{json.dumps(pair)}\n  within is {got['within']}, not {expected}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="build/tests/api/authz_decide")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--count", type=int, default=8000)
    arguments = parser.parse_args()
    soak = float(os.environ.get("KEYWELL_SOAK", "0"))
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**9) if soak else 1
    program, maker = world.Program(arguments.program), questions.Maker(random.Random(seed))
    seen, wrong, asked, end = collections.Counter(), [], 0, time.monotonic() + soak
    while (asked < arguments.count or time.monotonic() < end) and len(wrong) < 5:
        wrong += compare_decisions(program, maker, seen)
        wrong += compare_grants(program, maker, seen)
        asked += BATCH
    print("\n".join(wrong))
    print(f"seed {seed}: {asked} questions, {len(wrong)} wrong; " + ", ".join(f"{reason} {num}" for reason, num in sorted(seen.items(), key=str)))
    # Questions that all end alike would compare nothing.
    dull = [reason for reason in [*world.ALLOWALS.values(), "EXPLICIT_DENY", "NOT_ALLOWED", "OTHER_ACCOUNT", "within", "not within"]
        if not wrong and seen[reason] < asked // 200]
    if dull:
        print(f"too few of {', '.join(dull)}")
    return 1 if wrong or dull else 0


if __name__ == "__main__":
    sys.exit(main())
