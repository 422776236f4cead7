#!/usr/bin/python3
"""Makes the C tables of the service model: model_tables.py MODEL.json FOLDER [--check].

FOLDER is api/. With --check nothing is written: it ends with 1, and says where, if a file is not what it would be
made from this model.
"""

import json
import os
import re
import sys

# What the model writes as a regular expression is a function of api/pattern.h.
PATTERNS = {
    "[0-9]{12}": "account",
    "^[A-Z2-7]+$": "base32",
    r"^[a-zA-Z0-9\/+=]+$": "base64",
    "cluster-[2-7a-zA-Z]{11,16}": "cluster",
    r"^[a-zA-Z0-9:/_\s.-]+$": "description",
    "^https://[a-zA-Z0-9.-]+$": "endpoint",
    r"^(/[a-zA-Z0-9\/_-]+/kms/xks/v\d{1,2})$|^(/kms/xks/v\d{1,2})$": "endpoint_path",
    r"^(com|eu)\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$": "endpoint_service",
    "^[a-zA-Z0-9-_.]+$": "external_key",
    "^[a-f0-9]+$": "hex",
    r"[\u0020-\u00FF]*": "latin",
    r"[\u0009\u000A\u000D\u0020-\u00FF]+": "latin_lines",
    "^[a-zA-Z0-9:/_-]+$": "name",
    r"^[\w+=,.@:/-]+$": "principal",
    r"^([a-z]+-){2,3}\d+$": "region",
    r"[\w]+": "word",
}
KINDS = {
    "string": "STRING",
    "blob": "BLOB",
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "structure": "STRUCTURE",
    "list": "LIST",
    "map": "MAP",
}
# Never in an audit record, though they are neither blobs nor marked as sensitive: what opens a page or a grant.
UNAUDITED = {"Marker", "GrantToken", "GrantTokens", "Recipient"}
# The order in which AWS was recorded to name the values of an enum, where it is not the model's.
ORDERS = {"MacAlgorithmSpec": "HMAC_SHA_384 HMAC_SHA_256 HMAC_SHA_224 HMAC_SHA_512"}
# Values that pass this check and are refused later, without being named here.
ALSO_TAKEN = {"SigningAlgorithmSpec": ["SYMMETRIC_DEFAULT"]}
COLUMNS = 110
MADE = " * Made from the service model by tests/support/model_tables.py; not edited by hand. */"


def snake(name):
    """CreateKeyRequest: create_key_request."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def wrap(items, indent="    "):
    """Items with commas, as many to a line as fit."""
    lines, line = [], indent
    for item in items:
        if len(line) > len(indent) and len(line) + len(item) + 2 > COLUMNS:
            lines.append(line.rstrip())
            line = indent
        line += item + ", "
    return lines + [line.rstrip()]


class Model:
    """The service model, and what is asked of it here."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            model = json.load(file)
        self.operations = dict(sorted(model["operations"].items()))
        self.shapes = model["shapes"]
        self.inputs = {op["input"]["shape"] for op in self.operations.values()}
        self.outputs = {op["output"]["shape"] for op in self.operations.values() if "output" in op}

    def parts(self, name):
        """The shapes that a shape is made of."""
        shape = self.shapes[name]
        if shape["type"] == "structure":
            return [member["shape"] for member in shape["members"].values()]
        if shape["type"] == "list":
            return [shape["member"]["shape"]]
        if shape["type"] == "map":
            return [shape["key"]["shape"], shape["value"]["shape"]]
        return []

    def reach(self, names):
        """All shapes that these are made of, parts first."""
        order = []

        def visit(name, above):
            if name in above:
                sys.exit(f"{name} contains itself")
            if name not in order:
                for part in sorted(self.parts(name)):
                    visit(part, above + (name,))
                order.append(name)

        for name in sorted(names):
            visit(name, ())
        return order

    def is_audited(self, name, shape):
        if name in UNAUDITED or re.search("Password|Credential|Secret|ImportToken", name):
            return False
        return not any(self.shapes[part]["type"] == "blob" or self.shapes[part].get("sensitive")
                       for part in self.reach([shape]))


