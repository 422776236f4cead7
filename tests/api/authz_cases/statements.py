"""Principals, actions and resources of one statement: (rule, statement, who asks for what, whether it is about that)."""

from authz_world import ALIAS, ALICE, BOB, FRED, GUEST, KEY, OURS, READER, ROOT, THEIRS, WRITER, root_arn

ACTION = "IAM guide, Action: "
NOT_ACTION = "IAM guide, NotAction: "
RESOURCE = "IAM guide, Resource: "
NOT_RESOURCE = "IAM guide, NotResource: "
VARIABLES = "IAM guide, Variables and tags: "
PRINCIPAL = "IAM guide, Principal: "
NOT_PRINCIPAL = "IAM guide, NotPrincipal: "
VERSION = "IAM guide, Version: "
OTHER_KEY = KEY.replace("1234abcd", "9999abcd")


def action(text, asked, holds, rule="names and patterns, not case sensitive"):
    return (ACTION + rule, {"Action": text}, {"action": asked}, holds)


def resource(text, asked, holds, rule="ARNs, with wild cards in each part", values=None):
    return (RESOURCE + rule, {"Resource": text}, {"resource": asked, "values": values or {}}, holds)


ACTIONS = [
    action("kms:Encrypt", "kms:Encrypt", True),
    action("kms:encrypt", "kms:Encrypt", True),
    action("KMS:ENCRYPT", "kms:Encrypt", True),
    action("kms:Decrypt", "kms:Encrypt", False),
    action("kms:Encryp", "kms:Encrypt", False),
    action("kms:*", "kms:Encrypt", True),
    action("*", "kms:Encrypt", True),
    action("kms:GenerateDataKey*", "kms:GenerateDataKeyPairWithoutPlaintext", True),
    action("kms:GenerateDataKey", "kms:GenerateDataKeyPairWithoutPlaintext", False),
    action("kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", False),
    action("kms:GenerateDataKey*WithoutPlaintext", "kms:GenerateDataKeyPairWithoutPlaintext", True),
    action("kms:GenerateDataKey*WithoutPlaintext", "kms:GenerateDataKeyPair", False),
    action("kms:*Key", "kms:DescribeKey", True),
    action("kms:*key", "kms:DescribeKey", True),
    action("kms:ReEncrypt*", "kms:ReEncryptFrom", True),
    action("kms:ReEncrypt?o", "kms:ReEncryptTo", True),
    action("kms:ReEncrypt", "kms:ReEncryptTo", False),
    action("kms:?ecrypt", "kms:Decrypt", True),
    action("s3:*", "kms:Encrypt", False),
    action("s3:Encrypt", "kms:Encrypt", False),
    action(["kms:Decrypt", "kms:Encrypt"], "kms:Encrypt", True, "any of a list"),
    action(["kms:Decrypt", "kms:Sign"], "kms:Encrypt", False, "any of a list"),
    (ACTION + "without one a statement says nothing", {"Action": None}, {}, False),
    (NOT_ACTION + "all but these", {"Action": None, "NotAction": "kms:Decrypt"}, {}, True),
    (NOT_ACTION + "all but these", {"Action": None, "NotAction": "kms:Encrypt"}, {}, False),
    (NOT_ACTION + "not case sensitive", {"Action": None, "NotAction": "KMS:encrypt"}, {}, False),
    (NOT_ACTION + "patterns", {"Action": None, "NotAction": "kms:Enc*"}, {}, False),
    (NOT_ACTION + "a list", {"Action": None, "NotAction": ["kms:Decrypt", "kms:Encrypt"]}, {}, False),
    (NOT_ACTION + "another service's", {"Action": None, "NotAction": "s3:*"}, {}, True),
    (NOT_ACTION + "everything", {"Action": None, "NotAction": "*"}, {}, False),
]

