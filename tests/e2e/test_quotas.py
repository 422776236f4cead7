"""Quotas on request: AWS's rates, a table that changes them, and the limit of each principal, as stock clients meet them."""

import os
import time
import unittest

import boto3
import botocore.config
import botocore.exceptions
import harness

MESSAGE = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
PAIR, PAIR_ONLY_SEALED = "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"
POOLS = {**harness.EC_POOLS, "RSA_2048": 8}


class Throttled(unittest.TestCase):
    def server(self, *options, table=None):
        server = harness.Server(pools=POOLS, options=list(options))
        self.addCleanup(server.close)
        if table is not None:
            path = os.path.join(server.top, "quotas")
            with open(path, "w", encoding="ascii") as file:
                file.write(table)
            server.options += ["--quotas", path]
        return server.start()

    def assert_throttled(self, answer):
        self.assertEqual((answer.status, answer.error, answer.message), (400, "ThrottlingException", MESSAGE))
        self.assertEqual(answer.headers["x-amzn-errortype"], "ThrottlingException")

    def code_of(self, call, **members):
        """None, or the error's code as a stock client sees it."""
        try:
            call(**members)
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return None

    def sts(self, server):
        keys = server.credentials()
        return boto3.client("sts", region_name=harness.REGION, endpoint_url=server.url, aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key, config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}))


class Imitated(Throttled):
    def test_pairs_of_a_second(self):
        server = self.server("--quotas", "aws")
        key = harness.new_key(server)
        members = {"KeyId": key, "KeyPairSpec": "RSA_2048"}
        started = time.monotonic()
        first = server.call(PAIR, members)
        second = server.call(PAIR_ONLY_SEALED, members)
        self.assertLess(time.monotonic() - started, 1, "too slow to be throttled")
        self.assertEqual(first.status, 200)
        self.assert_throttled(second)
        # What it is not: a pair of another size, a call that is refused for what it says, a call in another Region.
        self.assertEqual(server.call(PAIR_ONLY_SEALED, {"KeyId": key, "KeyPairSpec": "RSA_4096"}).status, 200)
        self.assertEqual(server.call(PAIR_ONLY_SEALED, {**members, "KeyPairSpec": "RSA_1024"}).error, "ValidationException")
        elsewhere = server.call("CreateKey", {}, region="eu-west-1").json["KeyMetadata"]["KeyId"]
        self.assertEqual(server.call(PAIR, {**members, "KeyId": elsewhere}, region="eu-west-1").status, 200)
        time.sleep(max(0, started + 1.2 - time.monotonic()))
        self.assertEqual(server.call(PAIR_ONLY_SEALED, members).status, 200)

        self.assertEqual(server.metric("keywell_throttled_calls_total", limit="quota"), 1)
        self.assertEqual(server.metric("keywell_requests_total", operation=PAIR_ONLY_SEALED, result="ThrottlingException"), 1)
        self.assertEqual(server.metric("keywell_throttled_unrecorded_total"), 0)
        records = [record for record in server.audit_records() if record.get("errorCode") == "ThrottlingException"]
        self.assertEqual(len(records), 1)
        self.assertEqual((records[0]["eventName"], records[0]["errorMessage"], records[0]["requestID"]),
            (PAIR_ONLY_SEALED, MESSAGE, second.headers["x-amzn-requestid"]))
        self.assertEqual(records[0]["requestParameters"], {"keyId": key, "keyPairSpec": "RSA_2048"})

    def test_dry_runs_count(self):
        server = self.server("--quotas", "aws")
        members = {"KeyId": harness.new_key(server), "KeyPairSpec": "RSA_4096", "DryRun": True}
        self.assertEqual(server.call(PAIR, members).error, "DryRunOperationException")
        self.assert_throttled(server.call(PAIR, members))
        self.assertEqual(server.metric("keywell_pool_pops_total", spec="RSA_4096"), 0)

    def test_sdk_waits_and_gets_its_pairs(self):
        server = self.server("--quotas", "aws")
        key = harness.new_key(server)
        client = server.client(retries={"max_attempts": 10, "mode": "standard"})
        started = time.monotonic()
        attempts = 0
        for _ in range(3):
            pair = client.generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_2048")
            harness.check_pair(self, "RSA_2048", pair["PublicKey"], pair["PrivateKeyPlaintext"])
            attempts += 1 + pair["ResponseMetadata"]["RetryAttempts"]
        self.assertGreaterEqual(time.monotonic() - started, 2)
        self.assertGreater(attempts, 3)
        self.assertEqual(server.metric("keywell_throttled_calls_total", limit="quota"), attempts - 3)

    def test_management(self):
        server = self.server("--quotas", "aws")
        client = server.client()
        started = time.monotonic()
        codes = [self.code_of(client.create_key) for _ in range(40)]
        seconds = time.monotonic() - started
        self.assertEqual(set(codes), {None, "ThrottlingException"})
        self.assertEqual(codes[:5], [None] * 5)
        self.assertLessEqual(codes.count(None), 5 + 5 * seconds + 1)
        # Each operation for itself, and none of them those that use keys.
        self.assertIsNone(self.code_of(client.list_keys))
        self.assertIsNone(self.code_of(client.generate_random, NumberOfBytes=8))


