#include "tools/loadsettings.h"

#include "engine/topology.h"
#include "tools/options.h"

#include <math.h>
#include <stdlib.h>

#define CONNECTIONS    64u
#define DURATION_NS    UINT64_C(10000000000)
#define WARM_UP_NS     UINT64_C(2000000000)
#define TIMEOUT_NS     UINT64_C(10000000000)
#define DAY_NS         UINT64_C(86400000000000)
#define RATE_MAX       10000000.0
#define DURATION_WRONG "must be a time such as 30, 1.5s, 500ms or 2m"

static struct kw_load_settings *settings_of(void *to)
{
    return to;
}

/* One setter for each option that is kept as it is given. */
#define TEXT_SETTER(name)                                                                                    \
    static const char *set_##name(void *to, const char *value)                                               \
    {                                                                                                        \
        settings_of(to)->name = value;                                                                       \
        return value[0] != '\0' ? NULL : "must not be empty";                                                \
    }
TEXT_SETTER(region)
TEXT_SETTER(profile)
TEXT_SETTER(key_id)
TEXT_SETTER(ca_bundle)
TEXT_SETTER(json)
TEXT_SETTER(hdr_log)
TEXT_SETTER(svg)

#define FLAG_SETTER(field, name)                                                                             \
    static const char *set_##name(void *to, const char *value)                                               \
    {                                                                                                        \
        (void)value;                                                                                         \
        settings_of(to)->field = true;                                                                       \
        return NULL;                                                                                         \
    }
FLAG_SETTER(insecure, insecure)
FLAG_SETTER(invocation_ids, invocation_ids)
FLAG_SETTER(no_probe, no_probe)
FLAG_SETTER(progress, progress)
FLAG_SETTER(quiet, quiet)
FLAG_SETTER(version, version)
FLAG_SETTER(plan.spin, spin)

static const char *set_endpoint(void *to, const char *value)
{
    return kw_load_endpoint_parse(value, &settings_of(to)->plan.endpoint) == 0
               ? NULL
               : "must be http://HOST[:PORT] or https://HOST[:PORT]";
}

static const char *set_mix(void *to, const char *value)
{
    settings_of(to)->mix = value;
    return kw_load_mix_parse(&settings_of(to)->plan, value);
}

static const char *set_static(void *to, const char *value)
{
    settings_of(to)->static_path = value;
    return value[0] == '/' && strcspn(value, " \t\r\n") == strlen(value) ? NULL
                                                                         : "must be a path, such as /file";
}

static const char *set_title(void *to, const char *value)
{
    settings_of(to)->report.title = value;
    return NULL;
}

static const char *set_context(void *to, const char *value)
{
    struct kw_load_settings *settings = to;
    union {
        const char *given;
        char *kept; /* the command line's memory, never written to */
    } entry = {.given = value};

    if (strchr(value, '=') == NULL || value[0] == '=')
        return "must be NAME=VALUE";
    if (settings->num_context == KW_LOAD_CONTEXT_MAX)
        return "is there too often";
    settings->context[settings->num_context++] = entry.kept;
    return NULL;
}

/* ---- numbers ---- */

/* A positive number that ends at one of the characters. Returns NULL if it is none. */
static const char *positive(const char *text, double max, const char *ends, double *ret)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9')
        return NULL;
    *ret = strtod(text, &end);
    if (!(*ret > 0 && *ret <= max) || (*end != '\0' && strchr(ends, *end) == NULL))
        return NULL;
    return end;
}

static const char *set_rates(void *to, const char *value)
{
    struct kw_load_settings *settings = to;

    for (settings->num_rates = 0;; value++) {
        if (settings->num_rates == KW_LOAD_RATES_MAX)
            return "has more than 64 rates";
        value = positive(value, RATE_MAX, ",", &settings->rates[settings->num_rates++]);
        if (value == NULL)
            return "must be requests a second, such as 1000 or 1000,2000,5000";
        if (*value == '\0')
            return NULL;
    }
}

static const char *set_sweep(void *to, const char *value)
{
    struct kw_load_settings *settings = to;

    value = positive(value, RATE_MAX, ":", &settings->sweep_low);
    if (value != NULL && *value == ':')
        value = positive(value + 1, RATE_MAX, "", &settings->sweep_high);
    return value != NULL && settings->sweep_low < settings->sweep_high
               ? NULL
               : "must be LOW:HIGH, such as 1000:50000";
}

