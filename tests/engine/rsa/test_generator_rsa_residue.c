/* What RSA generators leave behind: nothing, not of pairs that were handed out, nor of those that failed or
 * were given up, nor of a generator that could not be made. */
#include "engine/rsa/generator_rsa.h"

#include "pool/secmem.h"
#include "tests/support/generator_rig.h"
#include "tests/support/residue.h"
#include "tests/support/sanitized.h"
#include "tests/support/suite.h"

#include <jemalloc/jemalloc.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>

/* ---- what stays of a pair ---- */

/* All that this process may write to, and the kernel's own pages not. */
static const uint8_t *find_in_process(const struct residue *residue)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    const uint8_t *found = NULL;
    char line[512];

    ck_assert_ptr_nonnull(maps);
    while (found == NULL && fgets(line, sizeof(line), maps) != NULL) {
        unsigned long low, high;
        char access[5];
        if (sscanf(line, "%lx-%lx %4s", &low, &high, access) != 3 || strncmp(access, "rw", 2) != 0 ||
            strstr(line, "[v") != NULL)
            continue;
        found = residue_find(residue, (const void *)(uintptr_t)low, high - low);
    }
    fclose(maps);
    return found;
}

struct actor {
    struct place *place;
    int pairs, result;
};

/* A thread, as a worker is one, whose stack goes on being there while it is searched. */
static pthread_barrier_t acted, searched;

static void *act(void *arg)
{
    struct actor *actor = arg;

    for (int i = 0; i < actor->pairs; i++)
        actor->result = run(fresh(actor->place), NO_DEADLINE);
    pthread_barrier_wait(&acted);
    pthread_barrier_wait(&searched);
    return NULL;
}

static void act_on_a_stack(struct actor *actor, pthread_t *thread)
{
    ck_assert_int_eq(pthread_barrier_init(&acted, NULL, 2), 0);
    ck_assert_int_eq(pthread_barrier_init(&searched, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(thread, NULL, act, actor), 0);
    pthread_barrier_wait(&acted);
}

static void leave_the_stack(pthread_t thread)
{
    pthread_barrier_wait(&searched);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_barrier_destroy(&acted);
    pthread_barrier_destroy(&searched);
}

/* What this test's own look at the pair left on its stack. */
static __attribute__((noinline)) void forget_stack(void)
{
    uint8_t below[1 << 18];

    kw_erase(below, sizeof(below));
}

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
    act_on_a_stack(&actor, &thread);
    ck_assert_int_eq(actor.result, 0);
    residue_of(&residue, &place);
    ck_assert_ptr_nonnull(find_in_process(&residue));
    kw_erase(&place, sizeof(place));
    forget_stack();
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
    note_next_pair(&residue, fresh(&place));
    forget_stack();
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
    forget_stack();
    rig_down(&rig);
    ck_assert_ptr_null(find_in_process(&residue));
}
END_TEST

/* ---- what stays of a generator ---- */

static size_t allocated_bytes(void)
{
    uint64_t epoch = 1;
    size_t allocated = 0, len = sizeof(allocated);

    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    ck_assert_int_eq(mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)), 0);
    ck_assert_int_eq(mallctl("stats.allocated", &allocated, &len, NULL, 0), 0);
    return allocated;
}

struct filling {
    const struct kw_generator_ops *ops;
    int times;
    bool good;
};

/* Generators until memory ends, however far the last one had come; then all are freed. */
static bool run_out_of_memory(const struct kw_generator_ops *ops, struct kw_rng *own)
{
    enum { MAX = 400 };
    struct kw_generator *generators[MAX];
    int num = 0, r = 0;

    while (num < MAX && (r = ops->new (&generators[num], KW_SPEC_RSA_4096, own)) == 0)
        num++;
    ERR_clear_error();
    for (int i = 0; i < num; i++)
        ops->free(generators[i]);
    return r == -ENOMEM || r == KW_EOPENSSL;
}

/* A worker's memory, of which there is no more. The end of the thread empties the allocator's cache: what is
 * allocated then is what was not freed. */
static void *fill_memory(void *arg)
{
    struct filling *filling = arg;
    struct kw_rng *own = NULL;
    struct rlimit old, tight;

    kw_assert(getrlimit(RLIMIT_AS, &old) == 0);
    filling->good = kw_secmem_thread_init(1 << 20) == 0 && kw_rng_new(&own) == 0;
    tight = old;
    tight.rlim_cur = 1 << 20; /* less than there is: nothing more is mapped */
    filling->good = filling->good && setrlimit(RLIMIT_AS, &tight) == 0;
    for (int i = 0; i < filling->times && filling->good; i++)
        filling->good = run_out_of_memory(filling->ops, own);
    filling->good = setrlimit(RLIMIT_AS, &old) == 0 && filling->good;
    kw_rng_free(own);
    OPENSSL_thread_stop();
    kw_secmem_thread_done();
    return NULL;
}

static void fill_memory_on_a_thread(const struct kw_generator_ops *ops, int times)
{
    struct filling filling = {.ops = ops, .times = times};
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, fill_memory, &filling), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(filling.good);
}

START_TEST(new_without_memory_leaves_nothing)
{
    struct place place;

    fill_memory_on_a_thread(rig_ops(_i), 3);
    size_t allocated = allocated_bytes();
    fill_memory_on_a_thread(rig_ops(_i), 30);
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
