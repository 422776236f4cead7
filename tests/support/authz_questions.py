"""Random questions of authorisation, made so that much of a policy matches, nearly matches, or is absent.

Texts come from few words, policies are about the caller and the request more often than not, and constraints of grants are
made from the request's encryption context with something changed.
"""

import authz_oracle as oracle
import authz_world as world

ACTIONS = """Encrypt Decrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext
    DescribeKey CreateGrant ReEncryptFrom EnableKey PutKeyPolicy ScheduleKeyDeletion""".split()
ACROSS = set(oracle.OPERATIONS)
WORDS = ("a", "b", "ab", "ba", "aab", "A", "Ab", "red", "Red", "alice", "1", "x*", "a?", "gr\u00fcn")
NAMES = ("a", "A", "b", "Dept", "dept", "aws:s3:arn", "team")
DATES = ("2026-06-15T12:00:00Z", "2026-06-15T14:00:00+02:00", "2026-06-15", "2026-06-15T11:59:59Z", "2027-01-01T00:00:00Z",
    "2020-02-29T23:59:59-05:30", "1781524800", "1781524801", "soon")
NUMBERS = ("7", "30", "30.0", "90", "365", "-1", "1781524800", "007", "many")
BOOLEANS = ("true", "false", "true", "false", "maybe")
ADDRESSES = ("203.0.113.77", "203.0.113.78", "10.0.0.1", "2001:db8::1", "2001:db8:0:1::1", "here")
RANGES = ADDRESSES + ("203.0.113.0/24", "203.0.113.64/27", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "2001:db8::/64", "::/0", "10.1.2.3/8")
TAGS = [f"aws:{kind}Tag/{name}" for kind in ("Principal", "Resource", "Request") for name in ("team", "Team", "x")]
TEXT_KEYS = ["aws:username", "aws:userid", "aws:PrincipalType", "aws:SourceIdentity", "aws:RequestedRegion", "kms:KeySpec", "kms:RequestAlias",
    "kms:GrantConstraintType", "kms:DataKeyPairSpec", "kms:EncryptionAlgorithm"]
