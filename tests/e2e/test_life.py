"""The life of a key: tags, last use, and what falls due by itself, on time: deletion, rotation, expiry of imported material."""

import base64
import tempfile
import time
import unittest

import harness
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

DAY = 86400
POOLS = {spec: 0 for spec in harness.SPECS} | {"ECC_NIST_P256": 1}
OTHER_REGION = "eu-west-1"
ARN = f"arn:aws:kms:{harness.REGION}:{harness.ACCOUNT}:"


class Trial:
    """A data folder, and servers on it whose clock is ahead."""

    def __init__(self, test, options=(), **pools):
        folder = tempfile.TemporaryDirectory(prefix="keywell-life-")
        test.addCleanup(folder.cleanup)
        self.test, self.folder, self.server, self.offset = test, folder.name + "/data", None, 0
        self.pools, self.options = {**POOLS, **pools}, list(options)
        test.addCleanup(self.close)
        self.start()

    def close(self):
        if self.server:
            self.server.close()

    def start(self, offset=0, **more):
        self.offset = int(offset)
        options = [*self.options, "--clock-offset", str(self.offset)]
        self.server = harness.Server(data=self.folder, pools=self.pools, options=options, **more)
        self.server.start(ready=False)

    def stop(self):
        self.test.assertEqual(self.server.stop(), 0, self.server.log()[-2000:])

    def restart(self, offset):
        self.stop()
        self.start(offset)

    def restart_before(self, moment, seconds=1.6):
        """Again, so that the moment of the server's clock comes in some seconds."""
        self.restart(moment - time.time() - seconds)

    def now(self):
        return time.time() + self.offset

    def call(self, operation, body=None, **more):
        answer = self.server.call(operation, body, **more)
        self.test.assertEqual(answer.status, 200, answer)
        return answer.json if answer.body else {}

    def refused(self, error, operation, body, message=None, **more):
        answer = self.server.call(operation, body, **more)
        self.test.assertEqual(answer.error, error, answer)
        if message is not None:
            self.test.assertEqual(answer.message, message)
        return answer

    def optional(self, operation, body, **more):
        """The answer of an operation of another group; the test is skipped where it is not there."""
        answer = self.server.call(operation, body, **more)
        if answer.error == "UnsupportedOperationException" and "by this server" in (answer.message or ""):
            self.test.skipTest(answer.message)
        self.test.assertEqual(answer.status, 200, answer)
        return answer.json if answer.body else {}

    def new_key(self, **members):
        return self.call("CreateKey", members)["KeyMetadata"]

    def describe(self, key, **more):
        return self.call("DescribeKey", {"KeyId": key}, **more)["KeyMetadata"]

    def encrypt(self, key, text=b"text"):
        return self.call("Encrypt", {"KeyId": key, "Plaintext": base64.b64encode(text).decode()})["CiphertextBlob"]

    def decrypt(self, blob):
        answer = self.call("Decrypt", {"CiphertextBlob": blob})
        return base64.b64decode(answer["Plaintext"]), answer["KeyMaterialId"]

    def watch(self, moment, happened, late=2.0):
        """Waits until something has happened and checks that it did at that moment of the server's clock, and not before."""
        while True:
            before = self.now()
            seen = happened()
            if seen:
                break
            self.test.assertLess(before, moment + late, "it is late")
            time.sleep(0.05)
        self.test.assertGreaterEqual(self.now(), moment - 0.001, "it came early")
        return seen

    def events(self, name):
        """The records of what the service did by itself."""
        return [record for record in self.server.audit_records()
            if record["eventType"] == "AwsServiceEvent" and record["eventName"] == name]

    def check_event(self, name, key, **details):
        events = [event for event in self.events(name) if event["resources"][0]["ARN"] == key["Arn"]]
        self.test.assertEqual(len(events), 1, events)
        event = events[0]
        self.test.assertNotIn("errorCode", event)
        self.test.assertEqual(event["userIdentity"], {"type": "AWSService", "accountId": harness.ACCOUNT, "invokedBy": "AWS Internal"})
        self.test.assertEqual(event["resources"], [{"accountId": harness.ACCOUNT, "type": "AWS::KMS::Key", "ARN": key["Arn"]}])
        self.test.assertEqual(event["serviceEventDetails"], {"keyId": key["KeyId"], **details})
        self.test.assertEqual((event["readOnly"], event["eventSource"], event["awsRegion"]),
            (False, "kms.amazonaws.com", key["Arn"].split(":")[3]))
        self.test.assertRegex(event["eventID"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        return event

    def check_log(self):
        verdict = self.server.audit_verify()
        self.test.assertEqual(verdict.returncode, 0, verdict.stdout + verdict.stderr)


class Deletion(unittest.TestCase):
    def setUp(self):
        self.trial = Trial(self)

    def check_gone(self, key, alias, blob):
        trial = self.trial
        trial.refused("NotFoundException", "DescribeKey", {"KeyId": key["KeyId"]}, f"Key '{key['Arn']}' does not exist")
        trial.refused("NotFoundException", "Encrypt", {"KeyId": alias, "Plaintext": "YQ=="}, f"Alias {ARN}{alias} is not found.")
        self.assertNotIn(key["KeyId"], [entry["KeyId"] for entry in trial.call("ListKeys")["Keys"]])
        self.assertNotIn(alias, [entry["AliasName"] for entry in trial.call("ListAliases")["Aliases"]])
        answer = trial.server.call("Decrypt", {"CiphertextBlob": blob})
        self.assertEqual(answer.status, 400)
        self.assertNotIn("Plaintext", answer.json)
        trial.refused("NotFoundException", "CancelKeyDeletion", {"KeyId": key["KeyId"]})

    def schedule(self, key, days):
        body = {"KeyId": key["KeyId"]} | ({"PendingWindowInDays": days} if days else {})
        answer = self.trial.call("ScheduleKeyDeletion", body)
        self.assertEqual(set(answer), {"KeyId", "DeletionDate", "KeyState", "PendingWindowInDays"})
        self.assertEqual((answer["KeyId"], answer["KeyState"], answer["PendingWindowInDays"]), (key["Arn"], "PendingDeletion", days or 30))
        self.assertAlmostEqual(answer["DeletionDate"], self.trial.now() + (days or 30) * DAY, delta=5)
        metadata = self.trial.describe(key["KeyId"])
        self.assertEqual((metadata["KeyState"], metadata["Enabled"], metadata["DeletionDate"]), ("PendingDeletion", False, answer["DeletionDate"]))
        return answer["DeletionDate"]

    def grant(self, key):
        """Its id, or None where there are no grants yet."""
        answer = self.trial.server.call("CreateGrant", {"KeyId": key["KeyId"], "Operations": ["Decrypt"],
            "GranteePrincipal": f"arn:aws:iam::{harness.ACCOUNT}:root", "RetiringPrincipal": f"arn:aws:iam::{harness.ACCOUNT}:root"})
        return answer.json.get("GrantId")

    def test_deleted_on_time(self):
        trial = self.trial
        first, later, kept = trial.new_key(), trial.new_key(), trial.new_key()
        blobs = {}
        for name, key in (("first", first), ("later", later), ("kept", kept)):
            trial.call("CreateAlias", {"AliasName": f"alias/{name}", "TargetKeyId": key["KeyId"]})
            trial.call("CreateAlias", {"AliasName": f"alias/{name}/again", "TargetKeyId": key["KeyId"]})
            blobs[name] = trial.encrypt(key["KeyId"])
        grant = self.grant(first)
        due, later_due = self.schedule(first, 7), self.schedule(later, None)
        trial.refused("KMSInvalidStateException", "Decrypt", {"CiphertextBlob": blobs["first"]}, f"{first['Arn']} is pending deletion.")

        # While a server runs.
        trial.restart_before(due)
        trial.watch(due, lambda: trial.server.call("DescribeKey", {"KeyId": first["KeyId"]}).status == 400)
        self.check_gone(first, "alias/first", blobs["first"])
        self.assertEqual(trial.describe(later["KeyId"])["KeyState"], "PendingDeletion")
        trial.check_event("DeleteKey", first)
        if grant:
            grants = trial.call("ListRetirableGrants", {"RetiringPrincipal": f"arn:aws:iam::{harness.ACCOUNT}:root"})["Grants"]
            self.assertNotIn(grant, [entry["GrantId"] for entry in grants])

        # While none ran: before the first request is served.
        trial.restart(later_due - time.time() + 3600)
        self.check_gone(later, "alias/later", blobs["later"])
        trial.check_event("DeleteKey", later)

        # And for good.
        trial.restart(0)
        self.check_gone(first, "alias/first", blobs["first"])
        self.check_gone(later, "alias/later", blobs["later"])
        self.assertEqual(trial.decrypt(blobs["kept"])[0], b"text")
        self.assertEqual(trial.describe("alias/kept/again")["KeyId"], kept["KeyId"])
        self.assertEqual(len(trial.events("DeleteKey")), 2)
        trial.stop()
        trial.check_log()

    def test_cancelled(self):
        trial = self.trial
        key = trial.new_key()
        blob = trial.encrypt(key["KeyId"])
        due = self.schedule(key, 7)
        self.assertEqual(trial.call("CancelKeyDeletion", {"KeyId": key["Arn"]}), {"KeyId": key["Arn"]})
        trial.restart(due - time.time() + 10)
        metadata = trial.describe(key["KeyId"])
        self.assertEqual((metadata["KeyState"], metadata["Enabled"]), ("Disabled", False))
        self.assertNotIn("DeletionDate", metadata)
        trial.refused("DisabledException", "Decrypt", {"CiphertextBlob": blob}, f"{key['Arn']} is disabled.")
        self.assertEqual(trial.call("EnableKey", {"KeyId": key["KeyId"]}), {})
        self.assertEqual(trial.decrypt(blob)[0], b"text")
        self.assertEqual(trial.events("DeleteKey"), [])

        # A key that waits for its material goes on waiting; a disabled one may be deleted too.
        external = trial.new_key(Origin="EXTERNAL")
        self.schedule(external, 30)
        trial.call("CancelKeyDeletion", {"KeyId": external["KeyId"]})
        self.assertEqual(trial.describe(external["KeyId"])["KeyState"], "PendingImport")
        trial.call("DisableKey", {"KeyId": key["KeyId"]})
        self.schedule(key, 30)

    def test_refusals(self):
        trial = self.trial
        key = trial.new_key()
        which = {"KeyId": key["KeyId"]}
        for days in (1, 6, 31, 365):
            trial.refused("ValidationException", "ScheduleKeyDeletion", {**which, "PendingWindowInDays": days},
                "PendingWindowInDays must be between 7 and 30 days, inclusive.")
        for days in (0, 366, -7):
            self.assertIn("'pendingWindowInDays' failed to satisfy constraint",
                trial.refused("ValidationException", "ScheduleKeyDeletion", {**which, "PendingWindowInDays": days}).message)
        trial.refused("KMSInvalidStateException", "CancelKeyDeletion", which, f"{key['Arn']} is not pending deletion.")
        self.assertEqual(trial.describe(key["KeyId"])["KeyState"], "Enabled")
        missing = "12345678-1234-1234-1234-123456789012"
        for operation in ("ScheduleKeyDeletion", "CancelKeyDeletion"):
            trial.refused("NotFoundException", operation, {"KeyId": missing}, f"Key '{ARN}key/{missing}' does not exist")
            trial.refused("InvalidArnException", operation, {"KeyId": "alias/x"}, "Key Aliases are not supported for this operation.")
            trial.refused("ValidationException", operation, {})
        self.schedule(key, 7)
        trial.refused("KMSInvalidStateException", "ScheduleKeyDeletion", {**which, "PendingWindowInDays": 8}, f"{key['Arn']} is pending deletion.")

    def test_primary_waits_for_its_replicas(self):
        trial = self.trial
        primary = trial.new_key(MultiRegion=True)
        trial.optional("ReplicateKey", {"KeyId": primary["KeyId"], "ReplicaRegion": OTHER_REGION})
        replica = trial.describe(primary["KeyId"], region=OTHER_REGION)
        blob = trial.encrypt(primary["KeyId"])
        answer = trial.call("ScheduleKeyDeletion", {"KeyId": primary["KeyId"], "PendingWindowInDays": 8})
        self.assertEqual(answer, {"KeyId": primary["Arn"], "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": 8})
        metadata = trial.describe(primary["KeyId"])
        self.assertEqual((metadata["KeyState"], metadata["PendingDeletionWindowInDays"]), ("PendingReplicaDeletion", 8))
        self.assertNotIn("DeletionDate", metadata)
        trial.refused("KMSInvalidStateException", "Encrypt", {"KeyId": primary["KeyId"], "Plaintext": "YQ=="})
        self.assertEqual(trial.call("Decrypt", {"CiphertextBlob": blob}, region=OTHER_REGION)["KeyId"], replica["Arn"])

        # Nothing happens while there is a replica, and its own time passes first.
        trial.restart(40 * DAY)
        self.assertEqual(trial.describe(primary["KeyId"])["KeyState"], "PendingReplicaDeletion")
        due = trial.call("ScheduleKeyDeletion", {"KeyId": primary["KeyId"], "PendingWindowInDays": 7}, region=OTHER_REGION)["DeletionDate"]
        trial.restart(due - time.time() + 5)
        trial.refused("NotFoundException", "DescribeKey", {"KeyId": primary["KeyId"]}, region=OTHER_REGION)
        metadata = trial.describe(primary["KeyId"])
        self.assertEqual(metadata["KeyState"], "PendingDeletion")
        self.assertEqual(metadata["MultiRegionConfiguration"]["ReplicaKeys"], [])
        self.assertAlmostEqual(metadata["DeletionDate"], trial.now() + 8 * DAY, delta=10)
        trial.restart(metadata["DeletionDate"] - time.time() + 5)
        trial.refused("NotFoundException", "DescribeKey", {"KeyId": primary["KeyId"]})
        trial.check_event("DeleteKey", replica)
        trial.check_event("DeleteKey", primary)
        trial.stop()
        trial.check_log()


@unittest.skipUnless(harness.FAULTS_BUILD, "no build with fault hooks was given (--faults-build)")
class FailingDisk(unittest.TestCase):
    def strike(self, plan):
        """A key is due when the server starts, and the plan hits its deletion; it is deleted all the same, in the end."""
        # Pools that are restored commit their numbers to the keystore meanwhile, and the plan would hit one of those.
        trial = Trial(self, options=["--no-save-pools"])
        key = trial.new_key()
        trial.call("ScheduleKeyDeletion", {"KeyId": key["KeyId"], "PendingWindowInDays": 7})
        trial.stop()
        trial.start(8 * DAY, build=harness.FAULTS_BUILD, faults=plan)
        deadline, seen = time.monotonic() + 20, []
        while trial.server.call("DescribeKey", {"KeyId": key["KeyId"]}).error != "NotFoundException":
            seen.append(len(trial.events("DeleteKey")))
            self.assertLess(time.monotonic(), deadline, trial.server.log()[-2000:])
            time.sleep(0.05)
        self.assertIn("due-failed", trial.server.log())
        self.assertTrue(seen, "it was deleted in spite of the fault")
        trial.stop()
        trial.check_log()
        self.assertEqual([event["resources"][0]["ARN"] for event in trial.events("DeleteKey") if "errorCode" not in event],
            [key["Arn"]] * len(trial.events("DeleteKey")))
        return seen, len(trial.events("DeleteKey"))

    def test_log_fails(self):
        """Nothing is deleted that is not on record."""
        self.assertEqual(self.strike("audit-write:eio@2+6")[1], 1)

    def test_keystore_fails(self):
        """It was on record, and is once more when it succeeds."""
        self.assertEqual(self.strike("store-commit:fail@1")[1], 2)


class Rotation(unittest.TestCase):
    def test_rotated_on_time(self):
        trial = Trial(self)
        key, resting = trial.new_key(), trial.new_key()
        for each in (key, resting):
            trial.optional("EnableKeyRotation", {"KeyId": each["KeyId"], "RotationPeriodInDays": 90})
        trial.call("DisableKey", {"KeyId": resting["KeyId"]})
        old = trial.encrypt(key["KeyId"])
        first = trial.decrypt(old)[1]
        due = trial.call("GetKeyRotationStatus", {"KeyId": key["KeyId"]})["NextRotationDate"]
        self.assertAlmostEqual(due, trial.now() + 90 * DAY, delta=5)

        trial.restart_before(due)
        second = trial.watch(due, lambda: self.changed(trial, key, first))
        self.assertEqual(trial.decrypt(old), (b"text", first))
        self.assertEqual(trial.decrypt(trial.encrypt(key["KeyId"])), (b"text", second))
        status = trial.call("GetKeyRotationStatus", {"KeyId": key["KeyId"]})
        self.assertAlmostEqual(status["NextRotationDate"], due + 90 * DAY, delta=0.01)
        trial.check_event("RotateKey", key, rotationType="AUTOMATIC", previousKeyMaterialId=first, currentKeyMaterialId=second)

        # Years without a server: once, and the next time a period from now. A disabled key is left alone until it is enabled.
        trial.restart(1000 * DAY)
        third = trial.describe(key["KeyId"])["CurrentKeyMaterialId"]
        self.assertNotIn(third, (first, second))
        rotations = trial.call("ListKeyRotations", {"KeyId": key["KeyId"]})["Rotations"]
        self.assertEqual([entry["RotationType"] for entry in rotations], ["AUTOMATIC"] * 2)
        status = trial.call("GetKeyRotationStatus", {"KeyId": key["KeyId"]})
        self.assertAlmostEqual(status["NextRotationDate"], trial.now() + 90 * DAY, delta=10)
        before = trial.describe(resting["KeyId"])["CurrentKeyMaterialId"]
        self.assertEqual(len(trial.events("RotateKey")), 2)
        trial.call("EnableKey", {"KeyId": resting["KeyId"]})
        trial.watch(0, lambda: self.changed(trial, resting, before), late=trial.now() + 2)
        self.assertEqual(trial.decrypt(old)[0], b"text")
        trial.stop()
        trial.check_log()

    @staticmethod
    def changed(trial, key, material):
        now = trial.describe(key["KeyId"])["CurrentKeyMaterialId"]
        return now if now != material else None


class Expiry(unittest.TestCase):
    def do_import(self, trial, key, material, **more):
        parameters = trial.optional("GetParametersForImport", {"KeyId": key["KeyId"], "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
            "WrappingKeySpec": "RSA_2048"})
        public = serialization.load_der_public_key(base64.b64decode(parameters["PublicKey"]))
        wrapped = public.encrypt(material, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        return trial.optional("ImportKeyMaterial", {"KeyId": key["KeyId"], "ImportToken": parameters["ImportToken"],
            "EncryptedKeyMaterial": base64.b64encode(wrapped).decode(), **more})

    def test_expires_on_time(self):
        trial = Trial(self, RSA_2048=8)
        material, other = bytes(range(32)), bytes(range(1, 33))
        current, waiting, earlier = (trial.new_key(Origin="EXTERNAL") for _ in range(3))
        due = int(time.time()) + DAY
        forever = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
        self.do_import(trial, current, material, ValidTo=due)
        self.do_import(trial, waiting, material, **forever)
        waiting_id = self.do_import(trial, waiting, other, ValidTo=due, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
        self.do_import(trial, earlier, material, ValidTo=due)
        self.do_import(trial, earlier, other, ImportType="NEW_KEY_MATERIAL", **forever)
        trial.optional("RotateKeyOnDemand", {"KeyId": earlier["KeyId"]})
        blobs = [trial.encrypt(key["KeyId"]) for key in (current, waiting, earlier)]
        ids = [trial.decrypt(blob)[1] for blob in blobs]
        self.assertEqual(trial.describe(current["KeyId"])["ValidTo"], due)
        trial.restart_before(due)
        trial.watch(due, lambda: trial.describe(current["KeyId"])["KeyState"] == "PendingImport")

        metadata = trial.describe(current["KeyId"])
        self.assertNotIn("ValidTo", metadata)
        self.assertNotIn("ExpirationModel", metadata)
        pending_import = f"{current['Arn']} is pending import."
        trial.refused("KMSInvalidStateException", "Decrypt", {"CiphertextBlob": blobs[0]}, pending_import)
        trial.check_event("DeleteExpiredKeyMaterial", current, keyMaterialId=ids[0])
        # Material that was never current is not missed; what was is.
        trial.watch(due, lambda: len(trial.events("DeleteExpiredKeyMaterial")) == 3)
        self.assertEqual(trial.decrypt(blobs[1]), (b"text", ids[1]))
        trial.refused("KMSInvalidStateException", "RotateKeyOnDemand", {"KeyId": waiting["KeyId"]})
        trial.check_event("DeleteExpiredKeyMaterial", waiting, keyMaterialId=waiting_id)
        self.assertEqual(trial.describe(earlier["KeyId"])["KeyState"], "PendingImport")

        trial.restart(0)
        trial.refused("KMSInvalidStateException", "Decrypt", {"CiphertextBlob": blobs[0]}, pending_import)
        self.do_import(trial, current, material, **forever)
        self.assertEqual(trial.decrypt(blobs[0]), (b"text", ids[0]))
        self.do_import(trial, earlier, material, **forever)
        self.assertEqual(trial.decrypt(blobs[2]), (b"text", ids[2]))
        self.assertEqual(len(trial.events("DeleteExpiredKeyMaterial")), 3)
        trial.stop()
        trial.check_log()


class LastUse(unittest.TestCase):
    def last(self, trial, key):
        answer = trial.call("GetKeyLastUsage", {"KeyId": key["KeyId"]})
        self.assertEqual((answer["KeyId"], answer["KeyCreationDate"], answer["TrackingStartDate"]),
            (key["KeyId"], key["CreationDate"], key["CreationDate"]))
        return answer.get("KeyLastUsage")

    def use(self, trial, operation, body):
        answer = trial.server.call(operation, body)
        self.assertEqual(answer.status, 200, answer)
        return answer.headers["x-amzn-requestid"], answer.json

    def test_last_use(self):
        trial = Trial(self)
        key, unused = trial.new_key(), trial.new_key()
        self.assertIsNone(self.last(trial, key))
        trial.describe(key["KeyId"])
        trial.refused("DryRunOperationException", "Encrypt", {"KeyId": key["KeyId"], "Plaintext": "YQ==", "DryRun": True})
        trial.refused("InvalidCiphertextException", "Decrypt", {"KeyId": key["KeyId"], "CiphertextBlob": "YWJj"})
        self.assertIsNone(self.last(trial, key), "these are no uses")
        steps = {"Encrypt": {"Plaintext": "YQ=="}, "GenerateDataKey": {"KeySpec": "AES_256"},
            "GenerateDataKeyWithoutPlaintext": {"NumberOfBytes": 7}, "GenerateDataKeyPair": {"KeyPairSpec": "ECC_NIST_P256"},
            "GenerateDataKeyPairWithoutPlaintext": {"KeyPairSpec": "ECC_NIST_P256"}}
        for operation, members in steps.items():
            request, answer = self.use(trial, operation, {"KeyId": key["KeyId"], **members})
            self.check(trial, key, operation, request)
            blob = answer.get("CiphertextBlob") or answer.get("PrivateKeyCiphertextBlob")
        request, _ = self.use(trial, "Decrypt", {"CiphertextBlob": blob})
        last = self.check(trial, key, "Decrypt", request)
        self.assertIsNone(self.last(trial, unused))
        trial.refused("InvalidArnException", "GetKeyLastUsage", {"KeyId": "alias/x"})
        trial.refused("NotFoundException", "GetKeyLastUsage", {"KeyId": "foo"}, "Invalid keyId 'foo'")

        trial.restart(0)
        self.assertEqual(self.last(trial, key), last)
        self.assertIsNone(self.last(trial, unused))
        # Nothing new is saved, and nothing is lost.
        trial.restart(0)
        self.assertEqual(self.last(trial, key), last)

    def check(self, trial, key, operation, request):
        last = self.last(trial, key)
        self.assertEqual(set(last), {"Operation", "Timestamp", "CloudTrailEventId", "KmsRequestId"})
        self.assertEqual((last["Operation"], last["KmsRequestId"]), (operation, request))
        self.assertAlmostEqual(last["Timestamp"], trial.now(), delta=5)
        record = [record for record in trial.server.audit_records() if record.get("requestID") == request]
        self.assertEqual([last["CloudTrailEventId"]], [entry["eventID"] for entry in record])
        return last


class Tags(unittest.TestCase):
    @staticmethod
    def made(**tags):
        return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]

    def listed(self, **more):
        answer = self.trial.call("ListResourceTags", {"KeyId": self.key["KeyId"], **more})
        return answer["Tags"]

    def setUp(self):
        self.trial = Trial(self)
        self.key = self.trial.new_key(Tags=self.made(one="1", two="2"))
        self.which = {"KeyId": self.key["KeyId"]}

    def test_tags(self):
        trial, which = self.trial, self.which
        self.assertEqual(trial.call("ListResourceTags", which), {"Tags": self.made(one="1", two="2"), "Truncated": False})
        self.assertEqual(trial.call("TagResource", {**which, "Tags": self.made(three="", one="uno")}), {})
        expected = self.made(one="uno", two="2", three="")
        self.assertEqual(self.listed(), expected)
        self.assertEqual(trial.call("UntagResource", {**which, "TagKeys": ["nothing", "two", "two"]}), {})
        expected = self.made(one="uno", three="")
        self.assertEqual(self.listed(), expected)
        trial.restart(0)
        self.assertEqual(self.listed(), expected)
        trial.call("UntagResource", {**which, "TagKeys": ["one", "three"]})
        self.assertEqual(self.listed(), [])

        # Fifty, page by page.
        many = self.made(**{f"k{number}": f"v\u20ac{number}" for number in range(50)})
        trial.call("TagResource", {**which, "Tags": many})
        self.assertEqual(self.listed(), many)
        self.assertEqual(self.listed(Limit=1000), many)
        pages, marker = [], {}
        while True:
            page = trial.call("ListResourceTags", {**which, "Limit": 20, **marker})
            pages.append(page["Tags"])
            self.assertEqual(page["Truncated"], "NextMarker" in page)
            if not page["Truncated"]:
                break
            marker = {"Marker": page["NextMarker"]}
        self.assertEqual([len(page) for page in pages], [20, 20, 10])
        self.assertEqual(sum(pages, []), many)
        trial.refused("TagException", "TagResource", {**which, "Tags": self.made(more="x")}, "Too many tags")
        trial.call("TagResource", {**which, "Tags": self.made(k7="changed")})
        self.assertEqual(self.listed()[7], {"TagKey": "k7", "TagValue": "changed"})

    def test_refusals(self):
        trial, which = self.trial, self.which
        for marker in ("x", "", base64.b64encode(b"\0\0\0\1").decode()):
            self.assertIn(trial.server.call("ListResourceTags", {**which, "Marker": marker}).error,
                ("InvalidMarkerException", "ValidationException"))
        two = [{"TagKey": "a", "TagValue": "b"}, {"TagKey": "a", "TagValue": "c"}]
        trial.refused("TagException", "TagResource", {**which, "Tags": two}, "Duplicate tag keys")
        for name in ("aws:x", "AWS:x"):
            trial.refused("TagException", "TagResource", {**which, "Tags": [{"TagKey": name, "TagValue": ""}]},
                "Tags beginning with aws: are reserved")
        many = self.made(**{f"k{number}": "" for number in range(51)})
        trial.refused("TagException", "TagResource", {**which, "Tags": many}, "Too many tags")
        trial.refused("TagException", "TagResource", {**which, "Tags": [{"TagKey": "a\0", "TagValue": ""}]})
        self.assertEqual(trial.call("UntagResource", {**which, "TagKeys": ["one\0"]}), {})
        trial.refused("ValidationException", "TagResource", {**which, "Tags": [{"TagKey": "a" * 129, "TagValue": ""}]})
        self.assertEqual(self.listed(), self.made(one="1", two="2"))
        for operation, more in (("TagResource", {"Tags": []}), ("UntagResource", {"TagKeys": ["a"]}), ("ListResourceTags", {})):
            trial.refused("InvalidArnException", operation, {"KeyId": "alias/x", **more}, "Key Aliases are not supported for this operation.")
            trial.refused("NotFoundException", operation, {"KeyId": "foo", **more}, "Invalid keyId 'foo'")
        trial.call("ScheduleKeyDeletion", {**which, "PendingWindowInDays": 7})
        for operation, more in (("TagResource", {"Tags": self.made(a="b")}), ("UntagResource", {"TagKeys": ["one"]})):
            trial.refused("KMSInvalidStateException", operation, {**which, **more}, f"{self.key['Arn']} is pending deletion.")
        self.assertEqual(self.listed(), self.made(one="1", two="2"))


if __name__ == "__main__":
    unittest.main()
