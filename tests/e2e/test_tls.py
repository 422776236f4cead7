"""TLS as its users, its operator and strangers meet it."""

import concurrent.futures
import contextlib
import datetime
import hashlib
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import boto3
import botocore.exceptions
import harness
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

# No pair is asked for.
POOLS = {spec: 0 for spec in harness.SPECS} | {"ECC_NIST_P256": 4}
LIST_KEYS = ("ListKeys", {})


def make_pair(folder, name, key=None, days=(-1, 30), issuer=None, names=("127.0.0.1",)):
    """Writes NAME.crt and NAME.key; returns the two paths and what they hold."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    builder = builder.issuer_name(issuer[0].subject if issuer else subject).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now + datetime.timedelta(days[0])).not_valid_after(now + datetime.timedelta(days[1]))
    builder = builder.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(text)) for text in names]), critical=False)
    certificate = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    paths = os.path.join(folder, name + ".crt"), os.path.join(folder, name + ".key")
    write(paths[0], certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    write(paths[1], key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()), 0o600)
    return paths, (certificate, key)


def write(path, data, mode):
    """Put in place whole, as those who renew certificates do."""
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.chmod(path + ".new", mode)
    os.replace(path + ".new", path)


def lax():
    """A client that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def hello():
    """The first bytes of a client."""
    out = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        lax().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    return out.read()


