/* The shared library through its one public header, as a host sees it. */
#include "api/keywell.h"
#include "tests/support/suite.h"

#include <malloc.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define P256 KEYWELL_ECC_NIST_P256
#define ED   KEYWELL_ECC_NIST_EDWARDS25519
#define RSA  KEYWELL_RSA_2048

static struct keywell *engine;
static struct keywell_key *key;
static const unsigned char secret[32] = "thirty-two bytes of wrapping key";
static const unsigned char key_id[16] = {1, 2, 3}, material_id[32] = {4, 5, 6};
static const struct keywell_context context[] = {{"b", "2"}, {"a", "1"}}, turned[] = {{"a", "1"}, {"b", "2"}};

static const struct keywell_spec_config specs[] = {
    {.spec = P256, .depth = 200},
    {.spec = ED, .depth = 2, .on_empty = KEYWELL_ON_EMPTY_REJECT},
    {.spec = RSA, .depth = 1, .on_empty = KEYWELL_ON_EMPTY_GENERATE, .wait_ms = 30000},
};

static struct keywell_config config_of(const struct keywell_spec_config *list, size_t num)
{
    struct keywell_config config = KEYWELL_CONFIG_INIT;

    config.specs = list;
    config.num_specs = num;
    return config;
}

static int open_with(const struct keywell_config *config)
{
    struct keywell *other = NULL;
    int r = keywell_open(&other, config);

    ck_assert((r == 0) == (other != NULL));
    ck_assert_int_eq(keywell_close(other), 0);
    return r;
}

/* What a program built against a later header may send: more bytes, which must be zero. */
START_TEST(test_config_of_the_future)
{
    struct {
        struct keywell_config config;
        uint64_t more;
    } future = {.config = config_of(specs, 1)};

    future.config.size = sizeof(future);
    ck_assert_int_eq(open_with(&future.config), 0);
    future.more = 1;
    ck_assert_int_eq(open_with(&future.config), KEYWELL_INVALID);
}
END_TEST

START_TEST(test_bad_config)
{
    static const unsigned no_such_core[] = {8191}, twice[] = {0, 0};
    static const struct keywell_spec_config bad[] = {
        {.spec = 8, .depth = 1},
        {.spec = P256},
        {.spec = P256, .depth = KEYWELL_DEPTH_MAX + 1},
        {.spec = P256, .depth = 4, .low_watermark = 5},
        {.spec = P256, .depth = 1, .on_empty = 3},
        {.spec = P256, .depth = 1, .wait_ms = 60001},
        {.spec = P256, .depth = 1, .reserved = {0, 0, 1}},
    };
    static const struct keywell_spec_config same[] = {{.spec = P256, .depth = 1}, {.spec = P256, .depth = 1}};
    struct keywell_config config;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        config = config_of(&bad[i], 1);
        ck_assert_int_eq(open_with(&config), KEYWELL_INVALID);
    }
    config = config_of(same, 2);
    ck_assert_int_eq(open_with(&config), KEYWELL_INVALID);
    config = config_of(specs, 0);
    ck_assert_int_eq(open_with(&config), KEYWELL_INVALID);
    config = config_of(specs, 1);
    config.size = 8;
    ck_assert_int_eq(open_with(&config), KEYWELL_INVALID);
    config = config_of(specs, 1);
    config.cores = no_such_core;
    config.num_cores = 1;
    ck_assert_int_eq(open_with(&config), KEYWELL_INVALID);
    config.cores = twice;
    config.num_cores = 2;
    ck_assert_int_eq(open_with(&config), KEYWELL_INVALID);
    config = config_of(specs, 1);
    config.cpu_share = 101;
    ck_assert_int_eq(open_with(&config), KEYWELL_INVALID);
    config = config_of(&specs[2], 1);
    config.generate_max = 65;
    ck_assert_int_eq(open_with(&config), KEYWELL_INVALID);
    ck_assert_int_eq(keywell_open(NULL, &config), KEYWELL_INVALID);
    ck_assert_int_eq(keywell_open(&engine, NULL), KEYWELL_INVALID);
}
END_TEST

