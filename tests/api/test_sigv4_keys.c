/* Kept signing keys: the same as derived ones, and never those of another secret, day, Region, service or id.
 */
#include "api/sigv4_keys.h"

#include "engine/crypto.h"
#include "pool/secmem.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>

#define SECRET KW_LIT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

static struct kw_sigv4_keys *keys;

static struct kw_sigv4_claim claim_of(const char *id)
{
    return (struct kw_sigv4_claim){
        .access_key_id = kw_bytes_str(id),
        .scope_date = KW_LIT("20150830"),
        .region = KW_LIT("us-east-1"),
        .service = KW_LIT("kms"),
    };
}

/* The key that is found makes the MACs that a derived one makes. */
static const struct kw_hmac_key *find(const struct kw_sigv4_claim *claim, struct kw_bytes secret)
{
    const struct kw_hmac_key *found = kw_sigv4_keys_find(keys, claim, secret);
    const struct kw_bytes text = KW_LIT("text");
    uint8_t key[KW_HMAC_LEN], wanted[KW_HMAC_LEN], got[KW_HMAC_LEN];

    kw_sigv4_derive(claim, secret, key);
    kw_hmac(KW_BYTES(key, sizeof(key)), &text, 1, wanted);
    kw_hmac_with(found, &text, 1, got);
    ck_assert_mem_eq(got, wanted, sizeof(got));
    return found;
}

static unsigned num_kept(void)
{
    unsigned num = 0;

    for (unsigned i = 0; i < KW_SIGV4_KEYS_SETS; i++)
        for (unsigned k = 0; k < KW_SIGV4_KEYS_WAYS; k++)
            num += keys->entry[i][k].used > 0;
    return num;
}

/* From AWS's documentation of the signing key ("Deriving a signing key": AWS4-HMAC-SHA256, iam). */
START_TEST(test_documented)
{
    static const uint8_t wanted[] = {0xc4, 0xaf, 0xb1, 0xcc, 0x57, 0x71, 0xd8, 0x71, 0x76, 0x3a, 0x39, 0x3e,
        0x44, 0xb7, 0x03, 0x57, 0x1b, 0x55, 0xcc, 0x28, 0x42, 0x4d, 0x1a, 0x5e, 0x86, 0xda, 0x6e, 0xd3, 0xc1,
        0x54, 0xa4, 0xb9};
    struct kw_sigv4_claim claim = claim_of("AKID");
    uint8_t key[KW_HMAC_LEN];

    claim.service = KW_LIT("iam");
    kw_sigv4_derive(&claim, SECRET, key);
    ck_assert_mem_eq(key, wanted, sizeof(wanted));
}
END_TEST

START_TEST(test_found_again)
{
    struct kw_sigv4_claim claim = claim_of("AKID");
    const struct kw_hmac_key *found = find(&claim, SECRET);

    ck_assert_ptr_eq(find(&claim, SECRET), found);
    ck_assert_uint_eq(num_kept(), 1);
}
END_TEST

/* One thing is another each time: a key of its own, and the first one stays what it is. */
START_TEST(test_each_part_counts)
{
    struct kw_sigv4_claim first = claim_of("AKID"), other;
    const struct kw_hmac_key *found = find(&first, SECRET);

    ck_assert_ptr_ne(find(&first, KW_LIT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ")), found);
    ck_assert_ptr_ne(find(&first, KW_LIT("w")), found);
    other = first;
    other.scope_date = KW_LIT("20150831");
    ck_assert_ptr_ne(find(&other, SECRET), found);
    ck_assert_ptr_eq(find(&first, SECRET), found);
    other = first;
    other.region = KW_LIT("us-east-2");
    ck_assert_ptr_ne(find(&other, SECRET), found);
    other = first;
    other.service = KW_LIT("sts");
    ck_assert_ptr_ne(find(&other, SECRET), found);
    other = claim_of("AKIE");
    ck_assert_ptr_ne(find(&other, SECRET), found);
    ck_assert_ptr_eq(find(&first, SECRET), found);
    other = claim_of("");
    ck_assert_ptr_ne(find(&other, SECRET), found);
}
END_TEST

/* The largest texts, and more names than there are places: each is right, and none is beyond its bound. */
START_TEST(test_many)
{
    char id[KW_ACCESS_KEY_ID_MAX + 1], text[KW_SIGV4_SECRET_MAX];
    struct kw_sigv4_claim claim = claim_of("");

    memset(text, 'S', sizeof(text));
    claim.region = claim.service = KW_BYTES(text, KW_REGION_MAX);
    for (unsigned i = 0; i < 3 * KW_SIGV4_KEYS_SETS * KW_SIGV4_KEYS_WAYS; i++) {
        snprintf(id, sizeof(id), "%0128u", i);
        claim.access_key_id = kw_bytes_str(id);
        (void)find(&claim, KW_BYTES(text, sizeof(text)));
        (void)find(&claim, KW_BYTES(text, 1 + i % sizeof(text)));
    }
    ck_assert_uint_gt(num_kept(), KW_SIGV4_KEYS_SETS * KW_SIGV4_KEYS_WAYS / 2);
}
END_TEST

/* The entry of a set that was not used for longest is the one that goes. */
START_TEST(test_oldest_goes)
{
    struct kw_sigv4_claim claim = claim_of("AKID");
    const struct kw_hmac_key *found[KW_SIGV4_KEYS_WAYS];
    char secret[16];

    for (unsigned i = 0; i < KW_SIGV4_KEYS_WAYS; i++) {
        snprintf(secret, sizeof(secret), "secret %u", i);
        found[i] = find(&claim, kw_bytes_str(secret));
    }
    ck_assert_ptr_eq(find(&claim, KW_LIT("secret 0")), found[0]);
    ck_assert_ptr_eq(find(&claim, KW_LIT("one more")), found[1]);
    ck_assert_ptr_eq(find(&claim, KW_LIT("secret 0")), found[0]);
}
END_TEST

START_TEST(test_forget)
{
    struct kw_sigv4_claim claim = claim_of("AKID"), other = claim_of("AKIE");
    const struct kw_hmac_key *kept = find(&other, SECRET);
    static const struct kw_sigv4_keys_entry zero;

    (void)find(&claim, SECRET);
    claim.region = KW_LIT("eu-west-1");
    const struct kw_hmac_key *found = find(&claim, SECRET);
    ck_assert_uint_eq(num_kept(), 3);
    kw_sigv4_keys_forget(keys, KW_LIT("AKID"));
    ck_assert_uint_eq(num_kept(), 1);
    ck_assert_mem_eq(found, &zero.key, sizeof(*found));
    ck_assert_ptr_eq(find(&other, SECRET), kept);
    kw_sigv4_keys_forget(keys, KW_LIT("nobody"));
    ck_assert_uint_eq(num_kept(), 1);
}
END_TEST

static void set_up(void)
{
    keys = kw_secmem_alloc(sizeof(*keys));
    ck_assert_ptr_nonnull(keys);
}

static void tear_down(void)
{
    kw_secmem_free(keys);
}

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_documented);
    tcase_add_test(tests, test_found_again);
    tcase_add_test(tests, test_each_part_counts);
    tcase_add_test(tests, test_many);
    tcase_add_test(tests, test_oldest_goes);
    tcase_add_test(tests, test_forget);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("sigv4_keys", add, 30);
}
