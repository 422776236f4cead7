// @aws-sdk/client-kms as an application uses it.
"use strict";

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const { after, before, test } = require("node:test");
const kms = require("@aws-sdk/client-kms");
const { client } = require("./server.js");

const here = client();
const elsewhere = client("eu-west-1");
let key;

// The members of an answer, without what the SDK adds to it.
async function send(Command, input = {}, to = here) {
    const answer = await to.send(new Command(input));
    assert.equal(answer.$metadata.httpStatusCode, 200);
    assert.match(answer.$metadata.requestId, /^[0-9a-f-]{36}$/);
    return answer;
}

async function refused(Exception, Command, input, message, to = here) {
    await assert.rejects(to.send(new Command(input)), (error) => {
        assert.ok(error instanceof Exception, `${error.name}: ${error.message}`);
        assert.equal(error.name, Exception.name);
        if (message !== undefined)
            assert.match(error.message, message);
        return true;
    });
}

before(async () => {
    const answer = await send(kms.CreateKeyCommand, {
        Description: "of the JavaScript SDK",
        Tags: [{ TagKey: "client", TagValue: "node" }],
    });
    key = answer.KeyMetadata;
});

after(() => {
    here.destroy();
    elsewhere.destroy();
});

test("a key as it was asked for", async () => {
    assert.equal(key.Enabled, true);
    assert.equal(key.KeyState, kms.KeyState.Enabled);
    assert.equal(key.KeySpec, kms.KeySpec.SYMMETRIC_DEFAULT);
    assert.deepEqual(key.EncryptionAlgorithms, ["SYMMETRIC_DEFAULT"]);
    assert.ok(Math.abs(key.CreationDate.getTime() - Date.now()) < 60_000);
    const { KeyMetadata } = await send(kms.DescribeKeyCommand, { KeyId: key.Arn });
    assert.deepEqual(KeyMetadata, key);
});

test("aliases, and lists page by page", async () => {
    const AliasName = "alias/node/sdk";
    await send(kms.CreateAliasCommand, { AliasName, TargetKeyId: key.KeyId });
    await refused(kms.AlreadyExistsException, kms.CreateAliasCommand, { AliasName, TargetKeyId: key.KeyId });
    const { KeyMetadata } = await send(kms.DescribeKeyCommand, { KeyId: AliasName });
    assert.equal(KeyMetadata.Arn, key.Arn);
    const other = (await send(kms.CreateKeyCommand)).KeyMetadata;
    await send(kms.UpdateAliasCommand, { AliasName, TargetKeyId: other.KeyId });
    const { Aliases } = await send(kms.ListAliasesCommand, { KeyId: other.KeyId });
    assert.deepEqual(Aliases.map((alias) => alias.AliasName), [AliasName]);
    const found = [];
    for await (const page of kms.paginateListKeys({ client: here, pageSize: 1 }, {}))
        found.push(...page.Keys.map((item) => item.KeyId));
    assert.ok(found.includes(key.KeyId) && found.includes(other.KeyId));
    assert.equal(new Set(found).size, found.length);
    await send(kms.DeleteAliasCommand, { AliasName });
    await refused(kms.NotFoundException, kms.DescribeKeyCommand, { KeyId: AliasName }, /^Alias arn:.* is not found\.$/);
});

test("encrypt and decrypt, with a context", async () => {
    const Plaintext = crypto.randomBytes(4096);
    const EncryptionContext = { department: "Größe", a: "b" };
    const { CiphertextBlob, KeyId } = await send(kms.EncryptCommand, { KeyId: key.KeyId, Plaintext, EncryptionContext });
    assert.equal(KeyId, key.Arn);
    const opened = await send(kms.DecryptCommand, { CiphertextBlob, EncryptionContext: { a: "b", department: "Größe" } });
    assert.deepEqual(Buffer.from(opened.Plaintext), Plaintext);
    assert.equal(opened.EncryptionAlgorithm, "SYMMETRIC_DEFAULT");
    assert.match(opened.KeyMaterialId, /^[0-9a-f]{64}$/);
    await refused(kms.InvalidCiphertextException, kms.DecryptCommand, { CiphertextBlob });
    await refused(kms.InvalidCiphertextException, kms.DecryptCommand, { CiphertextBlob, EncryptionContext: { ...EncryptionContext, a: "B" } });
});

test("data keys", async () => {
    const made = await send(kms.GenerateDataKeyCommand, { KeyId: key.KeyId, KeySpec: "AES_256" });
    assert.equal(made.Plaintext.length, 32);
    const opened = await send(kms.DecryptCommand, { CiphertextBlob: made.CiphertextBlob, KeyId: key.KeyId });
    assert.deepEqual(opened.Plaintext, made.Plaintext);
    const sealed = await send(kms.GenerateDataKeyWithoutPlaintextCommand, { KeyId: key.KeyId, NumberOfBytes: 17 });
    assert.equal(sealed.Plaintext, undefined);
    assert.equal((await send(kms.DecryptCommand, { CiphertextBlob: sealed.CiphertextBlob })).Plaintext.length, 17);
    assert.equal((await send(kms.GenerateRandomCommand, { NumberOfBytes: 33 })).Plaintext.length, 33);
});

