"""keywell init: a data folder that keywelld starts on, and credentials that work."""

import json
import os
import re
import stat
import subprocess
import tempfile
import unittest

from harness import EC_POOLS, REGION, Server, clean_environment, program

ONE_POOL = {**{name: 0 for name in EC_POOLS}, "ECC_NIST_P256": 4}


class Init(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = folder.name
        self.data = os.path.join(self.home, "data")
        self.shared = os.path.join(self.home, ".aws", "credentials")

    def run_init(self, *arguments, status=0):
        done = subprocess.run([program("keywell"), "init", *arguments], capture_output=True, text=True, timeout=60,
            cwd=self.home, env=clean_environment(HOME=self.home))
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def secret(self, path):
        with open(path, encoding="ascii") as file:
            return re.search(r"aws_secret_access_key = (\S+)", file.read())[1]

    def mode(self, path):
        return stat.S_IMODE(os.stat(path).st_mode)

    def test_server_starts_on_it(self):
        done = self.run_init("--data", "data", "--account", "111122223333", "--write-profile", "trial")
        self.assertEqual(self.mode(self.data), 0o700)
        self.assertEqual(self.mode(os.path.join(self.data, "root.key")), 0o400)
        for path in (os.path.join(self.data, "credentials"), self.shared):
            self.assertEqual(self.mode(path), 0o600)
        secret = self.secret(self.shared)
        self.assertEqual(secret, self.secret(os.path.join(self.data, "credentials")))
        self.assertNotIn(secret, done.stdout + done.stderr)
        self.assertIn(f"keywelld --data {os.path.realpath(self.data)} --listen", done.stdout)
        self.assertIn("--account 111122223333 &", done.stdout)
        with open(os.path.join(self.data, "root.key"), encoding="ascii") as file:
            root_key = file.read()
        with Server(data=self.data, pools=ONE_POOL, options=["--account", "111122223333"]) as server:
            call = subprocess.run([program("keywell"), "create-key", "--query", "KeyMetadata.AWSAccountId", "--output", "text"],
                capture_output=True, text=True, timeout=60, env=clean_environment(HOME=self.home, AWS_PROFILE="trial",
                    AWS_ENDPOINT_URL_KMS=server.url, AWS_REGION=REGION))
            self.assertEqual(call.stdout.strip(), "111122223333", call.stderr)
            self.assertEqual(server.stop(), 0)
        with open(os.path.join(self.data, "root.key"), encoding="ascii") as file:
            self.assertEqual(file.read(), root_key)
        self.assertIn("is a data folder already", self.run_init("--data", "data", status=1).stderr)
        self.assertEqual(self.secret(self.shared), secret)

    def test_json(self):
        made = json.loads(self.run_init("--data", self.data, "--json").stdout)
        self.assertEqual(made["Account"], "000000000000")
        self.assertEqual(made["Credentials"], os.path.join(os.path.realpath(self.data), "credentials"))
        with open(made["Credentials"], encoding="ascii") as file:
            self.assertIn(made["AccessKeyId"], file.read())
        self.assertFalse(os.path.exists(self.shared))

    def test_profiles_are_left_alone(self):
        os.mkdir(os.path.dirname(self.shared))
        with open(self.shared, "w", encoding="ascii") as file:
            file.write("[trial]\naws_access_key_id = mine\n")
        self.assertIn("open to others", self.run_init("--data", "data", "--write-profile", "new", status=1).stderr)
        os.chmod(self.shared, 0o600)
        self.assertIn("has a profile trial already",
            self.run_init("--data", "data", "--write-profile", "trial", status=1).stderr)
        # Looked at before anything is made.
        self.assertFalse(os.path.exists(self.data))
        self.run_init("--data", "data", "--write-profile", "new")
        with open(self.shared, encoding="ascii") as file:
            self.assertTrue(file.read().startswith("[trial]\naws_access_key_id = mine\n\n# keywell: "))

    def test_usage(self):
        self.assertIn("--write-profile", self.run_init("--help").stdout)
        self.run_init(status=2)
        self.run_init("--data", "data", "--account", "12", status=2)
        self.run_init("--data", "data", "--write-profile", "a]b", status=2)
        self.assertIn("cannot be made", self.run_init("--data", "nowhere/data", status=1).stderr)


if __name__ == "__main__":
    unittest.main()
