#include "engine/crypto.h"
#include "engine/fiber.h"
#include "engine/generator.h"
#include "engine/generator_openssl.h"
#include "engine/rng.h"
#include "pool/fault.h"
#include "pool/limits.h"
#include "pool/secmem.h"

#include <check.h>
#include <jemalloc/jemalloc.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DER_MAX = 4096, FILL = 0xee };

#define NO_DEADLINE UINT64_MAX

static struct kw_rng *rng;

/* A slot as a pool would give it, with known bytes behind what the generator may use. */
struct place {
    uint8_t public_der[DER_MAX];
    uint8_t private_der[DER_MAX];
    struct kw_slot slot;
};

static struct kw_slot *place_init(struct place *place)
{
    memset(place, FILL, sizeof(*place));
    place->slot = (struct kw_slot){.public_der = place->public_der, .private_der = place->private_der};
    return &place->slot;
}

static bool all_bytes(const uint8_t *bytes, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != value)
            return false;
    }
    return true;
}

static struct kw_generator *generator_new(enum kw_spec spec)
{
    struct kw_generator *generator = NULL;
    const struct kw_generator_ops *ops = kw_generator_choose(spec, KW_CPU_PORTABLE);

    ck_assert_int_eq(ops->new (&generator, spec, rng), 0);
    ck_assert_ptr_eq(generator->ops, ops);
    return generator;
}

/* ---- the pairs ---- */

static EVP_PKEY *load_public(const struct place *place)
{
    const uint8_t *end = place->public_der;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &end, (long)place->slot.public_len);

    ck_assert_ptr_nonnull(pkey);
    ck_assert_ptr_eq(end, place->public_der + place->slot.public_len);
    return pkey;
}

static EVP_PKEY *load_private(const struct place *place)
{
    const uint8_t *end = place->private_der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &end, (long)place->slot.private_len);

    ck_assert_ptr_nonnull(info);
    ck_assert_ptr_eq(end, place->private_der + place->slot.private_len);
    EVP_PKEY *pkey = EVP_PKCS82PKEY(info);
    ck_assert_ptr_nonnull(pkey);

    uint8_t *again = NULL;
    PKCS8_PRIV_KEY_INFO *info_again = EVP_PKEY2PKCS8(pkey);
    int len = i2d_PKCS8_PRIV_KEY_INFO(info_again, &again);
    ck_assert_uint_eq((size_t)len, place->slot.private_len);
    ck_assert_mem_eq(again, place->private_der, place->slot.private_len);
    OPENSSL_free(again);
    PKCS8_PRIV_KEY_INFO_free(info_again);
    PKCS8_PRIV_KEY_INFO_free(info);
    return pkey;
}

static BIGNUM *number(const EVP_PKEY *pkey, const char *name)
{
    BIGNUM *number = NULL;
    ck_assert_int_eq(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
    return number;
}

/* FIPS 186-5 A.1.1: 2^(nlen/2) < d < lcm(p - 1, q - 1) and d = e^-1 modulo that. OpenSSL's own check takes a
 * d modulo (p - 1)(q - 1) too. */
static void check_rsa_exponent(const EVP_PKEY *pkey, int bits)
{
    BIGNUM *d = number(pkey, OSSL_PKEY_PARAM_RSA_D), *e = number(pkey, OSSL_PKEY_PARAM_RSA_E);
    BIGNUM *p = number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1), *q = number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2);
    BIGNUM *n = number(pkey, OSSL_PKEY_PARAM_RSA_N), *gcd = BN_new(), *lcm = BN_new(), *rest = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    ck_assert_int_eq(BN_num_bits(n), bits);
    ck_assert(BN_is_word(e, 65537));
    BN_sub_word(p, 1);
    BN_sub_word(q, 1);
    BN_gcd(gcd, p, q, ctx);
    BN_mul(lcm, p, q, ctx);
    BN_div(lcm, NULL, lcm, gcd, ctx);
    ck_assert_int_lt(BN_cmp(d, lcm), 0);
    ck_assert_int_gt(BN_num_bits(d), bits / 2);
    BN_mod_mul(rest, d, e, lcm, ctx);
    ck_assert(BN_is_one(rest));

    BIGNUM *all[] = {d, e, p, q, n, gcd, lcm, rest};
    for (size_t i = 0; i < KW_ARRAY_LEN(all); i++)
        BN_free(all[i]);
    BN_CTX_free(ctx);
}

