/* pop_wrap - what a request for a key pair computes, in process: pop, wrap the private key, release; and the
 * parts of it.
 *
 *   pop             a ready pair leaves the pool, nothing else
 *   pop_release     and its slot is wiped and given back
 *   wrap            a private key that lies in the caches becomes a blob
 *   pop_wrap        pop to wrapped blob, and release
 *   pop_wrap_text   the same with the blob and the public key as base64, as an answer has them
 *
 * Each pool holds more bytes of pairs than the caches hold, and the caches are swept before each round, so a
 * pop meets memory as a server with a deep pool does. Every pair is real and different (farm.h).
 * KEYWELL_BENCH_SLOTS sets the depth (a small one is the smoke size of the tests); depth and memory are
 * printed as context.
 */
#include "api/ciphertext.h"
#include "bench/bench.h"
#include "bench/farm.h"
#include "engine/cpu.h"
#include "engine/crypto.h"
#include "pool/pool.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define POOL_BYTES  (64u * 1024u * 1024u) /* of pairs, at least: more than a 32 MiB last-level cache */
#define SWEEP_BYTES (96u * 1024u * 1024u)
#define BATCH       256u /* pairs in hand at once where release is not counted */

struct rig {
    enum kw_spec spec;
    struct kw_pool *pool;
    struct kw_farm_pair *pairs;
    uint32_t slots;
};

static struct kw_wrapper *wrapper;
static uint8_t *swept;
static uint8_t key_id[KW_KMS_KEY_ID_LEN], material_id[KW_MATERIAL_ID_LEN], backing_key[KW_BACKING_KEY_LEN];

static void sweep_caches(void)
{
    for (size_t i = 0; i < SWEEP_BYTES; i += KW_CACHE_LINE)
        ((volatile uint8_t *)swept)[i]++;
}

static void refill(struct rig *rig)
{
    struct kw_slot slot;

    for (uint32_t i = 0; kw_pool_acquire(rig->pool, &slot) == 0; i++) {
        const struct kw_farm_pair *pair = &rig->pairs[i % rig->slots];

        memcpy(slot.public_der, pair->public_der, pair->public_len);
        memcpy(slot.private_der, pair->private_der, pair->private_len);
        slot.public_len = pair->public_len;
        slot.private_len = pair->private_len;
        kw_pool_publish(rig->pool, &slot);
    }
    sweep_caches();
}

static int wrap(struct kw_bytes private_der, struct kw_buf *blob)
{
    return kw_wrap(wrapper, key_id, material_id, backing_key, KW_LIT("\0\0\0\0"), private_der, blob);
}

static int pop_release(struct rig *rig, char *text)
{
    KW_PAIR struct kw_pair pair = {.pool = NULL};

    (void)text;
    return kw_pool_pop(rig->pool, &pair) == 0 ? 0 : -EIO;
}

static int wrap_only(struct rig *rig, char *text)
{
    struct kw_buf blob = KW_BUF(text, KW_CIPHERTEXT_MAX);

    return wrap(KW_BYTES(rig->pairs[0].private_der, rig->pairs[0].private_len), &blob);
}

static int pop_wrap(struct rig *rig, char *text)
{
    struct kw_buf blob = KW_BUF(text, KW_CIPHERTEXT_MAX);
    KW_PAIR struct kw_pair pair = {.pool = NULL};

    if (kw_pool_pop(rig->pool, &pair) != 0)
        return -EIO;
    kw_pool_prefetch(rig->pool);
    return wrap(pair.private_der, &blob);
}

static int pop_wrap_text(struct rig *rig, char *text)
{
    uint8_t bytes[KW_CIPHERTEXT_MAX];
    struct kw_buf blob = KW_BUF(bytes, sizeof(bytes));
    KW_PAIR struct kw_pair pair = {.pool = NULL};

    if (kw_pool_pop(rig->pool, &pair) != 0)
        return -EIO;
    kw_pool_prefetch(rig->pool);
    if (wrap(pair.private_der, &blob) != 0)
        return -EIO;
    kw_base64_encode(kw_buf_bytes(&blob), text);
    memcpy(text + KW_BASE64_LEN(blob.len), pair.public_text.ptr, pair.public_text.len);
    return 0;
}

struct step {
    const char *name;
    int (*run)(struct rig *rig, char *text); /* NULL: pop, by the batch */
};

static const struct step steps[] = {
    {"pop", NULL},
    {"pop_release", pop_release},
    {"wrap", wrap_only},
    {"pop_wrap", pop_wrap},
    {"pop_wrap_text", pop_wrap_text},
};

struct run {
    char name[64];
    struct rig *rig;
    const struct step *step;
};

static int run_step(struct kw_bench_state *state, void *arg)
{
    const struct run *run = arg;
    char text[2 * KW_CIPHERTEXT_MAX];

    refill(run->rig);
    while (kw_bench_keep_running(state, 1)) {
        if (run->step->run(run->rig, text) != 0) {
            kw_bench_fail(state, "a step failed");
            return -EIO;
        }
    }
    return 0;
}

