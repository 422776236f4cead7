/* A batch of pairs on each curve, made on one path from random numbers that are undefined: what becomes
 * public on the way is what the sources declassify, and nothing else. In the end the public keys must be
 * public and the private ones must not.
 */
#include "engine/ctime.h"
#include "engine/ec/generator_ec.h"
#include "tests/ctime/forbidden.h"
#include "tests/ctime/stand_ins.h"

/* Not whole groups of lanes. */
enum { SKIP = 77, ROOM = 512, BATCH = 13 };

static uint8_t public_der[ROOM], private_der[ROOM];
static struct kw_slot slot = {.public_der = public_der, .private_der = private_der};

static int fail(enum kw_spec spec, const char *what)
{
    printf("%s: %s\n", kw_spec_info(spec)->name, what);
    return 1;
}

static int judge(enum kw_spec spec)
{
    if (kw_ctime_is_secret(public_der, slot.public_len))
        return fail(spec, "the public key is secret");
    if (!kw_ctime_is_secret(private_der, slot.private_len))
        return fail(spec, "the checker has lost the private key");
    return 0;
}

static struct kw_generator *generator_new(enum kw_cpu_path path, enum kw_spec spec)
{
    const struct kw_generator_ops *ops =
        path == KW_CPU_AVX512IFMA ? &kw_generator_ec_avx512ifma : &kw_generator_ec_portable;
    struct kw_generator *generator = NULL;

    if (kw_generator_ec_new(&generator, ops, kw_ec_kernel_choose(path, spec), BATCH, stand_in_rng()) != 0)
        return NULL;
    return generator;
}

/* The last pair of the batch is left in the slot. */
static int make(enum kw_cpu_path path, enum kw_spec spec)
{
    struct kw_generator *generator = generator_new(path, spec);
    int r = generator == NULL;

    for (unsigned i = 0; i < BATCH && r == 0; i++) {
        r = generator->ops->run(generator, UINT64_MAX, &slot) != 0;
        r = r != 0 ? fail(spec, "no pair was made") : judge(spec);
    }
    if (generator != NULL)
        generator->ops->free(generator);
    return r;
}

static int make_all(enum kw_cpu_path path)
{
    int r = 0;

    for (enum kw_spec spec = 0; spec < KW_SPEC_NUM && r == 0; spec++)
        if (kw_curve_of(spec) != NULL)
            r = make(path, spec);
    return r;
}

static int run_forbidden(enum kw_cpu_path path, const char *what)
{
    size_t at = 0;

    if (make(path, KW_SPEC_ECC_NIST_P256) != 0)
        return 0;
    while (at < slot.private_len && !kw_ctime_is_secret(&private_der[at], 1))
        at++;
    forbidden_do(what, &private_der[at]);
    return 0;
}

int main(int argc, char **argv)
{
    enum kw_cpu_path path;

    if (argc < 2 || !stand_in_path(argv[1], &path))
        return SKIP;
    return argc > 2 ? run_forbidden(path, argv[2]) : make_all(path);
}