test("data key pairs that node:crypto can use", async () => {
    for (const KeyPairSpec of ["RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"]) {
        const pair = await send(kms.GenerateDataKeyPairCommand, { KeyId: key.KeyId, KeyPairSpec });
        const privateKey = crypto.createPrivateKey({ key: Buffer.from(pair.PrivateKeyPlaintext), format: "der", type: "pkcs8" });
        const publicKey = crypto.createPublicKey({ key: Buffer.from(pair.PublicKey), format: "der", type: "spki" });
        const digest = KeyPairSpec === "ECC_NIST_EDWARDS25519" ? null : "sha256";
        const signature = crypto.sign(digest, Buffer.from("keywell"), privateKey);
        assert.ok(crypto.verify(digest, Buffer.from("keywell"), publicKey, signature), KeyPairSpec);
        const opened = await send(kms.DecryptCommand, { CiphertextBlob: pair.PrivateKeyCiphertextBlob });
        assert.deepEqual(opened.Plaintext, pair.PrivateKeyPlaintext);
    }
    const pair = await send(kms.GenerateDataKeyPairWithoutPlaintextCommand, { KeyId: key.KeyId, KeyPairSpec: "ECC_NIST_P256" });
    assert.equal(pair.PrivateKeyPlaintext, undefined);
});

