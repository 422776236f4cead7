/* fuzz_auditline - the heads, headers and checkpoints of audit lines: what is taken has one spelling. */
#include "api/auditmark.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

static struct kw_auditkey key;

/* The head written again is the text that was read. */
static void check_head(struct kw_bytes text, const struct kw_audit_line *line)
{
    struct kw_auditchain chain = {.sequence = line->sequence - 1};
    uint8_t head[KW_AUDIT_HEAD_MAX];
    struct kw_buf buf = KW_BUF(head, sizeof(head));

    memcpy(chain.hash, line->previous_hash, sizeof(chain.hash));
    kw_auditchain_head(&chain, &buf);
    kw_assert(kw_buf_ok(&buf) && kw_bytes_starts(text, kw_buf_bytes(&buf)));
    kw_assert(line->rest.len == text.len - buf.len);
    kw_assert(text.ptr[text.len - 1] == '}' && memchr(text.ptr, '\n', text.len) == NULL);
}

static void check_time(struct kw_bytes text)
{
    struct kw_bytes left = text;
    uint8_t again[KW_AUDIT_TIME_LEN];
    struct kw_buf buf = KW_BUF(again, sizeof(again));
    int64_t ms;

    if (kw_audit_take_time(&left, &ms) != 0)
        return;
    kw_audit_put_time(&buf, ms);
    kw_assert(memcmp(again, text.ptr, sizeof(again)) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t seed[32] = {1};

    (void)argc;
    (void)argv;
    kw_assert(kw_crypto_init() == 0);
    kw_assert(kw_auditkey_from_seed(&key, seed) == 0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct kw_bytes text = KW_BYTES(data, len);
    struct kw_audit_line line;
    struct kw_auditmark mark;

    check_time(text);
    if (kw_audit_line_parse(text, &line) != 0)
        return 0;
    check_head(text, &line);
    if (kw_auditmark_is(line.rest) && kw_auditmark_parse(text, line.rest, &key, &mark) == 0)
        kw_assert(text.len <= KW_AUDIT_MARK_MAX);
    return 0;
}
