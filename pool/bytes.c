#include "pool/bytes.h"

struct kw_bytes kw_bytes_str(const char *text)
{
    return KW_BYTES(text, strlen(text));
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes with their ASCII letters in lower case: in each byte that is no more than 0x7f, adding what is
 * missing to 0x80 sets the top bit if the byte is 'A' or more, or more than 'Z'. No byte overflows into the
 * next one. */
static uint64_t lower_each(uint64_t bytes)
{
    uint64_t low = bytes & EACH(0x7f);
    uint64_t upper = (low + EACH(0x80 - 'A')) & ~(low + EACH(0x7f - 'Z')) & ~bytes & EACH(0x80);

    return bytes | upper >> 2;
}

bool kw_bytes_alike(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t i = 0;

    for (; len - i >= 8; i += 8) {
        uint64_t x, y;

        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        if (x != y && lower_each(x) != lower_each(y))
            return false;
    }
    for (; i < len; i++) {
        if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
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

void kw_buf_put_decimal(struct kw_buf *buf, uint64_t value, unsigned digits_min)
{
    char text[20];
    size_t at = sizeof(text);

    kw_assert(digits_min <= sizeof(text));
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (sizeof(text) - at < digits_min)
        text[--at] = '0';
    kw_buf_put(buf, text + at, sizeof(text) - at);
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

/* Compares and no jumps on what the digit is: they would be guessed wrong half of the time. */
static unsigned hex_digit(uint8_t c)
{
    unsigned digit = (unsigned)c - '0', letter = ((unsigned)c | 0x20) - 'a';

    return digit < 10 ? digit : letter < 6 ? letter + 10 : 0x100;
}

int kw_hex_decode(struct kw_bytes text, uint8_t *out, size_t len)
{
    KW_REQUIRE(text.len == 2 * len, 1);
    unsigned bad = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);

        bad |= high | low;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return bad < 0x100 ? 0 : 1;
}
