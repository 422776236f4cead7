/* The writer as a process that is killed, or that the kernel denies its ring. This program runs itself for
 * that, with a role and a folder as arguments. */
#include "api/auditwriter.h"

#include "engine/crypto.h"
#include "tests/support/auditdir.h"
#include "tests/support/suite.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct auditdir dir;

static void setup(void)
{
    auditdir_init(&dir);
}

static void teardown(void)
{
    auditdir_done(&dir);
}

struct child {
    pid_t pid;
    int out;
};

/* posix_spawn() runs no fork handlers: ThreadSanitizer cannot take those of jemalloc. */
static struct child spawn(const char *role)
{
    char program[] = "test_auditwriter";
    char *const argv[] = {program, strdup(role), dir.path, NULL};
    posix_spawn_file_actions_t actions;
    struct child child;
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ck_assert_int_eq(posix_spawn(&child.pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    free(argv[1]);
    close(ends[1]);
    child.out = ends[0];
    return child;
}

static struct kw_audit *child_open(const char *path, int *ret_rc, char *why, size_t why_cap)
{
    struct kw_audit_config config = {
        .dir = path, .signing_seed = auditdir_seed, .segment_bytes = AUDITDIR_SEGMENT, .checkpoint_ms = 20};
    struct kw_audit *audit = NULL;

    *ret_rc = kw_audit_open(&audit, &config, why, why_cap);
    return audit;
}

struct acknowledged {
    uint64_t sequence;
    uint64_t number; /* in the body */
};

/* Submits for ever; writes what was acknowledged to stdout. */
static int child_submit(const char *path)
{
    static struct kw_audit_entry entries[32];
    static char bodies[32][64];
    struct kw_mailbox mailbox;
    char why[512];
    int rc;
    struct kw_audit *audit = child_open(path, &rc, why, sizeof(why));

    if (rc != 0 || kw_mailbox_init(&mailbox) != 0) {
        fprintf(stderr, "child: %s\n", why);
        return EXIT_FAILURE;
    }
    for (uint64_t number = kw_now_ns();;) {
        size_t back = 0, num = 1 + number % 32;

        for (size_t i = 0; i < num; i++) {
            snprintf(bodies[i], sizeof(bodies[i]), "{\"number\":%" PRIu64 "}", number++);
            entries[i] = (struct kw_audit_entry){.body = kw_bytes_str(bodies[i]), .reply = &mailbox};
            kw_audit_submit(audit, &entries[i]);
        }
        while (back < num) {
            struct pollfd wait = {.fd = mailbox.eventfd, .events = POLLIN};
            uint64_t count;

            if (poll(&wait, 1, -1) != 1 || read(wait.fd, &count, sizeof(count)) < 0)
                continue;
            for (struct kw_inbox_node *node = kw_inbox_take(&mailbox.inbox); node != NULL;
                 node = node->next) {
                struct kw_audit_entry *entry = KW_CONTAINER_OF(node, struct kw_audit_entry, node);
                struct acknowledged line = {.sequence = entry->sequence};

                line.number = strtoull((const char *)entry->body.ptr + 10, NULL, 10);
                if (entry->result != 0 || write(STDOUT_FILENO, &line, sizeof(line)) != sizeof(line))
                    return EXIT_FAILURE;
                back++;
            }
        }
    }
}

/* Makes the kernel refuse io_uring_setup with an error, then opens the log and prints what it says. */
static int child_denied(const char *path, int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = KW_ARRAY_LEN(code), .filter = code};
    char why[512] = "";
    int rc = 0;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return EXIT_FAILURE;
    child_open(path, &rc, why, sizeof(why));
    printf("%d %s", rc, why);
    return EXIT_SUCCESS;
}

static void expect_denied(const char *role, int error)
{
    struct child child = spawn(role);
    char text[600] = "", want[16];
    int status;

    ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_gt(read(child.out, text, sizeof(text) - 1), 0);
    close(child.out);
    snprintf(want, sizeof(want), "%d ", -error);
    ck_assert_msg(strncmp(text, want, strlen(want)) == 0 && strstr(text, "io_uring") != NULL, "%s", text);
}

START_TEST(denied_ring_is_said)
{
    expect_denied("eperm", EPERM);
    expect_denied("enosys", ENOSYS);
}
END_TEST

/* What the log holds, by sequence. */
struct seen {
    struct acknowledged *lines;
    size_t num, cap;
};

static void see(void *arg, struct kw_bytes text)
{
    struct seen *seen = arg;
    struct kw_audit_line line;

    if (seen->num == seen->cap) {
        seen->cap = seen->cap * 2 + 1024;
        seen->lines = reallocarray(seen->lines, seen->cap, sizeof(*seen->lines));
    }
    ck_assert_int_eq(kw_audit_line_parse(text, &line), 0);
    seen->lines[seen->num].sequence = line.sequence;
    seen->lines[seen->num++].number = strtoull((const char *)line.rest.ptr + 9, NULL, 10);
}

static int compare_sequences(const void *a, const void *b)
{
    const struct acknowledged *x = a, *y = b;

    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* All that was acknowledged is in the log, under its number. */
static void expect_all(const struct acknowledged *acked, size_t num)
{
    struct kw_audit_verdict verdict;
    struct seen seen = {0};
    int rc = kw_audit_verify(dir.path, 0, NULL, see, &seen, &verdict);

    ck_assert_msg(rc == 0, "%s", verdict.problem);
    for (size_t i = 0; i < num; i++) {
        struct acknowledged *found =
            bsearch(&acked[i], seen.lines, seen.num, sizeof(*seen.lines), compare_sequences);

        ck_assert_msg(found != NULL && found->number == acked[i].number, "record %" PRIu64 " is lost",
            acked[i].sequence);
    }
    free(seen.lines);
}

START_TEST(nothing_acknowledged_is_lost_by_kill)
{
    static struct acknowledged acked[1 << 20];
    size_t num = 0;

    for (unsigned round = 0; round < 12; round++) {
        struct child child = spawn("submit");
        uint64_t end = 0;
        int status;

        /* From the first acknowledgement on, a little longer each time. */
        while (num < KW_ARRAY_LEN(acked)) {
            ssize_t got = read(child.out, &acked[num], sizeof(acked[num]));

            if (got <= 0)
                break;
            ck_assert_int_eq(got, sizeof(acked[num]));
            num++;
            if (end == 0)
                end = kw_now_ns() + round * 7919000ull;
            if (end != UINT64_MAX && kw_now_ns() >= end) {
                kill(child.pid, SIGKILL);
                end = UINT64_MAX;
            }
        }
        ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
        ck_assert_msg(
            WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "child ended by itself: %d", status);
        close(child.out);
        expect_all(acked, num);
    }
    ck_assert_uint_gt(num, 100);
    kw_audit_close(auditdir_open(&dir, AUDITDIR_SEGMENT));
    expect_all(acked, num);
}
END_TEST

/* The number in hexadecimal after a key in /proc/self/task/TID/status; 0 if the thread has another name. */
static uint64_t blocked_in(const char *tid, const char *name)
{
    char path[300], text[4096], want[64];
    const char *mask;
    ssize_t len;
    int fd;

    snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
    fd = open(path, O_RDONLY);
    len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    close(fd);
    text[KW_MAX(len, 0)] = '\0';
    snprintf(want, sizeof(want), "Name:\t%s\n", name);
    mask = strstr(text, "SigBlk:");
    return strncmp(text, want, strlen(want)) == 0 && mask != NULL ? strtoull(mask + 7, NULL, 16) : 0;
}

static uint64_t blocked_by(const char *name)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *task;
    uint64_t mask = 0;

    ck_assert_ptr_nonnull(tasks);
    while ((task = readdir(tasks)) != NULL)
        mask |= blocked_in(task->d_name, name);
    closedir(tasks);
    return mask;
}

/* Signals are the main thread's, but a thread's own faults are seen. */
START_TEST(threads_block_signals_but_faults)
{
    static const char *const names[] = {"audit", "audit-spare"};
    static const int blocked[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE};
    static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    struct kw_audit *audit = auditdir_open(&dir, AUDITDIR_SEGMENT);

    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++) {
        uint64_t mask = blocked_by(names[i]);

        for (size_t n = 0; n < KW_ARRAY_LEN(blocked); n++)
            ck_assert_msg((mask >> (blocked[n] - 1) & 1) == 1, "%s: %d is open", names[i], blocked[n]);
        for (size_t n = 0; n < KW_ARRAY_LEN(open); n++)
            ck_assert_msg((mask >> (open[n] - 1) & 1) == 0, "%s: %d is blocked", names[i], open[n]);
    }
    kw_audit_close(audit);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, denied_ring_is_said);
    tcase_add_test(tcase, nothing_acknowledged_is_lost_by_kill);
    tcase_add_test(tcase, threads_block_signals_but_faults);
}

int main(int argc, char **argv)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    if (argc == 3 && strcmp(argv[1], "submit") == 0)
        return child_submit(argv[2]);
    if (argc == 3)
        return child_denied(argv[2], strcmp(argv[1], "enosys") == 0 ? ENOSYS : EPERM);
    return kw_suite_run("auditwriter", add, 120);
}
