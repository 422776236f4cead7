"""Grants: made once, listed in pages, retired and revoked, kept over a restart; and what is refused."""

import json
import re
import unittest

import harness

ROOT = f"arn:aws:iam::{harness.ACCOUNT}:root"
USER = f"arn:aws:iam::{harness.ACCOUNT}:user/admin"
ROLE = "arn:aws:iam::111122223333:role/service/Reader"
OWN_ROLE = f"arn:aws:iam::{harness.ACCOUNT}:role/service/Keeper"
POOLS = {spec: 2 for spec in harness.SPECS} | {"RSA_3072": 0, "RSA_4096": 0}
COMMON = {"CreateGrant", "RetireGrant", "DescribeKey"}
OPERATIONS = {"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "Sign",
    "Verify", "GetPublicKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateMac", "VerifyMac",
    "DeriveSharedSecret"} | COMMON
# What a grant may allow, by the kind of its key.
KINDS = (
    ({}, {"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
        "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"}),
    ({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}, {"GenerateMac", "VerifyMac"}),
    ({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}, {"Sign", "Verify", "GetPublicKey"}),
    ({"KeySpec": "ECC_NIST_P384", "KeyUsage": "KEY_AGREEMENT"}, {"DeriveSharedSecret", "GetPublicKey"}),
    ({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}, {"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"}),
)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(pools=POOLS).start()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        self.key = self.new_key()

    def new_key(self, **members):
        return self.server.call("CreateKey", members).json["KeyMetadata"]

    def ok(self, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual(answer.status, 200, answer)
        return answer.json if answer.body else {}

    def refused(self, error, message, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual((answer.status, answer.error), (400, error), answer)
        if message is None or isinstance(message, str):
            self.assertEqual(answer.message, message)
        else:
            self.assertRegex(answer.message, message)

    def create(self, **members):
        return self.ok("CreateGrant", **{"KeyId": self.key["KeyId"], "GranteePrincipal": USER, "Operations": ["Encrypt"], **members})

    def create_refused(self, error, message, **members):
        self.refused(error, message, "CreateGrant",
            **{"KeyId": self.key["KeyId"], "GranteePrincipal": USER, "Operations": ["Encrypt"], **members})

    def listed(self, **members):
        return self.ok("ListGrants", **{"KeyId": self.key["KeyId"], **members})["Grants"]


class Grants(Case):
    def test_all_members(self):
        constraints = {"EncryptionContextEquals": {"b": "2", "a": "Grüße"}, "EncryptionContextSubset": {}}
        grant = self.create(KeyId=self.key["Arn"], GranteePrincipal=ROLE, RetiringPrincipal=ROOT, Name="a/name:of-it_1",
            Operations=["DescribeKey", "Encrypt", "Decrypt", "Encrypt"], Constraints=constraints)
        self.assertEqual(set(grant), {"GrantId", "GrantToken"})
        self.assertRegex(grant["GrantId"], r"^[0-9a-f]{64}$")
        self.assertRegex(grant["GrantToken"], r"^[A-Za-z0-9_-]{100,200}$")
        entry, = self.listed()
        self.assertIsInstance(entry.pop("CreationDate"), float)
        self.assertEqual(entry, {"KeyId": self.key["Arn"], "GrantId": grant["GrantId"], "Name": "a/name:of-it_1",
            "GranteePrincipal": ROLE, "RetiringPrincipal": ROOT, "IssuingAccount": ROOT,
            "Operations": ["Decrypt", "Encrypt", "DescribeKey"], "Constraints": constraints})

    def test_absent_members(self):
        self.create()
        entry, = self.listed()
        self.assertEqual(entry["Name"], "")
        self.assertEqual(set(entry), {"KeyId", "GrantId", "Name", "CreationDate", "GranteePrincipal", "IssuingAccount", "Operations"})
        self.create(Constraints={}, Name="n")
        self.assertFalse([entry for entry in self.listed() if "Constraints" in entry])

    def test_same_name(self):
        asked = {"Name": "once", "RetiringPrincipal": ROOT, "Operations": ["Encrypt", "Decrypt"],
            "Constraints": {"EncryptionContextSubset": {"a": "1", "b": "2"}}}
        first = self.create(**asked)
        again = self.create(**{**asked, "Operations": ["Decrypt", "Encrypt"],
            "Constraints": {"EncryptionContextSubset": {"b": "2", "a": "1"}}})
        self.assertEqual(first["GrantId"], again["GrantId"])
        self.assertNotEqual(first["GrantToken"], again["GrantToken"])
        others = ({"GranteePrincipal": ROLE}, {"RetiringPrincipal": USER}, {"Operations": ["Encrypt"]}, {"Constraints": {}},
            {"Constraints": {"EncryptionContextEquals": {"a": "1", "b": "2"}}}, {"Name": "twice"})
        ids = {first["GrantId"]} | {self.create(**{**asked, **other})["GrantId"] for other in others}
        self.assertEqual(len(ids), 1 + len(others))
        self.assertEqual(len(self.listed()), 1 + len(others))
        # Either token retires it; then the name makes another.
        self.ok("RetireGrant", GrantToken=first["GrantToken"])
        self.refused("NotFoundException", f"Grant ID {first['GrantId']} not found", "RetireGrant", GrantToken=again["GrantToken"])
        self.assertNotEqual(self.create(**asked)["GrantId"], first["GrantId"])

    def test_without_name_each_is_another(self):
        self.assertNotEqual(self.create()["GrantId"], self.create()["GrantId"])
        self.assertEqual(len(self.listed()), 2)

    def test_principals(self):
        for good in ("111122223333", "arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:assumed-role/r/session",
                "arn:aws:sts::111122223333:federated-user/bob", "autoscaling.amazonaws.com", USER, ROLE):
            with self.subTest(good=good):
                self.assertEqual(self.listed(GrantId=self.create(GranteePrincipal=good)["GrantId"])[0]["GranteePrincipal"], good)
        for bad in ("alice", "arn:aws:iam::111122223333:group/g", "arn:aws:iam::1111:root", "arn:aws-cn:iam::111122223333:root",
                self.key["Arn"], "example.com", "AROADBQP57FF2AEXAMPLE"):
            with self.subTest(bad=bad):
                message = f"ARN does not refer to a valid principal: {bad}"
                self.create_refused("InvalidArnException", message, GranteePrincipal=bad)
                self.create_refused("InvalidArnException", message, RetiringPrincipal=bad)
                self.refused("InvalidArnException", message, "ListRetirableGrants", RetiringPrincipal=bad)
        self.create_refused("ValidationException", re.compile("Value 'a\\*' at 'granteePrincipal' failed"), GranteePrincipal="a*")

    def test_operations_by_kind_of_key(self):
        for members, allowed in KINDS:
            self.key = self.new_key(**members)
            for operation in sorted(OPERATIONS - {"CreateGrant"}):
                with self.subTest(**members, operation=operation):
                    if operation in allowed | COMMON:
                        self.create(Operations=[operation, "DescribeKey"])
                    else:
                        self.create_refused("ValidationException", re.compile(f"^Operation {operation} is not valid"),
                            Operations=["DescribeKey", operation])
            self.create(Operations=sorted(allowed | COMMON))

    def test_operations_refused(self):
        alone = "Grants must not contain only the CreateGrant operation."
        self.create_refused("ValidationException", alone, Operations=["CreateGrant"])
        self.create_refused("ValidationException", alone, Operations=["CreateGrant", "CreateGrant"])
        self.create(Operations=["CreateGrant", "Encrypt"])
        self.create_refused("ValidationException", re.compile("at least one"), Operations=[])
        self.create_refused("ValidationException", re.compile("Value '\\[Encrypt, Foo\\]' at 'operations' failed"), Operations=["Encrypt", "Foo"])

    def test_constraints(self):
        for name in ("EncryptionContextEquals", "EncryptionContextSubset"):
            with self.subTest(name=name):
                self.create(Constraints={name: {str(n): "x" for n in range(8)}})
                self.create_refused("ValidationException", re.compile("more than 8"), Constraints={name: {str(n): "x" for n in range(9)}})
                self.create(Constraints={name: {"k": "ü" * 384}})
                self.create_refused("ValidationException", re.compile("384"), Constraints={name: {"k": "x" * 385}})
                self.create_refused("ValidationException", re.compile("384"), Constraints={name: {"k" * 385: "x"}})
                self.create_refused("ValidationException", re.compile("NUL"), Constraints={name: {"k": "a\0b"}})
        for members, allowed in KINDS[1:3]:
            self.key = self.new_key(**members)
            self.create_refused("ValidationException", re.compile("not supported"), Operations=sorted(allowed),
                Constraints={"EncryptionContextEquals": {"a": "b"}})

    def test_dry_run(self):
        message = "The request would have succeeded, but the DryRun option is set."
        self.create_refused("DryRunOperationException", message, DryRun=True)
        self.assertEqual(self.listed(), [])
        self.create_refused("InvalidArnException", "ARN does not refer to a valid principal: x", GranteePrincipal="x", DryRun=True)
        grant = self.create(DryRun=False)
        which = {"KeyId": self.key["KeyId"], "GrantId": grant["GrantId"]}
        self.refused("DryRunOperationException", message, "RevokeGrant", **which, DryRun=True)
        self.refused("DryRunOperationException", message, "RetireGrant", **which, DryRun=True)
        self.refused("DryRunOperationException", message, "RetireGrant", GrantToken=grant["GrantToken"], DryRun=True)
        self.refused("NotFoundException", f"Grant ID {'0' * 64} not found", "RevokeGrant", KeyId=self.key["KeyId"], GrantId="0" * 64, DryRun=True)
        self.assertEqual(len(self.listed()), 1)

    def test_grant_tokens(self):
        grant = self.create()
        self.create(GrantTokens=[grant["GrantToken"]])
        foreign = grant["GrantToken"][:-1] + ("A" if grant["GrantToken"][-1] != "A" else "B")
        for bad in (foreign, grant["GrantToken"][:-4], "x"):
            self.create_refused("InvalidGrantTokenException", None, GrantTokens=[grant["GrantToken"], bad])
            self.refused("InvalidGrantTokenException", None, "RetireGrant", GrantToken=bad)
        self.ok("RevokeGrant", KeyId=self.key["KeyId"], GrantId=grant["GrantId"])
        # The token of a grant that is gone is still one of ours: it allows nothing, and does no harm.
        self.create(GrantTokens=[grant["GrantToken"]])

    def test_retire(self):
        for by in (lambda grant: {"GrantToken": grant["GrantToken"]},
                lambda grant: {"KeyId": self.key["KeyId"], "GrantId": grant["GrantId"]},
                lambda grant: {"KeyId": self.key["Arn"], "GrantId": grant["GrantId"]}):
            grant, rest = self.create(), self.create()
            self.assertEqual(self.ok("RetireGrant", **by(grant)), {})
            self.assertEqual([entry["GrantId"] for entry in self.listed()], [rest["GrantId"]])
            self.refused("NotFoundException", f"Grant ID {grant['GrantId']} not found", "RetireGrant", **by(grant))
            self.ok("RevokeGrant", KeyId=self.key["KeyId"], GrantId=rest["GrantId"])

    def test_retirable_of_own_account(self):
        """Who of another account may retire what is not told, though the grant is on a key of one's own."""
        self.create(RetiringPrincipal=ROLE)
        for theirs in (ROLE, "111122223333", "arn:aws:iam::111122223333:root"):
            self.refused("AccessDeniedException", re.compile("kms:ListRetirableGrants on this resource because the resource does not exist"),
                "ListRetirableGrants", RetiringPrincipal=theirs)
        service = "autoscaling.amazonaws.com"
        grant = self.create(RetiringPrincipal=service)
        self.assertIn(grant["GrantId"], [entry["GrantId"] for entry in self.ok("ListRetirableGrants", RetiringPrincipal=service)["Grants"]])

    def test_retire_what(self):
        grant = self.create()
        token, which = {"GrantToken": grant["GrantToken"]}, {"KeyId": self.key["KeyId"], "GrantId": grant["GrantId"]}
        for members in ({}, {"KeyId": self.key["KeyId"]}, {"GrantId": grant["GrantId"]}, {**token, **which}):
            self.refused("ValidationException", re.compile("either a grant token, or both"), "RetireGrant", **members)
        self.refused("InvalidArnException", "Key Aliases are not supported for this operation.", "RetireGrant",
            **{**which, "KeyId": "alias/x"})
        other = self.new_key()
        self.refused("NotFoundException", f"Grant ID {grant['GrantId']} not found", "RetireGrant", **{**which, "KeyId": other["KeyId"]})
        self.assertEqual(len(self.listed()), 1)

    def test_revoke(self):
        grant = self.create()
        self.assertEqual(self.ok("RevokeGrant", KeyId=self.key["KeyId"], GrantId=grant["GrantId"]), {})
        self.assertEqual(self.listed(), [])
        self.refused("NotFoundException", f"Grant ID {grant['GrantId']} not found", "RevokeGrant", KeyId=self.key["KeyId"],
            GrantId=grant["GrantId"])
        for bad in ("x", grant["GrantId"][:-1], grant["GrantId"] + "0", "A" * 64):
            self.refused("InvalidGrantIdException", f"Invalid grantId '{bad}'", "RevokeGrant", KeyId=self.key["KeyId"], GrantId=bad)
            self.refused("InvalidGrantIdException", f"Invalid grantId '{bad}'", "ListGrants", KeyId=self.key["KeyId"], GrantId=bad)

    def test_filters(self):
        mine, theirs = self.create(), self.create(GranteePrincipal=ROLE)
        for filters, found in (({"GrantId": mine["GrantId"]}, [mine]), ({"GranteePrincipal": ROLE}, [theirs]),
                ({"GrantId": mine["GrantId"], "GranteePrincipal": USER}, [mine]), ({"GrantId": mine["GrantId"], "GranteePrincipal": ROLE}, []),
                ({"GrantId": "0" * 64}, []), ({"GranteePrincipal": USER.upper()}, [])):
            with self.subTest(**filters):
                answer = self.ok("ListGrants", KeyId=self.key["KeyId"], **filters)
                self.assertEqual(([entry["GrantId"] for entry in answer["Grants"]], answer["Truncated"]),
                    ([grant["GrantId"] for grant in found], False))

    def test_bad_marker(self):
        grant = self.create()
        for more in ({}, {"GrantId": grant["GrantId"]}, {"GranteePrincipal": USER}):
            self.refused("InvalidMarkerException", "The marker is not valid.", "ListGrants", KeyId=self.key["KeyId"], Marker="none", **more)

    def pages(self, operation, limit, **members):
        """The ids of each page."""
        pages, marker = [], {}
        while True:
            answer = self.ok(operation, **members, **limit, **marker)
            pages.append([entry["GrantId"] for entry in answer["Grants"]])
            self.assertEqual(answer["Truncated"], "NextMarker" in answer)
            if not answer["Truncated"]:
                return pages
            marker = {"Marker": answer["NextMarker"]}

    def test_pages(self):
        retiring = OWN_ROLE + "Pages"
        made = {self.create(GranteePrincipal=(USER, ROLE)[n % 2], RetiringPrincipal=retiring)["GrantId"] for n in range(105)}
        other = self.new_key()
        made_there = self.create(KeyId=other["KeyId"], RetiringPrincipal=retiring)["GrantId"]
        which = {"KeyId": self.key["KeyId"]}
        for limit, sizes in (({}, [50, 50, 5]), ({"Limit": 40}, [40, 40, 25]), ({"Limit": 105}, [100, 5]), ({"Limit": 1000}, [100, 5])):
            pages = self.pages("ListGrants", limit, **which)
            self.assertEqual([len(page) for page in pages], sizes)
            self.assertEqual({grant for page in pages for grant in page}, made)
        self.assertEqual([len(page) for page in self.pages("ListGrants", {"Limit": 30}, **which, GranteePrincipal=ROLE)], [30, 22])
        pages = self.pages("ListRetirableGrants", {}, RetiringPrincipal=retiring)
        self.assertEqual([len(page) for page in pages], [50, 50, 6])
        self.assertEqual({grant for page in pages for grant in page}, made | {made_there})
        self.assertEqual(self.pages("ListRetirableGrants", {}, RetiringPrincipal=retiring + "2"), [[]])
        entries = self.ok("ListRetirableGrants", RetiringPrincipal=retiring, Limit=100)["Grants"]
        self.assertLessEqual({entry["KeyId"] for entry in entries}, {self.key["Arn"], other["Arn"]})
        marker = self.ok("ListGrants", **which)["NextMarker"]
        for bad in (marker[:-4], "x"):
            self.refused("InvalidMarkerException", re.compile("marker"), "ListGrants", **which, Marker=bad)
        self.refused("InvalidMarkerException", re.compile("marker"), "ListRetirableGrants", RetiringPrincipal=ROOT, Marker=marker)

    def test_long_pages(self):
        """Grants with as much in them as may be: the answer stays bounded, and the list whole."""
        texts = {f"{i}".ljust(384, "\1"): "\1" * 384 for i in range(8)}
        constraints = {"EncryptionContextEquals": texts, "EncryptionContextSubset": texts}
        made = {self.create(RetiringPrincipal=OWN_ROLE + "Long", Constraints=constraints)["GrantId"] for _ in range(60)}
        for operation, members in (("ListGrants", {"KeyId": self.key["KeyId"]}), ("ListRetirableGrants", {"RetiringPrincipal": OWN_ROLE + "Long"})):
            pages = self.pages(operation, {"Limit": 100}, **members)
            self.assertGreater(len(pages), 2)
            self.assertEqual({grant for page in pages for grant in page}, made)
            self.assertEqual(sum(map(len, pages)), 60)

    def test_names_of_keys(self):
        for operation, members in (("CreateGrant", {"GranteePrincipal": USER, "Operations": ["Encrypt"]}), ("ListGrants", {}),
                ("RevokeGrant", {"GrantId": "0" * 64}), ("RetireGrant", {"GrantId": "0" * 64})):
            with self.subTest(operation=operation):
                self.refused("NotFoundException", "Invalid keyId 'invalid'", operation, KeyId="invalid", **members)
                self.refused("InvalidArnException", "Key Aliases are not supported for this operation.", operation, KeyId="alias/x", **members)
                self.refused("NotFoundException", re.compile("^Key 'arn:aws:kms:.*' does not exist$"), operation,
                    KeyId="00000000-0000-4000-8000-000000000000", **members)

    def test_states(self):
        grant = self.create()
        waiting = self.new_key(Origin="EXTERNAL")
        self.create_refused("KMSInvalidStateException", f"{waiting['Arn']} is pending import.", KeyId=waiting["KeyId"])
        self.ok("DisableKey", KeyId=self.key["KeyId"])
        # The state of the key comes before what is wrong with the grant.
        self.create_refused("DisabledException", f"{self.key['Arn']} is disabled.", GranteePrincipal="x")
        self.assertEqual(len(self.listed()), 1)
        self.ok("RevokeGrant", KeyId=self.key["KeyId"], GrantId=grant["GrantId"])

    def test_pending_deletion(self):
        grants = [self.create(RetiringPrincipal=OWN_ROLE) for _ in range(3)]
        self.ok("ScheduleKeyDeletion", KeyId=self.key["KeyId"])
        self.create_refused("KMSInvalidStateException", f"{self.key['Arn']} is pending deletion.")
        self.assertEqual(len(self.listed()), 3)
        self.assertEqual(len(self.ok("ListRetirableGrants", RetiringPrincipal=OWN_ROLE)["Grants"]), 3)
        self.ok("RetireGrant", GrantToken=grants[0]["GrantToken"])
        self.ok("RevokeGrant", KeyId=self.key["KeyId"], GrantId=grants[1]["GrantId"])
        self.assertEqual(len(self.listed()), 1)

    def test_regions(self):
        grant = self.create(Name="r", RetiringPrincipal=OWN_ROLE + "Regions")
        there = self.server.call("ListRetirableGrants", {"RetiringPrincipal": OWN_ROLE + "Regions"}, region="eu-west-1")
        self.assertEqual(there.json["Grants"], [])
        answer = self.server.call("RetireGrant", {"GrantToken": grant["GrantToken"]}, region="eu-west-1")
        self.assertEqual(answer.error, "NotFoundException", answer)
        self.assertEqual(len(self.listed()), 1)

    def test_client(self):
        kms = self.server.client()
        grant = kms.create_grant(KeyId=self.key["KeyId"], GranteePrincipal=USER, RetiringPrincipal=ROOT, Operations=["Decrypt"],
            Constraints={"EncryptionContextSubset": {"a": "b"}})
        listed, = kms.list_grants(KeyId=self.key["KeyId"])["Grants"]
        self.assertEqual((listed["GrantId"], listed["CreationDate"].year >= 2024), (grant["GrantId"], True))
        pages = kms.get_paginator("list_grants").paginate(KeyId=self.key["KeyId"]).build_full_result()
        self.assertEqual(len(pages["Grants"]), 1)
        blob = kms.encrypt(KeyId=self.key["KeyId"], Plaintext=b"x", GrantTokens=[grant["GrantToken"]])["CiphertextBlob"]
        self.assertEqual(kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"x")
        kms.retire_grant(GrantToken=grant["GrantToken"])
        self.assertEqual(kms.list_grants(KeyId=self.key["KeyId"])["Grants"], [])


class Decided(Case):
    """On keys whose policy leaves the caller little, and nothing to its account."""

    def limit(self, *actions, deny=()):
        statements = [{"Effect": "Allow", "Principal": {"AWS": USER}, "Action": ["kms:PutKeyPolicy", *actions], "Resource": "*"}]
        if deny:
            statements.append({"Effect": "Deny", "Principal": "*", "Action": list(deny), "Resource": "*"})
        self.ok("PutKeyPolicy", KeyId=self.key["KeyId"], Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))

    def denied(self, why, operation, **members):
        self.refused("AccessDeniedException", re.compile(re.escape(why) + "$"), operation, **members)

    def by_policy(self, operation):
        return f"because no resource-based policy allows the kms:{operation} action"

    def test_created_by_a_grant(self):
        which = {"KeyId": self.key["KeyId"], "GranteePrincipal": ROLE}
        subset = {"EncryptionContextSubset": {"Tenant": "a"}}
        self.create(Operations=["CreateGrant", "Encrypt", "DescribeKey"], Constraints=subset)
        self.limit("kms:ListGrants")
        for constraints in ({"EncryptionContextSubset": {"tenant": "a"}}, {"EncryptionContextSubset": {"tenant": "a", "x": "y"}},
                {"EncryptionContextEquals": {"x": "y", "TENANT": "a"}}):
            self.create(GranteePrincipal=ROLE, Constraints=constraints)
        self.create(GranteePrincipal=ROLE, Operations=["CreateGrant", "DescribeKey"], Constraints=subset)
        before = len(self.listed())
        why = self.by_policy("CreateGrant")
        for constraints in ({}, {"EncryptionContextSubset": {}}, {"EncryptionContextSubset": {"tenant": "A"}},
                {"EncryptionContextEquals": {"x": "y"}}, {"EncryptionContextSubset": {str(n): "x" for n in range(9)}}):
            self.denied(why, "CreateGrant", **which, Operations=["Encrypt"], Constraints=constraints)
        for operations in (["Encrypt", "Decrypt"], ["Decrypt"], ["RetireGrant", "Encrypt"]):
            self.denied(why, "CreateGrant", **which, Operations=operations, Constraints=subset)
        # What it may create is checked like what anybody may.
        self.create_refused("InvalidArnException", "ARN does not refer to a valid principal: x", GranteePrincipal="x", Constraints=subset)
        self.assertEqual(len(self.listed()), before)
        self.limit("kms:ListGrants", deny=["kms:CreateGrant"])
        self.denied("with an explicit deny in a resource-based policy", "CreateGrant", **which, Operations=["Encrypt"], Constraints=subset)

    def test_retired_by_whom(self):
        def ways(grant):
            return {"GrantToken": grant["GrantToken"]}, {"KeyId": self.key["KeyId"], "GrantId": grant["GrantId"]}

        free = [self.create(GranteePrincipal=ROLE, RetiringPrincipal=USER), self.create(Operations=["RetireGrant", "Encrypt"])]
        bound = [self.create(), self.create(GranteePrincipal=ROLE, RetiringPrincipal=ROLE, Operations=["RetireGrant"])]
        self.limit("kms:ListGrants", deny=["kms:RetireGrant"])
        for grant in free + bound:
            for way in ways(grant):
                self.denied("with an explicit deny in a resource-based policy", "RetireGrant", **way)
        self.limit("kms:ListGrants")
        for grant in bound:
            for way in ways(grant):
                self.denied(self.by_policy("RetireGrant"), "RetireGrant", **way)
            self.denied(self.by_policy("RevokeGrant"), "RevokeGrant", KeyId=self.key["KeyId"], GrantId=grant["GrantId"])
        self.denied(self.by_policy("RetireGrant"), "RetireGrant", KeyId=self.key["KeyId"], GrantId="0" * 64)
        self.ok("RetireGrant", **ways(free[0])[0])
        self.ok("RetireGrant", **ways(free[1])[1])
        self.assertEqual({entry["GrantId"] for entry in self.listed()}, {grant["GrantId"] for grant in bound})
        self.limit("kms:ListGrants", "kms:RetireGrant", "kms:RevokeGrant")
        self.ok("RetireGrant", **ways(bound[0])[0])
        self.ok("RevokeGrant", **ways(bound[1])[1])
        self.assertEqual(self.listed(), [])

    def test_used(self):
        """In force on the next request, and no longer on the one after it is gone."""
        call = {"KeyId": self.key["KeyId"], "KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": {"tenant": "a", "x": "y"}}
        operation = "GenerateDataKeyPairWithoutPlaintext"
        makers = {"GranteePrincipal": USER, "Operations": [operation]}
        for constraints, allowed in (({}, True), ({"EncryptionContextSubset": {"TENANT": "a"}}, True), ({"EncryptionContextSubset": {"tenant": "A"}}, False),
                ({"EncryptionContextEquals": {"tenant": "a"}}, False), ({"EncryptionContextEquals": {"X": "y", "tenant": "a"}}, True)):
            with self.subTest(constraints=constraints):
                self.limit("kms:CreateGrant", "kms:RevokeGrant")
                self.denied(self.by_policy(operation), operation, **call)
                grant = self.create(**makers, Constraints=constraints)
                if allowed:
                    self.ok(operation, **call, GrantTokens=[grant["GrantToken"]])
                    self.ok(operation, **call)
                else:
                    self.denied(self.by_policy(operation), operation, **call)
                self.ok("RevokeGrant", KeyId=self.key["KeyId"], GrantId=grant["GrantId"])
                self.denied(self.by_policy(operation), operation, **call, GrantTokens=[grant["GrantToken"]])


class Restart(unittest.TestCase):
    def test_kept(self):
        """What was made is there after a crash, what was retired is gone, names and tokens mean the same."""
        asked = {"GranteePrincipal": USER, "RetiringPrincipal": ROOT, "Operations": ["Encrypt", "Decrypt"], "Name": "kept",
            "Constraints": {"EncryptionContextEquals": {"a": "1"}}}
        with harness.Server(pools={**{spec: 0 for spec in harness.SPECS}, "ECC_NIST_P256": 1}).start(ready=False) as server:
            key = harness.new_key(server)
            kept, gone = (server.call("CreateGrant", {"KeyId": key, **asked, **more}).json for more in ({}, {"Name": "gone"}))
            self.assertEqual(server.call("RetireGrant", {"GrantToken": gone["GrantToken"]}).status, 200)
            before = server.call("ListGrants", {"KeyId": key}).json
            server.kill()
            server.start(ready=False)
            self.assertEqual(server.call("ListGrants", {"KeyId": key}).json, before)
            self.assertEqual(len(before["Grants"]), 1)
            self.assertEqual(server.call("CreateGrant", {"KeyId": key, **asked}).json["GrantId"], kept["GrantId"])
            self.assertEqual(len(server.call("ListRetirableGrants", {"RetiringPrincipal": ROOT}).json["Grants"]), 1)
            self.assertEqual(server.call("RetireGrant", {"GrantToken": kept["GrantToken"]}).status, 200)
            self.assertEqual(server.call("ListGrants", {"KeyId": key}).json["Grants"], [])


if __name__ == "__main__":
    unittest.main()
