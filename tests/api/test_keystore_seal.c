#include "api/keystore_seal.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <sys/wait.h>
#include <unistd.h>

static const uint8_t root_key[KW_ROOT_KEY_LEN] = "a root key for tests, 32 bytes..";

START_TEST(seal_opens_in_its_place_only)
{
    struct kw_sealer *sealer = NULL, *other = NULL;
    uint8_t bytes[64], copy[64], plain_bytes[32], wrong_root[KW_ROOT_KEY_LEN];
    struct kw_buf sealed = KW_BUF(bytes, sizeof(bytes)), plain;
    struct kw_seal_place place = {"table", KW_LIT("row"), "purpose"};

    memcpy(wrong_root, root_key, sizeof(wrong_root));
    wrong_root[31] ^= 1;
    ck_assert_int_eq(kw_sealer_new(&sealer, root_key), 0);
    ck_assert_int_eq(kw_sealer_new(&other, wrong_root), 0);
    ck_assert_int_eq(kw_seal(sealer, &place, KW_LIT("secret"), &sealed), 0);
    ck_assert_uint_eq(sealed.len, 6 + KW_SEAL_OVERHEAD);
    ck_assert_ptr_null(memmem(bytes, sealed.len, "secret", 6));

    plain = KW_BUF(plain_bytes, sizeof(plain_bytes));
    ck_assert_int_eq(kw_unseal(sealer, &place, kw_buf_bytes(&sealed), &plain), 0);
    ck_assert(kw_bytes_equal(kw_buf_bytes(&plain), KW_LIT("secret")));
    ck_assert_int_eq(kw_unseal(other, &place, kw_buf_bytes(&sealed), &plain), KW_SEAL_BROKEN);
    ck_assert_uint_eq(plain.len, 6);
    ck_assert_int_eq(plain_bytes[6], plain_bytes[7]); /* wiped */

    /* The same bytes cut differently are another place. */
    const struct kw_seal_place others[] = {{"tabl", KW_LIT("erow"), "purpose"},
        {"table", KW_LIT("rowp"), "urpose"}, {"table", KW_LIT("row"), "purposes"},
        {"table", KW_LIT(""), "purpose"}, {"table", KW_LIT("Row"), "purpose"}};
    for (size_t i = 0; i < KW_ARRAY_LEN(others); i++)
        ck_assert_int_eq(kw_unseal(sealer, &others[i], kw_buf_bytes(&sealed), &plain), KW_SEAL_BROKEN);

    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        memcpy(copy, bytes, sealed.len);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(kw_unseal(sealer, &place, KW_BYTES(copy, sealed.len), &plain), KW_SEAL_BROKEN);
    }
    for (size_t len = 0; len < sealed.len; len++)
        ck_assert_int_eq(kw_unseal(sealer, &place, KW_BYTES(bytes, len), &plain), KW_SEAL_BROKEN);
    plain = KW_BUF(plain_bytes, 5); /* no room */
    ck_assert_int_eq(kw_unseal(sealer, &place, kw_buf_bytes(&sealed), &plain), KW_SEAL_BROKEN);

    struct kw_buf again = KW_BUF(copy, sizeof(copy));
    ck_assert_int_eq(kw_seal(sealer, &place, KW_LIT("secret"), &again), 0);
    ck_assert_int_ne(memcmp(copy, bytes, sealed.len), 0); /* a fresh IV each time */
    kw_sealer_free(sealer);
    kw_sealer_free(other);
    kw_sealer_free(NULL);
}
END_TEST

/* A child has neither the root key nor a random source: it must not seal under zeros. */
START_TEST(seal_refuses_in_a_forked_child)
{
    struct kw_sealer *sealer = NULL;
    struct kw_seal_place place = {"table", KW_LIT("row"), "purpose"};
    uint8_t bytes[64];
    struct kw_buf sealed = KW_BUF(bytes, sizeof(bytes));
    int status = -1;

    ck_assert_int_eq(kw_sealer_new(&sealer, root_key), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(kw_seal(sealer, &place, KW_LIT("secret"), &sealed) == -EPERM && sealed.len == 0 ? 42 : 1);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    kw_sealer_free(sealer);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, seal_opens_in_its_place_only);
    tcase_add_test(tcase, seal_refuses_in_a_forked_child);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("keystore_seal", add, 20);
}
