#include "api/json.h"
#include "api/policydoc.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    kw_assert(kw_crypto_init() == 0);
    kw_json_init();
    return 0;
}

static int normalise(struct kw_bytes text, struct kw_sbuf *ret)
{
    char why[64];
    int r = kw_policydoc_normalise(text, "aws", ret, why, sizeof(why));

    kw_assert(r == 0 || r == KW_POLICY_MALFORMED || r == KW_POLICYDOC_TOO_LONG);
    kw_assert(memchr(why, '\0', sizeof(why)) != NULL);
    kw_assert((r == 0) == (ret->len > 0));
    return r;
}

/* What is shown says what was sent, and would be shown the same again; but it may be too long to be sent. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    KW_SBUF struct kw_sbuf again = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    KW_JSON json_t *sent = NULL, *kept = NULL;
    struct kw_bytes text = KW_BYTES(data, len);

    if (normalise(text, &shown) != 0)
        return 0;
    kw_assert(kw_json_parse(text, &sent) == 0 && kw_json_parse(kw_sbuf_bytes(&shown), &kept) == 0);
    kw_assert(json_equal(sent, kept));
    if (shown.len > KW_POLICYDOC_MAX)
        return 0;
    kw_assert(normalise(kw_sbuf_bytes(&shown), &again) == 0);
    kw_assert(kw_bytes_equal(kw_sbuf_bytes(&again), kw_sbuf_bytes(&shown)));
    return 0;
}
