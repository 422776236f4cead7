#include "api/keystore_seal.h"
#include "api/record.h"
#include "engine/crypto.h"
#include "pool/secmem.h"
#include "tests/support/entities.h"

#include <stdlib.h>

/* One kind of record, so that the same hostile things are done to all: decodes, and if that works encodes
 * again into `again`. */
struct kind {
    const char *name;
    void (*encode)(struct kw_sbuf *out, bool full);
    int (*recode)(struct kw_bytes text, struct kw_sbuf *again);
};

static void encode_key(struct kw_sbuf *out, bool full)
{
    KW_KMS_KEY struct kw_kms_key *key = full ? new_full_key() : new_key(ACCOUNT_TEXT, REGION_TEXT, 1);
    kw_record_key_encode(key, out);
}

static int recode_key(struct kw_bytes text, struct kw_sbuf *again)
{
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    int r = kw_record_key_decode(text, &key);
    if (r == 0)
        kw_record_key_encode(key, again);
    return r;
}

static void encode_alias(struct kw_sbuf *out, bool full)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    struct kw_alias like = alias_of("alias/a", 1);
    if (full)
        alias = new_full_alias();
    else
        ck_assert_int_eq(kw_alias_new(&alias, &like), 0);
    kw_record_alias_encode(alias, out);
}

static int recode_alias(struct kw_bytes text, struct kw_sbuf *again)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    int r = kw_record_alias_decode(text, &alias);
    if (r == 0)
        kw_record_alias_encode(alias, again);
    return r;
}

static void encode_grant(struct kw_sbuf *out, bool full)
{
    KW_GRANT struct kw_grant *grant = NULL;
    static const struct kw_grant_pair pair = {"department", "finance"};
    struct kw_grant like = grant_of(1, 1, "arn:aws:iam::000000000000:user/retiring");
    like.has_equals = like.has_subset = true;
    like.num_equals = like.num_subset = 1;
    like.equals = like.subset = &pair;
    if (full)
        grant = new_full_grant();
    else
        ck_assert_int_eq(kw_grant_new(&grant, &like), 0);
    kw_record_grant_encode(grant, out);
}

static int recode_grant(struct kw_bytes text, struct kw_sbuf *again)
{
    KW_GRANT struct kw_grant *grant = NULL;
    int r = kw_record_grant_decode(text, &grant);
    if (r == 0)
        kw_record_grant_encode(grant, again);
    return r;
}

static void encode_principal(struct kw_sbuf *out, bool full)
{
    KW_PRINCIPAL struct kw_principal *principal = NULL;
    struct kw_principal like = role_of("alice");
    if (full)
        principal = new_full_principal();
    else
        ck_assert_int_eq(kw_principal_new(&principal, &like), 0);
    kw_record_principal_encode(principal, out);
}

static int recode_principal(struct kw_bytes text, struct kw_sbuf *again)
{
    KW_PRINCIPAL struct kw_principal *principal = NULL;
    int r = kw_record_principal_decode(text, &principal);
    if (r == 0)
        kw_record_principal_encode(principal, again);
    return r;
}

static void encode_access_key(struct kw_sbuf *out, bool full)
{
    KW_ACCESS_KEY struct kw_access_key *key = NULL;
    struct kw_access_key like = access_key_of("AKIAONE", "alice");
    if (full)
        key = new_full_access_key();
    else
        ck_assert_int_eq(kw_access_key_new(&key, &like), 0);
    kw_record_access_key_encode(key, out);
}

static int recode_access_key(struct kw_bytes text, struct kw_sbuf *again)
{
    KW_ACCESS_KEY struct kw_access_key *key = NULL;
    int r = kw_record_access_key_decode(text, &key);
    if (r == 0)
        kw_record_access_key_encode(key, again);
    return r;
}

static void encode_access_use(struct kw_sbuf *out, bool full)
{
    struct kw_access_use_entry entry = {
        .at_ms = full ? INT64_MAX : 1, .service = "kms", .region = "us-east-1"};
    if (full)
        memset(entry.region, 'r', sizeof(entry.region) - 1);
    kw_record_access_use_encode(&entry, out);
}

