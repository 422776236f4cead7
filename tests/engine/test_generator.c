#include "engine/crypto.h"
#include "engine/ec/generator_ec.h"
#include "engine/fiber.h"
#include "engine/generator.h"
#include "engine/generator_openssl.h"
#include "engine/rng.h"
#include "engine/rsa/generator_rsa.h"
#include "pool/fault.h"
#include "pool/limits.h"
#include "pool/secmem.h"
#include "tests/support/residue.h"
#include "tests/support/sanitized.h"

#include <check.h>
#include <jemalloc/jemalloc.h>
#include <openssl/err.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NO_DEADLINE UINT64_MAX

static struct kw_rng *rng;

static const struct kw_generator_ops *const all_ops[] = {
    &kw_generator_openssl,
    &kw_generator_rsa_portable,
    &kw_generator_rsa_avx512ifma,
    &kw_generator_ec_portable,
    &kw_generator_ec_avx512ifma,
};

/* Each generator with each spec that it can make on this machine. */
struct kind {
    const struct kw_generator_ops *ops;
    enum kw_spec spec;
};
static struct kind kinds[KW_ARRAY_LEN(all_ops) * KW_SPEC_NUM];
static int num_kinds;

/* What is tested with one size is not tested with the slower ones. */
static struct kind quick_kinds[KW_ARRAY_LEN(all_ops) * KW_SPEC_NUM];
static int num_quick_kinds;

static void collect_kinds(void)
{
    enum kw_cpu_path path = kw_cpu_detect();

    for (size_t i = 0; i < KW_ARRAY_LEN(all_ops); i++) {
        for (enum kw_spec spec = 0; spec < KW_SPEC_NUM; spec++) {
            if (!all_ops[i]->supports(spec, path))
                continue;
            kinds[num_kinds++] = (struct kind){all_ops[i], spec};
            if (spec != KW_SPEC_RSA_3072 && spec != KW_SPEC_RSA_4096)
                quick_kinds[num_quick_kinds++] = (struct kind){all_ops[i], spec};
        }
    }
}

static struct kw_generator *generator_new(struct kind kind)
{
    struct kw_generator *generator = NULL;

    ck_assert_int_eq(kind.ops->new (&generator, kind.spec, rng), 0);
    ck_assert_ptr_eq(generator->ops, kind.ops);
    return generator;
}

/* The best there is for the spec on this machine. */
static struct kind best(enum kw_spec spec)
{
    return (struct kind){kw_generator_choose(spec, kw_cpu_detect()), spec};
}

static struct kind openssl(enum kw_spec spec)
{
    return (struct kind){&kw_generator_openssl, spec};
}

/* ---- the pairs ---- */

START_TEST(pairs_are_good_and_distinct)
{
    enum kw_spec spec = kinds[_i].spec;
    static struct place places[16];
    size_t num = spec == KW_SPEC_RSA_2048                  ? 3
                 : kw_spec_info(spec)->kind == KW_KIND_RSA ? 1
                                                           : KW_ARRAY_LEN(places);
    struct kw_generator *generator = generator_new(kinds[_i]);

    for (size_t i = 0; i < num; i++) {
        ck_assert_int_eq(generator->ops->run(generator, NO_DEADLINE, place_init(&places[i])), 0);
        check_pair(spec, &places[i]);
        for (size_t j = 0; j < i; j++) {
            ck_assert_mem_ne(places[i].public_der, places[j].public_der, places[i].slot.public_len);
            ck_assert_mem_ne(places[i].private_der, places[j].private_der, places[i].slot.private_len);
        }
    }
    ck_assert_uint_eq(ERR_peek_error(), 0);
    generator->ops->free(generator);
}
END_TEST

static const char *best_name(enum kw_spec spec, enum kw_cpu_path path)
{
    if (kw_spec_info(spec)->kind == KW_KIND_RSA)
        return path == KW_CPU_AVX512IFMA ? "rsa-avx512ifma" : "rsa-portable";
    return kw_ec_kernel_choose(path, spec)->path == KW_CPU_AVX512IFMA ? "ec-avx512ifma" : "ec-portable";
}

START_TEST(every_spec_has_a_generator)
{
    for (int path = KW_CPU_PORTABLE; path <= KW_CPU_AVX512IFMA; path++) {
        const struct kw_generator_ops *ops = kw_generator_choose((enum kw_spec)_i, (enum kw_cpu_path)path);
        ck_assert_ptr_nonnull(ops);
        ck_assert_ptr_nonnull(ops->name);
        ck_assert(ops->supports((enum kw_spec)_i, (enum kw_cpu_path)path));
        ck_assert_str_eq(ops->name, best_name((enum kw_spec)_i, (enum kw_cpu_path)path));
    }
}
END_TEST

