"""Decides requests by the letter of AWS's documentation: slow, obvious, and written without a look at the server's code.

A question is what tests/support/authz_decide.c reads (see there). The rules are those of the IAM user guide ("IAM JSON policy
elements reference", "Policy evaluation logic", "Cross-account policy evaluation logic") and of the KMS developer guide ("Key
policies", "Condition keys for AWS KMS", "Grants"). Where they leave something open, api/policy.h and api/authz.h say what holds.
"""

import base64
import binascii
import datetime
import decimal
import ipaddress
import re

# ---- condition keys: "Condition keys for AWS KMS", "AWS global condition context keys" ----

SINGLE = """aws:CurrentTime aws:EpochTime aws:MultiFactorAuthPresent aws:PrincipalAccount aws:PrincipalArn
    aws:PrincipalIsAWSService aws:PrincipalType aws:referer aws:RequestedRegion aws:ResourceAccount aws:SecureTransport
    aws:SourceIdentity aws:SourceIp aws:TokenIssueTime aws:UserAgent aws:userid aws:username aws:ViaAWSService
    kms:BypassPolicyLockoutSafetyCheck kms:CallerAccount kms:CustomerMasterKeySpec kms:CustomerMasterKeyUsage
    kms:DataKeyPairSpec kms:EncryptionAlgorithm kms:ExpirationModel kms:GrantConstraintType kms:GrantIsForAWSResource
    kms:GranteePrincipal kms:KeyAgreementAlgorithm kms:KeyOrigin kms:KeySpec kms:KeyUsage kms:MacAlgorithm kms:MessageType
    kms:MultiRegion kms:MultiRegionKeyType kms:PrimaryRegion kms:ReEncryptOnSameKey kms:ReplicaRegion kms:RequestAlias
    kms:RetiringPrincipal kms:RotationPeriodInDays kms:ScheduleKeyDeletionPendingWindowInDays kms:SigningAlgorithm
    kms:ValidTo kms:WrappingAlgorithm kms:WrappingKeySpec sts:ExternalId sts:RoleSessionName""".split()
MULTIVALUED = "aws:TagKeys kms:EncryptionContextKeys kms:GrantOperations kms:ResourceAliases".split()
NAMED = "aws:PrincipalTag/ aws:RequestTag/ aws:ResourceTag/ kms:EncryptionContext:".split()
# Documented, but no request here has them; only some.
NEVER = "kms:ViaService aws:SourceVpc aws:SourceVpce aws:SourceArn aws:SourceAccount aws:PrincipalOrgID".split()
EXACT = {name.lower() for name in SINGLE + MULTIVALUED + NEVER}


def is_known(key):
    """Names of condition keys are compared without case."""
    key = key.lower()
    return key in EXACT or any(key.startswith(name.lower()) and len(key) > len(name) for name in NAMED)


def values_of(question, key):
    """What the request has of a key: a list, empty if it does not have it."""
    found = []
    for name, values in question.get("values", {}).items():
        if name.lower() == key.lower() and is_known(name):
            found += values if isinstance(values, list) else [values]
    return found


# ---- texts with wild cards and variables ----

ANY, ONE = object(), object()
VARIABLE = re.compile(r"\$\{([^}]*)\}")


class NoValue(Exception):
    """A variable that the request has no value for: what has it matches nothing ("Variables with no value")."""


def variable(question, inside):
    if inside in ("*", "?", "$"):
        return inside
    default = re.fullmatch(r"([^,]*), *'(.*)'", inside)
    name = (default.group(1) if default else inside).strip()
    values = values_of(question, name)
    # A key with several values is no variable.
    if len(values) == 1:
        return values[0]
    # A key that is not known never helps a statement to match.
    if default and not values and is_known(name):
        return default.group(2)
    raise NoValue


def tokens(question, text, version, wild):
    """Characters, ANY and ONE. What comes from a variable stands for itself."""
    made, at = [], 0
    while at < len(text):
        found = VARIABLE.match(text, at) if version == "2012-10-17" else None
        if found:
            made += variable(question, found.group(1))
            at = found.end()
        else:
            made.append({"*": ANY, "?": ONE}.get(text[at], text[at]) if wild else text[at])
            at += 1
    return made


def like(pattern, text):
    regex = "".join(".*" if part is ANY else "." if part is ONE else re.escape(part) for part in pattern)
    return re.fullmatch(regex, text, re.DOTALL) is not None


def split_arn(pattern):
    """At the first five colons."""
    parts = [[]]
    for token in pattern:
        if token == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def arn_like(pattern, text):
    """Part by part; parts that the pattern does not have are wild cards ("Resource", incomplete ARNs)."""
    if pattern == [ANY]:
        return True
    patterns, parts = split_arn(pattern), text.split(":", 5)
    return len(patterns) <= len(parts) and all(like(one, part) for one, part in zip(patterns, parts))


