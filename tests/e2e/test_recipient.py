"""Recipients that attest who they are: answers that only they can read, and documents that are refused."""

import base64
import os
import subprocess
import sys
import tempfile
import time
import unittest

import harness
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import nitro  # noqa: E402


def b64(data):
    return base64.b64encode(data).decode()


class Recipients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.authority = nitro.Authority()
        cls.enclave = rsa.generate_private_key(65537, 2048)
        with open(cls.path("root.pem"), "wb") as file:
            file.write(cls.authority.root_pem())
        with open(cls.path("enclave.pem"), "wb") as file:
            file.write(cls.enclave.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
        pools = {spec: 0 for spec in harness.SPECS} | {"RSA_2048": 2, "ECC_NIST_P256": 8}
        cls.server = harness.Server(pools=pools, options=["--attestation-root", cls.path("root.pem")])
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.key = harness.new_key(cls.server)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def recipient(self, document=None, **parts):
        if document is None:
            document = self.authority.document(harness.public_der(self.enclave), **parts)
        return {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b64(document)}

    def ask(self, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def open(self, text):
        """What the enclave reads."""
        opened = subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-inkey", self.path("enclave.pem")],
            input=base64.b64decode(text), capture_output=True, timeout=20, check=False)
        self.assertEqual(opened.returncode, 0, opened.stderr)
        return opened.stdout

    def test_data_key(self):
        answer = self.ask("GenerateDataKey", KeyId=self.key, KeySpec="AES_256", Recipient=self.recipient())
        self.assertEqual(set(answer), {"CiphertextBlob", "CiphertextForRecipient", "KeyId"})
        plain = self.ask("Decrypt", CiphertextBlob=answer["CiphertextBlob"])["Plaintext"]
        self.assertEqual(b64(self.open(answer["CiphertextForRecipient"])), plain)
        self.assertEqual(len(base64.b64decode(plain)), 32)

    def test_data_key_pair(self):
        for spec in ("RSA_2048", "ECC_NIST_P256"):
            answer = self.ask("GenerateDataKeyPair", KeyId=self.key, KeyPairSpec=spec, Recipient=self.recipient())
            self.assertNotIn("PrivateKeyPlaintext", answer)
            self.assertIn("KeyMaterialId", answer)
            harness.check_pair(self, spec, base64.b64decode(answer["PublicKey"]), self.open(answer["CiphertextForRecipient"]))

    def test_decrypt(self):
        for text in (b"x", bytes(range(256)) * 16):
            blob = self.ask("Encrypt", KeyId=self.key, Plaintext=b64(text))["CiphertextBlob"]
            answer = self.ask("Decrypt", CiphertextBlob=blob, Recipient=self.recipient())
            self.assertEqual(set(answer), {"CiphertextForRecipient", "EncryptionAlgorithm", "KeyId"})
            self.assertEqual(self.open(answer["CiphertextForRecipient"]), text)

    def test_random(self):
        one, two = (self.ask("GenerateRandom", NumberOfBytes=1024, Recipient=self.recipient()) for _ in range(2))
        self.assertNotIn("Plaintext", one)
        self.assertEqual(len(self.open(one["CiphertextForRecipient"])), 1024)
        self.assertNotEqual(self.open(one["CiphertextForRecipient"]), self.open(two["CiphertextForRecipient"]))

    def test_shared_secret(self):
        key = harness.new_key(self.server, KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
        ours = ec.generate_private_key(ec.SECP256R1())
        public = serialization.load_der_public_key(base64.b64decode(self.ask("GetPublicKey", KeyId=key)["PublicKey"]))
        answer = self.ask("DeriveSharedSecret", KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=b64(harness.public_der(ours)),
            Recipient=self.recipient())
        self.assertNotIn("SharedSecret", answer)
        self.assertEqual(self.open(answer["CiphertextForRecipient"]), ours.exchange(ec.ECDH(), public))

    def recorded(self):
        return list(self.server.audit_records())[-1]["additionalEventData"]

    def test_on_record(self):
        self.ask("GenerateRandom", NumberOfBytes=16, Recipient=self.recipient())
        pcr = {index: b64(bytes([index]) * 48) for index in range(16)}
        self.assertEqual(self.recorded(), {"recipient": {
            "attestationDocumentModuleId": "i-0123456789abcdef0-enc0123456789abcde",
            "attestationDocumentEnclaveImageDigest": pcr[0],
            **{f"attestationDocumentEnclavePCR{index}": pcr[index] for index in (1, 2, 3, 4, 8)}}})
        self.ask("GenerateDataKey", KeyId=self.key, KeySpec="AES_256", Recipient=self.recipient(pcrs=...,
            nitrotpm_pcrs={4: b"\4" * 48, 7: b"\7" * 48}))
        record = self.recorded()
        self.assertRegex(record["keyMaterialId"], "^[0-9a-f]{64}$")
        self.assertEqual(record["recipient"], {"attestationDocumentModuleId": "i-0123456789abcdef0-enc0123456789abcde",
            "attestationDocumentNitroTPMPCR4": b64(b"\4" * 48), "attestationDocumentNitroTPMPCR7": b64(b"\7" * 48)})
        self.refused("The attestation document is malformed.", self.recipient(b"nonsense"))
        self.assertNotIn("additionalEventData", list(self.server.audit_records())[-1])

    def refused(self, message, recipient, server=None, **more):
        answer = (server or self.server).call("GenerateRandom", {"NumberOfBytes": 16, "Recipient": recipient, **more})
        self.assertEqual((answer.status, answer.error, answer.message), (400, "ValidationException", message))

    def test_documents_that_are_refused(self):
        untrusted = "The attestation document is not signed by a certificate that a trusted root vouches for."
        malformed = "The attestation document is malformed."
        key = harness.public_der(self.enclave)
        for name, document in nitro.kinds(self.authority, key):
            if not name.startswith("good_"):
                with self.subTest(name=name):
                    self.refused(untrusted if name.startswith("forged_") else malformed, self.recipient(document))
        for document in (b"\0", b"nonsense", bytes(16 * 1024), bytes(16 * 1024 + 1), os.urandom(60000)):
            self.refused(malformed, self.recipient(document))

    def test_age(self):
        stale = "The attestation document is more than five minutes old or of the future."
        now_ms = int(time.time() * 1000)
        for off in (-301, 360, -86400 * 365):
            self.refused(stale, self.recipient(timestamp_ms=now_ms + off * 1000))
        self.ask("GenerateRandom", NumberOfBytes=16, Recipient=self.recipient(timestamp_ms=now_ms - 240 * 1000))

    def test_keys_that_are_none(self):
        message = "The attestation document has no public key that is an RSA key of 2048 to 4096 bits in DER form."
        small = rsa.generate_private_key(65537, 1024)
        for key in (None, b"", b"key", harness.public_der(ec.generate_private_key(ec.SECP256R1())), harness.public_der(small)):
            self.refused(message, self.recipient(self.authority.document(key)))

    def test_members_that_are_missing(self):
        whole = self.recipient()
        self.refused("Recipient must have a KeyEncryptionAlgorithm.", {"AttestationDocument": whole["AttestationDocument"]})
        self.refused("Recipient must have an AttestationDocument.", {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256"})
        self.refused("Recipient must have an AttestationDocument.", {})

    def test_nothing_is_taken_for_a_refused_document(self):
        def taken():
            return self.server.metric("keywell_pool_pops_total", spec="ECC_NIST_P256")

        before = taken()
        answer = self.server.call("GenerateDataKeyPair", {"KeyId": self.key, "KeyPairSpec": "ECC_NIST_P256",
            "Recipient": self.recipient(b"nonsense")})
        self.assertEqual(answer.error, "ValidationException")
        answer = self.server.call("GenerateDataKeyPair", {"KeyId": self.key, "KeyPairSpec": "ECC_NIST_P256",
            "Recipient": self.recipient(), "DryRun": True})
        self.assertEqual(answer.error, "DryRunOperationException")
        self.assertEqual(taken(), before)
        self.ask("GenerateDataKeyPair", KeyId=self.key, KeyPairSpec="ECC_NIST_P256", Recipient=self.recipient())
        self.assertEqual(taken(), before + 1)

    def test_the_root_is_that_of_aws_by_default(self):
        untrusted = "The attestation document is not signed by a certificate that a trusted root vouches for."
        self.refused(untrusted, self.recipient(), harness.shared())

    def test_roots_that_are_none(self):
        for content in (b"", b"nonsense", None):
            path = self.path("bad.pem")
            if content is None:
                os.unlink(path)
            else:
                with open(path, "wb") as file:
                    file.write(content)
            done = harness.run_tool("keywelld", "--data", self.path("data"), "--listen", "127.0.0.1:0", "--attestation-root", path)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"the attestation root {path} ", done.stderr)


if __name__ == "__main__":
    unittest.main()