static int recode_access_use(struct kw_bytes text, struct kw_sbuf *again)
{
    struct kw_access_use_entry entry;
    int r = kw_record_access_use_decode(text, &entry);
    if (r == 0)
        kw_record_access_use_encode(&entry, again);
    return r;
}

static void encode_custom_store(struct kw_sbuf *out, bool full)
{
    KW_CUSTOM_STORE struct kw_custom_store *store = NULL;
    struct kw_custom_store like = custom_store_of(STORE_ID);
    if (full)
        store = new_full_custom_store();
    else
        ck_assert_int_eq(kw_custom_store_new(&store, &like), 0);
    kw_record_custom_store_encode(store, out);
}

static int recode_custom_store(struct kw_bytes text, struct kw_sbuf *again)
{
    KW_CUSTOM_STORE struct kw_custom_store *store = NULL;
    int r = kw_record_custom_store_decode(text, &store);
    if (r == 0)
        kw_record_custom_store_encode(store, again);
    return r;
}

static struct kw_lastuse_entry lastuse_of(bool full)
{
    struct kw_lastuse_entry entry = {.at_ms = full ? INT64_MAX : 1, .operation = 3};
    if (full)
        entry.operation = KW_LASTUSE_OPERATIONS_NUM - 1;
    memset(entry.request_id, 'r', full ? sizeof(entry.request_id) - 1 : 1);
    memset(entry.event_id, 'e', full ? sizeof(entry.event_id) - 1 : 0);
    return entry;
}

static void encode_lastuse(struct kw_sbuf *out, bool full)
{
    struct kw_lastuse_entry entry = lastuse_of(full);
    kw_record_lastuse_encode(&entry, out);
}

static int recode_lastuse(struct kw_bytes text, struct kw_sbuf *again)
{
    struct kw_lastuse_entry entry;
    int r = kw_record_lastuse_decode(text, &entry);
    if (r == 0)
        kw_record_lastuse_encode(&entry, again);
    return r;
}

static const struct kind kinds[] = {
    {"key", encode_key, recode_key},
    {"alias", encode_alias, recode_alias},
    {"grant", encode_grant, recode_grant},
    {"last use", encode_lastuse, recode_lastuse},
    {"key store", encode_custom_store, recode_custom_store},
    {"principal", encode_principal, recode_principal},
    {"access key", encode_access_key, recode_access_key},
    {"last use of an access key", encode_access_use, recode_access_use},
};

/* ---- what comes back ---- */

#define RECORD KW_SBUF_INIT(KW_RECORD_MAX)

START_TEST(keys_come_back_whole)
{
    for (int full = 0; full < 2; full++) {
        KW_KMS_KEY struct kw_kms_key *key = full ? new_full_key() : new_key(ACCOUNT_TEXT, REGION_TEXT, 7);
        KW_KMS_KEY struct kw_kms_key *back = NULL;
        KW_SBUF struct kw_sbuf text = RECORD;
        kw_record_key_encode(key, &text);
        ck_assert(kw_sbuf_ok(&text));
        ck_assert_int_eq(kw_record_key_decode(kw_sbuf_bytes(&text), &back), 0);
        assert_same_key(key, back);
        ck_assert_ptr_ne(key->lastuse, back->lastuse);
    }
}
END_TEST

/* Every spec, usage, origin, state and kind of rotation has a name that is found again. */
START_TEST(every_enumerator_comes_back)
{
    KW_KMS_KEY struct kw_kms_key *key = new_key(ACCOUNT_TEXT, REGION_TEXT, 7);
    for (unsigned i = 0; i < KW_KEY_SPEC_NUM; i++) {
        KW_KMS_KEY struct kw_kms_key *back = NULL;
        KW_SBUF struct kw_sbuf text = RECORD;
        struct kw_kms_key like = *key;
        struct kw_generation generation = key->generations[0];
        generation.rotation = (enum kw_rotation_type)(i % 3);
        like.generations = &generation;
        like.spec = (enum kw_key_spec)i;
        like.usage = (enum kw_key_usage)(i % KW_USAGE_NUM);
        like.origin = (enum kw_key_origin)(i % KW_ORIGIN_NUM);
        like.custom_store = like.origin == KW_ORIGIN_CLOUDHSM ? STORE_ID : NULL;
        like.state = (enum kw_key_state)(i % KW_KEY_STATE_NUM);
        kw_record_key_encode(&like, &text); /* one that was not made whole yet will do */
        ck_assert_int_eq(kw_record_key_decode(kw_sbuf_bytes(&text), &back), 0);
        ck_assert_int_eq(back->spec, like.spec);
        ck_assert_int_eq(back->usage, like.usage);
        ck_assert_int_eq(back->origin, like.origin);
        assert_same_text(back->custom_store, like.custom_store);
        ck_assert_int_eq(back->state, like.state);
        ck_assert_int_eq(back->generations[0].rotation, generation.rotation);
    }
}
END_TEST

