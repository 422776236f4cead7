#!/usr/bin/python3
"""Every operation's skeletons and required options, as Debian's AWS CLI 2 makes them of the model that it finds.

Prints {COMMAND: {"input": JSON, "yaml": YAML, "required": [OPTION]}}. A folder with another model may be named in
AWS_DATA_PATH.
"""

import io
import json
import re
import sys

import awscli.clidriver
from awscli.botocore import xform_name
from awscli.botocore.utils import ArgumentGenerator
from awscli.customizations.generatecliskeleton import YAMLArgumentGenerator, _Bytes
from awscli.utils import json_encoder
from ruamel.yaml import YAML


def yaml_of(shape):
    yaml, text = YAML(), io.StringIO()
    yaml.representer.add_representer(_Bytes, _Bytes.represent)
    yaml.dump(YAMLArgumentGenerator().generate_skeleton(shape), text)
    # What AWS says about a member is not compared.
    return re.sub(r" +#.*", "", text.getvalue())


model = awscli.clidriver.create_clidriver().session.get_service_model("kms")
result = {}
for name in model.operation_names:
    shape = model.operation_model(name).input_shape
    result[xform_name(name, "-")] = {
        "input": json.dumps(ArgumentGenerator().generate_skeleton(shape), indent=4, default=json_encoder) + "\n",
        "yaml": yaml_of(shape),
        "required": ["--" + xform_name(member, "-") for member in shape.members if member in shape.required_members],
    }
json.dump(result, sys.stdout)
