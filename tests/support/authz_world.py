"""Who and what cases of authorisation are about, short ways to write policies, and the program that decides."""

import json
import subprocess

OURS, THEIRS = "111122223333", "444455556666"
KEY = f"arn:aws:kms:us-east-1:{OURS}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALIAS = f"arn:aws:kms:us-east-1:{OURS}:alias/finance"


def root_arn(account):
    return f"arn:aws:iam::{account}:root"


def user(name, account=OURS):
    return {"kind": "user", "account": account, "arn": f"arn:aws:iam::{account}:user/{name}", "role_arn": "",
        "root_arn": root_arn(account)}


def session(role, name, account=OURS, path="/"):
    return {"kind": "session", "account": account, "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "role_arn": f"arn:aws:iam::{account}:role{path}{role}", "root_arn": root_arn(account)}


def root(account=OURS):
    return {"kind": "root", "account": account, "arn": root_arn(account), "role_arn": "", "root_arn": root_arn(account)}


ALICE, BOB, ROOT = user("alice"), user("staff/bob"), root()
READER, WRITER = session("Reader", "run1"), session("Writer", "run1", path="/service/")
FRED, GUEST, THEIR_ROOT = user("fred", THEIRS), session("Guest", "visit", THEIRS), root(THEIRS)
PEOPLE = {"alice": ALICE, "bob": BOB, "root": ROOT, "reader": READER, "writer": WRITER, "fred": FRED, "guest": GUEST,
    "their root": THEIR_ROOT}

# ---- policies ----


def statement(effect, action="kms:*", resource="*", principal=None, condition=None, **members):
    made = {"Effect": effect}
    if principal is not None:
        made["Principal"] = principal if principal == "*" or isinstance(principal, dict) else {"AWS": principal}
    if action is not None:
        made["Action"] = action
    if resource is not None:
        made["Resource"] = resource
    if condition is not None:
        made["Condition"] = condition
    return {**made, **members}


def allow(*arguments, **members):
    return statement("Allow", *arguments, **members)


def deny(*arguments, **members):
    return statement("Deny", *arguments, **members)


def policy(*statements, version="2012-10-17"):
    made = {"Version": version} if version else {}
    return {**made, "Statement": list(statements)}


# What a key has that was made without a policy: its account decides by identity policies.
DEFAULT = policy(allow(principal=root_arn(OURS)))
EVERYTHING = policy(allow())
NOTHING = policy(allow("s3:*"))


def ask(caller=ALICE, action="kms:Encrypt", key_policy=DEFAULT, resource=KEY, account=OURS, **members):
    """A question about the key; across, unless told, as Encrypt is."""
    return {"caller": caller, "action": action, "resource": resource, "resource_account": account, "key_policy": key_policy,
        "across": True, **members}


def grant(grantee, *operations, number=1, **members):
    return {"id": number, "grantee": grantee, "operations": list(operations or ("Encrypt",)), **members}


# ---- refusals: every text that there is ----

_VAGUE = ("User: {arn} is not authorized to perform: {action} on this resource because the resource does not exist in this Region, "
    "no resource-based policies allow access, or a resource-based policy explicitly denies access")
_NOT_ALLOWED = ("User: {arn} is not authorized to perform: {action} on resource: {resource} because no %s policy allows the {action} "
    "action")
_DENIED = "User: {arn} is not authorized to perform: {action} on resource: {resource} with an explicit deny in %s policy"
# Of what a case expects: the reason, the policy, the text.
DENIALS = {
    "no key policy": ("NOT_ALLOWED", "key", _NOT_ALLOWED % "resource-based"),
    "no identity policy": ("NOT_ALLOWED", "identity", _NOT_ALLOWED % "identity-based"),
    "no session policy": ("NOT_ALLOWED", "session", _NOT_ALLOWED % "session"),
    "key policy denies": ("EXPLICIT_DENY", "key", _DENIED % "a resource-based"),
    "identity policy denies": ("EXPLICIT_DENY", "identity", _DENIED % "an identity-based"),
    "session policy denies": ("EXPLICIT_DENY", "session", _DENIED % "a session"),
    "not shared": ("OTHER_ACCOUNT", None, _VAGUE),
    "foreign key policy denies": ("EXPLICIT_DENY", "key", _VAGUE),
    "foreign identity policy denies": ("EXPLICIT_DENY", "identity", _VAGUE),
    "foreign session policy denies": ("EXPLICIT_DENY", "session", _VAGUE),
}
ALLOWALS = {"key policy": "BY_KEY_POLICY", "identity policy": "BY_IDENTITY_POLICY", "root": "BY_ROOT", "grant": "BY_GRANT"}


def refusal_of(question, expected):
    return DENIALS[expected][2].format(arn=question["caller"]["arn"], action=question["action"], resource=question["resource"])


# ---- the program ----


def as_line(question):
    """Policies are documents: texts within the question."""
    sent = dict(question)
    for member in ("key_policy", "session"):
        if sent.get(member) is not None:
            sent[member] = json.dumps(sent[member], ensure_ascii=False)
    sent["identity"] = [json.dumps(one, ensure_ascii=False) for one in question.get("identity", [])]
    return json.dumps(sent)


class Program:
    """Asks many questions at once."""

    def __init__(self, path):
        self.path = path

    def answers(self, lines):
        text = "".join(line + "\n" for line in lines)
        done = subprocess.run([self.path], input=text, text=True, encoding="utf-8", capture_output=True, check=False)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode != 0 or len(answers) != len(lines):
            at = lines[len(answers)] if len(answers) < len(lines) else ""
            raise RuntimeError(f"{self.path} ended with {done.returncode} at {at}: {done.stderr[-4000:]}")
        return answers

    def verdicts(self, questions):
        return self.answers([as_line(question) for question in questions])


def differences(expected, got):
    """Where a verdict of the program is not what the slow evaluator found; statements of equal right may stand for each other."""
    if "malformed" in got:
        return [f"malformed {got['malformed']}: {got['why']}"]
    found = []

    def same(what, wanted, value):
        if value not in wanted:
            found.append(f"{what} is {value}, not {' or '.join(map(str, wanted))}")

    same("allowed", [expected["allowed"]], got["allowed"])
    same("reason", [expected["reason"]], got["reason"])
    if expected["policy"]:
        same("policy", [expected["policy"]], got["policy"])
    if found:
        return found
    if expected["key"]:
        same("key_statement", expected["key"], got["key_statement"])
    if expected["identity"]:
        same("identity_index", expected["identity"][:1], got["identity_index"])
        same("identity_statement", expected["identity"][1:], got["identity_statement"])
    if expected["session"] is not None and expected["session"] != []:
        same("session_statement", [expected["session"]] if isinstance(expected["session"], int) else expected["session"],
            got["session_statement"])
    if expected["grants"]:
        same("grant", expected["grants"], got["grant"])
    return found