START_TEST(a_key_may_have_no_material_or_very_many)
{
    KW_KMS_KEY struct kw_kms_key *key = new_key(ACCOUNT_TEXT, REGION_TEXT, 7);
    struct kw_generation *generations = calloc(KW_GENERATIONS_MAX, sizeof(*generations));
    ck_assert_ptr_nonnull(generations);
    for (uint32_t i = 0; i < KW_GENERATIONS_MAX; i++) {
        generations[i] = key->generations[0];
        generations[i].created_ms = i;
        generations[i].rotated_ms = i;
    }
    const uint32_t nums[] = {0, KW_GENERATIONS_MAX};
    for (int i = 0; i < 2; i++) {
        KW_KMS_KEY struct kw_kms_key *many = NULL;
        KW_KMS_KEY struct kw_kms_key *back = NULL;
        KW_SBUF struct kw_sbuf text = RECORD;
        struct kw_kms_key like = *key;
        like.generations = generations;
        like.num_generations = nums[i];
        like.current = nums[i] == 0 ? 0 : nums[i] - 1;
        ck_assert_int_eq(kw_kms_key_new(&many, &like), 0);
        kw_record_key_encode(many, &text);
        ck_assert(kw_sbuf_ok(&text));
        ck_assert_int_eq(kw_record_key_decode(kw_sbuf_bytes(&text), &back), 0);
        /* By their bytes, which are quicker compared than field by field. */
        KW_SBUF struct kw_sbuf again = RECORD;
        kw_record_key_encode(back, &again);
        ck_assert(kw_bytes_equal(kw_sbuf_bytes(&text), kw_sbuf_bytes(&again)));
        ck_assert_uint_eq(back->num_generations, nums[i]);
        ck_assert_uint_eq(back->current, many->current);
        ck_assert((kw_kms_key_current(back) == NULL) == (nums[i] == 0));
    }
    free(generations);
}
END_TEST

START_TEST(the_others_come_back_whole)
{
    KW_SBUF struct kw_sbuf text = RECORD;
    KW_ALIAS struct kw_alias *alias = new_full_alias();
    KW_ALIAS struct kw_alias *alias_back = NULL;
    kw_record_alias_encode(alias, &text);
    ck_assert_int_eq(kw_record_alias_decode(kw_sbuf_bytes(&text), &alias_back), 0);
    assert_same_alias(alias, alias_back);
    kw_sbuf_reset(&text, 0);

    KW_GRANT struct kw_grant *grant = new_full_grant();
    KW_GRANT struct kw_grant *grant_back = NULL;
    kw_record_grant_encode(grant, &text);
    ck_assert_int_eq(kw_record_grant_decode(kw_sbuf_bytes(&text), &grant_back), 0);
    assert_same_grant(grant, grant_back);
    kw_sbuf_reset(&text, 0);

    KW_GRANT struct kw_grant *bare = NULL;
    KW_GRANT struct kw_grant *bare_back = NULL;
    struct kw_grant like = grant_of(1, 1, NULL);
    like.operations = 0;
    ck_assert_int_eq(kw_grant_new(&bare, &like), 0);
    kw_record_grant_encode(bare, &text);
    ck_assert_int_eq(kw_record_grant_decode(kw_sbuf_bytes(&text), &bare_back), 0);
    assert_same_grant(bare, bare_back);
    kw_sbuf_reset(&text, 0);

    KW_PRINCIPAL struct kw_principal *principal = new_full_principal();
    KW_PRINCIPAL struct kw_principal *principal_back = NULL;
    kw_record_principal_encode(principal, &text);
    ck_assert_int_eq(kw_record_principal_decode(kw_sbuf_bytes(&text), &principal_back), 0);
    assert_same_principal(principal, principal_back);
    ck_assert_str_eq(principal->arn, principal_back->arn);
    kw_sbuf_reset(&text, 0);

    KW_ACCESS_KEY struct kw_access_key *access_key = new_full_access_key();
    KW_ACCESS_KEY struct kw_access_key *access_key_back = NULL;
    kw_record_access_key_encode(access_key, &text);
    ck_assert_int_eq(kw_record_access_key_decode(kw_sbuf_bytes(&text), &access_key_back), 0);
    assert_same_access_key(access_key, access_key_back);
    kw_sbuf_reset(&text, 0);

    KW_CUSTOM_STORE struct kw_custom_store *store = new_full_custom_store();
    KW_CUSTOM_STORE struct kw_custom_store *store_back = NULL;
    kw_record_custom_store_encode(store, &text);
    ck_assert_int_eq(kw_record_custom_store_decode(kw_sbuf_bytes(&text), &store_back), 0);
    assert_same_custom_store(store, store_back);
}
END_TEST

