/* Session tokens: what is sealed comes back, and nothing else opens; the cache of a serving thread. */
#include "api/session.h"

#include "engine/crypto.h"
#include "tests/support/entities.h"

#include <stdatomic.h>

static const uint8_t secret_one[32] = "the secret of one keystore......",
                     secret_two[32] = "of another keystore.............";

#define SESSION_POLICY                                                                                       \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:Encrypt\","           \
    "\"Resource\":\"*\"}]}"

static struct kw_session_sealer *sealer;
static struct kw_session session;
static char token[KW_SESSION_TOKEN_MAX + 1], secret[KW_SESSION_SECRET_LEN + 1];

static struct kw_session session_of(const char *name)
{
    struct kw_session like = {.kind = KW_PRINCIPAL_ROLE,
        .account = ACCOUNT_TEXT,
        .principal_name = "reader",
        .principal_id = "AROAEXAMPLE",
        .source_identity = "alice",
        .issued_ms = 1700000000000,
        .expires_ms = 1700003600000,
        .policy = SESSION_POLICY};
    snprintf(like.name, sizeof(like.name), "%s", name);
    return like;
}

static void set_up(void)
{
    ck_assert_int_eq(kw_session_sealer_new(&sealer, secret_one), 0);
    session = session_of("build");
    ck_assert_int_eq(kw_session_seal(sealer, &session, token, secret), 0);
}

static void tear_down(void)
{
    kw_session_sealer_free(sealer);
    sealer = NULL;
}

static int open_as(const char *access_key_id, struct kw_bytes text)
{
    struct kw_session opened;
    char opened_secret[KW_SESSION_SECRET_LEN + 1];
    return kw_session_open(sealer, kw_bytes_str(access_key_id), text, &opened, opened_secret);
}

static void check_back(const struct kw_session *like)
{
    struct kw_session opened;
    char opened_secret[KW_SESSION_SECRET_LEN + 1];
    ck_assert_int_eq(kw_session_open(sealer, kw_bytes_str(like->access_key_id), kw_bytes_str(token), &opened,
                         opened_secret),
        0);
    ck_assert_str_eq(opened.access_key_id, like->access_key_id);
    ck_assert_str_eq(opened.account, like->account);
    ck_assert_int_eq(opened.kind, like->kind);
    ck_assert_str_eq(opened.principal_name, like->principal_name);
    ck_assert_str_eq(opened.principal_id, like->principal_id);
    ck_assert_str_eq(opened.name, like->name);
    ck_assert_str_eq(opened.source_identity, like->source_identity);
    ck_assert_int_eq(opened.issued_ms, like->issued_ms);
    ck_assert_int_eq(opened.expires_ms, like->expires_ms);
    ck_assert_str_eq(opened.policy, like->policy);
    ck_assert_str_eq(opened_secret, secret);
}

START_TEST(sessions_come_back)
{
    check_back(&session);
    ck_assert_int_eq(strncmp(session.access_key_id, "ASIA", 4), 0);
    ck_assert_uint_eq(strlen(session.access_key_id), 20);
    ck_assert_uint_eq(strlen(secret), KW_SESSION_SECRET_LEN);

    /* The longest, and a user's, which has few fields. */
    memset(session.principal_name, 'n', sizeof(session.principal_name) - 1);
    memset(session.principal_id, 'i', sizeof(session.principal_id) - 1);
    memset(session.name, 's', sizeof(session.name) - 1);
    memset(session.source_identity, 'o', sizeof(session.source_identity) - 1);
    memset(session.policy, 'p', sizeof(session.policy) - 1);
    session.expires_ms = INT64_MAX;
    ck_assert_int_eq(kw_session_seal(sealer, &session, token, secret), 0);
    ck_assert_uint_le(strlen(token), KW_SESSION_TOKEN_MAX);
    check_back(&session);
    session = session_of("");
    session.kind = KW_PRINCIPAL_USER;
    session.source_identity[0] = session.policy[0] = '\0';
    ck_assert_int_eq(kw_session_seal(sealer, &session, token, secret), 0);
    check_back(&session);
}
END_TEST

