#include "tests/ctime/stand_ins.h"

#include "engine/ctime.h"
#include "engine/ec/group.h"
#include "engine/fiber.h"
#include "engine/generator.h"
#include "pool/secmem.h"

#include <openssl/evp.h>
#include <secp256k1.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- engine/rng.h ---- */

struct kw_rng {
    int unused;
};
static struct kw_rng the_rng;

/* Marsaglia's xorshift: numbers of no meaning, the same in each run. */
static uint64_t next_word(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void stand_in_draw(void *ret, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)ret)[i] = (uint8_t)(next_word() >> 32);
}

struct kw_rng *stand_in_rng(void)
{
    return &the_rng;
}

int kw_rng_bytes(struct kw_rng *rng, void *out, size_t len)
{
    (void)rng;
    stand_in_draw(out, len);
    kw_ctime_secret(out, len);
    return 0;
}

OSSL_LIB_CTX *kw_rng_libctx(struct kw_rng *rng)
{
    (void)rng;
    return NULL;
}

/* ---- pool/secmem.h ---- */

void *kw_secmem_alloc_aligned(size_t len, size_t align)
{
    void *memory;

    if (posix_memalign(&memory, align, len) != 0)
        return NULL;
    memset(memory, 0, len);
    return memory;
}

void *kw_secmem_alloc(size_t len)
{
    return kw_secmem_alloc_aligned(len, KW_CACHE_LINE);
}

void kw_secmem_free(void *ptr)
{
    free(ptr);
}

bool kw_secmem_alive(void)
{
    return true;
}

/* ---- engine/fiber.h ---- */

struct kw_fiber {
    int unused;
};
static struct kw_fiber the_fiber;

int kw_fiber_new(struct kw_fiber **ret, size_t stack_bytes)
{
    (void)stack_bytes;
    *ret = &the_fiber;
    return 0;
}

void kw_fiber_free(struct kw_fiber *fiber)
{
    (void)fiber;
}

bool kw_fiber_enter(struct kw_fiber *fiber, void (*fn)(void *arg), void *arg)
{
    (void)fiber;
    fn(arg);
    return true;
}

/* ---- engine/ctime.h ---- */

unsigned char kw_ctime_last;

/* ---- engine/generator.h ---- */

/* A pair that fails ends the test. */
void kw_generator_wipe_slot(enum kw_spec spec, struct kw_slot *slot)
{
    (void)spec;
    slot->public_len = slot->private_len = 0;
}

/* ---- where a test runs ---- */

#ifdef KW_CTIME_MSAN
/* Memory that OpenSSL, which is not instrumented, has written is not secret; and a report is no reason to
 * skip. */
const char *__msan_default_options(void)
{
    return "exitcode=1:poison_in_free=0:poison_in_malloc=0";
}

/* Nor does it see that a digest is as secret as what it is of. The linker puts these in the place of
 * OpenSSL's. */
static bool digests_secret;

int __real_EVP_DigestInit_ex2(EVP_MD_CTX *ctx, const EVP_MD *md, const OSSL_PARAM *params);
int __real_EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t len);
int __real_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *digest, unsigned *len);
int __wrap_EVP_DigestInit_ex2(EVP_MD_CTX *ctx, const EVP_MD *md, const OSSL_PARAM *params);
int __wrap_EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t len);
int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *digest, unsigned *len);

int __wrap_EVP_DigestInit_ex2(EVP_MD_CTX *ctx, const EVP_MD *md, const OSSL_PARAM *params)
{
    digests_secret = false;
    return __real_EVP_DigestInit_ex2(ctx, md, params);
}

int __wrap_EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t len)
{
    digests_secret = digests_secret || kw_ctime_is_secret(data, len);
    return __real_EVP_DigestUpdate(ctx, data, len);
}

int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *digest, unsigned *len)
{
    int r = __real_EVP_DigestFinal_ex(ctx, digest, len);

    if (digests_secret)
        kw_ctime_secret(digest, (size_t)EVP_MD_CTX_get_size(ctx));
    return r;
}

#else
/* What libraries make of a secret to be public: a public key, a signature, and of a sum of secrets times G
 * whether it is the same sum of public keys; if not, the pairs are thrown away. The linker puts these in the
 * place of theirs. */
int __real_EVP_DigestSign(
    EVP_MD_CTX *ctx, unsigned char *signature, size_t *len, const unsigned char *message, size_t message_len);
int __wrap_EVP_DigestSign(
    EVP_MD_CTX *ctx, unsigned char *signature, size_t *len, const unsigned char *message, size_t message_len);
int __real_EVP_PKEY_get_raw_public_key(const EVP_PKEY *pkey, unsigned char *key, size_t *len);
int __wrap_EVP_PKEY_get_raw_public_key(const EVP_PKEY *pkey, unsigned char *key, size_t *len);
int __real_kw_group_multiply_base(const EC_GROUP *group, const struct kw_curve *curve, OSSL_LIB_CTX *libctx,
    const uint64_t *scalar, uint8_t *ret);
int __wrap_kw_group_multiply_base(const EC_GROUP *group, const struct kw_curve *curve, OSSL_LIB_CTX *libctx,
    const uint64_t *scalar, uint8_t *ret);
int __real_secp256k1_ec_pubkey_create(
    const secp256k1_context *ctx, secp256k1_pubkey *key, const unsigned char *secret);
int __wrap_secp256k1_ec_pubkey_create(
    const secp256k1_context *ctx, secp256k1_pubkey *key, const unsigned char *secret);

int __wrap_EVP_DigestSign(
    EVP_MD_CTX *ctx, unsigned char *signature, size_t *len, const unsigned char *message, size_t message_len)
{
    int r = __real_EVP_DigestSign(ctx, signature, len, message, message_len);

    kw_ctime_publish(signature, *len);
    return r;
}

int __wrap_EVP_PKEY_get_raw_public_key(const EVP_PKEY *pkey, unsigned char *key, size_t *len)
{
    int r = __real_EVP_PKEY_get_raw_public_key(pkey, key, len);

    kw_ctime_publish(key, *len);
    return r;
}

int __wrap_kw_group_multiply_base(const EC_GROUP *group, const struct kw_curve *curve, OSSL_LIB_CTX *libctx,
    const uint64_t *scalar, uint8_t *ret)
{
    int r = __real_kw_group_multiply_base(group, curve, libctx, scalar, ret);

    kw_ctime_publish(ret, curve->point_len);
    return r;
}

/* What it returns is that the secret is in 1..n-1, as all are. */
int __wrap_secp256k1_ec_pubkey_create(
    const secp256k1_context *ctx, secp256k1_pubkey *key, const unsigned char *secret)
{
    int r = __real_secp256k1_ec_pubkey_create(ctx, key, secret);

    kw_ctime_public(&r, sizeof(r));
    kw_ctime_publish(key, sizeof(*key));
    return r;
}
#endif

bool stand_in_path(const char *name, enum kw_cpu_path *ret)
{
    int r = kw_cpu_choose(name, ret);

    if (!kw_ctime_watched())
        printf("skipped: runs under valgrind, or built with MemorySanitizer\n");
    else if (r != 0)
        printf("skipped: no path %s here (valgrind hides AVX-512)\n", name);
    return kw_ctime_watched() && r == 0;
}
