"""keywelld --config: the options in a file."""

import json
import os
import subprocess
import tempfile
import unittest

from harness import Server, clean_environment, program

NONE = ["RSA_3072", "RSA_4096", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"]


class Config(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "keywelld.conf")
        self.data = os.path.join(folder.name, "data")

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def refused(self, text, *more):
        self.write(text)
        done = subprocess.run([program("keywelld"), "--config", self.path, *more], capture_output=True, text=True,
            timeout=60, env=clean_environment())
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr.replace(self.path, "FILE")

    def test_file_and_command_line(self):
        self.write("# a trial\naccount = 111122223333\ncpus = %d\nno-save-pools = yes\ninsecure-plain-http = no\n"
            "pool = RSA_2048=2\npool = ECC_NIST_P256=8 # overruled\non-empty = reject\n%s" %
            (min(os.sched_getaffinity(0)), "".join(f"pool = {spec}=0\n" for spec in NONE)))
        with Server(data=self.data, pools={"ECC_NIST_P256": 5}, options=["--config", self.path, "--on-empty", "wait"]) as server:
            shown = subprocess.run([program("keywell"), "pool", "--data", self.data, "--json"], capture_output=True,
                text=True, timeout=60, env=clean_environment())
            self.assertEqual(shown.returncode, 0, shown.stderr)
            pools = json.loads(server.admin_get("/pools")[1])
            depths = {pool["spec"]: pool["capacity"] for pool in pools["pools"]}
            self.assertEqual({"RSA_2048": 2, "ECC_NIST_P256": 5}, {s: n for s, n in depths.items() if n})
            self.assertEqual({pool["on_empty"] for pool in pools["pools"]}, {"wait"})
            self.assertIn("workers=1", server.log())
            self.assertEqual(server.stop(), 0)

    def test_refusals(self):
        self.assertIn("keywelld: FILE:2: the line is not NAME = VALUE", self.refused("account = 111122223333\npool\n"))
        self.assertIn("keywelld: FILE:1: pool = RSA_2049=5: must be SPEC=N", self.refused("pool = RSA_2049=5"))
        self.assertIn("FILE:3: colour = red: is no setting", self.refused("\n\ncolour = red # mine\n"))
        # Of the command line only.
        self.assertIn("FILE:1: config = x: is no setting", self.refused("config = x"))
        self.assertIn("FILE:1: version = yes: is no setting", self.refused("version = yes"))
        self.assertIn("FILE:1: self-signed = maybe: must be yes or no", self.refused("self-signed = maybe"))
        self.assertIn("FILE: is longer than 65536 bytes", self.refused("#" * 65537))
        self.assertIn("--data DIR is required", self.refused("#" * 65536))
        self.assertIn("--account 1: must be twelve digits", self.refused("colour = red", "--account", "1"))
        missing = subprocess.run([program("keywelld"), "--config", "/nonexistent"], capture_output=True, text=True, timeout=60)
        self.assertEqual((missing.returncode, missing.stderr), (2, "keywelld: /nonexistent: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main()
