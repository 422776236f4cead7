"""The table of key states, cell by cell, against a running server: the table of the documentation written out, the states that a
test can put a key into, and every operation of it that is there."""

import base64
import unittest

import harness

STATES = ("Enabled", "Disabled", "PendingDeletion", "PendingImport")
ENDS = {
    "D": ("DisabledException", "{arn} is disabled."),
    "I": ("KMSInvalidStateException", "{arn} is pending deletion."),
    "imp": ("KMSInvalidStateException", "{arn} is pending import."),
    "not": ("KMSInvalidStateException", "{arn} is not pending deletion."),
    "ext": ("UnsupportedOperationException", "{arn} origin is EXTERNAL which is not valid for this operation."),
}
USE, NOTE, ANY, SWITCH = ("ok", "D", "I", "imp"), ("ok", "ok", "I", "ok"), ("ok",) * 4, ("ok", "ok", "I", "imp")
# Operation, what it says in each of the states, and members other than KeyId.
TABLE = (
    ("Encrypt", USE, {"Plaintext": "YQ=="}),
    ("Decrypt", ("ok", "D", "I", None), None),
    ("ReEncrypt", USE, None),
    ("GenerateDataKey", USE, {"KeySpec": "AES_256"}),
    ("GenerateDataKeyWithoutPlaintext", USE, {"KeySpec": "AES_256"}),
    ("GenerateDataKeyPair", USE, {"KeyPairSpec": "ECC_NIST_P256"}),
    ("GenerateDataKeyPairWithoutPlaintext", USE, {"KeyPairSpec": "ECC_NIST_P256"}),
    ("CreateGrant", USE, {"GranteePrincipal": f"arn:aws:iam::{harness.ACCOUNT}:root", "Operations": ["Encrypt"]}),
    ("DescribeKey", ANY, {}),
    ("GetKeyPolicy", ANY, {}),
    ("PutKeyPolicy", ANY, None),
    ("ListKeyPolicies", ANY, {}),
    ("ListGrants", ANY, {}),
    ("ListResourceTags", ANY, {}),
    ("ListAliases", ANY, {}),
    ("ListKeyRotations", ANY, {}),
    ("GetKeyLastUsage", ANY, {}),
    ("CreateAlias", NOTE, None),
    ("UpdateAlias", NOTE, None),
    ("DeleteAlias", ANY, None),
    ("TagResource", NOTE, {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    ("UntagResource", NOTE, {"TagKeys": ["a"]}),
    ("UpdateKeyDescription", NOTE, {"Description": "states"}),
    ("EnableKey", SWITCH, {}),
    ("DisableKey", SWITCH, {}),
    ("EnableKeyRotation", ("ok", "D", "I", "ext"), {}),
    ("DisableKeyRotation", ("ok", "D", "I", "ext"), {}),
    ("GetKeyRotationStatus", ("ok", "ok", "ok", "ext"), {}),
    # A key that never had material can have no grants.
    ("RevokeGrant", ("ok", "ok", "ok", None), None),
    ("RetireGrant", ("ok", "ok", "ok", None), None),
    ("ScheduleKeyDeletion", NOTE, {"PendingWindowInDays": 7}),
    ("CancelKeyDeletion", ("not", "not", "ok", "not"), {}),
)


class Missing(Exception):
    """An operation that is not there yet."""


class States(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        pools = {spec: 0 for spec in harness.SPECS} | {"ECC_NIST_P256": 16}
        cls.server = harness.Server(pools=pools).start()
        cls.addClassCleanup(cls.server.close)
        cls.keys, cls.count = {}, 0

    def call(self, operation, body):
        answer = self.server.call(operation, body)
        if answer.error == "UnsupportedOperationException" and "by this server" in (answer.message or ""):
            raise Missing(answer.message)
        return answer

    def done(self, operation, body):
        answer = self.call(operation, body)
        self.assertEqual(answer.status, 200, answer)
        return answer.json if answer.body else {}

    def new_key(self, **members):
        return self.done("CreateKey", members)["KeyMetadata"]

    def put_into(self, key, state):
        if state == "Disabled":
            self.done("DisableKey", {"KeyId": key["KeyId"]})
        if state == "PendingDeletion":
            self.done("ScheduleKeyDeletion", {"KeyId": key["KeyId"]})
        self.assertEqual(self.done("DescribeKey", {"KeyId": key["KeyId"]})["KeyMetadata"]["KeyState"], state)

    def new_alias(self, key):
        type(self).count += 1
        name = f"alias/states/{self.count}"
        self.done("CreateAlias", {"AliasName": name, "TargetKeyId": key["KeyId"]})
        return name

    def new_grant(self, key):
        return self.done("CreateGrant", {"KeyId": key["KeyId"], "Operations": ["Encrypt"],
            "GranteePrincipal": f"arn:aws:iam::{harness.ACCOUNT}:root"})["GrantId"]

    def body(self, operation, key, state, more):
        """The request, made ready while the key is Enabled."""
        if more is not None:
            return {"KeyId": key["KeyId"], **more}
        if operation == "Decrypt":
            return {"CiphertextBlob": self.done("Encrypt", {"KeyId": key["KeyId"], "Plaintext": "YQ=="})["CiphertextBlob"]}
        if operation == "ReEncrypt":
            source = self.new_key()
            blob = self.done("Encrypt", {"KeyId": source["KeyId"], "Plaintext": "YQ=="})["CiphertextBlob"]
            return {"CiphertextBlob": blob, "DestinationKeyId": key["KeyId"]}
        if operation == "CreateAlias":
            return {"AliasName": f"alias/states/{operation}/{state}", "TargetKeyId": key["KeyId"]}
        if operation == "UpdateAlias":
            return {"AliasName": self.new_alias(self.new_key()), "TargetKeyId": key["KeyId"]}
        if operation == "DeleteAlias":
            return {"AliasName": self.new_alias(key)}
        if operation == "PutKeyPolicy":
            return {"KeyId": key["KeyId"], "Policy": self.done("GetKeyPolicy", {"KeyId": key["KeyId"]})["Policy"]}
        return {"KeyId": key["Arn"], "GrantId": self.new_grant(key)}

    def check_cell(self, operation, state, end, more):
        key = self.new_key(**({"Origin": "EXTERNAL"} if state == "PendingImport" else {}))
        body = self.body(operation, key, state, more)
        self.put_into(key, state)
        answer = self.call(operation, body)
        if end == "ok":
            self.assertEqual(answer.status, 200, answer)
            return
        error, message = ENDS[end]
        self.assertEqual((answer.status, answer.error, answer.message), (400, error, message.format(arn=key["Arn"])))

    def test_every_cell(self):
        missing = {}
        for operation, ends, more in TABLE:
            for state, end in zip(STATES, ends):
                if end is None:
                    continue
                with self.subTest(operation=operation, state=state):
                    try:
                        self.check_cell(operation, state, end, more)
                    except Missing as error:
                        missing[operation] = str(error)
        if missing:
            self.skipTest("; ".join(sorted(set(missing.values()))))

    def test_old_target_of_an_alias(self):
        """UpdateAlias and DeleteAlias do not mind the state of the key that the alias had."""
        for state in ("Disabled", "PendingDeletion"):
            old, new = self.new_key(), self.new_key()
            name = self.new_alias(old)
            self.put_into(old, state)
            self.done("UpdateAlias", {"AliasName": name, "TargetKeyId": new["KeyId"]})
            self.assertEqual(self.done("DescribeKey", {"KeyId": name})["KeyMetadata"]["KeyId"], new["KeyId"])

    def test_source_of_re_encrypt(self):
        """The state of the key that a blob is under counts as well."""
        key, target = self.new_key(), self.new_key()
        blob = self.done("Encrypt", {"KeyId": key["KeyId"], "Plaintext": base64.b64encode(b"x").decode()})["CiphertextBlob"]
        self.put_into(key, "Disabled")
        try:
            answer = self.call("ReEncrypt", {"CiphertextBlob": blob, "DestinationKeyId": target["KeyId"]})
        except Missing as missing:
            self.skipTest(str(missing))
        self.assertEqual((answer.error, answer.message), ("DisabledException", f"{key['Arn']} is disabled."))


if __name__ == "__main__":
    unittest.main()
