"""What bench/serve runs: keywelld and nginx on one core, keywell-load on the other, and what each took of the processor."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "e2e"))
import harness

ALIAS = "alias/bench-serve"
OPERATION = "GenerateDataKeyPairWithoutPlaintext"
SPECS = ("RSA_2048", "RSA_4096", "ECC_NIST_P256")
# A saved pair is a little longer than that: no pool may be smaller than what its file holds, or the rest is lost.
SAVED_BYTES = {"RSA_2048": 1400, "RSA_4096": 2700, "ECC_NIST_P256": 200}
OBJECTIVE_US = 1000
# Refill begins below seven eighths of a pool, so no more can be waited for.
FILLED = 0.87
# A smoke run asks for no more than answers.
QUICK_OBJECTIVE_US = 2000000


class Trouble(Exception):
    """The benchmark cannot go on; the text is a sentence."""


class Block:
    """One run of the load program, and what the machine did meanwhile."""

    def __init__(self, result, requests, wall_s, cpu_s, kworker_s, maker_s, quick):
        self.quick, requests = quick, max(requests, 1)
        self.rate, self.good = result["rate"], result["good_per_second"]
        self.requests, self.failed, self.misses = result["requests"], result["failed"], result["misses"]
        self.errors, self.seconds = result["errors"], result["seconds"]
        latency = result["latency_us"] or {}
        self.p50, self.p99, self.p999 = (latency.get(name) for name in ("p50", "p99", "p99.9"))
        self.core, self.valid, self.steal = result["generator_core"], result["valid"], result["steal"]
        self.invalid, self.bytes = result["invalid"], result["bytes_per_answer"]
        self.cpu_us, self.kworker_us = cpu_s / requests * 1e6, kworker_s / requests * 1e6
        self.makers = maker_s / wall_s

    def met(self):
        objective = QUICK_OBJECTIVE_US if self.quick else OBJECTIVE_US
        return self.kept_up() and self.p99 is not None and self.p99 < objective

    def kept_up(self):
        """As many answers as requests, and no doubt about the load program."""
        return not self.failed and (self.quick or self.valid and self.good >= 0.99 * self.rate)

    def to_json(self):
        return {"rate": self.rate, "good_per_second": self.good, "requests": self.requests, "failed": self.failed,
            "errors": self.errors, "misses": self.misses, "p50_us": self.p50, "p99_us": self.p99, "p99_9_us": self.p999,
            "generator_core": self.core, "valid": self.valid, "invalid": self.invalid, "steal": self.steal,
            "cpu_us_per_request": self.cpu_us, "kworker_us_per_request": self.kworker_us, "worker_cores": self.makers}


def process_seconds(pid):
    """CPU time of all threads there are and were, those that the kernel runs for its rings included."""
    return time.clock_gettime((~pid << 3) | 2)


def schedule_seconds(folder):
    with contextlib.suppress(OSError), open(folder + "/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9
    return 0.0


def comm(folder):
    with contextlib.suppress(OSError), open(folder + "/comm", encoding="ascii") as file:
        return file.read()
    return ""


class Makers:
    """CPU time of the workers that fill the pools, those included that have ended: a halt ends them all."""

    def __init__(self, pid):
        self.folder = f"/proc/{pid}/task"
        self.seen = {}

    def seconds(self):
        for task in os.listdir(self.folder):
            folder = f"{self.folder}/{task}"
            if comm(folder).startswith("kw-maker"):
                self.seen[task] = max(schedule_seconds(folder), self.seen.get(task, 0.0))
        return sum(self.seen.values())


def kworker_seconds():
    """CPU time of the kernel's own workers, which complete writes among other things: of the whole machine."""
    folders = [f"/proc/{name}" for name in os.listdir("/proc") if name.isdigit()]
    return sum(schedule_seconds(folder) for folder in folders if comm(folder).startswith("kworker/"))


def steal_and_all():
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(text) for text in file.readline().split()[1:9]]
    return ticks[7], sum(ticks)


def certificate(folder):
    """A certificate and its key for both servers. Returns their paths."""
    names = [os.path.join(folder, name) for name in ("bench.crt", "bench.key")]
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-out", names[0], "-keyout", names[1]],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Trouble(f"openssl made no certificate: {done.stderr.strip().splitlines()[-1]}.")
    os.chmod(names[1], 0o600)
    return names


