/* ec_parts - what the parts of making a pair on a curve cost, each by itself, on batches as long as our
 * generator's.
 *
 * The part that derives is also a measure of its own: public keys from secrets that are there, as points,
 * without a test and without an encoding, is what vector libraries give. One owner thread, with the memory
 * and the random source of a worker.
 */
#ifndef KW_BENCH_EC_PARTS_H
#define KW_BENCH_EC_PARTS_H

#include "bench/turns.h"
#include "engine/cpu.h"
#include "pool/spec.h"

enum kw_ec_part {
    KW_EC_PART_DRAWING,  /* secrets */
    KW_EC_PART_DERIVING, /* points from secrets */
    KW_EC_PART_TEST,     /* multipliers, and the test of a batch that passes */
    KW_EC_PART_ENCODING, /* a pair out of a batch into a slot */
    KW_EC_PART_NUM,
};

struct kw_ec_parts;

/* "deriving", as in the JSON. */
const char *kw_ec_part_name(enum kw_ec_part part);

/* kw_ec_parts_open() - of the kernel that the path has for the spec, a curve; batch: pairs at a time.
 * Returns: 0 | <0 */
KW_MUST_CHECK int kw_ec_parts_open(
    struct kw_ec_parts **ret, enum kw_spec spec, enum kw_cpu_path path, unsigned batch);
/* NULL is fine. */
void kw_ec_parts_close(struct kw_ec_parts *parts);

/* kw_ec_parts_turn() - whole batches, each with fresh secrets, for about so many seconds. Out: ret, of each
 * part; ret_all, the pairs that went through all of them and the time of the turn. Returns: 0 | <0 */
KW_MUST_CHECK int kw_ec_parts_turn(
    struct kw_ec_parts *parts, double seconds, struct kw_turn ret[KW_EC_PART_NUM], struct kw_turn *ret_all);

#endif
