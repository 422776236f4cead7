#include "api/operations.h"

const struct kw_operation *const kw_operations[] = {
    &kw_op_create_alias,
    &kw_op_create_key,
    &kw_op_decrypt,
    &kw_op_delete_alias,
    &kw_op_describe_key,
    &kw_op_disable_key,
    &kw_op_enable_key,
    &kw_op_encrypt,
    &kw_op_generate_data_key,
    &kw_op_generate_data_key_pair,
    &kw_op_generate_data_key_pair_without_plaintext,
    &kw_op_generate_data_key_without_plaintext,
    &kw_op_generate_random,
    &kw_op_list_aliases,
    &kw_op_list_keys,
};
const size_t kw_num_operations = KW_ARRAY_LEN(kw_operations);

static_assert(
    KW_ARRAY_LEN(kw_operations) < KW_METRICS_OPERATIONS_MAX, "metrics have a row for each, and one more");

int kw_operation_find(struct kw_bytes name)
{
    size_t low = 0, high = kw_num_operations;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = kw_bytes_compare(name, kw_bytes_str(kw_operations[middle]->name));

        if (order == 0)
            return (int)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

bool kw_operation_is_of_kms(struct kw_bytes name)
{
    static const char *const others[] = {
        "CancelKeyDeletion",
        "ConnectCustomKeyStore",
        "CreateCustomKeyStore",
        "CreateGrant",
        "DeleteCustomKeyStore",
        "DeleteImportedKeyMaterial",
        "DeriveSharedSecret",
        "DescribeCustomKeyStores",
        "DisableKeyRotation",
        "DisconnectCustomKeyStore",
        "EnableKeyRotation",
        "GenerateMac",
        "GetKeyLastUsage",
        "GetKeyPolicy",
        "GetKeyRotationStatus",
        "GetParametersForImport",
        "GetPublicKey",
        "ImportKeyMaterial",
        "ListGrants",
        "ListKeyPolicies",
        "ListKeyRotations",
        "ListResourceTags",
        "ListRetirableGrants",
        "PutKeyPolicy",
        "ReEncrypt",
        "ReplicateKey",
        "RetireGrant",
        "RevokeGrant",
        "RotateKeyOnDemand",
        "ScheduleKeyDeletion",
        "Sign",
        "TagResource",
        "UntagResource",
        "UpdateAlias",
        "UpdateCustomKeyStore",
        "UpdateKeyDescription",
        "UpdatePrimaryRegion",
        "Verify",
        "VerifyMac",
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(others); i++) {
        if (kw_bytes_equal(name, kw_bytes_str(others[i])))
            return true;
    }
    return false;
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
