/* GetParametersForImport. */
#include "api/callpair.h"
#include "api/importcall.h"
#include "api/operations.h"
#include "api/region.h"
#include "pool/fault.h"
#include "pool/secmem.h"

static int read_wrapping(struct kw_call *call, struct kw_importtoken *token)
{
    struct kw_bytes spec = kw_input_string(call->input, "WrappingKeySpec");

    if (kw_wrapping_parse(kw_input_string(call->input, "WrappingAlgorithm"), &token->algorithm) != 0 ||
        kw_key_spec_parse(spec, &token->wrapping_key) != 0)
        return kw_call_internal(call);
    if (token->algorithm == KW_WRAPPING_RSAES_PKCS1_V1_5)
        return kw_call_refuse(
            call, KW_ERROR_UNSUPPORTED, "The wrapping algorithm RSAES_PKCS1_V1_5 is no longer supported.");
    if (token->wrapping_key == KW_KEY_SM2 && !kw_region_is_chinese(call->region))
        return kw_call_refuse(
            call, KW_ERROR_UNSUPPORTED, "WrappingKeySpec SM2 is supported in China Regions only.");
    if (!kw_keywrap_allows(token->wrapping_key, token->algorithm, call->key->spec))
        return kw_call_refuse(call, KW_ERROR_UNSUPPORTED,
            "The wrapping algorithm %s with a wrapping key of spec %s is not supported for key material of a "
            "%s key.",
            kw_wrapping_name(token->algorithm), kw_key_spec_name(token->wrapping_key),
            kw_key_spec_name(call->key->spec));
    return KW_CALL_DONE;
}

static int write_parameters(struct kw_call *call, struct kw_importtoken *token, struct kw_bytes public_text)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    const struct kw_importtoken_seal seal = kw_importcall_seal(call);
    uint8_t text[KW_IMPORTTOKEN_MAX];
    struct kw_buf buf = KW_BUF(text, sizeof(text));

    /* Clients read this date in seconds; the token is not good for a part of one more. */
    token->expires_ms = (kw_call_clock_ms(call) + KW_IMPORTTOKEN_VALIDITY_MS) / 1000 * 1000;
    if (kw_importtoken_make(&seal, token, &buf) != 0)
        return kw_call_internal(call);
    kw_json_begin_object(&out);
    kw_json_key(&out, "ImportToken");
    kw_json_base64(&out, kw_buf_bytes(&buf));
    kw_call_write_text(&out, "KeyId", call->key->arn);
    kw_json_key(&out, "ParametersValidTo");
    kw_json_epoch(&out, token->expires_ms);
    kw_json_key(&out, "PublicKey");
    kw_json_plain(&out, public_text);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int give_sm2(struct kw_call *call, struct kw_importtoken *token)
{
    uint8_t secret[KW_PRIVATE_KEY_MAX], public[KW_PUBLIC_KEY_MAX];
    KW_ERASE_GUARD(secret);
    struct kw_buf secret_buf = KW_BUF(secret, sizeof(secret)), public_buf = KW_BUF(public, sizeof(public));
    char public_text[KW_BASE64_LEN(KW_PUBLIC_KEY_MAX)];

    if (kw_asym_generate_sm2(&public_buf, &secret_buf) != 0)
        return kw_call_internal(call);
    token->private_key = kw_buf_bytes(&secret_buf);
    kw_base64_encode(kw_buf_bytes(&public_buf), public_text);
    return write_parameters(call, token, KW_BYTES(public_text, KW_BASE64_LEN(public_buf.len)));
}

/* A pair of the pools, which nobody else ever gets. */
static int give_pair(struct kw_call *call, struct kw_importtoken *token)
{
    KW_PAIR struct kw_pair pair = {.pool = NULL};
    int r = kw_callpair_choose(call, (enum kw_spec)kw_key_spec_info(token->wrapping_key)->pool_spec);

    if (r == KW_CALL_DONE)
        r = kw_callpair_pop(call, &pair);
    if (r != KW_CALL_DONE)
        return r;
    token->private_key = pair.private_der;
    return write_parameters(call, token, pair.public_text);
}

static int run_parameters(struct kw_call *call)
{
    struct kw_importtoken token = {.expires_ms = 0};
    int r = kw_importcall_find_key(call);

    if (r == KW_CALL_DONE)
        r = read_wrapping(call, &token);
    if (r != KW_CALL_DONE)
        return r;
    return token.wrapping_key == KW_KEY_SM2 ? give_sm2(call, &token) : give_pair(call, &token);
}

const struct kw_operation kw_op_get_parameters_for_import = {
    .model = &kw_model_get_parameters_for_import,
    .states = KW_STATES_IMPORT,
    .read_only = true,
    .run = run_parameters,
    .note = "The import token holds the private half of the wrapping pair, sealed for this keystore: nothing "
            "is kept on the server between the two calls, and a token can be used again until it expires.",
};
