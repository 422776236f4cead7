#!/usr/bin/python3
"""Attestation documents as AWS Nitro Enclaves' security module makes them, under a CA of our own.

As a module: Authority() is a root with two levels below it; Authority.document(spki(key)) is a signed document that
carries the public key of a recipient, and open_envelope(key, blob) opens a CiphertextForRecipient.
As a program, `nitro.py FOLDER` writes root.pem and a document of each kind that tests/api/test_attestation.c checks.
"""

import datetime
import os
import subprocess
import sys
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

ES384 = -35


class Tag18:
    """Stands before what has CBOR's tag of a COSE_Sign1."""

    def __init__(self, value):
        self.value = value


class Pairs(list):
    """A map as a list of pairs, so that a name can be in it twice."""


class OpenPairs(Pairs):
    """The same of indefinite length, as Nitro's own writer has it."""


def head(major, number):
    for size, info in ((0, None), (1, 24), (2, 25), (4, 26), (8, 27)):
        if info is None and number < 24:
            return bytes([major << 5 | number])
        if info is not None and number < 1 << 8 * size:
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise ValueError(number)


def cbor(value):
    """CBOR of the few types that documents have, in the shortest form."""
    if value is None:
        return b"\xf6"
    if isinstance(value, Tag18):
        return head(6, 18) + cbor(value.value)
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, OpenPairs):
        return b"\xbf" + b"".join(cbor(name) + cbor(item) for name, item in value) + b"\xff"
    if isinstance(value, Pairs):
        return head(5, len(value)) + b"".join(cbor(name) + cbor(item) for name, item in value)
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return cbor(Pairs(value.items()))


def raw_signature(key, text):
    """COSE's form: r, then s, as long as the curve's order each."""
    size = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA384())))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def certify(name, key, issuer_name, issuer_key, is_ca, lifetime, signs=True):
    now = datetime.datetime.utcnow()
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer_name)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=signs, key_cert_sign=is_ca, crl_sign=is_ca, content_commitment=not signs,
                key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                decipher_only=False), critical=True)
    )
    return builder.sign(issuer_key, hashes.SHA384())


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo)


def pkcs8(key):
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption())


