/* Slow work beside a serving thread: the same outcomes as done at once, nothing lost, nothing left. */
#include "api/chore.h"
#include "engine/crypto.h"
#include "pool/secmem.h"
#include "tests/support/suite.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <poll.h>
#include <unistd.h>

static struct kw_material *p384, *p256;
static struct kw_mailbox mailbox;
static struct kw_cpus cpus;

static struct kw_material *material_of(EVP_PKEY *pkey, uint8_t name)
{
    const uint8_t id[KW_MATERIAL_ID_LEN] = {name};
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    struct kw_material *material = NULL;
    unsigned char *der = NULL;
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

    ck_assert_int_gt(len, 0);
    ck_assert_int_eq(kw_material_new(&material, id, KW_BYTES(der, len), KW_BYTES(NULL, 0)), 0);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(pkey);
    return material;
}

static void setup(void)
{
    ck_assert_int_eq(kw_cpus_allowed(&cpus), 0);
    ck_assert_int_eq(kw_mailbox_init(&mailbox), 0);
    p384 = material_of(EVP_EC_gen("P-384"), 1);
    p256 = material_of(EVP_EC_gen("P-256"), 2);
}

static void teardown(void)
{
    kw_material_unref(p384);
    kw_material_unref(p256);
    kw_mailbox_done(&mailbox);
}

static struct kw_chore_order signing(const struct kw_material *material)
{
    return (struct kw_chore_order){
        .kind = KW_CHORE_SIGN,
        .material = material,
        .spec = material == p384 ? KW_KEY_ECC_NIST_P384 : KW_KEY_ECC_NIST_P256,
        .algorithm = material == p384 ? KW_ALG_ECDSA_SHA_384 : KW_ALG_ECDSA_SHA_256,
        .type = KW_MESSAGE_RAW,
        .input = KW_LIT("message"),
    };
}

/* Waits for num chores and returns how many of them had that outcome. */
static unsigned collect(unsigned num, int outcome)
{
    struct pollfd pollfd = {.fd = mailbox.eventfd, .events = POLLIN};
    unsigned got = 0, matching = 0;
    uint64_t count;

    while (got < num) {
        ck_assert_int_eq(poll(&pollfd, 1, 20000), 1);
        ck_assert_int_eq(read(mailbox.eventfd, &count, sizeof(count)), sizeof(count));
        for (struct kw_inbox_node *node = kw_inbox_take(&mailbox.inbox); node != NULL; node = node->next) {
            struct kw_chore *chore = KW_CONTAINER_OF(node, struct kw_chore, node);

            ck_assert(chore->done);
            matching += chore->outcome == outcome;
            got++;
        }
    }
    ck_assert_uint_eq(got, num);
    return matching;
}

START_TEST(what_is_slow)
{
    struct kw_chore_order order = {.kind = KW_CHORE_SIGN, .spec = KW_KEY_RSA_4096};

    ck_assert(kw_chore_is_slow(&order));
    order.kind = KW_CHORE_DECRYPT;
    ck_assert(kw_chore_is_slow(&order));
    order.kind = KW_CHORE_VERIFY; /* with the public exponent */
    ck_assert(!kw_chore_is_slow(&order));
    order = signing(p384);
    ck_assert(kw_chore_is_slow(&order));
    order.kind = KW_CHORE_VERIFY;
    ck_assert(kw_chore_is_slow(&order));
    order = signing(p256);
    ck_assert(!kw_chore_is_slow(&order));
    order = (struct kw_chore_order){.kind = KW_CHORE_ATTEST};
    ck_assert(kw_chore_is_slow(&order));
}
END_TEST