static int parse_duration(const char *text, uint64_t *ret)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"m", 60e9}, {"h", 3600e9}};
    char *end = NULL;
    double number;

    KW_REQUIRE(text[0] >= '0' && text[0] <= '9', 1);
    number = strtod(text, &end);
    for (unsigned i = 0; i < KW_ARRAY_LEN(units); i++) {
        if (strcmp(end, units[i].name) == 0 && number * units[i].ns <= (double)DAY_NS) {
            *ret = (uint64_t)(number * units[i].ns);
            return 0;
        }
    }
    return 1;
}

static const char *set_duration(void *to, const char *value)
{
    struct kw_load_schedule *schedule = &settings_of(to)->schedule;

    settings_of(to)->has_duration = true;
    return parse_duration(value, &schedule->duration_ns) == 0 && schedule->duration_ns > 0 ? NULL
                                                                                           : DURATION_WRONG;
}

static const char *set_warm_up(void *to, const char *value)
{
    return parse_duration(value, &settings_of(to)->schedule.warm_up_ns) == 0 ? NULL : DURATION_WRONG;
}

static const char *set_timeout(void *to, const char *value)
{
    uint64_t *timeout = &settings_of(to)->plan.timeout_ns;

    return parse_duration(value, timeout) == 0 && *timeout > 0 ? NULL : DURATION_WRONG;
}

static const char *set_max_requests(void *to, const char *value)
{
    return kw_number_parse(value, 1, UINT64_C(1000000000000), &settings_of(to)->schedule.requests_max) == 0
               ? NULL
               : "must be a number of requests";
}

static const char *set_connections(void *to, const char *value)
{
    uint64_t number;

    if (kw_number_parse(value, 1, 60000, &number) != 0)
        return "must be 1 to 60000";
    settings_of(to)->plan.num_connections = (unsigned)number;
    return NULL;
}

static const char *set_threads(void *to, const char *value)
{
    uint64_t number;

    if (kw_number_parse(value, 1, 64, &number) != 0)
        return "must be 1 to 64";
    settings_of(to)->plan.num_threads = (unsigned)number;
    return NULL;
}

static const char *set_cpu(void *to, const char *value)
{
    struct kw_load_plan *plan = &settings_of(to)->plan;
    struct kw_cpus wanted, allowed;

    if (kw_cpus_parse(kw_bytes_str(value), &wanted) != 0 || wanted.num == 0)
        return "must be a list of cores, such as 1 or 2-3";
    if (kw_cpus_allowed(&allowed) != 0 || !kw_cpus_within(&wanted, &allowed))
        return "names a core that this process may not use";
    plan->num_cpus = KW_MIN(wanted.num, (unsigned)KW_ARRAY_LEN(plan->cpus));
    for (unsigned i = 0; i < plan->num_cpus; i++)
        plan->cpus[i] = wanted.cpu[i];
    return NULL;
}

static const char *set_arrivals(void *to, const char *value)
{
    settings_of(to)->plan.poisson = strcmp(value, "poisson") == 0;
    return settings_of(to)->plan.poisson || strcmp(value, "constant") == 0 ? NULL
                                                                           : "must be constant or poisson";
}

static const char *set_burst(void *to, const char *value)
{
    struct kw_load_plan *plan = &settings_of(to)->plan;
    const char *colon = strchr(value, ':');
    char on[32] = "";

    if (colon == NULL || (size_t)(colon - value) >= sizeof(on))
        return "must be ON:OFF, such as 2s:8s";
    memcpy(on, value, (size_t)(colon - value));
    return parse_duration(on, &plan->burst_on_ns) == 0 && plan->burst_on_ns > 0 &&
                   parse_duration(colon + 1, &plan->burst_quiet_ns) == 0
               ? NULL
               : "must be ON:OFF, such as 2s:8s";
}

static const char *set_seed(void *to, const char *value)
{
    return kw_number_parse(value, 0, UINT64_C(1000000000000), &settings_of(to)->plan.seed) == 0
               ? NULL
               : "must be a number";
}

static const char *set_io(void *to, const char *value)
{
    settings_of(to)->plan.epoll = strcmp(value, "epoll") == 0;
    return settings_of(to)->plan.epoll || strcmp(value, "io_uring") == 0 ? NULL : "must be io_uring or epoll";
}

static const char *set_slo(void *to, const char *value)
{
    struct kw_load_report *report = &settings_of(to)->report;

    if (report->num_slos == KW_LOAD_SLO_MAX - 1)
        return "is there too often";
    return kw_load_slo_parse(value, &report->slos[report->num_slos++]) == 0
               ? NULL
               : "must be such as p99<1ms, max<20ms, mean<300us, errors<0.1%, misses<1% or rate>=99%";
}

/* ---- the table ---- */