def open_envelope(key, blob):
    """The plaintext of CMS EnvelopedData for an RSA key, by OpenSSL's command line."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(pkcs8(key))
        file.flush()
        return subprocess.run(
            ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-keyform", "DER", "-inkey", file.name],
            input=blob, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


class Authority:
    """A root, a zone below it and an instance below that, which certifies signers of documents."""

    def __init__(self, name="test.nitro-enclaves", leaf_curve=None):
        year, hours = datetime.timedelta(days=365), datetime.timedelta(hours=3)
        keys = [ec.generate_private_key(ec.SECP384R1()) for _ in range(3)]
        self.leaf_key = ec.generate_private_key(leaf_curve or ec.SECP384R1())
        self.root = certify(name, keys[0], name, keys[0], True, 30 * year)
        zone = certify("zone." + name, keys[1], name, keys[0], True, year)
        instance = certify("instance." + name, keys[2], "zone." + name, keys[1], True, year)
        self.leaf = certify("i-0123456789abcdef0-enc0123456789abcde", self.leaf_key, "instance." + name, keys[2],
            False, hours)
        self.instance_key = keys[2]
        self.bundle = [der(self.root), der(zone), der(instance)]

    def root_pem(self):
        return self.root.public_bytes(serialization.Encoding.PEM)

    def payload(self, public_key=None, pcrs=None, timestamp_ms=None, **changes):
        """The map that is signed. changes replaces members by name, or leaves them out (Ellipsis)."""
        parts = {
            "module_id": "i-0123456789abcdef0-enc0123456789abcde",
            "digest": "SHA384",
            "timestamp": int(time.time() * 1000) if timestamp_ms is None else timestamp_ms,
            "pcrs": {i: bytes([i]) * 48 for i in range(16)} if pcrs is None else pcrs,
            "certificate": der(self.leaf),
            "cabundle": self.bundle,
            "public_key": public_key,
            "user_data": None,
            "nonce": None,
        }
        parts.update(changes)
        return {name: value for name, value in parts.items() if value is not ...}

    def sign(self, payload, key=None, protected=None, tagged=False, unprotected=None):
        """A COSE_Sign1 of a payload, encoded or not."""
        payload = payload if isinstance(payload, bytes) else cbor(payload)
        protected = cbor({1: ES384}) if protected is None else protected
        signature = raw_signature(key or self.leaf_key, cbor(["Signature1", protected, b"", payload]))
        sign1 = [protected, unprotected or {}, payload, signature]
        return cbor(Tag18(sign1) if tagged else sign1)

    def document(self, public_key=None, tagged=False, **parts):
        return self.sign(OpenPairs(self.payload(public_key, **parts).items()), tagged=tagged)


def kinds(authority, public_key):
    """Documents by name: good_* verify, bad_* do not parse, forged_* parse and must not verify."""
    payload = authority.payload(public_key)
    pcr = b"\1" * 48
    yield "good_plain", authority.document(public_key)
    yield "good_tagged", authority.document(public_key, tagged=True)
    yield "good_no_key", authority.document(user_data=b"data", nonce=b"nonce")
    yield "good_absent", authority.document(..., user_data=..., nonce=...)
    yield "good_tpm", authority.document(public_key, pcrs=..., nitrotpm_pcrs={4: pcr})
    yield "good_empty", authority.document(public_key, user_data=b"", nonce=b"")
    yield "good_definite", authority.sign(payload)
    yield "good_open_parts", authority.document(public_key, pcrs=OpenPairs([(0, pcr), (8, pcr)]))
    yield "bad_open_end", authority.sign(cbor(OpenPairs(payload.items()))[:-1])
    yield "bad_open_half", authority.sign(cbor(OpenPairs(payload.items()))[:-1] + cbor("nonsense") + b"\xff")
    yield "bad_digest", authority.document(public_key, digest="SHA256")
    yield "bad_no_digest", authority.document(public_key, digest=...)
    yield "bad_no_pcrs", authority.document(public_key, pcrs={})
    yield "bad_pcr_len", authority.document(public_key, pcrs={0: b"\1" * 47})
    yield "bad_pcr_index", authority.document(public_key, pcrs={32: pcr})
    yield "bad_pcr_twice", authority.document(public_key, pcrs=Pairs([(0, pcr), (0, pcr)]))
    yield "bad_pcr_both", authority.document(public_key, nitrotpm_pcrs={4: pcr})
    yield "bad_module_id", authority.document(public_key, module_id="")
    yield "bad_timestamp", authority.document(public_key, timestamp_ms=0)
    yield "bad_bundle", authority.document(public_key, cabundle=[])
    yield "bad_bundle_long", authority.document(public_key, cabundle=authority.bundle * 3)
    yield "bad_unknown", authority.document(public_key, surprise=1)
    yield "bad_twice", authority.sign(Pairs([*payload.items(), ("digest", "SHA384")]))
    yield "bad_behind", authority.sign(cbor(payload) + b"\0")
    yield "bad_algorithm", authority.sign(payload, protected=cbor({1: -7}))
    yield "bad_header", authority.sign(payload, protected=cbor({1: ES384, 4: b"kid"}))
    yield "bad_unprotected", authority.sign(payload, unprotected={1: ES384})
    yield "bad_key_len", authority.document(b"k" * 1025)
    stranger = Authority()  # of the same name, with other keys
    yield "forged_root", stranger.document(public_key)
    yield "forged_bundle", authority.sign(stranger.payload(public_key, cabundle=authority.bundle), stranger.leaf_key)
    yield "forged_signature", authority.sign(payload, key=stranger.leaf_key)
    yield "forged_no_bundle", authority.document(public_key, cabundle=[der(authority.root)])
    yield "forged_ca", authority.document(public_key, certificate=b"\x30\x03\x02\x01\x01")
    yield "forged_ca_behind", authority.document(public_key, certificate=der(authority.leaf) + b"\0")
    # A signer certified by a leaf, which is no CA.
    key = ec.generate_private_key(ec.SECP384R1())
    below = certify("below", key, "i-0123456789abcdef0-enc0123456789abcde", authority.leaf_key, False,
        datetime.timedelta(hours=1))
    yield "forged_below_leaf", authority.sign(authority.payload(public_key, certificate=der(below),
        cabundle=[*authority.bundle, der(authority.leaf)]), key=key)
    # The authority above the signers, which is none itself, and a signer whose key is for something else.
    yield "forged_by_authority", authority.sign(authority.payload(public_key, certificate=authority.bundle[2]),
        key=authority.instance_key)
    usage = certify("usage", key, "instance.test.nitro-enclaves", authority.instance_key, False,
        datetime.timedelta(hours=1), signs=False)
    yield "forged_usage", authority.sign(authority.payload(public_key, certificate=der(usage)), key=key)


def main(folder):
    authority = Authority()
    recipient = rsa.generate_private_key(65537, 2048)
    files = dict(kinds(authority, spki(recipient)))
    files["root.pem"] = authority.root_pem()
    files["recipient.der"] = pkcs8(recipient)
    small = Authority("small.nitro-enclaves", leaf_curve=ec.SECP256R1())
    files["small.pem"] = small.root_pem()
    # Its signature has 64 bytes; brought to the length of the others, it says so with the wrong curve.
    sign1 = small.document(spki(recipient))
    files["small"] = sign1[:-66] + head(2, 96) + bytes(16) + sign1[-64:-32] + bytes(16) + sign1[-32:]
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


if __name__ == "__main__":
    main(sys.argv[1])
