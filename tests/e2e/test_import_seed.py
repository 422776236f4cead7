"""keywell import-seed: a test bed from a file, once and again."""

import base64
import contextlib
import os
import re
import stat
import subprocess
import tempfile
import unittest

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness import REGION, Server, clean_environment, program

POOLS = {"RSA_2048": 4, "RSA_3072": 0, "RSA_4096": 0, "ECC_NIST_P256": 4, "ECC_NIST_P384": 0, "ECC_NIST_P521": 0,
    "ECC_SECG_P256K1": 0, "ECC_NIST_EDWARDS25519": 0}
MATERIAL = base64.b64encode(bytes(range(32))).decode()
PAIR = ec.generate_private_key(ec.SECP256R1())
PKCS8 = base64.b64encode(PAIR.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption())).decode()
SEED = f"""\
principals:
- user: alice
  path: /team/
  tags: {{team: blue}}
  access-key: true
  policies:
    use:
      Version: 2012-10-17
      Statement:
      - {{Effect: Allow, Action: "kms:DescribeKey", Resource: "*"}}
- role: deploy
  session-max: 7200
  trust: '{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"sts:AssumeRole"}}]}}'
keys:
- alias: alias/plain
  aliases: [alias/second]
  description: made by a seed
  tags: {{stage: test}}
- alias: alias/fixed
  material: {MATERIAL}
- alias: alias/signer
  spec: ECC_NIST_P256
  usage: SIGN_VERIFY
  material: {PKCS8}
"""


class ImportSeed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.server = cls.stack.enter_context(Server(pools=POOLS, options=["--self-signed"]))
        cls.folder = cls.stack.enter_context(tempfile.TemporaryDirectory())

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def seed(self, text, mode=0o600):
        path = os.path.join(self.folder, "seed.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def run_seed(self, *arguments, status=0, text=None):
        done = subprocess.run([program("keywell"), "import-seed", *arguments, "--data", self.server.data], input=text,
            capture_output=True, text=True, timeout=60, env=clean_environment())
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_once_and_again(self):
        path, credentials = self.seed(SEED), os.path.join(self.folder, "credentials")
        kms = self.server.client()
        before = len(kms.list_keys()["Keys"])
        dry = self.run_seed(path, "--credentials", credentials, "--dry-run").stdout
        self.assertRegex(dry, r"(?m)^would make key alias/plain$")
        self.assertEqual(len(kms.list_keys()["Keys"]), before)
        self.assertFalse(os.path.exists(credentials))

        first = self.run_seed(path, "--credentials", credentials).stdout
        self.assertEqual(first.splitlines()[-1], "12 made, 0 there already")
        self.assertNotIn(MATERIAL, first)
        self.assertEqual(stat.S_IMODE(os.stat(credentials).st_mode), 0o600)
        plain = kms.describe_key(KeyId="alias/plain")["KeyMetadata"]
        self.assertEqual(plain["Description"], "made by a seed")
        self.assertEqual(kms.describe_key(KeyId="alias/second")["KeyMetadata"]["KeyId"], plain["KeyId"])
        self.assertEqual(kms.list_resource_tags(KeyId=plain["KeyId"])["Tags"], [{"TagKey": "stage", "TagValue": "test"}])
        self.assertEqual(kms.describe_key(KeyId="alias/fixed")["KeyMetadata"]["Origin"], "EXTERNAL")
        signer = kms.get_public_key(KeyId="alias/signer")["PublicKey"]
        self.assertEqual(signer, PAIR.public_key().public_bytes(serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo))
        # Who was made may do what the file says.
        answer = subprocess.run([program("keywell"), "describe-key", "--key-id", "alias/fixed", "--query", "KeyMetadata.KeyState",
            "--output", "text"], capture_output=True, text=True, timeout=60, env=clean_environment(
                AWS_SHARED_CREDENTIALS_FILE=credentials, AWS_PROFILE="alice", AWS_ENDPOINT_URL_KMS=self.server.url,
                AWS_CA_BUNDLE=self.server.ca))
        self.assertEqual(answer.stdout.strip(), "Enabled", answer.stderr)

        keys = kms.list_keys()["Keys"]
        with open(credentials, encoding="ascii") as file:
            text = file.read()
        for arguments in ([], ["--dry-run"]):
            again = self.run_seed(path, "--credentials", credentials, *arguments).stdout
            self.assertRegex(again.splitlines()[-1], r"^0 (made|would be made), 9 there already$")
        self.assertEqual(kms.list_keys()["Keys"], keys)
        with open(credentials, encoding="ascii") as file:
            self.assertEqual(file.read(), text)

    def test_fixed_material_is_the_same_elsewhere(self):
        text = f"keys: [{{alias: alias/mac, spec: HMAC_256, usage: GENERATE_VERIFY_MAC, material: {MATERIAL}}}]"
        macs = []
        for region in (REGION, "eu-west-1"):
            self.run_seed("-", "--region", region, text=text)
            macs.append(self.server.call("GenerateMac", {"KeyId": "alias/mac", "Message": "bQ==", "MacAlgorithm": "HMAC_SHA_256"},
                region=region).json["Mac"])
        self.assertEqual(macs[0], macs[1])

    def test_goes_on_where_it_was_interrupted(self):
        kms = self.server.client()
        key = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/half", TargetKeyId=key)
        done = self.run_seed("-", text=f"keys: [{{alias: alias/half, aliases: [alias/more], material: {MATERIAL}}}]").stdout
        self.assertEqual(done.splitlines()[-1], "2 made, 2 there already")
        self.assertEqual(kms.describe_key(KeyId="alias/more")["KeyMetadata"]["KeyState"], "Enabled")

    def test_mistakes(self):
        path = self.seed(SEED, mode=0o640)
        self.assertIn("open to others", self.run_seed(path, status=1).stderr)
        path = self.seed("keys:\n- alias: alias/x\n  colour: red\n")
        self.assertIn(f"{path}:3:3: there is no such member here", self.run_seed(path, status=1).stderr)
        path = self.seed("keys:\n- alias: [\n")
        self.assertRegex(self.run_seed(path, status=1).stderr, rf"{re.escape(path)}:3:1: ")
        # What the service refuses has its place, too.
        path = self.seed("keys:\n- alias: alias/x\n  spec: RSA_1024\n")
        self.assertRegex(self.run_seed(path, status=1).stderr, rf"{re.escape(path)}:2:3: An error occurred \(ValidationException\)")
        path = self.seed("principals:\n- {user: bob, access-key: true}\n")
        self.assertRegex(self.run_seed(path, status=1).stderr, rf"{re.escape(path)}:2:3: bob is to have an access key")
        kms = self.server.client()
        kms.create_alias(AliasName="alias/other", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        refused = self.run_seed("-", status=1, text="keys: [{alias: alias/other, spec: HMAC_256, usage: GENERATE_VERIFY_MAC}]")
        self.assertIn("-:1:8: alias/other is there, with another spec", refused.stderr)

    def test_usage(self):
        self.assertIn("--dry-run", self.run_seed("--help").stdout)
        self.run_seed(status=2)
        self.run_seed("one", "two", status=2)
        self.assertIn("No such file", self.run_seed("nowhere.yaml", status=1).stderr)
        nobody = subprocess.run([program("keywell"), "import-seed", "-", "--data", self.folder], input="keys: []",
            capture_output=True, text=True, timeout=60, env=clean_environment())
        self.assertEqual((nobody.returncode, nobody.stdout), (1, ""))
        self.assertIn("no server runs on the data folder", nobody.stderr)


if __name__ == "__main__":
    unittest.main()
