#!/usr/bin/python3
"""Runs the end-to-end tests against a build and prints one line per test.

Usage: run.py [--build FOLDER] [--faults-build FOLDER] [--record FILE] [NAME...]
A NAME keeps the tests whose full name contains it. --record writes the results in the form of meson's testlog.json.
"""

import argparse
import io
import json
import os
import sys
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    parser.add_argument("--faults-build", default="")
    parser.add_argument("--record", default=os.devnull)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    # The harness reads them when it is first imported, below.
    os.environ["KEYWELL_BUILD"] = os.path.abspath(arguments.build)
    os.environ["KEYWELL_FAULTS_BUILD"] = os.path.abspath(arguments.faults_build) if arguments.faults_build else ""
    sys.path.insert(0, HERE)
    suite = unittest.TestSuite(cases(unittest.defaultTestLoader.discover(HERE), arguments.names))
    with open(arguments.record, "w", encoding="utf-8") as record:
        result = Result(record)
        started = time.monotonic()
        suite.run(result)
    passed, failed, skipped = result.counts.values()
    print(f"{passed} passed, {failed} failed, {skipped} skipped in {time.monotonic() - started:.0f} s")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
