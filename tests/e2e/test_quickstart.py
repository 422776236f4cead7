"""tools/quickstart as a new user runs it, and as one who changes their mind in the middle."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import harness

# Measures how long things take, or needs the cores for itself.
ALONE = True

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "quickstart")


def processes_of(folder):
    """Ids of the processes that were given something in the folder on their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if folder.encode() in file.read():
                    found.append(int(name))
        except OSError:
            pass
    return found


class Quickstart(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="keywell-e2e-")
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)

    def start(self, *options, **more):
        environment = harness.clean_environment(TMPDIR=self.top)
        # What a user may have set must not lead astray.
        environment.update(AWS_PROFILE="no-such-profile", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="y", HTTP_PROXY="http://127.0.0.1:1")
        return subprocess.Popen([SCRIPT, "--build", harness.BUILD, *options], env=environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, **more)

    def gone(self):
        deadline = time.monotonic() + 15
        while processes_of(self.top) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(processes_of(self.top), [], "a process is left")
        self.assertEqual([name for _, folders, _ in os.walk(self.top) for name in folders if name == "work"], [])

    def test_keep(self):
        process = self.start("--keep")
        said = process.communicate(timeout=400)[0]
        self.assertEqual(process.returncode, 0, said)
        for spec in (*harness.SPECS, "AES_128", "AES_256", "64 bytes"):
            self.assertRegex(said, rf"{spec} +\d+ +[0-9.]+ ms +\S+ +yes")
        self.assertIn("audit-000001.jsonl", said)
        server = int(re.search(r"kill (\d+)", said)[1])
        self.assertEqual(processes_of(self.top), [server])
        # What it says about going on works as it stands there.
        commands = "\n".join(line.strip() for line in said.splitlines() if line.startswith(("  export ", "  /usr/bin/aws ")))
        result = subprocess.run(["sh", "-ec", commands], env=harness.clean_environment(), text=True, capture_output=True, timeout=60,
            check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("PrivateKeyPlaintext", result.stdout)
        os.kill(server, signal.SIGTERM)
        self.gone()

    def test_interrupted(self):
        for seconds in (1.5, 5):
            for number in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(seconds=seconds, signal=number):
                    process = self.start()
                    time.sleep(seconds)
                    # Ctrl-C reaches every process of the terminal's foreground group.
                    os.killpg(process.pid, number)
                    process.communicate(timeout=30)
                    self.assertEqual(process.returncode, 128 + number)
                    self.gone()

    def test_killed(self):
        process = self.start()
        time.sleep(4)
        process.kill()
        process.communicate(timeout=30)
        deadline = time.monotonic() + 15
        while processes_of(self.top) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(processes_of(self.top), [], "the server outlives its quickstart")

    def test_usage(self):
        for arguments, status in ((("--help",), 0), (("--nothing",), 2), (("--build",), 2)):
            result = subprocess.run([SCRIPT, *arguments], text=True, capture_output=True, timeout=10, check=False)
            self.assertEqual(result.returncode, status)
            self.assertTrue(result.stdout if status == 0 else result.stderr)


if __name__ == "__main__":
    unittest.main()
