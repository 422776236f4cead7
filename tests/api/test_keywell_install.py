#!/usr/bin/python3
"""libkeywell as a program that embeds it finds it: installed, by pkg-config, with a C and a C++ compiler.

The example is built against the installed library and run; what the library exports is the written list; the host's
allocator and OpenSSL's stay what they were; it can be loaded at run time. Usage: test_keywell_install.py BUILD
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv.pop(1))
EXAMPLE = os.path.join(ROOT, "docs", "examples", "datakeys.c")

HOST = r"""
#include <keywell.h>
#include <openssl/crypto.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    CRYPTO_malloc_fn before, after;
    CRYPTO_get_mem_functions(&before, NULL, NULL);
    void *mine = dlsym(RTLD_DEFAULT, "malloc");
    struct keywell_spec_config spec = {.spec = KEYWELL_ECC_NIST_P256, .depth = 10};
    struct keywell_config config = KEYWELL_CONFIG_INIT;
    struct keywell *engine = NULL;
    config.specs = &spec;
    config.num_specs = 1;
    if (keywell_open(&engine, &config) != 0)
        return 1;
    CRYPTO_get_mem_functions(&after, NULL, NULL);
    Dl_info info;
    dladdr(mine, &info);
    printf("%s %d\n", info.dli_fname, before == after);
    return 0; /* without a close: workers end before OpenSSL does */
}
"""


def run(*command, **arguments):
    return subprocess.run(command, check=True, text=True, capture_output=True, **arguments).stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        place = cls.folder.name
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", place, "--tags", "runtime,devel")
        (pc,) = [os.path.join(base, name) for base, _, names in os.walk(place) for name in names if name == "libkeywell.pc"]
        cls.env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(pc), PKG_CONFIG_SYSROOT_DIR=place)
        (cls.library,) = [os.path.join(base, name) for base, _, names in os.walk(place) for name in names
            if name == "libkeywell.so.1.0.0"]
        cls.flags = run("pkg-config", "--cflags", "--libs", "libkeywell", env=cls.env).split()
        cls.run_env = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(cls.library))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def build(self, text, name, compiler="cc", extra=()):
        source, program = os.path.join(self.folder.name, name), os.path.join(self.folder.name, name + ".out")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        run(compiler, "-Wall", "-Wextra", "-Werror", "-O1", source, *self.flags, *extra, "-o", program)
        return program

    def test_example(self):
        with open(EXAMPLE, encoding="utf-8") as file:
            program = self.build(file.read(), "datakeys.c")
        printed = run(program, env=self.run_env)
        self.assertEqual(3, printed.count("opened: a private key of 138 bytes"))
        self.assertIn("an RSA_2048 pair", printed)
        self.assertIn("handed out 3", printed)

    def test_cplusplus(self):
        text = "#include <keywell.h>\nint main() { keywell_config c = KEYWELL_CONFIG_INIT; keywell_pair p = KEYWELL_PAIR_INIT;" \
            " (void)c; (void)p; return keywell_version()[0] != '1'; }\n"
        run(self.build(text, "host.cc", "c++", ("-Wno-missing-field-initializers",)), env=self.run_env)

    def test_host_is_left_alone(self):
        program = self.build(HOST, "host.c", extra=("-D_GNU_SOURCE", "-lcrypto"))
        where, same = run(program, env=self.run_env).split()
        self.assertIn("libc.so", where)
        self.assertEqual("1", same)

    def test_symbols(self):
        with open(os.path.join(ROOT, "api", "keywell.map"), encoding="utf-8") as file:
            listed = set(re.findall(r"^ +(keywell_\w+);$", file.read(), re.M))
        with open(os.path.join(ROOT, "api", "keywell.h"), encoding="utf-8") as file:
            declared = set(re.findall(r"\b(keywell_\w+)\(", re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)))
        table = [line.split() for line in run("nm", "-D", "--defined-only", self.library).splitlines()]
        exported = {row[2].split("@")[0] for row in table if row[1] != "A"}
        self.assertTrue(listed)
        self.assertEqual(listed, declared)
        self.assertEqual(listed, exported)
        self.assertIn("libkeywell.so.1", run("readelf", "-d", self.library))

    def test_needs(self):
        needed = set(re.findall(r"NEEDED.*\[(.*?)\.so", run("readelf", "-d", self.library)))
        self.assertFalse(needed & {"libjemalloc", "libjansson", "libsqlite3", "liburing", "libssl"}, needed)

    def test_loaded_at_run_time(self):
        code = "import ctypes, sys; l = ctypes.CDLL(sys.argv[1]); l.keywell_version.restype = ctypes.c_char_p; " \
            "print(l.keywell_version().decode())"
        self.assertEqual("1.0.0\n", run(sys.executable, "-c", code, self.library))


unittest.main()
