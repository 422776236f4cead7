"""What a hostile or a mistaken client sends, and the error that AWS gives for it."""

import base64
import json
import time
import unittest

import botocore.credentials
import harness

MISMATCH = "The request signature we calculated does not match the signature you provided."


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.shared()
        cls.key = harness.new_key(cls.server)

    def refused(self, answer, error, message=None, status=400):
        self.assertEqual((answer.status, answer.error), (status, error), answer)
        if message:
            self.assertIn(message, answer.message)
        if error in ("InvalidCiphertextException",):
            self.assertNotIn("message", {name.lower() for name in answer.json})
        self.assertRegex(answer.headers["x-amzn-requestid"], r"^[0-9a-f-]{36}$")
        self.assertEqual(answer.headers["x-amzn-errortype"].split(":")[0], error)


class Signatures(Case):
    """None of these is authenticated: none may reach the audit log, each is counted."""

    def setUp(self):
        self.records = sum(1 for _ in self.server.audit_records())
        self.counted = self.server.metric("keywell_unauthenticated_requests_total")

    def tearDown(self):
        self.assertEqual(sum(1 for _ in self.server.audit_records()), self.records, "a stranger wrote to the audit log")
        self.assertGreater(self.server.metric("keywell_unauthenticated_requests_total"), self.counted, "the refusal was not counted")

    def call(self, **changes):
        return self.server.call("ListKeys", {}, **changes)

    def test_unsigned(self):
        self.refused(self.call(drop=("authorization",)), "MissingAuthenticationTokenException", "Missing Authentication Token")

    def test_wrong_secret(self):
        keys = self.server.credentials()
        wrong = botocore.credentials.Credentials(keys.access_key, "x" * 40)
        self.refused(self.call(keys=wrong), "InvalidSignatureException", MISMATCH)

    def test_flipped_signature(self):
        def flip(head):
            at = head.index("Signature=") + len("Signature=")
            return head[:at] + ("0" if head[at] != "0" else "1") + head[at + 1:]

        self.refused(self.call(tamper=flip), "InvalidSignatureException", MISMATCH)

    def test_changed_header(self):
        self.refused(self.call(tamper=lambda head: head.replace("TrentService.ListKeys", "TrentService.ListAliases")),
            "InvalidSignatureException", MISMATCH)

    def test_changed_body(self):
        request = self.server.signed("GenerateRandom", b'{"NumberOfBytes": 16}').replace(b"16}", b"17}")
        with self.server.connect() as connection:
            connection.send(request)
            self.refused(connection.answer(), "InvalidSignatureException", MISMATCH)

    def test_stranger(self):
        stranger = botocore.credentials.Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40)
        self.refused(self.call(keys=stranger), "UnrecognizedClientException", "The security token included in the request is invalid")

    def test_session_token(self):
        keys = self.server.credentials()
        token = botocore.credentials.Credentials(keys.access_key, keys.secret_key, "a-token")
        self.refused(self.call(keys=token), "UnrecognizedClientException", "The security token included in the request is invalid")

    def test_expired(self):
        self.refused(self.call(at=time.time() - 6 * 60), "InvalidSignatureException", "Signature expired: ")

    def test_from_the_future(self):
        self.refused(self.call(at=time.time() + 6 * 60), "InvalidSignatureException", "Signature not yet current: ")

    def test_wrong_scope(self):
        self.refused(self.call(region="nowhere"), "InvalidSignatureException", "Credential should be scoped to a valid region")
        self.refused(self.call(service="s3"), "InvalidSignatureException", "Credential should be scoped to")
        self.refused(self.call(service="sts"), "InvalidSignatureException", "Credential should be scoped to correct service: 'kms'")

    def test_incomplete(self):
        for part in ("Credential=", "SignedHeaders=", "Signature="):
            with self.subTest(part=part):
                answer = self.call(tamper=lambda head, part=part: head.replace(part, part.lower() + "x", 1))
                self.refused(answer, "IncompleteSignatureException")

    def test_other_algorithm(self):
        answer = self.call(tamper=lambda head: head.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"))
        self.refused(answer, "IncompleteSignatureException")

    def test_target_not_signed(self):
        def unsign(head):
            return head.replace(";x-amz-target", "")

        answer = self.call(tamper=unsign)
        self.assertEqual(answer.status, 400)
        self.assertIn(answer.error, ("InvalidSignatureException", "IncompleteSignatureException"))

    def test_no_date(self):
        self.refused(self.call(drop=("x-amz-date",)), "IncompleteSignatureException")


class WithinTheWindow(Case):
    def test_four_minutes_off(self):
        for offset in (-4 * 60, 4 * 60):
            self.assertEqual(self.server.call("ListKeys", {}, at=time.time() + offset).status, 200)


class Bodies(Case):
    """Authenticated, therefore audited, refusals included."""

    def call(self, operation, body, **changes):
        answer = self.server.call(operation, body, **changes)
        self.last = answer
        return answer

    def tearDown(self):
        if getattr(self, "last", None) is not None:
            record = next((record for record in self.server.audit_records()
                if record["requestID"] == self.last.headers["x-amzn-requestid"]), None)
            self.assertIsNotNone(record, "the refusal is not in the audit log")
            self.assertEqual(record.get("errorCode"), self.last.error)

    def test_wrong_target(self):
        for target in ("TrentService.Nothing", "TrentService", "Trent.ListKeys", "DynamoDB_20120810.ListTables", "."):
            with self.subTest(target=target):
                answer = self.server.call("ListKeys", {}, target=target)
                self.assertEqual((answer.status, answer.error), (400, "UnknownOperationException"), answer)

    def test_wrong_content_type(self):
        for kind in ("application/json", "text/plain", "application/x-amz-json-1.0"):
            with self.subTest(kind=kind):
                answer = self.server.call("ListKeys", {}, headers={"Content-Type": kind})
                self.assertIn(answer.status, (400, 404, 415), answer)
                self.assertIsNotNone(answer.error)

    def test_not_json(self):
        texts = (b"{", b"[]", b"null", b"7", b'"x"', b"{}{}", b"{} x", b'{"a":1,"a":2}', b"{'a':1}", b'{"KeyId":"\xff"}', b"\0",
            b'{"KeyId":"a\\u0000b"}', b'{"KeyId":NaN}', b'\xef\xbb\xbf{}')
        for text in texts:
            with self.subTest(text=text):
                answer = self.call("DescribeKey", text)
                self.assertEqual(answer.status, 400, answer)
                self.assertIn(answer.error, ("SerializationException", "ValidationException", "NotFoundException"))

    def test_wrong_types(self):
        bodies = ({"KeyId": 7}, {"KeyId": ["x"]}, {"KeyId": {"x": 1}}, {"KeyId": True})
        for body in bodies:
            with self.subTest(body=body):
                self.refused(self.call("DescribeKey", body), "SerializationException")
        bodies = ({"NumberOfBytes": "16"}, {"NumberOfBytes": [16]}, {"NumberOfBytes": {}}, {"NumberOfBytes": True},
            {"NumberOfBytes": 2 ** 70})
        for body in bodies:
            with self.subTest(body=body):
                self.refused(self.call("GenerateRandom", body), "SerializationException")
        for context in ("x", ["x"], {"a": 1}, {"a": {"b": "c"}}, {"a": ["b"]}):
            with self.subTest(context=context):
                self.refused(self.call("Encrypt", {"KeyId": self.key, "Plaintext": "YQ==", "EncryptionContext": context}),
                    "SerializationException")
        for blob in (7, ["YQ=="], "not base64!", "YQ", "YQ=\n="):
            with self.subTest(blob=blob):
                self.refused(self.call("Encrypt", {"KeyId": self.key, "Plaintext": blob}), "SerializationException")

    def test_deep_json(self):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            body = '{"KeyId":' + opening * 20000 + "1" + closing * 20000 + "}"
            self.refused(self.call("DescribeKey", body.encode()), "SerializationException")

    def test_unknown_members_are_ignored(self):
        self.assertEqual(self.server.call("ListKeys", {"Unknown": {"deep": [1, 2]}}).status, 200)

    def test_missing_members(self):
        for operation, member in (("DescribeKey", "keyId"), ("GenerateDataKeyPair", "keyPairSpec"), ("Decrypt", "ciphertextBlob"),
                ("Encrypt", "plaintext"), ("CreateAlias", "aliasName")):
            with self.subTest(operation=operation):
                answer = self.call(operation, {} if member == "keyId" else {"KeyId": self.key})
                self.refused(answer, "ValidationException", f"Value null at '{member}' failed to satisfy constraint: Member must "
                    "not be null")

    def test_unknown_keys(self):
        nobody = "12345678-1234-1234-1234-123456789012"
        arn = f"arn:aws:kms:us-east-1:000000000000:key/{nobody}"
        for name, message in (("fake-key-id", "Invalid keyId 'fake-key-id'"), (nobody.replace("-", ""),
                f"Invalid keyId '{nobody.replace('-', '')}'"), (nobody, f"Key '{arn}' does not exist"), (arn, f"Key '{arn}' does not exist"),
                ("alias/nobody", "Alias arn:aws:kms:us-east-1:000000000000:alias/nobody is not found."),
                (arn.replace("us-east-1", "eu-west-1"), "Invalid arn eu-west-1")):
            with self.subTest(name=name):
                answer = self.call("DescribeKey", {"KeyId": name})
                self.refused(answer, "NotFoundException")
                self.assertEqual(answer.message, message)

    def test_key_of_another_account(self):
        arn = f"arn:aws:kms:us-east-1:999999999999:key/{self.key}"
        answer = self.call("Encrypt", {"KeyId": arn, "Plaintext": "YQ=="})
        self.assertEqual(answer.status, 400)
        self.assertIn(answer.error, ("AccessDeniedException", "NotFoundException"))

    def test_bad_spec(self):
        answer = self.call("GenerateDataKeyPairWithoutPlaintext", {"KeyId": self.key, "KeyPairSpec": "RSA_1024"})
        self.refused(answer, "ValidationException", "1 validation error detected: Value 'RSA_1024' at 'keyPairSpec' failed to satisfy "
            "constraint: Member must satisfy enum value set: [")
        answer = self.call("GenerateDataKey", {"KeyId": self.key, "KeySpec": "AES_192"})
        self.refused(answer, "ValidationException", "1 validation error detected: Value 'AES_192' at 'keySpec' failed to satisfy "
            "constraint: Member must satisfy enum value set: [")

    def test_bad_value_is_not_echoed_without_bound(self):
        answer = self.call("GenerateDataKey", {"KeyId": self.key, "KeySpec": "X" * 100000})
        self.refused(answer, "ValidationException")

    def test_number_of_bytes(self):
        for number, edge in ((0, "greater than or equal to 1"), (-1, "greater than or equal to 1"), (1025, "less than or equal to 1024")):
            with self.subTest(number=number):
                self.refused(self.call("GenerateDataKey", {"KeyId": self.key, "NumberOfBytes": number}), "ValidationException",
                    f"Value '{number}' at 'numberOfBytes' failed to satisfy constraint: Member must have value {edge}")

    def test_both_or_neither(self):
        for members in ({}, {"KeySpec": "AES_256", "NumberOfBytes": 32}):
            for operation in ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext"):
                with self.subTest(operation=operation, members=members):
                    self.refused(self.call(operation, {"KeyId": self.key, **members}), "ValidationException")

    def test_several_errors_are_counted(self):
        answer = self.call("GenerateDataKey", {"KeySpec": "AES_192", "NumberOfBytes": 0})
        self.refused(answer, "ValidationException", " validation errors detected: ")
        self.assertIn("; ", answer.message)

    def test_plaintext_too_long(self):
        answer = self.call("Encrypt", {"KeyId": self.key, "Plaintext": base64.b64encode(bytes(4097)).decode()})
        self.refused(answer, "ValidationException", "Value at 'plaintext' failed to satisfy constraint: Member must have length less "
            "than or equal to 4096")

    def test_plaintext_empty(self):
        self.refused(self.call("Encrypt", {"KeyId": self.key, "Plaintext": ""}), "ValidationException",
            "Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1")

    def test_alias_names(self):
        for name in ("demo", "alias/", "alias/aws/mine", "alias/with space", "alias/" + "x" * 251, "alias/ü"):
            with self.subTest(name=name):
                answer = self.call("CreateAlias", {"AliasName": name, "TargetKeyId": self.key})
                self.assertEqual(answer.status, 400)
                self.assertIn(answer.error, ("ValidationException", "InvalidAliasNameException", "NotAuthorizedException"))
        self.assertEqual(self.call("CreateAlias", {"AliasName": "demo", "TargetKeyId": self.key}).message, 'Alias must start with '
            'the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html')

    def test_limit_out_of_range(self):
        for limit in (0, 1001):
            self.refused(self.call("ListKeys", {"Limit": limit}), "ValidationException", f"Value '{limit}' at 'limit' failed")


class Ciphertexts(Case):
    def blob(self):
        answer = self.server.call("GenerateDataKeyPairWithoutPlaintext", {"KeyId": self.key, "KeyPairSpec": "ECC_NIST_P256"})
        return base64.b64decode(answer.json["PrivateKeyCiphertextBlob"])

    def decrypt_each(self, blobs):
        """Answers to a Decrypt of each blob, over one connection with many requests in flight."""
        with self.server.connect() as connection:
            for start in range(0, len(blobs), 16):
                part = blobs[start:start + 16]
                connection.send(b"".join(self.server.signed("Decrypt", {"CiphertextBlob": base64.b64encode(blob).decode()})
                    for blob in part))
                for _ in part:
                    yield connection.answer()

    def test_every_byte_flipped(self):
        blob = self.blob()
        flipped = [blob[:at] + bytes([blob[at] ^ 1 << at % 8]) + blob[at + 1:] for at in range(len(blob))]
        for at, answer in enumerate(self.decrypt_each(flipped)):
            with self.subTest(at=at):
                self.refused(answer, "InvalidCiphertextException")

    def test_every_truncation(self):
        blob = self.blob()
        cut = [blob[:length] for length in range(1, len(blob))] + [blob + b"\0"]
        for at, answer in enumerate(self.decrypt_each(cut)):
            with self.subTest(at=at):
                self.refused(answer, "InvalidCiphertextException")

    def test_empty_and_too_long(self):
        for length, edge in ((0, "greater than or equal to 1"), (6145, "less than or equal to 6144")):
            answer = self.server.call("Decrypt", {"CiphertextBlob": base64.b64encode(bytes(length)).decode()})
            self.refused(answer, "ValidationException", f"Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length {edge}")

    def test_blob_of_another_server(self):
        with harness.Server(pools=harness.EC_POOLS).start(ready=False) as other:
            key = harness.new_key(other)
            blob = other.call("Encrypt", {"KeyId": key, "Plaintext": "YQ=="}).json["CiphertextBlob"]
            self.refused(self.server.call("Decrypt", {"CiphertextBlob": blob}), "InvalidCiphertextException")

    def test_errors_look_alike(self):
        """Nothing tells a wrong context from a flipped bit or from a key that is not ours."""
        blob = self.blob()
        texts = set()
        for body in ({"CiphertextBlob": blob, "EncryptionContext": {"a": "b"}}, {"CiphertextBlob": blob[:-1] + bytes([blob[-1] ^ 1])},
                {"CiphertextBlob": b"no blob at all"}):
            body["CiphertextBlob"] = base64.b64encode(body["CiphertextBlob"]).decode()
            answer = self.server.call("Decrypt", body)
            texts.add((answer.status, json.dumps(answer.json)))
        self.assertEqual(len(texts), 1)


if __name__ == "__main__":
    unittest.main()
