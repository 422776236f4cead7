#include "bench/turns.h"

#include <math.h>
#include <sched.h>
#include <time.h>

#define NS_PER_S 1e9
/* Fewer may agree by luck. */
#define TURNS_ENOUGH 8

static const struct kw_figure none = {NAN, NAN};

void kw_turns_add(struct kw_turns *turns, const struct kw_turn *turn)
{
    double pairs = (double)turn->pairs;

    turns->sum.pairs += turn->pairs;
    turns->sum.failures += turn->failures;
    turns->sum.cpu_s += turn->cpu_s;
    turns->sum.wall_s += turn->wall_s;
    turns->num++;
    turns->pairs_squared += pairs * pairs;
    turns->pairs_by_cpu += pairs * turn->cpu_s;
    turns->cpu_squared += turn->cpu_s * turn->cpu_s;
}

/* The variance of R = sum(n) / sum(t) over N turns is about N/(N-1) sum (n - R t)^2 / sum(t)^2. */
struct kw_figure kw_turns_rate(const struct kw_turns *turns)
{
    struct kw_figure rate = none;
    double num = (double)turns->num, spread;

    if (turns->num == 0 || turns->sum.cpu_s <= 0)
        return none;
    rate.value = (double)turns->sum.pairs / turns->sum.cpu_s;
    spread = turns->pairs_squared - 2 * rate.value * turns->pairs_by_cpu +
             rate.value * rate.value * turns->cpu_squared;
    rate.error = turns->num > 1 ? sqrt(num / (num - 1) * fmax(spread, 0)) / turns->sum.cpu_s : 0;
    if (turns->num < TURNS_ENOUGH)
        rate.error = fmax(rate.error, sqrt((double)turns->sum.pairs) / turns->sum.cpu_s);
    return rate;
}

struct kw_figure kw_figure_ratio(struct kw_figure a, struct kw_figure b)
{
    struct kw_figure ratio;

    if (isnan(a.value) || isnan(b.value) || b.value == 0)
        return none;
    ratio.value = a.value / b.value;
    /* Of the two forms the one that a of 0 does not break. */
    ratio.error = hypot(a.error / b.value, ratio.value * b.error / b.value);
    return ratio;
}

static double seconds(clockid_t clock)
{
    struct timespec now;

    kw_assert(clock_gettime(clock, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / NS_PER_S;
}

double kw_cpu_seconds(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

double kw_wall_seconds(void)
{
    return seconds(CLOCK_MONOTONIC);
}

int kw_pin(unsigned cpu)
{
    size_t len = CPU_ALLOC_SIZE(cpu + 1);
    cpu_set_t *set = CPU_ALLOC(cpu + 1);
    int r;

    if (set == NULL)
        return -ENOMEM;
    CPU_ZERO_S(len, set);
    CPU_SET_S(cpu, len, set);
    r = sched_setaffinity(0, len, set) == 0 ? 0 : -errno;
    CPU_FREE(set);
    return r;
}
