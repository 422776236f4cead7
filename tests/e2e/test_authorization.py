"""Who may do what, by boto3 sessions of two accounts: key policies, identity policies, session policies and grants decide about
each of the four data-key operations, across accounts too; and refusals, word by word."""

import itertools
import json
import os
import unittest

import boto3
import botocore.config
import botocore.exceptions
import harness

OURS, THEIRS = harness.ACCOUNT, "111122223333"
POOLS = {spec: 0 for spec in harness.SPECS} | {"ECC_NIST_P256": 16}
OWNER = f"arn:aws:iam::{OURS}:user/admin"
# The four data-key operations: boto3's name, and what it takes.
DATA_KEYS = {
    "GenerateDataKey": ("generate_data_key", {"KeySpec": "AES_256"}),
    "GenerateDataKeyWithoutPlaintext": ("generate_data_key_without_plaintext", {"KeySpec": "AES_256"}),
    "GenerateDataKeyPair": ("generate_data_key_pair", {"KeyPairSpec": "ECC_NIST_P256"}),
    "GenerateDataKeyPairWithoutPlaintext": ("generate_data_key_pair_without_plaintext", {"KeyPairSpec": "ECC_NIST_P256"}),
}
OTHERS = {"DescribeKey": ("describe_key", {}), "Encrypt": ("encrypt", {"Plaintext": b"x"}), "CreateGrant": ("create_grant", {}),
    "ListGrants": ("list_grants", {}), "EnableKey": ("enable_key", {}), "GetKeyPolicy": ("get_key_policy", {"PolicyName": "default"}),
    "ListKeys": ("list_keys", {}), "CreateKey": ("create_key", {}), "Decrypt": ("decrypt", {}), "RetireGrant": ("retire_grant", {}),
    "RevokeGrant": ("revoke_grant", {})}
CALLS = {**DATA_KEYS, **OTHERS}
INACCESSIBLE = ("The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not "
    "allowed to access.")


def statement(effect, action, principal=None, resource="*", **more):
    made = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return made if principal is None else {**made, "Principal": principal if principal == "*" else {"AWS": principal}}


def allow(*arguments, **more):
    return statement("Allow", *arguments, **more)


def deny(*arguments, **more):
    return statement("Deny", *arguments, **more)


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def strict(*statements):
    """A key policy that leaves its account nothing: its owner, and what else it says."""
    return policy(allow("kms:*", OWNER), *statements)


def delegating(*statements):
    return policy(allow("kms:*", f"arn:aws:iam::{OURS}:root"), *statements)


def user_arn(name, account=OURS):
    return f"arn:aws:iam::{account}:user/{name}"


def session_arn(role, name, account=OURS):
    return f"arn:aws:sts::{account}:assumed-role/{role}/{name}"


