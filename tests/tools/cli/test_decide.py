#!/usr/bin/python3
"""Parts of the command line against the AWS CLI's own: shorthand, JMESPath, YAML, forms of output, on random input.

Usage: test_decide.py PROGRAM [SEED]
"""

import base64
import binascii
import io
import json
import random
import subprocess
import sys
import types

SKIPPED = 77
try:
    import awscli.shorthand
    from awscli.botocore.configloader import raw_config_parse
    from awscli.formatter import CLI_OUTPUT_FORMATS
    import jmespath
    from ruamel.yaml import YAML
except ImportError as missing:
    print(f"skipped: {missing} (tools/deps installs it)")
    sys.exit(SKIPPED)

PROGRAM, SEED = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
dice = random.Random(SEED)


def ask(questions):
    """An answer for each of them."""
    done = subprocess.run([PROGRAM], input="".join(json.dumps(question) + "\n" for question in questions), text=True,
        capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{PROGRAM} ended with {done.returncode} at {questions[len(done.stdout.splitlines()):][:1]}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


problems = []


def compare(what, question, expected, got):
    if expected != got:
        problems.append(f"{what}: {question}\n  expected {expected}\n  got      {got}")


def text(alphabet, most):
    return "".join(dice.choice(alphabet) for _ in range(dice.randint(0, most)))


# ---- shorthand ----

def shorthand_text():
    """Well-formed more often than not, then damaged now and then."""
    def value(depth):
        kind = dice.randint(0, 9 if depth < 3 else 6)
        if kind < 4:
            return text("ab1 é=\\/.", 4) if dice.random() < 0.3 else text("ab12", 3)
        if kind == 4:
            return "'" + text("a,=\\ []{}\"", 4).replace("\\", "\\\\") + "'"
        if kind == 5:
            return '"' + text("a,=' []{}", 4) + '"'
        if kind == 6:
            return ",".join(text("ab", 2) for _ in range(3))
        if kind < 9:
            return "[" + dice.choice((",", ", ")).join(value(depth + 1) for _ in range(dice.randint(0, 3))) + "]"
        return "{" + ",".join(f"k{i}={value(depth + 1)}" for i in range(dice.randint(0, 3))) + "}"

    whole = ",".join(f"{text('abcK-_.#/:', 3)}{dice.choice(('=', ' = '))}{value(0)}" for _ in range(dice.randint(1, 3)))
    if dice.random() < 0.3 and whole:
        at = dice.randrange(len(whole))
        whole = whole[:at] + dice.choice((",", "=", "[", "]", "{", "}", "'", '"', "\\", " ", "\n", "é", "")) + whole[at + 1:]
    return whole


def check_shorthand():
    questions = [shorthand_text() for _ in range(3000)] + ["a=b,c=d,e", "a", "=", "a=", "a=b,,c=d", "a=[b,[c,{d=e}],'f']", "a=\\,b",
        "a=b\\,c,d", "a=b c ,d= e", "a='b\\'c\\\\'", "a=1,a=2", "", " a=b", "a={b=c", "a=[", "é=b", "a=b\nc=d"]
    for question, answer in zip(questions, ask([{"do": "shorthand", "text": text} for text in questions]), strict=True):
        try:
            expected = {"value": awscli.shorthand.ShorthandParser().parse(question)}
        except awscli.shorthand.ShorthandParseError as error:
            expected = {"error": str(error)}
        compare("shorthand", repr(question), expected, answer)


# ---- JMESPath ----

DOCUMENT = {"a": 1, "b": [3, 1, 2], "c": {"d": {"e": "f"}, "g": [{"n": "x", "v": 2}, {"n": "y", "v": 1}, {"n": "x"}]}, "s": "häß",
    "l": [[1, 2], [3, [4]], 5], "t": True, "u": None, "z": [], "strings": ["b", "a", "c"], "1x": 2.5, "m": [1, 1.0, True, "1"],
    "h": {"k": 1, "l": 2}}


def expression(depth=0):
    """A random one; it need not make sense."""
    def inner():
        return expression(depth + 1)

    simple = (lambda: dice.choice(("a", "b", "c", "d", "g", "n", "v", "s", "l", "t", "u", "z", "strings", "m", "h", '"1x"', '"c"')),
        lambda: "@", lambda: dice.choice(("'x'", "`1`", "`[1,2]`", "`true`", "`null`", "`\"x\"`", "'it\\'s'", "`{\"a\":1}`", "`-1.5`", "''")))
    deep = (lambda: f"{inner()}.{dice.choice(('a', 'n', 'd', 'e', '*', '[a,b]', '{x:a}', 'length(@)', 'h'))}",
        lambda: f"{inner()}[{dice.choice(('0', '-1', '5', '*', '1:', ':-1', '::2', '::-1', '5:0:-2', ''))}]",
        lambda: f"{inner()}[?{inner()}]", lambda: f"{inner()} | {inner()}", lambda: f"{inner()} || {inner()}",
        lambda: f"{inner()} && {inner()}", lambda: f"!{inner()}", lambda: f"({inner()})", lambda: f"[{inner()}, {inner()}]",
        lambda: f"{{x: {inner()}, \"y z\": {inner()}}}",
        lambda: f"{inner()} {dice.choice(('==', '!=', '<', '<=', '>', '>='))} {inner()}",
        lambda: f"{dice.choice(FUNCTIONS)}({inner()})", lambda: f"{dice.choice(('sort_by', 'max_by', 'min_by'))}({inner()}, &{inner()})",
        lambda: f"map(&{inner()}, {inner()})", lambda: f"{dice.choice(('contains', 'starts_with', 'ends_with', 'join', 'not_null'))}({inner()}, {inner()})",
        lambda: "*", lambda: f"[*].{dice.choice('nva')}")
    return dice.choice(simple if depth > 3 or dice.random() < 0.3 else deep)()


FUNCTIONS = ("abs", "avg", "ceil", "floor", "keys", "length", "max", "min", "not_null", "reverse", "sort", "sum", "to_array", "to_number",
    "to_string", "type", "values", "nothing")


def jmespath_of(text):
    try:
        return {"value": jmespath.search(text, DOCUMENT)}
    except (jmespath.exceptions.JMESPathError, ValueError, TypeError, AttributeError):
        return {"error": "some"}


def strict(value):
    """What tells 1 from true, and not 1 from 1.0."""
    return json.dumps(value, sort_keys=True) if not isinstance(value, float) else repr(value)


def check_query():
    questions = [expression() for _ in range(6000)]
    # Damaged ones, too.
    for question in questions[:1500]:
        at = dice.randrange(len(question))
        questions.append(question[:at] + dice.choice("[]{}()|.,*'`\"@:!=<>a ") + question[at + 1:])
    questions += ["merge(h, c, `{\"k\": 3}`)", "merge()", "abs(`1`, `2`)", "sort_by(b, @)", "map(b, b)", "@."]
    answers = ask([{"do": "query", "text": question, "value": DOCUMENT} for question in questions])
    values = 0
    for question, answer in zip(questions, answers, strict=True):
        expected = jmespath_of(question)
        values += expected.get("value") not in (None, [], {})
        # There, an expression is a value that nothing can be done with.
        if "_Expression" in repr(expected) or answer.get("error") == "an expression (&) is an argument of functions only":
            continue
        if "error" in answer:
            answer = {"error": "some"}
        # Python compares strings with numbers by an exception; here it is null, as the specification says.
        if expected != answer and ("<" in question or ">" in question or "contains" in question):
            continue
        if "value" in expected and "value" in answer and strict(expected["value"]) == strict(answer["value"]):
            continue
        compare("JMESPath", question, expected, answer)
    if values < 800:
        problems.append(f"only {values} of the random expressions say anything")


# ---- forms of output ----

SCALARS = (None, True, False, 0, 1, -5, 1.5, 1e30, 0.00001, "", "a", "true", "1", "01", "1.5", "null", "~", "2020-01-01", "a: b", "- x", "#x",
    "x #y", "'", '"', "a\nb", "a\tb", "é", "中文 wide", "😀", " lead", "trail ", "=", "<<", "a" * 50, "word " * 40, "yes", "0x1f", "1_000",
    "12:30:45", "*x", "&x", "!x", "%x", "@x", "`x", "{x", "[x", "a,b", "?", "-", ":", "a:", "0o7", ".5", "+1", "1e3", ".inf")


def value(depth=0):
    kind = dice.random()
    if depth > 3 or kind < 0.4:
        return dice.choice(SCALARS)
    if kind < 0.7:
        return {dice.choice(("Name", "Value", "A", "b", "Zed", "é", "Key Id", "1")): value(depth + 1) for _ in range(dice.randint(0, 4))}
    if kind < 0.85:
        return [{name: value(depth + 2) for name in ("Name", "Value", "More")[:dice.randint(1, 3)]} for _ in range(dice.randint(1, 3))]
    return [value(depth + 1) for _ in range(dice.randint(0, 3))]


def formatted(form, document):
    stream = io.StringIO()
    formatter = CLI_OUTPUT_FORMATS[form](types.SimpleNamespace(query=None, color="off"))
    try:
        formatter("Title", document, stream)
    except (ValueError, AttributeError, TypeError, IndexError):
        return None
    return stream.getvalue()


def check_output():
    questions = []
    for _ in range(1500):
        document = value()
        if isinstance(document, dict):
            questions += [{"do": "write", "form": form, "value": document} for form in ("json", "text", "table", "yaml", "yaml-stream")]
    ragged = 0
    for question, answer in zip(questions, ask(questions), strict=True):
        # The formatter takes members of the answer's own for what the HTTP layer adds.
        expected = formatted(question["form"], json.loads(json.dumps(question["value"])))
        if expected is None:
            ragged += 1
            continue
        compare(question["form"], question["value"], expected, answer.get("text"))
    if ragged > len(questions) / 10:
        problems.append(f"{ragged} of {len(questions)} could not be compared")


# ---- YAML ----

def plain(document):
    """As JSON has it; dates as text."""
    if isinstance(document, dict):
        return {str(name): plain(member) for name, member in document.items()}
    if isinstance(document, (list, tuple)):
        return [plain(item) for item in document]
    return document


def check_yaml():
    questions, expected = [], []
    for _ in range(1200):
        document, stream = value(), io.StringIO()
        writer = YAML(typ="safe")
        writer.default_flow_style = dice.random() < 0.3
        writer.dump(document, stream)
        questions.append(stream.getvalue())
        expected.append(document)
    hand = ("a: 1\nb: [x, 'y', \"z\\u00e9\"]\nc: {d: ~, e: null, f: }", "a: |\n  x\n  y\nb: >\n  x\n  y\n", "- 0o17\n- 0x1F\n- 1_000\n- -5\n- +5\n- 1.5e3\n- 010\n",
        "a: &x {b: c}\nd: *x\n", "# nothing\n", "--- \na: b\n...\n", "a: yes\nb: no\nc: on\nd: True\ne: FALSE\n", "'a': 'it''s'\n", "a: 2020-01-01\n")
    for text in hand:
        questions.append(text)
        expected.append(plain(YAML(typ="safe", pure=True).load(text)) if "2020" not in text else {"a": "2020-01-01"})
    bad = ("a: [", "a: b: c", "\t- x", "a: 1\na: 2", "? [a]\n: b", "a: *x", "a: &a [*a]", "--- a\n--- b\n", "a: !!binary x", "[" * 100 + "]" * 100, "a: 'x")
    answers = ask([{"do": "yaml", "text": text} for text in (*questions, *bad)])
    for text, document, answer in zip(questions, expected, answers):
        compare("YAML", text, {"value": document}, answer)
    for text, answer in zip(bad, answers[len(questions):], strict=True):
        if "error" not in answer:
            problems.append(f"YAML: {text!r} was taken: {answer}")
    # A few lines that mean a billion nodes.
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"] + [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    if "error" not in ask([{"do": "yaml", "text": "\n".join(lines)}])[0]:
        problems.append("YAML: a document that grows without end was taken")


# ---- base64, shared files ----

def check_base64():
    questions = [text("AQgw/+-_= \n9", 12) for _ in range(3000)]
    for question, answer in zip(questions, ask([{"do": "base64", "text": text} for text in questions]), strict=True):
        try:
            expected = {"text": base64.b64encode(base64.b64decode(question)).decode()}
        except binascii.Error:
            expected = {"error": "bad"}
        compare("base64", repr(question), expected, answer)


INI = """
[default]
region = us-east-1
; a comment
output=json
[profile "two words"]
region = eu-west-1
services = s
s3 =
  addressing_style = path
  max = 5
role_arn =  spaced out   value = x
[services s]
ec2 =
  endpoint_url = http://ec2
kms =
  endpoint_url = http://kms
region = wrong
[profile default2]
region = last
region = wins
"""


def check_ini():
    import tempfile
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
        file.write(INI.replace("region = last\n", ""))
        file.flush()
        parsed = raw_config_parse(file.name)
    cases = [("profile", "default", None, "region", parsed["default"]["region"]), ("profile", "default", None, "output", "json"),
        ("profile", "two words", None, "region", parsed['profile "two words"']["region"]),
        ("profile", "two words", None, "role_arn", parsed['profile "two words"']["role_arn"]),
        ("profile", "two words", "s3", "max", parsed['profile "two words"']["s3"]["max"]), ("profile", "two words", "s3", "region", None),
        ("services", "s", "kms", "endpoint_url", parsed["services s"]["kms"]["endpoint_url"]),
        ("services", "s", "ec2", "endpoint_url", "http://ec2"), ("services", "s", None, "endpoint_url", None),
        ("profile", "default2", None, "region", "wins"), ("profile", "nobody", None, "region", None), (None, "default", None, "region", "us-east-1"),
        (None, "default2", None, "region", None)]
    questions = [{"do": "ini", "text": INI, "kind": kind, "name": name, "above": above, "setting": setting} for kind, name, above, setting, _ in cases]
    for case, answer in zip(cases, ask(questions), strict=True):
        compare("shared file", case, {"text": case[4]} if case[4] else {"error": "absent"}, answer)


check_shorthand()
check_query()
check_output()
check_yaml()
check_base64()
check_ini()
for problem in problems[:20]:
    print(problem)
print(f"{len(problems)} differences, seed {SEED}")
sys.exit(1 if problems else 0)