RESOURCES = [
    resource("*", KEY, True),
    resource(KEY, KEY, True),
    resource(KEY, OTHER_KEY, False),
    resource(f"arn:aws:kms:us-east-1:{OURS}:key/*", KEY, True),
    resource(f"arn:aws:kms:*:{OURS}:key/*", KEY, True),
    resource(f"arn:aws:kms:us-east-?:{OURS}:key/*", KEY, True),
    resource(f"arn:aws:kms:*:{THEIRS}:key/*", KEY, False),
    resource("arn:aws:kms:*:*:key/1234abcd-*", KEY, True),
    resource("arn:aws:kms:*:*:key/1234ABCD-*", KEY, False, "case sensitive"),
    resource(f"arn:aws:kms:us-east-1:{OURS}:alias/*", KEY, False),
    resource(f"arn:aws:kms:us-east-1:{OURS}:alias/*", ALIAS, True),
    resource(f"arn:aws:kms:us-east-1:{OURS}:*", ALIAS, True),
    resource("arn:aws:kms:*", KEY, True, "parts that are missing are wild cards"),
    resource("arn:aws:kms:us-east-1", KEY, True, "parts that are missing are wild cards"),
    resource("arn:aws:kms:eu-west-1:*", KEY, False, "parts that are missing are wild cards"),
    resource("arn:aws:s3:*", KEY, False, "parts that are missing are wild cards"),
    resource(f"arn:aws:kms:*key/{KEY[-36:]}", KEY, False, "a wild card stays within its part"),
    resource("arn:aws:kms:*:key/*", KEY, False, "a wild card stays within its part"),
    resource([OTHER_KEY, KEY], KEY, True, "any of a list"),
    resource([OTHER_KEY, ALIAS], KEY, False, "any of a list"),
    resource("*", "*", True, "an operation without a resource is on *"),
    resource("arn:aws:kms:*:*:*", "*", False, "an operation without a resource is on *"),
    resource(KEY, "*", False, "an operation without a resource is on *"),
    (RESOURCE + "without one a statement says nothing", {"Resource": None}, {}, False),
    (NOT_RESOURCE + "all but these", {"Resource": None, "NotResource": OTHER_KEY}, {}, True),
    (NOT_RESOURCE + "all but these", {"Resource": None, "NotResource": KEY}, {}, False),
    (NOT_RESOURCE + "patterns", {"Resource": None, "NotResource": f"arn:aws:kms:*:{OURS}:key/*"}, {}, False),
    (NOT_RESOURCE + "patterns", {"Resource": None, "NotResource": f"arn:aws:kms:*:{OURS}:alias/*"}, {}, True),
    (NOT_RESOURCE + "a list", {"Resource": None, "NotResource": [OTHER_KEY, KEY]}, {}, False),
    (NOT_RESOURCE + "an operation without a resource", {"Resource": None, "NotResource": KEY}, {"resource": "*"}, True),
    resource(f"arn:aws:kms:us-east-1:{OURS}:alias/${{aws:username}}", f"arn:aws:kms:us-east-1:{OURS}:alias/alice", True,
        "variables in the sixth part", {"aws:username": "alice"}),
    resource(f"arn:aws:kms:us-east-1:{OURS}:alias/${{aws:username}}", f"arn:aws:kms:us-east-1:{OURS}:alias/bob", False,
        "variables in the sixth part", {"aws:username": "alice"}),
    resource(f"arn:aws:kms:us-east-1:{OURS}:alias/${{aws:username}}/*", f"arn:aws:kms:us-east-1:{OURS}:alias/alice/1", True,
        "variables and wild cards", {"aws:username": "alice"}),
    resource(f"arn:aws:kms:us-east-1:{OURS}:alias/${{aws:PrincipalTag/x}}", f"arn:aws:kms:us-east-1:{OURS}:alias/anything", False,
        "wild cards of a variable's value are characters", {"aws:PrincipalTag/x": ["*"]}),
    (VARIABLES + "no value: a resource with it is none", {"Resource": f"arn:aws:kms:us-east-1:{OURS}:key/*${{aws:username}}"}, {}, False),
    (VARIABLES + "no value: NotResource with it spares none",
        {"Resource": None, "NotResource": f"arn:aws:kms:us-east-1:{OURS}:key/*${{aws:username}}"}, {}, True),
    (VARIABLES + "${*} in Resource", {"Resource": f"arn:aws:kms:us-east-1:{OURS}:key/${{*}}"}, {}, False),
]

