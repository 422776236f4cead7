/* keygen - finished key pairs per second on one core, beside OpenSSL's in the same run.
 *
 * Not through Google Benchmark (bench.h): its loop measures one thing after the other and knows means only.
 * Here two sides take turns, since a shared machine changes its mood within seconds; RSA key generation is a
 * game of chance, so that a rate says nothing without its standard error; and what finishes does not begin in
 * the same iteration, since searches overlap.
 */
#include "bench/keygen.h"
#include "bench/console.h"
#include "engine/topology.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define SECONDS_DEFAULT 10

enum { STATUS_USAGE = 2, STATUS_INTERRUPTED = 130 };

static const struct kw_side *const openssl_sides[] = {
    &kw_side_openssl_keygen,
    &kw_side_openssl_reused,
    &kw_side_openssl_pair,
};

struct settings {
    struct kw_keygen_options options;
    bool all_specs, has_spec, json;
    struct kw_cpus cpus; /* allowed */
};

static void help(void)
{
    printf(
        "Usage: keygen --spec SPEC [OPTION ...]\n\n"
        "Makes finished key pairs (tested and encoded, as a worker does) on one core, in turns with "
        "OpenSSL,\n"
        "and prints the rates of both and their ratio; for RSA how far from the limit of the core's IFMA "
        "unit ours\n"
        "is, for curves also the rates of the portable path, without the pairwise test, of OpenSSL without "
        "test and\n"
        "encoders, and of our kernel alone.\n"
        "docs/benchmarks.md says how to read it.\n\n"
        "  --spec SPEC       one of");
    for (enum kw_spec i = 0; i < KW_SPEC_NUM; i++)
        printf("%s %s", i % 4 == 0 && i > 0 ? "\n                   " : "", kw_spec_info(i)->name);
    printf(
        ", or all\n"
        "  --seconds S       CPU time for each of these, after a warm-up of 1 s (default %d)\n"
        "  --cpu-path PATH   portable, avx512ifma or auto (default: $KEYWELL_CPU, else auto)\n"
        "  --cores N|all     then also on 1 and on N cores at once; seconds S of each\n"
        "  --openssl HOW     what OpenSSL does: keygen (EVP_PKEY_Q_keygen; the default for RSA), reused\n"
        "                    (EVP_PKEY_keygen in one context), pair (that, EVP_PKEY_pairwise_check and its\n"
        "                    encoders; the default for the others)\n"
        "  --json            one JSON object a spec, each on a line\n"
        "  --help            this text\n\n"
        "It runs on the highest core that it may use; choose another with taskset.\n",
        SECONDS_DEFAULT);
}

static int complain(const char *option, const char *value, const char *problem)
{
    fprintf(stderr, "keygen: %s %s: %s\nTry 'keygen --help'.\n", option, value, problem);
    return STATUS_USAGE;
}

/* ---- options ---- */

static int set_spec(struct settings *settings, const char *value)
{
    settings->has_spec = true;
    settings->all_specs = strcmp(value, "all") == 0;
    if (settings->all_specs || kw_spec_parse(KW_BYTES(value, strlen(value)), &settings->options.spec) == 0)
        return 0;
    return complain("--spec", value, "there is no such spec");
}

static int set_path(struct settings *settings, const char *option, const char *value)
{
    char problem[96];

    switch (kw_cpu_choose(value, &settings->options.path)) {
    case 0:
        return 0;
    case KW_CPU_UNAVAILABLE:
        snprintf(problem, sizeof(problem), "this machine cannot run it; the best that it can is %s",
            kw_cpu_path_name(kw_cpu_detect()));
        return complain(option, value, problem);
    default:
        return complain(option, value, "must be portable, avx512ifma or auto");
    }
}

static int set_cores(struct settings *settings, const char *value)
{
    char *end;
    unsigned long cores = strtoul(value, &end, 10);

    if (strcmp(value, "all") == 0)
        cores = settings->cpus.num;
    else if (*end != '\0' || cores < 1 || cores > settings->cpus.num)
        return complain("--cores", value, "must be all, or a number up to that of the cores allowed here");
    settings->options.cores = (unsigned)cores;
    return 0;
}