/* Both halves, read by OpenSSL, are one key; text and DER are the same public key. */
static void check_pair(const struct keywell_pair *pair)
{
    const unsigned char *private_key, *at;
    unsigned char der[KEYWELL_PUBLIC_KEY_MAX], back[KEYWELL_PUBLIC_TEXT_MAX + 4];
    const char *text;
    size_t private_len, text_len, der_len;

    ck_assert_int_eq(keywell_pair_private_key(pair, &private_key, &private_len), 0);
    ck_assert_int_eq(keywell_pair_public_text(pair, &text, &text_len), 0);
    ck_assert_int_eq(keywell_pair_public_key(pair, der, &der_len), 0);
    ck_assert_int_eq(EVP_EncodeBlock(back, der, (int)der_len), (int)text_len);
    ck_assert_mem_eq(back, text, text_len);
    at = der;
    EVP_PKEY *public_half = d2i_PUBKEY(NULL, &at, (long)der_len);
    at = private_key;
    EVP_PKEY *private_half = d2i_AutoPrivateKey(NULL, &at, (long)private_len);
    ck_assert_int_eq(EVP_PKEY_eq(public_half, private_half), 1);
    EVP_PKEY_free(public_half);
    EVP_PKEY_free(private_half);
}

START_TEST(test_pop)
{
    for (unsigned i = 0; i < 3; i++) {
        struct keywell_pair pair = KEYWELL_PAIR_INIT;

        ck_assert_int_eq(keywell_pop(engine, i == 2 ? RSA : P256, &pair), 0);
        check_pair(&pair);
        ck_assert_int_eq(keywell_pop(engine, P256, &pair), KEYWELL_INVALID);
        keywell_pair_release(&pair);
        keywell_pair_release(&pair);
    }
}
END_TEST

START_TEST(test_pop_hostile)
{
    struct keywell_pair none = KEYWELL_PAIR_INIT;
    const unsigned char *bytes;
    unsigned char der[KEYWELL_PUBLIC_KEY_MAX];
    const char *text;
    size_t len;

    ck_assert_int_eq(keywell_pop(engine, KEYWELL_RSA_4096, &none), KEYWELL_NOT_MADE);
    ck_assert_int_eq(keywell_pop(engine, (enum keywell_spec)99, &none), KEYWELL_NOT_MADE);
    ck_assert_int_eq(keywell_pop(NULL, P256, &none), KEYWELL_INVALID);
    ck_assert_int_eq(keywell_pop(engine, P256, NULL), KEYWELL_INVALID);
    ck_assert_int_eq(keywell_pair_private_key(&none, &bytes, &len), KEYWELL_INVALID);
    ck_assert_int_eq(keywell_pair_public_text(&none, &text, &len), KEYWELL_INVALID);
    ck_assert_int_eq(keywell_pair_public_key(&none, der, &len), KEYWELL_INVALID);
    keywell_pair_release(&none);
    keywell_pair_release(NULL);
}
END_TEST

/* An Ed25519 pool of two without time to refill: rejects at once and counts. */
START_TEST(test_reject)
{
    struct keywell_pair pairs[600] = {0};
    struct keywell_stats stats = {.size = sizeof(stats)};
    int r = 0;
    unsigned num = 0;

    ck_assert_int_eq(keywell_wait(engine, ED, 2, 10000), 0);
    /* All slots in hand: nothing can be made. */
    while (num < 600 && (r = keywell_pop(engine, ED, &pairs[num])) == 0)
        num++;
    ck_assert_int_eq(r, KEYWELL_EMPTY);
    ck_assert_uint_ge(num, 2);
    for (unsigned i = 0; i < num; i++)
        keywell_pair_release(&pairs[i]);
    ck_assert_int_eq(keywell_stats(engine, ED, &stats), 0);
    ck_assert_uint_ge(stats.rejected, 1);
    ck_assert_uint_eq(stats.popped, num);
    ck_assert_uint_eq(stats.depth, 2);
}
END_TEST