class Changed(Throttled):
    def test_table(self):
        server = self.server(table="# what this account was given\nGenerateDataKeyPair.RSA_2048 100\nCreateKey 0.01 2\nDescribeKey unlimited\nEncrypt 0.01\n")
        client = server.client()
        keys = [client.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
        self.assertEqual(self.code_of(client.create_key), "ThrottlingException")
        for _ in range(4):
            client.generate_data_key_pair_without_plaintext(KeyId=keys[0], KeyPairSpec="RSA_2048")
        self.assertIsNone(self.code_of(client.encrypt, KeyId=keys[0], Plaintext=b"a"))
        self.assertEqual(self.code_of(client.encrypt, KeyId=keys[0], Plaintext=b"a"), "ThrottlingException")
        self.assertIsNone(self.code_of(client.generate_data_key, KeyId=keys[0], KeySpec="AES_256"))

    def test_refused_at_start(self):
        top = harness.Server()
        self.addCleanup(top.close)
        path = os.path.join(top.top, "quotas")
        with open(path, "w", encoding="ascii") as file:
            file.write("CreateKey 5\n\nMakeKey 5\n")
        for options, status, sentence in (
            (("--quotas", path), 1, f"the table of quotas {path} cannot be used: line 3 names no operation"),
            (("--quotas", path + ".none"), 1, "cannot be read: No such file"),
            (("--quotas", ""), 2, "must be aws or name a file"),
            (("--principal-rate", "0"), 2, "must be 0.0001 to 1000000"),
            (("--principal-rate", "fast"), 2, "must be 0.0001 to 1000000"),
        ):
            result = harness.run_tool("keywelld", "--data", top.data, "--listen", "127.0.0.1:0", *options, seconds=30)
            self.assertEqual(result.returncode, status, result.stderr)
            self.assertIn(sentence, result.stderr)
        self.assertFalse(os.path.exists(top.data))


class Principals(Throttled):
    def test_rate_of_a_principal(self):
        server = self.server("--principal-rate", "5")
        request = server.signed("ListKeys", {})
        calls = 300
        started = time.monotonic()
        with server.connect() as connection:
            connection.send(request * calls)
            answers = [connection.answer() for _ in range(calls)]
        seconds = time.monotonic() - started
        through = [answer for answer in answers if answer.status == 200]
        throttled = [answer for answer in answers if answer.status != 200]
        self.assertGreaterEqual(len(through), 5)
        self.assertLessEqual(len(through), 5 + 5 * seconds + 1)
        for answer in throttled:
            self.assert_throttled(answer)
        self.assertEqual(server.metric("keywell_throttled_calls_total", limit="principal"), len(throttled))
        self.assertEqual(server.metric("keywell_throttled_calls_total", limit="quota"), 0)

        # On record: all that got through, and as many refusals as there may be calls.
        unrecorded = server.metric("keywell_throttled_unrecorded_total")
        records = [record for record in server.audit_records() if record["eventName"] == "ListKeys"]
        self.assertEqual(len(records), calls - unrecorded)
        refusals = [record for record in records if record.get("errorCode") == "ThrottlingException"]
        self.assertGreaterEqual(len(refusals), 5)
        self.assertLessEqual(len(refusals), 5 + 5 * seconds + 1)
        self.assertEqual(server.audit_verify().returncode, 0)
        self.assertIn("event=throttled-unrecorded", server.log())

    def test_whatever_it_asks(self):
        """Nonsense counts, and so does another service, another Region, another partition."""
        server = self.server("--principal-rate", "0.01")
        self.assertEqual(server.call("NoSuchOperation", {}).error, "UnknownOperationException")
        self.assert_throttled(server.call("NoSuchOperation", {}))
        self.assert_throttled(server.call("ListKeys", b"{", region="cn-north-1"))
        self.assertEqual(self.code_of(self.sts(server).get_caller_identity), "Throttling")
        names = [record["eventName"] for record in server.audit_records()]
        self.assertEqual(names, ["NoSuchOperation", "NoSuchOperation"])


if __name__ == "__main__":
    unittest.main()
