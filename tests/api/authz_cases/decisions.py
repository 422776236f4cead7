"""Whole decisions: (rule, question, what allows it or how it is refused).

The words for allowing and refusing are those of ALLOWALS and DENIALS.
"""

from authz_world import (ALIAS, ALICE, BOB, DEFAULT, EVERYTHING, FRED, GUEST, KEY, NOTHING, OURS, READER, ROOT, THEIR_ROOT, THEIRS,
    WRITER, allow, ask, deny, grant, policy, root_arn)

EVALUATION = "IAM guide, Policy evaluation logic: "
KEY_POLICY = "KMS guide, Key policies: "
DEFAULTS = "KMS guide, Default key policy: "
IDENTITY = "KMS guide, Using IAM policies with KMS: "
SESSIONS = "IAM guide, Session policies: "
ACROSS = "KMS guide, Allowing users in other accounts to use a KMS key: "
GRANTS = "KMS guide, Grants: "
CONSTRAINTS = "KMS guide, Using grant constraints: "
CHILDREN = "KMS guide, Granting CreateGrant permission: "
NO_KEY = "KMS guide, KMS API permissions reference: "

BY_ACCOUNT = policy(allow(principal=OURS))
FOR_ALICE = policy(allow(principal=ALICE["arn"]))
FOR_READER, FOR_RUN1 = policy(allow(principal=READER["role_arn"])), policy(allow(principal=READER["arn"]))
FOR_ALL = policy(allow(principal="*"))
FOR_BOB = policy(allow(principal=BOB["arn"]))
ENCRYPT, DECRYPT = policy(allow("kms:Encrypt")), policy(allow("kms:Decrypt"))
NO_ENCRYPT = policy(deny("kms:Encrypt"))
SHARED, FOR_FRED = policy(allow(principal=root_arn(THEIRS))), policy(allow(principal=FRED["arn"]))
FOR_GUEST, FOR_VISIT = policy(allow(principal=GUEST["role_arn"])), policy(allow(principal=GUEST["arn"]))
# Only its administrator may change it, and nobody of the account else.
STRICT = policy(allow(principal=BOB["arn"]), allow("kms:Decrypt", principal=ALICE["arn"]))


def but(base, *statements):
    return {**base, "Statement": base["Statement"] + list(statements)}


