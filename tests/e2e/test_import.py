"""Imported key material: wrapped by a client of its own, taken, used, expired, deleted, rotated; and what is refused."""

import base64
import concurrent.futures
import hmac
import os
import subprocess
import tempfile
import time
import unittest

import harness
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

DAY = 86400
POOLS = {spec: 1 for spec in harness.SPECS}
POOLS.update(RSA_2048=8, RSA_3072=2, RSA_4096=2)
FEW_POOLS = {**{spec: 0 for spec in harness.SPECS}, "RSA_2048": 4}
# A slow build makes pairs slower than these tests use them up.
PATIENT = ("--pool-wait-ms", "20000")
FOREVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
SHA = {"1": hashes.SHA1, "256": hashes.SHA256}


def text(data):
    return base64.b64encode(data).decode()


def pkcs8(private):
    return private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def wrap(public, algorithm, material):
    """What a client does with the public key of GetParametersForImport."""
    digest = SHA[algorithm.rsplit("_", 1)[1]]
    oaep = padding.OAEP(padding.MGF1(digest()), digest(), None)
    public = serialization.load_der_public_key(public)
    if algorithm.startswith("RSAES"):
        return public.encrypt(material, oaep)
    key = os.urandom(32)
    return public.encrypt(key, oaep) + keywrap.aes_key_wrap_with_padding(key, material)


