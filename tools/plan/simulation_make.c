/* simulation_make - those who make pairs, in slices, as engine/worker.c and engine/maker.c do, and
 * api/forge.c for requests that wait. */
#include "tools/plan/simulation_internal.h"

#include <math.h>

#define NS_PER_S 1e9

static double draw_batch_s(struct kw_plan_simulation *simulation, const struct kw_plan_line *line)
{
    uint64_t at = kw_plan_random_bits(&simulation->random) % KW_PLAN_QUANTILES;

    return line->batch_s * line->quantiles[at];
}

static bool is_worker(const struct kw_plan_simulation *simulation, unsigned index)
{
    return index < simulation->num_workers;
}

/* ---- the work itself ---- */

/* More at work than there are cores: each gets its part. A worker that has to leave a share of its core alone
 * pauses after each slice, so that its work takes longer by so much. */
static double stretch_of(const struct kw_plan_simulation *simulation, unsigned index)
{
    double crowd = (double)simulation->working / simulation->num_workers;
    double share = is_worker(simulation, index) ? simulation->of->settings.cpu_share : 1;

    return fmax(crowd, 1) / share;
}

/* Until the batch is done or the slice is over. */
static void go_on(struct kw_plan_simulation *simulation, unsigned index, double now_s)
{
    struct kw_plan_maker *maker = &simulation->makers[index];
    const struct kw_plan_line *line = &simulation->lines[maker->spec];
    struct kw_plan_bench *bench = &maker->bench[maker->spec];
    double done_s;

    if (bench->left_s <= 0)
        bench->left_s = draw_batch_s(simulation, line);
    done_s = now_s + bench->left_s * maker->stretch;
    maker->finishes = done_s <= maker->deadline_s;
    maker->began_s = now_s;
    kw_plan_agenda_set(&simulation->agenda, index, maker->finishes ? done_s : fmax(maker->deadline_s, now_s));
}

/* What its event stands for has happened. */
static void account(struct kw_plan_simulation *simulation, struct kw_plan_maker *maker, double now_s)
{
    struct kw_plan_line *line = &simulation->lines[maker->spec];
    struct kw_plan_bench *bench = &maker->bench[maker->spec];
    double wall_s = now_s - maker->began_s;
    double used_s = maker->finishes ? bench->left_s : fmin(wall_s / maker->stretch, bench->left_s);
    double counted_s = kw_plan_counted_s(simulation, maker->began_s, now_s);

    if (wall_s > 0)
        kw_plan_tally_of(simulation, line)->making_s += used_s * counted_s / wall_s;
    bench->spent_s += used_s;
    if (maker->finishes) {
        bench->left_s = 0;
        bench->ready = line->batch;
    } else {
        /* Never quite nothing: that would be no batch. */
        bench->left_s = fmax(bench->left_s - used_s, 1e-12);
    }
}

/* ---- workers ---- */

static void learn(const struct kw_plan_line *line, struct kw_plan_bench *bench, unsigned made)
{
    bench->make_s =
        kw_sched_learn_make_s(bench->make_s, bench->spent_s / made, made, line->together, !bench->learned);
    bench->learned = true;
}

static void end_slice(
    struct kw_plan_simulation *simulation, struct kw_plan_maker *maker, bool no_slot, double now_s)
{
    const struct kw_plan_line *line = &simulation->lines[maker->spec];
    struct kw_plan_bench *bench = &maker->bench[maker->spec];

    if (maker->made > 0)
        learn(line, bench, maker->made);
    if (maker->made > 0 || !bench->holding)
        bench->spent_s = 0;
    if (no_slot)
        bench->blocked_until_s = now_s + KW_SCHED_NO_SLOT_NS / NS_PER_S;
}

static bool acquire(struct kw_plan_line *line, struct kw_plan_bench *bench)
{
    if (!bench->holding && line->level + line->held >= line->high + line->queue.num)
        return false;
    line->held += !bench->holding;
    bench->holding = true;
    return true;
}

/* kw_maker_run() from where it is. Returns true if the slice is over. */
static bool work(struct kw_plan_simulation *simulation, unsigned index, double now_s)
{
    struct kw_plan_maker *maker = &simulation->makers[index];
    struct kw_plan_line *line = &simulation->lines[maker->spec];
    struct kw_plan_bench *bench = &maker->bench[maker->spec];

    for (;;) {
        if (!acquire(line, bench)) {
            end_slice(simulation, maker, true, now_s);
            return true;
        }
        if (bench->ready == 0) {
            go_on(simulation, index, now_s);
            return false;
        }
        bench->ready--;
        bench->holding = false;
        line->held--;
        maker->made++;
        kw_plan_line_publish(simulation, line, now_s);
        if (maker->carried || line->level >= line->high || now_s >= maker->deadline_s) {
            end_slice(simulation, maker, false, now_s);
            return true;
        }
    }
}

