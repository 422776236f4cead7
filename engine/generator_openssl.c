#include "engine/generator_openssl.h"

#include "engine/pct.h"
#include "engine/rng.h"
#include "pool/secmem.h"

#include <openssl/err.h>

struct openssl_generator {
    struct kw_generator generator;
    enum kw_spec spec;
    const struct kw_openssl_kind *kind;
    struct kw_fiber *fiber;
    struct kw_pct *pct;
    EVP_PKEY_CTX *keygen;
    bool abandoned;       /* the fiber is to come to its end now */
    uint64_t deadline_ns; /* of this run */
    struct kw_slot *slot; /* of this run */
    int result;           /* of the pair that ended last */
};

static bool openssl_supports(enum kw_spec spec, enum kw_cpu_path path)
{
    (void)path;
    return (unsigned)spec < KW_SPEC_NUM;
}

static const struct kw_openssl_kind *kind_of(enum kw_spec spec)
{
    switch (kw_spec_info(spec)->kind) {
    case KW_KIND_RSA:
        return &kw_openssl_rsa;
    case KW_KIND_EC:
        return &kw_openssl_ec;
    default:
        return &kw_openssl_ed25519;
    }
}

static void leave_if_due(struct openssl_generator *self)
{
    if (!self->abandoned && kw_now_ns() >= self->deadline_ns)
        kw_fiber_leave(self->fiber);
}

/* OpenSSL calls this on the fiber for each candidate for a prime and each round of a test. It stops when told
 * to by the calls between trial division and the first round; the others' results it ignores. */
static int on_progress(EVP_PKEY_CTX *ctx)
{
    struct openssl_generator *self = EVP_PKEY_CTX_get_app_data(ctx);

    leave_if_due(self);
    return !self->abandoned;
}

static int make_pair(struct openssl_generator *self)
{
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = NULL;

    KW_SSL(EVP_PKEY_keygen(self->keygen, &pkey));
    /* The test of a large RSA key takes a slice of its own. */
    leave_if_due(self);
    if (self->abandoned)
        return KW_GENERATOR_AGAIN;
    int result = kw_pct_run(self->pct, pkey);
    if (result != 0)
        return result;
    return self->kind->write(pkey, self->spec, self->slot);
}

static void run_on_fiber(void *arg)
{
    struct openssl_generator *self = arg;
    self->result = make_pair(self);
}

static int openssl_run(struct kw_generator *generator, uint64_t deadline_ns, struct kw_slot *slot)
{
    struct openssl_generator *self = KW_CONTAINER_OF(generator, struct openssl_generator, generator);

    /* In a forked child there is nothing left behind the pointer, and the same random numbers must not come
     * twice. */
    if (!kw_secmem_alive())
        return -EPERM;
    self->deadline_ns = deadline_ns;
    self->slot = slot;
    bool ended = kw_fiber_enter(self->fiber, run_on_fiber, self);
    self->slot = NULL;
    if (!ended)
        return KW_GENERATOR_AGAIN;
    if (self->result == 0)
        return 0;
    ERR_clear_error();
    kw_generator_wipe_slot(self->spec, slot);
    return KW_GENERATOR_FAILED;
}

/* OpenSSL frees what a search holds only when the search itself returns: it is told to fail, and run to that
 * end. */
static void abandon(struct openssl_generator *self)
{
    self->abandoned = true;
    if (!kw_fiber_suspended(self->fiber))
        return;
    kw_assert(kw_fiber_enter(self->fiber, run_on_fiber, self));
    ERR_clear_error();
}

static void openssl_free(struct kw_generator *generator)
{
    if (generator == NULL || !kw_secmem_alive())
        return;
    struct openssl_generator *self = KW_CONTAINER_OF(generator, struct openssl_generator, generator);
    if (self->fiber != NULL)
        abandon(self);
    kw_fiber_free(self->fiber);
    EVP_PKEY_CTX_free(self->keygen);
    kw_pct_free(self->pct);
    kw_secmem_free(self);
}

static void openssl_freep(struct openssl_generator **self)
{
    if (*self != NULL)
        openssl_free(&(*self)->generator);
}

static int openssl_new(struct kw_generator **ret, enum kw_spec spec, struct kw_rng *rng)
{
    KW_CLEANUP(openssl_freep) struct openssl_generator *self = kw_secmem_alloc(sizeof(*self));

    if (self == NULL)
        return -ENOMEM;
    self->generator.ops = &kw_generator_openssl;
    self->spec = spec;
    self->kind = kind_of(spec);
    KW_TRY(kw_fiber_new(&self->fiber, self->kind->stack_bytes));
    KW_TRY(kw_pct_new(&self->pct, spec, rng));
    KW_TRY(self->kind->context(kw_rng_libctx(rng), spec, &self->keygen));
    EVP_PKEY_CTX_set_app_data(self->keygen, self);
    EVP_PKEY_CTX_set_cb(self->keygen, on_progress);

    *ret = &self->generator;
    self = NULL;
    return 0;
}

const struct kw_fiber *kw_generator_openssl_fiber(struct kw_generator *generator)
{
    kw_assert(generator->ops == &kw_generator_openssl);
    return KW_CONTAINER_OF(generator, struct openssl_generator, generator)->fiber;
}

const struct kw_generator_ops kw_generator_openssl = {
    .name = "openssl",
    .supports = openssl_supports,
    .new = openssl_new,
    .run = openssl_run,
    .free = openssl_free,
};
