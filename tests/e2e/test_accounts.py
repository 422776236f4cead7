"""Two accounts in one server: what the keys of one are to the other, and which permissions operations ask for."""

import base64
import json
import os
import re
import subprocess
import tempfile
import unittest
import uuid

import botocore.credentials

import harness

OWN, OTHER = harness.ACCOUNT, "111122223333"
POOLS = {spec: 2 * int(spec == "ECC_NIST_P256") for spec in harness.SPECS}
HIDDEN = ("User: arn:aws:iam::%s:user/%s is not authorized to perform: kms:%s on this resource because the resource does not exist in "
    "this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access")
INACCESSIBLE = ("The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not "
    "allowed to access.")
ACROSS = ("Encrypt", "Decrypt", "ReEncrypt*", "GenerateDataKey*", "DescribeKey", "GetKeyRotationStatus")


def statement(action, **more):
    actions = [action] if isinstance(action, str) else action
    return {"Effect": "Allow", "Action": [f"kms:{name}" for name in actions], "Resource": "*", **more}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def key_policy(*more):
    return policy(statement("*", Principal={"AWS": OWN}), *more)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(pools=POOLS).start(ready=False)
        cls.addClassCleanup(cls.server.close)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder, cls.number = folder.name, 0
        cls.admin = cls.server.credentials()
        cls.bob = cls.user("bob", OTHER)

    @classmethod
    def user(cls, name, account=OWN, text=None):
        """The credentials of a new user; an administrator if there is no policy."""
        more = ["--administrator"]
        if text is not None:
            cls.number += 1
            path = os.path.join(cls.folder, f"policy-{cls.number}")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            more = ["--policy", f"its={path}"]
        done = subprocess.run([harness.program("keywell"), "principal", "create", "user", name, "--account", account, *more, "--json",
            "--data", cls.server.data], capture_output=True, text=True, timeout=60, check=True)
        key = json.loads(done.stdout)["AccessKey"]
        return botocore.credentials.Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def send(self, operation, who=None, **members):
        return self.server.call(operation, members, keys=who or self.admin)

    def ok(self, operation, who=None, **members):
        answer = self.send(operation, who, **members)
        self.assertEqual(answer.status, 200, answer)
        return answer.json if answer.body else {}

    def denied(self, message, operation, who=None, **members):
        answer = self.send(operation, who, **members)
        self.assertEqual((answer.status, answer.error), (400, "AccessDeniedException"), answer)
        if isinstance(message, str):
            self.assertEqual(answer.message, message)
        else:
            self.assertRegex(answer.message, message)

    def key(self, **members):
        return self.ok("CreateKey", **members)["KeyMetadata"]


