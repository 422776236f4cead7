#include "tools/progress.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static struct {
    bool shown;
    uint64_t began_ns, last_ns;
    struct sigaction before[2];
} progress;
static volatile sig_atomic_t interrupted;

static const int signals[] = {SIGINT, SIGTERM};

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void kw_progress_begin(bool quiet)
{
    struct sigaction action = {.sa_handler = on_signal};

    interrupted = 0;
    progress.shown = !quiet && isatty(STDERR_FILENO) == 1;
    progress.began_ns = kw_now_ns();
    progress.last_ns = 0;
    for (unsigned i = 0; i < KW_ARRAY_LEN(signals); i++)
        sigaction(signals[i], &action, &progress.before[i]);
}

bool kw_progress_show(void *user, double done, double total, const char *what)
{
    uint64_t now_ns = kw_now_ns();
    double spent_s = (double)(now_ns - progress.began_ns) / 1e9,
           share = total > 0 ? fmin(done / total, 1) : 0;
    char bar[31];
    unsigned full = (unsigned)(share * (sizeof(bar) - 1));

    (void)user;
    if (!progress.shown || now_ns - progress.last_ns < UINT64_C(100000000))
        return !interrupted;
    progress.last_ns = now_ns;
    memset(bar, ' ', sizeof(bar) - 1);
    memset(bar, '#', full);
    bar[sizeof(bar) - 1] = '\0';
    fprintf(stderr, "\r\033[K[%s] %3.0f %%  %s", bar, share * 100, what);
    if (share > 0.05 && spent_s > 1)
        fprintf(stderr, ", %.0f s left", spent_s * (1 - share) / share);
    fflush(stderr);
    return !interrupted;
}

bool kw_progress_end(void)
{
    if (progress.shown && progress.last_ns > 0)
        fprintf(stderr, "\r\033[K");
    for (unsigned i = 0; i < KW_ARRAY_LEN(signals); i++)
        sigaction(signals[i], &progress.before[i], NULL);
    return interrupted != 0;
}
