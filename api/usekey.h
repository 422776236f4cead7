/* usekey - what the cryptographic operations ask of their key, in AWS's order: usage, state, algorithm.
 *
 * Each returns KW_CALL_DONE or KW_CALL_REFUSED and looks at call->key.
 */
#ifndef KW_API_USEKEY_H
#define KW_API_USEKEY_H

#include "api/call.h"

/* The usage and the state of call->key. */
KW_MUST_CHECK int kw_usekey_check(struct kw_call *call, enum kw_key_usage usage);
/* "Algorithm A is incompatible with key spec S." */
KW_MUST_CHECK int kw_usekey_algorithm(struct kw_call *call, enum kw_algorithm algorithm);
/* The key of member KeyId, with both checks, for the algorithm that a member names (required by the shape)
 * and with its grant tokens checked. */
KW_MUST_CHECK int kw_usekey_find(
    struct kw_call *call, enum kw_key_usage usage, const char *member, enum kw_algorithm *ret);
/* The current material. */
KW_MUST_CHECK int kw_usekey_material(struct kw_call *call, const struct kw_material **ret);
/* An order for kw_call_chore() with that material. */
KW_MUST_CHECK int kw_usekey_order(
    struct kw_call *call, enum kw_chore_kind kind, enum kw_algorithm algorithm, struct kw_chore_order *ret);
/* Its private key, which lives as long as the snapshot. */
KW_MUST_CHECK int kw_usekey_asym(struct kw_call *call, const struct kw_asym **ret);

#endif