static void check_pair(enum kw_spec spec, const struct place *place)
{
    const struct kw_spec_info *info = kw_spec_info(spec);

    ck_assert_uint_le(place->slot.public_len, info->public_max);
    ck_assert_uint_le(place->slot.private_len, info->private_max);
    ck_assert(all_bytes(place->public_der + info->public_max, DER_MAX - info->public_max, FILL));
    ck_assert(all_bytes(place->private_der + info->private_max, DER_MAX - info->private_max, FILL));

    EVP_PKEY *public_key = load_public(place), *private_key = load_private(place);
    ck_assert_int_eq(EVP_PKEY_eq(public_key, private_key), 1);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, private_key, NULL);
    ck_assert_int_eq(EVP_PKEY_check(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_pairwise_check(ctx), 1);
    EVP_PKEY_CTX_free(ctx);
    if (info->kind == KW_KIND_RSA)
        check_rsa_exponent(private_key, (int)info->bits);
    if (info->kind == KW_KIND_EC) {
        char group[64];
        ck_assert_int_eq(EVP_PKEY_get_group_name(private_key, group, sizeof(group), NULL), 1);
        ck_assert_int_eq(OBJ_txt2nid(group), OBJ_txt2nid(spec == KW_SPEC_ECC_NIST_P256   ? "prime256v1"
                                                         : spec == KW_SPEC_ECC_NIST_P384 ? "secp384r1"
                                                         : spec == KW_SPEC_ECC_NIST_P521 ? "secp521r1"
                                                                                         : "secp256k1"));
    }
    EVP_PKEY_free(public_key);
    EVP_PKEY_free(private_key);
}

