#!/usr/bin/python3
"""Saved pools and kill -9: at each step of saving and loading, with each file put back that was removed by then, and at any moment. No pair is served twice over the whole
run, whatever was killed, copied or put back."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SERVER = os.environ["KEYWELL_WARMSTART_SERVER"]
POINTS = ("pool-create", "pool-take", "pool-write", "pool-sync", "pool-rename", "pool-folder", "pool-number", "store-commit", "pool-read",
    "pool-remove", "pool-serve")
USES = (1, 2, 3, 5, 9)
SEED = int(os.environ.get("KEYWELL_SEED", random.SystemRandom().randrange(1 << 32)))


class WarmStart(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="keywell-warmstart-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.data, self.served = os.path.join(self.top, "data"), os.path.join(self.top, "served")
        self.stash = os.path.join(self.top, "stash")
        os.mkdir(self.stash)
        self.random = random.Random(SEED)
        self.log = open(os.path.join(self.top, "log"), "w+b")
        self.addCleanup(self.log.close)

    def start(self, plan="", *arguments):
        environment = {name: value for name, value in os.environ.items() if name != "KEYWELL_FAULTS"}
        if plan:
            environment["KEYWELL_FAULTS"] = plan
        return subprocess.Popen([SERVER, self.data, self.served, *arguments], env=environment, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)

    def life(self, plan="", *arguments):
        """One life to its end; whether it was killed."""
        status = self.start(plan, *arguments).wait(60)
        self.assertIn(status, (0, -signal.SIGKILL), self.tail())
        return status != 0

    def tail(self):
        self.log.seek(0)
        return f"seed {SEED}\n" + self.log.read().decode(errors="replace")[-3000:]

    def serials(self):
        with open(self.served, encoding="ascii") as file:
            return file.read().split()

    def count(self, event):
        self.log.flush()
        self.log.seek(0)
        return self.log.read().count(b"event=" + event)

    def check(self):
        serials = self.serials()
        self.assertEqual(len(serials), len(set(serials)), "a pair was served twice\n" + self.tail())
        return len(serials)

    def keep(self):
        """Keeps the very files: what removes a name leaves them in our hands."""
        folder = os.path.join(self.data, "pools")
        shutil.rmtree(self.stash)
        shutil.copytree(folder, self.stash, copy_function=os.link)

    def put_back(self):
        folder = os.path.join(self.data, "pools")
        for name in os.listdir(self.stash):
            if not os.path.lexists(os.path.join(folder, name)):
                os.link(os.path.join(self.stash, name), os.path.join(folder, name))

    def tamper(self):
        """Keeps what lies in the folder, by copy or by link, and now and then puts something of it back."""
        folder = os.path.join(self.data, "pools")
        for name in os.listdir(folder):
            kept = os.path.join(self.stash, f"{self.random.randrange(4)}.{name}")
            if self.random.random() < 0.3:
                if os.path.lexists(kept):
                    os.unlink(kept)
                (os.link if self.random.random() < 0.5 else shutil.copy2)(os.path.join(folder, name), kept)
        for kept in os.listdir(self.stash):
            if self.random.random() < 0.1:
                target = os.path.join(folder, kept.split(".", 1)[1])
                if os.path.lexists(target):
                    os.unlink(target)
                (os.link if self.random.random() < 0.5 else shutil.copy2)(os.path.join(self.stash, kept), target)

    def test_killed_at_each_step(self):
        if os.environ.get("KEYWELL_FAULTS_BUILT") != "true":
            self.skipTest("this build has no fault hooks (meson option faults)")
        killed = set()
        for point in POINTS:
            for use in USES:
                self.life()
                self.keep()
                if self.life(f"{point}:kill@{use}"):
                    killed.add((point, use))
                    self.put_back()
        self.life()
        self.assertEqual({point for point, _ in killed}, set(POINTS), "some step was never killed\n" + self.tail())
        self.assertGreater(len(killed), 30)
        self.assertGreater(self.count(b"pool-restored"), 50)
        print(f"{len(killed)} lives ended at a step, {self.check()} pairs served, each once")

    def test_killed_at_any_moment(self):
        self.life()
        kills = 0
        for number in range(25):
            self.keep()
            process = self.start("", *(["no-save"] if number % 4 == 3 else []))
            time.sleep(self.random.random() * 0.03)
            process.kill()
            kills += process.wait(60) == -signal.SIGKILL
            if number % 2 == 0:
                self.put_back()
            if number % 3 == 0:
                self.life()
            self.check()
        self.assertGreater(kills, 8, self.tail())
        self.assertGreater(self.count(b"pool-restored"), 10, self.tail())
        print(f"{kills} lives ended by kill -9, {self.check()} pairs served, each once")

    def test_files_copied_and_put_back(self):
        for number in range(25):
            self.life("", *(["no-save"] if number % 5 == 4 else []))
            self.tamper()
            self.check()
        self.life()
        self.assertGreater(self.count(b"saved-pool-refused"), 10, self.tail())
        self.assertGreater(self.count(b"pool-restored"), 10, self.tail())
        print(f"{self.count(b'saved-pool-refused')} files refused, {self.count(b'pool-restored')} taken, "
            f"{self.check()} pairs served, each once")


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
