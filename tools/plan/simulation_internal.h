/* simulation_internal - what the parts of a simulation share: the state of a run. */
#ifndef KW_TOOLS_PLAN_SIMULATION_INTERNAL_H
#define KW_TOOLS_PLAN_SIMULATION_INTERNAL_H

#include "engine/scheduler.h"
#include "tools/plan/agenda.h"
#include "tools/plan/arrivals.h"
#include "tools/plan/simulation.h"

/* A maker's bench for one spec (engine/maker.h). */
struct kw_plan_bench {
    double left_s;  /* CPU time until the batch at hand is done; 0: none begun */
    unsigned ready; /* pairs of a batch that is done and not handed over yet */
    bool holding;   /* a slot, for a half-done search */
    double spent_s; /* CPU time that the half-done pair has cost so far */
    bool learned;   /* make_s is more than a guess */
    double make_s;
    double blocked_until_s;
    struct kw_demand demand;
};

/* A worker, or one who makes pairs for requests. */
struct kw_plan_maker {
    int spec;          /* that it is on, an index into lines; -1: asleep or without an order */
    bool finishes;     /* its event is the end of the batch, not that of the slice */
    bool carried;      /* the slice began with a half-done search */
    unsigned made;     /* pairs in this slice */
    double began_s;    /* what it is at now */
    double deadline_s; /* of the slice */
    double stretch;    /* time that a second of its CPU time takes */
    double owed_s;     /* CPU time that serving took from its core since */
    struct kw_plan_bench bench[KW_SPEC_NUM];
    struct kw_sched_pool views[KW_SPEC_NUM];
};

/* Requests that wait, by when they came. A ring. */
struct kw_plan_queue {
    double *came_s; /* room of them */
    uint32_t room, first, num;
};

/* A spec: its requests and its pool. */
struct kw_plan_line {
    enum kw_spec spec;
    struct kw_plan_arrivals arrivals;
    enum kw_on_empty on_empty;
    uint32_t level, low, high;
    uint32_t held; /* slots in makers' hands */
    uint32_t making;
    unsigned orders; /* being made for requests */
    bool refilling;
    uint64_t ended;   /* requests that came to an end: the scheduler's demand */
    double changed_s; /* when the level changed last */
    double batch_s;   /* mean CPU time of a batch */
    unsigned batch, together;
    const double *quantiles;
    struct kw_plan_queue queue;
};

struct kw_plan_simulation {
    const struct kw_plan_case *of;
    const struct kw_plan_run_options *options;
    struct kw_plan_run *run;
    struct kw_plan_random random;
    struct kw_plan_agenda agenda;
    double slice_s, wait_s;
    unsigned num_lines, num_workers, num_makers;
    unsigned working;     /* makers at work now */
    unsigned sleeping;    /* workers */
    unsigned serves_next; /* the worker whose core serves the next request */
    unsigned not_full;    /* pools that have never been at their high watermark */
    bool stopped;
    size_t point;
    double point_s;
    struct kw_plan_line lines[KW_SPEC_NUM];
    struct kw_plan_maker *makers; /* workers first */
};

/* ---- tally.c ---- */

void kw_plan_tally_wait(struct kw_plan_tally *tally, double wait_s);

/* ---- simulation.c ---- */

void kw_plan_line_level(
    struct kw_plan_simulation *simulation, struct kw_plan_line *line, uint32_t level, double now_s);
/* Those whose deadline has passed leave. */
void kw_plan_line_expire(struct kw_plan_simulation *simulation, struct kw_plan_line *line, double now_s);
/* A finished pair: to the first who waits, or into the pool. */
void kw_plan_line_publish(struct kw_plan_simulation *simulation, struct kw_plan_line *line, double now_s);

/* ---- simulation_make.c ---- */

/* Every worker looks at the pools for the first time. */
void kw_plan_makers_begin(struct kw_plan_simulation *simulation);
/* The bell: sleeping workers look at the pools. */
void kw_plan_makers_wake(struct kw_plan_simulation *simulation, double now_s);
/* The next event of that maker is due. */
void kw_plan_maker_event(struct kw_plan_simulation *simulation, unsigned index, double now_s);
/* Orders for those who wait and have none, as many as are allowed. */
void kw_plan_makers_order(struct kw_plan_simulation *simulation, double now_s);

static inline struct kw_plan_tally *kw_plan_tally_of(
    const struct kw_plan_simulation *simulation, const struct kw_plan_line *line)
{
    return &simulation->run->spec[line->spec];
}

/* The part of a stretch of time that counts. */
static inline double kw_plan_counted_s(
    const struct kw_plan_simulation *simulation, double began_s, double now_s)
{
    double from_s = began_s > simulation->options->begin_s ? began_s : simulation->options->begin_s;

    return now_s > from_s ? now_s - from_s : 0;
}

#endif