/* More pairs than the pool has, faster than the workers: each comes, from them or made here. */
START_TEST(test_generate)
{
    struct keywell_pair pairs[6] = {0};
    struct keywell_stats stats = {.size = sizeof(stats)};

    for (unsigned i = 0; i < 6; i++)
        ck_assert_int_eq(keywell_pop(engine, RSA, &pairs[i]), 0);
    ck_assert_int_eq(keywell_stats(engine, RSA, &stats), 0);
    ck_assert_uint_ge(stats.misses, 1);
    ck_assert_uint_ge(stats.made + stats.generated, 6);
    for (unsigned i = 0; i < 6; i++) {
        check_pair(&pairs[i]);
        keywell_pair_release(&pairs[i]);
    }
}
END_TEST

static unsigned char blob[KEYWELL_BLOB_MAX];
static char text[KEYWELL_PUBLIC_TEXT_MAX];
static size_t blob_len, text_len;

static int pop_wrap(enum keywell_spec spec)
{
    blob_len = sizeof(blob);
    text_len = sizeof(text);
    return keywell_pop_wrap(engine, spec, key, context, 2, blob, &blob_len, text, &text_len);
}

static int unwrap(const struct keywell_context *pairs, size_t num, unsigned char *out, size_t *len)
{
    return keywell_unwrap(engine, key, pairs, num, blob, blob_len, out, len);
}

START_TEST(test_wrap_and_unwrap)
{
    static const enum keywell_spec which[] = {P256, RSA};
    unsigned char out[KEYWELL_PRIVATE_KEY_MAX], ids[2][32];

    for (size_t i = 0; i < 2; i++) {
        size_t len = sizeof(out);
        const unsigned char *at = out;

        ck_assert_int_eq(pop_wrap(which[i]), 0);
        ck_assert_int_eq(unwrap(turned, 2, out, &len), 0);
        ck_assert_uint_eq(len, blob_len - KEYWELL_BLOB_OVERHEAD);
        EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)len);
        unsigned char *der = NULL, encoded[KEYWELL_PUBLIC_TEXT_MAX + 4];
        int der_len = i2d_PUBKEY(pkey, &der);
        ck_assert_int_eq(EVP_EncodeBlock(encoded, der, der_len), (int)text_len);
        ck_assert_mem_eq(encoded, text, text_len);
        OPENSSL_free(der);
        EVP_PKEY_free(pkey);
        ck_assert_int_eq(keywell_blob_ids(blob, blob_len, ids[0], ids[1]), 0);
        ck_assert_mem_eq(ids[0], key_id, sizeof(key_id));
        ck_assert_mem_eq(ids[1], material_id, sizeof(material_id));
    }
}
END_TEST

START_TEST(test_wrap_in_hand)
{
    struct keywell_pair pair = KEYWELL_PAIR_INIT;
    unsigned char out[KEYWELL_PRIVATE_KEY_MAX];
    const unsigned char *private_key;
    size_t len = sizeof(out), private_len;

    ck_assert_int_eq(keywell_pop(engine, P256, &pair), 0);
    blob_len = 10;
    ck_assert_int_eq(keywell_pair_wrap(engine, &pair, key, context, 2, blob, &blob_len), KEYWELL_NO_SPACE);
    ck_assert_int_eq(keywell_pair_wrap(engine, &pair, key, context, 2, blob, &blob_len), 0);
    ck_assert_int_eq(unwrap(context, 2, out, &len), 0);
    ck_assert_int_eq(keywell_pair_private_key(&pair, &private_key, &private_len), 0);
    ck_assert_uint_eq(len, private_len);
    ck_assert_mem_eq(out, private_key, len);
    keywell_pair_release(&pair);
    ck_assert_int_eq(keywell_pair_wrap(engine, &pair, key, NULL, 0, blob, &blob_len), KEYWELL_INVALID);
}
END_TEST

