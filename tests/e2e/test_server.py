"""The server as its operator sees it: start, options, refusals, admin pages, tools, stop."""

import base64
import contextlib
import fcntl
import glob
import http.server
import json
import os
import pty
import re
import shutil
import signal
import socket
import sqlite3
import stat
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest

import harness
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Measures how long things take, or needs the cores for itself.
ALONE = True


class Folder(unittest.TestCase):
    """Gives each test a folder of its own."""

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="keywell-e2e-")
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.data = os.path.join(self.top, "data")

    def path(self, name):
        return os.path.join(self.data, name)

    def server(self, **more):
        server = harness.Server(data=self.data, pools=more.pop("pools", harness.EC_POOLS), **more)
        self.addCleanup(server.close)
        return server

    def refused_start(self, *options, status=1, data=None):
        """keywelld must end at once with the status and one clear sentence; returns what it said."""
        result = harness.run_tool("keywelld", "--data", data or self.data, *options, seconds=30)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertTrue(result.stderr.strip(), "ended without a word")
        self.assertNotIn("Assertion", result.stderr)
        return result.stderr


class Start(Folder):
    def test_first_start(self):
        server = self.server().start(ready=False)
        modes = {name: stat.S_IMODE(os.stat(self.path(name)).st_mode) for name in ("root.key", "credentials", "keystore.db")}
        self.assertEqual(modes, {"root.key": 0o400, "credentials": 0o600, "keystore.db": 0o600})
        self.assertEqual(stat.S_IMODE(os.stat(self.data).st_mode), 0o700)
        for base, _, names in os.walk(self.data):
            for name in names:
                mode = stat.S_IMODE(os.stat(os.path.join(base, name)).st_mode)
                self.assertEqual(mode & 0o022, 0, f"{name} can be written by others")
        with open(self.path("credentials"), encoding="ascii") as file:
            self.assertIn("[default]", file.read())
        self.assertTrue(os.path.exists(self.path("audit/audit-000001.jsonl")))
        self.assertIn(f"event=listening address=127.0.0.1:{server.address[1]}", server.log())

    def test_restart_keeps_what_was_made(self):
        server = self.server().start(ready=False)
        key = harness.new_key(server, Description="kept")
        server.call("CreateAlias", {"AliasName": "alias/kept", "TargetKeyId": key})
        blob = server.call("Encrypt", {"KeyId": key, "Plaintext": "YQ=="}).json["CiphertextBlob"]
        credentials = open(self.path("credentials"), encoding="ascii").read()
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(self.path("run.json")))
        server = self.server().start(ready=False)
        self.assertEqual(open(self.path("credentials"), encoding="ascii").read(), credentials)
        described = server.call("DescribeKey", {"KeyId": "alias/kept"}).json["KeyMetadata"]
        self.assertEqual((described["KeyId"], described["Description"]), (key, "kept"))
        self.assertEqual(server.call("Decrypt", {"CiphertextBlob": blob}).json["Plaintext"], "YQ==")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.audit_verify().returncode, 0)

    def test_region_and_account(self):
        server = self.server(options=["--regions", "eu-central-1,us-east-1", "--account", "123456789012"]).start(ready=False)
        answer = server.call("CreateKey", {}, region="eu-central-1")
        self.assertTrue(answer.json["KeyMetadata"]["Arn"].startswith("arn:aws:kms:eu-central-1:123456789012:key/"), answer)

    def test_usage_errors(self):
        listen = ("--listen", "127.0.0.1:0")
        for options in (("--no-such-option",), listen + ("--pool", "RSA_1024=5"), listen + ("--pool", "RSA_2048"),
                listen + ("--pool", "RSA_2048=x"), listen + ("--pool", "RSA_2048=99999999"), listen + ("--pool", "RSA_2048=-1"),
                ("--listen", "nowhere"), ("--listen", "127.0.0.1:99999"), ("--listen", "127.0.0.1:http"), listen + ("--cpus", "a-b"),
                listen + ("--account", "12"), listen + ("--account", "12345678901x"), listen + ("--regions", "Not a region"),
                listen + ("--regions", ""), listen + ("--regions", "us-east-1,"), listen + ("--regions", "us-east-1, eu-west-1"),
                listen + ("--pool-wait-ms", "x"), listen + ("--pool-wait-ms", "9999999"), listen + ("--log-level", "loud"),
                listen + ("stray",), ("--listen",)):
            with self.subTest(options=options):
                said = self.refused_start(*options, status=2)
                self.assertLess(len(said), 2000)
        self.assertFalse(os.path.exists(self.path("root.key")), "a mistyped command made a data folder")

    def test_missing_data_option(self):
        result = harness.run_tool("keywelld", "--listen", "127.0.0.1:0")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--data", result.stderr)

    def test_cpu_that_is_not_there(self):
        result = harness.run_tool("keywelld", "--data", self.data, "--listen", "127.0.0.1:0", "--cpus", "4000")
        self.assertIn(result.returncode, (1, 2))
        self.assertIn("--cpus", result.stderr)

    def test_not_loopback(self):
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
            with self.subTest(address=address):
                result = harness.run_tool("keywelld", "--data", self.data, "--listen", address)
                self.assertIn(result.returncode, (1, 2))
                self.assertIn("loopback", result.stderr)

    def test_help_and_version(self):
        for name in ("keywelld", "keywell"):
            result = harness.run_tool(name, "--help")
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("Usage", result.stdout)
        for option in ("--data", "--listen", "--admin", "--regions", "--account", "--cpus", "--pool", "--pool-wait-ms", "--log-level"):
            self.assertIn(option, harness.run_tool("keywelld", "--help").stdout)
        self.assertRegex(harness.run_tool("keywelld", "--version").stdout, r"\d+\.\d+\.\d+")

    def test_one_server_per_folder(self):
        server = self.server().start(ready=False)
        said = self.refused_start("--listen", "127.0.0.1:0")
        self.assertIn(self.data, said)
        self.assertEqual(server.call("ListKeys", {}).status, 200)
        self.assertTrue(os.path.exists(self.path("run.json")), "the second server took the first one's run.json away")

    def test_one_server_per_port(self):
        server = self.server().start(ready=False)
        port = server.address[1]
        said = self.refused_start("--listen", f"127.0.0.1:{port}", data=os.path.join(self.top, "other"))
        self.assertIn(str(port), said)

    def test_port_of_another_program(self):
        with socket.socket() as taken:
            # It allows sharing the port, which must not tempt keywelld.
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.assertIn(str(port), self.refused_start("--listen", f"127.0.0.1:{port}"))
            self.assertIn(str(port), self.refused_start("--listen", "127.0.0.1:0", "--admin", f"127.0.0.1:{port}"))


