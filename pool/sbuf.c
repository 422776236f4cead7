#include "pool/sbuf.h"

#include "pool/secmem.h"

#include <stdio.h>

int kw_sbuf_reserve(struct kw_sbuf *sbuf, size_t extra)
{
    size_t cap = KW_MAX(sbuf->cap, 512);
    uint8_t *ptr;

    if (sbuf->failed || extra > sbuf->limit - sbuf->len) {
        sbuf->failed = true;
        return -E2BIG;
    }
    if (sbuf->len + extra <= sbuf->cap)
        return 0;
    while (cap < sbuf->len + extra)
        cap *= 2;
    ptr = kw_secmem_realloc(sbuf->ptr, KW_MIN(cap, sbuf->limit));
    if (ptr == NULL) {
        sbuf->failed = true;
        return -ENOMEM;
    }
    sbuf->ptr = ptr;
    sbuf->cap = KW_MIN(cap, sbuf->limit);
    return 0;
}

void kw_sbuf_put_bytes(struct kw_sbuf *sbuf, struct kw_bytes bytes)
{
    kw_sbuf_put(sbuf, bytes.ptr, bytes.len);
}

void kw_sbuf_put_str(struct kw_sbuf *sbuf, const char *text)
{
    kw_sbuf_put(sbuf, text, strlen(text));
}

void kw_sbuf_printf(struct kw_sbuf *sbuf, const char *format, ...)
{
    char text[1024];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text))
        sbuf->failed = true;
    else
        kw_sbuf_put(sbuf, text, (size_t)len);
}

void kw_sbuf_put_base64(struct kw_sbuf *sbuf, struct kw_bytes data)
{
    uint8_t *to = data.len > 0 ? kw_sbuf_claim(sbuf, KW_BASE64_LEN(data.len)) : NULL;

    if (to != NULL)
        kw_base64_encode(data, (char *)to);
}

void kw_sbuf_consume(struct kw_sbuf *sbuf, size_t n)
{
    kw_assert(n <= sbuf->len);
    if (n == 0)
        return;
    memmove(sbuf->ptr, sbuf->ptr + n, sbuf->len - n);
    kw_erase(sbuf->ptr + sbuf->len - n, n);
    sbuf->len -= n;
}

void kw_sbuf_reset(struct kw_sbuf *sbuf, size_t keep)
{
    if (sbuf->cap > keep) {
        kw_sbuf_done(sbuf);
    } else {
        kw_erase(sbuf->ptr, sbuf->len);
        sbuf->len = 0;
    }
    sbuf->failed = false;
}

void kw_sbuf_done(struct kw_sbuf *sbuf)
{
    kw_secmem_free(sbuf->ptr);
    sbuf->ptr = NULL;
    sbuf->len = 0;
    sbuf->cap = 0;
}
