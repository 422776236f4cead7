"""Key pairs as KMS keys: signatures and ciphertexts that others read, and theirs read here."""

import base64
import contextlib
import hashlib
import os
import select
import subprocess
import tempfile
import unittest

import botocore.exceptions
import harness
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
RSA_SIGNING = [f"RSASSA_{scheme}_SHA_{size}" for scheme in ("PKCS1_V1_5", "PSS") for size in HASHES]
CURVES = {"ECC_NIST_P256": "256", "ECC_NIST_P384": "384", "ECC_NIST_P521": "512", "ECC_SECG_P256K1": "256"}
CHINA = "cn-north-1"
GROUPS = {"ECC_NIST_P256": ec.SECP256R1(), "ECC_NIST_P384": ec.SECP384R1(), "ECC_NIST_P521": ec.SECP521R1()}
MESSAGE = b"what is signed \xff\x00"


def b64(data):
    return base64.b64encode(data).decode()


def scheme_of(algorithm):
    digest = HASHES[algorithm[-3:]]
    return padding.PSS(padding.MGF1(digest), digest.digest_size) if "PSS" in algorithm else padding.PKCS1v15()


def verify_outside(public, algorithm, signature, message):
    digest = HASHES[algorithm[-3:]]
    if algorithm.startswith("ECDSA"):
        public.verify(signature, message, ec.ECDSA(digest))
    elif algorithm.startswith("ED25519"):
        public.verify(signature, message)
    else:
        public.verify(signature, message, scheme_of(algorithm), digest)


def oaep(algorithm):
    digest = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    return padding.OAEP(padding.MGF1(digest), digest, None)


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.shared()
        cls.keys = {}

    @classmethod
    def key(cls, spec, usage=None, region=harness.REGION):
        """One key of a kind for all tests of a class."""
        kind = (spec, usage, region)
        if kind not in cls.keys:
            members = {"KeySpec": spec, **({"KeyUsage": usage} if usage else {})}
            cls.keys[kind] = cls.server.call("CreateKey", members, region=region).json["KeyMetadata"]
        return cls.keys[kind]

    def ask(self, operation, region=harness.REGION, **members):
        answer = self.server.call(operation, members, region=region)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def refused(self, error, message, operation, region=harness.REGION, **members):
        answer = self.server.call(operation, members, region=region)
        self.assertEqual((answer.status, answer.error, answer.message), (400, error, message))

    def public(self, key, region=harness.REGION):
        return base64.b64decode(self.ask("GetPublicKey", region, KeyId=key["KeyId"])["PublicKey"])