class Case(unittest.TestCase):
    """What the classes below have in common; self.server is theirs."""

    server = None

    def call(self, operation, region=harness.REGION, **members):
        return self.server.call(operation, members, region=region)

    def done(self, operation, region=harness.REGION, **members):
        answer = self.call(operation, region, **members)
        self.assertEqual(answer.status, 200, answer)
        return answer.json if answer.body else {}

    def refused(self, error, operation, message=None, region=harness.REGION, **members):
        answer = self.call(operation, region, **members)
        self.assertEqual((answer.error, answer.message), (error, message), answer)

    def new_key(self, spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT", **members):
        return self.done("CreateKey", Origin="EXTERNAL", KeySpec=spec, KeyUsage=usage, **members)["KeyMetadata"]

    def describe(self, key, region=harness.REGION):
        return self.done("DescribeKey", region, KeyId=key["KeyId"])["KeyMetadata"]

    def parameters(self, key, algorithm="RSAES_OAEP_SHA_256", spec="RSA_2048", region=harness.REGION):
        given = self.done("GetParametersForImport", region, KeyId=key["KeyId"], WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
        self.assertEqual(set(given), {"ImportToken", "KeyId", "ParametersValidTo", "PublicKey"})
        return given

    def wrapped(self, key, material, algorithm="RSAES_OAEP_SHA_256", spec="RSA_2048", region=harness.REGION):
        """The members of an ImportKeyMaterial request."""
        given = self.parameters(key, algorithm, spec, region)
        return {"KeyId": key["KeyId"], "ImportToken": given["ImportToken"],
            "EncryptedKeyMaterial": text(wrap(base64.b64decode(given["PublicKey"]), algorithm, material))}

    def bring(self, key, material, algorithm="RSAES_OAEP_SHA_256", spec="RSA_2048", region=harness.REGION, **members):
        answer = self.done("ImportKeyMaterial", region, **self.wrapped(key, material, algorithm, spec, region),
            **(members if "ValidTo" in members else {**FOREVER, **members}))
        self.assertRegex(answer["KeyMaterialId"], r"^[0-9a-f]{64}$")
        self.assertEqual(answer["KeyId"].rsplit("/", 1)[1], key["KeyId"])
        return answer["KeyMaterialId"]

    def encrypt(self, key, data):
        return self.done("Encrypt", KeyId=key["KeyId"], Plaintext=text(data))["CiphertextBlob"]

    def decrypted(self, blob):
        answer = self.done("Decrypt", CiphertextBlob=blob)
        return base64.b64decode(answer["Plaintext"]), answer["KeyMaterialId"]


class Import(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(pools=POOLS, options=PATIENT)
        cls.addClassCleanup(cls.server.close)
        cls.server.start(ready=False)

    def test_symmetric_by_every_wrapping(self):
        for algorithm in ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"):
            for spec in ("RSA_2048", "RSA_3072", "RSA_4096"):
                with self.subTest(algorithm=algorithm, spec=spec):
                    key = self.new_key()
                    given = self.parameters(key, algorithm, spec)
                    public = serialization.load_der_public_key(base64.b64decode(given["PublicKey"]))
                    self.assertEqual(public.key_size, int(spec[4:]))
                    self.assertAlmostEqual(given["ParametersValidTo"], time.time() + DAY, delta=30)
                    self.assertLessEqual(len(base64.b64decode(given["ImportToken"])), 6144)
                    material = self.bring(key, os.urandom(32), algorithm, spec)
                    self.assertEqual(self.decrypted(self.encrypt(key, b"x")), (b"x", material))

    def test_life(self):
        key, secret = self.new_key(), os.urandom(32)
        self.assertEqual((key["KeyState"], key["Enabled"]), ("PendingImport", False))
        self.assertNotIn("CurrentKeyMaterialId", key)
        which = {"KeyId": key["KeyId"]}
        first = self.bring(key, secret)
        now = self.describe(key)
        self.assertEqual((now["KeyState"], now["ExpirationModel"], now["CurrentKeyMaterialId"]),
            ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE", first))
        blob = self.encrypt(key, b"kept")
        self.assertEqual(self.bring(key, secret), first, "the same material has another id")
        self.assertEqual(self.done("DeleteImportedKeyMaterial", **which), {"KeyId": key["Arn"], "KeyMaterialId": first})
        now = self.describe(key)
        self.assertEqual((now["KeyState"], now["Enabled"]), ("PendingImport", False))
        self.assertFalse({"ExpirationModel", "ValidTo", "CurrentKeyMaterialId"} & set(now))
        self.refused("KMSInvalidStateException", "Decrypt", f"{key['Arn']} is pending import.", CiphertextBlob=blob)
        self.assertEqual(self.done("DeleteImportedKeyMaterial", **which)["KeyMaterialId"], first)
        self.refused("IncorrectKeyMaterialException", "ImportKeyMaterial", **self.wrapped(key, os.urandom(32)), **FOREVER)
        self.assertEqual(self.describe(key)["KeyState"], "PendingImport")
        self.assertEqual(self.bring(key, secret, KeyMaterialId=first, ImportType="EXISTING_KEY_MATERIAL"), first)
        self.assertEqual(self.decrypted(blob), (b"kept", first))
        self.assertNotEqual(self.bring(self.new_key(), secret), first, "the id does not depend on the key")

    def test_hmac(self):
        for bits, length in ((224, 28), (256, 32), (384, 48), (512, 64)):
            with self.subTest(bits=bits):
                key, secret = self.new_key(f"HMAC_{bits}", "GENERATE_VERIFY_MAC"), os.urandom(length)
                self.refused("IncorrectKeyMaterialException", "ImportKeyMaterial", **self.wrapped(key, secret[1:]), **FOREVER)
                self.bring(key, secret)
                self.assertNotIn("CurrentKeyMaterialId", self.describe(key))
                made = self.done("GenerateMac", KeyId=key["KeyId"], Message=text(b"m"), MacAlgorithm=f"HMAC_SHA_{bits}")
                self.assertEqual(base64.b64decode(made["Mac"]), hmac.new(secret, b"m", f"sha{bits}").digest())

    def check_pair(self, spec, usage, private, algorithm, wrapping):
        key = self.new_key(spec, usage)
        material = self.bring(key, pkcs8(private), algorithm, wrapping)
        now = self.describe(key)
        self.assertEqual((now["KeyState"], now.get("CurrentKeyMaterialId")), ("Enabled", None))
        self.assertEqual(base64.b64decode(self.done("GetPublicKey", KeyId=key["KeyId"])["PublicKey"]),
            harness.public_der(private))
        self.assertEqual(self.done("DeleteImportedKeyMaterial", KeyId=key["KeyId"])["KeyMaterialId"], material)
        self.assertEqual(self.bring(key, pkcs8(private), algorithm, wrapping), material)
        return key

    def test_ec(self):
        for spec, curve, algorithm, wrapping in (("ECC_NIST_P256", ec.SECP256R1(), "RSAES_OAEP_SHA_1", "RSA_2048"),
                ("ECC_NIST_P384", ec.SECP384R1(), "RSA_AES_KEY_WRAP_SHA_1", "RSA_2048"),
                ("ECC_NIST_P521", ec.SECP521R1(), "RSAES_OAEP_SHA_256", "RSA_3072"),
                ("ECC_SECG_P256K1", ec.SECP256K1(), "RSA_AES_KEY_WRAP_SHA_256", "RSA_3072")):
            with self.subTest(spec=spec):
                private = ec.generate_private_key(curve)
                key = self.check_pair(spec, "SIGN_VERIFY", private, algorithm, wrapping)
                scheme = {"ECC_NIST_P384": "ECDSA_SHA_384", "ECC_NIST_P521": "ECDSA_SHA_512"}.get(spec, "ECDSA_SHA_256")
                made = self.done("Sign", KeyId=key["KeyId"], Message=text(b"m"), SigningAlgorithm=scheme)
                digest = getattr(hashes, scheme[6:].replace("_", ""))()
                private.public_key().verify(base64.b64decode(made["Signature"]), b"m", ec.ECDSA(digest))
        self.check_pair("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", ed25519.Ed25519PrivateKey.generate(), "RSAES_OAEP_SHA_256",
            "RSA_2048")

    def test_rsa(self):
        for bits, algorithm, wrapping in ((2048, "RSA_AES_KEY_WRAP_SHA_1", "RSA_2048"), (4096, "RSA_AES_KEY_WRAP_SHA_256", "RSA_4096")):
            with self.subTest(bits=bits):
                private = rsa.generate_private_key(65537, bits)
                key = self.check_pair(f"RSA_{bits}", "ENCRYPT_DECRYPT", private, algorithm, wrapping)
                sealed = private.public_key().encrypt(b"secret", padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
                opened = self.done("Decrypt", KeyId=key["KeyId"], CiphertextBlob=text(sealed), EncryptionAlgorithm="RSAES_OAEP_SHA_256")
                self.assertEqual(base64.b64decode(opened["Plaintext"]), b"secret")

    def test_rsa_that_is_none(self):
        """It has the form of a key of the right size, but its numbers do not belong together."""
        key, private = self.new_key("RSA_2048", "SIGN_VERIFY"), rsa.generate_private_key(65537, 2048)
        good = pkcs8(private)
        at = good.index(private.private_numbers().d.to_bytes(256, "big").lstrip(b"\0"))
        for bad in (good[:at + 100] + bytes([good[at + 100] ^ 1]) + good[at + 101:], pkcs8(rsa.generate_private_key(65537, 3072)),
                pkcs8(ec.generate_private_key(ec.SECP256R1())), good + b"\0", b"x"):
            self.refused("IncorrectKeyMaterialException", "ImportKeyMaterial",
                **self.wrapped(key, bad, "RSA_AES_KEY_WRAP_SHA_256"), **FOREVER)
        self.assertEqual(self.describe(key)["KeyState"], "PendingImport")

    def test_sm2(self):
        region = "cn-north-1"
        key, secret = self.done("CreateKey", region, Origin="EXTERNAL")["KeyMetadata"], os.urandom(32)
        given = self.parameters(key, "SM2PKE", "SM2", region)
        members = {"KeyId": key["KeyId"], "ImportToken": given["ImportToken"], **FOREVER}
        self.refused("InvalidCiphertextException", "ImportKeyMaterial", region=region, EncryptedKeyMaterial=text(bytes(128)), **members)
        with tempfile.NamedTemporaryFile() as public:
            public.write(base64.b64decode(given["PublicKey"]))
            public.flush()
            wrapped = subprocess.run(["openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", public.name, "-pkeyopt",
                "digest:sm3"], input=secret, capture_output=True, check=True, timeout=20).stdout
        self.done("ImportKeyMaterial", region, EncryptedKeyMaterial=text(wrapped), **members)
        blob = self.done("Encrypt", region, KeyId=key["KeyId"], Plaintext=text(b"m"))["CiphertextBlob"]
        self.assertEqual(base64.b64decode(self.done("Decrypt", region, CiphertextBlob=blob)["Plaintext"]), b"m")

    def test_wrapping_refused(self):
        key = self.new_key()
        for algorithm, spec in (("RSAES_PKCS1_V1_5", "RSA_2048"), ("SM2PKE", "SM2"), ("RSAES_OAEP_SHA_256", "SM2"), ("SM2PKE", "RSA_2048"),
                ("RSA_AES_KEY_WRAP_SHA_256", "RSA_2048")):
            answer = self.call("GetParametersForImport", KeyId=key["KeyId"], WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
            self.assertEqual(answer.error, "UnsupportedOperationException", (algorithm, spec))
        for spec, usage, algorithm, wrapping in (("RSA_2048", "SIGN_VERIFY", "RSAES_OAEP_SHA_256", "RSA_4096"),
                ("ECC_NIST_P521", "SIGN_VERIFY", "RSAES_OAEP_SHA_1", "RSA_2048")):
            answer = self.call("GetParametersForImport", KeyId=self.new_key(spec, usage)["KeyId"], WrappingAlgorithm=algorithm,
                WrappingKeySpec=wrapping)
            self.assertEqual(answer.error, "UnsupportedOperationException", spec)

    def test_origin_and_state(self):
        own = self.done("CreateKey")["KeyMetadata"]
        rest = {"GetParametersForImport": {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"},
            "ImportKeyMaterial": {"ImportToken": "AAAA", "EncryptedKeyMaterial": "AAAA", **FOREVER}, "DeleteImportedKeyMaterial": {}}
        going = self.new_key()
        material = self.bring(going, os.urandom(32))
        self.done("ScheduleKeyDeletion", KeyId=going["KeyId"])
        for operation, members in rest.items():
            self.refused("UnsupportedOperationException", operation,
                f"{own['Arn']} origin is AWS_KMS which is not valid for this operation.", KeyId=own["KeyId"], **members)
            self.refused("InvalidArnException", operation, "Key Aliases are not supported for this operation.", KeyId="alias/x", **members)
            if operation != "DeleteImportedKeyMaterial":
                self.refused("KMSInvalidStateException", operation, f"{going['Arn']} is pending deletion.", KeyId=going["KeyId"], **members)
        self.assertEqual(self.done("DeleteImportedKeyMaterial", KeyId=going["KeyId"])["KeyMaterialId"], material)
        self.assertEqual(self.describe(going)["KeyState"], "PendingDeletion")

    def test_expiration_model(self):
        key = self.new_key()
        sealed = self.wrapped(key, os.urandom(32))
        now = time.time()
        self.refused("ValidationException", "ImportKeyMaterial",
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES", **sealed)
        for members in ({"ValidTo": now - 1}, {"ValidTo": now + 366 * DAY}, {"ValidTo": now + DAY, **FOREVER}):
            answer = self.call("ImportKeyMaterial", **sealed, **members)
            self.assertEqual(answer.error, "ValidationException", members)
        self.done("ImportKeyMaterial", **sealed, ValidTo=int(now) + DAY)
        described = self.describe(key)
        self.assertEqual((described["ExpirationModel"], described["ValidTo"]), ("KEY_MATERIAL_EXPIRES", int(now) + DAY))
        # The token counts until it expires; the date can be taken away again.
        self.done("ImportKeyMaterial", **sealed, **FOREVER)
        self.assertNotIn("ValidTo", self.describe(key))

    def test_hostile_tokens(self):
        key, other = self.new_key(), self.new_key()
        sealed, foreign = self.wrapped(key, os.urandom(32)), self.wrapped(other, os.urandom(32))
        token = base64.b64decode(sealed["ImportToken"])
        spoiled = [token[:-1], token + b"\0", token[:100], b"x", bytes(6144), base64.b64decode(foreign["ImportToken"]),
            base64.b64decode(self.encrypt(self.done("CreateKey")["KeyMetadata"], b"no token"))]
        spoiled += [token[:at] + bytes([token[at] ^ 1]) + token[at + 1:] for at in (0, 4, 20, 52, 68, 80, len(token) // 2, len(token) - 1)]
        for number, bad in enumerate(spoiled):
            with self.subTest(number=number):
                self.refused("InvalidImportTokenException", "ImportKeyMaterial", **{**sealed, "ImportToken": text(bad)}, **FOREVER)
        # A genuine token with what was wrapped for another one.
        self.refused("InvalidCiphertextException", "ImportKeyMaterial", **{**foreign, "EncryptedKeyMaterial": sealed["EncryptedKeyMaterial"]},
            **FOREVER)
        self.assertEqual(self.describe(key)["KeyState"], "PendingImport")
        self.done("ImportKeyMaterial", **sealed, **FOREVER)

    def test_wrong_lengths(self):
        key = self.new_key()
        for length in (1, 16, 31, 33, 64):
            self.refused("IncorrectKeyMaterialException", "ImportKeyMaterial", **self.wrapped(key, os.urandom(length)), **FOREVER)
        sealed = self.wrapped(key, os.urandom(32))
        wrapped = base64.b64decode(sealed["EncryptedKeyMaterial"])
        for bad in (wrapped[:-1], wrapped + b"\0", b"x", bytes(6144)):
            self.refused("ValidationException", "ImportKeyMaterial", "Invalid encrypted key size.",
                **{**sealed, "EncryptedKeyMaterial": text(bad)}, **FOREVER)
        self.refused("InvalidCiphertextException", "ImportKeyMaterial", **{**sealed, "EncryptedKeyMaterial": text(bytes(256))}, **FOREVER)

    def listed(self, key, region=harness.REGION):
        return self.done("ListKeyRotations", region, KeyId=key["KeyId"], IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]

    def test_second_generation(self):
        key, secrets = self.new_key(), [os.urandom(32) for _ in range(3)]
        which = {"KeyId": key["KeyId"]}
        none_pending = f"No available key material pending rotation for the key: {key['Arn']}."
        new = {"ImportType": "NEW_KEY_MATERIAL"}
        first = self.bring(key, secrets[0], KeyMaterialDescription="the first")
        blob = self.encrypt(key, b"old")
        self.refused("KMSInvalidStateException", "RotateKeyOnDemand", none_pending, **which)
        self.refused("IncorrectKeyMaterialException", "ImportKeyMaterial", **self.wrapped(key, secrets[0]), **FOREVER, **new)
        second = self.bring(key, secrets[1], **new)
        self.assertEqual(self.describe(key)["CurrentKeyMaterialId"], first)
        self.assertEqual([(entry["KeyMaterialId"], entry["KeyMaterialState"], entry["ImportState"], entry.get("KeyMaterialDescription"))
            for entry in self.listed(key)], [(first, "CURRENT", "IMPORTED", "the first"), (second, "PENDING_ROTATION", "IMPORTED", None)])
        self.assertEqual(self.done("ListKeyRotations", **which)["Rotations"], [])
        answer = self.call("ImportKeyMaterial", **self.wrapped(key, secrets[2]), **FOREVER, **new)
        self.assertEqual(answer.error, "KMSInvalidStateException")
        self.assertIn(second, answer.message)
        # What waits can be taken back, and another put in its place; the key goes on.
        self.done("DeleteImportedKeyMaterial", KeyMaterialId=second, **which)
        self.assertEqual((self.describe(key)["KeyState"], len(self.listed(key))), ("Enabled", 1))
        self.refused("KMSInvalidStateException", "RotateKeyOnDemand", none_pending, **which)
        third = self.bring(key, secrets[2], **new)
        self.done("RotateKeyOnDemand", **which)
        self.assertEqual(self.describe(key)["CurrentKeyMaterialId"], third)
        self.assertEqual(self.decrypted(blob), (b"old", first))
        self.assertEqual(self.decrypted(self.encrypt(key, b"new")), (b"new", third))
        self.assertEqual([entry["KeyMaterialState"] for entry in self.listed(key)], ["NON_CURRENT", "CURRENT"])
        # Without any of its materials a key cannot be used; each has to come back.
        self.done("DeleteImportedKeyMaterial", KeyMaterialId=first, **which)
        self.assertEqual(self.describe(key)["KeyState"], "PendingImport")
        self.done("DeleteImportedKeyMaterial", **which)
        self.assertEqual([entry["ImportState"] for entry in self.listed(key)], ["PENDING_IMPORT"] * 2)
        self.assertEqual(self.bring(key, secrets[2]), third)
        self.assertEqual(self.describe(key)["KeyState"], "PendingImport")
        self.assertEqual(self.bring(key, secrets[0]), first)
        self.assertEqual(self.describe(key)["KeyState"], "Enabled")
        self.assertEqual(self.listed(key)[0]["KeyMaterialDescription"], "the first", "the description is not kept")
        self.assertEqual(self.decrypted(blob), (b"old", first))

    def test_first_expiry_of_several(self):
        """The date is that of the material that is needed and expires first, not of one that only waits."""
        key, secrets, now = self.new_key(), [os.urandom(32) for _ in range(3)], int(time.time())
        expires = lambda days: {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": now + days * DAY}
        shown = lambda: [self.describe(key).get(name) for name in ("ExpirationModel", "ValidTo")]
        self.bring(key, secrets[0])
        self.assertEqual(shown(), ["KEY_MATERIAL_DOES_NOT_EXPIRE", None])
        self.bring(key, secrets[1], ImportType="NEW_KEY_MATERIAL", **expires(3))
        self.assertEqual(shown(), ["KEY_MATERIAL_DOES_NOT_EXPIRE", None])
        self.done("RotateKeyOnDemand", KeyId=key["KeyId"])
        self.assertEqual(shown(), ["KEY_MATERIAL_EXPIRES", now + 3 * DAY])
        self.bring(key, secrets[0], **expires(2))
        self.assertEqual(shown(), ["KEY_MATERIAL_EXPIRES", now + 2 * DAY])
        self.bring(key, secrets[1])
        self.assertEqual(shown(), ["KEY_MATERIAL_EXPIRES", now + 2 * DAY])
        self.bring(key, secrets[0])
        self.assertEqual(shown(), ["KEY_MATERIAL_DOES_NOT_EXPIRE", None])

    def test_members_of_generations(self):
        key, secret = self.new_key(), os.urandom(32)
        sealed = {**self.wrapped(key, secret), **FOREVER}
        self.refused("IncorrectKeyMaterialException", "ImportKeyMaterial", ImportType="EXISTING_KEY_MATERIAL", **sealed)
        self.refused("ValidationException", "ImportKeyMaterial", "KeyMaterialId must not be set if the ImportType is NEW_KEY_MATERIAL",
            KeyMaterialId="0" * 64, **sealed)
        material = self.done("ImportKeyMaterial", **sealed)["KeyMaterialId"]
        self.refused("IncorrectKeyMaterialException", "ImportKeyMaterial", KeyMaterialId="0" * 64, **sealed)
        self.refused("NotFoundException", "DeleteImportedKeyMaterial", f"Key material '{'0' * 64}' of key {key['Arn']} does not exist",
            KeyId=key["KeyId"], KeyMaterialId="0" * 64)
        self.assertEqual(self.done("ImportKeyMaterial", KeyMaterialId=material, **sealed)["KeyMaterialId"], material)
        mac = self.new_key("HMAC_256", "GENERATE_VERIFY_MAC")
        answer = self.call("ImportKeyMaterial", ImportType="NEW_KEY_MATERIAL", **self.wrapped(mac, secret), **FOREVER)
        self.assertEqual(answer.error, "ValidationException")
        self.bring(mac, secret)
        self.refused("IncorrectKeyMaterialException", "ImportKeyMaterial", **self.wrapped(mac, os.urandom(32)), **FOREVER)


    def test_related_keys(self):
        """A replica gets what its primary has, no more; a rotation waits until all have it."""
        west, new = "us-west-2", {"ImportType": "NEW_KEY_MATERIAL"}
        key, secrets = self.new_key(MultiRegion=True), [os.urandom(32) for _ in range(2)]
        which = {"KeyId": key["KeyId"]}
        first = self.bring(key, secrets[0])
        self.done("ReplicateKey", ReplicaRegion=west, **which)
        self.assertEqual(self.describe(key, west)["KeyState"], "PendingImport")
        # A token of one region is none of the other's.
        self.refused("InvalidImportTokenException", "ImportKeyMaterial", region=west, **self.wrapped(key, secrets[0]), **FOREVER)
        self.refused("IncorrectKeyMaterialException", "ImportKeyMaterial", region=west,
            **self.wrapped(key, secrets[1], region=west), **FOREVER)
        self.assertEqual(self.bring(key, secrets[0], region=west), first)
        self.assertEqual(self.describe(key, west)["KeyState"], "Enabled")
        blob = self.encrypt(key, b"everywhere")
        self.assertEqual(self.call("ImportKeyMaterial", west, **self.wrapped(key, secrets[1], region=west), **FOREVER, **new).error,
            "UnsupportedOperationException")
        second = self.bring(key, secrets[1], **new)
        self.assertEqual([entry["KeyMaterialState"] for entry in self.listed(key)], ["CURRENT", "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"])
        self.refused("KMSInvalidStateException", "RotateKeyOnDemand",
            f"No available key material pending rotation for the key: {key['Arn']}.", **which)
        self.assertEqual(self.bring(key, secrets[1], region=west), second)
        for region in (harness.REGION, west):
            self.assertEqual([entry["KeyMaterialState"] for entry in self.listed(key, region)], ["CURRENT", "PENDING_ROTATION"])
        # Taken back from the primary it is gone everywhere.
        self.done("DeleteImportedKeyMaterial", KeyMaterialId=second, **which)
        self.assertEqual(len(self.listed(key, west)), 1)
        self.bring(key, secrets[1], **new)
        self.bring(key, secrets[1], region=west)
        self.assertEqual(self.call("RotateKeyOnDemand", west, **which).error, "UnsupportedOperationException")
        self.done("RotateKeyOnDemand", **which)
        for region in (harness.REGION, west):
            self.assertEqual(self.describe(key, region)["CurrentKeyMaterialId"], second)
            self.assertEqual(base64.b64decode(self.done("Decrypt", region, CiphertextBlob=blob)["Plaintext"]), b"everywhere")
        # What a replica loses it loses alone.
        self.done("DeleteImportedKeyMaterial", west, KeyMaterialId=first, **which)
        self.assertEqual([self.describe(key, region)["KeyState"] for region in (harness.REGION, west)], ["Enabled", "PendingImport"])


class Bounds(Case):
    def test_checks_are_bounded(self):
        """Of many imports of RSA keys at once some are put off; those who only use keys, or change others, notice nothing."""
        self.server = harness.Server(pools=FEW_POOLS, options=PATIENT)
        self.addCleanup(self.server.close)
        self.server.start(ready=False)
        key, used = self.new_key("RSA_4096", "SIGN_VERIFY"), self.done("CreateKey")["KeyMetadata"]["KeyId"]
        sealed = {**self.wrapped(key, pkcs8(rsa.generate_private_key(65537, 4096)), "RSA_AES_KEY_WRAP_SHA_256"), **FOREVER}
        waits = []
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            imports = [pool.submit(self.call, "ImportKeyMaterial", **sealed) for _ in range(16)]
            while not all(each.done() for each in imports):
                begin = time.monotonic()
                self.done("GenerateDataKey", KeyId=used, KeySpec="AES_256")
                self.done("UpdateKeyDescription", KeyId=used, Description="changed")
                waits.append(time.monotonic() - begin)
            errors = [each.result().error for each in imports]
        self.assertEqual(set(errors), {None, "ThrottlingException"})
        self.assertLess(sorted(waits)[len(waits) // 2], 0.15, "others wait for imports")
        self.assertEqual(self.describe(key)["KeyState"], "Enabled")


class Restart(Case):
    """One data folder, three runs: as it is, a day later, two days later."""

    def test_token_and_material(self):
        with harness.Server(pools=FEW_POOLS, options=PATIENT) as self.server:
            key, late, old = self.new_key(), self.new_key(), self.new_key()
            secret = os.urandom(32)
            sealed, second = self.wrapped(key, secret), self.wrapped(late, os.urandom(32))
            valid_to = int(time.time()) + 36 * 3600
            expiring = self.bring(old, secret, ValidTo=valid_to)
            blob = self.encrypt(old, b"kept")
            self.server.kill()
            self.server.start(ready=False)
            # Nothing was kept of the token but the secret that opens it.
            material = self.done("ImportKeyMaterial", **sealed, **FOREVER)["KeyMaterialId"]
            self.assertEqual(self.describe(old)["ValidTo"], valid_to)
            self.server.stop()
            self.server.options = [*PATIENT, "--clock-offset", str(DAY + 60)]
            self.server.start(ready=False)
            self.refused("ExpiredImportTokenException", "ImportKeyMaterial", **second, **FOREVER)
            self.assertEqual(self.describe(late)["KeyState"], "PendingImport")
            self.assertEqual(self.describe(key)["CurrentKeyMaterialId"], material)
            self.assertEqual(self.decrypted(blob), (b"kept", expiring))
            self.server.stop()
            self.server.options = [*PATIENT, "--clock-offset", str(2 * DAY)]
            self.server.start(ready=False)
            self.server.wait_until(lambda: self.describe(old)["KeyState"] == "PendingImport", 10, "aware of the expiry")
            self.refused("KMSInvalidStateException", "Decrypt", f"{old['Arn']} is pending import.", CiphertextBlob=blob)
            self.assertEqual(self.bring(old, secret), expiring)
            self.assertEqual(self.decrypted(blob), (b"kept", expiring))


if __name__ == "__main__":
    unittest.main()
