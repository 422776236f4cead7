/* death - runs a function in a forked child and says how the child ended. */
#ifndef KW_TESTS_POOL_DEATH_H
#define KW_TESTS_POOL_DEATH_H

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Asked by ThreadSanitizer, if it is there: jemalloc holds more locks over a fork than its deadlock detector
 * counts. */
const char *__tsan_default_options(void) __attribute__((visibility("default")));
const char *__tsan_default_options(void)
{
    return "detect_deadlocks=0";
}

static void death_child(void (*fn)(void *), void *arg) __attribute__((noreturn));
static void death_child(void (*fn)(void *), void *arg)
{
    struct rlimit no_core = {0, 0};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    setrlimit(RLIMIT_CORE, &no_core);
    dup2(null, STDERR_FILENO);
    /* A sanitizer's own handler would turn the signal into an exit. */
    signal(SIGSEGV, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
    fn(arg);
    _exit(0);
}

/* Returns the signal that ended the child, or 0 if fn came back. */
static inline int death_signal(void (*fn)(void *), void *arg)
{
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        death_child(fn, arg);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return WTERMSIG(status);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    return 0;
}

#endif
