"""Rotation of key material: by schedule and on demand, what it leaves readable, and what is listed of it."""

import base64
import unittest

import botocore.exceptions
import harness

DAY = 86400
POOLS = {**harness.EC_POOLS, "RSA_2048": 2}


def text(data):
    return base64.b64encode(data).decode()


class Rotation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(pools=POOLS)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def done(self, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual(answer.status, 200, answer)
        return answer.json if answer.body else {}

    def refused(self, error, operation, message=None, region=harness.REGION, **members):
        answer = self.server.call(operation, members, region=region)
        self.assertEqual(answer.error, error, answer)
        self.assertEqual(answer.message, message)

    def new_key(self, **members):
        return self.done("CreateKey", **members)["KeyMetadata"]

    def material(self, key):
        return self.done("DescribeKey", KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"]

    def encrypt(self, key, data):
        return self.done("Encrypt", KeyId=key["KeyId"], Plaintext=text(data))["CiphertextBlob"]

    def test_schedule(self):
        key = self.new_key()
        which = {"KeyId": key["KeyId"]}
        self.assertEqual(self.done("GetKeyRotationStatus", **which), {"KeyId": key["Arn"], "KeyRotationEnabled": False})
        self.assertEqual(self.done("EnableKeyRotation", **which), {})
        status = self.done("GetKeyRotationStatus", **which)
        self.assertEqual(set(status), {"KeyId", "KeyRotationEnabled", "NextRotationDate", "RotationPeriodInDays"})
        self.assertEqual(status["RotationPeriodInDays"], 365)
        self.assertAlmostEqual(status["NextRotationDate"], key["CreationDate"] + 365 * DAY, delta=30)
        # Asked for again it is not put off; another period counts from now.
        self.done("EnableKeyRotation", **which)
        self.assertEqual(self.done("GetKeyRotationStatus", **which), status)
        self.done("EnableKeyRotation", RotationPeriodInDays=90, **which)
        status = self.done("GetKeyRotationStatus", **which)
        self.assertEqual(status["RotationPeriodInDays"], 90)
        self.assertAlmostEqual(status["NextRotationDate"], key["CreationDate"] + 90 * DAY, delta=30)
        self.assertEqual(self.done("DisableKeyRotation", **which), {})
        self.assertEqual(self.done("GetKeyRotationStatus", **which), {"KeyId": key["Arn"], "KeyRotationEnabled": False})
        self.done("DisableKeyRotation", **which)
        # The default is 365 days, whatever the period was.
        for before in ("DisableKeyRotation", "EnableKeyRotation"):
            self.done("EnableKeyRotation", RotationPeriodInDays=90, **which)
            self.done(before, **which)
            self.done("EnableKeyRotation", **which)
            status = self.done("GetKeyRotationStatus", **which)
            self.assertEqual(status["RotationPeriodInDays"], 365)
            self.assertAlmostEqual(status["NextRotationDate"], key["CreationDate"] + 365 * DAY, delta=30)

    def test_on_demand(self):
        key = self.new_key()
        which = {"KeyId": key["KeyId"]}
        self.done("EnableKeyRotation", RotationPeriodInDays=2560, **which)
        status = self.done("GetKeyRotationStatus", **which)
        materials, sealed = [self.material(key)], [self.encrypt(key, b"0")]
        for number in range(1, 4):
            self.assertEqual(self.done("RotateKeyOnDemand", **which), {"KeyId": key["Arn"]})
            materials.append(self.material(key))
            sealed.append(self.encrypt(key, b"%d" % number))
        self.assertEqual(len(set(materials)), 4)
        for number, (material, blob) in enumerate(zip(materials, sealed)):
            opened = self.done("Decrypt", CiphertextBlob=blob)
            self.assertEqual(base64.b64decode(opened["Plaintext"]), b"%d" % number)
            self.assertEqual(opened["KeyMaterialId"], material)
        self.assertEqual(self.done("GetKeyRotationStatus", **which), status, "the schedule changed")
        self.check_list(key, materials)

    def check_list(self, key, materials):
        which = {"KeyId": key["KeyId"]}
        listed = self.done("ListKeyRotations", **which)
        self.assertEqual(listed["Truncated"], False)
        self.assertEqual([entry["KeyMaterialId"] for entry in listed["Rotations"]], materials[1:])
        for entry in listed["Rotations"]:
            self.assertEqual(set(entry), {"KeyId", "KeyMaterialId", "KeyMaterialState", "RotationDate", "RotationType"})
            self.assertEqual((entry["KeyId"], entry["RotationType"]), (key["Arn"], "ON_DEMAND"))
        everything = self.done("ListKeyRotations", IncludeKeyMaterial="ALL_KEY_MATERIAL", **which)["Rotations"]
        self.assertEqual([entry["KeyMaterialId"] for entry in everything], materials)
        self.assertEqual(everything[0], {"KeyId": key["Arn"], "KeyMaterialId": materials[0], "KeyMaterialState": "NON_CURRENT"})
        self.assertEqual([entry["KeyMaterialState"] for entry in everything], ["NON_CURRENT"] * 3 + ["CURRENT"])
        # Page by page, a page that ends with the list included.
        pages, marker = [], {}
        while True:
            page = self.done("ListKeyRotations", Limit=2, IncludeKeyMaterial="ALL_KEY_MATERIAL", **which, **marker)
            pages.append(page["Rotations"])
            self.assertEqual("NextMarker" in page, page["Truncated"])
            if not page["Truncated"]:
                break
            marker = {"Marker": page["NextMarker"]}
        self.assertEqual(pages, [everything[:2], everything[2:]])
        self.refused("InvalidMarkerException", "ListKeyRotations", "The marker is not valid.", Marker="AAAA", **which)
        self.refused("ValidationException", "ListKeyRotations", "1 validation error detected: Value '1001' at 'limit' failed to "
            "satisfy constraint: Member must have value less than or equal to 1000", Limit=1001, **which)

    def test_limit_on_demand(self):
        key = self.new_key()
        sealed = self.encrypt(key, b"first")
        for _ in range(25):
            self.done("RotateKeyOnDemand", KeyId=key["Arn"])
        now = self.material(key)
        self.refused("LimitExceededException", "RotateKeyOnDemand", "The on-demand rotations limit has been reached for the "
            f"given keyId. No more on-demand rotations can be performed for this key: {key['Arn']}", KeyId=key["KeyId"])
        self.assertEqual(self.material(key), now)
        self.assertEqual(len(self.done("ListKeyRotations", KeyId=key["KeyId"])["Rotations"]), 25)
        self.assertEqual(base64.b64decode(self.done("Decrypt", CiphertextBlob=sealed)["Plaintext"]), b"first")

    def test_refused_by_type(self):
        for spec, usage in (("ECC_NIST_P256", "SIGN_VERIFY"), ("RSA_2048", "ENCRYPT_DECRYPT"), ("HMAC_256", "GENERATE_VERIFY_MAC")):
            which = {"KeyId": self.new_key(KeySpec=spec, KeyUsage=usage)["KeyId"]}
            for operation in ("EnableKeyRotation", "RotateKeyOnDemand", "ListKeyRotations", "GetKeyRotationStatus"):
                self.refused("UnsupportedOperationException", operation, **which)
            self.assertEqual(self.done("DisableKeyRotation", **which), {})
        imported = self.new_key(Origin="EXTERNAL")
        for operation in ("EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus"):
            self.refused("UnsupportedOperationException", operation,
                f"{imported['Arn']} origin is EXTERNAL which is not valid for this operation.", KeyId=imported["KeyId"])
        self.refused("KMSInvalidStateException", "RotateKeyOnDemand", f"{imported['Arn']} is pending import.",
            KeyId=imported["KeyId"])
        self.assertEqual(self.done("ListKeyRotations", KeyId=imported["KeyId"]), {"Rotations": [], "Truncated": False})

    def test_refused_by_state_and_name(self):
        key = self.new_key()
        which = {"KeyId": key["KeyId"]}
        self.done("EnableKeyRotation", **which)
        status = self.done("GetKeyRotationStatus", **which)
        self.done("DisableKey", **which)
        for operation in ("EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"):
            self.refused("DisabledException", operation, f"{key['Arn']} is disabled.", **which)
            self.refused("InvalidArnException", operation, "Key Aliases are not supported for this operation.", KeyId="alias/x")
            self.refused("NotFoundException", operation, "Invalid keyId 'nothing'", KeyId="nothing")
        self.assertEqual(self.done("GetKeyRotationStatus", **which), status)
        self.assertEqual(self.done("ListKeyRotations", **which)["Rotations"], [])
        for days, bound in ((89, "greater than or equal to 90"), (2561, "less than or equal to 2560")):
            self.refused("ValidationException", "EnableKeyRotation", f"1 validation error detected: Value '{days}' at "
                f"'rotationPeriodInDays' failed to satisfy constraint: Member must have value {bound}",
                RotationPeriodInDays=days, **which)

    def test_related_keys(self):
        key, west = self.new_key(MultiRegion=True), "us-west-2"
        which = {"KeyId": key["KeyId"]}
        sealed = self.encrypt(key, b"everywhere")
        self.done("ReplicateKey", ReplicaRegion=west, **which)
        replica = key["Arn"].replace(harness.REGION, west)
        for operation in ("EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"):
            self.refused("UnsupportedOperationException", operation, f"{replica} is not a multi-region primary key.", west, **which)
        self.done("EnableKeyRotation", RotationPeriodInDays=200, **which)
        self.done("RotateKeyOnDemand", **which)
        answers = [{name: self.server.call(name, which, region=region).json for name in ("GetKeyRotationStatus", "ListKeyRotations")}
            for region in (harness.REGION, west)]
        self.assertEqual(answers[0]["GetKeyRotationStatus"]["RotationPeriodInDays"], 200)
        self.assertEqual(len(answers[0]["ListKeyRotations"]["Rotations"]), 1)
        self.assertEqual(str(answers[0]).replace(harness.REGION, west), str(answers[1]))
        for region in (harness.REGION, west):
            opened = self.server.call("Decrypt", {"CiphertextBlob": sealed}, region=region).json
            self.assertEqual(base64.b64decode(opened["Plaintext"]), b"everywhere")
        self.done("DisableKeyRotation", **which)
        self.assertFalse(self.server.call("GetKeyRotationStatus", which, region=west).json["KeyRotationEnabled"])

    def test_stock_client(self):
        kms = self.server.client()
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.enable_key_rotation(KeyId=key)
        self.assertTrue(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"])
        kms.disable_key_rotation(KeyId=key)
        self.assertFalse(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"])
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            kms.enable_key_rotation(KeyId="alias/nothing")
        self.assertEqual(caught.exception.response["Error"]["Code"], "InvalidArnException")


class Imminent(unittest.TestCase):
    def test_none_on_demand_before_an_automatic_one(self):
        """Nor when that one falls due; before and after, it is made."""
        with harness.Server(pools=POOLS).start(ready=False) as server:
            key = server.call("CreateKey", {}).json["KeyMetadata"]
            which = {"KeyId": key["KeyId"]}
            self.assertEqual(server.call("EnableKeyRotation", {**which, "RotationPeriodInDays": 90}).status, 200)
            for minutes, status in ((-21, 200), (-19, 400), (1, 200)):
                server.stop()
                server.options = ["--clock-offset", str(90 * DAY + minutes * 60)]
                server.start(ready=False)
                answer = server.call("RotateKeyOnDemand", which)
                self.assertEqual(answer.status, status, answer)
                if status == 400:
                    self.assertEqual((answer.error, answer.message), ("ConflictException",
                        "An automatic rotation of the key is in progress or scheduled to begin within the next 20 minutes: " + key["Arn"]))
            self.assertEqual([entry["RotationType"] for entry in server.call("ListKeyRotations", which).json["Rotations"]],
                ["ON_DEMAND", "AUTOMATIC", "ON_DEMAND"])


class Restart(unittest.TestCase):
    def test_rotations_survive(self):
        with harness.Server(pools=POOLS) as server:
            key = harness.new_key(server)
            sealed = server.call("Encrypt", {"KeyId": key, "Plaintext": text(b"before")}).json["CiphertextBlob"]
            server.call("EnableKeyRotation", {"KeyId": key, "RotationPeriodInDays": 100})
            server.call("RotateKeyOnDemand", {"KeyId": key})
            asked = (("GetKeyRotationStatus", {}), ("ListKeyRotations", {"IncludeKeyMaterial": "ALL_KEY_MATERIAL"}),
                ("DescribeKey", {}), ("Decrypt", {"CiphertextBlob": sealed}))
            before = [server.call(operation, {"KeyId": key, **more}).json for operation, more in asked]
            self.assertEqual(before[0]["RotationPeriodInDays"], 100)
            self.assertEqual(len(before[1]["Rotations"]), 2)
            server.kill()
            server.start()
            after = [server.call(operation, {"KeyId": key, **more}).json for operation, more in asked]
            self.assertEqual(after, before)
            records = [record for record in server.audit_records() if record["eventName"] == "RotateKeyOnDemand"]
            self.assertTrue(records)
            self.assertFalse(any(record["readOnly"] for record in records))


if __name__ == "__main__":
    unittest.main()
