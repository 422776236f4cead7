#include "engine/ec/generator_ec.h"

#include "pool/fault.h"
#include "tests/support/ec_rig.h"
#include "tests/support/suite.h"

#include <sys/wait.h>
#include <unistd.h>

static const struct kw_generator_ops *const all_ops[] = {
    &kw_generator_ec_portable,
    &kw_generator_ec_avx512ifma,
};

/* Each of them with each spec that it can make on this machine. */
struct kind {
    const struct kw_generator_ops *ops;
    enum kw_spec spec;
};
static struct kind kinds[KW_ARRAY_LEN(all_ops) * KW_SPEC_NUM];
static int num_kinds;

static void collect_kinds(void)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(all_ops); i++)
        for (enum kw_spec spec = 0; spec < KW_SPEC_NUM; spec++)
            if (all_ops[i]->supports(spec, kw_cpu_detect()))
                kinds[num_kinds++] = (struct kind){all_ops[i], spec};
}

static struct kw_rng source;
static struct kw_generator *generator;
static struct place place, untouched;

static void begin(struct kind kind)
{
    source = (struct kw_rng){.seed = kw_now_ns()};
    ck_assert_int_eq(kind.ops->new (&generator, kind.spec, &source), 0);
    ck_assert_ptr_eq(generator->ops, kind.ops);
}

/* A small batch on a kernel that is watched. */
static void begin_watched(const struct kw_ec_kernel *kernel)
{
    source = (struct kw_rng){.seed = kw_now_ns()};
    ck_assert_int_eq(
        kw_generator_ec_new(&generator, &kw_generator_ec_portable, watch(kernel), RIG_PAIRS, &source), 0);
}

static void end(void)
{
    generator->ops->free(generator);
}

static int run(uint64_t deadline_ns)
{
    place_init(&place);
    memcpy(&untouched, &place, sizeof(place));
    return generator->ops->run(generator, deadline_ns, &place.slot);
}

static void check_untouched(void)
{
    ck_assert_mem_eq(&place, &untouched, sizeof(place));
}

static void check_wiped(enum kw_spec spec)
{
    const struct kw_spec_info *info = kw_spec_info(spec);

    ck_assert(all_bytes(place.public_der, info->public_max, 0));
    ck_assert(all_bytes(place.private_der, info->private_max, 0));
    ck_assert_uint_eq(place.slot.public_len, 0);
    ck_assert_uint_eq(place.slot.private_len, 0);
}

/* ---- which ---- */

START_TEST(generators_know_what_they_can_make)
{
    for (enum kw_spec spec = 0; spec <= KW_SPEC_NUM; spec++) {
        bool curve = spec >= KW_SPEC_ECC_NIST_P256 && spec < KW_SPEC_NUM;
        ck_assert(kw_generator_ec_portable.supports(spec, KW_CPU_PORTABLE) == curve);
        ck_assert(kw_generator_ec_portable.supports(spec, KW_CPU_AVX512IFMA) == curve);
        ck_assert(!kw_generator_ec_avx512ifma.supports(spec, KW_CPU_PORTABLE));
        bool vector = curve && kw_ec_kernel_choose(KW_CPU_AVX512IFMA, spec)->path == KW_CPU_AVX512IFMA;
        ck_assert(kw_generator_ec_avx512ifma.supports(spec, KW_CPU_AVX512IFMA) == vector);
    }
    ck_assert_str_eq(kw_generator_ec_portable.name, "ec-portable");
    ck_assert_str_eq(kw_generator_ec_avx512ifma.name, "ec-avx512ifma");
    for (size_t i = 0; i < KW_ARRAY_LEN(all_ops); i++)
        all_ops[i]->free(NULL);
}
END_TEST

START_TEST(plan_tells_the_kernel)
{
    enum kw_cpu_path path =
        kinds[_i].ops == &kw_generator_ec_avx512ifma ? KW_CPU_AVX512IFMA : KW_CPU_PORTABLE;
    const struct kw_ec_kernel *kernel = kw_ec_kernel_choose(path, kinds[_i].spec);
    struct kw_ec_plan plan;
    struct kw_ec_pairs pairs;

    begin(kinds[_i]);
    kw_generator_ec_plan(generator, &plan);
    ck_assert_str_eq(plan.kernel, kernel->name);
    ck_assert_int_eq(kernel->path, path);
    ck_assert_uint_eq(plan.lanes, kernel->lanes);
    ck_assert_uint_eq(plan.batch, kernel->batch);
    kw_ec_batch_pairs(kw_generator_ec_batch(generator), &pairs);
    ck_assert_uint_eq(pairs.num, plan.batch);
    end();
}
END_TEST

/* ---- pairs ---- */