/* What is prepared stands by itself: the order's memory may go, and the key's last other reference. */
START_TEST(signed_there_and_verified_here)
{
    struct kw_material *material = material_of(EVP_EC_gen("P-384"), 3);
    uint8_t message[] = "message", nothing_there[1];
    struct kw_buf nothing = KW_BUF(nothing_there, 0);
    struct kw_chore chore = {.reply = &mailbox};
    struct kw_chore_order order = signing(p384);
    struct kw_chores *chores = NULL;

    order.material = material;
    order.input = KW_BYTES(message, 7);
    ck_assert_int_eq(kw_chores_new(&chores, &cpus), 0);
    ck_assert_int_eq(kw_chore_prepare(&chore, &order), 0);
    chore.reply = &mailbox;
    ck_assert(!kw_chore_answers(&chore, &order));
    memset(message, 'x', sizeof(message));
    kw_chores_submit(chores, &chore);
    ck_assert_uint_eq(collect(1, 0), 1);
    ck_assert(kw_chore_answers(&chore, &order));

    order.kind = KW_CHORE_VERIFY;
    ck_assert(!kw_chore_answers(&chore, &order)); /* another question */
    order.input = KW_LIT("message");
    order.signature = kw_sbuf_bytes(&chore.output);
    ck_assert_int_eq(kw_chore_do(&order, &nothing), 0);
    order.input = KW_LIT("massage");
    ck_assert_int_eq(kw_chore_do(&order, &nothing), KW_ASYM_BAD_SIGNATURE);
    order.kind = KW_CHORE_SIGN;
    order.material = p384;
    ck_assert(!kw_chore_answers(&chore, &order)); /* another key */
    kw_material_unref(material);
    kw_chore_done(&chore);
    ck_assert(!chore.done);
    kw_chores_free(chores);
}
END_TEST

START_TEST(outcomes_are_those_of_the_functions)
{
    struct kw_chore chore = {.reply = NULL};
    struct kw_chore_order order = signing(p384);
    struct kw_chores *chores = NULL;

    ck_assert_int_eq(kw_chores_new(&chores, &cpus), 0);
    order.kind = KW_CHORE_VERIFY;
    order.signature = KW_LIT("no signature");
    ck_assert_int_eq(kw_chore_prepare(&chore, &order), 0);
    chore.reply = &mailbox;
    kw_chores_submit(chores, &chore);
    ck_assert_uint_eq(collect(1, KW_ASYM_BAD_SIGNATURE), 1);

    order = signing(p384);
    order.kind = KW_CHORE_DERIVE;
    order.input = KW_LIT("no key");
    ck_assert_int_eq(kw_chore_prepare(&chore, &order), 0);
    chore.reply = &mailbox;
    kw_chores_submit(chores, &chore);
    ck_assert_uint_eq(collect(1, KW_ASYM_BAD_PEER), 1);

    order = (struct kw_chore_order){.kind = KW_CHORE_ATTEST, .input = KW_LIT("no document")};
    ck_assert_int_eq(kw_chore_prepare(&chore, &order), 0);
    chore.reply = &mailbox;
    kw_chores_submit(chores, &chore);
    ck_assert_uint_eq(collect(1, KW_ATTESTATION_MALFORMED), 1);

    order = signing(p384);
    order.material = p256; /* not what the order says it is */
    ck_assert_int_eq(kw_chore_prepare(&chore, &order), 0);
    chore.reply = &mailbox;
    kw_chores_submit(chores, &chore);
    ck_assert_uint_eq(collect(1, 0), 0);
    ck_assert_int_lt(chore.outcome, 0);
    kw_chore_done(&chore);
    kw_chores_free(chores);
}
END_TEST

#define MANY 64u