START_TEST(generators_know_what_they_can_make)
{
    ck_assert(kw_generator_openssl.supports(KW_SPEC_RSA_4096, KW_CPU_PORTABLE));
    ck_assert(!kw_generator_openssl.supports(KW_SPEC_NUM, KW_CPU_PORTABLE));
    ck_assert(kw_generator_rsa_portable.supports(KW_SPEC_RSA_4096, KW_CPU_AVX512IFMA));
    ck_assert(!kw_generator_rsa_portable.supports(KW_SPEC_ECC_NIST_P256, KW_CPU_PORTABLE));
    ck_assert(kw_generator_rsa_avx512ifma.supports(KW_SPEC_RSA_4096, KW_CPU_AVX512IFMA));
    ck_assert(!kw_generator_rsa_avx512ifma.supports(KW_SPEC_RSA_4096, KW_CPU_PORTABLE));
    ck_assert(!kw_generator_rsa_avx512ifma.supports(KW_SPEC_ECC_NIST_P256, KW_CPU_AVX512IFMA));
    ck_assert(kw_generator_ec_portable.supports(KW_SPEC_ECC_NIST_P256, KW_CPU_AVX512IFMA));
    ck_assert(!kw_generator_ec_portable.supports(KW_SPEC_RSA_2048, KW_CPU_PORTABLE));
    ck_assert(!kw_generator_ec_avx512ifma.supports(KW_SPEC_RSA_2048, KW_CPU_AVX512IFMA));
    ck_assert(!kw_generator_ec_avx512ifma.supports(KW_SPEC_ECC_NIST_P256, KW_CPU_PORTABLE));
    for (size_t i = 0; i < KW_ARRAY_LEN(all_ops); i++)
        all_ops[i]->free(NULL);
}
END_TEST

/* ---- slices ---- */

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A deadline that has always passed already: the search gives back control at every candidate, or batch of
 * them. If anything were lost on the way, it would never end. Until it does, the slot is left alone. */
START_TEST(search_goes_on_from_slice_to_slice)
{
    struct place place, untouched;
    struct kw_generator *generator = generator_new(quick_kinds[_i]);
    bool rsa = kw_spec_info(quick_kinds[_i].spec)->kind == KW_KIND_RSA;
    int result, runs = 0;

    place_init(&place);
    memcpy(&untouched, &place, sizeof(place));
    while ((result = generator->ops->run(generator, 0, &place.slot)) == KW_GENERATOR_AGAIN) {
        ck_assert(runs > 20 || memcmp(&place, &untouched, sizeof(place)) == 0);
        runs++;
    }
    ck_assert_int_eq(result, 0);
    if (rsa)
        ck_assert_int_gt(runs, 20);
    check_pair(quick_kinds[_i].spec, &place);
    generator->ops->free(generator);
}
END_TEST

static void leave_for_ever(void *fiber)
{
    for (;;)
        kw_fiber_leave(fiber);
}

static uint64_t switch_cost_ns(void)
{
    enum { TIMES = 2000 };
    struct kw_fiber *fiber = NULL;

    ck_assert_int_eq(kw_fiber_new(&fiber, KW_FIBER_STACK), 0);
    uint64_t start = thread_cpu_ns();
    for (int i = 0; i < TIMES; i++)
        ck_assert(!kw_fiber_enter(fiber, leave_for_ever, fiber));
    uint64_t cost = (thread_cpu_ns() - start) / TIMES;
    kw_fiber_free(fiber);
    return cost;
}

/* Slices of a millisecond: what leaving and entering costs is a small part of the work (the time of a search
 * itself varies by chance, so that two searches cannot be compared), and slices do not last much longer than
 * asked. */
START_TEST(slices_cost_little)
{
    struct place place;
    struct kw_generator *generator = generator_new(openssl(KW_SPEC_RSA_2048));
    uint64_t start = thread_cpu_ns(), runs = 1;

    place_init(&place);
    while (generator->ops->run(generator, kw_now_ns() + 1000000, &place.slot) == KW_GENERATOR_AGAIN)
        runs++;
    uint64_t cpu_ns = thread_cpu_ns() - start;
    check_pair(KW_SPEC_RSA_2048, &place);
    ck_assert_uint_gt(runs, 3);
    ck_assert_uint_lt(runs * switch_cost_ns(), cpu_ns / 20);
    generator->ops->free(generator);
}
END_TEST

