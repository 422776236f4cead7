"""keywell-load against a real server: what it sends, what it measures, what it says when something is wrong."""

import base64
import contextlib
import glob
import http.server
import json
import os
import re
import shutil
import signal
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree
import zlib

import harness

# It measures time.
ALONE = True
POOLS = {**{spec: 0 for spec in harness.SPECS}, "ECC_NIST_P256": 3000, "RSA_4096": 1}
P256 = "GenerateDataKeyPairWithoutPlaintext:ECC_NIST_P256"


def setUpModule():
    global server, key, folder
    folder = tempfile.mkdtemp(prefix="keywell-load-")
    server = harness.Server(pools=POOLS).start()
    key = harness.new_key(server)


def tearDownModule():
    server.close()
    shutil.rmtree(folder)


def start(*arguments, endpoint=None, environment=None):
    return subprocess.Popen([harness.program("keywell-load"), "--endpoint-url", endpoint or server.url, *arguments],
        env=environment or server.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True)


def load(*arguments, **options):
    """Runs it; the finished process, with .report, what it wrote as JSON, if it did."""
    path = os.path.join(folder, "out.json")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    process = start("--json", path, *arguments, **options)
    process.out, process.err = process.communicate(timeout=60)
    process.report = None
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            process.report = json.load(file)
    return process


def short(*arguments, rate="400", duration="0.5", warm_up="0.1", **options):
    return load("--key-id", key, "--rate", rate, "--duration", duration, "--warm-up", warm_up, *arguments, **options)


# --- HdrHistogram's log, read by its description

