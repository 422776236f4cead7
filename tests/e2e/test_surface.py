"""What holds for every operation: by which names it takes a key, that its answers have the members and types of the service
model, that callers at the same time see one order, and that a restart changes no answer."""

import base64
import concurrent.futures
import os
import re
import time
import unittest

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

import harness
import test_conformance

POOLS = {**harness.EC_POOLS, "RSA_2048": 4, "RSA_3072": 0, "RSA_4096": 0}
ROOT = f"arn:aws:iam::{harness.ACCOUNT}:root"
ARN = f"arn:aws:kms:{harness.REGION}:{harness.ACCOUNT}:"
FOREVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
REGIONS = (harness.REGION, "eu-west-1", "ap-south-1")


def b64(data):
    return base64.b64encode(data).decode()


class Case(unittest.TestCase):
    pools, options = POOLS, ()

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(pools=cls.pools, options=cls.options).start()
        cls.addClassCleanup(cls.server.close)

    def ok(self, operation, region=harness.REGION, **members):
        answer = self.server.call(operation, members, region=region)
        self.assertEqual(answer.status, 200, (operation, answer))
        return answer.json if answer.body else {}

    def create(self, spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT", **members):
        return self.ok("CreateKey", KeySpec=spec, KeyUsage=usage, **members)["KeyMetadata"]["KeyId"]

    def bring(self, key, material, region=harness.REGION, **members):
        """Imports key material."""
        given = self.ok("GetParametersForImport", region, KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
        public = serialization.load_der_public_key(base64.b64decode(given["PublicKey"]))
        wrapped = public.encrypt(material, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        return self.ok("ImportKeyMaterial", region, KeyId=key, ImportToken=given["ImportToken"], EncryptedKeyMaterial=b64(wrapped), **members)


class Names(Case):
    def check(self, value, name, path):
        """The value is of that shape of the model, whole."""
        shape = self.shapes[name]
        kind = shape["type"]
        types = {"structure": dict, "map": dict, "list": list, "string": str, "blob": str, "boolean": bool, "integer": int, "timestamp": (int, float)}
        self.assertIsInstance(value, types[kind], path)
        if kind == "structure":
            self.assertLessEqual(set(shape.get("required", ())), set(value), path)
            self.assertLessEqual(set(value), set(shape["members"]), path)
            for member, inner in value.items():
                self.check(inner, shape["members"][member]["shape"], f"{path}.{member}")
        elif kind == "list":
            for inner in value:
                self.check(inner, shape["member"]["shape"], path + "[]")
        elif kind == "string":
            self.assertIn(value, shape.get("enum", [value]), path)
            # AWS names a grant without a name "", which the model does not allow.
            if value or not path.endswith(".Name"):
                self.assertTrue(shape.get("min", 0) <= len(value) <= shape.get("max", 1 << 20), path)
                self.assertRegex(value, shape.get("pattern", ".*"), path)
        elif kind == "integer":
            self.assertNotIsInstance(value, bool, path)

    def prepare(self):
        """For each operation: the name of its key, the member that names it, the other members; whether aliases do."""
        kinds = {"sym": (), "sig": ("ECC_NIST_P256", "SIGN_VERIFY"), "mac": ("HMAC_256", "GENERATE_VERIFY_MAC"), "agr": ("ECC_NIST_P256", "KEY_AGREEMENT")}
        keys = {name: self.create(*kind) for name, kind in kinds.items()}
        keys["ext"] = self.create(Origin="EXTERNAL")
        for name, key in keys.items():
            self.ok("CreateAlias", AliasName="alias/" + name, TargetKeyId=key)
        sealed = self.ok("Encrypt", KeyId=keys["sym"], Plaintext="eA==")["CiphertextBlob"]
        signing = {"Message": "eA==", "SigningAlgorithm": "ECDSA_SHA_256"}
        maccing = {"Message": "eA==", "MacAlgorithm": "HMAC_SHA_256"}
        public = b64(harness.public_der(ec.generate_private_key(ec.SECP256R1())))
        by_alias = [("Decrypt", "sym", "KeyId", {"CiphertextBlob": sealed}), ("Encrypt", "sym", "KeyId", {"Plaintext": "eA=="}),
            ("ReEncrypt", "sym", "DestinationKeyId", {"CiphertextBlob": sealed}),
            ("ReEncrypt", "sym", "SourceKeyId", {"CiphertextBlob": sealed, "DestinationKeyId": keys["sym"]}),
            ("GenerateDataKey", "sym", "KeyId", {"KeySpec": "AES_256"}), ("GenerateDataKeyWithoutPlaintext", "sym", "KeyId", {"NumberOfBytes": 9}),
            ("GenerateDataKeyPair", "sym", "KeyId", {"KeyPairSpec": "ECC_NIST_P256"}),
            ("GenerateDataKeyPairWithoutPlaintext", "sym", "KeyId", {"KeyPairSpec": "ECC_NIST_P256"}),
            ("Sign", "sig", "KeyId", signing), ("Verify", "sig", "KeyId", {**signing, **self.pick("Signature", "Sign", KeyId=keys["sig"], **signing)}),
            ("GenerateMac", "mac", "KeyId", maccing), ("VerifyMac", "mac", "KeyId", {**maccing, **self.pick("Mac", "GenerateMac", KeyId=keys["mac"], **maccing)}),
            ("DeriveSharedSecret", "agr", "KeyId", {"KeyAgreementAlgorithm": "ECDH", "PublicKey": public}),
            ("GetPublicKey", "sig", "KeyId", {}), ("DescribeKey", "sym", "KeyId", {})]
        by_key = [(operation, "sym", "KeyId", {}) for operation in ("DisableKey", "EnableKey", "EnableKeyRotation", "GetKeyRotationStatus",
            "DisableKeyRotation", "RotateKeyOnDemand", "ListKeyRotations", "GetKeyLastUsage", "GetKeyPolicy", "ListKeyPolicies", "ListAliases",
            "ListResourceTags")]
        by_key += [("CreateGrant", "sym", "KeyId", {"GranteePrincipal": ROOT, "Operations": ["Encrypt"]}), ("ListGrants", "sym", "KeyId", {}),
            ("TagResource", "sym", "KeyId", {"Tags": [{"TagKey": "a", "TagValue": ""}]}), ("UntagResource", "sym", "KeyId", {"TagKeys": ["a"]}),
            ("UpdateKeyDescription", "sym", "KeyId", {"Description": "x"}), ("DeleteImportedKeyMaterial", "ext", "KeyId", {}),
            ("PutKeyPolicy", "sym", "KeyId", {"Policy": self.ok("GetKeyPolicy", KeyId=keys["sym"])["Policy"]}),
            ("GetParametersForImport", "ext", "KeyId", {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"})]
        return keys, by_alias, by_key

    def pick(self, member, operation, **members):
        return {member: self.ok(operation, **members)[member]}

    def test_four_names_and_shapes_of_answers(self):
        model, _, changed = test_conformance.load_model()
        self.shapes = model["shapes"]
        keys, by_alias, by_key = self.prepare()
        for operation, name, member, more in by_alias + by_key:
            output = model["operations"].get(operation, {}).get("output") if not changed else None
            for form in (keys[name], f"{ARN}key/{keys[name]}", "alias/" + name, f"{ARN}alias/{name}"):
                with self.subTest(operation=operation, form=form):
                    answer = self.server.call(operation, {member: form, **more})
                    if "alias/" in form and not any(operation == row[0] for row in by_alias):
                        self.assertEqual((answer.error, answer.message),
                            ("InvalidArnException", "Key Aliases are not supported for this operation."))
                        continue
                    self.assertEqual(answer.status, 200, answer)
                    if not changed:
                        self.assertEqual(bool(answer.body), output is not None)
                    if output and answer.body:
                        self.check(answer.json, output["shape"], operation)


class Together(Case):
    """Many callers at once: one is first, and the others see what it did."""

    pools = {spec: int(spec == "RSA_4096") for spec in harness.SPECS}
    # One core, so that pairs do not come too fast for a request to have to wait.
    options = ("--pool-wait-ms", "60000", "--cpus", str(min(os.sched_getaffinity(0))))

    def at_once(self, num, call):
        with concurrent.futures.ThreadPoolExecutor(num) as pool:
            return list(pool.map(call, range(num)))

    def errors(self, operation, num, members):
        found = [answer.error for answer in self.at_once(num, lambda at: self.server.call(operation, members(at)))]
        return {error: found.count(error) for error in set(found)}

    def test_one_is_first(self):
        keys = [self.create() for _ in range(3)]
        self.assertEqual(self.errors("CreateAlias", 8, lambda at: {"AliasName": "alias/race", "TargetKeyId": keys[at % 2]}),
            {None: 1, "AlreadyExistsException": 7})
        self.assertEqual(self.errors("DeleteAlias", 8, lambda at: {"AliasName": "alias/race"}), {None: 1, "NotFoundException": 7})
        same = {"KeyId": keys[0], "GranteePrincipal": ROOT, "Operations": ["Encrypt"], "Name": "retried"}
        grants = {answer.json["GrantId"] for answer in self.at_once(8, lambda at: self.server.call("CreateGrant", same))}
        self.assertEqual([entry["GrantId"] for entry in self.ok("ListGrants", KeyId=keys[0])["Grants"]], list(grants))
        self.assertEqual(self.errors("ScheduleKeyDeletion", 8, lambda at: {"KeyId": keys[1]}), {None: 1, "KMSInvalidStateException": 7})
        self.assertEqual(self.errors("RotateKeyOnDemand", 28, lambda at: {"KeyId": keys[2]}), {None: 25, "LimitExceededException": 3})
        self.assertEqual(len(self.ok("ListKeyRotations", KeyId=keys[2])["Rotations"]), 25)

    def test_a_request_that_waits_for_a_pair_sees_what_changed(self):
        """Requests wait for the pairs of a pool of one; each is answered by what holds when its pair comes, not by what was."""
        first, second, disabled = (self.create() for _ in range(3))
        self.ok("CreateAlias", AliasName="alias/moves", TargetKeyId=first)
        names = ("alias/moves", disabled) * 40

        def ask(at):
            """The answer, and a moment before which the server did not give it."""
            sent = time.monotonic()
            answer = self.server.call("GenerateDataKeyPair", {"KeyId": names[at], "KeyPairSpec": "RSA_4096"})
            return answer, sent + float(re.search(r"total;dur=([\d.]+)", answer.headers["server-timing"])[1]) / 1000

        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            asked = [pool.submit(ask, at) for at in range(len(names))]
            time.sleep(0.1)
            self.ok("UpdateAlias", AliasName="alias/moves", TargetKeyId=second)
            self.ok("DisableKey", KeyId=disabled)
            changed = time.monotonic()
            answers = [future.result() for future in asked]
        # The record of a request is written between its pair and its answer: that may take its time.
        late = [(name, answer) for name, (answer, given) in zip(names, answers) if given > changed + 0.5]
        self.assertTrue(late, "none of the requests had to wait")
        for name, answer in late:
            if name == disabled:
                self.assertEqual((answer.error, answer.message), ("DisabledException", f"{ARN}key/{disabled} is disabled."))
            else:
                self.assertEqual((answer.status, answer.json.get("KeyId")), (200, f"{ARN}key/{second}"))


class Restart(Case):
    def fill(self):
        """Keys in every state and of every kind, by region."""
        keys = [(harness.REGION, self.create(*kind)) for kind in (("RSA_2048", "SIGN_VERIFY"), ("HMAC_384", "GENERATE_VERIFY_MAC"),
            ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"), ("ECC_NIST_P384", "KEY_AGREEMENT"))]
        plain = self.create(Description="Gr\u00fc\u00dfe \U0001f600", Tags=[{"TagKey": "\u00fc", "TagValue": ""}, {"TagKey": "a", "TagValue": "b"}])
        disabled, pending, cancelled, rotated, stopped = (self.create() for _ in range(5))
        self.ok("DisableKey", KeyId=disabled)
        self.ok("ScheduleKeyDeletion", KeyId=pending, PendingWindowInDays=9)
        self.ok("ScheduleKeyDeletion", KeyId=cancelled)
        self.ok("CancelKeyDeletion", KeyId=cancelled)
        for key in (rotated, stopped):
            self.ok("EnableKeyRotation", KeyId=key, RotationPeriodInDays=123)
        self.ok("DisableKeyRotation", KeyId=stopped)
        self.ok("RotateKeyOnDemand", KeyId=rotated)
        imported, emptied, empty = (self.create(Origin="EXTERNAL") for _ in range(3))
        self.bring(imported, os.urandom(32), KeyMaterialDescription="one", **FOREVER)
        self.bring(imported, os.urandom(32), ImportType="NEW_KEY_MATERIAL", ValidTo=int(time.time()) + 86400)
        self.bring(emptied, os.urandom(32), **FOREVER)
        self.ok("DeleteImportedKeyMaterial", KeyId=emptied)
        related = self.create(MultiRegion=True)
        for region in REGIONS[1:]:
            self.ok("ReplicateKey", KeyId=related, ReplicaRegion=region, Description=region)
        self.ok("UpdatePrimaryRegion", KeyId=related, PrimaryRegion=REGIONS[1])
        self.ok("ScheduleKeyDeletion", REGIONS[1], KeyId=related, PendingWindowInDays=11)
        for number in range(3):
            self.ok("CreateAlias", AliasName=f"alias/a{number}", TargetKeyId=plain)
            self.ok("CreateGrant", KeyId=plain, GranteePrincipal=ROOT, RetiringPrincipal=ROOT, Name=f"n{number}", Operations=["Encrypt", "DescribeKey"],
                Constraints={"EncryptionContextEquals": {"K": "v", "\u00fc": "\u00e9"}})
        self.ok("UpdateAlias", AliasName="alias/a1", TargetKeyId=rotated)
        self.ok("PutKeyPolicy", KeyId=plain, Policy=re.sub("Enable IAM", "Allow", self.ok("GetKeyPolicy", KeyId=plain)["Policy"]))
        keys += [(harness.REGION, key) for key in (plain, disabled, pending, cancelled, rotated, stopped, imported, emptied, empty)]
        return keys + [(region, related) for region in REGIONS]

    def read(self, keys):
        """All that can be asked, refusals too."""
        asked = [(region, operation, {}) for region in REGIONS for operation in ("ListKeys", "ListAliases")]
        asked += [(region, "ListRetirableGrants", {"RetiringPrincipal": ROOT}) for region in REGIONS]
        for region, key in keys:
            asked += [(region, operation, {"KeyId": key}) for operation in ("DescribeKey", "GetKeyPolicy", "ListGrants", "ListResourceTags",
                "GetKeyRotationStatus", "ListAliases", "GetPublicKey", "GetKeyLastUsage")]
            asked.append((region, "ListKeyRotations", {"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"}))
        return {(region, operation, str(body)): self.server.call(operation, body, region=region).body for region, operation, body in asked}

    def test_no_answer_changes(self):
        keys = self.fill()
        before = self.read(keys)
        self.assertEqual(self.server.stop(), 0)
        self.server.start(ready=False)
        self.assertEqual(self.read(keys), before)
        self.server.kill()
        self.server.start(ready=False)
        self.assertEqual(self.read(keys), before)


if __name__ == "__main__":
    unittest.main()
