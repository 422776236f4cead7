"""Starts keywelld the way a user would and talks to it the way a stock client, or a hostile one, would."""

import atexit
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

BUILD = os.environ.get("KEYWELL_BUILD", "build")
FAULTS_BUILD = os.environ.get("KEYWELL_FAULTS_BUILD", "")
REGION = "us-east-1"
ACCOUNT = "000000000000"
SPECS = ("RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519")
# Small, so that a server is ready within seconds on a slow machine.
POOLS = {"RSA_2048": 4, "RSA_3072": 2, "RSA_4096": 2, "ECC_NIST_P256": 16, "ECC_NIST_P384": 16, "ECC_NIST_P521": 16,
    "ECC_SECG_P256K1": 16, "ECC_NIST_EDWARDS25519": 16}
EC_POOLS = {**POOLS, "RSA_2048": 1, "RSA_3072": 1, "RSA_4096": 1}


def program(name, build=None):
    return os.path.join(build or BUILD, "tools", name)


def clean_environment(**more):
    """The caller's environment without what would lead a client elsewhere."""
    environment = {name: value for name, value in os.environ.items()
        if not name.startswith(("AWS_", "KEYWELL_")) and name.lower() not in ("http_proxy", "https_proxy", "all_proxy")}
    environment.update(AWS_CONFIG_FILE="/dev/null", AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="",
        AWS_DEFAULT_REGION=REGION, **more)
    return environment


class Server:
    """A keywelld of our own. Used as a context manager, it is gone afterwards, whatever happened."""

    def __init__(self, data=None, pools=None, build=None, faults=None, options=()):
        self.top = None if data else tempfile.mkdtemp(prefix="keywell-e2e-")
        self.data = data or os.path.join(self.top, "data")
        self.log_path = (self.top or self.data.rstrip("/")) + ("/keywelld.log" if self.top else ".log")
        self.pools, self.build, self.faults, self.options = pools or POOLS, build, faults, list(options)
        self.process = None
        self.tls = False
        self.ca = os.path.join(self.data, "tls.crt")

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_):
        self.close()

    def command(self):
        command = [program("keywelld", self.build), "--data", self.data, "--listen", "127.0.0.1:0", "--admin",
            "127.0.0.1:0"]
        for spec, count in self.pools.items():
            command += ["--pool", f"{spec}={count}"]
        return command + self.options

    def start(self, ready=True, seconds=120):
        environment = clean_environment()
        if self.faults:
            environment["KEYWELL_FAULTS"] = self.faults
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.data, "run.json"))
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment)
        _running.append(self.process)
        self.wait_until(self.read_run_file, 30, "listening")
        if ready:
            self.wait_until(lambda: self.admin_get("/readyz")[0] == 200, seconds, "ready")
        return self

    def wait_until(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                raise RuntimeError(f"keywelld ended with {self.process.returncode}:\n{self.log()[-4000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"keywelld was not {what} after {seconds} s:\n{self.log()[-4000:]}")
            time.sleep(0.05)

    def read_run_file(self):
        try:
            with open(os.path.join(self.data, "run.json"), encoding="utf-8") as file:
                run = json.load(file)
        except FileNotFoundError:
            return False
        if run["pid"] != self.process.pid:
            return False
        self.address, self.tls = split_address(run["listen"]), run["tls"]
        self.admin = split_address(run["admin"]) if run["admin"] else None
        return True

    @property
    def url(self):
        return "%s://%s:%d" % ("https" if self.tls else "http", *self.address)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, seconds=20):
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.kill()
        if self.top:
            shutil.rmtree(self.top, ignore_errors=True)

    def admin_get(self, path):
        """Status and text of a page of the admin listener."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open("http://%s:%d%s" % (*self.admin, path), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metrics(self):
        """Every sample of /metrics as {'name{labels}': value}."""
        samples = {}
        for line in self.admin_get("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def metric(self, name, **labels):
        """The sum of the samples of that name that have these labels."""
        total = 0.0
        for sample, value in self.metrics().items():
            if re.split(r"[{ ]", sample)[0] == name and all(f'{key}="{text}"' in sample for key, text in labels.items()):
                total += value
        return total

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def credentials(self):
        with open(os.path.join(self.data, "credentials"), encoding="ascii") as file:
            values = dict(re.findall(r"^(aws_\w+)\s*=\s*(\S+)", file.read(), re.M))
        return botocore.credentials.Credentials(values["aws_access_key_id"], values["aws_secret_access_key"])

    def environment(self):
        return clean_environment(AWS_SHARED_CREDENTIALS_FILE=os.path.join(self.data, "credentials"))

    def client(self, **options):
        keys = self.credentials()
        settings = {"retries": {"total_max_attempts": 1}, "proxies": {}, "connect_timeout": 5, "read_timeout": 30, **options}
        return boto3.client("kms", region_name=REGION, endpoint_url=self.url, aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key, config=botocore.config.Config(**settings), verify=self.ca if self.tls else None)

    def connect(self, timeout=30, **tls):
        connection = Connection(self.address, timeout)
        if self.tls:
            connection.wrap(self.tls_context(), self.address[0], **tls)
        return connection

    def tls_context(self):
        return ssl.create_default_context(cafile=self.ca)

    def signed(self, operation, body, **changes):
        return signed_request(self, operation, body, **changes)

    def call(self, operation, body=None, **changes):
        """One signed request on a connection of its own."""
        with self.connect() as connection:
            connection.send(self.signed(operation, body, **changes))
            return connection.answer()

    def audit_verify(self):
        return run_tool("keywell", "audit", "verify", self.data, build=self.build)

    def audit_records(self):
        """The API records of the log, in order: lines that name an event."""
        return (line for line in self.audit_lines() if "eventName" in line)

    def audit_lines(self):
        """All lines of the log, in order, up to the zero tail of each segment. What a quarantined segment holds counts; what was
        written again after it comes once."""
        folder = os.path.join(self.data, "audit")
        seen = set()
        for name in sorted(os.listdir(folder)):
            if not re.match(r"audit-\d+\.jsonl(?!\.tmp)", name):
                continue
            with open(os.path.join(folder, name), "rb") as file:
                text = file.read().split(b"\0", 1)[0]
            for line in text.split(b"\n"):
                with contextlib.suppress(ValueError):
                    record = json.loads(line)
                    if record["sequence"] not in seen:
                        seen.add(record["sequence"])
                        yield record


_running = []


@atexit.register
def _leave_nothing():
    for process in _running:
        if process.poll() is None:
            process.kill()


def split_address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def run_tool(name, *arguments, build=None, seconds=60):
    return subprocess.run([program(name, build), *arguments], env=clean_environment(), text=True, capture_output=True,
        stdin=subprocess.DEVNULL, timeout=seconds, check=False)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error's type without a namespace, or None."""
        kind = self.json.get("__type") if self.body else None
        return kind.split("#")[-1] if kind else None

    @property
    def message(self):
        return self.json.get("message")

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:400]!r}"


