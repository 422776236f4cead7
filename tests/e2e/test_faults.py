"""Audited or refused: what clients see when the log's disk fails, in a build with fault hooks."""

import json
import os
import time
import unittest

import harness

# Measures how long things take, or needs the cores for itself.
ALONE = True


@unittest.skipUnless(harness.FAULTS_BUILD, "no build with fault hooks was given (--faults-build)")
class Faults(unittest.TestCase):
    def server(self, plan):
        server = harness.Server(pools=harness.EC_POOLS, build=harness.FAULTS_BUILD, faults=plan)
        self.addCleanup(server.close)
        return server.start(ready=False)

    def random(self, server):
        return server.call("GenerateRandom", {"NumberOfBytes": 8})

    def until_recovered(self, server, seconds=30):
        """Asks until it is served again; returns the refusals."""
        refusals, deadline = [], time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self.random(server)
            if answer.status == 200:
                return refusals
            refusals.append(answer)
            time.sleep(0.05)
        self.fail(f"never recovered:\n{server.log()[-3000:]}")

    def generation_failures(self, server):
        return sum(value for sample, value in server.metrics().items() if "failures_total" in sample and "generation" in sample)

    def finish(self, server):
        """Every answer that was given is in the log, and the log verifies."""
        self.assertEqual(server.stop(), 0)
        result = server.audit_verify()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return [record["requestID"] for record in server.audit_records()]

    def single_failure(self, plan):
        """One failed operation costs a segment and no answer."""
        server = self.server(plan)
        answers = [self.random(server) for _ in range(30)]
        self.assertEqual({answer.status for answer in answers}, {200}, server.log()[-2000:])
        quarantined = [name for name in os.listdir(os.path.join(server.data, "audit")) if "quarantined" in name]
        self.assertEqual(len(quarantined), 1)
        logged = self.finish(server)
        missing = {answer.headers["x-amzn-requestid"] for answer in answers} - set(logged)
        self.assertEqual(missing, set())

    def test_one_failed_write(self):
        self.single_failure("audit-write:eio@10")

    def test_one_short_write(self):
        self.single_failure("audit-write:short@10")

    def test_one_failed_sync(self):
        self.single_failure("audit-sync:eio@10")

    def lasting_failure(self, plan):
        """While the disk fails nothing is answered, health says why; afterwards service resumes by itself."""
        server = self.server(plan)
        answered = []
        for _ in range(200):
            answer = self.random(server)
            if answer.status != 200:
                break
            answered.append(answer)
        else:
            self.fail("the fault never showed")
        self.assertEqual((answer.status, answer.error), (500, "KMSInternalException"), answer)
        self.assertTrue(answer.message)
        status, text = server.admin_get("/readyz")
        self.assertEqual(status, 503, text)
        self.assertIn("audit", json.dumps(json.loads(text)).lower())
        self.assertEqual(server.admin_get("/livez")[0], 200)
        started = time.monotonic()
        refusals = [answer, *self.until_recovered(server)]
        # Refused at once, not held.
        self.assertTrue(all(refusal.error == "KMSInternalException" for refusal in refusals))
        print(f"{plan}: {len(refusals)} refused, recovered after {time.monotonic() - started:.1f} s")
        answered += [self.random(server) for _ in range(10)]
        logged = set(self.finish(server))
        self.assertEqual({answer.headers["x-amzn-requestid"] for answer in answered if answer.status == 200} - logged, set())

    def test_lasting_write_error(self):
        self.lasting_failure("audit-write:eio@10+8")

    def test_full_disk(self):
        self.lasting_failure("audit-write:enospc@10+8")

    def test_lasting_sync_error(self):
        self.lasting_failure("audit-sync:eio@10+8")

    def test_nothing_is_administered_unrecorded(self):
        """While the disk fails the operator changes nothing, and no secret leaves."""
        server = self.server("audit-write:eio@4+40")

        def principal(*arguments):
            return harness.run_tool("keywell", "principal", *arguments, "--data", server.data, build=harness.FAULTS_BUILD)
        made, refused = [], []
        for number in range(400):
            done = principal("create", "user", f"user-{number}")
            (made if done.returncode == 0 else refused).append((f"user-{number}", done))
            if refused and done.returncode == 0:
                break
        self.assertTrue(made and refused, server.log()[-2000:])
        for _, done in refused:
            self.assertIn("the audit log cannot be written", done.stderr)
            self.assertNotIn("secret", done.stdout)
        there = {item["Name"] for item in json.loads(principal("list", "--json").stdout)["Principals"]}
        untouched = {name for name, done in refused if "nothing was changed" in done.stderr}
        self.assertTrue(untouched)
        self.assertEqual(untouched & there, set())
        self.assertLessEqual({name for name, _ in made}, there)
        self.finish(server)

    def test_no_new_segment(self):
        # A spare segment is tried for every 250 ms from the start on: it must still fail when the tenth write does,
        # on the slowest machine too.
        self.lasting_failure("audit-write:eio@10,audit-create:enospc@2+40")

    def test_nothing_leaves_while_the_log_fails(self):
        """Refusals carry no key material: a pair that was popped for one is gone."""
        server = self.server("audit-write:eio@10+10")
        key = harness.new_key(server)
        bodies = [server.call("GenerateDataKeyPair", {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"}) for _ in range(20)]
        refused = [answer for answer in bodies if answer.status != 200]
        self.assertTrue(refused)
        for answer in refused:
            self.assertEqual(set(answer.json), {"__type", "message"})
        publics = [answer.json["PublicKey"] for answer in bodies if answer.status == 200]
        self.until_recovered(server, 60)
        publics += [server.call("GenerateDataKeyPair", {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"}).json["PublicKey"] for _ in range(20)]
        self.assertEqual(len(publics), len(set(publics)))
        self.finish(server)

    def test_slow_sync_holds_the_answer(self):
        server = self.server("audit-sync:delay@10")
        slowest = 0
        for _ in range(20):
            started = time.monotonic()
            self.assertEqual(self.random(server).status, 200)
            slowest = max(slowest, time.monotonic() - started)
        self.assertGreater(slowest, 0.9, "an answer left before its record was durable")
        self.finish(server)

    def test_keystore_failure(self):
        server = self.server("store-commit:fail@10+2")
        statuses = []
        for _ in range(12):
            answer = server.call("CreateKey", {})
            statuses.append(answer.status)
            if answer.status != 200:
                self.assertEqual((answer.status, answer.error), (500, "KMSInternalException"))
        self.assertIn(500, statuses)
        self.assertEqual(statuses[-1], 200)
        self.assertEqual(len(server.call("ListKeys", {}).json["Keys"]), statuses.count(200))
        self.finish(server)

    def test_failed_consistency_tests_are_counted_and_kept_out(self):
        server = self.server("pct:fail@20+3")
        server.wait_until(lambda: server.admin_get("/readyz")[0] == 200, 120, "ready")
        # Pairs are tested by the batch, and a failure counts when its turn in the batch has come: where two workers share
        # the failing ones, the last may wait there until more pairs are wanted.
        key = harness.new_key(server)

        def all_counted():
            for spec in harness.SPECS[3:] * 4:
                server.call("GenerateDataKeyPairWithoutPlaintext", {"KeyId": key, "KeyPairSpec": spec})
            return self.generation_failures(server) >= 3

        server.wait_until(all_counted, 60, "past the failures")
        self.assertEqual(self.generation_failures(server), 3)
        self.finish(server)

    def test_fault_build_says_so(self):
        server = self.server("")
        self.assertIn("fault", server.log().lower())


if __name__ == "__main__":
    unittest.main()
