"""What strangers, stuck readers and impatient clients may cost: bounded, and never the others' service."""

import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import harness

# Measures how long things take, or needs the cores for itself.
ALONE = True
from test_suspend import suspended, workers_of

RSA_4096 = {"KeyPairSpec": "RSA_4096"}
SLOW_POOLS = {**{spec: 0 for spec in harness.POOLS}, "RSA_4096": 1, "ECC_NIST_P256": 4}


def reset(connection):
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()


class Waiting(unittest.TestCase):
    """Requests that wait for a pair while nobody makes one."""

    def setUp(self):
        server = harness.Server(pools=SLOW_POOLS, options=["--cpus", "0", "--pool-wait-ms", "60000"])
        self.server = self.enterContext(server)
        self.key = harness.new_key(self.server)
        self.server.wait_until(lambda: self.level() == 1, 60, "full")
        self.workers = workers_of(self.server.process.pid)
        self.assertTrue(self.workers)

    def level(self):
        return self.server.metric("keywell_pool_level", spec="RSA_4096")

    def pops(self):
        return self.server.metric("keywell_pool_pops_total", spec="RSA_4096")

    def empty_pool(self):
        while self.level() > 0:
            answer = self.server.call("GenerateDataKeyPairWithoutPlaintext", {"KeyId": self.key, **RSA_4096})
            self.assertEqual(answer.status, 200)

    def ask(self):
        connection = self.server.connect()
        connection.send(self.server.signed("GenerateDataKeyPairWithoutPlaintext", {"KeyId": self.key, **RSA_4096}))
        return connection

    def waiters(self):
        return self.server.metric("keywell_pool_waiters", spec="RSA_4096")

    def test_client_that_is_gone_gets_no_pair(self):
        with suspended(self.workers):
            self.empty_pool()
            pops = self.pops()
            clients = [self.ask() for _ in range(3)]
            self.server.wait_until(lambda: self.waiters() == 3, 10, "waiting")
            for client in clients:
                reset(client)
            self.server.wait_until(lambda: self.waiters() == 0, 10, "rid of its waiters")
        self.server.wait_until(lambda: self.level() == 1, 60, "full")
        self.assertEqual(self.pops(), pops)

    def test_half_closed_client_gets_its_pair(self):
        with self.ask() as client:
            client.socket.shutdown(socket.SHUT_WR)
            client.socket.settimeout(60)
            self.assertEqual(client.answer().status, 200)

    def test_stop_does_not_wait_for_them(self):
        with suspended(self.workers):
            self.empty_pool()
            clients = [self.ask() for _ in range(8)]
            self.server.wait_until(lambda: self.waiters() > 4, 10, "waiting")
        started = time.monotonic()
        self.assertEqual(self.server.stop(30), 0)
        self.assertLess(time.monotonic() - started, 9)
        for client in clients:
            self.assertIn(client.answer().status, (200, 400))
            client.socket.close()


class Strangers(unittest.TestCase):
    def test_bodies_are_bounded(self):
        with harness.Server(pools=harness.EC_POOLS, options=["--serving-threads", "1"]).start(ready=False) as server:
            head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 131072\r\n\r\n"
            connections = [server.connect() for _ in range(200)]
            for connection in connections:
                connection.socket.settimeout(2)
                try:
                    connection.send(head + b"x" * 131000)
                except OSError:
                    pass
            refused = 0
            for connection in connections:
                if select.select([connection.socket], [], [], 0.01)[0]:
                    refused += connection.socket.recv(100).startswith(b"HTTP/1.1 503")
            self.assertGreater(refused, 20)
            self.assertEqual(server.call("GenerateRandom", {"NumberOfBytes": 8}).status, 200)
            for connection in connections:
                connection.socket.close()

    def test_running_out_of_descriptors_costs_nothing(self):
        with harness.Server(pools={**{spec: 0 for spec in harness.POOLS}, "ECC_NIST_P256": 4}) as server:
            used = len(os.listdir(f"/proc/{server.process.pid}/fd"))
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used + 10, used + 10))
            connections = [socket.create_connection(server.address) for _ in range(60)]
            before = server.cpu_seconds()
            time.sleep(2)
            self.assertLess(server.cpu_seconds() - before, 0.3)
            for connection in connections:
                connection.close()
            server.wait_until(lambda: server.call("GenerateRandom", {"NumberOfBytes": 8}).status == 200, 10, "back")

    def test_stuck_reader_of_the_log_stops_nobody(self):
        top = tempfile.mkdtemp(prefix="keywell-e2e-")
        self.addCleanup(shutil.rmtree, top, ignore_errors=True)
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 512)
        except BlockingIOError:
            os.set_blocking(writer, True)
        server = harness.Server(data=os.path.join(top, "data"), pools=SLOW_POOLS)
        server.process = subprocess.Popen(server.command(), stdin=subprocess.DEVNULL, stdout=writer, stderr=writer,
            env=harness.clean_environment())
        self.addCleanup(server.close)
        self.addCleanup(os.close, reader)
        os.close(writer)
        server.wait_until(server.read_run_file, 30, "listening")
        for _ in range(20):
            with server.connect(timeout=5) as connection:
                connection.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
                self.assertEqual(connection.answer().error, "MissingAuthenticationTokenException")
        self.assertGreater(server.metric("keywell_log_dropped_lines_total"), 0)
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(20), 0)


class Changes(unittest.TestCase):
    def test_intent_comes_before_the_change(self):
        with harness.Server(pools=harness.EC_POOLS).start(ready=False) as server:
            key = harness.new_key(server)
            answer = server.call("DisableKey", {"KeyId": key})
            self.assertEqual(answer.status, 200)
            request = answer.headers["x-amzn-requestid"]
            records = [record for record in server.audit_lines()
                if "DisableKey" in (record.get("intent"), record.get("eventName"))]
            self.assertEqual([record["eventType"] for record in records], ["KeywellIntent", "AwsApiCall"])
            self.assertEqual(records[0]["intentOf"], request)
            self.assertNotIn("requestID", records[0])
            self.assertNotIn("eventName", records[0])
            self.assertEqual(records[1]["requestID"], request)

    def test_long_descriptions(self):
        server = harness.shared()
        for text in ("é" * 8192, "€" * 2731, "😀" * 4096, "x" * 8192, ""):
            answer = server.call("CreateKey", {"Description": text})
            self.assertEqual(answer.status, 200, text[:2])
            self.assertEqual(json.loads(answer.body)["KeyMetadata"]["Description"], text)
        for text in ("é" * 8193, "a\0b"):
            self.assertEqual(server.call("CreateKey", {"Description": text}).error, "ValidationException")

    def test_folder_of_another_account(self):
        with harness.Server(pools=harness.EC_POOLS).start(ready=False) as server:
            self.assertEqual(server.stop(), 0)
            result = harness.run_tool("keywelld", "--data", server.data, "--listen", "127.0.0.1:0", "--account",
                "111111111111")
            self.assertEqual(result.returncode, 1)
            self.assertIn("belongs to account 000000000000", result.stderr)


if __name__ == "__main__":
    unittest.main()