# Of a key policy: the caller by each of its names.
PRINCIPALS = [
    (PRINCIPAL + "all principals", {"Principal": "*"}, {}, True),
    (PRINCIPAL + "all principals", {"Principal": {"AWS": "*"}}, {}, True),
    (PRINCIPAL + "IAM user", {"Principal": {"AWS": ALICE["arn"]}}, {}, True),
    (PRINCIPAL + "IAM user", {"Principal": {"AWS": BOB["arn"]}}, {}, False),
    (PRINCIPAL + "IAM user, with its path", {"Principal": {"AWS": BOB["arn"]}}, {"caller": BOB}, True),
    (PRINCIPAL + "IAM user, with its path", {"Principal": {"AWS": f"arn:aws:iam::{OURS}:user/bob"}}, {"caller": BOB}, False),
    (PRINCIPAL + "names of users are case sensitive", {"Principal": {"AWS": f"arn:aws:iam::{OURS}:user/Alice"}}, {}, False),
    (PRINCIPAL + "another account's user of the same name", {"Principal": {"AWS": f"arn:aws:iam::{THEIRS}:user/alice"}}, {}, False),
    (PRINCIPAL + "any of a list", {"Principal": {"AWS": [BOB["arn"], ALICE["arn"]]}}, {}, True),
    (PRINCIPAL + "any of a list", {"Principal": {"AWS": [BOB["arn"], FRED["arn"]]}}, {}, False),
    (PRINCIPAL + "role session", {"Principal": {"AWS": READER["arn"]}}, {"caller": READER}, True),
    (PRINCIPAL + "role session, of one name", {"Principal": {"AWS": READER["arn"] + "2"}}, {"caller": READER}, False),
    (PRINCIPAL + "IAM role", {"Principal": {"AWS": READER["role_arn"]}}, {"caller": READER}, True),
    (PRINCIPAL + "IAM role, with its path", {"Principal": {"AWS": WRITER["role_arn"]}}, {"caller": WRITER}, True),
    (PRINCIPAL + "IAM role, with its path", {"Principal": {"AWS": f"arn:aws:iam::{OURS}:role/Writer"}}, {"caller": WRITER}, False),
    (PRINCIPAL + "IAM role", {"Principal": {"AWS": WRITER["role_arn"]}}, {"caller": READER}, False),
    (PRINCIPAL + "IAM role is no user", {"Principal": {"AWS": READER["role_arn"]}}, {}, False),
    (PRINCIPAL + "services are others", {"Principal": {"Service": "s3.amazonaws.com"}}, {}, False),
    (PRINCIPAL + "services beside principals", {"Principal": {"Service": "s3.amazonaws.com", "AWS": ALICE["arn"]}}, {}, True),
    (PRINCIPAL + "federated principals are others", {"Principal": {"Federated": "accounts.google.com"}}, {}, False),
    (PRINCIPAL + "the root user by its account", {"Principal": {"AWS": OURS}}, {"caller": ROOT}, True),
    (PRINCIPAL + "the root user by its ARN", {"Principal": {"AWS": root_arn(OURS)}}, {"caller": ROOT}, True),
    (PRINCIPAL + "another account", {"Principal": {"AWS": root_arn(THEIRS)}}, {"caller": ROOT}, False),
    (PRINCIPAL + "another account", {"Principal": {"AWS": THEIRS}}, {}, False),
]