class Foreign(Case):
    def hidden(self, operation, name="bob", permission=None, **members):
        self.denied(HIDDEN % (OTHER, name, permission or operation), operation, self.bob, **members)

    def test_what_is_not_shared_is_not_told_from_what_is_not_there(self):
        key, gone = self.key(), self.key()
        self.ok("CreateAlias", AliasName="alias/closed", TargetKeyId=key["KeyId"])
        self.ok("ScheduleKeyDeletion", KeyId=gone["KeyId"])
        beside = key["Arn"].split(":key/")[0]
        names = (key["Arn"], gone["Arn"], f"{beside}:key/12345678-1234-1234-1234-123456789012", f"{beside}:key/mrk-{'0' * 32}")
        for operation, members in (("DescribeKey", {}), ("Encrypt", {"Plaintext": "YQ=="}), ("GenerateDataKey", {"KeySpec": "AES_256"}),
                ("GenerateDataKeyPairWithoutPlaintext", {"KeyPairSpec": "ECC_NIST_P256"}), ("GetPublicKey", {}),
                ("Sign", {"Message": "YQ==", "SigningAlgorithm": "ECDSA_SHA_256"}), ("EnableKey", {}), ("DisableKey", {}),
                ("GetKeyPolicy", {}), ("ListGrants", {}), ("ListAliases", {}), ("TagResource", {"Tags": []}), ("CancelKeyDeletion", {}),
                ("ScheduleKeyDeletion", {}), ("GetKeyRotationStatus", {}), ("UpdateKeyDescription", {"Description": "x"})):
            for name in names:
                with self.subTest(operation=operation, name=name):
                    self.hidden(operation, KeyId=name, **members)
        for name in (f"{beside}:alias/closed", f"{beside}:alias/none"):
            self.hidden("DescribeKey", KeyId=name)
        for name in names:
            self.hidden("CreateAlias", AliasName="alias/mine", TargetKeyId=name)
        # A bare id is one of the caller's own account.
        answer = self.send("DescribeKey", self.bob, KeyId=key["KeyId"])
        self.assertEqual(answer.message, f"Key 'arn:aws:kms:us-east-1:{OTHER}:key/{key['KeyId']}' does not exist")

    def test_ciphertexts(self):
        closed, shared = self.key(), self.key(Policy=key_policy(statement("Decrypt", Principal={"AWS": OTHER})))
        mine = self.ok("CreateKey", self.bob)["KeyMetadata"]
        blobs = {key["KeyId"]: self.ok("Encrypt", KeyId=key["KeyId"], Plaintext="YQ==")["CiphertextBlob"] for key in (closed, shared)}
        self.denied(INACCESSIBLE, "Decrypt", self.bob, CiphertextBlob=blobs[closed["KeyId"]])
        self.denied(INACCESSIBLE, "ReEncrypt", self.bob, CiphertextBlob=blobs[closed["KeyId"]], DestinationKeyId=mine["KeyId"])
        self.hidden("Decrypt", CiphertextBlob=blobs[closed["KeyId"]], KeyId=closed["Arn"])
        self.ok("DisableKey", KeyId=closed["KeyId"])
        self.denied(INACCESSIBLE, "Decrypt", self.bob, CiphertextBlob=blobs[closed["KeyId"]])
        for members in ({}, {"KeyId": shared["Arn"]}):
            answer = self.ok("Decrypt", self.bob, CiphertextBlob=blobs[shared["KeyId"]], **members)
            self.assertEqual((answer["Plaintext"], answer["KeyId"]), ("YQ==", shared["Arn"]))
        self.hidden("Encrypt", KeyId=shared["Arn"], Plaintext="YQ==")
        self.denied(re.compile("kms:Decrypt on resource: .* because no identity-based policy allows the kms:Decrypt action$"), "Decrypt",
            self.user("nobody", OTHER, policy(statement("ListKeys"))), CiphertextBlob=blobs[shared["KeyId"]])

    def test_made_up_ciphertexts_tell_nothing(self):
        closed, mine = self.key(), self.ok("CreateKey", self.bob)["KeyMetadata"]
        blob = self.ok("Encrypt", KeyId=closed["KeyId"], Plaintext="YQ==", EncryptionContext={"a": "b"})["CiphertextBlob"]
        own = base64.b64decode(self.ok("Encrypt", self.bob, KeyId=mine["KeyId"], Plaintext="YQ==")["CiphertextBlob"])
        at = own.index(uuid.UUID(mine["KeyId"]).bytes)
        made_up = [base64.b64encode(own[:at] + key.bytes + own[at + 16:]).decode() for key in (uuid.UUID(closed["KeyId"]), uuid.uuid4())]
        for region in ("us-east-1", "eu-west-1"):
            for members in ({}, {"KeyId": mine["KeyId"]} if region == "us-east-1" else {}):
                for ciphertext in (*made_up, blob): # the last one is genuine, of another context
                    answer = self.server.call("Decrypt", {"CiphertextBlob": ciphertext, **members}, keys=self.bob, region=region)
                    self.assertEqual((answer.status, answer.error), (400, "InvalidCiphertextException"))
        genuine = {"CiphertextBlob": blob, "EncryptionContext": {"a": "b"}}
        self.denied(INACCESSIBLE, "Decrypt", self.bob, **genuine)
        self.assertEqual(self.send("Decrypt", self.bob, KeyId=mine["KeyId"], **genuine).error, "IncorrectKeyException")

    def test_what_works_across_accounts(self):
        key = self.key(Policy=key_policy(statement("*", Principal={"AWS": OTHER})))
        mine = self.ok("CreateKey", self.bob)["KeyMetadata"]
        self.ok("CreateAlias", AliasName="alias/shared", TargetKeyId=key["KeyId"])
        alias = key["Arn"].split(":key/")[0] + ":alias/shared"
        for name in (key["Arn"], alias):
            self.assertEqual(self.ok("DescribeKey", self.bob, KeyId=name)["KeyMetadata"]["Arn"], key["Arn"])
            blob = self.ok("Encrypt", self.bob, KeyId=name, Plaintext="YQ==")["CiphertextBlob"]
            pair = self.ok("GenerateDataKeyPair", self.bob, KeyId=name, KeyPairSpec="ECC_NIST_P256")
            self.assertEqual(pair["KeyId"], key["Arn"])
        again = self.ok("ReEncrypt", self.bob, CiphertextBlob=blob, DestinationKeyId=mine["KeyId"])
        self.assertEqual((again["SourceKeyId"], again["KeyId"]), (key["Arn"], mine["Arn"]))
        grant = self.ok("CreateGrant", self.bob, KeyId=key["Arn"], GranteePrincipal=f"arn:aws:iam::{OTHER}:user/x", Operations=["Encrypt"])
        self.assertEqual(len(self.ok("ListGrants", self.bob, KeyId=key["Arn"])["Grants"]), 1)
        self.ok("RevokeGrant", self.bob, KeyId=key["Arn"], GrantId=grant["GrantId"])
        self.ok("GetKeyRotationStatus", self.bob, KeyId=key["Arn"])
        for operation, members in (("DisableKey", {}), ("GetKeyPolicy", {}), ("PutKeyPolicy", {"Policy": key_policy()}),
                ("ScheduleKeyDeletion", {}), ("EnableKeyRotation", {}), ("ListResourceTags", {}), ("ListAliases", {})):
            with self.subTest(operation=operation):
                self.hidden(operation, KeyId=key["Arn"], **members)
        self.hidden("CreateAlias", AliasName="alias/mine", TargetKeyId=key["Arn"])
        self.assertEqual(self.ok("ListKeys", self.bob, Limit=1000)["Keys"].count({"KeyId": key["KeyId"], "KeyArn": key["Arn"]}), 0)


