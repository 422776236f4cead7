/* generator_rig - one RSA generator under test, run into places of the test's own. */
#ifndef KW_TESTS_SUPPORT_GENERATOR_RIG_H
#define KW_TESTS_SUPPORT_GENERATOR_RIG_H

#include "tests/support/pairs.h"
#include "tests/support/rsa_rig.h"

#define NO_DEADLINE UINT64_MAX

static struct rig rig;

static inline struct place *fresh(struct place *place)
{
    place_init(place);
    return place;
}

static inline int run(struct place *place, uint64_t deadline_ns)
{
    return rig.generator->ops->run(rig.generator, deadline_ns, &place->slot);
}

/* One unit of work. */
static inline int unit(struct place *place)
{
    return run(place, 0);
}

static inline void make_pair(struct place *place)
{
    place_init(place);
    ck_assert_int_eq(run(place, NO_DEADLINE), 0);
}

#endif
