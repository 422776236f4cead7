#include "tests/stress/keys_judge.h"

#include "engine/rsa/key.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DER_MAX = 4096 };

void keys_key_done(struct keys_key *key)
{
    for (size_t i = 0; i < KEYS_NUMBERS; i++)
        BN_free(key->number[i]);
    memset(key, 0, sizeof(*key));
}

/* ---- the files ---- */

static bool same_bytes(const uint8_t *bytes, int len, struct kw_bytes expected)
{
    return len >= 0 && (size_t)len == expected.len && memcmp(bytes, expected.ptr, expected.len) == 0;
}

/* NULL if it does not parse, or is not what OpenSSL would write. */
static EVP_PKEY *read_public(struct kw_bytes der)
{
    const uint8_t *end = der.ptr;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &end, (long)der.len);
    uint8_t *again = NULL;
    int len = pkey == NULL ? -1 : i2d_PUBKEY(pkey, &again);
    bool good = end == der.ptr + der.len && same_bytes(again, len, der);

    OPENSSL_free(again);
    if (good)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

static EVP_PKEY *read_private(struct kw_bytes der)
{
    const uint8_t *end = der.ptr;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &end, (long)der.len);
    EVP_PKEY *pkey = info == NULL ? NULL : EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO *info_again = pkey == NULL ? NULL : EVP_PKEY2PKCS8(pkey);
    uint8_t *again = NULL;
    int len = info_again == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info_again, &again);
    bool good = end == der.ptr + der.len && same_bytes(again, len, der);

    OPENSSL_free(again);
    PKCS8_PRIV_KEY_INFO_free(info_again);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (good)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

static void read_numbers(struct keys_key *key, const EVP_PKEY *pkey)
{
    static const char *const names[KEYS_NUMBERS] = {
        OSSL_PKEY_PARAM_RSA_N,
        OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_D,
        OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,
        OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2,
        OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
    };

    for (size_t i = 0; i < KEYS_NUMBERS; i++)
        KEYS_MUST(EVP_PKEY_get_bn_param(pkey, names[i], &key->number[i]));
}

const char *keys_judge_read(struct keys_key *ret_key, struct kw_bytes public_der, struct kw_bytes private_der)
{
    EVP_PKEY *public_key = read_public(public_der), *private_key = read_private(private_der);
    const char *wrong = NULL;

    memset(ret_key, 0, sizeof(*ret_key));
    if (public_key == NULL)
        wrong = "the public key does not parse, or is not DER";
    else if (private_key == NULL)
        wrong = "the private key does not parse, or is not DER";
    else if (!EVP_PKEY_is_a(private_key, "RSA") || EVP_PKEY_eq(public_key, private_key) != 1)
        wrong = "the public key is not that of the private key";
    else
        read_numbers(ret_key, private_key);
    EVP_PKEY_free(public_key);
    EVP_PKEY_free(private_key);
    return wrong;
}

/* ---- the numbers ---- */

/* What a look at a key needs; all but key and bits belong to a frame of ctx. */
struct look {
    const struct keys_key *key;
    unsigned bits;
    BN_CTX *ctx;
    BIGNUM *p1, *q1, *lcm, *t;
};

static const BIGNUM *of(const struct look *look, enum keys_number number)
{
    return look->key->number[number];
}

/* FIPS 186-5 A.1.6 steps 4.3 and 5.3 (B.9 step 3), and step 6. A number is at least sqrt(2) 2^(k-1) if and
 * only if its square has 2 k bits. */
static const char *judge_sizes(struct look *look)
{
    static const enum keys_number primes[] = {KEYS_P, KEYS_Q};

    for (size_t i = 0; i < KW_ARRAY_LEN(primes); i++) {
        const BIGNUM *prime = of(look, primes[i]);
        KW_REQUIRE((unsigned)BN_num_bits(prime) == look->bits / 2, "a prime has another length");
        KEYS_MUST(BN_sqr(look->t, prime, look->ctx));
        KW_REQUIRE((unsigned)BN_num_bits(look->t) == look->bits, "a prime is below sqrt(2) 2^(nlen/2-1)");
    }
    KEYS_MUST(BN_sub(look->t, of(look, KEYS_P), of(look, KEYS_Q)));
    KW_REQUIRE(!BN_is_negative(look->t), "p is not the larger prime");
    KEYS_MUST(BN_sub_word(look->t, 1));
    KW_REQUIRE((unsigned)BN_num_bits(look->t) > look->bits / 2 - 100, "p and q are too near to each other");
    return NULL;
}

static const char *judge_modulus(struct look *look)
{
    KEYS_MUST(BN_mul(look->t, of(look, KEYS_P), of(look, KEYS_Q), look->ctx));
    KW_REQUIRE(BN_cmp(look->t, of(look, KEYS_N)) == 0, "n is not p q");
    KW_REQUIRE((unsigned)BN_num_bits(of(look, KEYS_N)) == look->bits, "n has another length");
    KW_REQUIRE(BN_is_word(of(look, KEYS_E), 65537), "e is not 65537");
    /* e is a prime. */
    KW_REQUIRE(BN_mod_word(look->p1, 65537) != 0, "e divides p - 1");
    KW_REQUIRE(BN_mod_word(look->q1, 65537) != 0, "e divides q - 1");
    return NULL;
}

