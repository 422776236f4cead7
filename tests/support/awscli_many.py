#!/usr/bin/python3
"""Runs many command lines of Debian's AWS CLI 2 in one process, since starting it costs a second each time.

Standard input: a line of JSON for each, {"arguments": [...], "environment": {...}, "stdin": TEXT}. Standard output: a line
each, {"status": N, "out": TEXT, "err": TEXT}.
"""

import functools
import io
import json
import os
import sys

import awscli.clidriver
# Its own copy, which it puts in place of the system's.
from botocore import loaders

# Where its own models are; set when it is imported. A folder with other models may stand before it.
DATA_PATH = os.environ["AWS_DATA_PATH"]

# Every session would read and parse the service models anew.
_load = functools.lru_cache(None)(loaders.JSONFileLoader().load_file)
loaders.JSONFileLoader.load_file = lambda self, path: _load(path)
_services, _list_services = {}, loaders.Loader.list_available_services


def services(loader, type_name):
    if type_name not in _services:
        _services[type_name] = _list_services(loader, type_name)
    return list(_services[type_name])


loaders.Loader.list_available_services = services


def run(arguments, environment, stdin):
    os.environ.clear()
    os.environ.update(environment, AWS_DATA_PATH=DATA_PATH)
    saved = sys.stdin, sys.stdout, sys.stderr
    streams = [io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", write_through=True) for data in (stdin.encode(), b"", b"")]
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        status = awscli.clidriver.AWSCLIEntryPoint().main(arguments)
    finally:
        sys.stdin, sys.stdout, sys.stderr = saved
    out, err = (stream.buffer.getvalue().decode() for stream in streams[1:])
    return {"status": status, "out": out, "err": err}


def main():
    for line in sys.stdin:
        case = json.loads(line)
        print(json.dumps(run(case["arguments"], case["environment"], case.get("stdin", ""))), flush=True)


main()
