/* survivors - takes the members that a sieve left in a window out of its map, in order and in fixed time: how
 * many there are becomes known, where they are does not.
 */
#ifndef KW_ENGINE_RSA_SURVIVORS_H
#define KW_ENGINE_RSA_SURVIVORS_H

#include "engine/rsa/sieve.h"
#include "engine/words.h"

/* kw_survivors_take() - the index of the first bit that is set in the map, which is cleared; KW_SIEVE_WINDOW
 * if none is. */
static inline uint64_t kw_survivors_take(uint64_t map[KW_SIEVE_WINDOW_WORDS])
{
    uint64_t index = KW_SIEVE_WINDOW, before = 0; /* before: mask, a word below has a bit */

    for (uint64_t i = 0; i < KW_SIEVE_WINDOW_WORDS; i++) {
        uint64_t here = ~kw_mask_zero(map[i]) & ~before;
        uint64_t lowest = map[i] & (0 - map[i]);
        index = kw_mask_select(here, 64 * i + kw_words_bits(&lowest, 1) - 1, index);
        map[i] ^= lowest & here;
        before |= here;
    }
    return index;
}

#endif