def role_arn(role, account=OURS):
    return f"arn:aws:iam::{account}:role/{role}"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(pools=POOLS).start()
        cls.addClassCleanup(cls.server.close)
        cls.files = itertools.count()
        cls.owner = cls.client(*cls.owner_keys())
        cls.keys = {}
        cls.make_user("alice")
        cls.make_user("ida", policy(allow(["kms:GenerateDataKey*", "kms:DescribeKey"])))
        cls.make_user("dora", policy(allow("kms:*"), deny("kms:GenerateDataKey*")))
        cls.make_user("fred", policy(allow("kms:*")), account=THEIRS)
        cls.make_user("fiona", account=THEIRS)
        cls.make_root(THEIRS)
        for role, account, trusted in (("Worker", OURS, OURS), ("Guest", THEIRS, THEIRS)):
            cls.keywell("create", "role", role, "--account", account, "--administrator", "--trust",
                cls.file(json.dumps({"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{trusted}:root"}, "Action": "sts:AssumeRole"}]})))
        made = json.loads(cls.keywell("create", "user", "assumer", "--account", THEIRS, "--administrator", "--json"))["AccessKey"]
        cls.keys["assumer"] = (made["AccessKeyId"], made["SecretAccessKey"])

    # ---- principals ----

    @classmethod
    def path(cls, name):
        return os.path.join(cls.server.top, f"{next(cls.files)}-{name}")

    @classmethod
    def file(cls, text):
        path = cls.path("policy")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    @classmethod
    def keywell(cls, *arguments):
        done = harness.run_tool("keywell", "principal", *arguments, "--data", cls.server.data)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments}: {done.stderr}")
        return done.stdout

    @classmethod
    def owner_keys(cls):
        keys = cls.server.credentials()
        return keys.access_key, keys.secret_key

    @classmethod
    def make_user(cls, name, identity=None, account=OURS):
        more = ("--policy", "own=" + cls.file(identity)) if identity else ()
        made = json.loads(cls.keywell("create", "user", name, "--account", account, "--json", *more))["AccessKey"]
        cls.keys[name] = (made["AccessKeyId"], made["SecretAccessKey"])
        return cls.client(*cls.keys[name])

    @classmethod
    def make_root(cls, account):
        made = json.loads(cls.keywell("create", "root", "--account", account, "--json"))["AccessKey"]
        cls.keys["root"] = (made["AccessKeyId"], made["SecretAccessKey"])

    @classmethod
    def client(cls, access_key, secret_key, token=None, service="kms"):
        return boto3.client(service, region_name=harness.REGION, endpoint_url=cls.server.url, aws_access_key_id=access_key,
            aws_secret_access_key=secret_key, aws_session_token=token,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}))

    def user(self, name):
        return self.client(*self.keys[name])

    def assume(self, role, name, session=None, account=OURS):
        by = self.owner_keys() if account == OURS else self.keys["assumer"]
        more = {"Policy": session} if session else {}
        made = self.client(*by, service="sts").assume_role(RoleArn=role_arn(role, account), RoleSessionName=name, **more)["Credentials"]
        return self.client(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    # ---- keys, grants ----

    def key(self, text=None):
        return self.owner.create_key(**({"Policy": text} if text else {}))["KeyMetadata"]["Arn"]

    def set_policy(self, key, text):
        self.owner.put_key_policy(KeyId=key, PolicyName="default", Policy=text)

    def grant(self, key, grantee, *operations, by=None, **more):
        return (by or self.owner).create_grant(KeyId=key, GranteePrincipal=grantee, Operations=list(operations), **more)

    # ---- calls ----

    def call(self, who, operation, key=None, **members):
        method, own = CALLS[operation]
        which = {} if key is None else {"KeyId": key}
        return getattr(who, method)(**{**own, **which, **members})

    def refused(self, who, operation, message, key=None, error="AccessDeniedException", **members):
        with self.assertRaises(botocore.exceptions.ClientError, msg=f"{operation} was not refused") as raised:
            self.call(who, operation, key, **members)
        self.assertEqual(raised.exception.response["Error"], {"Code": error, "Message": message})
        self.assertEqual(raised.exception.response["ResponseMetadata"]["HTTPStatusCode"], 400)

    def not_allowed(self, who, arn, operation, key, by, **members):
        self.refused(who, operation, f"User: {arn} is not authorized to perform: kms:{operation} on resource: {key} because no {by} "
            f"policy allows the kms:{operation} action", key, **members)

    def denied(self, who, arn, operation, key, by, **members):
        self.refused(who, operation, f"User: {arn} is not authorized to perform: kms:{operation} on resource: {key} with an explicit "
            f"deny in {by} policy", key, **members)

    def not_shared(self, who, arn, operation, key, **members):
        self.refused(who, operation, f"User: {arn} is not authorized to perform: kms:{operation} on this resource because the resource "
            "does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
            key, **members)

    def each(self, allowed, may, may_not):
        """Of the four operations, those that are allowed and the others."""
        for operation in DATA_KEYS:
            with self.subTest(operation=operation):
                (may if operation in allowed else may_not)(operation)


class OneAccount(Case):
    def test_key_policy(self):
        alice, arn = self.user("alice"), user_arn("alice")
        key = self.key(strict())
        self.each((), None, lambda operation: self.not_allowed(alice, arn, operation, key, "resource-based"))
        for allowed in DATA_KEYS:
            self.set_policy(key, strict(allow(f"kms:{allowed}", arn)))
            self.each((allowed,), lambda operation: self.call(alice, operation, key),
                lambda operation: self.not_allowed(alice, arn, operation, key, "resource-based"))
        self.set_policy(key, strict(allow("kms:GenerateDataKey*WithoutPlaintext", arn)))
        self.each([operation for operation in DATA_KEYS if "Without" in operation], lambda operation: self.call(alice, operation, key),
            lambda operation: self.not_allowed(alice, arn, operation, key, "resource-based"))

    def test_identity_policy(self):
        key, closed = self.key(), self.key(strict())
        for allowed in DATA_KEYS:
            name = f"only-{allowed}"
            who, arn = self.make_user(name, policy(allow(f"kms:{allowed}"))), user_arn(name)
            self.each((allowed,), lambda operation: self.call(who, operation, key),  # noqa: B023
                lambda operation: self.not_allowed(who, arn, operation, key, "identity-based"))  # noqa: B023
            # The key policy does not delegate: identity policies have no effect.
            self.not_allowed(who, arn, allowed, closed, "resource-based")
        one = self.make_user("only-one", policy(allow("kms:*", resource=key)))
        self.call(one, "GenerateDataKey", key)
        self.not_allowed(one, user_arn("only-one"), "GenerateDataKey", self.key(), "identity-based")
        self.refused(one, "ListKeys", f"User: {user_arn('only-one')} is not authorized to perform: kms:ListKeys on resource: * because no "
            "identity-based policy allows the kms:ListKeys action")

    def test_grant(self):
        alice, arn = self.user("alice"), user_arn("alice")
        key = self.key(strict())
        for allowed in DATA_KEYS:
            grant = self.grant(key, arn, allowed)
            self.each((allowed,), lambda operation: self.call(alice, operation, key),
                lambda operation: self.not_allowed(alice, arn, operation, key, "resource-based"))
            # With its token, too; and it does not help others.
            self.call(alice, allowed, key, GrantTokens=[grant["GrantToken"]])
            self.not_allowed(self.user("ida"), user_arn("ida"), allowed, key, "resource-based", GrantTokens=[grant["GrantToken"]])
            self.owner.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
            self.not_allowed(alice, arn, allowed, key, "resource-based", GrantTokens=[grant["GrantToken"]])

    def test_grant_constraints(self):
        alice, arn = self.user("alice"), user_arn("alice")
        key = self.key(strict())
        pairs = {"Tenant": "blue", "purpose": "x"}
        contexts = (pairs, {"TENANT": "blue", "Purpose": "x"}, {"Tenant": "Blue", "purpose": "x"}, {"Tenant": "blue"}, {},
            {**pairs, "more": "y"})
        for constraint, good in (("EncryptionContextEquals", (0, 1)), ("EncryptionContextSubset", (0, 1, 5))):
            grant = self.grant(key, arn, *DATA_KEYS, Constraints={constraint: pairs})
            for operation, (number, context) in itertools.product(DATA_KEYS, enumerate(contexts)):
                with self.subTest(constraint=constraint, operation=operation, context=context):
                    if number in good:
                        self.call(alice, operation, key, EncryptionContext=context)
                    else:
                        self.not_allowed(alice, arn, operation, key, "resource-based", EncryptionContext=context,
                            GrantTokens=[grant["GrantToken"]])
            self.owner.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
        # DescribeKey has no context: constraints do not matter.
        self.grant(key, arn, "DescribeKey", Constraints={"EncryptionContextEquals": pairs})
        self.call(alice, "DescribeKey", key)

    def test_explicit_denies(self):
        alice, arn = self.user("alice"), user_arn("alice")
        key = self.key(strict())
        self.grant(key, arn, *DATA_KEYS)
        self.grant(key, user_arn("dora"), *DATA_KEYS)
        self.set_policy(key, strict(allow("kms:*", arn), deny("kms:GenerateDataKeyPair", "*")))
        for operation in DATA_KEYS:
            if operation == "GenerateDataKeyPair":
                self.denied(alice, arn, operation, key, "a resource-based")
                self.denied(self.owner, OWNER, operation, key, "a resource-based")
            else:
                self.call(alice, operation, key)
                self.denied(self.user("dora"), user_arn("dora"), operation, key, "an identity-based")

    def test_not_principal(self):
        key = self.key(delegating({"Effect": "Deny", "NotPrincipal": {"AWS": [user_arn("ida"), OWNER, f"arn:aws:iam::{OURS}:root"]},
            "Action": "kms:Generate*", "Resource": "*"}))
        self.call(self.user("ida"), "GenerateDataKey", key)
        self.call(self.owner, "GenerateDataKey", key)
        self.denied(self.user("alice"), user_arn("alice"), "GenerateDataKey", key, "a resource-based")

    def test_child_grants(self):
        alice, ida = self.user("alice"), self.user("ida")
        key = self.key(strict())
        subset = {"EncryptionContextSubset": {"tenant": "blue"}}
        self.grant(key, user_arn("alice"), "CreateGrant", "GenerateDataKey", "DescribeKey", Constraints=subset)
        child = self.grant(key, user_arn("ida"), "GenerateDataKey", by=alice,
            Constraints={"EncryptionContextSubset": {"Tenant": "blue", "x": "y"}})
        good = {"EncryptionContext": {"tenant": "blue", "x": "y"}}
        self.call(ida, "GenerateDataKey", key, GrantTokens=[child["GrantToken"]], **good)
        self.not_allowed(ida, user_arn("ida"), "GenerateDataKey", key, "resource-based", EncryptionContext={"tenant": "blue"})
        for operations, constraints in ((["GenerateDataKey"], {}), (["GenerateDataKey"], {"EncryptionContextSubset": {"tenant": "red"}}),
                (["GenerateDataKeyPair"], subset), (["GenerateDataKey", "Decrypt"], subset)):
            self.not_allowed(alice, user_arn("alice"), "CreateGrant", key, "resource-based", GranteePrincipal=user_arn("ida"),
                Operations=operations, Constraints=constraints)
        # ida's has no CreateGrant, so it goes no further.
        self.not_allowed(ida, user_arn("ida"), "CreateGrant", key, "resource-based", GranteePrincipal=user_arn("alice"),
            Operations=["GenerateDataKey"], Constraints={"EncryptionContextSubset": {"Tenant": "blue", "x": "y"}})
        # A child outlives its parent's end.
        parent, = (one["GrantId"] for one in self.owner.list_grants(KeyId=key)["Grants"] if "CreateGrant" in one["Operations"])
        self.owner.revoke_grant(KeyId=key, GrantId=parent)
        self.call(ida, "GenerateDataKey", key, **good)

    def test_conditions(self):
        alice, arn = self.user("alice"), user_arn("alice")

        def key_if(**condition):
            return self.key(strict(allow("kms:GenerateDataKey*", arn, Condition=condition)))

        key = key_if(StringEquals={"kms:EncryptionContext:Tenant": ["blue", "red"]})
        self.call(alice, "GenerateDataKeyPairWithoutPlaintext", key, EncryptionContext={"tenant": "red"})
        for context in ({}, {"tenant": "Red"}, {"x": "red"}):
            self.not_allowed(alice, arn, "GenerateDataKeyPairWithoutPlaintext", key, "resource-based", EncryptionContext=context)
        key = key_if(**{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["a", "b"]}})
        self.call(alice, "GenerateDataKey", key, EncryptionContext={"a": "1", "b": "2"})
        self.call(alice, "GenerateDataKey", key)
        self.not_allowed(alice, arn, "GenerateDataKey", key, "resource-based", EncryptionContext={"a": "1", "B": "2"})
        key = key_if(StringLike={"kms:DataKeyPairSpec": "ECC_*"})
        self.call(alice, "GenerateDataKeyPair", key)
        self.not_allowed(alice, arn, "GenerateDataKeyPair", key, "resource-based", KeyPairSpec="RSA_2048")
        self.not_allowed(alice, arn, "GenerateDataKey", key, "resource-based")
        key = key_if(StringEquals={"kms:RequestAlias": "alias/for-alice"})
        self.owner.create_alias(AliasName="alias/for-alice", TargetKeyId=key)
        self.call(alice, "GenerateDataKey", "alias/for-alice")
        self.not_allowed(alice, arn, "GenerateDataKey", key, "resource-based")
        key = key_if(Bool={"aws:SecureTransport": "true"})
        self.not_allowed(alice, arn, "GenerateDataKey", key, "resource-based")
        key = key_if(IpAddress={"aws:SourceIp": "127.0.0.0/8"}, StringEquals={"kms:CallerAccount": OURS, "aws:username": "alice"})
        self.call(alice, "GenerateDataKey", key)
        key = key_if(StringEquals={"kms:NoSuchKey": "x"})
        self.not_allowed(alice, arn, "GenerateDataKey", key, "resource-based")

    def test_retire_and_revoke(self):
        alice, ida = self.user("alice"), self.user("ida")
        key = self.key(strict())
        grant = self.grant(key, user_arn("ida"), "GenerateDataKey", RetiringPrincipal=user_arn("alice"))
        which = {"GrantId": grant["GrantId"]}
        self.not_allowed(ida, user_arn("ida"), "RetireGrant", key, "resource-based", **which)
        self.not_allowed(alice, user_arn("alice"), "RevokeGrant", key, "resource-based", **which)
        self.call(alice, "RetireGrant", GrantToken=grant["GrantToken"])
        self.not_allowed(ida, user_arn("ida"), "GenerateDataKey", key, "resource-based")
        grant = self.grant(key, user_arn("ida"), "GenerateDataKey", "RetireGrant")
        self.call(ida, "GenerateDataKey", key)
        self.call(ida, "RetireGrant", key, GrantId=grant["GrantId"])
        self.not_allowed(ida, user_arn("ida"), "GenerateDataKey", key, "resource-based")

    def test_no_administrator_by_nature(self):
        alice = self.user("alice")
        for operation in ("CreateKey", "ListKeys"):
            self.refused(alice, operation, f"User: {user_arn('alice')} is not authorized to perform: kms:{operation} on resource: * because "
                f"no identity-based policy allows the kms:{operation} action")
        key = self.key(policy(allow("kms:*", user_arn("alice")), allow("kms:PutKeyPolicy", OWNER)))
        self.not_allowed(self.owner, OWNER, "GenerateDataKey", key, "resource-based")
        self.call(alice, "EnableKey", key)


