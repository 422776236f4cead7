"""Every input of every operation against the service model: what is missing, of the wrong type, beyond a limit, not in an
enum or not of a pattern is refused in the words of AWS. The cases and the words are made from the model here, by nothing
that the server shares."""

import base64
import copy
import json
import os
import re
import unittest

import botocore.loaders

import harness

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "kms-service-2.json")
BODY_MAX = 128 * 1024
AT_ONCE = 16
# Recorded: refusals name the values of this enum in an order of their own.
ENUM_ORDERS = {"MacAlgorithmSpec": ["HMAC_SHA_384", "HMAC_SHA_256", "HMAC_SHA_224", "HMAC_SHA_512"]}
# SYMMETRIC_DEFAULT for a signature is refused only once the key is known.
REFUSED_LATER = {"SigningAlgorithmSpec": {"SYMMETRIC_DEFAULT"}}
# Text that matches a pattern at any length that can: a beginning, what is repeated, an end.
SAMPLES = {
    "[0-9]{12}": ("", "1", ""),
    "^[A-Z2-7]+$": ("", "A", ""),
    r"^[a-zA-Z0-9\/+=]+$": ("", "/", ""),
    "cluster-[2-7a-zA-Z]{11,16}": ("cluster-", "a", ""),
    r"^[a-zA-Z0-9:/_\s.-]+$": ("", "a", ""),
    "^https://[a-zA-Z0-9.-]+$": ("https://", "a", ""),
    r"^(/[a-zA-Z0-9\/_-]+/kms/xks/v\d{1,2})$|^(/kms/xks/v\d{1,2})$": ("/", "a", "/kms/xks/v1"),
    r"^(com|eu)\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$": ("com.amazonaws.vpce.eu-west-1.vpce-svc-", "a", ""),
    r"^([a-z]+-){2,3}\d+$": ("eu-", "w", "-1"),
}
# Not required by the model since something else may stand in for them: the operation itself may ask for them, in the words
# of the model's check.
NEEDED = {("Decrypt", "CiphertextBlob"), ("GenerateRandom", "NumberOfBytes"), ("ReEncrypt", "CiphertextBlob")}
# Shapes that are not what they were in botocore 1.29, the oldest model that this is meant to run with. With any model but the
# server's own they say nothing.
CHANGED = {"AlgorithmSpec", "CloudHsmClusterIdType", "DataKeyPairSpec", "DataKeySpec", "DecryptRequest", "GetKeyPolicyRequest",
    "GrantOperation", "KeySpec", "KeyUsageType", "MessageType", "PutKeyPolicyRequest", "ReEncryptRequest",
    "SigningAlgorithmSpec", "WrappingKeySpec", "XksProxyVpcEndpointServiceNameType"}
SCALAR_NAMES = {"string": "a String", "integer": "an Integer", "boolean": "a Boolean", "blob": "a ByteBuffer",
    "timestamp": "milliseconds since epoch"}
COLLECTION_TEXTS = {"structure": "Expected null", "list": "Expected list or null", "map": "Expected map or null"}


def load_model():
    """The service model, where it is from, and the shapes of it to leave out."""
    if os.path.exists(MODEL):
        with open(MODEL, encoding="utf-8") as file:
            return json.load(file), "../shared/kms-service-2.json", set()
    model = botocore.loaders.Loader().load_service_model("kms", "service-2")
    return model, f"botocore {botocore.__version__} (without what changed since)", CHANGED


