#include "tools/plan/simulation_internal.h"

#include "pool/limits.h"

#include <math.h>
#include <stdlib.h>

/* ---- the line of a spec ---- */

void kw_plan_line_level(
    struct kw_plan_simulation *simulation, struct kw_plan_line *line, uint32_t level, double now_s)
{
    struct kw_plan_tally *tally = kw_plan_tally_of(simulation, line);
    double lasted_s = kw_plan_counted_s(simulation, line->changed_s, now_s);

    tally->level_s += lasted_s * line->level;
    if (line->level == 0)
        tally->low_s += lasted_s;
    line->changed_s = now_s;
    line->level = level;
}

static double first_in_line(const struct kw_plan_queue *queue)
{
    return queue->came_s[queue->first];
}

static void leave_line(struct kw_plan_queue *queue)
{
    queue->first = queue->first + 1 == queue->room ? 0 : queue->first + 1;
    queue->num--;
}

static void join_line(struct kw_plan_queue *queue, double now_s)
{
    uint32_t last = queue->first + queue->num;

    queue->came_s[last >= queue->room ? last - queue->room : last] = now_s;
    queue->num++;
}

void kw_plan_line_expire(struct kw_plan_simulation *simulation, struct kw_plan_line *line, double now_s)
{
    struct kw_plan_queue *queue = &line->queue;
    struct kw_plan_tally *tally = kw_plan_tally_of(simulation, line);

    while (queue->num > 0 && first_in_line(queue) + simulation->wait_s <= now_s) {
        if (first_in_line(queue) >= simulation->options->begin_s) {
            tally->timeouts++;
            kw_plan_tally_wait(tally, INFINITY);
        }
        leave_line(queue);
        line->ended++;
    }
}

/* Those who wait look again every so often. */
static double seen_after_s(double wait_s)
{
    const double recheck_s = KW_POOL_RECHECK_MS / 1e3;

    return ceil(wait_s / recheck_s) * recheck_s;
}

static void serve_first(struct kw_plan_simulation *simulation, struct kw_plan_line *line, double now_s)
{
    double came_s = first_in_line(&line->queue);

    leave_line(&line->queue);
    line->ended++;
    if (came_s >= simulation->options->begin_s)
        kw_plan_tally_wait(kw_plan_tally_of(simulation, line), seen_after_s(now_s - came_s));
}

static void note_full(struct kw_plan_simulation *simulation, struct kw_plan_line *line, double now_s)
{
    double *full_s = &simulation->run->full_s[line->spec];

    if (line->level < line->high || isfinite(*full_s))
        return;
    *full_s = now_s;
    simulation->not_full--;
    simulation->stopped |= simulation->options->until_full && simulation->not_full == 0;
}

/* What was made for a request that left has room in the pool, or is of no use. */
void kw_plan_line_publish(struct kw_plan_simulation *simulation, struct kw_plan_line *line, double now_s)
{
    kw_plan_line_expire(simulation, line, now_s);
    if (now_s >= simulation->options->begin_s)
        kw_plan_tally_of(simulation, line)->pairs++;
    if (line->queue.num > 0)
        serve_first(simulation, line, now_s);
    else if (line->level + line->held < line->high)
        kw_plan_line_level(simulation, line, line->level + 1, now_s);
    note_full(simulation, line, now_s);
}

/* ---- requests ---- */

static void refuse(struct kw_plan_simulation *simulation, struct kw_plan_line *line, bool counts)
{
    struct kw_plan_tally *tally = kw_plan_tally_of(simulation, line);

    line->ended++;
    if (counts) {
        tally->rejects++;
        kw_plan_tally_wait(tally, INFINITY);
    }
}

