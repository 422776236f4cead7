#!/usr/bin/python3
"""What authorisation costs a request: GenerateDataKeyPairWithoutPlaintext against a server with one serving thread on a core of
its own, with keys that differ only in what decides about them. They take turns, several times; compared is the CPU time of the
serving thread for a request.

Usage: authorise_requests.py [--build FOLDER] [--rounds N] [--seconds S] [--grants N] [--pool N] [--json FILE]
Wants two idle cores (or hyperthreads): the server gets the first, the load the others.
"""

import argparse
import itertools
import json
import os
import select
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "e2e"))
import harness

OPERATION = "GenerateDataKeyPairWithoutPlaintext"
ADMIN = f"arn:aws:iam::{harness.ACCOUNT}:user/admin"
CONNECTIONS, PIPELINED = 16, 16
CONTEXTS = 64  # that take turns, so that not all requests meet the same grant


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(principal, actions="kms:*", **members):
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions, "Resource": "*", **members}


# Nobody but another user: what the administrator may then do, grants say.
OF_ANOTHER = policy(allow(f"arn:aws:iam::{harness.ACCOUNT}:user/another"))


def conditioned(number, allows):
    """Statements of which every other fails at its first condition and the rest at the last one."""
    tenant = "t0" if allows or number % 2 else f"t{number + 1}"
    return allow(ADMIN, ["kms:GenerateDataKeyPair*", "kms:Decrypt"], Condition={
        "StringEquals": {"kms:EncryptionContext:tenant": tenant, "kms:DataKeyPairSpec": "ECC_NIST_P256"},
        "IpAddress": {"aws:SourceIp": "127.0.0.0/8" if allows else "10.0.0.0/8"}})


class Load:
    """Some connections, each with a few requests on their way, pipelined."""

    def __init__(self, server):
        self.connections = [server.connect() for _ in range(CONNECTIONS)]
        self.poll = select.epoll()
        for connection in self.connections:
            self.poll.register(connection.socket, select.EPOLLIN)

    def close(self):
        self.poll.close()
        for connection in self.connections:
            connection.socket.close()

    def run(self, batches):
        """Sends batches (how many requests, their bytes) as long as there are some; returns how many answers came, and raises for
        one that is no success."""
        waiting, total = {}, 0

        def send(connection):
            number, data = next(batches, (0, b""))
            connection.buffer = b""
            if number:
                waiting[connection.socket.fileno()] = (connection, number)
                connection.send(data)

        for connection in self.connections:
            send(connection)
        while waiting:
            for descriptor, _ in self.poll.poll():
                connection, number = waiting[descriptor]
                if not connection.fill():
                    raise RuntimeError("the server closed a connection")
                buffer = connection.buffer
                # No answer has a brace within, or another one's first line.
                if buffer.count(b"HTTP/1.1 200 ") != buffer.count(b"HTTP/1.1 "):
                    raise RuntimeError(buffer)
                if buffer.count(b"HTTP/1.1 200 ") == number and buffer.endswith(b"}"):
                    total += number
                    del waiting[descriptor]
                    send(connection)
        return total


def batches_of(requests):
    """In batches of PIPELINED."""
    batch = []
    for request in requests:
        batch.append(request)
        if len(batch) == PIPELINED:
            yield len(batch), b"".join(batch)
            batch = []
    if batch:
        yield len(batch), b"".join(batch)


def serving_ns(server):
    """CPU time of the serving thread."""
    total = 0
    for task in os.listdir(f"/proc/{server.process.pid}/task"):
        folder = f"/proc/{server.process.pid}/task/{task}"
        with open(f"{folder}/comm", encoding="ascii") as name, open(f"{folder}/schedstat", encoding="ascii") as stat:
            if name.read().startswith("serve"):
                total += int(stat.read().split()[0])
    return total


def call(server, operation, **members):
    answer = server.call(operation, members)
    if answer.status != 200:
        raise RuntimeError(repr(answer))
    return answer.json if answer.body else None


def make_key(server, load, say, statements=None, grants=0):
    """Id of a key of which OPERATION is allowed to the administrator by these statements, or by one of so many grants, and the
    microseconds that a CreateGrant took, of as many as fit on the connections."""
    key = call(server, "CreateKey")["KeyMetadata"]["KeyId"]
    begun = time.perf_counter()
    if grants:
        say(f"creating {grants} grants")
        load.run(batches_of(server.signed("CreateGrant", {"KeyId": key, "GranteePrincipal": ADMIN, "Operations": [OPERATION],
            "Constraints": {"EncryptionContextEquals": context_of(number)}}) for number in range(grants)))
    took = (time.perf_counter() - begun) / grants * 1e6 if grants else None
    if statements or grants:
        call(server, "PutKeyPolicy", KeyId=key, BypassPolicyLockoutSafetyCheck=True,
            Policy=policy(*statements) if statements else OF_ANOTHER)
    return key, took


def context_of(number):
    return {"tenant": f"t{number}", "department": "it"}


