"""One server, many Regions: what lies apart, and keys that are in several of them."""

import json
import re
import subprocess
import time
import unittest
import urllib.parse
import xml.etree.ElementTree

import boto3
import botocore.config
import botocore.credentials
import botocore.exceptions
import harness

WEST, SOUTH = "eu-west-1", "sa-east-1"
ADMINISTRATOR = re.compile(r"arn:aws:iam::000000000000:user/\S+$")


class Case(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(pools=harness.EC_POOLS, options=cls.options).start(ready=False)
        cls.addClassCleanup(cls.server.close)

    def call(self, operation, region=harness.REGION, server=None, **members):
        answer = (server or self.server).call(operation, members, region=region)
        self.assertEqual(answer.status, 200, answer)
        return answer.json if answer.body else None

    def refused(self, error, message, operation, region=harness.REGION, **members):
        answer = self.server.call(operation, members, region=region)
        self.assertEqual((answer.status, answer.error), (400, error), answer)
        if message is not None:
            self.assertEqual(answer.message, message)

    def create(self, region=harness.REGION, **members):
        return self.call("CreateKey", region, **members)["KeyMetadata"]

    def describe(self, key, region=harness.REGION):
        return self.call("DescribeKey", region, KeyId=key)["KeyMetadata"]


class Apart(Case):
    def test_keys(self):
        here, there = self.create(), self.create(WEST)
        self.assertTrue(there["Arn"].startswith("arn:aws:kms:eu-west-1:000000000000:key/"))
        self.refused("NotFoundException", f"Key 'arn:aws:kms:{WEST}:000000000000:key/{here['KeyId']}' does not exist",
            "DescribeKey", WEST, KeyId=here["KeyId"])
        # An ARN says by itself that it is of another Region.
        self.refused("NotFoundException", f"Invalid arn {harness.REGION}", "DescribeKey", WEST, KeyId=here["Arn"])
        self.refused("NotFoundException", f"Invalid arn {WEST}", "Encrypt", KeyId=there["Arn"], Plaintext="YQ==")
        listed = [key["KeyId"] for key in self.call("ListKeys", WEST)["Keys"]]
        self.assertIn(there["KeyId"], listed)
        self.assertNotIn(here["KeyId"], listed)
        self.assertEqual(self.call("ListKeys", SOUTH)["Keys"], [])

    def test_ciphertexts(self):
        here = self.create()
        blob = self.call("Encrypt", KeyId=here["KeyId"], Plaintext="YQ==")["CiphertextBlob"]
        for operation, more, named in (("Decrypt", {}, "KeyId"), ("ReEncrypt", {"DestinationKeyId": self.create(WEST)["KeyId"]}, "SourceKeyId")):
            self.refused("AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, does not exist in "
                "this region, or you are not allowed to access.", operation, WEST, CiphertextBlob=blob, **more)
            self.refused("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.",
                operation, WEST, CiphertextBlob=blob, **{named: self.create(WEST)["KeyId"]}, **more)
        self.assertEqual(self.call("Decrypt", CiphertextBlob=blob)["Plaintext"], "YQ==")

    def test_aliases(self):
        here, there = self.create(), self.create(WEST)
        for key, region in ((here, harness.REGION), (there, WEST)):
            self.call("CreateAlias", region, AliasName="alias/apart", TargetKeyId=key["KeyId"])
        self.assertEqual(self.describe("alias/apart")["Arn"], here["Arn"])
        self.assertEqual(self.describe("alias/apart", WEST)["Arn"], there["Arn"])
        alias = f"arn:aws:kms:{WEST}:000000000000:alias/apart"
        self.assertEqual([entry["AliasArn"] for entry in self.call("ListAliases", WEST, KeyId=there["KeyId"])["Aliases"]], [alias])
        self.refused("NotFoundException", f"Invalid arn {WEST}", "DescribeKey", KeyId=alias)
        self.refused("NotFoundException", f"Alias arn:aws:kms:{SOUTH}:000000000000:alias/apart is not found.", "DescribeKey", SOUTH, KeyId="alias/apart")
        self.refused("AlreadyExistsException", f"An alias with the name {alias} already exists", "CreateAlias", WEST, AliasName="alias/apart",
            TargetKeyId=there["KeyId"])
        # A target is of the alias's Region.
        self.refused("NotFoundException", None, "CreateAlias", WEST, AliasName="alias/across", TargetKeyId=here["KeyId"])
        self.call("DeleteAlias", WEST, AliasName="alias/apart")
        self.assertEqual(self.describe("alias/apart")["Arn"], here["Arn"])

    def test_partitions(self):
        for region, partition in (("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")):
            with self.subTest(region=region):
                key = self.create(region)
                self.assertEqual(key["Arn"], f"arn:{partition}:kms:{region}:000000000000:key/{key['KeyId']}")
                self.assertEqual(self.describe(key["Arn"], region)["KeyId"], key["KeyId"])
                # The Region alone does not make it right.
                self.refused("NotFoundException", None, "DescribeKey", region, KeyId=key["Arn"].replace(partition, "aws"))
                root = f"arn:{partition}:iam::000000000000:root"
                policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}]}
                self.create(region, Policy=json.dumps(policy))

    def test_names_that_are_no_region(self):
        for region in ("nowhere", "aws-global", "US-EAST-1", "us-east", "us-east-1-"):
            with self.subTest(region=region):
                self.refused("InvalidSignatureException", None, "ListKeys", region)
        self.refused("IncompleteSignatureException", None, "ListKeys", "x" * 80 + "-east-1")

    def test_audit_records(self):
        self.call("ListKeys", "ap-southeast-2")
        self.refused("NotFoundException", None, "DescribeKey", "ap-southeast-2", KeyId="nothing")
        records = [record for record in self.server.audit_records() if record["awsRegion"] == "ap-southeast-2"]
        self.assertEqual([record["eventName"] for record in records], ["ListKeys", "DescribeKey"])

    def test_restart(self):
        with harness.Server(pools=harness.EC_POOLS).start(ready=False) as server:
            key = self.call("CreateKey", WEST, server)["KeyMetadata"]
            self.assertEqual(server.stop(), 0)
            server.start(ready=False)
            self.assertEqual(self.call("DescribeKey", WEST, server, KeyId=key["Arn"])["KeyMetadata"], key)
            self.assertEqual(self.call("ListKeys", server=server)["Keys"], [])