START_TEST(pairs_are_good_and_distinct)
{
    enum kw_spec spec = (enum kw_spec)_i;
    static struct place places[16];
    size_t num = spec == KW_SPEC_RSA_2048                  ? 3
                 : kw_spec_info(spec)->kind == KW_KIND_RSA ? 1
                                                           : KW_ARRAY_LEN(places);
    struct kw_generator *generator = generator_new(spec);

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

START_TEST(every_spec_has_a_generator)
{
    for (int path = KW_CPU_PORTABLE; path <= KW_CPU_AVX512IFMA; path++) {
        const struct kw_generator_ops *ops = kw_generator_choose((enum kw_spec)_i, (enum kw_cpu_path)path);
        ck_assert_ptr_nonnull(ops);
        ck_assert_ptr_nonnull(ops->name);
        ck_assert(ops->supports((enum kw_spec)_i, (enum kw_cpu_path)path));
    }
    ck_assert_str_eq(kw_generator_openssl.name, "openssl");
    ck_assert(!kw_generator_openssl.supports(KW_SPEC_NUM, KW_CPU_PORTABLE));
    kw_generator_openssl.free(NULL);
}
END_TEST

/* ---- slices ---- */

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A deadline that has always passed already: the search gives back control at every candidate. If anything
 * were lost on the way, it would never end. Until it does, the slot is left alone. */
START_TEST(search_goes_on_from_slice_to_slice)
{
    struct place place, untouched;
    struct kw_generator *generator = generator_new(KW_SPEC_RSA_2048);
    int result, runs = 0;

    place_init(&place);
    memcpy(&untouched, &place, sizeof(place));
    while ((result = generator->ops->run(generator, 0, &place.slot)) == KW_GENERATOR_AGAIN) {
        ck_assert(runs > 100 || memcmp(&place, &untouched, sizeof(place)) == 0);
        runs++;
    }
    ck_assert_int_eq(result, 0);
    ck_assert_int_gt(runs, 100);
    check_pair(KW_SPEC_RSA_2048, &place);
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
    struct kw_generator *generator = generator_new(KW_SPEC_RSA_2048);
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
    enum { SPECS = 4 };
    static const enum kw_spec specs[SPECS] = {
        KW_SPEC_RSA_2048, KW_SPEC_RSA_2048, KW_SPEC_ECC_NIST_P256, KW_SPEC_ECC_NIST_EDWARDS25519};
    struct kw_generator *generators[SPECS];
    struct place places[SPECS];
    bool done[SPECS] = {false};
    int left = SPECS;

    for (int i = 0; i < SPECS; i++) {
        generators[i] = generator_new(specs[i]);
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
        check_pair(specs[i], &places[i]);
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

/* A new generator that searches for a while and is freed in the middle; how long differs from time to time.
 */
static void search_and_abandon(enum kw_spec spec, int time)
{
    struct place place;
    struct kw_generator *generator = generator_new(spec);
    uint64_t deadline = kw_now_ns() + (uint64_t)(time % 7) * 3000000 + 1;
    int result = generator->ops->run(generator, deadline, place_init(&place));

    ck_assert(result == KW_GENERATOR_AGAIN || result == 0);
    generator->ops->free(generator);
}

START_TEST(abandoned_searches_leave_nothing_allocated)
{
    enum kw_spec spec = (enum kw_spec)_i;
    struct kw_secmem_stats before, after;

    for (int i = 0; i < 7; i++)
        search_and_abandon(spec, i);
    kw_secmem_stats(&before);
    size_t allocated = allocated_bytes();
    for (int i = 0; i < 28; i++)
        search_and_abandon(spec, i);
    kw_secmem_stats(&after);
    /* A search that is not freed holds more than 4 KiB. */
    ck_assert_uint_lt(allocated_bytes(), allocated + 16384);
    ck_assert_uint_eq(after.mapped_bytes, before.mapped_bytes);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

/* ---- secrets on stacks ---- */

__attribute__((no_sanitize("address", "thread"), noinline)) static bool contains(
    const void *memory, size_t len, const uint8_t *what, size_t what_len)
{
    const volatile uint8_t *bytes = memory;

    for (size_t i = 0; i + what_len <= len; i++) {
        size_t same = 0;
        while (same < what_len && bytes[i + same] == what[same])
            same++;
        if (same == what_len)
            return true;
    }
    return false;
}

/* The end of a secret is where its lowest limbs are; eight bytes do not come up by chance. */
static bool contains_secret(const void *memory, size_t len, struct kw_bytes secret)
{
    for (size_t i = 0; i + 8 <= secret.len; i += 8) {
        uint8_t reversed[8];
        const uint8_t *part = secret.ptr + secret.len - 8 - i;

        for (int j = 0; j < 8; j++)
            reversed[j] = part[7 - j];
        if (contains(memory, len, part, 8) || contains(memory, len, reversed, 8))
            return true;
    }
    return false;
}

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

/* Collects the private numbers of the pair in the slot; EC and Ed25519 have one. */
static size_t secrets_of(const struct place *place, uint8_t secrets[5][512], size_t lens[5])
{
    static const char *const names[5] = {
        OSSL_PKEY_PARAM_RSA_D,
        OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,
        OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
    };
    EVP_PKEY *pkey = load_private(place);
    size_t num = 0;

    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        lens[0] = 512;
        ck_assert_int_eq(EVP_PKEY_get_raw_private_key(pkey, secrets[num++], &lens[0]), 1);
    } else {
        bool rsa = EVP_PKEY_is_a(pkey, "RSA");
        for (size_t i = 0; i < (rsa ? 5 : 1); i++) {
            BIGNUM *secret = number(pkey, rsa ? names[i] : OSSL_PKEY_PARAM_PRIV_KEY);
            lens[num] = (size_t)BN_bn2bin(secret, secrets[num]);
            num++;
            BN_free(secret);
        }
    }
    EVP_PKEY_free(pkey);
    return num;
}

static void stage_up(struct stage *stage, struct place *place, enum kw_spec spec)
{
    *stage = (struct stage){.place = place};
    stage->generator = generator_new(spec);
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

START_TEST(no_secret_stays_on_a_stack)
{
    struct stage stage;
    struct place place;
    uint8_t secrets[5][512];
    size_t lens[5], len, inner_len;
    void *low, *inner;

    stage_up(&stage, &place, (enum kw_spec)_i);
    ck_assert_int_eq(stage.result, 0);
    kw_fiber_stack(stage.fiber, &low, &len);
    kw_fiber_stack(kw_generator_openssl_fiber(stage.generator), &inner, &inner_len);
    size_t num = secrets_of(&place, secrets, lens);
    for (size_t i = 0; i < num; i++) {
        struct kw_bytes secret = KW_BYTES(secrets[i], lens[i]);
        ck_assert(contains_secret(place.private_der, place.slot.private_len, secret));
        ck_assert(!contains_secret(low, len, secret));
    }
    ck_assert(all_bytes(inner, inner_len, 0));
    stage_down(&stage);
}
END_TEST

/* The search above finds a secret that is there. */
START_TEST(planted_secret_is_found)
{
    struct stage stage;
    struct place place;
    uint8_t planted[32];
    size_t len;
    void *low;

    memset(&stage, 0, sizeof(stage));
    ck_assert_int_eq(kw_rng_bytes(rng, planted, sizeof(planted)), 0);
    stage_up(&stage, &place, KW_SPEC_ECC_NIST_P256);
    kw_fiber_stack(stage.fiber, &low, &len);
    ck_assert(!contains_secret(low, len, KW_BYTES(planted, sizeof(planted))));
    stage_down(&stage);

    stage.planted = planted;
    stage.place = &place;
    stage.generator = generator_new(KW_SPEC_ECC_NIST_P256);
    ck_assert_int_eq(kw_fiber_new(&stage.fiber, 1 << 20), 0);
    ck_assert(!kw_fiber_enter(stage.fiber, run_on_stage, &stage));
    kw_fiber_stack(stage.fiber, &low, &len);
    ck_assert(contains_secret(low, len, KW_BYTES(planted, sizeof(planted))));
    stage_down(&stage);
}
END_TEST

/* While a search is suspended its stack is in use; once it is abandoned nothing is left there. The memory is
 * never unmapped, so that one may look. */
START_TEST(abandoned_search_is_wiped)
{
    struct place place;
    struct kw_generator *generator = generator_new(KW_SPEC_RSA_2048);
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
    enum kw_spec spec = (enum kw_spec)_i;
    const struct kw_spec_info *info = kw_spec_info(spec);
    struct stage stage;
    struct place place;
    void *inner;
    size_t inner_len;

    if (!kw_fault_compiled_in())
        return;
    ck_assert_int_eq(kw_fault_set("pct:fail@1"), 0);
    stage_up(&stage, &place, spec);
    ck_assert_int_eq(kw_fault_set(""), 0);
    ck_assert_int_eq(stage.result, KW_GENERATOR_FAILED);
    ck_assert(all_bytes(place.public_der, info->public_max, 0));
    ck_assert(all_bytes(place.private_der, info->private_max, 0));
    ck_assert_uint_eq(place.slot.public_len, 0);
    ck_assert_uint_eq(place.slot.private_len, 0);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    kw_fiber_stack(kw_generator_openssl_fiber(stage.generator), &inner, &inner_len);
    ck_assert(all_bytes(inner, inner_len, 0));

    /* The generator is none the worse for it. */
    struct place next;
    ck_assert_int_eq(stage.generator->ops->run(stage.generator, NO_DEADLINE, place_init(&next)), 0);
    check_pair(spec, &next);
    stage_down(&stage);
}
END_TEST

START_TEST(forked_child_is_refused)
{
    struct kw_generator *generator = generator_new(KW_SPEC_ECC_NIST_P256);
    struct place place;
    int status = -1;

    place_init(&place);
    pid_t pid = fork();
    if (pid == 0)
        _exit(kw_generator_openssl.run(generator, NO_DEADLINE, &place.slot) == -EPERM ? 42 : 1);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
    ck_assert_int_eq(generator->ops->run(generator, NO_DEADLINE, &place.slot), 0);
    generator->ops->free(generator);
}
END_TEST

/* ---- workers ---- */

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
        if (kw_generator_openssl.new(&generators[i], (enum kw_spec)i, own) != 0)
            return NULL;
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < KW_SPEC_NUM; i++) {
            int result = kw_generator_openssl.run(generators[i], kw_now_ns() + 1000000, place_init(&place));
            if (result != 0 && result != KW_GENERATOR_AGAIN)
                return NULL;
            *made += result == 0;
        }
    }
    for (int i = 0; i < KW_SPEC_NUM; i++)
        kw_generator_openssl.free(generators[i]);
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
        ck_assert_int_gt(made[i], 20);
    }
}
END_TEST

