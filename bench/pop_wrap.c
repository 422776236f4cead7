/* pop_wrap - what a request for an RSA_2048 pair computes, in process: pop, wrap, encode as base64, release.
 *
 * The pool holds more pairs than the caches hold bytes, and the caches are swept before each round, so a pop
 * meets memory as a server with a deep pool does. Every pair is real and different (rsafarm.h).
 * KEYWELL_BENCH_SLOTS sets the depth (a small one is the smoke size of the tests); the depth is printed as
 * context.
 */
#include "api/ciphertext.h"
#include "bench/bench.h"
#include "bench/rsafarm.h"
#include "engine/cpu.h"
#include "engine/crypto.h"
#include "pool/pool.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS_DEFAULT 49152u /* 75 MB of pairs: more than a 32 MiB last-level cache */
#define SWEEP_BYTES   (96u * 1024u * 1024u)

struct rig {
    struct kw_pool *pool;
    struct kw_rsafarm_pair *pairs;
    uint32_t slots;
    struct kw_wrapper *wrapper;
    uint8_t *sweep;
    uint8_t key_id[KW_KMS_KEY_ID_LEN], material_id[KW_MATERIAL_ID_LEN], backing_key[KW_BACKING_KEY_LEN];
};

static void sweep_caches(struct rig *rig)
{
    for (size_t i = 0; i < SWEEP_BYTES; i += 64)
        ((volatile uint8_t *)rig->sweep)[i]++;
}

static void refill(struct rig *rig)
{
    struct kw_slot slot;
    uint32_t i = 0;

    while (i < rig->slots && kw_pool_acquire(rig->pool, &slot) == 0) {
        const struct kw_rsafarm_pair *pair = &rig->pairs[i++];

        memcpy(slot.public_der, pair->der, pair->public_len);
        memcpy(slot.private_der, pair->der + 294, pair->private_len);
        slot.public_len = pair->public_len;
        slot.private_len = pair->private_len;
        kw_pool_publish(rig->pool, &slot);
    }
    sweep_caches(rig);
}

static int pop_wrap_encode(struct rig *rig, char *text)
{
    uint8_t blob[KW_CIPHERTEXT_MAX];
    struct kw_buf buf = KW_BUF(blob, sizeof(blob));
    KW_PAIR struct kw_pair pair = {.pool = NULL};

    if (kw_pool_pop(rig->pool, &pair) != 0 ||
        kw_wrap(rig->wrapper, rig->key_id, rig->material_id, rig->backing_key, KW_LIT("\0\0\0\0"),
            pair.private_der, &buf) != 0)
        return -EIO;
    kw_base64_encode(kw_buf_bytes(&buf), text);
    kw_base64_encode(pair.public_der, text + KW_BASE64_LEN(buf.len));
    return 0;
}

static int pop_release(struct rig *rig, char *text)
{
    KW_PAIR struct kw_pair pair = {.pool = NULL};

    (void)text;
    return kw_pool_pop(rig->pool, &pair) == 0 ? 0 : -EIO;
}

static int wrap_only(struct rig *rig, char *text)
{
    const struct kw_rsafarm_pair *pair = &rig->pairs[0];
    struct kw_buf buf = KW_BUF(text, KW_CIPHERTEXT_MAX);

    return kw_wrap(rig->wrapper, rig->key_id, rig->material_id, rig->backing_key, KW_LIT("\0\0\0\0"),
        KW_BYTES(pair->der + 294, pair->private_len), &buf);
}

struct step {
    struct rig *rig;
    int (*run)(struct rig *rig, char *text);
    bool takes_pairs;
};

static int run_step(struct kw_bench_state *state, void *arg)
{
    struct step *step = arg;
    char text[2 * KW_CIPHERTEXT_MAX];

    refill(step->rig);
    while (kw_bench_keep_running(state, 1)) {
        if (step->takes_pairs && kw_pool_level(step->rig->pool) == 0) {
            kw_bench_pause(state);
            refill(step->rig);
            kw_bench_resume(state);
        }
        if (step->run(step->rig, text) != 0) {
            kw_bench_fail(state, "a step failed");
            return -EIO;
        }
    }
    return 0;
}

static int rig_init(struct rig *rig)
{
    const char *slots = getenv("KEYWELL_BENCH_SLOTS");
    struct kw_pool_config config = {.spec = KW_SPEC_RSA_2048};

    rig->slots = slots != NULL ? (uint32_t)strtoul(slots, NULL, 10) : SLOTS_DEFAULT;
    config.capacity = rig->slots;
    KW_TRY(kw_crypto_init());
    KW_TRY(kw_pool_new(&rig->pool, &config));
    KW_TRY(kw_wrapper_new(&rig->wrapper));
    rig->pairs = calloc(rig->slots, sizeof(*rig->pairs));
    rig->sweep = calloc(1, SWEEP_BYTES);
    if (rig->pairs == NULL || rig->sweep == NULL)
        return -ENOMEM;
    KW_TRY(kw_wrapper_random(rig->wrapper, rig->backing_key, sizeof(rig->backing_key)));
    fprintf(stderr, "making %u distinct RSA_2048 pairs\n", rig->slots);
    return kw_rsafarm_fill(rig->pairs, rig->slots);
}

static void rig_done(struct rig *rig)
{
    struct kw_pair pair;

    while (kw_pool_pop(rig->pool, &pair) == 0)
        kw_pair_release(&pair);
    kw_pool_free(rig->pool);
    kw_wrapper_free(rig->wrapper);
    free(rig->pairs);
    free(rig->sweep);
}

int main(int argc, char **argv)
{
    static struct rig rig;
    static struct step steps[] = {
        {&rig, pop_wrap_encode, true},
        {&rig, pop_release, true},
        {&rig, wrap_only, false},
    };
    static const char *const names[] = {
        "pop_wrap_encode/RSA_2048", "pop_release/RSA_2048", "wrap_only/RSA_2048"};
    char model[64], text[32];
    int r = rig_init(&rig);

    if (r < 0) {
        fprintf(stderr, "pop_wrap: cannot set up: %s\n", r == KW_EOPENSSL ? "OpenSSL" : strerror(-r));
        return 1;
    }
    kw_cpu_model(model);
    kw_bench_context("cpu", model);
    kw_bench_context("cpu_path", kw_cpu_path_name(kw_cpu_detect()));
    kw_bench_context("openssl", OpenSSL_version(OPENSSL_VERSION));
    snprintf(text, sizeof(text), "%u", rig.slots);
    kw_bench_context("slots", text);
    for (size_t i = 0; i < KW_ARRAY_LEN(steps); i++)
        kw_bench_register(&(struct kw_bench){
            .name = names[i], .run = run_step, .arg = &steps[i], .iterations = rig.slots, .repetitions = 9});
    r = kw_bench_main(argc, argv);
    rig_done(&rig);
    return r;
}
