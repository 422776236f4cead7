"""ReEncrypt between keys of every kind, and what DryRunModifiers leave of Decrypt and ReEncrypt."""

import base64
import os
import unittest

import harness

WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
WOULD = ("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
OAEP = "RSAES_OAEP_SHA_256"
SYMMETRIC = "SYMMETRIC_DEFAULT"


def b64(data):
    return base64.b64encode(data).decode()


def missing(member):
    return ("ValidationException",
        f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null")


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.shared()
        cls.first, cls.second = cls.make(), cls.make()
        cls.signer = cls.make(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        cls.pair = cls.make(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
        cls.waiting = cls.make(Origin="EXTERNAL")
        cls.disabled = cls.make()
        cls.in_disabled = cls.server.call("Encrypt", {"KeyId": cls.disabled["KeyId"], "Plaintext": "AAAA"}).json["CiphertextBlob"]
        cls.server.call("DisableKey", {"KeyId": cls.disabled["KeyId"]})

    @classmethod
    def make(cls, **members):
        return cls.server.call("CreateKey", members).json["KeyMetadata"]

    def ask(self, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def refused(self, refusal, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual((answer.status, answer.error, answer.message), (400, *refusal))

    def seal(self, key, text, algorithm=SYMMETRIC, context=None):
        more = {"EncryptionContext": context} if context else {}
        return self.ask("Encrypt", KeyId=key["KeyId"], Plaintext=b64(text), EncryptionAlgorithm=algorithm, **more)["CiphertextBlob"]


class ReEncrypt(Base):
    def test_uses(self):
        """Both keys were used, and that is known of both."""
        source, target = self.make(), self.make()
        blob = self.seal(source, b"text")
        for again in (False, True):
            self.ask("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=(source if again else target)["KeyId"])
            for key in (source, target):
                self.assertEqual(self.ask("GetKeyLastUsage", KeyId=key["KeyId"])["KeyLastUsage"]["Operation"], "ReEncrypt")

    def test_all_kinds(self):
        for source, source_algorithm in ((self.first, SYMMETRIC), (self.pair, OAEP)):
            for target, target_algorithm in ((self.second, SYMMETRIC), (self.pair, OAEP), (self.first, SYMMETRIC)):
                with self.subTest(source=source_algorithm, target=target_algorithm):
                    text = os.urandom(100)
                    moved = self.ask("ReEncrypt", CiphertextBlob=self.seal(source, text, source_algorithm),
                        SourceKeyId=source["KeyId"], DestinationKeyId=target["Arn"], SourceEncryptionAlgorithm=source_algorithm,
                        DestinationEncryptionAlgorithm=target_algorithm)
                    expected = {"SourceKeyId": source["Arn"], "KeyId": target["Arn"],
                        "SourceEncryptionAlgorithm": source_algorithm, "DestinationEncryptionAlgorithm": target_algorithm,
                        "CiphertextBlob": moved["CiphertextBlob"]}
                    if source_algorithm == SYMMETRIC:
                        expected["SourceKeyMaterialId"] = source["CurrentKeyMaterialId"]
                    if target_algorithm == SYMMETRIC:
                        expected["DestinationKeyMaterialId"] = target["CurrentKeyMaterialId"]
                    self.assertEqual(moved, expected)
                    opened = self.ask("Decrypt", CiphertextBlob=moved["CiphertextBlob"], KeyId=target["KeyId"],
                        EncryptionAlgorithm=target_algorithm)
                    self.assertEqual(opened["Plaintext"], b64(text))

    def test_contexts(self):
        blob = self.seal(self.first, b"text", context={"from": "here"})
        moved = self.ask("ReEncrypt", CiphertextBlob=blob, SourceEncryptionContext={"from": "here"},
            DestinationKeyId=self.second["KeyId"], DestinationEncryptionContext={"to": "there"})["CiphertextBlob"]
        self.assertEqual(self.ask("Decrypt", CiphertextBlob=moved, EncryptionContext={"to": "there"})["Plaintext"], b64(b"text"))
        for context in ({"from": "here"}, {}, {"to": "There"}):
            self.refused(("InvalidCiphertextException", None), "Decrypt", CiphertextBlob=moved, EncryptionContext=context)
        for more in ({}, {"SourceEncryptionContext": {"to": "there"}}, {"DestinationEncryptionContext": {"from": "here"}}):
            self.refused(("InvalidCiphertextException", None), "ReEncrypt", CiphertextBlob=blob,
                DestinationKeyId=self.second["KeyId"], **more)
        refusal = ("ValidationException", "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.")
        self.refused(refusal, "ReEncrypt", CiphertextBlob=blob, SourceEncryptionContext={"from": "here"},
            DestinationKeyId=self.pair["KeyId"], DestinationEncryptionAlgorithm=OAEP, DestinationEncryptionContext={"to": "there"})

    def test_older_material(self):
        """What was sealed before a rotation is moved under what is current."""
        key = self.make()
        blob = self.seal(key, b"text")
        self.ask("RotateKeyOnDemand", KeyId=key["KeyId"])
        moved = self.ask("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=key["KeyId"])
        self.assertEqual(moved["SourceKeyMaterialId"], key["CurrentKeyMaterialId"])
        self.assertNotEqual(moved["DestinationKeyMaterialId"], key["CurrentKeyMaterialId"])
        opened = self.ask("Decrypt", CiphertextBlob=moved["CiphertextBlob"])
        self.assertEqual((opened["Plaintext"], opened["KeyMaterialId"]), (b64(b"text"), moved["DestinationKeyMaterialId"]))

    def test_same_key_other_context(self):
        blob = self.seal(self.first, b"text")
        moved = self.ask("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=self.first["KeyId"],
            DestinationEncryptionContext={"now": "bound"})
        self.assertEqual(moved["SourceKeyId"], moved["KeyId"])
        self.ask("Decrypt", CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"now": "bound"})

    def test_wrong_source(self):
        blob = self.seal(self.first, b"text")
        target = {"DestinationKeyId": self.second["KeyId"]}
        for wrong in (self.second, self.signer, self.waiting, self.disabled, self.pair):
            self.refused(("IncorrectKeyException", WRONG_KEY), "ReEncrypt", CiphertextBlob=blob, SourceKeyId=wrong["KeyId"], **target)
        self.refused(("InvalidCiphertextException", None), "ReEncrypt", CiphertextBlob=b64(b"nonsense"), **target)
        self.refused(("DisabledException", f"{self.disabled['Arn']} is disabled."), "ReEncrypt",
            CiphertextBlob=self.in_disabled, **target)
        self.refused(missing("sourceKeyId"), "ReEncrypt", CiphertextBlob=b64(bytes(256)), SourceEncryptionAlgorithm=OAEP, **target)
        self.refused(("InvalidKeyUsageException",
            f"{self.signer['Arn']} key usage is SIGN_VERIFY which is not valid for ReEncryptFrom."), "ReEncrypt",
            CiphertextBlob=b64(bytes(256)), SourceEncryptionAlgorithm=OAEP, SourceKeyId=self.signer["KeyId"], **target)
        self.refused(("InvalidKeyUsageException", f"Algorithm {OAEP} is incompatible with key spec SYMMETRIC_DEFAULT."),
            "ReEncrypt", CiphertextBlob=blob, SourceEncryptionAlgorithm=OAEP, SourceKeyId=self.first["KeyId"], **target)
        self.refused(("InvalidCiphertextException", None), "ReEncrypt", CiphertextBlob=b64(bytes(256)),
            SourceEncryptionAlgorithm=OAEP, SourceKeyId=self.pair["KeyId"], **target)

    def test_wrong_destination(self):
        blob = self.seal(self.first, bytes(191))
        for target, refusal in (
                (self.signer, ("InvalidKeyUsageException",
                    f"{self.signer['Arn']} key usage is SIGN_VERIFY which is not valid for ReEncryptTo.")),
                (self.waiting, ("KMSInvalidStateException", f"{self.waiting['Arn']} is pending import.")),
                (self.disabled, ("DisabledException", f"{self.disabled['Arn']} is disabled.")),
                (self.pair, ("InvalidKeyUsageException", "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."))):
            self.refused(refusal, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=target["KeyId"])
        self.refused(("NotFoundException", "Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found."), "ReEncrypt",
            CiphertextBlob=blob, DestinationKeyId="alias/none")
        self.refused(("ValidationException", f"Algorithm {OAEP} and key spec RSA_2048 cannot encrypt data larger than 190 bytes."),
            "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=self.pair["KeyId"], DestinationEncryptionAlgorithm=OAEP)

    def test_material_that_is_gone(self):
        key = self.make(Origin="EXTERNAL")
        self.assertEqual(harness.import_material(self.server, key["KeyId"], os.urandom(32)).status, 200)
        blob = self.seal(key, b"text")
        moved = self.ask("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=self.second["KeyId"])["CiphertextBlob"]
        self.ask("DeleteImportedKeyMaterial", KeyId=key["KeyId"])
        gone = ("KMSInvalidStateException", f"{key['Arn']} is pending import.")
        for more in ({}, {"KeyId": key["KeyId"]}):
            self.refused(gone, "Decrypt", CiphertextBlob=blob, **more)
        for more in ({}, {"SourceKeyId": key["KeyId"]}):
            self.refused(gone, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=self.second["KeyId"], **more)
        self.assertEqual(self.ask("Decrypt", CiphertextBlob=moved)["Plaintext"], b64(b"text"))

    def test_both_keys_are_on_record(self):
        self.ask("ReEncrypt", CiphertextBlob=self.seal(self.first, b"text"), DestinationKeyId=self.second["KeyId"])
        record = [record for record in self.server.audit_records() if record["eventName"] == "ReEncrypt"][-1]
        self.assertEqual([resource["ARN"] for resource in record["resources"]], [self.first["Arn"], self.second["Arn"]])
        self.assertEqual(record["additionalEventData"], {"sourceKeyMaterialId": self.first["CurrentKeyMaterialId"],
            "destinationKeyMaterialId": self.second["CurrentKeyMaterialId"]})
        self.assertNotIn("ciphertextBlob", record["requestParameters"])
        self.assertEqual(record["requestParameters"]["destinationKeyId"], self.second["KeyId"])


class DryRuns(Base):
    def test_with_the_ciphertext(self):
        blob = self.seal(self.first, b"text")
        self.refused(WOULD, "Decrypt", CiphertextBlob=blob, DryRun=True)
        self.refused(WOULD, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=self.second["KeyId"], DryRun=True)
        for operation, more in (("Decrypt", {}), ("ReEncrypt", {"DestinationKeyId": self.second["KeyId"]})):
            self.refused(("InvalidCiphertextException", None), operation, CiphertextBlob=b64(base64.b64decode(blob) + b"\0"),
                DryRun=True, **more)

    def test_without_it(self):
        ignore = {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
        for blob in ({}, {"CiphertextBlob": b64(b"nonsense")}, {"CiphertextBlob": self.seal(self.second, b"text")}):
            self.refused(WOULD, "Decrypt", KeyId=self.first["KeyId"], **ignore, **blob)
            self.refused(WOULD, "Decrypt", KeyId=self.pair["KeyId"], EncryptionAlgorithm=OAEP, **ignore, **blob)
            self.refused(WOULD, "ReEncrypt", SourceKeyId=self.first["KeyId"], DestinationKeyId=self.second["KeyId"], **ignore,
                **blob)
            self.refused(missing("keyId"), "Decrypt", **ignore, **blob)
            self.refused(missing("sourceKeyId"), "ReEncrypt", DestinationKeyId=self.second["KeyId"], **ignore, **blob)
        self.refused(("DisabledException", f"{self.disabled['Arn']} is disabled."), "Decrypt", KeyId=self.disabled["KeyId"], **ignore)
        self.refused(("InvalidKeyUsageException", f"{self.signer['Arn']} key usage is SIGN_VERIFY which is not valid for Decrypt."),
            "Decrypt", KeyId=self.signer["KeyId"], **ignore)
        self.refused(("InvalidKeyUsageException", f"{self.signer['Arn']} key usage is SIGN_VERIFY which is not valid for ReEncryptTo."),
            "ReEncrypt", SourceKeyId=self.first["KeyId"], DestinationKeyId=self.signer["KeyId"], **ignore)

    def test_only_a_dry_run_can_do_without(self):
        for more in ({}, {"DryRun": True}, {"DryRunModifiers": ["IGNORE_CIPHERTEXT"]}, {"DryRun": False,
                "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}, {"DryRun": True, "DryRunModifiers": []}):
            self.refused(missing("ciphertextBlob"), "Decrypt", KeyId=self.first["KeyId"], **more)
            self.refused(missing("ciphertextBlob"), "ReEncrypt", SourceKeyId=self.first["KeyId"],
                DestinationKeyId=self.second["KeyId"], **more)
        blob = self.seal(self.first, b"text")
        opened = self.ask("Decrypt", CiphertextBlob=blob, DryRunModifiers=["IGNORE_CIPHERTEXT"])
        self.assertEqual(opened["Plaintext"], b64(b"text"))


if __name__ == "__main__":
    unittest.main()