ACCOUNT_KEYS = ["kms:CallerAccount", "aws:PrincipalAccount", "aws:ResourceAccount"]
ARN_KEYS = ["aws:PrincipalArn", "kms:GranteePrincipal", "kms:RetiringPrincipal"]
BOOL_KEYS = ["aws:SecureTransport", "kms:GrantIsForAWSResource", "kms:MultiRegion", "aws:MultiFactorAuthPresent"]
NUMBER_KEYS = ["kms:RotationPeriodInDays", "kms:ScheduleKeyDeletionPendingWindowInDays"]
DATE_KEYS = ["aws:CurrentTime", "aws:TokenIssueTime", "kms:ValidTo"]
LIST_KEYS = ["aws:TagKeys", "kms:EncryptionContextKeys", "kms:GrantOperations", "kms:ResourceAliases"]
UNKNOWN_KEYS = ["kms:NoSuchKey", "s3:prefix", "kms:EncryptionContext:", "aws:PrincipalTag/"]
OPERATORS = {
    "text": ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"),
    "arn": ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "StringLike", "StringEquals"),
    "bool": ("Bool",),
    "number": ("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"),
    "date": ("DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"),
    "address": ("IpAddress", "NotIpAddress"),
}
EVERYONE = [name for person in world.PEOPLE.values() for name in (person["arn"], person["role_arn"], person["root_arn"], person["account"]) if name]
ARNS = [name for name in EVERYONE if name.startswith("arn:")]


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def chance(self, probability):
        return self.rng.random() < probability

    def some(self, items, least, most):
        return self.rng.sample(items, min(len(items), self.rng.randint(least, most)))

    def one_or_list(self, make, most=3):
        """One, or a list of some that are not the same."""
        if self.chance(0.6):
            return make()
        return list(dict.fromkeys(make() for _ in range(self.rng.randint(1, most))))

    def other_case(self, text):
        return "".join(c.swapcase() if c.isascii() and self.chance(0.4) else c for c in text)

    # ---- the request ----

    def context(self):
        return {self.rng.choice(NAMES): self.rng.choice(WORDS) for _ in range(self.rng.choice((0, 1, 1, 2, 3)))}

    def values(self, caller, context):
        pick = self.rng.choice
        values = {f"kms:EncryptionContext:{name}": [value] for name, value in context.items()}
        if context:
            values["kms:EncryptionContextKeys"] = list(context)
        for key in self.some(TEXT_KEYS + TAGS, 0, 5):
            values[key] = [pick(WORDS)] if "/" in key else pick(WORDS)
        for key in self.some(ACCOUNT_KEYS, 0, 2):
            values[key] = caller["account"]
        for key in self.some(ARN_KEYS, 0, 2):
            values[key] = pick((caller["arn"], caller["role_arn"] or caller["arn"], pick(ARNS)))
        for keys, pool in ((BOOL_KEYS, BOOLEANS), (NUMBER_KEYS, NUMBERS), (DATE_KEYS, DATES), (["aws:SourceIp"], ADDRESSES)):
            for key in self.some(keys, 0, 1):
                values[key] = pick(pool)
        if self.chance(0.3):
            values["aws:EpochTime"] = pick(("1781524800", "1781524801"))
        for key in self.some(["aws:TagKeys", "kms:GrantOperations", "kms:ResourceAliases"], 0, 2):
            values[key] = self.some(WORDS, 0, 3)
        return values

    # ---- conditions ----

    def text_like(self, question, known):
        """A text for a policy: often made of a value that the request has."""
        text = self.rng.choice(known) if known and self.chance(0.6) else self.rng.choice(WORDS)
        change = self.rng.random()
        if change < 0.15:
            at = self.rng.randint(0, len(text))
            text = text[:at] + "*" + text[self.rng.randint(at, len(text)):]
        elif change < 0.25 and text:
            at = self.rng.randrange(len(text))
            text = text[:at] + "?" + text[at + 1:]
        elif change < 0.35:
            text = self.other_case(text)
        elif change < 0.45:
            text = self.variable(question)
        elif change < 0.5:
            text = self.rng.choice(("*", "*a*", "?*", "a*b", "**", "")) + self.variable(question) + self.rng.choice(("", "*", "b"))
        elif change < 0.55:
            text = "".join(self.rng.choice("ab*?") for _ in range(self.rng.randint(1, 6)))
        return text

    def variable(self, question):
        if self.chance(0.15):
            return self.rng.choice(("${*}", "${?}", "${$}"))
        present = [name for name in question["values"] if not name.startswith("kms:Resource")]
        key = self.rng.choice(present) if present and self.chance(0.7) else self.rng.choice(TEXT_KEYS + TAGS + ["foo:bar"])
        default = ", '" + self.rng.choice(("a", "red", "")) + "'" if self.chance(0.15) else ""
        return "${" + (self.other_case(key) if self.chance(0.2) else key) + default + "}"

    def arn_like(self, known):
        parts = (self.rng.choice(known) if known and self.chance(0.7) else self.rng.choice(ARNS)).split(":", 5)
        for at in range(1, len(parts)):
            if self.chance(0.15):
                parts[at] = self.rng.choice(("*", parts[at][:-1] + "?", parts[at][:2] + "*", "*" + parts[at][2:]))
        if self.chance(0.05):
            return "*"
        return ":".join(parts[:3] if self.chance(0.03) else parts)

    def one_key(self, question):
        """(family of operators, key, how to make a text)."""
        pick, values = self.rng.choice, question["values"]
        known = lambda key: [str(value) for value in oracle.values_of(question, key)]  # noqa: E731
        family = self.rng.random()
        if family < 0.5:
            key = pick(list(values)) if values and self.chance(0.6) else pick(TEXT_KEYS + TAGS + ACCOUNT_KEYS + LIST_KEYS + oracle.NEVER +
                [f"kms:EncryptionContext:{name}" for name in NAMES] + UNKNOWN_KEYS)
            return "text", key, lambda: self.text_like(question, known(key))
        if family < 0.6:
            key = pick(ARN_KEYS)
            return "arn", key, lambda: self.arn_like(known(key))
        for limit, name, keys, pool in ((0.7, "bool", BOOL_KEYS, (True, False) + BOOLEANS), (0.8, "number", NUMBER_KEYS + ["aws:EpochTime"], (90, 30) + NUMBERS),
                (0.9, "date", DATE_KEYS + ["aws:EpochTime"], DATES), (1, "address", ["aws:SourceIp"], RANGES)):
            if family < limit:
                key = pick(keys)
                return name, key, lambda: pick(known(key)) if known(key) and self.chance(0.4) else pick(pool)  # noqa: B023
        raise AssertionError

    def condition(self, question):
        made = {}
        for _ in range(self.rng.choice((1, 1, 1, 2, 2))):
            family, key, make = self.one_key(question)
            if self.chance(0.1):
                name, make = "Null", lambda: self.rng.choice(("true", "false", True, False))
            else:
                name = self.rng.choice(OPERATORS[family]) + ("IfExists" if self.chance(0.15) else "")
                several = len(oracle.values_of(question, key)) != 1
                if self.chance(0.6 if several else 0.1):
                    name = self.rng.choice(("ForAllValues:", "ForAnyValue:")) + name
            if self.chance(0.1):
                name, key = self.other_case(name), self.other_case(key)
            made.setdefault(name, {})[key] = self.one_or_list(make)
        return made

    # ---- statements ----

    def action(self, question):
        text = question["action"] if self.chance(0.6) else "kms:" + self.rng.choice(ACTIONS)
        change = self.rng.random()
        if change < 0.25:
            text = text[:self.rng.randint(4, len(text))] + "*"
        elif change < 0.35:
            at = self.rng.randrange(4, len(text))
            text = text[:at] + "?" + text[at + 1:]
        elif change < 0.45:
            text = self.other_case(text)
        elif change < 0.6:
            text = self.rng.choice(("kms:*", "*", "kms:*Key", "kms:*KeyPair*", "s3:*"))
        return text

    def resource(self, question):
        return self.rng.choice(("*", "*", "*", question["resource"], world.KEY, world.ALIAS, f"arn:aws:kms:*:{world.OURS}:*",
            "arn:aws:kms:us-*:*:key/*", "arn:aws:kms:*:*:key/1234*", "arn:aws:kms:eu-west-1:*", "arn:aws:kms:*",
            f"arn:aws:kms:*:{world.OURS}:alias/{self.variable(question)}", f"arn:aws:kms:*:*:{self.variable(question)}*"))

    def principals(self, question):
        caller = question["caller"]
        own = [name for name in (caller["arn"], caller["role_arn"], caller["root_arn"], caller["account"]) if name]
        listed = [self.rng.choice(own) if self.chance(0.65) else self.rng.choice(EVERYONE) for _ in range(self.rng.choice((1, 1, 2, 3)))]
        if self.chance(0.06):
            listed.append("*")
        made = {"AWS": listed[0] if len(listed) == 1 else list(dict.fromkeys(listed))}
        if self.chance(0.05):
            made["Service"] = "s3.amazonaws.com"
        return made

    def statement(self, question, with_principal, deny):
        made = {"Effect": "Deny" if self.chance(deny) else "Allow"}
        if with_principal:
            if self.chance(0.1):
                made["NotPrincipal"] = self.principals(question)
            else:
                made["Principal"] = "*" if self.chance(0.1) else self.principals(question)
        made["NotAction" if self.chance(0.1) else "Action"] = self.one_or_list(lambda: self.action(question))
        made["NotResource" if self.chance(0.08) else "Resource"] = self.one_or_list(lambda: self.resource(question))
        if self.chance(0.45):
            made["Condition"] = self.condition(question)
        return made

    def policy(self, question, with_principal=False, most=4, deny=0.2):
        made = world.policy(*[self.statement(question, with_principal, deny) for _ in range(self.rng.randint(1, most))],
            version=self.rng.choice(("2012-10-17",) * 8 + ("2008-10-17", None)))
        if len(made["Statement"]) == 1 and self.chance(0.2):
            made["Statement"] = made["Statement"][0]
        return made

    # ---- grants ----

    def constraint(self, context):
        """The context with something changed."""
        made = dict(context)
        for _ in range(self.rng.choice((0, 1, 1, 2))):
            change = self.rng.randrange(5)
            name = self.rng.choice(list(made)) if made else None
            if change == 0 or name is None:
                made[self.rng.choice(NAMES)] = self.rng.choice(WORDS)
            elif change == 1:
                del made[name]
            elif change == 2:
                made[self.other_case(name)] = made.pop(name)
            elif change == 3:
                made[name] = self.other_case(made[name])
            else:
                del made[self.rng.choice(list(made))]
        return made

    def grant(self, question, number, context):
        caller = question["caller"]
        own = [name for name in (caller["arn"], caller["role_arn"], caller["root_arn"], caller["account"]) if name]
        operation = question["action"][4:]
        operations = set(self.some(oracle.OPERATIONS, 1, 3))
        if operation in ACROSS and self.chance(0.8):
            operations.add(operation)
        made = world.grant(self.rng.choice(own) if self.chance(0.7) else self.rng.choice(EVERYONE), *sorted(operations), number=number)
        if self.chance(0.35):
            made["equals"] = self.constraint(context)
        if self.chance(0.35):
            made["subset"] = self.constraint(context)
        if self.chance(0.05):
            made["other_key"] = True
        return made

    def grants(self, question):
        context = question["context"] or self.context()
        question["grants"] = [self.grant(question, number, context) for number in range(1, self.rng.choice((1, 2, 3, 8, 20)))]
        if question["action"] == "kms:CreateGrant":
            question["child"] = self.grant(question, 200, context)
            if question["grants"] and self.chance(0.6):
                parent = self.rng.choice(question["grants"])
                question["child"]["operations"] = self.some(parent["operations"], 1, 4)

    # ---- all together ----

    def question(self):
        caller = self.rng.choice(list(world.PEOPLE.values()))
        action, context = self.rng.choice(ACTIONS), self.context()
        question = world.ask(caller, "kms:" + action, None, context=None if action == "DescribeKey" else context,
            values=self.values(caller, context), across=action in ACROSS)
        if self.chance(0.1):
            question["resource"] = self.rng.choice(("*", world.ALIAS))
        else:
            question["key_policy"] = world.DEFAULT if self.chance(0.15) else self.policy(question, True, deny=0.12)
            if self.chance(0.5):
                self.grants(question)
        if caller["kind"] != "root":
            question["identity"] = [self.policy(question, deny=0.12) for _ in range(self.rng.choice((0, 1, 1, 2)))]
        if caller["kind"] == "session" and self.chance(0.6):
            question["session"] = self.policy(question, most=2, deny=0.08)
        return question

    def pair_of_grants(self):
        """{"child", "parent"}: whether the one is within the other."""
        context = self.context()
        made = {}
        for name in ("parent", "child"):
            made[name] = world.grant(world.ALICE["arn"], *self.some(oracle.OPERATIONS[:5], 1, 4))
            for kind in ("equals", "subset"):
                if self.chance(0.5):
                    made[name][kind] = self.constraint(context)
        if self.chance(0.7):
            made["child"]["operations"] = self.some(made["parent"]["operations"], 1, 4)
        return made


