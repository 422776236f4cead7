/* No lock is taken both by a worker and by a thread that must not wait for one: a worker at idle priority may
 * be stopped inside whatever it calls, for as long as others keep the core.
 *
 * A whole server runs in this process, with its workers busy, while requests draw random numbers, wrap, seal
 * and take pairs; the spy sees which thread takes which lock.
 */
#include "api/ciphertext.h"
#include "api/keystore_seal.h"
#include "api/node.h"
#include "pool/limits.h"
#include "tests/stress/client.h"
#include "tests/stress/lockspy.h"
#include "tests/support/suite.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CLIENTS 4u /* so that each serving thread has one, as good as surely */
#define SPY_NS  UINT64_C(3000000000)

static char folder[] = "/tmp/keywell-locks-XXXXXX";
static struct kw_node *node;
static struct client clients[CLIENTS];
static struct kw_wrapper *wrapper;
static struct kw_sealer *sealer;
static char key_id[64];

/* Small pools, so that the workers always have to make what a few requests took. */
static const uint32_t capacity[KW_SPEC_NUM] = {
    [KW_SPEC_RSA_2048] = 2,
    [KW_SPEC_ECC_NIST_P256] = 16,
    [KW_SPEC_ECC_NIST_P384] = 8,
    [KW_SPEC_ECC_NIST_P521] = 8,
    [KW_SPEC_ECC_SECG_P256K1] = 8,
    [KW_SPEC_ECC_NIST_EDWARDS25519] = 16,
};

static void setup(void)
{
    static const uint8_t root_key[KW_ROOT_KEY_LEN] = {1};
    struct kw_node_config config;
    char why[512] = "";

    ck_assert_int_eq(kw_node_defaults(&config), 0);
    config.data_dir = folder;
    config.serving_threads = 2;
    config.pool_wait_ms = 20000;
    memcpy(config.capacity, capacity, sizeof(config.capacity));
    ck_assert_int_eq(kw_address_parse("127.0.0.1:0", &config.listen), 0);
    ck_assert_msg(kw_node_start(&node, &config, why, sizeof(why)) == 0, "%s", why);
    for (size_t i = 0; i < CLIENTS; i++)
        client_open(&clients[i], kw_node_address(node), folder);
    ck_assert_uint_eq(client_call(&clients[0], "CreateKey", "{}"), 200);
    client_member(&clients[0], "KeyId", key_id, sizeof(key_id));
    ck_assert_int_eq(kw_wrapper_new(&wrapper), 0);
    ck_assert_int_eq(kw_sealer_new(&sealer, root_key), 0);
}

static void teardown(void)
{
    lockspy_disarm();
    kw_sealer_free(sealer);
    kw_wrapper_free(wrapper);
    for (size_t i = 0; i < CLIENTS; i++)
        client_close(&clients[i]);
    kw_node_stop(node);
}

/* ---- traffic ---- */

/* With the key and one more member. */
static void ask(struct client *client, const char *operation, const char *name, const char *value)
{
    char body[4096];

    snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"%s\":\"%s\"}", key_id, name, value);
    unsigned status = client_call(client, operation, body);
    ck_assert_msg(status == 200, "%s %s: %.2000s", operation, body, client->answer);
}

static void ask_for_pairs(struct client *client, unsigned round)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        bool turn = kw_spec_info(spec)->kind != KW_KIND_RSA || round % 8 == 0;

        if (capacity[spec] > 0 && turn)
            ask(client, "GenerateDataKeyPairWithoutPlaintext", "KeyPairSpec", kw_spec_info(spec)->name);
    }
}

/* Every operation that draws random numbers, and those that store. */
static void ask_for_all(struct client *client, unsigned round)
{
    static unsigned num_aliases;
    char text[1024];

    ask_for_pairs(client, round);
    ask(client, "GenerateDataKey", "KeySpec", "AES_256");
    ask(client, "Encrypt", "Plaintext", "a2V5d2VsbA==");
    client_member(client, "CiphertextBlob", text, sizeof(text));
    ask(client, "Decrypt", "CiphertextBlob", text);
    ck_assert_uint_eq(client_call(client, "GenerateRandom", "{\"NumberOfBytes\":1024}"), 200);
    if (round % 8 != 0 || num_aliases == KW_ALIASES_PER_KEY_MAX)
        return;
    ck_assert_uint_eq(client_call(client, "CreateKey", "{\"Description\":\"another\"}"), 200);
    snprintf(
        text, sizeof(text), "{\"AliasName\":\"alias/a%u\",\"TargetKeyId\":\"%s\"}", num_aliases++, key_id);
    ck_assert_uint_eq(client_call(client, "CreateAlias", text), 200);
    ck_assert_uint_eq(client_call(client, "ListAliases", "{}"), 200);
}