class Connection:
    """A raw socket with just enough HTTP to read answers in order."""

    def __init__(self, address, timeout=30):
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def wrap(self, context, name, **options):
        self.socket = context.wrap_socket(self.socket, server_hostname=name, **options)

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        piece = self.socket.recv(65536)
        self.buffer += piece
        return bool(piece)

    def answer(self):
        """The next answer, or None if the server closed before one began."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                if self.buffer:
                    raise ConnectionError(f"closed inside a head: {self.buffer!r}")
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        status = int(first.split(" ")[1])
        if status == 100:
            return Answer(status, headers, b"")
        length = int(headers.get("content-length", 0))
        while len(self.buffer) < length:
            if not self.fill():
                raise ConnectionError("closed inside a body")
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, headers, body)

    def closed_within(self, seconds):
        """True if the server closes the connection (or resets it) within that time."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
            return True
        except TimeoutError:
            return False
        except ConnectionError:
            return True


def signed_request(server, operation, body=None, *, at=None, keys=None, region=REGION, service="kms", headers=None,
        drop=(), tamper=None, target=None):
    """The bytes of a signed request. body: bytes, or something to be made JSON. at: seconds since the epoch. tamper: changes
    the finished head as text. Headers named in drop are left out after signing."""
    data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    all_headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target or f"TrentService.{operation}",
        **(headers or {})}
    request = botocore.awsrequest.AWSRequest("POST", server.url + "/", data=data, headers=all_headers)
    with _signing_clock(at):
        botocore.auth.SigV4Auth(keys or server.credentials(), service, region).add_auth(request)
    prepared = request.prepare()
    lines = ["POST / HTTP/1.1"]
    sent = {"Host": "%s:%d" % server.address, **dict(prepared.headers.items()), "Content-Length": str(len(data))}
    for name, value in sent.items():
        if name.lower() not in drop:
            lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return (tamper(head) if tamper else head).encode() + data


@contextlib.contextmanager
def _signing_clock(at):
    """botocore signs with the time of day; this gives it another one."""
    if at is None:
        yield
        return
    original = botocore.auth.datetime

    class Clock:
        class datetime(original.datetime):
            @classmethod
            def utcnow(cls):
                return original.datetime.utcfromtimestamp(at)

    botocore.auth.datetime = Clock
    try:
        yield
    finally:
        botocore.auth.datetime = original


_shared = []


def shared():
    """One server for all tests that leave no trace in it; it ends with the run."""
    if not _shared or _shared[0].process.poll() is not None:
        _shared[:] = [Server().start()]
        atexit.register(_shared[0].close)
    return _shared[0]


def new_key(server, **members):
    """Id of a new KMS key."""
    return server.call("CreateKey", members).json["KeyMetadata"]["KeyId"]


def import_material(server, key, material, **members):
    """Brings the material of a key of origin EXTERNAL (a secret key, not a pair) in."""
    given = server.call("GetParametersForImport", {"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}).json
    public = serialization.load_der_public_key(base64.b64decode(given["PublicKey"]))
    wrapped = public.encrypt(material, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    return server.call("ImportKeyMaterial", {"KeyId": key, "ImportToken": given["ImportToken"],
        "EncryptedKeyMaterial": base64.b64encode(wrapped).decode(), "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", **members})


def private_key_of(der):
    return serialization.load_der_private_key(der, None)


def public_der(private):
    return private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def check_pair(test, spec, public, private_der):
    """The pair is of the spec, its halves belong together, and the numbers are such that the private half works."""
    private = private_key_of(private_der)
    test.assertEqual(public_der(private), public, f"{spec}: the halves do not belong together")
    message = b"keywell"
    if spec.startswith("RSA"):
        test.assertEqual(private.key_size, int(spec.split("_")[1]))
        test.assertEqual(private.public_key().public_numbers().e, 65537)
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        private.public_key().verify(private.sign(message, scheme, hashes.SHA256()), message, scheme, hashes.SHA256())
    elif spec == "ECC_NIST_EDWARDS25519":
        private.public_key().verify(private.sign(message), message)
    else:
        curve = {"ECC_NIST_P256": "secp256r1", "ECC_NIST_P384": "secp384r1", "ECC_NIST_P521": "secp521r1",
            "ECC_SECG_P256K1": "secp256k1"}[spec]
        test.assertEqual(private.curve.name, curve)
        algorithm = ec.ECDSA(hashes.SHA256())
        private.public_key().verify(private.sign(message, algorithm), message, algorithm)