class Sessions(Case):
    def test_role(self):
        arn = session_arn("Worker", "run-1")
        key = self.key(strict(allow("kms:GenerateDataKey*", role_arn("Worker"))))
        self.each(DATA_KEYS, lambda operation: self.call(self.assume("Worker", "run-1"), operation, key), None)
        self.not_allowed(self.assume("Worker", "run-1"), arn, "Encrypt", key, "resource-based")

    def test_session_policy(self):
        for allowed in DATA_KEYS:
            arn, who = session_arn("Worker", "run-2"), self.assume("Worker", "run-2", policy(allow(f"kms:{allowed}")))
            # A statement for the account or for the role is within it; one for the session is not.
            for key in (self.key(), self.key(strict(allow("kms:*", role_arn("Worker"))))):
                self.each((allowed,), lambda operation: self.call(who, operation, key),  # noqa: B023
                    lambda operation: self.not_allowed(who, arn, operation, key, "session"))  # noqa: B023
            key = self.key(strict(allow("kms:*", arn)))
            self.each(DATA_KEYS, lambda operation: self.call(who, operation, key), None)  # noqa: B023

    def test_session_policy_and_everyone(self):
        """A statement for everyone, narrowed to the role by a condition, is about the session itself: its policy does not limit it,
        but denies."""
        narrowed = {"Condition": {"ArnEquals": {"aws:PrincipalArn": role_arn("Worker")}}}
        key = self.key(strict(allow("kms:GenerateDataKey", "*", **narrowed)))
        self.call(self.assume("Worker", "run-6", policy(allow("kms:ListKeys"))), "GenerateDataKey", key)
        self.not_allowed(self.user("alice"), user_arn("alice"), "GenerateDataKey", key, "resource-based")
        denied = self.assume("Worker", "run-7", policy(allow("kms:*"), deny("kms:GenerateDataKey")))
        self.denied(denied, session_arn("Worker", "run-7"), "GenerateDataKey", key, "a session")

    def test_session_policy_and_grants(self):
        who, arn = self.assume("Worker", "run-3", policy(allow("kms:GenerateDataKey"))), session_arn("Worker", "run-3")
        key = self.key(strict())
        self.not_allowed(who, arn, "GenerateDataKey", key, "resource-based")
        self.grant(key, role_arn("Worker"), *DATA_KEYS)
        self.each(("GenerateDataKey",), lambda operation: self.call(who, operation, key),
            lambda operation: self.not_allowed(who, arn, operation, key, "session"))
        self.grant(key, arn, *DATA_KEYS)
        self.each(DATA_KEYS, lambda operation: self.call(who, operation, key), None)
        self.not_allowed(self.assume("Worker", "run-4", policy(allow("kms:ListKeys"))), session_arn("Worker", "run-4"), "GenerateDataKey",
            key, "session")

    def test_session_policy_and_retiring(self):
        who, arn = self.assume("Worker", "run-6", policy(allow("kms:GenerateDataKey"))), session_arn("Worker", "run-6")
        may = self.assume("Worker", "run-7", policy(allow("kms:RetireGrant")))
        key = self.key(strict())
        for more in ({"RetiringPrincipal": role_arn("Worker")}, {}):
            grantee, operations = (user_arn("alice"), ["Encrypt"]) if more else (role_arn("Worker"), ["Encrypt", "RetireGrant"])
            grant = self.grant(key, grantee, *operations, **more)
            self.not_allowed(who, arn, "RetireGrant", key, "resource-based", GrantId=grant["GrantId"])
            self.call(may, "RetireGrant", GrantToken=grant["GrantToken"])
        grant = self.grant(key, user_arn("alice"), "Encrypt", RetiringPrincipal=arn)
        self.call(who, "RetireGrant", key, GrantId=grant["GrantId"])

    def test_session_policy_denies(self):
        who, arn = self.assume("Worker", "run-5", policy(allow("kms:*"), deny("kms:GenerateDataKeyPair*"))), session_arn("Worker", "run-5")
        for key in (self.key(), self.key(strict(allow("kms:*", arn)))):
            self.each(("GenerateDataKey", "GenerateDataKeyWithoutPlaintext"), lambda operation: self.call(who, operation, key),  # noqa: B023
                lambda operation: self.denied(who, arn, operation, key, "a session"))  # noqa: B023

    def test_other_account(self):
        who, arn = self.assume("Guest", "visit", policy(allow("kms:GenerateDataKey")), THEIRS), session_arn("Guest", "visit", THEIRS)
        key = self.key(delegating(allow("kms:*", [role_arn("Guest", THEIRS), arn])))
        self.each(("GenerateDataKey",), lambda operation: self.call(who, operation, key),
            lambda operation: self.not_allowed(who, arn, operation, key, "session"))


