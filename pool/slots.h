/* slots - the array of equal slots of a pool, in secret memory, and in whose hands each one is.
 *
 * A slot has the public key first and the private key behind it, at private_offset. While a maker has it the
 * public part holds DER; from then on it holds the base64 of that, which is what every answer sends, so there
 * is room for the text.
 *
 * Owned by one pool, which moves the indices between threads; a slot's bytes and lengths belong to whoever
 * holds its index. The state of a slot says the same as the place of its index, and every step swaps it and
 * asserts the one before: a slot given back twice, published twice or popped twice aborts instead of handing
 * a key out twice.
 */
#ifndef KW_POOL_SLOTS_H
#define KW_POOL_SLOTS_H

#include "pool/bytes.h"
#include "pool/secmem.h"
#include "pool/spec.h"

#include <stdatomic.h>

enum kw_slot_state {
    KW_SLOT_FREE, /* all zero */
    KW_SLOT_MAKER,
    KW_SLOT_READY,
    KW_SLOT_TAKER,
};

/* What is known of a slot beside its bytes; not secret. */
struct kw_slot_info {
    _Atomic uint32_t state; /* enum kw_slot_state */
    uint16_t public_len;    /* of the text */
    uint16_t private_len;
};

struct kw_slots {
    uint32_t num;
    uint32_t size;           /* bytes of one slot, whole cache lines: neighbours are in different hands */
    uint32_t private_offset; /* of the private key in its slot */
    uint8_t *memory;         /* = map.ptr, num * size bytes */
    struct kw_secmem_map map;
    struct kw_slot_info *infos;
};

/* kw_slots_init() - makes num free slots, each with room for the largest pair of spec. Returns: 0 | -ENOMEM
 */
KW_MUST_CHECK int kw_slots_init(struct kw_slots *slots, enum kw_spec spec, uint32_t num);
/* Wipes and frees; asserts that no slot is in a maker's or a taker's hands. Zeroed slots are fine. */
void kw_slots_done(struct kw_slots *slots);

/* What num slots would take in all, in bytes. */
size_t kw_slots_bytes_of(enum kw_spec spec, size_t num);
/* What they take in all, in bytes: slots and what is known of them. */
size_t kw_slots_bytes(const struct kw_slots *slots);

/* Turns the len bytes of DER in the public part into their base64. Only for whoever holds the slot. */
void kw_slots_encode_public(struct kw_slots *slots, uint32_t index, size_t len);
/* Moves a slot on and asserts where it came from. */
void kw_slots_turn(struct kw_slots *slots, uint32_t index, enum kw_slot_state from, enum kw_slot_state to);
/* Asks the caches for the slot's bytes. Whoever holds it or not: a hint. */
void kw_slots_prefetch(const struct kw_slots *slots, uint32_t index);
/* Zeroes the whole slot, not only the lengths' worth: a maker may have written more than it says. */
void kw_slots_wipe(struct kw_slots *slots, uint32_t index);

static inline uint8_t *kw_slots_public(const struct kw_slots *slots, uint32_t index)
{
    return slots->memory + (size_t)index * slots->size;
}

static inline uint8_t *kw_slots_private(const struct kw_slots *slots, uint32_t index)
{
    return kw_slots_public(slots, index) + slots->private_offset;
}

#endif
