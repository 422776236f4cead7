#include "api/cbor.h"

enum { MAJOR_ARRAY = 4, MAJOR_MAP = 5, OPEN = 0x1f, END_MARK = 0xff };

/* The argument of a head: in its low five bits, or in 1, 2, 4 or 8 bytes behind it. 28 to 30 are reserved, 31
 * is an indefinite length, which is no argument. */
static int argument(struct kw_bytes *rest, uint64_t *ret)
{
    const unsigned info = rest->ptr[0] & 0x1f;
    const size_t len = info < 24 ? 0 : info < 28 ? (size_t)1 << (info - 24) : SIZE_MAX;
    uint64_t value = info;

    KW_REQUIRE(len <= 8 && rest->len - 1 >= len, KW_CBOR_MALFORMED);
    if (len > 0)
        value = 0;
    for (size_t i = 1; i <= len; i++)
        value = value << 8 | rest->ptr[i];
    *rest = KW_BYTES(rest->ptr + 1 + len, rest->len - 1 - len);
    *ret = value;
    return 0;
}

/* The length of the UTF-8 character at text, 0 if there is none (RFC 3629: shortest form, no surrogates). */
static size_t utf8_len(struct kw_bytes text)
{
    const uint8_t c = text.ptr[0];
    const size_t len = c < 0x80                ? 1
                       : c >= 0xc2 && c < 0xe0 ? 2
                       : c >= 0xe0 && c < 0xf0 ? 3
                       : c >= 0xf0 && c < 0xf5 ? 4
                                               : 0;

    if (len == 0 || len > text.len || c < 0x20 || c == 0x7f)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((text.ptr[i] & 0xc0) != 0x80)
            return 0;
    if (len == 3 && ((c == 0xe0 && text.ptr[1] < 0xa0) || (c == 0xed && text.ptr[1] > 0x9f)))
        return 0;
    if (len == 4 && ((c == 0xf0 && text.ptr[1] < 0x90) || (c == 0xf4 && text.ptr[1] > 0x8f)))
        return 0;
    return len;
}

static bool is_text(struct kw_bytes text)
{
    while (text.len > 0) {
        size_t len = utf8_len(text);
        if (len == 0)
            return false;
        text = KW_BYTES(text.ptr + len, text.len - len);
    }
    return true;
}

static int take_string(struct kw_bytes *rest, uint64_t len, struct kw_bytes *ret)
{
    KW_REQUIRE(len <= rest->len, KW_CBOR_MALFORMED);
    *ret = KW_BYTES(rest->ptr, (size_t)len);
    *rest = KW_BYTES(rest->ptr + len, rest->len - (size_t)len);
    return 0;
}

static int simple(uint64_t value, bool is_short, struct kw_cbor_item *item)
{
    KW_REQUIRE(is_short && value >= 20 && value <= 22, KW_CBOR_MALFORMED);
    item->type = value == 22 ? KW_CBOR_NULL : KW_CBOR_BOOL;
    item->number = value == 21;
    return 0;
}

static int fill(
    unsigned major, bool is_short, uint64_t value, struct kw_bytes *rest, struct kw_cbor_item *item)
{
    static const enum kw_cbor_type types[] = {
        KW_CBOR_UINT, KW_CBOR_NEGATIVE, KW_CBOR_BYTES, KW_CBOR_TEXT, KW_CBOR_ARRAY, KW_CBOR_MAP, KW_CBOR_TAG};

    if (major == 7)
        return simple(value, is_short, item);
    item->type = types[major];
    KW_REQUIRE(value <= INT64_MAX, KW_CBOR_MALFORMED);
    item->number = major == 1 ? -1 - (int64_t)value : (int64_t)value;
    if (major == 2 || major == 3) {
        int r = take_string(rest, value, &item->string);
        KW_REQUIRE(r == 0 && (major == 2 || is_text(item->string)), KW_CBOR_MALFORMED);
    }
    if (major == MAJOR_ARRAY || major == MAJOR_MAP) {
        KW_REQUIRE(value <= rest->len / (major == MAJOR_MAP ? 2 : 1), KW_CBOR_MALFORMED);
        item->num = (size_t)value;
    }
    return 0;
}

