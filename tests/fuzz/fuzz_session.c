/* Session tokens as strangers send them. The first byte says which: 0, the text as it is (a length, an access
 * key id and the token); else a token of ours, changed at the place that the next bytes say, which must not
 * open. What opens is sealed again and comes back. */
#include "api/session.h"

#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

static struct kw_session_sealer *sealer;
static struct kw_session session;
static char token[KW_SESSION_TOKEN_MAX + 1], secret[KW_SESSION_SECRET_LEN + 1];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t key[32] = "a secret for the fuzzer.........";
    const struct kw_session like = {.kind = KW_PRINCIPAL_ROLE,
        .account = "000000000000",
        .principal_name = "role",
        .principal_id = "AROAEXAMPLE",
        .name = "session",
        .issued_ms = 1,
        .expires_ms = 2};

    (void)argc;
    (void)argv;
    session = like;
    kw_assert(kw_crypto_init() == 0 && kw_session_sealer_new(&sealer, key) == 0);
    kw_assert(kw_session_seal(sealer, &session, token, secret) == 0);
    return 0;
}

static int open_token(struct kw_bytes id, struct kw_bytes text)
{
    char opened_secret[KW_SESSION_SECRET_LEN + 1];
    struct kw_session opened;
    int r = kw_session_open(sealer, id, text, &opened, opened_secret);

    kw_assert(r == 0 || r == KW_SESSION_INVALID);
    if (r == 0)
        kw_assert(strcmp(opened.name, session.name) == 0 && strcmp(opened_secret, secret) == 0);
    return r;
}

static void open_changed(const uint8_t *data, size_t len)
{
    char changed[sizeof(token)];
    size_t token_len = strlen(token), at = (size_t)(data[0] << 8 | data[1]) % token_len;

    memcpy(changed, token, sizeof(token));
    for (size_t i = 2; i < len && at + i - 2 < token_len; i++)
        changed[at + i - 2] = (char)data[i];
    bool same = memcmp(changed, token, token_len) == 0;
    int r = open_token(kw_bytes_str(session.access_key_id), KW_BYTES(changed, token_len));
    kw_assert((r == 0) == same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 3)
        return 0;
    if (data[0] != 0) {
        open_changed(data + 1, len - 1);
        return 0;
    }
    size_t id_len = KW_MIN((size_t)data[1], len - 2);
    kw_assert(open_token(KW_BYTES(data + 2, id_len), KW_BYTES(data + 2 + id_len, len - 2 - id_len)) != 0);
    return 0;
}
