/* What generators of pairs on curves leave behind: nothing, not of pairs that were handed out, nor of those
 * that failed or were given up, nor of a generator that could not be made. */
#include "engine/ec/generator_ec.h"

#include "engine/crypto.h"
#include "tests/support/process_residue.h"
#include "tests/support/sanitized.h"
#include "tests/support/slow_ec_kernel.h"
#include "tests/support/suite.h"

#include <openssl/sha.h>

/* Every kernel that this machine can run. */
static const struct kw_ec_kernel *kernels[64];
static int num_kernels;

static void collect_kernels(void)
{
    const struct kw_ec_kernel *kernel;

    for (size_t i = 0; (kernel = kw_ec_kernel_at(i)) != NULL; i++)
        if (kernel->path <= kw_cpu_detect())
            kernels[num_kernels++] = kernel;
}

static const struct kw_generator_ops *ops_of(const struct kw_ec_kernel *kernel)
{
    return kernel->path == KW_CPU_PORTABLE ? &kw_generator_ec_portable : &kw_generator_ec_avx512ifma;
}

static struct kw_rng *rng;

static struct kw_generator *generator_new(const struct kw_ec_kernel *kernel)
{
    struct kw_generator *ret = NULL;
    unsigned batch = KW_MIN(kernel->batch, 16u);

    ck_assert_int_eq(kw_generator_ec_new(&ret, ops_of(kernel), kernel, batch, rng), 0);
    return ret;
}

/* A seed's digest is as good as the seed. */
static void note_digest(struct residue *residue, const uint8_t *seed)
{
    uint8_t digest[SHA512_DIGEST_LENGTH], scalar[32];
    KW_ERASE_GUARD(digest);
    KW_ERASE_GUARD(scalar);

    SHA512(seed, 32, digest);
    residue_add(residue, KW_BYTES(digest, sizeof(digest)));
    digest[0] &= 248;
    digest[31] &= 127;
    digest[31] |= 64;
    for (size_t i = 0; i < sizeof(scalar); i++)
        scalar[i] = digest[31 - i];
    residue_add(residue, KW_BYTES(scalar, sizeof(scalar)));
}

/* The private numbers of the pair in the slot. */
static __attribute__((noinline)) void note_place(
    struct residue *residue, const struct place *place, enum kw_spec spec)
{
    residue_of(residue, place);
    if (spec == KW_SPEC_ECC_NIST_EDWARDS25519)
        note_digest(residue, place->private_der + place->slot.private_len - 32);
}

/* Makes pairs, tests none yet, and takes note of the first ones. */
static __attribute__((noinline)) void note_next_pairs(
    struct residue *residue, struct kw_generator *generator, unsigned num)
{
    static struct place place;
    struct kw_ec_plan plan;
    struct kw_ec_pairs pairs;

    memset(residue, 0, sizeof(*residue));
    kw_generator_ec_plan(generator, &plan);
    kw_ec_batch_pairs(kw_generator_ec_batch(generator), &pairs);
    ck_assert_int_eq(generator->ops->run(generator, 0, place_init(&place)), KW_GENERATOR_AGAIN);
    for (int i = 0; i < num_kernels; i++) {
        const struct kw_curve *curve = kw_curve_of(kernels[i]->spec);
        if (strcmp(kernels[i]->name, plan.kernel) != 0)
            continue;
        for (size_t j = 0; j < num; j++) {
            residue_add(residue, KW_BYTES(pairs.secrets + j * curve->secret_len, curve->secret_len));
            if (curve->form == KW_CURVE_EDWARDS)
                note_digest(residue, pairs.secrets + j * curve->secret_len);
        }
    }
}

static void look_after(const struct kw_ec_kernel *kernel, int pairs)
{
    static struct residue residue;
    static struct place place;
    struct actor actor = {.generator = generator_new(kernel), .place = &place, .pairs = pairs};
    pthread_t thread;

    act_on_a_stack(&actor, &thread);
    ck_assert_int_eq(actor.result, 0);
    note_place(&residue, &place, kernel->spec);
    ck_assert_ptr_nonnull(find_in_process(&residue));
    kw_erase(&place, sizeof(place));
    forget_test_stack();
    ck_assert_ptr_null(find_in_process(&residue));
    leave_the_stack(thread);
    actor.generator->ops->free(actor.generator);
}

/* When a pair has been handed out and its slot is wiped, nothing of it is left in the whole process: not on
 * the worker's stack, not in the generator, which has other pairs in hand, not in what a library allocated.
 */
START_TEST(nothing_is_left_of_a_pair)
{
    look_after(kernels[_i], 3);
}
END_TEST

/* Nor when it is the last of its batch, which is read last. */
START_TEST(nothing_is_left_of_the_last_pair)
{
    look_after(kernels[_i], (int)KW_MIN(kernels[_i]->batch, 16u));
}
END_TEST

