#!/usr/bin/python3
"""Every case of authz_cases is decided as AWS's documentation says: by the server's code, and by the slow evaluator of the tests.

Usage: test_authz_cases.py AUTHZ_DECIDE
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "authz_cases")]
import authz_oracle as oracle  # noqa: E402
import authz_world as world  # noqa: E402
import conditions  # noqa: E402
import decisions  # noqa: E402
import refusals  # noqa: E402
import statements  # noqa: E402


def about(rule, made, asked, holds, version="2012-10-17"):
    """A statement in a key policy, where it allows or denies the caller, beside one that allows everyone."""
    made = {"Action": "kms:*", "Resource": "*", **made}
    made = {name: value for name, value in made.items() if value is not None}
    if "Principal" not in made and "NotPrincipal" not in made:
        made["Principal"] = "*"
    caller = asked.get("caller", world.ALICE)
    foreign = caller["account"] != world.OURS
    more = {"identity": [world.EVERYTHING], **asked} if foreign else asked

    def ask(*listed):
        return world.ask(key_policy=world.policy(*listed, version=version), **more)

    root = caller["kind"] == "root" and made.get("Principal") not in ("*", {"AWS": "*"})
    allowed = "identity policy" if foreign else "root" if root else "key policy"
    if "NotPrincipal" not in made:
        yield f"{rule} (Allow)", ask({"Effect": "Allow", **made}), allowed if holds[0] else "not shared" if foreign else "no key policy"
    denied = "foreign key policy denies" if foreign else "key policy denies"
    everyone = "identity policy" if foreign else "key policy"
    yield f"{rule} (Deny)", ask(world.allow(principal="*"), {"Effect": "Deny", **made}), denied if holds[1] else everyone


def of_identity(rule, made, asked, holds):
    """The same statement in an identity policy."""
    made = {name: value for name, value in {"Action": "kms:*", "Resource": "*", **made}.items() if value is not None}
    mine = world.policy({"Effect": "Allow", **made})
    yield f"{rule} (identity policy)", world.ask(identity=[mine], **asked), "identity policy" if holds else "no identity policy"


def cases():
    """(rule, question, what is expected)."""
    for rule, condition, values, *holds in conditions.ROWS:
        yield from about(rule, {"Condition": condition}, {"values": values}, holds * 2 if len(holds) == 1 else holds)
    for rule, made, asked, holds in statements.ACTIONS + statements.RESOURCES:
        yield from about(rule, made, asked, (holds, holds))
        # In an identity policy they must be there.
        if "without one" not in rule:
            yield from of_identity(rule, made, asked, holds)
    for rule, made, asked, holds in statements.PRINCIPALS + statements.EXCEPTIONS:
        yield from about(rule, made, asked, (holds, holds))
    for rule, version, condition, values, holds in statements.VERSIONS:
        yield from about(rule, {"Condition": condition}, {"values": values}, (holds, holds), version)
    yield from decisions.ROWS


def check(rule, question, expected, got, slow):
    """What is wrong with a verdict."""
    if "malformed" in got:
        return f"{rule}: malformed: {got}"
    problems = [f"slow evaluator: {found}" for found in world.differences(slow, got)]
    if expected in world.ALLOWALS:
        wanted = (True, world.ALLOWALS[expected], None)
    else:
        wanted = (False, *world.DENIALS[expected][:2])
    for who, has in (("the server's code", got), ("the slow evaluator", slow)):
        found = (has["allowed"], has["reason"], has["policy"] if wanted[2] else None)
        if found != wanted:
            problems.append(f"{who} says {found}, not {wanted}")
    text = None if wanted[0] else world.refusal_of(question, expected)
    if got["refusal"] != text:
        problems.append(f"refused with {got['refusal']!r}, not {text!r}")
    if not wanted[0] and oracle.refusal(question, slow) != text:
        problems.append(f"the slow evaluator refuses with {oracle.refusal(question, slow)!r}")
    return f"{rule}\n  {world.as_line(question)}\n  " + "\n  ".join(problems) if problems else None


def main():
    program = world.Program(sys.argv[1])
    listed = list(cases())
    wrong = []
    for (rule, question, expected), got in zip(listed, program.verdicts([question for _, question, _ in listed])):
        problem = check(rule, question, expected, got, oracle.decide(question))
        if problem:
            wrong.append(problem)
    for (rule, question, text), got in zip(refusals.ROWS, program.verdicts([question for _, question, _ in refusals.ROWS])):
        for has in (got.get("refusal", got), oracle.refusal(question, oracle.decide(question))):
            if has != text:
                wrong.append(f"{rule}: {has!r}, not {text!r}")
    print("\n".join(wrong))
    print(f"{len(listed) + len(refusals.ROWS)} cases, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
