#include "api/auditring.h"

#include "engine/crypto.h"
#include "tests/support/auditdir.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

static struct auditdir dir;
static struct kw_auditring ring;
static int wake_fd;

static void setup(void)
{
    auditdir_init(&dir);
    wake_fd = eventfd(0, EFD_CLOEXEC);
    ck_assert_int_eq(kw_auditring_init(&ring, wake_fd), 0);
}

static void teardown(void)
{
    kw_auditring_done(&ring);
    close(wake_fd);
    auditdir_done(&dir);
}

/* Begins a commit through the page cache, and waits for it. */
static int commit(int fd, struct kw_bytes data, uint64_t offset)
{
    kw_auditring_begin(&ring, fd, false, data, offset);
    return kw_auditring_end(&ring);
}

static int make_file(int flags)
{
    struct auditdir_file file;
    int fd;

    auditdir_file_path(&dir, "file", &file);
    fd = open(file.path, flags | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(commit_writes_where_told)
{
    int fd = make_file(O_RDWR);
    char text[16] = "";

    ck_assert_int_eq(commit(fd, KW_LIT("world"), 5), 0);
    ck_assert_int_eq(commit(fd, KW_LIT("hello"), 0), 0);
    ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 10);
    ck_assert_str_eq(text, "helloworld");
    close(fd);
}
END_TEST

/* Around the page cache, where the file system has that: whole blocks, seen by those who read through it. */
START_TEST(direct_commit_writes_blocks)
{
    static _Alignas(KW_AUDIT_BLOCK) uint8_t block[2 * KW_AUDIT_BLOCK];
    struct auditdir_file file;
    int fd;

    auditdir_file_path(&dir, "direct", &file);
    fd = open(file.path, O_RDWR | O_CREAT | O_DIRECT, 0600);
    if (fd < 0) {
        ck_assert_int_eq(errno, EINVAL); /* such as a tmpfs of an older kernel */
        return;
    }
    memset(block, 'a', KW_AUDIT_BLOCK);
    memset(block + KW_AUDIT_BLOCK, 'b', KW_AUDIT_BLOCK);
    kw_auditring_begin(&ring, fd, true, KW_BYTES(block, sizeof(block)), KW_AUDIT_BLOCK);
    ck_assert_int_eq(kw_auditring_end(&ring), 0);
    ck_assert_int_eq(kw_auditring_end(&ring), 0); /* it still says so */
    kw_auditring_begin(&ring, fd, true, KW_BYTES(block + KW_AUDIT_BLOCK, KW_AUDIT_BLOCK), 0);
    ck_assert_int_eq(kw_auditring_end(&ring), 0);
    kw_auditring_begin(&ring, fd, true, KW_BYTES(block, 100), 0);
    ck_assert_int_eq(kw_auditring_end(&ring), -EINVAL);
    close(fd);
    auditdir_file_load(&dir, "direct", &file);
    ck_assert_uint_eq(file.len, 3 * KW_AUDIT_BLOCK);
    ck_assert_int_eq(file.data[0], 'b');
    ck_assert_mem_eq(file.data + KW_AUDIT_BLOCK, block, sizeof(block));
    auditdir_file_done(&file);
}
END_TEST

/* Beside a commit there is time for other things; waiting for it does not take a wake-up. */
START_TEST(commit_goes_on_by_itself)
{
    int fd = make_file(O_RDWR);
    eventfd_t count = 0;
    char text[8] = "";

    kw_auditring_begin(&ring, fd, false, KW_LIT("hello"), 0);
    eventfd_write(wake_fd, 1);
    while (kw_auditring_busy(&ring))
        ck_assert_int_eq(kw_auditring_wait(&ring, 5000000000u, false), 0);
    ck_assert_int_eq(kw_auditring_end(&ring), 0);
    ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 5);
    ck_assert_int_eq(eventfd_read(wake_fd, &count), 0);
    ck_assert_uint_eq(count, 1);
    close(fd);
}
END_TEST

START_TEST(commit_says_what_failed)
{
    int fd = make_file(O_RDONLY);

    ck_assert_int_eq(commit(fd, KW_LIT("x"), 0), -EBADF);
    ck_assert_int_eq(commit(-1, KW_LIT("x"), 0), -EBADF);
    close(fd);
    fd = eventfd(0, EFD_CLOEXEC); /* takes the write, but cannot be synced */
    ck_assert_int_eq(commit(fd, KW_LIT("12345678"), 0), -EINVAL);
    close(fd);
    fd = make_file(O_RDWR);
    ck_assert_int_eq(commit(fd, KW_LIT("x"), 0), 0); /* the ring is as good as before */
    close(fd);
}
END_TEST

/* A file that may not grow beyond four bytes takes four. */
START_TEST(short_write_is_an_error)
{
    struct rlimit old, four;
    int fd = make_file(O_RDWR), rc;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    four = (struct rlimit){.rlim_cur = 4, .rlim_max = old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &four), 0);
    rc = commit(fd, KW_LIT("12345678"), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(rc, -EIO);
    close(fd);
}
END_TEST