int main(void)
{
    if (kw_crypto_init() != 0 || kw_secmem_thread_init(8 << 20) != 0 || kw_rng_new(&rng) != 0)
        return 1;

    Suite *suite = suite_create("generator");
    TCase *tcase = tcase_create("generator");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 100);
    tcase_add_loop_test(tcase, pairs_are_good_and_distinct, 0, KW_SPEC_NUM);
    tcase_add_loop_test(tcase, every_spec_has_a_generator, 0, KW_SPEC_NUM);
    tcase_add_test(tcase, search_goes_on_from_slice_to_slice);
    tcase_add_test(tcase, slices_cost_little);
    tcase_add_test(tcase, searches_of_several_specs_wait_for_each_other);
    tcase_add_loop_test(tcase, abandoned_searches_leave_nothing_allocated, 0, KW_SPEC_ECC_NIST_P384);
    tcase_add_test(tcase, no_secret_stays_on_a_stack);
    tcase_add_loop_test(tcase, no_secret_stays_on_a_stack, KW_SPEC_ECC_NIST_P256, KW_SPEC_NUM);
    tcase_add_test(tcase, planted_secret_is_found);
    tcase_add_test(tcase, abandoned_search_is_wiped);
    tcase_add_test(tcase, failed_pair_is_wiped_and_kept_out);
    tcase_add_loop_test(tcase, failed_pair_is_wiped_and_kept_out, KW_SPEC_ECC_NIST_P256, KW_SPEC_NUM);
    tcase_add_test(tcase, forked_child_is_refused);
    tcase_add_test(tcase, workers_do_not_meet);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kw_rng_free(rng);
    return failed == 0 ? 0 : 1;
}
