// The AWS Encryption SDK: files sealed and opened with keyrings on this server.
"use strict";

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { pipeline } = require("node:stream/promises");
const { after, before, test } = require("node:test");
const esdk = require("@aws-crypto/client-node");
const kms = require("@aws-sdk/client-kms");
const { client, credentials, endpoint } = require("./server.js");

const { encrypt, decrypt, encryptStream, decryptUnsignedMessageStream, decryptStream } =
    esdk.buildClient(esdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const clientProvider = esdk.getClient(kms.KMS, { endpoint, credentials });
const here = client();
const context = { purpose: "end to end", origin: "us-east-1", größe: "42" };
let folder, generator, second, third, plain;

async function create(input = {}, to = here) {
    return (await to.send(new kms.CreateKeyCommand(input))).KeyMetadata.Arn;
}

function keyring(generatorKeyId, ...keyIds) {
    return new esdk.KmsKeyringNode({ clientProvider, generatorKeyId, keyIds });
}

// One that can only open.
function opener(...keyIds) {
    return new esdk.KmsKeyringNode({ clientProvider, keyIds });
}

async function seal(ring = keyring(generator, second, third)) {
    return (await encrypt(ring, plain, { encryptionContext: context })).result;
}

before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "keywell-esdk-"));
    const elsewhere = client("eu-west-1");
    [generator, second, third] = [await create(), await create(), await create({}, elsewhere)];
    elsewhere.destroy();
    plain = crypto.randomBytes(300_000);
});

after(() => {
    here.destroy();
    fs.rmSync(folder, { recursive: true });
});

test("a file is sealed and opened by streams", async () => {
    const [from, sealed, opened] = ["plain", "sealed", "opened"].map((name) => path.join(folder, name));
    fs.writeFileSync(from, plain);
    await pipeline(fs.createReadStream(from),
        encryptStream(keyring(generator, second, third), { encryptionContext: context, frameLength: 4096 }), fs.createWriteStream(sealed));
    assert.equal(fs.readFileSync(sealed).includes(plain.subarray(1000, 1032)), false);
    const stream = decryptStream(opener(generator));
    let header;
    stream.on("MessageHeader", (value) => { header = value; });
    await pipeline(fs.createReadStream(sealed), stream, fs.createWriteStream(opened));
    assert.deepEqual(fs.readFileSync(opened), plain);
    assert.equal(header.encryptedDataKeys.length, 3);
    for (const [name, value] of Object.entries(context))
        assert.equal(header.encryptionContext[name], value);
});

test("each key alone opens it, in whichever Region it is", async () => {
    const sealed = await seal();
    for (const one of [generator, second, third]) {
        const { plaintext, messageHeader } = await decrypt(opener(one), sealed);
        assert.deepEqual(plaintext, plain);
        assert.equal(messageHeader.encryptionContext.purpose, context.purpose);
    }
    const discovery = new esdk.KmsKeyringNode({ clientProvider, discovery: true, discoveryFilter: { accountIDs: ["000000000000"], partition: "aws" } });
    assert.deepEqual((await decrypt(discovery, sealed)).plaintext, plain);
});

test("a key that is not among them does not", async () => {
    const sealed = await seal();
    await assert.rejects(decrypt(opener(await create()), sealed), /unencryptedDataKey has not been set/);
});

test("while one key is disabled another one opens it", async () => {
    const key = await create();
    const sealed = await seal(keyring(key, second));
    await here.send(new kms.DisableKeyCommand({ KeyId: key }));
    await assert.rejects(decrypt(opener(key), sealed), /is disabled|unencryptedDataKey has not been set/);
    assert.deepEqual((await decrypt(opener(key, second), sealed)).plaintext, plain);
    await assert.rejects(seal(keyring(key, second)), /is disabled/);
});

test("another context is refused", async () => {
    const sealed = await seal();
    const at = sealed.indexOf("end to end");
    assert.ok(at > 0);
    const changed = Buffer.from(sealed);
    changed.write("end to eNd", at);
    await assert.rejects(decrypt(opener(generator, second, third), changed));
    // What the header of the message holds is what the server was asked with: its own refusal, seen without the SDK.
    const { messageHeader } = await decrypt(opener(generator), sealed);
    const edk = messageHeader.encryptedDataKeys.find((item) => item.providerInfo === generator);
    const ask = (EncryptionContext) => here.send(new kms.DecryptCommand({ CiphertextBlob: edk.encryptedDataKey, EncryptionContext }));
    assert.ok((await ask(messageHeader.encryptionContext)).Plaintext.length >= 32);
    await assert.rejects(ask({ ...messageHeader.encryptionContext, purpose: "another" }), kms.InvalidCiphertextException);
});

test("a damaged message is refused", async () => {
    const sealed = Buffer.from(await seal());
    sealed[sealed.length - 200_000] ^= 1;
    await assert.rejects(decrypt(opener(generator), sealed));
});

test("an unsigned message", async () => {
    const suite = esdk.AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;
    const { result } = await encrypt(keyring(generator, second), plain, { suiteId: suite, encryptionContext: context });
    const sealed = path.join(folder, "unsigned"), opened = path.join(folder, "unsigned.opened");
    fs.writeFileSync(sealed, result);
    await pipeline(fs.createReadStream(sealed), decryptUnsignedMessageStream(opener(second)), fs.createWriteStream(opened));
    assert.deepEqual(fs.readFileSync(opened), plain);
});

test("a multi-Region key opens in the Region of its replica", async () => {
    const primary = await create({ MultiRegion: true });
    await here.send(new kms.ReplicateKeyCommand({ KeyId: primary, ReplicaRegion: "eu-west-1" }));
    const replica = primary.replace(":us-east-1:", ":eu-west-1:");
    const build = (generatorKeyId) => esdk.buildAwsKmsMrkAwareStrictMultiKeyringNode({ clientProvider, generatorKeyId });
    const { result } = await encrypt(build(primary), plain, { encryptionContext: context });
    assert.deepEqual((await decrypt(build(replica), result)).plaintext, plain);
});
