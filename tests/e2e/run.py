#!/usr/bin/python3
"""Runs the end-to-end tests against a build and prints one line per test.

Usage: run.py [--build FOLDER] [--faults-build FOLDER] [--record FILE] [--jobs N] [NAME...]
A NAME keeps the tests whose full name contains it. --record writes the results in the form of meson's testlog.json.
--jobs runs that many modules at once, each in a process of its own; a module that says ALONE = True, because it
measures time or takes the machine for itself, runs when the others are done.
"""

import argparse
import concurrent.futures
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class Result(unittest.TestResult):
    """Prints and records as tests end, with what each printed."""

    def __init__(self, record):
        super().__init__()
        self.record, self.buffer = record, False
        self.verdict, self.text = {}, {}
        self.counts = {"OK": 0, "FAIL": 0, "SKIP": 0}

    def startTest(self, test):
        super().startTest(test)
        self.verdict[test], self.text[test] = "OK", ""
        self.started = time.monotonic()
        sys.stdout = io.StringIO()

    def stopTest(self, test):
        printed, sys.stdout = sys.stdout.getvalue(), sys.__stdout__
        self.report(test.id(), self.verdict[test], printed + self.text[test], time.monotonic() - self.started)

    def report(self, name, verdict, text, seconds):
        self.counts[verdict] += 1
        print(f"{verdict:5}{name} ({seconds:.1f} s)", flush=True)
        if text.strip():
            print("     " + text.strip().replace("\n", "\n     "), flush=True)
        entry = {"name": name, "result": verdict, "stdout": text, "duration": seconds}
        self.record.write(json.dumps(entry) + "\n")
        self.record.flush()

    def worse(self, test, verdict, text):
        if test in self.verdict:
            self.verdict[test] = verdict
            self.text[test] += text + "\n"
        else:
            # A class or module that could not be set up: no test of it was started.
            self.report(str(test), verdict, text, 0)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.worse(test, "FAIL", self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.worse(test, "FAIL", f"{subtest}: {self._exc_info_to_string(err, test)}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.worse(test, "SKIP", reason)


def cases(suite, names):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from cases(item, names)
        elif not names or any(name in item.id() for name in names):
            yield item


def module_of(case):
    return case.id().split(".")[0]


def run_here(selected, record_path):
    """All of them in this process. Returns how many passed, failed, were skipped."""
    with open(record_path, "w", encoding="utf-8") as record:
        result = Result(record)
        unittest.TestSuite(selected).run(result)
    return result.counts.values()


def run_module(module, arguments, folder):
    """One module in a process of its own. Returns what it printed and its records."""
    record = os.path.join(folder, module + ".json")
    command = [sys.executable, os.path.abspath(__file__), "--build", arguments.build, "--faults-build",
        arguments.faults_build, "--record", record, "--module", module, *arguments.names]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False)
    text, lines = done.stdout, []
    if os.path.exists(record):
        with open(record, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
    if done.returncode not in (0, 1) or not lines:
        lines.append({"name": f"{module}: run to its end", "result": "FAIL", "stdout": text[-4000:], "duration": 0})
    return text, lines


def run_apart(selected, arguments):
    """Modules beside each other, and then those that want to be alone."""
    modules = {module_of(case): type(case).__module__ for case in selected}
    alone = [name for name, module in modules.items() if getattr(sys.modules.get(module), "ALONE", False)]
    counts = {"OK": 0, "FAIL": 0, "SKIP": 0}
    with open(arguments.record, "w", encoding="utf-8") as record, tempfile.TemporaryDirectory() as folder:
        for names, jobs in (([name for name in modules if name not in alone], arguments.jobs), (alone, 1)):
            with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
                for text, entries in pool.map(lambda name: run_module(name, arguments, folder), names):
                    print(text, end="", flush=True)
                    for entry in entries:
                        counts[entry["result"]] += 1
                        record.write(json.dumps(entry) + "\n")
                    record.flush()
    return counts.values()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    parser.add_argument("--faults-build", default="")
    parser.add_argument("--record", default=os.devnull)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--module", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    # The harness reads them when it is first imported, below.
    os.environ["KEYWELL_BUILD"] = os.path.abspath(arguments.build)
    os.environ["KEYWELL_FAULTS_BUILD"] = os.path.abspath(arguments.faults_build) if arguments.faults_build else ""
    sys.path.insert(0, HERE)
    selected = list(cases(unittest.defaultTestLoader.discover(HERE), arguments.names))
    if arguments.module:
        selected = [case for case in selected if module_of(case) == arguments.module]
    started = time.monotonic()
    passed, failed, skipped = run_apart(selected, arguments) if arguments.jobs > 1 else run_here(selected, arguments.record)
    print(f"{passed} passed, {failed} failed, {skipped} skipped in {time.monotonic() - started:.0f} s")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