class SelfSigned(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(pools=POOLS, options=["--self-signed", "--header-timeout-ms", "1500",
            "--serving-threads", "1"]).start()
        cls.addClassCleanup(cls.server.close)

    def ask(self, connection, operation="ListKeys", body=None):
        connection.send(self.server.signed(operation, body or {}))
        answer = connection.answer()
        self.assertEqual(answer.status, 200, answer)
        return answer.json if answer.body else None

    def s_client(self, *arguments, text=""):
        return subprocess.run(["openssl", "s_client", "-connect", "%s:%d" % self.server.address, "-CAfile", self.server.ca,
            "-verify_return_error", *arguments], input=text, text=True, capture_output=True, timeout=30, check=False)

    def aws(self, *arguments, **environment):
        return subprocess.run(["/usr/bin/aws", "--endpoint-url", self.server.url, *arguments],
            env={**self.server.environment(), **environment}, text=True, capture_output=True, timeout=60, check=False)

    def keywell(self, *arguments, **environment):
        return subprocess.run([harness.program("keywell"), *arguments], env={**self.server.environment(), **environment},
            text=True, capture_output=True, timeout=60, check=False)

    def test_command_line(self):
        where = ("list-keys", "--endpoint-url", self.server.url)
        for done in (self.keywell(*where, "--ca-bundle", self.server.ca), self.keywell(*where, AWS_CA_BUNDLE=self.server.ca),
                # The option wins.
                self.keywell(*where, "--ca-bundle", self.server.ca, AWS_CA_BUNDLE="/nowhere"),
                self.keywell(*where, "--no-verify-ssl")):
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("Keys", json.loads(done.stdout))
        # The system's authorities do not know it; a file of others, or of none, does not help.
        with tempfile.TemporaryDirectory() as folder:
            (other, _), _ = make_pair(folder, "other")
            empty = os.path.join(folder, "empty")
            write(empty, b"", 0o600)
            for done in (self.keywell(*where), self.keywell(*where, "--ca-bundle", other), self.keywell(*where, AWS_CA_BUNDLE=other),
                    self.keywell(*where, "--ca-bundle", empty), self.keywell(*where, "--ca-bundle", "/nowhere")):
                self.assertEqual((done.returncode, done.stdout), (255, ""), done.stderr)
        # A certificate is good for the names in it only.
        named = self.server.url.replace("127.0.0.1", "127.0.0.2")
        done = self.keywell("list-keys", "--endpoint-url", named, "--ca-bundle", self.server.ca)
        self.assertEqual((done.returncode, done.stdout), (255, ""), done.stderr)

    def test_stock_clients(self):
        self.assertTrue(self.server.url.startswith("https://127.0.0.1:"))
        key = self.server.client().create_key()["KeyMetadata"]["KeyId"]
        done = self.aws("--ca-bundle", self.server.ca, "kms", "describe-key", "--key-id", key)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.aws("kms", "generate-data-key-pair-without-plaintext", "--key-id", key, "--key-pair-spec", "ECC_NIST_P256",
            AWS_CA_BUNDLE=self.server.ca)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.aws("kms", "list-keys")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("CERTIFICATE_VERIFY_FAILED", done.stderr)
        client = boto3.client("kms", region_name=harness.REGION, endpoint_url=self.server.url, aws_access_key_id="a", aws_secret_access_key="b")
        with self.assertRaises(botocore.exceptions.SSLError):
            client.list_keys()

    def test_log_says_where(self):
        with open(self.server.ca, encoding="ascii") as file:
            der = ssl.PEM_cert_to_DER_cert(file.read())
        digest = hashlib.sha256(der).hexdigest().upper()
        fingerprint = ":".join(digest[i:i + 2] for i in range(0, 64, 2))
        self.assertIn(f'certificate="{self.server.ca}" self_signed=yes', self.server.log())
        self.assertIn(f"sha256={fingerprint}", self.server.log())
        key = os.path.join(self.server.data, "tls.key")
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o400)

    def test_versions(self):
        for version, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            done = self.s_client(version, "-alpn", "http/1.1")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(name, done.stdout)
            self.assertIn("ALPN protocol: http/1.1", done.stdout)
        for arguments in (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-alpn", "h2"],
                ["-tls1_2", "-cipher", "AES128-SHA:ECDHE-ECDSA-AES128-SHA"]):
            done = self.s_client(*arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertIn("alert", done.stderr)
        self.assertGreaterEqual(self.server.metric("keywell_tls_failures_total", reason="nothing-in-common"), 3)

    def test_resumption(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.server.tls_context()
            context.maximum_version = version
            before = self.server.metric("keywell_tls_resumed_total")
            session = None
            for turn in range(3):
                with harness.Connection(self.server.address) as connection:
                    connection.wrap(context, "127.0.0.1", session=session)
                    self.assertEqual(connection.socket.session_reused, turn > 0, version)
                    self.ask(connection)
                    session = connection.socket.session
            self.assertEqual(self.server.metric("keywell_tls_resumed_total"), before + 2)

    def test_audit_record(self):
        with self.server.connect() as connection:
            self.ask(connection, "ListAliases")
            version, cipher = connection.socket.version(), connection.socket.cipher()[0]
        record = [record for record in self.server.audit_records() if record["eventName"] == "ListAliases"][-1]
        self.assertEqual(record["tlsDetails"], {"tlsVersion": version, "cipherSuite": cipher,
            "clientProvidedHostHeader": "%s:%d" % self.server.address})

    def test_secure_transport(self):
        client = self.server.client()
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{harness.ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey", "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]}
        key = client.create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]
        self.assertEqual(len(client.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]), 32)
        with self.assertRaisesRegex(client.exceptions.ClientError, "explicit deny"):
            client.encrypt(KeyId=key, Plaintext=b"x")

    def test_pipelined_and_pieces(self):
        """Requests of many sizes, several in a record, one in many."""
        with self.server.connect() as connection:
            key = self.ask(connection, "CreateKey")["KeyMetadata"]["KeyId"]
            request = self.server.signed(*LIST_KEYS)
            connection.send(request * 5)
            for _ in range(5):
                self.assertEqual(connection.answer().status, 200)
            for i in range(0, len(request), 100):
                connection.send(request[i:i + 100])
            self.assertEqual(connection.answer().status, 200)
            tags = [{"TagKey": f"key {i} " + "k" * 100, "TagValue": "v" * 250} for i in range(50)]
            self.ask(connection, "TagResource", {"KeyId": key, "Tags": tags})
            answer = self.ask(connection, "ListResourceTags", {"KeyId": key, "Limit": 50})
            self.assertEqual(sorted(tag["TagKey"] for tag in answer["Tags"]), sorted(tag["TagKey"] for tag in tags))

    def test_plain_http(self):
        with harness.Connection(self.server.address) as connection:
            connection.send(self.server.signed(*LIST_KEYS))
            answer = connection.answer()
            self.assertEqual(answer.status, 400)
            self.assertIn("TLS", answer.message)
            self.assertTrue(connection.closed_within(5))

    def test_half_closed(self):
        """Who has said all that he has to say, in TLS or by TCP alone, still gets his answer."""
        connection = self.server.connect()
        with connection:
            connection.send(self.server.signed(*LIST_KEYS))
            socket.socket.shutdown(connection.socket, socket.SHUT_WR)
            self.assertEqual(connection.answer().status, 200)
            self.assertTrue(connection.closed_within(5))

    def test_end_in_order(self):
        """The last answer ends with close_notify: a client can tell it from one that was cut off."""
        with self.server.connect(suppress_ragged_eofs=False) as connection:
            request = self.server.signed(*LIST_KEYS).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
            connection.send(request)
            self.assertEqual(connection.answer().status, 200)
            self.assertEqual(connection.socket.recv(1), b"")

    def test_strangers(self):
        """Junk, cut hellos and silence are got rid of; others are served all the while."""
        first = hello()
        junk = [os.urandom(300), b"\x16\x03\x01\xff\xff" + bytes(20000), first[:-1] + b"\x17\x03\x03\x00\x10" + bytes(16),
            b"\x80\x2e\x01\x00\x02" + bytes(60), b"\x15\x03\x03\x00\x02\x02\x28"]
        slow = [first[:1], first[:5], first[:100], first]
        connections = []
        for data in junk + slow:
            connection = harness.Connection(self.server.address)
            self.addCleanup(connection.socket.close)
            with contextlib.suppress(ConnectionError):
                connection.send(data)
            connections.append(connection)
        started = time.monotonic()
        self.server.call(*LIST_KEYS)
        self.assertLess(time.monotonic() - started, 1)
        for connection in connections:
            self.assertTrue(connection.closed_within(8))
        self.assertGreaterEqual(time.monotonic() - started, 1)
        # Not set back by bytes that trickle in.
        with harness.Connection(self.server.address) as connection:
            started = time.monotonic()
            with contextlib.suppress(ConnectionError):
                for byte in first:
                    connection.send(bytes([byte]))
                    time.sleep(0.1)
                    if time.monotonic() - started > 6:
                        break
            self.assertTrue(connection.closed_within(1))
            self.assertLess(time.monotonic() - started, 6)

    def test_crowd(self):
        """More handshakes half done than are kept: the oldest go, and who means it gets through."""
        first, crowd = hello(), []
        before = self.server.metric("keywell_tls_crowded_out_total")
        for _ in range(560):
            crowd.append(socket.create_connection(self.server.address))
            crowd[-1].sendall(first)
        self.assertEqual(self.server.call(*LIST_KEYS).status, 200)
        for one in crowd:
            one.close()
        self.assertGreater(self.server.metric("keywell_tls_crowded_out_total"), before)


