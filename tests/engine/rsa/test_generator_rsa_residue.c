/* What RSA generators leave behind: nothing, not of pairs that were handed out, nor of those that failed or
 * were given up, nor of a generator that could not be made. */
#include "engine/rsa/generator_rsa.h"

#include "tests/support/generator_rig.h"
#include "tests/support/process_residue.h"
#include "tests/support/sanitized.h"
#include "tests/support/suite.h"

/* ---- what stays of a pair ---- */

/* When a pair has been handed out and its slot is wiped, nothing of it is left in the whole process: not on
 * the worker's stack, not in the generator, which has half-done searches of other pairs in hand, not in what
 * OpenSSL allocated. */
START_TEST(nothing_is_left_of_a_pair)
{
    static struct residue residue;
    static struct place place;
    enum kw_spec spec = (enum kw_spec)(_i / RIG_PATHS);
    struct actor actor = {.place = &place, .pairs = spec == KW_SPEC_RSA_2048 ? 3 : 1};
    pthread_t thread;

    rig_up(&rig, _i % RIG_PATHS, spec);
    actor.generator = rig.generator;
    act_on_a_stack(&actor, &thread);
    ck_assert_int_eq(actor.result, 0);
    residue_of(&residue, &place);
    ck_assert_ptr_nonnull(find_in_process(&residue));
    kw_erase(&place, sizeof(place));
    forget_test_stack();
    ck_assert_ptr_null(find_in_process(&residue));
    leave_the_stack(thread);
    rig_down(&rig);
}
END_TEST

static void residue_of_words(struct residue *residue, const uint64_t *words, size_t num)
{
    uint8_t bytes[8 * KW_WORDS_MAX];
    KW_ERASE_GUARD(bytes);

    kw_words_to_bytes(bytes, 8 * num, words, num);
    residue_add(residue, KW_BYTES(bytes, 8 * num));
}

/* Takes note of the pair that is next, unit by unit, until it is ready to be finished. */
static __attribute__((noinline)) void note_next_pair(struct residue *residue, struct place *place)
{
    struct kw_consistency *consistency = rig.parts->consistency;
    size_t num = rig.kit->num;

    memset(residue, 0, sizeof(*residue));
    while (!kw_consistency_signed(consistency))
        ck_assert_int_eq(unit(place), KW_GENERATOR_AGAIN);
    const struct kw_rsa_key *key = &kw_consistency_pair(consistency, 0)->key;
    residue_of_words(residue, key->p, num);
    residue_of_words(residue, key->q, num);
    residue_of_words(residue, key->d, 2 * num);
    residue_of_words(residue, key->dp, num);
    residue_of_words(residue, key->dq, num);
    residue_of_words(residue, key->qinv, num);
}

/* The same for one that failed. */
START_TEST(nothing_is_left_of_a_failed_pair)
{
    static struct residue residue;
    static struct place place;
    struct actor actor = {.place = &place, .pairs = 1};
    pthread_t thread;

    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    actor.generator = rig.generator;
    note_next_pair(&residue, fresh(&place));
    forget_test_stack();
    kw_consistency_pair(rig.parts->consistency, 0)->result[1][5] ^= 1;
    ck_assert_ptr_nonnull(find_in_process(&residue));
    act_on_a_stack(&actor, &thread);
    ck_assert_int_eq(actor.result, KW_GENERATOR_FAILED);
    ck_assert_ptr_null(find_in_process(&residue));
    leave_the_stack(thread);
    make_pair(&place);
    check_pair(KW_SPEC_RSA_2048, &place);
    rig_down(&rig);
}
END_TEST

/* And of a generator that is freed with a pair half done. */
START_TEST(nothing_is_left_of_an_abandoned_pair)
{
    static struct residue residue;
    struct place place;

    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    note_next_pair(&residue, fresh(&place));
    forget_test_stack();
    rig_down(&rig);
    ck_assert_ptr_null(find_in_process(&residue));
}
END_TEST

/* ---- what stays of a generator ---- */

START_TEST(new_without_memory_leaves_nothing)
{
    struct place place;

    fill_memory_on_a_thread(rig_ops(_i), KW_SPEC_RSA_4096, 3);
    size_t allocated = allocated_bytes();
    fill_memory_on_a_thread(rig_ops(_i), KW_SPEC_RSA_4096, 30);
    ck_assert_uint_lt(allocated_bytes(), allocated + 16384);
    rig_up(&rig, _i, KW_SPEC_RSA_2048);
    make_pair(&place);
    rig_down(&rig);
}
END_TEST

static void add(TCase *tcase)
{
    int paths = RIG_PATHS;

    tcase_add_loop_test(tcase, nothing_is_left_of_a_pair, 0, 2 * paths);
    tcase_add_loop_test(tcase, nothing_is_left_of_a_failed_pair, 0, paths);
    tcase_add_loop_test(tcase, nothing_is_left_of_an_abandoned_pair, 0, paths);
    tcase_add_loop_test(tcase, new_without_memory_leaves_nothing, 0, paths);
}

int main(void)
{
    if (KW_SANITIZED) {
        puts("skipped: a sanitizer keeps copies of its own");
        return 77;
    }
    if (kw_crypto_init() != 0 || kw_secmem_thread_init(8 << 20) != 0 || kw_rng_new(&rng) != 0)
        return EXIT_FAILURE;
    int status = kw_suite_run("generator_rsa_residue", add, 100);
    kw_rng_free(rng);
    return status;
}
