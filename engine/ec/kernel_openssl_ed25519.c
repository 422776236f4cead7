/* Ed25519 over OpenSSL's EVP_PKEY, one pair after the other. On a fiber, for the same reason as the curves of
 * kernel_openssl.c. */
#include "engine/crypto.h"
#include "engine/ec/call.h"
#include "engine/ec/kernels.h"
#include "pool/limits.h"
#include "pool/secmem.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#define KEY_LEN       32u
#define SIGNATURE_LEN 64u

struct ed25519 {
    OSSL_LIB_CTX *libctx;
    struct kw_fiber *fiber;
    EVP_PKEY_CTX *keys; /* makes them of bytes */
    EVP_MD_CTX *ctx;
};

/* ---- set up and tear down ---- */

static void ed25519_close(void *state)
{
    struct ed25519 *self = state;

    if (self == NULL)
        return;
    EVP_MD_CTX_free(self->ctx);
    EVP_PKEY_CTX_free(self->keys);
    kw_fiber_free(self->fiber);
    kw_secmem_free(self);
}

static void ed25519_closep(struct ed25519 **self)
{
    ed25519_close(*self);
}

static int ed25519_open(void **ret, const struct kw_ec_kernel *kernel, const struct kw_curve *curve,
    unsigned num_max, OSSL_LIB_CTX *libctx)
{
    KW_REQUIRE(curve == kw_curve_of(kernel->spec), KW_EC_KERNEL_OTHER_CURVE);
    KW_CLEANUP(ed25519_closep) struct ed25519 *self = kw_secmem_alloc(sizeof(*self));

    (void)num_max;
    KW_REQUIRE(self != NULL, -ENOMEM);
    kw_assert(curve->secret_len == KEY_LEN && curve->point_len == KEY_LEN);
    self->libctx = libctx;
    KW_TRY(kw_fiber_new(&self->fiber, KW_FIBER_STACK));
    KW_SSL_PTR(self->keys = EVP_PKEY_CTX_new_from_name(libctx, "ED25519", NULL));
    KW_SSL(EVP_PKEY_fromdata_init(self->keys));
    KW_SSL_PTR(self->ctx = EVP_MD_CTX_new());
    *ret = self;
    self = NULL;
    return 0;
}

/* Each call wipes what it had of a secret. */
static void ed25519_wipe(void *state)
{
    (void)state;
}

/* ---- derive ---- */

/* Of a seed: OpenSSL computes the public half at once. Of a point: it is not looked at before it verifies
 * something. */
static int read_key(
    struct ed25519 *self, const char *part, int selection, const uint8_t *from, EVP_PKEY **ret)
{
    uint8_t bytes[KEY_LEN]; /* OpenSSL wants them where it might write */
    KW_ERASE_GUARD(bytes);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(part, bytes, sizeof(bytes)),
        OSSL_PARAM_construct_end(),
    };

    memcpy(bytes, from, sizeof(bytes));
    KW_SSL(EVP_PKEY_fromdata(self->keys, ret, selection, params));
    return 0;
}

static int read_seed(struct ed25519 *self, const uint8_t *seed, EVP_PKEY **ret)
{
    return read_key(self, OSSL_PKEY_PARAM_PRIV_KEY, EVP_PKEY_KEYPAIR, seed, ret);
}

static int derive_one(struct ed25519 *self, const uint8_t *seed, uint8_t *ret_point)
{
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = NULL;
    size_t len = KEY_LEN;

    KW_TRY(read_seed(self, seed, &pkey));
    KW_SSL(EVP_PKEY_get_raw_public_key(pkey, ret_point, &len));
    KW_REQUIRE(len == KEY_LEN, KW_EOPENSSL);
    return 0;
}

static int derive(struct kw_ec_call *call)
{
    for (size_t i = 0; i < call->num; i++)
        KW_TRY(derive_one(call->state, call->secrets + i * KEY_LEN, call->ret_points + i * KEY_LEN));
    return 0;
}

