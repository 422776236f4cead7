#include "engine/rsa/consistency.h"

#include "engine/crypto.h"
#include "engine/der.h"
#include "engine/rsa/emsa.h"
#include "pool/fault.h"
#include "pool/secmem.h"

#include <openssl/err.h>

#define MODULUS_WORDS (2 * KW_RSA_PRIME_MAX)
#define MODULUS_BYTES (8 * MODULUS_WORDS)

/* One batch's pairs, one that a batch of an odd number of lanes has begun, and one more. */
#define PAIRS_MAX (KW_LANES_MAX / 2 + 2)

/* The key's numbers, big-endian, as they are written out. */
struct octets {
    uint8_t n[MODULUS_BYTES];
    uint8_t e[4];
    uint8_t d[MODULUS_BYTES];
    uint8_t p[MODULUS_BYTES / 2];
    uint8_t q[MODULUS_BYTES / 2];
    uint8_t dp[MODULUS_BYTES / 2];
    uint8_t dq[MODULUS_BYTES / 2];
    uint8_t qinv[MODULUS_BYTES / 2];
};

struct kw_consistency {
    struct kw_rsa_kit *kit;
    struct kw_candidate_pair *pairs; /* a ring */
    unsigned cap, first, num;
    uint8_t message[MODULUS_BYTES];        /* encoded, as long as n; not secret */
    uint64_t message_words[MODULUS_WORDS]; /* the same */
    struct octets octets;
    uint8_t signature[MODULUS_BYTES];
    uint8_t opened[MODULUS_BYTES];
    uint64_t h[KW_RSA_PRIME_MAX];
    uint64_t product[MODULUS_WORDS];
    uint64_t s[MODULUS_WORDS];
    BN_CTX *bn_ctx;
    BN_MONT_CTX *mont;
    BIGNUM *bn_n, *bn_e, *bn_s;
};

/* ---- set up and tear down ---- */

void kw_consistency_free(struct kw_consistency *consistency)
{
    if (consistency == NULL)
        return;
    BN_clear_free(consistency->bn_n);
    BN_clear_free(consistency->bn_e);
    BN_clear_free(consistency->bn_s);
    BN_MONT_CTX_free(consistency->mont);
    BN_CTX_free(consistency->bn_ctx);
    kw_secmem_free(consistency->pairs);
    kw_secmem_free(consistency);
}

static void consistency_freep(struct kw_consistency **consistency)
{
    kw_consistency_free(*consistency);
}

static int encode_message(struct kw_consistency *consistency)
{
    struct kw_rsa_kit *kit = consistency->kit;
    size_t len = kit->nlen / 8;

    KW_TRY(kw_emsa_encode(
        kw_rng_libctx(kit->rng), KW_LIT("pairwise consistency test"), consistency->message, len));
    kw_words_from_bytes(consistency->message_words, 2 * kit->num, consistency->message, len);
    return 0;
}

static int allocate_numbers(struct kw_consistency *consistency)
{
    KW_SSL_PTR(consistency->bn_ctx = BN_CTX_new_ex(kw_rng_libctx(consistency->kit->rng)));
    KW_SSL_PTR(consistency->mont = BN_MONT_CTX_new());
    KW_SSL_PTR(consistency->bn_n = BN_new());
    KW_SSL_PTR(consistency->bn_e = BN_new());
    KW_SSL_PTR(consistency->bn_s = BN_new());
    return 0;
}

int kw_consistency_new(struct kw_consistency **ret, struct kw_rsa_kit *kit)
{
    KW_CLEANUP(consistency_freep) struct kw_consistency *consistency = kw_secmem_alloc(sizeof(*consistency));

    if (consistency == NULL)
        return -ENOMEM;
    consistency->kit = kit;
    consistency->cap = kit->kernel->lanes / 2 + 2;
    kw_assert(consistency->cap <= PAIRS_MAX);
    consistency->pairs = kw_secmem_alloc(consistency->cap * sizeof(*consistency->pairs));
    KW_REQUIRE(consistency->pairs != NULL, -ENOMEM);
    KW_TRY(allocate_numbers(consistency));
    KW_TRY(encode_message(consistency));
    *ret = consistency;
    consistency = NULL;
    return 0;
}

/* ---- making a signature ---- */

struct kw_candidate_pair *kw_consistency_pair(struct kw_consistency *consistency, unsigned index)
{
    return index < consistency->num ? &consistency->pairs[(consistency->first + index) % consistency->cap]
                                    : NULL;
}