def actions_like(pattern, action):
    return like(tokens({}, pattern.lower(), None, True), action.lower())


# ---- conditions: "Condition operators" ----


def number(text):
    try:
        return decimal.Decimal(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) else None
    except decimal.InvalidOperation:
        return None


DATE = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d))?)?")


def date(text):
    """Seconds since the epoch, of one of the W3C's forms of ISO 8601 or of a number."""
    if re.fullmatch(r"\d{5,}", text):
        return decimal.Decimal(text)
    found = DATE.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups()[:6])
    at = datetime.datetime(year, month, day or 1, hour or 0, minute or 0, second or 0, tzinfo=datetime.timezone.utc)
    zone = found.group(8)
    shift = 0 if zone in (None, "Z") else int(zone[0] + "1") * (int(zone[1:3]) * 3600 + int(zone[4:6]) * 60)
    return decimal.Decimal(int(at.timestamp()) - shift) + decimal.Decimal("0." + (found.group(7) or "0"))


# Comparisons answer None for what is none of their kind, be it the request's or the policy's: undecided.


def address(value, text):
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def binary(value, text):
    try:
        return base64.b64decode(text, validate=True) == value.encode()
    except binascii.Error:
        return None


def boolean(text):
    return {"true": True, "false": False}.get(text)


def compared(read, compare):
    def match(value, text):
        left, right = read(value), read(text)
        return None if left is None or right is None else compare(left, right)
    return match