class Keywell:
    """keywelld, its threads that serve on the first core, its workers on both."""

    def __init__(self, options, tls):
        self.options, self.tls = options, tls
        self.data = options.data
        arguments = ["--cpus", f"{options.server_core},{options.load_core}", "--serving-cpus", str(options.server_core),
            "--serving-threads", "1", "--log-level", "warn"]
        if tls:
            arguments += ["--tls-cert", tls[0], "--tls-key", tls[1]]
        self.server = harness.Server(data=self.data, build=options.build, options=arguments,
            pools={**dict.fromkeys(harness.SPECS, 0), **{spec: self.capacity(spec) for spec in SPECS}})
        if tls:
            self.server.ca = tls[0]
        self.refilling = True

    def capacity(self, spec):
        """More than will ever be there of RSA_2048, so that workers that run always have something to do."""
        pairs = self.options.depth[spec]
        with contextlib.suppress(OSError):
            size = os.path.getsize(os.path.join(self.data, "pools", spec + ".saved"))
            pairs = max(pairs, size // SAVED_BYTES[spec] + 1)
        return pairs + pairs // 4 + 20 if spec == "RSA_2048" else pairs

    def start(self):
        self.server.start(seconds=300)
        self.pid = self.server.process.pid
        self.makers = Makers(self.pid)
        answer = self.server.call("DescribeKey", {"KeyId": ALIAS})
        if answer.status != 200:
            key = harness.new_key(self.server)
            answer = self.server.call("CreateAlias", {"AliasName": ALIAS, "TargetKeyId": key})
            if answer.status != 200:
                raise Trouble(f"no key could be made: {answer.message}.")
        return self

    def stop(self):
        """SIGTERM, so that the pools are saved."""
        if self.server.process and self.server.process.poll() is None:
            self.server.stop(120)

    def refill(self, on):
        if on == self.refilling:
            return
        os.kill(self.pid, signal.SIGUSR2 if on else signal.SIGUSR1)
        self.server.wait_until(lambda: (self.server.metric("keywell_workers") > 0) == on, 30, "heeding a signal")
        self.refilling = on

    def level(self, spec):
        return int(self.server.metric("keywell_pool_level", spec=spec))

    def stock(self, spec, pairs):
        """Waits until the pool has so many, refilling as long as that takes."""
        if self.level(spec) >= pairs:
            return
        was = self.refilling
        self.refill(True)
        self.server.wait_until(lambda: self.level(spec) >= pairs, 120, f"able to make {pairs:.0f} pairs of {spec}")
        self.refill(was)

    def counters(self):
        metrics = self.server.metrics()
        return {"records": metrics["keywell_audit_records_total"], "commits": metrics["keywell_audit_commits_total"],
            "healthy": metrics["keywell_audit_healthy"]}

    def usage(self):
        makers = self.makers.seconds()
        return process_seconds(self.pid) - makers, makers

    def arguments(self, spec):
        arguments = ["--endpoint-url", self.server.url, "--key-id", ALIAS, "--operation", f"{OPERATION}:{spec}"]
        return arguments + (["--ca-bundle", self.tls[0]] if self.tls else [])

    def environment(self):
        return self.server.environment()


NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    open_file_cache max=16 inactive=3600s;
    open_file_cache_valid 3600s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} {tls};
        {certificate}
        root {folder}/files;
    }}
}}
"""
NGINX_TLS = """ssl_certificate {0}; ssl_certificate_key {1}; ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:bench:1m;"""


def find_nginx(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise Trouble(f"{name} is missing, beside which keywell is measured: tools/deps --tests installs it (Debian's nginx-light), "
            "--no-nginx leaves it out")
    return path


class Nginx:
    """One worker on the server's core that serves a file as long as our answers."""

    def __init__(self, options, tls, size):
        self.tls = tls
        self.folder = tempfile.mkdtemp(prefix="keywell-nginx-")
        self.process = None
        self.port = harness.free_port()
        os.mkdir(os.path.join(self.folder, "files"))
        with open(os.path.join(self.folder, "files", "answer"), "wb") as file:
            file.write(b"x" * size)
        with open(os.path.join(self.folder, "nginx.conf"), "w", encoding="ascii") as file:
            file.write(NGINX.format(folder=self.folder, port=self.port, tls="ssl" if tls else "",
                user="user root;" if os.geteuid() == 0 else "", certificate=NGINX_TLS.format(*tls) if tls else ""))
        self.core, self.program = options.server_core, find_nginx(options.nginx)

    def start(self):
        self.process = subprocess.Popen([self.program, "-p", self.folder, "-c", os.path.join(self.folder, "nginx.conf")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.core}))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
                with open(children, encoding="ascii") as file:
                    self.pid = int(file.read().split()[0])
                return self
            time.sleep(0.05)
        raise Trouble(f"nginx does not serve: {self.process.stderr.read().strip() if self.process.poll() is not None else 'no answer'}.")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def usage(self):
        return process_seconds(self.pid), 0.0

    def arguments(self, _):
        scheme = "https" if self.tls else "http"
        arguments = ["--endpoint-url", f"{scheme}://127.0.0.1:{self.port}", "--static", "/answer"]
        return arguments + (["--ca-bundle", self.tls[0]] if self.tls else [])

    def environment(self):
        return harness.clean_environment()


class Load:
    """keywell-load on the second core."""

    def __init__(self, options):
        self.options = options
        self.steal = steal_and_all()
        self.busiest = 0.0
        self.process = None

    def run(self, target, rate, seconds, spec=None, warm_up=None):
        warm_up = self.options.warm_up if warm_up is None else warm_up
        command = [harness.program("keywell-load", self.options.build), *target.arguments(spec), "--rate", f"{rate:.0f}",
            "--duration", f"{seconds:.3f}", "--warm-up", f"{warm_up:.3f}", "--connections", str(self.options.connections),
            "--cpu", str(self.options.load_core), "--no-probe", "--quiet", "--timeout", "5", "--json", "-"]
        kworkers, (cpu, makers), began = kworker_seconds(), target.usage(), time.monotonic()
        self.process = subprocess.Popen(command, env=target.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        out, err = self.process.communicate(timeout=seconds + warm_up + 60)
        (cpu_now, makers_now), kworkers_now, wall = target.usage(), kworker_seconds(), time.monotonic() - began
        if self.process.returncode not in (0, 4):
            raise Trouble(f"keywell-load ended with {self.process.returncode}: {err.strip() or 'no reason given'}")
        result = json.loads(out)["results"][0]
        if result["failed"] and not result["good"]:
            raise Trouble(f"nothing was answered: {result['errors']}.")
        block = Block(result, result["requests"] + rate * warm_up, wall, cpu_now - cpu, kworkers_now - kworkers, makers_now - makers,
            self.options.quick)
        self.busiest = max(self.busiest, block.core if block.valid else 0)
        return block

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def steal_so_far(self):
        (steal, everything), (steal_then, then) = steal_and_all(), self.steal
        return (steal - steal_then) / max(everything - then, 1)
