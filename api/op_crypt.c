/* Encrypt, Decrypt and GenerateRandom. */
#include "api/operations.h"
#include "pool/fault.h"

static int check_algorithm(struct kw_call *call)
{
    struct kw_bytes algorithm = kw_input_string(call->input, "EncryptionAlgorithm");

    if (algorithm.ptr == NULL || kw_bytes_equal(algorithm, KW_LIT("SYMMETRIC_DEFAULT")))
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_INVALID_KEY_USAGE,
        "Algorithm %.*s and key spec SYMMETRIC_DEFAULT are not compatible.", (int)algorithm.len,
        (const char *)algorithm.ptr);
}

/* For what the model leaves open, since other members can stand in for it. */
static int require_member(struct kw_call *call, const char *name, const char *name_in_message)
{
    if (kw_input_has(call->input, name))
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_VALIDATION,
        "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be "
        "null",
        name_in_message);
}

static void write_algorithm(struct kw_json_out *out)
{
    kw_json_key(out, "EncryptionAlgorithm");
    kw_json_cstring(out, "SYMMETRIC_DEFAULT");
}

static int run_encrypt(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    uint8_t plaintext[KW_PLAINTEXT_MAX];
    KW_ERASE_GUARD(plaintext);
    size_t len;
    int r = kw_call_find_key(call, kw_input_string(call->input, "KeyId"), true);

    if (r == KW_CALL_DONE)
        r = kw_call_refuse_extras(call);
    if (r == KW_CALL_DONE)
        r = check_algorithm(call);
    if (r == KW_CALL_DONE)
        r = kw_call_require_enabled(call);
    if (r == KW_CALL_DONE)
        r = kw_call_encode_context(call);
    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    if (r != KW_CALL_DONE)
        return r;
    len = kw_input_blob(call->input, "Plaintext", plaintext, sizeof(plaintext));
    kw_json_begin_object(&out);
    r = kw_call_wrap(call, &out, "CiphertextBlob", KW_BYTES(plaintext, len));
    if (r != KW_CALL_DONE)
        return r;
    kw_json_key(&out, "KeyId");
    kw_json_cstring(&out, call->key->arn);
    write_algorithm(&out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int invalid_ciphertext(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_INVALID_CIPHERTEXT, "%s", "");
}

/* The key comes from the blob alone. A blob of another server names a key that is not here: then nothing
 * tells it from noise, and it is answered like noise. */
static int find_blob_key(struct kw_call *call, const struct kw_blob *blob)
{
    const struct kw_kms_key *named = NULL, *key = kw_snapshot_key_by_id(call->snapshot, blob->key_id);
    struct kw_bytes key_id = kw_input_string(call->input, "KeyId");
    int r;

    if (key_id.ptr != NULL) {
        r = kw_call_find_key(call, key_id, true);
        if (r != KW_CALL_DONE)
            return r;
        named = call->key;
    }
    if (key == NULL)
        return invalid_ciphertext(call);
    if (named != NULL && named != key)
        return kw_call_refuse(call, KW_ERROR_INCORRECT_KEY,
            "The key ID in the request does not identify a CMK that can perform this operation.");
    if (named != NULL)
        return KW_CALL_DONE;
    call->key = key;
    memcpy(call->key_arn, key->arn, sizeof(call->key_arn));
    memcpy(call->key_account, key->account, sizeof(call->key_account));
    return kw_call_authorize_key(call, key);
}

static int write_plaintext(struct kw_call *call, struct kw_bytes plaintext)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    kw_json_key(&out, "KeyId");
    kw_json_cstring(&out, call->key->arn);
    kw_json_key(&out, "Plaintext");
    kw_json_base64(&out, plaintext);
    write_algorithm(&out);
    kw_call_write_material(call, &out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int unwrap(struct kw_call *call, const struct kw_blob *blob)
{
    const struct kw_backing_key *backing = kw_kms_key_material(call->key, blob->material_id);
    uint8_t plaintext[KW_CIPHERTEXT_MAX];
    KW_ERASE_GUARD(plaintext);
    struct kw_buf buf = KW_BUF(plaintext, sizeof(plaintext));
    int r;

    if (backing == NULL)
        return invalid_ciphertext(call);
    r = kw_unwrap(
        kw_service_thread_wrapper(call->thread), blob, backing->key, kw_sbuf_bytes(&call->context), &buf);
    if (r == KW_BLOB_INVALID)
        return invalid_ciphertext(call);
    if (r != 0)
        return kw_call_internal(call);
    kw_call_note_material(call, backing);
    /* A dry run answers only after the blob has proved good: "would have succeeded" includes that. */
    r = kw_call_dry_run(call);
    return r == KW_CALL_DONE ? write_plaintext(call, kw_buf_bytes(&buf)) : r;
}

static int run_decrypt(struct kw_call *call)
{
    uint8_t text[KW_CIPHERTEXT_MAX];
    size_t len = kw_input_blob(call->input, "CiphertextBlob", text, sizeof(text));
    struct kw_blob blob;
    int r = kw_call_refuse_extras(call);

    if (r == KW_CALL_DONE)
        r = require_member(call, "CiphertextBlob", "ciphertextBlob");
    if (r == KW_CALL_DONE)
        r = check_algorithm(call);
    if (r != KW_CALL_DONE)
        return r;
    if (kw_blob_parse(KW_BYTES(text, len), &blob) != 0)
        return invalid_ciphertext(call);
    r = find_blob_key(call, &blob);
    if (r == KW_CALL_DONE)
        r = kw_call_require_enabled(call);
    if (r == KW_CALL_DONE)
        r = kw_call_encode_context(call);
    return r == KW_CALL_DONE ? unwrap(call, &blob) : r;
}

static int run_random(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    uint8_t bytes[KW_RANDOM_MAX];
    KW_ERASE_GUARD(bytes);
    size_t len = (size_t)kw_input_integer(call->input, "NumberOfBytes", 0);
    int r = kw_call_authorize(call, "*");

    if (r == KW_CALL_DONE)
        r = require_member(call, "NumberOfBytes", "numberOfBytes");
    if (r == KW_CALL_DONE)
        r = kw_call_refuse_extras(call);
    if (r != KW_CALL_DONE)
        return r;
    if (kw_input_has(call->input, "CustomKeyStoreId"))
        return kw_call_refuse(
            call, KW_ERROR_UNSUPPORTED, "Custom key stores are not supported by this server.");
    if (kw_fault(KW_FAULT_ALLOC) != KW_FAULT_NONE ||
        kw_wrapper_random(kw_service_thread_wrapper(call->thread), bytes, len) != 0)
        return kw_call_internal(call);
    kw_json_begin_object(&out);
    kw_json_key(&out, "Plaintext");
    kw_json_base64(&out, KW_BYTES(bytes, len));
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_encrypt = {
    .model = &kw_model_encrypt,
    .read_only = true,
    .run = run_encrypt,
};

const struct kw_operation kw_op_decrypt = {
    .model = &kw_model_decrypt,
    .read_only = true,
    .run = run_decrypt,
};

const struct kw_operation kw_op_generate_random = {
    .model = &kw_model_generate_random,
    .read_only = true,
    .run = run_random,
};