class Some(Case):
    options = ("--regions", f"{harness.REGION},{WEST}")

    def test_others_are_refused(self):
        self.create(), self.create(WEST)
        for region in (SOUTH, "us-east-11", "us-east"):
            self.refused("InvalidSignatureException", "Credential should be scoped to a valid region. ", "CreateKey", region)

    def test_no_replica_there(self):
        key = self.create(MultiRegion=True)
        self.refused("ValidationException", f"The Region {SOUTH} is not one of those that this server serves.", "ReplicateKey", KeyId=key["KeyId"],
            ReplicaRegion=SOUTH)

    def test_sts_is_in_every_region(self):
        self.assertEqual(CallerIdentity.ask(self, self.server, region=SOUTH)[0], 200)


class MultiRegion(Case):
    def replicate(self, key, to=WEST, region=harness.REGION, **members):
        return self.call("ReplicateKey", region, KeyId=key, ReplicaRegion=to, **members)

    def test_replica(self):
        primary = self.create(MultiRegion=True, Description="of the primary", Tags=[{"TagKey": "a", "TagValue": "b"}])
        tags = [{"TagKey": "where", "TagValue": "west"}]
        policy = {"Version": "2012-10-17", "Statement": [{"Sid": "mine", "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"}]}
        answer = self.replicate(primary["KeyId"], Description="of the replica", Tags=tags, Policy=json.dumps(policy))
        self.assertEqual(sorted(answer), ["ReplicaKeyMetadata", "ReplicaPolicy", "ReplicaTags"])
        self.assertEqual(answer["ReplicaTags"], tags)
        self.assertEqual(json.loads(answer["ReplicaPolicy"]), policy)
        made = answer["ReplicaKeyMetadata"]
        self.assertEqual((made["KeyState"], made["Enabled"]), ("Creating", False))
        replica = self.describe(primary["KeyId"], WEST)
        self.assertEqual((replica["KeyState"], replica["Enabled"], replica["Description"]), ("Enabled", True, "of the replica"))
        self.assertEqual({**made, "KeyState": "Enabled", "Enabled": True}, replica)
        arn = primary["Arn"].replace(harness.REGION, WEST)
        self.assertEqual((replica["Arn"], replica["KeyId"], replica["CurrentKeyMaterialId"]), (arn, primary["KeyId"], primary["CurrentKeyMaterialId"]))
        relatives = {"PrimaryKey": {"Arn": primary["Arn"], "Region": harness.REGION}, "ReplicaKeys": [{"Arn": arn, "Region": WEST}]}
        self.assertEqual(replica["MultiRegionConfiguration"], {"MultiRegionKeyType": "REPLICA", **relatives})
        now = self.describe(primary["KeyId"])
        self.assertEqual(now["MultiRegionConfiguration"], {"MultiRegionKeyType": "PRIMARY", **relatives})
        self.assertEqual(now["Description"], "of the primary")

    def test_default_policy_and_no_tags(self):
        answer = self.replicate(self.create(MultiRegion=True)["KeyId"])
        self.assertEqual(sorted(answer), ["ReplicaKeyMetadata", "ReplicaPolicy"])
        self.assertEqual(json.loads(answer["ReplicaPolicy"])["Id"], "key-default-1")
        self.assertEqual(answer["ReplicaKeyMetadata"]["Description"], "")

    def test_ciphertexts_open_in_each_region(self):
        key = self.create(MultiRegion=True)["KeyId"]
        for region in (WEST, SOUTH):
            self.replicate(key, region)
        context = {"a": "b"}
        regions = (harness.REGION, WEST, SOUTH)
        for maker in regions:
            blob = self.call("Encrypt", maker, KeyId=key, Plaintext="YQ==", EncryptionContext=context)["CiphertextBlob"]
            pair = self.call("GenerateDataKeyPair", maker, KeyId=key, KeyPairSpec="ECC_NIST_P256")
            for opener in regions:
                answer = self.call("Decrypt", opener, CiphertextBlob=blob, EncryptionContext=context)
                self.assertEqual((answer["Plaintext"], answer["KeyId"]), ("YQ==", f"arn:aws:kms:{opener}:000000000000:key/{key}"))
                self.assertEqual(self.call("Decrypt", opener, CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"], pair["PrivateKeyPlaintext"])
                self.refused("InvalidCiphertextException", None, "Decrypt", opener, CiphertextBlob=blob)

    def test_states_are_apart(self):
        key = self.create(MultiRegion=True)["KeyId"]
        self.replicate(key)
        self.call("DisableKey", WEST, KeyId=key)
        self.refused("DisabledException", f"arn:aws:kms:{WEST}:000000000000:key/{key} is disabled.", "Encrypt", WEST, KeyId=key, Plaintext="YQ==")
        self.assertEqual(self.describe(key)["KeyState"], "Enabled")
        # What changes the family leaves a member's own state alone.
        self.replicate(key, SOUTH)
        self.assertEqual(self.describe(key, WEST)["KeyState"], "Disabled")

    def test_asymmetric_keys_share_their_halves(self):
        key = self.create(MultiRegion=True, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        made = self.replicate(key["KeyId"])["ReplicaKeyMetadata"]
        self.assertEqual((made["KeySpec"], made["KeyUsage"], made["SigningAlgorithms"]), ("ECC_NIST_P256", "SIGN_VERIFY", ["ECDSA_SHA_256"]))

    def test_imported(self):
        key = self.create(MultiRegion=True, Origin="EXTERNAL")["KeyId"]
        self.refused("KMSInvalidStateException", None, "ReplicateKey", KeyId=key, ReplicaRegion=WEST)

    def test_replicate_refusals(self):
        key = self.create(MultiRegion=True)
        single = self.create()
        self.replicate(key["KeyId"])
        replica = key["Arn"].replace(harness.REGION, WEST)
        text = "{} is not a multi-region primary key.".format
        self.refused("UnsupportedOperationException", text(single["Arn"]), "ReplicateKey", KeyId=single["KeyId"], ReplicaRegion=WEST)
        self.refused("UnsupportedOperationException", text(replica), "ReplicateKey", WEST, KeyId=key["KeyId"], ReplicaRegion=WEST)
        self.refused("AlreadyExistsException", f"Key {replica} already exists", "ReplicateKey", KeyId=key["KeyId"], ReplicaRegion=WEST)
        self.refused("AlreadyExistsException", None, "ReplicateKey", KeyId=key["KeyId"], ReplicaRegion=harness.REGION)
        for region in ("cn-north-1", "us-gov-west-1"):
            self.refused("ValidationException", f"The Region {region} is not in the AWS partition aws of the primary key.", "ReplicateKey",
                KeyId=key["KeyId"], ReplicaRegion=region)
        self.refused("ValidationException", None, "ReplicateKey", KeyId=key["KeyId"], ReplicaRegion="nowhere")
        self.refused("ValidationException", None, "ReplicateKey", KeyId=key["KeyId"])
        self.refused("NotFoundException", None, "ReplicateKey", KeyId="mrk-" + "0" * 32, ReplicaRegion=WEST)
        self.refused("InvalidArnException", "Key Aliases are not supported for this operation.", "ReplicateKey", KeyId="alias/x", ReplicaRegion=WEST)
        self.refused("TagException", "Duplicate tag keys", "ReplicateKey", KeyId=key["KeyId"], ReplicaRegion=SOUTH,
            Tags=[{"TagKey": "a", "TagValue": "b"}, {"TagKey": "a", "TagValue": "c"}])
        self.refused("MalformedPolicyDocumentException", None, "ReplicateKey", KeyId=key["KeyId"], ReplicaRegion=SOUTH, Policy="{")
        self.call("DisableKey", KeyId=key["KeyId"])
        self.refused("DisabledException", f"{key['Arn']} is disabled.", "ReplicateKey", KeyId=key["KeyId"], ReplicaRegion=SOUTH)
        self.assertEqual(len(self.describe(key["KeyId"])["MultiRegionConfiguration"]["ReplicaKeys"]), 1, "a refusal made a replica")

    def test_new_primary(self):
        key = self.create(MultiRegion=True)["KeyId"]
        for region in (WEST, SOUTH):
            self.replicate(key, region)
        self.assertIsNone(self.call("UpdatePrimaryRegion", KeyId=key, PrimaryRegion=WEST))
        for region in (harness.REGION, WEST, SOUTH):
            configuration = self.describe(key, region)["MultiRegionConfiguration"]
            self.assertEqual(configuration["MultiRegionKeyType"], "PRIMARY" if region == WEST else "REPLICA")
            self.assertEqual(configuration["PrimaryKey"]["Region"], WEST)
            self.assertEqual([replica["Region"] for replica in configuration["ReplicaKeys"]], [harness.REGION, SOUTH])
        self.refused("UnsupportedOperationException", None, "ReplicateKey", KeyId=key, ReplicaRegion="eu-west-3")
        self.replicate(key, "eu-west-3", WEST)
        self.assertEqual(len(self.describe(key, SOUTH)["MultiRegionConfiguration"]["ReplicaKeys"]), 3)

    def test_new_primary_refusals(self):
        key, single = self.create(MultiRegion=True), self.create()
        self.replicate(key["KeyId"])
        update = {"operation": "UpdatePrimaryRegion", "KeyId": key["KeyId"]}
        self.refused("NotFoundException", f"Key '{key['Arn'].replace(harness.REGION, SOUTH)}' does not exist", **update, PrimaryRegion=SOUTH)
        self.refused("UnsupportedOperationException", None, **update, PrimaryRegion=harness.REGION)
        self.refused("UnsupportedOperationException", None, **update, region=WEST, PrimaryRegion=harness.REGION)
        self.refused("UnsupportedOperationException", None, "UpdatePrimaryRegion", KeyId=single["KeyId"], PrimaryRegion=WEST)
        self.refused("ValidationException", None, **update)
        self.call("DisableKey", WEST, KeyId=key["KeyId"])
        self.refused("DisabledException", f"{key['Arn'].replace(harness.REGION, WEST)} is disabled.", **update, PrimaryRegion=WEST)
        self.assertEqual(self.describe(key["KeyId"])["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY")

    def test_restart(self):
        with harness.Server(pools=harness.EC_POOLS).start(ready=False) as server:
            key = self.call("CreateKey", server=server, MultiRegion=True)["KeyMetadata"]["KeyId"]
            self.call("ReplicateKey", server=server, KeyId=key, ReplicaRegion=WEST)
            self.call("UpdatePrimaryRegion", server=server, KeyId=key, PrimaryRegion=WEST)
            blob = self.call("Encrypt", server=server, KeyId=key, Plaintext="YQ==")["CiphertextBlob"]
            before = [self.call("DescribeKey", region, server, KeyId=key) for region in (harness.REGION, WEST)]
            server.kill()
            server.start(ready=False)
            self.assertEqual([self.call("DescribeKey", region, server, KeyId=key) for region in (harness.REGION, WEST)], before)
            self.assertEqual(self.call("Decrypt", WEST, server, CiphertextBlob=blob)["Plaintext"], "YQ==")

    def test_rotation_is_shared(self):
        key = self.create(MultiRegion=True)["KeyId"]
        self.call("EnableKeyRotation", KeyId=key, RotationPeriodInDays=200)
        self.replicate(key)
        status = self.call("GetKeyRotationStatus", WEST, KeyId=key)
        self.assertEqual((status["KeyRotationEnabled"], status["RotationPeriodInDays"]), (True, 200))
        blob = self.call("Encrypt", WEST, KeyId=key, Plaintext="YQ==")["CiphertextBlob"]
        self.call("RotateKeyOnDemand", KeyId=key)
        self.replicate(key, SOUTH)
        current = {self.describe(key, region)["CurrentKeyMaterialId"] for region in (harness.REGION, WEST, SOUTH)}
        self.assertEqual(len(current), 1)
        # A replica has the generations from before it was made as well.
        self.assertEqual(self.call("Decrypt", SOUTH, CiphertextBlob=blob)["Plaintext"], "YQ==")
        self.call("UpdatePrimaryRegion", KeyId=key, PrimaryRegion=SOUTH)
        self.refused("UnsupportedOperationException", None, "RotateKeyOnDemand", KeyId=key)
        self.call("RotateKeyOnDemand", SOUTH, KeyId=key)
        now = {self.describe(key, region)["CurrentKeyMaterialId"] for region in (harness.REGION, WEST, SOUTH)}
        self.assertEqual(len(now | current), 2)

    def test_keys_on_their_way_out(self):
        key = self.create(MultiRegion=True)
        self.replicate(key["KeyId"])
        replica = key["Arn"].replace(harness.REGION, WEST)
        self.call("ScheduleKeyDeletion", WEST, KeyId=key["KeyId"], PendingWindowInDays=7)
        # It is there until it is gone.
        self.refused("AlreadyExistsException", None, "ReplicateKey", KeyId=key["KeyId"], ReplicaRegion=WEST)
        self.refused("KMSInvalidStateException", f"{replica} is pending deletion.", "UpdatePrimaryRegion", KeyId=key["KeyId"], PrimaryRegion=WEST)
        self.call("ScheduleKeyDeletion", KeyId=key["KeyId"], PendingWindowInDays=7)
        self.assertEqual(self.describe(key["KeyId"])["KeyState"], "PendingReplicaDeletion")
        self.refused("KMSInvalidStateException", f"{key['Arn']} is pending replica deletion.", "ReplicateKey", KeyId=key["KeyId"], ReplicaRegion=SOUTH)
        self.refused("UnsupportedOperationException", None, "ReplicateKey", WEST, KeyId=key["KeyId"], ReplicaRegion=SOUTH)

    def test_audit_names_both_keys(self):
        key = self.create(MultiRegion=True)
        self.replicate(key["KeyId"])
        record = [record for record in self.server.audit_records() if record["eventName"] == "ReplicateKey" and "errorCode" not in record][-1]
        self.assertFalse(record["readOnly"])
        self.assertEqual(record["requestParameters"], {"keyId": key["KeyId"], "replicaRegion": WEST})
        self.assertEqual([entry["ARN"] for entry in record["resources"]], [key["Arn"], key["Arn"].replace(harness.REGION, WEST)])

    def test_many_at_once(self):
        """Of replicas asked for at the same time none is lost from any list."""
        key = self.create(MultiRegion=True)["KeyId"]
        regions = [f"eu-west-{n}" for n in range(20, 36)]
        connections = [self.server.connect() for _ in regions]
        for connection, region in zip(connections, regions):
            connection.send(self.server.signed("ReplicateKey", {"KeyId": key, "ReplicaRegion": region}))
        for connection in connections:
            with connection:
                self.assertEqual(connection.answer().status, 200)
        for region in (harness.REGION, *regions):
            listed = self.describe(key, region)["MultiRegionConfiguration"]["ReplicaKeys"]
            self.assertEqual(sorted(replica["Region"] for replica in listed), sorted(regions))


class KeyStores(Case):
    def test_there_are_none(self):
        self.assertEqual(self.call("DescribeCustomKeyStores"), {"CustomKeyStores": [], "Truncated": False})
        which = {"CustomKeyStoreId": "cks-1234567890abcdef0"}
        for members in (which, {"CustomKeyStoreName": "mine"}):
            self.refused("CustomKeyStoreNotFoundException", None, "DescribeCustomKeyStores", **members)
        for operation in ("Connect", "Disconnect", "Delete", "Update"):
            self.refused("CustomKeyStoreNotFoundException", None, f"{operation}CustomKeyStore", **which)
        self.refused("InvalidMarkerException", None, "DescribeCustomKeyStores", Marker="nowhere")
        self.refused("ValidationException", None, "DescribeCustomKeyStores", CustomKeyStoreName="mine", **which)

    def test_none_can_be_made(self):
        store = {"CustomKeyStoreName": "mine", "CloudHsmClusterId": "cluster-abcdefghijk", "KeyStorePassword": "1234567",
            "TrustAnchorCertificate": "x"}
        self.refused("CloudHsmClusterNotFoundException", None, "CreateCustomKeyStore", **store)
        for missing in ("CloudHsmClusterId", "KeyStorePassword", "TrustAnchorCertificate"):
            self.refused("ValidationException", None, "CreateCustomKeyStore",
                **{name: value for name, value in store.items() if name != missing})
        self.refused("UnsupportedOperationException", None, "CreateCustomKeyStore", **store,
            CustomKeyStoreType="EXTERNAL_KEY_STORE")

    def test_keys_in_them(self):
        self.refused("CustomKeyStoreNotFoundException", None, "CreateKey", CustomKeyStoreId="cks-1234567890abcdef0")
        self.refused("ValidationException", None, "CreateKey", Origin="AWS_CLOUDHSM")
        self.refused("UnsupportedOperationException", None, "CreateKey", Origin="EXTERNAL_KEY_STORE")


class CallerIdentity(Case):
    TYPE = "application/x-www-form-urlencoded; charset=utf-8"
    SPACE = "{https://sts.amazonaws.com/doc/2011-06-15/}"
    FIELDS = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}

    def ask(self, server, fields=None, region=harness.REGION, service="sts", body=None, **changes):
        """Status and the document."""
        data = body if body is not None else urllib.parse.urlencode(fields or CallerIdentity.FIELDS).encode()
        request = harness.signed_request(server, "", data, region=region, service=service, headers={"Content-Type": CallerIdentity.TYPE}, **changes)
        with server.connect() as connection:
            connection.send(request)
            answer = connection.answer()
        self.assertEqual(answer.headers["content-type"], "text/xml")
        self.assertRegex(answer.headers["x-amzn-requestid"], r"^[0-9a-f-]{36}$")
        return answer.status, xml.etree.ElementTree.fromstring(answer.body)

    def error(self, status, code, *arguments, **changes):
        got, root = self.ask(self.server, *arguments, **changes)
        self.assertEqual(root.tag, self.SPACE + "ErrorResponse")
        self.assertEqual((got, root.findtext(f"{self.SPACE}Error/{self.SPACE}Code")), (status, code))
        self.assertEqual(root.findtext(f"{self.SPACE}Error/{self.SPACE}Type"), "Sender")
        self.assertTrue(root.findtext(self.SPACE + "RequestId"))
        return root.findtext(f"{self.SPACE}Error/{self.SPACE}Message")

    def test_answer(self):
        for region in (harness.REGION, "aws-global", "ap-south-2"):
            status, root = self.ask(self.server, region=region)
            self.assertEqual((status, root.tag), (200, self.SPACE + "GetCallerIdentityResponse"))
            result = root.find(self.SPACE + "GetCallerIdentityResult")
            self.assertRegex(result.findtext(self.SPACE + "Arn"), ADMINISTRATOR)
            self.assertEqual(result.findtext(self.SPACE + "Account"), harness.ACCOUNT)
            self.assertRegex(result.findtext(self.SPACE + "UserId"), r"^AIDA[A-Z0-9]+$")

    def test_stock_clients(self):
        result = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.server.url, "--output", "json", "sts", "get-caller-identity"],
            env=self.server.environment(), text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        keys = self.server.credentials()
        client = boto3.client("sts", region_name=WEST, endpoint_url=self.server.url, aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key, config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}))
        answer = client.get_caller_identity()
        self.assertEqual({name: answer[name] for name in ("UserId", "Account", "Arn")}, json.loads(result.stdout))
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            client.assume_role(RoleArn="arn:aws:iam::000000000000:role/demo", RoleSessionName="me")
        self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDenied")

    def test_other_actions(self):
        message = self.error(400, "InvalidAction", {"Action": "GetFederationToken", "Version": "2011-06-15"})
        self.assertIn("Could not find operation GetFederationToken for version 2011-06-15", message)
        self.assertIn("NO_VERSION_SPECIFIED", self.error(400, "InvalidAction", {"Action": "GetCallerIdentity"}))
        self.error(400, "InvalidAction", {"Version": "2011-06-15"})
        self.error(400, "InvalidAction", {"Action": "GetCallerIdentity", "Version": "2012-06-15"})
        # What is quoted cannot become part of the document.
        self.assertIn("a<b>&\"", self.error(400, "InvalidAction", {"Action": "a<b>&\"\u00e9\x01", "Version": "]]>"}))

    def test_bad_forms(self):
        for body in (b"Action=%", b"=x", b"&", b"Action=GetCallerIdentity&Action=GetCallerIdentity", b"a=" + b"x" * 20000, b"a=\0"):
            with self.subTest(body=body[:40]):
                self.error(400, "MalformedQueryString", body=body)

    def test_signatures(self):
        self.error(403, "SignatureDoesNotMatch", service="kms")
        self.error(403, "SignatureDoesNotMatch", region="nowhere")
        self.error(403, "SignatureDoesNotMatch", at=time.time() - 600)
        stranger = botocore.credentials.Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40)
        self.error(403, "InvalidClientTokenId", keys=stranger)
        self.error(403, "MissingAuthenticationToken", drop=("authorization",))
        # STS's scope does not open KMS.
        answer = self.server.call("ListKeys", {}, service="sts")
        self.assertEqual(answer.error, "InvalidSignatureException")

    def test_audited(self):
        self.ask(self.server, region=WEST)
        self.error(400, "InvalidAction", {"Action": "GetFederationToken", "Version": "2011-06-15"})
        records = [record for record in self.server.audit_records() if record["eventSource"] == "sts.amazonaws.com"]
        asked = [record for record in records if record["eventName"] == "GetCallerIdentity"][-1]
        self.assertEqual((asked["awsRegion"], asked["readOnly"]), (WEST, True))
        self.assertNotIn("errorCode", asked)
        refused = [record for record in records if record["eventName"] == "GetFederationToken"][-1]
        self.assertIn("errorCode", refused)
        self.assertGreaterEqual(self.server.metric("keywell_requests_total", operation="GetCallerIdentity", result="ok"), 1)


if __name__ == "__main__":
    unittest.main()