static int ed25519_derive(void *state, unsigned num, const uint8_t *secrets, uint8_t *points)
{
    struct ed25519 *self = state;
    struct kw_ec_call call = {.state = self, .num = num, .secrets = secrets, .ret_points = points};

    return kw_ec_call_run(&call, self->fiber, derive);
}

/* ---- check ---- */

static const uint8_t message[] = "pairwise consistency test";

static int sign(struct ed25519 *self, EVP_PKEY *pkey, uint8_t *ret_signature)
{
    size_t len = SIGNATURE_LEN;

    KW_SSL(EVP_MD_CTX_reset(self->ctx));
    KW_SSL(EVP_DigestSignInit_ex(self->ctx, NULL, NULL, self->libctx, NULL, pkey, NULL));
    KW_SSL(EVP_DigestSign(self->ctx, ret_signature, &len, message, sizeof(message)));
    KW_REQUIRE(len == SIGNATURE_LEN, KW_EOPENSSL);
    return 0;
}

/* With what stands in the point's bytes, and nothing else. */
static int verify(struct ed25519 *self, const uint8_t *point, const uint8_t *signature, bool *ret_pass)
{
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = NULL;

    KW_TRY(read_key(self, OSSL_PKEY_PARAM_PUB_KEY, EVP_PKEY_PUBLIC_KEY, point, &pkey));
    KW_SSL(EVP_MD_CTX_reset(self->ctx));
    KW_SSL(EVP_DigestVerifyInit_ex(self->ctx, NULL, NULL, self->libctx, NULL, pkey, NULL));
    *ret_pass = EVP_DigestVerify(self->ctx, signature, SIGNATURE_LEN, message, sizeof(message)) == 1;
    if (!*ret_pass)
        ERR_clear_error();
    return 0;
}

/* What is signed is hashed with the public half that the seed expands to, what is verified with the one under
 * test: one that differs in any way, even by a point of small order, does not verify. Verifying goes another
 * way to the point than making it did. */
static int check_pair(struct ed25519 *self, const uint8_t *seed, const uint8_t *point, bool *ret_pass)
{
    KW_CLEANUP(kw_pkey_freep) EVP_PKEY *pkey = NULL;
    uint8_t signature[SIGNATURE_LEN];

    KW_TRY(read_seed(self, seed, &pkey));
    KW_TRY(sign(self, pkey, signature));
    return verify(self, point, signature, ret_pass);
}

static int check(struct kw_ec_call *call)
{
    struct ed25519 *self = call->state;
    int r = 0;

    call->pass = true;
    for (size_t i = 0; i < call->num && call->pass && r == 0; i++)
        r = check_pair(self, call->secrets + i * KEY_LEN, call->points + i * KEY_LEN, &call->pass);
    EVP_MD_CTX_reset(self->ctx); /* it has a reference to the last key */
    return r;
}

static int ed25519_check(void *state, unsigned num, const uint8_t *secrets, const uint8_t *points,
    const uint8_t *multipliers, bool *ret_pass)
{
    struct ed25519 *self = state;
    struct kw_ec_call call = {.state = self, .num = num, .secrets = secrets, .points = points};

    (void)multipliers;
    KW_TRY(kw_ec_call_run(&call, self->fiber, check));
    *ret_pass = call.pass;
    return 0;
}

const struct kw_ec_kernel kw_ec_kernel_openssl_ed25519 = {
    .name = "openssl-ed25519",
    .path = KW_CPU_PORTABLE,
    .spec = KW_SPEC_ECC_NIST_EDWARDS25519,
    .lanes = 1,
    .batch = 16,
    .open = ed25519_open,
    .wipe = ed25519_wipe,
    .close = ed25519_close,
    .derive = ed25519_derive,
    .check = ed25519_check,
    .add = NULL,
};