/* A worker turns between specs; each search waits where it was. */
START_TEST(searches_of_several_specs_wait_for_each_other)
{
    enum { SPECS = 6 };
    const struct kind some[SPECS] = {
        openssl(KW_SPEC_RSA_2048),
        best(KW_SPEC_RSA_2048),
        best(KW_SPEC_RSA_2048),
        best(KW_SPEC_RSA_3072),
        best(KW_SPEC_ECC_NIST_P256),
        best(KW_SPEC_ECC_NIST_EDWARDS25519),
    };
    struct kw_generator *generators[SPECS];
    struct place places[SPECS];
    bool done[SPECS] = {false};
    int left = SPECS;

    for (int i = 0; i < SPECS; i++) {
        generators[i] = generator_new(some[i]);
        place_init(&places[i]);
    }
    for (int i = 0; left > 0; i = (i + 1) % SPECS) {
        if (done[i])
            continue;
        int result = generators[i]->ops->run(generators[i], kw_now_ns() + 2000000, &places[i].slot);
        ck_assert(result == 0 || result == KW_GENERATOR_AGAIN);
        done[i] = result == 0;
        left -= done[i];
    }
    for (int i = 0; i < SPECS; i++) {
        check_pair(some[i].spec, &places[i]);
        generators[i]->ops->free(generators[i]);
    }
}
END_TEST

/* ---- half-done searches ---- */

static size_t allocated_bytes(void)
{
    uint64_t epoch = 1;
    size_t allocated = 0, len = sizeof(allocated);

    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    ck_assert_int_eq(mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)), 0);
    ck_assert_int_eq(mallctl("stats.allocated", &allocated, &len, NULL, 0), 0);
    return allocated;
}

struct abandoning {
    struct kind kind;
    int times;
    bool good;
};

/* A new generator that searches for a while and is freed in the middle; how long differs from time to time.
 */
static bool search_and_abandon(struct kind kind, int time, struct kw_rng *own)
{
    struct place place;
    struct kw_generator *generator = NULL;
    uint64_t deadline = kw_now_ns() + (uint64_t)(time % 7) * 3000000 + 1;

    if (kind.ops->new (&generator, kind.spec, own) != 0)
        return false;
    int result = generator->ops->run(generator, deadline, place_init(&place));
    generator->ops->free(generator);
    return result == KW_GENERATOR_AGAIN || result == 0;
}

/* On a thread of its own, whose end empties the allocator's cache: what is allocated then is what was not
 * freed. */
static void *abandon_often(void *arg)
{
    struct abandoning *abandoning = arg;
    struct kw_rng *own = NULL;

    abandoning->good = kw_secmem_thread_init(4 << 20) == 0 && kw_rng_new(&own) == 0;
    for (int i = 0; i < abandoning->times && abandoning->good; i++)
        abandoning->good = search_and_abandon(abandoning->kind, i, own);
    abandoning->good = abandoning->good && ERR_peek_error() == 0;
    kw_rng_free(own);
    OPENSSL_thread_stop();
    kw_secmem_thread_done();
    return NULL;
}

static void abandon_on_a_thread(struct kind kind, int times)
{
    struct abandoning abandoning = {.kind = kind, .times = times};
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, abandon_often, &abandoning), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(abandoning.good);
}

START_TEST(abandoned_searches_leave_nothing_allocated)
{
    struct kw_secmem_stats before, after;

    abandon_on_a_thread(quick_kinds[_i], 7);
    kw_secmem_stats(&before);
    size_t allocated = allocated_bytes();
    abandon_on_a_thread(quick_kinds[_i], 28);
    kw_secmem_stats(&after);
    /* A search that is not freed holds more than 4 KiB. */
    ck_assert_uint_lt(allocated_bytes(), allocated + 16384);
    ck_assert_uint_eq(after.mapped_bytes, before.mapped_bytes);
}
END_TEST

/* ---- secrets on stacks ---- */

struct stage {
    struct kw_fiber *fiber; /* what the generator runs on, in place of a worker's stack */
    struct kw_generator *generator;
    struct place *place;
    uint8_t *planted; /* copied onto the stack, to see that the search would find it */
    int result;
};