class Oracle:
    """What AWS says to an input, by the model."""

    def __init__(self, model):
        self.shapes = model["shapes"]

    # ---- types ----

    def wrong_type(self, name, value):
        """The text of a SerializationException, or None."""
        shape = self.shapes[name]
        kind = shape["type"]
        if kind in COLLECTION_TEXTS:
            return self.wrong_collection(shape, value)
        if isinstance(value, list):
            return "Start of list found where not expected"
        if isinstance(value, dict):
            return "Start of structure or map found where not expected."
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        good = {"string": isinstance(value, str), "blob": isinstance(value, str), "boolean": isinstance(value, bool),
            "integer": number and isinstance(value, int), "timestamp": number}[kind]
        if not good:
            return f"{token(value)} can not be converted to {SCALAR_NAMES[kind]}"
        if kind == "blob" and not is_base64(value):
            return "The blob is not valid base64"
        return None

    def wrong_collection(self, shape, value):
        kind = shape["type"]
        if isinstance(value, list) != (kind == "list") and isinstance(value, list):
            return "Start of list found where not expected"
        if isinstance(value, dict) and kind == "list":
            return "Start of structure or map found where not expected."
        if not isinstance(value, (list, dict)):
            return COLLECTION_TEXTS[kind]
        if kind == "structure":
            parts = [(member["shape"], value[key]) for key, member in shape["members"].items() if value.get(key) is not None]
        elif kind == "map":
            parts = [(shape["value"]["shape"], item) for item in value.values()]
        else:
            inner = shape["member"]["shape"]
            parts = [(inner, item) for item in value if item is not None or self.shapes[inner]["type"] != "structure"]
        return next((text for text in (self.wrong_type(*part) for part in parts) if text), None)

    # ---- constraints ----

    def limit(self, shape, edge):
        what = "value" if shape["type"] == "integer" else "length"
        return f"Member must have {what} {'less' if edge == 'max' else 'greater'} than or equal to {shape[edge]}"

    def enum(self, name):
        values = self.shapes[name]["enum"]
        first = [value for value in ENUM_ORDERS.get(name, []) if value in values]
        return f"Member must satisfy enum value set: [{', '.join(first + [v for v in values if v not in first])}]"

    def broken(self, name, value):
        """The constraints that a value itself does not meet."""
        shape, texts = self.shapes[name], []
        size = value if shape["type"] == "integer" else \
            len(base64.b64decode(value)) if shape["type"] == "blob" else \
            len(value) if shape["type"] in ("string", "list", "map") else 0
        if size > shape.get("max", size):
            texts.append(self.limit(shape, "max"))
        if size < shape.get("min", size):
            texts.append(self.limit(shape, "min"))
        if "pattern" in shape and not re.fullmatch(shape["pattern"], value, re.ASCII):
            texts.append(f"Member must satisfy regular expression pattern: {shape['pattern']}")
        if "enum" in shape and value not in shape["enum"] and value not in REFUSED_LATER.get(name, ()):
            texts.append(self.enum(name))
        return texts

    def all_of(self, name):
        """What items of this shape have to satisfy."""
        shape = self.shapes[name]
        texts = [self.limit(shape, edge) for edge in ("max", "min") if edge in shape]
        if "pattern" in shape:
            texts.append(f"Member must satisfy regular expression pattern: {shape['pattern']}")
        if "enum" in shape:
            texts.append(self.enum(name))
        return ", ".join(texts)

    def is_hidden(self, name):
        shape = self.shapes[name]
        parts = [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
        return bool(shape.get("sensitive")) or shape["type"] in ("blob", "structure") or any(map(self.is_hidden, parts))

    def value_at(self, name, value, path):
        shown = "" if self.is_hidden(name) else f" '{echo(value)}'"
        return f"Value{shown} at '{path}' failed to satisfy constraint: "

    def failures(self, name, value, path=""):
        """Every constraint that is not met, in order."""
        shape = self.shapes[name]
        for text in self.broken(name, value):
            yield self.value_at(name, value, path) + text
        if shape["type"] == "structure":
            yield from self.member_failures(shape, value, path + "." if path else "")
        elif shape["type"] == "list":
            yield from self.item_failures(name, shape["member"]["shape"], value, path)
        elif shape["type"] == "map":
            for part, items, lead in (("key", value.keys(), "Map keys"), ("value", value.values(), "Map value")):
                inner = shape[part]["shape"]
                if any(self.broken(inner, item) for item in items):
                    yield self.value_at(name, value, path) + f"{lead} must satisfy constraint: [{self.all_of(inner)}]"

    def member_failures(self, shape, value, prefix):
        for key, member in shape["members"].items():
            path = prefix + key[0].lower() + key[1:]
            if value.get(key) is not None:
                yield from self.failures(member["shape"], value[key], path)
            elif key in shape.get("required", ()):
                yield f"Value null at '{path}' failed to satisfy constraint: Member must not be null"

    def item_failures(self, name, inner, value, path):
        if self.shapes[inner]["type"] == "structure":
            for index, item in enumerate(value, 1):
                if item is None:
                    yield f"Value null at '{path}.{index}.member' failed to satisfy constraint: Member must not be null"
                else:
                    yield from self.failures(inner, item, f"{path}.{index}.member")
        elif any(self.broken(inner, item) for item in value):
            yield self.value_at(name, value, path) + f"Member must satisfy constraint: [{self.all_of(inner)}]"

    def verdict(self, name, body):
        """(error, text), or None if the input is good."""
        text = self.wrong_type(name, body)
        if text:
            return "SerializationException", text
        failures = list(self.failures(name, body))[:10]
        if not failures:
            return None
        text = failures[0]
        for failure in failures[1:]:
            text += "; " + failure if len(text.encode()) <= 16 * 1024 else ""
        return "ValidationException", f"{len(failures)} validation error{'s' * (len(failures) > 1)} detected: {text}"


def token(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    return "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"


def is_base64(text):
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except ValueError:
        return False


def echo(value):
    """A value as a refusal quotes it: 4096 bytes of it at most."""
    if isinstance(value, list):
        start, text, end = "[", ", ".join(map(str, value)), "]"
    elif isinstance(value, dict):
        start, text, end = "{", ", ".join(f"{key}={item}" for key, item in value.items()), "}"
    else:
        start, text, end = "", str(value), ""
    data = text.encode()
    return start + (text if len(data) <= 4096 else data[:4096].decode(errors="ignore") + "...") + end


class Cases:
    """Inputs, good and bad, made from the model."""

    def __init__(self, model, skipped):
        self.shapes, self.skipped = model["shapes"], skipped

    def text(self, shape, length):
        start, fill, end = SAMPLES.get(shape.get("pattern"), ("", "a", ""))
        return (start + fill * (length - len(start) - len(end)) + end)[:length]

    def good(self, name):
        """The least that the model takes."""
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "string":
            start, _, end = SAMPLES.get(shape.get("pattern"), ("", "a", ""))
            length = max(shape.get("min", 1), len(start + end) + 1)
            return shape["enum"][0] if "enum" in shape else self.text(shape, length)
        if kind == "structure":
            return {key: self.good(shape["members"][key]["shape"]) for key in shape.get("required", ())}
        if kind == "list":
            return [self.good(shape["member"]["shape"])]
        return {"blob": "YQ==", "integer": shape.get("min", 0), "boolean": False, "timestamp": 1.5, "map": {}}[kind]

    def values(self, name):
        """Values that try every edge of a shape; each is good or bad."""
        shape = self.shapes[name]
        if name in self.skipped or shape.get("member", {}).get("shape") in self.skipped:
            return
        yield from ("x" * 7, 7, 7.5, True, False, ["x"], [], {"x": "y"}, {})
        yield from getattr(self, "values_of_" + shape["type"], lambda _: ())(shape)

    def values_of_string(self, shape):
        if "enum" in shape:
            yield from ("", "nothing", "SYMMETRIC_DEFAULT", "RSA_2048", shape["enum"][0].swapcase(), shape["enum"][0] + " ", *shape["enum"])
            return
        for length in self.sizes(shape):
            yield self.text(shape, length)
        middle = self.text(shape, max(shape.get("min", 0), 40) if shape.get("max", 40) >= 40 else shape["max"])
        for last in (" ", "\n", "\t", "\u001f", "~", "!", "/", "-", "_", "8", "ÿ", "Ā", "😀"):
            yield middle[:-1] + last
            yield middle[:-2] + last + middle[-1:]

    def values_of_blob(self, shape):
        for size in self.sizes(shape):
            yield base64.b64encode(bytes(size)).decode()
        yield from ("YQ", "YQ=", "Y!==", "YR==", "=", "YQ==\n", "YQ==YQ==")

    def values_of_integer(self, shape):
        yield from (size for size in (shape.get("min"), shape.get("max")) if size is not None)
        yield from (shape.get("min", 0) - 1, shape.get("max", 0) + 1, 2**31, -2**31, 2**63 - 1, -2**63)

    def values_of_timestamp(self, _):
        yield from ("2030-01-01T00:00:00Z", 0, -1, 1e300)

    def values_of_list(self, shape):
        inner = shape["member"]["shape"]
        good = self.good(inner)
        yield from ([good] * size for size in self.sizes(shape) if size <= 100)
        yield from ([None], [good, None])
        for value in self.values(inner):
            yield [value]
        yield from ([good, value] for value in ([], {}, "", "nothing", 1))
        if self.shapes[inner]["type"] == "structure":
            yield [{}] * 12

    def values_of_map(self, _):
        yield from ({"a": value} for value in ("", "b", 1, True, None, [], {}))

    def values_of_structure(self, shape):
        good = {key: self.good(shape["members"][key]["shape"]) for key in shape.get("required", ())}
        for key, member in shape["members"].items():
            yield {other: value for other, value in good.items() if other != key}
            for value in (None, *self.values(member["shape"])):
                yield {**good, key: value}

    @staticmethod
    def sizes(shape):
        """On and beyond each limit."""
        low, high = shape.get("min"), shape.get("max")
        sizes = {0} | ({low, low - 1} if low else set()) | ({high, high + 1} if high is not None else set())
        return sorted(sizes)


class Conformance(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.model, cls.source, skipped = load_model()
        cls.oracle, cls.cases = Oracle(cls.model), Cases(cls.model, skipped)
        cls.server = harness.Server(pools=harness.EC_POOLS).start(ready=False)
        cls.keys = cls.server.credentials()
        cls.connection = cls.server.connect()

    @classmethod
    def tearDownClass(cls):
        cls.connection.socket.close()
        cls.server.close()

    def inputs(self):
        """(operation, name of its input's shape)"""
        for operation, description in sorted(self.model["operations"].items()):
            if description["input"]["shape"] not in self.cases.skipped:
                yield operation, description["input"]["shape"]

    def check(self, requests):
        """Sends (operation, shape, body) and compares what comes with the oracle. Returns how many were good and bad."""
        count = {"good": 0, "bad": 0, "too long": 0}
        waiting = []
        for operation, shape, body in requests:
            data = json.dumps(body).encode()
            if len(data) > BODY_MAX:
                count["too long"] += 1
                continue
            waiting.append((operation, shape, body, data))
            if len(waiting) == AT_ONCE:
                self.exchange(waiting, count)
                waiting = []
        self.exchange(waiting, count)
        return count

    def exchange(self, waiting, count):
        self.connection.send(b"".join(self.server.signed(operation, data, keys=self.keys)
            for operation, _, _, data in waiting))
        for operation, shape, body, data in waiting:
            answer = self.connection.answer()
            verdict = self.oracle.verdict(shape, body)
            count["good" if verdict is None else "bad"] += 1
            if verdict is None and any(of == operation and body.get(key) is None for of, key in NEEDED):
                continue
            with self.subTest(operation=operation, body=data[:300]):
                self.judge(answer, verdict)

    def judge(self, answer, verdict):
        if verdict is None:
            self.assertNotEqual(answer.error, "SerializationException", answer)
            self.assertNotIn("validation error", (answer.json if answer.body else {}).get("message") or "", answer)
            self.assertNotEqual(answer.status, 500, answer)
        else:
            self.assertEqual((answer.status, answer.error, answer.message), (400, *verdict))

    def test_every_member(self):
        """Each member of each input on and beyond each of its edges, the others as good as they need to be."""
        print(f"the service model is {self.source}")
        requests = ((operation, shape, body) for operation, shape in self.inputs()
            for body in self.cases.values_of_structure(self.model["shapes"][shape]))
        count = self.check(requests)
        print(f"inputs: {count}")
        self.assertGreater(count["bad"], 2000)
        self.assertGreater(count["good"], 200)

    def test_several_at_once(self):
        """The first two members, three and so on, each with a constraint that it does not meet."""
        count = self.check(self.several())
        print(f"inputs: {count}")
        self.assertGreater(count["bad"], 100)

    def several(self):
        for operation, shape in self.inputs():
            body = {}
            for key, member in self.model["shapes"][shape]["members"].items():
                bad = next((value for value in self.cases.values(member["shape"])
                    if not self.oracle.wrong_type(member["shape"], value) and any(self.oracle.failures(member["shape"], value))), None)
                if bad is not None:
                    body[key] = bad
                    yield operation, shape, copy.deepcopy(body)
            yield operation, shape, {}

    def test_unknown_members(self):
        """They are ignored, whatever they hold."""
        count = self.check((operation, shape, {"Nobody": [{"deep": None}], "keyId": 7}) for operation, shape in self.inputs())
        self.assertGreater(count["bad"], 30)

    def test_all_operations_are_known(self):
        for operation, _ in self.inputs():
            answer = self.server.call(operation, b"[]")
            self.assertEqual((answer.status, answer.error), (400, "SerializationException"), operation)


if __name__ == "__main__":
    unittest.main()
