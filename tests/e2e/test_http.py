"""HTTP as a hostile peer speaks it, on raw sockets."""

import json
import socket
import struct
import threading
import time
import unittest

import harness


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.shared()
        cls.key = harness.new_key(cls.server)

    def tearDown(self):
        # Whatever was sent, the next well-behaved client is served.
        self.assertEqual(self.server.call("ListKeys", {}).status, 200)

    def random(self, count):
        return self.server.signed("GenerateRandom", {"NumberOfBytes": count})

    def test_pipelined_requests_are_answered_in_order(self):
        counts = list(range(1, 65))
        with self.server.connect() as connection:
            connection.send(b"".join(self.random(count) for count in counts))
            for count in counts:
                answer = connection.answer()
                self.assertEqual(answer.status, 200)
                self.assertEqual(len(answer.json["Plaintext"]), (count + 2) // 3 * 4)

    def test_pipelined_errors_keep_their_place(self):
        with self.server.connect() as connection:
            bad = self.server.signed("DescribeKey", {"KeyId": "fake-key-id"})
            connection.send(self.random(3) + bad + self.random(6))
            self.assertEqual([connection.answer().status for _ in range(3)], [200, 400, 200])

    def test_slow_and_quick_operations_keep_their_order(self):
        """A write to the keystore takes longer than a random number; the answers stay in order."""
        with self.server.connect() as connection:
            connection.send(self.server.signed("CreateKey", {}) + self.random(3) + self.server.signed("CreateKey", {}) + self.random(6))
            kinds = ["KeyMetadata" in connection.answer().json for _ in range(4)]
        self.assertEqual(kinds, [True, False, True, False])

    def test_many_requests_on_one_connection(self):
        with self.server.connect() as connection:
            request = self.random(8)
            for _ in range(300):
                connection.send(request)
                self.assertEqual(connection.answer().status, 200)

    def test_byte_by_byte(self):
        with self.server.connect() as connection:
            for byte in self.random(8):
                connection.send(bytes([byte]))
            self.assertEqual(connection.answer().status, 200)

    def test_half_closed(self):
        with self.server.connect() as connection:
            connection.send(self.random(8) + self.server.signed("CreateKey", {}))
            connection.socket.shutdown(socket.SHUT_WR)
            self.assertEqual([connection.answer().status for _ in range(2)], [200, 200])
            self.assertIsNone(connection.answer())

    def test_half_closed_inside_a_request(self):
        for cut in (1, 30, -1):
            with self.server.connect() as connection:
                connection.send(self.random(8)[:cut])
                connection.socket.shutdown(socket.SHUT_WR)
                self.assertTrue(connection.closed_within(5))

    def test_reset_in_the_middle(self):
        request = self.random(8)
        for cut in (0, 10, len(request) - 3, len(request)):
            for _ in range(20):
                connection = self.server.connect()
                connection.send(request[:cut])
                # Linger of no time: close() sends a reset.
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.socket.close()

    def test_reset_while_a_pair_is_made(self):
        request = self.server.signed("GenerateDataKeyPair", {"KeyId": self.key, "KeyPairSpec": "ECC_NIST_P256"})
        for _ in range(30):
            connection = self.server.connect()
            connection.send(request * 4)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.socket.close()

    def refused_and_closed(self, data, status):
        with self.server.connect() as connection:
            connection.send(data)
            answer = connection.answer()
            self.assertIsNotNone(answer, "closed without a word")
            self.assertEqual(answer.status, status, answer)
            self.assertIn("x-amzn-requestid", answer.headers)
            self.assertTrue(connection.closed_within(5), "the connection stays open")

    def test_malformed_heads(self):
        good = self.random(8)
        head, body = good.split(b"\r\n\r\n", 1)
        host = b"Host: 127.0.0.1:%d" % self.server.address[1]
        cases = {
            "bare line feeds": good.replace(b"\r\n", b"\n"),
            "space before the colon": head.replace(b"Host:", b"Host :") + b"\r\n\r\n" + body,
            "folded header": head + b"\r\n folded\r\n\r\n" + body,
            "two hosts": head + b"\r\n" + host + b"\r\n\r\n" + body,
            "two lengths": head + b"\r\nContent-Length: 4\r\n\r\n" + body,
            "negative length": head.replace(b"Content-Length: ", b"Content-Length: -") + b"\r\n\r\n" + body,
            "list of lengths": head.replace(b"Content-Length: ", b"Content-Length: 1, ") + b"\r\n\r\n" + body,
            "signed length": head.replace(b"Content-Length: ", b"Content-Length: +") + b"\r\n\r\n" + body,
            "huge length": head.replace(b"Content-Length: ", b"Content-Length: 99999999999999999999") + b"\r\n\r\n",
            "no host": head.replace(host + b"\r\n", b"") + b"\r\n\r\n" + body,
            "control byte": head.replace(b"X-Amz-Target: ", b"X-Amz-Target: \x01") + b"\r\n\r\n" + body,
            "NUL": head.replace(b"X-Amz-Target: ", b"X-Amz-Target: \0") + b"\r\n\r\n" + body,
            "no version": good.replace(b" HTTP/1.1", b"", 1),
            "absolute target": good.replace(b"POST /", b"POST http://127.0.0.1/", 1),
            "empty name": head + b"\r\n: x\r\n\r\n" + body,
            "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
            "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        }
        for name, data in cases.items():
            with self.subTest(case=name), self.server.connect() as connection:
                connection.send(data)
                answer = connection.answer()
                self.assertIsNotNone(answer, "closed without a word")
                self.assertIn(answer.status, (400, 413, 505), answer)
                self.assertIn("x-amzn-requestid", answer.headers)
                self.assertTrue(connection.closed_within(5), "the connection stays open")

    def test_versions(self):
        for version in (b"HTTP/1.2", b"HTTP/2.0", b"HTTP/3.0"):
            with self.subTest(version=version):
                self.refused_and_closed(self.random(8).replace(b"HTTP/1.1", version, 1), 505)

    def test_transfer_encoding(self):
        head, body = self.random(8).split(b"\r\n\r\n", 1)
        self.refused_and_closed(head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + body, 501)

    def test_head_too_big(self):
        head, body = self.random(8).split(b"\r\n\r\n", 1)
        self.refused_and_closed(head + b"\r\nX-Big: " + b"x" * 20000 + b"\r\n\r\n" + body, 431)
        self.refused_and_closed(head + b"".join(b"\r\nX-%d: x" % number for number in range(70)) + b"\r\n\r\n" + body, 431)

    def test_ten_mebibyte_body(self):
        head = self.server.signed("Encrypt", b"{}").split(b"\r\n\r\n")[0].replace(b"Content-Length: 2", b"Content-Length: %d" % (10 << 20))
        with self.server.connect() as connection:
            connection.send(head + b"\r\n\r\n")
            # The refusal comes before the body, which a real client goes on sending for a while.
            sender = threading.Thread(target=self.send_quietly, args=(connection, b"x" * (10 << 20)))
            sender.start()
            answer = connection.answer()
            sender.join()
            self.assertEqual(answer.status, 413)

    @staticmethod
    def send_quietly(connection, data):
        try:
            connection.send(data)
        except OSError:
            pass

    def test_expect_continue(self):
        head, body = self.random(8).split(b"\r\n\r\n", 1)
        with self.server.connect() as connection:
            connection.send(head + b"\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(connection.answer().status, 100)
            connection.send(body)
            self.assertEqual(connection.answer().status, 200)

    def test_connection_close(self):
        head, body = self.random(8).split(b"\r\n\r\n", 1)
        with self.server.connect() as connection:
            connection.send(head + b"\r\nConnection: close\r\n\r\n" + body)
            self.assertEqual(connection.answer().status, 200)
            self.assertIsNone(connection.answer())

    def test_other_methods_and_paths(self):
        for line in (b"GET / HTTP/1.1", b"PUT / HTTP/1.1", b"POST /other HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT a:1 HTTP/1.1"):
            with self.subTest(line=line), self.server.connect() as connection:
                connection.send(line + b"\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
                answer = connection.answer()
                self.assertTrue(400 <= answer.status < 500, answer)

    def test_slow_readers_do_not_stop_others(self):
        """A peer that sends much and reads nothing holds no more than its own connection."""
        with self.server.connect(timeout=5) as slow:
            slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sender = threading.Thread(target=self.send_quietly, args=(slow, self.random(1024) * 3000))
            sender.start()
            try:
                for _ in range(20):
                    started = time.monotonic()
                    self.assertEqual(self.server.call("GenerateRandom", {"NumberOfBytes": 8}).status, 200)
                    self.assertLess(time.monotonic() - started, 2)
            finally:
                slow.socket.shutdown(socket.SHUT_RDWR)
                sender.join()

    def test_slow_requests(self):
        """A request that trickles in is given up about ten seconds after its first byte, however lively it trickles."""
        request = self.random(8)
        head = request.index(b"\r\n\r\n")
        # Inside the head, inside the body, and not going on at all.
        trickles = [self.Trickle(self.server, request, begin) for begin in (1, head + 5)]
        trickles.append(self.Trickle(self.server, request[:-2], len(request) - 2))
        for trickle in trickles:
            trickle.start()
        for trickle in trickles:
            trickle.join()
            with self.subTest(begin=trickle.begin):
                self.assertGreater(trickle.seconds, 8)
                self.assertLess(trickle.seconds, 15)

    class Trickle(threading.Thread):
        """Sends the request up to begin at once and then a byte each half second, and measures how long it is borne."""

        def __init__(self, server, request, begin):
            super().__init__()
            self.server, self.request, self.begin, self.seconds = server, request, begin, 0

        def run(self):
            started = time.monotonic()
            with self.server.connect() as connection:
                connection.send(self.request[:self.begin])
                rest = list(self.request[self.begin:-1])
                while not connection.closed_within(0.5) and time.monotonic() - started < 30:
                    if rest:
                        Http.send_quietly(connection, bytes([rest.pop(0)]))
                self.seconds = time.monotonic() - started

    def test_many_connections(self):
        connections = []
        try:
            for _ in range(500):
                connections.append(self.server.connect())
            for connection in connections[::50]:
                connection.send(self.random(8))
                self.assertEqual(connection.answer().status, 200)
        finally:
            for connection in connections:
                connection.socket.close()

    def test_request_ids_differ(self):
        with self.server.connect() as connection:
            connection.send(self.random(8) * 20)
            ids = {connection.answer().headers["x-amzn-requestid"] for _ in range(20)}
        self.assertEqual(len(ids), 20)

    def test_head_is_not_reflected(self):
        answer = self.server.call("Nothing", {}, headers={"X-Canary": "c4n4ry"})
        self.assertNotIn("c4n4ry", json.dumps(answer.json) + str(answer.headers))


if __name__ == "__main__":
    unittest.main()
