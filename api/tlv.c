#include "api/tlv.h"

#define HEAD_LEN 5u /* tag and length */

static void put_be32(uint8_t out[4], uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint64_t get_be(const uint8_t *bytes, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void put_head(struct kw_sbuf *out, uint8_t tag, size_t len)
{
    uint8_t head[HEAD_LEN] = {tag};

    kw_assert(len <= UINT32_MAX);
    put_be32(head + 1, (uint32_t)len);
    kw_sbuf_put(out, head, sizeof(head));
}

void kw_tlv_put(struct kw_sbuf *out, uint8_t tag, struct kw_bytes value)
{
    put_head(out, tag, value.len);
    kw_sbuf_put_bytes(out, value);
}

void kw_tlv_put_text(struct kw_sbuf *out, uint8_t tag, const char *text)
{
    if (text != NULL)
        kw_tlv_put(out, tag, KW_BYTES(text, strlen(text) + 1));
}

void kw_tlv_put_u32(struct kw_sbuf *out, uint8_t tag, uint32_t value)
{
    uint8_t bytes[4];

    put_be32(bytes, value);
    if (value != 0)
        kw_tlv_put(out, tag, KW_BYTES(bytes, sizeof(bytes)));
}

void kw_tlv_put_i64(struct kw_sbuf *out, uint8_t tag, int64_t value)
{
    uint8_t bytes[8];

    put_be32(bytes, (uint32_t)((uint64_t)value >> 32));
    put_be32(bytes + 4, (uint32_t)(uint64_t)value);
    if (value != 0)
        kw_tlv_put(out, tag, KW_BYTES(bytes, sizeof(bytes)));
}

void kw_tlv_put_flag(struct kw_sbuf *out, uint8_t tag, bool set)
{
    if (set)
        put_head(out, tag, 0);
}

size_t kw_tlv_open(struct kw_sbuf *out, uint8_t tag)
{
    put_head(out, tag, 0);
    return out->len;
}

void kw_tlv_close(struct kw_sbuf *out, size_t opened)
{
    if (!kw_sbuf_ok(out))
        return;
    kw_assert(opened >= HEAD_LEN && opened <= out->len && out->len - opened <= UINT32_MAX);
    put_be32(out->ptr + opened - 4, (uint32_t)(out->len - opened));
}

/* The field at the front, if there is one with that tag that ends where it should. */
static bool peek(const struct kw_tlv *in, uint8_t tag, struct kw_bytes *ret)
{
    if (in->bad || in->rest.len < HEAD_LEN || in->rest.ptr[0] != tag)
        return false;
    uint64_t len = get_be(in->rest.ptr + 1, 4);
    KW_REQUIRE(len <= in->rest.len - HEAD_LEN, false);
    *ret = KW_BYTES(in->rest.ptr + HEAD_LEN, (size_t)len);
    return true;
}

static void skip(struct kw_tlv *in, struct kw_bytes value)
{
    in->rest.ptr += HEAD_LEN + value.len;
    in->rest.len -= HEAD_LEN + value.len;
}

/* A field that does not end where it should is not taken: it is left over, and so found at the end. */
bool kw_tlv_take(struct kw_tlv *in, uint8_t tag, struct kw_bytes *ret)
{
    if (!peek(in, tag, ret))
        return false;
    skip(in, *ret);
    return true;
}

struct kw_bytes kw_tlv_need(struct kw_tlv *in, uint8_t tag)
{
    struct kw_bytes value = {0};

    in->bad |= !kw_tlv_take(in, tag, &value);
    return value;
}

void kw_tlv_need_fixed(struct kw_tlv *in, uint8_t tag, void *out, size_t len)
{
    struct kw_bytes value = kw_tlv_need(in, tag);

    in->bad |= value.len != len;
    if (!in->bad)
        memcpy(out, value.ptr, len);
}

/* The text in a value: its only NUL is its last byte. */
static const char *text_of(struct kw_tlv *in, struct kw_bytes value)
{
    bool well = !in->bad && value.len > 0 && kw_bytes_find(value, 0) == (ssize_t)value.len - 1;

    in->bad |= !well;
    return well ? (const char *)value.ptr : NULL;
}

const char *kw_tlv_need_text(struct kw_tlv *in, uint8_t tag)
{
    return text_of(in, kw_tlv_need(in, tag));
}

const char *kw_tlv_take_text(struct kw_tlv *in, uint8_t tag)
{
    struct kw_bytes value;

    return kw_tlv_take(in, tag, &value) ? text_of(in, value) : NULL;
}

/* A number of len bytes that is not 0, or 0 if it is left out. */
static uint64_t take_number(struct kw_tlv *in, uint8_t tag, size_t len)
{
    struct kw_bytes value;

    if (!kw_tlv_take(in, tag, &value))
        return 0;
    uint64_t number = value.len == len ? get_be(value.ptr, len) : 0;
    in->bad |= number == 0;
    return number;
}

uint32_t kw_tlv_take_u32(struct kw_tlv *in, uint8_t tag)
{
    return (uint32_t)take_number(in, tag, 4);
}

int64_t kw_tlv_take_i64(struct kw_tlv *in, uint8_t tag)
{
    return (int64_t)take_number(in, tag, 8);
}

bool kw_tlv_take_flag(struct kw_tlv *in, uint8_t tag)
{
    struct kw_bytes value;

    if (!kw_tlv_take(in, tag, &value))
        return false;
    in->bad |= value.len != 0;
    return true;
}

uint32_t kw_tlv_count(const struct kw_tlv *in, uint8_t tag)
{
    struct kw_tlv ahead = *in;
    struct kw_bytes value;
    uint32_t num = 0;

    while (num < UINT32_MAX && kw_tlv_take(&ahead, tag, &value))
        num++;
    return num;
}
