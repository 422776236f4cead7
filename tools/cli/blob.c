#include "tools/cli/blob.h"

/* No member of a request has such a name. */
#define MARK     "\001base64"
#define BLOB_MAX (16u * 1024u * 1024u)

json_t *kw_blob_new(struct kw_bytes bytes)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(2 * (size_t)BLOB_MAX);
    json_t *base64;

    kw_sbuf_put_base64(&text, bytes);
    if (!kw_sbuf_ok(&text))
        return NULL;
    base64 = json_stringn(text.len > 0 ? (const char *)text.ptr : "", text.len);
    return base64 != NULL ? json_pack("{s:o}", MARK, base64) : NULL;
}

bool kw_blob_is(const json_t *value)
{
    return json_object_get(value, MARK) != NULL;
}

const char *kw_blob_base64(const json_t *value)
{
    return json_string_value(json_object_get(value, MARK));
}

/* ---- base64 as Python reads it ---- */

static int digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int kw_blob_decode_loosely(struct kw_bytes text, struct kw_sbuf *out)
{
    unsigned in_quad = 0, pads = 0, left = 0;

    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.ptr[i]);
        uint8_t byte;

        /* What follows a whole padding is not looked at. */
        if (text.ptr[i] == '=' && in_quad >= 2 && in_quad + ++pads >= 4)
            return kw_sbuf_ok(out) ? 0 : -ENOMEM;
        if (digit < 0)
            continue;
        pads = 0;
        byte = (uint8_t)(left << 2 * in_quad | (unsigned)digit >> (6 - 2 * in_quad));
        left = in_quad == 3 ? 0 : (unsigned)digit;
        if (in_quad > 0)
            kw_sbuf_put(out, &byte, 1);
        in_quad = (in_quad + 1) % 4;
    }
    KW_REQUIRE(in_quad == 0, KW_BLOB_BAD);
    return kw_sbuf_ok(out) ? 0 : -ENOMEM;
}

/* ---- a request's blobs ---- */

static json_t *settled(const json_t *value, enum kw_blob_format format, struct kw_trouble *trouble)
{
    KW_SBUF struct kw_sbuf bytes = KW_SBUF_INIT(BLOB_MAX), text = KW_SBUF_INIT(2 * (size_t)BLOB_MAX);
    struct kw_bytes given = KW_BYTES(json_string_value(value), json_string_length(value));
    json_t *ret;
    int r = 0;

    if (kw_blob_is(value))
        return json_string(kw_blob_base64(value));
    if (format == KW_BLOB_BASE64)
        r = kw_blob_decode_loosely(given, &bytes);
    kw_sbuf_put_base64(&text, format == KW_BLOB_BASE64 ? kw_sbuf_bytes(&bytes) : given);
    if (r == KW_BLOB_BAD) {
        (void)kw_trouble(trouble, KW_CLI_GENERAL,
            "Invalid base64: a binary value must be given in base64, or as a file with fileb://, or raw with "
            "--cli-binary-format raw-in-base64-out");
        return NULL;
    }
    ret = r == 0 && kw_sbuf_ok(&text) ? json_stringn(text.len > 0 ? (const char *)text.ptr : "", text.len)
                                      : NULL;
    if (ret == NULL)
        (void)kw_trouble(trouble, KW_CLI_GENERAL, "no memory for a binary value");
    return ret;
}

static int settle_members(
    const struct kw_shape *shape, json_t *value, enum kw_blob_format format, struct kw_trouble *trouble);

/* Returns the value in place of the one given, or NULL after trouble. */
static json_t *settle_one(
    const struct kw_shape *shape, json_t *value, enum kw_blob_format format, struct kw_trouble *trouble)
{
    if (shape->kind == KW_KIND_BLOB && !json_is_null(value))
        return settled(value, format, trouble);
    return settle_members(shape, value, format, trouble) == 0 ? json_incref(value) : NULL;
}

static int settle_items(
    const struct kw_shape *shape, json_t *value, enum kw_blob_format format, struct kw_trouble *trouble)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *item = settle_one(shape->element, json_array_get(value, i), format, trouble);

        if (item == NULL || json_array_set_new(value, i, item) < 0)
            return 1;
    }
    return 0;
}

static int settle_members(
    const struct kw_shape *shape, json_t *value, enum kw_blob_format format, struct kw_trouble *trouble)
{
    void *next;
    const char *name;
    json_t *member;

    if (shape->kind == KW_KIND_LIST)
        return settle_items(shape, value, format, trouble);
    if (shape->kind != KW_KIND_STRUCTURE && shape->kind != KW_KIND_MAP)
        return 0;
    json_object_foreach_safe(value, next, name, member)
    {
        const struct kw_member *of = shape->kind == KW_KIND_MAP ? NULL : kw_shape_member(shape, name);
        const struct kw_shape *inner = shape->kind == KW_KIND_MAP ? shape->element
                                       : of != NULL               ? of->shape
                                                                  : NULL;
        json_t *now = inner != NULL ? settle_one(inner, member, format, trouble) : json_incref(member);

        if (now == NULL || json_object_set_new(value, name, now) < 0)
            return 1;
    }
    return 0;
}

int kw_blobs_settle(
    const struct kw_shape *shape, json_t *value, enum kw_blob_format format, struct kw_trouble *trouble)
{
    return settle_members(shape, value, format, trouble);
}