START_TEST(pairs_are_good_and_distinct)
{
    enum { PAIRS = 20 };
    static struct place places[PAIRS];

    begin(kinds[_i]);
    for (unsigned i = 0; i < PAIRS; i++) {
        ck_assert_int_eq(generator->ops->run(generator, UINT64_MAX, place_init(&places[i])), 0);
        check_pair(kinds[_i].spec, &places[i]);
        for (unsigned j = 0; j < i; j++)
            ck_assert_mem_ne(places[i].private_der, places[j].private_der, places[i].slot.private_len);
    }
    ck_assert_uint_eq(ERR_peek_error(), 0);
    end();
}
END_TEST

/* With the same size of the batch, both paths make the same pairs of the same random bytes. */
START_TEST(same_random_bytes_same_pairs)
{
    static struct place places[3 * RIG_PAIRS];
    enum kw_spec spec = (enum kw_spec)(KW_SPEC_ECC_NIST_P256 + _i);
    const struct kw_ec_kernel *kernel;
    bool first = true;

    for (int i = 0; (kernel = ec_rig_kernel(i)) != NULL; i++) {
        const struct kw_generator_ops *ops =
            kernel->path == KW_CPU_PORTABLE ? &kw_generator_ec_portable : &kw_generator_ec_avx512ifma;
        if (kernel->spec != spec)
            continue;
        source = (struct kw_rng){.seed = 77};
        ck_assert_int_eq(kw_generator_ec_new(&generator, ops, kernel, RIG_PAIRS, &source), 0);
        for (size_t j = 0; j < KW_ARRAY_LEN(places); j++) {
            ck_assert_int_eq(run(UINT64_MAX), 0);
            if (first)
                memcpy(&places[j], &place, sizeof(place));
            ck_assert_mem_eq(places[j].public_der, place.public_der, DER_MAX);
            ck_assert_mem_eq(places[j].private_der, place.private_der, DER_MAX);
        }
        first = false;
        end();
    }
    ck_assert(!first);
}
END_TEST

/* ---- slices ---- */

/* A deadline that has always passed already: each run does one step, and none is lost. */
START_TEST(a_batch_goes_on_from_slice_to_slice)
{
    begin_watched(ec_rig_kernel(_i));
    for (unsigned batch = 1; batch <= 2; batch++) {
        ck_assert_int_eq(run(0), KW_GENERATOR_AGAIN);
        check_untouched();
        ck_assert_uint_eq(watched.derives, batch);
        ck_assert_uint_eq(watched.checks, 0);
        for (int i = 0; i < RIG_PAIRS; i++)
            ck_assert_int_eq(run(0), 0);
        check_pair(watched.kernel.spec, &place);
        ck_assert_uint_eq(watched.derives, batch);
        ck_assert_uint_eq(watched.checks, 1);
    }
    end();
}
END_TEST

/* What is there is handed out without further ado. */
START_TEST(handing_out_makes_nothing)
{
    begin_watched(slow_ec_kernel(0));
    ck_assert_int_eq(run(UINT64_MAX), 0);
    unsigned calls = source.calls;
    for (int i = 1; i < RIG_PAIRS; i++)
        ck_assert_int_eq(run(UINT64_MAX), 0);
    ck_assert_uint_eq(source.calls, calls);
    ck_assert_uint_eq(watched.derives, 1);
    ck_assert_uint_eq(watched.wipes, 1);
    ck_assert_int_eq(run(UINT64_MAX), 0);
    ck_assert_uint_gt(source.calls, calls);
    ck_assert_uint_eq(watched.derives, 2);
    end();
}
END_TEST

/* Nothing is mapped once a generator is there. */
START_TEST(no_mapping_after_start)
{
    struct kw_secmem_stats before, after;
    struct kw_ec_plan plan;

    begin(kinds[_i]);
    kw_generator_ec_plan(generator, &plan);
    kw_secmem_stats(&before);
    for (unsigned i = 0; i < plan.batch + 2; i++)
        ck_assert_int_eq(run(UINT64_MAX), 0);
    kw_secmem_stats(&after);
    ck_assert_uint_eq(after.mapping_calls, before.mapping_calls);
    end();
}
END_TEST

START_TEST(the_test_can_be_left_out)
{
    begin_watched(slow_ec_kernel(1));
    kw_ec_batch_skip_test(kw_generator_ec_batch(generator));
    for (int i = 0; i < RIG_PAIRS + 1; i++)
        ck_assert_int_eq(run(UINT64_MAX), 0);
    check_pair(watched.kernel.spec, &place);
    ck_assert_uint_eq(watched.checks, 0);
    end();
}
END_TEST

/* ---- failures ---- */

START_TEST(a_pair_that_failed_is_kept_out)
{
    enum kw_spec spec = ec_rig_kernel(_i)->spec;
    struct kw_ec_pairs pairs;

    begin_watched(ec_rig_kernel(_i));
    ck_assert_int_eq(run(0), KW_GENERATOR_AGAIN);
    kw_ec_batch_pairs(kw_generator_ec_batch(generator), &pairs);
    pairs.secrets[5 * kw_curve_of(spec)->secret_len + 7] ^= 0x10;
    ck_assert_int_eq(run(UINT64_MAX), KW_GENERATOR_FAILED);
    check_wiped(spec);
    for (int i = 1; i < RIG_PAIRS; i++) {
        ck_assert_int_eq(run(0), 0);
        check_pair(spec, &place);
    }
    ck_assert_int_eq(run(0), KW_GENERATOR_AGAIN);
    check_untouched();
    ck_assert_int_eq(run(UINT64_MAX), 0);
    end();
}
END_TEST

