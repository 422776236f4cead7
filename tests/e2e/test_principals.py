"""Administration by the operator's socket and the keywell program: principals, their access keys and policies,
and why a request is allowed or denied; checked against what stock clients meet."""

import concurrent.futures
import contextlib
import json
import os
import socket
import stat
import subprocess
import tempfile
import unittest

import boto3
import botocore.config
import botocore.exceptions

from harness import ACCOUNT, REGION, Server, program, run_tool

OTHER = "111122223333"
NO_POOLS = {name: 0 for name in ("RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P384", "ECC_NIST_P521",
    "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519")} | {"ECC_NIST_P256": 16}


def policy(action, effect="Allow", resource="*", sid=None, **more):
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    if sid:
        statement["Sid"] = sid
    return {"Version": "2012-10-17", "Statement": [statement]}


def trust(principal):
    return {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}]}


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.server = cls.stack.enter_context(Server(pools=NO_POOLS))
        cls.folder = cls.stack.enter_context(tempfile.TemporaryDirectory())
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def file(self, content):
        type(self).number += 1
        path = os.path.join(self.folder, f"file-{self.number}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def run_principal(self, *arguments, status=0):
        done = subprocess.run([program("keywell"), "principal", *arguments, "--data", self.server.data],
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def principal(self, *arguments):
        return json.loads(self.run_principal(*arguments, "--json").stdout)

    def refused(self, *arguments, status=1):
        done = self.run_principal(*arguments, status=status)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def explain(self, *arguments, status, offline=False):
        where = () if offline else ("--data", self.server.data)
        done = subprocess.run([program("keywell"), "policy", "explain", *where, *arguments, "--json"],
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)["Decisions"] if status < 2 else done.stderr

    def client(self, made, service="kms", token=None):
        key = made.get("AccessKey", made)
        return boto3.client(service, region_name=REGION, endpoint_url=self.server.url,
            aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"], aws_session_token=token,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}))

    def assertFails(self, code, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response["Error"]["Message"]

    def make_key(self, **arguments):
        return self.server.client().create_key(**arguments)["KeyMetadata"]["Arn"]

    def operator_records(self):
        return [line for line in self.server.audit_lines() if line.get("eventSource") == "keywell.operator"]

    def post(self, request, body=b"", method="POST", seconds=10):
        """Status and JSON of a raw request on the socket."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(seconds)
            client.connect(os.path.join(self.server.data, "operator.sock"))
            client.sendall(f"{method} /{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = b""
            while more := client.recv(65536):
                answer += more
        head, text = answer.split(b"\r\n\r\n", 1)
        return int(head.split()[1]), text


class Principals(Case):
    def test_user_is_served_until_disabled(self):
        made = self.principal("create", "user", "served", "--policy", "z=" + self.file(policy("kms:ListKeys")),
            "--administrator", "--tag", "team=blue", "--path", "/a/b/")
        arn = f"arn:aws:iam::{ACCOUNT}:user/a/b/served"
        self.assertEqual(made["Principal"]["Arn"], arn)
        self.assertEqual(made["Principal"]["Tags"], [{"Key": "team", "Value": "blue"}])
        self.assertEqual(self.client(made, "sts").get_caller_identity()["Arn"], arn)
        kms = self.client(made)
        kms.list_keys()
        self.principal("disable", "served")
        self.assertFails("UnrecognizedClientException", kms.list_keys)
        self.principal("enable", arn)
        kms.list_keys()
        self.run_principal("delete", "user/served")
        self.assertFails("UnrecognizedClientException", kms.list_keys)
        self.assertIn("has no user served", self.refused("show", "served"))

    def test_policies_count_with_the_next_request(self):
        key = self.make_key()
        kms = self.client(self.principal("create", "user", "policed"))
        self.assertFails("AccessDeniedException", kms.encrypt, KeyId=key, Plaintext=b"x")
        self.principal("put-policy", "policed", "--policy", "use=" + self.file(policy("kms:Encrypt")))
        kms.encrypt(KeyId=key, Plaintext=b"x")
        self.principal("put-policy", "policed", "--policy", "use=" + self.file(policy("kms:Decrypt")))
        self.assertFails("AccessDeniedException", kms.encrypt, KeyId=key, Plaintext=b"x")
        self.principal("put-policy", "policed", "--policy", "more=" + self.file(policy("kms:E*")))
        kms.encrypt(KeyId=key, Plaintext=b"x")
        shown = self.principal("show", "policed")["Principal"]
        self.assertEqual([item["PolicyName"] for item in shown["Policies"]], ["more", "use"])
        self.assertEqual(json.loads(shown["Policies"][0]["PolicyDocument"]), policy("kms:E*"))
        self.principal("delete-policy", "policed", "more")
        self.assertFails("AccessDeniedException", kms.encrypt, KeyId=key, Plaintext=b"x")
        self.assertIn("has no policy more", self.refused("delete-policy", "policed", "more"))

    def test_rotation(self):
        first = self.principal("create", "user", "turning", "--administrator")
        kept = self.client(first)
        kept.list_keys()  # from here on the serving threads have its signing key ready
        second = self.principal("rotate", "turning")
        self.assertFails("UnrecognizedClientException", kept.list_keys)
        self.assertFails("UnrecognizedClientException", self.client(first).list_keys)
        kept = self.client(second)
        kept.list_keys()
        third = self.principal("rotate", "turning", "--keep")
        for made in second, third:
            self.client(made).list_keys()
        ids = [made["AccessKey"]["AccessKeyId"] for made in (second, third)]
        keys = self.principal("access-key", "list", "turning")["AccessKeys"]
        self.assertEqual([(key["AccessKeyId"], key["Enabled"]) for key in keys], [(ids[0], True), (ids[1], True)])
        self.assertIn("two access keys in use", self.refused("rotate", "turning"))
        self.assertIn("2 access keys already", self.refused("access-key", "create", "turning"))
        self.principal("access-key", "disable", ids[0])
        self.assertFails("UnrecognizedClientException", kept.list_keys)
        self.principal("access-key", "enable", ids[0])
        kept.list_keys()
        left = self.principal("access-key", "delete", ids[0])["AccessKeys"]
        self.assertEqual([key["AccessKeyId"] for key in left], [ids[1]])
        self.assertFails("UnrecognizedClientException", kept.list_keys)
        self.assertEqual(left[0]["LastUsed"]["Service"], "kms")
        self.assertEqual(left[0]["LastUsed"]["Region"], REGION)

    def test_root_of_another_account(self):
        made = self.principal("create", "root", "--account", OTHER)
        arn = f"arn:aws:iam::{OTHER}:root"
        self.assertEqual(self.client(made, "sts").get_caller_identity()["Arn"], arn)
        own = self.client(made).create_key()["KeyMetadata"]
        self.assertEqual(own["AWSAccountId"], OTHER)
        self.assertFails("AccessDeniedException", self.server.client().describe_key, KeyId=own["Arn"])
        self.assertIn("there already", self.refused("create", "root", "--account", OTHER))
        self.assertIn("takes no policies", self.refused("put-policy", arn, "--policy", "a=" + self.file(policy("*"))))
        listed = self.principal("list", "--account", OTHER)["Principals"]
        self.assertEqual([item["Arn"] for item in listed], [arn])
        self.assertNotIn(OTHER, json.dumps(self.principal("list", "--account", ACCOUNT)))

    def test_role_is_assumed(self):
        role = self.principal("create", "role", "worker", "--trust", self.file(trust(ACCOUNT)), "--policy",
            "list=" + self.file(policy("kms:ListKeys")), "--session-max", "7200")["Principal"]
        self.assertEqual(role["MaxSessionDuration"], 7200)
        sts = self.client(self.principal("create", "user", "assumer", "--policy",
            "assume=" + self.file(policy("sts:AssumeRole"))), "sts")
        session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="night")["Credentials"]
        kms = self.client(session, token=session["SessionToken"])
        kms.list_keys()
        self.assertFails("AccessDeniedException", kms.list_aliases)
        self.principal("put-trust", "role/worker", "--trust", self.file(trust(OTHER)))
        self.assertFails("AccessDenied", sts.assume_role, RoleArn=role["Arn"], RoleSessionName="night")
        self.principal("disable", role["Arn"])
        with self.assertRaises(botocore.exceptions.ClientError):
            kms.list_keys()
        self.assertIn("no access keys", self.refused("access-key", "create", "role/worker"))

    def test_refusals(self):
        bad = self.file({"Version": "2012-10-17", "Statement": [{"Effect": "Maybe"}]})
        self.assertIn("policy p: ", self.refused("create", "user", "never", "--policy", "p=" + bad))
        self.assertIn("the trust policy: ", self.refused("create", "role", "never", "--trust", bad))
        self.assertIn("needs a trust policy", self.refused("create", "role", "never"))
        self.assertIn("Name must be", self.refused("create", "user", "a b"))
        self.assertIn("Path must", self.refused("create", "user", "never", "--path", "x"))
        self.assertIn("twelve digits", self.refused("list", "--account", "12"))
        self.assertIn("no access key is named", self.refused("access-key", "delete", "AKIAAAAAAAAAAAAAAAAA"))
        self.assertIn("is there already", self.refused("create", "user", "ADMIN"))
        self.assertIn("no option of list", self.refused("list", "--keep", status=2))
        self.assertIn("takes one name", self.refused("create", "user", status=2))
        self.assertIn("is no command", self.refused("explode", status=2))
        self.assertIn("--tag", self.refused("create", "user", "never", "--tag", "x", status=2))
        self.assertIn("has no user never", self.refused("show", "never"))
        self.assertIn("No such file", self.refused("put-policy", "admin", "--policy", "x=/nonexistent", status=2))

    def test_credentials_go_into_a_new_file(self):
        path = os.path.join(self.folder, "credentials")
        done = self.run_principal("create", "user", "filed", "--credentials", path, "--profile", "mine")
        self.assertEqual(done.stdout, "")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        environment = dict(self.server.environment(), AWS_SHARED_CREDENTIALS_FILE=path)
        shown = subprocess.run(["/usr/bin/aws", "--profile", "mine", "--endpoint-url", self.server.url, "sts",
            "get-caller-identity", "--query", "Arn", "--output", "text"], env=environment, capture_output=True, text=True,
            timeout=60)
        self.assertEqual(shown.stdout.strip(), f"arn:aws:iam::{ACCOUNT}:user/filed", shown.stderr)
        self.assertIn("File exists", self.refused("create", "user", "filed-2", "--credentials", path))
        self.assertIn("has no user filed-2", self.refused("show", "filed-2"))
        gone = os.path.join(self.folder, "gone")
        self.refused("create", "user", "filed", "--credentials", gone)
        self.assertFalse(os.path.exists(gone))


class Records(Case):
    def test_changes_are_on_record_without_secrets(self):
        made = self.principal("create", "user", "recorded")
        self.refused("create", "user", "recorded")
        self.principal("list")
        intent, outcome, refusal = self.operator_records()[-3:]
        self.assertEqual((intent["eventType"], intent["intent"]), ("KeywellIntent", "CreatePrincipal"))
        self.assertEqual((outcome["eventType"], outcome["eventName"]), ("KeywellOperatorCall", "CreatePrincipal"))
        self.assertEqual(intent["intentOf"], outcome["requestID"])
        self.assertEqual(refusal["errorCode"], "EntityAlreadyExists")
        self.assertEqual(outcome["userIdentity"]["principalId"], f"uid:{os.getuid()}")
        self.assertEqual(outcome["resources"][0]["ARN"], made["Principal"]["Arn"])
        self.assertEqual(outcome["responseElements"], {"accessKeyId": made["AccessKey"]["AccessKeyId"]})
        secret = made["AccessKey"]["SecretAccessKey"]
        self.assertNotIn(secret, json.dumps(list(self.server.audit_lines())))
        self.assertNotIn(secret, self.server.log())
        self.assertNotIn(secret, json.dumps(self.principal("show", "recorded")))
        self.assertEqual(self.server.audit_verify().returncode, 0)

    def test_one_of_many_wins(self):
        """Who comes at the same time has passed the first look; the keystore's thread looks again."""
        body = json.dumps({"Kind": "user", "Name": "raced", "AccessKey": True}).encode()
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = [future.result() for future in [pool.submit(self.post, "CreatePrincipal", body) for _ in range(12)]]
        self.assertEqual(sorted(status for status, _ in answers), [200] + [400] * 11)
        self.assertEqual({json.loads(text)["error"]["code"] for status, text in answers if status == 400},
            {"EntityAlreadyExists"})
        lines = [line for line in self.operator_records() if "raced" in json.dumps(line["requestParameters"])]
        outcomes = {line["requestID"] for line in lines if "requestID" in line}
        self.assertEqual(len(outcomes), 12)
        self.assertLessEqual({line["intentOf"] for line in lines if "intentOf" in line}, outcomes)
        self.assertEqual(len(self.principal("show", "raced")["Principal"]["AccessKeys"]), 1)

    def test_hostile_requests(self):
        for method, request, body, status in (("GET", "ListPrincipals", b"", 404), ("POST", "Nothing", b"", 404),
                ("POST", "ListPrincipals", b"[", 400), ("POST", "ListPrincipals", b'{"X":1}', 400),
                ("POST", "GetPrincipal", b"{}", 400), ("POST", "GetPrincipal", b'{"Principal":7}', 400),
                ("POST", "GetPrincipal", b'{"Principal":"a\\u0000b"}', 400),
                ("POST", "GetPrincipal", b'{"Principal":"arn:aws:iam::1:user/x"}', 400),
                ("POST", "CreatePrincipal", b'{"Kind":"user","Name":"x","Tags":[7]}', 400),
                ("POST", "CreatePrincipal", b'{"Kind":"user","Name":"x","Policies":[{}]}', 400),
                ("POST", "CreatePrincipal", b'{"Kind":"god","Name":"x"}', 400),
                ("POST", "Explain", b"{}", 400), ("POST", "Explain", b'{"Principal":"admin","Event":[]}', 400)):
            with self.subTest(request=request, body=body):
                got, text = self.post(request, body, method)
                self.assertEqual(got, status, text)
                self.assertTrue(json.loads(text)["error"]["message"])
        self.assertEqual(self.post("ListPrincipals")[0], 200)

    def test_the_socket_is_the_operators_alone(self):
        path = os.path.join(self.server.data, "operator.sock")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        if os.getuid() != 0:
            self.skipTest("only root can ask as somebody else")
        # Even with the file's mode and the folder's opened, the kernel's word about who asks counts.
        os.chmod(path, 0o777)
        for name in (self.server.data, self.server.top):
            os.chmod(name, 0o711)
        child = subprocess.run(["/usr/bin/python3", "-c",
            "import os,socket,sys\nos.setgid(65534)\nos.setuid(65534)\ns=socket.socket(socket.AF_UNIX)\n"
            "s.connect(sys.argv[1])\ns.sendall(b'POST /ListPrincipals HTTP/1.1\\r\\nHost: x\\r\\n"
            "Content-Length: 0\\r\\n\\r\\n')\na=b''\nwhile m := s.recv(65536): a+=m\nprint(a.decode())", path], capture_output=True, text=True, timeout=60)
        os.chmod(path, 0o600)
        os.chmod(self.server.data, 0o700)
        self.assertIn(" 403 ", child.stdout, child.stderr)
        self.assertNotIn("admin", child.stdout.split("\n\n", 1)[1].replace("administer", ""))


class Restart(unittest.TestCase):
    def test_principals_and_last_use_survive(self):
        with Server(pools=NO_POOLS) as server:
            def principal(*arguments):
                done = run_tool("keywell", "principal", *arguments, "--data", server.data, "--json")
                self.assertEqual(done.returncode, 0, done.stderr)
                return json.loads(done.stdout)
            principal("create", "user", "kept", "--administrator")
            server.client().list_keys()
            before = principal("list")
            self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(os.path.join(server.data, "operator.sock")))
            done = run_tool("keywell", "principal", "list", "--data", server.data)
            self.assertEqual(done.returncode, 1)
            self.assertIn("no server runs", done.stderr)
            server.start()
            self.assertEqual(principal("list"), before)
            server.kill()
            # What a server that was killed left behind is no obstacle.
            self.assertTrue(os.path.exists(os.path.join(server.data, "operator.sock")))
            self.assertEqual(run_tool("keywell", "principal", "list", "--data", server.data).returncode, 1)
            server.start()
            self.assertEqual(principal("list"), before)


class Explain(Case):
    def ask(self, principal, action, key, *more, status):
        return self.explain("--principal", principal, "--action", action, "--key-id", key, *more, status=status)[0]

    def last_record(self, name):
        return [line for line in self.server.audit_records() if line["eventName"] == name][-1]

    def again(self, name, *more, status):
        return self.explain("--event", self.file(self.last_record(name)), *more, status=status)

    def test_each_way_to_a_verdict(self):
        key = self.make_key()
        kms = self.client(self.principal("create", "user", "asker", "--policy",
            "use=" + self.file(policy(["kms:Encrypt", "kms:DescribeKey"], sid="Use"))))
        kms.encrypt(KeyId=key, Plaintext=b"x")
        got = self.ask("asker", "kms:Encrypt", key, status=0)
        self.assertEqual(got["Reason"], "IdentityPolicy")
        self.assertEqual([(item["PolicyKind"], item["Statement"], item["Sid"]) for item in got["Statements"]],
            [("key policy", 1, "Enable IAM User Permissions"), ("identity policy", 1, "Use")])
        told = self.assertFails("AccessDeniedException", kms.generate_data_key, KeyId=key, KeySpec="AES_256")
        got = self.ask("asker", "kms:GenerateDataKey", key, status=1)
        self.assertEqual((got["Reason"], got["Refusal"]), ("NotAllowed", told))
        # an explicit deny in the key policy, by its number and Sid
        document = json.loads(self.server.client().get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        document["Statement"].append({"Sid": "Stop", "Effect": "Deny", "Resource": "*", "Action": "kms:Encrypt",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/asker"},
            "Condition": {"StringEquals": {"kms:EncryptionContext:App": "x"}}})
        self.server.client().put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
        told = self.assertFails("AccessDeniedException", kms.encrypt, KeyId=key, Plaintext=b"x",
            EncryptionContext={"App": "x"})
        got = self.ask("asker", "kms:Encrypt", key, "--encryption-context", "App=x", status=1)
        self.assertEqual((got["Reason"], got["Refusal"]), ("ExplicitDeny", told))
        self.assertEqual([(item["Statement"], item["Sid"]) for item in got["Statements"]], [(2, "Stop")])
        self.assertIn("statement 2 (Sid Stop) of the key policy", got["Explanation"])
        # the same by the condition key, and by the record of the call
        self.ask("asker", "kms:Encrypt", key, "--condition", "kms:EncryptionContext:app=x", status=1)
        self.assertEqual(self.again("Encrypt", status=1)[0]["Refusal"], told)
        self.ask("asker", "kms:Encrypt", key, "--encryption-context", "App=y", status=0)
        # a grant
        self.assertFails("AccessDeniedException", kms.generate_mac, KeyId=key, Message=b"x", MacAlgorithm="HMAC_SHA_256")
        grant = self.server.client().create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/asker",
            Operations=["Decrypt"], Name="loan", Constraints={"EncryptionContextSubset": {"a": "1"}})["GrantId"]
        got = self.ask("asker", "kms:Decrypt", key, "--encryption-context", "a=1", "--encryption-context", "b=2", status=0)
        self.assertEqual((got["Reason"], got["GrantId"], got["GrantName"]), ("Grant", grant, "loan"))
        self.ask("asker", "kms:Decrypt", key, "--encryption-context", "a=2", status=1)

    def test_other_accounts_aliases_and_what_is_not_there(self):
        key = self.make_key()
        self.server.client().create_alias(AliasName="alias/explained", TargetKeyId=key)
        made = self.principal("create", "user", "stranger", "--account", OTHER, "--administrator")
        stranger = made["Principal"]["Arn"]
        told = self.assertFails("AccessDeniedException", self.client(made).encrypt, KeyId=key, Plaintext=b"x")
        got = self.ask(stranger, "kms:Encrypt", key, status=1)
        self.assertEqual((got["Reason"], got["Refusal"]), ("OtherAccount", told))
        self.assertEqual(self.again("Encrypt", status=1)[0]["Refusal"], told)
        self.assertEqual(self.ask("admin", "Encrypt", "alias/explained", status=0)["Resource"], key)
        self.assertEqual(self.ask("admin", "kms:Encrypt", "alias/none", status=1)["Reason"], "NoSuchKey")
        self.assertEqual(self.ask("nobody", "kms:Encrypt", key, status=1)["Reason"], "NoSuchCaller")
        id = made["AccessKey"]["AccessKeyId"]
        got = self.explain("--access-key-id", id, "--action", "kms:CreateKey", status=0)[0]
        self.assertEqual((got["Principal"], got["Reason"]), (stranger, "IdentityPolicy"))
        self.principal("access-key", "disable", id)
        got = self.explain("--access-key-id", id, "--action", "kms:CreateKey", status=1)[0]
        self.assertEqual(got["Reason"], "NoSuchCaller")
        self.assertIn("no action of KMS", self.explain("--principal", "admin", "--action", "s3:Get", status=2))
        self.assertIn("condition key", self.explain("--principal", "admin", "--action", "kms:Encrypt", "--key-id", key,
            "--condition", "kms:ViaService=x", status=2))

    def test_records_of_two_permissions(self):
        admin = self.server.client()
        one, two = self.make_key(), self.make_key()
        kms = self.client(self.principal("create", "user", "mover", "--policy",
            "p=" + self.file(policy(["kms:Encrypt", "kms:ReEncryptFrom"]))))
        blob = kms.encrypt(KeyId=one, Plaintext=b"x")["CiphertextBlob"]
        told = self.assertFails("AccessDeniedException", kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=two)
        self.assertIn("kms:ReEncryptTo", told)
        decisions = self.again("ReEncrypt", status=1)
        self.assertEqual([(item["Action"], item["Allowed"]) for item in decisions],
            [("kms:ReEncryptFrom", True), ("kms:ReEncryptTo", False)])
        admin.create_alias(AliasName="alias/two-permissions", TargetKeyId=one)
        decisions = self.again("CreateAlias", status=0)
        self.assertEqual([item["Resource"] for item in decisions],
            [f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/two-permissions", one])
        admin.create_key(Tags=[{"TagKey": "a", "TagValue": "b"}])
        self.assertEqual([item["Action"] for item in self.again("CreateKey", status=0)],
            ["kms:CreateKey", "kms:TagResource"])

    def test_time_and_session_policies(self):
        key = self.make_key()
        early = policy("kms:Encrypt", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})
        self.principal("create", "user", "early", "--policy", "p=" + self.file(early))
        self.ask("early", "kms:Encrypt", key, status=1)
        self.ask("early", "kms:Encrypt", key, "--condition", "aws:CurrentTime=2019-06-01T00:00:00Z", status=0)
        self.principal("create", "role", "narrow", "--trust", self.file(trust(ACCOUNT)), "--administrator")
        session = f"arn:aws:sts::{ACCOUNT}:assumed-role/narrow/one"
        self.ask(session, "kms:Encrypt", key, status=0)
        limit = self.file(policy("kms:Decrypt", sid="Limit"))
        got = self.ask(session, "kms:Encrypt", key, "--session-policy", limit, status=1)
        self.assertIn("no session policy allows", got["Refusal"])
        got = self.ask(session, "kms:Decrypt", key, "--session-policy", limit, status=0)
        self.assertIn(("session policy", "Limit"), [(item["PolicyKind"], item["Sid"]) for item in got["Statements"]])

    def test_files_without_a_server(self):
        alice = f"arn:aws:iam::{ACCOUNT}:user/alice"
        use = self.file(policy("kms:Encrypt"))
        asked = ("--identity-policy", use, "--principal", alice, "--action", "kms:Encrypt")
        self.assertEqual(self.explain(*asked, status=0, offline=True)[0]["Reason"], "IdentityPolicy")
        closed = self.file(policy("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}))
        got = self.explain(*asked, "--key-policy", closed, status=1, offline=True)[0]
        self.assertIn("no resource-based policy allows", got["Refusal"])
        grants = self.file({"Grants": [{"GranteePrincipal": alice, "Operations": ["Encrypt"]}]})
        got = self.explain(*asked, "--key-policy", closed, "--grant", grants, status=0, offline=True)[0]
        self.assertEqual(got["Reason"], "Grant")
        foreign = f"arn:aws:kms:eu-west-1:{OTHER}:key/00000000-0000-4000-8000-000000000001"
        got = self.explain(*asked, "--key-id", foreign, status=1, offline=True)[0]
        self.assertEqual((got["Reason"], got["Resource"]), ("OtherAccount", foreign))
        self.assertIn("are required", self.explain("--principal", alice, status=2, offline=True))
        for text in ("{", "[]", '{"Statement":[]}'):
            self.explain("--identity-policy", self.file(text), "--principal", alice, "--action", "kms:Encrypt", status=2,
                offline=True)

    def test_check(self):
        good, bad = self.file(policy("kms:*")), self.file(policy("kms:*", Principal="*"))
        for kind, path, status in (("identity", good, 0), ("identity", bad, 1), ("key", bad, 0), ("key", good, 1),
                ("session", good, 0), ("trust", good, 1), ("identity", "/nonexistent", 2)):
            with self.subTest(kind=kind, path=path):
                self.assertEqual(run_tool("keywell", "policy", "check", "--kind", kind, path).returncode, status)


if __name__ == "__main__":
    unittest.main()