static void miss(struct kw_plan_simulation *simulation, struct kw_plan_line *line, double now_s)
{
    bool counts = now_s >= simulation->options->begin_s;

    kw_plan_line_expire(simulation, line, now_s);
    kw_plan_tally_of(simulation, line)->misses += counts;
    if (simulation->run->missed < 0)
        simulation->run->missed = (int)line->spec;
    simulation->stopped |= simulation->options->until_miss && line->spec == simulation->options->miss_spec;
    if (line->on_empty == KW_ON_EMPTY_REJECT || line->queue.num == line->queue.room)
        refuse(simulation, line, counts);
    else
        join_line(&line->queue, now_s);
    if (simulation->sleeping > 0)
        kw_plan_makers_wake(simulation, now_s);
    if (line->on_empty == KW_ON_EMPTY_GENERATE)
        kw_plan_makers_order(simulation, now_s);
}

/* Each core serves in turn. */
static void serve(struct kw_plan_simulation *simulation)
{
    simulation->makers[simulation->serves_next].owed_s += simulation->of->settings.serve_s;
    if (++simulation->serves_next == simulation->num_workers)
        simulation->serves_next = 0;
}

static void request(struct kw_plan_simulation *simulation, struct kw_plan_line *line, double now_s)
{
    simulation->run->requests++;
    if (now_s >= simulation->options->begin_s)
        kw_plan_tally_of(simulation, line)->requests++;
    if (simulation->of->settings.serve_s > 0)
        serve(simulation);
    if (line->level == 0) {
        miss(simulation, line, now_s);
        return;
    }
    kw_plan_line_level(simulation, line, line->level - 1, now_s);
    line->ended++;
    if (line->level < line->low && simulation->sleeping > 0)
        kw_plan_makers_wake(simulation, now_s);
}

/* ---- time ---- */

static void record_points(struct kw_plan_simulation *simulation, double now_s)
{
    const struct kw_plan_run_options *options = simulation->options;
    double step_s = (options->end_s - options->begin_s) / (double)KW_MAX(options->num_points, (size_t)1);

    while (simulation->point < options->num_points && simulation->point_s <= now_s) {
        struct kw_plan_point *point = &options->points[simulation->point++];

        *point = (struct kw_plan_point){.time_s = simulation->point_s};
        for (unsigned i = 0; i < simulation->num_lines; i++) {
            point->level[simulation->lines[i].spec] = simulation->lines[i].level;
            point->waiters[simulation->lines[i].spec] = simulation->lines[i].queue.num;
        }
        simulation->point_s = options->begin_s + step_s * (double)simulation->point;
    }
    if (simulation->point == options->num_points)
        simulation->point_s = INFINITY;
}

static struct kw_plan_line *next_line(struct kw_plan_simulation *simulation)
{
    struct kw_plan_line *next = &simulation->lines[0];

    for (unsigned i = 1; i < simulation->num_lines; i++)
        if (simulation->lines[i].arrivals.next_s < next->arrivals.next_s)
            next = &simulation->lines[i];
    return next;
}

static void simulate(struct kw_plan_simulation *simulation)
{
    double end_s = simulation->options->end_s, now_s = 0;

    while (!simulation->stopped) {
        struct kw_plan_line *line = next_line(simulation);
        double event_s = kw_plan_agenda_next_s(&simulation->agenda), request_s = line->arrivals.next_s;
        double next_s = request_s < event_s ? request_s : event_s;

        if (next_s > end_s)
            break;
        if (simulation->point_s <= next_s)
            record_points(simulation, next_s);
        now_s = next_s;
        if (request_s < event_s) {
            request(simulation, line, now_s);
            kw_plan_arrivals_next(&line->arrivals);
        } else {
            kw_plan_maker_event(simulation, kw_plan_agenda_first(&simulation->agenda), now_s);
        }
    }
    simulation->run->ended_s = simulation->stopped ? now_s : end_s;
    record_points(simulation, end_s);
}

/* ---- set up and tear down ---- */

static void simulation_done(struct kw_plan_simulation *simulation)
{
    for (unsigned i = 0; i < simulation->num_lines; i++)
        free(simulation->lines[i].queue.came_s);
    free(simulation->makers);
}

static void set_making(const struct kw_plan_simulation *simulation, struct kw_plan_line *line)
{
    const struct kw_plan_profile *profile = simulation->of->profile;
    const struct kw_plan_make *make = &profile->make[line->spec];

    line->batch = KW_MAX(make->batch, 1u);
    /* The engine knows of it for curves only (engine/generator.h). */
    line->together = kw_spec_info(line->spec)->kind == KW_KIND_RSA ? 1 : line->batch;
    line->batch_s = kw_plan_make_s(profile, line->spec, simulation->num_workers) * line->batch;
    line->quantiles = make->quantiles;
}

