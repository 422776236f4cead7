"""Clients from npm: the AWS SDK for JavaScript and the AWS Encryption SDK, in the versions that clients/package-lock.json pins."""

import filecmp
import os
import shutil
import subprocess
import unittest

import harness

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
# Made once a build; the sources stay clean.
INSTALLED = os.path.join(harness.BUILD, "e2e-clients")


def is_installed():
    mark = os.path.join(INSTALLED, "node_modules", ".installed")
    return os.path.exists(mark) and filecmp.cmp(mark, os.path.join(SOURCES, "package-lock.json"), shallow=False)


def install():
    """The reason why the packages are not there, or None."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not installed (tools/deps --tests installs them)"
    if is_installed():
        return None
    shutil.rmtree(os.path.join(INSTALLED, "node_modules"), ignore_errors=True)
    os.makedirs(INSTALLED, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(SOURCES, name), INSTALLED)
    try:
        result = subprocess.run(["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
            "--fetch-retries=1", "--fetch-timeout=30000"], cwd=INSTALLED, text=True, capture_output=True, stdin=subprocess.DEVNULL,
            timeout=240, check=False)
    except subprocess.TimeoutExpired:
        return "npm did not finish within four minutes"
    if result.returncode != 0:
        return "npm cannot install the packages (no network?): " + result.stderr.strip()[-400:]
    # Last, so that an installation which was cut short is made again.
    shutil.copy(os.path.join(SOURCES, "package-lock.json"), os.path.join(INSTALLED, "node_modules", ".installed"))
    return None


class Node(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = install()
        if reason:
            raise unittest.SkipTest(reason)

    def run_program(self, name):
        server = harness.shared()
        keys = server.credentials()
        environment = harness.clean_environment(KEYWELL_URL=server.url, AWS_ACCESS_KEY_ID=keys.access_key,
            AWS_SECRET_ACCESS_KEY=keys.secret_key, NODE_PATH=os.path.join(INSTALLED, "node_modules"),
            NODE_NO_WARNINGS="1")
        result = subprocess.run(["node", "--test-reporter=tap", os.path.join(SOURCES, name)], env=environment, text=True, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=120, check=False)
        self.assertEqual(result.returncode, 0, result.stdout[-8000:] + result.stderr[-4000:])
        # Tests that did not run have not passed.
        self.assertRegex(result.stdout, r"(?m)^# pass [1-9]")
        self.assertRegex(result.stdout, r"(?m)^# skipped 0$")

    def test_sdk(self):
        self.run_program("test_sdk.js")

    def test_encryption_sdk(self):
        self.run_program("test_encryption_sdk.js")


if __name__ == "__main__":
    unittest.main()