static void run_on_stage(void *arg)
{
    struct stage *stage = arg;
    uint8_t copy[32];
    volatile uint8_t *kept = copy;

    stage->result = stage->generator->ops->run(stage->generator, NO_DEADLINE, &stage->place->slot);
    if (stage->planted != NULL)
        memcpy(copy, stage->planted, sizeof(copy));
    kw_fiber_leave(stage->fiber);
    (void)kept[0];
    kw_erase(copy, sizeof(copy));
}

static void stage_up(struct stage *stage, struct place *place, struct kind kind)
{
    *stage = (struct stage){.place = place};
    stage->generator = generator_new(kind);
    place_init(place);
    ck_assert_int_eq(kw_fiber_new(&stage->fiber, 1 << 20), 0);
    ck_assert(!kw_fiber_enter(stage->fiber, run_on_stage, stage));
}

static void stage_down(struct stage *stage)
{
    ck_assert(kw_fiber_enter(stage->fiber, run_on_stage, stage));
    kw_fiber_free(stage->fiber);
    stage->generator->ops->free(stage->generator);
}

/* What OpenSSL's generator works on. */
static bool inner_stack_is_clear(struct kw_generator *generator)
{
    void *low;
    size_t len;

    if (generator->ops != &kw_generator_openssl)
        return true;
    kw_fiber_stack(kw_generator_openssl_fiber(generator), &low, &len);
    return all_bytes(low, len, 0);
}

START_TEST(no_secret_stays_on_a_stack)
{
    struct stage stage;
    struct place place;
    static struct residue residue;
    size_t len;
    void *low;

    stage_up(&stage, &place, quick_kinds[_i]);
    ck_assert_int_eq(stage.result, 0);
    kw_fiber_stack(stage.fiber, &low, &len);
    residue_of(&residue, &place);
    ck_assert_ptr_nonnull(residue_find(&residue, place.private_der, place.slot.private_len));
    ck_assert_ptr_null(residue_find(&residue, low, len));
    ck_assert(inner_stack_is_clear(stage.generator));
    stage_down(&stage);
}
END_TEST

/* The search above finds a secret that is there. */
START_TEST(planted_secret_is_found)
{
    struct stage stage;
    struct place place;
    uint8_t planted[32];
    static struct residue residue;
    size_t len;
    void *low;

    memset(&stage, 0, sizeof(stage));
    ck_assert_int_eq(kw_rng_bytes(rng, planted, sizeof(planted)), 0);
    memset(&residue, 0, sizeof(residue));
    residue_add(&residue, KW_BYTES(planted, sizeof(planted)));
    stage_up(&stage, &place, best(KW_SPEC_ECC_NIST_P256));
    kw_fiber_stack(stage.fiber, &low, &len);
    ck_assert_ptr_null(residue_find(&residue, low, len));
    stage_down(&stage);

    stage.planted = planted;
    stage.place = &place;
    stage.generator = generator_new(best(KW_SPEC_ECC_NIST_P256));
    ck_assert_int_eq(kw_fiber_new(&stage.fiber, 1 << 20), 0);
    ck_assert(!kw_fiber_enter(stage.fiber, run_on_stage, &stage));
    kw_fiber_stack(stage.fiber, &low, &len);
    ck_assert_ptr_nonnull(residue_find(&residue, low, len));
    stage_down(&stage);
}
END_TEST

/* While a search is suspended its stack is in use; once it is abandoned nothing is left there. The memory is
 * never unmapped, so that one may look. */
START_TEST(abandoned_search_is_wiped)
{
    struct place place;
    struct kw_generator *generator = generator_new(openssl(KW_SPEC_RSA_2048));
    void *low;
    size_t len;

    ck_assert_int_eq(
        generator->ops->run(generator, kw_now_ns() + 5000000, place_init(&place)), KW_GENERATOR_AGAIN);
    kw_fiber_stack(kw_generator_openssl_fiber(generator), &low, &len);
    ck_assert(!all_bytes(low, len, 0));
    generator->ops->free(generator);
    ck_assert(all_bytes(low, len, 0));
}
END_TEST

/* ---- failures ---- */

