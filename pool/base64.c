#include "pool/base64.h"

#include <stdatomic.h>

/* ---- encode, portable ---- */

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

static void encode_portable(struct kw_bytes data, char *out)
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

/* ---- dispatch ---- */

/* The best path of this machine; racing threads find the same. */
static enum kw_base64_path best_path(void)
{
    static _Atomic int known = -1;
    int path = atomic_load_explicit(&known, memory_order_relaxed);

    if (path < 0) {
        for (path = KW_BASE64_PATHS - 1; !kw_base64_supports((enum kw_base64_path)path);)
            path--;
        atomic_store_explicit(&known, path, memory_order_relaxed);
    }
    return (enum kw_base64_path)path;
}

void kw_base64_encode_by(enum kw_base64_path path, struct kw_bytes data, char *out)
{
    size_t done = kw_base64_encode_bulk(path, data.ptr, data.len, out);

    kw_assert(done <= data.len && done % 3 == 0);
    encode_portable(KW_BYTES(data.ptr + done, data.len - done), out + done / 3 * 4);
}

void kw_base64_encode(struct kw_bytes data, char *out)
{
    if (data.len > 0)
        kw_base64_encode_by(best_path(), data, out);
}

/* ---- decode ---- */

/* 0xff if a <= b, else 0; a and b below 2^15. */
static unsigned mask_le(unsigned a, unsigned b)
{
    return (unsigned)((int)(a - b - 1) >> 31) & 0xff;
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
