/* grantindex_internal - what the index of grants is made of: the pairs of contexts and constraints, their
 * hashes, and slots. For api/grantindex*.c. */
#ifndef KW_API_GRANTINDEX_INTERNAL_H
#define KW_API_GRANTINDEX_INTERNAL_H

#include "api/grantindex.h"
#include "api/siphash.h"

/* ---- pairs: of a request as slices, of a grant as texts ---- */

struct kw_grant_pairs {
    size_t num;
    const struct kw_grant_pair_bytes *slices; /* or else: */
    const struct kw_grant_pair *texts;
};

struct kw_grant_pairs kw_grant_equals(const struct kw_grant *grant);
struct kw_grant_pairs kw_grant_subset(const struct kw_grant *grant);
struct kw_grant_pair_bytes kw_grant_pair_at(const struct kw_grant_pairs *pairs, size_t i);

/* Does a context meet the constraints? exact: all of it; NULL: that is not known, only that all of `least`
 * (NULL: nothing) is in it. */
KW_MUST_CHECK bool kw_grant_meets(
    const struct kw_grant *grant, const struct kw_grant_pairs *exact, const struct kw_grant_pairs *least);
/* Do its constraints contradict each other? */
KW_MUST_CHECK bool kw_grant_is_met_by_none(const struct kw_grant *grant);

/* ---- slots: a hash of key and grantee, the kind of constraint, what follows from the kind, the operations
 * (big-endian) and the id. Kinds in the order in which they are looked at. ---- */

#define KW_GRANTSLOT_WHO_LEN KW_SIPHASH_LEN
enum {
    KW_GRANTSLOT_FREE,   /* no constraint, or a subset of nothing */
    KW_GRANTSLOT_EQUALS, /* then the sum of the hashes of all pairs: whatever their order */
    KW_GRANTSLOT_SUBSET, /* then MORE and the hash of a pair, for each, in order; then END */
    KW_GRANTSLOT_NEVER,  /* EQUALS and SUBSET, and no context meets both */
};
enum { KW_GRANTSLOT_END, KW_GRANTSLOT_MORE };

#define KW_GRANTSLOT_HASH_LEN 8u
#define KW_GRANTSLOT_MORE_LEN (1u + KW_GRANTSLOT_HASH_LEN)
/* What comes before the operations, at its longest. */
#define KW_GRANTSLOT_BEGIN_MAX (KW_GRANTSLOT_WHO_LEN + 1u + KW_GRANT_SLOT_PAIRS * KW_GRANTSLOT_MORE_LEN + 1u)

#define KW_GRANT_HASHES_MAX KW_ENC_CONTEXT_PAIRS_MAX
/* Different hashes of pairs in order, and the sum of all. */
struct kw_grant_hashes {
    uint64_t sum;
    size_t num;
    uint64_t of[KW_GRANT_HASHES_MAX];
};
/* Of at most KW_GRANT_HASHES_MAX (asserted). */
void kw_grantslot_hash(const struct kw_grant_pairs *pairs, struct kw_grant_hashes *ret);

/* How slots begin. */
struct kw_grantslot {
    size_t len;
    uint8_t bytes[KW_GRANTSLOT_BEGIN_MAX];
};

/* The hash of a key, to go on from to each grantee. */
struct kw_siphash kw_grantslot_key(
    const char *account, const char *region, const uint8_t key_id[KW_KMS_KEY_ID_LEN]);
/* Who: the hash of key and grantee. */
void kw_grantslot_begin(struct kw_grantslot *begin, const struct kw_siphash *key, struct kw_bytes grantee);
void kw_grantslot_add(struct kw_grantslot *begin, uint8_t byte);
void kw_grantslot_add_hash(struct kw_grantslot *begin, uint64_t hash);
/* A hash that was added. */
uint64_t kw_grantslot_number(const uint8_t from[KW_GRANTSLOT_HASH_LEN]);

#endif