START_TEST(last_uses_come_back)
{
    struct kw_lastuse_entry never = {.at_ms = 0}, back;
    for (int i = 0; i < 3; i++) {
        KW_SBUF struct kw_sbuf text = RECORD;
        struct kw_lastuse_entry entry = i == 2 ? never : lastuse_of(i == 1);
        kw_record_lastuse_encode(&entry, &text);
        ck_assert_int_eq(kw_record_lastuse_decode(kw_sbuf_bytes(&text), &back), 0);
        ck_assert_int_eq(back.at_ms, entry.at_ms);
        ck_assert_uint_eq(back.operation, entry.operation);
        ck_assert_str_eq(back.request_id, entry.request_id);
        ck_assert_str_eq(back.event_id, entry.event_id);
    }
}
END_TEST

/* ---- names ---- */

START_TEST(names_tell_entities_apart_and_fit)
{
    uint8_t a[KW_SEAL_IDENTITY_MAX], b[KW_SEAL_IDENTITY_MAX];
    KW_KMS_KEY struct kw_kms_key *key = new_full_key();
    KW_ALIAS struct kw_alias *alias = new_full_alias();
    KW_GRANT struct kw_grant *grant = new_full_grant();
    KW_PRINCIPAL struct kw_principal *principal = new_full_principal();
    struct kw_buf name = KW_BUF(a, sizeof(a));
    kw_record_key_name(key, &name);
    ck_assert(kw_buf_ok(&name));
    ck_assert_uint_eq(name.len, 3 * 4 + 12 + KW_REGION_MAX + 16);
    name = KW_BUF(a, sizeof(a));
    kw_record_alias_name(alias, &name);
    ck_assert(kw_buf_ok(&name));
    name = KW_BUF(a, sizeof(a));
    kw_record_grant_name(grant, &name);
    ck_assert(kw_buf_ok(&name));
    name = KW_BUF(a, sizeof(a));
    kw_record_principal_name(principal, &name);
    ck_assert(kw_buf_ok(&name));
    ck_assert_uint_eq(name.len, 3 * 4 + 12 + 4 + KW_PRINCIPAL_NAME_MAX);
    KW_ACCESS_KEY struct kw_access_key *access_key = new_full_access_key();
    name = KW_BUF(a, sizeof(a));
    kw_record_access_key_name(access_key, &name);
    ck_assert(kw_buf_ok(&name));
    ck_assert_uint_eq(name.len, 4 + KW_ACCESS_KEY_ID_MAX);

    /* The same bytes cut differently are another name. */
    struct kw_alias one = {.account = ACCOUNT_TEXT, .region = "us-east-1a", .name = "lias"};
    struct kw_alias two = {.account = ACCOUNT_TEXT, .region = "us-east-1", .name = "alias"};
    struct kw_buf first = KW_BUF(a, sizeof(a)), second = KW_BUF(b, sizeof(b));
    kw_record_alias_name(&one, &first);
    kw_record_alias_name(&two, &second);
    ck_assert(!kw_bytes_equal(kw_buf_bytes(&first), kw_buf_bytes(&second)));

    for (int i = 1; i < KW_RECORD_KIND_NUM; i++)
        for (int j = 1; j < i; j++)
            ck_assert_str_ne(
                kw_record_kind_name((enum kw_record_kind)i), kw_record_kind_name((enum kw_record_kind)j));
}
END_TEST

