#include "engine/rsa/generator_rsa.h"

#include "engine/rsa/parts.h"
#include "pool/secmem.h"

/* Bounds at which a deeper sieve costs about what it saves in tests, as measured on one CPU (Zen 4). */
static const struct kw_rsa_setup setups[] = {
    {KW_CPU_AVX512IFMA, KW_SPEC_RSA_2048, 1u << 19, KW_SIEVE_GROUP},
    {KW_CPU_AVX512IFMA, KW_SPEC_RSA_3072, 1u << 20, KW_SIEVE_GROUP},
    {KW_CPU_AVX512IFMA, KW_SPEC_RSA_4096, 1u << 21, KW_SIEVE_GROUP},
    {KW_CPU_PORTABLE, KW_SPEC_RSA_2048, 1u << 18, 1},
    {KW_CPU_PORTABLE, KW_SPEC_RSA_3072, 1u << 19, 1},
    {KW_CPU_PORTABLE, KW_SPEC_RSA_4096, 1u << 20, 1},
};

struct rsa_generator {
    struct kw_generator generator;
    struct kw_rsa_kit kit;
    struct kw_rsa_parts parts;
};

static struct rsa_generator *self_of(struct kw_generator *generator)
{
    return KW_CONTAINER_OF(generator, struct rsa_generator, generator);
}

static const struct kw_rsa_setup *setup_of(enum kw_cpu_path path, enum kw_spec spec)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(setups); i++)
        if (setups[i].path == path && setups[i].spec == spec)
            return &setups[i];
    return NULL;
}

/* ---- one unit of work ---- */

/* A.1.6 step 6 for the two primes that have waited longest. A q that is too near to p is thrown away, and the
 * next prime is q: back to step 5. Where no fit d comes of them, both are (A.1.1 (3)). */
static int pair_up(struct rsa_generator *self)
{
    struct kw_rsa_parts *parts = &self->parts;
    const struct kw_search *p = parts->primes.item[0], *q = parts->primes.item[1];
    uint64_t distant = kw_rsa_key_distant(p->candidate, q->candidate, self->kit.nlen) &
                       kw_rsa_key_distant(p->progression.x, q->progression.x, self->kit.nlen);
    kw_declassify(&distant, sizeof(distant)); /* primes that are too near are thrown away */

    if (distant != 0)
        KW_TRY(kw_consistency_add(parts->consistency, p->candidate, q->candidate));
    kw_finder_release(parts->finder, kw_search_queue_take(&parts->primes, 1));
    if (distant != 0)
        kw_finder_release(parts->finder, kw_search_queue_pop(&parts->primes));
    return 0;
}

static int run_rounds(struct rsa_generator *self)
{
    struct kw_rsa_parts *parts = &self->parts;
    struct kw_search *search = NULL;
    int r;

    KW_TRY(kw_rounds_batch(parts->rounds));
    while ((r = kw_rounds_take(parts->rounds, &search)) != KW_ROUNDS_NONE) {
        if (r == KW_ROUNDS_COMPOSITE) {
            kw_finder_resume(parts->finder, search);
        } else {
            kw_search_queue_push(&parts->primes, search);
            self->kit.stats.primes++;
        }
    }
    return 0;
}

/* What is furthest along goes first, so that no queue grows. Returns: as run */
static int work(struct rsa_generator *self, struct kw_slot *slot)
{
    struct kw_rsa_parts *parts = &self->parts;
    unsigned lanes = self->kit.kernel->lanes;
    int r;

    if (kw_consistency_signed(parts->consistency))
        return kw_consistency_finish(parts->consistency, slot);
    if (kw_consistency_jobs(parts->consistency) >= lanes)
        r = kw_consistency_sign(parts->consistency);
    else if (parts->primes.num >= 2)
        r = pair_up(self);
    else if (kw_rounds_jobs(parts->rounds) >= lanes)
        r = run_rounds(self);
    else
        r = kw_finder_work(parts->finder, &parts->rounds->queue);
    return r < 0 ? r : KW_GENERATOR_AGAIN;
}

/* More than any unit of work uses: what a version of OpenSSL, or a compiler that ran out of registers, leaves
 * of a secret on the worker's stack. */
#define STACK_BYTES (32u * 1024u)

static __attribute__((noinline)) void forget_stack(void)
{
    uint8_t below[STACK_BYTES];

    kw_erase(below, sizeof(below));
}

static int rsa_run(struct kw_generator *generator, uint64_t deadline_ns, struct kw_slot *slot)
{
    struct rsa_generator *self = self_of(generator);
    int r;

    /* In a forked child there is nothing left behind the pointer, and the same random numbers must not come
     * twice. */
    if (!kw_secmem_alive())
        return -EPERM;
    do {
        r = work(self, slot);
    } while (r == KW_GENERATOR_AGAIN && kw_now_ns() < deadline_ns);
    forget_stack();
    return r;
}

