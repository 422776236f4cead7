"""Every operation through boto3, as an application would call it."""

import concurrent.futures
import re
import unittest

import botocore.exceptions
import harness

ARN = re.compile(r"arn:aws:kms:us-east-1:000000000000:key/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


class Operations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.shared()
        cls.kms = cls.server.client()
        cls.key = cls.kms.create_key(Description="operations")["KeyMetadata"]

    def refused(self, code, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response["Error"].get("Message")

    def test_pairs_without_plaintext(self):
        for spec in harness.SPECS:
            with self.subTest(spec=spec):
                pair = self.kms.generate_data_key_pair_without_plaintext(KeyId=self.key["KeyId"], KeyPairSpec=spec)
                self.assertNotIn("PrivateKeyPlaintext", pair)
                self.assertEqual((pair["KeyId"], pair["KeyPairSpec"]), (self.key["Arn"], spec))
                self.assertLessEqual(len(pair["PrivateKeyCiphertextBlob"]), 6144)
                answer = self.kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])
                self.assertEqual(answer["KeyId"], self.key["Arn"])
                self.assertEqual(answer["EncryptionAlgorithm"], "SYMMETRIC_DEFAULT")
                harness.check_pair(self, spec, pair["PublicKey"], answer["Plaintext"])

    def test_pairs_with_plaintext(self):
        for spec in harness.SPECS:
            with self.subTest(spec=spec):
                pair = self.kms.generate_data_key_pair(KeyId=self.key["KeyId"], KeyPairSpec=spec)
                harness.check_pair(self, spec, pair["PublicKey"], pair["PrivateKeyPlaintext"])
                answer = self.kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], KeyId=self.key["Arn"])
                self.assertEqual(answer["Plaintext"], pair["PrivateKeyPlaintext"])

    def test_answer_names_key_material(self):
        # Older service models drop the member; the wire has it.
        body = {"KeyId": self.key["KeyId"], "KeyPairSpec": "ECC_NIST_P256"}
        for operation in ("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"):
            self.assertRegex(self.server.call(operation, body).json["KeyMaterialId"], r"^[0-9a-f]{64}$")
        answer = self.server.call("GenerateDataKey", {"KeyId": self.key["KeyId"], "KeySpec": "AES_256"}).json
        self.assertRegex(answer["KeyMaterialId"], r"^[0-9a-f]{64}$")
        decrypted = self.server.call("Decrypt", {"CiphertextBlob": answer["CiphertextBlob"]}).json
        self.assertEqual(decrypted["KeyMaterialId"], answer["KeyMaterialId"])
        self.assertNotIn("KeyMaterialId", self.server.call("Encrypt", {"KeyId": self.key["KeyId"], "Plaintext": "YQ=="}).json)

    def test_every_pair_is_another(self):
        def public(_):
            return self.kms.generate_data_key_pair_without_plaintext(KeyId=self.key["KeyId"],
                KeyPairSpec="ECC_NIST_P256")["PublicKey"]

        with concurrent.futures.ThreadPoolExecutor(8) as executor:
            keys = list(executor.map(public, range(200)))
        self.assertEqual(len(set(keys)), 200)

    def test_data_keys(self):
        for arguments, length in (({"KeySpec": "AES_128"}, 16), ({"KeySpec": "AES_256"}, 32), ({"NumberOfBytes": 1}, 1),
                ({"NumberOfBytes": 64}, 64), ({"NumberOfBytes": 1024}, 1024)):
            with self.subTest(**arguments):
                answer = self.kms.generate_data_key(KeyId=self.key["KeyId"], **arguments)
                self.assertEqual((answer["KeyId"], len(answer["Plaintext"])), (self.key["Arn"], length))
                self.assertEqual(self.kms.decrypt(CiphertextBlob=answer["CiphertextBlob"])["Plaintext"], answer["Plaintext"])
                answer = self.kms.generate_data_key_without_plaintext(KeyId=self.key["KeyId"], **arguments)
                self.assertNotIn("Plaintext", answer)
                self.assertEqual(len(self.kms.decrypt(CiphertextBlob=answer["CiphertextBlob"])["Plaintext"]), length)

    def test_encrypt_and_decrypt(self):
        for length in (1, 100, 4096):
            plaintext = bytes(range(256)) * 16
            blob = self.kms.encrypt(KeyId=self.key["KeyId"], Plaintext=plaintext[:length])
            self.assertEqual((blob["KeyId"], blob["EncryptionAlgorithm"]), (self.key["Arn"], "SYMMETRIC_DEFAULT"))
            self.assertEqual(self.kms.decrypt(CiphertextBlob=blob["CiphertextBlob"])["Plaintext"], plaintext[:length])

    def test_same_plaintext_never_same_ciphertext(self):
        blobs = {self.kms.encrypt(KeyId=self.key["KeyId"], Plaintext=b"same")["CiphertextBlob"] for _ in range(8)}
        self.assertEqual(len(blobs), 8)

    def test_encryption_context(self):
        context = {"tenant": "a", "Grüße": "日本語 \U0001f511"}
        pair = self.kms.generate_data_key_pair_without_plaintext(KeyId=self.key["KeyId"], KeyPairSpec="ECC_NIST_P384",
            EncryptionContext=context)
        backwards = dict(reversed(context.items()))
        answer = self.kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=backwards)
        harness.check_pair(self, "ECC_NIST_P384", pair["PublicKey"], answer["Plaintext"])
        wrong = [{}, {**context, "more": "1"}, {**context, "tenant": "A"}, {**context, "tenant": "b"},
            {"Tenant": "a", "Grüße": context["Grüße"]}, {"tenant": "a"}]
        for other in wrong:
            with self.subTest(context=other):
                self.refused("InvalidCiphertextException", self.kms.decrypt,
                    CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=other)

    def test_encryption_context_of_many_pairs(self):
        """Its size alone has a limit: 8192 bytes, of which each pair takes eight."""
        for number in (0, 1, 300, 690):
            context = {"k%d" % at: "" for at in range(number)}
            blob = self.kms.encrypt(KeyId=self.key["KeyId"], Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
            turned = dict(reversed(context.items()))
            self.assertEqual(self.kms.decrypt(CiphertextBlob=blob, EncryptionContext=turned)["Plaintext"], b"x")
        for context in ({"k%d" % at: "" for at in range(700)}, {"%d" % at: "" for at in range(2000)}, {"k": "v" * 8192}):
            self.assertEqual(self.refused("ValidationException", self.kms.encrypt, KeyId=self.key["KeyId"], Plaintext=b"x",
                EncryptionContext=context), "The encryption context is larger than 8192 bytes")

    def test_generate_random(self):
        for length in (1, 32, 1024):
            self.assertEqual(len(self.kms.generate_random(NumberOfBytes=length)["Plaintext"]), length)
        self.assertNotEqual(self.kms.generate_random(NumberOfBytes=32)["Plaintext"],
            self.kms.generate_random(NumberOfBytes=32)["Plaintext"])

    def test_key_metadata(self):
        metadata = self.key
        self.assertRegex(metadata["Arn"], ARN)
        self.assertTrue(metadata["Arn"].endswith(metadata["KeyId"]))
        expected = {"AWSAccountId": harness.ACCOUNT, "Enabled": True, "Description": "operations", "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyState": "Enabled", "Origin": "AWS_KMS", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT",
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "MultiRegion": False}
        self.assertEqual({name: metadata.get(name) for name in expected}, expected)
        described = self.kms.describe_key(KeyId=metadata["KeyId"])["KeyMetadata"]
        self.assertEqual(described, metadata)

    def test_four_names_of_a_key(self):
        name = "alias/four/Names-of_a_key"
        self.kms.create_alias(AliasName=name, TargetKeyId=self.key["Arn"])
        alias_arn = f"arn:aws:kms:us-east-1:000000000000:{name}"
        forms = (self.key["KeyId"], self.key["Arn"], name, alias_arn)
        for form in forms:
            with self.subTest(form=form):
                self.assertEqual(self.kms.describe_key(KeyId=form)["KeyMetadata"]["Arn"], self.key["Arn"])
                blob = self.kms.encrypt(KeyId=form, Plaintext=b"x")
                self.assertEqual(blob["KeyId"], self.key["Arn"])
                self.assertEqual(self.kms.decrypt(CiphertextBlob=blob["CiphertextBlob"], KeyId=form)["Plaintext"], b"x")
                data_key = self.kms.generate_data_key_without_plaintext(KeyId=form, KeySpec="AES_128")
                self.assertEqual(data_key["KeyId"], self.key["Arn"])
                pair = self.kms.generate_data_key_pair_without_plaintext(KeyId=form, KeyPairSpec="ECC_NIST_P256")
                self.assertEqual(pair["KeyId"], self.key["Arn"])
        # Management operations take the key's own names only.
        for form in (name, alias_arn):
            self.assertIn(self.refused_code(self.kms.disable_key, KeyId=form), ("NotFoundException", "InvalidArnException"))
        self.kms.delete_alias(AliasName=name)
        self.assertEqual(self.refused("NotFoundException", self.kms.describe_key, KeyId=name),
            f"Alias {alias_arn} is not found.")

    def refused_code(self, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**arguments)
        return caught.exception.response["Error"]["Code"]

    def test_names_that_no_alias_can_have(self):
        for name in ("alias/", "alias/a b", "alias/a:b", "alias/\u00fc", "alias/" + "x" * 251):
            with self.subTest(name=name):
                self.assertEqual(self.refused("NotFoundException", self.kms.describe_key, KeyId=name),
                    f"Alias arn:aws:kms:us-east-1:000000000000:{name} is not found.")
                self.assertEqual(self.refused("InvalidArnException", self.kms.get_key_rotation_status, KeyId=name),
                    "Key Aliases are not supported for this operation.")

    def test_disabled_key(self):
        key = self.kms.create_key()["KeyMetadata"]
        blob = self.kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
        self.kms.disable_key(KeyId=key["KeyId"])
        described = self.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        self.assertEqual((described["KeyState"], described["Enabled"]), ("Disabled", False))
        name = {"KeyId": key["KeyId"]}
        calls = ((self.kms.encrypt, {**name, "Plaintext": b"x"}), (self.kms.decrypt, {"CiphertextBlob": blob}),
            (self.kms.generate_data_key, {**name, "KeySpec": "AES_256"}),
            (self.kms.generate_data_key_without_plaintext, {**name, "KeySpec": "AES_256"}),
            (self.kms.generate_data_key_pair, {**name, "KeyPairSpec": "ECC_NIST_P256"}),
            (self.kms.generate_data_key_pair_without_plaintext, {**name, "KeyPairSpec": "ECC_NIST_P256"}))
        for call, arguments in calls:
            with self.subTest(call=call.__name__):
                self.assertEqual(self.refused("DisabledException", call, **arguments), f"{key['Arn']} is disabled.")
        self.kms.enable_key(KeyId=key["Arn"])
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"x")

    def test_refused_request_takes_no_pair(self):
        key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.kms.disable_key(KeyId=key)
        pops = self.server.metric("keywell_pool_pops_total")
        for _ in range(5):
            self.refused("DisabledException", self.kms.generate_data_key_pair, KeyId=key, KeyPairSpec="ECC_NIST_P256")
            self.refused("NotFoundException", self.kms.generate_data_key_pair, KeyId="alias/none", KeyPairSpec="RSA_2048")
        self.assertEqual(self.server.metric("keywell_pool_pops_total"), pops)

    def test_dry_run_takes_no_pair(self):
        pops = self.server.metric("keywell_pool_pops_total")
        answer = self.server.call("GenerateDataKeyPairWithoutPlaintext",
            {"KeyId": self.key["KeyId"], "KeyPairSpec": "RSA_2048", "DryRun": True})
        self.assertEqual((answer.status, answer.error), (400, "DryRunOperationException"))
        self.assertEqual(answer.message, "The request would have succeeded, but the DryRun option is set.")
        self.assertEqual(self.server.metric("keywell_pool_pops_total"), pops)

    def test_decrypt_looks_for_the_named_key_first(self):
        for blob in (b"no blob at all", self.kms.encrypt(KeyId=self.key["KeyId"], Plaintext=b"x")["CiphertextBlob"]):
            self.assertEqual(self.refused("NotFoundException", self.kms.decrypt, CiphertextBlob=blob, KeyId="nobody"),
                "Invalid keyId 'nobody'")

    def test_decrypt_with_another_key_named(self):
        other = self.kms.create_key()["KeyMetadata"]["KeyId"]
        blob = self.kms.encrypt(KeyId=self.key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
        message = self.refused("IncorrectKeyException", self.kms.decrypt, CiphertextBlob=blob, KeyId=other)
        self.assertEqual(message, "The key ID in the request does not identify a CMK that can perform this operation.")

    def test_aliases(self):
        name = "alias/aliases"
        self.kms.create_alias(AliasName=name, TargetKeyId=self.key["KeyId"])
        arn = f"arn:aws:kms:us-east-1:000000000000:{name}"
        self.assertEqual(self.refused("AlreadyExistsException", self.kms.create_alias, AliasName=name,
            TargetKeyId=self.key["KeyId"]), f"An alias with the name {arn} already exists")
        entry = next(alias for alias in self.kms.list_aliases(Limit=100)["Aliases"] if alias["AliasName"] == name)
        self.assertEqual((entry["AliasArn"], entry["TargetKeyId"]), (arn, self.key["KeyId"]))
        self.assertIn("CreationDate", entry)
        names = [alias["AliasName"] for alias in self.kms.list_aliases(KeyId=self.key["KeyId"])["Aliases"]]
        self.assertIn(name, names)
        self.kms.delete_alias(AliasName=name)
        self.assertEqual(self.refused("NotFoundException", self.kms.delete_alias, AliasName=name), f"Alias {arn} is not found.")
        for wrong in ("aliases", arn):
            for call, more in ((self.kms.create_alias, {"TargetKeyId": self.key["KeyId"]}),
                    (self.kms.update_alias, {"TargetKeyId": self.key["KeyId"]}), (self.kms.delete_alias, {})):
                self.assertEqual(self.refused("ValidationException", call, AliasName=wrong, **more), 'Alias must start with the prefix '
                    '"alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html')

    def test_lists_with_markers(self):
        created = {self.kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)}
        names = {f"alias/list-{number}" for number in range(7)}
        for name in names:
            self.kms.create_alias(AliasName=name, TargetKeyId=self.key["KeyId"])
        pages = list(self.kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
        keys = [key["KeyId"] for page in pages for key in page["Keys"]]
        self.assertEqual(len(keys), len(set(keys)))
        self.assertLessEqual(created | {self.key["KeyId"]}, set(keys))
        self.assertTrue(all(len(page["Keys"]) == 2 and page["Truncated"] for page in pages[:-1]))
        self.assertFalse(pages[-1]["Truncated"])
        self.assertNotIn("NextMarker", pages[-1])
        pages = list(self.kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 3}))
        listed = [alias["AliasName"] for page in pages for alias in page["Aliases"]]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual(names, set(listed))
        for name in names:
            self.kms.delete_alias(AliasName=name)

    def test_bad_marker(self):
        for call in (self.kms.list_keys, self.kms.list_aliases):
            self.refused("InvalidMarkerException", call, Marker="no marker of ours")

    def test_key_of_another_kind_makes_no_data_keys(self):
        for arguments, error in (({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}, "InvalidKeyUsageException"),
                ({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}, "InvalidKeyUsageException"),
                ({"Origin": "EXTERNAL"}, "KMSInvalidStateException")):
            with self.subTest(**arguments):
                key = self.kms.create_key(**arguments)["KeyMetadata"]
                self.assertEqual({name: key[name] for name in arguments}, arguments)
                self.refused(error, self.kms.generate_data_key_pair_without_plaintext, KeyId=key["KeyId"],
                    KeyPairSpec="ECC_NIST_P256")
                self.refused(error, self.kms.generate_data_key_without_plaintext, KeyId=key["KeyId"], KeySpec="AES_256")

    def test_what_cannot_be_made_is_refused_by_name(self):
        for arguments in ({"KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY"}, {"Origin": "EXTERNAL_KEY_STORE"}):
            with self.subTest(**arguments):
                answer = self.server.call("CreateKey", arguments)
                self.assertEqual(answer.error, "UnsupportedOperationException")


if __name__ == "__main__":
    unittest.main()