class Signatures(Base):
    def both_ways(self, key, algorithm, kind="RAW", message=MESSAGE):
        which = {"KeyId": key["KeyId"], "SigningAlgorithm": algorithm, "Message": b64(message), "MessageType": kind}
        signed = self.ask("Sign", **which)
        self.assertEqual({name: signed[name] for name in ("KeyId", "SigningAlgorithm")},
            {"KeyId": key["Arn"], "SigningAlgorithm": algorithm})
        self.assertEqual(self.ask("Verify", **which, Signature=signed["Signature"]),
            {"KeyId": key["Arn"], "SignatureValid": True, "SigningAlgorithm": algorithm})
        return base64.b64decode(signed["Signature"])

    def each(self):
        for algorithm in RSA_SIGNING:
            yield "RSA_2048", algorithm
        yield "RSA_4096", "RSASSA_PSS_SHA_512"
        for spec, size in CURVES.items():
            yield spec, f"ECDSA_SHA_{size}"
        yield "ECC_NIST_EDWARDS25519", "ED25519_SHA_512"

    def test_raw_messages_are_verified_by_others(self):
        for spec, algorithm in self.each():
            with self.subTest(spec=spec, algorithm=algorithm):
                key = self.key(spec, "SIGN_VERIFY")
                public = serialization.load_der_public_key(self.public(key))
                verify_outside(public, algorithm, self.both_ways(key, algorithm), MESSAGE)

    def test_digests_are_verified_by_others(self):
        for spec, algorithm in self.each():
            if algorithm.startswith("ED"):
                continue
            with self.subTest(spec=spec, algorithm=algorithm):
                key = self.key(spec, "SIGN_VERIFY")
                digest = hashlib.new("sha" + algorithm[-3:], MESSAGE).digest()
                signature = self.both_ways(key, algorithm, "DIGEST", digest)
                public = serialization.load_der_public_key(self.public(key))
                verify_outside(public, algorithm, signature, MESSAGE)
                self.ask("Verify", KeyId=key["KeyId"], SigningAlgorithm=algorithm, Message=b64(MESSAGE),
                    Signature=b64(signature))

    def test_longest_message(self):
        key = self.key("ECC_NIST_P256", "SIGN_VERIFY")
        message = bytes(range(256)) * 16
        verify_outside(serialization.load_der_public_key(self.public(key)), "ECDSA_SHA_256",
            self.both_ways(key, "ECDSA_SHA_256", message=message), message)

    def test_wrong_everything(self):
        for spec, algorithm, other in (("RSA_2048", "RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256"),
                ("ECC_NIST_P384", "ECDSA_SHA_384", None), ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", None)):
            which = {"KeyId": self.key(spec, "SIGN_VERIFY")["KeyId"], "SigningAlgorithm": algorithm}
            good = base64.b64decode(self.ask("Sign", Message=b64(MESSAGE), **which)["Signature"])
            wrong = [good[:-1] + bytes([good[-1] ^ 1]), bytes([good[0] ^ 0x80]) + good[1:], good[:-1], good + b"\0", b"\1",
                bytes(len(good)), b"\xff" * 6144, good[::-1]]
            for signature in wrong:
                with self.subTest(spec=spec, signature=signature[:80]):
                    self.refused("KMSInvalidSignatureException", None, "Verify", Message=b64(MESSAGE),
                        Signature=b64(signature), **which)
            self.refused("KMSInvalidSignatureException", None, "Verify", Message=b64(MESSAGE + b"."), Signature=b64(good),
                **which)
            if other:
                self.refused("KMSInvalidSignatureException", None, "Verify", Message=b64(MESSAGE), Signature=b64(good),
                    **{**which, "SigningAlgorithm": other})

    def test_signature_of_another_key(self):
        which = {"SigningAlgorithm": "ECDSA_SHA_256", "Message": b64(MESSAGE)}
        key = self.key("ECC_NIST_P256", "SIGN_VERIFY")
        stranger = ec.generate_private_key(ec.SECP256R1()).sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
        self.refused("KMSInvalidSignatureException", None, "Verify", KeyId=key["KeyId"], Signature=b64(stranger), **which)
        one = self.ask("Sign", KeyId=key["KeyId"], **which)["Signature"]
        two = self.ask("Sign", KeyId=key["KeyId"], **which)["Signature"]
        self.assertNotEqual(one, two)
        other = ec.generate_private_key(ec.SECP256R1()).public_key()
        with self.assertRaises(InvalidSignature):
            verify_outside(other, "ECDSA_SHA_256", base64.b64decode(one), MESSAGE)

    def test_order_of_refusals(self):
        signer, elliptic = self.key("RSA_2048", "SIGN_VERIFY"), self.key("ECC_NIST_P256", "SIGN_VERIFY")
        for operation, more in (("Sign", {}), ("Verify", {"Signature": "AAAA"})):
            def refused(error, message, key, algorithm, kind="RAW", text=MESSAGE, do=operation, more=more):
                self.refused(error, message, do, KeyId=key["KeyId"], SigningAlgorithm=algorithm, MessageType=kind,
                    Message=b64(text), **more)

            for spec, usage in (("SYMMETRIC_DEFAULT", None), ("HMAC_256", "GENERATE_VERIFY_MAC"), ("RSA_2048", "ENCRYPT_DECRYPT"),
                    ("ECC_NIST_P256", "KEY_AGREEMENT")):
                key = self.key(spec, usage)
                refused("InvalidKeyUsageException",
                    f"{key['Arn']} key usage is {key['KeyUsage']} which is not valid for {operation}.", key, "ECDSA_SHA_256")
            refused("InvalidKeyUsageException", "Algorithm ECDSA_SHA_256 is incompatible with key spec RSA_2048.", signer,
                "ECDSA_SHA_256")
            refused("InvalidKeyUsageException", "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256.",
                elliptic, "ECDSA_SHA_384", "DIGEST", bytes(20))
            refused("ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256.", elliptic,
                "ECDSA_SHA_256", "DIGEST", bytes(31))
            refused("ValidationException", "Message type EXTERNAL_MU is incompatible with algorithm ECDSA_SHA_256.", elliptic,
                "ECDSA_SHA_256", "EXTERNAL_MU", bytes(64))
            edwards = self.key("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
            refused("ValidationException", "Message type DIGEST is incompatible with algorithm ED25519_SHA_512.", edwards,
                "ED25519_SHA_512", "DIGEST", bytes(64))
            refused("ValidationException", "Message type RAW is incompatible with algorithm ED25519_PH_SHA_512.", edwards,
                "ED25519_PH_SHA_512")
            refused("ValidationException", "Digest is invalid length for algorithm ED25519_PH_SHA_512.", edwards,
                "ED25519_PH_SHA_512", "DIGEST", bytes(63))

    def test_prehashed_edwards(self):
        key, digest = self.key("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"), hashlib.sha512(MESSAGE).digest()
        signature = self.both_ways(key, "ED25519_PH_SHA_512", "DIGEST", digest)
        which = {"KeyId": key["KeyId"], "Signature": b64(signature)}
        # Another scheme with the same key, which nobody else takes for the plain one.
        for text in (digest, MESSAGE):
            self.refused("KMSInvalidSignatureException", None, "Verify", SigningAlgorithm="ED25519_SHA_512", Message=b64(text), **which)
            with self.assertRaises(InvalidSignature):
                serialization.load_der_public_key(self.public(key)).verify(signature, text)
        self.refused("KMSInvalidSignatureException", None, "Verify", SigningAlgorithm="ED25519_PH_SHA_512", MessageType="DIGEST",
            Message=b64(digest[::-1]), **which)

    def test_disabled(self):
        key = self.server.call("CreateKey", {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}).json["KeyMetadata"]
        which = {"KeyId": key["KeyId"], "Message": b64(MESSAGE)}
        signature = self.ask("Sign", SigningAlgorithm="ECDSA_SHA_256", **which)["Signature"]
        self.ask_empty("DisableKey", KeyId=key["KeyId"])
        for algorithm in ("ECDSA_SHA_256", "ECDSA_SHA_384"):
            self.refused("DisabledException", f"{key['Arn']} is disabled.", "Sign", SigningAlgorithm=algorithm, **which)
            self.refused("DisabledException", f"{key['Arn']} is disabled.", "Verify", SigningAlgorithm=algorithm,
                Signature=signature, **which)
        self.assertEqual(self.ask("GetPublicKey", KeyId=key["KeyId"])["KeyId"], key["Arn"])
        self.ask_empty("EnableKey", KeyId=key["KeyId"])
        self.ask("Verify", SigningAlgorithm="ECDSA_SHA_256", Signature=signature, **which)

    def ask_empty(self, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual((answer.status, answer.body), (200, b""))

    def test_dry_run(self):
        key = self.key("ECC_NIST_P256", "SIGN_VERIFY")
        which = {"KeyId": key["KeyId"], "SigningAlgorithm": "ECDSA_SHA_256", "Message": b64(MESSAGE)}
        would = ("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
        self.refused(*would, "Sign", DryRun=True, **which)
        self.refused(*would, "Verify", DryRun=True, Signature=self.ask("Sign", **which)["Signature"], **which)
        self.refused("KMSInvalidSignatureException", None, "Verify", DryRun=True, Signature="AAAA", **which)

    def test_by_boto3_and_alias(self):
        kms, key = self.server.client(), self.key("RSA_2048", "SIGN_VERIFY")
        alias = "alias/asymmetric-" + os.urandom(4).hex()
        kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
        digest = hashlib.sha256(MESSAGE).digest()
        signed = kms.sign(KeyId=alias, Message=digest, MessageType="DIGEST", SigningAlgorithm="RSASSA_PSS_SHA_256")
        public = serialization.load_der_public_key(kms.get_public_key(KeyId=alias)["PublicKey"])
        public.verify(signed["Signature"], digest, scheme_of("RSASSA_PSS_SHA_256"), utils.Prehashed(hashes.SHA256()))
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            kms.verify(KeyId=alias, Message=MESSAGE, Signature=b"\0", SigningAlgorithm="RSASSA_PSS_SHA_256")
        self.assertEqual(caught.exception.response["Error"]["Code"], "KMSInvalidSignatureException")

    def test_restart(self):
        pools = {spec: 0 for spec in harness.SPECS} | {"ECC_NIST_P256": 4}
        with harness.Server(pools=pools).start() as server:
            members = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
            key = server.call("CreateKey", members).json["KeyMetadata"]["KeyId"]
            which = {"KeyId": key, "SigningAlgorithm": "ECDSA_SHA_256", "Message": b64(MESSAGE)}
            signature = server.call("Sign", which).json["Signature"]
            public = server.call("GetPublicKey", {"KeyId": key}).json
            self.assertEqual(server.stop(), 0)
            server.start()
            self.assertEqual(server.call("GetPublicKey", {"KeyId": key}).json, public)
            self.assertEqual(server.call("Verify", {**which, "Signature": signature}).status, 200)
            self.assertNotIn("Message", next(record for record in server.audit_records()
                if record["eventName"] == "Verify")["requestParameters"])


class SlowKeys(unittest.TestCase):
    """Signatures that take milliseconds do not hold up the requests of others on the same serving thread."""

    @classmethod
    def setUpClass(cls):
        pools = {spec: 0 for spec in harness.SPECS} | {"RSA_4096": 1}
        cls.server = harness.Server(pools=pools, options=["--serving-threads", "1"])
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.key = harness.new_key(cls.server, KeySpec="RSA_4096", KeyUsage="SIGN_VERIFY")

    def signing(self, number):
        """Connections on each of which a signature is being made."""
        request = self.server.signed("Sign", {"KeyId": self.key, "SigningAlgorithm": "RSASSA_PSS_SHA_256", "Message": b64(MESSAGE)})
        connections = [self.server.connect() for _ in range(number)]
        for connection in connections:
            self.addCleanup(connection.socket.close)
            connection.send(request)
        return connections

    def test_others_go_first(self):
        waiting = self.signing(40)
        self.assertEqual(self.server.call("GenerateRandom", {"NumberOfBytes": 16}).status, 200)
        ready, _, _ = select.select([connection.socket for connection in waiting], [], [], 0)
        self.assertLess(len(ready), len(waiting), "every signature was made before the other request was answered")
        answers = [connection.answer() for connection in waiting]
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertEqual(len({answer.json["Signature"] for answer in answers}), len(answers))

    def test_too_many(self):
        waiting = self.signing(300)
        outcomes = [connection.answer().error for connection in waiting]
        self.assertEqual(set(outcomes), {None, "ThrottlingException"})
        self.assertGreaterEqual(outcomes.count(None), 256)

    def test_clients_that_leave(self):
        for connection in self.signing(20):
            connection.socket.close()
        self.assertEqual(self.signing(1)[0].answer().status, 200)

    def test_stop_while_they_are_made(self):
        pools = {spec: 0 for spec in harness.SPECS} | {"ECC_NIST_P384": 1}
        with harness.Server(pools=pools, options=["--serving-threads", "1"]).start() as server:
            key = harness.new_key(server, KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")
            request = server.signed("Sign", {"KeyId": key, "SigningAlgorithm": "ECDSA_SHA_384", "Message": b64(MESSAGE)})
            with contextlib.ExitStack() as stack:
                waiting = [stack.enter_context(server.connect()) for _ in range(150)]
                for connection in waiting:
                    connection.send(request)
                first = waiting[0].answer()
                self.assertEqual(first.status, 200)
                self.assertEqual(server.stop(), 0)
                answers = [connection.answer() for connection in waiting[1:]]
                # Whoever connected too late for the server to have read his request gets none; whoever waited does.
                statuses = [answer.status for answer in answers if answer is not None]
                self.assertEqual(set(statuses), {200})
                self.assertGreater(len(statuses), 20)


class PublicKeys(Base):
    def test_members(self):
        for spec, usage, member, algorithms in (
                ("RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
                ("RSA_2048", "SIGN_VERIFY", "SigningAlgorithms", RSA_SIGNING),
                ("ECC_NIST_P521", "KEY_AGREEMENT", "KeyAgreementAlgorithms", ["ECDH"])):
            with self.subTest(spec=spec, usage=usage):
                key = self.key(spec, usage)
                answer = self.ask("GetPublicKey", KeyId=key["KeyId"])
                public = serialization.load_der_public_key(base64.b64decode(answer.pop("PublicKey")))
                self.assertEqual(public.key_size, {"RSA_2048": 2048, "ECC_NIST_P521": 521}[spec])
                self.assertEqual(answer, {"KeyId": key["Arn"], "KeySpec": spec, "CustomerMasterKeySpec": spec, "KeyUsage": usage,
                    member: algorithms})

    def test_secret_keys_have_none(self):
        for spec, usage in (("SYMMETRIC_DEFAULT", None), ("HMAC_384", "GENERATE_VERIFY_MAC")):
            self.refused("UnsupportedOperationException", None, "GetPublicKey", KeyId=self.key(spec, usage)["KeyId"])

    def test_pending_import(self):
        for members in ({}, {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}):
            key = self.server.call("CreateKey", {"Origin": "EXTERNAL", **members}).json["KeyMetadata"]
            self.refused("KMSInvalidStateException", f"{key['Arn']} is pending import.", "GetPublicKey", KeyId=key["KeyId"])


class States(Base):
    """Each operation of keys that are not symmetric, with a key in each state."""

    KINDS = {
        ("ECC_NIST_P256", "SIGN_VERIFY"): {
            "Sign": {"SigningAlgorithm": "ECDSA_SHA_256", "Message": "AAAA"},
            "Verify": {"SigningAlgorithm": "ECDSA_SHA_256", "Message": "AAAA", "Signature": "AAAA"},
            "GetPublicKey": {}},
        ("ECC_NIST_P256", "KEY_AGREEMENT"): {
            "DeriveSharedSecret": {"KeyAgreementAlgorithm": "ECDH",
                "PublicKey": b64(harness.public_der(ec.generate_private_key(ec.SECP256R1())))}},
        ("HMAC_256", "GENERATE_VERIFY_MAC"): {
            "GenerateMac": {"MacAlgorithm": "HMAC_SHA_256", "Message": "AAAA"},
            "VerifyMac": {"MacAlgorithm": "HMAC_SHA_256", "Message": "AAAA", "Mac": "AAAA"}},
        ("RSA_2048", "ENCRYPT_DECRYPT"): {
            "Encrypt": {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256", "Plaintext": "AAAA"},
            "Decrypt": {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256", "CiphertextBlob": b64(b"\1" * 256)},
            "GetPublicKey": {}},
    }
    # What an operation answers when only the state could have kept it from it.
    PASSED = {"Verify": "KMSInvalidSignatureException", "VerifyMac": "KMSInvalidMacException",
        "Decrypt": "InvalidCiphertextException"}
    REFUSED = {"Disabled": ("DisabledException", "disabled"), "PendingDeletion": ("KMSInvalidStateException", "pending deletion"),
        "PendingImport": ("KMSInvalidStateException", "pending import")}

    def made(self, spec, usage, state):
        members = {"KeySpec": spec, "KeyUsage": usage, **({"Origin": "EXTERNAL"} if state == "PendingImport" else {})}
        key = self.ask("CreateKey", **members)["KeyMetadata"]
        if state == "Disabled":
            self.assertEqual(self.server.call("DisableKey", {"KeyId": key["KeyId"]}).status, 200)
        if state == "PendingDeletion":
            self.ask("ScheduleKeyDeletion", KeyId=key["KeyId"])
        self.assertEqual(self.ask("DescribeKey", KeyId=key["KeyId"])["KeyMetadata"]["KeyState"], state)
        return key

    def test_every_cell(self):
        for (spec, usage), operations in self.KINDS.items():
            for state in ("Enabled", "Disabled", "PendingDeletion", "PendingImport"):
                key = self.made(spec, usage, state)
                for operation, members in operations.items():
                    with self.subTest(spec=spec, state=state, operation=operation):
                        answer = self.server.call(operation, {"KeyId": key["KeyId"], **members})
                        if state == "Enabled" or (state, operation) == ("Disabled", "GetPublicKey"):
                            self.assertEqual(answer.error, self.PASSED.get(operation))
                        else:
                            error, text = self.REFUSED[state]
                            self.assertEqual((answer.error, answer.message), (error, f"{key['Arn']} is {text}."))


class Encryption(Base):
    LIMITS = {"RSA_2048": (214, 190), "RSA_3072": (342, 318), "RSA_4096": (470, 446)}

    def test_both_ways(self):
        for spec, limits in self.LIMITS.items():
            key = self.key(spec, "ENCRYPT_DECRYPT")
            public = serialization.load_der_public_key(self.public(key))
            for algorithm, limit in zip(("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"), limits):
                which = {"KeyId": key["KeyId"], "EncryptionAlgorithm": algorithm}
                for text in (b"x", os.urandom(limit)):
                    with self.subTest(spec=spec, algorithm=algorithm, length=len(text)):
                        sealed = self.ask("Encrypt", Plaintext=b64(text), **which)
                        self.assertEqual(len(base64.b64decode(sealed["CiphertextBlob"])), public.key_size // 8)
                        self.assertEqual({**sealed, "CiphertextBlob": 0}, {"CiphertextBlob": 0, "KeyId": key["Arn"],
                            "EncryptionAlgorithm": algorithm})
                        for blob in (sealed["CiphertextBlob"], b64(public.encrypt(text, oaep(algorithm)))):
                            self.assertEqual(self.ask("Decrypt", CiphertextBlob=blob, **which), {"KeyId": key["Arn"],
                                "Plaintext": b64(text), "EncryptionAlgorithm": algorithm})
                self.refused("ValidationException",
                    f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {limit} bytes.", "Encrypt",
                    Plaintext=b64(bytes(limit + 1)), **which)

    def test_wrong_everything(self):
        key, text = self.key("RSA_2048", "ENCRYPT_DECRYPT"), b64(b"text")
        which = {"KeyId": key["KeyId"], "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
        good = base64.b64decode(self.ask("Encrypt", Plaintext=text, **which)["CiphertextBlob"])
        stranger = rsa.generate_private_key(65537, 2048).public_key().encrypt(b"text", oaep("RSAES_OAEP_SHA_256"))
        for blob in (good[:-1], good + b"\0", bytes(256), b"\xff" * 256, b"\1", good[:-1] + bytes([good[-1] ^ 1]), stranger,
                bytes(6144)):
            self.refused("InvalidCiphertextException", None, "Decrypt", CiphertextBlob=b64(blob), **which)
        self.refused("InvalidCiphertextException", None, "Decrypt", CiphertextBlob=b64(good), KeyId=key["KeyId"],
            EncryptionAlgorithm="RSAES_OAEP_SHA_1")
        self.refused("InvalidCiphertextException", None, "Decrypt", CiphertextBlob=b64(good), KeyId=key["KeyId"])
        self.refused("ValidationException", "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: "
            "Member must not be null", "Decrypt", CiphertextBlob=b64(good), EncryptionAlgorithm="RSAES_OAEP_SHA_256")
        self.refused("InvalidKeyUsageException", "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.",
            "Encrypt", KeyId=key["KeyId"], Plaintext=text)
        symmetric = self.key("SYMMETRIC_DEFAULT")
        for operation, more in (("Encrypt", {"Plaintext": text}), ("Decrypt", {"CiphertextBlob": b64(good)})):
            self.refused("InvalidKeyUsageException",
                "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.", operation,
                KeyId=symmetric["KeyId"], EncryptionAlgorithm="RSAES_OAEP_SHA_256", **more)
            self.refused("ValidationException",
                "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.", operation,
                EncryptionContext={"a": "b"}, **which, **more)
            self.refused("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.",
                operation, DryRun=True, **which, **more)
            signer = self.key("RSA_2048", "SIGN_VERIFY")
            self.refused("InvalidKeyUsageException", f"{signer['Arn']} key usage is SIGN_VERIFY which is not valid for {operation}.",
                operation, **{**which, "KeyId": signer["KeyId"]}, **more)

    def test_no_data_keys_under_a_pair(self):
        key = self.key("RSA_2048", "ENCRYPT_DECRYPT")
        self.refused("InvalidKeyUsageException", "You cannot generate a data key with an asymmetric CMK", "GenerateDataKeyPair",
            KeyId=key["KeyId"], KeyPairSpec="ECC_NIST_P256")


class Agreement(Base):
    def test_both_sides(self):
        for spec, group in GROUPS.items():
            with self.subTest(spec=spec):
                key = self.key(spec, "KEY_AGREEMENT")
                ours = ec.generate_private_key(group)
                secret = ours.exchange(ec.ECDH(), serialization.load_der_public_key(self.public(key)))
                which = {"KeyId": key["KeyId"], "KeyAgreementAlgorithm": "ECDH", "PublicKey": b64(harness.public_der(ours))}
                self.assertEqual(self.ask("DeriveSharedSecret", **which), {"KeyId": key["Arn"], "KeyAgreementAlgorithm": "ECDH",
                    "KeyOrigin": "AWS_KMS", "SharedSecret": b64(secret)})
                self.refused("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.",
                    "DeriveSharedSecret", DryRun=True, **which)

    def test_bad_peers(self):
        key = self.key("ECC_NIST_P256", "KEY_AGREEMENT")
        good = harness.public_der(ec.generate_private_key(ec.SECP256R1()))
        off_curve = good[:-1] + bytes([good[-1] ^ 1])
        for peer in (b"InvalidPublicKey", off_curve, good + b"\0", good[:-1], harness.public_der(ec.generate_private_key(ec.SECP384R1())),
                harness.public_der(ec.generate_private_key(ec.SECP256K1())), harness.public_der(rsa.generate_private_key(65537, 2048)),
                bytes(8192)):
            self.refused("ValidationException", None, "DeriveSharedSecret", KeyId=key["KeyId"], KeyAgreementAlgorithm="ECDH",
                PublicKey=b64(peer))
        signer = self.key("ECC_NIST_P256", "SIGN_VERIFY")
        self.refused("InvalidKeyUsageException",
            f"{signer['Arn']} key usage is SIGN_VERIFY which is not valid for DeriveSharedSecret.", "DeriveSharedSecret",
            KeyId=signer["KeyId"], KeyAgreementAlgorithm="ECDH", PublicKey=b64(good))


class China(Base):
    """SM2: by OpenSSL's command line, since nothing else here has it."""

    def openssl(self, folder, *arguments, **files):
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, timeout=20, check=False)

    def test_signatures(self):
        key = self.key("SM2", "SIGN_VERIFY", CHINA)
        self.assertTrue(key["Arn"].startswith("arn:aws-cn:kms:cn-north-1:"))
        which = {"KeyId": key["KeyId"], "SigningAlgorithm": "SM2DSA", "Message": b64(MESSAGE)}
        signature = base64.b64decode(self.ask("Sign", CHINA, **which)["Signature"])
        self.ask("Verify", CHINA, Signature=b64(signature), **which)
        self.refused("KMSInvalidSignatureException", None, "Verify", CHINA, Signature=b64(signature[::-1]), **which)
        with tempfile.TemporaryDirectory() as folder:
            command = ("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin", "-digest", "sm3", "-in",
                "message", "-sigfile", "signature", "-pkeyopt", "distid:1234567812345678")
            files = {"key": self.public(key, CHINA), "signature": signature}
            self.assertEqual(self.openssl(folder, *command, message=MESSAGE, **files).returncode, 0)
            self.assertNotEqual(self.openssl(folder, *command, message=MESSAGE + b".", **files).returncode, 0)

    def test_encryption(self):
        key = self.key("SM2", "ENCRYPT_DECRYPT", CHINA)
        which = {"KeyId": key["KeyId"], "EncryptionAlgorithm": "SM2PKE"}
        for length in (1, 1024):
            text = os.urandom(length)
            blob = self.ask("Encrypt", CHINA, Plaintext=b64(text), **which)["CiphertextBlob"]
            self.assertEqual(self.ask("Decrypt", CHINA, CiphertextBlob=blob, **which)["Plaintext"], b64(text))
        self.refused("ValidationException", "Algorithm SM2PKE and key spec SM2 cannot encrypt data larger than 1024 bytes.",
            "Encrypt", CHINA, Plaintext=b64(bytes(1025)), **which)
        with tempfile.TemporaryDirectory() as folder:
            made = self.openssl(folder, "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "key", "-in", "text",
                key=self.public(key, CHINA), text=b"from outside").stdout
        self.assertEqual(self.ask("Decrypt", CHINA, CiphertextBlob=b64(made), **which)["Plaintext"], b64(b"from outside"))
        self.refused("InvalidCiphertextException", None, "Decrypt", CHINA, CiphertextBlob=b64(made[:-1]), **which)

    def test_pairs(self):
        key = self.key("SYMMETRIC_DEFAULT", None, CHINA)
        which = {"KeyId": key["KeyId"], "KeyPairSpec": "SM2"}
        self.refused("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.",
            "GenerateDataKeyPair", CHINA, DryRun=True, **which)
        pair = self.ask("GenerateDataKeyPair", CHINA, **which)
        self.assertEqual((pair["KeyPairSpec"], pair["KeyId"]), ("SM2", key["Arn"]))
        opened = self.ask("Decrypt", CHINA, CiphertextBlob=pair["PrivateKeyCiphertextBlob"])
        self.assertEqual(opened["Plaintext"], pair["PrivateKeyPlaintext"])
        with tempfile.TemporaryDirectory() as folder:
            public = self.openssl(folder, "pkey", "-inform", "DER", "-in", "key", "-pubout", "-outform", "DER",
                key=base64.b64decode(pair["PrivateKeyPlaintext"])).stdout
        self.assertEqual(b64(public), pair["PublicKey"])
        without = self.ask("GenerateDataKeyPairWithoutPlaintext", CHINA, **which)
        self.assertNotIn("PrivateKeyPlaintext", without)
        self.assertNotEqual(without["PublicKey"], pair["PublicKey"])

    def test_elsewhere(self):
        key = self.key("SYMMETRIC_DEFAULT")
        answer = self.server.call("GenerateDataKeyPair", {"KeyId": key["KeyId"], "KeyPairSpec": "SM2"})
        self.assertEqual(answer.error, "UnsupportedOperationException")


if __name__ == "__main__":
    unittest.main()