/* ---- set up and tear down ---- */

static void rsa_free(struct kw_generator *generator)
{
    if (generator == NULL || !kw_secmem_alive())
        return;
    struct rsa_generator *self = self_of(generator);
    kw_consistency_free(self->parts.consistency);
    kw_rounds_free(self->parts.rounds);
    kw_finder_free(self->parts.finder);
    if (self->kit.kernel != NULL)
        self->kit.kernel->scratch_free(self->kit.scratch);
    kw_secmem_free(self);
}

static void rsa_freep(struct rsa_generator **self)
{
    if (*self != NULL)
        rsa_free(&(*self)->generator);
}

static int kit_init(struct kw_rsa_kit *kit, const struct kw_rsa_setup *setup, struct kw_rng *rng)
{
    kit->setup = setup;
    kit->nlen = kw_spec_info(setup->spec)->bits;
    kit->bits = kit->nlen / 2;
    kit->num = KW_WORDS_OF_BITS(kit->bits);
    kit->rounds = kw_primality_rounds_of(kit->nlen);
    kit->rng = rng;
    kit->kernel = kw_kernel_choose(setup->path, kit->bits);
    kw_assert(kit->kernel != NULL && kit->kernel->lanes <= KW_LANES_MAX);
    return kit->kernel->scratch_new(&kit->scratch, kit->kernel, kw_rng_libctx(rng));
}

static int rsa_new(struct kw_generator **ret, const struct kw_generator_ops *ops,
    const struct kw_rsa_setup *setup, struct kw_rng *rng)
{
    KW_CLEANUP(rsa_freep) struct rsa_generator *self = kw_secmem_alloc(sizeof(*self));

    if (self == NULL)
        return -ENOMEM;
    kw_assert(setup != NULL);
    self->generator.ops = ops;
    KW_TRY(kit_init(&self->kit, setup, rng));
    KW_TRY(kw_finder_new(&self->parts.finder, &self->kit));
    KW_TRY(kw_rounds_new(&self->parts.rounds, &self->kit));
    KW_TRY(kw_consistency_new(&self->parts.consistency, &self->kit));
    *ret = &self->generator;
    self = NULL;
    return 0;
}

/* ---- the two paths ---- */

static bool avx512ifma_supports(enum kw_spec spec, enum kw_cpu_path path)
{
    return path == KW_CPU_AVX512IFMA && setup_of(KW_CPU_AVX512IFMA, spec) != NULL;
}

static int avx512ifma_new(struct kw_generator **ret, enum kw_spec spec, struct kw_rng *rng)
{
    return rsa_new(ret, &kw_generator_rsa_avx512ifma, setup_of(KW_CPU_AVX512IFMA, spec), rng);
}

static bool portable_supports(enum kw_spec spec, enum kw_cpu_path path)
{
    (void)path;
    return setup_of(KW_CPU_PORTABLE, spec) != NULL;
}

static int portable_new(struct kw_generator **ret, enum kw_spec spec, struct kw_rng *rng)
{
    return rsa_new(ret, &kw_generator_rsa_portable, setup_of(KW_CPU_PORTABLE, spec), rng);
}

const struct kw_generator_ops kw_generator_rsa_avx512ifma = {
    .name = "rsa-avx512ifma",
    .supports = avx512ifma_supports,
    .new = avx512ifma_new,
    .run = rsa_run,
    .free = rsa_free,
};

const struct kw_generator_ops kw_generator_rsa_portable = {
    .name = "rsa-portable",
    .supports = portable_supports,
    .new = portable_new,
    .run = rsa_run,
    .free = rsa_free,
};

/* ---- for benchmarks and tests ---- */

static const struct rsa_generator *const_self_of(const struct kw_generator *generator)
{
    kw_assert(generator->ops == &kw_generator_rsa_avx512ifma || generator->ops == &kw_generator_rsa_portable);
    return (const struct rsa_generator *)(const void *)generator;
}

void kw_generator_rsa_stats(const struct kw_generator *generator, struct kw_rsa_stats *ret)
{
    *ret = const_self_of(generator)->kit.stats;
}

void kw_generator_rsa_plan(const struct kw_generator *generator, struct kw_rsa_plan *ret)
{
    const struct kw_rsa_kit *kit = &const_self_of(generator)->kit;

    *ret = (struct kw_rsa_plan){
        .kernel = kit->kernel->name, .lanes = kit->kernel->lanes, .sieve_bound = kit->setup->sieve_bound};
}

struct kw_rsa_parts *kw_generator_rsa_parts(struct kw_generator *generator, struct kw_rsa_kit **ret_kit)
{
    struct rsa_generator *self = self_of(generator);

    *ret_kit = &self->kit;
    return &self->parts;
}