/* ---- hostile text ---- */

/* What is read is refused, or is an entity whose one form it is. In a block of its own, so that a sanitizer
 * sees a read beyond it. */
static int judge(const struct kind *kind, const uint8_t *bytes, size_t len)
{
    KW_SBUF struct kw_sbuf again = RECORD;
    uint8_t *copy = malloc(len > 0 ? len : 1);
    kw_assert(copy != NULL); /* plainly: this is called by the thousand */
    memcpy(copy, bytes, len);
    int r = kind->recode(KW_BYTES(copy, len), &again);
    if (r != 0 && r != KW_RECORD_BAD)
        ck_abort_msg("%d of %s", r, kind->name);
    if (r == 0)
        kw_assert(kw_bytes_equal(kw_sbuf_bytes(&again), KW_BYTES(copy, len)));
    free(copy);
    return r;
}

START_TEST(what_is_cut_or_longer_is_refused)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(kinds); i++) {
        KW_SBUF struct kw_sbuf text = RECORD;
        kinds[i].encode(&text, false);
        ck_assert_int_eq(judge(&kinds[i], text.ptr, text.len), 0);
        size_t num_short = 0;
        for (size_t len = 0; len < text.len; len++)
            num_short += judge(&kinds[i], text.ptr, len) == 0;
        /* Between two fields only, and where all that follow may be missing: of a grant, all after the
         * grantee (a retiring principal, two operations, two constraints, a date). */
        ck_assert_uint_le(num_short, 6);
        size_t len = text.len;
        kw_sbuf_put(&text, "", 1);
        ck_assert_int_eq(judge(&kinds[i], text.ptr, len + 1), KW_RECORD_BAD);
    }
}
END_TEST

START_TEST(every_changed_byte_is_refused_or_another_entity)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(kinds); i++) {
        KW_SBUF struct kw_sbuf text = RECORD;
        size_t num_other = 0, num_bad = 0;
        kinds[i].encode(&text, false);
        for (size_t at = 0; at < text.len; at++) {
            static const uint8_t changes[] = {0x01, 0x80, 0xff, 0x20, 0x07};
            uint8_t before = text.ptr[at];
            for (size_t j = 0; j < sizeof(changes); j++) {
                text.ptr[at] = before ^ changes[j];
                if (judge(&kinds[i], text.ptr, text.len) == 0)
                    num_other++;
                else
                    num_bad++;
            }
            text.ptr[at] = 0;
            (void)judge(&kinds[i], text.ptr, text.len);
            text.ptr[at] = before;
        }
        ck_assert_uint_gt(num_other, 0);
        ck_assert_uint_gt(num_bad, num_other / 4);
    }
}
END_TEST

/* The fields of a record: the offset of each, and the number of bytes with head. */
static size_t split(struct kw_bytes text, size_t *offsets, size_t cap)
{
    size_t num = 0;
    for (size_t at = 1; at < text.len && num < cap; num++) {
        const uint8_t *head = text.ptr + at;
        offsets[num] = at;
        at += 5 + ((size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4]);
    }
    return num;
}

