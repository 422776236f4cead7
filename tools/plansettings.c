#include "tools/plansettings.h"

#include "engine/cpu.h"
#include "engine/topology.h"
#include "pool/limits.h"
#include "tools/options.h"
#include "tools/plan/demandtext.h"
#include "tools/plan/profile.h"
#include "tools/plan/quantity.h"

#include <stdio.h>
#include <stdlib.h>

/* What serving takes of the workers' cores unless told otherwise; docs/benchmarks.md measured it. */
#define SERVE_S 25e-6
/* Misses that are fine unless told otherwise. */
#define MISS_SHARE 0.001

static struct kw_plan_ask *ask_of(void *to)
{
    return to;
}

/* ---- demand ---- */

static const char *set_demand(void *to, const char *value)
{
    static char why[200];
    struct kw_plan_ask *ask = to;
    struct kw_plan_demand demand;
    enum kw_spec spec;

    if (kw_plan_demand_parse(kw_bytes_str(value), &spec, &demand, why, sizeof(why)) != 0)
        return why;
    if (ask->of.demand[spec].kind != KW_PLAN_NONE)
        return "the spec has a demand already";
    ask->of.demand[spec] = demand;
    return NULL;
}

#define TEXT_SETTER(what, member)                                                                            \
    static const char *set_##what(void *to, const char *value)                                               \
    {                                                                                                        \
        ask_of(to)->member = value;                                                                          \
        return value[0] == '\0' ? "must name a file or folder" : NULL;                                       \
    }
#define FLAG_SETTER(what, member)                                                                            \
    static const char *set_##what(void *to, const char *value)                                               \
    {                                                                                                        \
        (void)value;                                                                                         \
        ask_of(to)->member = true;                                                                           \
        return NULL;                                                                                         \
    }
#define QUANTITY_SETTER(what, parse, member, valid, wrong)                                                   \
    static const char *set_##what(void *to, const char *text)                                                \
    {                                                                                                        \
        double *value = &ask_of(to)->member;                                                                 \
                                                                                                             \
        return parse(kw_bytes_str(text), value) == 0 && (valid) ? NULL : (wrong);                            \
    }
#define NUMBER_SETTER(what, member, least, most, wrong)                                                      \
    static const char *set_##what(void *to, const char *text)                                                \
    {                                                                                                        \
        uint64_t value;                                                                                      \
                                                                                                             \
        if (kw_number_parse(text, least, most, &value) != 0)                                                 \
            return wrong;                                                                                    \
        ask_of(to)->member = (typeof(ask_of(to)->member))value;                                              \
        return NULL;                                                                                         \
    }

TEXT_SETTER(trace, trace_path)
TEXT_SETTER(audit, audit_path)
TEXT_SETTER(profile, profile_path)
TEXT_SETTER(json, json_path)
TEXT_SETTER(svg, svg_path)
FLAG_SETTER(other_machine, other_machine)
FLAG_SETTER(quiet, quiet)
FLAG_SETTER(no_sensitivity, options.no_sensitivity)
QUANTITY_SETTER(scale, kw_quantity_number, scale, *value > 0 && *value <= 1e6,
    "must be a number above 0, such as 2 or 0.5")
QUANTITY_SETTER(
    memory_max, kw_quantity_bytes, limits.memory_bytes_max, *value > 0, "must be bytes, such as 512MiB or 2G")
QUANTITY_SETTER(
    cost_max, kw_quantity_number, limits.cost_per_hour_max, *value > 0, "must be a number above 0")
QUANTITY_SETTER(cost_core, kw_quantity_number, limits.cost_per_core_hour, *value >= 0, "must be a number")
QUANTITY_SETTER(
    cost_machine, kw_quantity_number, limits.cost_per_machine_hour, *value >= 0, "must be a number")
QUANTITY_SETTER(
    serve, kw_quantity_time, of.settings.serve_s, *value < 1, "must be a time below 1s, such as 25us")
QUANTITY_SETTER(
    wait, kw_quantity_time, of.settings.wait_s, *value > 0 && *value <= 60, "must be a time, such as 2s")
