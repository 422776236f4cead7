"""keywell doctor: what it finds on this machine, and on one that is made worse for it."""

import json
import os
import pty
import resource
import subprocess
import tempfile
import unittest

from harness import clean_environment, program

CHECKS = ["self-test", "core dumps", "locked memory", "io_uring", "CPU path", "cores", "idle priority", "autogroup",
    "disk commit", "clock", "open files", "huge pages"]


class Doctor(unittest.TestCase):
    def run_doctor(self, *arguments, status=0, environment=None, **options):
        done = subprocess.run([program("keywell"), "doctor", *arguments], capture_output=True, text=True, timeout=60,
            env=clean_environment(**(environment or {})), **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def findings(self, *arguments, **options):
        report = json.loads(self.run_doctor("--json", *arguments, **options).stdout)
        return report, {finding["check"]: finding for finding in report["findings"]}

    def test_this_machine(self):
        with tempfile.TemporaryDirectory() as folder:
            report, findings = self.findings("--data", os.path.join(folder, "not-there-yet"))
            self.assertEqual(os.listdir(folder), [])
        self.assertEqual(list(findings), CHECKS)
        # The tests that run beside this one start servers here.
        self.assertNotEqual(report["verdict"], "fail")
        self.assertEqual(report["machine"]["cores"], len(os.sched_getaffinity(0)))
        self.assertGreater(report["machine"]["commit_median_us"], 0)
        self.assertGreaterEqual(report["machine"]["commit_p99_us"], report["machine"]["commit_median_us"])
        self.assertIn(folder, findings["disk commit"]["what"])
        for finding in findings.values():
            self.assertEqual("advice" in finding, finding["verdict"] != "ok", finding)

    def test_limits_are_seen(self):
        def shrink():
            resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))

        report, findings = self.findings(preexec_fn=shrink)
        self.assertEqual(report["machine"]["open_files"], 512)
        self.assertEqual(findings["open files"]["verdict"], "warn")

    def test_what_fails(self):
        done = self.run_doctor("--data", "/proc/nowhere/at/all", status=1)
        self.assertRegex(done.stdout, r"(?m)^fail  disk commit +/proc/nowhere/at: ")
        self.assertRegex(done.stdout, r"(?m)^ +-> name a folder by --data")
        done = self.run_doctor(status=1, environment={"KEYWELL_CPU": "abacus"})
        self.assertRegex(done.stdout, r"(?m)^fail  CPU path +KEYWELL_CPU=abacus: there is no such path")

    def test_usage(self):
        self.assertIn("--json", self.run_doctor("--help").stdout)
        self.run_doctor("--sideways", status=2)
        self.run_doctor("sideways", status=2)

    def test_colours_are_for_terminals(self):
        def on_terminal(*arguments, **environment):
            leader, follower = pty.openpty()
            with os.fdopen(leader, "rb", buffering=0) as screen:
                process = subprocess.Popen([program("keywell"), "doctor", *arguments], stdout=follower,
                    env=clean_environment(TERM="xterm", **environment))
                os.close(follower)
                text = b""
                try:
                    while piece := screen.read(65536):
                        text += piece
                except OSError:  # the other side is gone
                    pass
                self.assertEqual(process.wait(30), 0)
                return text.decode()

        self.assertIn("\033[32mok", on_terminal())
        self.assertNotIn("\033", on_terminal("--no-color"))
        self.assertNotIn("\033", on_terminal(NO_COLOR="1"))
        self.assertNotIn("\033", self.run_doctor().stdout)


if __name__ == "__main__":
    unittest.main()
