"""Temporary credentials: GetSessionToken and AssumeRole by boto3, what a session policy leaves, how sessions end."""

import json
import os
import unittest

import boto3
import botocore.config
import botocore.exceptions
import harness

POOLS = {spec: 0 for spec in harness.SPECS} | {"ECC_NIST_P256": 2}
ADMIN = f"arn:aws:iam::{harness.ACCOUNT}:user/admin"
ROLE = f"arn:aws:iam::{harness.ACCOUNT}:role/app/reader"
OTHERS_ROLE = f"arn:aws:iam::{harness.ACCOUNT}:role/closed"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action, **more):
    return {"Effect": "Allow", "Action": action, **more}


class Sessions(unittest.TestCase):
    def start(self, **options):
        server = harness.Server(pools=POOLS, **options).start()
        self.addCleanup(server.close)
        return server

    def client(self, server, service, credentials=None):
        """By the administrator's access key, or by what STS answered."""
        if credentials:
            keys = dict(aws_access_key_id=credentials["AccessKeyId"], aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials["SessionToken"])
        else:
            own = server.credentials()
            keys = dict(aws_access_key_id=own.access_key, aws_secret_access_key=own.secret_key)
        return boto3.session.Session(**keys).client(service, region_name=harness.REGION, endpoint_url=server.url,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={},
                parameter_validation=False))

    def refused(self, code, message, call, **members):
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            call(**members)
        self.assertEqual(raised.exception.response["Error"]["Code"], code, raised.exception)
        self.assertIn(message, raised.exception.response["Error"]["Message"])

    def keywell(self, server, *arguments):
        result = harness.run_tool("keywell", "principal", *arguments, "--data", server.data)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def file(self, server, name, text):
        path = os.path.join(server.top, name + ".json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def create_role(self, server, name, trust, *more):
        path = self.file(server, name + "-trust", trust)
        self.keywell(server, "create", "role", name, "--trust", path, "--administrator", *more)

    def test_session_token(self):
        server = self.start()
        answer = self.client(server, "sts").get_session_token(DurationSeconds=900)["Credentials"]
        self.assertTrue(answer["AccessKeyId"].startswith("ASIA"))
        sts, kms = self.client(server, "sts", answer), self.client(server, "kms", answer)
        self.assertEqual(sts.get_caller_identity()["Arn"], ADMIN)
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        blob = kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
        self.assertEqual(kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"text")
        self.refused("AccessDenied", "Cannot call GetSessionToken with session credentials", sts.get_session_token)
        self.refused("ValidationError", "greater than or equal to 900", self.client(server, "sts").get_session_token,
            DurationSeconds=899)

        # Not with another token, another secret, or without one.
        for change in ({"SessionToken": answer["SessionToken"][:-8] + "AAAAAAA="}, {"SessionToken": "AAAA"},
                {"AccessKeyId": "ASIAIOSFODNN7EXAMPLE"}, {"SessionToken": None}):
            stranger = self.client(server, "kms", {**answer, **change})
            self.refused("UnrecognizedClientException", "The security token included in the request is invalid.",
                stranger.list_keys)
        self.refused("InvalidSignatureException", "does not match",
            self.client(server, "kms", {**answer, "SecretAccessKey": "x" * 40}).list_keys)

        # It outlives a restart of the server, and not its time.
        self.assertEqual(server.stop(), 0)
        again = self.start_again(server, "--clock-offset", "840")
        self.assertEqual(self.client(again, "sts", answer).get_caller_identity()["Arn"], ADMIN)
        self.assertEqual(again.stop(), 0)
        late = self.start_again(server, "--clock-offset", "960")
        self.refused("ExpiredTokenException", "The security token included in the request is expired",
            self.client(late, "kms", answer).list_keys)
        self.refused("ExpiredToken", "expired", self.client(late, "sts", answer).get_caller_identity)
        log = late.log() + json.dumps(list(late.audit_lines()))
        self.assertNotIn(answer["SessionToken"], log)
        self.assertNotIn(answer["SecretAccessKey"], log)

    def start_again(self, server, *options):
        again = harness.Server(data=server.data, pools=POOLS, options=options).start()
        self.addCleanup(again.close)
        return again

    def records(self, server, name):
        return [record for record in server.audit_records() if record["eventName"] == name]

    def test_assume_role(self):
        server = self.start()
        self.create_role(server, "reader", policy(allow(["sts:AssumeRole", "sts:SetSourceIdentity"], Principal={"AWS": ADMIN})),
            "--path", "/app/")
        self.create_role(server, "closed", policy(allow("sts:AssumeRole", Principal={"AWS": ADMIN},
            Condition={"StringEquals": {"sts:ExternalId": "agreed"}})))
        sts = self.client(server, "sts")
        answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="build-1", SourceIdentity="alice")
        arn = f"arn:aws:sts::{harness.ACCOUNT}:assumed-role/reader/build-1"
        self.assertEqual(answer["AssumedRoleUser"]["Arn"], arn)
        self.assertEqual(answer["SourceIdentity"], "alice")
        credentials = answer["Credentials"]
        identity = self.client(server, "sts", credentials).get_caller_identity()
        self.assertEqual((identity["Arn"], identity["UserId"]), (arn, answer["AssumedRoleUser"]["AssumedRoleId"]))
        kms = self.client(server, "kms", credentials)
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.encrypt(KeyId=key, Plaintext=b"text")

        # A session policy only takes away.
        answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="less", Policy=policy(allow("kms:Encrypt", Resource="*")))
        self.assertGreater(answer["PackedPolicySize"], 0)
        less = self.client(server, "kms", answer["Credentials"])
        blob = less.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
        self.refused("AccessDeniedException", "because no session policy allows the kms:Decrypt action", less.decrypt,
            CiphertextBlob=blob)

        # Trust may depend on the source identity, and a caller's policy on the role's tags.
        self.create_role(server, "named", policy(allow(["sts:AssumeRole", "sts:SetSourceIdentity"], Principal={"AWS": ADMIN},
            Condition={"StringLike": {"sts:SourceIdentity": "team-*"}})))
        named = f"arn:aws:iam::{harness.ACCOUNT}:role/named"
        sts.assume_role(RoleArn=named, RoleSessionName="build-1", SourceIdentity="team-a")
        for more in ({}, {"SourceIdentity": "alice"}):
            self.refused("AccessDenied", f"sts:AssumeRole on resource: {named}", sts.assume_role, RoleArn=named,
                RoleSessionName="build-1", **more)
        self.create_role(server, "tagged", policy(allow("sts:AssumeRole", Principal={"AWS": ADMIN})), "--tag", "stage=prod")
        tagged = f"arn:aws:iam::{harness.ACCOUNT}:role/tagged"
        sts.assume_role(RoleArn=tagged, RoleSessionName="build-1")
        self.keywell(server, "put-policy", "admin", "--policy", "no-prod=" + self.file(server, "no-prod", policy({"Effect": "Deny",
            "Action": "sts:AssumeRole", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/Stage": "prod"}}})))
        self.refused("AccessDenied", f"sts:AssumeRole on resource: {tagged}", sts.assume_role, RoleArn=tagged,
            RoleSessionName="build-1")

        # Who may not, and what is no role, is answered alike.
        for role in (OTHERS_ROLE, ROLE.replace("/app", ""), ROLE + "s"):
            self.refused("AccessDenied", f"User: {ADMIN} is not authorized to perform: sts:AssumeRole on resource: {role}",
                sts.assume_role, RoleArn=role, RoleSessionName="build-1")
        sts.assume_role(RoleArn=OTHERS_ROLE, RoleSessionName="build-1", ExternalId="agreed")
        self.refused("ValidationError", "Request ARN is invalid", sts.assume_role, RoleArn=ADMIN, RoleSessionName="build-1")
        self.refused("ValidationError", "regular expression", sts.assume_role, RoleArn=ROLE, RoleSessionName="a b")
        self.refused("ValidationError", "MaxSessionDuration", sts.assume_role, RoleArn=ROLE, RoleSessionName="ab",
            DurationSeconds=7200)
        self.refused("MalformedPolicyDocument", "", sts.assume_role, RoleArn=ROLE, RoleSessionName="ab", Policy="{")
        self.refused("PackedPolicyTooLarge", "% of allotted space", sts.assume_role, RoleArn=ROLE, RoleSessionName="ab",
            Policy="\u20ac" * 1000)

        record = self.records(server, "AssumeRole")[0]
        self.assertEqual(record["requestParameters"]["roleArn"], ROLE)
        self.assertEqual(record["responseElements"]["credentials"]["accessKeyId"], credentials["AccessKeyId"])
        self.assertNotIn("sessionToken", record["responseElements"]["credentials"])
        self.assertEqual(record["resources"], [{"accountId": harness.ACCOUNT, "type": "AWS::IAM::Role", "ARN": ROLE}])
        record = self.records(server, "CreateKey")[-1]["userIdentity"]
        self.assertEqual((record["type"], record["arn"]), ("AssumedRole", arn))
        self.assertEqual(record["sessionContext"]["sessionIssuer"]["arn"], ROLE)
        self.assertEqual(record["sessionContext"]["sourceIdentity"], "alice")

        # Disabled at once, and for good what another role of the name would be.
        self.keywell(server, "disable", "role/reader")
        self.refused("UnrecognizedClientException", "invalid", kms.list_keys)
        self.keywell(server, "enable", "role/reader")
        kms.list_keys()
        self.keywell(server, "delete", "role/reader")
        self.create_role(server, "reader", policy(allow("sts:AssumeRole", Principal={"AWS": ADMIN})), "--path", "/app/")
        self.refused("UnrecognizedClientException", "invalid", kms.list_keys)


if __name__ == "__main__":
    unittest.main()
