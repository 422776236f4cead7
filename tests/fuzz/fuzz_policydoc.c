#include "api/json.h"
#include "api/policydoc.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

static const struct kw_policydoc_author authors[] = {
    {.arn = "arn:aws:iam::111122223333:user/me", .account = "111122223333", .partition = "aws"},
    {.arn = "arn:aws:iam::111122223333:user/me",
        .account = "111122223333",
        .partition = "aws",
        .bypass = true},
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    kw_assert(kw_crypto_init() == 0);
    kw_json_init();
    return 0;
}

static int normalise(struct kw_bytes text, const struct kw_policydoc_author *author, struct kw_sbuf *ret)
{
    char why[64];
    int r = kw_policydoc_normalise(text, author, ret, why, sizeof(why));

    kw_assert(
        r == 0 || r == KW_POLICYDOC_MALFORMED || r == KW_POLICYDOC_LOCKOUT || r == KW_POLICYDOC_TOO_LONG);
    kw_assert(memchr(why, '\0', sizeof(why)) != NULL);
    kw_assert((r == 0) == (ret->len > 0));
    return r;
}

/* What is shown says what was sent, and would be shown the same again; but it may be too long to be sent. */
static void check_shown(struct kw_bytes text, struct kw_bytes shown, const struct kw_policydoc_author *author)
{
    KW_SBUF struct kw_sbuf again = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    KW_JSON json_t *sent = NULL, *kept = NULL;

    kw_assert(kw_json_parse(text, &sent) == 0 && kw_json_parse(shown, &kept) == 0);
    kw_assert(json_equal(sent, kept));
    if (shown.len > KW_POLICYDOC_MAX)
        return;
    kw_assert(normalise(shown, author, &again) == 0);
    kw_assert(kw_bytes_equal(kw_sbuf_bytes(&again), shown));
}

/* The lockout check is the only thing that leaving it out changes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    KW_SBUF struct kw_sbuf safe = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    KW_SBUF struct kw_sbuf any = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    struct kw_bytes text = KW_BYTES(data, len);
    int r = normalise(text, &authors[0], &safe);

    kw_assert(normalise(text, &authors[1], &any) == (r == KW_POLICYDOC_LOCKOUT ? 0 : r));
    if (r == 0 || r == KW_POLICYDOC_LOCKOUT)
        check_shown(text, kw_sbuf_bytes(&any), &authors[1]);
    if (r == 0)
        check_shown(text, kw_sbuf_bytes(&safe), &authors[0]);
    return 0;
}
