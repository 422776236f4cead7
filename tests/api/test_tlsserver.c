#include "api/tlsserver.h"

#include "api/tlsself.h"
#include "api/tlstransport.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], certificate_path[96], key_path[96], why[512];
static struct kw_datadir datadir;
static struct kw_address address;

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/keywell-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(certificate_path, sizeof(certificate_path), "%s/chain.pem", folder);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", folder);
    ck_assert_msg(kw_datadir_open(&datadir, folder, why, sizeof(why)) == 0, "%s", why);
    ck_assert_int_eq(kw_address_parse("127.0.0.1:0", &address), 0);
}

static void tear_down(void)
{
    static const char *const names[] = {"chain.pem", "key.pem", "tls.crt", "tls.key", "lock"};

    kw_datadir_close(&datadir);
    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

static void put_file(const char *path, struct kw_bytes content, mode_t mode)
{
    int fd;

    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content.ptr, content.len), (ssize_t)content.len);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

/* A certificate made at that time, and its key. */
static void put_pair(int64_t made_s, mode_t key_mode)
{
    struct kw_sbuf certificate = KW_SBUF_INIT(65536), key = KW_SBUF_INIT(65536);

    ck_assert_int_eq(kw_tls_self_make(&address, made_s, &certificate, &key), 0);
    put_file(certificate_path, kw_sbuf_bytes(&certificate), 0644);
    put_file(key_path, kw_sbuf_bytes(&key), key_mode);
    kw_sbuf_done(&certificate);
    kw_sbuf_done(&key);
}

static int64_t now_s(void)
{
    return kw_wall_ms() / 1000;
}

static int open_server(struct kw_tls_server **ret, bool self)
{
    struct kw_tls_server_config config = {
        .certificate_file = self ? NULL : certificate_path,
        .key_file = self ? NULL : key_path,
        .datadir = &datadir,
        .listen = &address,
    };

    return kw_tls_server_new(ret, &config, why, sizeof(why));
}

static const char *fingerprint(struct kw_tls_server *server, unsigned thread)
{
    return kw_tls_context_certificate(kw_tls_server_context(server, thread))->fingerprint;
}

/* Threads see the new certificate with their next connection; who holds the old one keeps it. */
START_TEST(test_reload)
{
    struct kw_tls_server *server = NULL;
    struct kw_tls_context *held;
    char first[96];

    put_pair(now_s(), 0400);
    ck_assert_msg(open_server(&server, false) == 0, "%s", why);
    snprintf(first, sizeof(first), "%s", fingerprint(server, 0));
    ck_assert_str_eq(fingerprint(server, KW_LOOPS_MAX - 1), first);
    held = kw_tls_context_ref(kw_tls_server_context(server, 0));
    put_pair(now_s(), 0400);
    ck_assert_msg(kw_tls_server_reload(server, why, sizeof(why)) == 0, "%s", why);
    ck_assert_str_ne(fingerprint(server, 0), first);
    ck_assert_str_eq(fingerprint(server, 1), fingerprint(server, 0));
    ck_assert_str_eq(kw_tls_context_certificate(held)->fingerprint, first);
    ck_assert_uint_eq(kw_tls_server_stats(server)->reloads, 1);
    kw_tls_context_unref(held);
    kw_tls_server_free(server);
    kw_tls_server_free(NULL);
}
END_TEST

static void assert_reload_refused(struct kw_tls_server *server, const char *sentence)
{
    char before[96];

    snprintf(before, sizeof(before), "%s", fingerprint(server, 0));
    ck_assert_int_eq(kw_tls_server_reload(server, why, sizeof(why)), 1);
    ck_assert_msg(strstr(why, sentence) != NULL, "'%s' does not say '%s'", why, sentence);
    ck_assert_str_eq(fingerprint(server, 0), before);
}

START_TEST(test_reload_refused)
{
    struct kw_tls_server *server = NULL;
    struct kw_sbuf certificate = KW_SBUF_INIT(65536), key = KW_SBUF_INIT(65536);

    put_pair(now_s(), 0640);
    ck_assert_msg(open_server(&server, false) == 0, "%s", why);
    put_pair(now_s(), 0644);
    assert_reload_refused(server, "open to others (mode 0644)");
    put_pair(now_s() - 400 * 86400, 0400);
    assert_reload_refused(server, "has expired");
    put_pair(now_s() + 2 * 86400, 0400);
    assert_reload_refused(server, "is not valid yet");
    ck_assert_int_eq(kw_tls_self_make(&address, now_s(), &certificate, &key), 0);
    put_file(key_path, kw_sbuf_bytes(&key), 0400);
    assert_reload_refused(server, "is not that of the first certificate");
    ck_assert_int_eq(unlink(key_path), 0);
    assert_reload_refused(server, "cannot be read");
    ck_assert_uint_eq(kw_tls_server_stats(server)->reload_failures, 5);
    ck_assert_uint_eq(kw_tls_server_stats(server)->reloads, 0);
    kw_sbuf_done(&certificate);
    kw_sbuf_done(&key);
    kw_tls_server_free(server);
}
END_TEST

/* At a start it is served, for those who can bear it; a key that others may read is not. */
START_TEST(test_start)
{
    struct kw_tls_server *server = NULL;

    put_pair(now_s() - 400 * 86400, 0400);
    ck_assert_msg(open_server(&server, false) == 0, "%s", why);
    ck_assert_int_lt(kw_tls_server_stats(server)->not_after_s, now_s());
    kw_tls_server_announce(server);
    kw_tls_server_free(server);
    server = NULL;
    put_pair(now_s(), 0404);
    ck_assert_int_eq(open_server(&server, false), 1);
    ck_assert_ptr_null(server);
    ck_assert_ptr_nonnull(strstr(why, "chmod 0400"));
    put_file(key_path, KW_LIT(""), 0400);
    ck_assert_int_eq(open_server(&server, false), 1);
    ck_assert_ptr_nonnull(strstr(why, "holds no private key"));
}
END_TEST

START_TEST(test_self_signed)
{
    struct kw_tls_server *server = NULL;
    char first[96], path[128];

    ck_assert_msg(open_server(&server, true) == 0, "%s", why);
    snprintf(first, sizeof(first), "%s", fingerprint(server, 0));
    ck_assert_int_eq(kw_tls_server_reload(server, why, sizeof(why)), 0);
    ck_assert_str_eq(fingerprint(server, 0), first);
    kw_tls_server_free(server);
    ck_assert_int_eq(open_server(&server, true), 0);
    ck_assert_str_eq(fingerprint(server, 0), first);
    kw_tls_server_free(server);
    /* For an address that it does not have, and without its key, a new one is made. */
    ck_assert_int_eq(kw_address_parse("192.0.2.1:0", &address), 0);
    ck_assert_int_eq(open_server(&server, true), 0);
    ck_assert_str_ne(fingerprint(server, 0), first);
    snprintf(first, sizeof(first), "%s", fingerprint(server, 0));
    kw_tls_server_free(server);
    snprintf(path, sizeof(path), "%s/tls.key", folder);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(open_server(&server, true), 0);
    ck_assert_str_ne(fingerprint(server, 0), first);
    kw_tls_server_free(server);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_reload);
    tcase_add_test(tcase, test_reload_refused);
    tcase_add_test(tcase, test_start);
    tcase_add_test(tcase, test_self_signed);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("tlsserver", add, 20);
}
