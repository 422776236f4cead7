#include "engine/scheduler.h"

#include <check.h>
#include <math.h>

/* For what is checked a hundred thousand times: Check's own assertions cost a system call each. */
#define CHECK_OFTEN(cond)                                                                                    \
    do {                                                                                                     \
        if (!(cond))                                                                                         \
            ck_abort_msg("%s", #cond);                                                                       \
    } while (0)

/* A small generator of our own, so that each run of the tests is the same run. */
static uint64_t random_state = 1;

static uint64_t random_bits(void)
{
    random_state += 0x9e3779b97f4a7c15u;
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t random_below(uint32_t bound)
{
    return (uint32_t)(random_bits() % bound);
}

static double random_unit(void)
{
    return ((double)(random_bits() >> 11) + 1) / 0x1p53;
}

static struct kw_sched_pool full_pool(void)
{
    return (struct kw_sched_pool){.level = 10, .low_watermark = 8, .high_watermark = 10, .make_s = 0.1};
}

/* ---- the time per pair ---- */

START_TEST(time_per_pair_is_learned)
{
    /* The first pair replaces the guess; of a batch that is made together it is a part only. */
    ck_assert_double_eq(kw_sched_learn_make_s(5, 0.1, 1, 1, true), 0.1);
    ck_assert_double_eq_tol(kw_sched_learn_make_s(5, 0.64, 1, 64, true), 0.01, 1e-12);
    ck_assert_double_eq_tol(kw_sched_learn_make_s(5, 0.01, 64, 64, true), 0.01, 1e-12);
    /* Then each weighs a sixteenth, and many at once as much as one after the other. */
    ck_assert_double_eq_tol(kw_sched_learn_make_s(0.1, 0.26, 1, 1, false), 0.11, 1e-12);
    ck_assert_double_eq_tol(kw_sched_learn_make_s(0.1, 0.2, 2, 1, false),
        kw_sched_learn_make_s(kw_sched_learn_make_s(0.1, 0.2, 1, 1, false), 0.2, 1, 1, false), 1e-12);
    ck_assert_double_eq_tol(kw_sched_learn_make_s(0.1, 0.2, 100000, 64, false), 0.2, 1e-9);
    ck_assert_double_eq_tol(
        kw_sched_guess_make_s(KW_SPEC_RSA_4096) / kw_sched_guess_make_s(KW_SPEC_RSA_2048), 16, 1e-9);
    ck_assert(kw_sched_guess_make_s(KW_SPEC_ECC_NIST_P256) < kw_sched_guess_make_s(KW_SPEC_RSA_2048));
}
END_TEST

/* ---- one pick ---- */

START_TEST(nothing_is_picked_when_all_are_full)
{
    struct kw_sched_pool pools[3] = {full_pool(), full_pool(), full_pool()};

    ck_assert_int_eq(kw_sched_pick(pools, 3), KW_SCHEDULER_NONE);
    pools[1].level = 11;
    pools[2].refilling = true;
    ck_assert_int_eq(kw_sched_pick(pools, 3), KW_SCHEDULER_NONE);
    ck_assert(!pools[2].refilling);
    ck_assert_int_eq(kw_sched_pick(pools, 0), KW_SCHEDULER_NONE);
}
END_TEST

START_TEST(refilling_starts_below_low_and_ends_at_high)
{
    struct kw_sched_pool pool = full_pool();

    for (pool.level = 9; pool.level >= 8; pool.level--)
        ck_assert_int_eq(kw_sched_pick(&pool, 1), KW_SCHEDULER_NONE);
    for (pool.level = 7; pool.level < 10; pool.level++)
        ck_assert_int_eq(kw_sched_pick(&pool, 1), 0);
    ck_assert_int_eq(kw_sched_pick(&pool, 1), KW_SCHEDULER_NONE);
    pool.level = 9;
    ck_assert_int_eq(kw_sched_pick(&pool, 1), KW_SCHEDULER_NONE);
}
END_TEST

START_TEST(zero_watermarks_mean_one_pair)
{
    struct kw_sched_pool pool = {.make_s = 0.1};

    ck_assert_int_eq(kw_sched_pick(&pool, 1), 0);
    pool.level = 1;
    ck_assert_int_eq(kw_sched_pick(&pool, 1), KW_SCHEDULER_NONE);
}
END_TEST

START_TEST(pairs_being_made_count_against_the_need)
{
    struct kw_sched_pool pool = full_pool();

    pool.level = 7;
    pool.making = 2;
    ck_assert_int_eq(kw_sched_pick(&pool, 1), 0);
    pool.making = 3;
    ck_assert_int_eq(kw_sched_pick(&pool, 1), KW_SCHEDULER_NONE);
    ck_assert(pool.refilling);

    /* One more worker than there are places helps the one that waits: the first may have been stopped. */
    pool = (struct kw_sched_pool){
        .making = 1, .low_watermark = 1, .high_watermark = 1, .waiters = 1, .make_s = 1};
    ck_assert_int_eq(kw_sched_pick(&pool, 1), 0);
    pool.making = UINT32_MAX;
    ck_assert_int_eq(kw_sched_pick(&pool, 1), KW_SCHEDULER_NONE);
}
END_TEST

START_TEST(a_blocked_pool_is_never_picked)
{
    struct kw_sched_pool pools[2] = {full_pool(), full_pool()};

    pools[0].level = 0;
    pools[0].waiters = 9;
    pools[0].blocked = true;
    ck_assert_int_eq(kw_sched_pick(pools, 2), KW_SCHEDULER_NONE);
    pools[1].level = 1;
    ck_assert_int_eq(kw_sched_pick(pools, 2), 1);
    pools[0].blocked = false;
    ck_assert_int_eq(kw_sched_pick(pools, 2), 0);
}
END_TEST

START_TEST(waiters_go_first)
{
    struct kw_sched_pool pools[3] = {full_pool(), full_pool(), full_pool()};

    pools[0].level = 1;
    pools[0].demand_per_s = 1e6;
    pools[2].level = 0;
    pools[2].waiters = 1;
    ck_assert_int_eq(kw_sched_pick(pools, 3), 2);
    /* Waiters that the level already serves are no reason to hurry. */
    pools[2].level = 2;
    pools[2].waiters = 2;
    ck_assert_int_eq(kw_sched_pick(pools, 3), 0);
}
END_TEST

START_TEST(most_waiters_per_making_worker_go_first)
{
    struct kw_sched_pool pools[2] = {full_pool(), full_pool()};

    pools[0].level = pools[1].level = 0;
    pools[0].waiters = 4;
    pools[0].making = 3;
    pools[1].waiters = 2;
    ck_assert_int_eq(kw_sched_pick(pools, 2), 1);
}
END_TEST

START_TEST(a_dry_pool_comes_before_one_that_has_pairs)
{
    struct kw_sched_pool pools[2] = {full_pool(), full_pool()};

    pools[0].level = 1;
    pools[0].demand_per_s = 1000;
    pools[1].level = 0;
    ck_assert_int_eq(kw_sched_pick(pools, 2), 1);
    pools[1].making = 1;
    ck_assert_int_eq(kw_sched_pick(pools, 2), 0);
}
END_TEST

START_TEST(the_one_that_runs_dry_first_is_picked)
{
    struct kw_sched_pool pools[2] = {full_pool(), full_pool()};

    pools[0].level = 6;
    pools[0].demand_per_s = 1;
    pools[1].level = 7;
    pools[1].demand_per_s = 2;
    ck_assert_int_eq(kw_sched_pick(pools, 2), 1);
    pools[0].demand_per_s = 3;
    ck_assert_int_eq(kw_sched_pick(pools, 2), 0);
    /* With the same time to go, the slower to make must be begun first. */
    pools[0] = pools[1];
    pools[1].make_s = 2;
    ck_assert_int_eq(kw_sched_pick(pools, 2), 1);
}
END_TEST

START_TEST(ties_go_to_the_lowest_index)
{
    struct kw_sched_pool pools[3] = {full_pool(), full_pool(), full_pool()};

    pools[1].level = pools[2].level = 3;
    ck_assert_int_eq(kw_sched_pick(pools, 3), 1);
    pools[1].level = pools[2].level = 0;
    ck_assert_int_eq(kw_sched_pick(pools, 3), 1);
    ck_assert_int_eq(kw_sched_pick(pools, 3), 2);
    ck_assert_int_eq(kw_sched_pick(pools, 3), 1);
}
END_TEST

START_TEST(absurd_figures_do_no_harm)
{
    struct kw_sched_pool pools[3] = {full_pool(), full_pool(), full_pool()};

    pools[0].level = pools[1].level = pools[2].level = 5;
    pools[0].make_s = NAN;
    pools[0].demand_per_s = NAN;
    pools[1].make_s = -1;
    pools[1].demand_per_s = -INFINITY;
    pools[2].make_s = 0;
    pools[2].demand_per_s = INFINITY;
    ck_assert_int_eq(kw_sched_pick(pools, 3), 2);
    pools[2].level = 10;
    ck_assert_int_ge(kw_sched_pick(pools, 3), 0);
}
END_TEST

static struct kw_sched_pool random_pool(void)
{
    uint32_t high = random_below(20), low = random_below(25);

    return (struct kw_sched_pool){
        .level = random_below(25),
        .making = random_below(4) ? 0 : random_below(25),
        .low_watermark = low,
        .high_watermark = high,
        .waiters = random_below(3) ? 0 : random_below(40),
        .blocked = random_below(8) == 0,
        .demand_per_s = random_below(2) ? 0 : random_unit() * 1000,
        .make_s = pow(10, -5 * random_unit()),
        .refilling = random_below(2),
    };
}

/* The definitions of the header, written a second time and differently. */
static bool wanted(const struct kw_sched_pool *pool)
{
    uint32_t low = pool->low_watermark ? pool->low_watermark : 1;
    uint32_t high = pool->high_watermark > low ? pool->high_watermark : low;
    bool begin = pool->level < low || pool->waiters > pool->level;

    if (pool->blocked || pool->level >= high || !(pool->refilling || begin))
        return false;
    return (int64_t)high + pool->waiters - pool->level - pool->making > 0;
}

static bool urgent(const struct kw_sched_pool *pool)
{
    return wanted(pool) && (pool->waiters > pool->level || pool->level + pool->making == 0);
}

START_TEST(each_pick_keeps_the_promises_of_the_header)
{
    struct kw_sched_pool pools[8], before[8], again[8];

    for (unsigned round = 0; round < 100000; round++) {
        size_t num = random_below(9), num_wanted = 0, num_urgent = 0;
        int picked;

        for (size_t i = 0; i < num; i++) {
            pools[i] = before[i] = again[i] = random_pool();
            num_wanted += wanted(&pools[i]);
            num_urgent += urgent(&pools[i]);
        }
        picked = kw_sched_pick(pools, num);
        CHECK_OFTEN(picked == kw_sched_pick(again, num));
        CHECK_OFTEN((picked == KW_SCHEDULER_NONE) == (num_wanted == 0));
        if (picked == KW_SCHEDULER_NONE)
            continue;
        CHECK_OFTEN(picked < (int)num);
        CHECK_OFTEN(wanted(&before[picked]));
        CHECK_OFTEN(num_urgent == 0 || urgent(&before[picked]));
        CHECK_OFTEN(pools[picked].refilling);
    }
}
END_TEST

START_TEST(urgent_pools_share_in_proportion)
{
    struct kw_sched_pool pools[4] = {full_pool(), full_pool(), full_pool(), full_pool()};
    unsigned picks[4] = {0}, last[4] = {0};

    pools[0].level = pools[1].level = pools[2].level = 0;
    pools[0].waiters = 1000; /* weighs 8 */
    pools[1].waiters = 3;
    for (unsigned round = 1; round <= 1200; round++) {
        int picked = kw_sched_pick(pools, 4);

        ck_assert_int_ge(picked, 0);
        ck_assert_uint_le(round - last[picked], 12);
        last[picked] = round;
        picks[picked]++;
    }
    ck_assert_uint_eq(picks[0], 800);
    ck_assert_uint_eq(picks[1], 300);
    ck_assert_uint_eq(picks[2], 100);
    ck_assert_uint_eq(picks[3], 0);
}
END_TEST

/* ---- simulation ---- */

#define SLICE_S     0.004
#define SIM_POOLS   8
#define SIM_WORKERS 8

/* Times to make a pair as OpenSSL has them on a slow core, and capacities in the order of the defaults. */
static const double sim_make_s[SIM_POOLS] = {0.08, 0.3, 0.9, 30e-6, 150e-6, 300e-6, 200e-6, 60e-6};
static const uint32_t sim_capacity[SIM_POOLS] = {256, 64, 32, 1024, 512, 512, 512, 1024};

struct sim {
    struct kw_sched_pool view[SIM_WORKERS][SIM_POOLS]; /* each worker's own credit */
    double left_s[SIM_WORKERS][SIM_POOLS];             /* what each worker's half-done pair still needs */
    int on[SIM_WORKERS];
    unsigned num_workers;
    uint32_t level[SIM_POOLS], waiters[SIM_POOLS];
    bool refilling[SIM_POOLS];
    double demand_per_s[SIM_POOLS], due[SIM_POOLS];
    bool patient; /* requests that find nothing wait; else they go */
    uint64_t made[SIM_POOLS], asked[SIM_POOLS], missed[SIM_POOLS];
    double first_s[SIM_POOLS], full_s[SIM_POOLS]; /* when; 0: not yet */
    struct kw_demand demand[SIM_POOLS];
    double now_s, busy_s;
};

static void sim_begin(struct sim *sim, unsigned num_workers)
{
    *sim = (struct sim){.num_workers = num_workers};
    for (unsigned w = 0; w < num_workers; w++)
        sim->on[w] = KW_SCHEDULER_NONE;
}

/* Search times scatter like the search for primes: most are short, a few are long. */
static double sim_draw(unsigned pool)
{
    return sim_make_s[pool] * (pool < 3 ? 0.2 - 0.8 * log(random_unit()) : 1);
}

static void sim_look(struct sim *sim, unsigned worker)
{
    for (unsigned p = 0; p < SIM_POOLS; p++) {
        struct kw_sched_pool *view = &sim->view[worker][p];

        view->level = sim->level[p];
        view->waiters = sim->waiters[p];
        view->low_watermark = sim_capacity[p] / 8 * 7;
        view->high_watermark = sim_capacity[p];
        view->demand_per_s = sim->demand[p].rate_per_s;
        view->make_s = sim_make_s[p];
        view->refilling = sim->refilling[p];
        view->making = 0;
        for (unsigned w = 0; w < sim->num_workers; w++)
            view->making += w != worker && sim->on[w] == (int)p;
    }
}

static void sim_publish(struct sim *sim, unsigned pool)
{
    sim->made[pool]++;
    if (sim->first_s[pool] == 0)
        sim->first_s[pool] = sim->now_s + SLICE_S;
    if (sim->waiters[pool] > 0)
        sim->waiters[pool]--;
    else
        sim->level[pool]++;
    if (sim->level[pool] >= sim_capacity[pool] && sim->full_s[pool] == 0)
        sim->full_s[pool] = sim->now_s + SLICE_S;
}

/* The rule that a worker follows: on with one spec for a slice, or until its pool is full. */
static void sim_work(struct sim *sim, unsigned worker)
{
    double left = SLICE_S;
    int p;

    sim_look(sim, worker);
    p = kw_sched_pick(sim->view[worker], SIM_POOLS);
    for (unsigned i = 0; i < SIM_POOLS; i++)
        sim->refilling[i] = sim->view[worker][i].refilling;
    sim->on[worker] = p;
    if (p == KW_SCHEDULER_NONE)
        return;
    CHECK_OFTEN(sim->level[p] < sim_capacity[p]);
    while (left > 0 && sim->level[p] < sim_capacity[p]) {
        double *need = &sim->left_s[worker][p], used;

        if (*need <= 0)
            *need = sim_draw((unsigned)p);
        used = KW_MIN(*need, left);
        *need -= used;
        left -= used;
        sim->busy_s += used;
        if (*need <= 0)
            sim_publish(sim, (unsigned)p);
    }
}

static void sim_requests(struct sim *sim)
{
    for (unsigned p = 0; p < SIM_POOLS; p++) {
        for (sim->due[p] += sim->demand_per_s[p] * SLICE_S * -log(random_unit()); sim->due[p] >= 1;
             sim->due[p]--) {
            sim->asked[p]++;
            if (sim->level[p] > 0)
                sim->level[p]--;
            else {
                sim->missed[p]++;
                sim->waiters[p] += sim->patient;
            }
        }
        kw_demand_sample(&sim->demand[p], sim->asked[p], (uint64_t)(sim->now_s * 1e9) + 1, 5);
    }
}

static void sim_run(struct sim *sim, double seconds)
{
    for (double end = sim->now_s + seconds; sim->now_s < end; sim->now_s += SLICE_S) {
        sim_requests(sim);
        for (unsigned w = 0; w < sim->num_workers; w++)
            sim_work(sim, w);
    }
}

static bool sim_full(const struct sim *sim)
{
    for (unsigned p = 0; p < SIM_POOLS; p++)
        if (sim->level[p] < sim_capacity[p])
            return false;
    return true;
}

static double sim_fill(struct sim *sim, double limit_s)
{
    while (!sim_full(sim) && sim->now_s < limit_s)
        sim_run(sim, SLICE_S);
    ck_assert(sim_full(sim));
    return sim->now_s;
}

START_TEST(cold_start_serves_every_spec_early)
{
    static const unsigned workers[] = {1, 2, 8};

    for (size_t i = 0; i < KW_ARRAY_LEN(workers); i++) {
        struct sim sim;
        double end_s;

        sim_begin(&sim, workers[i]);
        end_s = sim_fill(&sim, 300);
        /* All first pairs take 1.3 s of work on the average, up to three times that when unlucky. */
        for (unsigned p = 0; p < SIM_POOLS; p++) {
            ck_assert_double_gt(sim.first_s[p], 0);
            ck_assert_double_le(sim.first_s[p], p < 3 ? 5 : 0.1);
        }
        /* The cheap ones do not queue behind the slow ones: together they are well under a second of work. */
        for (unsigned p = 3; p < SIM_POOLS; p++)
            ck_assert_double_le(sim.full_s[p], 6);
        /* No worker rests while there is enough for all. */
        ck_assert_double_ge(sim.busy_s, 0.95 * end_s * workers[i] - 5 * workers[i]);
        for (unsigned w = 0; w < workers[i]; w++)
            sim_work(&sim, w);
        for (unsigned w = 0; w < workers[i]; w++)
            ck_assert_int_eq(sim.on[w], KW_SCHEDULER_NONE);
    }
}
END_TEST

START_TEST(steady_demand_within_the_means_is_never_missed)
{
    struct sim sim;

    sim_begin(&sim, 2);
    sim_fill(&sim, 300);
    /* 0.4 + 0.3 + 0.3 + 0.15 + 0.06 + 0.06: two thirds of two cores. */
    sim.demand_per_s[0] = 5;
    sim.demand_per_s[1] = 1;
    sim.demand_per_s[2] = 0.33;
    sim.demand_per_s[3] = 5000;
    sim.demand_per_s[4] = 400;
    sim.demand_per_s[7] = 1000;
    sim_run(&sim, 600);
    for (unsigned p = 0; p < SIM_POOLS; p++) {
        ck_assert_uint_eq(sim.missed[p], 0);
        ck_assert_double_ge(sim.level[p], 0.5 * sim_capacity[p]);
    }
}
END_TEST

START_TEST(overload_of_one_spec_starves_no_other)
{
    struct sim sim;

    for (int patient = 0; patient < 2; patient++) {
        sim_begin(&sim, 1);
        sim.patient = patient;
        sim.demand_per_s[0] = 50; /* four cores' worth on one core */
        sim.demand_per_s[2] = 0.2;
        sim.demand_per_s[3] = 2000;
        sim.demand_per_s[6] = 100;
        sim_run(&sim, 200);
        for (unsigned p = 0; p < SIM_POOLS; p++)
            ck_assert_uint_ge(sim.made[p], 1);
        ck_assert_uint_ge(sim.made[0], 500);
        ck_assert_uint_ge(sim.made[2], 10);
        ck_assert_uint_ge(sim.made[3], 2000 * 150);
        ck_assert_uint_ge(sim.made[6], 100 * 150);
    }
}
END_TEST

START_TEST(one_patient_request_for_a_slow_spec_is_served_beside_a_flood)
{
    struct sim sim;

    sim_begin(&sim, 1);
    sim.patient = true;
    sim.demand_per_s[3] = 60000; /* twice what one core makes */
    sim_run(&sim, 10);
    sim.level[2] = 0;
    sim.waiters[2] = 1;
    sim_run(&sim, 60);
    ck_assert_uint_eq(sim.waiters[2], 0);
    ck_assert_uint_ge(sim.made[3], 60 * 10000);
}
END_TEST

START_TEST(no_pool_stays_dry_while_another_is_filled_beyond_need)
{
    struct sim sim;

    sim_begin(&sim, 2);
    sim_fill(&sim, 300);
    /* A burst empties everything; from then on one spec is asked for steadily. */
    memset(sim.level, 0, sizeof(sim.level));
    memset(sim.made, 0, sizeof(sim.made));
    sim.demand_per_s[0] = 10;
    sim_run(&sim, 10);
    for (unsigned p = 0; p < SIM_POOLS; p++)
        ck_assert_uint_ge(sim.made[p], 1);
    sim_fill(&sim, 600);
}
END_TEST

/* ---- demand ---- */

START_TEST(demand_approaches_a_steady_rate_however_it_is_sampled)
{
    struct kw_demand fine = {0}, coarse = {0};
    uint64_t start = 5000000000u;

    for (unsigned ms = 0; ms <= 60000; ms++) {
        kw_demand_sample(&fine, 1000 + ms * 2, start + ms * 1000000ull, 5);
        if (ms % 7500 == 0)
            kw_demand_sample(&coarse, 1000 + ms * 2, start + ms * 1000000ull, 5);
        if (ms == 5000)
            ck_assert_double_eq_tol(fine.rate_per_s, 1000, 1); /* half way after one half life */
    }
    ck_assert_double_eq_tol(fine.rate_per_s, 2000 * (1 - exp2(-12)), 0.5);
    ck_assert_double_eq_tol(coarse.rate_per_s, fine.rate_per_s, 0.5);
}
END_TEST

START_TEST(demand_is_forgotten_by_half_lives)
{
    struct kw_demand demand = {.rate_per_s = 800, .last_count = 50, .last_ns = 1};

    kw_demand_sample(&demand, 50, 1 + 2000000000u, 2);
    ck_assert_double_eq_tol(demand.rate_per_s, 400, 1e-6);
    kw_demand_sample(&demand, 50, 1 + 6000000000u, 2);
    ck_assert_double_eq_tol(demand.rate_per_s, 100, 1e-6);
}
END_TEST

START_TEST(demand_survives_odd_samples)
{
    struct kw_demand demand = {0};

    kw_demand_sample(&demand, 1000000, 10, 5);
    ck_assert_double_eq(demand.rate_per_s, 0);
    kw_demand_sample(&demand, 1000500, 10, 5); /* no time has passed: these are counted with the next */
    kw_demand_sample(&demand, 1000500, 9, 5);
    ck_assert_double_eq(demand.rate_per_s, 0);
    kw_demand_sample(&demand, 1001000, 1000000010, 5);
    ck_assert_double_eq_tol(demand.rate_per_s, 1000 * (1 - exp2(-0.2)), 1e-6);
    kw_demand_sample(&demand, 3, 2000000010, 5); /* went back: a new base line */
    ck_assert_double_eq_tol(demand.rate_per_s, 1000 * (1 - exp2(-0.2)), 1e-6);
    kw_demand_sample(&demand, 3, 2000000010 + 100000000000, 5);
    ck_assert_double_lt(demand.rate_per_s, 0.01);
    ck_assert_double_ge(demand.rate_per_s, 0);
}
END_TEST

static TCase *sim_tests(void)
{
    TCase *tcase = tcase_create("simulation");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, time_per_pair_is_learned);
    tcase_add_test(tcase, cold_start_serves_every_spec_early);
    tcase_add_test(tcase, steady_demand_within_the_means_is_never_missed);
    tcase_add_test(tcase, overload_of_one_spec_starves_no_other);
    tcase_add_test(tcase, one_patient_request_for_a_slow_spec_is_served_beside_a_flood);
    tcase_add_test(tcase, no_pool_stays_dry_while_another_is_filled_beyond_need);
    return tcase;
}

static TCase *pick_tests(void)
{
    TCase *tcase = tcase_create("pick");

    tcase_add_test(tcase, nothing_is_picked_when_all_are_full);
    tcase_add_test(tcase, refilling_starts_below_low_and_ends_at_high);
    tcase_add_test(tcase, zero_watermarks_mean_one_pair);
    tcase_add_test(tcase, pairs_being_made_count_against_the_need);
    tcase_add_test(tcase, a_blocked_pool_is_never_picked);
    tcase_add_test(tcase, waiters_go_first);
    tcase_add_test(tcase, most_waiters_per_making_worker_go_first);
    tcase_add_test(tcase, a_dry_pool_comes_before_one_that_has_pairs);
    tcase_add_test(tcase, the_one_that_runs_dry_first_is_picked);
    tcase_add_test(tcase, ties_go_to_the_lowest_index);
    tcase_add_test(tcase, absurd_figures_do_no_harm);
    tcase_add_test(tcase, each_pick_keeps_the_promises_of_the_header);
    tcase_add_test(tcase, urgent_pools_share_in_proportion);
    return tcase;
}

static TCase *demand_tests(void)
{
    TCase *tcase = tcase_create("demand");

    tcase_add_test(tcase, demand_approaches_a_steady_rate_however_it_is_sampled);
    tcase_add_test(tcase, demand_is_forgotten_by_half_lives);
    tcase_add_test(tcase, demand_survives_odd_samples);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("scheduler");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, pick_tests());
    suite_add_tcase(suite, sim_tests());
    suite_add_tcase(suite, demand_tests());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
