/* The operations of key pairs other than encryption: Sign, Verify, GetPublicKey and DeriveSharedSecret. */
#include "api/keymeta.h"
#include "api/operations.h"
#include "api/recipient.h"
#include "api/usekey.h"

/* ---- Sign and Verify ---- */

/* What both are asked for. */
struct order {
    enum kw_algorithm algorithm;
    enum kw_message_type type;
    size_t message_len;
    uint8_t message[KW_PLAINTEXT_MAX]; /* secret */
};

static int check_type(struct kw_call *call, const struct order *order)
{
    const struct kw_algorithm_info *info = kw_algorithm_info(order->algorithm);

    if ((order->type == KW_MESSAGE_RAW && info->takes_raw) ||
        (order->type == KW_MESSAGE_DIGEST && info->takes_digest))
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_VALIDATION, "Message type %s is incompatible with algorithm %s.",
        kw_message_type_name(order->type), info->name);
}

static int check_digest(struct kw_call *call, const struct order *order)
{
    const struct kw_algorithm_info *info = kw_algorithm_info(order->algorithm);

    if (order->type != KW_MESSAGE_DIGEST || order->message_len == info->digest_len)
        return KW_CALL_DONE;
    return kw_call_refuse(
        call, KW_ERROR_VALIDATION, "Digest is invalid length for algorithm %s.", info->name);
}

static int read_order(struct kw_call *call, struct order *ret)
{
    struct kw_bytes type = kw_input_string(call->input, "MessageType");
    int r = kw_usekey_find(call, KW_USAGE_SIGN_VERIFY, "SigningAlgorithm", &ret->algorithm);

    if (r != KW_CALL_DONE)
        return r;
    ret->type = KW_MESSAGE_RAW;
    if (type.ptr != NULL && kw_message_type_parse(type, &ret->type) != 0)
        return kw_call_internal(call);
    ret->message_len = kw_input_blob(call->input, "Message", ret->message, sizeof(ret->message));
    r = check_type(call, ret);
    if (r == KW_CALL_DONE)
        r = check_digest(call, ret);
    return r;
}

/* Salts and nonces are drawn by OpenSSL itself. */
static int sign(struct kw_call *call, const struct order *order, struct kw_buf *ret)
{
    struct kw_chore_order chore = {.kind = KW_CHORE_NONE};
    int outcome = 0, r = kw_usekey_order(call, KW_CHORE_SIGN, order->algorithm, &chore);

    if (r != KW_CALL_DONE)
        return r;
    chore.type = order->type;
    chore.input = KW_BYTES(order->message, order->message_len);
    r = kw_call_chore(call, &chore, ret, &outcome);
    return r == KW_CALL_DONE && outcome != 0 ? kw_call_internal(call) : r;
}