START_TEST(each_is_another)
{
    char first_token[KW_SESSION_TOKEN_MAX + 1], first_secret[KW_SESSION_SECRET_LEN + 1];
    struct kw_session first = session;
    memcpy(first_token, token, sizeof(token));
    memcpy(first_secret, secret, sizeof(secret));
    ck_assert_int_eq(kw_session_seal(sealer, &session, token, secret), 0);
    ck_assert_str_ne(first.access_key_id, session.access_key_id);
    ck_assert_str_ne(first_token, token);
    ck_assert_str_ne(first_secret, secret);
    /* A token is of its own access key id only. */
    ck_assert_int_eq(open_as(first.access_key_id, kw_bytes_str(token)), KW_SESSION_INVALID);
    ck_assert_int_eq(open_as(session.access_key_id, kw_bytes_str(first_token)), KW_SESSION_INVALID);
    ck_assert_int_eq(open_as(first.access_key_id, kw_bytes_str(first_token)), 0);
}
END_TEST

START_TEST(nothing_of_it_can_be_read)
{
    uint8_t raw[KW_SESSION_TOKEN_MAX];
    size_t len;
    ck_assert_int_eq(kw_base64_decode(kw_bytes_str(token), raw, sizeof(raw), &len), 0);
    ck_assert_ptr_null(memmem(raw, len, "reader", 6));
    ck_assert_ptr_null(memmem(raw, len, ACCOUNT_TEXT, 12));
    ck_assert_ptr_null(memmem(raw, len, secret, 12));
}
END_TEST

START_TEST(foreign_and_altered_tokens_do_not_open)
{
    size_t len = strlen(token);
    for (size_t i = 0; i < len; i++) {
        char before = token[i];
        token[i] = before == 'A' ? 'B' : 'A';
        ck_assert_msg(open_as(session.access_key_id, KW_BYTES(token, len)) == KW_SESSION_INVALID, "%zu", i);
        token[i] = before;
    }
    for (size_t cut = 0; cut < len; cut++)
        ck_assert_int_eq(open_as(session.access_key_id, KW_BYTES(token, cut)), KW_SESSION_INVALID);
    ck_assert_int_eq(open_as(session.access_key_id, KW_BYTES(token, len)), 0);
    ck_assert_int_eq(open_as("", kw_bytes_str(token)), KW_SESSION_INVALID);
    ck_assert_int_eq(open_as("AKIAIOSFODNN7EXAMPLE", kw_bytes_str(token)), KW_SESSION_INVALID);
    ck_assert_int_eq(open_as("ASIAIOSFODNN7EXAMPL!", kw_bytes_str(token)), KW_SESSION_INVALID);
    ck_assert_int_eq(open_as(session.access_key_id, kw_bytes_str(text_of(KW_SESSION_TOKEN_MAX + 4, 'A'))),
        KW_SESSION_INVALID);
    ck_assert_int_eq(
        open_as(session.access_key_id, kw_bytes_str(text_of(KW_SESSION_TOKEN_MAX, 'A'))), KW_SESSION_INVALID);

    KW_SESSION_SEALER struct kw_session_sealer *other = NULL;
    struct kw_session opened;
    char opened_secret[KW_SESSION_SECRET_LEN + 1];
    ck_assert_int_eq(kw_session_sealer_new(&other, secret_two), 0);
    ck_assert_int_eq(kw_session_open(other, kw_bytes_str(session.access_key_id), kw_bytes_str(token), &opened,
                         opened_secret),
        KW_SESSION_INVALID);
    /* Another one of the same keystore, such as that of another thread, opens it. */
    kw_session_sealer_free(sealer);
    ck_assert_int_eq(kw_session_sealer_new(&sealer, secret_one), 0);
    check_back(&session);
}
END_TEST

START_TEST(what_cannot_be_is_not_sealed)
{
    for (unsigned i = 0; i < 9; i++) {
        session = session_of("build");
        switch (i) {
        case 0:
            session.account[11] = '\0';
            break;
        case 1:
            session.principal_name[0] = '\0';
            break;
        case 2:
            session.principal_id[0] = '\0';
            break;
        case 3:
            session.name[0] = '\0';
            break; /* a role's session has one */
        case 4:
            session.kind = KW_PRINCIPAL_USER;
            break; /* a user's has none */
        case 5:
            session.kind = KW_PRINCIPAL_KIND_NUM;
            break;
        case 6:
            session.expires_ms = session.issued_ms;
            break;
        case 7:
            memset(session.policy, 'p', sizeof(session.policy));
            break; /* no NUL anywhere */
        default:
            memset(session.name, 'n', sizeof(session.name));
            break;
        }
        ck_assert_msg(kw_session_seal(sealer, &session, token, secret) == KW_ENTITY_INVALID, "%u", i);
    }
}
END_TEST

