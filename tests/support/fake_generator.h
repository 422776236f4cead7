/* fake_generator - a generator whose pairs cost what a test says and fail when a test says.
 *
 * A pair is the running number of its search, eight bytes, as public and as private key. Included once by
 * each test that needs it; the settings are atomics, so that a test may change them while workers run.
 */
#ifndef KW_TESTS_SUPPORT_FAKE_GENERATOR_H
#define KW_TESTS_SUPPORT_FAKE_GENERATOR_H

#include "engine/generator.h"

#include <stdatomic.h>
#include <stdlib.h>

struct fake_settings {
    _Atomic uint64_t cost_ns;   /* work per pair, or for pairs that are made together */
    _Atomic unsigned together;  /* how many are; 0: one; when new is called */
    _Atomic int new_result;     /* what new returns, if not 0 */
    _Atomic unsigned fail;      /* this many runs fail */
    _Atomic int fatal;          /* what run returns, if not 0 */
    _Atomic unsigned alive;     /* generators that exist */
    _Atomic unsigned searches;  /* begun */
    _Atomic unsigned abandoned; /* half done when freed */
    _Atomic unsigned runs;
};
static struct fake_settings fake[KW_SPEC_NUM];

struct fake_generator {
    struct kw_generator base;
    enum kw_spec spec;
    uint64_t number; /* of the search that is half done; 0: none */
    uint64_t left_ns;
};

static bool fake_supports(enum kw_spec spec, enum kw_cpu_path path)
{
    (void)spec;
    (void)path;
    return true;
}

static const struct kw_generator_ops fake_ops;

static int fake_new(struct kw_generator **ret, enum kw_spec spec, struct kw_rng *rng)
{
    struct fake_generator *generator;

    (void)rng;
    if (fake[spec].new_result != 0)
        return fake[spec].new_result;
    generator = calloc(1, sizeof(*generator));
    kw_assert(generator != NULL);
    generator->base.ops = &fake_ops;
    generator->base.together = fake[spec].together;
    generator->spec = spec;
    fake[spec].alive++;
    *ret = &generator->base;
    return 0;
}

/* Works, that is, keeps the core busy, until the time given or the work left is over. */
static void fake_work(struct fake_generator *generator, uint64_t deadline_ns)
{
    uint64_t begun_ns = kw_now_ns(), now_ns = begun_ns;
    uint64_t end_ns = KW_MIN(deadline_ns, begun_ns + generator->left_ns);

    while (now_ns < end_ns)
        now_ns = kw_now_ns();
    generator->left_ns -= KW_MIN(generator->left_ns, now_ns - begun_ns);
}

static int fake_run(struct kw_generator *base, uint64_t deadline_ns, struct kw_slot *slot)
{
    struct fake_generator *generator = KW_CONTAINER_OF(base, struct fake_generator, base);
    struct fake_settings *settings = &fake[generator->spec];

    settings->runs++;
    if (settings->fatal != 0)
        return settings->fatal;
    if (settings->fail > 0) {
        settings->fail--;
        generator->number = 0;
        return KW_GENERATOR_FAILED;
    }
    if (generator->number == 0) {
        generator->number = ++settings->searches;
        bool first = (generator->number - 1) % KW_MAX(settings->together, 1u) == 0;
        generator->left_ns = first ? settings->cost_ns : 0;
    }
    fake_work(generator, deadline_ns);
    if (generator->left_ns > 0)
        return KW_GENERATOR_AGAIN;
    memcpy(slot->public_der, &generator->number, sizeof(generator->number));
    memcpy(slot->private_der, &generator->number, sizeof(generator->number));
    slot->public_len = slot->private_len = sizeof(generator->number);
    generator->number = 0;
    return 0;
}

static void fake_free(struct kw_generator *base)
{
    struct fake_generator *generator = KW_CONTAINER_OF(base, struct fake_generator, base);

    fake[generator->spec].abandoned += generator->number != 0;
    fake[generator->spec].alive--;
    free(generator);
}

static const struct kw_generator_ops fake_ops = {
    .name = "fake",
    .supports = fake_supports,
    .new = fake_new,
    .run = fake_run,
    .free = fake_free,
};

#endif
