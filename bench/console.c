#include "bench/console.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECONDS_MIN 0.05
#define SECONDS_MAX 86400

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void kw_console_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)(SA_RESTART | SA_RESETHAND)};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool kw_console_interrupted(void)
{
    return interrupted != 0;
}

void kw_console_progress(const char *format, ...)
{
    va_list args;

    if (!isatty(STDERR_FILENO))
        return;
    fputs("\r\033[K", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fflush(stderr);
}

void kw_console_clear(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

const char *kw_console_why(int result)
{
    return result == KW_EOPENSSL ? "OpenSSL refused" : strerror(-result);
}

int kw_console_seconds(const char *text, double *ret)
{
    char *end;
    double value = strtod(text, &end);

    KW_REQUIRE(end != text && *end == '\0' && value >= SECONDS_MIN && value <= SECONDS_MAX, 1);
    *ret = value;
    return 0;
}