START_TEST(wait_ends_by_time_and_by_wake)
{
    uint64_t began = kw_now_ns();

    ck_assert_int_eq(kw_auditring_wait(&ring, 20000000, true), 0);
    ck_assert_uint_ge(kw_now_ns() - began, 15000000);
    ck_assert(ring.wake_armed);
    eventfd_write(wake_fd, 1);
    began = kw_now_ns();
    ck_assert_int_eq(kw_auditring_wait(&ring, UINT64_MAX, true), 0);
    ck_assert(!ring.wake_armed);
    eventfd_write(wake_fd, 1); /* before the wait: not lost */
    ck_assert_int_eq(kw_auditring_wait(&ring, UINT64_MAX, true), 0);
    ck_assert_uint_lt(kw_now_ns() - began, 5000000000u);
}
END_TEST

/* A wake-up during a commit neither disturbs it nor is lost. */
START_TEST(wake_during_commit_is_kept)
{
    int fd = make_file(O_RDWR);

    ck_assert_int_eq(kw_auditring_wait(&ring, 1000, true), 0); /* leaves the read armed */
    eventfd_write(wake_fd, 1);
    ck_assert_int_eq(commit(fd, KW_LIT("hello"), 0), 0);
    if (ring.wake_armed)
        ck_assert_int_eq(kw_auditring_wait(&ring, UINT64_MAX, true), 0);
    ck_assert(!ring.wake_armed);
    close(fd);
}
END_TEST

/* Whatever enters the ring from now on gets an error; what is under way goes on. */
static void break_ring(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dup2(fd, ring.ring.ring_fd), ring.ring.ring_fd);
    close(fd);
}

static void expect_good_ring(void)
{
    uint64_t began = kw_now_ns();
    int fd = make_file(O_RDWR | O_TRUNC);
    char text[16] = "";

    ck_assert_int_eq(commit(fd, KW_LIT("hello"), 0), 0);
    ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 5);
    close(fd);
    eventfd_write(wake_fd, 1);
    ck_assert_int_eq(kw_auditring_wait(&ring, 5000000000u, true), 0);
    ck_assert_uint_lt(kw_now_ns() - began, 4000000000u);
}

/* What was not submitted is never written, and the next commit has a new ring. */
START_TEST(ring_that_takes_nothing_is_replaced)
{
    int fd = make_file(O_RDWR);
    struct stat status;

    ck_assert_int_eq(kw_auditring_wait(&ring, 1000, true), 0); /* leaves a poll on the old ring */
    break_ring();
    ck_assert_int_lt(commit(fd, KW_LIT("stale"), 0), 0);
    expect_good_ring();
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_int_eq(status.st_size, 5); /* "hello", from there */
    close(fd);
    break_ring();
    eventfd_write(wake_fd, 1);
    ck_assert_int_lt(kw_auditring_wait(&ring, UINT64_MAX, true), 0);
    ck_assert_int_eq(kw_auditring_wait(&ring, UINT64_MAX, true), 0); /* the wake-up is not lost */
    expect_good_ring();
}
END_TEST

/* A commit in another thread's view: an eventfd that is full takes a write only when it is read. */
struct stuck {
    pthread_t owner;
    int fd;
    _Atomic bool released;
};

static void on_signal(int number)
{
    (void)number;
}

static void *break_and_release(void *arg)
{
    struct stuck *stuck = arg;
    eventfd_t count;

    poll(NULL, 0, 50);
    break_ring();
    for (int i = 0; i < 20; i++) { /* out of the wait, into the broken ring */
        pthread_kill(stuck->owner, SIGUSR1);
        poll(NULL, 0, 10);
    }
    atomic_store(&stuck->released, true);
    eventfd_read(stuck->fd, &count);
    return NULL;
}

START_TEST(ring_that_fails_is_left_when_the_write_is_over)
{
    struct stuck stuck = {.owner = pthread_self(), .fd = eventfd(0, EFD_CLOEXEC)};
    const uint64_t one = 1;
    pthread_t thread;
    int rc;

    ck_assert_int_eq(eventfd_write(stuck.fd, UINT64_MAX - 1), 0);
    ck_assert_int_eq(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, break_and_release, &stuck), 0);
    rc = commit(stuck.fd, KW_BYTES((const uint8_t *)&one, sizeof(one)), 0);
    ck_assert(atomic_load(&stuck.released));
    ck_assert_int_eq(rc, -EINVAL); /* the sync's own result, though the ring broke */
    ck_assert(!ring.open);
    pthread_join(thread, NULL);
    close(stuck.fd);
    expect_good_ring();
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, commit_writes_where_told);
    tcase_add_test(tcase, direct_commit_writes_blocks);
    tcase_add_test(tcase, commit_goes_on_by_itself);
    tcase_add_test(tcase, commit_says_what_failed);
    tcase_add_test(tcase, short_write_is_an_error);
    tcase_add_test(tcase, wait_ends_by_time_and_by_wake);
    tcase_add_test(tcase, wake_during_commit_is_kept);
    tcase_add_test(tcase, ring_that_takes_nothing_is_replaced);
    tcase_add_test(tcase, ring_that_fails_is_left_when_the_write_is_over);
}

int main(void)
{
    return kw_crypto_init() == 0 ? kw_suite_run("auditring", add, 60) : EXIT_FAILURE;
}
