"""GenerateMac and VerifyMac: what one made the other takes, and nothing else."""

import base64
import hmac
import os
import unittest

import harness

SIZES = (224, 256, 384, 512)
MESSAGE = bytes(range(256)) * 16


def b64(data):
    return base64.b64encode(data).decode()


class Macs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.shared()
        cls.keys = {size: cls.make(f"HMAC_{size}", "GENERATE_VERIFY_MAC") for size in SIZES}

    @classmethod
    def make(cls, spec, usage, **more):
        return cls.server.call("CreateKey", {"KeySpec": spec, "KeyUsage": usage, **more}).json["KeyMetadata"]

    def ask(self, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def refused(self, error, message, operation, **members):
        answer = self.server.call(operation, members)
        self.assertEqual((answer.status, answer.error, answer.message), (400, error, message))

    def which(self, size, message=MESSAGE, **more):
        return {"KeyId": self.keys[size]["KeyId"], "MacAlgorithm": f"HMAC_SHA_{size}", "Message": b64(message), **more}

    def test_make_and_verify(self):
        for size in SIZES:
            with self.subTest(size=size):
                made = self.ask("GenerateMac", **self.which(size))
                self.assertEqual(made, {"KeyId": self.keys[size]["Arn"], "MacAlgorithm": f"HMAC_SHA_{size}", "Mac": made["Mac"]})
                self.assertEqual(len(base64.b64decode(made["Mac"])), size // 8)
                self.assertEqual(self.ask("GenerateMac", **self.which(size))["Mac"], made["Mac"])
                self.assertEqual(self.ask("VerifyMac", Mac=made["Mac"], **self.which(size)),
                    {"KeyId": self.keys[size]["Arn"], "MacAlgorithm": f"HMAC_SHA_{size}", "MacValid": True})

    def test_with_a_key_that_is_known(self):
        for size in SIZES:
            secret = os.urandom(size // 8)
            key = self.make(f"HMAC_{size}", "GENERATE_VERIFY_MAC", Origin="EXTERNAL")
            self.assertEqual(harness.import_material(self.server, key["KeyId"], secret).status, 200)
            which = {"KeyId": key["KeyId"], "MacAlgorithm": f"HMAC_SHA_{size}", "Message": b64(MESSAGE)}
            mac = b64(hmac.digest(secret, MESSAGE, f"sha{size}"))
            self.assertEqual(self.ask("GenerateMac", **which)["Mac"], mac)
            self.assertTrue(self.ask("VerifyMac", Mac=mac, **which)["MacValid"])

    def test_wrong_everything(self):
        for size in SIZES:
            mac = base64.b64decode(self.ask("GenerateMac", **self.which(size))["Mac"])
            flipped = [mac[:at] + bytes([mac[at] ^ 1]) + mac[at + 1:] for at in (0, len(mac) // 2, len(mac) - 1)]
            for wrong in (*flipped, mac[:-1], mac + b"\0", mac[:16], b"\0", bytes(6144)):
                self.refused("KMSInvalidMacException", None, "VerifyMac", Mac=b64(wrong), **self.which(size))
            self.refused("KMSInvalidMacException", None, "VerifyMac", Mac=b64(mac), **self.which(size, MESSAGE[:-1]))
            other = self.make(f"HMAC_{size}", "GENERATE_VERIFY_MAC")
            self.refused("KMSInvalidMacException", None, "VerifyMac", Mac=b64(mac), **{**self.which(size), "KeyId": other["KeyId"]})

    def test_order_of_refusals(self):
        disabled = self.make("HMAC_256", "GENERATE_VERIFY_MAC")
        self.assertEqual(self.server.call("DisableKey", {"KeyId": disabled["KeyId"]}).status, 200)
        waiting = self.make("HMAC_256", "GENERATE_VERIFY_MAC", Origin="EXTERNAL")
        symmetric = self.server.call("CreateKey").json["KeyMetadata"]
        for operation, more in (("GenerateMac", {}), ("VerifyMac", {"Mac": "AAAA"})):
            self.refused("InvalidKeyUsageException", "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256.", operation,
                **{**self.which(256), "MacAlgorithm": "HMAC_SHA_512"}, **more)
            for key, error, end in ((disabled, "DisabledException", "is disabled."),
                    (waiting, "KMSInvalidStateException", "is pending import."),
                    (symmetric, "InvalidKeyUsageException", f"key usage is ENCRYPT_DECRYPT which is not valid for {operation}.")):
                for algorithm in ("HMAC_SHA_256", "HMAC_SHA_512"):
                    self.refused(error, f"{key['Arn']} {end}", operation, KeyId=key["KeyId"], MacAlgorithm=algorithm,
                        Message="AAAA", **more)

    def test_dry_run(self):
        would = ("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
        self.refused(*would, "GenerateMac", DryRun=True, **self.which(384))
        mac = self.ask("GenerateMac", **self.which(384))["Mac"]
        self.refused(*would, "VerifyMac", DryRun=True, Mac=mac, **self.which(384))
        self.refused("KMSInvalidMacException", None, "VerifyMac", DryRun=True, Mac="AAAA", **self.which(384))


if __name__ == "__main__":
    unittest.main()
