#include "pool/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

_Noreturn void kw_assert_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "keywell: assertion failed: %s (%s:%d)\n", expr, file, line);
    abort();
}

void kw_erase(void *ptr, size_t len)
{
    if (len > 0)
        explicit_bzero(ptr, len);
}

bool kw_equal_ct(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t diff = 0;

    for (size_t i = 0; i < len; i++)
        diff |= x[i] ^ y[i];
    return diff == 0;
}

void kw_signals_of_threads(sigset_t *ret)
{
    static const int own[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};

    sigfillset(ret);
    for (size_t i = 0; i < KW_ARRAY_LEN(own); i++)
        sigdelset(ret, own[i]);
}

uint64_t kw_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t kw_wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
