#include "api/session.h"

#include "pool/secmem.h"

#include <stdlib.h>

/* Sets of a few entries each: a session may be in the set that its access key id says. Ids are random, so
 * their own characters do as a hash; whoever picks some can only crowd out sessions of the same set, and
 * needs good tokens for it. */
#define WAYS 4u
#define SETS (KW_SESSIONS_CACHED / WAYS)

struct entry {
    struct kw_session_opened opened;
    uint64_t used; /* the count of look-ups when it was used last */
    size_t token_len;
    char token[];
};

struct kw_session_cache {
    struct kw_session_sealer *sealer;
    uint64_t lookups;
    struct entry *entry[SETS][WAYS];
};

int kw_session_cache_new(struct kw_session_cache **ret, struct kw_session_sealer *sealer)
{
    struct kw_session_cache *cache = calloc(1, sizeof(*cache));

    KW_REQUIRE(cache != NULL, -ENOMEM);
    cache->sealer = sealer;
    *ret = cache;
    return 0;
}

static void entry_free(struct entry *entry)
{
    if (entry == NULL)
        return;
    kw_policy_unref(entry->opened.policy);
    kw_secmem_free((char *)(uintptr_t)entry->opened.secret);
    free(entry);
}

static void entry_freep(struct entry **entry)
{
    entry_free(*entry);
}

void kw_session_cache_free(struct kw_session_cache *cache)
{
    if (cache == NULL)
        return;
    for (unsigned i = 0; i < SETS; i++)
        for (unsigned k = 0; k < WAYS; k++)
            entry_free(cache->entry[i][k]);
    free(cache);
}

static unsigned set_of(struct kw_bytes access_key_id)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < access_key_id.len; i++)
        hash = (hash ^ access_key_id.ptr[i]) * 16777619u;
    return (hash ^ hash >> 16) % SETS;
}

static bool is_entry(const struct entry *entry, struct kw_bytes access_key_id, struct kw_bytes token)
{
    return entry != NULL &&
           kw_bytes_equal(access_key_id, kw_bytes_str(entry->opened.session.access_key_id)) &&
           kw_bytes_equal(token, KW_BYTES(entry->token, entry->token_len));
}

/* A session policy was compiled before its token was sealed: one that cannot be any more is another
 * keywell's. */
static int compile(struct entry *entry)
{
    struct kw_policy *policy = NULL;
    char why[128];

    if (entry->opened.session.policy[0] == '\0')
        return 0;
    int r = kw_policy_new(
        &policy, KW_POLICY_SESSION, kw_bytes_str(entry->opened.session.policy), NULL, why, sizeof(why));
    entry->opened.policy = policy;
    return r == KW_POLICY_MALFORMED ? KW_SESSION_INVALID : r;
}

static int open_entry(
    struct kw_session_cache *cache, struct kw_bytes access_key_id, struct kw_bytes token, struct entry **ret)
{
    KW_CLEANUP(entry_freep) struct entry *entry = NULL;

    KW_REQUIRE(token.len <= KW_SESSION_TOKEN_MAX, KW_SESSION_INVALID);
    entry = calloc(1, sizeof(*entry) + token.len);
    KW_REQUIRE(entry != NULL, -ENOMEM);
    char *secret = kw_secmem_alloc(KW_SESSION_SECRET_LEN + 1);
    KW_REQUIRE(secret != NULL, -ENOMEM);
    entry->opened.secret = secret;
    int r = kw_session_open(cache->sealer, access_key_id, token, &entry->opened.session, secret);
    if (r == 0)
        r = compile(entry);
    if (r != 0)
        return r;
    memcpy(entry->token, token.ptr, token.len);
    entry->token_len = token.len;
    *ret = entry;
    entry = NULL;
    return 0;
}

int kw_session_cache_find(struct kw_session_cache *cache, struct kw_bytes access_key_id,
    struct kw_bytes token, const struct kw_session_opened **ret)
{
    struct entry **set = cache->entry[set_of(access_key_id)], **oldest = &set[0], *entry = NULL;

    for (unsigned i = 0; i < WAYS; i++) {
        if (is_entry(set[i], access_key_id, token)) {
            set[i]->used = ++cache->lookups;
            *ret = &set[i]->opened;
            return 0;
        }
        if (set[i] == NULL || (*oldest != NULL && set[i]->used < (*oldest)->used))
            oldest = &set[i];
    }
    int r = open_entry(cache, access_key_id, token, &entry);
    if (r != 0)
        return r;
    entry_free(*oldest);
    *oldest = entry;
    entry->used = ++cache->lookups;
    *ret = &entry->opened;
    return 0;
}