class Files(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="keywell-e2e-")
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.data = os.path.join(self.top, "data")

    def start(self, paths, *options):
        server = harness.Server(data=self.data, pools=POOLS, options=["--tls-cert", paths[0], "--tls-key", paths[1], *options])
        self.addCleanup(server.close)
        return server.start(ready=False)

    def hup(self, server, event):
        seen = server.log().count("event=" + event)
        server.process.send_signal(signal.SIGHUP)
        server.wait_until(lambda: server.log().count("event=" + event) > seen, 10, event)

    def served(self, server):
        """The common name of the certificate that a new connection is shown."""
        with harness.Connection(server.address) as connection:
            connection.wrap(lax(), "127.0.0.1")
            certificate = x509.load_der_x509_certificate(connection.socket.getpeercert(True))
            return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value

    def traffic(self, server, stop):
        """Requests on one connection until told to stop; returns how many were answered."""
        request, num = server.signed(*LIST_KEYS), 0
        with harness.Connection(server.address) as connection:
            connection.wrap(lax(), "127.0.0.1")
            while not stop.is_set():
                connection.send(request)
                assert connection.answer().status == 200
                num += 1
        return num

    def test_reload_under_traffic(self):
        paths, _ = make_pair(self.top, "first")
        server = self.start(paths, "--serving-threads", "2")
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(self.traffic, server, stop) for _ in range(4)]
            try:
                for name, key in (("second", None), ("third", rsa.generate_private_key(65537, 2048))):
                    (certificate, private), _ = make_pair(self.top, name, key)
                    os.replace(certificate, paths[0])
                    os.replace(private, paths[1])
                    self.hup(server, "tls")
                    self.assertEqual({self.served(server) for _ in range(6)}, {name})
                self.refused_reloads(server, paths)
                self.assertEqual(self.served(server), "third")
            finally:
                stop.set()
            for client in clients:
                self.assertGreater(client.result(), 10)
        self.assertEqual(server.metric("keywell_tls_reloads_total"), 2)
        self.assertEqual(server.metric("keywell_tls_reload_failures_total"), 4)
        self.assertEqual(server.stop(), 0)

    def refused_reloads(self, server, paths):
        other, _ = make_pair(self.top, "other")
        expired, _ = make_pair(self.top, "expired", days=(-9, -1))
        cases = ((other[0], paths[1], 0o600, "is not that of the first certificate"), (other[0], other[1], 0o644, "open to others"),
            (expired[0], expired[1], 0o600, "has expired"), (os.devnull, other[1], 0o600, "holds no certificate"))
        for certificate, key, mode, sentence in cases:
            with open(certificate, "rb") as one, open(key, "rb") as two:
                contents = one.read(), two.read()
            write(paths[0], contents[0], 0o644)
            write(paths[1], contents[1], mode)
            self.hup(server, "reload-refused")
            self.assertIn(sentence, server.log().splitlines()[-1])

    def test_chain(self):
        """A client that trusts the root alone, and a key kept where links lead."""
        root = make_pair(self.top, "root")
        middle = make_pair(self.top, "leaf", issuer=root[1])
        os.symlink(middle[0][1], os.path.join(self.top, "link.key"))
        server = self.start((middle[0][0], os.path.join(self.top, "link.key")), "--tls-min", "1.3")
        server.ca = root[0][0]
        self.assertEqual(server.client().list_keys()["Keys"], [])
        old = lax()
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.assertRaisesRegex(ssl.SSLError, "PROTOCOL_VERSION"), harness.Connection(server.address) as connection:
            connection.wrap(old, "127.0.0.1")

    def refused(self, sentence, *options, status=1):
        done = harness.run_tool("keywelld", "--data", self.data, "--listen", "127.0.0.1:0", *options, seconds=30)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(sentence, done.stderr)
        self.assertNotIn("Assertion", done.stderr)

    def test_refused_starts(self):
        (certificate, key), (_, private) = make_pair(self.top, "good")
        (_, other), _ = make_pair(self.top, "other")
        sealed = os.path.join(self.top, "sealed.key")
        write(sealed, private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password")), 0o600)
        for mode in (0o604, 0o602, 0o660):
            os.chmod(key, mode)
            self.refused(f"is open to others (mode {mode:04o}): chmod 0400 it", "--tls-cert", certificate, "--tls-key", key)
        os.chmod(key, 0o640)
        for sentence, one, two in (("sealed with a password", certificate, sealed), ("is not that of the first certificate", certificate, other),
                ("No such file", certificate, key + ".none"), ("No such file", certificate + ".none", key),
                ("holds no private key", certificate, certificate), ("is not a plain file", certificate, "/dev/null"),
                ("Is a directory", self.top, key)):
            if two == certificate:
                os.chmod(certificate, 0o600)
            self.refused(sentence, "--tls-cert", one, "--tls-key", two)
        self.assertFalse(os.path.exists(os.path.join(self.data, "run.json")))

    def test_options_that_do_not_go_together(self):
        for sentence, *options in (("go together", "--tls-cert", "x"), ("go together", "--tls-key", "x"),
                ("leave it or", "--self-signed", "--tls-cert", "x", "--tls-key", "y"),
                ("exclude each other", "--self-signed", "--insecure-plain-http"), ("must be 1.2 or 1.3", "--tls-min", "1.1"),
                ("without TLS", "--tls-min", "1.3")):
            self.refused(sentence, *options, status=2)
        self.refused("--self-signed for a trial", "--listen", "192.0.2.1:0")

    def test_insecure_by_name(self):
        """An address that does not count as loopback, though it is."""
        mapped = ["--listen", "[::ffff:127.0.0.1]:0"]
        self.refused("is not a loopback address", *mapped)
        server = harness.Server(data=self.data, pools=POOLS, options=[*mapped, "--insecure-plain-http"])
        self.addCleanup(server.close)
        server.start(ready=False)
        self.assertIn("event=insecure", server.log())
        server.address = ("127.0.0.1", server.address[1])
        self.assertEqual(server.call(*LIST_KEYS).status, 200)

    def test_self_signed_stays(self):
        """Clients that were given the file keep it for as long as it is good."""
        contents = []
        for _ in range(2):
            server = harness.Server(data=self.data, pools=POOLS, options=["--self-signed"]).start(ready=False)
            self.addCleanup(server.close)
            with open(server.ca, "rb") as file:
                contents.append(file.read())
            self.assertEqual(server.stop(), 0)
        self.assertEqual(contents[0], contents[1])
        write(os.path.join(self.data, "tls.crt"), b"damaged", 0o444)
        server = harness.Server(data=self.data, pools=POOLS, options=["--self-signed"]).start(ready=False)
        self.addCleanup(server.close)
        self.assertEqual(server.client().list_keys()["Keys"], [])
        self.assertEqual(len(re.findall("self_signed=yes", server.log())), 3)


if __name__ == "__main__":
    unittest.main()