ORDERS = {"Equals": lambda a, b: a == b, "LessThan": lambda a, b: a < b, "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b, "GreaterThanEquals": lambda a, b: a >= b}
# Operators without variables: how a value of the request and one of the policy match.
PLAIN = {"bool": compared(boolean, ORDERS["Equals"]), "binaryequals": binary, "ipaddress": address}
for order, function in ORDERS.items():
    PLAIN["numeric" + order.lower()] = compared(number, function)
    PLAIN["date" + order.lower()] = compared(date, function)
# With variables: whether wild cards are ones, and how what the policy says matches a value.
WITH_VARIABLES = {
    "stringequals": (False, lambda pattern, value: "".join(pattern) == value),
    "stringequalsignorecase": (False, lambda pattern, value: "".join(pattern).lower() == value.lower()),
    "stringlike": (True, like),
    "arnequals": (True, arn_like),
    "arnlike": (True, arn_like),
}
NEGATED = {"stringnotequals": "stringequals", "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike", "numericnotequals": "numericequals", "datenotequals": "dateequals",
    "notipaddress": "ipaddress", "arnnotequals": "arnequals", "arnnotlike": "arnlike"}


def as_list(value):
    return value if isinstance(value, list) else [value]


def as_text(value):
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def matches(question, version, operator, value, text):
    if operator in PLAIN:
        return PLAIN[operator](value, text)
    wild, match = WITH_VARIABLES[operator]
    try:
        return match(tokens(question, text, version, wild), value)
    except NoValue:
        return False


def value_holds(found, negated, effect):
    """One value of the request against all of the policy's: ORed, or NORed. What is undecided denies and does not allow."""
    if True in found:
        return not negated
    return effect == "Deny" if None in found else negated


def operator_holds(question, version, effect, name, key, texts):
    if effect == "Allow" and not is_known(key):
        return False
    operator, sets = name.lower(), None
    if ":" in operator:
        sets, operator = operator.split(":")
    values = values_of(question, key)
    if operator == "null":
        return ("false" if values else "true") in texts
    if_exists = operator.endswith("ifexists")
    if if_exists:
        operator = operator[:-len("ifexists")]
    negated, operator = operator in NEGATED, NEGATED.get(operator, operator)
    if not values:
        return if_exists or sets == "forallvalues" or (sets is None and negated)
    each = [value_holds([matches(question, version, operator, value, text) for text in texts], negated, effect)
        for value in values]
    # Without a set operator a key with several values must hold with all of them to allow, and with any to deny.
    every = sets == "forallvalues" or (sets is None and effect == "Allow")
    return all(each) if every else any(each)


def condition_holds(question, version, statement):
    """All operators and all of their keys must hold ("Conditions with multiple context keys or values")."""
    return all(operator_holds(question, version, statement["Effect"], name, key, [as_text(text) for text in as_list(texts)])
        for name, keys in statement.get("Condition", {}).items() for key, texts in keys.items())


# ---- statements ----


def names_of(caller):
    """By which names a policy's principal can be the caller: {kind: names}."""
    names = {"ANYONE": {"*"}, "ACCOUNT": {caller["account"], caller["root_arn"]}, "SELF": {caller["arn"]}, "ROLE": set()}
    if caller["kind"] == "session":
        names["ROLE"] = {caller["role_arn"]}
    if caller["kind"] == "root":
        names["SELF"] = names["ACCOUNT"]
    return names


def listed(principal):
    return {"*"} if principal == "*" else set(as_list(principal.get("AWS", [])))


def principal_matches(caller, statement):
    """The kinds of match that a statement's principals make; of a NotPrincipal the ones that it does not except."""
    names = names_of(caller)
    if "Principal" in statement:
        return {kind for kind, own in names.items() if own & listed(statement["Principal"])}
    excepted = {kind for kind, own in names.items() if own & listed(statement["NotPrincipal"])}
    if "ANYONE" in excepted:
        return set()
    if statement["Effect"] == "Allow":
        return set() if excepted else {"ANYONE"}
    # "You must also specify the account ARN of the not-denied principal."
    spared = "ACCOUNT" in excepted and bool(excepted & {"SELF", "ROLE"})
    return set() if spared else {"ANYONE"}


def action_matches(question, statement):
    if "Action" in statement:
        return any(actions_like(one, question["action"]) for one in as_list(statement["Action"]))
    return "NotAction" in statement and not any(
        actions_like(one, question["action"]) for one in as_list(statement["NotAction"]))


def resource_is(question, version, text):
    try:
        return arn_like(tokens(question, text, version, True), question["resource"])
    except NoValue:
        return False


def resource_matches(question, version, statement):
    if "Resource" in statement:
        return any(resource_is(question, version, one) for one in as_list(statement["Resource"]))
    return "NotResource" in statement and not any(
        resource_is(question, version, one) for one in as_list(statement["NotResource"]))


def evaluate(question, policy, has_principals):
    """(statements that deny, {kind of match: statements that allow}), by their indices, in order."""
    denies, allows = [], {kind: [] for kind in ("ANYONE", "ACCOUNT", "ROLE", "SELF")}
    version = policy.get("Version")
    for index, statement in enumerate(as_list(policy["Statement"])):
        kinds = principal_matches(question["caller"], statement) if has_principals else {"SELF"}
        if (not kinds or not action_matches(question, statement) or not resource_matches(question, version, statement) or
                not condition_holds(question, version, statement)):
            continue
        if statement["Effect"] == "Deny":
            denies.append(index)
        else:
            for kind in kinds:
                allows[kind].append(index)
    return denies, allows


# ---- grants: "Grants in AWS KMS", "Grant constraints" ----

OPERATIONS = """Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo Sign Verify GetPublicKey
    CreateGrant RetireGrant DescribeKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateMac VerifyMac
    DeriveSharedSecret""".split()


def fold(name):
    """Names of pairs are compared without case, values with it."""
    return name.lower()


def pairs(constraint):
    return sorted((fold(name), value) for name, value in constraint.items())


def is_part(part, whole):
    return all(pair in whole for pair in part)


def constraints_met(grant, operation, context):
    if operation == "DescribeKey":
        return True
    has = pairs(context or {})
    equals, subset = grant.get("equals"), grant.get("subset")
    return (equals is None or pairs(equals) == has) and (subset is None or is_part(pairs(subset), has))


def is_within(child, parent):
    """May a grantee of the parent create the child? Fewer operations and constraints that are as strict or stricter."""
    if not set(child["operations"]) <= set(parent["operations"]):
        return False
    equals, subset = child.get("equals"), child.get("subset")
    if parent.get("equals") is not None and (equals is None or pairs(equals) != pairs(parent["equals"])):
        return False
    if parent.get("subset") is not None:
        # What every context that the child takes has for sure.
        sure = pairs(equals) if equals is not None else pairs(subset or {})
        return is_part(pairs(parent["subset"]), sure)
    return True


def grants_for(question):
    """[(id, kind of match)] of the grants that let the caller do it."""
    names = names_of(question["caller"])
    operation = question["action"].split(":")[1]
    found = []
    for grant in question.get("grants", []):
        # The permission of RetireGrant is for the grant that has it, and not for others of the key.
        if grant.get("other_key") or operation not in grant["operations"] or operation == "RetireGrant":
            continue
        if operation == "CreateGrant":
            if question.get("child") is None or not is_within(question["child"], grant):
                continue
        elif not constraints_met(grant, operation, question.get("context")):
            continue
        found += [(grant["id"], kind) for kind in ("SELF", "ROLE", "ACCOUNT") if grant["grantee"] in names[kind]]
    return found


# ---- all together: "Policy evaluation logic" ----


class Side:
    """What identity policies and the session policy say."""

    def __init__(self, question):
        self.root = question["caller"]["kind"] == "root"
        self.denies, self.allows = [], []
        for number_of, policy in enumerate(question.get("identity", [])):
            denies, allows = evaluate(question, policy, False)
            self.denies += [(number_of, index) for index in denies]
            self.allows += [(number_of, index) for index in allows["SELF"]]
        self.session = question.get("session")
        self.session_denies, allows = evaluate(question, self.session, False) if self.session else ([], {"SELF": []})
        self.session_allows = allows["SELF"]

    @property
    def identity_ok(self):
        return self.root or bool(self.allows)

    @property
    def session_ok(self):
        return self.session is None or bool(self.session_allows)


def verdict(allowed, reason, policy=None, **more):
    return {"allowed": allowed, "reason": reason, "policy": policy, "key": None, "identity": None, "session": None,
        "grants": None, **more}


def denied(question, key_denies, side):
    if key_denies:
        return verdict(False, "EXPLICIT_DENY", "key", key=key_denies[:1])
    if side.denies:
        return verdict(False, "EXPLICIT_DENY", "identity", identity=side.denies[0])
    if side.session_denies:
        return verdict(False, "EXPLICIT_DENY", "session", session=side.session_denies[0])
    return None


def by_identity(side, **more):
    """Why what identity policies allow (or a root user may) is allowed; or which policy does not allow it."""
    if not side.identity_ok:
        return verdict(False, "NOT_ALLOWED", "identity")
    if not side.session_ok:
        return verdict(False, "NOT_ALLOWED", "session")
    if side.root:
        return verdict(True, "BY_ROOT", **more)
    return verdict(True, "BY_IDENTITY_POLICY", identity=side.allows[0], session=side.session_allows[:1], **more)


def by_grant(question, side):
    found = grants_for(question)
    good = [name for name, kind in found
        if kind == "SELF" or (side.session_ok and (kind == "ROLE" or side.identity_ok))]
    if good:
        return verdict(True, "BY_GRANT", grants=good)
    # Who was given the grant, and by which of its own policies it may not use it.
    if any(kind == "ROLE" for _, kind in found):
        return verdict(False, "NOT_ALLOWED", "session")
    return by_identity(side) if found else None


def same_account(question, allows, side):
    # A statement for the caller itself, or for everyone, is about the session; one for its role is within the session policy.
    direct = allows["SELF"] + allows["ANYONE"] + (allows["ROLE"] if side.session_ok else [])
    if direct and not (side.root and allows["ACCOUNT"]):
        return verdict(True, "BY_KEY_POLICY", key=direct)
    last = by_identity(side, key=allows["ACCOUNT"]) if allows["ACCOUNT"] else None
    if last and last["allowed"]:
        return last
    if allows["ROLE"]:
        last = verdict(False, "NOT_ALLOWED", "session")
    elif allows["ACCOUNT"]:
        pass
    else:
        last = verdict(False, "NOT_ALLOWED", "key")
    return by_grant(question, side) or last


def other_account(question, allows, side):
    if not question.get("across"):
        return verdict(False, "OTHER_ACCOUNT")
    shared = sorted(set(sum(allows.values(), [])))
    last = by_identity(side, key=shared) if shared else verdict(False, "OTHER_ACCOUNT")
    return last if last["allowed"] else by_grant(question, side) or last


def decide(question):
    side = Side(question)
    policy = question.get("key_policy")
    key_denies, allows = evaluate(question, policy, True) if policy else ([], None)
    refused = denied(question, key_denies, side)
    if refused:
        return refused
    if policy is None:
        return by_identity(side)
    if question["caller"]["account"] == question["resource_account"]:
        return same_account(question, allows, side)
    return other_account(question, allows, side)


# ---- refusals: texts that AWS sends ----

KINDS = {"key": "resource-based", "identity": "identity-based", "session": "session"}


def is_hidden(question, result):
    """Another account's key is not spoken of, unless that account shares it."""
    policy = question.get("key_policy")
    if result["reason"] != "EXPLICIT_DENY":
        return result["reason"] == "OTHER_ACCOUNT"
    if policy is None or question["caller"]["account"] == question["resource_account"]:
        return False
    denies, allows = evaluate(question, policy, True)
    return bool(denies) or not question.get("across") or not (any(allows.values()) or grants_for(question))


def refusal(question, result):
    who = f"User: {question['caller']['arn']} is not authorized to perform: {question['action']} on "
    if is_hidden(question, result):
        return who + ("this resource because the resource does not exist in this Region, no resource-based policies allow access, "
            "or a resource-based policy explicitly denies access")
    who += f"resource: {question['resource']} "
    if result["reason"] == "EXPLICIT_DENY":
        article = "an" if result["policy"] == "identity" else "a"
        return f"{who}with an explicit deny in {article} {KINDS[result['policy']]} policy"
    return f"{who}because no {KINDS[result['policy']]} policy allows the {question['action']} action"