# ---- less of a question that still shows what is wrong ----


def without(items, at):
    return items[:at] + items[at + 1:]


def smaller_policies(policy):
    listed = oracle.as_list(policy["Statement"])
    for at, one in enumerate(listed):
        if len(listed) > 1:
            yield {**policy, "Statement": without(listed, at)}
        for name in one.get("Condition", {}):
            less = {other: keys for other, keys in one["Condition"].items() if other != name}
            yield {**policy, "Statement": listed[:at] + [{**one, "Condition": less}] + listed[at + 1:]}
        for member in ("Action", "NotAction", "Resource", "NotResource"):
            for text in one[member] if isinstance(one.get(member), list) and len(one[member]) > 1 else ():
                yield {**policy, "Statement": listed[:at] + [{**one, member: text}] + listed[at + 1:]}


def smaller(question):
    for member in ("grants", "identity"):
        for at in range(len(question.get(member, []))):
            yield {**question, member: without(question[member], at)}
    if question.get("session"):
        yield {**question, "session": None}
    for member in ("key_policy", "session"):
        for less in smaller_policies(question[member]) if question.get(member) else ():
            yield {**question, member: less}
    for at, policy in enumerate(question.get("identity", [])):
        for less in smaller_policies(policy):
            yield {**question, "identity": question["identity"][:at] + [less] + question["identity"][at + 1:]}
    for name in question["values"]:
        yield {**question, "values": {other: value for other, value in question["values"].items() if other != name}}