NUMBER_SETTER(cores_max, limits.cores_max, 1, KW_WORKERS_MAX, "must be 1 to 256 cores")
NUMBER_SETTER(cores, of.settings.cores, 1, KW_WORKERS_MAX, "must be 1 to 256 cores")
NUMBER_SETTER(generate_max, of.settings.generate_max, 1, KW_ONDEMAND_MAX, "must be 1 to 64")
NUMBER_SETTER(seed, options.effort.seed, 0, INT64_MAX, "must be a number")
NUMBER_SETTER(runs, options.effort.runs, 2, 64, "must be 2 to 64")
NUMBER_SETTER(requests, options.effort.requests, 1000, UINT64_C(10000000000), "must be 1000 or more")

static const char *set_cpu_share(void *to, const char *text)
{
    uint64_t percent;

    if (kw_number_parse(text, 1, 100, &percent) != 0)
        return "must be 1 to 100 percent";
    ask_of(to)->of.settings.cpu_share = (double)percent / 100;
    return NULL;
}

static const char *set_on_empty(void *to, const char *value)
{
    return kw_on_empty_parse_list(kw_bytes_str(value), ask_of(to)->of.settings.on_empty) == 0
               ? NULL
               : "must be wait, generate or reject, or a list such as generate,RSA_4096=reject";
}

static const char *set_pool(void *to, const char *value)
{
    struct kw_bytes text = kw_bytes_str(value);
    ssize_t equals = kw_bytes_find(text, '=');
    enum kw_spec spec;
    uint64_t depth;

    if (equals < 0 || kw_spec_parse(KW_BYTES(text.ptr, (size_t)equals), &spec) != 0 ||
        kw_number_parse(value + equals + 1, 0, KW_POOL_CAPACITY_MAX, &depth) != 0)
        return "must be SPEC=N, such as RSA_2048=1000";
    ask_of(to)->of.settings.depth[spec] = (uint32_t)depth;
    return NULL;
}

/* ---- objective ---- */

static const char *set_objective(struct kw_plan_ask *ask, enum kw_plan_objective_kind kind, const char *value,
    int (*parse)(struct kw_bytes text, double *ret), const char *wrong)
{
    struct kw_bytes text = kw_bytes_str(value);
    ssize_t equals = kw_bytes_find(text, '=');
    enum kw_spec spec = KW_SPEC_NUM;
    double bound;

    if (ask->objective_given && ask->objective.kind != kind)
        return "--miss and --p99-wait exclude each other";
    if (equals >= 0 && kw_spec_parse(KW_BYTES(value, (size_t)equals), &spec) != 0)
        return "there is no such spec";
    if (parse(kw_bytes_str(value + equals + 1), &bound) != 0 ||
        (kind == KW_PLAN_MISS_SHARE && !(bound > 0 && bound < 1)))
        return wrong;
    ask->objective.kind = kind;
    ask->objective_given = true;
    for (unsigned i = 0; i < KW_SPEC_NUM; i++)
        if (i == spec || (spec == KW_SPEC_NUM && !ask->objective_spec[i]))
            ask->objective.value[i] = bound;
    if (spec < KW_SPEC_NUM)
        ask->objective_spec[spec] = true;
    return NULL;
}

static const char *set_miss(void *to, const char *value)
{
    return set_objective(to, KW_PLAN_MISS_SHARE, value, kw_quantity_share,
        "must be a share above 0 and below 1, such as 0.1% or 0.001, or SPEC= and one");
}

static const char *set_p99_wait(void *to, const char *value)
{
    return set_objective(
        to, KW_PLAN_P99_WAIT, value, kw_quantity_time, "must be a time, such as 5ms, or SPEC= and one");
}

/* ---- fleet ---- */

static const char *set_nodes(void *to, const char *text)
{
    uint64_t nodes = 0;

    if (strcmp(text, "auto") != 0 && kw_number_parse(text, 1, KW_PLAN_NODES_MAX, &nodes) != 0)
        return "must be 1 to 1000000 machines, or auto";
    ask_of(to)->fleet.nodes = (unsigned)nodes;
    ask_of(to)->has_fleet = true;
    return NULL;
}

NUMBER_SETTER(lost, fleet.lost, 0, KW_PLAN_NODES_MAX - 1, "must be a number of machines")

/* ---- the table ---- */