int kw_consistency_add(struct kw_consistency *consistency, const uint64_t *p, const uint64_t *q)
{
    struct kw_rsa_kit *kit = consistency->kit;
    uint64_t ns = kw_now_ns();

    kw_assert(consistency->num < consistency->cap);
    struct kw_candidate_pair *pair =
        &consistency->pairs[(consistency->first + consistency->num) % consistency->cap];
    pair->key.bits = kit->nlen;
    memcpy(pair->key.p, p, kit->num * sizeof(*p));
    memcpy(pair->key.q, q, kit->num * sizeof(*q));
    int r = kw_rsa_key_derive(&pair->key);
    kw_rsa_kit_clock(&ns, &kit->stats.derive_ns);
    if (r != 0) {
        kw_erase(pair, sizeof(*pair));
        return r;
    }
    kw_words_mod(pair->base[0], consistency->message_words, 2 * kit->num, pair->key.p, kit->num);
    kw_words_mod(pair->base[1], consistency->message_words, 2 * kit->num, pair->key.q, kit->num);
    pair->begun = 0;
    consistency->num++;
    kw_rsa_kit_clock(&ns, &kit->stats.consistency_ns);
    return 0;
}

unsigned kw_consistency_jobs(const struct kw_consistency *consistency)
{
    unsigned jobs = 0;

    for (unsigned i = 0; i < consistency->num; i++)
        jobs += 2 - consistency->pairs[(consistency->first + i) % consistency->cap].begun;
    return jobs;
}

static struct kw_lane next_half(struct kw_candidate_pair *pair)
{
    unsigned half = pair->begun++;

    return (struct kw_lane){
        .modulus = half == 0 ? pair->key.p : pair->key.q,
        .exponent = half == 0 ? pair->key.dp : pair->key.dq,
        .base = pair->base[half],
        .result = pair->result[half],
    };
}

int kw_consistency_sign(struct kw_consistency *consistency)
{
    struct kw_rsa_kit *kit = consistency->kit;
    const struct kw_kernel *kernel = kit->kernel;
    struct kw_lane lanes[KW_LANES_MAX] = {0};
    uint64_t ns = kw_now_ns();
    unsigned used = 0;

    for (unsigned i = 0; i < consistency->num; i++) {
        struct kw_candidate_pair *pair = kw_consistency_pair(consistency, i);
        while (used < kernel->lanes && pair->begun < 2)
            lanes[used++] = next_half(pair);
    }
    KW_TRY(kernel->power(kernel, kit->scratch, kit->bits, lanes));
    kit->stats.power_batches++;
    kw_rsa_kit_clock(&ns, &kit->stats.consistency_ns);
    return 0;
}

bool kw_consistency_signed(const struct kw_consistency *consistency)
{
    return consistency->num > 0 && consistency->pairs[consistency->first].begun == 2;
}

/* RFC 8017 section 5.1.2 step 2.b: h = (s1 - s2) qInv modulo p, s = s2 + q h. */
static void recombine(struct kw_consistency *consistency, const struct kw_candidate_pair *pair)
{
    const struct kw_rsa_key *key = &pair->key;
    size_t num = consistency->kit->num;
    uint64_t *h = consistency->h, *s = consistency->s, *product = consistency->product;

    /* p > q > s2: one addition of p makes a difference below 0 right. */
    uint64_t borrow = kw_words_sub(h, pair->result[0], pair->result[1], num);
    kw_words_add_masked(h, key->p, num, kw_mask_bit(borrow));
    kw_words_mul(product, h, num, key->qinv, num);
    kw_words_mod(h, product, 2 * num, key->p, num);
    kw_words_mul(s, h, num, key->q, num);
    memset(product, 0, 2 * num * sizeof(*product));
    memcpy(product, pair->result[1], num * sizeof(*product));
    kw_words_add(s, s, product, 2 * num);
    kw_words_to_bytes(consistency->signature, 16 * num, s, 2 * num);
}

/* ---- the test ---- */

static void write_octets(struct kw_consistency *consistency, const struct kw_rsa_key *key)
{
    struct octets *octets = &consistency->octets;
    size_t num = consistency->kit->num, len = 8 * num;
    const uint64_t e = KW_RSA_E;

    kw_words_to_bytes(octets->n, 2 * len, key->n, 2 * num);
    kw_words_to_bytes(octets->e, sizeof(octets->e), &e, 1);
    kw_words_to_bytes(octets->d, 2 * len, key->d, 2 * num);
    kw_words_to_bytes(octets->p, len, key->p, num);
    kw_words_to_bytes(octets->q, len, key->q, num);
    kw_words_to_bytes(octets->dp, len, key->dp, num);
    kw_words_to_bytes(octets->dq, len, key->dq, num);
    kw_words_to_bytes(octets->qinv, len, key->qinv, num);
}

/* RFC 8017 section 8.2.2 with the public key that is written out. Nothing here is a secret: the signature is
 * one that anybody may ask for. Returns: 0 | KW_GENERATOR_FAILED | KW_EOPENSSL */