/* Each field left out, doubled, emptied, swapped with the next one, and with a tag that nobody knows. */
START_TEST(fields_out_of_place_are_refused)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(kinds); i++) {
        KW_SBUF struct kw_sbuf text = RECORD;
        uint8_t changed[4096];
        size_t offsets[64];
        kinds[i].encode(&text, false);
        size_t num = split(kw_sbuf_bytes(&text), offsets, 64);
        ck_assert_uint_ge(num, 3);
        offsets[num] = text.len;
        ck_assert_uint_lt(2 * text.len, sizeof(changed));
        for (size_t f = 0; f < num; f++) {
            size_t at = offsets[f], end = offsets[f + 1], len = end - at;
            struct kw_buf buf = KW_BUF(changed, sizeof(changed));
            kw_buf_put(&buf, text.ptr, at); /* left out: some may be */
            kw_buf_put(&buf, text.ptr + end, text.len - end);
            (void)judge(&kinds[i], buf.ptr, buf.len);

            buf = KW_BUF(changed, sizeof(changed));
            kw_buf_put(&buf, text.ptr, end);
            kw_buf_put(&buf, text.ptr + at, text.len - at);
            int r = judge(&kinds[i], buf.ptr, buf.len);
            /* Lists are one longer: of generations, operations. */
            ck_assert(r == KW_RECORD_BAD || (i == 0 && text.ptr[at] == 20));

            buf = KW_BUF(changed, sizeof(changed));
            kw_buf_put(&buf, text.ptr, at + 1);
            kw_buf_put_be32(&buf, 0);
            kw_buf_put(&buf, text.ptr + end, text.len - end);
            r = judge(&kinds[i], buf.ptr, buf.len);
            ck_assert(len == 5 || r == KW_RECORD_BAD ||
                      (i == 2 && (text.ptr[at] == 9 || text.ptr[at] == 10))); /* an empty constraint */

            if (f + 1 < num && text.ptr[at] != text.ptr[end]) {
                buf = KW_BUF(changed, sizeof(changed));
                kw_buf_put(&buf, text.ptr, at);
                kw_buf_put(&buf, text.ptr + end, offsets[f + 2 <= num ? f + 2 : num] - end);
                kw_buf_put(&buf, text.ptr + at, len);
                if (f + 2 <= num)
                    kw_buf_put(&buf, text.ptr + offsets[f + 2], text.len - offsets[f + 2]);
                ck_assert_int_eq(judge(&kinds[i], buf.ptr, buf.len), KW_RECORD_BAD);
            }

            memcpy(changed, text.ptr, text.len);
            changed[at] = 0xee;
            ck_assert_int_eq(judge(&kinds[i], changed, text.len), KW_RECORD_BAD);
            for (int byte = 1; byte <= 4; byte++) { /* lengths that go beyond, by little and by much */
                memcpy(changed, text.ptr, text.len);
                changed[at + (size_t)byte] = 0xff;
                ck_assert_int_eq(judge(&kinds[i], changed, text.len), KW_RECORD_BAD);
            }
        }
    }
}
END_TEST

START_TEST(lists_have_limits)
{
    static const uint8_t region[] = {19, 0, 0, 0, 2, 'a', 0};
    static const uint8_t tag[] = {22, 0, 0, 0, 14, 1, 0, 0, 0, 2, 'k', 0, 2, 0, 0, 0, 2, 'v', 0};
    KW_KMS_KEY struct kw_kms_key *key = new_full_key();
    KW_SBUF struct kw_sbuf text = RECORD;
    KW_KMS_KEY struct kw_kms_key *back = NULL;
    uint8_t *changed;
    kw_record_key_encode(key, &text);
    changed = malloc(text.len + 64);
    ck_assert_ptr_nonnull(changed);
    size_t len = text.len, num_seen = 0;

    /* One more tag than there may be, then one more region. */
    memcpy(changed, text.ptr, len);
    memcpy(changed + len, tag, sizeof(tag));
    ck_assert_int_eq(kw_record_key_decode(KW_BYTES(changed, len + sizeof(tag)), &back), KW_RECORD_BAD);
    for (size_t at = 1; at < len;) {
        size_t field = 5 + ((size_t)text.ptr[at + 1] << 24 | (size_t)text.ptr[at + 2] << 16 |
                               (size_t)text.ptr[at + 3] << 8 | text.ptr[at + 4]);
        if (text.ptr[at] == 19 && num_seen++ == 0) {
            memcpy(changed, text.ptr, at);
            memcpy(changed + at, region, sizeof(region));
            memcpy(changed + at + sizeof(region), text.ptr + at, len - at);
        }
        at += field;
    }
    ck_assert_uint_eq(num_seen, KW_REGIONS_MAX);
    ck_assert_int_eq(kw_record_key_decode(KW_BYTES(changed, len + sizeof(region)), &back), KW_RECORD_BAD);
    ck_assert_ptr_null(back);
    free(changed);
}
END_TEST

