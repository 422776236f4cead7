"""Key policies: shown as AWS shows them, checked as AWS checks them, kept over a restart."""

import json
import re
import unittest

import harness

ROOT = f"arn:aws:iam::{harness.ACCOUNT}:root"
CALLER = f"arn:aws:iam::{harness.ACCOUNT}:user/admin"
DEFAULT = ('{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n    "Sid" : "Enable IAM User Permissions",\n'
    '    "Effect" : "Allow",\n    "Principal" : {\n      "AWS" : "%s"\n    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}')
LOCKOUT = "The new key policy will not allow you to update the key policy in the future."
INVALID = "Policy contains a statement with one or more invalid principals."
POOLS = {spec: int(spec == "ECC_NIST_P256") for spec in harness.SPECS}


def statement(**members):
    return {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*", **members}


def policy(*more):
    return {"Version": "2012-10-17", "Statement": [statement(), *more]}


class Policies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(pools=POOLS).start(ready=False)
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        self.key = harness.new_key(self.server)

    def ok(self, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual(answer.status, 200, answer)
        return answer.json if answer.body else {}

    def refused(self, error, message, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual((answer.status, answer.error), (400, error), answer)
        if message is None or isinstance(message, str):
            self.assertEqual(answer.message, message)
        else:
            self.assertRegex(answer.message, message)

    def put(self, document, **members):
        text = document if isinstance(document, str) else json.dumps(document)
        self.assertEqual(self.ok("PutKeyPolicy", KeyId=self.key, Policy=text, **members), {})

    def put_refused(self, message, document, error="MalformedPolicyDocumentException", **members):
        text = document if isinstance(document, str) else json.dumps(document)
        self.refused(error, message, "PutKeyPolicy", KeyId=self.key, Policy=text, **members)

    def get(self):
        return self.ok("GetKeyPolicy", KeyId=self.key)["Policy"]

    def test_default(self):
        answer = self.ok("GetKeyPolicy", KeyId=self.key, PolicyName="default")
        self.assertEqual(answer, {"Policy": DEFAULT % ROOT, "PolicyName": "default"})
        chinese = self.server.call("CreateKey", {}, region="cn-north-1").json["KeyMetadata"]["KeyId"]
        answer = self.server.call("GetKeyPolicy", {"KeyId": chinese}, region="cn-north-1").json
        self.assertEqual(answer["Policy"], DEFAULT % ROOT.replace(":aws:", ":aws-cn:"))

    def test_put_and_shown(self):
        sent = {"Statement": [statement(Sid="All", Condition={"StringEquals": {"kms:CallerAccount": [harness.ACCOUNT]}}),
            {"Resource": ["*"], "Action": ["kms:Encrypt", "kms:Decrypt"], "Principal": {"AWS": CALLER, "Service": "s3.amazonaws.com"},
                "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": False}}}], "Id": "Gr\u00fc\u00dfe"}
        self.put(sent)
        shown = self.get()
        self.assertEqual(json.dumps(json.loads(shown)), json.dumps(sent))
        self.assertIn('\n    "Action" : [ "kms:Encrypt", "kms:Decrypt" ],\n', shown)
        self.assertTrue(shown.startswith('{\n  "Statement" : [ {\n    "Effect" : "Allow",\n') and shown.endswith('\n  "Id" : "Gr\u00fc\u00dfe"\n}'))
        self.put(shown)
        self.assertEqual(self.get(), shown)
        self.put(policy(), PolicyName="default")
        self.assertEqual(json.loads(self.get()), policy())

    def test_of_create_key(self):
        self.key = harness.new_key(self.server, Policy=json.dumps(policy()))
        self.assertEqual(json.loads(self.get()), policy())
        self.refused("MalformedPolicyDocumentException", LOCKOUT, "CreateKey",
            Policy=json.dumps({"Statement": statement(Action="kms:DescribeKey")}))
        self.refused("MalformedPolicyDocumentException", None, "CreateKey", Policy="{")
        self.key = harness.new_key(self.server, Policy=json.dumps({"Statement": statement(Action="kms:GetKeyPolicy")}),
            BypassPolicyLockoutSafetyCheck=True)
        self.assertEqual(json.loads(self.get())["Statement"]["Action"], "kms:GetKeyPolicy")

    def test_malformed(self):
        for message, document in ((None, "{"), (None, "nothing"), (None, "[]"), (None, "\u00e9"), ("Policy contains no statement.", "{}"),
                (None, '{"Statement":[],"Statement":[]}'), (None, json.dumps({"Id": "\u0141", **policy()})),
                (INVALID, policy(statement(Principal={"AWS": "nobody"}))),
                (INVALID, policy(statement(Principal={"AWS": f"arn:aws:kms:us-east-1:{harness.ACCOUNT}:key/{self.key}"}))),
                (re.compile("no principal"), policy({"Effect": "Allow", "Action": "*", "Resource": "*"})),
                (re.compile("both Action and NotAction"), policy(statement(NotAction="kms:*"))),
                (re.compile("not known: Foo"), policy(statement(Foo=1)))):
            with self.subTest(document=document):
                self.put_refused(message, document)
        self.assertEqual(self.get(), DEFAULT % ROOT)

    def test_statements_without_effect(self):
        """AWS takes a statement without Action or Resource; it says nothing."""
        for mute in ({"Principal": "*", "Resource": "*"}, {"Principal": "*", "Action": "kms:*"}, {"Principal": "*"}):
            for effect in ("Allow", "Deny"):
                document = policy({"Effect": effect, **mute})
                self.put(document)
                self.assertEqual(json.loads(self.get()), document)
            self.put_refused(LOCKOUT, {"Statement": {"Effect": "Allow", **mute}})

    def test_lockout(self):
        for locked in (statement(Action="kms:Encrypt"), statement(Principal={"AWS": "arn:aws:iam::111122223333:root"})):
            self.put_refused(LOCKOUT, {"Statement": locked})
            self.put_refused(LOCKOUT, {"Statement": locked}, BypassPolicyLockoutSafetyCheck=False)
        self.put({"Statement": statement(Principal={"AWS": CALLER}, Action="kms:PutKeyPolicy")})
        self.put({"Statement": statement(Principal={"AWS": harness.ACCOUNT})})
        self.put({"Statement": statement(Action="kms:Get*")}, BypassPolicyLockoutSafetyCheck=True)
        self.assertEqual(json.loads(self.get())["Statement"]["Action"], "kms:Get*")
        self.refused("AccessDeniedException", re.compile("because no resource-based policy allows the kms:PutKeyPolicy action$"),
            "PutKeyPolicy", KeyId=self.key, Policy=json.dumps(policy()))

    def test_size(self):
        limit = 32 * 1024
        text = json.dumps(policy(), separators=(",", ":"))
        filler = limit - len(text) - len(',"Id":""')
        longest = text[:-1] + ',"Id":"%s"}' % ("x" * filler)
        self.put(longest)
        self.assertEqual(json.loads(self.get()), json.loads(longest))
        self.put_refused(re.compile("at most 32768 bytes"), longest + " ", error="LimitExceededException")
        # Sent without blanks it is within the limit, shown it is not.
        many = {"Statement": [statement(), statement(Condition={"Bool": {"%x:y" % n: True for n in range(1990)}})]}
        self.put(json.dumps(many, separators=(",", ":")))
        shown = self.get()
        self.assertGreater(len(shown), limit)
        self.assertEqual(json.loads(shown), many)

    def test_names(self):
        for operation, members in (("GetKeyPolicy", {}), ("PutKeyPolicy", {"Policy": json.dumps(policy())})):
            with self.subTest(operation=operation):
                self.refused("NotFoundException", "No such policy exists", operation, KeyId=self.key, PolicyName="other", **members)
                self.refused("ValidationException", re.compile("at 'policyName' failed"), operation, KeyId=self.key, PolicyName="a-b", **members)
        for operation, members in (("GetKeyPolicy", {}), ("PutKeyPolicy", {"Policy": json.dumps(policy())}), ("ListKeyPolicies", {})):
            with self.subTest(operation=operation):
                self.refused("NotFoundException", "Invalid keyId 'foo'", operation, KeyId="foo", **members)
                self.refused("InvalidArnException", "Key Aliases are not supported for this operation.", operation, KeyId="alias/x", **members)

    def test_list(self):
        self.assertEqual(self.ok("ListKeyPolicies", KeyId=self.key), {"PolicyNames": ["default"], "Truncated": False})
        self.assertEqual(self.ok("ListKeyPolicies", KeyId=self.key, Limit=1), {"PolicyNames": ["default"], "Truncated": False})
        self.refused("InvalidMarkerException", re.compile("marker"), "ListKeyPolicies", KeyId=self.key, Marker="x")

    def test_states(self):
        """Policies are shown and put in every state."""
        for prepare in (lambda: self.ok("DisableKey", KeyId=self.key), lambda: self.ok("ScheduleKeyDeletion", KeyId=self.key),
                lambda: setattr(self, "key", harness.new_key(self.server, Origin="EXTERNAL"))):
            prepare()
            self.put(policy())
            self.assertEqual(json.loads(self.get()), policy())
            self.assertEqual(self.ok("ListKeyPolicies", KeyId=self.key)["PolicyNames"], ["default"])

    def test_client(self):
        kms = self.server.client()
        kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=json.dumps(policy()))
        self.assertEqual(json.loads(kms.get_key_policy(KeyId=self.key, PolicyName="default")["Policy"]), policy())
        self.assertEqual(kms.list_key_policies(KeyId=self.key)["PolicyNames"], ["default"])

    def test_kept(self):
        with harness.Server(pools=POOLS).start(ready=False) as server:
            key, plain = harness.new_key(server), harness.new_key(server)
            self.assertEqual(server.call("PutKeyPolicy", {"KeyId": key, "Policy": json.dumps(policy())}).status, 200)
            before = [server.call("GetKeyPolicy", {"KeyId": of}).json for of in (key, plain)]
            server.kill()
            server.start(ready=False)
            self.assertEqual([server.call("GetKeyPolicy", {"KeyId": of}).json for of in (key, plain)], before)
            self.assertNotEqual(before[0], before[1])


if __name__ == "__main__":
    unittest.main()
