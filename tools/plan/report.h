/* report - an answer for people (a table, drawings) and for programs (JSON, format keywell-plan-1).
 *
 * What is passed is borrowed. One owner thread.
 */
#ifndef KW_TOOLS_PLAN_REPORT_H
#define KW_TOOLS_PLAN_REPORT_H

#include "tools/plan/fleet.h"

#include <stdio.h>

#define KW_PLAN_PLOT_DEPTHS 11u
#define KW_PLAN_PLOT_POINTS 240u

/* A spec's miss share by the depth of its pool. */
struct kw_plan_miss_plot {
    unsigned num; /* 0: no such plot */
    uint32_t depth[KW_PLAN_PLOT_DEPTHS];
    struct kw_plan_figure miss[KW_PLAN_PLOT_DEPTHS];
};

/* Levels from full pools through a burst. */
struct kw_plan_level_plot {
    size_t num; /* 0: no such plot */
    enum kw_spec spec;
    double burst_per_s, begin_s, burst_s, end_s;
    struct kw_plan_point points[KW_PLAN_PLOT_POINTS];
};

struct kw_plan_report {
    const struct kw_plan_case *of;
    const struct kw_plan_objective *objective;
    const struct kw_plan_limits *limits;
    const struct kw_plan_answer *answer;      /* of a fleet: of each machine */
    const struct kw_plan_fleet_answer *fleet; /* NULL: one machine */
    bool given;                               /* the settings were given, and judged */
    uint64_t seed;
    struct kw_plan_miss_plot miss[KW_SPEC_NUM];
    struct kw_plan_level_plot level;
};

/* kw_plan_report_plots() - simulates what the drawings show: fills miss and level. Returns: 0 | -ENOMEM |
 * -ECANCELED */
KW_MUST_CHECK int kw_plan_report_plots(struct kw_plan_report *report, const struct kw_plan_effort *effort);

void kw_plan_report_table(FILE *file, const struct kw_plan_report *report);
/* kw_plan_report_json() - with a line end; free() it. NULL: no memory */
char *kw_plan_report_json(const struct kw_plan_report *report);
void kw_plan_report_svg(FILE *file, const struct kw_plan_report *report);

/* "at most 0.1 % of the requests for RSA_2048 miss the pool": what all forms say of the objective. */
void kw_plan_report_objective(const struct kw_plan_report *report, char *ret, size_t cap);
/* "2 cores and pools of 400 RSA_2048 hold the objective" */
void kw_plan_report_sentence(const struct kw_plan_report *report, char *ret, size_t cap);

#endif