/* The head of an open array or map has no argument. */
static bool take_open(struct kw_bytes *rest, unsigned major, struct kw_cbor_item *item)
{
    if ((rest->ptr[0] & 0x1f) != OPEN || (major != MAJOR_ARRAY && major != MAJOR_MAP))
        return false;
    item->type = major == MAJOR_ARRAY ? KW_CBOR_ARRAY : KW_CBOR_MAP;
    item->is_open = true;
    *rest = KW_BYTES(rest->ptr + 1, rest->len - 1);
    return true;
}

int kw_cbor_next(struct kw_cbor *cbor, struct kw_cbor_item *ret)
{
    struct kw_bytes rest = cbor->rest;
    struct kw_cbor_item item = {.string = KW_BYTES(NULL, 0)};
    uint64_t value;

    KW_REQUIRE(rest.len > 0, KW_CBOR_MALFORMED);
    const unsigned major = rest.ptr[0] >> 5;
    const bool is_short = (rest.ptr[0] & 0x1f) < 24;
    if (!take_open(&rest, major, &item)) {
        int r = argument(&rest, &value);
        if (r == 0)
            r = fill(major, is_short, value, &rest, &item);
        KW_REQUIRE(r == 0, r);
    }
    cbor->rest = rest;
    *ret = item;
    return 0;
}

bool kw_cbor_more(struct kw_cbor *cbor, struct kw_cbor_item *container)
{
    if (!container->is_open)
        return container->num > 0 ? (container->num--, true) : false;
    if (cbor->rest.len == 0 || cbor->rest.ptr[0] != END_MARK)
        return true;
    cbor->rest = KW_BYTES(cbor->rest.ptr + 1, cbor->rest.len - 1);
    return false;
}

int kw_cbor_expect(struct kw_cbor *cbor, enum kw_cbor_type type, struct kw_cbor_item *ret)
{
    struct kw_cbor ahead = *cbor;
    struct kw_cbor_item item;

    KW_REQUIRE(kw_cbor_next(&ahead, &item) == 0 && item.type == type, KW_CBOR_MALFORMED);
    *cbor = ahead;
    *ret = item;
    return 0;
}

/* One open container on the way down: what is left of it, and whether the second item of a pair is due. */
struct level {
    struct kw_cbor_item container;
    bool in_pair;
};

/* Whether the level has another item to skip. */
static bool level_more(struct kw_cbor *cbor, struct level *level)
{
    if (level->in_pair) {
        level->in_pair = false;
        return true;
    }
    bool more = kw_cbor_more(cbor, &level->container);
    level->in_pair = more && level->container.type == KW_CBOR_MAP;
    return more;
}

int kw_cbor_skip(struct kw_cbor *cbor)
{
    struct kw_cbor ahead = *cbor;
    /* The outermost level stands for what is to be skipped: one item. */
    struct level levels[KW_CBOR_DEPTH_MAX + 1] = {{{.type = KW_CBOR_ARRAY, .num = 1}, false}};
    size_t depth = 1;

    while (depth > 0) {
        struct kw_cbor_item item;

        if (!level_more(&ahead, &levels[depth - 1])) {
            depth--;
            continue;
        }
        KW_REQUIRE(kw_cbor_next(&ahead, &item) == 0, KW_CBOR_MALFORMED);
        if (item.type == KW_CBOR_TAG)
            item.num = 1;
        if (item.num > 0 || item.is_open) {
            KW_REQUIRE(depth <= KW_CBOR_DEPTH_MAX, KW_CBOR_MALFORMED);
            levels[depth++] = (struct level){item, false};
        }
    }
    *cbor = ahead;
    return 0;
}
