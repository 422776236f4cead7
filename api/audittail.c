#include "api/audittail.h"

#include "api/auditmark.h"
#include "api/auditscan.h"

size_t kw_audittail_extent(struct kw_bytes text)
{
    size_t len = text.len;

    while (len >= 8) { /* mostly zeros, many of them */
        uint64_t word;

        memcpy(&word, text.ptr + len - 8, sizeof(word));
        if (word != 0)
            break;
        len -= 8;
    }
    while (len > 0 && text.ptr[len - 1] == 0)
        len--;
    return len;
}

/* Length of the run of bytes at text that are (or are not) zero. */
static size_t run_length(struct kw_bytes text, bool zero)
{
    size_t len = 0;

    while (len < text.len && (text.ptr[len] == 0) == zero)
        len++;
    return len;
}

/* Every border between zeros and text is one between sectors. The first run of zeros may begin where the good
 * lines end: that sector is an older one. */
static bool has_sector_borders(const struct kw_audittail *tail, size_t end)
{
    bool zero = tail->text.ptr[tail->at] == 0;

    for (size_t at = tail->at; at < end; zero = !zero) {
        at += run_length(KW_BYTES(tail->text.ptr + at, tail->text.len - at), zero);
        if (at % KW_AUDIT_SECTOR != 0 && at < tail->text.len &&
            !(at == end && tail->text.ptr[end - 1] == '\n'))
            return false;
    }
    return true;
}

static int parse_mark(struct kw_bytes text, struct kw_auditkey *key, struct kw_auditmark *ret)
{
    struct kw_audit_line line;

    KW_REQUIRE(kw_audit_line_parse(text, &line) == 0, 1);
    return kw_auditmark_parse(text, line.rest, key, ret);
}

/* The first line behind the good ones is all there, end and all, and still not good; or it is a signed record
 * whose end alone differs. No lost sector does that. */
static bool is_whole_but_wrong(const struct kw_audittail *tail, struct kw_auditkey *key)
{
    struct kw_bytes left = KW_BYTES(tail->text.ptr + tail->at, tail->text.len - tail->at);
    struct kw_auditmark mark;
    size_t len = 0;

    while (len < left.len && left.ptr[len] != 0 && left.ptr[len] != '\n')
        len++;
    if (len < left.len && left.ptr[len] == '\n')
        return true;
    return len > 1 && parse_mark(KW_BYTES(left.ptr, len - 1), key, &mark) == 0;
}

/* A good checkpoint further on which says that more was durable than what is there. Looked for at every place
 * where a line can begin, since the newline before it may be what was changed. */
static bool is_contradicted(const struct kw_audittail *tail, size_t end, struct kw_auditkey *key)
{
    struct kw_bytes left = KW_BYTES(tail->text.ptr + tail->at, end - tail->at);

    while (left.len > 0) {
        const uint8_t *found = memmem(left.ptr, left.len, "{\"sequence\":", 12);
        struct kw_auditmark mark;
        struct kw_bytes line;
        ssize_t len;

        if (found == NULL)
            return false;
        left = KW_BYTES(found, left.len - (size_t)(found - left.ptr));
        len = kw_bytes_find(left, '\n');
        line = KW_BYTES(left.ptr, len < 0 ? left.len : (size_t)len);
        if (parse_mark(line, key, &mark) == 0 && mark.kind == KW_AUDIT_CHECKPOINT &&
            mark.durable > tail->sequence)
            return true;
        left = KW_BYTES(left.ptr + 1, left.len - 1);
    }
    return false;
}

bool kw_audittail_is_torn(const struct kw_audittail *tail, struct kw_auditkey *key)
{
    size_t end = kw_audittail_extent(tail->text);

    kw_assert(end > tail->at);
    if (end - tail->at > KW_AUDIT_BATCH_MAX || is_contradicted(tail, end, key))
        return false;
    return tail->quarantined || (has_sector_borders(tail, end) && !is_whole_but_wrong(tail, key));
}
