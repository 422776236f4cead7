/* One pass over the text. Every value takes a separator or a bracket, so the block is as large as it can ever
 * have to be before the first value is written, and nothing moves. */
#include "api/value.h"

#include "pool/secmem.h"

#include <math.h>
#include <stdlib.h>

/* Behind a document's texts: strings are copied by eight bytes at a time. */
#define SLACK 8u
/* Members whose names are all compared with each other; more are sorted first. */
#define FEW 16u
/* Digits and all of a number that is not a short integer. */
#define NUMBER_SHORT 18u

struct parser {
    const char *at, *end; /* of the text */
    struct kw_value *next;
    char *out; /* where the next string goes */
    size_t tokens;
};

/* All that takes something returns false where the text is wrong, and then nobody goes on. */
static bool count_token(struct parser *parser)
{
    return ++parser->tokens <= KW_JSON_TOKENS_MAX;
}

static void skip_space(struct parser *parser)
{
    while (parser->at < parser->end &&
           (*parser->at == ' ' || *parser->at == '\n' || *parser->at == '\r' || *parser->at == '\t'))
        parser->at++;
}

/* After white space: is that what comes? */
static bool take(struct parser *parser, char wanted)
{
    skip_space(parser);
    if (parser->at == parser->end || *parser->at != wanted)
        return false;
    parser->at++;
    return true;
}

/* ---- strings ---- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* A bit set in each byte that is not copied as it is: quotes, backslashes, control bytes and what is not
 * ASCII. Above the lowest of them others may be set by a borrow. */
static uint64_t find_special(uint64_t bytes)
{
    uint64_t quote = bytes ^ EACH('"'), backslash = bytes ^ EACH('\\');

    return (((quote - EACH(1)) & ~quote) | ((backslash - EACH(1)) & ~backslash) | (bytes - EACH(0x20)) |
               bytes) &
           EACH(0x80);
}