START_TEST(test_unwrap_hostile)
{
    static const struct keywell_context other[] = {{"a", "1"}, {"b", "3"}};
    unsigned char out[KEYWELL_PRIVATE_KEY_MAX], untouched[KEYWELL_PRIVATE_KEY_MAX];
    size_t len = sizeof(out);
    struct keywell_key *wrong = NULL;

    ck_assert_int_eq(pop_wrap(P256), 0);
    memset(out, 0, sizeof(out));
    memset(untouched, 0, sizeof(untouched));
    ERR_clear_error();
    for (size_t i = 0; i < blob_len; i++) {
        blob[i] ^= 0x10;
        ck_assert_int_eq(unwrap(context, 2, out, &len), KEYWELL_NOT_AUTHENTIC);
        blob[i] ^= 0x10;
    }
    ck_assert_int_eq(unwrap(other, 2, out, &len), KEYWELL_NOT_AUTHENTIC);
    ck_assert_int_eq(unwrap(context, 1, out, &len), KEYWELL_NOT_AUTHENTIC);
    ck_assert_int_eq(unwrap(NULL, 0, out, &len), KEYWELL_NOT_AUTHENTIC);
    ck_assert_int_eq(keywell_unwrap(engine, key, context, 2, blob, 96, out, &len), KEYWELL_NOT_AUTHENTIC);
    ck_assert_int_eq(keywell_key_new(engine, untouched, key_id, material_id, &wrong), 0);
    ck_assert_int_eq(
        keywell_unwrap(engine, wrong, context, 2, blob, blob_len, out, &len), KEYWELL_NOT_AUTHENTIC);
    keywell_key_free(wrong);
    ck_assert_mem_eq(out, untouched, sizeof(out));
    ck_assert_uint_eq(ERR_peek_error(), 0);

    len = 5;
    ck_assert_int_eq(unwrap(context, 2, out, &len), KEYWELL_NO_SPACE);
    ck_assert_uint_eq(len, blob_len - KEYWELL_BLOB_OVERHEAD);
    ck_assert_int_eq(keywell_blob_ids(blob, 96, NULL, NULL), KEYWELL_NOT_AUTHENTIC);
    ck_assert_int_eq(keywell_blob_ids(NULL, 0, NULL, NULL), KEYWELL_NOT_AUTHENTIC);
}
END_TEST

/* A call that cannot succeed takes no pair. */
START_TEST(test_wrap_hostile)
{
    static const struct keywell_context twice[] = {{"a", "1"}, {"a", "2"}}, missing[] = {{"a", NULL}};
    static char huge[9000];
    const struct keywell_context too_big[] = {{"a", huge}};
    struct keywell_stats before = {.size = sizeof(before)}, after = {.size = sizeof(after)};

    memset(huge, 'x', sizeof(huge) - 1);
    ck_assert_int_eq(keywell_stats(engine, P256, &before), 0);
    blob_len = 233;
    text_len = sizeof(text);
    ck_assert_int_eq(
        keywell_pop_wrap(engine, P256, key, NULL, 0, blob, &blob_len, text, &text_len), KEYWELL_NO_SPACE);
    ck_assert_uint_eq(blob_len, 138 + KEYWELL_BLOB_OVERHEAD);
    ck_assert_uint_eq(text_len, 124);
    const struct {
        const struct keywell_context *list;
        size_t num;
    } bad[] = {{twice, 2}, {missing, 1}, {too_big, 1}, {NULL, 1}, {context, KEYWELL_CONTEXT_MAX + 1}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(
            keywell_pop_wrap(engine, P256, key, bad[i].list, bad[i].num, blob, &blob_len, text, &text_len),
            KEYWELL_INVALID);
    ck_assert_int_eq(
        keywell_pop_wrap(engine, KEYWELL_RSA_4096, key, NULL, 0, blob, &blob_len, text, &text_len),
        KEYWELL_NOT_MADE);
    ck_assert_int_eq(
        keywell_pop_wrap(engine, P256, NULL, NULL, 0, blob, &blob_len, text, &text_len), KEYWELL_INVALID);
    ck_assert_int_eq(keywell_stats(engine, P256, &after), 0);
    ck_assert_uint_eq(before.popped, after.popped);
}
END_TEST

static void *many(void *failures)
{
    for (unsigned i = 0; i < 100; i++) {
        unsigned char mine[KEYWELL_BLOB_MAX], out[KEYWELL_PRIVATE_KEY_MAX];
        char public_text[KEYWELL_PUBLIC_TEXT_MAX];
        size_t len = sizeof(mine), public_len = sizeof(public_text), out_len = sizeof(out);

        if (keywell_pop_wrap(engine, P256, key, context, 2, mine, &len, public_text, &public_len) != 0 ||
            keywell_unwrap(engine, key, turned, 2, mine, len, out, &out_len) != 0)
            atomic_fetch_add((_Atomic unsigned *)failures, 1);
    }
    return NULL;
}

START_TEST(test_threads)
{
    _Atomic unsigned failures = 0;
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, many, &failures), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(failures, 0);
}
END_TEST