/* A kernel that leaves what it was given on its caller's stack, far down. */
static __attribute__((noinline)) void leak(const uint8_t *secrets, size_t len)
{
    volatile uint8_t copy[8192];

    for (size_t i = 0; i < KW_MIN(sizeof(copy), len); i++)
        copy[i] = secrets[i];
}

static int leaky_check(void *state, unsigned num, const uint8_t *secrets, const uint8_t *points,
    const uint8_t *multipliers, bool *ret_pass)
{
    int r = slow_ec_kernel(0)->check(state, num, secrets, points, multipliers, ret_pass);

    leak(secrets, 32 * (size_t)num);
    return r;
}

/* The stack is wiped when the pairs are ready, and not again when one is handed out. */
START_TEST(nothing_is_left_on_the_stack)
{
    static struct residue residue;
    static struct place place;
    struct kw_ec_kernel leaky = *slow_ec_kernel(0);
    struct actor actor = {.place = &place, .pairs = 1};
    pthread_t thread;

    leaky.check = leaky_check;
    actor.generator = generator_new(&leaky);
    act_on_a_stack(&actor, &thread);
    ck_assert_int_eq(actor.result, 0);
    note_place(&residue, &place, leaky.spec);
    kw_erase(&place, sizeof(place));
    forget_test_stack();
    ck_assert_ptr_null(find_in_process(&residue));
    leave_the_stack(thread);
    actor.generator->ops->free(actor.generator);
}
END_TEST

/* The same for the first one of a batch, which is the one that a kernel has in hand last, or longest. */
START_TEST(nothing_is_left_of_a_failed_pair)
{
    static struct residue residue;
    static struct place place;
    struct actor actor = {.generator = generator_new(kernels[_i]), .place = &place, .pairs = 1};
    struct kw_ec_pairs pairs;
    pthread_t thread;

    note_next_pairs(&residue, actor.generator, 1);
    forget_test_stack();
    kw_ec_batch_pairs(kw_generator_ec_batch(actor.generator), &pairs);
    pairs.points[3] ^= 2;
    ck_assert_ptr_nonnull(find_in_process(&residue));
    act_on_a_stack(&actor, &thread);
    ck_assert_int_eq(actor.result, KW_GENERATOR_FAILED);
    ck_assert_ptr_null(find_in_process(&residue));
    leave_the_stack(thread);
    /* It goes on. */
    ck_assert_int_eq(actor.generator->ops->run(actor.generator, UINT64_MAX, place_init(&place)), 0);
    check_pair(kernels[_i]->spec, &place);
    actor.generator->ops->free(actor.generator);
}
END_TEST

/* And of a generator that is freed with a batch half done. */
START_TEST(nothing_is_left_of_an_abandoned_batch)
{
    static struct residue residue;
    struct kw_generator *generator = generator_new(kernels[_i]);

    note_next_pairs(&residue, generator, KW_MIN(kernels[_i]->batch, 16u));
    forget_test_stack();
    ck_assert_ptr_nonnull(find_in_process(&residue));
    generator->ops->free(generator);
    ck_assert_ptr_null(find_in_process(&residue));
}
END_TEST

/* A generator has all that it needs, or is not made. */
START_TEST(new_without_memory_leaves_nothing)
{
    const struct kw_ec_kernel *kernel = kernels[_i];

    if (kw_ec_kernel_choose(kernel->path, kernel->spec) != kernel)
        return; /* it is no generator's */
    fill_memory_on_a_thread(ops_of(kernel), kernel->spec, 1);
    size_t allocated = allocated_bytes();
    fill_memory_on_a_thread(ops_of(kernel), kernel->spec, 5);
    ck_assert_uint_lt(allocated_bytes(), allocated + 16384);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, nothing_is_left_of_a_pair, 0, num_kernels);
    tcase_add_test(tcase, nothing_is_left_on_the_stack);
    tcase_add_loop_test(tcase, nothing_is_left_of_the_last_pair, 0, num_kernels);
    tcase_add_loop_test(tcase, nothing_is_left_of_a_failed_pair, 0, num_kernels);
    tcase_add_loop_test(tcase, nothing_is_left_of_an_abandoned_batch, 0, num_kernels);
    tcase_add_loop_test(tcase, new_without_memory_leaves_nothing, 0, num_kernels);
}

int main(void)
{
    if (KW_SANITIZED) {
        puts("skipped: a sanitizer keeps copies of its own");
        return 77;
    }
    if (kw_crypto_init() != 0 || kw_secmem_thread_init(8 << 20) != 0 || kw_rng_new(&rng) != 0)
        return EXIT_FAILURE;
    collect_kernels();
    int status = kw_suite_run("generator_ec_residue", add, 100);
    kw_rng_free(rng);
    return status;
}
