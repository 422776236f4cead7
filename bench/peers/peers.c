/* peers - keywell's key generation beside that of OpenSSL and other libraries, on one core, in one run.
 *
 * Each sits in a process of its own (bench/seat.h): libraries share symbols, allocators and random sources
 * otherwise. What is given is the mean rate with its standard error, not the median of the rounds: an RSA
 * pair takes as long as chance wants, so that the median of rounds in which only a pair or two fit is well
 * above the rate at which pairs come. The JSON has the rounds' quartiles as well.
 */
#include "bench/peers/peers.h"

#include "bench/console.h"
#include "engine/topology.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define SECONDS_DEFAULT 5

enum { STATUS_USAGE = 2, STATUS_INTERRUPTED = 130 };

struct settings {
    const char *json, *svg;
};

static struct kw_peers peers = {.seconds = SECONDS_DEFAULT};

static void help(void)
{
    size_t num;
    const struct kw_side *const *sides = kw_peers_registry(&num);

    printf("Usage: peers [OPTION ...]\n\n"
           "Makes key pairs with keywell, OpenSSL and other libraries, each in a process of its own on the "
           "same core,\n"
           "in rounds, and prints a table. docs/benchmarks.md says how to read it.\n\n"
           "  --seconds S       CPU time for each of them and each spec, about (default %d); who needs "
           "longer for\n"
           "                    one pair than the quarter of a second of a round takes longer\n"
           "  --specs LIST      comma-separated (default: all)\n"
           "  --json FILE       write the results there\n"
           "  --svg FILE        draw a bar chart there\n"
           "  --help            this text\n\n"
           "This build has:",
        SECONDS_DEFAULT);
    for (size_t i = 0; i < num; i++)
        printf(" %s%s", sides[i]->name, i + 1 < num ? "," : ".\n");
    printf("More are built where their packages are installed (tools/deps --peers). It runs on the highest "
           "core that\n"
           "it may use; choose another with taskset. KEYWELL_CPU chooses keywell's path.\n");
}

static int complain(const char *option, const char *value, const char *problem)
{
    fprintf(stderr, "peers: %s %s: %s\nTry 'peers --help'.\n", option, value, problem);
    return STATUS_USAGE;
}

/* ---- options ---- */

static int set_specs(const char *value)
{
    const char *at = value;

    for (;;) {
        size_t len = strcspn(at, ",");
        enum kw_spec spec;

        if (kw_spec_parse(KW_BYTES(at, len), &spec) != 0)
            return complain("--specs", value, "has a spec that there is not");
        peers.specs[spec] = true;
        if (at[len] == '\0')
            return 0;
        at += len + 1;
    }
}

enum { SECONDS = 1, SPECS, JSON, SVG, HELP };

static const struct option options[] = {
    {"seconds", required_argument, NULL, SECONDS},
    {"specs", required_argument, NULL, SPECS},
    {"json", required_argument, NULL, JSON},
    {"svg", required_argument, NULL, SVG},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static int set(struct settings *settings, int option, const char *value)
{
    switch (option) {
    case SECONDS:
        if (kw_console_seconds(value, &peers.seconds) != 0)
            return complain("--seconds", value, "must be a number from 0.05 to 86400");
        return 0;
    case SPECS:
        return set_specs(value);
    case JSON:
        settings->json = value;
        return 0;
    case SVG:
        settings->svg = value;
        return 0;
    case HELP:
        help();
        exit(EXIT_SUCCESS);
    default:
        fprintf(stderr, "Try 'peers --help'.\n");
        return STATUS_USAGE;
    }
}

/* Returns: 0 | an exit status */
static int parse(struct settings *settings, int argc, char **argv)
{
    int option, status = 0;
    bool any = false;

    while (status == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
        status = set(settings, option, optarg);
    if (status == 0 && optind < argc)
        return complain("argument", argv[optind], "is not an option");
    for (enum kw_spec i = 0; i < KW_SPEC_NUM; i++)
        any = any || peers.specs[i];
    for (enum kw_spec i = 0; i < KW_SPEC_NUM; i++)
        peers.specs[i] = peers.specs[i] || !any;
    return status;
}

/* ---- the run ---- */

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "peers: %s: %s\n", what, why);
    return -1;
}

static int find_core(void)
{
    const char *mask = getenv("KEYWELL_CPU");
    struct kw_cpus cpus;
    int r;

    if (kw_cpu_choose(mask, &peers.path) != 0)
        return fail("KEYWELL_CPU", "no path that this machine can run");
    if (kw_cpus_allowed(&cpus) < 0 || cpus.num == 0)
        return fail("cores", "which may be used cannot be found out");
    peers.cpu = cpus.cpu[cpus.num - 1];
    kw_cpu_model(peers.cpu_model);
    r = kw_pin(peers.cpu);
    return r < 0 ? fail("this process cannot be pinned to a core", kw_console_why(r)) : 0;
}

/* On the portable path the second of ours would be the first once more. */
static void invite(void)
{
    size_t num;
    const struct kw_side *const *sides = kw_peers_registry(&num);

    for (size_t i = 0; i < num; i++) {
        if (sides[i] == &kw_side_keywell_portable && peers.path == KW_CPU_PORTABLE)
            continue;
        if (sides[i] == &kw_side_openssl_reused)
            peers.baseline = peers.num;
        peers.sides[peers.num++] = sides[i];
    }
}

static int write_files(const struct settings *settings)
{
    int r = settings->json != NULL ? kw_peers_write_json(&peers, settings->json) : 0;

    if (r < 0)
        return fail(settings->json, kw_console_why(r));
    r = settings->svg != NULL ? kw_peers_write_svg(&peers, settings->svg) : 0;
    return r < 0 ? fail(settings->svg, kw_console_why(r)) : 0;
}

static int run(const struct settings *settings)
{
    KW_TRY(find_core());
    invite();
    kw_console_catch();
    KW_TRY(kw_peers_measure(&peers));
    kw_peers_print(&peers);
    return write_files(settings);
}

int main(int argc, char **argv)
{
    struct settings settings = {.json = NULL};
    size_t num;
    const struct kw_side *const *sides = kw_peers_registry(&num);
    int status;

    if (kw_seat_main(argc, argv, sides, num, &status))
        return status;
    status = parse(&settings, argc, argv);
    if (status != 0)
        return status;
    if (run(&settings) < 0)
        return EXIT_FAILURE;
    return peers.interrupted ? STATUS_INTERRUPTED : EXIT_SUCCESS;
}