# Only of statements that deny: whom they deny.
EXCEPTIONS = [
    (NOT_PRINCIPAL + "a user and its account are spared", {"NotPrincipal": {"AWS": [ALICE["arn"], root_arn(OURS)]}}, {}, False),
    (NOT_PRINCIPAL + "an account by its number", {"NotPrincipal": {"AWS": [ALICE["arn"], OURS]}}, {}, False),
    (NOT_PRINCIPAL + "the user alone: its account is denied", {"NotPrincipal": {"AWS": ALICE["arn"]}}, {}, True),
    (NOT_PRINCIPAL + "the account alone: its users are denied", {"NotPrincipal": {"AWS": root_arn(OURS)}}, {}, True),
    (NOT_PRINCIPAL + "another user", {"NotPrincipal": {"AWS": [ALICE["arn"], root_arn(OURS)]}}, {"caller": BOB}, True),
    (NOT_PRINCIPAL + "another account's user", {"NotPrincipal": {"AWS": [ALICE["arn"], root_arn(OURS)]}}, {"caller": FRED}, True),
    (NOT_PRINCIPAL + "the root user is its account", {"NotPrincipal": {"AWS": root_arn(OURS)}}, {"caller": ROOT}, False),
    (NOT_PRINCIPAL + "the root user is its account", {"NotPrincipal": {"AWS": root_arn(THEIRS)}}, {"caller": ROOT}, True),
    (NOT_PRINCIPAL + "a session, its role and account",
        {"NotPrincipal": {"AWS": [READER["arn"], READER["role_arn"], root_arn(OURS)]}}, {"caller": READER}, False),
    (NOT_PRINCIPAL + "a role and its account", {"NotPrincipal": {"AWS": [READER["role_arn"], root_arn(OURS)]}}, {"caller": READER}, False),
    (NOT_PRINCIPAL + "a role without its account", {"NotPrincipal": {"AWS": READER["role_arn"]}}, {"caller": READER}, True),
    (NOT_PRINCIPAL + "another role", {"NotPrincipal": {"AWS": [READER["role_arn"], root_arn(OURS)]}}, {"caller": WRITER}, True),
    (NOT_PRINCIPAL + "another account's session", {"NotPrincipal": {"AWS": [READER["role_arn"], root_arn(OURS)]}}, {"caller": GUEST}, True),
    (NOT_PRINCIPAL + "the account in one statement, the user in the other", {"NotPrincipal": {"AWS": [BOB["arn"], root_arn(OURS)]}}, {}, True),
]

# Version and what it changes.
VERSIONS = [
    (VERSION + "2012-10-17 has variables", "2012-10-17", {"StringEquals": {"kms:RequestAlias": "${aws:username}"}},
        {"kms:RequestAlias": "alice", "aws:username": "alice"}, True),
    (VERSION + "2008-10-17 has none: they are text", "2008-10-17", {"StringEquals": {"kms:RequestAlias": "${aws:username}"}},
        {"kms:RequestAlias": "alice", "aws:username": "alice"}, False),
    (VERSION + "2008-10-17 has none: they are text", "2008-10-17", {"StringEquals": {"kms:RequestAlias": "${aws:username}"}},
        {"kms:RequestAlias": "${aws:username}", "aws:username": "alice"}, True),
    (VERSION + "without one it is 2008-10-17", None, {"StringEquals": {"kms:RequestAlias": "${aws:username}"}},
        {"kms:RequestAlias": "${aws:username}", "aws:username": "alice"}, True),
    (VERSION + "2008-10-17 has wild cards", "2008-10-17", {"StringLike": {"kms:RequestAlias": "al*"}}, {"kms:RequestAlias": "alice"}, True),
    (VERSION + "in 2008-10-17 ${*} is text with a wild card", "2008-10-17", {"StringLike": {"kms:RequestAlias": "${*}"}},
        {"kms:RequestAlias": "${abc}"}, True),
]
