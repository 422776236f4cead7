#include "engine/ec/generator_ec.h"

#include "pool/secmem.h"

struct ec_generator {
    struct kw_generator generator;
    const struct kw_ec_kernel *kernel;
    struct kw_ec_batch *batch;
};

static struct ec_generator *self_of(struct kw_generator *generator)
{
    return KW_CONTAINER_OF(generator, struct ec_generator, generator);
}

/* ---- run ---- */

/* More than any step uses: what a library, or a compiler that ran out of registers, leaves of a secret on the
 * worker's stack. */
#define STACK_BYTES (32u * 1024u)

static __attribute__((noinline)) void forget_stack(void)
{
    uint8_t below[STACK_BYTES];

    kw_erase(below, sizeof(below));
}

/* Returns: 0 pairs can be taken | KW_GENERATOR_AGAIN | <0 fatal */
static int make_batch(struct kw_ec_batch *batch, uint64_t deadline_ns)
{
    bool ready = false;
    int r;

    do {
        r = kw_ec_batch_step(batch, &ready);
    } while (r == 0 && !ready && kw_now_ns() < deadline_ns);
    forget_stack();
    return r < 0 ? r : ready ? 0 : KW_GENERATOR_AGAIN;
}

static int ec_run(struct kw_generator *generator, uint64_t deadline_ns, struct kw_slot *slot)
{
    struct ec_generator *self = self_of(generator);
    int r;

    /* In a forked child there is nothing left behind the pointer, and the same random numbers must not come
     * twice. */
    if (!kw_secmem_alive())
        return -EPERM;
    while ((r = kw_ec_batch_take(self->batch, slot)) == KW_EC_BATCH_EMPTY) {
        r = make_batch(self->batch, deadline_ns);
        if (r != 0)
            return r;
    }
    return r == KW_EC_BATCH_FAILED ? KW_GENERATOR_FAILED : 0;
}

/* ---- set up and tear down ---- */

static void ec_free(struct kw_generator *generator)
{
    if (generator == NULL || !kw_secmem_alive())
        return;
    struct ec_generator *self = self_of(generator);
    kw_ec_batch_free(self->batch);
    kw_secmem_free(self);
    forget_stack();
}

static void ec_freep(struct ec_generator **self)
{
    if (*self != NULL)
        ec_free(&(*self)->generator);
}

static enum kw_cpu_path path_of(const struct kw_generator_ops *ops)
{
    return ops == &kw_generator_ec_avx512ifma ? KW_CPU_AVX512IFMA : KW_CPU_PORTABLE;
}

int kw_generator_ec_new(struct kw_generator **ret, const struct kw_generator_ops *ops,
    const struct kw_ec_kernel *kernel, unsigned batch, struct kw_rng *rng)
{
    KW_CLEANUP(ec_freep) struct ec_generator *self = kw_secmem_alloc(sizeof(*self));

    if (self == NULL)
        return -ENOMEM;
    self->generator.ops = ops;
    self->kernel = kernel;
    self->generator.together = batch;
    KW_TRY(kw_ec_batch_new(&self->batch, kernel, kw_curve_of(kernel->spec), batch, rng));
    *ret = &self->generator;
    self = NULL;
    return 0;
}

static int new_of(
    struct kw_generator **ret, const struct kw_generator_ops *ops, enum kw_spec spec, struct kw_rng *rng)
{
    const struct kw_ec_kernel *kernel = kw_ec_kernel_choose(path_of(ops), spec);

    return kw_generator_ec_new(ret, ops, kernel, kernel->batch, rng);
}

/* ---- the two paths ---- */

static bool avx512ifma_supports(enum kw_spec spec, enum kw_cpu_path path)
{
    return path == KW_CPU_AVX512IFMA && kw_curve_of(spec) != NULL &&
           kw_ec_kernel_choose(path, spec)->path == path;
}

static int avx512ifma_new(struct kw_generator **ret, enum kw_spec spec, struct kw_rng *rng)
{
    return new_of(ret, &kw_generator_ec_avx512ifma, spec, rng);
}

static bool portable_supports(enum kw_spec spec, enum kw_cpu_path path)
{
    (void)path;
    return kw_curve_of(spec) != NULL;
}

static int portable_new(struct kw_generator **ret, enum kw_spec spec, struct kw_rng *rng)
{
    return new_of(ret, &kw_generator_ec_portable, spec, rng);
}

const struct kw_generator_ops kw_generator_ec_avx512ifma = {
    .name = "ec-avx512ifma",
    .supports = avx512ifma_supports,
    .new = avx512ifma_new,
    .run = ec_run,
    .free = ec_free,
};

const struct kw_generator_ops kw_generator_ec_portable = {
    .name = "ec-portable",
    .supports = portable_supports,
    .new = portable_new,
    .run = ec_run,
    .free = ec_free,
};

/* ---- for benchmarks and tests ---- */

static void assert_ours(const struct kw_generator *generator)
{
    kw_assert(generator->ops == &kw_generator_ec_avx512ifma || generator->ops == &kw_generator_ec_portable);
}

void kw_generator_ec_plan(const struct kw_generator *generator, struct kw_ec_plan *ret)
{
    assert_ours(generator);
    const struct ec_generator *self = (const struct ec_generator *)(const void *)generator;

    *ret = (struct kw_ec_plan){
        .kernel = self->kernel->name, .lanes = self->kernel->lanes, .batch = self->generator.together};
}

struct kw_ec_batch *kw_generator_ec_batch(struct kw_generator *generator)
{
    assert_ours(generator);
    return self_of(generator)->batch;
}
