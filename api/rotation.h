/* rotation - gives a KMS key its next key material: the step that RotateKeyOnDemand and automatic rotation
 * have in common, on the keystore's thread.
 */
#ifndef KW_API_ROTATION_H
#define KW_API_ROTATION_H

#include "api/tx.h"

/* Of a key whose period was never set. */
#define KW_ROTATION_DAYS_DEFAULT 365u

enum {
    KW_ROTATION_NOT_READY = 21, /* imported material: none waits for rotation here, or in a related key */
    KW_ROTATION_FULL = 22,      /* the key has KW_GENERATIONS_MAX generations */
};

/* kw_rotate() - makes the next generation current. A key whose material is made here gets `material` (a
 * reference is taken) as a new generation; of one with imported material (material NULL) the generation that
 * waits becomes current. The related keys of a multi-Region key get the same. An automatic rotation also sets
 * the date of the next one, a period after this one was due, or after now if that has passed too; one on
 * demand is counted and leaves the date alone. States are the caller's to check.
 * In: key, borrowed, of tx->snapshot; it may be gone afterwards, its successor is in tx->snapshot
 * Returns: 0 | KW_ROTATION_NOT_READY, KW_ROTATION_FULL (nothing written) | <0, to be forwarded */
KW_MUST_CHECK int kw_rotate(struct kw_tx *tx, const struct kw_kms_key *key,
    const struct kw_material *material, enum kw_rotation_type type, int64_t now_ms);

/* The generation of imported material that the next rotation makes current: the index, or num_generations if
 * none waits (or its material has gone). */
uint32_t kw_rotation_pending(const struct kw_kms_key *key);
/* The date of the automatic rotation that follows one which was due at due_ms (0: at once) and is done now.
 */
int64_t kw_rotation_next_ms(uint32_t days, int64_t due_ms, int64_t now_ms);

/* Is all material here that the key is bound to, so that it can be used? Not if imported material was deleted
 * or has expired, be it of an earlier generation; one that waits for rotation does not count. */
KW_MUST_CHECK bool kw_rotation_material_complete(const struct kw_kms_key *key);

#endif