static void sample_demand(const struct kw_plan_line *line, struct kw_plan_bench *bench, uint64_t now_ns)
{
    if (bench->demand.last_ns == 0 || now_ns - bench->demand.last_ns >= KW_DEMAND_SAMPLE_NS)
        kw_demand_sample(&bench->demand, line->ended, now_ns, KW_DEMAND_HALF_LIFE_S);
}

static void look(struct kw_plan_simulation *simulation, struct kw_plan_maker *maker, double now_s)
{
    uint64_t now_ns = (uint64_t)(now_s * NS_PER_S) + 1;

    for (unsigned i = 0; i < simulation->num_lines; i++) {
        struct kw_plan_line *line = &simulation->lines[i];
        struct kw_plan_bench *bench = &maker->bench[i];
        struct kw_sched_pool *view = &maker->views[i];

        kw_plan_line_expire(simulation, line, now_s);
        sample_demand(line, bench, now_ns);
        view->level = line->level;
        view->making = line->making - ((int)i == maker->spec);
        view->low_watermark = line->low;
        view->high_watermark = line->high;
        view->waiters = line->queue.num;
        view->blocked = now_s < bench->blocked_until_s;
        view->demand_per_s = bench->demand.rate_per_s;
        view->make_s = bench->make_s;
        view->refilling = line->refilling;
    }
}

static void turn_to(struct kw_plan_simulation *simulation, struct kw_plan_maker *maker, int spec)
{
    if (spec == maker->spec)
        return;
    if (maker->spec >= 0)
        simulation->lines[maker->spec].making--;
    if (spec >= 0)
        simulation->lines[spec].making++;
    simulation->working += (spec >= 0) - (maker->spec >= 0);
    simulation->sleeping += (spec < 0) - (maker->spec < 0);
    maker->spec = spec;
}

static void rest(struct kw_plan_simulation *simulation, unsigned index, double now_s)
{
    const struct kw_plan_maker *maker = &simulation->makers[index];
    double until_s = now_s + KW_SCHED_REST_NS / NS_PER_S;

    for (unsigned i = 0; i < simulation->num_lines; i++)
        if (maker->bench[i].blocked_until_s > now_s)
            until_s = fmin(until_s, maker->bench[i].blocked_until_s);
    kw_plan_agenda_set(&simulation->agenda, index, until_s);
}

static void begin_slice(struct kw_plan_simulation *simulation, unsigned index, double now_s)
{
    struct kw_plan_maker *maker = &simulation->makers[index];
    struct kw_plan_bench *bench = &maker->bench[maker->spec];

    bench->blocked_until_s = 0;
    maker->stretch = stretch_of(simulation, index);
    maker->carried = bench->holding;
    maker->made = 0;
    maker->deadline_s = now_s + simulation->slice_s;
}

/* Slices of no length end: each hands a pair over, up to the high watermark, or finds no slot and leaves the
 * pool alone. */
static void pick_and_work(struct kw_plan_simulation *simulation, unsigned index, double now_s)
{
    struct kw_plan_maker *maker = &simulation->makers[index];

    do {
        look(simulation, maker, now_s);
        turn_to(simulation, maker, kw_sched_pick(maker->views, simulation->num_lines));
        for (unsigned i = 0; i < simulation->num_lines; i++)
            simulation->lines[i].refilling = maker->views[i].refilling;
        if (maker->spec < 0) {
            rest(simulation, index, now_s);
            return;
        }
        begin_slice(simulation, index, now_s);
    } while (work(simulation, index, now_s));
}

static void worker_event(struct kw_plan_simulation *simulation, unsigned index, double now_s)
{
    struct kw_plan_maker *maker = &simulation->makers[index];

    if (maker->spec < 0) {
        pick_and_work(simulation, index, now_s);
        return;
    }
    account(simulation, maker, now_s);
    if (maker->finishes) {
        if (work(simulation, index, now_s))
            pick_and_work(simulation, index, now_s);
        return;
    }
    end_slice(simulation, maker, false, now_s);
    pick_and_work(simulation, index, now_s);
}

/* ---- pairs made for requests ---- */

