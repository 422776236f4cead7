"""Custom key stores over a real PKCS#11 token (softhsm2), which stands for a CloudHSM cluster."""

import base64
import contextlib
import datetime
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock as mock

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import harness

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import nitro  # noqa: E402

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
MODULE = next((path for path in MODULES if os.path.exists(path)), None)
PIN = "correct-horse-1"
CLUSTER, OTHER, EMPTY = "cluster-abcdefghijk", "cluster-bcdefghijkl", "cluster-cdefghijklm"
DAY = 86400
SMALL = {spec: 2 if spec in ("ECC_NIST_P256", "RSA_2048") else 0 for spec in harness.SPECS}


def b64(data):
    return base64.b64encode(data).decode()


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "customerCA")])
    start = datetime.datetime(2024, 1, 1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(start).not_valid_after(start + datetime.timedelta(days=3650)).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


class Tokens:
    """A folder of softhsm tokens of our own."""

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="keywell-tokens-")
        self.folder = os.path.join(self.top, "tokens")
        os.mkdir(self.folder)
        self.config = os.path.join(self.top, "softhsm2.conf")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f"directories.tokendir = {self.folder}\nobjectstore.backend = file\nlog.level = ERROR\n")

    def run(self, *arguments):
        done = subprocess.run(["softhsm2-util", *arguments], env={**os.environ, "SOFTHSM2_CONF": self.config}, text=True,
            capture_output=True, check=False, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(done.stderr + done.stdout)
        return done.stdout

    def make(self, label, pin=PIN):
        self.run("--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "so-pin-12345")

    def close(self):
        shutil.rmtree(self.top, ignore_errors=True)

    def num_objects(self):
        return sum(name.endswith(".object") and name != "token.object" for _, _, names in os.walk(self.folder) for name in names)


class Server(harness.Server):
    """keywelld with tokens: CLUSTER and OTHER have theirs, the token of EMPTY is not there."""

    def __init__(self, tokens, clusters=None, **more):
        clusters = clusters or {CLUSTER: "first", OTHER: "second", EMPTY: "nothing"}
        self.module, self.environment_more = more.pop("module", MODULE), more.pop("environment", {})
        options = [part for cluster, label in clusters.items() for part in ("--hsm", f"{cluster}={self.module}:{label}")]
        super().__init__(pools=SMALL, options=options + list(more.pop("options", ())), **more)
        self.tokens = tokens

    def start(self, *arguments, **more):
        with mock.patch.dict(os.environ, {"SOFTHSM2_CONF": self.tokens.config, **self.environment_more}):
            return super().start(*arguments, **more)


@unittest.skipUnless(MODULE, "softhsm2 is not installed")
class Base(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.anchor = certificate()
        cls.tokens = Tokens()
        cls.addClassCleanup(cls.tokens.close)
        cls.tokens.make("first")
        cls.tokens.make("second")
        cls.server = Server(cls.tokens, options=cls.options).start()
        cls.addClassCleanup(cls.server.close)
        cls.kms = cls.server.client()

    def refused(self, error, operation, message=None, **members):
        answer = self.server.call(operation, members)
        self.assertEqual(answer.error, error, answer)
        if message is not None:
            self.assertEqual(answer.message, message)

    def ask(self, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual(answer.status, 200, (operation, answer))
        return answer.json

    def create_store(self, name="mine", cluster=CLUSTER, pin=PIN):
        return self.ask("CreateCustomKeyStore", CustomKeyStoreName=name, CloudHsmClusterId=cluster, KeyStorePassword=pin,
            TrustAnchorCertificate=self.anchor)["CustomKeyStoreId"]

    def describe_store(self, store):
        return self.ask("DescribeCustomKeyStores", CustomKeyStoreId=store)["CustomKeyStores"][0]

    def wait_for(self, store, state):
        deadline = time.monotonic() + 10
        while self.describe_store(store)["ConnectionState"] != state:
            self.assertLess(time.monotonic(), deadline, self.describe_store(store))
            time.sleep(0.02)
        return self.describe_store(store)

    def connect(self, store, state="CONNECTED"):
        self.assertEqual(self.ask("ConnectCustomKeyStore", CustomKeyStoreId=store), {})
        return self.wait_for(store, state)

    def disconnect(self, store):
        self.assertEqual(self.ask("DisconnectCustomKeyStore", CustomKeyStoreId=store), {})
        self.wait_for(store, "DISCONNECTED")

    def create_key(self, store):
        return self.ask("CreateKey", Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]

    def drop_stores(self):
        """Every store that has no keys, so that tests find their clusters free."""
        for store in self.ask("DescribeCustomKeyStores")["CustomKeyStores"]:
            if store["ConnectionState"] != "DISCONNECTED":
                self.disconnect(store["CustomKeyStoreId"])
            self.ask("DeleteCustomKeyStore", CustomKeyStoreId=store["CustomKeyStoreId"])


class Stores(Base):
    """The life of key stores, without keys."""

    def tearDown(self):
        self.drop_stores()

    def test_life(self):
        store = self.create_store()
        self.assertRegex(store, "^cks-[0-9a-f]{17}$")
        entry = self.describe_store(store)
        self.assertAlmostEqual(entry.pop("CreationDate"), time.time(), delta=60)
        self.assertEqual(entry, {"CustomKeyStoreId": store, "CustomKeyStoreName": "mine", "CloudHsmClusterId": CLUSTER,
            "TrustAnchorCertificate": self.anchor, "ConnectionState": "DISCONNECTED", "CustomKeyStoreType": "AWS_CLOUDHSM"})
        self.refused("CustomKeyStoreInvalidStateException", "DisconnectCustomKeyStore", CustomKeyStoreId=store)
        self.refused("CustomKeyStoreInvalidStateException", "CreateKey", Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)
        self.refused("CustomKeyStoreInvalidStateException", "GenerateRandom", NumberOfBytes=8, CustomKeyStoreId=store)
        self.connect(store)
        self.assertEqual(self.ask("ConnectCustomKeyStore", CustomKeyStoreId=store), {})
        self.refused("CustomKeyStoreInvalidStateException", "DeleteCustomKeyStore", CustomKeyStoreId=store)
        self.refused("CustomKeyStoreInvalidStateException", "UpdateCustomKeyStore", CustomKeyStoreId=store, KeyStorePassword=PIN)
        self.assertEqual(self.ask("UpdateCustomKeyStore", CustomKeyStoreId=store, NewCustomKeyStoreName="yours"), {})
        self.assertEqual(self.describe_store(store)["CustomKeyStoreName"], "yours")
        drawn = [base64.b64decode(self.ask("GenerateRandom", NumberOfBytes=1024, CustomKeyStoreId=store)["Plaintext"])
            for _ in range(2)]
        self.assertEqual([len(bytes_) for bytes_ in drawn], [1024, 1024])
        self.assertNotEqual(drawn[0], drawn[1])
        self.disconnect(store)
        self.assertEqual(self.ask("DeleteCustomKeyStore", CustomKeyStoreId=store), {})
        for operation in ("Connect", "Disconnect", "Update", "Delete"):
            self.refused("CustomKeyStoreNotFoundException", f"{operation}CustomKeyStore", CustomKeyStoreId=store)
        self.refused("CustomKeyStoreNotFoundException", "GenerateRandom", NumberOfBytes=8, CustomKeyStoreId=store)

    def test_lists(self):
        self.assertEqual(self.ask("DescribeCustomKeyStores"), {"CustomKeyStores": [], "Truncated": False})
        made = {self.create_store(f"store {n}", cluster): f"store {n}" for n, cluster in enumerate((CLUSTER, OTHER, EMPTY))}
        listed = self.ask("DescribeCustomKeyStores")
        self.assertEqual({entry["CustomKeyStoreId"]: entry["CustomKeyStoreName"] for entry in listed["CustomKeyStores"]}, made)
        seen, marker = [], {}
        while True:
            page = self.ask("DescribeCustomKeyStores", Limit=1, **marker)
            seen += [entry["CustomKeyStoreId"] for entry in page["CustomKeyStores"]]
            if not page["Truncated"]:
                break
            marker = {"Marker": page["NextMarker"]}
        self.assertEqual(sorted(seen), sorted(made))
        by_name = self.ask("DescribeCustomKeyStores", CustomKeyStoreName="store 1")["CustomKeyStores"]
        self.assertEqual([made[entry["CustomKeyStoreId"]] for entry in by_name], ["store 1"])
        self.refused("CustomKeyStoreNotFoundException", "DescribeCustomKeyStores", CustomKeyStoreName="store")
        elsewhere = self.server.call("DescribeCustomKeyStores", {}, region="eu-west-1").json
        self.assertEqual(elsewhere["CustomKeyStores"], [])

    def test_what_is_refused(self):
        fine = {"CustomKeyStoreName": "mine", "CloudHsmClusterId": CLUSTER, "KeyStorePassword": PIN,
            "TrustAnchorCertificate": self.anchor}
        for error, changes in (
            ("ValidationException", {"CloudHsmClusterId": None}), ("ValidationException", {"KeyStorePassword": None}),
            ("ValidationException", {"TrustAnchorCertificate": None}), ("ValidationException", {"KeyStorePassword": "sixsix"}),
            ("ValidationException", {"CustomKeyStoreName": "a\0b"}), ("ValidationException", {"KeyStorePassword": PIN + "\0"}),
            ("CloudHsmClusterNotFoundException", {"CloudHsmClusterId": "cluster-zzzzzzzzzzz"}),
            ("IncorrectTrustAnchorException", {"TrustAnchorCertificate": "no certificate"}),
            ("IncorrectTrustAnchorException", {"TrustAnchorCertificate": self.anchor.replace("MII", "MIJ")}),
            ("UnsupportedOperationException", {"CustomKeyStoreType": "EXTERNAL_KEY_STORE"}),
        ):
            with self.subTest(**changes):
                members = {name: value for name, value in {**fine, **changes}.items() if value is not None}
                self.refused(error, "CreateCustomKeyStore", **members)
        store = self.create_store()
        self.refused("CustomKeyStoreNameInUseException", "CreateCustomKeyStore", **{**fine, "CloudHsmClusterId": OTHER})
        self.refused("CloudHsmClusterInUseException", "CreateCustomKeyStore", **{**fine, "CustomKeyStoreName": "other"})
        other = self.create_store("other", OTHER)
        self.refused("CustomKeyStoreNameInUseException", "UpdateCustomKeyStore", CustomKeyStoreId=other,
            NewCustomKeyStoreName="mine")
        self.ask("UpdateCustomKeyStore", CustomKeyStoreId=other, NewCustomKeyStoreName="other", CloudHsmClusterId=OTHER)
        self.refused("CloudHsmClusterNotRelatedException", "UpdateCustomKeyStore", CustomKeyStoreId=store, CloudHsmClusterId=EMPTY)
        self.refused("CloudHsmClusterNotFoundException", "UpdateCustomKeyStore", CustomKeyStoreId=store,
            CloudHsmClusterId="cluster-zzzzzzzzzzz")
        self.refused("UnsupportedOperationException", "UpdateCustomKeyStore", CustomKeyStoreId=store,
            XksProxyConnectivity="PUBLIC_ENDPOINT")

    def test_a_password_that_is_wrong(self):
        store = self.create_store(pin="not the password")
        entry = self.connect(store, "FAILED")
        self.assertEqual(entry["ConnectionErrorCode"], "INVALID_CREDENTIALS")
        for operation, members in (("Connect", {}), ("Delete", {}), ("Update", {"NewCustomKeyStoreName": "x"})):
            self.refused("CustomKeyStoreInvalidStateException", f"{operation}CustomKeyStore", CustomKeyStoreId=store, **members)
        self.disconnect(store)
        self.ask("UpdateCustomKeyStore", CustomKeyStoreId=store, KeyStorePassword=PIN)
        self.assertNotIn("ConnectionErrorCode", self.connect(store))

    def test_a_token_that_is_not_there(self):
        store = self.create_store(cluster=EMPTY)
        self.assertEqual(self.connect(store, "FAILED")["ConnectionErrorCode"], "CLUSTER_NOT_FOUND")

    def test_boto3(self):
        store = self.kms.create_custom_key_store(CustomKeyStoreName="boto", CloudHsmClusterId=CLUSTER, KeyStorePassword=PIN,
            TrustAnchorCertificate=self.anchor)["CustomKeyStoreId"]
        self.kms.connect_custom_key_store(CustomKeyStoreId=store)
        self.wait_for(store, "CONNECTED")
        with self.assertRaises(self.kms.exceptions.CustomKeyStoreInvalidStateException):
            self.kms.delete_custom_key_store(CustomKeyStoreId=store)
        self.kms.disconnect_custom_key_store(CustomKeyStoreId=store)
        self.wait_for(store, "DISCONNECTED")
        self.kms.update_custom_key_store(CustomKeyStoreId=store, NewCustomKeyStoreName="boto3")
        self.kms.delete_custom_key_store(CustomKeyStoreId=store)


class Keys(Base):
    """Keys in a store."""

    @classmethod
    def setUpClass(cls):
        cls.authority, cls.enclave = nitro.Authority(), rsa.generate_private_key(65537, 2048)
        cls.roots = tempfile.NamedTemporaryFile(suffix=".pem")  # pylint: disable=R1732
        cls.addClassCleanup(cls.roots.close)
        cls.roots.write(cls.authority.root_pem())
        cls.roots.flush()
        cls.options = ["--attestation-root", cls.roots.name]
        super().setUpClass()
        test = cls("test_metadata")
        cls.store = test.create_store("keys", CLUSTER)
        test.connect(cls.store)
        cls.key = test.create_key(cls.store)
        cls.plain = test.ask("CreateKey")["KeyMetadata"]

    def seal(self, key, text, **more):
        return self.ask("Encrypt", KeyId=key["Arn"], Plaintext=b64(text), **more)

    def open(self, blob, **more):
        return base64.b64decode(self.ask("Decrypt", CiphertextBlob=blob, **more)["Plaintext"])

    def test_metadata(self):
        shown = self.ask("DescribeKey", KeyId=self.key["KeyId"])["KeyMetadata"]
        self.assertEqual(shown, self.key)
        expected = {"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": self.store, "CloudHsmClusterId": CLUSTER, "KeyState": "Enabled",
            "Enabled": True, "KeySpec": "SYMMETRIC_DEFAULT", "MultiRegion": False}
        self.assertEqual({name: shown.get(name) for name in expected}, expected)
        self.assertNotIn("CurrentKeyMaterialId", shown)
        objects = self.tokens.num_objects()
        self.create_key(self.store)
        self.assertEqual(self.tokens.num_objects(), objects + 1)

    def test_what_cannot_be_created(self):
        store = {"CustomKeyStoreId": self.store}
        before = self.tokens.num_objects()
        for error, members in (
            ("ValidationException", {"Origin": "AWS_CLOUDHSM"}), ("ValidationException", store),
            ("ValidationException", {**store, "Origin": "EXTERNAL"}),
            ("CustomKeyStoreNotFoundException", {"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-1234567890abcdef0"}),
            ("UnsupportedOperationException", {**store, "Origin": "AWS_CLOUDHSM", "MultiRegion": True}),
            ("UnsupportedOperationException", {**store, "Origin": "AWS_CLOUDHSM", "KeySpec": "ECC_NIST_P256",
                "KeyUsage": "SIGN_VERIFY"}),
            ("UnsupportedOperationException", {**store, "Origin": "AWS_CLOUDHSM", "KeySpec": "HMAC_256",
                "KeyUsage": "GENERATE_VERIFY_MAC"}),
            ("UnsupportedOperationException", {"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": "x"}),
        ):
            with self.subTest(**members):
                self.refused(error, "CreateKey", **members)
        self.assertEqual(self.tokens.num_objects(), before)

    def test_encrypt_and_decrypt(self):
        context = {"purpose": "test", "ü": "€"}
        for length in (1, 15, 16, 4096):
            with self.subTest(length=length):
                text = secrets.token_bytes(length)
                sealed = self.seal(self.key, text, EncryptionContext=context)
                self.assertEqual((sealed["KeyId"], sealed["EncryptionAlgorithm"]), (self.key["Arn"], "SYMMETRIC_DEFAULT"))
                blob = base64.b64decode(sealed["CiphertextBlob"])
                self.assertEqual((len(blob), blob[:4]), (length + 48, b"KWB\x02"))
                answer = self.ask("Decrypt", CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
                self.assertEqual(answer, {"KeyId": self.key["Arn"], "Plaintext": b64(text),
                    "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"})
        once, twice = (self.seal(self.key, b"the same")["CiphertextBlob"] for _ in range(2))
        self.assertNotEqual(once, twice)

    def test_every_changed_byte_is_noticed(self):
        sealed = self.seal(self.key, b"attack at dawn", EncryptionContext={"a": "b"})["CiphertextBlob"]
        blob = bytearray(base64.b64decode(sealed))
        self.refused("InvalidCiphertextException", "Decrypt", CiphertextBlob=sealed)
        self.refused("InvalidCiphertextException", "Decrypt", CiphertextBlob=sealed, EncryptionContext={"a": "c"})
        for at in range(len(blob)):
            blob[at] ^= 1
            self.refused("InvalidCiphertextException", "Decrypt", CiphertextBlob=b64(blob), EncryptionContext={"a": "b"})
            blob[at] ^= 1
        for cut in (b"", blob[:-1], blob[:32], blob[:48], blob + b"\0"):
            answer = self.server.call("Decrypt", {"CiphertextBlob": b64(cut), "EncryptionContext": {"a": "b"}})
            self.assertIn(answer.error, ("InvalidCiphertextException", "ValidationException"))
        self.assertEqual(self.open(sealed, EncryptionContext={"a": "b"}), b"attack at dawn")

    def test_blobs_of_one_kind_under_a_key_of_the_other(self):
        """A header that names another key, of the other kind too, opens nothing."""
        here = bytearray(base64.b64decode(self.seal(self.key, b"x" * 80)["CiphertextBlob"]))
        there = bytearray(base64.b64decode(self.seal(self.plain, b"x" * 80)["CiphertextBlob"]))
        here[4:20], there[4:20] = there[4:20], here[4:20]
        for blob in (here, there):
            self.refused("InvalidCiphertextException", "Decrypt", CiphertextBlob=b64(blob))
        sealed = self.seal(self.key, b"x")["CiphertextBlob"]
        self.refused("IncorrectKeyException", "Decrypt", CiphertextBlob=sealed, KeyId=self.plain["KeyId"])

    def test_data_keys(self):
        for members, length in (({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 1024}, 1024)):
            with self.subTest(**members):
                answer = self.ask("GenerateDataKey", KeyId=self.key["KeyId"], EncryptionContext={"k": "v"}, **members)
                self.assertEqual(set(answer), {"CiphertextBlob", "Plaintext", "KeyId"})
                self.assertEqual(len(base64.b64decode(answer["Plaintext"])), length)
                self.assertEqual(b64(self.open(answer["CiphertextBlob"], EncryptionContext={"k": "v"})), answer["Plaintext"])
        answer = self.ask("GenerateDataKeyWithoutPlaintext", KeyId=self.key["KeyId"], KeySpec="AES_256")
        self.assertEqual(set(answer), {"CiphertextBlob", "KeyId"})
        keys = {self.open(self.ask("GenerateDataKeyWithoutPlaintext", KeyId=self.key["KeyId"],
            KeySpec="AES_256")["CiphertextBlob"]) for _ in range(5)}
        self.assertEqual(len(keys), 5)

    def test_attested_recipients(self):
        """First the document is checked, then the token is asked, and the answer is the enclave's alone."""
        recipient = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
            "AttestationDocument": b64(self.authority.document(harness.public_der(self.enclave)))}
        answer = self.ask("GenerateDataKey", KeyId=self.key["KeyId"], KeySpec="AES_256", Recipient=recipient)
        self.assertEqual(set(answer), {"CiphertextBlob", "CiphertextForRecipient", "KeyId"})
        plain = self.open(answer["CiphertextBlob"])
        self.assertEqual(self.enclave_reads(answer["CiphertextForRecipient"]), plain)
        answer = self.ask("Decrypt", CiphertextBlob=answer["CiphertextBlob"], Recipient=recipient)
        self.assertEqual(self.enclave_reads(answer["CiphertextForRecipient"]), plain)
        answer = self.ask("GenerateRandom", NumberOfBytes=64, CustomKeyStoreId=self.store, Recipient=recipient)
        self.assertEqual(len(self.enclave_reads(answer["CiphertextForRecipient"])), 64)

    def enclave_reads(self, text):
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(self.enclave.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
            file.flush()
            return subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-inkey", file.name],
                input=base64.b64decode(text), capture_output=True, timeout=20, check=True).stdout

    def test_re_encrypt_from_a_key_pair(self):
        """Two waits in one call: for what opens, and for the token."""
        pair = self.ask("CreateKey", KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
        sealed = self.seal(pair, b"moved", EncryptionAlgorithm="RSAES_OAEP_SHA_256")["CiphertextBlob"]
        answer = self.ask("ReEncrypt", CiphertextBlob=sealed, SourceKeyId=pair["KeyId"],
            SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256", DestinationKeyId=self.key["KeyId"])
        self.assertEqual(self.open(answer["CiphertextBlob"]), b"moved")

    def test_data_key_pairs_are_refused(self):
        message = f"{self.key['Arn']} origin is AWS_CLOUDHSM which is not valid for this operation."
        for operation in ("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"):
            for spec in ("ECC_NIST_P256", "RSA_2048"):
                self.refused("UnsupportedOperationException", operation, message, KeyId=self.key["KeyId"], KeyPairSpec=spec)
        with self.assertRaises(self.kms.exceptions.UnsupportedOperationException):
            self.kms.generate_data_key_pair(KeyId=self.key["KeyId"], KeyPairSpec="ECC_NIST_P256")

    def test_re_encrypt(self):
        second = self.create_key(self.store)
        for source, target in ((self.key, self.plain), (self.plain, self.key), (self.key, second), (self.key, self.key)):
            sealed = self.seal(source, b"moved", EncryptionContext={"from": "here"})["CiphertextBlob"]
            answer = self.ask("ReEncrypt", CiphertextBlob=sealed, SourceEncryptionContext={"from": "here"},
                DestinationKeyId=target["KeyId"], DestinationEncryptionContext={"to": "there"})
            self.assertEqual((answer["SourceKeyId"], answer["KeyId"]), (source["Arn"], target["Arn"]))
            self.assertEqual("SourceKeyMaterialId" in answer, source is self.plain)
            self.assertEqual("DestinationKeyMaterialId" in answer, target is self.plain)
            self.assertEqual(self.open(answer["CiphertextBlob"], EncryptionContext={"to": "there"}), b"moved")
            self.refused("InvalidCiphertextException", "ReEncrypt", CiphertextBlob=sealed, DestinationKeyId=target["KeyId"])

    def test_dry_runs(self):
        sealed = self.seal(self.key, b"x")["CiphertextBlob"]
        for operation, members in (("Encrypt", {"KeyId": self.key["KeyId"], "Plaintext": b64(b"x")}),
                ("Decrypt", {"CiphertextBlob": sealed}), ("GenerateDataKey", {"KeyId": self.key["KeyId"], "KeySpec": "AES_256"})):
            self.refused("DryRunOperationException", operation, DryRun=True, **members)

    def test_what_such_keys_cannot_do(self):
        message = f"{self.key['Arn']} origin is AWS_CLOUDHSM which is not valid for this operation."
        key = {"KeyId": self.key["KeyId"]}
        for operation, members in (("EnableKeyRotation", {}), ("DisableKeyRotation", {}), ("GetKeyRotationStatus", {}),
                ("RotateKeyOnDemand", {}), ("DeleteImportedKeyMaterial", {}),
                ("GetParametersForImport", {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"})):
            with self.subTest(operation=operation):
                self.refused("UnsupportedOperationException", operation, message, **key, **members)
        self.refused("UnsupportedOperationException", "ReplicateKey", **key, ReplicaRegion="eu-west-1")
        self.assertEqual(self.ask("ListKeyRotations", **key)["Rotations"], [])
        answer = self.server.call("GetPublicKey", key)
        self.assertIn(answer.error, ("UnsupportedOperationException", "InvalidKeyUsageException"))

    def test_disabled(self):
        key = self.create_key(self.store)
        sealed = self.seal(key, b"x")["CiphertextBlob"]
        self.ask_empty("DisableKey", KeyId=key["KeyId"])
        self.refused("DisabledException", "Decrypt", f"{key['Arn']} is disabled.", CiphertextBlob=sealed)
        self.ask_empty("EnableKey", KeyId=key["KeyId"])
        self.assertEqual(self.open(sealed), b"x")

    def ask_empty(self, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual((answer.status, answer.body), (200, b""), answer)

    def test_many_at_once(self):
        texts = [secrets.token_bytes(32) for _ in range(60)]
        connections = [self.server.connect() for _ in texts]
        with contextlib.ExitStack() as stack:
            for connection, text in zip(connections, texts):
                stack.enter_context(connection)
                connection.send(self.server.signed("Encrypt", {"KeyId": self.key["KeyId"], "Plaintext": b64(text)}))
            blobs = [connection.answer().json["CiphertextBlob"] for connection in connections]
            for connection, blob in zip(connections, blobs):
                connection.send(self.server.signed("Decrypt", {"CiphertextBlob": blob}))
            opened = [base64.b64decode(connection.answer().json["Plaintext"]) for connection in connections]
        self.assertEqual(opened, texts)

    def test_secrets_stay_out_of_log_and_audit(self):
        sealed = self.seal(self.key, b"plaintext-pattern")["CiphertextBlob"]
        self.assertEqual(self.open(sealed), b"plaintext-pattern")
        folder = os.path.join(self.server.data, "audit")
        audit = b"".join(open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder))  # pylint: disable=R1732
        with open(os.path.join(self.server.data, "keystore.db"), "rb") as file:
            kept = file.read()
        for text in (PIN, "plaintext-pattern"):
            self.assertNotIn(text, self.server.log())
            self.assertNotIn(text.encode(), audit)
            self.assertNotIn(text.encode(), kept)

    def test_a_key_that_was_deleted_in_the_token(self):
        key = self.create_key(self.store)
        if not shutil.which("pkcs11-tool"):
            self.skipTest("opensc is not installed")
        subprocess.run(["pkcs11-tool", "--module", MODULE, "--token-label", "first", "--login", "--pin", PIN, "--delete-object",
            "--type", "secrkey", "--label", key["KeyId"]], env={**os.environ, "SOFTHSM2_CONF": self.tokens.config}, check=True,
            capture_output=True, timeout=60)
        self.refused("KMSInvalidStateException", "Encrypt", f"{key['Arn']} is unavailable.", KeyId=key["KeyId"], Plaintext="AAAA")


class Connections(Base):
    """What disconnecting, restarts and a token that goes away do to keys."""

    options = ()

    def test_disconnect_restart_and_loss(self):
        store = self.create_store("s", CLUSTER)
        self.connect(store)
        key = self.create_key(store)
        disabled = self.create_key(store)
        self.server.call("DisableKey", {"KeyId": disabled["KeyId"]})
        sealed = self.ask("Encrypt", KeyId=key["KeyId"], Plaintext=b64(b"kept"))["CiphertextBlob"]
        self.refused("CustomKeyStoreInvalidStateException", "DeleteCustomKeyStore", CustomKeyStoreId=store)
        self.disconnect(store)
        self.refused("CustomKeyStoreHasCMKsException", "DeleteCustomKeyStore", CustomKeyStoreId=store)
        self.check_unavailable(key, sealed)
        self.assertEqual(self.state_of(disabled), "Unavailable")

        # Disconnected it stays over a restart; connected too.
        self.restart()
        self.assertEqual(self.describe_store(store)["ConnectionState"], "DISCONNECTED")
        self.check_unavailable(key, sealed)
        self.connect(store)
        self.assertEqual((self.state_of(key), self.state_of(disabled)), ("Enabled", "Disabled"))
        self.restart()
        self.wait_for(store, "CONNECTED")
        self.assertEqual(base64.b64decode(self.ask("Decrypt", CiphertextBlob=sealed)["Plaintext"]), b"kept")

        # Without its token: the cluster is not found. Without --hsm: the same.
        self.server.options, before = [], self.server.options
        self.restart()
        entry = self.describe_store(store)
        self.assertEqual((entry["ConnectionState"], entry["ConnectionErrorCode"]), ("FAILED", "CLUSTER_NOT_FOUND"))
        self.check_unavailable(key, sealed)
        self.disconnect(store)
        self.refused("CustomKeyStoreHasCMKsException", "DeleteCustomKeyStore", CustomKeyStoreId=store)
        self.server.options = before
        self.restart()
        self.connect(store)
        self.assertEqual(base64.b64decode(self.ask("Decrypt", CiphertextBlob=sealed)["Plaintext"]), b"kept")

        # Deletion takes the object out of the token, on time, and then the store can go.
        objects = self.tokens.num_objects()
        for each in (key, disabled):
            self.ask("ScheduleKeyDeletion", KeyId=each["KeyId"], PendingWindowInDays=7)
        self.assertEqual(self.state_of(key), "PendingDeletion")
        self.server.options = [*before, "--clock-offset", str(8 * DAY)]
        self.restart()
        self.wait_for(store, "CONNECTED")
        self.wait_until(lambda: self.server.call("DescribeKey", {"KeyId": key["KeyId"]}).error == "NotFoundException")
        self.refused("InvalidCiphertextException", "Decrypt", CiphertextBlob=sealed)
        self.wait_until(lambda: self.tokens.num_objects() == objects - 2)
        self.assertNotIn("token-object-left", self.server.log())
        self.disconnect(store)
        self.ask("DeleteCustomKeyStore", CustomKeyStoreId=store)
        self.restart()
        self.assertEqual(self.ask("DescribeCustomKeyStores")["CustomKeyStores"], [])
        self.assertEqual(self.server.audit_verify().returncode, 0)

    def state_of(self, key):
        return self.ask("DescribeKey", KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]

    def check_unavailable(self, key, sealed):
        shown = self.ask("DescribeKey", KeyId=key["KeyId"])["KeyMetadata"]
        self.assertEqual((shown["KeyState"], shown["Enabled"]), ("Unavailable", False))
        message = f"{key['Arn']} is unavailable."
        for operation, members in (("Encrypt", {"KeyId": key["KeyId"], "Plaintext": "AAAA"}), ("Decrypt", {"CiphertextBlob": sealed}),
                ("ReEncrypt", {"CiphertextBlob": sealed, "DestinationKeyId": key["KeyId"]}),
                ("GenerateDataKey", {"KeyId": key["KeyId"], "KeySpec": "AES_256"})):
            self.refused("KMSInvalidStateException", operation, message, **members)
        self.refused("UnsupportedOperationException", "GetKeyRotationStatus", KeyId=key["KeyId"])
        self.refused("UnsupportedOperationException", "GenerateDataKeyPair", KeyId=key["KeyId"], KeyPairSpec="ECC_NIST_P256")
        # What the table of states allows then.
        for operation, members in (("CreateGrant", {"GranteePrincipal": "arn:aws:iam::000000000000:root", "Operations": ["Encrypt"]}),
                ("UpdateKeyDescription", {"Description": "away"}), ("TagResource", {"Tags": [{"TagKey": "a", "TagValue": "b"}]})):
            self.assertEqual(self.server.call(operation, {"KeyId": key["KeyId"], **members}).status, 200)

    def restart(self):
        self.assertEqual(self.server.stop(), 0)
        self.server.start()

    def wait_until(self, condition):
        deadline = time.monotonic() + 15
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)


class Trouble(Base):
    """A real token behind a module that fails when it is told to (tests/support/troubled_token.c)."""

    @classmethod
    def setUpClass(cls):
        cls.anchor = certificate()
        cls.tokens = Tokens()
        cls.addClassCleanup(cls.tokens.close)
        cls.tokens.make("first")
        cls.trouble_file = os.path.join(cls.tokens.top, "trouble")
        cls.server = Server(cls.tokens, {CLUSTER: "first"}, module=os.path.join(harness.BUILD, "tests", "troubled_token.so"),
            environment={"TROUBLED_TOKEN_MODULE": MODULE, "TROUBLED_TOKEN_FILE": cls.trouble_file}).start()
        cls.addClassCleanup(cls.server.close)
        test = cls("test_device_error_once")
        cls.store = test.create_store("s", CLUSTER)
        test.connect(cls.store)
        cls.key = test.create_key(cls.store)
        cls.sealed = test.ask("Encrypt", KeyId=cls.key["KeyId"], Plaintext=b64(b"kept"))["CiphertextBlob"]

    def trouble(self, text=""):
        with open(self.trouble_file + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.rename(self.trouble_file + ".new", self.trouble_file)

    def setUp(self):
        self.trouble()

    def tearDown(self):
        self.trouble()
        state = self.describe_store(self.store)["ConnectionState"]
        if state == "FAILED":
            self.disconnect(self.store)
        if state != "CONNECTED":
            self.connect(self.store)
        time.sleep(0.25)  # a token that was lost is tried five times a second
        self.open()

    def open(self):
        self.assertEqual(base64.b64decode(self.ask("Decrypt", CiphertextBlob=self.sealed)["Plaintext"]), b"kept")

    def seal(self):
        answer = self.server.call("Encrypt", {"KeyId": self.key["KeyId"], "Plaintext": "AAAA"})
        return answer

    def test_device_error_once(self):
        """The session is opened again, and nobody notices."""
        for code in ("0x30", "0xb3", "0x101"):
            with self.subTest(code=code):
                self.trouble(f"C_EncryptInit fails {code} 1\n")
                self.assertEqual(self.seal().error, None)
                self.trouble(f"C_Decrypt fails {code} 1\n")
                self.open()

    def test_device_error_for_long(self):
        self.trouble("C_Encrypt fails 0x32\n")
        for _ in range(3):
            answer = self.seal()
            self.assertEqual((answer.status, answer.error, answer.message),
                (500, "KeyUnavailableException", f"{self.key['Arn']} is unavailable."))
        self.assertEqual(self.describe_store(self.store)["ConnectionState"], "CONNECTED")

    def test_other_failures(self):
        self.trouble("C_Encrypt fails 0x6\n")
        self.assertEqual(self.seal().error, "KMSInternalException")
        before = self.tokens.num_objects()
        self.trouble("C_GenerateKey fails 0x5\n")
        self.refused("KMSInternalException", "CreateKey", Origin="AWS_CLOUDHSM", CustomKeyStoreId=self.store)
        self.assertEqual(self.tokens.num_objects(), before)

    def test_a_pin_that_was_changed(self):
        """After a loss the PIN is not taken any more: it is tried once, and the store fails."""
        self.trouble("C_EncryptInit fails 0x30 1\nC_Login fails 0xa0 1\n")
        self.assertEqual(self.seal().error, "KMSInvalidStateException")
        entry = self.describe_store(self.store)
        self.assertEqual(entry["ConnectionErrorCode"], "INVALID_CREDENTIALS")
        self.assertEqual(self.seal().error, "KMSInvalidStateException")
        self.trouble()
        self.disconnect(self.store)
        self.ask("UpdateCustomKeyStore", CustomKeyStoreId=self.store, KeyStorePassword=PIN)
        self.connect(self.store)
        self.assertEqual(self.seal().status, 200)

    def test_a_user_who_is_locked(self):
        for text, code in (("C_GetTokenInfo flags 0x40000", "USER_LOCKED_OUT"), ("C_Login fails 0xa4", "USER_LOCKED_OUT"),
                ("C_Login fails 0x102", "USER_NOT_FOUND"), ("C_Login fails 0x104", "USER_LOGGED_IN"),
                ("C_GetMechanismInfo fails 0x70", "INTERNAL_ERROR"), ("C_OpenSession fails 0x30", "NETWORK_ERRORS")):
            with self.subTest(text=text):
                self.disconnect(self.store)
                self.trouble(text + "\n")
                self.assertEqual(self.connect(self.store, "FAILED")["ConnectionErrorCode"], code)
                answer = self.seal()
                self.assertEqual((answer.status, answer.error), (400, "KMSInvalidStateException"))
                self.trouble()

    def test_a_token_that_hangs(self):
        """It holds up nobody but its callers, and those for a bounded time; a key that it makes too late is destroyed."""
        objects = self.tokens.num_objects()
        self.trouble("C_GenerateKey sleeps 3500 1\n")
        with self.server.connect() as waiting:
            waiting.send(self.server.signed("CreateKey", {"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": self.store}))
            begun = time.monotonic()
            self.ask("GenerateRandom", NumberOfBytes=32)
            self.ask("DescribeKey", KeyId=self.key["KeyId"])
            self.assertLess(time.monotonic() - begun, 1.5)
            answer = waiting.answer()
        self.assertEqual((answer.status, answer.error), (500, "DependencyTimeoutException"), answer)
        self.assertTrue(2.5 < time.monotonic() - begun < 6)
        time.sleep(0.5)
        self.open()
        self.assertEqual(self.tokens.num_objects(), objects)


class TroubleAtTheEnd(Trouble):
    """A server whose token hangs stops in its time all the same."""

    def tearDown(self):
        pass

    def test_stop(self):
        self.trouble("C_Encrypt sleeps 60000\n")
        with self.server.connect() as waiting:
            waiting.send(self.server.signed("Encrypt", {"KeyId": self.key["KeyId"], "Plaintext": "AAAA"}))
            time.sleep(0.2)
            self.assertEqual(self.server.stop(), 0)
            self.assertEqual(waiting.answer().error, "DependencyTimeoutException")
        self.assertIn("token-hangs", self.server.log())


for name in [name for name in dir(Trouble) if name.startswith("test_")]:
    setattr(TroubleAtTheEnd, name, None)


class Start(unittest.TestCase):
    def test_options_that_are_refused(self):
        for value in ("cluster-abc=/m.so:t", "cluster-abcdefghijk=:t", "cluster-abcdefghijk=/m.so:", "nothing",
                "cluster-abcdefghij1=/m.so:t", "cluster-abcdefghijk=/m.so:" + 33 * "x"):
            done = harness.run_tool("keywelld", "--data", "/nonexistent/x", "--listen", "127.0.0.1:0", "--hsm", value)
            self.assertEqual(done.returncode, 2, value)
            self.assertIn("--hsm", done.stderr)

    def test_clusters_and_tokens_are_named_once(self):
        first = "cluster-abcdefghijk=/m.so:t"
        for second, why in ((first, "names a cluster twice"), ("cluster-abcdefghijk=/n.so:u", "names a cluster twice"),
                ("cluster-bcdefghijkl=/m.so:t", "names a token twice")):
            done = harness.run_tool("keywelld", "--data", "/nonexistent/x", "--listen", "127.0.0.1:0", "--hsm", first, "--hsm", second)
            self.assertEqual(done.returncode, 2)
            self.assertIn(why, done.stderr)

    def test_a_module_that_cannot_be_loaded(self):
        with tempfile.TemporaryDirectory() as top:
            for module, why in ((f"{top}/nothing.so", "cannot be loaded"), ("/lib/x86_64-linux-gnu/libm.so.6", "is no PKCS#11 module")):
                done = harness.run_tool("keywelld", "--data", f"{top}/data", "--listen", "127.0.0.1:0", "--hsm",
                    f"{CLUSTER}={module}:t")
                self.assertEqual(done.returncode, 1)
                self.assertIn(why, done.stderr)


if __name__ == "__main__":
    unittest.main()
