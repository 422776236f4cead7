#include "bench/audit_level.h"

#include "bench/console.h"

#include <math.h>
#include <stdio.h>

static void add(struct kw_auditturn *sum, const struct kw_auditturn *turn)
{
    sum->records += turn->records;
    sum->bytes += turn->bytes;
    sum->commits += turn->commits;
    sum->wall_s += turn->wall_s;
    sum->cpu.submit += turn->cpu.submit;
    sum->cpu.writer += turn->cpu.writer;
    sum->cpu.spare += turn->cpu.spare;
    sum->cpu.ring += turn->cpu.ring;
    sum->cpu.process += turn->cpu.process;
    sum->cpu.kworkers += turn->cpu.kworkers;
    kw_quantile_merge(&sum->latency, &turn->latency);
}

static double rate(const struct kw_auditturn *turn)
{
    return (double)turn->records / turn->wall_s;
}

static int run_plain(const struct kw_auditturn_plan *plan, enum kw_auditturn_plain kind,
    const struct kw_auditturn *like, double *ret_rate, struct kw_auditturn *sum)
{
    static struct kw_auditturn turn; /* too large for a stack */

    KW_TRY(kw_auditturn_plain(
        plan, kind, (size_t)(like->bytes / like->commits), (size_t)(like->bytes / like->records), &turn));
    *ret_rate = rate(&turn);
    add(sum, &turn);
    return 0;
}

int kw_auditlevel_run(const struct kw_auditturn_plan *plan, unsigned rounds, struct kw_auditlevel *ret,
    char *why, size_t why_cap)
{
    static struct kw_auditturn turn;

    *ret = (struct kw_auditlevel){.outstanding = plan->outstanding};
    while (ret->rounds < rounds && !kw_console_interrupted()) {
        struct kw_auditturn_plan now = *plan;
        unsigned i = ret->rounds;
        int r;

        kw_console_progress("audit: %u outstanding, round %u of %u", plan->outstanding, i + 1, rounds);
        now.verify = plan->verify && i == 0;
        KW_TRY(kw_auditturn_log(&now, &turn, why, why_cap));
        ret->log[i] = rate(&turn);
        add(&ret->log_sum, &turn);
        r = run_plain(plan, KW_PLAIN_APPEND, &turn, &ret->append[i], &ret->append_sum);
        if (r == 0)
            r = run_plain(plan, KW_PLAIN_REWRITE, &turn, &ret->rewrite[i], &ret->rewrite_sum);
        if (r < 0)
            snprintf(why, why_cap, "plain writes failed: %s", kw_console_why(r));
        KW_TRY(r);
        ret->rounds++;
    }
    return 0;
}

static struct kw_spread spread(const double *values, const double *by, unsigned num)
{
    double copy[KW_AUDITLEVEL_ROUNDS_MAX];

    for (unsigned i = 0; i < num; i++)
        copy[i] = by != NULL ? values[i] / by[i] : values[i];
    return kw_spread_of(copy, num);
}

void kw_auditlevel_figures(const struct kw_auditlevel *level, struct kw_auditfigures *ret)
{
    const struct kw_auditturn *sum = &level->log_sum;

    *ret = (struct kw_auditfigures){
        .log = spread(level->log, NULL, level->rounds),
        .append = spread(level->append, NULL, level->rounds),
        .rewrite = spread(level->rewrite, NULL, level->rounds),
        .to_append = spread(level->log, level->append, level->rounds),
        .to_rewrite = spread(level->log, level->rewrite, level->rounds),
        .record_bytes = (double)sum->bytes / (double)sum->records,
        .records_per_commit = (double)sum->records / (double)sum->commits,
    };
}

void kw_auditlevel_print_title(void)
{
    printf("%11s %9s %7s | %8s %8s %8s | %6s %6s %6s %6s | %9s %19s | %9s %19s\n", "outstanding", "records/s",
        "a batch", "p50 us", "p99 us", "p99.9 us", "CPU us", "submit", "writer", "kernel", "appends/s",
        "ratio (of rounds)", "rewrite/s", "ratio (of rounds)");
}

static void print_ratio(struct kw_spread plain, struct kw_spread ratio)
{
    printf(" | %9.0f %5.2f (%5.2f - %5.2f)", plain.median, ratio.median, ratio.min, ratio.max);
}

void kw_auditlevel_print(const struct kw_auditlevel *level)
{
    const struct kw_auditturn *sum = &level->log_sum;
    double us = 1e6 / (double)sum->records;
    struct kw_auditfigures figures;

    kw_auditlevel_figures(level, &figures);
    printf("%11u %9.0f %7.1f | %8.0f %8.0f %8.0f | %6.2f %6.2f %6.2f %6.2f", level->outstanding,
        figures.log.median, figures.records_per_commit, kw_quantile_us(&sum->latency, 0.5),
        kw_quantile_us(&sum->latency, 0.99), kw_quantile_us(&sum->latency, 0.999),
        us * (sum->cpu.process + (isfinite(sum->cpu.kworkers) ? sum->cpu.kworkers : 0)), us * sum->cpu.submit,
        us * sum->cpu.writer, us * (sum->cpu.ring + sum->cpu.kworkers));
    print_ratio(figures.append, figures.to_append);
    print_ratio(figures.rewrite, figures.to_rewrite);
    putchar('\n');
    fflush(stdout);
}

/* JSON has no NAN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *spread_json(struct kw_spread spread)
{
    return json_pack("{s:o, s:o, s:o}", "median", number(spread.median), "min", number(spread.min), "max",
        number(spread.max));
}

static json_t *latency_json(const struct kw_quantile *latency)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "p50", number(kw_quantile_us(latency, 0.5)), "p90",
        number(kw_quantile_us(latency, 0.9)), "p99", number(kw_quantile_us(latency, 0.99)), "p99_9",
        number(kw_quantile_us(latency, 0.999)));
}

static json_t *plain_json(const struct kw_auditturn *sum, struct kw_spread rates, struct kw_spread ratio)
{
    double us = 1e6 / (double)sum->records;

    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "records_per_second", spread_json(rates), "ratio",
        spread_json(ratio), "latency_us", latency_json(&sum->latency), "cpu_us_per_record",
        number(us * sum->cpu.process), "kworkers_us_per_record", number(us * sum->cpu.kworkers));
}

json_t *kw_auditlevel_json(const struct kw_auditlevel *level)
{
    const struct kw_auditturn *sum = &level->log_sum;
    double us = 1e6 / (double)sum->records;
    struct kw_auditfigures figures;

    kw_auditlevel_figures(level, &figures);
    return json_pack("{s:i, s:i, s:I, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o, s:o}, s:o, s:o}",
        "outstanding", (int)level->outstanding, "rounds", (int)level->rounds, "records",
        (json_int_t)sum->records, "record_bytes", number(figures.record_bytes), "records_per_commit",
        number(figures.records_per_commit), "records_per_second", spread_json(figures.log), "latency_us",
        latency_json(&sum->latency), "cpu_us_per_record", "process", number(us * sum->cpu.process),
        "submitters", number(us * sum->cpu.submit), "writer", number(us * sum->cpu.writer), "spare",
        number(us * sum->cpu.spare), "ring_workers", number(us * sum->cpu.ring), "kworkers",
        number(us * sum->cpu.kworkers), "append",
        plain_json(&level->append_sum, figures.append, figures.to_append), "rewrite",
        plain_json(&level->rewrite_sum, figures.rewrite, figures.to_rewrite));
}