START_TEST(all_come_back)
{
    static struct kw_chore many[MANY];
    struct kw_chore_order order = signing(p384);
    struct kw_chores *chores = NULL;

    ck_assert_int_eq(kw_chores_new(&chores, &cpus), 0);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(kw_chore_prepare(&many[i], &order), 0);
        many[i].reply = &mailbox;
        kw_chores_submit(chores, &many[i]);
    }
    ck_assert_uint_eq(collect(MANY, 0), MANY);
    /* Abandoned: at once, and without a signature. */
    kw_chores_abandon(chores);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(kw_chore_prepare(&many[i], &order), 0);
        many[i].reply = &mailbox;
        kw_chores_submit(chores, &many[i]);
    }
    ck_assert_uint_eq(collect(MANY, KW_CHORE_ABANDONED), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_uint_eq(many[i].output.len, 0);
        kw_chore_done(&many[i]);
    }
    kw_chores_free(chores);
    kw_chores_free(NULL);
}
END_TEST

/* What the holder of an RSA wrapping key's public half sends. */
static size_t encrypt(EVP_PKEY *pkey, struct kw_bytes plain, uint8_t out[256])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    size_t len = 256;

    ck_assert(EVP_PKEY_encrypt_init(ctx) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0 &&
              EVP_PKEY_encrypt(ctx, out, &len, plain.ptr, plain.len) > 0);
    EVP_PKEY_CTX_free(ctx);
    return len;
}

START_TEST(import)
{
    static const uint8_t secret[33] = "key material of thirty-two bytes";
    const struct {
        size_t len; /* of what is wrapped */
        uint8_t flip;
        int outcome;
    } cases[] = {
        {32, 0, 0}, {31, 0, KW_MATERIAL_INVALID}, {33, 0, KW_MATERIAL_INVALID}, {32, 1, KW_KEYWRAP_INVALID}};
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    uint8_t wrapped[256];
    struct kw_chores *chores = NULL;

    EVP_PKEY_up_ref(pkey); /* material_of() takes one */
    struct kw_material *wrapping_key = material_of(pkey, 3);
    ck_assert_int_eq(kw_chores_new(&chores, &cpus), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(cases); i++) {
        struct kw_chore chore = {.done = false};
        struct kw_chore_order order = {.kind = KW_CHORE_IMPORT,
            .material = wrapping_key,
            .spec = KW_KEY_SYMMETRIC_DEFAULT,
            .wrapping = KW_WRAPPING_RSAES_OAEP_SHA_256,
            .input = KW_BYTES(wrapped, encrypt(pkey, KW_BYTES(secret, cases[i].len), wrapped))};

        wrapped[200] ^= cases[i].flip;
        ck_assert(kw_chore_is_slow(&order) && !kw_chore_is_long(&order));
        ck_assert_int_eq(kw_chore_prepare(&chore, &order), 0);
        chore.reply = &mailbox;
        kw_chores_submit(chores, &chore);
        ck_assert_uint_eq(collect(1, cases[i].outcome), 1);
        ck_assert_uint_eq(chore.output.len, cases[i].outcome == 0 ? 32 : 0);
        /* What was refused is not left behind either. */
        if (chore.output.ptr != NULL)
            ck_assert((memcmp(chore.output.ptr, secret, 31) == 0) == (cases[i].outcome == 0));
        kw_chore_done(&chore);
    }
    kw_chores_free(chores);
    kw_material_unref(wrapping_key);
    EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(what_is_long)
{
    struct kw_chore_order order = {.kind = KW_CHORE_IMPORT, .spec = KW_KEY_RSA_2048};

    ck_assert(kw_chore_is_long(&order));
    order.spec = KW_KEY_ECC_NIST_P521;
    ck_assert(!kw_chore_is_long(&order));
    order.spec = KW_KEY_RSA_4096;
    order.kind = KW_CHORE_SIGN;
    ck_assert(!kw_chore_is_long(&order));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_is_slow);
    tcase_add_test(tcase, signed_there_and_verified_here);
    tcase_add_test(tcase, outcomes_are_those_of_the_functions);
    tcase_add_test(tcase, all_come_back);
    tcase_add_test(tcase, import);
    tcase_add_test(tcase, what_is_long);
}

int main(void)
{
    if (kw_crypto_init() < 0)
        return EXIT_FAILURE;
    return kw_suite_run("chore", add, 60);
}
