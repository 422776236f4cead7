#include "api/keystore_seal.h"
#include "api/record.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

/* The first byte of an input says which kind of record the rest is. What is read as an entity is written
 * again as the same bytes, since each entity has one form only; and its name fits where names are kept. */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return kw_crypto_init() == 0 ? 0 : 1;
}

static void check(int r, const struct kw_sbuf *again, const struct kw_buf *name, struct kw_bytes text)
{
    kw_assert(r == 0 || r == KW_RECORD_BAD);
    kw_assert(r != 0 || kw_bytes_equal(kw_sbuf_bytes(again), text));
    kw_assert(kw_buf_ok(name));
}

static int recode_key(struct kw_bytes text, struct kw_sbuf *again, struct kw_buf *name)
{
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    int r = kw_record_key_decode(text, &key);

    if (r == 0) {
        kw_record_key_encode(key, again);
        kw_record_key_name(key, name);
        (void)kw_kms_key_current(key);
        (void)kw_kms_key_due_ms(key);
    }
    return r;
}

static int recode_alias(struct kw_bytes text, struct kw_sbuf *again, struct kw_buf *name)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    int r = kw_record_alias_decode(text, &alias);

    if (r == 0) {
        kw_record_alias_encode(alias, again);
        kw_record_alias_name(alias, name);
    }
    return r;
}

static int recode_grant(struct kw_bytes text, struct kw_sbuf *again, struct kw_buf *name)
{
    KW_GRANT struct kw_grant *grant = NULL;
    int r = kw_record_grant_decode(text, &grant);

    if (r == 0) {
        kw_record_grant_encode(grant, again);
        kw_record_grant_name(grant, name);
    }
    return r;
}

static int recode_principal(struct kw_bytes text, struct kw_sbuf *again, struct kw_buf *name)
{
    KW_PRINCIPAL struct kw_principal *principal = NULL;
    int r = kw_record_principal_decode(text, &principal);

    if (r == 0) {
        kw_record_principal_encode(principal, again);
        kw_record_principal_name(principal, name);
    }
    return r;
}

static int recode_access_key(struct kw_bytes text, struct kw_sbuf *again, struct kw_buf *name)
{
    KW_ACCESS_KEY struct kw_access_key *key = NULL;
    int r = kw_record_access_key_decode(text, &key);

    if (r == 0) {
        kw_record_access_key_encode(key, again);
        kw_record_access_key_name(key, name);
    }
    return r;
}

static int recode_custom_store(struct kw_bytes text, struct kw_sbuf *again, struct kw_buf *name)
{
    KW_CUSTOM_STORE struct kw_custom_store *store = NULL;
    int r = kw_record_custom_store_decode(text, &store);

    if (r == 0) {
        kw_record_custom_store_encode(store, again);
        kw_record_custom_store_name(store, name);
    }
    return r;
}

static int recode_lastuse(struct kw_bytes text, struct kw_sbuf *again, struct kw_buf *name)
{
    struct kw_lastuse_entry entry;
    int r = kw_record_lastuse_decode(text, &entry);

    (void)name;
    if (r == 0)
        kw_record_lastuse_encode(&entry, again);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static int (*const recode[])(struct kw_bytes, struct kw_sbuf *, struct kw_buf *) = {recode_key,
        recode_alias, recode_grant, recode_principal, recode_lastuse, recode_custom_store, recode_access_key};
    uint8_t name_bytes[KW_SEAL_IDENTITY_MAX];
    struct kw_buf name = KW_BUF(name_bytes, sizeof(name_bytes));
    KW_SBUF struct kw_sbuf again = KW_SBUF_INIT(KW_RECORD_MAX);

    if (len == 0)
        return 0;
    struct kw_bytes text = KW_BYTES(data + 1, len - 1);
    check(recode[data[0] % KW_ARRAY_LEN(recode)](text, &again, &name), &again, &name, text);
    return 0;
}