SAME_ACCOUNT = [
    (EVALUATION + "a request is denied by default", ask(), "no identity policy"),
    (DEFAULTS + "it allows the account, whose identity policies allow", ask(identity=[ENCRYPT]), "identity policy"),
    (DEFAULTS + "it allows the account, whose identity policies allow", ask(identity=[DECRYPT]), "no identity policy"),
    (DEFAULTS + "the account by its number", ask(key_policy=BY_ACCOUNT, identity=[ENCRYPT]), "identity policy"),
    (DEFAULTS + "it allows no principal by itself", ask(caller=READER), "no identity policy"),
    (DEFAULTS + "the root user", ask(caller=ROOT), "root"),
    (DEFAULTS + "a role's identity policies are those of its sessions", ask(caller=READER, identity=[ENCRYPT]), "identity policy"),
    (DEFAULTS + "limited to some actions", ask(key_policy=policy(allow("kms:Describe*", principal=OURS)), identity=[EVERYTHING]), "no key policy"),
    (DEFAULTS + "limited to some actions", ask(key_policy=policy(allow("kms:Encrypt", principal=OURS)), identity=[EVERYTHING]), "identity policy"),
    (DEFAULTS + "limited by a condition", ask(key_policy=policy(allow(principal=OURS, condition={"Bool": {"aws:SecureTransport": "true"}})),
        identity=[EVERYTHING], values={"aws:SecureTransport": "false"}), "no key policy"),
    (KEY_POLICY + "without the account's statement identity policies have no effect", ask(key_policy=FOR_BOB, identity=[EVERYTHING]), "no key policy"),
    (KEY_POLICY + "without the account's statement identity policies have no effect", ask(key_policy=STRICT, identity=[EVERYTHING]), "no key policy"),
    (KEY_POLICY + "a principal in the key policy needs no identity policy", ask(key_policy=FOR_ALICE), "key policy"),
    (KEY_POLICY + "a principal in the key policy needs no identity policy", ask(key_policy=STRICT, action="kms:Decrypt"), "key policy"),
    (KEY_POLICY + "a principal in the key policy needs no identity policy", ask(key_policy=FOR_ALICE, identity=[NOTHING]), "key policy"),
    (KEY_POLICY + "not even the root user may do what it does not allow", ask(caller=ROOT, key_policy=FOR_ALICE), "no key policy"),
    (KEY_POLICY + "not even the root user may do what it does not allow", ask(caller=ROOT, key_policy=STRICT, action="kms:PutKeyPolicy"), "no key policy"),
    (KEY_POLICY + "everyone of the account", ask(key_policy=FOR_ALL), "key policy"),
    (KEY_POLICY + "everyone of the account, the root user too", ask(caller=ROOT, key_policy=FOR_ALL), "key policy"),
    (KEY_POLICY + "everyone, if a condition holds", ask(key_policy=policy(allow(principal="*", condition={"StringEquals": {"kms:CallerAccount": OURS}})),
        values={"kms:CallerAccount": OURS}), "key policy"),
    (KEY_POLICY + "everyone, if a condition holds", ask(key_policy=policy(allow(principal="*", condition={"StringEquals": {"kms:CallerAccount": OURS}})),
        values={"kms:CallerAccount": THEIRS}), "no key policy"),
    (KEY_POLICY + "a role", ask(caller=READER, key_policy=FOR_READER), "key policy"),
    (KEY_POLICY + "another role", ask(caller=WRITER, key_policy=FOR_READER), "no key policy"),
    (KEY_POLICY + "a session", ask(caller=READER, key_policy=FOR_RUN1), "key policy"),
    (KEY_POLICY + "a service that is not the caller", ask(key_policy=policy(allow(principal={"Service": "s3.amazonaws.com"})), identity=[EVERYTHING]), "no key policy"),
    (KEY_POLICY + "another account's root is not this one's", ask(key_policy=SHARED, identity=[EVERYTHING]), "no key policy"),
    (KEY_POLICY + "its Resource is the key", ask(key_policy=policy(allow(principal=ALICE["arn"], resource=KEY))), "key policy"),
    (KEY_POLICY + "its Resource is the key", ask(key_policy=policy(allow(principal=ALICE["arn"], resource=ALIAS))), "no key policy"),
    (IDENTITY + "an identity policy for the key alone", ask(identity=[policy(allow("kms:*", KEY))]), "identity policy"),
    (IDENTITY + "an identity policy for another key", ask(identity=[policy(allow("kms:*", KEY + "0"))]), "no identity policy"),
    (IDENTITY + "by an alias's ARN no key is meant", ask(identity=[policy(allow("kms:*", ALIAS))]), "no identity policy"),
    (IDENTITY + "by tags of the key", ask(identity=[policy(allow(condition={"StringEquals": {"aws:ResourceTag/team": "red"}}))],
        values={"aws:ResourceTag/team": ["red"]}), "identity policy"),
    (IDENTITY + "by tags of the key", ask(identity=[policy(allow(condition={"StringEquals": {"aws:ResourceTag/team": "red"}}))],
        values={"aws:ResourceTag/team": ["blue"]}), "no identity policy"),
    (IDENTITY + "by aliases of the key", ask(identity=[policy(allow(condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/finance"}}))],
        values={"kms:ResourceAliases": ["alias/it", "alias/finance"]}), "identity policy"),
    (EVALUATION + "all identity policies are looked at", ask(identity=[NOTHING, DECRYPT, ENCRYPT]), "identity policy"),
    (EVALUATION + "all statements are looked at", ask(identity=[policy(allow("s3:*"), allow("kms:D*"), allow("kms:E*"))]), "identity policy"),
    (EVALUATION + "explicit deny in the key policy", ask(key_policy=but(FOR_ALICE, deny("kms:Encrypt", principal=ALICE["arn"]))), "key policy denies"),
    (EVALUATION + "explicit deny in the key policy", ask(key_policy=but(DEFAULT, deny(principal="*")), identity=[EVERYTHING]), "key policy denies"),
    (EVALUATION + "explicit deny in the key policy, of the account", ask(key_policy=but(FOR_ALICE, deny(principal=OURS))), "key policy denies"),
    (EVALUATION + "explicit deny in the key policy, of the account: the root user too", ask(caller=ROOT, key_policy=but(DEFAULT, deny(principal=root_arn(OURS)))), "key policy denies"),
    (EVALUATION + "explicit deny in the key policy, of someone else", ask(key_policy=but(FOR_ALICE, deny(principal=BOB["arn"]))), "key policy"),
    (EVALUATION + "explicit deny in the key policy, of another action", ask(key_policy=but(FOR_ALICE, deny("kms:Decrypt", principal="*"))), "key policy"),
    (EVALUATION + "explicit deny in the key policy, of a role's sessions", ask(caller=READER, key_policy=but(FOR_RUN1, deny(principal=READER["role_arn"]))), "key policy denies"),
    (EVALUATION + "explicit deny in an identity policy", ask(key_policy=FOR_ALICE, identity=[NO_ENCRYPT]), "identity policy denies"),
    (EVALUATION + "explicit deny in an identity policy", ask(identity=[EVERYTHING, NO_ENCRYPT]), "identity policy denies"),
    (EVALUATION + "explicit deny before an allow of the same policy", ask(identity=[policy(deny("kms:Encrypt"), allow())]), "identity policy denies"),
    (EVALUATION + "explicit deny behind an allow of the same policy", ask(identity=[policy(allow(), deny("kms:Encrypt"))]), "identity policy denies"),
    (EVALUATION + "a deny whose condition does not hold", ask(identity=[EVERYTHING, policy(deny(condition={"Bool": {"aws:SecureTransport": "false"}}))],
        values={"aws:SecureTransport": "true"}), "identity policy"),
    (EVALUATION + "a deny whose condition holds", ask(identity=[EVERYTHING, policy(deny(condition={"Bool": {"aws:SecureTransport": "false"}}))],
        values={"aws:SecureTransport": "false"}), "identity policy denies"),
    (EVALUATION + "a deny of all but some actions", ask(identity=[EVERYTHING, policy(deny(None, NotAction="kms:Encrypt"))]), "identity policy"),
    (EVALUATION + "a deny of all but some actions", ask(identity=[EVERYTHING, policy(deny(None, NotAction="kms:Decrypt"))]), "identity policy denies"),
]

SESSION_POLICIES = [
    (SESSIONS + "the intersection with identity policies", ask(caller=READER, identity=[EVERYTHING], session=ENCRYPT), "identity policy"),
    (SESSIONS + "the intersection with identity policies", ask(caller=READER, identity=[EVERYTHING], session=DECRYPT), "no session policy"),
    (SESSIONS + "it allows nothing by itself", ask(caller=READER, identity=[], session=EVERYTHING), "no identity policy"),
    (SESSIONS + "it allows nothing by itself", ask(caller=READER, identity=[DECRYPT], session=ENCRYPT), "no identity policy"),
    (SESSIONS + "explicit deny", ask(caller=READER, identity=[EVERYTHING], session=policy(allow(), deny("kms:Encrypt"))), "session policy denies"),
    (SESSIONS + "explicit deny, whatever the key policy says", ask(caller=READER, key_policy=FOR_RUN1, session=NO_ENCRYPT), "session policy denies"),
    (SESSIONS + "a statement for the role is limited", ask(caller=READER, key_policy=FOR_READER, session=DECRYPT), "no session policy"),
    (SESSIONS + "a statement for the role is limited", ask(caller=READER, key_policy=FOR_READER, session=ENCRYPT), "key policy"),
    (SESSIONS + "a statement for the session is not limited", ask(caller=READER, key_policy=FOR_RUN1, session=DECRYPT), "key policy"),
    (SESSIONS + "statements for the role and for the session", ask(caller=READER, key_policy=policy(allow(principal=[READER["arn"], READER["role_arn"]])),
        session=DECRYPT), "key policy"),
    (SESSIONS + "a statement for the role needs no identity policy", ask(caller=READER, key_policy=FOR_READER, identity=[NOTHING], session=EVERYTHING), "key policy"),
    (SESSIONS + "conditions", ask(caller=READER, identity=[EVERYTHING], session=policy(allow(condition={"StringEquals": {"kms:EncryptionContext:a": "1"}})),
        values={"kms:EncryptionContext:a": ["2"]}), "no session policy"),
    (SESSIONS + "conditions", ask(caller=READER, identity=[EVERYTHING], session=policy(allow(condition={"StringEquals": {"kms:EncryptionContext:a": "1"}})),
        values={"kms:EncryptionContext:a": ["1"]}), "identity policy"),
    ("IAM guide, Principal, IAM role principals: all principals are not limited by session policies",
        ask(caller=READER, key_policy=FOR_ALL, session=DECRYPT), "key policy"),
    (SESSIONS + "another account's key", ask(caller=GUEST, key_policy=FOR_GUEST, identity=[EVERYTHING], session=ENCRYPT), "identity policy"),
    (SESSIONS + "another account's key", ask(caller=GUEST, key_policy=FOR_GUEST, identity=[EVERYTHING], session=DECRYPT), "no session policy"),
    (SESSIONS + "another account's key, whose policy names the session", ask(caller=GUEST, key_policy=FOR_VISIT, identity=[EVERYTHING], session=DECRYPT), "no session policy"),
    (SESSIONS + "no key", ask(caller=READER, action="kms:ListKeys", resource="*", key_policy=None, identity=[EVERYTHING], session=DECRYPT), "no session policy"),
    (SESSIONS + "no key", ask(caller=READER, action="kms:ListKeys", resource="*", key_policy=None, identity=[EVERYTHING],
        session=policy(allow("kms:List*"))), "identity policy"),
]

OTHER_ACCOUNTS = [
    (ACROSS + "the key policy allows the account, an identity policy the user", ask(caller=FRED, key_policy=SHARED, identity=[ENCRYPT]), "identity policy"),
    (ACROSS + "the key policy allows the account by its number", ask(caller=FRED, key_policy=policy(allow(principal=THEIRS)), identity=[ENCRYPT]), "identity policy"),
    (ACROSS + "the key policy allows the user, an identity policy too", ask(caller=FRED, key_policy=FOR_FRED, identity=[ENCRYPT]), "identity policy"),
    (ACROSS + "the key policy alone is not enough", ask(caller=FRED, key_policy=SHARED), "no identity policy"),
    (ACROSS + "the key policy alone is not enough", ask(caller=FRED, key_policy=FOR_FRED), "no identity policy"),
    (ACROSS + "the key policy alone is not enough", ask(caller=FRED, key_policy=FOR_FRED, identity=[DECRYPT]), "no identity policy"),
    (ACROSS + "the identity policy alone is not enough", ask(caller=FRED, identity=[EVERYTHING]), "not shared"),
    (ACROSS + "the identity policy alone is not enough", ask(caller=FRED, key_policy=FOR_ALICE, identity=[EVERYTHING]), "not shared"),
    (ACROSS + "neither", ask(caller=FRED), "not shared"),
    (ACROSS + "a user of the same name", ask(caller=FRED, key_policy=policy(allow(principal=f"arn:aws:iam::{OURS}:user/fred")), identity=[EVERYTHING]), "not shared"),
    (ACROSS + "a role", ask(caller=GUEST, key_policy=FOR_GUEST, identity=[ENCRYPT]), "identity policy"),
    (ACROSS + "a role", ask(caller=GUEST, key_policy=FOR_GUEST), "no identity policy"),
    (ACROSS + "a session", ask(caller=GUEST, key_policy=FOR_VISIT, identity=[ENCRYPT]), "identity policy"),
    (ACROSS + "a session", ask(caller=GUEST, key_policy=FOR_VISIT), "no identity policy"),
    (ACROSS + "all principals", ask(caller=FRED, key_policy=FOR_ALL, identity=[ENCRYPT]), "identity policy"),
    (ACROSS + "all principals", ask(caller=FRED, key_policy=FOR_ALL), "no identity policy"),
    (ACROSS + "the root user needs no identity policy", ask(caller=THEIR_ROOT, key_policy=SHARED), "root"),
    (ACROSS + "the root user needs the key policy", ask(caller=THEIR_ROOT), "not shared"),
    (ACROSS + "an identity policy for the key", ask(caller=FRED, key_policy=SHARED, identity=[policy(allow("kms:*", KEY))]), "identity policy"),
    (ACROSS + "an identity policy for keys of the own account", ask(caller=FRED, key_policy=SHARED,
        identity=[policy(allow("kms:*", f"arn:aws:kms:*:{THEIRS}:key/*"))]), "no identity policy"),
    (ACROSS + "only some actions are shared", ask(caller=FRED, key_policy=policy(allow("kms:Decrypt", principal=THEIRS)), identity=[EVERYTHING]), "not shared"),
    (ACROSS + "operations that work in one account only", ask(caller=FRED, action="kms:EnableKey", key_policy=SHARED, identity=[EVERYTHING], across=False), "not shared"),
    (ACROSS + "operations that work in one account only", ask(caller=THEIR_ROOT, action="kms:PutKeyPolicy", key_policy=SHARED, across=False), "not shared"),
    (ACROSS + "the key's own account is no other", ask(action="kms:EnableKey", identity=[EVERYTHING], across=False), "identity policy"),
    (ACROSS + "the key policy denies", ask(caller=FRED, key_policy=but(SHARED, deny(principal="*")), identity=[EVERYTHING]), "foreign key policy denies"),
    (ACROSS + "the key policy denies the root user's account", ask(caller=THEIR_ROOT, key_policy=but(FOR_ALL, deny(principal=THEIRS))), "foreign key policy denies"),
    (ACROSS + "an identity policy denies", ask(caller=FRED, key_policy=SHARED, identity=[EVERYTHING, NO_ENCRYPT]), "identity policy denies"),
    (ACROSS + "an identity policy denies what works in one account only", ask(caller=FRED, key_policy=SHARED, identity=[NO_ENCRYPT], across=False),
        "foreign identity policy denies"),
    (ACROSS + "a session policy denies", ask(caller=GUEST, key_policy=SHARED, identity=[EVERYTHING], session=NO_ENCRYPT), "session policy denies"),
    (ACROSS + "kms:CallerAccount", ask(caller=FRED, key_policy=policy(allow(principal="*", condition={"StringEquals": {"kms:CallerAccount": THEIRS}})),
        identity=[ENCRYPT], values={"kms:CallerAccount": THEIRS}), "identity policy"),
    (ACROSS + "kms:CallerAccount", ask(caller=FRED, key_policy=policy(allow(principal="*", condition={"StringEquals": {"kms:CallerAccount": OURS}})),
        identity=[ENCRYPT], values={"kms:CallerAccount": THEIRS}), "not shared"),
]

WITHOUT_KEY = [
    (NO_KEY + "ListKeys is on *", ask(action="kms:ListKeys", resource="*", key_policy=None, identity=[policy(allow("kms:ListKeys"))]), "identity policy"),
    (NO_KEY + "ListKeys is on *", ask(action="kms:ListKeys", resource="*", key_policy=None, identity=[policy(allow("kms:ListKeys", KEY))]), "no identity policy"),
    (NO_KEY + "CreateKey is on *", ask(action="kms:CreateKey", resource="*", key_policy=None), "no identity policy"),
    (NO_KEY + "CreateKey is on *", ask(action="kms:CreateKey", resource="*", key_policy=None, identity=[EVERYTHING]), "identity policy"),
    (NO_KEY + "CreateKey with conditions", ask(action="kms:CreateKey", resource="*", key_policy=None, values={"kms:KeySpec": "RSA_2048"},
        identity=[policy(allow("kms:CreateKey", condition={"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}))]), "no identity policy"),
    (NO_KEY + "GenerateRandom by the root user", ask(caller=ROOT, action="kms:GenerateRandom", resource="*", key_policy=None), "root"),
    (NO_KEY + "CreateAlias is on the alias", ask(action="kms:CreateAlias", resource=ALIAS, key_policy=None,
        identity=[policy(allow("kms:CreateAlias", ALIAS))]), "identity policy"),
    (NO_KEY + "CreateAlias is on the alias", ask(action="kms:CreateAlias", resource=ALIAS, key_policy=None,
        identity=[policy(allow("kms:CreateAlias", KEY))]), "no identity policy"),
    (NO_KEY + "DeleteAlias by the root user", ask(caller=ROOT, action="kms:DeleteAlias", resource=ALIAS, key_policy=None), "root"),
    (NO_KEY + "explicit deny", ask(action="kms:ListAliases", resource="*", key_policy=None, identity=[EVERYTHING, policy(deny("kms:List*"))]), "identity policy denies"),
    (NO_KEY + "explicit deny in a session policy", ask(caller=READER, action="kms:ListAliases", resource="*", key_policy=None, identity=[EVERYTHING],
        session=policy(deny("kms:List*"))), "session policy denies"),
    (NO_KEY + "grants do not matter", ask(action="kms:ListKeys", resource="*", key_policy=None, grants=[grant(ALICE["arn"])]), "no identity policy"),
]


def granted(caller, *grants, action="kms:Encrypt", context=None, key_policy=FOR_BOB, **members):
    return ask(caller=caller, action=action, key_policy=key_policy, grants=list(grants),
        context=None if action == "kms:DescribeKey" else context or {}, **members)


TO_ALICE = grant(ALICE["arn"])
BY_GRANT = [
    (GRANTS + "a grant alone is enough", granted(ALICE, TO_ALICE), "grant"),
    (GRANTS + "a grant to someone else", granted(BOB, TO_ALICE, key_policy=FOR_ALICE), "no key policy"),
    (GRANTS + "a grant of another operation", granted(ALICE, TO_ALICE, action="kms:Decrypt"), "no key policy"),
    (GRANTS + "a grant of several operations", granted(ALICE, grant(ALICE["arn"], "Decrypt", "Encrypt", "DescribeKey")), "grant"),
    (GRANTS + "an operation that grants do not have", granted(ALICE, grant(ALICE["arn"], "Encrypt", "DescribeKey"), action="kms:EnableKey"), "no key policy"),
    (GRANTS + "RetireGrant is about the grant itself, not about others of the key", granted(ALICE, grant(ALICE["arn"], "RetireGrant"),
        action="kms:RetireGrant"), "no key policy"),
    (GRANTS + "a grant of another key", granted(ALICE, grant(ALICE["arn"], other_key=True)), "no key policy"),
    (GRANTS + "one of many", granted(ALICE, *[grant(BOB["arn"], number=number) for number in range(1, 30)], grant(ALICE["arn"], number=77)), "grant"),
    (GRANTS + "it adds to the default policy", granted(ALICE, TO_ALICE, key_policy=DEFAULT), "grant"),
    (GRANTS + "it adds to the default policy", granted(ALICE, grant(ALICE["arn"], "Decrypt"), key_policy=DEFAULT), "no identity policy"),
    (GRANTS + "what policies allow needs none", granted(ALICE, TO_ALICE, key_policy=FOR_ALICE), "key policy"),
    (GRANTS + "what policies allow needs none", granted(ALICE, TO_ALICE, key_policy=DEFAULT, identity=[ENCRYPT]), "identity policy"),
    (GRANTS + "explicit deny in the key policy", granted(ALICE, TO_ALICE, key_policy=but(FOR_BOB, deny("kms:Encrypt", principal="*"))), "key policy denies"),
    (GRANTS + "explicit deny in an identity policy", granted(ALICE, TO_ALICE, identity=[NO_ENCRYPT]), "identity policy denies"),
    (GRANTS + "explicit deny in a session policy", granted(READER, grant(READER["arn"]), session=NO_ENCRYPT), "session policy denies"),
    (GRANTS + "a grant to a role is its sessions'", granted(READER, grant(READER["role_arn"])), "grant"),
    (GRANTS + "a grant to a role, with its path", granted(WRITER, grant(WRITER["role_arn"])), "grant"),
    (GRANTS + "a grant to another role", granted(WRITER, grant(READER["role_arn"])), "no key policy"),
    (GRANTS + "a grant to a role is limited by the session policy", granted(READER, grant(READER["role_arn"]), session=DECRYPT), "no session policy"),
    (GRANTS + "a grant to a role is limited by the session policy", granted(READER, grant(READER["role_arn"]), session=ENCRYPT), "grant"),
    (GRANTS + "a grant to a session", granted(READER, grant(READER["arn"])), "grant"),
    (GRANTS + "a grant to a session is not limited by the session policy", granted(READER, grant(READER["arn"]), session=DECRYPT), "grant"),
    (GRANTS + "to the role and to the session", granted(READER, grant(READER["role_arn"], number=1), grant(READER["arn"], number=2), session=DECRYPT), "grant"),
    (GRANTS + "a grant to another session of the role", granted(READER, grant(READER["arn"] + "2")), "no key policy"),
    (GRANTS + "a grant to the account: as its identity policies allow", granted(ALICE, grant(root_arn(OURS)), identity=[ENCRYPT]), "grant"),
    (GRANTS + "a grant to the account: as its identity policies allow", granted(ALICE, grant(OURS), identity=[ENCRYPT]), "grant"),
    (GRANTS + "a grant to the account: as its identity policies allow", granted(ALICE, grant(root_arn(OURS)), identity=[DECRYPT]), "no identity policy"),
    (GRANTS + "a grant to the account: its root user", granted(ROOT, grant(root_arn(OURS))), "grant"),
    (GRANTS + "a grant to a service", granted(ALICE, grant("s3.amazonaws.com"), identity=[EVERYTHING]), "no key policy"),
    (GRANTS + "another account's user", granted(FRED, grant(FRED["arn"])), "grant"),
    (GRANTS + "another account's role", granted(GUEST, grant(GUEST["role_arn"])), "grant"),
    (GRANTS + "another account's role, limited by the session policy", granted(GUEST, grant(GUEST["role_arn"]), session=DECRYPT), "no session policy"),
    (GRANTS + "another account: as its identity policies allow", granted(FRED, grant(THEIRS), identity=[ENCRYPT]), "grant"),
    (GRANTS + "another account: as its identity policies allow", granted(FRED, grant(THEIRS)), "no identity policy"),
    (GRANTS + "an explicit deny does not tell of another account's key",
        granted(FRED, grant(BOB["arn"]), identity=[NO_ENCRYPT]), "foreign identity policy denies"),
    (GRANTS + "an explicit deny does not tell of another account's key",
        granted(GUEST, session=NO_ENCRYPT), "foreign session policy denies"),
    (GRANTS + "another account's root user", granted(THEIR_ROOT, grant(root_arn(THEIRS))), "grant"),
    (GRANTS + "operations that work in one account only", granted(FRED, grant(FRED["arn"], "Encrypt"), action="kms:GetKeyPolicy", across=False), "not shared"),
    (GRANTS + "another account's user whom an identity policy denies it", granted(FRED, grant(FRED["arn"]), identity=[NO_ENCRYPT]), "identity policy denies"),
    (GRANTS + "another account's user whom the key policy denies it", granted(FRED, grant(FRED["arn"]), key_policy=but(FOR_BOB, deny(principal=FRED["arn"]))),
        "foreign key policy denies"),
] + [(GRANTS + "each of the four data-key operations", granted(ALICE, grant(ALICE["arn"], operation), action=f"kms:{asked}"),
    "grant" if asked == operation else "no key policy")
    for operation in ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext")
    for asked in ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext")]


def equals(constraint, context, holds, rule, action="kms:Encrypt"):
    return (f"{CONSTRAINTS}EncryptionContextEquals: {rule}",
        granted(ALICE, grant(ALICE["arn"], action[4:], equals=constraint), context=context, action=action), "grant" if holds else "no key policy")


def subset(constraint, context, holds, rule, action="kms:Encrypt"):
    return (f"{CONSTRAINTS}EncryptionContextSubset: {rule}",
        granted(ALICE, grant(ALICE["arn"], action[4:], subset=constraint), context=context, action=action), "grant" if holds else "no key policy")


CONSTRAINED = [
    equals({"a": "1"}, {"a": "1"}, True, "the same pairs"),
    equals({"a": "1"}, {"a": "2"}, False, "another value"),
    equals({"a": "1"}, {"b": "1"}, False, "another name"),
    equals({"a": "1"}, {}, False, "no context"),
    equals({"a": "1"}, {"a": "1", "b": "2"}, False, "a pair more"),
    equals({"a": "1", "b": "2"}, {"a": "1"}, False, "a pair less"),
    equals({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, True, "in any order"),
    equals({"a": "1", "b": "2"}, {"a": "2", "b": "1"}, False, "values belong to their names"),
    equals({"Dept": "IT"}, {"dEPT": "IT"}, True, "names are not case sensitive"),
    equals({"Dept": "IT"}, {"Dept": "it"}, False, "values are case sensitive"),
    equals({"B": "2", "a": "1"}, {"A": "1", "b": "2"}, True, "names are not case sensitive, in any order"),
    equals({}, {}, True, "empty"),
    equals({}, {"a": "1"}, False, "empty"),
    equals({"a": "1"}, None, True, "not for DescribeKey", "kms:DescribeKey"),
    equals({"a": "1"}, {"a": "1"}, True, "GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyPairWithoutPlaintext"),
    equals({"a": "1"}, {"a": "2"}, False, "GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyPairWithoutPlaintext"),
    equals({"": ""}, {"": ""}, True, "empty texts"),
    equals({"gr\u00fcn": "\u00e4"}, {"gr\u00fcn": "\u00e4"}, True, "beyond ASCII"),
    equals({"ab": "c"}, {"a": "bc"}, False, "a pair is two texts"),
    subset({"a": "1"}, {"a": "1"}, True, "the same pairs"),
    subset({"a": "1"}, {"a": "1", "b": "2"}, True, "a pair more"),
    subset({"a": "1"}, {"b": "2", "c": "3", "a": "1"}, True, "in any order"),
    subset({"a": "1", "b": "2"}, {"a": "1"}, False, "a pair less"),
    subset({"a": "1", "b": "2"}, {"a": "1", "b": "2", "c": "3"}, True, "all of them and more"),
    subset({"a": "1"}, {"a": "2", "b": "1"}, False, "another value"),
    subset({"a": "1"}, {}, False, "no context"),
    subset({"Dept": "IT"}, {"dept": "IT", "x": "y"}, True, "names are not case sensitive"),
    subset({"Dept": "IT"}, {"Dept": "it"}, False, "values are case sensitive"),
    subset({}, {}, True, "empty"),
    subset({}, {"a": "1"}, True, "empty"),
    subset({"a": "1"}, None, True, "not for DescribeKey", "kms:DescribeKey"),
    subset({"a": "1"}, {"A": "0", "a": "1"}, True, "names that differ in case alone"),
    subset({"d": "4", "b": "2"}, {"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}, True, "pairs from anywhere"),
    subset({"d": "4", "b": "2"}, {"a": "1", "b": "2", "c": "3", "d": "5", "e": "5"}, False, "pairs from anywhere"),
    (CONSTRAINTS + "both at once", granted(ALICE, grant(ALICE["arn"], equals={"a": "1", "b": "2"}, subset={"a": "1"}), context={"a": "1", "b": "2"}), "grant"),
    (CONSTRAINTS + "both at once", granted(ALICE, grant(ALICE["arn"], equals={"a": "1"}, subset={"b": "2"}), context={"a": "1"}), "no key policy"),
    (CONSTRAINTS + "both at once", granted(ALICE, grant(ALICE["arn"], equals={"a": "1"}, subset={"b": "2"}), context={"a": "1", "b": "2"}), "no key policy"),
    (CONSTRAINTS + "another grant without", granted(ALICE, grant(ALICE["arn"], equals={"a": "1"}), grant(ALICE["arn"], number=2), context={"a": "3"}), "grant"),
    (CONSTRAINTS + "another grant with another", granted(ALICE, grant(ALICE["arn"], equals={"a": "1"}), grant(ALICE["arn"], number=2, subset={"a": "3"}),
        context={"a": "3", "b": "1"}), "grant"),
    (CONSTRAINTS + "the same constraint, another operation", granted(ALICE, grant(ALICE["arn"], "Decrypt", equals={"a": "1"}), context={"a": "1"}), "no key policy"),
    (CONSTRAINTS + "the same constraint, of two grants", granted(ALICE, grant(ALICE["arn"], "Decrypt", equals={"a": "1"}),
        grant(ALICE["arn"], "Encrypt", number=2, equals={"A": "1"}), context={"a": "1"}), "grant"),
    (CONSTRAINTS + "the role's, limited by the session policy", granted(READER, grant(READER["role_arn"], subset={"a": "1"}), context={"a": "1"}, session=DECRYPT),
        "no session policy"),
]


def child(parent, wanted, holds, rule):
    """May alice, who has a grant with CreateGrant, create another?"""
    question = granted(ALICE, grant(ALICE["arn"], "CreateGrant", *parent.get("operations", ("Encrypt", "Decrypt")),
        **{name: parent[name] for name in ("equals", "subset") if name in parent}), action="kms:CreateGrant",
        child=grant(BOB["arn"], *wanted.get("operations", ("Encrypt",)), number=2, **{name: wanted[name] for name in ("equals", "subset") if name in wanted}))
    return (CHILDREN + rule, question, "grant" if holds else "no key policy")


A, AB, B = {"a": "1"}, {"a": "1", "b": "2"}, {"b": "2"}
CHILD_GRANTS = [
    child({}, {}, True, "fewer operations"),
    child({}, {"operations": ("Encrypt", "Decrypt")}, True, "the same operations"),
    child({}, {"operations": ("Encrypt", "CreateGrant")}, True, "CreateGrant too"),
    child({}, {"operations": ("Encrypt", "Sign")}, False, "an operation more"),
    child({}, {"equals": A}, True, "a constraint more"),
    child({}, {"subset": A}, True, "a constraint more"),
    child({"equals": A}, {}, False, "without the constraint"),
    child({"equals": A}, {"equals": A}, True, "the same constraint"),
    child({"equals": A}, {"equals": {"A": "1"}}, True, "the same constraint, names without case"),
    child({"equals": A}, {"equals": {"a": "2"}}, False, "another value"),
    child({"equals": A}, {"equals": AB}, False, "another constraint"),
    child({"equals": A}, {"subset": A}, False, "a subset is less strict"),
    child({"subset": A}, {}, False, "without the constraint"),
    child({"subset": A}, {"subset": A}, True, "the same constraint"),
    child({"subset": A}, {"subset": AB}, True, "more pairs are stricter"),
    child({"subset": AB}, {"subset": A}, False, "fewer pairs are less strict"),
    child({"subset": A}, {"equals": AB}, True, "a context that has the pairs"),
    child({"subset": A}, {"equals": A}, True, "a context that has the pairs"),
    child({"subset": A}, {"equals": B}, False, "a context that has not"),
    child({"subset": A}, {"subset": {"A": "1", "b": "2"}}, True, "names without case"),
    child({"subset": A}, {"subset": {"a": "2"}}, False, "another value"),
    child({"equals": A, "subset": A}, {"equals": A}, True, "both, where one implies the other"),
    (CHILDREN + "without CreateGrant in the parent", granted(ALICE, grant(ALICE["arn"], "Encrypt", "Decrypt"), action="kms:CreateGrant",
        child=grant(BOB["arn"], number=2)), "no key policy"),
    (CHILDREN + "someone else's grant", granted(ALICE, grant(BOB["arn"], "CreateGrant", "Encrypt"), action="kms:CreateGrant", key_policy=FOR_READER,
        child=grant(ALICE["arn"], number=2)), "no key policy"),
    (CHILDREN + "whoever may by policy may create any", granted(ALICE, action="kms:CreateGrant", key_policy=FOR_ALICE, child=grant(BOB["arn"], "Sign", number=2)), "key policy"),
    (CHILDREN + "not where it is denied", granted(ALICE, grant(ALICE["arn"], "CreateGrant", "Encrypt"), action="kms:CreateGrant",
        key_policy=but(FOR_BOB, deny("kms:CreateGrant", principal="*")), child=grant(BOB["arn"], number=2)), "key policy denies"),
    (CHILDREN + "kms:GrantIsForAWSResource", ask(action="kms:CreateGrant", key_policy=policy(allow("kms:CreateGrant", principal=ALICE["arn"],
        condition={"Bool": {"kms:GrantIsForAWSResource": "true"}})), values={"kms:GrantIsForAWSResource": "false"}), "no key policy"),
    (CHILDREN + "another account's role", granted(GUEST, grant(GUEST["role_arn"], "CreateGrant", "Encrypt"), action="kms:CreateGrant",
        child=grant(FRED["arn"], number=2)), "grant"),
    (CHILDREN + "a role, limited by the session policy", granted(READER, grant(READER["role_arn"], "CreateGrant", "Encrypt"), action="kms:CreateGrant",
        session=ENCRYPT, child=grant(BOB["arn"], number=2)), "no session policy"),
]

ROWS = SAME_ACCOUNT + SESSION_POLICIES + OTHER_ACCOUNTS + WITHOUT_KEY + BY_GRANT + CONSTRAINED + CHILD_GRANTS