/* FIPS 186-5 A.1.1 (3). p - 1 and q - 1 of random primes share more than 62 bits with a probability below
 * 2^-58: an auxiliary prime that was used for both would be seen here. */
static const char *judge_d(struct look *look)
{
    const BIGNUM *d = of(look, KEYS_D);

    KEYS_MUST(BN_gcd(look->t, look->p1, look->q1, look->ctx));
    KW_REQUIRE(BN_num_bits(look->t) <= 62, "p - 1 and q - 1 share a long factor");
    KEYS_MUST(BN_mul(look->lcm, look->p1, look->q1, look->ctx));
    KEYS_MUST(BN_div(look->lcm, NULL, look->lcm, look->t, look->ctx));
    KW_REQUIRE(BN_cmp(d, look->lcm) < 0, "d is not below the lcm");
    KEYS_MUST(BN_mod_mul(look->t, d, of(look, KEYS_E), look->lcm, look->ctx));
    KW_REQUIRE(BN_is_one(look->t), "d is not the inverse of e");
    KEYS_MUST(BN_set_word(look->t, 1) && BN_lshift(look->t, look->t, (int)look->bits / 2));
    KW_REQUIRE(BN_cmp(d, look->t) > 0, "d is not above 2^(nlen/2)");
    return NULL;
}

/* RFC 8017 section 3.2. */
static const char *judge_crt(struct look *look)
{
    KEYS_MUST(BN_mod(look->t, of(look, KEYS_D), look->p1, look->ctx));
    KW_REQUIRE(BN_cmp(look->t, of(look, KEYS_DP)) == 0, "dP is not d modulo p - 1");
    KEYS_MUST(BN_mod(look->t, of(look, KEYS_D), look->q1, look->ctx));
    KW_REQUIRE(BN_cmp(look->t, of(look, KEYS_DQ)) == 0, "dQ is not d modulo q - 1");
    KW_REQUIRE(BN_cmp(of(look, KEYS_QINV), of(look, KEYS_P)) < 0, "qInv is not below p");
    KEYS_MUST(BN_mod_mul(look->t, of(look, KEYS_QINV), of(look, KEYS_Q), of(look, KEYS_P), look->ctx));
    KW_REQUIRE(BN_is_one(look->t), "qInv is not the inverse of q");
    return NULL;
}

/* To the base 3: the generator's filter has 2. */
static bool passes_fermat(struct look *look, const BIGNUM *prime, const BIGNUM *less_one)
{
    KEYS_MUST(BN_set_word(look->t, 3));
    KEYS_MUST(BN_mod_exp(look->t, look->t, less_one, prime, look->ctx));
    return BN_is_one(look->t);
}

static const char *judge_all(struct look *look)
{
    const char *wrong;

    KEYS_MUST(BN_copy(look->p1, of(look, KEYS_P)) != NULL && BN_copy(look->q1, of(look, KEYS_Q)) != NULL);
    if ((wrong = judge_sizes(look)) != NULL)
        return wrong;
    KW_REQUIRE(BN_is_odd(look->p1) && BN_is_odd(look->q1), "a prime is even");
    KEYS_MUST(BN_sub_word(look->p1, 1) && BN_sub_word(look->q1, 1));
    if ((wrong = judge_modulus(look)) != NULL || (wrong = judge_d(look)) != NULL ||
        (wrong = judge_crt(look)) != NULL)
        return wrong;
    KW_REQUIRE(passes_fermat(look, of(look, KEYS_P), look->p1), "p is composite");
    KW_REQUIRE(passes_fermat(look, of(look, KEYS_Q), look->q1), "q is composite");
    return NULL;
}

const char *keys_judge(const struct keys_key *key, unsigned bits, BN_CTX *ctx)
{
    BN_CTX_start(ctx);
    struct look look = {
        .key = key,
        .bits = bits,
        .ctx = ctx,
        .p1 = BN_CTX_get(ctx),
        .q1 = BN_CTX_get(ctx),
        .lcm = BN_CTX_get(ctx),
        .t = BN_CTX_get(ctx),
    };
    KEYS_MUST(look.t != NULL);
    const char *wrong = judge_all(&look);
    BN_CTX_end(ctx);
    return wrong;
}

/* ---- OpenSSL ---- */