START_TEST(failed_pair_is_wiped_and_kept_out)
{
    enum kw_spec spec = quick_kinds[_i].spec;
    const struct kw_spec_info *info = kw_spec_info(spec);
    struct stage stage;
    struct place place;

    if (!kw_fault_compiled_in())
        return;
    ck_assert_int_eq(kw_fault_set("pct:fail@1"), 0);
    stage_up(&stage, &place, quick_kinds[_i]);
    ck_assert_int_eq(kw_fault_set(""), 0);
    ck_assert_int_eq(stage.result, KW_GENERATOR_FAILED);
    ck_assert(all_bytes(place.public_der, info->public_max, 0));
    ck_assert(all_bytes(place.private_der, info->private_max, 0));
    ck_assert_uint_eq(place.slot.public_len, 0);
    ck_assert_uint_eq(place.slot.private_len, 0);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    ck_assert(inner_stack_is_clear(stage.generator));

    /* The generator is none the worse for it. */
    struct place next;
    ck_assert_int_eq(stage.generator->ops->run(stage.generator, NO_DEADLINE, place_init(&next)), 0);
    check_pair(spec, &next);
    stage_down(&stage);
}
END_TEST

START_TEST(forked_child_is_refused)
{
    struct kw_generator *generator = generator_new(quick_kinds[_i]);
    struct place place;
    int status = -1;

    place_init(&place);
    pid_t pid = fork();
    if (pid == 0)
        _exit(quick_kinds[_i].ops->run(generator, NO_DEADLINE, &place.slot) == -EPERM ? 42 : 1);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
    ck_assert_int_eq(generator->ops->run(generator, NO_DEADLINE, &place.slot), 0);
    generator->ops->free(generator);
}
END_TEST

/* ---- workers ---- */

#define ROUNDS (KW_SANITIZED ? 5 : 20)

/* What a worker does, at full length: arena, source and generators of its own, and all of it gone at the end.
 */
static void *work(void *arg)
{
    int *made = arg;
    struct kw_rng *own = NULL;
    struct kw_generator *generators[KW_SPEC_NUM];
    struct place place;

    if (kw_secmem_thread_init(4 << 20) != 0 || kw_rng_new(&own) != 0)
        return NULL;
    for (int i = 0; i < KW_SPEC_NUM; i++) {
        if (best((enum kw_spec)i).ops->new (&generators[i], (enum kw_spec)i, own) != 0)
            return NULL;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < KW_SPEC_NUM; i++) {
            int result = generators[i]->ops->run(generators[i], kw_now_ns() + 1000000, place_init(&place));
            if (result != 0 && result != KW_GENERATOR_AGAIN)
                return NULL;
            *made += result == 0;
        }
    }
    for (int i = 0; i < KW_SPEC_NUM; i++)
        generators[i]->ops->free(generators[i]);
    kw_rng_free(own);
    OPENSSL_thread_stop();
    kw_secmem_thread_done();
    return arg;
}

START_TEST(workers_do_not_meet)
{
    enum { WORKERS = 3 };
    pthread_t threads[WORKERS];
    int made[WORKERS] = {0};

    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &made[i]), 0);
    for (int i = 0; i < WORKERS; i++) {
        void *result = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &result), 0);
        ck_assert_ptr_eq(result, &made[i]);
        ck_assert_int_gt(made[i], ROUNDS);
    }
}
END_TEST

int main(void)
{
    if (kw_crypto_init() != 0 || kw_secmem_thread_init(8 << 20) != 0 || kw_rng_new(&rng) != 0)
        return 1;
    collect_kinds();

    Suite *suite = suite_create("generator");
    TCase *tcase = tcase_create("generator");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 100);
    tcase_add_loop_test(tcase, pairs_are_good_and_distinct, 0, num_kinds);
    tcase_add_loop_test(tcase, every_spec_has_a_generator, 0, KW_SPEC_NUM);
    tcase_add_test(tcase, generators_know_what_they_can_make);
    tcase_add_loop_test(tcase, search_goes_on_from_slice_to_slice, 0, num_quick_kinds);
    tcase_add_test(tcase, slices_cost_little);
    tcase_add_test(tcase, searches_of_several_specs_wait_for_each_other);
    tcase_add_loop_test(tcase, abandoned_searches_leave_nothing_allocated, 0, num_quick_kinds);
    tcase_add_loop_test(tcase, no_secret_stays_on_a_stack, 0, num_quick_kinds);
    tcase_add_test(tcase, planted_secret_is_found);
    tcase_add_test(tcase, abandoned_search_is_wiped);
    tcase_add_loop_test(tcase, failed_pair_is_wiped_and_kept_out, 0, num_quick_kinds);
    tcase_add_loop_test(tcase, forked_child_is_refused, 0, num_quick_kinds);
    tcase_add_test(tcase, workers_do_not_meet);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kw_rng_free(rng);
    return failed == 0 ? 0 : 1;
}