static void order_slice(struct kw_plan_simulation *simulation, unsigned index, double now_s)
{
    struct kw_plan_maker *maker = &simulation->makers[index];

    maker->stretch = stretch_of(simulation, index);
    maker->deadline_s = now_s + simulation->slice_s;
    go_on(simulation, index, now_s);
}

static void end_order(struct kw_plan_simulation *simulation, unsigned index)
{
    struct kw_plan_maker *maker = &simulation->makers[index];

    simulation->lines[maker->spec].orders--;
    simulation->working--;
    maker->spec = -1;
    kw_plan_agenda_set(&simulation->agenda, index, INFINITY);
}

static void hand_over(struct kw_plan_simulation *simulation, unsigned index, double now_s)
{
    struct kw_plan_maker *maker = &simulation->makers[index];
    struct kw_plan_line *line = &simulation->lines[maker->spec];

    maker->bench[maker->spec].ready--;
    end_order(simulation, index);
    kw_plan_line_publish(simulation, line, now_s);
}

static void order_event(struct kw_plan_simulation *simulation, unsigned index, double now_s)
{
    struct kw_plan_maker *maker = &simulation->makers[index];
    struct kw_plan_line *line = &simulation->lines[maker->spec];

    account(simulation, maker, now_s);
    if (maker->finishes)
        hand_over(simulation, index, now_s);
    else if (line->queue.num < line->orders)
        end_order(simulation, index); /* nobody wants it any more; what is half done stays */
    else
        order_slice(simulation, index, now_s);
    kw_plan_makers_order(simulation, now_s);
}

static unsigned free_maker(const struct kw_plan_simulation *simulation)
{
    unsigned index = simulation->num_workers;

    while (index < simulation->num_makers && simulation->makers[index].spec >= 0)
        index++;
    return index;
}

static bool wants_order(const struct kw_plan_line *line)
{
    return line->on_empty == KW_ON_EMPTY_GENERATE && line->orders < line->queue.num;
}

/* Returns false if all are at work. */
static bool place_order(struct kw_plan_simulation *simulation, unsigned spec, double now_s)
{
    unsigned index = free_maker(simulation);

    if (index == simulation->num_makers)
        return false;
    simulation->makers[index].spec = (int)spec;
    simulation->lines[spec].orders++;
    simulation->working++;
    if (simulation->makers[index].bench[spec].ready > 0)
        hand_over(simulation, index, now_s);
    else
        order_slice(simulation, index, now_s);
    return true;
}

void kw_plan_makers_order(struct kw_plan_simulation *simulation, double now_s)
{
    if (simulation->num_makers == simulation->num_workers)
        return;
    for (unsigned i = 0; i < simulation->num_lines; i++)
        while (wants_order(&simulation->lines[i]))
            if (!place_order(simulation, i, now_s))
                return;
}

/* ---- all ---- */

void kw_plan_maker_event(struct kw_plan_simulation *simulation, unsigned index, double now_s)
{
    struct kw_plan_maker *maker = &simulation->makers[index];
    double owed_s = maker->owed_s;

    maker->owed_s = 0;
    if (owed_s > 0 && maker->spec >= 0) {
        /* Its core was not its own meanwhile: what it is at ends later, and took no more of its time. */
        maker->began_s += owed_s;
        kw_plan_agenda_set(&simulation->agenda, index, now_s + owed_s);
    } else if (is_worker(simulation, index)) {
        worker_event(simulation, index, now_s);
    } else {
        order_event(simulation, index, now_s);
    }
}

void kw_plan_makers_wake(struct kw_plan_simulation *simulation, double now_s)
{
    for (unsigned i = 0; i < simulation->num_workers && simulation->sleeping > 0; i++) {
        if (simulation->makers[i].spec >= 0)
            continue;
        simulation->makers[i].owed_s = 0; /* an idle core has time to serve */
        pick_and_work(simulation, i, now_s);
    }
}

void kw_plan_makers_begin(struct kw_plan_simulation *simulation)
{
    for (unsigned i = 0; i < simulation->num_makers; i++) {
        struct kw_plan_maker *maker = &simulation->makers[i];

        maker->spec = -1;
        for (unsigned j = 0; j < simulation->num_lines; j++)
            maker->bench[j].make_s = kw_sched_guess_make_s(simulation->lines[j].spec);
    }
    simulation->sleeping = simulation->num_workers;
    for (unsigned i = 0; i < simulation->num_workers; i++)
        pick_and_work(simulation, i, 0);
}