static const struct kw_option options[] = {
    {"--demand", "SPEC=RATE[,...]", "requests a second for a spec; see below; may be repeated", set_demand},
    {"--trace", "FILE", "requests as recorded: lines of TIME,SPEC (- is standard input)", set_trace},
    {"--audit-log", "DIR", "the same from a data folder or its audit log, which is verified", set_audit},
    {"--scale", "X", "multiply the whole demand (default 1)", set_scale},
    {"--profile", "FILE", "what 'keywell plan profile' measured (default " KW_PLAN_PROFILE_FILE ")",
        set_profile},
    {"--other-machine", NULL, "plan for the machine that the profile is of, though it is not this one",
        set_other_machine},
    {"--miss", "[SPEC=]SHARE", "objective: at most so many requests miss the pool (default 0.1%)", set_miss},
    {"--p99-wait", "[SPEC=]TIME", "objective instead: 99 of 100 requests wait no longer for a pair",
        set_p99_wait},
    {"--cores-max", "N", "of one machine (default: this machine's, or the profile's)", set_cores_max},
    {"--memory-max", "BYTES", "of one machine's pools, such as 512MiB", set_memory_max},
    {"--cost-max", "X", "an hour, for all machines", set_cost_max},
    {"--cost-per-core-hour", "X", "what a core costs, in any currency", set_cost_core},
    {"--cost-per-machine-hour", "X", "what a machine costs besides", set_cost_machine},
    {"--nodes", "N|auto", "machines behind a balancer; auto: as few as do", set_nodes},
    {"--lost", "K", "of them are lost, and the objective holds all the same (default 0)", set_lost},
    {"--on-empty", "LIST", "as keywelld's: what a request meets at an empty pool (default wait)",
        set_on_empty},
    {"--pool-wait", "TIME", "a request that waits is answered within this time (default 2s)", set_wait},
    {"--generate-max", "N", "pairs made for waiting requests at once (default: one for every two cores)",
        set_generate_max},
    {"--cpu-share", "PERCENT", "of each core, for filling pools at most (default 100)", set_cpu_share},
    {"--serve-time", "TIME",
        "CPU time a request takes of the workers' cores besides (default 25us; 0 if serving has cores of its "
        "own)",
        set_serve},
    {"--seed", "N", "of the random numbers: the same one gives the same answer (default 0)", set_seed},
    {"--runs", "N", "independent runs of each simulation (default 10)", set_runs},
    {"--requests", "N", "simulated in each trial (default: what the objective needs)", set_requests},
    {"--no-sensitivity", NULL, "leave out half and double demand, which take most of the time",
        set_no_sensitivity},
    {"--json", "FILE",
        "the answer as JSON, for 'keywell plan apply' (- is standard output, without the table)", set_json},
    {"--svg", "FILE", "drawings: misses by depth, levels through a burst", set_svg},
    {"--quiet", NULL, "no progress on a terminal", set_quiet},
    /* Of check only: NUM_PLAN. */
    {"--cores", "N", "with a worker each", set_cores},
    {"--pool", "SPEC=N", "pairs its pool holds; may be repeated", set_pool},
};
#define NUM_PLAN (KW_ARRAY_LEN(options) - 2)

void kw_plan_ask_help(bool check)
{
    if (check)
        kw_options_help(options + NUM_PLAN, KW_ARRAY_LEN(options) - NUM_PLAN);
    kw_options_help(options, NUM_PLAN);
}

/* ---- all together ---- */

static int complain(const char *program, const char *why)
{
    fprintf(stderr, "%s: %s\n", program, why);
    return 1;
}

static int bad_usage(const char *program, const char *why)
{
    fprintf(stderr, "%s: %s\nTry 'keywell plan --help'.\n", program, why);
    return 2;
}

static int check_usage(const char *program, const struct kw_plan_ask *ask)
{
    bool any = ask->trace_path != NULL || ask->audit_path != NULL;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        any |= ask->of.demand[spec].kind != KW_PLAN_NONE;
    if (!any)
        return bad_usage(program, "give a demand: --demand, --trace or --audit-log");
    if (ask->trace_path != NULL && ask->audit_path != NULL)
        return bad_usage(program, "--trace and --audit-log exclude each other");
    if (ask->check && ask->of.settings.cores == 0)
        return bad_usage(program, "--cores N is required");
    if (ask->check && ask->has_fleet)
        return bad_usage(program, "check is about one machine: --nodes is for 'keywell plan'");
    if (!ask->has_fleet && ask->fleet.lost > 0)
        return bad_usage(program, "--lost needs --nodes");
    if (ask->has_fleet && ask->fleet.nodes > 0 && ask->fleet.nodes <= ask->fleet.lost)
        return bad_usage(program, "no machine is left: --lost must be less than --nodes");
    if (ask->limits.cost_per_hour_max > 0 &&
        ask->limits.cost_per_core_hour + ask->limits.cost_per_machine_hour <= 0)
        return bad_usage(program, "--cost-max needs --cost-per-core-hour or --cost-per-machine-hour");
    return 0;
}