/* ---- the cache ---- */

static const struct kw_session_opened *find(
    struct kw_session_cache *cache, const char *access_key_id, const char *text)
{
    const struct kw_session_opened *opened = NULL;
    ck_assert_int_eq(
        kw_session_cache_find(cache, kw_bytes_str(access_key_id), kw_bytes_str(text), &opened), 0);
    ck_assert_str_eq(opened->session.access_key_id, access_key_id);
    return opened;
}

START_TEST(a_session_is_opened_once)
{
    struct kw_session_cache *cache = NULL;
    const struct kw_session_opened *opened;
    ck_assert_int_eq(kw_session_cache_new(&cache, sealer), 0);
    opened = find(cache, session.access_key_id, token);
    ck_assert_str_eq(opened->session.name, "build");
    ck_assert_str_eq(opened->secret, secret);
    ck_assert_uint_eq(kw_policy_num_statements(opened->policy), 1);
    ck_assert_ptr_eq(find(cache, session.access_key_id, token), opened);

    /* Who knows the id of a session that is cached and not its token gets nothing. */
    const struct kw_session_opened *none = NULL;
    token[40] = token[40] == 'A' ? 'B' : 'A';
    ck_assert_int_eq(
        kw_session_cache_find(cache, kw_bytes_str(session.access_key_id), kw_bytes_str(token), &none),
        KW_SESSION_INVALID);
    ck_assert_int_eq(kw_session_cache_find(cache, kw_bytes_str(session.access_key_id), KW_LIT(""), &none),
        KW_SESSION_INVALID);
    ck_assert_int_eq(kw_session_cache_find(cache, KW_LIT(""), KW_LIT(""), &none), KW_SESSION_INVALID);
    ck_assert_ptr_null(none);
    kw_session_cache_free(cache);
    kw_session_cache_free(NULL);
}
END_TEST

/* More sessions than it holds: each is found all the same, and what is used all the time stays. */
START_TEST(the_cache_has_a_bound)
{
    enum { NUM = 3 * KW_SESSIONS_CACHED };
    static char ids[NUM][KW_ACCESS_KEY_ID_MAX + 1], tokens[NUM][1024];
    struct kw_session_cache *cache = NULL;
    const struct kw_session_opened *opened[NUM];
    char name[32];
    ck_assert_int_eq(kw_session_cache_new(&cache, sealer), 0);
    for (int i = 0; i < NUM; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        session = session_of(name);
        ck_assert_int_eq(kw_session_seal(sealer, &session, token, secret), 0);
        memcpy(ids[i], session.access_key_id, sizeof(ids[i]));
        ck_assert_uint_lt(strlen(token), sizeof(tokens[i]));
        strcpy(tokens[i], token);
    }
    const struct kw_session_opened *first = find(cache, ids[0], tokens[0]);
    for (int i = 1; i < NUM; i++) {
        opened[i] = find(cache, ids[i], tokens[i]);
        snprintf(name, sizeof(name), "s%d", i);
        ck_assert_str_eq(opened[i]->session.name, name);
        ck_assert_ptr_eq(find(cache, ids[0], tokens[0]), first);
    }
    kw_session_cache_free(cache);
}
END_TEST

START_TEST(a_policy_of_another_keywell_is_refused)
{
    struct kw_session_cache *cache = NULL;
    const struct kw_session_opened *opened = NULL;
    ck_assert_int_eq(kw_session_cache_new(&cache, sealer), 0);
    strcpy(session.policy, "{\"Statement\":[{\"Effect\":\"Perhaps\"}]}");
    ck_assert_int_eq(kw_session_seal(sealer, &session, token, secret), 0);
    ck_assert_int_eq(
        kw_session_cache_find(cache, kw_bytes_str(session.access_key_id), kw_bytes_str(token), &opened),
        KW_SESSION_INVALID);
    kw_session_cache_free(cache);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, sessions_come_back);
    tcase_add_test(tests, each_is_another);
    tcase_add_test(tests, nothing_of_it_can_be_read);
    tcase_add_test(tests, foreign_and_altered_tokens_do_not_open);
    tcase_add_test(tests, what_cannot_be_is_not_sealed);
    tcase_add_test(tests, a_session_is_opened_once);
    tcase_add_test(tests, the_cache_has_a_bound);
    tcase_add_test(tests, a_policy_of_another_keywell_is_refused);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("session", add, 60);
}