test("signing keys", async () => {
    const { KeyId } = (await send(kms.CreateKeyCommand, { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" })).KeyMetadata;
    const about = { KeyId, Message: Buffer.from("a message"), SigningAlgorithm: "ECDSA_SHA_256" };
    const { Signature } = await send(kms.SignCommand, about);
    const { PublicKey } = await send(kms.GetPublicKeyCommand, { KeyId });
    const key = crypto.createPublicKey({ key: Buffer.from(PublicKey), format: "der", type: "spki" });
    assert.ok(crypto.verify("sha256", about.Message, key, Signature));
    assert.equal((await send(kms.VerifyCommand, { ...about, Signature })).SignatureValid, true);
    const digest = crypto.createHash("sha256").update(about.Message).digest();
    assert.equal((await send(kms.VerifyCommand, { ...about, Message: digest, MessageType: "DIGEST", Signature })).SignatureValid, true);
    await refused(kms.KMSInvalidSignatureException, kms.VerifyCommand, { ...about, Message: Buffer.from("another"), Signature });
    await refused(kms.InvalidKeyUsageException, kms.SignCommand, { ...about, SigningAlgorithm: "RSASSA_PSS_SHA_256" }, /incompatible with key spec/);
    await refused(kms.InvalidKeyUsageException, kms.EncryptCommand, { KeyId, Plaintext: about.Message }, /which is not valid for Encrypt\.$/);
});

test("a shared secret", async () => {
    const { KeyId } = (await send(kms.CreateKeyCommand, { KeySpec: "ECC_NIST_P384", KeyUsage: "KEY_AGREEMENT" })).KeyMetadata;
    const mine = crypto.generateKeyPairSync("ec", { namedCurve: "secp384r1" });
    const PublicKey = mine.publicKey.export({ format: "der", type: "spki" });
    const { SharedSecret } = await send(kms.DeriveSharedSecretCommand, { KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey });
    const theirs = crypto.createPublicKey({ key: Buffer.from((await send(kms.GetPublicKeyCommand, { KeyId })).PublicKey), format: "der", type: "spki" });
    assert.deepEqual(Buffer.from(SharedSecret), crypto.diffieHellman({ privateKey: mine.privateKey, publicKey: theirs }));
});

test("MACs", async () => {
    const { KeyId } = (await send(kms.CreateKeyCommand, { KeySpec: "HMAC_512", KeyUsage: "GENERATE_VERIFY_MAC" })).KeyMetadata;
    const about = { KeyId, Message: Buffer.from("a message"), MacAlgorithm: "HMAC_SHA_512" };
    const { Mac } = await send(kms.GenerateMacCommand, about);
    assert.equal(Mac.length, 64);
    assert.equal((await send(kms.VerifyMacCommand, { ...about, Mac })).MacValid, true);
    await refused(kms.KMSInvalidMacException, kms.VerifyMacCommand, { ...about, Mac: Mac.map((byte) => byte ^ 1) });
});

test("grants", async () => {
    const { KeyId } = (await send(kms.CreateKeyCommand)).KeyMetadata;
    const GranteePrincipal = "arn:aws:iam::000000000000:role/node";
    const grant = await send(kms.CreateGrantCommand, { KeyId, GranteePrincipal, Operations: ["Encrypt"], Name: "node" });
    const again = await send(kms.CreateGrantCommand, { KeyId, GranteePrincipal, Operations: ["Encrypt"], Name: "node" });
    assert.equal(again.GrantId, grant.GrantId);
    const { Grants } = await send(kms.ListGrantsCommand, { KeyId });
    assert.deepEqual(Grants.map((entry) => [entry.GrantId, entry.Name, entry.GranteePrincipal]), [[grant.GrantId, "node", GranteePrincipal]]);
    await send(kms.EncryptCommand, { KeyId, Plaintext: Buffer.from("x"), GrantTokens: [grant.GrantToken, again.GrantToken] });
    await send(kms.RevokeGrantCommand, { KeyId, GrantId: grant.GrantId });
    assert.deepEqual((await send(kms.ListGrantsCommand, { KeyId })).Grants, []);
});

test("rotation and deletion", async () => {
    const { KeyId } = (await send(kms.CreateKeyCommand)).KeyMetadata;
    const { CiphertextBlob } = await send(kms.EncryptCommand, { KeyId, Plaintext: Buffer.from("before") });
    await send(kms.RotateKeyOnDemandCommand, { KeyId });
    assert.equal(Buffer.from((await send(kms.DecryptCommand, { CiphertextBlob })).Plaintext).toString(), "before");
    const { DeletionDate } = await send(kms.ScheduleKeyDeletionCommand, { KeyId, PendingWindowInDays: 7 });
    assert.ok(Math.abs(DeletionDate.getTime() - Date.now() - 7 * 86_400_000) < 86_400_000);
    await refused(kms.KMSInvalidStateException, kms.DecryptCommand, { CiphertextBlob }, / is pending deletion\.$/);
    await send(kms.CancelKeyDeletionCommand, { KeyId });
});

test("errors by class", async () => {
    await refused(kms.NotFoundException, kms.DescribeKeyCommand, { KeyId: "fake-key-id" }, /^Invalid keyId 'fake-key-id'$/);
    await refused(kms.DryRunOperationException, kms.GenerateDataKeyCommand, { KeyId: key.KeyId, KeySpec: "AES_128", DryRun: true });
    await refused(kms.InvalidGrantTokenException, kms.EncryptCommand, { KeyId: key.KeyId, Plaintext: Buffer.from("x"), GrantTokens: ["none"] });
    await refused(kms.CustomKeyStoreNotFoundException, kms.DeleteCustomKeyStoreCommand, { CustomKeyStoreId: "cks-1234567890abcdef0" });
    await refused(kms.InvalidMarkerException, kms.ListKeysCommand, { Marker: "not-a-marker" });
    const other = (await send(kms.CreateKeyCommand)).KeyMetadata;
    const { CiphertextBlob } = await send(kms.EncryptCommand, { KeyId: other.KeyId, Plaintext: Buffer.from("x") });
    await refused(kms.IncorrectKeyException, kms.DecryptCommand, { KeyId: key.KeyId, CiphertextBlob });
    await send(kms.DisableKeyCommand, { KeyId: other.KeyId });
    await refused(kms.DisabledException, kms.DecryptCommand, { CiphertextBlob }, / is disabled\.$/);
    await send(kms.EnableKeyCommand, { KeyId: other.KeyId });
    await send(kms.DecryptCommand, { CiphertextBlob });
    // Not in the service model, so it has no class of its own.
    await assert.rejects(here.send(new kms.GenerateRandomCommand({ NumberOfBytes: 0 })), { name: "ValidationException" });
});

test("a key in two Regions", async () => {
    const primary = (await send(kms.CreateKeyCommand, { MultiRegion: true })).KeyMetadata;
    const { ReplicaKeyMetadata } = await send(kms.ReplicateKeyCommand, { KeyId: primary.KeyId, ReplicaRegion: "eu-west-1" });
    assert.equal(ReplicaKeyMetadata.MultiRegionConfiguration.MultiRegionKeyType, "REPLICA");
    const Plaintext = Buffer.from("between two Regions");
    const { CiphertextBlob } = await send(kms.EncryptCommand, { KeyId: primary.KeyId, Plaintext });
    const opened = await send(kms.DecryptCommand, { CiphertextBlob }, elsewhere);
    assert.deepEqual(Buffer.from(opened.Plaintext), Plaintext);
    assert.equal(opened.KeyId, ReplicaKeyMetadata.Arn);
    await refused(kms.NotFoundException, kms.DescribeKeyCommand, { KeyId: key.KeyId }, / does not exist$/, elsewhere);
});
