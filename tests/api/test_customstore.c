/* Key stores as entities, and what callers may say of them. */
#include "api/customstore.h"

#include "api/snapshot.h"
#include "engine/crypto.h"
#include "pool/secmem.h"
#include "tests/support/entities.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

START_TEST(a_store_is_copied_whole)
{
    KW_CUSTOM_STORE struct kw_custom_store *store = NULL, *again = NULL;
    char name[] = "mine", password[] = "1234567";
    struct kw_custom_store like = custom_store_of(STORE_ID);

    like.name = name;
    like.password = password;
    like.connect = true;
    ck_assert_int_eq(kw_custom_store_new(&store, &like), 0);
    assert_same_custom_store(store, &like);
    name[0] = password[0] = 'x';
    ck_assert_str_eq(store->name, "mine");
    ck_assert_str_eq(store->password, "1234567");
    /* One made from another outlives it. */
    ck_assert_int_eq(kw_custom_store_new(&again, store), 0);
    ck_assert_ptr_eq(kw_custom_store_ref(store), store);
    kw_custom_store_unref(store);
    kw_custom_store_unref(store);
    store = NULL;
    ck_assert_str_eq(again->password, "1234567");
    kw_custom_store_unref(NULL);
}
END_TEST

START_TEST(a_store_that_does_not_fit)
{
    KW_CUSTOM_STORE struct kw_custom_store *full = new_full_custom_store();
    struct kw_custom_store *store = NULL;
    const struct kw_custom_store good = custom_store_of(STORE_ID);
    struct {
        size_t offset, max;
    } texts[] = {
        {offsetof(struct kw_custom_store, account), KW_ACCOUNT_LEN},
        {offsetof(struct kw_custom_store, region), KW_REGION_MAX},
        {offsetof(struct kw_custom_store, name), 4 * KW_CUSTOM_STORE_NAME_MAX},
        {offsetof(struct kw_custom_store, trust_anchor), KW_TRUST_ANCHOR_MAX},
        {offsetof(struct kw_custom_store, password), KW_STORE_PASSWORD_BYTES},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(texts); i++) {
        const char *const bad[] = {NULL, "", text_of(texts[i].max + 1, 'x')};
        for (size_t j = 0; j < KW_ARRAY_LEN(bad); j++) {
            struct kw_custom_store like = *full;
            memcpy((char *)&like + texts[i].offset, &bad[j], sizeof(bad[j]));
            ck_assert_int_eq(kw_custom_store_new(&store, &like), KW_ENTITY_INVALID);
        }
    }
    struct kw_custom_store like = good;
    like.id[20] = '\0';
    ck_assert_int_eq(kw_custom_store_new(&store, &like), KW_ENTITY_INVALID);
    like = good;
    memset(like.id, 'x', sizeof(like.id)); /* no NUL */
    ck_assert_int_eq(kw_custom_store_new(&store, &like), KW_ENTITY_INVALID);
    like = good;
    memset(like.cluster, 'x', sizeof(like.cluster));
    ck_assert_int_eq(kw_custom_store_new(&store, &like), KW_ENTITY_INVALID);
    like = good;
    like.cluster[0] = '\0';
    ck_assert_int_eq(kw_custom_store_new(&store, &like), KW_ENTITY_INVALID);
    ck_assert_ptr_null(store);
}
END_TEST

START_TEST(cluster_ids)
{
    static const char *const good[] = {
        "cluster-abcdefghijk", "cluster-ABCDEFGHIJKLMNOP", "cluster-2345672345a"};
    static const char *const bad[] = {"", "cluster-", "cluster-abcdefghij", "cluster-abcdefghijklmnopq",
        "cluster-abcdefghij1", "cluster-abcdefghij8", "cluster-abcdefghij-", "Cluster-abcdefghijk",
        "xcluster-abcdefghijk", "cluster_abcdefghijk", "cluster-abcdefghij\xc3"};

    for (size_t i = 0; i < KW_ARRAY_LEN(good); i++)
        ck_assert_msg(kw_cluster_id_valid(kw_bytes_str(good[i])), "%s", good[i]);
    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(!kw_cluster_id_valid(kw_bytes_str(bad[i])), "%s", bad[i]);
    ck_assert(!kw_cluster_id_valid(KW_BYTES("cluster-abcdefghijk\0", 20)));
}
END_TEST

/* A self-signed certificate as PEM. Returns its length. */
static size_t certificate(char *to, size_t cap)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *made = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    int len;

    ck_assert(key != NULL && made != NULL && bio != NULL);
    ck_assert(X509_set_pubkey(made, key) == 1 && X509_gmtime_adj(X509_getm_notBefore(made), 0) != NULL &&
              X509_gmtime_adj(X509_getm_notAfter(made), 1000) != NULL &&
              X509_sign(made, key, EVP_sha256()) > 0 && PEM_write_bio_X509(bio, made) == 1);
    len = BIO_read(bio, to, (int)cap - 1);
    ck_assert_int_gt(len, 0);
    to[len] = '\0';
    BIO_free(bio);
    X509_free(made);
    EVP_PKEY_free(key);
    return (size_t)len;
}

