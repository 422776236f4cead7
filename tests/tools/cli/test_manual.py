#!/usr/bin/python3
"""Manual pages and completions, as they are printed from the tables. Usage: test_manual.py MANUAL KEYWELL"""

import re
import shutil
import subprocess
import sys
import tempfile

MANUAL, KEYWELL = sys.argv[1:]
problems = []


def text_of(*command, **options):
    return subprocess.run(command, text=True, capture_output=True, check=True, **options).stdout


def complete(script, *words):
    """What bash offers for the last of the words."""
    line = f"source {script}; COMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}; _keywell; echo \"${{COMPREPLY[@]}}\""
    return text_of("bash", "-c", line).split()


def expect(what, expected, got):
    if expected != got:
        problems.append(f"{what}: expected {expected}, got {got}")


pages = {name: text_of(MANUAL, name) for name in ("keywell.1", "keywell-kms.1", "bash", "zsh", "fish")}
operations = re.findall(r"^  ([a-z-]+-[a-z-]+|decrypt|encrypt|sign|verify)(?:  +([a-z-]+))?$", text_of(KEYWELL, "help"), re.M)
names = sorted(name for pair in operations for name in pair if name)
expect("operations in help", 54, len(names))
for name in names:
    # Every option that help names is in the manual and in each completion.
    options = re.findall(r"^  --([a-z-]+)", text_of(KEYWELL, name, "help").split("Options of all commands")[0], re.M)
    section = re.search(rf"^\.SS {name.replace('-', re.escape(chr(92) + '-'))}\n(.*?)(?=^\.S[SH] )", pages["keywell-kms.1"], re.M | re.S)
    words = set(re.search(rf"^    {name}\) echo '(.*)' ;;$", pages["bash"], re.M).group(1).split())
    fish = set(re.findall(rf"__fish_seen_subcommand_from {name}' -l ([a-z-]+) ", pages["fish"]))
    for option in options:
        if "--" + option not in words or option not in fish:
            problems.append(f"{name} --{option} is in no completion")
        if option not in pages["keywell.1"].replace("\\-", "-") and option not in section.group(1).replace("\\-", "-"):
            problems.append(f"{name} --{option} is not in the manual")
expect("zsh's tables", pages["bash"].split("_keywell() {")[0].split("\n", 1)[1], pages["zsh"].split("_keywell() {")[0].split("\n", 2)[2])
with subprocess.Popen(["bash", "-n"], stdin=subprocess.PIPE, text=True) as shell:
    shell.communicate(pages["bash"])
    expect("bash -n", 0, shell.returncode)
with tempfile.NamedTemporaryFile("w", suffix=".bash") as file:
    file.write(pages["bash"])
    file.flush()
    expect("commands", ["generate-data-key-pair", "generate-data-key-pair-without-plaintext"], complete(file.name, "keywell", "generate-data-key-p"))
    expect("values", ["RSA_2048", "RSA_3072", "RSA_4096"], complete(file.name, "keywell", "kms", "generate-data-key-pair", "--key-pair-spec", "RS"))
    expect("options", ["--plaintext-to", "--plaintext"], complete(file.name, "keywell", "decrypt", "--pl") + complete(file.name, "keywell", "encrypt", "--pl"))
    expect("options of all", ["--output"], complete(file.name, "keywell", "encrypt", "--outp"))
    expect("values of all", ["table", "text"], sorted(complete(file.name, "keywell", "encrypt", "--output", "t")))
    expect("files", [], complete(file.name, "keywell", "encrypt", "--plaintext", "fi"))
if shutil.which("groff"):
    for name in ("keywell.1", "keywell-kms.1"):
        done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z"], input=pages[name], text=True, capture_output=True, check=False)
        expect(f"groff on {name}", (0, ""), (done.returncode, done.stderr))
for problem in problems[:20]:
    print(problem)
print(f"{len(problems)} problems, {len(names)} operations")
sys.exit(1 if problems else 0)