static const struct kw_option options[] = {
    {"--endpoint-url", "URL", "the KMS endpoint, https://HOST[:PORT] or http://HOST[:PORT] (required)",
        set_endpoint},
    {"--operation", "OP", "what to call; as --mix with one entry", set_mix},
    {"--mix", "OP=N,...", "several operations by weight; see below", set_mix},
    {"--key-id", "KEY", "KMS key: id, ARN or alias/NAME", set_key_id},
    {"--encryption-context", "N=V", "a pair of the encryption context; may be repeated", set_context},
    {"--rate", "R[,R...]", "requests a second; several: one run after the other", set_rates},
    {"--sweep", "LOW:HIGH", "find the highest rate between these that meets every --slo", set_sweep},
    {"--slo", "OBJECTIVE", "an objective; may be repeated; see below", set_slo},
    {"--duration", "TIME", "how long each rate is measured (default 10s)", set_duration},
    {"--warm-up", "TIME", "before that, not measured (default 2s)", set_warm_up},
    {"--max-requests", "N", "end a run after so many, warm-up included", set_max_requests},
    {"--connections", "N", "kept open, one request at a time on each (default 64)", set_connections},
    {"--threads", "N", "sending threads (default 1)", set_threads},
    {"--cpu", "LIST", "cores to pin the threads to", set_cpu},
    {"--timeout", "TIME", "an answer that takes longer counts as failed (default 10s)", set_timeout},
    {"--arrivals", "KIND", "constant (equal gaps, the default) or poisson", set_arrivals},
    {"--burst", "ON:OFF", "requests come for ON, then none for OFF; --rate is the mean of both", set_burst},
    {"--seed", "N", "other moments of Poisson arrivals (default 0)", set_seed},
    {"--region", "R", "to sign for (default: as the AWS CLI finds it)", set_region},
    {"--profile", "NAME", "whose credentials (default: as the AWS CLI finds them)", set_profile},
    {"--ca-bundle", "FILE", "certificates to trust, PEM (default: the system's)", set_ca_bundle},
    {"--insecure", NULL, "trust any certificate", set_insecure},
    {"--invocation-ids", NULL, "a signed amz-sdk-invocation-id of its own in each request",
        set_invocation_ids},
    {"--static", "PATH", "send plain GETs of this path instead: nothing is signed", set_static},
    {"--no-probe", NULL, "do not send one request of each operation first", set_no_probe},
    {"--json", "FILE", "write the results there; - is standard output", set_json},
    {"--hdr-log", "FILE", "write latencies second by second in HdrHistogram's log format", set_hdr_log},
    {"--svg", "FILE", "draw latency by percentile", set_svg},
    {"--title", "TEXT", "of the drawing", set_title},
    {"--spin", NULL, "threads never sleep: wake-ups do not show in latencies", set_spin},
    {"--io", "KIND", "io_uring (the default where it is allowed) or epoll", set_io},
    {"--progress", NULL, "a line a second on standard error, terminal or not", set_progress},
    {"--quiet", NULL, "no table and no progress", set_quiet},
    {"--version", NULL, "the version", set_version},
};

