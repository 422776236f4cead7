#include "api/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static uint32_t depth_bit(const struct kw_json_out *out)
{
    return UINT32_C(1) << out->depth;
}

/* What stands before a value or a key: a comma if it is not the first of its object or array. */
static void begin_item(struct kw_json_out *out)
{
    if (out->has_items & depth_bit(out))
        kw_sbuf_put(out->sbuf, ",", 1);
    out->has_items |= depth_bit(out);
}

static void begin_value(struct kw_json_out *out)
{
    bool in_object = out->in_object & depth_bit(out);

    kw_assert(in_object == out->after_key);
    /* At the top there is one value and no more. */
    kw_assert(out->depth > 0 || out->has_items == 0);
    if (!in_object)
        begin_item(out);
    out->after_key = false;
}

static void begin_nest(struct kw_json_out *out, bool object)
{
    begin_value(out);
    kw_assert(out->depth < KW_JSON_OUT_DEPTH_MAX);
    out->depth++;
    out->has_items &= ~depth_bit(out);
    out->in_object &= ~depth_bit(out);
    out->in_object |= object ? depth_bit(out) : 0;
    kw_sbuf_put(out->sbuf, object ? "{" : "[", 1);
}

static void end_nest(struct kw_json_out *out, bool object)
{
    kw_assert(out->depth > 0 && !out->after_key);
    kw_assert((bool)(out->in_object & depth_bit(out)) == object);
    out->depth--;
    kw_sbuf_put(out->sbuf, object ? "}" : "]", 1);
}

void kw_json_begin_object(struct kw_json_out *out)
{
    begin_nest(out, true);
}

void kw_json_end_object(struct kw_json_out *out)
{
    end_nest(out, true);
}

void kw_json_begin_array(struct kw_json_out *out)
{
    begin_nest(out, false);
}

void kw_json_end_array(struct kw_json_out *out)
{
    end_nest(out, false);
}

/* Length of the well-formed UTF-8 sequence of more than one byte at the start of text (Unicode 15.0, table
 * 3-7), or 0; then *ret_skip is how many bytes one U+FFFD stands for. */
size_t kw_json_utf8(struct kw_bytes text, size_t *ret_skip)
{
    uint8_t c = text.ptr[0];
    size_t len = c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    /* The second byte's range keeps out overlong forms, surrogates and what is above U+10FFFF. */
    uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    uint8_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;

    *ret_skip = 1;
    for (size_t i = 1; i < len; i++) {
        if (i == text.len || text.ptr[i] < low || text.ptr[i] > high)
            return 0;
        *ret_skip = i + 1;
        low = 0x80;
        high = 0xbf;
    }
    return len;
}

