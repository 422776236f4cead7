"""keywell plan: from this machine's profile to the settings that keywelld runs with."""

import json
import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from harness import Server, clean_environment, program

QUICK = ("--requests", "20000", "--no-sensitivity")


class Plan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        done = cls.keywell("profile", "--specs", "ECC_NIST_P256,ECC_NIST_P384", "--seconds", "100ms")
        assert done.returncode == 0 and "ECC_NIST_P384" in done.stdout, done

    @classmethod
    def keywell(cls, *arguments, stdin=None):
        return subprocess.run([program("keywell"), "plan", *arguments], capture_output=True, text=True, timeout=120,
            cwd=cls.folder.name, input=stdin, env=clean_environment())

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def plan(self, *arguments, status=0, stdin=None):
        done = self.keywell("--json", "-", *QUICK, *arguments, stdin=stdin)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def refused(self, says, *arguments, status=1):
        done = self.keywell(*QUICK, *arguments)
        self.assertEqual(done.returncode, status, done)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_plan_to_server(self):
        done = self.keywell("--demand", "ECC_NIST_P256=2k", "--on-empty", "generate", "--json", "plan.json", "--svg", "plan.svg",
            *QUICK)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("hold the objective", done.stdout)
        xml.etree.ElementTree.parse(self.path("plan.svg"))
        with open(self.path("plan.json"), encoding="ascii") as file:
            plan = json.load(file)
        with open(self.path("keywelld.conf"), "w", encoding="ascii") as file:
            file.write("# ours\nlog-level = debug\npool = ECC_NIST_P256=3\n")
        done = self.keywell("apply", "plan.json", "--config", "keywelld.conf")
        self.assertEqual(done.returncode, 0, done)
        with open(self.path("keywelld.conf"), encoding="ascii") as file:
            text = file.read()
        self.assertTrue(text.startswith("# ours\nlog-level = debug\n"), text)
        depth = plan["settings"]["pools"]["ECC_NIST_P256"]
        self.assertEqual(text.count("pool = ECC_NIST_P256="), 1)
        with Server(data=self.path("data"), pools={"RSA_4096": 0}, options=["--config", self.path("keywelld.conf")]) as server:
            pools = {pool["spec"]: pool for pool in json.loads(server.admin_get("/pools")[1])["pools"]}
            self.assertEqual(pools["ECC_NIST_P256"]["capacity"], depth)
            self.assertEqual(pools["ECC_NIST_P256"]["on_empty"], "generate")
            self.assertEqual(pools.get("RSA_2048", {"capacity": 0})["capacity"], 0)
            self.assertEqual(server.stop(), 0)

    def test_same_seed_same_answer(self):
        arguments = ("--demand", "ECC_NIST_P256=0,burst=9k,on=20ms,off=80ms", "--demand", "ECC_NIST_P384=500")
        first = self.plan(*arguments, "--seed", "5")
        self.assertEqual(first, self.plan(*arguments, "--seed", "5"))
        self.assertNotEqual(first, self.plan(*arguments, "--seed", "6"))

    def test_traces(self):
        rows = "".join(f"{i * 0.001:.3f},ECC_NIST_P256\n" for i in range(2000))
        found = self.plan("--trace", "-", stdin="time,spec\n" + rows)
        self.assertAlmostEqual(found["demand"]["ECC_NIST_P256"]["mean_per_second"], 1000, delta=2)
        with Server(data=self.path("recorded"), pools={"ECC_NIST_P256": 16}) as server:
            kms = server.client()
            key = kms.create_key()["KeyMetadata"]["KeyId"]
            for _ in range(20):
                kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P256")
            kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")
            self.assertEqual(server.stop(), 0)
        found = self.plan("--audit-log", self.path("recorded"), "--scale", "3")
        self.assertEqual(list(found["demand"]), ["ECC_NIST_P256"])
        self.assertIn("20 requests", found["demand"]["ECC_NIST_P256"]["what"])

    def test_check_and_fleet(self):
        found = self.plan("--demand", "ECC_NIST_P256=2M", "--nodes", "auto", "--lost", "1")
        self.assertGreater(found["fleet"]["machines"], 2)
        done = self.keywell("check", "--cores", "1", "--pool", "ECC_NIST_P256=1", "--demand", "ECC_NIST_P256=9k", *QUICK)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("do not hold the objective for ECC_NIST_P256", done.stdout)

    def test_bad_input(self):
        self.refused("the rate is negative", "--demand", "ECC_NIST_P256=-1", status=2)
        self.refused("the trace is empty", "--trace", "/dev/null")
        self.refused("the profile does not know how long a pair takes", "--demand", "RSA_2048=1")
        self.refused("give a demand", status=2)
        with open(self.path("keywell-profile.json"), encoding="ascii") as file:
            profile = json.load(file)
        profile["cpu"] = "Another CPU"
        with open(self.path("other.json"), "w", encoding="ascii") as file:
            json.dump(profile, file)
        self.refused("the profile is of another machine: Another CPU", "--profile", "other.json", "--demand", "ECC_NIST_P256=1")
        found = self.plan("--profile", "other.json", "--other-machine", "--demand", "ECC_NIST_P256=100")
        with open(self.path("elsewhere.json"), "w", encoding="ascii") as file:
            json.dump(found, file)
        done = self.keywell("apply", "elsewhere.json", "--config", "none.conf")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the plan is for another machine", done.stderr)
        self.assertFalse(os.path.exists(self.path("none.conf")))
        found = self.plan("--demand", "ECC_NIST_P256=90M", "--cores-max", "1", status=3)
        self.assertEqual(found["verdict"], "unreachable")
        self.assertRegex(found["sentence"], "spread it over|would reach it|a demand of at most")


if __name__ == "__main__":
    unittest.main()
