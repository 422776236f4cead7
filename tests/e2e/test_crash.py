"""kill -9 in the middle of traffic: what was answered is in the log, and what was handed out decrypts."""

import base64
import os
import random
import shutil
import tempfile
import threading
import time
import unittest

import harness


class Traffic:
    """Clients that ask for everything at once and remember each complete answer."""

    def __init__(self, server, key, num_clients=8):
        self.server, self.key = server, key
        self.pairs, self.plain, self.keys, self.requests = [], [], [], []
        self.threads = [threading.Thread(target=self.client, args=(number,)) for number in range(num_clients)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def join(self):
        for thread in self.threads:
            thread.join()

    def client(self, number):
        generator = random.Random(number)
        requests = {
            "pair": self.server.signed("GenerateDataKeyPairWithoutPlaintext", {"KeyId": self.key, "KeyPairSpec": "ECC_NIST_P256"}),
            "key": self.server.signed("GenerateDataKey", {"KeyId": self.key, "KeySpec": "AES_256"}),
            "create": self.server.signed("CreateKey", {}),
        }
        try:
            with self.server.connect() as connection:
                while True:
                    batch = generator.choices(list(requests), (8, 4, 1), k=generator.randint(1, 6))
                    connection.send(b"".join(requests[kind] for kind in batch))
                    for kind in batch:
                        answer = connection.answer()
                        if answer is None:
                            return
                        self.remember(kind, answer)
        except OSError:
            return

    def remember(self, kind, answer):
        self.requests.append(answer.headers["x-amzn-requestid"])
        if answer.status != 200:
            return
        if kind == "pair":
            self.pairs.append((answer.json["PrivateKeyCiphertextBlob"], base64.b64decode(answer.json["PublicKey"])))
        elif kind == "key":
            self.plain.append((answer.json["CiphertextBlob"], answer.json["Plaintext"]))
        else:
            self.keys.append(answer.json["KeyMetadata"]["KeyId"])


class Crash(unittest.TestCase):
    def test_kill_in_the_middle_of_traffic(self):
        top = tempfile.mkdtemp(prefix="keywell-e2e-")
        self.addCleanup(shutil.rmtree, top, ignore_errors=True)
        server = harness.Server(data=os.path.join(top, "data"), pools=harness.EC_POOLS)
        self.addCleanup(server.close)
        pairs, plain, keys, requests = [], [], [], []
        key = None
        for round_number in range(3):
            server.start(ready=False)
            key = key or harness.new_key(server)
            traffic = Traffic(server, key)
            traffic.start()
            time.sleep(0.6 + 0.17 * round_number)
            server.kill()
            traffic.join()
            self.assertGreater(len(traffic.requests), 20, "hardly any traffic: nothing was tested")
            pairs += traffic.pairs
            plain += traffic.plain
            keys += traffic.keys
            requests += traffic.requests
            result = server.audit_verify()
            self.assertEqual(result.returncode, 0, f"after kill {round_number}: {result.stdout}{result.stderr}")
        server.start(ready=False)
        self.check_audit(server, requests)
        self.check_handed_out(server, pairs, plain)
        for created in keys:
            self.assertEqual(server.call("DescribeKey", {"KeyId": created}).status, 200, "an acknowledged key is gone")
        self.assertEqual(server.stop(), 0)
        result = server.audit_verify()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        print(f"{len(requests)} answered requests, {len(pairs)} pairs, {len(keys)} keys over three kills")

    def check_audit(self, server, requests):
        logged = [record["requestID"] for record in server.audit_records()]
        self.assertEqual(len(logged), len(set(logged)), "a request is in the log twice")
        missing = set(requests) - set(logged)
        self.assertEqual(missing, set(), f"{len(missing)} answered requests are not in the log")

    def check_handed_out(self, server, pairs, plain):
        publics = [public for _, public in pairs]
        self.assertEqual(len(publics), len(set(publics)), "a pair was handed out twice")
        with server.connect() as connection:
            for blob, public in pairs:
                connection.send(server.signed("Decrypt", {"CiphertextBlob": blob}))
                answer = connection.answer()
                self.assertEqual(answer.status, 200, answer)
                private = harness.private_key_of(base64.b64decode(answer.json["Plaintext"]))
                self.assertEqual(harness.public_der(private), public)
            for blob, plaintext in plain:
                connection.send(server.signed("Decrypt", {"CiphertextBlob": blob}))
                self.assertEqual(connection.answer().json["Plaintext"], plaintext)


if __name__ == "__main__":
    unittest.main()
