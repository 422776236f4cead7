#include "api/datadir.h"

#include "api/datafile.h"
#include "api/principal.h"
#include "engine/crypto.h"
#include "engine/drbg.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char parent[64], folder[128], why[512];
static struct kw_datadir datadir;
static uint8_t root_key[KW_ROOT_KEY_LEN];

static void remove_all(const char *path)
{
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
    ck_assert_int_eq(rmdir(path), 0);
}

static void setup(void)
{
    snprintf(parent, sizeof(parent), "datadir-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(parent));
    snprintf(folder, sizeof(folder), "%s/data", parent);
    datadir.fd = datadir.lock_fd = -1;
    memset(why, 0, sizeof(why));
}

static void teardown(void)
{
    kw_datadir_close(&datadir);
    if (access(folder, F_OK) == 0)
        remove_all(folder);
    remove_all(parent);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    unlink(in_folder(name));
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

static size_t read_file(const char *name, char *text, size_t cap)
{
    int fd = open(in_folder(name), O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ssize_t len = read(fd, text, cap - 1);
    ck_assert_int_ge(len, 0);
    text[len] = '\0';
    close(fd);
    return (size_t)len;
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static int open_dir(void)
{
    return kw_datadir_open(&datadir, folder, why, sizeof(why));
}

static void reopen(void)
{
    kw_datadir_close(&datadir);
    int r = open_dir();
    ck_assert_msg(r == 0, "%d %s", r, why);
}

static int get_root_key(void)
{
    return kw_datadir_root_key(&datadir, root_key, why, sizeof(why));
}

static void expect_why(const char *part)
{
    ck_assert_msg(strstr(why, part) != NULL, "\"%s\" does not say \"%s\"", why, part);
}

START_TEST(first_start_makes_folder_and_key)
{
    mode_t old = umask(0);
    ck_assert_int_eq(open_dir(), 0);
    ck_assert(datadir.fresh);
    ck_assert_str_eq(datadir.path, folder);
    ck_assert_uint_eq(mode_of(folder), 0700);
    ck_assert_uint_eq(mode_of(in_folder("lock")), 0600);
    ck_assert_int_ne(fcntl(datadir.fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(datadir.lock_fd, F_GETFD) & FD_CLOEXEC, 0);

    ck_assert_int_eq(get_root_key(), 0);
    umask(old);
    ck_assert_uint_eq(mode_of(in_folder("root.key")), 0400);
    char text[128], digits[65] = "";
    ck_assert_uint_eq(read_file("root.key", text, sizeof(text)), 65);
    kw_hex_encode(root_key, sizeof(root_key), digits);
    ck_assert_int_eq(memcmp(text, digits, 64), 0);
    ck_assert_int_eq(text[64], '\n');
    ck_assert_int_ne(access(in_folder("root.key.tmp"), F_OK), 0);

    uint8_t first[KW_ROOT_KEY_LEN];
    memcpy(first, root_key, sizeof(first));
    ck_assert_int_eq(get_root_key(), 0); /* once made it is read */
    ck_assert_int_eq(memcmp(first, root_key, sizeof(first)), 0);
    reopen();
    ck_assert(!datadir.fresh);
    ck_assert_int_eq(get_root_key(), 0);
    ck_assert_int_eq(memcmp(first, root_key, sizeof(first)), 0);
}
END_TEST

/* A forked child has no random source: it makes no root key and no administrator, and leaves no file. */
START_TEST(forked_child_makes_no_secret)
{
    KW_DRBG struct kw_drbg *drbg = NULL;
    struct kw_principal *admin = NULL;
    int status = -1;

    ck_assert_int_eq(kw_drbg_new(&drbg, NULL), 0);
    ck_assert_int_eq(open_dir(), 0);
    pid_t child = fork();
    if (child == 0) {
        bool refused = get_root_key() == KW_DATADIR_BAD &&
                       kw_principal_make_admin(drbg, KW_LIT("123456789012"), 1, &admin) < 0;
        _exit(refused && admin == NULL && strstr(why, "random") != NULL ? 42 : 1);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    ck_assert_int_ne(access(in_folder("root.key"), F_OK), 0);
}
END_TEST

START_TEST(second_opener_is_told)
{
    struct kw_datadir second = {.fd = -7};
    ck_assert_int_eq(open_dir(), 0);
    ck_assert_int_eq(kw_datadir_open(&second, folder, why, sizeof(why)), KW_DATADIR_IN_USE);
    ck_assert_int_eq(second.fd, -7);
    char sentence[256];
    snprintf(sentence, sizeof(sentence), "the data folder %s is in use by another keywelld", folder);
    ck_assert_str_eq(why, sentence);

    kw_datadir_close(&datadir);
    kw_datadir_close(&datadir);
    ck_assert_int_eq(open_dir(), 0); /* given back */
}
END_TEST

START_TEST(paths_that_are_no_folder_are_refused)
{
    static char long_path[5000];
    char path[256];
    memset(long_path, 'x', sizeof(long_path) - 1);
    ck_assert_int_eq(kw_datadir_open(&datadir, "", why, sizeof(why)), KW_DATADIR_BAD);
    expect_why("empty");
    ck_assert_int_eq(kw_datadir_open(&datadir, long_path, why, sizeof(why)), KW_DATADIR_BAD);
    expect_why("too long");
    snprintf(path, sizeof(path), "%s/no/such", parent);
    ck_assert_int_eq(kw_datadir_open(&datadir, path, why, sizeof(why)), KW_DATADIR_BAD);
    expect_why("cannot be made: No such file or directory");
    ck_assert_int_eq(kw_datadir_open(&datadir, "/dev/null", why, sizeof(why)), KW_DATADIR_BAD);
    expect_why("Not a directory");
    ck_assert_int_eq(kw_datadir_open(&datadir, "/proc/keywell", why, sizeof(why)), KW_DATADIR_BAD);

    snprintf(path, sizeof(path), "%s///", folder);
    ck_assert_int_eq(kw_datadir_open(&datadir, path, why, sizeof(why)), 0);
    ck_assert_str_eq(datadir.path, folder);
}
END_TEST

START_TEST(folder_open_to_others_is_refused)
{
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(chmod(folder, 0770), 0);
    ck_assert_int_eq(open_dir(), KW_DATADIR_BAD);
    expect_why("writable by others (mode 0770): chmod 0700 it");
    ck_assert_int_eq(chmod(folder, 0755), 0); /* seen, not written: the files guard themselves */
    ck_assert_int_eq(open_dir(), 0);
}
END_TEST

START_TEST(folder_of_another_user_is_refused)
{
    if (geteuid() != 0) {
        ck_assert_int_eq(kw_datadir_open(&datadir, "/", why, sizeof(why)), KW_DATADIR_BAD);
        return;
    }
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(chown(folder, 12345, 12345), 0);
    ck_assert_int_eq(open_dir(), KW_DATADIR_BAD);
    expect_why("belongs to another user (uid 12345)");
    ck_assert_int_eq(chown(folder, 0, 0), 0);
    ck_assert_int_eq(open_dir(), 0);
    write_file("root.key", "0000000000000000000000000000000000000000000000000000000000000000\n", 0400);
    ck_assert_int_eq(chown(in_folder("root.key"), 12345, 0), 0);
    ck_assert_int_eq(get_root_key(), KW_DATADIR_BAD);
    expect_why("root.key");
    expect_why("another user");
}
END_TEST

START_TEST(lock_that_is_no_file_is_refused)
{
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(symlink("elsewhere", in_folder("lock")), 0);
    ck_assert_int_eq(open_dir(), KW_DATADIR_BAD);
    ck_assert_int_ne(access(in_folder("elsewhere"), F_OK), 0);
    unlink(in_folder("lock"));
    ck_assert_int_eq(mkfifo(in_folder("lock"), 0600), 0);
    ck_assert_int_eq(open_dir(), KW_DATADIR_BAD);
    expect_why("not a plain file");
}
END_TEST

START_TEST(root_key_open_to_others_is_refused)
{
    static const char digits[] = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n";
    ck_assert_int_eq(open_dir(), 0);
    write_file("root.key", digits, 0644);
    memset(root_key, 7, sizeof(root_key));
    ck_assert_int_eq(get_root_key(), KW_DATADIR_BAD);
    char sentence[256];
    snprintf(sentence, sizeof(sentence), "root.key in %s is readable by others (mode 0644): chmod 0400 it",
        folder);
    ck_assert_str_eq(why, sentence);
    ck_assert_int_eq(root_key[0], 7);
    write_file("root.key", digits, 0420);
    ck_assert_int_eq(get_root_key(), KW_DATADIR_BAD);

    write_file("root.key", digits, 0600);
    ck_assert_int_eq(get_root_key(), 0);
    ck_assert_int_eq(root_key[1], 0x11);
    ck_assert_int_eq(root_key[31], 0xff);
}
END_TEST

START_TEST(malformed_root_keys_are_refused)
{
    static const char *const malformed[] = {
        "",
        "\n",
        "00112233",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\r\n",
        " 0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
        "0x112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
        "g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
    };
    ck_assert_int_eq(open_dir(), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(malformed); i++) {
        write_file("root.key", malformed[i], 0400);
        ck_assert_int_eq(get_root_key(), KW_DATADIR_BAD);
        expect_why("root.key");
        ck_assert_ptr_null(strstr(why, "112233")); /* no content in sentences */
    }
    write_file("root.key", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 0400);
    ck_assert_int_eq(get_root_key(), 0); /* without the newline it is still 64 digits */
}
END_TEST

START_TEST(root_key_that_is_no_file_is_refused)
{
    ck_assert_int_eq(open_dir(), 0);
    ck_assert_int_eq(symlink("/dev/zero", in_folder("root.key")), 0);
    ck_assert_int_eq(get_root_key(), KW_DATADIR_BAD);
    expect_why("symbolic link");
    unlink(in_folder("root.key"));
    ck_assert_int_eq(mkfifo(in_folder("root.key"), 0400), 0);
    ck_assert_int_eq(get_root_key(), KW_DATADIR_BAD);
    expect_why("not a plain file");
    unlink(in_folder("root.key"));
    ck_assert_int_eq(mkdir(in_folder("root.key"), 0700), 0);
    ck_assert_int_eq(get_root_key(), KW_DATADIR_BAD);
}
END_TEST

START_TEST(missing_root_key_beside_a_keystore_is_refused)
{
    ck_assert_int_eq(open_dir(), 0);
    write_file("keystore.db", "something", 0600);
    reopen();
    ck_assert(!datadir.fresh);
    ck_assert_int_eq(get_root_key(), KW_DATADIR_BAD);
    expect_why("root.key is missing");
    ck_assert_int_ne(access(in_folder("root.key"), F_OK), 0);

    /* A dangling link counts as something that is there. */
    unlink(in_folder("keystore.db"));
    ck_assert_int_eq(symlink("nowhere", in_folder("root.key")), 0);
    reopen();
    ck_assert(!datadir.fresh);
    ck_assert_int_eq(get_root_key(), KW_DATADIR_BAD);
}
END_TEST

START_TEST(crash_in_a_first_start_is_gone_over)
{
    ck_assert_int_eq(open_dir(), 0);
    write_file("root.key.tmp", "0011", 0400); /* a crash before the rename */
    reopen();
    ck_assert(datadir.fresh);
    ck_assert_int_eq(get_root_key(), 0);
    ck_assert_int_ne(access(in_folder("root.key.tmp"), F_OK), 0);

    /* A link in the place of the temporary file is not followed. */
    ck_assert_int_eq(symlink("root.key", in_folder("credentials.tmp")), 0);
    struct kw_access_key key = {.account = "000000000000", .id = "AKIA", .secret = "s"};
    ck_assert_int_eq(kw_datadir_write_credentials(&datadir, &key, why, sizeof(why)), 0);
    char text[128];
    ck_assert_uint_eq(read_file("root.key", text, sizeof(text)), 65);
}
END_TEST

START_TEST(nothing_is_left_when_the_disk_is_full)
{
    struct rlimit old, tight;
    ck_assert_int_eq(open_dir(), 0);
    /* A limit on file size stands for a full disk: a short write, then an error. */
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = 20;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
    memset(root_key, 7, sizeof(root_key));
    int r = get_root_key();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(r, KW_DATADIR_BAD);
    expect_why("root.key cannot be written");
    ck_assert_int_eq(root_key[0], 7);
    ck_assert_int_ne(access(in_folder("root.key"), F_OK), 0);
    ck_assert_int_ne(access(in_folder("root.key.tmp"), F_OK), 0);
    ck_assert_int_eq(get_root_key(), 0);
}
END_TEST

START_TEST(files_are_not_replaced_unless_told)
{
    ck_assert_int_eq(open_dir(), 0);
    struct kw_datafile_dir dir = {.fd = datadir.fd, .path = folder, .why = why, .why_cap = sizeof(why)};
    char text[64];
    struct kw_buf buf = KW_BUF(text, 3);
    ck_assert_int_eq(kw_datafile_read(&dir, "file", &buf), KW_DATAFILE_ABSENT);
    ck_assert_int_eq(kw_datafile_exists(&dir, "file"), KW_DATAFILE_ABSENT);
    ck_assert_int_eq(kw_datafile_write(&dir, "file", 0400, false, KW_LIT("one")), 0);
    ck_assert_int_eq(kw_datafile_exists(&dir, "file"), 0);
    ck_assert_int_eq(kw_datafile_write(&dir, "file", 0400, false, KW_LIT("two")), KW_DATAFILE_BAD);
    expect_why("File exists");
    ck_assert_int_eq(kw_datafile_read(&dir, "file", &buf), 0);
    ck_assert_int_eq(memcmp(text, "one", 3), 0);
    ck_assert_int_eq(kw_datafile_write(&dir, "file", 0400, true, KW_LIT("four")), 0);
    buf.len = 0;
    ck_assert_int_eq(kw_datafile_read(&dir, "file", &buf), KW_DATAFILE_BAD);
    expect_why("too long");
    ck_assert_uint_eq(buf.len, 0);
}
END_TEST

START_TEST(credentials_are_in_the_shared_format)
{
    struct kw_access_key key = {.account = "000000000000", .id = "AKIAEXAMPLE", .secret = "wJalrXUtnFEMI"};
    char text[1024];
    ck_assert_int_eq(open_dir(), 0);
    for (int round = 0; round < 2; round++) { /* the second replaces the first */
        ck_assert_int_eq(kw_datadir_write_credentials(&datadir, &key, why, sizeof(why)), 0);
        ck_assert_uint_eq(mode_of(in_folder("credentials")), 0600);
        read_file("credentials", text, sizeof(text));
        ck_assert_int_eq(text[0], '#');
        char *rest = strchr(text, '\n');
        ck_assert_ptr_nonnull(rest);
        char expected[256];
        snprintf(expected, sizeof(expected),
            "\n[default]\naws_access_key_id = %s\naws_secret_access_key = wJalrXUtnFEMI\n", key.id);
        ck_assert_str_eq(rest, expected);
        *rest = '\0';
        ck_assert_ptr_nonnull(strstr(text, "000000000000"));
        snprintf(key.id, sizeof(key.id), "AKIASECOND");
    }

    ck_assert_int_eq(unlink(in_folder("credentials")), 0);
    ck_assert_int_eq(mkdir(in_folder("credentials"), 0700), 0);
    ck_assert_int_eq(kw_datadir_write_credentials(&datadir, &key, why, sizeof(why)), KW_DATADIR_BAD);
    expect_why("credentials cannot be written");
    ck_assert_ptr_null(strstr(why, "wJalr"));
}
END_TEST

int main(void)
{
    if (kw_crypto_init() != 0)
        return 99;

    TCase *tcase = tcase_create("datadir");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, first_start_makes_folder_and_key);
    tcase_add_test(tcase, forked_child_makes_no_secret);
    tcase_add_test(tcase, second_opener_is_told);
    tcase_add_test(tcase, paths_that_are_no_folder_are_refused);
    tcase_add_test(tcase, folder_open_to_others_is_refused);
    tcase_add_test(tcase, folder_of_another_user_is_refused);
    tcase_add_test(tcase, lock_that_is_no_file_is_refused);
    tcase_add_test(tcase, root_key_open_to_others_is_refused);
    tcase_add_test(tcase, malformed_root_keys_are_refused);
    tcase_add_test(tcase, root_key_that_is_no_file_is_refused);
    tcase_add_test(tcase, missing_root_key_beside_a_keystore_is_refused);
    tcase_add_test(tcase, crash_in_a_first_start_is_gone_over);
    tcase_add_test(tcase, nothing_is_left_when_the_disk_is_full);
    tcase_add_test(tcase, files_are_not_replaced_unless_told);
    tcase_add_test(tcase, credentials_are_in_the_shared_format);

    Suite *suite = suite_create("datadir");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