class Permissions(Case):
    """What is asked for besides an operation's own name on its key."""

    def test_state_is_told_to_the_authorised_only(self):
        key = self.key()
        self.ok("ScheduleKeyDeletion", KeyId=key["KeyId"])
        mute = self.user("mute", text=policy(statement("ListKeys")))
        for operation, members in (("Encrypt", {"Plaintext": "YQ=="}), ("DisableKey", {}), ("EnableKeyRotation", {}),
                ("Sign", {"Message": "YQ==", "SigningAlgorithm": "ECDSA_SHA_256"}), ("ReplicateKey", {"ReplicaRegion": "eu-west-1"})):
            with self.subTest(operation=operation):
                self.denied(f"User: arn:aws:iam::{OWN}:user/mute is not authorized to perform: kms:{operation} on resource: {key['Arn']} because "
                    f"no identity-based policy allows the kms:{operation} action", operation, mute, KeyId=key["KeyId"], **members)

    def test_re_encrypt(self):
        key, other = self.key(), self.key()
        blob = self.ok("Encrypt", KeyId=key["KeyId"], Plaintext="YQ==")["CiphertextBlob"]
        from_only = self.user("from", text=policy(statement("ReEncryptFrom")))
        self.denied(re.compile("kms:ReEncryptTo on resource: " + other["Arn"]), "ReEncrypt", from_only, CiphertextBlob=blob,
            DestinationKeyId=other["KeyId"])
        self.denied(re.compile("kms:ReEncryptFrom on resource: " + key["Arn"]), "ReEncrypt", self.user("to", text=policy(
            statement("ReEncryptTo"))), CiphertextBlob=blob, DestinationKeyId=other["KeyId"])
        same = self.user("same", text=policy(statement("ReEncrypt*", Condition={"Bool": {"kms:ReEncryptOnSameKey": True}})))
        self.ok("ReEncrypt", same, CiphertextBlob=blob, DestinationKeyId=key["Arn"])
        self.ok("ReEncrypt", same, CiphertextBlob=blob, SourceKeyId=key["KeyId"], DestinationKeyId=key["KeyId"])
        self.denied(re.compile("kms:ReEncryptFrom"), "ReEncrypt", same, CiphertextBlob=blob, DestinationKeyId=other["KeyId"])

    def test_aliases(self):
        first, second = self.key(), self.key()
        arn = f"arn:aws:kms:us-east-1:{OWN}:alias/permitted"
        on_keys = self.user("on-keys", text=policy(statement("*Alias", Resource="arn:aws:kms:*:*:key/*")))
        on_first = self.user("on-first", text=policy(statement("*Alias", Resource=[arn, first["Arn"]])))
        self.denied(re.compile(f"kms:CreateAlias on resource: {arn} because"), "CreateAlias", on_keys, AliasName="alias/permitted",
            TargetKeyId=first["KeyId"])
        self.denied(re.compile(f"kms:CreateAlias on resource: {second['Arn']} because"), "CreateAlias", on_first,
            AliasName="alias/permitted", TargetKeyId=second["KeyId"])
        self.ok("CreateAlias", on_first, AliasName="alias/permitted", TargetKeyId=first["KeyId"])
        self.denied(re.compile(f"kms:UpdateAlias on resource: {second['Arn']} because"), "UpdateAlias", on_first,
            AliasName="alias/permitted", TargetKeyId=second["KeyId"])
        self.ok("UpdateAlias", AliasName="alias/permitted", TargetKeyId=second["KeyId"])
        self.denied(re.compile(f"kms:UpdateAlias on resource: {second['Arn']} because"), "UpdateAlias", on_first,
            AliasName="alias/permitted", TargetKeyId=first["KeyId"])
        self.denied(re.compile(f"kms:DeleteAlias on resource: {second['Arn']} because"), "DeleteAlias", on_first, AliasName="alias/permitted")
        self.denied(re.compile(f"kms:DeleteAlias on resource: {arn} because"), "DeleteAlias", on_keys, AliasName="alias/permitted")

    def test_new_keys(self):
        bare = self.user("bare", text=policy(statement("CreateKey", Condition={"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}})))
        user = f"User: arn:aws:iam::{OWN}:user/bare is not authorized to perform: "
        made = self.ok("CreateKey", bare)["KeyMetadata"]
        self.denied(re.compile("kms:DescribeKey on resource: " + made["Arn"]), "DescribeKey", bare, KeyId=made["KeyId"])
        self.denied(user + "kms:TagResource because no identity-based policy allows the kms:TagResource action", "CreateKey", bare,
            Tags=[{"TagKey": "a", "TagValue": "b"}])
        self.denied(user + "kms:CreateKey on resource: * because no identity-based policy allows the kms:CreateKey action", "CreateKey",
            bare, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")

    def test_replicas(self):
        key = self.key(MultiRegion=True)
        east = self.user("east", text=policy(statement(["ReplicateKey", "CreateKey"],
            Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}})))
        self.denied(re.compile(r"kms:CreateKey on resource: \* because"), "ReplicateKey", east, KeyId=key["KeyId"], ReplicaRegion="eu-west-1")
        self.ok("ReplicateKey", KeyId=key["KeyId"], ReplicaRegion="eu-west-1")
        primary = self.user("primary", text=policy(statement("UpdatePrimaryRegion", Resource=key["Arn"])))
        self.denied(re.compile("kms:UpdatePrimaryRegion on resource: arn:aws:kms:eu-west-1:"), "UpdatePrimaryRegion", primary,
            KeyId=key["KeyId"], PrimaryRegion="eu-west-1")

    def test_data_key_pairs(self):
        """Conditions on the kind of pair and on the encryption context, whose names are compared without case."""
        key = self.key()
        user = self.user("pairs", text=policy(statement("GenerateDataKeyPairWithoutPlaintext", Condition={"StringEquals": {
            "kms:DataKeyPairSpec": "ECC_NIST_P256", "kms:EncryptionContext:App": "x"}})))
        members = {"KeyId": key["KeyId"], "KeyPairSpec": "ECC_NIST_P256"}
        self.ok("GenerateDataKeyPairWithoutPlaintext", user, **members, EncryptionContext={"app": "x"})
        for context in ({}, {"app": "X"}):
            self.denied(re.compile("because no identity-based policy allows"), "GenerateDataKeyPairWithoutPlaintext", user, **members,
                EncryptionContext=context)


if __name__ == "__main__":
    unittest.main()