/* A whole batch that failed is not told of pair by pair. */
START_TEST(a_batch_that_failed_is_made_again)
{
    begin_watched(slow_ec_kernel(0));
    watched.script = "fpp";
    for (unsigned i = 0; i < KW_EC_FAILURES_MAX; i++) {
        ck_assert_int_eq(run(UINT64_MAX), KW_GENERATOR_FAILED);
        check_wiped(watched.kernel.spec);
    }
    watched.script = NULL;
    for (int i = 0; i < RIG_PAIRS; i++)
        ck_assert_int_eq(run(UINT64_MAX), 0);
    ck_assert_uint_eq(watched.derives, 2);
    end();
}
END_TEST

START_TEST(the_hook_keeps_one_pair_out)
{
    if (!kw_fault_compiled_in())
        return;
    ck_assert_int_eq(kw_fault_set("pct:fail@2"), 0);
    begin(kinds[_i]);
    ck_assert_int_eq(run(UINT64_MAX), KW_GENERATOR_FAILED);
    check_wiped(kinds[_i].spec);
    ck_assert_int_eq(run(UINT64_MAX), 0);
    ck_assert_int_eq(kw_fault_set(""), 0);
    check_pair(kinds[_i].spec, &place);
    end();
}
END_TEST

START_TEST(fatal_errors_are_forwarded)
{
    begin_watched(slow_ec_kernel(0));
    watched.fail_as = -ENOMEM;
    watched.fail_derive = 1;
    ck_assert_int_eq(run(UINT64_MAX), -ENOMEM);
    check_untouched();
    watched.fail_as = KW_EOPENSSL;
    watched.fail_check = 1;
    ck_assert_int_eq(run(UINT64_MAX), KW_EOPENSSL);
    check_untouched();
    watched.fail_check = 0;
    ck_assert_int_eq(run(UINT64_MAX), 0);
    check_pair(watched.kernel.spec, &place);
    end();

    const struct kw_ec_kernel *kernel = watch(slow_ec_kernel(0));
    struct kw_generator *none = NULL;
    watched.fail_open = -ENOMEM;
    ck_assert_int_eq(
        kw_generator_ec_new(&none, &kw_generator_ec_portable, kernel, RIG_PAIRS, &source), -ENOMEM);
    ck_assert_ptr_null(none);
}
END_TEST

/* Half done and with pairs in hand: a child has neither. */
START_TEST(forked_child_is_refused)
{
    for (int has_pairs = 0; has_pairs < 2; has_pairs++) {
        int status = -1;
        begin_watched(ec_rig_kernel(_i));
        ck_assert_int_eq(run(has_pairs ? UINT64_MAX : 0), has_pairs ? 0 : KW_GENERATOR_AGAIN);
        pid_t pid = fork();
        if (pid == 0) {
            int r = kw_generator_ec_portable.run(generator, UINT64_MAX, &place.slot);
            kw_generator_ec_portable.free(generator);
            _exit(r == -EPERM ? 42 : 1);
        }
        ck_assert_int_gt(pid, 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 42);
        ck_assert_int_eq(run(UINT64_MAX), 0);
        check_pair(watched.kernel.spec, &place);
        end();
    }
}
END_TEST

static void add(TCase *tcase)
{
    int kernels = ec_rig_kernels();

    tcase_add_test(tcase, generators_know_what_they_can_make);
    tcase_add_loop_test(tcase, plan_tells_the_kernel, 0, num_kinds);
    tcase_add_loop_test(tcase, pairs_are_good_and_distinct, 0, num_kinds);
    tcase_add_loop_test(tcase, same_random_bytes_same_pairs, 0, SLOW_EC_KERNELS);
    tcase_add_loop_test(tcase, a_batch_goes_on_from_slice_to_slice, 0, kernels);
    tcase_add_test(tcase, handing_out_makes_nothing);
    tcase_add_loop_test(tcase, no_mapping_after_start, 0, num_kinds);
    tcase_add_test(tcase, the_test_can_be_left_out);
    tcase_add_loop_test(tcase, a_pair_that_failed_is_kept_out, 0, kernels);
    tcase_add_test(tcase, a_batch_that_failed_is_made_again);
    tcase_add_loop_test(tcase, the_hook_keeps_one_pair_out, 0, num_kinds);
    tcase_add_test(tcase, fatal_errors_are_forwarded);
    tcase_add_loop_test(tcase, forked_child_is_refused, 0, kernels);
}

int main(void)
{
    if (kw_crypto_init() != 0 || kw_secmem_thread_init(8 << 20) != 0)
        return EXIT_FAILURE;
    collect_kinds();
    return kw_suite_run("generator_ec", add, 100);
}
