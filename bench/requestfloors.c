#include "bench/requestfloors.h"

#include "api/identity.h"
#include "api/sha256.h"
#include "api/siphash.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMES         64u
#define RECORD_LEN    1100u /* of a data key pair's audit record */
#define CANONICAL_LEN 310u  /* of the canonical request */
#define CONTEXT_LEN   64u   /* of two pairs */
#define CALL_LEN      3072u /* what is zeroed of a call */
#define HEAD_LEN      200u  /* of the answer */

static uint8_t from[64 * 1024], to[64 * 1024];
static _Atomic uint64_t word;
static const void *volatile found;

/* The compiler takes memory for changed: what was written counts. */
static void touch(void)
{
    __asm__ volatile("" ::: "memory");
}

static void copy(size_t len)
{
    memcpy(to, from, len);
    touch();
}

static void hash(size_t blocks)
{
    uint8_t digest[KW_SHA256_LEN];

    kw_sha256(KW_BYTES(from, blocks * 64 - 9), digest); /* with the padding that many blocks */
    touch();
}

static void look_up(size_t len)
{
    static const uint8_t key[16];
    struct kw_siphash sip;
    uint8_t digest[KW_SIPHASH_LEN];

    kw_siphash_init(&sip, key);
    kw_siphash_add(&sip, KW_BYTES(from, len));
    kw_siphash_done(&sip, digest);
    touch();
}

static size_t blocks_of(size_t len)
{
    return (len + 9 + 63) / 64;
}

/* ---- the floors ---- */

static void parse(const struct kw_requestfloor_sizes *sizes)
{
    const uint8_t *at = sizes->head.ptr, *end = at + sizes->head.len;

    while (at != NULL && at < end) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at != NULL ? at + 1 : NULL;
        touch();
    }
}

static void claim(const struct kw_requestfloor_sizes *sizes)
{
    static const char hex[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    (void)sizes;
    if (kw_hex_decode(KW_BYTES(hex, 64), to, 32) != 0)
        abort();
    copy(200);
}

static void signature(const struct kw_requestfloor_sizes *sizes)
{
    hash(blocks_of(sizes->body.len) + blocks_of(CANONICAL_LEN) + 5);
}

static void authenticate(const struct kw_requestfloor_sizes *sizes)
{
    (void)sizes;
    look_up(20);
    look_up(32);
    copy(sizeof(struct kw_identity));
}

static void json(const struct kw_requestfloor_sizes *sizes)
{
    const uint8_t *at = sizes->body.ptr, *end = at + sizes->body.len;

    copy(sizes->body.len);
    while (at != NULL && at < end) {
        at = memchr(at, '"', (size_t)(end - at));
        at = at != NULL ? at + 1 : NULL;
        touch();
    }
}

static void find_key(const struct kw_requestfloor_sizes *sizes)
{
    (void)sizes;
    if (kw_hex_decode(KW_LIT("1234abcd12ab34cd56ef1234567890ab"), to, 16) != 0)
        abort();
    look_up(16);
}

static void context(const struct kw_requestfloor_sizes *sizes)
{
    (void)sizes;
    copy(CONTEXT_LEN);
}

static void pop(const struct kw_requestfloor_sizes *sizes)
{
    uint64_t now = atomic_load_explicit(&word, memory_order_relaxed);

    (void)sizes;
    (void)!atomic_compare_exchange_strong(&word, &now, now + 1);
}

static void release(const struct kw_requestfloor_sizes *sizes)
{
    kw_erase(to, sizes->private_len);
}

/* Four blocks of SHA-256, and AES-256-GCM under a key that is scheduled already. */
static void wrap(const struct kw_requestfloor_sizes *sizes)
{
    static EVP_CIPHER_CTX *ctx;
    static const uint8_t key[32] = "a key that protects nothing", iv[12];
    int len, ok = 1;

    if (ctx == NULL) {
        ctx = EVP_CIPHER_CTX_new();
        ok = EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv);
    }
    hash(4);
    ok = ok > 0 && EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, iv) > 0 &&
         EVP_EncryptUpdate(ctx, NULL, &len, from, 77 + (int)CONTEXT_LEN) > 0 &&
         EVP_EncryptUpdate(ctx, to, &len, from, (int)sizes->private_len) > 0 &&
         EVP_EncryptFinal_ex(ctx, to, &len) > 0 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, to) > 0;
    if (!ok)
        abort();
}

static void encode(const struct kw_requestfloor_sizes *sizes)
{
    copy(sizes->answer_len);
}

static void record(const struct kw_requestfloor_sizes *sizes)
{
    (void)sizes;
    copy(RECORD_LEN);
}

static void submit(const struct kw_requestfloor_sizes *sizes)
{
    (void)sizes;
    found = memchr(from, '\n', RECORD_LEN);
    (void)atomic_exchange(&word, 1);
}

static void answer(const struct kw_requestfloor_sizes *sizes)
{
    (void)sizes;
    copy(HEAD_LEN);
    for (unsigned i = 0; i < 3; i++)
        atomic_fetch_add_explicit(&word, 1, memory_order_relaxed);
}

static void rest(const struct kw_requestfloor_sizes *sizes)
{
    (void)sizes;
    memset(to, 0, CALL_LEN);
    touch();
    (void)kw_now_ns();
    (void)kw_wall_ms();
}

static const struct {
    void (*work)(const struct kw_requestfloor_sizes *sizes);
    const char *help;
} floors[KW_STEP_NUM] = {
    [KW_STEP_PARSE] = {parse, "the ends of the lines of the head found by vectors"},
    [KW_STEP_CLAIM] = {claim, "64 hexadecimal digits, 200 bytes copied"},
    [KW_STEP_SIGNATURE] = {signature, "SHA-256 of body, canonical request and five blocks of HMAC"},
    [KW_STEP_AUTHENTICATE] = {authenticate, "two names hashed, an identity copied"},
    [KW_STEP_JSON] = {json, "the body copied, its quotes found by vectors"},
    [KW_STEP_FIND_KEY] = {find_key, "32 hexadecimal digits, a name hashed"},
    [KW_STEP_CONTEXT] = {context, "64 bytes copied"},
    [KW_STEP_POP] = {pop, "one compare-and-swap, cached"},
    [KW_STEP_RELEASE] = {release, "the private key's bytes wiped"},
    [KW_STEP_WRAP] = {wrap, "four blocks of SHA-256, AES-256-GCM with its key scheduled already"},
    [KW_STEP_ENCODE] = {encode, "the answer's bytes copied"},
    [KW_STEP_RECORD] = {record, "1,100 bytes copied"},
    [KW_STEP_SUBMIT] = {submit, "1,100 bytes looked through by vectors, one exchange"},
    [KW_STEP_ANSWER] = {answer, "200 bytes copied, three counters"},
    [KW_STEP_REST] = {rest, "3 KiB zeroed, two clocks"},
};

const char *kw_requestfloor_help(enum kw_requeststep step)
{
    return floors[step].help;
}

double kw_requestfloor_sample(enum kw_requeststep step, const struct kw_requestfloor_sizes *sizes)
{
    uint64_t begin_ns = kw_now_ns();

    for (unsigned i = 0; i < TIMES; i++)
        floors[step].work(sizes);
    return (double)(kw_now_ns() - begin_ns) / TIMES;
}
