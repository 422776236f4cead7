/* audit - records a second through the audit log, beside plain coalesced writes of as many bytes in the same
 * run.
 *
 * Not through Google Benchmark (bench.h): the log and the plain writes take turns, since a disk that is
 * shared changes its mood within seconds, and what matters is the ratio within a round.
 */
#include "bench/audit_level.h"
#include "bench/console.h"
#include "engine/cpu.h"
#include "engine/crypto.h"
#include "engine/topology.h"

#include "api/json.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LEVELS_MAX 16u
/* More would not fit the memory that a server has for calls. */
#define OUTSTANDING_MAX 65536u

enum { STATUS_USAGE = 2, STATUS_INTERRUPTED = 130 };

struct settings {
    struct kw_auditturn_plan plan;
    unsigned levels[LEVELS_MAX], num_levels;
    unsigned rounds;
    const char *parent; /* of the folder */
    bool json;
};

static void help(void)
{
    printf(
        "Usage: audit [OPTION ...]\n\n"
        "Sends real records of data key pair calls through the audit log (made, chained, durable before "
        "they\n"
        "come back) and, in turns with that, writes as many bytes plainly, in batches of the same size: to\n"
        "files that grow (append), and over zeros that are there (rewrite). docs/benchmarks.md says how to\n"
        "read it.\n\n"
        "  --outstanding LIST  records on their way at once (default 1,32,256,2048)\n"
        "  --threads N         that make and submit them (default: half of the cores allowed)\n"
        "  --seconds S         a turn (default 0.5)\n"
        "  --rounds N          of turns (default 7, at most %u)\n"
        "  --dir DIR           where a folder for the files is made, on the disk in question (default: .)\n"
        "  --json              one JSON object\n"
        "  --help              this text\n\n"
        "A turn writes up to a gigabyte a second, and removes it again.\n",
        KW_AUDITLEVEL_ROUNDS_MAX);
}

static int complain(const char *option, const char *value, const char *problem)
{
    fprintf(stderr, "audit: %s %s: %s\nTry 'audit --help'.\n", option, value, problem);
    return STATUS_USAGE;
}

static int take_number(const char *text, unsigned max, const char **ret_end, unsigned *ret)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    KW_REQUIRE(text[0] >= '1' && text[0] <= '9' && value <= max, 1);
    *ret = (unsigned)value;
    *ret_end = end;
    return 0;
}

static int set_levels(struct settings *settings, const char *value)
{
    const char *at = value;

    settings->num_levels = 0;
    for (;;) {
        if (settings->num_levels == LEVELS_MAX ||
            take_number(at, OUTSTANDING_MAX, &at, &settings->levels[settings->num_levels]) != 0 ||
            (*at != ',' && *at != '\0'))
            return complain(
                "--outstanding", value, "must be numbers from 1 to 65536, 16 at most, with commas");
        settings->num_levels++;
        if (*at == '\0')
            return 0;
        at++;
    }
}

static int set_number(const char *option, const char *value, unsigned max, unsigned *ret)
{
    const char *end;

    if (take_number(value, max, &end, ret) == 0 && *end == '\0')
        return 0;
    return complain(option, value, "is not a number that can be");
}

enum { OUTSTANDING = 1, THREADS, SECONDS, ROUNDS, DIR_OPTION, JSON, HELP };

