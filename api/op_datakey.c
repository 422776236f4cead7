/* The four operations that hand out data keys and data key pairs. */
#include "api/operations.h"
#include "pool/fault.h"
#include "pool/secmem.h"

/* Everything that can refuse a request, before anything is taken or made for it. */
static int check(struct kw_call *call)
{
    int r = kw_call_find_key(call, kw_input_string(call->input, "KeyId"), true);

    if (r == KW_CALL_DONE)
        r = kw_call_refuse_extras(call);
    if (r == KW_CALL_DONE)
        r = kw_call_require_enabled(call);
    if (r == KW_CALL_DONE)
        r = kw_call_encode_context(call);
    return r;
}

static int find_pool(struct kw_call *call, struct kw_bytes spec_name, struct kw_pool **ret)
{
    struct kw_service *service = kw_service_thread_service(call->thread);

    if (kw_spec_parse(spec_name, &call->wait_spec) != 0)
        return kw_call_refuse(
            call, KW_ERROR_UNSUPPORTED, "KeyPairSpec SM2 is supported in China Regions only.");
    *ret = service->pools[call->wait_spec];
    if (*ret == NULL)
        return kw_call_refuse(call, KW_ERROR_UNSUPPORTED,
            "The pool of %s key pairs is switched off on this server.", kw_spec_info(call->wait_spec)->name);
    return KW_CALL_DONE;
}

static int write_pair(struct kw_call *call, const struct kw_pair *pair, bool plaintext)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    int r;

    kw_json_begin_object(&out);
    r = kw_call_wrap(call, &out, "PrivateKeyCiphertextBlob", pair->private_der);
    if (r != KW_CALL_DONE)
        return r;
    if (plaintext) {
        kw_json_key(&out, "PrivateKeyPlaintext");
        kw_json_base64(&out, pair->private_der);
    }
    kw_json_key(&out, "PublicKey");
    kw_json_base64(&out, pair->public_der);
    kw_json_key(&out, "KeyId");
    kw_json_cstring(&out, call->key->arn);
    kw_json_key(&out, "KeyPairSpec");
    kw_json_cstring(&out, kw_spec_info(call->wait_spec)->name);
    kw_call_write_material(call, &out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int run_pair(struct kw_call *call, bool plaintext)
{
    KW_PAIR struct kw_pair pair = {.pool = NULL};
    struct kw_pool *pool = NULL;
    int r = check(call);

    if (r == KW_CALL_DONE)
        r = find_pool(call, kw_input_string(call->input, "KeyPairSpec"), &pool);
    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    if (r != KW_CALL_DONE)
        return r;
    if (!call->waiting && kw_service_thread_has_waiters(call->thread, call->wait_spec))
        return KW_CALL_WAIT_POOL;
    r = kw_pool_pop(pool, &pair);
    if (r == KW_POOL_EMPTY)
        return KW_CALL_WAIT_POOL;
    call->took_pair = r == 0;
    if (r != 0 || kw_fault(KW_FAULT_ALLOC) != KW_FAULT_NONE)
        return kw_call_internal(call);
    return write_pair(call, &pair, plaintext);
}

static int run_pair_with(struct kw_call *call)
{
    return run_pair(call, true);
}

static int run_pair_without(struct kw_call *call)
{
    return run_pair(call, false);
}

/* Exactly one of KeySpec and NumberOfBytes. */
static int data_key_len(struct kw_call *call, size_t *ret)
{
    struct kw_bytes spec = kw_input_string(call->input, "KeySpec");
    bool has_number = kw_input_has(call->input, "NumberOfBytes");

    if ((spec.ptr != NULL) == has_number)
        return kw_call_refuse(
            call, KW_ERROR_VALIDATION, "Please specify either number of bytes or key spec.");
    if (has_number)
        *ret = (size_t)kw_input_integer(call->input, "NumberOfBytes", 0);
    else
        *ret = kw_bytes_equal(spec, KW_LIT("AES_256")) ? 32 : 16;
    return KW_CALL_DONE;
}

static int write_key(struct kw_call *call, struct kw_bytes data_key, bool plaintext)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    int r;

    kw_json_begin_object(&out);
    r = kw_call_wrap(call, &out, "CiphertextBlob", data_key);
    if (r != KW_CALL_DONE)
        return r;
    if (plaintext) {
        kw_json_key(&out, "Plaintext");
        kw_json_base64(&out, data_key);
    }
    kw_json_key(&out, "KeyId");
    kw_json_cstring(&out, call->key->arn);
    kw_call_write_material(call, &out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int run_key(struct kw_call *call, bool plaintext)
{
    uint8_t data_key[KW_DATA_KEY_MAX];
    KW_ERASE_GUARD(data_key);
    size_t len = 0;
    int r = data_key_len(call, &len);

    if (r == KW_CALL_DONE)
        r = check(call);
    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    if (r != KW_CALL_DONE)
        return r;
    if (kw_fault(KW_FAULT_ALLOC) != KW_FAULT_NONE ||
        kw_wrapper_random(kw_service_thread_wrapper(call->thread), data_key, len) != 0)
        return kw_call_internal(call);
    return write_key(call, KW_BYTES(data_key, len), plaintext);
}

static int run_key_with(struct kw_call *call)
{
    return run_key(call, true);
}

static int run_key_without(struct kw_call *call)
{
    return run_key(call, false);
}

const struct kw_operation kw_op_generate_data_key_pair = {
    .model = &kw_model_generate_data_key_pair,
    .read_only = true,
    .run = run_pair_with,
};

const struct kw_operation kw_op_generate_data_key_pair_without_plaintext = {
    .model = &kw_model_generate_data_key_pair_without_plaintext,
    .read_only = true,
    .run = run_pair_without,
};

const struct kw_operation kw_op_generate_data_key = {
    .model = &kw_model_generate_data_key,
    .read_only = true,
    .run = run_key_with,
};

const struct kw_operation kw_op_generate_data_key_without_plaintext = {
    .model = &kw_model_generate_data_key_without_plaintext,
    .read_only = true,
    .run = run_key_without,
};