static int set_openssl(struct settings *settings, const char *value)
{
    static const char *const names[] = {"keygen", "reused", "pair"};

    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], value) == 0) {
            settings->options.openssl = openssl_sides[i];
            return 0;
        }
    }
    return complain("--openssl", value, "must be keygen, reused or pair");
}

enum { SPEC = 1, SECONDS, CPU_PATH, CORES, OPENSSL, JSON, HELP };

static const struct option options[] = {
    {"spec", required_argument, NULL, SPEC},
    {"seconds", required_argument, NULL, SECONDS},
    {"cpu-path", required_argument, NULL, CPU_PATH},
    {"cores", required_argument, NULL, CORES},
    {"openssl", required_argument, NULL, OPENSSL},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static int set(struct settings *settings, int option, const char *value)
{
    switch (option) {
    case SPEC:
        return set_spec(settings, value);
    case SECONDS:
        if (kw_console_seconds(value, &settings->options.seconds) != 0)
            return complain("--seconds", value, "must be a number from 0.05 to 86400");
        return 0;
    case CPU_PATH:
        return set_path(settings, "--cpu-path", value);
    case CORES:
        return set_cores(settings, value);
    case OPENSSL:
        return set_openssl(settings, value);
    case JSON:
        settings->json = true;
        return 0;
    case HELP:
        help();
        exit(EXIT_SUCCESS);
    default:
        fprintf(stderr, "Try 'keygen --help'.\n");
        return STATUS_USAGE;
    }
}

/* Returns: 0 | an exit status */
static int parse(struct settings *settings, int argc, char **argv)
{
    const char *mask = getenv("KEYWELL_CPU");
    int option, status;

    if (kw_cpus_allowed(&settings->cpus) < 0 || settings->cpus.num == 0) {
        fprintf(stderr, "keygen: which cores may be used cannot be found out\n");
        return EXIT_FAILURE;
    }
    settings->options.cpu = settings->cpus.cpu[settings->cpus.num - 1];
    status = set_path(settings, "KEYWELL_CPU", mask != NULL ? mask : "auto");
    while (status == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
        status = set(settings, option, optarg);
    if (status == 0 && optind < argc)
        return complain("argument", argv[optind], "is not an option");
    if (status == 0 && !settings->has_spec)
        return complain("--spec", "SPEC", "is needed");
    return status;
}

/* ---- the run ---- */

/* The first of the cores is the one that the rest was measured on. */
static int measure_cores(const struct settings *settings, struct kw_keygen_cores *ret)
{
    unsigned cpus[KW_WORKERS_MAX], num = settings->cpus.num;

    for (unsigned i = 0; i < num; i++)
        cpus[i] = settings->cpus.cpu[num - 1 - i];
    return kw_keygen_measure_cores(&settings->options, cpus, ret);
}

static int run(const struct settings *settings)
{
    struct kw_keygen_result result;

    KW_TRY(kw_keygen_measure(&settings->options, &result));
    if (settings->options.cores > 0 && !result.interrupted)
        KW_TRY(measure_cores(settings, &result.cores));
    result.interrupted = kw_console_interrupted();
    if (settings->json)
        return kw_keygen_print_json(&settings->options, &result);
    kw_keygen_print(&settings->options, &result);
    return 0;
}

static int run_all(struct settings *settings)
{
    for (enum kw_spec i = 0; i < KW_SPEC_NUM && !kw_console_interrupted(); i++) {
        settings->options.spec = i;
        if (i > 0 && !settings->json)
            putchar('\n');
        KW_TRY(run(settings));
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct settings settings = {.options = {.seconds = SECONDS_DEFAULT}};
    int status;

    if (kw_seat_main(argc, argv, openssl_sides, KW_ARRAY_LEN(openssl_sides), &status))
        return status;
    status = parse(&settings, argc, argv);
    if (status != 0)
        return status;
    kw_console_catch();
    if ((settings.all_specs ? run_all(&settings) : run(&settings)) < 0)
        return EXIT_FAILURE;
    return kw_console_interrupted() ? STATUS_INTERRUPTED : EXIT_SUCCESS;
}
