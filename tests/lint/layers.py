#!/usr/bin/python3
"""Dependencies point one way: pool <- engine <- api <- tools; nobody includes tests, bench or tools.

engine sees all of pool; api sees pool and engine's public face; tools see api, pool and engine's public face; tests and
bench see everything, but of tools tests see only the parts that are listed, and bench none. It also keeps files to a size that can be read.
"""

import os
import re

import source

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LAYERS = ("pool", "engine", "api", "tools", "bench", "tests")
ENGINE_FACE = {f"engine/{name}.h" for name in ("cpu", "crypto", "drbg", "engine", "ondemand", "priority", "selftest", "topology")}
# The planner simulates with what the workers decide by: pure.
ENGINE_PURE = {"engine/scheduler.h"}
# Parts of programs that are pure enough to have tests of their own; nobody else sees them.
TOOLS_PARTS = {f"tools/{name}.h" for name in ("doctor", "loadanswer", "loadarrivals", "loadhdr", "loadplan", "loadsign", "loadslo",
    "loadtally", "poolview", "seed", "settingsfile", "terminal")}
# The parts of the command line and of the planner are looked at by tests in their folders, and by fuzzers.
TOOLS_FOLDERS = ("tools/cli/", "tools/plan/")
# Longer files are shown from the first on and refused from the second on.
LINES_WARN, LINES_MAX = 500, 800


def may_include(layer, header):
    """Whether a file of the layer may include the header, given from the root of the tree."""
    other = header.split("/")[0]
    if layer == "pool":
        return other == "pool"
    if layer == "engine":
        return other in ("pool", "engine")
    if layer == "api":
        return other in ("pool", "api") or header in ENGINE_FACE
    if layer == "tools":
        return other in ("pool", "api", "tools") or header in ENGINE_FACE | ENGINE_PURE
    if layer == "bench":
        return other != "tests" and other != "tools"
    return other != "bench" and (other != "tools" or header in TOOLS_PARTS or header.startswith(TOOLS_FOLDERS))


def problems_of(path, lines):
    layer = path.split("/")[0]
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        bracket, header = match.groups()
        inside = header.split("/")[0] in LAYERS
        if bracket == '"' and not inside:
            # Beside the file or generated: the path would hide which layer it belongs to.
            yield f'{path}:{number}: include "{header}" by its path from the root of the tree'
        elif bracket == "<" and inside:
            yield f"{path}:{number}: <{header}> is ours: include it in quotes"
        elif inside and not may_include(layer, header):
            yield f"{path}:{number}: {layer}/ may not include {header}"
        elif inside and not os.path.exists(os.path.join(source.ROOT, header)):
            yield f"{path}:{number}: {header} does not exist"
    if len(lines) > LINES_MAX:
        yield f"{path}: {len(lines)} lines; split it by noun (at most {LINES_MAX})"


def self_test():
    """The rules themselves, so that a slip in may_include() does not let everything through."""
    allowed = [("engine", "pool/pool.h"), ("api", "engine/engine.h"), ("tools", "api/http.h"), ("tests", "api/http.h"),
        ("bench", "engine/generator.h"), ("tests", "tools/loadhdr.h"), ("tools", "engine/scheduler.h")]
    refused = [("pool", "engine/engine.h"), ("engine", "api/log.h"), ("api", "engine/generator.h"),
        ("api", "engine/scheduler.h"), ("api", "tools/option.h"), ("tools", "engine/fiber.h"), ("tools", "tests/support/x.h"), ("tests", "tools/x.h")]
    assert all(may_include(*case) for case in allowed)
    assert not any(may_include(*case) for case in refused)
    assert len(list(problems_of("pool/x.c", ['#include "api/log.h"', "#include <pool/base.h>", '#include "x.h"']))) == 3


def main():
    self_test()
    problems, files = [], list(source.paths(".c", ".h", ".cc"))
    for path in files:
        with open(os.path.join(source.ROOT, path), encoding="utf-8") as file:
            lines = file.read().splitlines()
        problems.extend(problems_of(path, lines))
        if LINES_WARN < len(lines) <= LINES_MAX:
            print(f"warning: {path}: {len(lines)} lines; consider splitting it by noun")
    source.finish(problems, files)


main()
