/* sigv4_keys - signing keys that were derived before: each is good for one secret, day, Region and service,
 * and takes four HMACs to make.
 *
 * An entry is found by who signs and used only if its secret is the one that is asked for: so a key whose
 * secret is another one now is not found, and whether a credential is good at all is never decided here. A
 * set of few places for each hash of a name; the entry that was not used for longest goes. Part of a
 * kw_sigv4_engine: secret memory, one owner thread.
 */
#ifndef KW_API_SIGV4_KEYS_H
#define KW_API_SIGV4_KEYS_H

#include "api/hmac.h"
#include "api/sigv4.h"

#define KW_SIGV4_KEYS_WAYS 4u
#define KW_SIGV4_KEYS_SETS 64u

struct kw_sigv4_keys_entry {
    uint64_t used; /* the count of look-ups when it was used last; 0: empty */
    struct kw_hmac_key key;
    uint8_t id_len, secret_len, region_len, service_len;
    char date[8];
    char id[KW_ACCESS_KEY_ID_MAX];
    char secret[KW_SIGV4_SECRET_MAX];
    char region[KW_REGION_MAX];
    char service[KW_REGION_MAX];
};

/* Zeroed: empty. */
struct kw_sigv4_keys {
    uint64_t lookups;
    struct kw_sigv4_keys_entry entry[KW_SIGV4_KEYS_SETS][KW_SIGV4_KEYS_WAYS];
};

/* kw_sigv4_derive() - the signing key of a claim's date, Region and service. Secret: secret (1 ..
 * KW_SIGV4_SECRET_MAX bytes), ret */
void kw_sigv4_derive(const struct kw_sigv4_claim *claim, struct kw_bytes secret, uint8_t ret[KW_HMAC_LEN]);

/* kw_sigv4_keys_find() - the same, made ready, of claim->access_key_id; derived if it is not there. Valid
 * until the next call. */
const struct kw_hmac_key *kw_sigv4_keys_find(
    struct kw_sigv4_keys *keys, const struct kw_sigv4_claim *claim, struct kw_bytes secret);
/* Wipes what there is of that id. */
void kw_sigv4_keys_forget(struct kw_sigv4_keys *keys, struct kw_bytes access_key_id);

#endif
