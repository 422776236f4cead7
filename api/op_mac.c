/* GenerateMac and VerifyMac. */
#include "api/operations.h"
#include "api/usekey.h"

struct order {
    enum kw_algorithm algorithm;
    const struct kw_material *material;
    size_t message_len;
    uint8_t message[KW_PLAINTEXT_MAX]; /* secret */
};

static int read_order(struct kw_call *call, struct order *ret)
{
    int r = kw_usekey_find(call, KW_USAGE_GENERATE_VERIFY_MAC, "MacAlgorithm", &ret->algorithm);

    if (r == KW_CALL_DONE)
        r = kw_usekey_material(call, &ret->material);
    if (r == KW_CALL_DONE)
        ret->message_len = kw_input_blob(call->input, "Message", ret->message, sizeof(ret->message));
    return r;
}

static int run_generate(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    struct order order;
    KW_ERASE_GUARD(order);
    uint8_t mac[KW_MAC_LEN_MAX];
    size_t len = 0;
    int r = read_order(call, &order);

    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    if (r != KW_CALL_DONE)
        return r;
    if (kw_mac_generate(kw_call_mac(call), order.algorithm, order.material->secret,
            KW_BYTES(order.message, order.message_len), mac, &len) != 0)
        return kw_call_internal(call);
    kw_call_note_use(call);
    kw_json_begin_object(&out);
    kw_json_key(&out, "Mac");
    kw_json_base64(&out, KW_BYTES(mac, len));
    kw_call_write_text(&out, "MacAlgorithm", kw_algorithm_name(order.algorithm));
    kw_call_write_text(&out, "KeyId", call->key->arn);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int verify(struct kw_call *call, const struct order *order)
{
    uint8_t mac[KW_CIPHERTEXT_MAX];
    size_t len = kw_input_blob(call->input, "Mac", mac, sizeof(mac));
    int r = kw_mac_verify(kw_call_mac(call), order->algorithm, order->material->secret,
        KW_BYTES(order->message, order->message_len), KW_BYTES(mac, len));

    if (r == KW_MAC_MISMATCH)
        return kw_call_refuse_bare(call, KW_ERROR_INVALID_MAC);
    if (r != 0)
        return kw_call_internal(call);
    /* A dry run answers only after the MAC has proved good: "would have succeeded" includes that. */
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
    kw_json_key(&out, "MacValid");
    kw_json_bool(&out, true);
    kw_call_write_text(&out, "MacAlgorithm", kw_algorithm_name(order.algorithm));
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_generate_mac = {
    .model = &kw_model_generate_mac,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_generate,
};

const struct kw_operation kw_op_verify_mac = {
    .model = &kw_model_verify_mac,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_verify,
};
