"""Pools survive a restart, and no public key is ever answered twice: clean stops, kill -9, files put back by hand."""

import base64
import os
import shutil
import tempfile
import unittest

import harness

SPECS = ("ECC_NIST_P256", "ECC_NIST_EDWARDS25519")
POOLS = {**{spec: 0 for spec in harness.SPECS}, "ECC_NIST_P256": 600, "ECC_NIST_EDWARDS25519": 64}


class WarmStart(unittest.TestCase):
    def setUp(self):
        top = tempfile.mkdtemp(prefix="keywell-e2e-")
        self.addCleanup(shutil.rmtree, top, ignore_errors=True)
        self.kept = os.path.join(top, "kept")
        self.server = harness.Server(data=os.path.join(top, "data"), pools=POOLS, options=["--reserve", "ECC_NIST_P256=40"])
        self.addCleanup(self.server.close)
        self.folder = os.path.join(self.server.data, "pools")
        self.key, self.pairs = None, []

    def start(self):
        self.server.start()
        self.key = self.key or harness.new_key(self.server)

    def take(self, count, spec="ECC_NIST_P256"):
        """Takes pairs; none may have been seen before."""
        with self.server.connect() as connection:
            for _ in range(count):
                connection.send(self.server.signed("GenerateDataKeyPairWithoutPlaintext", {"KeyId": self.key, "KeyPairSpec": spec}))
                answer = connection.answer()
                self.assertEqual(answer.status, 200, answer)
                self.pairs.append((answer.json["PrivateKeyCiphertextBlob"], base64.b64decode(answer.json["PublicKey"])))
        publics = [public for _, public in self.pairs]
        self.assertEqual(len(publics), len(set(publics)), "a pair was handed out twice")

    def restored(self, spec="ECC_NIST_P256"):
        return self.server.metric("keywell_pool_restored_pairs_total", spec=spec)

    def wait_for(self, name, value, **labels):
        self.server.wait_until(lambda: self.server.metric(name, **labels) >= value, 30, f"{name} {value}")

    def check_last(self, count):
        """The last pairs decrypt, and the two keys of each belong together."""
        for blob, public in self.pairs[-count:]:
            answer = self.server.call("Decrypt", {"CiphertextBlob": blob})
            self.assertEqual(answer.status, 200, answer)
            private = base64.b64decode(answer.json["Plaintext"])
            self.assertEqual(harness.public_der(harness.private_key_of(private)), public)

    def test_restarts(self):
        self.start()
        self.wait_for("keywell_pool_level", 500, spec="ECC_NIST_P256")
        self.wait_for("keywell_pool_reserve_pairs", 40, spec="ECC_NIST_P256")
        pops = self.server.metric("keywell_pool_pops_total", spec="ECC_NIST_P256")
        self.assertEqual(pops, 0, "what was set aside counts as handed out")
        self.take(20)
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["CACHEDIR.TAG", "ECC_NIST_EDWARDS25519.saved", "ECC_NIST_P256.reserve",
            "ECC_NIST_P256.saved"])
        shutil.copytree(self.folder, self.kept)

        # What was saved is served first.
        self.start()
        self.assertGreaterEqual(self.restored(), 500)
        self.assertGreater(self.restored("ECC_NIST_EDWARDS25519"), 0)
        self.assertEqual(self.server.metric("keywell_pool_reserve_pairs", spec="ECC_NIST_P256"), 40)
        self.assertEqual(os.listdir(self.folder).count("ECC_NIST_P256.saved"), 0)
        self.take(600)
        self.take(20, "ECC_NIST_EDWARDS25519")
        self.check_last(30)

        # After a crash there is the reserve; copies of what was used are refused, and said so.
        self.server.kill()
        for name in ("ECC_NIST_P256.saved", "ECC_NIST_EDWARDS25519.saved"):
            shutil.copy2(os.path.join(self.kept, name), self.folder)
        self.start()
        self.assertEqual(self.server.metric("keywell_saved_pools_refused_total"), 2)
        self.assertEqual(self.server.log().count("event=saved-pool-refused"), 2)
        self.assertEqual(self.restored(), 40)
        self.assertEqual(self.restored("ECC_NIST_EDWARDS25519"), 0)
        self.take(600)
        self.wait_for("keywell_pool_reserve_pairs", 40, spec="ECC_NIST_P256")

        # A reserve that comes from before that: its file is a copy, its number was used.
        self.server.kill()
        shutil.copy2(os.path.join(self.kept, "ECC_NIST_P256.reserve"), self.folder)
        self.server.options = ["--no-save-pools"]
        self.start()
        self.assertEqual(self.restored(), 0)
        self.take(100)
        self.check_last(10)
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(os.listdir(self.folder), ["CACHEDIR.TAG"])

        # The whole folder from a backup made file by file.
        self.server.options = []
        self.start()
        self.assertEqual(self.server.stop(), 0)
        shutil.copytree(self.server.data, self.kept + ".data", ignore=shutil.ignore_patterns("*.sock"))
        self.start()
        self.assertGreater(self.restored(), 0)
        self.take(100)
        self.server.kill()
        shutil.rmtree(self.server.data)
        shutil.copytree(self.kept + ".data", self.server.data)
        self.start()
        self.assertEqual(self.restored(), 0)
        self.assertEqual(self.server.metric("keywell_saved_pools_refused_total"), 2)
        self.assertEqual(self.server.log().count("but a copy"), 2)
        self.take(100)
        self.assertEqual(self.server.stop(), 0)

    def test_a_start_that_fails_loses_nothing(self):
        self.start()
        self.wait_for("keywell_pool_level", 64, spec="ECC_NIST_EDWARDS25519")
        self.assertEqual(self.server.stop(), 0)
        with harness.socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            command = self.server.command()
            command[command.index("--listen") + 1] = "127.0.0.1:%d" % taken.getsockname()[1]
            result = harness.subprocess.run(command, env=harness.clean_environment(), capture_output=True, text=True, timeout=30,
                check=False)
            self.assertEqual(result.returncode, 1, result.stderr)
        self.start()
        self.assertGreater(self.restored(), 0)
        self.take(20)
        self.assertEqual(self.server.stop(), 0)

    def test_bad_options(self):
        for value in ("", "x", "101%", "-1", "RSA_2048", "RSA_2048=", "RSA_1024=5", "RSA_2048=5x", "%"):
            result = harness.run_tool("keywelld", "--data", "/nonexistent", "--listen", "127.0.0.1:0", "--reserve", value)
            self.assertEqual(result.returncode, 2, value)
            self.assertIn("--reserve", result.stderr)


if __name__ == "__main__":
    unittest.main()
