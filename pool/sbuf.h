/* sbuf - a growing byte buffer in secret memory, for requests, answers and audit text.
 *
 * Growth moves the content and wipes the old block. A failed allocation or passing the limit sets failed and
 * makes later writes do nothing: check once at the end. One owner, one thread at a time.
 */
#ifndef KW_POOL_SBUF_H
#define KW_POOL_SBUF_H

#include "pool/bytes.h"

struct kw_sbuf {
    uint8_t *ptr; /* secret memory, or NULL while empty */
    size_t len;
    size_t cap;
    size_t limit; /* never grows beyond */
    bool failed;
};
#define KW_SBUF_INIT(max) ((struct kw_sbuf){.limit = (max)})

/* Makes room for extra more bytes. Returns 0 | -ENOMEM | -E2BIG (limit). */
int kw_sbuf_reserve(struct kw_sbuf *sbuf, size_t extra);
void kw_sbuf_put_bytes(struct kw_sbuf *sbuf, struct kw_bytes bytes);
void kw_sbuf_put_str(struct kw_sbuf *sbuf, const char *text);
/* printf for short text without secrets (at most 1 KiB). */
void kw_sbuf_printf(struct kw_sbuf *sbuf, const char *format, ...) KW_PRINTF(2, 3);
/* Claims len bytes for the caller to fill; NULL on failure. Valid until the next write. Inline, since mostly
 * there is room. */
static inline uint8_t *kw_sbuf_claim(struct kw_sbuf *sbuf, size_t len)
{
    if ((sbuf->failed || len > sbuf->cap - sbuf->len || len > sbuf->limit - sbuf->len) &&
        kw_sbuf_reserve(sbuf, len) < 0)
        return NULL;
    sbuf->len += len;
    return sbuf->ptr + sbuf->len - len;
}
/* Inline as well: answers and records are put together from many short pieces. */
static inline void kw_sbuf_put(struct kw_sbuf *sbuf, const void *data, size_t len)
{
    uint8_t *to = len > 0 ? kw_sbuf_claim(sbuf, len) : NULL;

    if (to != NULL)
        memcpy(to, data, len);
}
void kw_sbuf_put_base64(struct kw_sbuf *sbuf, struct kw_bytes data);
/* Drops the first n bytes (the rest moves down, what was behind it is wiped). */
void kw_sbuf_consume(struct kw_sbuf *sbuf, size_t n);
/* Wipes the content and keeps the block if it is at most keep bytes, else frees it. Clears failed. */
void kw_sbuf_reset(struct kw_sbuf *sbuf, size_t keep);
/* Wipes and frees. */
void kw_sbuf_done(struct kw_sbuf *sbuf);
static inline bool kw_sbuf_ok(const struct kw_sbuf *sbuf)
{
    return !sbuf->failed;
}
static inline struct kw_bytes kw_sbuf_bytes(const struct kw_sbuf *sbuf)
{
    return (struct kw_bytes){sbuf->ptr, sbuf->len};
}
#define KW_SBUF KW_CLEANUP(kw_sbuf_done)

#endif