/* A leak checker asks this at exit: a child frees nothing of an engine, by design. */
static bool in_child;
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return in_child;
}

/* Everything refuses in a child, frees included, and the parent goes on. */
static int be_a_child(struct keywell_pair *pair)
{
    struct keywell_config config = config_of(specs, 1);
    struct keywell_pair other = KEYWELL_PAIR_INIT;
    struct keywell *mine = NULL;
    const unsigned char *bytes;
    size_t len;
    in_child = true;
    bool refused = keywell_pop(engine, P256, &other) == KEYWELL_FORKED && pop_wrap(P256) == KEYWELL_FORKED &&
                   keywell_pair_private_key(pair, &bytes, &len) == KEYWELL_FORKED &&
                   keywell_open(&mine, &config) == KEYWELL_FORKED && keywell_level(engine, P256) == 0 &&
                   keywell_wait(engine, P256, 1, 1) == KEYWELL_FORKED;

    keywell_pair_release(pair);
    keywell_key_free(key);
    return refused && keywell_close(engine) == KEYWELL_FORKED ? 0 : 1;
}

START_TEST(test_fork)
{
    struct keywell_pair pair = KEYWELL_PAIR_INIT;
    int status = -1;

    ck_assert_int_eq(keywell_pop(engine, P256, &pair), 0);
    pid_t child = fork();
    if (child == 0)
        exit(be_a_child(&pair)); /* through the handlers at exit */
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    check_pair(&pair);
    keywell_pair_release(&pair);
}
END_TEST

START_TEST(test_close_in_use)
{
    struct keywell_pair pair = KEYWELL_PAIR_INIT;
    struct keywell_config config = config_of(specs, 1);
    struct keywell *other = NULL;
    struct keywell_key *held = NULL;

    ck_assert_int_eq(keywell_open(&other, &config), 0);
    ck_assert_int_eq(keywell_pop(other, P256, &pair), 0);
    ck_assert_int_eq(keywell_close(other), KEYWELL_BUSY);
    keywell_pair_release(&pair);
    ck_assert_int_eq(keywell_key_new(other, secret, key_id, material_id, &held), 0);
    ck_assert_int_eq(keywell_close(other), KEYWELL_BUSY);
    keywell_key_free(held);
    ck_assert_int_eq(keywell_close(other), 0);
    ck_assert_int_eq(keywell_close(NULL), 0);
}
END_TEST

/* What an engine took it gives back: to the host's malloc, and secret memory to the next engine. */
START_TEST(test_nothing_is_lost)
{
    struct keywell_config config = config_of(specs, 1);
    uint64_t secret_bytes = 0;
    size_t allocated = 0;

    for (unsigned i = 0; i < 12; i++) {
        struct keywell_status status = {.size = sizeof(status)};
        struct keywell *other = NULL;

        ck_assert_int_eq(keywell_open(&other, &config), 0);
        ck_assert_int_eq(keywell_status(other, &status), 0);
        ck_assert_int_eq(keywell_close(other), 0);
        if (i == 3) {
            secret_bytes = status.secret_bytes;
            allocated = mallinfo2().uordblks;
        }
        ck_assert(i <= 3 || status.secret_bytes == secret_bytes);
    }
    /* Check keeps some of its own for each assert. */
    ck_assert_uint_lt(mallinfo2().uordblks, allocated + 16384);
}
END_TEST

