#include "tools/plan/samples.h"

#include <stdlib.h>

static double sum_of(const double *times_s, size_t num)
{
    double sum = 0;

    for (size_t i = 0; i < num; i++)
        sum += times_s[i];
    return sum;
}

/* The mean number of pairs from one that took time to the next. */
unsigned kw_plan_samples_batch(const double *times_s, size_t num)
{
    double little_s = sum_of(times_s, num) / (double)num / 4;
    size_t batches = 0;

    for (size_t i = 0; i < num; i++)
        batches += times_s[i] > little_s;
    return (unsigned)KW_MAX((num + batches / 2) / KW_MAX(batches, (size_t)1), (size_t)1);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void set_quantiles(const double *sorted, size_t num, double *ret)
{
    double sum = 0;

    for (size_t i = 0; i < KW_PLAN_QUANTILES; i++)
        sum += ret[i] = sorted[(2 * i + 1) * num / (2 * KW_PLAN_QUANTILES)];
    for (size_t i = 0; i < KW_PLAN_QUANTILES; i++)
        ret[i] = sum > 0 ? ret[i] * KW_PLAN_QUANTILES / sum : 1;
}

/* Times of whole batches, wherever the first began. */
void kw_plan_samples_make(const double *times_s, size_t num, double *scratch, struct kw_plan_make *ret)
{
    double mean_s = sum_of(times_s, num) / (double)num;
    unsigned batch = kw_plan_samples_batch(times_s, num);
    size_t batches = num / batch;

    kw_plan_make_steady(ret, mean_s, batch);
    for (size_t i = 0; i < batches; i++)
        scratch[i] = sum_of(times_s + i * batch, batch);
    if (batches == 0)
        return;
    qsort(scratch, batches, sizeof(*scratch), compare);
    set_quantiles(scratch, batches, ret->quantiles);
}