def contexts_of(plan, most):
    """Those of the requests: all different, for every key."""
    if "statements" in plan:
        return [{"tenant": "t0", "department": f"d{number}"} for number in range(CONTEXTS)]
    grants = plan.get("grants", most)
    return [context_of(number * max(grants // CONTEXTS, 1) % grants) for number in range(CONTEXTS)]


class Rounds:
    """Batches of signed requests for a key, again and again; signed anew before the signatures are too old (five minutes)."""

    def __init__(self, server, key, contexts):
        self.server, self.key, self.contexts, self.signed_at, self.batches = server, key, contexts, 0, None

    def ready(self):
        if time.monotonic() < self.signed_at + 120:
            return
        self.signed_at = time.monotonic()
        requests = (self.server.signed(OPERATION, {"KeyId": self.key, "KeyPairSpec": "ECC_NIST_P256",
            "EncryptionContext": context}) for context in self.contexts)
        self.batches = list(batches_of(requests))

    def until(self, deadline):
        for batch in itertools.cycle(self.batches):
            if time.monotonic() > deadline:
                return
            yield batch


def busy_elsewhere(server):
    """CPU seconds of all but the server and this program, up to now: other processes, the kernel's own threads, other guests of
    the same host."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    mine = os.times()
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") - server.cpu_seconds() - mine.user - mine.system


def measure(server, load, rounds, seconds):
    """CPU time of a request in microseconds, requests a second, and how many cores others used meanwhile."""
    server.wait_until(lambda: server.metric("keywell_workers_awake") == 0, 120, "at rest")
    rounds.ready()
    before, others, begun = serving_ns(server), busy_elsewhere(server), time.monotonic()
    number = load.run(rounds.until(begun + seconds))
    took = time.monotonic() - begun
    return (serving_ns(server) - before) / number / 1000, number / took, (busy_elsewhere(server) - others) / took


def quieter_half(found):
    """The rounds in which others used the machine least."""
    rounds = sorted(zip(*found.values()), key=lambda turns: max(turn[2] for turn in turns))
    kept = rounds[:(len(rounds) + 1) // 2]
    return dict(zip(found, zip(*kept))), max(turn[2] for turn in kept[-1])


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--grants", type=int, default=50000)
    parser.add_argument("--pool", type=int, default=60000, help="pairs to hold: enough for a turn")
    parser.add_argument("--json")
    return parser.parse_args()


def main():
    options = arguments()
    cores = sorted(os.sched_getaffinity(0))

    def say(text):
        print(text, file=sys.stderr, flush=True)

    pools = {**dict.fromkeys(harness.SPECS, 0), "ECC_NIST_P256": options.pool}
    with harness.Server(pools=pools, build=options.build, options=["--cpus", str(cores[0]), "--serving-threads", "1"]) as server:
        os.sched_setaffinity(0, cores[1:] or cores)
        load = Load(server)
        some = min(1000, options.grants)
        plans = {
            "default policy": {},
            "default policy, again": {},
            "20 statements with conditions": {"statements": [conditioned(number, number == 19) for number in range(20)]},
            f"{some} grants": {"grants": some},
            f"{options.grants} grants": {"grants": options.grants},
        }
        keys = {name: make_key(server, load, say, **plan) for name, plan in plans.items()}
        rounds = {name: Rounds(server, keys[name][0], contexts_of(plan, options.grants)) for name, plan in plans.items()}
        found = {name: [] for name in plans}
        for turn in range(options.rounds):
            say(f"round {turn + 1} of {options.rounds}")
            # Who is first changes, since what was before may leave the machine in another state.
            for name in [*plans, *plans][turn % len(plans):][:len(plans)]:
                found[name].append(measure(server, load, rounds[name], options.seconds))
        load.close()
    report(found, keys, options)


def median_and_error(values):
    """The standard error of a median, by the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return middle, 0.93 * (high - low) / len(values) ** 0.5


def report(found, keys, options):
    """Ratios are of turns of the same round: what slows the machine for a while slows both."""
    found, others = quieter_half(found)
    base = [(one[0] + other[0]) / 2 for one, other in zip(found["default policy"], found["default policy, again"])]
    rows = []
    print(f"{OPERATION}, ECC_NIST_P256: CPU time of the serving thread for a request.\n"
        f"Medians of the quieter half of {options.rounds} turns of {options.seconds} s (others used at most {others:.2f} cores).")
    for name, turns in found.items():
        cpu = [turn[0] for turn in turns]
        ratio, error = median_and_error([mine / other for mine, other in zip(cpu, base)])
        row = {"what": name, "cpu_us": statistics.median(cpu), "least_cpu_us": min(cpu), "to_default": ratio, "error": error,
            "requests_per_s": statistics.median(turn[1] for turn in turns), "create_grant_us": keys[name][1]}
        rows.append(row)
        print(f"{name:32}{row['cpu_us']:7.2f} us, at least {row['least_cpu_us']:.2f}; {ratio:.3f} +- {error:.3f} of the default; "
            f"{row['requests_per_s']:.0f} a second")
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump({"operation": OPERATION, "others_cores": others, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
