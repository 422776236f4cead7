/* batch - key pairs of one curve that are made, tested and handed out together.
 *
 * It goes round: draw, derive, test, then take pairs until none is left. One owner thread; all of it is
 * secret memory, allocated by new. A pair leaves it only after its pairwise consistency test (FIPS 140-3
 * IG 10.3.A; FIPS 186-5 sections 6.2.1 and 7.3), which is of the very bytes that are handed out.
 */
#ifndef KW_ENGINE_EC_BATCH_H
#define KW_ENGINE_EC_BATCH_H

#include "engine/ec/kernel.h"
#include "engine/rng.h"
#include "pool/pool.h"

enum {
    KW_EC_BATCH_EMPTY = 1,  /* take: none is left */
    KW_EC_BATCH_FAILED = 2, /* take: this pair failed its test; it is wiped */
};

/* Of one batch at most so many failures are told of, and they come before the pairs that passed: health sees
 * them at once, whether or not anybody wants pairs; and what spoils a whole batch is one event, not a
 * thousand, each of which would have its maker pause. The others are dropped without a word. */
#define KW_EC_FAILURES_MAX 4u

struct kw_ec_batch;

/* kw_ec_batch_new() - num pairs at a time, up to KW_EC_BATCH_MAX. kernel and rng are borrowed.
 * Returns: 0 | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_ec_batch_new(struct kw_ec_batch **ret, const struct kw_ec_kernel *kernel,
    const struct kw_curve *curve, unsigned num, struct kw_rng *rng);
/* Wipes and frees; NULL is fine. */
void kw_ec_batch_free(struct kw_ec_batch *batch);

/* kw_ec_batch_step() - the next step: draws, derives, or tests, as far as one call of the kernel goes; false
 * in ret_ready until pairs can be taken. A failed test is followed by tests of halves of what failed, until
 * the pairs that do not belong together are known; halves go with the multipliers of the whole. Where both
 * halves of what failed pass, no pair of it is handed out. Fault hook (test builds): KW_FAULT_PCT, one use
 * for each pair, flips a bit of the secret. After an error all pairs are gone, and the next step makes
 * others. Returns: 0 | <0 fatal */
KW_MUST_CHECK int kw_ec_batch_step(struct kw_ec_batch *batch, bool *ret_ready);

/* kw_ec_batch_take() - writes the next pair as DER and forgets it. slot has the room of the curve's spec.
 * Pairs that failed come first. Returns: 0 | KW_EC_BATCH_EMPTY (slot untouched) | KW_EC_BATCH_FAILED (slot
 * wiped) */
KW_MUST_CHECK int kw_ec_batch_take(struct kw_ec_batch *batch, struct kw_slot *slot);

/* What is in hand, for tests: secrets and points of num pairs, of which those before next were taken and are
 * zeros. */
struct kw_ec_pairs {
    unsigned num;
    unsigned next;
    uint8_t *secrets;
    uint8_t *points;
};
void kw_ec_batch_pairs(const struct kw_ec_batch *batch, struct kw_ec_pairs *ret);
/* For benchmarks: leaves out the pairwise test from now on. Never in an engine. */
void kw_ec_batch_skip_test(struct kw_ec_batch *batch);

#endif