void kw_load_settings_help(void)
{
    printf(
        "Usage: keywell-load --endpoint-url URL --rate R [OPTION ...]\n\n"
        "Sends signed requests to a KMS endpoint at a constant rate, whatever the answers do, and measures "
        "how\n"
        "long each takes from the moment at which it was due. A stall of the server is not hidden: requests\n"
        "that could not be sent meanwhile waited, too.\n\n");
    kw_options_help(options, KW_ARRAY_LEN(options));
    fputs(
        "\n"
        "Operations (default GenerateDataKeyPairWithoutPlaintext:RSA_2048):\n"
        "  GenerateDataKeyPair:SPEC, GenerateDataKeyPairWithoutPlaintext:SPEC    RSA_2048, ECC_NIST_P256, "
        "...\n"
        "  GenerateDataKey[:SPEC], GenerateDataKeyWithoutPlaintext[:SPEC]        AES_256 (default), AES_128\n"
        "  Encrypt[:BYTES], Decrypt[:BYTES], GenerateRandom[:BYTES]              32 by default\n"
        "  DescribeKey\n"
        "  NAME@FILE                                                             any other; JSON body from "
        "FILE\n"
        "\n"
        "Objectives, each with <, <=, > or >=:\n"
        "  p50 p99 p99.9 ... max mean    latency, in ns, us, ms or s; a request that failed took for ever\n"
        "  errors                        share of requests that failed, in %\n"
        "  misses                        share of good answers for which keywelld waited for a key pair, in "
        "%\n"
        "  rate                          good answers a second by requests due a second, in %\n"
        "\n"
        "Credentials and region come from where the AWS CLI takes them: AWS_ACCESS_KEY_ID and its kin, "
        "AWS_PROFILE,\n"
        "AWS_SHARED_CREDENTIALS_FILE, ~/.aws/credentials, AWS_REGION, ~/.aws/config.\n"
        "\n"
        "Examples:\n"
        "  export AWS_SHARED_CREDENTIALS_FILE=/var/lib/keywell/credentials\n"
        "  keywell-load --endpoint-url http://127.0.0.1:4566 --key-id alias/demo --rate 1000\n"
        "  keywell-load --endpoint-url https://kms.example:8443 --ca-bundle ca.pem --key-id alias/demo \\\n"
        "      --mix "
        "GenerateDataKeyPairWithoutPlaintext:RSA_2048=70,GenerateDataKeyWithoutPlaintext:AES_256=30 \\\n"
        "      --rate 1000,2000,5000 --duration 60 --slo 'p99<1ms' --slo 'errors<0.01%' --json out.json "
        "--svg out.svg\n"
        "  keywell-load --endpoint-url http://127.0.0.1:4566 --key-id alias/demo --cpu 1 \\\n"
        "      --operation GenerateDataKeyPairWithoutPlaintext:ECC_NIST_P256 --sweep 1000:60000 --slo "
        "'p99<1ms'\n"
        "\n"
        "Exit status: 0 done, and every objective met; 1 it could not run; 2 bad usage; 3 an objective was "
        "missed;\n"
        "4 results are invalid, as the generator itself was the bottleneck; 130 interrupted.\n",
        stdout);
}

static int usage(const char *problem)
{
    fprintf(stderr, "keywell-load: %s\nTry 'keywell-load --help'.\n", problem);
    return 1;
}

static int check(const struct kw_load_settings *settings)
{
    if (settings->plan.endpoint.host[0] == '\0')
        return usage("--endpoint-url URL is required");
    if (settings->num_rates == 0 && settings->sweep_low == 0)
        return usage("--rate R or --sweep LOW:HIGH is required");
    if (settings->num_rates > 0 && settings->sweep_low > 0)
        return usage("--rate and --sweep exclude each other");
    if (settings->plan.burst_on_ns > 0 && settings->schedule.requests_max > 0)
        return usage("--burst and --max-requests exclude each other");
    if (settings->sweep_low > 0 && settings->report.num_slos == 0)
        return usage("--sweep needs an objective, such as --slo 'p99<1ms'");
    if (settings->static_path != NULL && settings->mix != NULL)
        return usage("--static excludes --operation and --mix");
    if (settings->plan.num_threads > settings->plan.num_connections)
        return usage("there must be a connection for each thread");
    if (settings->num_context > 0 && settings->static_path != NULL)
        return usage("--static excludes --encryption-context");
    return 0;
}

/* A sweep looks for a rate that the endpoint keeps up with. */
static void add_rate_objective(struct kw_load_report *report)
{
    for (unsigned i = 0; i < report->num_slos; i++) {
        if (report->slos[i].kind == KW_LOAD_SLO_RATE)
            return;
    }
    kw_assert(kw_load_slo_parse("rate>=99%", &report->slos[report->num_slos++]) == 0);
}

int kw_load_settings_parse(struct kw_load_settings *ret, int argc, char **argv)
{
    int rest, r;

    ret->schedule = (struct kw_load_schedule){.warm_up_ns = WARM_UP_NS, .duration_ns = DURATION_NS};
    ret->plan.num_connections = CONNECTIONS;
    ret->plan.num_threads = 1;
    ret->plan.timeout_ns = TIMEOUT_NS;
    kw_assert(kw_load_mix_parse(&ret->plan, "GenerateDataKeyPairWithoutPlaintext:RSA_2048") == NULL);
    r = kw_options_parse("keywell-load", options, KW_ARRAY_LEN(options), argc, argv, ret, &rest);
    if (r != 0 || ret->version)
        return r;
    if (rest < argc)
        return usage("it takes options only");
    if (ret->schedule.requests_max > 0 && !ret->has_duration)
        ret->schedule.duration_ns = DAY_NS;
    if (ret->sweep_low > 0 && ret->report.num_slos > 0)
        add_rate_objective(&ret->report);
    ret->report.plan = &ret->plan;
    ret->report.warm_up_s = (double)ret->schedule.warm_up_ns / 1e9;
    ret->report.duration_s = (double)ret->schedule.duration_ns / 1e9;
    return check(ret);
}