bool keys_judge_command(struct kw_bytes private_der)
{
    static char words[][8] = {"openssl", "pkey", "-inform", "DER", "-check", "-noout"};
    char *const arguments[] = {words[0], words[1], words[2], words[3], words[4], words[5], NULL};
    int file = memfd_create("key", MFD_CLOEXEC), status = -1;
    posix_spawn_file_actions_t actions;
    pid_t child;

    kw_assert(file >= 0 && write(file, private_der.ptr, private_der.len) == (ssize_t)private_der.len);
    kw_assert(lseek(file, 0, SEEK_SET) == 0 && posix_spawn_file_actions_init(&actions) == 0);
    kw_assert(posix_spawn_file_actions_adddup2(&actions, file, STDIN_FILENO) == 0);
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        kw_assert(posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0) == 0);
    int r = posix_spawnp(&child, "openssl", &actions, NULL, arguments, environ);
    kw_assert(r == 0 && waitpid(child, &status, 0) == child);
    posix_spawn_file_actions_destroy(&actions);
    close(file);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const char *keys_judge_slowly(struct kw_bytes private_der)
{
    EVP_PKEY *pkey = read_private(private_der);
    EVP_PKEY_CTX *ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool good = ctx != NULL && EVP_PKEY_check(ctx) == 1 && EVP_PKEY_pairwise_check(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    KW_REQUIRE(good, "EVP_PKEY_check() refuses it");
    KW_REQUIRE(keys_judge_command(private_der), "openssl pkey -check refuses it");
    return NULL;
}

/* ---- flipped bits ---- */

static void flip(BIGNUM *number, int bit)
{
    if (BN_is_bit_set(number, bit))
        KEYS_MUST(BN_clear_bit(number, bit));
    else
        KEYS_MUST(BN_set_bit(number, bit));
}

/* A bit that the number has: uniform, or at an end. */
static int any_bit(const BIGNUM *number, unsigned turn)
{
    uint32_t random;

    KEYS_MUST(RAND_bytes((uint8_t *)&random, sizeof(random)));
    return turn == 0   ? 0
           : turn == 1 ? BN_num_bits(number) - 1
                       : (int)(random % (uint32_t)BN_num_bits(number));
}

/* What the generator checks of its own pairs. */
static bool generator_refuses(const struct keys_key *key, unsigned bits)
{
    struct kw_rsa_key own = {.bits = bits};
    const struct {
        uint64_t *words;
        size_t num;
    } fields[KEYS_NUMBERS] = {
        [KEYS_N] = {own.n, bits / 64},
        [KEYS_D] = {own.d, bits / 64},
        [KEYS_P] = {own.p, bits / 128},
        [KEYS_Q] = {own.q, bits / 128},
        [KEYS_DP] = {own.dp, bits / 128},
        [KEYS_DQ] = {own.dq, bits / 128},
        [KEYS_QINV] = {own.qinv, bits / 128},
    };

    for (size_t i = 0; i < KEYS_NUMBERS; i++) {
        int len = (int)(8 * fields[i].num);
        if (i != KEYS_E)
            kw_assert(BN_bn2lebinpad(key->number[i], (uint8_t *)fields[i].words, len) == len);
    }
    return kw_rsa_key_check(&own) == KW_RSA_KEY_WRONG;
}

/* Where the number stands in the file. (What e is made of may stand in n too: a bit of that will do as well.)
 */
static uint8_t *find_number(uint8_t *der, size_t der_len, const BIGNUM *number)
{
    uint8_t bytes[DER_MAX];
    int len = BN_bn2bin(number, bytes);

    return memmem(der, der_len, bytes, (size_t)len);
}

/* One bit of the file, in the middle of the number. */
static bool command_refuses(struct kw_bytes private_der, const BIGNUM *number)
{
    uint8_t der[DER_MAX];

    kw_assert(private_der.len <= sizeof(der));
    memcpy(der, private_der.ptr, private_der.len);
    uint8_t *at = find_number(der, private_der.len, number);
    kw_assert(at != NULL);
    at[BN_num_bytes(number) / 2] ^= 4;
    return !keys_judge_command(KW_BYTES(der, private_der.len));
}

static const char *flip_number(
    struct keys_key *key, enum keys_number number, unsigned bits, unsigned turns, BN_CTX *ctx)
{
    for (unsigned turn = 0; turn < turns; turn++) {
        int bit = any_bit(key->number[number], turn);
        flip(key->number[number], bit);
        bool judge_refuses = keys_judge(key, bits, ctx) != NULL;
        bool refused = number == KEYS_E || generator_refuses(key, bits);
        flip(key->number[number], bit);
        KW_REQUIRE(judge_refuses, "a flipped bit fools this test");
        KW_REQUIRE(refused, "a flipped bit fools the generator's check");
    }
    return NULL;
}

const char *keys_judge_flips(
    struct keys_key *key, unsigned bits, struct kw_bytes private_der, unsigned turns, BN_CTX *ctx)
{
    KW_REQUIRE(!generator_refuses(key, bits), "the generator's check refuses it");
    for (enum keys_number number = 0; number < KEYS_NUMBERS; number++) {
        const char *wrong = flip_number(key, number, bits, turns, ctx);
        if (wrong != NULL)
            return wrong;
        /* It tests the primes first: of a long key that takes a second. */
        KW_REQUIRE(bits > 2048 || command_refuses(private_der, key->number[number]),
            "a flipped bit fools openssl pkey -check");
    }
    return NULL;
}
