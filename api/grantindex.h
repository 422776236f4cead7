/* grantindex - which grant of a key lets a caller do something, without a look at the others.
 *
 * Each grant has a slot, by which a picture's map grants_by_grantee is ordered: a hash of key and grantee;
 * the kind of its constraint; of EncryptionContextEquals a hash of all pairs, of EncryptionContextSubset a
 * hash of each pair, in order; its operations; its id. Nodes of that map know the operations below them, so
 * one look (O(log n), however many grants there are and whatever they say) finds a grant to that grantee with
 * that operation and that beginning of a constraint, or that there is none.
 *
 * A request needs one look for each name of the caller if no grant to it has the operation, or one without
 * constraint has. Else one more for its whole context; and of subsets as many as the context has pairs, again
 * for each beginning of a constraint that the context contains: for a context of few pairs a few looks, at
 * worst (2 to the power of its pairs) one for each grant that shares such a beginning.
 *
 * Hashes are keyed by a secret of the process, so that nobody can make them collide, and only narrow: what is
 * found is compared for real.
 *
 * In a constraint the name of a pair is compared without case (ASCII letters, as kw_bytes_equal_nocase has
 * it), its value with case. A context in which a pair is there twice in that sense equals a constraint with
 * it twice. DescribeKey and RetireGrant do not look at constraints.
 */
#ifndef KW_API_GRANTINDEX_H
#define KW_API_GRANTINDEX_H

#include "api/policy.h"
#include "api/snapshot.h"

/* Some bits of kw_grant.operations. */
enum {
    KW_GRANT_CREATE_GRANT = 1u << 9,
    KW_GRANT_RETIRE_GRANT = 1u << 10,
    KW_GRANT_DESCRIBE_KEY = 1u << 11,
};
/* The bit of an operation by its name ("Encrypt"); 0: grants do not allow it. */
uint32_t kw_grant_operation(struct kw_bytes name);

/* The context of a request, as slices. */
struct kw_grant_pair_bytes {
    struct kw_bytes key, value;
};
struct kw_grant_context {
    size_t num; /* of more than KW_ENC_CONTEXT_PAIRS_MAX only grants without constraint allow anything */
    const struct kw_grant_pair_bytes *pairs;
};

/* Pairs of a subset beyond these are not hashed; CreateGrant takes no more. */
#define KW_GRANT_SLOT_PAIRS 8u
#define KW_GRANT_SLOT_MAX   (16u + 1u + KW_GRANT_SLOT_PAIRS * 9u + 1u + 4u + 32u)

/* The slot of a grant; its derived fields do not matter. Returns its length. */
size_t kw_grantindex_slot(const struct kw_grant *grant, uint8_t ret[KW_GRANT_SLOT_MAX]);

/* kw_grantindex_find() - a grant of key whose grantee is the caller (itself; else its role; else its
 * account), that has the operation (one bit of kw_grant.operations) and whose constraints the context meets.
 * CreateGrant and RetireGrant: none, since not every grant of the key lets the caller create, or retire,
 * every other one; see below. In:      context NULL: the operation has none, so that grants with constraints
 * do not allow it (but see above). An operation that could have one and got none has an empty one. Out:
 * ret_to_role, whether the grant is the role's and not the session's; only if there is one Returns: borrowed
 * from the snapshot; NULL: none */
const struct kw_grant *kw_grantindex_find(const struct kw_snapshot *snapshot, const struct kw_kms_key *key,
    const struct kw_caller *caller, uint32_t operation, const struct kw_grant_context *context,
    bool *ret_to_role);

/* Is `child` as strict as `parent` or stricter: operations a subset, constraints that imply the parent's? */
KW_MUST_CHECK bool kw_grant_is_within(const struct kw_grant *child, const struct kw_grant *parent);
/* kw_grantindex_find_parent() - a grant of key that lets the caller create `child`: it has CreateGrant, its
 * grantee is the caller as above, and child is within it. NULL: none. */
const struct kw_grant *kw_grantindex_find_parent(const struct kw_snapshot *snapshot,
    const struct kw_kms_key *key, const struct kw_caller *caller, const struct kw_grant *child);

/* May the caller retire the grant by what the grant says? As its retiring principal, or as its grantee if it
 * has RetireGrant. An account is so for its root user; ret_if_account: for the caller too, if its own
 * policies allow it. */
KW_MUST_CHECK bool kw_grant_lets_retire(
    const struct kw_grant *grant, const struct kw_caller *caller, bool *ret_if_account);

/* By which name a grant's principal (its grantee, or who may retire it) is the caller: KW_MATCH_SELF, ROLE or
 * ACCOUNT as in policy.h; the root user is its account and itself. NUM: it is someone else. */
enum kw_policy_match kw_grant_match(const char *principal, const struct kw_caller *caller);

#endif