static int verify(struct kw_consistency *consistency)
{
    BIGNUM *n = consistency->bn_n, *e = consistency->bn_e, *s = consistency->bn_s;
    int len = (int)(consistency->kit->nlen / 8);

    KW_SSL_PTR(BN_bin2bn(consistency->octets.n, len, n));
    KW_SSL_PTR(BN_bin2bn(consistency->octets.e, sizeof(consistency->octets.e), e));
    KW_SSL_PTR(BN_bin2bn(consistency->signature, len, s));
    KW_REQUIRE(BN_cmp(s, n) < 0, KW_GENERATOR_FAILED);
    KW_SSL(BN_MONT_CTX_set(consistency->mont, n, consistency->bn_ctx));
    KW_SSL(BN_mod_exp_mont(s, s, e, n, consistency->bn_ctx, consistency->mont));
    KW_REQUIRE(BN_bn2binpad(s, consistency->opened, len) == len, KW_EOPENSSL);
    return memcmp(consistency->opened, consistency->message, (size_t)len) == 0 ? 0 : KW_GENERATOR_FAILED;
}

static int test(struct kw_consistency *consistency, const struct kw_candidate_pair *pair)
{
    size_t len = consistency->kit->nlen / 8;

    recombine(consistency, pair);
    if (kw_fault(KW_FAULT_PCT) != KW_FAULT_NONE)
        consistency->signature[len - 1] ^= 1;
    write_octets(consistency, &pair->key);
    kw_declassify(consistency->octets.n, len); /* half of the public key */
    /* One that anybody may ask for; if it does not verify it is thrown away with its pair. */
    kw_declassify(consistency->signature, len);
    int r = verify(consistency);
    if (r == 0 && kw_rsa_key_check(&pair->key) != 0)
        r = KW_GENERATOR_FAILED;
    return r;
}

static int encode(const struct kw_consistency *consistency, struct kw_slot *slot)
{
    const struct kw_spec_info *info = kw_spec_info(consistency->kit->setup->spec);
    const struct octets *octets = &consistency->octets;
    size_t len = consistency->kit->bits / 8;
    struct kw_der_rsa key = {
        .n = KW_BYTES(octets->n, 2 * len),
        .e = KW_BYTES(octets->e, sizeof(octets->e)),
        .d = KW_BYTES(octets->d, 2 * len),
        .p = KW_BYTES(octets->p, len),
        .q = KW_BYTES(octets->q, len),
        .dp = KW_BYTES(octets->dp, len),
        .dq = KW_BYTES(octets->dq, len),
        .qinv = KW_BYTES(octets->qinv, len),
    };
    struct kw_buf public_buf = KW_BUF(slot->public_der, info->public_max);
    struct kw_buf private_buf = KW_BUF(slot->private_der, info->private_max);

    KW_REQUIRE(kw_der_rsa_public(&public_buf, key.n, key.e) == 0, KW_GENERATOR_FAILED);
    KW_REQUIRE(kw_der_rsa_private(&private_buf, &key) == 0, KW_GENERATOR_FAILED);
    slot->public_len = public_buf.len;
    slot->private_len = private_buf.len;
    return 0;
}

/* All that knows anything of the pair. */
static void wipe(struct kw_consistency *consistency, struct kw_candidate_pair *pair)
{
    kw_erase(pair, sizeof(*pair));
    kw_erase(&consistency->octets, sizeof(consistency->octets));
    kw_erase(consistency->signature, sizeof(consistency->signature));
    kw_erase(consistency->h, sizeof(consistency->h));
    kw_erase(consistency->product, sizeof(consistency->product));
    kw_erase(consistency->s, sizeof(consistency->s));
    BN_clear(consistency->bn_s);
    consistency->kit->kernel->scratch_wipe(consistency->kit->scratch);
}

int kw_consistency_finish(struct kw_consistency *consistency, struct kw_slot *slot)
{
    struct kw_rsa_kit *kit = consistency->kit;
    struct kw_candidate_pair *pair = kw_consistency_pair(consistency, 0);
    uint64_t ns = kw_now_ns();

    kw_assert(kw_consistency_signed(consistency));
    int r = test(consistency, pair);
    kw_rsa_kit_clock(&ns, &kit->stats.consistency_ns);
    if (r == 0)
        r = encode(consistency, slot);
    wipe(consistency, pair);
    consistency->first = (consistency->first + 1) % consistency->cap;
    consistency->num--;
    kw_rsa_kit_clock(&ns, &kit->stats.encode_ns);
    if (r == 0) {
        kit->stats.pairs++;
        return 0;
    }
    ERR_clear_error();
    kw_generator_wipe_slot(kit->setup->spec, slot);
    kit->stats.failures++;
    return KW_GENERATOR_FAILED;
}
