#include "api/operations.h"

/* What this server does not do: its input is checked, and then it is refused. Nothing is changed by it. */
#define NOT_HERE(operation)                                                                                  \
    &(const struct kw_operation)                                                                             \
    {                                                                                                        \
        .model = &kw_model_##operation, .read_only = true                                                    \
    }

const struct kw_operation *const kw_operations[] = {
    NOT_HERE(cancel_key_deletion),
    NOT_HERE(connect_custom_key_store),
    &kw_op_create_alias,
    NOT_HERE(create_custom_key_store),
    NOT_HERE(create_grant),
    &kw_op_create_key,
    &kw_op_decrypt,
    &kw_op_delete_alias,
    NOT_HERE(delete_custom_key_store),
    NOT_HERE(delete_imported_key_material),
    NOT_HERE(derive_shared_secret),
    NOT_HERE(describe_custom_key_stores),
    &kw_op_describe_key,
    &kw_op_disable_key,
    NOT_HERE(disable_key_rotation),
    NOT_HERE(disconnect_custom_key_store),
    &kw_op_enable_key,
    NOT_HERE(enable_key_rotation),
    &kw_op_encrypt,
    &kw_op_generate_data_key,
    &kw_op_generate_data_key_pair,
    &kw_op_generate_data_key_pair_without_plaintext,
    &kw_op_generate_data_key_without_plaintext,
    NOT_HERE(generate_mac),
    &kw_op_generate_random,
    NOT_HERE(get_key_last_usage),
    NOT_HERE(get_key_policy),
    NOT_HERE(get_key_rotation_status),
    NOT_HERE(get_parameters_for_import),
    NOT_HERE(get_public_key),
    NOT_HERE(import_key_material),
    &kw_op_list_aliases,
    NOT_HERE(list_grants),
    NOT_HERE(list_key_policies),
    NOT_HERE(list_key_rotations),
    &kw_op_list_keys,
    NOT_HERE(list_resource_tags),
    NOT_HERE(list_retirable_grants),
    NOT_HERE(put_key_policy),
    NOT_HERE(re_encrypt),
    NOT_HERE(replicate_key),
    NOT_HERE(retire_grant),
    NOT_HERE(revoke_grant),
    NOT_HERE(rotate_key_on_demand),
    NOT_HERE(schedule_key_deletion),
    NOT_HERE(sign),
    NOT_HERE(tag_resource),
    NOT_HERE(untag_resource),
    NOT_HERE(update_alias),
    NOT_HERE(update_custom_key_store),
    NOT_HERE(update_key_description),
    NOT_HERE(update_primary_region),
    NOT_HERE(verify),
    NOT_HERE(verify_mac),
};
const size_t kw_num_operations = KW_ARRAY_LEN(kw_operations);

static_assert(
    KW_ARRAY_LEN(kw_operations) < KW_METRICS_OPERATIONS_MAX, "metrics have a row for each, and one more");

int kw_operation_find(struct kw_bytes name)
{
    size_t low = 0, high = kw_num_operations;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = kw_bytes_compare(name, kw_bytes_str(kw_operations[middle]->model->name));

        if (order == 0)
            return (int)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

/* Version, list, position, and a check sum (FNV-1a over all before it). */
#define MARKER_VERSION 1
#define MARKER_CHECK   4u

static uint32_t marker_check(struct kw_bytes bytes)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.ptr[i]) * 16777619u;
    return hash;
}

static bool marker_holds(struct kw_bytes raw)
{
    uint8_t want[MARKER_CHECK];
    struct kw_buf buf = KW_BUF(want, sizeof(want));

    kw_buf_put_be32(&buf, marker_check(KW_BYTES(raw.ptr, raw.len - MARKER_CHECK)));
    return memcmp(want, raw.ptr + raw.len - MARKER_CHECK, MARKER_CHECK) == 0;
}

int kw_marker_decode(
    struct kw_bytes text, enum kw_marker_list list, uint8_t *out, size_t cap, size_t *ret_len)
{
    uint8_t raw[1024];
    size_t len = 0;

    KW_REQUIRE(kw_base64_decode(text, raw, sizeof(raw), &len) == 0 && len > 2 + MARKER_CHECK, 1);
    KW_REQUIRE(raw[0] == MARKER_VERSION && raw[1] == list && marker_holds(KW_BYTES(raw, len)), 1);
    len -= 2 + MARKER_CHECK;
    KW_REQUIRE(len <= cap, 1);
    memcpy(out, raw + 2, len);
    *ret_len = len;
    return 0;
}

void kw_marker_write(struct kw_json_out *out, enum kw_marker_list list, struct kw_bytes position)
{
    uint8_t raw[512];
    struct kw_buf buf = KW_BUF(raw, sizeof(raw));

    kw_buf_put_u8(&buf, MARKER_VERSION);
    kw_buf_put_u8(&buf, (uint8_t)list);
    kw_buf_put_bytes(&buf, position);
    kw_buf_put_be32(&buf, marker_check(kw_buf_bytes(&buf)));
    kw_assert(kw_buf_ok(&buf));
    kw_json_key(out, "NextMarker");
    kw_json_base64(out, kw_buf_bytes(&buf));
}
