"""keywell's commands and those of Debian's AWS CLI 2: the same lines against one server, the same output and exit status."""

import base64
import http.server
import json
import os
import re
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import harness

SUPPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support")
MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "kms-service-2.json")
# What Debian's CLI, whose service model is older, does not show.
NEWER = re.compile(r'^ *"?(Current)?KeyMaterialId"?: .*\n', re.M)

# Lines that change nothing, as a shell would split them; KEY, OTHER: ids of keys. Output, error and exit status are the same.
SAME = [
    "describe-key --key-id KEY",
    "describe-key --key-id KEY --output yaml",
    "describe-key --key-id=alias/x --output text --query KeyMetadata.[KeyId,Description,Enabled,MultiRegion]",
    "describe-key --key-id KEY --output table --query KeyMetadata.{a:Arn,b:Description,c:{d:KeyState,e:EncryptionAlgorithms}}",
    "describe-key --key-i KEY --outp yaml-stream --query KeyMetadata.[Description,CreationDate,`null`,`1.50`,`1e+30`]",
    "describe-key",
    "describe-key --key-id",
    "describe-key --key-id nope",
    "describe-key --key-id KEY --foo bar",
    "describe-key --key-id KEY --output nope",
    "describe-key --key-id KEY --endpoint-url foo",
    "describe-key --key-id KEY --grant-tokens",
    "describe-key --cli-input-json {\"KeyId\":\"x\",\"GrantTokens\":[\"y\"]} --key-id KEY --query KeyMetadata.KeyId",
    "describe-key --cli-input-json {\"KeyId\":5,\"Foo\":1,\"GrantTokens\":\"a\"}",
    "describe-key --cli-input-json [1]",
    "describe-key --cli-input-json file:///nonexistent",
    "describe-key --cli-input-yaml KeyId:\tKEY --query KeyMetadata.KeyId",
    "describe-key --cli-input-yaml {KeyId:\t1}",
    "describe-key --cli-input-yaml {} --cli-input-json {}",
    "list-keys --output text",
    "list-keys --max-items 2 --page-size 1",
    "list-keys --max-items 2 --output text",
    "list-keys --max-items 2 --page-size 2 --output yaml-stream",
    "list-keys --starting-token eyJNYXJrZXIiOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAyfQ== --output table",
    "list-keys --no-paginate --limit 2 --query Truncated",
    "list-keys --no-paginate --max-items 2",
    "list-keys --max-items abc",
    "list-keys --region a_b",
    "list-keys --profile nope",
    "list-keys --query sort_by(Keys,&KeyId)[-1:].[KeyId,KeyArn] --output table",
    "list-keys --query nothing --output text",
    "list-keys --query nothing(Keys)",
    "list-resource-tags --key-id KEY --output text",
    "get-key-policy --key-id KEY --policy-name default --output yaml",
    "create-grant --key-id KEY --grantee-principal x --operations Decrypt --constraints Foo=bar,EncryptionContextSubset={a=b,c='d,e'}",
    "create-grant --key-id KEY --grantee-principal x --operations Decrypt --constraints EncryptionContextSubset={a=b",
    "tag-resource --key-id KEY --tags TagKey=a TagKey=b,TagValue=c,Foo=d TagKey=e,TagValue=f,g",
    "generate-data-key-without-plaintext --key-id KEY --key-spec AES_256 --encryption-context a=b,a=c",
    "generate-data-key-without-plaintext --key-id KEY --key-spec AES_256 --encryption-context [1]",
    "generate-data-key-without-plaintext --key-id KEY --number-of-bytes abc",
    "generate-data-key-without-plaintext --key-id KEY --number-of-bytes 2000",
    "generate-data-key-pair-without-plaintext --key-id KEY --key-pair-spec NOPE",
    "generate-data-key-pair-without-plaintext --generate-cli-skeleton output",
    "encrypt --key-id KEY --plaintext fileb:///nonexistent",
    "decrypt --ciphertext-blob AAAA",
]
# As above, but there are random bytes in the output: the same members, and as long.
ALIKE = [
    "generate-data-key-pair-without-plaintext --key-id KEY --key-pair-spec ECC_NIST_P256 --encryption-context a=b,c=d --grant-tokens x y",
    "generate-data-key-without-plaintext --key-id KEY --key-spec AES_256 --encryption-context {\"a\":\"b\"} --output yaml",
    "generate-data-key-without-plaintext --key-id KEY --number-of-bytes 64 --output text --query [KeyId,length(CiphertextBlob)]",
    "generate-data-key --key-id KEY --key-spec AES_128 --encryption-context a='b,c'",
]


