/* side_keywell - our generators as a worker uses them: one thread, its own arena and random source, a slot of
 * secret memory to write into. */
#include "bench/side.h"
#include "engine/crypto.h"
#include "engine/ec/generator_ec.h"
#include "engine/rng.h"
#include "pool/secmem.h"

/* As much as a worker's. */
#define ARENA_BYTES (4u * 1024u * 1024u)

struct keywell {
    struct kw_rng *rng;
    struct kw_generator *generator;
    struct kw_slot slot;
};

static bool supports(enum kw_spec spec)
{
    return (unsigned)spec < KW_SPEC_NUM;
}

static bool supports_curves(enum kw_spec spec)
{
    return supports(spec) && kw_spec_info(spec)->kind != KW_KIND_RSA;
}

static void keywell_close(void *state)
{
    struct keywell *self = state;

    if (self == NULL)
        return;
    if (self->generator != NULL)
        self->generator->ops->free(self->generator);
    kw_rng_free(self->rng);
    kw_secmem_free(self->slot.public_der);
    kw_secmem_free(self->slot.private_der);
    kw_secmem_free(self);
}

static void keywell_closep(struct keywell **self)
{
    keywell_close(*self);
}

static int keywell_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    const struct kw_spec_info *info = kw_spec_info(spec);

    KW_TRY(kw_crypto_init());
    KW_TRY(kw_secmem_thread_init(ARENA_BYTES));
    KW_CLEANUP(keywell_closep) struct keywell *self = kw_secmem_alloc(sizeof(*self));
    if (self == NULL)
        return -ENOMEM;
    self->slot.public_der = kw_secmem_alloc(info->public_max);
    self->slot.private_der = kw_secmem_alloc(info->private_max);
    if (self->slot.public_der == NULL || self->slot.private_der == NULL)
        return -ENOMEM;
    KW_TRY(kw_rng_new(&self->rng));
    KW_TRY(kw_generator_choose(spec, path)->new (&self->generator, spec, self->rng));
    *ret = self;
    self = NULL;
    return 0;
}

static int portable_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    (void)path;
    return keywell_open(ret, spec, KW_CPU_PORTABLE);
}

static int untested_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    void *state = NULL;

    KW_TRY(keywell_open(&state, spec, path));
    kw_ec_batch_skip_test(kw_generator_ec_batch(kw_side_keywell_generator(state)));
    *ret = state;
    return 0;
}

static int keywell_make(void *state, uint64_t deadline_ns)
{
    struct keywell *self = state;
    int r = self->generator->ops->run(self->generator, deadline_ns, &self->slot);

    KW_TRY(r);
    if (r == KW_GENERATOR_AGAIN)
        return KW_SIDE_AGAIN;
    if (r == KW_GENERATOR_FAILED)
        return KW_SIDE_FAILED;
    kw_assert(self->slot.public_len > 0 && self->slot.private_len > 0);
    return 0;
}

struct kw_generator *kw_side_keywell_generator(void *state)
{
    return ((struct keywell *)state)->generator;
}

/* It is the one of this tree. */
static const char *keywell_version(void)
{
    return "";
}

const struct kw_side kw_side_keywell = {
    .name = "keywell",
    .title = "keywell",
    .note = "each pair tested and encoded",
    .supports = supports,
    .open = keywell_open,
    .make = keywell_make,
    .close = keywell_close,
    .version = keywell_version,
};

const struct kw_side kw_side_keywell_portable = {
    .name = "keywell-portable",
    .title = "keywell, portable path",
    .note = "each pair tested and encoded",
    .supports = supports,
    .open = portable_open,
    .make = keywell_make,
    .close = keywell_close,
    .version = keywell_version,
};

const struct kw_side kw_side_keywell_untested = {
    .name = "keywell-untested",
    .title = "keywell, not tested",
    .note = "each pair encoded",
    .supports = supports_curves,
    .open = untested_open,
    .make = keywell_make,
    .close = keywell_close,
    .version = keywell_version,
};