class TwoAccounts(Case):
    def test_both_sides(self):
        fred, fiona = self.user("fred"), self.user("fiona")
        key = self.key()
        for operation in DATA_KEYS:
            with self.subTest(operation=operation):
                self.set_policy(key, delegating())
                self.not_shared(fred, user_arn("fred", THEIRS), operation, key)
                self.not_shared(fiona, user_arn("fiona", THEIRS), operation, key)
                for principal in (THEIRS, [user_arn("fred", THEIRS), user_arn("fiona", THEIRS)]):
                    self.set_policy(key, delegating(allow(f"kms:{operation}", principal)))
                    self.call(fred, operation, key)
                    self.not_allowed(fiona, user_arn("fiona", THEIRS), operation, key, "identity-based")
        self.set_policy(key, delegating(allow("kms:*", THEIRS)))
        self.call(self.user("root"), "GenerateDataKey", key)
        self.set_policy(key, delegating(allow("kms:*", "*"), deny("kms:*", user_arn("fred", THEIRS))))
        self.not_shared(fred, user_arn("fred", THEIRS), "GenerateDataKey", key)

    def test_grants(self):
        fiona, arn = self.user("fiona"), user_arn("fiona", THEIRS)
        key = self.key(strict())
        for allowed in DATA_KEYS:
            grant = self.grant(key, arn, allowed, Constraints={"EncryptionContextSubset": {"a": "1"}})
            context = {"EncryptionContext": {"A": "1", "b": "2"}}
            self.each((allowed,), lambda operation: self.call(fiona, operation, key, **context),  # noqa: B023
                lambda operation: self.not_shared(fiona, arn, operation, key, **context))  # noqa: B023
            self.not_shared(fiona, arn, allowed, key, EncryptionContext={"A": "2"}, GrantTokens=[grant["GrantToken"]])
            self.owner.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
            self.not_shared(fiona, arn, allowed, key, **context)

    def test_child_grants(self):
        fiona, fred = self.user("fiona"), self.user("fred")
        key = self.key(strict())
        self.grant(key, user_arn("fiona", THEIRS), "CreateGrant", "GenerateDataKeyPairWithoutPlaintext")
        self.grant(key, user_arn("fred", THEIRS), "GenerateDataKeyPairWithoutPlaintext", by=fiona)
        self.call(fred, "GenerateDataKeyPairWithoutPlaintext", key)
        self.not_shared(fiona, user_arn("fiona", THEIRS), "CreateGrant", key, GranteePrincipal=user_arn("fred", THEIRS),
            Operations=["GenerateDataKey"])

    def test_grant_to_account(self):
        key = self.key(strict())
        self.grant(key, f"arn:aws:iam::{THEIRS}:root", "GenerateDataKey")
        self.call(self.user("fred"), "GenerateDataKey", key)
        self.call(self.user("root"), "GenerateDataKey", key)
        self.not_allowed(self.user("fiona"), user_arn("fiona", THEIRS), "GenerateDataKey", key, "identity-based")

    def test_what_is_not_there(self):
        """A key that does not exist there, and one that is not shared: the same words."""
        fred, arn = self.user("fred"), user_arn("fred", THEIRS)
        key = self.key()
        missing = key[:-12] + "000000000000"
        for operation in DATA_KEYS:
            self.not_shared(fred, arn, operation, key)
            self.not_shared(fred, arn, operation, missing)
        self.not_shared(fred, arn, "DescribeKey", missing)
        self.not_shared(fred, arn, "GenerateDataKey", f"arn:aws:kms:{harness.REGION}:{OURS}:alias/not-there")

    def test_one_account_only(self):
        fred, arn = self.user("fred"), user_arn("fred", THEIRS)
        key = self.key(delegating(allow("kms:*", THEIRS)))
        for operation in ("EnableKey", "GetKeyPolicy"):
            self.not_shared(fred, arn, operation, key)
        self.call(fred, "DescribeKey", key)
        self.call(fred, "ListGrants", key)

    def test_decrypt(self):
        fred, arn = self.user("fred"), user_arn("fred", THEIRS)
        key = self.key()
        blob = self.owner.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P256")["PrivateKeyCiphertextBlob"]
        self.refused(fred, "Decrypt", INACCESSIBLE, CiphertextBlob=blob)
        self.not_shared(fred, arn, "Decrypt", key, CiphertextBlob=blob)
        self.set_policy(key, delegating(allow("kms:Decrypt", THEIRS)))
        self.assertTrue(fred.decrypt(CiphertextBlob=blob)["Plaintext"])
        self.not_allowed(self.user("fiona"), user_arn("fiona", THEIRS), "Decrypt", key, "identity-based", CiphertextBlob=blob)
        self.grant(key, user_arn("fiona", THEIRS), "Decrypt")
        self.assertTrue(self.user("fiona").decrypt(CiphertextBlob=blob)["Plaintext"])


class Crash(Case):
    def test_kill_between_grant_and_use(self):
        alice, arn = self.user("alice"), user_arn("alice")
        key = self.key(strict())
        for operation in DATA_KEYS:
            with self.subTest(operation=operation):
                self.not_allowed(self.user("alice"), arn, operation, key, "resource-based")
                grant = self.grant(key, arn, operation, Constraints={"EncryptionContextEquals": {"a": "1"}})
                self.server.kill()
                self.server.start()
                type(self).owner = self.client(*self.owner_keys())
                alice = self.user("alice")
                self.call(alice, operation, key, EncryptionContext={"a": "1"}, GrantTokens=[grant["GrantToken"]])
                self.call(alice, operation, key, EncryptionContext={"A": "1"})
                self.not_allowed(alice, arn, operation, key, "resource-based", EncryptionContext={"a": "2"})
                self.owner.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
                self.server.kill()
                self.server.start()
                type(self).owner = self.client(*self.owner_keys())
                self.not_allowed(self.user("alice"), arn, operation, key, "resource-based", EncryptionContext={"a": "1"})


if __name__ == "__main__":
    unittest.main()