def check_nesting(model, name):
    """What api/shape_constraint.c can walk."""
    shape = model.shapes[name]
    simple = ("string", "blob", "integer", "boolean", "timestamp")
    if shape["type"] == "list" and model.shapes[shape["member"]["shape"]]["type"] not in simple + ("structure",):
        sys.exit(f"{name}: a list of lists or maps")
    if shape["type"] == "map" and any(model.shapes[part]["type"] not in simple for part in model.parts(name)):
        sys.exit(f"{name}: a map of something other than scalars")


def fields_of(model, name):
    shape = model.shapes[name]
    kind = "ENUM" if "enum" in shape else KINDS[shape["type"]]
    fields = [f".name = {quote(name)}", f".kind = KW_KIND_{kind}"]
    if shape.get("sensitive"):
        fields.append(".sensitive = true")
    for limit in ("min", "max"):
        if limit in shape:
            fields += [f".has_{limit} = true", f".{limit} = {shape[limit]}"]
    if "pattern" in shape:
        if shape["pattern"] not in PATTERNS:
            sys.exit(f"{name}: api/pattern.c has no function for {shape['pattern']}")
        fields += [f".pattern = {quote(shape['pattern'])}", f".matches = kw_pattern_{PATTERNS[shape['pattern']]}"]
    if "enum" in shape:
        fields.append(f".values = {snake(name)}_values")
        if name in ALSO_TAKEN:
            fields.append(f".listed = {snake(name)}_listed")
    if shape["type"] == "map":
        fields += [f".key = &kw_shape_{snake(shape['key']['shape'])}",
                   f".element = &kw_shape_{snake(shape['value']['shape'])}"]
    if shape["type"] == "list":
        fields.append(f".element = &kw_shape_{snake(shape['member']['shape'])}")
    return fields


def values_of(name, values):
    """An enum in the order of refusals."""
    seen = [value for value in ORDERS.get(name, "").split() if value in values]
    return seen + [value for value in values if value not in seen]


def text_array(name, texts):
    return [f"static const char *const {name}[] = {{", *wrap([quote(text) for text in texts] + ["NULL"]), "};"]


def rows_of(model, name):
    """The members of a structure."""
    shape = model.shapes[name]
    for member, target in shape["members"].items():
        flags = []
        if member in shape.get("required", ()):
            flags.append("KW_MEMBER_REQUIRED")
        if model.is_audited(member, target["shape"]):
            flags.append("KW_MEMBER_AUDITED")
        yield f"    {{{quote(member)}, &kw_shape_{snake(target['shape'])}, {' | '.join(flags) or '0'}}},"


def definition(model, name):
    shape = model.shapes[name]
    check_nesting(model, name)
    lines = []
    if "enum" in shape:
        values = values_of(name, shape["enum"])
        lines += text_array(f"{snake(name)}_values", values + ALSO_TAKEN.get(name, []))
        if name in ALSO_TAKEN:
            lines += text_array(f"{snake(name)}_listed", values)
    if shape.get("members"):
        lines += [f"static const struct kw_member {snake(name)}_members[] = {{", *rows_of(model, name), "};"]
        lines += [f"const struct kw_shape kw_shape_{snake(name)} =",
                  f"    KW_SHAPE_STRUCTURE({quote(name)}, {snake(name)}_members);", ""]
        return lines
    lines += [f"const struct kw_shape kw_shape_{snake(name)} = {{", *wrap(fields_of(model, name)), "};", ""]
    return lines


def source_file(about, body):
    patterns = ['#include "api/pattern.h"'] if any("kw_pattern_" in line for line in body) else []
    return "\n".join([
        f"/* {about}",
        " *",
        MADE,
        '#include "api/model_shapes.h"',
        *patterns,
        "",
        "/* clang-format off */",
        *body,
        "/* clang-format on */",
        "",
    ])