static int run_sign(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    uint8_t signature[KW_SIGNATURE_MAX];
    struct kw_buf buf = KW_BUF(signature, sizeof(signature));
    struct order order;
    KW_ERASE_GUARD(order);
    int r = read_order(call, &order);

    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    if (r == KW_CALL_DONE)
        r = sign(call, &order, &buf);
    if (r != KW_CALL_DONE)
        return r;
    kw_call_note_use(call);
    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", call->key->arn);
    kw_json_key(&out, "Signature");
    kw_json_base64(&out, kw_buf_bytes(&buf));
    kw_call_write_text(&out, "SigningAlgorithm", kw_algorithm_name(order.algorithm));
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int verify(struct kw_call *call, const struct order *order)
{
    struct kw_chore_order chore = {.kind = KW_CHORE_NONE};
    uint8_t signature[KW_CIPHERTEXT_MAX];
    struct kw_buf nothing = KW_BUF(NULL, 0);
    int outcome = 0, r = kw_usekey_order(call, KW_CHORE_VERIFY, order->algorithm, &chore);

    if (r != KW_CALL_DONE)
        return r;
    chore.type = order->type;
    chore.input = KW_BYTES(order->message, order->message_len);
    chore.signature =
        KW_BYTES(signature, kw_input_blob(call->input, "Signature", signature, sizeof(signature)));
    r = kw_call_chore(call, &chore, &nothing, &outcome);
    if (r != KW_CALL_DONE)
        return r;
    if (outcome == KW_ASYM_BAD_SIGNATURE)
        return kw_call_refuse_bare(call, KW_ERROR_SIGNATURE_NOT_OF_KEY);
    if (outcome != 0)
        return kw_call_internal(call);
    /* A dry run answers only after the signature has proved good: "would have succeeded" includes that. */
    r = kw_call_dry_run(call);
    if (r == KW_CALL_DONE)
        kw_call_note_use(call);
    return r;
}

static int run_verify(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    struct order order;
    KW_ERASE_GUARD(order);
    int r = read_order(call, &order);

    if (r == KW_CALL_DONE)
        r = verify(call, &order);
    if (r != KW_CALL_DONE)
        return r;
    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", call->key->arn);
    kw_json_key(&out, "SignatureValid");
    kw_json_bool(&out, true);
    kw_call_write_text(&out, "SigningAlgorithm", kw_algorithm_name(order.algorithm));
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

#define SIGNING_NOTE "ML-DSA keys cannot be made (UnsupportedOperationException): OpenSSL 3.0 has no ML-DSA."

const struct kw_operation kw_op_sign = {
    .model = &kw_model_sign,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_sign,
    .note = SIGNING_NOTE,
};

const struct kw_operation kw_op_verify = {
    .model = &kw_model_verify,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_verify,
    .note = SIGNING_NOTE,
};

/* ---- GetPublicKey ---- */

static bool has_pair(const struct kw_kms_key *key)
{
    enum kw_key_kind kind = kw_key_spec_info(key->spec)->kind;

    return kind != KW_KEY_KIND_SYMMETRIC && kind != KW_KEY_KIND_HMAC;
}

static int write_public(struct kw_call *call, struct kw_bytes public_der)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    const struct kw_kms_key *key = call->key;

    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", key->arn);
    kw_json_key(&out, "PublicKey");
    kw_json_base64(&out, public_der);
    kw_call_write_text(&out, "CustomerMasterKeySpec", kw_key_spec_name(key->spec));
    kw_call_write_text(&out, "KeySpec", kw_key_spec_name(key->spec));
    kw_call_write_text(&out, "KeyUsage", kw_key_usage_name(key->usage));
    kw_keymeta_write_algorithms(&out, key->spec, key->usage);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int run_public(struct kw_call *call)
{
    const struct kw_material *material = NULL;
    const struct kw_asym *key = NULL;
    int r = kw_call_find_usable_key(call, true);

    if (r == KW_CALL_DONE && !has_pair(call->key))
        r = kw_call_refuse_bare(call, KW_ERROR_UNSUPPORTED);
    if (r == KW_CALL_DONE)
        r = kw_call_check_grant_tokens(call);
    if (r == KW_CALL_DONE)
        r = kw_usekey_material(call, &material);
    if (r == KW_CALL_DONE && material->public_der.len > 0)
        return write_public(call, material->public_der);
    if (r == KW_CALL_DONE) /* imported: only the private half came */
        r = kw_usekey_asym(call, &key);
    return r == KW_CALL_DONE ? write_public(call, kw_asym_public(key)) : r;
}

const struct kw_operation kw_op_get_public_key = {
    .model = &kw_model_get_public_key,
    .states = KW_STATES_PUBLIC,
    .read_only = true,
    .run = run_public,
};

/* ---- DeriveSharedSecret ---- */

/* Of a peer, by the service model. */
#define PUBLIC_KEY_MAX 8192

static int write_secret(struct kw_call *call, enum kw_algorithm algorithm, struct kw_bytes secret)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    int r;

    kw_call_note_use(call);
    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", call->key->arn);
    r = kw_recipient_write(call, &out, "SharedSecret", secret);
    if (r != KW_CALL_DONE)
        return r;
    kw_call_write_text(&out, "KeyAgreementAlgorithm", kw_algorithm_name(algorithm));
    kw_call_write_text(&out, "KeyOrigin", kw_key_origin_name(call->key->origin));
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int derive(struct kw_call *call, enum kw_algorithm algorithm, struct kw_buf *ret_secret)
{
    struct kw_chore_order chore = {.kind = KW_CHORE_NONE};
    uint8_t peer[PUBLIC_KEY_MAX];
    int outcome = 0, r = kw_usekey_order(call, KW_CHORE_DERIVE, algorithm, &chore);

    if (r != KW_CALL_DONE)
        return r;
    chore.input = KW_BYTES(peer, kw_input_blob(call->input, "PublicKey", peer, sizeof(peer)));
    r = kw_call_chore(call, &chore, ret_secret, &outcome);
    if (r != KW_CALL_DONE)
        return r;
    if (outcome == KW_ASYM_BAD_PEER)
        return kw_call_refuse_bare(call, KW_ERROR_VALIDATION);
    return outcome == 0 ? KW_CALL_DONE : kw_call_internal(call);
}

static int run_derive(struct kw_call *call)
{
    uint8_t secret[KW_SHARED_SECRET_MAX];
    KW_ERASE_GUARD(secret);
    struct kw_buf buf = KW_BUF(secret, sizeof(secret));
    enum kw_algorithm algorithm = KW_ALG_ECDH;
    int r = kw_usekey_find(call, KW_USAGE_KEY_AGREEMENT, "KeyAgreementAlgorithm", &algorithm);

    if (r == KW_CALL_DONE)
        r = kw_recipient_check(call);
    if (r == KW_CALL_DONE)
        r = derive(call, algorithm, &buf);
    /* A dry run has proved the peer's key good. */
    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    return r == KW_CALL_DONE ? write_secret(call, algorithm, kw_buf_bytes(&buf)) : r;
}

const struct kw_operation kw_op_derive_shared_secret = {
    .model = &kw_model_derive_shared_secret,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_derive,
};