/* ---- secrets ---- */

#define STACK_SEEN 16384u /* below a frame: what it called before */

/* What the test itself left there. */
static __attribute__((noinline)) void wipe_stack(void)
{
    uint8_t below[2 * STACK_SEEN];
    kw_erase(below, sizeof(below));
}

static __attribute__((noinline, no_sanitize("address"))) bool stack_has(const char *secret, size_t len)
{
    const volatile uint8_t *below = (const uint8_t *)__builtin_frame_address(0) - STACK_SEEN;
    for (size_t i = 0; i + len <= STACK_SEEN; i++) {
        size_t j = 0;
        while (j < len && below[i + j] == (uint8_t)(secret[j] ^ 0x55))
            j++;
        if (j == len)
            return true;
    }
    return false;
}

/* A key whose policy is none is no key: it is not taken for one that has the default policy. */
START_TEST(a_policy_that_is_none_is_refused)
{
    KW_KMS_KEY struct kw_kms_key *key = new_full_key(), *back = NULL;
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(1 << 20);
    uint8_t *effect;

    kw_record_key_encode(key, &text);
    ck_assert_int_eq(kw_record_key_decode(kw_sbuf_bytes(&text), &back), 0);
    effect = memmem(text.ptr, text.len, "\"Allow\"", 7);
    ck_assert_ptr_nonnull(effect);
    kw_kms_key_unref(back);
    back = NULL;
    effect[1] = 'B';
    ck_assert_int_eq(kw_record_key_decode(kw_sbuf_bytes(&text), &back), KW_RECORD_BAD);
}
END_TEST

START_TEST(secrets_are_wiped)
{
    static char masked[41]; /* so that the search does not find itself */
    KW_SBUF struct kw_sbuf text = RECORD;
    encode_access_key(&text, false);
    for (size_t i = 0; i < 40; i++)
        masked[i] = (char)(SECRET[i] ^ 0x55);
    for (size_t cut = 0; cut <= 3; cut += 3) { /* success, and failure at the end */
        struct kw_access_key *access_key = NULL;
        wipe_stack();
        int r = kw_record_access_key_decode(KW_BYTES(text.ptr, text.len - cut), &access_key);
        bool found = stack_has(masked, 40); /* before anything else is called */
        ck_assert_int_eq(r, cut == 0 ? 0 : KW_RECORD_BAD);
        ck_assert(!found);
        kw_access_key_unref(access_key);
    }

    /* Material and record lie in secret memory, which is never given back: what was freed is wiped. */
    struct kw_kms_key *key = NULL;
    uint8_t secret[32];
    secret_of(1, secret);
    kw_sbuf_reset(&text, 0);
    encode_key(&text, false);
    const uint8_t *in_record = memmem(text.ptr, text.len, secret, sizeof(secret));
    ck_assert_ptr_nonnull(in_record);
    ck_assert_int_eq(kw_record_key_decode(kw_sbuf_bytes(&text), &key), 0);
    const uint8_t *in_material = key->generations[0].material->secret.ptr;
    ck_assert_mem_eq(in_material, secret, sizeof(secret));
    kw_kms_key_unref(key);
    kw_sbuf_done(&text);
    ck_assert_mem_ne(in_material, secret, sizeof(secret));
    ck_assert_mem_ne(in_record, secret, sizeof(secret));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, keys_come_back_whole);
    tcase_add_test(tcase, every_enumerator_comes_back);
    tcase_add_test(tcase, a_key_may_have_no_material_or_very_many);
    tcase_add_test(tcase, the_others_come_back_whole);
    tcase_add_test(tcase, last_uses_come_back);
    tcase_add_test(tcase, names_tell_entities_apart_and_fit);
    tcase_add_test(tcase, what_is_cut_or_longer_is_refused);
    tcase_add_test(tcase, every_changed_byte_is_refused_or_another_entity);
    tcase_add_test(tcase, fields_out_of_place_are_refused);
    tcase_add_test(tcase, lists_have_limits);
    tcase_add_test(tcase, a_policy_that_is_none_is_refused);
    tcase_add_test(tcase, secrets_are_wiped);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("record", add, 60);
}