static int run_pop(struct kw_bench_state *state, void *arg)
{
    const struct run *run = arg;
    uint32_t batch = KW_MIN(BATCH, run->rig->slots);
    struct kw_pair pairs[BATCH];
    int failed = 0;

    refill(run->rig);
    while (kw_bench_keep_running(state, batch)) {
        for (uint32_t i = 0; i < batch; i++)
            failed |= kw_pool_pop(run->rig->pool, &pairs[i]);
        kw_bench_pause(state);
        if (failed != 0) {
            kw_bench_fail(state, "the pool is empty");
            return -EIO;
        }
        for (uint32_t i = 0; i < batch; i++)
            kw_pair_release(&pairs[i]);
        kw_bench_resume(state);
    }
    return 0;
}

static void add_runs(struct rig *rig)
{
    static struct run runs[KW_SPEC_NUM * KW_ARRAY_LEN(steps)];
    static size_t num;

    for (size_t i = 0; i < KW_ARRAY_LEN(steps); i++) {
        struct run *run = &runs[num++];
        uint32_t batch = KW_MIN(BATCH, rig->slots);

        *run = (struct run){.rig = rig, .step = &steps[i]};
        snprintf(run->name, sizeof(run->name), "%s/%s", steps[i].name, kw_spec_info(rig->spec)->name);
        kw_bench_register(&(struct kw_bench){.name = run->name,
            .run = steps[i].run == NULL ? run_pop : run_step,
            .arg = run,
            .iterations = rig->slots / batch * batch,
            .repetitions = 9});
    }
}

static int rig_init(struct rig *rig)
{
    const char *slots = getenv("KEYWELL_BENCH_SLOTS"), *name = kw_spec_info(rig->spec)->name;
    struct kw_pool_config config = {.spec = rig->spec, .spare_slots = 2 * BATCH};
    char key[48], text[96];
    size_t pair_bytes =
        KW_BASE64_LEN(kw_spec_info(rig->spec)->public_max) + kw_spec_info(rig->spec)->private_max;

    rig->slots = slots != NULL ? (uint32_t)strtoul(slots, NULL, 10) : (uint32_t)(POOL_BYTES / pair_bytes);
    config.capacity = rig->slots;
    KW_TRY(kw_pool_new(&rig->pool, &config));
    rig->pairs = calloc(rig->slots, sizeof(*rig->pairs));
    if (rig->pairs == NULL)
        return -ENOMEM;
    fprintf(stderr, "making %u distinct %s pairs\n", rig->slots, name);
    KW_TRY(kw_farm_fill(rig->spec, rig->pairs, rig->slots));
    snprintf(key, sizeof(key), "slots_%s", name);
    snprintf(text, sizeof(text), "%u, %.0f bytes a pair all in", rig->slots,
        (double)kw_pool_bytes(rig->pool) / (rig->slots + config.spare_slots));
    kw_bench_context(key, text);
    return 0;
}

static void rig_done(struct rig *rig)
{
    struct kw_pair pair;

    while (kw_pool_pop(rig->pool, &pair) == 0)
        kw_pair_release(&pair);
    kw_pool_free(rig->pool);
    free(rig->pairs);
}

static int set_up(struct rig *rigs, size_t num)
{
    KW_TRY(kw_crypto_init());
    KW_TRY(kw_wrapper_new(&wrapper));
    KW_TRY(kw_wrapper_random(wrapper, backing_key, sizeof(backing_key)));
    swept = calloc(1, SWEEP_BYTES);
    KW_REQUIRE(swept != NULL, -ENOMEM);
    for (size_t i = 0; i < num; i++) {
        KW_TRY(rig_init(&rigs[i]));
        add_runs(&rigs[i]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct rig rigs[] = {
        {.spec = KW_SPEC_RSA_2048}, {.spec = KW_SPEC_RSA_4096}, {.spec = KW_SPEC_ECC_NIST_P256}};
    char model[64];
    int r = set_up(rigs, KW_ARRAY_LEN(rigs));

    if (r < 0) {
        fprintf(stderr, "pop_wrap: cannot set up: %s\n", r == KW_EOPENSSL ? "OpenSSL" : strerror(-r));
        return 1;
    }
    kw_cpu_model(model);
    kw_bench_context("cpu", model);
    kw_bench_context("cpu_path", kw_cpu_path_name(kw_cpu_detect()));
    kw_bench_context("openssl", OpenSSL_version(OPENSSL_VERSION));
    r = kw_bench_main(argc, argv);
    for (size_t i = 0; i < KW_ARRAY_LEN(rigs); i++)
        rig_done(&rigs[i]);
    kw_wrapper_free(wrapper);
    free(swept);
    return r;
}
