/* Stores of schema version 2 become current ones when they are opened: each principal with its one access key
 * becomes a user, and an administrator one whose policy allows everything. */
#include "api/record.h"
#include "api/tlv.h"
#include "tests/support/keystore_rig.h"

/* ---- a store as that version left it ---- */

/* Under a kind that is not its own the record could not be read then either. */
static void seal_as(const char *id, struct kw_bytes plain, const char *purpose)
{
    uint8_t name_bytes[256], sealed_bytes[1024];
    struct kw_buf name = KW_BUF(name_bytes, sizeof(name_bytes)),
                  sealed = KW_BUF(sealed_bytes, sizeof(sealed_bytes));
    struct kw_sealer *sealer = NULL;
    sqlite3_stmt *stmt = NULL;
    sqlite3 *db = NULL;
    kw_seal_put_field(&name, kw_bytes_str(id));
    const struct kw_seal_place place = {"records", kw_buf_bytes(&name), purpose};
    ck_assert_int_eq(kw_sealer_new(&sealer, root_key), 0);
    ck_assert_int_eq(kw_seal(sealer, &place, plain, &sealed), 0);
    kw_sealer_free(sealer);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(
                         db, "INSERT INTO records (kind, name, sealed) VALUES (4, ?1, ?2)", -1, &stmt, NULL),
        SQLITE_OK);
    sqlite3_bind_blob(stmt, 1, name.ptr, (int)name.len, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, 2, sealed.ptr, (int)sealed.len, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void encode(
    struct kw_sbuf *out, const char *id, const char *user_name, bool administrator, bool enabled)
{
    kw_sbuf_put(out, "\x01", 1);
    kw_tlv_put_text(out, 1, id);
    kw_tlv_put_text(out, 2, SECRET);
    kw_tlv_put_text(out, 3, ACCOUNT_TEXT);
    kw_tlv_put_text(out, 4, user_name);
    kw_tlv_put_text(out, 5, "AIDAEXAMPLE");
    kw_tlv_put_flag(out, 6, administrator);
    kw_tlv_put_flag(out, 7, enabled);
}

static void put_old(const char *id, const char *user_name, bool administrator, bool enabled)
{
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(4096);
    encode(&plain, id, user_name, administrator, enabled);
    seal_as(id, kw_sbuf_bytes(&plain), "principal");
}

/* Tables, check value and other records are as they were. */
static void setup_v2(void)
{
    setup();
    ck_assert_int_eq(create_key(1), 0);
    ck_assert_int_eq(put_alias("alias/a", 1), 0);
    close_all();
    edit(path, "PRAGMA user_version = 2");
}

static void check(const char *id, const char *user_name, bool administrator, bool enabled)
{
    struct kw_principal user = principal_of(user_name, administrator);
    struct kw_access_key key = access_key_of(id, user_name);
    user.created_ms = key.created_ms = 0; /* nobody wrote it down */
    key.enabled = enabled;
    assert_same_principal(find_user(user_name), &user);
    assert_same_access_key(find_access_key(id), &key);
}

START_TEST(principals_become_users_with_access_keys)
{
    put_old("AKIAONE", "admin", true, true);
    put_old("AKIATWO", "guest", false, true);
    put_old("AKIATHREE", "former", false, false);
    for (int round = 0; round < 2; round++) {
        open_and_load(path);
        ck_assert_uint_eq(kw_map_len(&now->principals), 3);
        ck_assert_uint_eq(kw_map_len(&now->access_keys), 3);
        check("AKIAONE", "admin", true, true);
        check("AKIATWO", "guest", false, true);
        check("AKIATHREE", "former", false, false);
        ck_assert_uint_eq(kw_map_len(&now->keys), 1);
        ck_assert_uint_eq(kw_map_len(&now->aliases), 1);
        close_all();
        ck_assert_int_eq(count_rows(path, "PRAGMA user_version"), 4);
        ck_assert_int_eq(count_rows(path, "SELECT count(*) FROM records WHERE kind = 4"), 0);
    }
    open_and_load(path);
}
END_TEST

/* Whoever was an administrator by one access key and not by another is none now. */
START_TEST(nobody_is_promoted)
{
    put_old("AKIAA", "both", false, true);
    put_old("AKIAB", "both", true, true);
    open_and_load(path);
    check("AKIAA", "both", false, true);
    check("AKIAB", "both", false, true);
    ck_assert_uint_eq(kw_map_len(&now->principals), 1);
}
END_TEST

START_TEST(one_without_principals_too)
{
    open_and_load(path);
    ck_assert_uint_eq(kw_map_len(&now->principals), 0);
    ck_assert_int_eq(put_user("alice", true), 0);
}
END_TEST

static int open_result(void)
{
    int r = try_open(path, root_key);
    if (r == 0)
        close_all();
    return r;
}

/* Nothing is changed by a conversion that fails. */
START_TEST(damage_is_refused)
{
    KW_SBUF struct kw_sbuf plain = KW_SBUF_INIT(4096);
    for (unsigned i = 0; i < 6; i++) {
        edit(path, "DELETE FROM records WHERE kind = 4");
        kw_sbuf_reset(&plain, 4096);
        encode(&plain, i == 2 ? "AKIATEN" : "AKIAONE", i == 3 ? "no/name" : "admin", true, true);
        if (i == 0)
            plain.len--;
        if (i == 1)
            kw_sbuf_put(&plain, "", 1);
        if (i == 4)
            plain.ptr[0] = 2;
        seal_as("AKIAONE", kw_sbuf_bytes(&plain), i == 5 ? "key" : "principal");
        ck_assert_msg(open_result() == KW_STORE_CORRUPT, "%u", i);
        ck_assert_ptr_nonnull(strstr(why, "damaged"));
        ck_assert_int_eq(count_rows(path, "PRAGMA user_version"), 2);
        ck_assert_int_eq(count_rows(path, "SELECT count(*) FROM records WHERE kind > 6"), 0);
    }
    edit(path, "DELETE FROM records WHERE kind = 4");
    open_and_load(path);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup_v2, teardown);
    tcase_add_test(tests, principals_become_users_with_access_keys);
    tcase_add_test(tests, nobody_is_promoted);
    tcase_add_test(tests, one_without_principals_too);
    tcase_add_test(tests, damage_is_refused);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("keystore_v2", add, 60);
}
