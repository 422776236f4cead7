/* The four operations that hand out data keys and data key pairs. */
#include "api/callpair.h"
#include "api/operations.h"
#include "api/recipient.h"
#include "api/region.h"
#include "api/tokenkey.h"
#include "pool/fault.h"
#include "pool/secmem.h"

/* Everything that can refuse a request, before anything is taken or made for it. The order is AWS's: the key,
 * what it is for, its state, what it is. */
static int check_key(struct kw_call *call)
{
    int r = kw_call_require_usage(call, KW_USAGE_ENCRYPT_DECRYPT);

    if (r == KW_CALL_DONE)
        r = kw_call_require_state(call);
    if (r == KW_CALL_DONE && call->key->spec != KW_KEY_SYMMETRIC_DEFAULT)
        r = kw_call_refuse(
            call, KW_ERROR_INVALID_KEY_USAGE, "You cannot generate a data key with an asymmetric CMK");
    if (r == KW_CALL_DONE)
        r = kw_call_check_grant_tokens(call);
    if (r == KW_CALL_DONE)
        r = kw_call_encode_context(call, "EncryptionContext");
    return r;
}

static int find_key(struct kw_call *call)
{
    return kw_call_find_key(call, kw_input_string(call->input, "KeyId"), true);
}

static int find_pool(struct kw_call *call, struct kw_bytes spec_name)
{
    enum kw_spec spec;

    if (kw_spec_parse(spec_name, &spec) != 0)
        return kw_call_refuse(
            call, KW_ERROR_UNSUPPORTED, "KeyPairSpec SM2 is supported in China Regions only.");
    return kw_callpair_choose(call, spec);
}

/* The public key as base64, which is how pools have it. */
static int write_pair(struct kw_call *call, const char *spec_name, struct kw_bytes private_der,
    struct kw_bytes public_text, bool plaintext)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    int r;

    kw_json_begin_object(&out);
    r = kw_call_wrap(call, &out, "PrivateKeyCiphertextBlob", private_der);
    if (r == KW_CALL_DONE && plaintext)
        r = kw_recipient_write(call, &out, "PrivateKeyPlaintext", private_der);
    if (r != KW_CALL_DONE)
        return r;
    kw_json_key(&out, "PublicKey");
    kw_json_plain(&out, public_text);
    kw_json_key(&out, "KeyId");
    kw_json_cstring(&out, call->key->arn);
    kw_json_key(&out, "KeyPairSpec");
    kw_json_cstring(&out, spec_name);
    kw_call_write_material(call, &out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

/* No pool has SM2 pairs: they are asked for in few places, and made when they are. */
static int make_sm2(struct kw_call *call, bool plaintext)
{
    uint8_t private_der[KW_PRIVATE_KEY_MAX], public_der[KW_PUBLIC_KEY_MAX];
    KW_ERASE_GUARD(private_der);
    struct kw_buf private_buf = KW_BUF(private_der, sizeof(private_der));
    struct kw_buf public_buf = KW_BUF(public_der, sizeof(public_der));
    char public_text[KW_BASE64_LEN(KW_PUBLIC_KEY_MAX)];

    if (kw_fault(KW_FAULT_ALLOC) != KW_FAULT_NONE || kw_asym_generate_sm2(&public_buf, &private_buf) != 0)
        return kw_call_internal(call);
    kw_base64_encode(kw_buf_bytes(&public_buf), public_text);
    return write_pair(call, "SM2", kw_buf_bytes(&private_buf),
        KW_BYTES(public_text, KW_BASE64_LEN(public_buf.len)), plaintext);
}

static int take_pair(struct kw_call *call, bool plaintext)
{
    KW_PAIR struct kw_pair pair = {.pool = NULL};
    int r = kw_callpair_pop(call, &pair);

    if (r != KW_CALL_DONE)
        return r;
    return write_pair(
        call, kw_spec_info(call->wait_spec)->name, pair.private_der, pair.public_text, plaintext);
}

/* AWS makes no data key pairs under keys in custom key stores. */
static int require_no_token(struct kw_call *call)
{
    return kw_tokenkey_is(call->key) ? kw_call_refuse_origin(call) : KW_CALL_DONE;
}

static int run_pair(struct kw_call *call, bool plaintext)
{
    struct kw_bytes spec_name = kw_input_string(call->input, "KeyPairSpec");
    bool sm2 = kw_region_is_chinese(call->region) && kw_bytes_equal(spec_name, KW_LIT("SM2"));
    int r = find_key(call);

    if (r == KW_CALL_DONE)
        r = require_no_token(call);
    if (r == KW_CALL_DONE)
        r = check_key(call);
    if (r == KW_CALL_DONE && !sm2)
        r = find_pool(call, spec_name);
    if (r == KW_CALL_DONE && plaintext)
        r = kw_recipient_check(call);
    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    if (r != KW_CALL_DONE)
        return r;
    return sm2 ? make_sm2(call, plaintext) : take_pair(call, plaintext);
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
    if (r == KW_CALL_DONE && plaintext)
        r = kw_recipient_write(call, &out, "Plaintext", data_key);
    if (r != KW_CALL_DONE)
        return r;
    kw_json_key(&out, "KeyId");
    kw_json_cstring(&out, call->key->arn);
    /* AWS leaves it out for recipients; of pairs it does not. */
    if (!kw_recipient_is_attested(call))
        kw_call_write_material(call, &out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

/* A data key that a token has sealed by now is not drawn again. */
static int draw_key(struct kw_call *call, uint8_t *data_key, size_t len)
{
    struct kw_bytes sealing = kw_tokenkey_is(call->key) ? kw_tokenkey_sealing(call) : KW_BYTES(NULL, 0);

    if (sealing.ptr != NULL && sealing.len == len) {
        memcpy(data_key, sealing.ptr, len);
        return KW_CALL_DONE;
    }
    if (kw_fault(KW_FAULT_ALLOC) != KW_FAULT_NONE ||
        kw_wrapper_random(kw_call_wrapper(call), data_key, len) != 0)
        return kw_call_internal(call);
    return KW_CALL_DONE;
}

static int run_key(struct kw_call *call, bool plaintext)
{
    uint8_t data_key[KW_DATA_KEY_MAX];
    KW_ERASE_GUARD(data_key);
    size_t len = 0;
    int r = find_key(call);

    if (r == KW_CALL_DONE)
        r = data_key_len(call, &len);
    if (r == KW_CALL_DONE)
        r = check_key(call);
    if (r == KW_CALL_DONE && plaintext)
        r = kw_recipient_check(call);
    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    if (r == KW_CALL_DONE)
        r = draw_key(call, data_key, len);
    return r == KW_CALL_DONE ? write_key(call, KW_BYTES(data_key, len), plaintext) : r;
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
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_pair_with,
};

const struct kw_operation kw_op_generate_data_key_pair_without_plaintext = {
    .model = &kw_model_generate_data_key_pair_without_plaintext,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_pair_without,
};

const struct kw_operation kw_op_generate_data_key = {
    .model = &kw_model_generate_data_key,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_key_with,
};

const struct kw_operation kw_op_generate_data_key_without_plaintext = {
    .model = &kw_model_generate_data_key_without_plaintext,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_key_without,
};