def shapes_header(names):
    return "\n".join([
        "/* model_shapes - every shape of the service model, by its name.",
        " *",
        MADE,
        "#ifndef KW_API_MODEL_SHAPES_H",
        "#define KW_API_MODEL_SHAPES_H",
        "",
        '#include "api/shape.h"',
        "",
        *[f"extern const struct kw_shape kw_shape_{snake(name)};" for name in sorted(names)],
        "",
        "#endif",
        "",
    ])


def operation_lines(name, operation):
    output = f"&kw_shape_{snake(operation['output']['shape'])}" if "output" in operation else "NULL"
    errors = [error["shape"] for error in operation.get("errors", ())]
    return [
        *text_array(f"{snake(name)}_errors", errors),
        f"const struct kw_model_operation kw_model_{snake(name)} = {{",
        *wrap([quote(name), f"&kw_shape_{snake(operation['input']['shape'])}", output, f"{snake(name)}_errors"]),
        "};",
    ]


def model_source(model):
    lines = [
        "/* Every operation of the service model.",
        " *",
        MADE,
        '#include "api/model.h"',
        "",
        "/* clang-format off */",
    ]
    for name, operation in model.operations.items():
        lines += operation_lines(name, operation)
    lines += ["const struct kw_model_operation *const kw_model[] = {"]
    lines += [f"    &kw_model_{snake(name)}," for name in model.operations] + ["};"]
    return "\n".join(lines + ["/* clang-format on */", "const size_t kw_model_num = KW_ARRAY_LEN(kw_model);", ""])


def model_header(model):
    return "\n".join([
        "/* model - every operation of the API: what it takes, answers and refuses with. Constant.",
        " *",
        MADE,
        "#ifndef KW_API_MODEL_H",
        "#define KW_API_MODEL_H",
        "",
        '#include "api/model_shapes.h"',
        "",
        "struct kw_model_operation {",
        '    const char *name; /* as in X-Amz-Target after "TrentService." */',
        "    const struct kw_shape *input;",
        "    const struct kw_shape *output; /* NULL: an empty answer */",
        "    const char *const *errors;     /* the exceptions that the model names; NULL-terminated */",
        "};",
        "",
        "/* All of them, sorted by name. */",
        "extern const struct kw_model_operation *const kw_model[];",
        "extern const size_t kw_model_num;",
        "",
        *[f"extern const struct kw_model_operation kw_model_{snake(name)};" for name in model.operations],
        "",
        "#endif",
        "",
    ])


def make(model):
    every = model.reach(model.inputs | model.outputs)
    inputs = [name for name in model.reach(model.inputs) if name in model.inputs]
    outputs = [name for name in every if name in model.outputs]
    rest = [name for name in every if name not in model.inputs and name not in model.outputs]
    parts = [name for name in rest if model.shapes[name]["type"] in ("structure", "list", "map")]
    scalars = [name for name in rest if name not in parts]

    def body(names):
        return [line for name in names for line in definition(model, name)][:-1]

    return {
        "model.h": model_header(model),
        "model.c": model_source(model),
        "model_shapes.h": shapes_header(every),
        "model_types.c": source_file("Text, numbers, blobs.", body(scalars)),
        "model_inputs.c": source_file("What operations take.", body(inputs)),
        "model_outputs.c": source_file("What operations answer.", body(outputs)),
        "model_parts.c": source_file("Structures, lists and maps within others.", body(parts)),
    }


def main(arguments):
    path, folder = arguments[:2]
    stale = []
    for name, text in make(Model(path)).items():
        target = os.path.join(folder, name)
        if "--check" not in arguments:
            with open(target, "w", encoding="utf-8") as file:
                file.write(text)
            continue
        with open(target, encoding="utf-8") as file:
            if file.read() != text:
                stale.append(name)
    for name in stale:
        print(f"api/{name} is not what tests/support/model_tables.py makes of {path}")
    return 1 if stale else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