def zigzag(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        if shift == 56:
            value |= byte << 56
            break
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    return (value >> 1) ^ -(value & 1), at


def histogram(text):
    """{largest value of a step: count} of a compressed V2 histogram."""
    packed = base64.b64decode(text, validate=True)
    cookie, length = struct.unpack(">II", packed[:8])
    assert cookie == 0x1C849314 and length == len(packed) - 8
    plain = zlib.decompress(packed[8:])
    cookie, length, offset, digits, low, high, ratio = struct.unpack(">IIIIQQd", plain[:40])
    assert (cookie, length, offset, digits, low, ratio) == (0x1C849313, len(plain) - 40, 0, 3, 1, 1.0) and high == 10**11
    counts, index, at = {}, 0, 40
    while at < len(plain):
        number, at = zigzag(plain, at)
        if number < 0:
            index -= number
            continue
        if number:
            bucket, step = index // 1024 - 1, index % 1024 + 1024
            counts[(index + 1 if bucket < 0 else step + 1 << bucket) - 1] = number
        index += 1
    return counts


def read_log(path):
    """[(tag, start, length, max, {value: count})]"""
    lines = open(path, encoding="ascii").read().splitlines()
    assert "#[Histogram log format version 1.3]" in lines and lines[3].startswith('"StartTimestamp"'), lines[:4]
    found = []
    for line in lines[4:]:
        fields = line.split(",")
        tag = fields.pop(0)[4:] if line.startswith("Tag=") else None
        found.append((tag, *(float(field) for field in fields[:3]), histogram(fields[3])))
    return found


def percentile(counts, percent):
    rank, seen = max(1, -(-sum(counts.values()) * percent // 100)), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= rank:
            return value
    return None


class Measuring(unittest.TestCase):
    def test_files_agree_with_each_other_and_with_the_audit_log(self):
        before = sum(1 for _ in server.audit_records())
        log, svg = os.path.join(folder, "out.hlog"), os.path.join(folder, "out.svg")
        mix = f"{P256}=70,GenerateDataKeyWithoutPlaintext:AES_256=30"
        done = short("--mix", mix, "--encryption-context", "purpose=load", "--encryption-context", "b=c=d", "--hdr-log", log, "--svg",
            svg, rate="500", duration="1.5")
        self.assertIn(done.returncode, (0, 4), done.err)
        (result,) = done.report["results"]
        self.assertEqual((result["requests"], result["good"], result["failed"], result["errors"]), (750, 750, 0, {}))
        self.assertEqual(done.report["setup"]["signed"], True)
        pair, data = result["operations"]
        self.assertEqual(pair["good"] + data["good"], 750)
        self.assertAlmostEqual(pair["good"] / 750, 0.7, delta=0.08)

        # Two to try it, 50 to warm up.
        records = list(server.audit_records())[before:]
        self.assertEqual(len(records), 2 + 50 + 750)
        self.assertTrue(all(record["requestParameters"]["encryptionContext"] == {"purpose": "load", "b": "c=d"} for record in records))

        intervals = read_log(log)
        for operation in (pair, data):
            counts = {}
            for tag, began, length, most, part in intervals:
                if tag != operation["operation"]:
                    continue
                self.assertTrue(0 <= began < 3 and 0 <= length < 2)
                # The log writes thousandths of a millisecond; a value stands for its bucket, a thousandth wide.
                self.assertAlmostEqual(most * 1e6, max(part), delta=500 + most * 1e3)
                for value, count in part.items():
                    counts[value] = counts.get(value, 0) + count
            self.assertEqual(sum(counts.values()), operation["good"])
            for name, percent in (("p50", 50), ("p99", 99)):
                self.assertAlmostEqual(percentile(counts, percent) / 1e3, operation["latency_us"][name], delta=0.002 * operation["latency_us"][name])
        xml.etree.ElementTree.parse(svg)
        self.check_with_java(log, pair)

    def check_with_java(self, log, operation):
        """HdrHistogram's own reader, where it is there."""
        jars = glob.glob("/usr/share/java/[Hh]dr[Hh]istogram.jar")
        if not jars or not shutil.which("java"):
            return
        found = subprocess.run(["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", jars[0], "org.HdrHistogram.HistogramLogProcessor", "-i", log,
            "-tag", operation["operation"], "-outputValueUnitRatio", "1000"], capture_output=True, text=True, timeout=60, check=True).stdout
        told = {name: float(number) for name, number in re.findall(r"(Mean|Max|Total count) +=\s+([0-9.]+)", found)}
        self.assertEqual(told["Total count"], operation["good"], found)
        self.assertAlmostEqual(told["Mean"], operation["latency_us"]["mean"], delta=0.002 * told["Mean"])
        self.assertAlmostEqual(told["Max"], operation["latency_us"]["max"], delta=0.002 * told["Max"])

    def test_a_stall_is_seen_by_all_that_were_due_in_it(self):
        process = start("--key-id", key, "--operation", P256, "--rate", "200", "--duration", "1.5", "--warm-up", "0.2", "--json", "-", "--connections",
            "4")
        time.sleep(0.9)
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        server.process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=30)
        result = json.loads(out)["results"][0]
        self.assertEqual(result["good"], 300, err)
        # 100 requests were due while nothing answered, on 4 connections; half of them waited for a quarter of a second or more.
        self.assertGreater(result["latency_us"]["max"], 450e3)
        self.assertGreater(result["latency_us"]["p90"], 200e3)

    def test_misses_and_errors_are_told_apart(self):
        done = load("--key-id", key, "--operation", "GenerateDataKeyPairWithoutPlaintext:RSA_4096", "--rate", "200", "--duration", "0.2", "--warm-up", "0",
            "--timeout", "5", "--slo", "misses<1%", "--no-probe")
        (result,) = done.report["results"]
        self.assertEqual(result["requests"], 40)
        self.assertGreaterEqual(result["misses"] + result["failed"], 20)
        self.assertEqual(result["good"] + result["failed"], 40)
        self.assertEqual(sum(result["errors"].values()), result["failed"])
        self.assertEqual(done.returncode, 3)
        self.assertIn("missed: misses<1%", done.out)

    def test_other_operations(self):
        body = os.path.join(folder, "mac.json")
        with open(body, "w", encoding="utf-8") as file:
            json.dump({"KeyId": harness.new_key(server, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"), "Message": "Zm9v", "MacAlgorithm": "HMAC_SHA_256"}, file)
        done = short("--mix", f"Encrypt:100,Decrypt:100,GenerateRandom,DescribeKey,GenerateDataKey:AES_128,GenerateMac@{body}", "--invocation-ids")
        self.assertIn(done.returncode, (0, 4), done.err)
        self.assertEqual(done.report["results"][0]["errors"], {})

    def test_ways_to_send(self):
        for more in (["--io", "epoll"], ["--io", "io_uring", "--spin"], ["--arrivals", "poisson"], ["--threads", "3", "--connections", "7"]):
            with self.subTest(more):
                done = short("--operation", P256, "--max-requests", "101", *more, warm_up="0")
                self.assertIn(done.returncode, (0, 4), done.err)
                (result,) = done.report["results"]
                self.assertEqual((result["requests"], result["good"]), (101, 101))
                if more[0] == "--io":
                    self.assertEqual(result["io"], more[1])


class Objectives(unittest.TestCase):
    def test_exit_status(self):
        self.assertIn(short("--operation", P256, "--slo", "p99<5s", "--slo", "errors<=0%").returncode, (0, 4))
        done = short("--operation", P256, "--slo", "p99<5s", "--slo", "p50<1ns")
        self.assertEqual(done.returncode, 3)
        self.assertIn("missed: p50<1ns: it was", done.out)
        (result,) = done.report["results"]
        self.assertEqual([entry["met"] for entry in result["objectives"]], [True, False])
        self.assertFalse(result["met"])

    def test_sweep(self):
        done = load("--key-id", key, "--operation", P256, "--sweep", "100:4000", "--slo", "max<1ns", "--duration", "0.2", "--warm-up", "0")
        self.assertEqual(done.returncode, 3)
        self.assertEqual((done.report["best_rate"], len(done.report["results"])), (None, 1))
        done = load("--key-id", key, "--operation", P256, "--sweep", "100:104", "--slo", "p50<5s", "--slo", "rate>=50%", "--duration", "0.3", "--warm-up", "0")
        rates = [result["rate"] for result in done.report["results"]]
        self.assertEqual(rates, sorted(rates))
        if done.returncode == 0:
            self.assertIn(done.report["best_rate"], rates)
        else:
            self.assertFalse(done.report["results"][0]["valid"])


class Trouble(unittest.TestCase):
    def fails(self, words, *arguments, **options):
        done = load("--rate", "10", "--duration", "0.2", "--warm-up", "0", *arguments, **options)
        self.assertEqual(done.returncode, 1, done.out)
        self.assertIn(words, done.err)
        self.assertIsNone(done.report)

    def test_what_is_wrong_is_said_before_the_load(self):
        self.fails("NotFoundException", "--key-id", "alias/nowhere")
        self.fails("needs --key-id")
        self.fails("Connection refused", "--key-id", key, endpoint=f"http://127.0.0.1:{harness.free_port()}")
        wrong = {**server.environment(), "AWS_ACCESS_KEY_ID": server.credentials().access_key, "AWS_SECRET_ACCESS_KEY": "wrong"}
        self.fails("InvalidSignatureException", "--key-id", key, environment=wrong)
        self.fails("no credentials", "--key-id", key, environment=harness.clean_environment(AWS_SHARED_CREDENTIALS_FILE="/nonexistent"))

    def test_usage(self):
        for arguments in (["--rate", "0"], ["--rate", "10", "--sweep", "1:2"], ["--rate", "10", "--slo", "p99<1"], ["--sweep", "1:2"], ["--rate", "10", "--mix", ""],
                ["--rate", "10", "--duration", "x"], ["--rate", "10", "extra"], []):
            with self.subTest(arguments):
                done = load(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn("keywell-load: ", done.err)
        shown = subprocess.run([harness.program("keywell-load"), "--help"], capture_output=True, text=True, check=True).stdout
        for word in ("--sweep", "Examples:", "Exit status:", "p99.9", "AWS_SHARED_CREDENTIALS_FILE"):
            self.assertIn(word, shown)

    def test_a_server_that_dies(self):
        with harness.Server(pools={**POOLS, "RSA_4096": 0, "ECC_NIST_P256": 600}) as other:
            process = start("--key-id", harness.new_key(other), "--operation", P256, "--rate", "100", "--duration", "1.5", "--warm-up", "0", "--json", "-",
                endpoint=other.url, environment=other.environment())
            time.sleep(0.7)
            other.kill()
            out, err = process.communicate(timeout=30)
        result = json.loads(out)["results"][0]
        self.assertEqual(result["requests"], 150, err)
        self.assertGreater(result["failed"], 20)
        self.assertGreater(result["good"], 5)
        self.assertIn("Connection refused", result["errors"])

    def test_interruption_keeps_the_results(self):
        path = os.path.join(folder, "interrupted.json")
        process = start("--key-id", key, "--operation", P256, "--rate", "100", "--duration", "60", "--warm-up", "0", "--json", path)
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        self.assertEqual(process.returncode, 130)
        with open(path, encoding="utf-8") as file:
            (result,) = json.load(file)["results"]
        self.assertTrue(result["interrupted"] and 5 < result["good"] < 200, result)


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"x" * 700
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def log_message(self, *_):
        pass


class Tls(unittest.TestCase):
    """A file server of Python's; that of keywelld is tried where its own TLS is."""

    def setUp(self):
        self.certificate, self.key = os.path.join(folder, "tls.pem"), os.path.join(folder, "tls.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out", self.certificate,
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)

        class Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.listener = Listener(("127.0.0.1", 0), Page)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        self.listener.socket = context.wrap_socket(self.listener.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()
        self.port = self.listener.server_port

    def tearDown(self):
        self.listener.shutdown()
        self.listener.server_close()

    def get(self, host, *more):
        return load("--static", "/x", "--rate", "50", "--duration", "0.4", "--warm-up", "0", "--connections", "3", *more, endpoint=f"https://{host}:{self.port}")

    def test_certificates(self):
        for host in ("127.0.0.1", "localhost"):
            for more in (["--ca-bundle", self.certificate], ["--insecure", "--io", "epoll"]):
                with self.subTest(host, more=more):
                    done = self.get(host, *more)
                    self.assertIn(done.returncode, (0, 4), done.err)
                    (result,) = done.report["results"]
                    self.assertEqual((result["good"], result["bytes_per_answer"], done.report["setup"]["signed"]), (20, 700, False))
                    self.assertTrue(done.report["setup"]["tls"].startswith("TLSv1.3 "))
        done = self.get("127.0.0.1")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.err, "TLS: self.signed certificate")
        self.assertEqual(self.get("127.0.0.2", "--ca-bundle", self.certificate).returncode, 1)