static int load_profile(const char *program, struct kw_plan_ask *ask)
{
    char why[400], model[64];
    struct kw_cpus cpus;
    enum kw_cpu_path path;

    if (kw_plan_profile_load(ask->profile_path, &ask->profile, why, sizeof(why)) != 0) {
        fprintf(stderr, "%s: %s: %s\n", program, ask->profile_path, why);
        fprintf(stderr, "'keywell plan profile' measures this machine and writes one.\n");
        return 1;
    }
    if (ask->other_machine)
        return 0;
    kw_cpu_model(model);
    if (kw_cpus_allowed(&cpus) < 0 || kw_cpu_choose(getenv("KEYWELL_CPU"), &path) != 0)
        return complain(program, "this machine's cores cannot be told; --other-machine goes on without");
    if (kw_plan_profile_matches(&ask->profile, model, path, cpus.num, why, sizeof(why)) == 0)
        return 0;
    fprintf(stderr, "%s: %s\nMeasure this one by 'keywell plan profile', or say --other-machine.\n", program,
        why);
    return 1;
}

static int load_trace(const char *program, struct kw_plan_ask *ask)
{
    char why[700];
    int r = 0;

    if (ask->trace_path != NULL)
        r = kw_plan_trace_read_csv(&ask->trace, ask->trace_path, why, sizeof(why));
    else if (ask->audit_path != NULL)
        r = kw_plan_trace_read_audit(&ask->trace, ask->audit_path, why, sizeof(why));
    if (r != 0)
        return complain(program, why);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (ask->trace.spec[spec].num > 0 && ask->of.demand[spec].kind != KW_PLAN_NONE) {
            fprintf(stderr, "%s: %s has a demand from both --demand and a trace\n", program,
                kw_spec_info((enum kw_spec)spec)->name);
            return 1;
        }
    kw_plan_trace_demands(&ask->trace, ask->of.demand);
    return 0;
}

/* What no one asked for has no pool; what is asked for, and given no depth, is as keywelld has it. */
static int complete(const char *program, struct kw_plan_ask *ask)
{
    struct kw_plan_settings *settings = &ask->of.settings;
    char why[300];

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        bool wanted = ask->of.demand[spec].kind != KW_PLAN_NONE;

        ask->of.demand[spec].scale *= ask->scale;
        if (!wanted)
            settings->depth[spec] = 0;
        else if (settings->depth[spec] == UINT32_MAX)
            settings->depth[spec] = kw_spec_info((enum kw_spec)spec)->default_capacity;
    }
    if (settings->cores == 0)
        settings->cores = 1;
    if (ask->limits.cores_max == 0)
        ask->limits.cores_max = ask->profile.cores;
    ask->of.profile = &ask->profile;
    if (kw_plan_case_check(&ask->of, why, sizeof(why)) != 0)
        return complain(program, why);
    return 0;
}

int kw_plan_ask_collect(int argc, char **argv, bool check, struct kw_plan_ask *ret)
{
    int rest, r;

    memset(ret, 0, sizeof(*ret));
    ret->check = check;
    ret->scale = 1;
    ret->profile_path = KW_PLAN_PROFILE_FILE;
    ret->objective.kind = KW_PLAN_MISS_SHARE;
    ret->of.settings = (struct kw_plan_settings){.cpu_share = 1, .serve_s = SERVE_S};
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        ret->objective.value[spec] = MISS_SHARE;
        ret->of.settings.depth[spec] = UINT32_MAX;
    }
    r = kw_options_parse(argv[0], options, check ? KW_ARRAY_LEN(options) : NUM_PLAN, argc, argv, ret, &rest);
    if (r == 2)
        return 3;
    if (r != 0)
        return 2;
    if (rest < argc)
        return bad_usage(argv[0], "it takes options only");
    r = check_usage(argv[0], ret);
    if (r == 0)
        r = load_profile(argv[0], ret);
    if (r == 0)
        r = load_trace(argv[0], ret);
    return r == 0 ? complete(argv[0], ret) : r;
}

void kw_plan_ask_done(struct kw_plan_ask *ask)
{
    kw_plan_trace_done(&ask->trace);
}