static void put_escape(struct kw_sbuf *sbuf, uint8_t c)
{
    static const char *const short_forms[128] = {
        ['"'] = "\\\"",
        ['\\'] = "\\\\",
        ['\b'] = "\\b",
        ['\f'] = "\\f",
        ['\n'] = "\\n",
        ['\r'] = "\\r",
        ['\t'] = "\\t",
    };
    char long_form[] = "\\u00xx";

    kw_assert(c < 128);
    if (short_forms[c] != NULL) {
        kw_sbuf_put_str(sbuf, short_forms[c]);
        return;
    }
    kw_hex_encode(&c, 1, long_form + 4);
    kw_sbuf_put(sbuf, long_form, 6);
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Does text go out as it is, eight bytes at a look? A bit is set for each byte that is a quote, a backslash,
 * a control byte or no ASCII (and, by a borrow, perhaps for some above it). */
static bool is_all_plain(struct kw_bytes text)
{
    size_t i = 0;

    for (; text.len - i >= 8; i += 8) {
        uint64_t bytes, quote, backslash;

        memcpy(&bytes, text.ptr + i, 8);
        quote = bytes ^ EACH('"');
        backslash = bytes ^ EACH('\\');
        if ((((quote - EACH(1)) & ~quote) | ((backslash - EACH(1)) & ~backslash) | (bytes - EACH(0x20)) |
                bytes) &
            EACH(0x80))
            return false;
    }
    for (; i < text.len; i++)
        if (!is_plain(text.ptr[i]))
            return false;
    return true;
}

/* Runs of bytes that need no change go out in one piece. */
static void put_escaped(struct kw_sbuf *sbuf, struct kw_bytes text)
{
    size_t start = 0, i = 0;

    while (i < text.len) {
        uint8_t c = text.ptr[i];
        size_t skip = 1;
        size_t keep = is_plain(c) ? 1
                      : c < 0x80  ? 0
                                  : kw_json_utf8(KW_BYTES(text.ptr + i, text.len - i), &skip);

        if (keep > 0) {
            i += keep;
            continue;
        }
        kw_sbuf_put(sbuf, text.ptr + start, i - start);
        if (c < 0x80)
            put_escape(sbuf, c);
        else
            kw_sbuf_put_str(sbuf, "\xef\xbf\xbd");
        i += skip;
        start = i;
    }
    if (start < text.len)
        kw_sbuf_put(sbuf, text.ptr + start, text.len - start);
}

/* Text between quotes, with a comma before it or a colon behind it: in one piece, as nearly all text is. */
static void put_string(struct kw_sbuf *sbuf, struct kw_bytes text, bool comma, bool colon)
{
    uint8_t *to;

    if (!is_all_plain(text)) {
        kw_sbuf_put_str(sbuf, comma ? ",\"" : "\"");
        put_escaped(sbuf, text);
        kw_sbuf_put_str(sbuf, colon ? "\":" : "\"");
        return;
    }
    to = kw_sbuf_claim(sbuf, text.len + 2u + comma + colon);
    if (to == NULL)
        return;
    if (comma)
        *to++ = ',';
    *to++ = '"';
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    to[text.len] = '"';
    if (colon)
        to[text.len + 1] = ':';
}

void kw_json_put_text(struct kw_sbuf *sbuf, struct kw_bytes text)
{
    put_string(sbuf, text, false, false);
}

void kw_json_key_bytes(struct kw_json_out *out, struct kw_bytes key)
{
    kw_assert((out->in_object & depth_bit(out)) && !out->after_key);
    put_string(out->sbuf, key, (out->has_items & depth_bit(out)) != 0, true);
    out->has_items |= depth_bit(out);
    out->after_key = true;
}

void kw_json_key(struct kw_json_out *out, const char *key)
{
    kw_json_key_bytes(out, kw_bytes_str(key));
}

void kw_json_string(struct kw_json_out *out, struct kw_bytes text)
{
    begin_value(out);
    put_string(out->sbuf, text, false, false);
}

void kw_json_cstring(struct kw_json_out *out, const char *text)
{
    kw_json_string(out, kw_bytes_str(text));
}

void kw_json_plain(struct kw_json_out *out, struct kw_bytes text)
{
    begin_value(out);
    kw_sbuf_put(out->sbuf, "\"", 1);
    kw_sbuf_put_bytes(out->sbuf, text);
    kw_sbuf_put(out->sbuf, "\"", 1);
}

void kw_json_base64(struct kw_json_out *out, struct kw_bytes data)
{
    begin_value(out);
    kw_sbuf_put(out->sbuf, "\"", 1);
    kw_sbuf_put_base64(out->sbuf, data);
    kw_sbuf_put(out->sbuf, "\"", 1);
}

void kw_json_hex(struct kw_json_out *out, struct kw_bytes data)
{
    begin_value(out);
    uint8_t *to = kw_sbuf_claim(out->sbuf, 2 * data.len + 2);
    if (to == NULL)
        return;
    to[0] = '"';
    kw_hex_encode(data.ptr, data.len, (char *)to + 1);
    to[2 * data.len + 1] = '"';
}

void kw_json_int(struct kw_json_out *out, int64_t value)
{
    char text[24];
    struct kw_buf buf = KW_BUF(text, sizeof(text));

    begin_value(out);
    if (value < 0)
        kw_buf_put_u8(&buf, '-');
    kw_buf_put_decimal(&buf, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
    kw_sbuf_put_bytes(out->sbuf, kw_buf_bytes(&buf));
}

void kw_json_epoch(struct kw_json_out *out, int64_t ms)
{
    /* As an unsigned number, since the smallest int64_t has no positive counterpart. */
    uint64_t size = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;

    begin_value(out);
    kw_sbuf_printf(out->sbuf, "%s%" PRIu64 ".%03u", ms < 0 ? "-" : "", size / 1000, (unsigned)(size % 1000));
}

void kw_json_bool(struct kw_json_out *out, bool value)
{
    begin_value(out);
    kw_sbuf_put_str(out->sbuf, value ? "true" : "false");
}

void kw_json_null(struct kw_json_out *out)
{
    begin_value(out);
    kw_sbuf_put_str(out->sbuf, "null");
}

/* A number with the digits that bring the same double back, and with a point or an exponent, without which it
 * would be read as an integer. Programs here keep the C locale, whose decimal point is JSON's. */
void kw_json_real(struct kw_json_out *out, double value)
{
    char text[32];

    kw_assert(isfinite(value));
    begin_value(out);
    snprintf(text, sizeof(text), "%.17g", value);
    kw_sbuf_put_str(out->sbuf, text);
    if (strpbrk(text, ".e") == NULL)
        kw_sbuf_put_str(out->sbuf, ".0");
}

static void put_value(struct kw_json_out *out, const json_t *value, unsigned depth);

static void put_object(struct kw_json_out *out, const json_t *object, unsigned depth)
{
    /* jansson's iterators want a pointer that is not const and change nothing through it. */
    json_t *from = (json_t *)(uintptr_t)object;

    kw_json_begin_object(out);
    for (void *at = json_object_iter(from); at != NULL; at = json_object_iter_next(from, at)) {
        kw_json_key(out, json_object_iter_key(at));
        put_value(out, json_object_iter_value(at), depth);
    }
    kw_json_end_object(out);
}

static void put_array(struct kw_json_out *out, const json_t *array, unsigned depth)
{
    kw_json_begin_array(out);
    for (size_t i = 0; i < json_array_size(array); i++)
        put_value(out, json_array_get(array, i), depth);
    kw_json_end_array(out);
}

static void put_value(struct kw_json_out *out, const json_t *value, unsigned depth)
{
    kw_assert(value != NULL && depth <= KW_JSON_DEPTH_MAX);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(out, value, depth + 1);
        break;
    case JSON_ARRAY:
        put_array(out, value, depth + 1);
        break;
    case JSON_STRING:
        kw_json_string(out, KW_BYTES(json_string_value(value), json_string_length(value)));
        break;
    case JSON_INTEGER:
        kw_json_int(out, json_integer_value(value));
        break;
    case JSON_REAL:
        kw_json_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        kw_json_bool(out, json_is_true(value));
        break;
    case JSON_NULL:
        kw_json_null(out);
        break;
    }
}

void kw_json_value(struct kw_json_out *out, const json_t *value)
{
    put_value(out, value, 0);
}