class RootKey(Folder):
    def setUp(self):
        super().setUp()
        server = self.server().start(ready=False)
        harness.new_key(server)
        self.assertEqual(server.stop(), 0)
        with open(self.path("root.key"), encoding="ascii") as file:
            self.text = file.read()

    def write(self, text, mode=0o400):
        os.chmod(self.path("root.key"), 0o600)
        with open(self.path("root.key"), "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(self.path("root.key"), mode)

    def test_bad_root_keys(self):
        other = ("0" if self.text[0] != "0" else "1") + self.text[1:]
        for what, text, mode in (("wrong", other, 0o400), ("too short", self.text[:40], 0o400), ("empty", "", 0o400),
                ("not hex", "x" * 64 + "\n", 0o400), ("too long", self.text + "00", 0o400), ("open to others", self.text, 0o444)):
            with self.subTest(what=what):
                self.write(text, mode)
                said = self.refused_start("--listen", "127.0.0.1:0")
                self.assertIn("root", said.lower())
                self.assertNotIn(self.text[:16], said, "the root key is in the message")
        self.write(self.text)
        self.assertEqual(self.server().start(ready=False).stop(), 0)

    def test_missing_root_key(self):
        os.unlink(self.path("root.key"))
        self.assertIn("root.key", self.refused_start("--listen", "127.0.0.1:0"))
        self.assertFalse(os.path.exists(self.path("root.key")), "a new root key beside an old keystore")

    def test_damaged_keystore(self):
        for name in os.listdir(self.data):
            if name.startswith("keystore.db-"):
                os.unlink(self.path(name))
        with open(self.path("keystore.db"), "r+b") as file:
            file.write(b"this is no database")
        self.assertIn("keystore", self.refused_start("--listen", "127.0.0.1:0"))


class Stop(Folder):
    def test_drains(self):
        """Requests that are waiting for a pair when SIGTERM comes still get their answer; new connections do not."""
        server = self.server(options=["--pool-wait-ms", "3000"]).start(ready=False)
        key = harness.new_key(server)
        results = []

        def ask():
            results.append(server.call("GenerateDataKeyPairWithoutPlaintext", {"KeyId": key, "KeyPairSpec": "RSA_2048"}).status)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        self.assertEqual(server.stop(), 0)
        for thread in threads:
            thread.join()
        self.assertEqual(len(results), 3)
        self.assertTrue(all(status in (200, 400) for status in results), results)
        self.assertFalse(os.path.exists(self.path("run.json")))
        self.assertEqual(server.audit_verify().returncode, 0)

    def test_idle_connections_do_not_hold_it(self):
        server = self.server().start(ready=False)
        connections = [server.connect() for _ in range(20)]
        started = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - started, 8)
        for connection in connections:
            connection.socket.close()

    def test_interrupt(self):
        server = self.server().start(ready=False)
        server.process.send_signal(signal.SIGINT)
        self.assertEqual(server.process.wait(20), 0)


