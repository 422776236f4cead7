/* session - temporary credentials that need no store: all that a session is, is sealed in its token.
 *
 * A session token is base64 of: version 1 | nonce 12 | AES-256-GCM of the fields below under a secret of the
 * keystore, with version and access key id as associated data | tag 16. The secret access key of a session is
 * derived from its access key id (HMAC-SHA256 under the same secret, another label), so a token and its
 * access key id belong together. Random nonces under one key are good for 2^32 tokens (SP 800-38D
 * section 8.3). Pure but for randomness.
 *
 * A token outlives changes of its principal: whoever opens it looks the principal up again (enabled, the same
 * id) and checks the time.
 */
#ifndef KW_API_SESSION_H
#define KW_API_SESSION_H

#include "api/principal.h"

#define KW_SESSION_TOKEN_MAX  6144u /* characters */
#define KW_SESSION_NAME_MAX   64u
#define KW_SESSION_SECRET_LEN 40u

enum { KW_SESSION_INVALID = 1 }; /* not of this keystore, damaged, or not of that access key */

struct kw_session {
    char access_key_id[KW_ACCESS_KEY_ID_MAX + 1]; /* ASIA... */
    char account[KW_ACCOUNT_LEN + 1];
    enum kw_principal_kind kind; /* ROLE: AssumeRole; USER, ROOT: GetSessionToken */
    char principal_name[KW_PRINCIPAL_NAME_MAX + 1];
    char principal_id[32];              /* as it was: of a principal that was made anew it is another */
    char name[KW_SESSION_NAME_MAX + 1]; /* RoleSessionName; empty for others */
    char source_identity[65];           /* empty: none */
    int64_t issued_ms, expires_ms;
    char policy[KW_POLICY_SESSION_MAX + 1]; /* session policy as given; empty: none */
};

/* The keys that tokens are sealed and secrets derived with, and a random source. One owner thread.
 * secret is not kept. Returns: 0 | -ENOMEM | KW_EOPENSSL */
struct kw_session_sealer;
KW_MUST_CHECK int kw_session_sealer_new(struct kw_session_sealer **ret, const uint8_t secret[32]);
void kw_session_sealer_free(struct kw_session_sealer *sealer);
static inline void kw_session_sealer_freep(struct kw_session_sealer **sealer)
{
    kw_session_sealer_free(*sealer);
}
#define KW_SESSION_SEALER KW_CLEANUP(kw_session_sealer_freep)

/* Fills in access_key_id and writes token and secret, each with a NUL behind it. KW_ENTITY_INVALID: a field
 * is no such text. Returns: 0 | KW_ENTITY_INVALID | KW_EOPENSSL | -ENOMEM | -EPERM (forked child) */
KW_MUST_CHECK int kw_session_seal(struct kw_session_sealer *sealer, struct kw_session *session,
    char ret_token[KW_SESSION_TOKEN_MAX + 1], char ret_secret[KW_SESSION_SECRET_LEN + 1]);
/* Whether it is still good is for the caller to see: expires_ms, and its principal.
 * Returns: 0 | KW_SESSION_INVALID | KW_EOPENSSL */
KW_MUST_CHECK int kw_session_open(struct kw_session_sealer *sealer, struct kw_bytes access_key_id,
    struct kw_bytes token, struct kw_session *ret, char ret_secret[KW_SESSION_SECRET_LEN + 1]);

/* ---- sessions that were opened ---- */

/* What a serving thread has opened, so that a session's requests neither open its token again nor compile its
 * policy again: at most KW_SESSIONS_CACHED, the one that was not used for longest goes first. A hit allocates
 * nothing. One owner thread, that of the sealer, which it borrows. */
#define KW_SESSIONS_CACHED 256u

struct kw_session_opened {
    struct kw_session session;
    const struct kw_policy *policy; /* compiled; NULL: the session has none */
    const char *secret;             /* NUL-terminated, in secret memory */
};

struct kw_session_cache;
KW_MUST_CHECK int kw_session_cache_new(struct kw_session_cache **ret, struct kw_session_sealer *sealer);
void kw_session_cache_free(struct kw_session_cache *cache);
/* Out: ret, valid until the next call. Returns: 0 | KW_SESSION_INVALID | KW_EOPENSSL | -ENOMEM */
KW_MUST_CHECK int kw_session_cache_find(struct kw_session_cache *cache, struct kw_bytes access_key_id,
    struct kw_bytes token, const struct kw_session_opened **ret);

#endif