static int add_line(struct kw_plan_simulation *simulation, enum kw_spec spec)
{
    const struct kw_plan_case *of = simulation->of;
    const struct kw_plan_settings *settings = &of->settings;
    struct kw_plan_line *line = &simulation->lines[simulation->num_lines];

    line->spec = spec;
    line->on_empty = settings->on_empty[spec];
    line->high = settings->depth[spec];
    line->low = kw_plan_low_watermark(settings, spec);
    line->level = simulation->options->empty ? 0 : line->high;
    line->queue.room = settings->waiters_max > 0 ? settings->waiters_max : KW_POOL_WAITERS_MAX;
    line->queue.came_s = calloc(line->queue.room, sizeof(*line->queue.came_s));
    KW_REQUIRE(line->queue.came_s != NULL, -ENOMEM);
    set_making(simulation, line);
    kw_plan_arrivals_init(&line->arrivals, &of->demand[spec], simulation->options->seed, 1 + (uint64_t)spec);
    simulation->num_lines++;
    return 0;
}

static unsigned num_for_requests(const struct kw_plan_settings *settings)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (settings->depth[spec] == 0 || settings->on_empty[spec] != KW_ON_EMPTY_GENERATE)
            continue;
        if (settings->generate_max > 0)
            return settings->generate_max;
        return KW_MIN(KW_MAX(settings->cores / 2, 1u), KW_ONDEMAND_MAX);
    }
    return 0;
}

/* With one pool, and nobody else on the cores, a worker that looks at it again would go on with what it does
 * until a pair is done: slices need not end. */
static double slice_s(const struct kw_plan_simulation *simulation)
{
    bool alone = simulation->num_lines == 1 && simulation->num_makers == simulation->num_workers;

    return alone ? INFINITY : KW_SLICE_NS / 1e9;
}

static int set_up(struct kw_plan_simulation *simulation)
{
    const struct kw_plan_settings *settings = &simulation->of->settings;

    kw_plan_random_seed(&simulation->random, simulation->options->seed, 0);
    simulation->num_workers = settings->cores;
    simulation->num_makers = settings->cores + num_for_requests(settings);
    simulation->wait_s = settings->wait_s > 0 ? settings->wait_s : KW_POOL_WAIT_MS / 1e3;
    simulation->makers = calloc(simulation->num_makers, sizeof(*simulation->makers));
    KW_REQUIRE(simulation->makers != NULL, -ENOMEM);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (settings->depth[spec] > 0)
            KW_TRY(add_line(simulation, (enum kw_spec)spec));
    simulation->slice_s = slice_s(simulation);
    simulation->not_full = simulation->num_lines;
    simulation->point_s = simulation->options->points != NULL ? simulation->options->begin_s : INFINITY;
    kw_plan_agenda_init(&simulation->agenda, simulation->num_makers);
    return 0;
}

static void begin(struct kw_plan_simulation *simulation)
{
    for (unsigned i = 0; i < KW_SPEC_NUM; i++)
        simulation->run->full_s[i] = INFINITY;
    for (unsigned i = 0; i < simulation->num_lines; i++)
        note_full(simulation, &simulation->lines[i], 0);
    kw_plan_makers_begin(simulation);
}

int kw_plan_run(
    const struct kw_plan_case *of, const struct kw_plan_run_options *options, struct kw_plan_run *ret)
{
    KW_CLEANUP(simulation_done)
    struct kw_plan_simulation simulation = {.of = of, .options = options, .run = ret};

    *ret = (struct kw_plan_run){.missed = -1};
    KW_TRY(set_up(&simulation));
    begin(&simulation);
    simulate(&simulation);
    for (unsigned i = 0; i < simulation.num_lines; i++)
        kw_plan_line_level(&simulation, &simulation.lines[i], simulation.lines[i].level, ret->ended_s);
    return 0;
}
