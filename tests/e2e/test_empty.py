"""What requests meet at an empty pool: they wait, have a pair made, or are refused; each before its deadline, and nobody else
is held up."""

import os
import time
import unittest

import harness
from test_suspend import SCHED_IDLE, suspended, workers_of

# Measures how long things take, and needs the cores for itself.
ALONE = True

WAIT, REJECT, GENERATE, SERVED = "ECC_SECG_P256K1", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_NIST_P256"
PAIR = "GenerateDataKeyPairWithoutPlaintext"
WAIT_S = 0.8


def threads_of(process, prefix):
    """Ids of the threads whose name begins like that."""
    found = []
    for thread in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{thread}/comm", encoding="ascii") as file:
            if file.read().startswith(prefix):
                found.append(int(thread))
    return found


class Policies(unittest.TestCase):
    """One server with a spec for each policy, whose workers are stopped once the pools are full."""

    @classmethod
    def setUpClass(cls):
        pools = {**{spec: 0 for spec in harness.POOLS}, WAIT: 2, REJECT: 2, GENERATE: 2, SERVED: 64}
        cls.server = harness.Server(pools=pools, options=["--cpus", "0", "--pool-wait-ms", str(int(WAIT_S * 1000)),
            "--on-empty", f"wait,{REJECT}=reject,{GENERATE}=generate", "--generate-max", "1"]).start()
        cls.addClassCleanup(cls.server.close)
        cls.key = harness.new_key(cls.server)
        cls.workers = workers_of(cls.server.process.pid)
        try:
            with suspended(cls.workers):
                pass
        except PermissionError as error:
            raise unittest.SkipTest(f"this user may not stop the server's threads: {error}") from error

    def setUp(self):
        for spec, level in ((WAIT, 2), (REJECT, 2), (GENERATE, 2), (SERVED, 56)):
            self.server.wait_until(lambda: self.server.metric("keywell_pool_level", spec=spec) >= level, 60, "full")

    def request(self, spec):
        return self.server.signed(PAIR, {"KeyId": self.key, "KeyPairSpec": spec})

    def ask(self, spec):
        """The answer, and how long it took."""
        request = self.request(spec)
        with self.server.connect() as connection:
            started = time.monotonic()
            connection.send(request)
            answer = connection.answer()
            return answer, time.monotonic() - started

    def drain(self, spec):
        while self.server.metric("keywell_pool_level", spec=spec) > 0:
            self.assertEqual(self.ask(spec)[0].status, 200)

    def outcomes(self, spec):
        return {outcome: int(self.server.metric("keywell_pool_requests_total", spec=spec, outcome=outcome))
            for outcome in ("hit", "waited", "generated", "rejected", "timed_out", "abandoned")}

    def changes(self, spec, before):
        return {name: count - before[name] for name, count in self.outcomes(spec).items() if count != before[name]}

    def test_wait_ends_before_its_deadline(self):
        before = self.outcomes(WAIT)
        with suspended(self.workers):
            self.drain(WAIT)
            answer, seconds = self.ask(WAIT)
        self.assertEqual(answer.error, "ThrottlingException")
        self.assertIn("pool;desc=timeout", answer.headers["server-timing"])
        # It has waited until there was just time left to say so. What is beyond is the machine's.
        self.assertGreater(seconds, WAIT_S - 0.1)
        self.assertLess(float(answer.headers["server-timing"].split("dur=")[1].split(",")[0]), WAIT_S * 1000 + 20)
        self.assertEqual(self.changes(WAIT, before), {"hit": 2, "timed_out": 1})

    def test_wait_ends_with_a_pair_in_order_of_arrival(self):
        before = self.outcomes(WAIT)
        connections = [self.server.connect() for _ in range(6)]
        with suspended(self.workers):
            self.drain(WAIT)
            for number, connection in enumerate(connections, 1):
                connection.send(self.request(WAIT))
                self.server.wait_until(lambda: self.server.metric("keywell_pool_waiters", spec=WAIT) == number, 5, "waiting")
        answers = [connection.answer() for connection in connections]
        for connection, answer in zip(connections, answers):
            self.assertEqual(answer.status, 200)
            connection.socket.close()
        self.assertEqual(self.changes(WAIT, before), {"hit": 2, "waited": 6})
        arrived = [answer.headers["x-amzn-requestid"] for answer in answers]
        served = [record["requestID"] for record in self.server.audit_records() if record["requestID"] in arrived]
        self.assertEqual(served, arrived)

    def test_generate_needs_no_worker(self):
        before = self.outcomes(GENERATE)
        with suspended(self.workers):
            self.drain(GENERATE)
            answers = [self.ask(GENERATE) for _ in range(4)]
        for answer, seconds in answers:
            self.assertEqual(answer.status, 200)
            self.assertIn("pool;desc=generate", answer.headers["server-timing"])
            self.assertLess(seconds, WAIT_S)
        self.assertEqual(self.changes(GENERATE, before), {"hit": 2, "generated": 4})
        self.assertEqual(len({answer.json["PublicKey"] for answer, _ in answers}), 4)
        (forge,) = threads_of(self.server.process.pid, "forge-")
        self.assertNotEqual(os.sched_getscheduler(forge), SCHED_IDLE)
        self.assertEqual(self.server.metric("keywell_forge_threads"), 1)

    def test_reject_answers_at_once(self):
        before = self.outcomes(REJECT)
        with suspended(self.workers):
            self.drain(REJECT)
            answers = [self.ask(REJECT) for _ in range(4)]
        for answer, _ in answers:
            self.assertEqual(answer.error, "ThrottlingException")
            self.assertIn("pool;desc=reject", answer.headers["server-timing"])
        self.assertLess(min(seconds for _, seconds in answers), 0.1)
        self.assertEqual(self.changes(REJECT, before), {"hit": 2, "rejected": 4})
        self.assertEqual(self.server.metric("keywell_pool_waiters", spec=REJECT), 0)

    def test_the_policies_are_told(self):
        policies = {pool["spec"]: pool["on_empty"] for pool in harness.json.loads(self.server.admin_get("/pools")[1])["pools"]}
        self.assertEqual(policies, {WAIT: "wait", REJECT: "reject", GENERATE: "generate", SERVED: "wait"})


class Options(unittest.TestCase):
    def test_nonsense_is_refused(self):
        for option, value in (("--on-empty", "never"), ("--on-empty", "wait,wait"), ("--on-empty", "RSA_1024=wait"),
                ("--on-empty", ""), ("--generate-max", "0"), ("--generate-max", "65"), ("--cpu-share", "0"), ("--cpu-share", "101")):
            result = harness.run_tool("keywelld", "--data", "/nonexistent", "--listen", "127.0.0.1:0", option, value)
            self.assertEqual(result.returncode, 2, (option, value))
            self.assertIn(f"{option} {value}: must be", result.stderr)


if __name__ == "__main__":
    unittest.main()