/* Copies what needs no look, eight bytes at a time. */
static void copy_plain(struct parser *parser)
{
    while (parser->end - parser->at >= 8) {
        uint64_t bytes, special;

        memcpy(&bytes, parser->at, 8);
        memcpy(parser->out, &bytes, 8);
        special = find_special(bytes);
        if (special != 0 && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
            return;
        unsigned plain = special != 0 ? (unsigned)__builtin_ctzll(special) / 8 : 8;
        parser->at += plain;
        parser->out += plain;
        if (special != 0)
            return;
    }
}

static bool take_hex(struct parser *parser, uint32_t *ret)
{
    uint8_t unit[2];

    if (parser->end - parser->at < 4 || kw_hex_decode(KW_BYTES(parser->at, 4), unit, 2) != 0)
        return false;
    parser->at += 4;
    *ret = (uint32_t)unit[0] << 8 | unit[1];
    return true;
}

/* A code point in one or two \u escapes, the first "\u" read. RFC 8259 7: a surrogate has its other half. */
static bool take_code_point(struct parser *parser, uint32_t *ret)
{
    uint32_t low;

    if (!take_hex(parser, ret))
        return false;
    if (*ret < 0xd800 || *ret > 0xdfff)
        return true;
    if (*ret > 0xdbff || parser->end - parser->at < 2 || parser->at[0] != '\\' || parser->at[1] != 'u')
        return false;
    parser->at += 2;
    if (!take_hex(parser, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return false;
    *ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static void put_utf8(struct parser *parser, uint32_t point)
{
    if (point < 0x80) {
        *parser->out++ = (char)point;
    } else if (point < 0x800) {
        *parser->out++ = (char)(0xc0 | point >> 6);
        *parser->out++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *parser->out++ = (char)(0xe0 | point >> 12);
        *parser->out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *parser->out++ = (char)(0x80 | (point & 0x3f));
    } else {
        *parser->out++ = (char)(0xf0 | point >> 18);
        *parser->out++ = (char)(0x80 | (point >> 12 & 0x3f));
        *parser->out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *parser->out++ = (char)(0x80 | (point & 0x3f));
    }
}

/* The backslash is read. */
static bool take_escape(struct parser *parser)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *known;
    uint32_t point;

    if (parser->at == parser->end || *parser->at == '\0')
        return false;
    char c = *parser->at++;
    if (c == 'u') {
        if (!take_code_point(parser, &point))
            return false;
        put_utf8(parser, point);
        return true;
    }
    known = strchr(from, c);
    if (known == NULL)
        return false;
    *parser->out++ = to[known - from];
    return true;
}

static bool take_utf8(struct parser *parser)
{
    size_t skip, len = kw_json_utf8(KW_BYTES(parser->at, (size_t)(parser->end - parser->at)), &skip);

    if (len == 0)
        return false;
    memcpy(parser->out, parser->at, len);
    parser->out += len;
    parser->at += len;
    return true;
}

/* The quote before it is read. */
static bool take_string(struct parser *parser, const char **ret, size_t *ret_len)
{
    char *start = parser->out;

    for (;;) {
        copy_plain(parser);
        if (parser->at == parser->end)
            return false;
        unsigned char c = (unsigned char)*parser->at;

        if (c == '"')
            break;
        if (c >= 0x80) {
            if (!take_utf8(parser))
                return false;
        } else if (c < 0x20) {
            return false;
        } else if (c == '\\') {
            parser->at++;
            if (!take_escape(parser))
                return false;
        } else {
            *parser->out++ = *parser->at++;
        }
    }
    parser->at++;
    *ret = start;
    *ret_len = (size_t)(parser->out - start);
    *parser->out++ = '\0';
    return true;
}

/* ---- numbers ---- */

static size_t count_digits(const char *at, const char *end)
{
    const char *from = at;

    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return (size_t)(at - from);
}

/* RFC 8259 6: the bytes of a number at the start, 0 if there is none. */
static size_t number_len(const char *from, const char *end, bool *ret_real)
{
    const char *at = from + (*from == '-');
    size_t digits = count_digits(at, end);

    *ret_real = false;
    if (digits == 0 || (digits > 1 && *at == '0'))
        return 0;
    at += digits;
    if (at < end && *at == '.') {
        *ret_real = true;
        digits = count_digits(at + 1, end);
        if (digits == 0)
            return 0;
        at += 1 + digits;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        *ret_real = true;
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        digits = count_digits(at, end);
        if (digits == 0)
            return 0;
        at += digits;
    }
    return (size_t)(at - from);
}

static int64_t short_integer(const char *text, size_t len)
{
    int64_t value = 0;

    for (size_t i = text[0] == '-'; i < len; i++)
        value = value * 10 + (text[i] - '0');
    return text[0] == '-' ? -value : value;
}

/* Read by the C library from a copy that ends with a NUL, where the next string would go. Programs here keep
 * the C locale, whose decimal point is JSON's. */
static bool long_number(struct parser *parser, struct kw_value *value, size_t len, bool real)
{
    memcpy(parser->out, parser->at, len);
    parser->out[len] = '\0';
    errno = 0;
    if (real) {
        value->real = strtod(parser->out, NULL);
        if (errno == ERANGE && isinf(value->real))
            return false;
    } else {
        value->integer = strtoll(parser->out, NULL, 10);
        if (errno == ERANGE)
            return false;
    }
    kw_erase(parser->out, len);
    return true;
}

static bool take_number(struct parser *parser, struct kw_value *value)
{
    bool real;
    size_t len = number_len(parser->at, parser->end, &real);

    if (len == 0)
        return false;
    value->kind = real ? KW_VALUE_REAL : KW_VALUE_INTEGER;
    if (!real && len <= NUMBER_SHORT)
        value->integer = short_integer(parser->at, len);
    else if (!long_number(parser, value, len, real))
        return false;
    parser->at += len;
    return true;
}

/* ---- collections ---- */

static bool take_value(struct parser *parser, const char *key, size_t key_len, unsigned depth);

static int by_key(const void *a, const void *b)
{
    const struct kw_value *const *x = a, *const *y = b;

    return kw_bytes_compare(kw_value_key(*x), kw_value_key(*y));
}

/* Of many members, whose names someone may have chosen to make this slow. */
static bool has_repeats_sorted(const struct kw_value *object)
{
    const struct kw_value *sorted[KW_JSON_TOKENS_MAX / 2], *item;
    size_t num = 0;

    for (KW_VALUE_EACH(object, item))
        sorted[num++] = item;
    qsort(sorted, num, sizeof(*sorted), by_key);
    for (size_t i = 1; i < num; i++)
        if (by_key(&sorted[i - 1], &sorted[i]) == 0)
            return true;
    return false;
}

static bool has_repeats(const struct kw_value *object)
{
    const struct kw_value *item, *other;

    if (object->num > FEW)
        return has_repeats_sorted(object);
    for (KW_VALUE_EACH(object, item))
        for (other = kw_value_next(object, item); other != NULL; other = kw_value_next(object, other))
            if (kw_bytes_equal(kw_value_key(item), kw_value_key(other)))
                return true;
    return false;
}

/* A name holds no NUL, since programs take it for a C string. */
static bool take_member(struct parser *parser, unsigned depth)
{
    const char *key;
    size_t key_len;

    if (!take(parser, '"') || !take_string(parser, &key, &key_len) || memchr(key, '\0', key_len) != NULL ||
        !take(parser, ':') || !count_token(parser))
        return false;
    return take_value(parser, key, key_len, depth);
}

/* The bracket before it is read. */
static bool take_items(struct parser *parser, struct kw_value *value, unsigned depth)
{
    bool object = value->kind == KW_VALUE_OBJECT;
    char end = object ? '}' : ']';

    if (depth == KW_JSON_DEPTH_MAX || !count_token(parser))
        return false;
    if (!take(parser, end)) {
        do {
            if (value->num > 0 && !count_token(parser))
                return false;
            if (!(object ? take_member(parser, depth + 1) : take_value(parser, NULL, 0, depth + 1)))
                return false;
            value->num++;
        } while (take(parser, ','));
        if (!take(parser, end))
            return false;
    }
    value->span = (uint32_t)(parser->next - value);
    return !object || !has_repeats(value);
}

static bool take_word(struct parser *parser, struct kw_bytes word)
{
    if ((size_t)(parser->end - parser->at) < word.len || memcmp(parser->at, word.ptr, word.len) != 0)
        return false;
    parser->at += word.len;
    return true;
}

static bool take_value(struct parser *parser, const char *key, size_t key_len, unsigned depth)
{
    struct kw_value *value = parser->next++;

    skip_space(parser);
    if (parser->at == parser->end)
        return false;
    *value = (struct kw_value){.key = key, .key_len = (uint32_t)key_len, .span = 1};
    switch (*parser->at) {
    case '"':
        parser->at++;
        value->kind = KW_VALUE_STRING;
        return take_string(parser, &value->string.ptr, &value->string.len);
    case '{':
    case '[':
        value->kind = *parser->at++ == '{' ? KW_VALUE_OBJECT : KW_VALUE_ARRAY;
        return take_items(parser, value, depth);
    case 't':
        value->kind = KW_VALUE_TRUE;
        return take_word(parser, KW_LIT("true"));
    case 'f':
        value->kind = KW_VALUE_FALSE;
        return take_word(parser, KW_LIT("false"));
    case 'n':
        value->kind = KW_VALUE_NULL;
        return take_word(parser, KW_LIT("null"));
    default:
        return take_number(parser, value);
    }
}

/* ---- documents ---- */

/* A value takes a byte of the text, and another one for what separates it from the one before; but the first
 * of a collection has nothing before it, and collections that are begun are no more than can be nested. */
static size_t values_max(struct kw_bytes text)
{
    return KW_MIN(text.len / 2 + KW_JSON_DEPTH_MAX, (size_t)KW_JSON_TOKENS_MAX) + 1;
}

/* A string takes one byte for its NUL and two for its quotes, and nothing gets longer when it is read. A
 * number's copy is as long as the number and a NUL. */
static size_t texts_max(struct kw_bytes text)
{
    return (text.len + 1 + SLACK + _Alignof(struct kw_value) - 1) & ~(_Alignof(struct kw_value) - 1);
}

/* The texts, and behind them the values. */
static int make_room(struct kw_document *document, struct kw_bytes text)
{
    size_t len = texts_max(text) + values_max(text) * sizeof(struct kw_value);

    kw_document_reset(document, SIZE_MAX);
    if (len <= document->cap)
        return 0;
    kw_document_done(document);
    document->block = kw_secmem_alloc(len);
    KW_REQUIRE(document->block != NULL, -ENOMEM);
    document->cap = len;
    return 0;
}

int kw_document_parse(struct kw_document *document, struct kw_bytes text, const struct kw_value **ret_root)
{
    /* No body is an empty object. */
    struct kw_bytes from = text.len > 0 ? text : KW_LIT("{}");
    struct parser parser = {.at = (const char *)from.ptr, .tokens = 1};
    const struct kw_value *root;
    bool good;

    KW_TRY(make_room(document, from));
    parser.end = parser.at + from.len;
    parser.out = document->block;
    parser.next = (struct kw_value *)(void *)((uint8_t *)document->block + texts_max(from));
    root = parser.next;
    good = take_value(&parser, NULL, 0, 0);
    if (good)
        skip_space(&parser);
    document->used = (size_t)((uint8_t *)parser.next - (uint8_t *)document->block);
    if (!good || parser.at != parser.end || root->kind != KW_VALUE_OBJECT) {
        kw_document_reset(document, SIZE_MAX);
        return KW_JSON_BAD;
    }
    *ret_root = root;
    return 0;
}