class Admin(unittest.TestCase):
    def setUp(self):
        self.server = harness.shared()

    def test_pages(self):
        self.assertEqual(self.server.admin_get("/livez")[0], 200)
        status, text = self.server.admin_get("/readyz")
        self.assertEqual((status, json.loads(text)["ready"]), (200, True))
        self.assertEqual(self.server.admin_get("/nothing")[0], 404)
        self.assertEqual(self.server.admin_get("/metrics?x=1")[0] // 100, 2)

    def test_metrics(self):
        key = harness.new_key(self.server)
        before = self.server.metrics()
        for _ in range(3):
            self.server.call("GenerateDataKeyPairWithoutPlaintext", {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"})
        self.server.call("DescribeKey", {"KeyId": "alias/none"})
        after = self.server.metrics()

        def grown(name, **labels):
            return sum(value - before.get(sample, 0) for sample, value in after.items() if sample.split("{")[0] == name and
                all(f'{label}="{text}"' in sample for label, text in labels.items()))

        self.assertEqual(grown("keywell_pool_pops_total", spec="ECC_NIST_P256"), 3)
        self.assertEqual(grown("keywell_requests_total", operation="GenerateDataKeyPairWithoutPlaintext"), 3)
        self.assertEqual(grown("keywell_requests_total", operation="DescribeKey"), 1)
        for spec in harness.SPECS:
            self.assertEqual(after[f'keywell_pool_capacity{{spec="{spec}"}}'], harness.POOLS[spec])
            self.assertGreater(after[f'keywell_generation_seconds_count{{spec="{spec}"}}'], 0)

    def test_metrics_are_well_formed(self):
        text = self.server.admin_get("/metrics")[1]
        typed = set(re.findall(r"^# TYPE (\S+) (?:counter|gauge|histogram|summary)$", text, re.M))
        self.assertEqual(typed, set(re.findall(r"^# HELP (\S+) \S", text, re.M)))
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            self.assertRegex(line, r'^[a-z_]+(\{([a-z_]+="[^"]*",?)*\})? [0-9.e+-]+$|\+Inf')
            name = re.split(r"[{ ]", line)[0]
            self.assertIn(re.sub(r"_(bucket|sum|count)$", "", name) if name not in typed else name, typed)

    def test_promtool(self):
        promtool = shutil.which("promtool")
        if not promtool:
            self.skipTest("promtool (Debian package prometheus) is not installed")
        result = subprocess.run([promtool, "check", "metrics"], input=self.server.admin_get("/metrics")[1], text=True,
            capture_output=True, timeout=30, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_keywell_pool(self):
        admin = "%s:%d" % self.server.admin
        for where in (("--admin", admin), ("--data", self.server.data)):
            result = harness.run_tool("keywell", "pool", *where, "--once", "--interval-ms", "100")
            self.assertEqual(result.returncode, 0, result.stderr)
            for spec in harness.SPECS:
                self.assertIn(spec, result.stdout)
            self.assertNotIn("\033", result.stdout)
            for arguments in (("--json",), ()):
                levels = json.loads(harness.run_tool("keywell", "pool", *where, *arguments).stdout)
                self.assertEqual([pool["spec"] for pool in levels["pools"]], list(harness.SPECS))

    def test_keywell_pool_on_a_terminal(self):
        def look(columns, *arguments, **environment):
            """What the terminal gets: a first table, one after it was made a column wider, and the end of it."""
            leader, follower = pty.openpty()
            fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
            with os.fdopen(leader, "r+b", buffering=0) as screen:
                process = subprocess.Popen([harness.program("keywell"), "pool", "--data", self.server.data, "--interval-ms",
                    "300", *arguments], stdin=follower, stdout=follower, start_new_session=True,
                    env=harness.clean_environment(TERM="xterm", **environment),
                    preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
                os.close(follower)
                text = b""
                while text.count(b"failed: ") < 1:
                    text += screen.read(65536)
                fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns + 1, 0, 0))
                while text.count(b"failed: ") < 2:
                    text += screen.read(65536)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(10), 0)
            return text.decode()

        wide = look(140)
        self.assertIn("\033[32m" + "#" * 40, wide)
        self.assertEqual(wide.count("\033[2J") + wide.count("\033[H\033[J"), 1)
        self.assertNotIn("\033[32m", look(140, "--no-color"))
        self.assertNotIn("\033[32m", look(140, NO_COLOR="1"))
        narrow = re.sub("\033\\[[0-9]*[A-Za-z]", "", look(50))
        self.assertLessEqual(max(len(line) for line in narrow.split("\r\n")), 51)
        self.assertNotIn("#", narrow)

    def test_keywell_pool_without_a_server(self):
        result = harness.run_tool("keywell", "pool", "--admin", f"127.0.0.1:{harness.free_port()}")
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stderr.strip())

    def test_keywell_pool_against_another_server(self):
        class Other(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"\xff\0{[" * 100000)

            def log_message(self, *_):
                pass

        other = http.server.HTTPServer(("127.0.0.1", 0), Other)
        threading.Thread(target=other.serve_forever, daemon=True).start()
        result = harness.run_tool("keywell", "pool", "--admin", f"127.0.0.1:{other.server_port}")
        other.shutdown()
        other.server_close()
        self.assertEqual(result.returncode, 1)

    def test_usage_errors_of_keywell(self):
        for arguments in ((), ("nothing",), ("pool", "--nothing"), ("audit",), ("audit", "verify"), ("pool", "--admin", "nowhere")):
            with self.subTest(arguments=arguments):
                result = harness.run_tool("keywell", *arguments)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertTrue(result.stderr.strip())


class Ready(Folder):
    def test_not_ready_before_the_pools_fill(self):
        server = self.server(pools={**harness.EC_POOLS, "RSA_4096": 200}, options=["--cpus", "0"]).start(ready=False)
        status, text = server.admin_get("/readyz")
        self.assertEqual(status, 503)
        self.assertTrue(json.loads(text))
        self.assertEqual(server.admin_get("/livez")[0], 200)
        self.assertEqual(server.stop(), 0)


class Pools(Folder):
    def test_empty_pool_waits_then_throttles(self):
        server = self.server(pools={**harness.EC_POOLS, "RSA_4096": 1}, options=["--pool-wait-ms", "50", "--cpus", "0"]).start(ready=False)
        key = harness.new_key(server)
        answers = []
        for _ in range(16):
            started = time.monotonic()
            answers.append(server.call("GenerateDataKeyPairWithoutPlaintext", {"KeyId": key, "KeyPairSpec": "RSA_4096"}))
            self.assertLess(time.monotonic() - started, 5)
        throttled = [answer for answer in answers if answer.status == 400]
        self.assertTrue(throttled, "sixteen RSA_4096 pairs within 50 ms each?")
        for answer in throttled:
            self.assertEqual(answer.error, "ThrottlingException")
            self.assertEqual(answer.message, "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.")
        self.assertGreater(server.metric("keywell_pool_misses_total", spec="RSA_4096"), 0)

    def test_wait_ends_with_a_pair(self):
        server = self.server(pools={**harness.EC_POOLS, "ECC_NIST_P384": 1}, options=["--pool-wait-ms", "30000", "--cpus", "0"]).start(ready=False)
        key = harness.new_key(server)
        waited = 0
        with server.connect() as connection:
            request = server.signed("GenerateDataKeyPairWithoutPlaintext", {"KeyId": key, "KeyPairSpec": "ECC_NIST_P384"})
            connection.send(request * 40)
            for _ in range(40):
                answer = connection.answer()
                self.assertEqual(answer.status, 200, answer)
                waited += "desc=wait" in answer.headers["server-timing"]
        self.assertGreater(waited, 0, "a pool of one served forty without a wait")

    def test_sdk_retries_throttling(self):
        server = self.server(options=["--pool-wait-ms", "100"]).start(ready=False)
        key = harness.new_key(server)
        client = server.client(retries={"max_attempts": 30, "mode": "standard"})
        for _ in range(3):
            pair = client.generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_2048")
            harness.check_pair(self, "RSA_2048", pair["PublicKey"], pair["PrivateKeyPlaintext"])


class Load(unittest.TestCase):
    def test_idle_costs_nothing(self):
        server = harness.shared()
        # Above the low watermark nothing is refilled: what counts is that no worker has anything to do.
        server.wait_until(lambda: server.metric("keywell_workers_awake") == 0, 90, "at rest")
        time.sleep(1)
        before, started = server.cpu_seconds(), time.monotonic()
        time.sleep(6)
        share = (server.cpu_seconds() - before) / (time.monotonic() - started)
        print(f"idle: {share:.2%} of a core")
        self.assertLess(share, 0.01)

    def test_full_pool_is_prompt_while_others_refill(self):
        with harness.Server(pools={**harness.POOLS, "ECC_NIST_P256": 400, "RSA_4096": 300}).start(ready=False) as server:
            server.wait_until(lambda: server.metric("keywell_pool_level", spec="ECC_NIST_P256") >= 390, 60, "full of P-256")
            key = harness.new_key(server)
            request = server.signed("GenerateDataKeyPairWithoutPlaintext", {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"})
            times = []
            busy, started = server.cpu_seconds(), time.monotonic()
            with server.connect() as connection:
                for _ in range(150):
                    begun = time.monotonic()
                    connection.send(request)
                    self.assertEqual(connection.answer().status, 200)
                    times.append(time.monotonic() - begun)
            cores = (server.cpu_seconds() - busy) / (time.monotonic() - started)
            times.sort()
            print(f"while refilling on {cores:.2f} cores: median {times[75] * 1e3:.2f} ms, 99 % {times[148] * 1e3:.2f} ms")
            self.assertLess(times[75], 0.05)


class Audit(Folder):
    def test_record(self):
        server = self.server().start(ready=False)
        key = harness.new_key(server)
        name = f"arn:aws:kms:us-east-1:000000000000:key/{key}"
        answer = server.call("GenerateDataKeyPairWithoutPlaintext",
            {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": {"tenant": "ä\n\"b"}}, headers={"User-Agent": "e2e/1"})
        record = next(record for record in server.audit_records() if record["requestID"] == answer.headers["x-amzn-requestid"])
        self.assertEqual(record["eventName"], "GenerateDataKeyPairWithoutPlaintext")
        self.assertEqual((record["eventSource"], record["awsRegion"], record["recipientAccountId"]),
            ("kms.amazonaws.com", "us-east-1", harness.ACCOUNT))
        self.assertEqual(record["requestParameters"],
            {"keyPairSpec": "ECC_NIST_P256", "encryptionContext": {"tenant": "ä\n\"b"}, "keyId": key})
        self.assertEqual(record["additionalEventData"]["keyMaterialId"], answer.json["KeyMaterialId"])
        self.assertEqual(record["resources"], [{"accountId": harness.ACCOUNT, "type": "AWS::KMS::Key", "ARN": name}])
        self.assertEqual(record["userIdentity"]["accessKeyId"], server.credentials().access_key)
        self.assertEqual((record["sourceIPAddress"], record["userAgent"]), ("127.0.0.1", "e2e/1"))
        self.assertNotIn("errorCode", record)

    def test_tampering_shows(self):
        server = self.server().start(ready=False)
        key = harness.new_key(server)
        for _ in range(20):
            server.call("GenerateDataKey", {"KeyId": key, "KeySpec": "AES_256"})
        self.assertEqual(server.stop(), 0)
        good = server.audit_verify()
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertEqual(harness.run_tool("keywell", "audit", "verify", self.path("audit")).returncode, 0)
        segment = self.path("audit/audit-000001.jsonl")
        with open(segment, "rb") as file:
            whole = file.read()
        lines = whole.split(b"\0", 1)[0].split(b"\n")
        tail = whole[len(b"\n".join(lines)):]
        changed = {
            "a byte flipped": whole.replace(b"GenerateDataKey", b"GenerateDataKez", 1),
            "a record removed": b"\n".join(lines[:5] + lines[6:]) + tail,
            "two records swapped": b"\n".join(lines[:5] + [lines[6], lines[5]] + lines[7:]) + tail,
            "a record twice": b"\n".join(lines[:6] + lines[5:]) + tail,
            "the first record removed": b"\n".join(lines[1:]) + tail,
        }
        for what, text in changed.items():
            with self.subTest(what=what):
                with open(segment, "wb") as file:
                    file.write(text)
                result = server.audit_verify()
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn("audit-000001.jsonl", result.stdout + result.stderr)
        with open(segment, "wb") as file:
            file.write(whole)
        self.assertEqual(server.audit_verify().returncode, 0)

    def test_strangers_buy_no_disk_and_few_log_lines(self):
        server = self.server().start(ready=False)
        server.call("ListKeys", {})
        records, lines = len(list(server.audit_records())), len(server.log().splitlines())
        with server.connect() as connection:
            for _ in range(10):
                connection.send(server.signed("ListKeys", {}, drop=("authorization",)) * 50)
                for _ in range(50):
                    self.assertEqual(connection.answer().status, 400)
        self.assertEqual(len(list(server.audit_records())), records)
        self.assertLess(len(server.log().splitlines()) - lines, 50)


class Secrets(Folder):
    def test_no_core_dump(self):
        with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
            pattern = file.read().strip()
        if "/" in pattern or pattern.startswith("|"):
            self.skipTest(f"core dumps go elsewhere here: {pattern}")
        server = self.server()
        script = 'ulimit -c unlimited; cd "$0"; exec "$@"'
        command = [os.path.abspath(part) if part.endswith("/keywelld") else part for part in server.command()]
        with open(server.log_path, "wb") as log:
            process = subprocess.Popen(["sh", "-c", script, self.top, *command], stdout=log, stderr=log, env=harness.clean_environment())
        self.addCleanup(lambda: process.poll() is None and process.kill())
        server.process = process
        server.wait_until(server.read_run_file, 30, "listening")
        harness.new_key(server)
        process.send_signal(signal.SIGABRT)
        process.wait(20)
        self.assertEqual([name for name in os.listdir(self.top) if "core" in name], [])

    def secrets_of(self, server):
        """Things that only this process may know, planted or learned: name and the bytes to look for."""
        keys = server.credentials()
        with open(self.path("root.key"), encoding="ascii") as file:
            root = file.read().strip()
        yield "root key", bytes.fromhex(root)
        yield "root key in hex", root.encode()
        yield "secret access key", keys.secret_key.encode()
        key = harness.new_key(server)
        planted = os.urandom(48)
        blob = server.call("Encrypt", {"KeyId": key, "Plaintext": base64.b64encode(planted).decode()}).json["CiphertextBlob"]
        server.call("Decrypt", {"CiphertextBlob": blob})
        yield "plaintext", planted[:32]
        yield "plaintext in base64", base64.b64encode(planted)[:48]
        data_key = server.call("GenerateDataKey", {"KeyId": key, "KeySpec": "AES_256"}).json["Plaintext"]
        yield "data key", base64.b64decode(data_key)
        yield "data key in base64", data_key[:40].encode()
        for spec in ("ECC_NIST_P256", "ECC_NIST_EDWARDS25519", "RSA_2048"):
            pair = server.call("GenerateDataKeyPair", {"KeyId": key, "KeyPairSpec": spec}).json
            der = base64.b64decode(pair["PrivateKeyPlaintext"])
            yield f"{spec} private key in base64", pair["PrivateKeyPlaintext"][-60:].encode()
            if spec == "ECC_NIST_EDWARDS25519":
                yield spec, der[-32:]
                continue
            numbers = harness.private_key_of(der).private_numbers()
            secret = numbers.private_value.to_bytes(32, "big") if spec == "ECC_NIST_P256" else numbers.p.to_bytes(128, "big")
            yield f"{spec} private number", secret[:32]
            yield f"{spec} private number, little-endian", secret[::-1][:32]
        server.call("GenerateRandom", {"NumberOfBytes": 32})
        yield from self.secrets_of_material(server)
        for name in ("audit-signing", "grant-tokens", "import-tokens"):
            yield f"the keystore's secret for {name}", self.keystore_secret(name, bytes.fromhex(root))

    def secrets_of_material(self, server):
        """What goes through imports, MACs, signatures and key agreement."""
        key = harness.new_key(server, Origin="EXTERNAL", KeySpec="HMAC_384", KeyUsage="GENERATE_VERIFY_MAC")
        material, message = os.urandom(48), os.urandom(64)
        harness.import_material(server, key, material)
        server.call("GenerateMac", {"KeyId": key, "MacAlgorithm": "HMAC_SHA_384", "Message": base64.b64encode(message).decode()})
        yield "imported material", material[:32]
        yield "message of a MAC", message[:32]
        yield "message of a MAC in base64", base64.b64encode(message)[:40]
        key = harness.new_key(server, KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
        peer = server.call("GenerateDataKeyPair", {"KeyId": harness.new_key(server), "KeyPairSpec": "ECC_NIST_P256"}).json["PublicKey"]
        shared = server.call("DeriveSharedSecret", {"KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": peer}).json["SharedSecret"]
        yield "shared secret", base64.b64decode(shared)
        yield "shared secret in base64", shared[:40].encode()
        key = harness.new_key(server, KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
        message = os.urandom(96)
        server.call("Sign", {"KeyId": key, "SigningAlgorithm": "ED25519_SHA_512", "Message": base64.b64encode(message).decode()})
        yield "message that was signed", message[:64]

    def keystore_secret(self, name, root):
        """A row of `secrets`, opened like the server does (docs/keystore.md)."""

        def field(data):
            return len(data).to_bytes(4, "big") + data

        with tempfile.TemporaryDirectory() as folder:
            for file in glob.glob(self.path("keystore.db*")):
                shutil.copy(file, folder)
            with contextlib.closing(sqlite3.connect(os.path.join(folder, "keystore.db"))) as db:
                ((sealed,),) = db.execute("SELECT sealed FROM secrets WHERE name = ?", (name,))
        place = b"keywell keystore seal\x01" + field(b"secrets") + field(field(name.encode())) + field(b"secret")
        secret = AESGCM(root).decrypt(sealed[1:13], sealed[13:], place)
        self.assertEqual(len(secret), 32)
        return secret

    def test_secrets_stay_in_secret_memory(self):
        """Everything that a core dump would hold, read as root while the server runs, holds no secret that we know."""
        server = self.server(options=["--pool-wait-ms", "60000"]).start(ready=False)
        secrets = list(self.secrets_of(server))
        try:
            memory = dict(dumpable_memory(server.process.pid))
        except PermissionError as error:
            self.skipTest(f"this user may not read the server's memory: {error}")
        self.assertGreater(sum(map(len, memory.values())), 1 << 20)
        found = [f"{name} at {where}" for where, data in memory.items() for name, secret in secrets if secret in data]
        self.assertEqual(found, [])
        # The search itself: what is public must be there.
        self.assertTrue(any(server.credentials().access_key.encode() in data for data in memory.values()),
            "not even the access key id is found: does this test see the memory at all?")

    def test_secrets_are_in_no_file(self):
        server = self.server(options=["--log-level", "debug", "--pool-wait-ms", "60000"]).start(ready=False)
        secrets = [(name, secret) for name, secret in self.secrets_of(server)]
        own = {"root.key": "root key", "credentials": "secret access key"}
        self.assertEqual(server.stop(), 0)
        for base, _, names in os.walk(self.top):
            for name in names:
                with open(os.path.join(base, name), "rb") as file:
                    text = file.read()
                found = [what for what, secret in secrets if secret in text and not what.startswith(own.get(name, "-"))]
                self.assertEqual(found, [], f"in {name}")


def dumpable_memory(pid):
    """(mapping, bytes) of each mapping that the kernel would write to a core file."""
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as file:
        text = file.read()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for match in re.finditer(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) .*\n(?:(?![0-9a-f]+-).*\n)*?VmFlags: (.*)$", text, re.M):
            start, end, rights, flags = int(match[1], 16), int(match[2], 16), match[3], match[4].split()
            if "r" not in rights or "dd" in flags or "io" in flags or "pf" in flags:
                continue
            try:
                memory.seek(start)
                yield match[0].split("\n")[0], memory.read(end - start)
            except (OSError, OverflowError, ValueError):
                continue  # special mappings such as vvar cannot be read


if __name__ == "__main__":
    unittest.main()
