#include "api/operatorsock.h"

#include "tests/support/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static int dir_fd;

static void setup(void)
{
    snprintf(folder, sizeof(folder), "operatorsock-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dir_fd, 0);
}

static void teardown(void)
{
    (void)unlinkat(dir_fd, KW_OPERATORSOCK_NAME, 0);
    (void)unlinkat(dir_fd, KW_OPERATORSOCK_NAME, AT_REMOVEDIR);
    close(dir_fd);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void expect_served(int listener)
{
    int client = -1, served;
    char byte = 'x';

    ck_assert_int_eq(kw_operatorsock_connect(folder, &client), 0);
    served = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(served, 0);
    ck_assert_int_eq(send(client, &byte, 1, 0), 1);
    ck_assert_int_eq(recv(served, &byte, 1, 0), 1);
    close(served);
    close(client);
}

START_TEST(test_served_and_private)
{
    struct stat st;
    int listener = -1;

    ck_assert_int_eq(kw_operatorsock_listen(dir_fd, &listener), 0);
    ck_assert_int_eq(fstatat(dir_fd, KW_OPERATORSOCK_NAME, &st, 0), 0);
    ck_assert(S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0600);
    ck_assert_int_ne(fcntl(listener, F_GETFD) & FD_CLOEXEC, 0);
    expect_served(listener);
    close(listener);
}
END_TEST

/* What a server that was killed has left is replaced; and removed, nobody finds it. */
START_TEST(test_stale)
{
    int listener = -1, client = -7;

    ck_assert_int_eq(kw_operatorsock_listen(dir_fd, &listener), 0);
    close(listener);
    ck_assert_int_eq(kw_operatorsock_connect(folder, &client), -ECONNREFUSED);
    ck_assert_int_eq(kw_operatorsock_listen(dir_fd, &listener), 0);
    expect_served(listener);
    close(listener);
    kw_operatorsock_remove(dir_fd);
    kw_operatorsock_remove(dir_fd);
    ck_assert_int_eq(kw_operatorsock_connect(folder, &client), -ENOENT);
    ck_assert_int_eq(kw_operatorsock_connect("/nonexistent", &client), -ENOENT);
    ck_assert_int_eq(client, -7);
}
END_TEST

/* Nothing but a socket is removed, and no link is followed. */
START_TEST(test_something_else)
{
    int listener = -7;
    struct stat st;

    ck_assert_int_eq(mkdirat(dir_fd, KW_OPERATORSOCK_NAME, 0700), 0);
    ck_assert_int_eq(kw_operatorsock_listen(dir_fd, &listener), -EEXIST);
    ck_assert_int_eq(unlinkat(dir_fd, KW_OPERATORSOCK_NAME, AT_REMOVEDIR), 0);
    ck_assert_int_eq(symlinkat("elsewhere", dir_fd, KW_OPERATORSOCK_NAME), 0);
    ck_assert_int_eq(kw_operatorsock_listen(dir_fd, &listener), -EEXIST);
    ck_assert_int_eq(listener, -7);
    ck_assert_int_eq(fstatat(dir_fd, KW_OPERATORSOCK_NAME, &st, AT_SYMLINK_NOFOLLOW), 0);
    ck_assert(S_ISLNK(st.st_mode));
}
END_TEST

/* The folder's path may be longer than the address of a socket, and the folder may be moved. */
START_TEST(test_long_path)
{
    char path[512], deep[256];
    int listener = -1, client = -1;

    memset(deep, 'd', 200);
    deep[200] = '\0';
    snprintf(path, sizeof(path), "%s/%s", folder, deep);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(kw_operatorsock_listen(fd, &listener), 0);
    ck_assert_int_eq(kw_operatorsock_connect(path, &client), 0);
    close(client);
    close(listener);
    kw_operatorsock_remove(fd);
    close(fd);
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_served_and_private);
    tcase_add_test(tests, test_stale);
    tcase_add_test(tests, test_something_else);
    tcase_add_test(tests, test_long_path);
}

int main(void)
{
    return kw_suite_run("operatorsock", add, 30);
}