static const struct option options[] = {
    {"outstanding", required_argument, NULL, OUTSTANDING},
    {"threads", required_argument, NULL, THREADS},
    {"seconds", required_argument, NULL, SECONDS},
    {"rounds", required_argument, NULL, ROUNDS},
    {"dir", required_argument, NULL, DIR_OPTION},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static int set(struct settings *settings, int option, const char *value)
{
    switch (option) {
    case OUTSTANDING:
        return set_levels(settings, value);
    case THREADS:
        return set_number("--threads", value, 256, &settings->plan.threads);
    case ROUNDS:
        return set_number("--rounds", value, KW_AUDITLEVEL_ROUNDS_MAX, &settings->rounds);
    case SECONDS:
        if (kw_console_seconds(value, &settings->plan.seconds) != 0)
            return complain("--seconds", value, "must be a number from 0.05 to 86400");
        return 0;
    case DIR_OPTION:
        settings->parent = value;
        return 0;
    case JSON:
        settings->json = true;
        return 0;
    case HELP:
        help();
        exit(EXIT_SUCCESS);
    default:
        fprintf(stderr, "Try 'audit --help'.\n");
        return STATUS_USAGE;
    }
}

/* Returns: 0 | an exit status */
static int parse(struct settings *settings, int argc, char **argv)
{
    struct kw_cpus cpus;
    int option, status = set_levels(settings, "1,32,256,2048");

    if (kw_cpus_allowed(&cpus) < 0) {
        fprintf(stderr, "audit: which cores may be used cannot be found out\n");
        return EXIT_FAILURE;
    }
    settings->plan.threads = KW_MAX(cpus.num / 2, 1);
    while (status == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
        status = set(settings, option, optarg);
    if (status == 0 && optind < argc)
        return complain("argument", argv[optind], "is not an option");
    return status;
}

/* ---- the run ---- */

/* Threads without a record have nothing to do. */
static int run_level(const struct settings *settings, unsigned i, struct kw_auditlevel *level)
{
    struct kw_auditturn_plan plan = settings->plan;
    char why[512] = "";
    int r;

    plan.outstanding = settings->levels[i];
    plan.threads = KW_MIN(plan.threads, plan.outstanding);
    r = kw_auditlevel_run(&plan, settings->rounds, level, why, sizeof(why));
    kw_console_clear();
    if (r != 0)
        fprintf(stderr, "audit: %s\n", why[0] != '\0' ? why : kw_console_why(r));
    return r;
}

static int print_json(const struct settings *settings, json_t *levels, const struct kw_auditfigures *best)
{
    char model[64];
    json_t *json;
    int r;

    kw_cpu_model(model);
    json = json_pack("{s:s, s:i, s:f, s:b, s:f, s:f, s:f, s:O}", "cpu", model, "threads",
        (int)settings->plan.threads, "seconds", settings->plan.seconds, "interrupted",
        kw_console_interrupted(), "audit_records_per_second", best->log.median, "audit_ratio_to_append",
        best->to_append.median, "audit_ratio_to_rewrite", best->to_rewrite.median, "levels", levels);
    r = json != NULL ? json_dumpf(json, stdout, JSON_COMPACT) : -1;
    putchar('\n');
    json_decref(json);
    return r == 0 ? 0 : -ENOMEM;
}

/* The best level is the one of the highest rate. */
static int run(const struct settings *settings)
{
    static struct kw_auditlevel level;
    json_t *levels = json_array();
    struct kw_auditfigures best = {.log = {.median = 0}};
    int r = 0;

    if (!settings->json)
        kw_auditlevel_print_title();
    for (unsigned i = 0; i < settings->num_levels && r == 0 && !kw_console_interrupted(); i++) {
        struct kw_auditfigures figures;

        r = run_level(settings, i, &level);
        if (r != 0 || level.rounds == 0)
            break;
        kw_auditlevel_figures(&level, &figures);
        if (figures.log.median > best.log.median)
            best = figures;
        if (settings->json)
            r = json_array_append_new(levels, kw_auditlevel_json(&level));
        else
            kw_auditlevel_print(&level);
    }
    if (r == 0 && settings->json)
        r = print_json(settings, levels, &best);
    json_decref(levels);
    return r;
}

int main(int argc, char **argv)
{
    static struct settings settings = {.plan = {.seconds = 0.5, .verify = true}, .rounds = 7, .parent = "."};
    char dir[1024];
    int r, status = parse(&settings, argc, argv);

    if (status != 0)
        return status;
    snprintf(dir, sizeof(dir), "%s/audit-bench-XXXXXX", settings.parent);
    if (mkdtemp(dir) == NULL)
        return complain("--dir", settings.parent, strerror(errno));
    settings.plan.dir = dir;
    /* The log's thread has the name that this one would have. */
    prctl(PR_SET_NAME, "bench");
    kw_console_catch();
    r = kw_crypto_init();
    if (r == 0) {
        kw_json_init();
        r = run(&settings);
    } else {
        fprintf(stderr, "audit: %s\n", kw_console_why(r));
    }
    rmdir(dir);
    if (r != 0)
        return EXIT_FAILURE;
    return kw_console_interrupted() ? STATUS_INTERRUPTED : EXIT_SUCCESS;
}