/* The same as above without a server around it, often enough that the generators reseed. */
static void draw_and_seal(void)
{
    static const uint8_t key[KW_BACKING_KEY_LEN], ids[KW_MATERIAL_ID_LEN];
    const struct kw_seal_place place = {"table", KW_LIT("row"), "purpose"};
    static uint8_t bytes[1 << 18];

    ck_assert_int_eq(kw_wrapper_random(wrapper, bytes, sizeof(bytes)), 0);
    for (unsigned i = 0; i < 64; i++) {
        struct kw_buf buf = KW_BUF(bytes, 512);
        struct kw_blob blob;

        ck_assert_int_eq(kw_wrap(wrapper, ids, ids, key, KW_LIT("context"), KW_LIT("text"), &buf), 0);
        ck_assert_int_eq(kw_blob_parse(kw_buf_bytes(&buf), &blob), 0);
        ck_assert_int_eq(kw_unwrap(wrapper, &blob, key, KW_LIT("context"), &buf), 0);
        buf.len = 0;
        ck_assert_int_eq(kw_seal(sealer, &place, KW_LIT("secret"), &buf), 0);
    }
}

static unsigned run_traffic(uint64_t for_ns)
{
    uint64_t end_ns = kw_now_ns() + for_ns;
    unsigned rounds = 0;

    do {
        ask_for_all(&clients[rounds % CLIENTS], rounds / CLIENTS);
        draw_and_seal();
        rounds++;
    } while (kw_now_ns() < end_ns || rounds < 4 * CLIENTS);
    return rounds;
}

/* ---- the spy itself ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, own_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void *take_as_worker(void *arg)
{
    prctl(PR_SET_NAME, "kw-maker-99");
    kw_assert(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    kw_assert(pthread_rwlock_wrlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    return arg;
}

START_TEST(spy_sees_what_is_shared)
{
    pthread_t thread;

    lockspy_arm();
    kw_assert(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    kw_assert(pthread_mutex_lock(&own_mutex) == 0 && pthread_mutex_unlock(&own_mutex) == 0);
    kw_assert(pthread_rwlock_rdlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    ck_assert(!lockspy_is_shared(&mutex) && !lockspy_is_shared(&rwlock));
    ck_assert_int_eq(pthread_create(&thread, NULL, take_as_worker, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    lockspy_disarm();
    ck_assert(lockspy_is_shared(&mutex) && lockspy_is_shared(&rwlock) && !lockspy_is_shared(&own_mutex));
    ck_assert_uint_eq(lockspy_counts().shared, 2);
    lockspy_arm();
    ck_assert_uint_eq(lockspy_counts().shared, 0);
    lockspy_disarm();
}
END_TEST

/* ---- the server ---- */

/* Threads and OpenSSL set themselves up at first use, which may take locks: that is over before the spy
 * looks. */
START_TEST(no_lock_is_shared)
{
    run_traffic(0);
    lockspy_arm();
    unsigned rounds = run_traffic(SPY_NS);
    lockspy_disarm();

    struct lockspy_counts counts = lockspy_counts();
    printf("%u rounds of traffic; locks taken by workers: %u, by others: %u, by both: %u\n", rounds,
        counts.by_workers, counts.by_others, counts.shared);
    lockspy_report(stdout);
    /* Workers may get by without any lock; that the spy would see theirs, the other tests show. */
    ck_assert_uint_gt(counts.by_others, 0);
    ck_assert_uint_eq(counts.shared, 0);
}
END_TEST

static void *draw_as_worker(void *arg)
{
    uint8_t bytes[16];

    prctl(PR_SET_NAME, "kw-maker-98");
    kw_assert(RAND_bytes(bytes, sizeof(bytes)) == 1);
    return arg;
}

/* What the server does without, to show that the spy would have seen it: OpenSSL's own RAND_bytes(). */
START_TEST(openssl_shares_a_lock)
{
    pthread_t thread;
    uint8_t bytes[16];

    ck_assert_int_eq(RAND_bytes(bytes, sizeof(bytes)), 1);
    lockspy_arm();
    ck_assert_int_eq(pthread_create(&thread, NULL, draw_as_worker, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(RAND_bytes(bytes, sizeof(bytes)), 1);
    lockspy_disarm();
    ck_assert_uint_ge(lockspy_counts().shared, 1);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, spy_sees_what_is_shared);
    tcase_add_test(tcase, no_lock_is_shared);
    tcase_add_test(tcase, openssl_shares_a_lock);
}

int main(void)
{
    char why[256] = "no folder can be made", command[128];

    if (kw_node_prepare_process(why, sizeof(why)) < 0 || mkdtemp(folder) == NULL) {
        fprintf(stderr, "%s\n", why);
        return EXIT_FAILURE;
    }
    int status = kw_suite_run("locks", add, 100);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command) == 0 ? status : EXIT_FAILURE;
}