START_TEST(trust_anchors)
{
    char pem[2048], twice[4096];
    size_t len = certificate(pem, sizeof(pem));

    ck_assert(kw_trust_anchor_valid(KW_BYTES(pem, len)));
    snprintf(twice, sizeof(twice), "%s%s", pem, pem);
    ck_assert(kw_trust_anchor_valid(kw_bytes_str(twice)));
    ck_assert(!kw_trust_anchor_valid(KW_BYTES(pem, 0)));
    ck_assert(!kw_trust_anchor_valid(KW_BYTES(pem, len - 10)));
    ck_assert(!kw_trust_anchor_valid(KW_BYTES(pem, len / 2)));
    ck_assert(!kw_trust_anchor_valid(KW_BYTES(pem, len + 1))); /* its NUL */
    snprintf(twice, sizeof(twice), "%s%.*s", pem, (int)(len - 40), pem);
    ck_assert(!kw_trust_anchor_valid(kw_bytes_str(twice)));
    ck_assert(!kw_trust_anchor_valid(KW_LIT("certificate")));
    ck_assert(
        !kw_trust_anchor_valid(KW_LIT("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")));
    ck_assert(!kw_trust_anchor_valid(kw_bytes_str(text_of(KW_TRUST_ANCHOR_MAX + 1, 'A'))));
    pem[40] = (char)0xc3;
    ck_assert(!kw_trust_anchor_valid(KW_BYTES(pem, len)));
}
END_TEST

START_TEST(in_pictures)
{
    struct kw_snapshot *first = NULL, *second = NULL;
    KW_CUSTOM_STORE struct kw_custom_store *a = NULL, *b = NULL, *renamed = NULL;
    KW_KMS_KEY struct kw_kms_key *plain = new_key(ACCOUNT_TEXT, REGION_TEXT, 1), *key = NULL;
    struct kw_custom_store like = custom_store_of(STORE_ID);
    struct kw_kms_key like_key = *plain;

    ck_assert_int_eq(kw_custom_store_new(&a, &like), 0);
    like.name = "yours";
    ck_assert_int_eq(kw_custom_store_new(&renamed, &like), 0);
    like.region = "eu-west-1";
    ck_assert_int_eq(kw_custom_store_new(&b, &like), 0);
    ck_assert_int_eq(kw_snapshot_new(&first, NULL), 0);
    ck_assert_int_eq(kw_snapshot_put_custom_store(first, a), 0);
    ck_assert_int_eq(kw_snapshot_put_custom_store(first, b), 0);
    ck_assert_ptr_eq(kw_snapshot_custom_store(first, ACCOUNT, REGION, KW_LIT(STORE_ID)), a);
    ck_assert_ptr_eq(kw_snapshot_custom_store(first, ACCOUNT, KW_LIT("eu-west-1"), KW_LIT(STORE_ID)), b);
    ck_assert_ptr_null(kw_snapshot_custom_store(first, OTHER, REGION, KW_LIT(STORE_ID)));
    ck_assert_ptr_null(kw_snapshot_custom_store(first, ACCOUNT, REGION, KW_LIT("cks-")));

    like_key.origin = KW_ORIGIN_CLOUDHSM;
    ck_assert_int_eq(kw_kms_key_new(&key, &like_key), KW_ENTITY_INVALID); /* it needs a store */
    like_key.custom_store = STORE_ID;
    ck_assert_int_eq(kw_kms_key_new(&key, &like_key), 0);
    ck_assert_str_eq(key->custom_store, STORE_ID);
    ck_assert_ptr_eq(kw_snapshot_store_of(first, key), a);
    ck_assert_ptr_null(kw_snapshot_store_of(first, plain));
    like_key.origin = KW_ORIGIN_AWS_KMS;
    struct kw_kms_key *wrong = NULL;
    ck_assert_int_eq(kw_kms_key_new(&wrong, &like_key), KW_ENTITY_INVALID);

    ck_assert_int_eq(kw_snapshot_new(&second, first), 0);
    ck_assert_int_eq(kw_snapshot_put_custom_store(second, renamed), 0);
    ck_assert_int_eq(kw_snapshot_remove_custom_store(second, b), 0);
    ck_assert_uint_eq(kw_map_len(&second->custom_stores), 1);
    ck_assert_ptr_eq(kw_snapshot_store_of(second, key), renamed);
    ck_assert_ptr_eq(kw_snapshot_store_of(first, key), a);
    kw_snapshot_free(first);
    kw_snapshot_free(second);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_store_is_copied_whole);
    tcase_add_test(tcase, a_store_that_does_not_fit);
    tcase_add_test(tcase, cluster_ids);
    tcase_add_test(tcase, trust_anchors);
    tcase_add_test(tcase, in_pictures);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("customstore", add, 30);
}
