#include "pool/bytes.h"

struct kw_bytes kw_bytes_str(const char *text)
{
    return KW_BYTES(text, strlen(text));
}

bool kw_bytes_equal(struct kw_bytes a, struct kw_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

bool kw_bytes_equal_nocase(struct kw_bytes a, struct kw_bytes b)
{
    if (a.len != b.len)
        return false;
    if (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0)
        return true;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

int kw_bytes_compare(struct kw_bytes a, struct kw_bytes b)
{
    size_t common = KW_MIN(a.len, b.len);
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool kw_bytes_starts(struct kw_bytes text, struct kw_bytes prefix)
{
    return text.len >= prefix.len && kw_bytes_equal(KW_BYTES(text.ptr, prefix.len), prefix);
}

struct kw_bytes kw_bytes_cut(struct kw_bytes text, size_t max)
{
    size_t len = KW_MIN(text.len, max);

    while (len > 0 && len < text.len && (text.ptr[len] & 0xc0) == 0x80)
        len--;
    return KW_BYTES(text.ptr, len);
}

ssize_t kw_bytes_find(struct kw_bytes text, uint8_t c)
{
    const uint8_t *at = text.len > 0 ? memchr(text.ptr, c, text.len) : NULL;

    return at == NULL ? -1 : at - text.ptr;
}

uint8_t *kw_buf_claim(struct kw_buf *buf, size_t len)
{
    if (buf->failed || len > buf->cap - buf->len) {
        buf->failed = true;
        return NULL;
    }
    buf->len += len;
    return buf->ptr + buf->len - len;
}

void kw_buf_put(struct kw_buf *buf, const void *data, size_t len)
{
    uint8_t *to = kw_buf_claim(buf, len);

    if (to != NULL && len > 0)
        memcpy(to, data, len);
}

void kw_buf_put_bytes(struct kw_buf *buf, struct kw_bytes bytes)
{
    kw_buf_put(buf, bytes.ptr, bytes.len);
}

void kw_buf_put_u8(struct kw_buf *buf, uint8_t value)
{
    kw_buf_put(buf, &value, 1);
}

void kw_buf_put_be32(struct kw_buf *buf, uint32_t value)
{
    uint8_t be[4] = {value >> 24, value >> 16 & 0xff, value >> 8 & 0xff, value & 0xff};

    kw_buf_put(buf, be, sizeof(be));
}

void kw_buf_put_str(struct kw_buf *buf, const char *text)
{
    kw_buf_put(buf, text, strlen(text));
}

void kw_hex_encode(const uint8_t *data, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = "0123456789abcdef"[data[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
    }
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int kw_hex_decode(struct kw_bytes text, uint8_t *out, size_t len)
{
    KW_REQUIRE(text.len == 2 * len, 1);
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);

        KW_REQUIRE(high >= 0 && low >= 0, 1);
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* 0xff if a <= b, else 0; a and b below 2^15. */
static unsigned mask_le(unsigned a, unsigned b)
{
    return (unsigned)((int)(a - b - 1) >> 31) & 0xff;
}

/* Sixteen values below 64 become digits at once: compares and masked adds, no table. */
typedef uint8_t base64_lane __attribute__((vector_size(16)));

static base64_lane base64_digits(base64_lane v)
{
    return v + (uint8_t)'A' + ((base64_lane)(v > 25) & ('a' - 'A' - 26)) -
           ((base64_lane)(v > 51) & ('a' - '0' + 26)) - ((base64_lane)(v > 61) & ('0' + 10 - '+')) +
           ((base64_lane)(v > 62) & ('/' - '+' - 1));
}

/* The upper 48 bits of eight big-endian bytes as eight values of six bits, one a byte, in the order of the
 * text. */
static uint64_t base64_spread(uint64_t x)
{
    x = (x & UINT64_C(0xffffff0000000000)) >> 8 | (x & UINT64_C(0x000000ffffff0000)) >> 16;
    x = (x & UINT64_C(0x00fff00000fff000)) << 4 | (x & UINT64_C(0x00000fff00000fff));
    return (x & UINT64_C(0x0fc00fc00fc00fc0)) << 2 | (x & UINT64_C(0x003f003f003f003f));
}

/* Six bytes into eight values; reads eight. */
static void base64_split(const uint8_t *data, uint8_t *values)
{
    uint64_t x;

    memcpy(&x, data, sizeof(x));
    x = __builtin_bswap64(base64_spread(__builtin_bswap64(x)));
    memcpy(values, &x, sizeof(x));
}

/* Twelve bytes, of which sixteen can be read, into sixteen digits. */
static void base64_block(const uint8_t *data, char *out)
{
    base64_lane v;
    uint8_t values[16];

    base64_split(data, values);
    base64_split(data + 6, values + 8);
    memcpy(&v, values, sizeof(v));
    v = base64_digits(v);
    memcpy(out, &v, sizeof(v));
}

void kw_base64_encode(struct kw_bytes data, char *out)
{
    uint8_t rest[32] = {0}; /* what is left of the data, with room to read on */
    char digits[32];
    size_t i = 0, left;

    for (; data.len - i >= 16; i += 12, out += 16)
        base64_block(data.ptr + i, out);
    left = data.len - i;
    if (left == 0)
        return;
    memcpy(rest, data.ptr + i, left);
    base64_block(rest, digits);
    base64_block(rest + 12, digits + 16);
    memset(digits + KW_BASE64_LEN(left) - (3 - left % 3) % 3, '=', (3 - left % 3) % 3);
    memcpy(out, digits, KW_BASE64_LEN(left));
    kw_erase(rest, sizeof(rest));
    kw_erase(digits, sizeof(digits));
}

/* Value of a digit, or 0x100 and more for anything else; no branch on c. */
static unsigned base64_value(unsigned c)
{
    unsigned v = 0, known = 0, in;

    in = mask_le('A', c) & mask_le(c, 'Z');
    v |= in & (c - 'A');
    known |= in;
    in = mask_le('a', c) & mask_le(c, 'z');
    v |= in & (c - 'a' + 26);
    known |= in;
    in = mask_le('0', c) & mask_le(c, '9');
    v |= in & (c - '0' + 52);
    known |= in;
    in = mask_le('+', c) & mask_le(c, '+');
    v |= in & 62;
    known |= in;
    in = mask_le('/', c) & mask_le(c, '/');
    v |= in & 63;
    known |= in;
    return v | ((known - 1) >> 8 & 0x100);
}

static size_t base64_padding(struct kw_bytes text)
{
    size_t padding = 0;

    while (padding < 2 && text.len > padding && text.ptr[text.len - 1 - padding] == '=')
        padding++;
    return padding;
}

int kw_base64_decode(struct kw_bytes text, uint8_t *out, size_t cap, size_t *ret_len)
{
    size_t padding = base64_padding(text), len = text.len / 4 * 3 - padding;
    unsigned bad = 0;

    KW_REQUIRE(text.len % 4 == 0 && len <= cap, 1);
    for (size_t i = 0, at = 0; i < text.len; i += 4) {
        unsigned pad = i + 4 == text.len ? (unsigned)padding : 0;
        unsigned a = base64_value(text.ptr[i]), b = base64_value(text.ptr[i + 1]);
        unsigned c = pad > 1 ? 0 : base64_value(text.ptr[i + 2]);
        unsigned d = pad > 0 ? 0 : base64_value(text.ptr[i + 3]);
        unsigned v = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);

        bad |= (a | b | c | d) & 0x100;
        bad |= pad == 1 ? v & 0xff : pad == 2 ? v & 0xffff : 0;
        out[at++] = (uint8_t)(v >> 16);
        if (pad < 2)
            out[at++] = (uint8_t)(v >> 8);
        if (pad < 1)
            out[at++] = (uint8_t)v;
    }
    KW_REQUIRE(bad == 0, 1);
    *ret_len = len;
    return 0;
}
