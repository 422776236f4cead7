"""Stock clients: boto3 and the AWS CLI of the distribution, each over the whole API, and curl --aws-sigv4."""

import base64
import json
import os
import subprocess
import tempfile
import unittest

import boto3
import botocore.config
import botocore.exceptions
import botocore.session
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
import harness

AWS = "/usr/bin/aws"
WEST = "eu-west-1"
MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "kms-service-2.json")


def load_public(der):
    return serialization.load_der_public_key(der)


class Boto(unittest.TestCase):
    """With the newest service model that is at hand: the one beside the sources, else the installed one."""

    @classmethod
    def setUpClass(cls):
        cls.server = harness.shared()
        cls.asked = set()
        core = botocore.session.get_session()
        if os.path.exists(MODEL):
            folder = tempfile.TemporaryDirectory(prefix="keywell-model-")
            cls.addClassCleanup(folder.cleanup)
            place = os.path.join(folder.name, "kms", "2014-11-01")
            os.makedirs(place)
            os.symlink(os.path.abspath(MODEL), os.path.join(place, "service-2.json"))
            core.get_component("data_loader").search_paths.insert(0, folder.name)
        cls.session = boto3.Session(botocore_session=core)
        cls.kms, cls.west = cls.client(harness.REGION), cls.client(WEST)

    @classmethod
    def client(cls, region):
        keys = cls.server.credentials()
        client = cls.session.client("kms", region_name=region, endpoint_url=cls.server.url, aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key, config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=60))
        client.meta.events.register("before-call.kms.*", lambda model, **_: cls.asked.add(model.name))
        return client

    def refused(self, code, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)

    def key(self, **members):
        return self.kms.create_key(**members)["KeyMetadata"]["KeyId"]

    def test_whole_surface(self):
        for step in (self.life, self.aliases, self.symmetric, self.asymmetric, self.macs, self.grants, self.policies, self.rotation, self.imports,
                self.regions, self.custom_stores):
            with self.subTest(step=step.__name__):
                step()
        self.assertEqual(set(self.kms.meta.service_model.operation_names) - self.asked, set(), "operations that no step asked for")

    def life(self):
        kms, key = self.kms, self.key(Description="first", Tags=[{"TagKey": "a", "TagValue": "1"}])
        kms.update_key_description(KeyId=key, Description="second")
        self.assertEqual(kms.describe_key(KeyId=key)["KeyMetadata"]["Description"], "second")
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": "b", "TagValue": "2"}])
        kms.untag_resource(KeyId=key, TagKeys=["a"])
        self.assertEqual(kms.list_resource_tags(KeyId=key)["Tags"], [{"TagKey": "b", "TagValue": "2"}])
        kms.disable_key(KeyId=key)
        self.refused("DisabledException", kms.encrypt, KeyId=key, Plaintext=b"x")
        kms.enable_key(KeyId=key)
        kms.encrypt(KeyId=key, Plaintext=b"x")
        if hasattr(kms, "get_key_last_usage"):
            self.assertEqual(kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]["Operation"], "Encrypt")
        listed = [item["KeyId"] for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 3}) for item in page["Keys"]]
        self.assertEqual((listed.count(key), len(set(listed))), (1, len(listed)))
        self.assertEqual(kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)["KeyState"], "PendingDeletion")
        self.refused("KMSInvalidStateException", kms.encrypt, KeyId=key, Plaintext=b"x")
        kms.cancel_key_deletion(KeyId=key)
        self.assertEqual(kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"], "Disabled")

    def aliases(self):
        kms, first, second = self.kms, self.key(), self.key()
        kms.create_alias(AliasName="alias/boto", TargetKeyId=first)
        kms.update_alias(AliasName="alias/boto", TargetKeyId=second)
        self.assertEqual(kms.describe_key(KeyId="alias/boto")["KeyMetadata"]["KeyId"], second)
        self.assertEqual([alias["AliasName"] for alias in kms.list_aliases(KeyId=second)["Aliases"]], ["alias/boto"])
        kms.delete_alias(AliasName="alias/boto")
        self.refused("NotFoundException", kms.describe_key, KeyId="alias/boto")

    def symmetric(self):
        kms, key, other = self.kms, self.key(), self.key()
        context = {"who": "boto", "größe": "1"}
        blob = kms.encrypt(KeyId=key, Plaintext=b"text", EncryptionContext=context)["CiphertextBlob"]
        again = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=other)
        self.assertEqual(kms.decrypt(CiphertextBlob=again["CiphertextBlob"], KeyId=other)["Plaintext"], b"text")
        self.refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob)
        made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
        self.assertEqual(kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"], made["Plaintext"])
        sealed = kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=24)
        self.assertEqual(len(kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"]), 24)
        pair = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P384")
        harness.check_pair(self, "ECC_NIST_P384", pair["PublicKey"], pair["PrivateKeyPlaintext"])
        pair = kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="RSA_2048")
        harness.check_pair(self, "RSA_2048", pair["PublicKey"], kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"])
        self.assertEqual(len(kms.generate_random(NumberOfBytes=5)["Plaintext"]), 5)

    def asymmetric(self):
        kms, key = self.kms, self.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        signature = kms.sign(KeyId=key, Message=b"text", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
        public = load_public(kms.get_public_key(KeyId=key)["PublicKey"])
        public.verify(signature, b"text", ec.ECDSA(hashes.SHA256()))
        with self.assertRaises(InvalidSignature):
            public.verify(signature, b"Text", ec.ECDSA(hashes.SHA256()))
        self.assertTrue(kms.verify(KeyId=key, Message=b"text", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")["SignatureValid"])
        self.refused("KMSInvalidSignatureException", kms.verify, KeyId=key, Message=b"Text", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")
        self.refused("InvalidKeyUsageException", kms.generate_data_key, KeyId=key, KeySpec="AES_256")
        agreement = self.key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
        mine = ec.generate_private_key(ec.SECP256R1())
        secret = kms.derive_shared_secret(KeyId=agreement, KeyAgreementAlgorithm="ECDH", PublicKey=harness.public_der(mine))["SharedSecret"]
        self.assertEqual(secret, mine.exchange(ec.ECDH(), load_public(kms.get_public_key(KeyId=agreement)["PublicKey"])))
        rsa = self.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
        scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        blob = load_public(kms.get_public_key(KeyId=rsa)["PublicKey"]).encrypt(b"text", scheme)
        self.assertEqual(kms.decrypt(KeyId=rsa, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")["Plaintext"], b"text")

    def macs(self):
        kms, key = self.kms, self.key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        mac = kms.generate_mac(KeyId=key, Message=b"text", MacAlgorithm="HMAC_SHA_256")["Mac"]
        self.assertTrue(kms.verify_mac(KeyId=key, Message=b"text", Mac=mac, MacAlgorithm="HMAC_SHA_256")["MacValid"])
        self.refused("KMSInvalidMacException", kms.verify_mac, KeyId=key, Message=b"Text", Mac=mac, MacAlgorithm="HMAC_SHA_256")

    def grants(self):
        kms, key = self.kms, self.key()
        who = "arn:aws:iam::000000000000:role/boto"
        members = {"KeyId": key, "GranteePrincipal": who, "RetiringPrincipal": who, "Operations": ["Encrypt", "Decrypt"]}
        first, second = (kms.create_grant(**members, Constraints={"EncryptionContextSubset": {"a": "b"}}), kms.create_grant(**members, Name="second"))
        self.assertEqual({grant["GrantId"] for grant in kms.list_grants(KeyId=key)["Grants"]}, {first["GrantId"], second["GrantId"]})
        self.assertEqual(len([grant for grant in kms.list_retirable_grants(RetiringPrincipal=who)["Grants"] if grant["KeyId"].endswith(key)]), 2)
        kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[first["GrantToken"]])
        kms.retire_grant(GrantToken=first["GrantToken"])
        kms.revoke_grant(KeyId=key, GrantId=second["GrantId"])
        self.assertEqual(kms.list_grants(KeyId=key)["Grants"], [])

    def policies(self):
        kms, key = self.kms, self.key()
        self.assertEqual(kms.list_key_policies(KeyId=key)["PolicyNames"], ["default"])
        policy = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
        policy["Statement"][0]["Sid"] = "changed"
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
        self.assertEqual(json.loads(kms.get_key_policy(KeyId=key)["Policy"]), policy)
        self.refused("MalformedPolicyDocumentException", kms.put_key_policy, KeyId=key, Policy="{")

    def rotation(self):
        kms, key = self.kms, self.key()
        blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
        self.assertTrue(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"])
        kms.rotate_key_on_demand(KeyId=key)
        self.assertEqual([entry["RotationType"] for entry in kms.list_key_rotations(KeyId=key)["Rotations"]], ["ON_DEMAND"])
        self.assertEqual(kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"before")
        kms.disable_key_rotation(KeyId=key)
        self.assertFalse(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"])

    def import_into(self, client, key, material):
        parameters = client.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
        wrapped = load_public(parameters["PublicKey"]).encrypt(material, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        client.import_key_material(KeyId=key, ImportToken=parameters["ImportToken"], EncryptedKeyMaterial=wrapped,
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")

    def imports(self):
        kms, key = self.kms, self.key(Origin="EXTERNAL")
        self.import_into(kms, key, bytes(range(32)))
        blob = kms.encrypt(KeyId=key, Plaintext=b"imported")["CiphertextBlob"]
        kms.delete_imported_key_material(KeyId=key)
        self.refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=blob)
        self.refused("IncorrectKeyMaterialException", self.import_into, client=kms, key=key, material=bytes(32))
        self.import_into(kms, key, bytes(range(32)))
        self.assertEqual(kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"imported")

    def regions(self):
        kms, key = self.kms, self.key(MultiRegion=True)
        kms.replicate_key(KeyId=key, ReplicaRegion=WEST)
        blob = kms.encrypt(KeyId=key, Plaintext=b"both")["CiphertextBlob"]
        self.assertEqual(self.west.decrypt(CiphertextBlob=blob)["Plaintext"], b"both")
        kms.update_primary_region(KeyId=key, PrimaryRegion=WEST)
        configuration = kms.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
        self.assertEqual((configuration["MultiRegionKeyType"], configuration["PrimaryKey"]["Region"]), ("REPLICA", WEST))
        # Rotation is the primary's, and both have what came of it.
        self.refused("UnsupportedOperationException", kms.rotate_key_on_demand, KeyId=key)
        self.west.rotate_key_on_demand(KeyId=key)
        blob = kms.encrypt(KeyId=key, Plaintext=b"after")["CiphertextBlob"]
        self.assertEqual(self.west.decrypt(CiphertextBlob=blob)["Plaintext"], b"after")
        # Imported material goes into each related key by itself.
        key = self.key(MultiRegion=True, Origin="EXTERNAL")
        self.import_into(kms, key, bytes(range(32)))
        kms.replicate_key(KeyId=key, ReplicaRegion=WEST)
        self.assertEqual(self.west.describe_key(KeyId=key)["KeyMetadata"]["KeyState"], "PendingImport")
        self.refused("IncorrectKeyMaterialException", self.import_into, client=self.west, key=key, material=bytes(32))
        self.import_into(self.west, key, bytes(range(32)))
        blob = self.west.encrypt(KeyId=key, Plaintext=b"imported")["CiphertextBlob"]
        self.assertEqual(kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"imported")

    def custom_stores(self):
        kms, which = self.kms, {"CustomKeyStoreId": "cks-1234567890abcdef0"}
        self.assertEqual(kms.describe_custom_key_stores()["CustomKeyStores"], [])
        # Without a cluster's id a store of the default type is incomplete; no token stands for a cluster here.
        self.refused("ValidationException", kms.create_custom_key_store, CustomKeyStoreName="mine")
        self.refused("UnsupportedOperationException", kms.create_custom_key_store, CustomKeyStoreName="mine",
            CustomKeyStoreType="EXTERNAL_KEY_STORE")
        for call in (kms.connect_custom_key_store, kms.disconnect_custom_key_store, kms.delete_custom_key_store, kms.update_custom_key_store):
            self.refused("CustomKeyStoreNotFoundException", call, **which)


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

    def test_whole_surface(self):
        """One key of each kind from its making to its deletion. What goes in and out as a file is a file here."""
        with tempfile.TemporaryDirectory(prefix="keywell-cli-") as folder:
            message = os.path.join(folder, "message")
            with open(message, "wb") as file:
                file.write(b"from a file")
            self.symmetric_life(message)
            self.signing_key(message, folder)
            self.mac_key(message)
        self.two_regions()

    def new(self, *arguments):
        return self.aws("create-key", "--query", "KeyMetadata.KeyId", *arguments)

    def symmetric_life(self, message):
        key = self.new("--description", "of the CLI", "--tags", "TagKey=made,TagValue=here")
        self.assertEqual(self.aws("list-resource-tags", "--key-id", key)["Tags"], [{"TagKey": "made", "TagValue": "here"}])
        context = ("--encryption-context", "who=cli,what=test")
        blob = self.aws("encrypt", "--key-id", key, "--plaintext", "fileb://" + message, *context)["CiphertextBlob"]
        self.aws("enable-key-rotation", "--key-id", key)
        self.assertTrue(self.aws("get-key-rotation-status", "--key-id", key)["KeyRotationEnabled"])
        grant = self.aws("create-grant", "--key-id", key, "--grantee-principal", "arn:aws:iam::000000000000:user/cli", "--operations", "Encrypt",
            "Decrypt")
        self.assertEqual(self.aws("list-grants", "--key-id", key, "--query", "Grants[].GrantId"), [grant["GrantId"]])
        self.assertIsNone(self.aws("revoke-grant", "--key-id", key, "--grant-id", grant["GrantId"]))
        policy = json.loads(self.aws("get-key-policy", "--key-id", key, "--policy-name", "default")["Policy"])
        self.assertIsNone(self.aws("put-key-policy", "--key-id", key, "--policy-name", "default", "--policy", json.dumps(policy)))
        self.aws("disable-key", "--key-id", key)
        self.assertIn("DisabledException", self.aws("decrypt", "--ciphertext-blob", blob, *context, check=False).stderr)
        self.aws("enable-key", "--key-id", key)
        self.assertEqual(base64.b64decode(self.aws("decrypt", "--ciphertext-blob", blob, *context)["Plaintext"]), b"from a file")
        self.assertEqual(self.aws("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")["KeyState"], "PendingDeletion")

    def signing_key(self, message, folder):
        key = self.new("--key-spec", "ECC_NIST_P256", "--key-usage", "SIGN_VERIFY")
        about = ("--key-id", key, "--message", "fileb://" + message, "--signing-algorithm", "ECDSA_SHA_256")
        signature = self.aws("sign", *about)["Signature"]
        self.assertTrue(self.aws("verify", *about, "--signature", signature)["SignatureValid"])
        for name, text in (("signature", signature), ("public", self.aws("get-public-key", "--key-id", key)["PublicKey"])):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(base64.b64decode(text))
        subprocess.run(["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", os.path.join(folder, "public"), "-signature",
            os.path.join(folder, "signature"), message], check=True, stdout=subprocess.DEVNULL)

    def mac_key(self, message):
        about = ("--key-id", self.new("--key-spec", "HMAC_384", "--key-usage", "GENERATE_VERIFY_MAC"), "--message", "fileb://" + message,
            "--mac-algorithm", "HMAC_SHA_384")
        self.assertTrue(self.aws("verify-mac", *about, "--mac", self.aws("generate-mac", *about)["Mac"])["MacValid"])

    def two_regions(self):
        key = self.new("--multi-region")
        self.aws("replicate-key", "--key-id", key, "--replica-region", WEST)
        self.assertIsNone(self.aws("update-primary-region", "--key-id", key, "--primary-region", WEST))
        self.assertEqual(self.aws("describe-key", "--key-id", key, "--region", WEST, "--query",
            "KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType"), "PRIMARY")

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