START_TEST(test_looking)
{
    struct keywell_status status = {.size = sizeof(status)};
    struct keywell_stats stats = {.size = 8};
    enum keywell_spec spec;

    ck_assert_int_eq(keywell_wait(engine, P256, 150, 10000), 0);
    ck_assert_uint_ge(keywell_level(engine, P256), 100);
    ck_assert_uint_eq(keywell_level(engine, KEYWELL_RSA_4096), 0);
    ck_assert_int_eq(keywell_wait(engine, P256, 201, 0), KEYWELL_INVALID);
    ck_assert_int_eq(keywell_wait(engine, KEYWELL_RSA_4096, 1, 0), KEYWELL_NOT_MADE);
    ck_assert_int_eq(keywell_status(engine, &status), 0);
    ck_assert_uint_ge(status.workers, 1);
    ck_assert_uint_eq(status.workers_failed, 0);
    ck_assert_uint_eq(status.not_dumped, 1);
    ck_assert_uint_gt(status.secret_bytes, 0);
    ck_assert_ptr_nonnull(status.cpu_path);
    ck_assert_int_eq(keywell_stats(engine, P256, &stats), KEYWELL_INVALID);
    stats.size = sizeof(stats);
    ck_assert_int_eq(keywell_stats(engine, KEYWELL_RSA_4096, &stats), KEYWELL_NOT_MADE);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_int_eq(keywell_spec_parse(keywell_spec_name((enum keywell_spec)i), &spec), 0);
        ck_assert_uint_eq(spec, i);
    }
    ck_assert_ptr_null(keywell_spec_name((enum keywell_spec)8));
    ck_assert_int_eq(keywell_spec_parse("rsa_2048", &spec), KEYWELL_INVALID);
    for (int error = 0; error >= KEYWELL_SYSTEM; error--)
        ck_assert_str_ne(keywell_strerror(error), keywell_strerror(1));
    ck_assert_str_eq(keywell_strerror(KEYWELL_SYSTEM - 1), keywell_strerror(1));
    ck_assert_str_eq(keywell_version(), "1.0.0");
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_config_of_the_future);
    tcase_add_test(tcase, test_bad_config);
    tcase_add_test(tcase, test_pop);
    tcase_add_test(tcase, test_pop_hostile);
    tcase_add_test(tcase, test_reject);
    tcase_add_test(tcase, test_generate);
    tcase_add_test(tcase, test_wrap_and_unwrap);
    tcase_add_test(tcase, test_wrap_in_hand);
    tcase_add_test(tcase, test_unwrap_hostile);
    tcase_add_test(tcase, test_wrap_hostile);
    tcase_add_test(tcase, test_threads);
    tcase_add_test(tcase, test_fork);
    tcase_add_test(tcase, test_close_in_use);
    tcase_add_test(tcase, test_nothing_is_lost);
    tcase_add_test(tcase, test_looking);
}

/* A host that has used OpenSSL before, and goes on using it. */
int main(void)
{
    struct keywell_config config = config_of(specs, sizeof(specs) / sizeof(specs[0]));
    EVP_PKEY *host = EVP_EC_gen("P-256");

    if (keywell_open(&engine, &config) != 0 ||
        keywell_key_new(engine, secret, key_id, material_id, &key) != 0)
        return EXIT_FAILURE;
    int status = kw_suite_run("keywell", add, 60);
    keywell_key_free(key);
    if (keywell_close(engine) != 0)
        status = EXIT_FAILURE;
    EVP_PKEY_free(host);
    return status;
}
