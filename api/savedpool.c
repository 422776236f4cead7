#include "api/savedpool.h"

#include "api/keystore_seal.h"
#include "api/record.h"
#include "api/tlv.h"

#include <stdio.h>

#define VERSION 1

enum {
    FIELD_NUMBER = 1,
    FIELD_SECRET = 2,
    FIELD_PAIRS = 3,
    FIELD_SIZE = 4,
    FIELD_INODE = 5,
    FIELD_BORN = 6,
    FIELD_SAVED = 7,
};

static const struct {
    const char *word;   /* in records */
    const char *suffix; /* of files */
} kinds[KW_SAVED_KIND_NUM] = {
    [KW_SAVED_POOL] = {"pool", "saved"},
    [KW_SAVED_RESERVE] = {"reserve", "reserve"},
};

void kw_saved_file_name(struct kw_saved_name name, char out[KW_SAVED_FILE_MAX])
{
    int len =
        snprintf(out, KW_SAVED_FILE_MAX, "%s.%s", kw_spec_info(name.spec)->name, kinds[name.kind].suffix);

    kw_assert(len > 0 && (unsigned)len < KW_SAVED_FILE_MAX);
}

void kw_saved_record_name(struct kw_saved_name name, struct kw_buf *ret)
{
    kw_seal_put_field(ret, kw_bytes_str(kw_spec_info(name.spec)->name));
    kw_seal_put_field(ret, kw_bytes_str(kinds[name.kind].word));
}

int kw_saved_name_find(struct kw_bytes record_name, struct kw_saved_name *ret)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        for (unsigned kind = 0; kind < KW_SAVED_KIND_NUM; kind++) {
            struct kw_saved_name name = {(enum kw_spec)spec, (enum kw_saved_kind)kind};
            uint8_t bytes[64];
            struct kw_buf own = KW_BUF(bytes, sizeof(bytes));

            kw_saved_record_name(name, &own);
            kw_assert(kw_buf_ok(&own));
            if (kw_bytes_equal(kw_buf_bytes(&own), record_name)) {
                *ret = name;
                return 0;
            }
        }
    }
    return KW_RECORD_BAD;
}

void kw_saved_record_encode(const struct kw_saved_pool *saved, struct kw_sbuf *out)
{
    uint8_t version = VERSION;

    kw_sbuf_put(out, &version, 1);
    kw_tlv_put(out, FIELD_NUMBER, KW_BYTES(saved->number, sizeof(saved->number)));
    kw_tlv_put(out, FIELD_SECRET, KW_BYTES(saved->secret, sizeof(saved->secret)));
    kw_tlv_put_u32(out, FIELD_PAIRS, saved->pairs);
    kw_tlv_put_i64(out, FIELD_SIZE, saved->size);
    kw_tlv_put_i64(out, FIELD_INODE, saved->inode);
    kw_tlv_put_i64(out, FIELD_BORN, saved->born_ns);
    kw_tlv_put_i64(out, FIELD_SAVED, saved->saved_ms);
}

int kw_saved_record_decode(struct kw_bytes text, struct kw_saved_name name, struct kw_saved_pool *ret)
{
    struct kw_saved_pool saved = {.name = name};
    KW_ERASE_GUARD(saved);

    KW_REQUIRE(text.len > 0 && text.ptr[0] == VERSION, KW_RECORD_BAD);
    struct kw_tlv in = KW_TLV(KW_BYTES(text.ptr + 1, text.len - 1));
    kw_tlv_need_fixed(&in, FIELD_NUMBER, saved.number, sizeof(saved.number));
    kw_tlv_need_fixed(&in, FIELD_SECRET, saved.secret, sizeof(saved.secret));
    saved.pairs = kw_tlv_take_u32(&in, FIELD_PAIRS);
    saved.size = kw_tlv_take_i64(&in, FIELD_SIZE);
    saved.inode = kw_tlv_take_i64(&in, FIELD_INODE);
    saved.born_ns = kw_tlv_take_i64(&in, FIELD_BORN);
    saved.saved_ms = kw_tlv_take_i64(&in, FIELD_SAVED);
    KW_REQUIRE(kw_tlv_done(&in) && saved.pairs > 0 && saved.size > 0, KW_RECORD_BAD);
    *ret = saved;
    return 0;
}
