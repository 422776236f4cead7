"""Where the server's threads run, what a connection that idles costs, and how often a thread enters the kernel."""

import os
import resource
import signal
import socket
import unittest

import harness

# Counts and memory, not times: it may run beside others, but wants descriptors for itself.
IDLE = 10000
SCHED_OTHER, SCHED_IDLE = 0, 5


def tasks(server):
    """Name, cores and scheduling policy of every thread, the kernel's workers included."""
    found = []
    folder = f"/proc/{server.process.pid}/task"
    for tid in os.listdir(folder):
        with open(f"{folder}/{tid}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        with open(f"{folder}/{tid}/stat", encoding="ascii") as file:
            policy = int(file.read().rsplit(")", 1)[1].split()[38])
        found.append((status["Name"], cores(status["Cpus_allowed_list"]), policy))
    return found


def cores(text):
    numbers = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


class Placement(unittest.TestCase):
    def test_by_default_a_serving_thread_and_an_idle_worker_a_core(self):
        allowed = os.sched_getaffinity(0)
        with harness.Server(pools=harness.EC_POOLS).start(ready=False) as server:
            found = tasks(server)
        serving = [task for task in found if task[0].startswith("serve-")]
        makers = [task for task in found if task[0].startswith("kw-maker-")]
        self.assertEqual(len(serving), min(4, len(allowed)))
        self.assertEqual(len(makers), len(allowed))
        for group, policy in ((serving, SCHED_OTHER), (makers, SCHED_IDLE)):
            self.assertTrue(all(len(task[1]) == 1 for task in group), "not pinned")
            self.assertEqual(len(set.union(*(task[1] for task in group))), len(group), "two on one core")
            self.assertEqual({task[2] for task in group}, {policy})
        self.assertLessEqual(set.union(*(task[1] for task in found)), allowed)

    def test_all_threads_stay_on_the_cores_given(self):
        core = max(os.sched_getaffinity(0))
        with harness.Server(pools=harness.EC_POOLS, options=["--cpus", str(core)]).start(ready=False) as server:
            key = harness.new_key(server)
            for _ in range(20):
                self.assertEqual(server.call("GenerateDataKey", {"KeyId": key, "KeySpec": "AES_256"}).status, 200)
            astray = [task for task in tasks(server) if task[1] != {core}]
        self.assertEqual(astray, [])

    def test_serving_cores_are_for_all_but_the_workers(self):
        allowed = sorted(os.sched_getaffinity(0))
        options = ["--cpus", ",".join(map(str, allowed)), "--serving-cpus", str(allowed[0])]
        with harness.Server(pools=harness.EC_POOLS, options=options).start(ready=False) as server:
            key = harness.new_key(server)
            self.assertEqual(server.call("GenerateDataKey", {"KeyId": key, "KeySpec": "AES_256"}).status, 200)
            found = tasks(server)
        makers = [task for task in found if task[0].startswith("kw-maker-")]
        self.assertEqual(sorted(min(task[1]) for task in makers), allowed)
        self.assertEqual({core for task in found if task not in makers for core in task[1]}, {allowed[0]})


class Halt(unittest.TestCase):
    def test_workers_end_and_start_again_by_signals(self):
        pools = {**dict.fromkeys(harness.SPECS, 0), "ECC_NIST_P256": 3}
        body = {"KeyPairSpec": "ECC_NIST_P256"}
        with harness.Server(pools=pools, options=["--pool-wait-ms", "1000"]).start() as server:
            body["KeyId"] = harness.new_key(server)
            server.wait_until(lambda: server.metric("keywell_pool_level") == 3, 30, "full")
            for _ in range(2):
                for _ in range(2):  # twice is no other than once
                    self.signal(server, signal.SIGUSR1, 0)
                answers = [server.call("GenerateDataKeyPairWithoutPlaintext", body) for _ in range(4)]
                self.assertEqual([answer.error for answer in answers], [None, None, None, "ThrottlingException"])
                self.assertEqual([server.admin_get(path)[0] for path in ("/livez", "/readyz")], [200, 200])
                # One that waits when they end, and still when they start, is served.
                with server.connect() as connection:
                    connection.send(server.signed("GenerateDataKeyPairWithoutPlaintext", body))
                    self.signal(server, signal.SIGUSR1, 0)
                    for _ in range(2):
                        self.signal(server, signal.SIGUSR2, len(os.sched_getaffinity(0)))
                    self.assertEqual(connection.answer().status, 200)
                server.wait_until(lambda: server.metric("keywell_pool_level") == 3, 30, "full again")
            self.signal(server, signal.SIGUSR1, 0)
            self.assertEqual(server.stop(), 0)

    def signal(self, server, number, workers):
        server.process.send_signal(number)
        server.wait_until(lambda: server.metric("keywell_workers") == workers, 10, "heeding a signal")



def memory(server):
    """Bytes of the process: what it holds of its own."""
    with open(f"/proc/{server.process.pid}/smaps_rollup", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line and " kB" in line)
    return sum(int(lines[name].split()[0]) * 1024 for name in ("Private_Dirty", "Private_Clean", "Swap"))


def kernel_memory():
    with open("/proc/meminfo", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["Slab"].split()[0]) * 1024


def ask_and_hear(connections):
    """One request on each connection; nobody signs, so each is refused, and stays open."""
    request = b"GET / HTTP/1.1\r\nHost: h\r\nX-Filler: " + b"x" * 1000 + b"\r\n\r\n"
    for connection in connections:
        connection.send(request)
    for connection in connections:
        assert connection.recv(65536).startswith(b"HTTP/1.1 4")


class Idle(unittest.TestCase):
    def test_idle_connections_take_little(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < IDLE + 2000:
            self.skipTest(f"{hard} descriptors are allowed, {IDLE + 2000} are needed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        options = ["--connections", str(2 * IDLE), "--serving-threads", "1", "--idle-timeout-ms", "600000"]
        with harness.Server(pools=harness.EC_POOLS, options=options).start() as server:
            server.wait_until(lambda: server.metric("keywell_workers_awake") == 0, 60, "at rest")
            first = [socket.create_connection(server.address) for _ in range(64)]
            ask_and_hear(first)  # what is kept for requests is there from now on
            before, kernel = memory(server), kernel_memory()
            connections = [socket.create_connection(server.address) for _ in range(IDLE)]
            for i in range(0, IDLE, 50):
                ask_and_hear(connections[i:i + 50])
            each = (memory(server) - before) / IDLE
            print(f"an idle connection: {each:.0f} bytes of the server, about {(kernel_memory() - kernel) / IDLE:.0f} of the "
                "kernel's slabs (both ends)")
            self.assertEqual(server.metric("keywell_connections"), IDLE + 64)
            for connection in first + connections:
                connection.close()
        self.assertLess(each, 4096)


def switches(server):
    """How often serving threads have gone to sleep, or been made to wait."""
    count = 0
    folder = f"/proc/{server.process.pid}/task"
    for tid in os.listdir(folder):
        with open(f"{folder}/{tid}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        if status["Name"].startswith("serve-"):
            count += int(status["voluntary_ctxt_switches"])
    return count


class Turns(unittest.TestCase):
    def test_requests_share_turns(self):
        """A thread that has much to do sleeps less than once a request: what came together is one turn."""
        rounds, width = 40, 64
        with harness.Server(pools=harness.EC_POOLS, options=["--serving-threads", "1"]).start(ready=False) as server:
            key = harness.new_key(server)
            request = server.signed("GenerateDataKey", {"KeyId": key, "KeySpec": "AES_256"})
            connections = [server.connect() for _ in range(width)]
            before = switches(server)
            for _ in range(rounds):
                for connection in connections:
                    connection.send(request)
                for connection in connections:
                    self.assertEqual(connection.answer().status, 200)
            slept = (switches(server) - before) / (rounds * width)
            for connection in connections:
                connection.socket.close()
        print(f"slept {slept:.2f} times a request")
        self.assertLess(slept, 0.5)


if __name__ == "__main__":
    unittest.main()
