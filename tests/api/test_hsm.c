/* Which token stands for which cluster, and what a key store's connection is called. */
#include "api/hsm.h"

#include "engine/crypto.h"
#include "tests/support/entities.h"
#include "tests/support/softtoken.h"

START_TEST(what_the_option_says)
{
    struct kw_hsm_cluster cluster;
    static const char *const bad[] = {"", "=", ":", "cluster-abcdefghijk", "cluster-abcdefghijk=/m.so",
        "cluster-abcdefghijk:/m.so=t", "cluster-abcdefghijk=:t",
        "cluster-abcdefghijk=/m.so:", "cluster-abcdefghij=/m.so:t", "cluster-abcdefghij0=/m.so:t",
        "=/m.so:t"};
    char text[1024];

    ck_assert_int_eq(kw_hsm_parse("cluster-abcdefghijk=/a=b:c/m.so:my token", &cluster), 0);
    ck_assert_str_eq(cluster.id, "cluster-abcdefghijk");
    ck_assert_str_eq(cluster.module, "/a=b:c/m.so");
    ck_assert_str_eq(cluster.label, "my token");
    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(kw_hsm_parse(bad[i], &cluster) != 0, "%s", bad[i]);
    snprintf(text, sizeof(text), "cluster-abcdefghijklmnop=%s:%s", text_of(511, 'm'), text_of(32, 'l'));
    ck_assert_int_eq(kw_hsm_parse(text, &cluster), 0);
    snprintf(text, sizeof(text), "cluster-abcdefghijklmnop=%s:l", text_of(512, 'm'));
    ck_assert_int_ne(kw_hsm_parse(text, &cluster), 0);
    snprintf(text, sizeof(text), "cluster-abcdefghijklmnop=m:%s", text_of(33, 'l'));
    ck_assert_int_ne(kw_hsm_parse(text, &cluster), 0);
}
END_TEST

static enum kw_token_state state(const struct kw_hsm *hsm, bool connect)
{
    struct kw_custom_store store = custom_store_of(STORE_ID);

    store.connect = connect;
    return kw_hsm_status(hsm, &store).state;
}

START_TEST(without_tokens)
{
    struct kw_custom_store store = custom_store_of(STORE_ID);

    ck_assert_ptr_null(kw_hsm_token(NULL, store.cluster));
    ck_assert_int_eq(state(NULL, false), KW_TOKEN_DISCONNECTED);
    ck_assert_int_eq(state(NULL, true), KW_TOKEN_FAILED);
    store.connect = true;
    ck_assert_str_eq(kw_token_error_name(kw_hsm_status(NULL, &store).condition), "CLUSTER_NOT_FOUND");
    ck_assert_int_eq(kw_hsm_settle(NULL, &store), 0);
    ck_assert_int_eq(kw_hsm_status(NULL, NULL).state, KW_TOKEN_DISCONNECTED);
    kw_hsm_free(NULL);
}
END_TEST

static void await(const struct kw_hsm *hsm, bool connect, enum kw_token_state wanted)
{
    for (int i = 0; i < 5000 && state(hsm, connect) != wanted; i++)
        usleep(1000);
    ck_assert_int_eq(state(hsm, connect), wanted);
}

/* From the word of a store to the state of its token, at start and later. */
START_TEST(stores_are_settled)
{
    struct kw_hsm_cluster cluster = {.id = "cluster-abcdefghijk", .label = SOFT_LABEL};
    struct kw_custom_store like = custom_store_of(STORE_ID);
    KW_CUSTOM_STORE struct kw_custom_store *store = NULL;
    struct kw_snapshot *snapshot = NULL;
    struct kw_hsm *hsm = NULL;
    struct softtoken soft;
    char why[256];

    if (soft_module() == NULL)
        return;
    softtoken_init(&soft);
    snprintf(cluster.module, sizeof(cluster.module), "%s/nothing.so", soft.top);
    ck_assert_int_lt(kw_hsm_new(&hsm, &cluster, 1, why, sizeof(why)), 0);
    ck_assert_ptr_nonnull(strstr(why, "cannot be loaded"));
    snprintf(cluster.module, sizeof(cluster.module), "%s", soft_module());
    ck_assert_int_eq(kw_hsm_new(&hsm, &cluster, 1, why, sizeof(why)), 0);
    ck_assert_ptr_nonnull(kw_hsm_token(hsm, cluster.id));
    ck_assert_ptr_null(kw_hsm_token(hsm, "cluster-bbbbbbbbbbb"));

    like.password = SOFT_PIN;
    like.connect = true;
    ck_assert_int_eq(state(hsm, false), KW_TOKEN_DISCONNECTED);
    ck_assert_int_eq(state(hsm, true), KW_TOKEN_CONNECTING); /* wanted, and not told yet */
    ck_assert_int_eq(kw_custom_store_new(&store, &like), 0);
    ck_assert_int_eq(kw_snapshot_new(&snapshot, NULL), 0);
    ck_assert_int_eq(kw_snapshot_put_custom_store(snapshot, store), 0);
    kw_hsm_settle_all(hsm, snapshot);
    await(hsm, true, KW_TOKEN_CONNECTED);
    ck_assert_int_eq(kw_hsm_settle(hsm, &like), 0); /* again: nothing */
    ck_assert_int_eq(state(hsm, true), KW_TOKEN_CONNECTED);
    ck_assert_int_eq(state(hsm, false), KW_TOKEN_DISCONNECTING); /* not wanted any more, and not told yet */
    like.connect = false;
    ck_assert_int_eq(kw_hsm_settle(hsm, &like), 0);
    await(hsm, false, KW_TOKEN_DISCONNECTED);
    ck_assert_int_eq(kw_hsm_settle(hsm, &like), 0);
    kw_snapshot_free(snapshot);
    kw_hsm_free(hsm);
    softtoken_done(&soft);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, what_the_option_says);
    tcase_add_test(tcase, without_tokens);
    tcase_add_test(tcase, stores_are_settled);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("hsm", add, 30);
}