def alike(text):
    """With random bytes made the same."""
    return re.sub(r"[A-Za-z0-9+/]{20,}=*", lambda match: "x" * (len(match.group()) // 8), text)


def complaint(text):
    """Without usage and the program's name."""
    return re.sub(r"(?s)^\s*usage: .*?(error: |Unknown options)", r"\1", text).strip()


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(pools={**harness.EC_POOLS, "ECC_NIST_P256": 16}).start()
        cls.addClassCleanup(cls.server.close)
        cls.top = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.top.cleanup)
        cls.environment = cls.server.environment()
        cls.key = harness.new_key(cls.server, Description="käse 中", Tags=[{"TagKey": "a", "TagValue": "b c"}])
        cls.other = harness.new_key(cls.server)
        harness.new_key(cls.server)
        cls.server.call("CreateAlias", {"AliasName": "alias/x", "TargetKeyId": cls.key})

    def keywell(self, *arguments, stdin="", environment=None, endpoint=True):
        where = ["--endpoint-url", self.server.url] if endpoint else []
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        done = subprocess.run([harness.program("keywell"), arguments[0], *where, *arguments[1:]], input=data,
            env={**self.environment, **(environment or {})}, capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def good(self, *arguments, **options):
        status, out, err = self.keywell(*arguments, **options)
        self.assertEqual((status, err), (0, ""), arguments)
        return out

    def words(self, line):
        return [word.replace("\t", " ").replace("KEY", self.key).replace("OTHER", self.other) for word in
            re.sub(r'\{"KeyId":.*?\}', lambda match: match.group(), line).split(" ")]

    def aws(self, lines):
        """The results of Debian's CLI, with the service model that keywell's tables are made of if it is there."""
        models = {}
        if os.path.exists(MODEL):
            folder = os.path.join(self.top.name, "models", "kms", "2014-11-01")
            os.makedirs(folder, exist_ok=True)
            if not os.path.exists(os.path.join(folder, "service-2.json")):
                os.symlink(os.path.abspath(MODEL), os.path.join(folder, "service-2.json"))
            models = {"AWS_DATA_PATH": os.path.join(self.top.name, "models")}
        cases = [{"arguments": ["kms", words[0], "--endpoint-url", self.server.url, *words[1:]], "environment": self.environment}
            for words in lines]
        done = subprocess.run(["/usr/bin/python3", os.path.join(SUPPORT, "awscli_many.py")], text=True, capture_output=True,
            input="".join(json.dumps(case) + "\n" for case in cases), env={**self.environment, **models}, timeout=300, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_same_as_the_aws_cli(self):
        lines = [self.words(line) for line in SAME + ALIKE]
        newer = (lambda text: text) if os.path.exists(MODEL) else (lambda text: NEWER.sub("", text))
        for words, aws in zip(lines, self.aws(lines), strict=True):
            with self.subTest(" ".join(words)):
                status, out, err = self.keywell(*words)
                out, expected = newer(out), aws["out"]
                if " ".join(words).replace(self.key, "KEY") in ALIKE:
                    out, expected = alike(out), alike(expected)
                self.assertEqual((status, out), (aws["status"], expected), err + aws["err"])
                self.assertEqual(complaint(err), complaint(aws["err"]))

    def test_skeletons(self):
        if not os.path.exists(MODEL):
            self.skipTest("the service model is not beside this source tree (../shared/kms-service-2.json)")
        self.aws([])
        done = subprocess.run(["/usr/bin/python3", os.path.join(SUPPORT, "awscli_skeletons.py")], text=True, capture_output=True,
            env={**self.environment, "AWS_DATA_PATH": os.path.join(self.top.name, "models")}, timeout=60, check=True)
        operations = json.loads(done.stdout)
        self.assertGreater(len(operations), 50)
        for command, expected in operations.items():
            with self.subTest(command):
                self.assertEqual(self.good(command, "--generate-cli-skeleton", endpoint=False), expected["input"])
                yaml = self.good(command, "--generate-cli-skeleton", "yaml-input", endpoint=False)
                self.assertEqual(re.sub(r" +#.*", "", yaml), expected["yaml"])
                status, _, err = self.keywell(command, endpoint=False, environment={"AWS_SHARED_CREDENTIALS_FILE": "/dev/null"})
                if expected["required"]:
                    self.assertEqual(status, 252)
                    self.assertIn("error: the following arguments are required: " + ", ".join(expected["required"]), err)
                else:
                    self.assertEqual(status, 253, err)

    def test_help_names_every_option(self):
        with self.subTest("all commands"):
            text = self.good("help", endpoint=False)
            self.assertIn("generate-data-key-pair-without-plaintext", text)
        for command in ("generate-data-key-pair-without-plaintext", "create-key", "list-grants"):
            text = self.good(command, "help")
            self.assertEqual(text, self.good(command, "--help"))
            self.assertIn("--cli-input-yaml", text)
            self.assertIn("--query JMESPATH", text)

    def test_dry_run(self):
        line = ("generate-data-key-pair-without-plaintext", "--key-id", self.key, "--key-pair-spec", "RSA_2048", "--dry-run")
        status, out, err = self.keywell(*line)
        self.assertEqual((status, out), (254, ""))
        self.assertEqual(err, "\nAn error occurred (DryRunOperationException) when calling the GenerateDataKeyPairWithoutPlaintext "
            "operation: The request would have succeeded, but the DryRun option is set.\n")
        self.good(*line, "--no-dry-run")

    def test_binary_values(self):
        path = os.path.join(self.top.name, "message")
        message = bytes(range(256))
        with open(path, "wb") as file:
            file.write(message)
        given = {"fileb": ("fileb://" + path, b""), "stdin": ("-", message), "base64": (base64.b64encode(message).decode(), b"")}
        for name, (value, stdin) in given.items():
            with self.subTest(name):
                blob = json.loads(self.good("encrypt", "--key-id", self.key, "--plaintext", value, stdin=stdin))["CiphertextBlob"]
                out = self.good("decrypt", "--ciphertext-blob", blob, "--query", "Plaintext", "--output", "text")
                self.assertEqual(base64.b64decode(out), message)
        raw = self.good("encrypt", "--key-id", self.key, "--plaintext", "über", "--cli-binary-format", "raw-in-base64-out",
            "--query", "CiphertextBlob", "--output", "text").strip()
        yaml = f"CiphertextBlob: !!binary {raw}\n"
        for line in (("--ciphertext-blob", raw), ("--cli-input-yaml", yaml), ("--cli-input-json", json.dumps({"CiphertextBlob": raw}))):
            with self.subTest(line[0]):
                out = self.good("decrypt", *line, "--query", "Plaintext", "--output", "text")
                self.assertEqual(base64.b64decode(out).decode(), "über")

    def test_plaintext_to_a_file(self):
        path = os.path.join(self.top.name, "key.der")
        answer = json.loads(self.good("generate-data-key-pair", "--key-id", self.key, "--key-pair-spec", "ECC_NIST_P256",
            "--plaintext-to", path))
        self.assertNotIn("PrivateKeyPlaintext", answer)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path, "rb") as file:
            harness.check_pair(self, "ECC_NIST_P256", base64.b64decode(answer["PublicKey"]), file.read())
        before = self.server.metric("keywell_requests_total")
        status, _, err = self.keywell("generate-data-key", "--key-id", self.key, "--key-spec", "AES_256", "--plaintext-to", path)
        self.assertEqual(status, 252, err)
        self.assertIn("File exists", err)
        self.assertEqual(self.server.metric("keywell_requests_total"), before, "nothing is asked for that has no place")
        status, _, _ = self.keywell("generate-data-key", "--key-id", "nope", "--key-spec", "AES_256", "--plaintext-to", path + "2")
        self.assertEqual(status, 254)
        self.assertFalse(os.path.exists(path + "2"))

    def test_settings(self):
        config, credentials = os.path.join(self.top.name, "config"), os.path.join(self.top.name, "credentials")
        with open(os.path.join(self.server.data, "credentials"), encoding="ascii") as file:
            lines = [line for line in file if line.startswith("aws_")]
        with open(credentials, "w", encoding="ascii") as file:
            file.write("[other]\n" + "".join(lines) + "[half]\naws_access_key_id = AKIA\n")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[profile other]\nregion = us-east-1\noutput = text\nservices = here\n[services here]\ns3 =\n"
                f"  endpoint_url = http://127.0.0.1:9\nkms =\n  endpoint_url = {self.server.url}\n"
                f"[profile plain]\nendpoint_url = {self.server.url}\nregion = us-east-1\n")
        files = {"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": credentials, "AWS_DEFAULT_REGION": ""}
        line = ("describe-key", "--key-id", self.key, "--query", "KeyMetadata.KeyId")
        keys = {name.strip().upper(): value.strip() for name, value in (text.split("=", 1) for text in lines)}
        with self.subTest("services section"):
            self.assertEqual(self.good(*line, "--profile", "other", environment=files, endpoint=False), self.key + "\n")
        with self.subTest("AWS_PROFILE, environment's keys"):
            found = {**files, **keys, "AWS_PROFILE": "plain"}
            self.assertEqual(self.good(*line, environment=found, endpoint=False), f'"{self.key}"\n')
        for name in ("AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL"):
            with self.subTest(name):
                found = {**files, **keys, "AWS_PROFILE": "other", name: "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
                status, _, err = self.keywell(*line, environment=found, endpoint=False)
                self.assertEqual((status, err), (255, '\nCould not connect to the endpoint URL: "http://127.0.0.1:9/"\n'))
        for why, status, more in (("Unable to locate credentials", 253, {"AWS_PROFILE": "plain"}),
                ("Partial credentials found in shared-credentials-file", 255, {"AWS_PROFILE": "half", "AWS_REGION": "us-east-1"}),
                ("You must specify a region", 253, {**keys})):
            with self.subTest(why):
                got, _, err = self.keywell(*line, environment={**files, **more})
                self.assertEqual(got, status, err)
                self.assertIn(why, err)

    def test_debug_tells_no_secret(self):
        with open(self.environment["AWS_SHARED_CREDENTIALS_FILE"], encoding="ascii") as file:
            secret = re.search(r"aws_secret_access_key\s*=\s*(\S+)", file.read())
        status, out, err = self.keywell("generate-data-key", "--key-id", self.key, "--key-spec", "AES_256", "--debug")
        self.assertEqual(status, 0)
        self.assertIn("GenerateDataKey to " + self.server.url, err)
        self.assertNotIn(secret.group(1), err)
        self.assertNotIn(json.loads(out)["Plaintext"], err)

    def test_retries(self):
        answers = [(503, b""), (400, b'{"__type":"ThrottlingException","message":"slow"}'), (200, b'{"Keys":[],"Truncated":false}')]
        seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                seen.append(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = answers[min(len(seen) - 1, len(answers) - 1)]
                self.send_response(status)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in (body[:5], body[5:]):
                    if piece:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")
                self.close_connection = True

            def log_message(self, *_):
                pass

            protocol_version = "HTTP/1.1"

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = "http://127.0.0.1:%d" % server.server_address[1]
            self.assertEqual(self.good("list-keys", "--endpoint-url", url, endpoint=False), '{\n    "Keys": []\n}\n')
            self.assertEqual(seen, [b"{}"] * 3)
            seen.clear()
            answers[:] = [(400, b'{"__type":"a#ThrottlingException","message":"slow"}')]
            status, _, err = self.keywell("list-keys", "--endpoint-url", url, endpoint=False, environment={"AWS_MAX_ATTEMPTS": "2"})
            self.assertEqual((status, len(seen)), (254, 2))
            self.assertIn("An error occurred (ThrottlingException) when calling the ListKeys operation (reached max retries: 1): slow", err)
            server.shutdown()

    def test_timeouts_and_strangers(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = "http://127.0.0.1:%d" % server.getsockname()[1]
            started = time.monotonic()
            status, _, err = self.keywell("list-keys", "--endpoint-url", url, "--cli-read-timeout", "1", endpoint=False,
                environment={"AWS_MAX_ATTEMPTS": "1"})
            self.assertEqual((status, err), (255, f'\nRead timeout on endpoint URL: "{url}/"\n'))
            self.assertLess(time.monotonic() - started, 10)
            server.accept()[0].close()

            def stranger():
                with server.accept()[0] as peer:
                    peer.recv(65536)
                    peer.sendall(b"SSH-2.0-OpenSSH_9\r\n\r\n")
                    peer.recv(65536)

            thread = threading.Thread(target=stranger)
            thread.start()
            status, _, err = self.keywell("list-keys", "--endpoint-url", url, endpoint=False, environment={"AWS_MAX_ATTEMPTS": "1"})
            thread.join()
            self.assertEqual(status, 255)
            self.assertIn("is not an HTTP/1.1 server", err)
