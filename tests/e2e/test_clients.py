"""The other stock clients: the AWS CLI of the distribution and curl --aws-sigv4."""

import base64
import json
import subprocess
import unittest

import harness

AWS = "/usr/bin/aws"


class Cli(unittest.TestCase):
    def setUp(self):
        self.server = harness.shared()

    def aws(self, *arguments, check=True):
        result = subprocess.run([AWS, "--endpoint-url", self.server.url, "--output", "json", "kms", *arguments],
            env=self.server.environment(), text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        if check:
            self.assertEqual(result.returncode, 0, result.stderr)
            return json.loads(result.stdout) if result.stdout.strip() else None
        return result

    def test_first_pair(self):
        key = self.aws("create-key")["KeyMetadata"]
        self.assertIsNone(self.aws("create-alias", "--alias-name", "alias/cli", "--target-key-id", key["KeyId"]))
        pair = self.aws("generate-data-key-pair-without-plaintext", "--key-id", "alias/cli", "--key-pair-spec", "RSA_2048")
        answer = self.aws("decrypt", "--ciphertext-blob", pair["PrivateKeyCiphertextBlob"])
        harness.check_pair(self, "RSA_2048", base64.b64decode(pair["PublicKey"]), base64.b64decode(answer["Plaintext"]))
        self.aws("delete-alias", "--alias-name", "alias/cli")

    def test_error_is_shown(self):
        result = self.aws("describe-key", "--key-id", "fake-key-id", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("An error occurred (NotFoundException) when calling the DescribeKey operation: Invalid keyId "
            "'fake-key-id'", result.stderr)


class Curl(unittest.TestCase):
    def curl(self, server, operation, body, *more):
        keys = server.credentials()
        # The keys go in through a configuration on stdin, not through the list of arguments.
        result = subprocess.run(["curl", "-sS", "-K", "-", "--max-time", "20", "--noproxy", "*", "--aws-sigv4",
            "aws:amz:us-east-1:kms", "-H", "Content-Type: application/x-amz-json-1.1", "-H",
            f"X-Amz-Target: TrentService.{operation}", "-d", body, *more, server.url + "/"],
            input=f'user = "{keys.access_key}:{keys.secret_key}"\n', text=True, capture_output=True, timeout=30, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_curl_signs_too(self):
        server = harness.shared()
        key = json.loads(self.curl(server, "CreateKey", "{}"))["KeyMetadata"]["KeyId"]
        answer = json.loads(self.curl(server, "GenerateDataKeyPairWithoutPlaintext",
            json.dumps({"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"})))
        self.assertEqual(answer["KeyPairSpec"], "ECC_NIST_P256")

    def test_answer_headers(self):
        server = harness.shared()
        text = self.curl(server, "GenerateRandom", '{"NumberOfBytes": 8}', "-i")
        head = text.split("\r\n\r\n")[0].lower()
        self.assertTrue(head.startswith("http/1.1 200"))
        self.assertRegex(head, r"x-amzn-requestid: [0-9a-f-]{36}")
        self.assertIn("content-type: application/x-amz-json-1.1", head)
        self.assertRegex(head, r"server-timing: total;dur=[0-9.]+")


if __name__ == "__main__":
    unittest.main()
