/* generations - the generations of a key with imported material while they are changed: a copy that grows,
 * shrinks and is then put into the key. Pure; borrows from the keys and materials that it is made of.
 */
#ifndef KW_API_GENERATIONS_H
#define KW_API_GENERATIONS_H

#include "api/entity.h"

/* Of imported material a key may have the first, one for each of 25 rotations on demand, and one that waits.
 */
#define KW_GENERATIONS_IMPORTED_MAX 32u

enum {
    KW_GENERATIONS_FULL = 1,
    KW_GENERATIONS_KNOWN = 2,   /* the key has that material already */
    KW_GENERATIONS_PENDING = 3, /* another one waits for rotation */
};

struct kw_generations {
    struct kw_generation item[KW_GENERATIONS_IMPORTED_MAX];
    uint32_t num, current; /* as in struct kw_kms_key */
};

/* kw_generations_copy() - those of a key; of a replica (primary not NULL) those of its primary in the same
 * order, with what material of them the replica has. Returns: 0 | KW_GENERATIONS_FULL (more than there may
 * be) */
KW_MUST_CHECK int kw_generations_copy(
    struct kw_generations *to, const struct kw_kms_key *key, const struct kw_kms_key *primary);
/* The one with that id, or NULL. */
struct kw_generation *kw_generations_find(struct kw_generations *in, const uint8_t id[KW_MATERIAL_ID_LEN]);
/* The one that waits for rotation, be its material here or not; or NULL. */
struct kw_generation *kw_generations_pending(struct kw_generations *in);

/* kw_generations_add() - one more: the current one if it is the first, else it waits for rotation. What
 * waited before and has lost its material gives way, since nothing was ever made with it.
 * Returns: 0 | KW_GENERATIONS_FULL, KW_GENERATIONS_KNOWN, KW_GENERATIONS_PENDING (nothing added) */
KW_MUST_CHECK int kw_generations_add(struct kw_generations *in, const struct kw_generation *added);
void kw_generations_drop(struct kw_generations *in, const struct kw_generation *generation);

/* kw_generations_forget() - the material of one is gone (deleted, expired), and edit has them so: its key
 * waits for an import, unless that material only waited for a rotation. `in` must outlive the use of edit. */
void kw_generations_forget(struct kw_generations *in, uint32_t index, struct kw_kms_key *edit);

/* Lets edit have them; `in` must outlive its use. */
void kw_generations_put(const struct kw_generations *in, struct kw_kms_key *edit);

#endif
