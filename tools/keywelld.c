/* keywelld - the server. */
#include "api/log.h"
#include "api/node.h"
#include "api/region.h"
#include "api/runfile.h"
#include "tools/options.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* A hundred years. */
#define CLOCK_OFFSET_MAX (100LL * 366 * 86400)

struct settings {
    struct kw_node_config node;
    bool has_listen;
    bool version;
    const char *config; /* NULL: none */
};

static const char *set_tls_cert(void *to, const char *value)
{
    ((struct settings *)to)->node.tls_certificate = value;
    return value[0] == '\0' ? "must name a file" : NULL;
}

static const char *set_tls_key(void *to, const char *value)
{
    ((struct settings *)to)->node.tls_key = value;
    return value[0] == '\0' ? "must name a file" : NULL;
}

static const char *set_tls_min(void *to, const char *value)
{
    bool is_1_3 = strcmp(value, "1.3") == 0;

    ((struct settings *)to)->node.tls_min_version = is_1_3 ? KW_TLS_1_3 : KW_TLS_1_2;
    return is_1_3 || strcmp(value, "1.2") == 0 ? NULL : "must be 1.2 or 1.3";
}

static const char *set_self_signed(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->node.self_signed = true;
    return NULL;
}

static const char *set_insecure(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->node.insecure_plain_http = true;
    return NULL;
}

static const char *set_data(void *to, const char *value)
{
    ((struct settings *)to)->node.data_dir = value;
    return value[0] == '\0' ? "must name a folder" : NULL;
}

static const char *set_listen(void *to, const char *value)
{
    struct settings *settings = to;

    settings->has_listen = true;
    return kw_address_parse(value, &settings->node.listen) == 0 ? NULL
                                                                : "must be HOST:PORT, such as 127.0.0.1:4566";
}

static const char *set_admin(void *to, const char *value)
{
    struct settings *settings = to;

    settings->node.has_admin = true;
    return kw_address_parse(value, &settings->node.admin) == 0 ? NULL
                                                               : "must be HOST:PORT, such as 127.0.0.1:4567";
}

static const char *set_regions(void *to, const char *value)
{
    const char *why = "must be names of regions, such as us-east-1 or us-east-1,eu-west-1";

    for (const char *name = value;; name++) {
        size_t len = strcspn(name, ",");

        if (!kw_region_valid(KW_BYTES(name, len)))
            return why;
        name += len;
        if (*name == '\0')
            break;
    }
    ((struct settings *)to)->node.regions = value;
    return NULL;
}

static const char *set_clock_offset(void *to, const char *value)
{
    char *end = NULL;
    long long seconds;

    errno = 0;
    seconds = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || seconds < -CLOCK_OFFSET_MAX ||
        seconds > CLOCK_OFFSET_MAX)
        return "must be a number of seconds, at most 100 years either way";
    ((struct settings *)to)->node.clock_offset_ms = seconds * 1000;
    return NULL;
}

static const char *set_attestation_root(void *to, const char *value)
{
    ((struct settings *)to)->node.attestation_root = value;
    return value[0] == '\0' ? "must name a file" : NULL;
}

static const char *set_hsm(void *to, const char *value)
{
    struct kw_node_config *node = &((struct settings *)to)->node;
    struct kw_hsm_cluster cluster;

    if (kw_hsm_parse(value, &cluster) != 0)
        return "must be CLUSTER-ID=MODULE:TOKEN-LABEL, such as cluster-abcdefghijk=/usr/lib/module.so:mine";
    if (node->num_hsm == KW_HSM_CLUSTERS_MAX)
        return "is there too often";
    for (unsigned i = 0; i < node->num_hsm; i++) {
        if (strcmp(node->hsm[i].id, cluster.id) == 0)
            return "names a cluster twice";
        /* A login is the token's, not a session's: one cluster would log the other out. */
        if (strcmp(node->hsm[i].module, cluster.module) == 0 &&
            strcmp(node->hsm[i].label, cluster.label) == 0)
            return "names a token twice";
    }
    node->hsm[node->num_hsm++] = cluster;
    return NULL;
}

static const char *set_account(void *to, const char *value)
{
    struct settings *settings = to;

    if (strlen(value) != KW_ACCOUNT_LEN || strspn(value, "0123456789") != KW_ACCOUNT_LEN)
        return "must be twelve digits";
    memcpy(settings->node.account, value, KW_ACCOUNT_LEN + 1);
    return NULL;
}

static const char *set_quotas(void *to, const char *value)
{
    ((struct settings *)to)->node.quotas = value;
    return value[0] == '\0' ? "must be aws or name a file" : NULL;
}

static const char *set_principal_rate(void *to, const char *value)
{
    struct kw_node_config *node = &((struct settings *)to)->node;

    return kw_quota_rate_parse(kw_bytes_str(value), KW_BYTES(NULL, 0), &node->principal) == 0
               ? NULL
               : "must be 0.0001 to 1000000 calls a second, or unlimited";
}

static const char *set_serving_cpus(void *to, const char *value)
{
    struct settings *settings = to;
    struct kw_cpus wanted, allowed;

    if (kw_cpus_parse(kw_bytes_str(value), &wanted) != 0 || wanted.num == 0)
        return "must be a list of cores, such as 0-3,6";
    if (kw_cpus_allowed(&allowed) < 0 || !kw_cpus_within(&wanted, &allowed))
        return "names a core that this process may not use";
    settings->node.serving_cpus = wanted;
    return NULL;
}

static const char *set_cpus(void *to, const char *value)
{
    struct settings *settings = to;
    struct kw_cpus wanted, allowed;

    if (kw_cpus_parse(kw_bytes_str(value), &wanted) != 0 || wanted.num == 0)
        return "must be a list of cores, such as 0-3,6";
    if (kw_cpus_allowed(&allowed) < 0 || !kw_cpus_within(&wanted, &allowed))
        return "names a core that this process may not use";
    settings->node.cpus = wanted;
    return NULL;
}

static const char *set_pool(void *to, const char *value)
{
    struct settings *settings = to;
    const char *equals = strchr(value, '=');
    enum kw_spec spec;
    uint64_t capacity;

    if (equals == NULL || kw_spec_parse(KW_BYTES(value, (size_t)(equals - value)), &spec) != 0)
        return "must be SPEC=N with a spec of the KMS API, such as RSA_2048=1000";
    if (kw_number_parse(equals + 1, 0, KW_POOL_CAPACITY_MAX, &capacity) != 0)
        return "must hold 0 (off) to 1048063 pairs";
    settings->node.capacity[spec] = (uint32_t)capacity;
    return NULL;
}

static const char *set_on_empty(void *to, const char *value)
{
    struct kw_node_config *node = &((struct settings *)to)->node;

    return kw_on_empty_parse_list(kw_bytes_str(value), node->on_empty) == 0
               ? NULL
               : "must be wait, generate or reject, or SPEC= one of these, or a list such as "
                 "generate,RSA_4096=reject";
}

static const char *set_no_save_pools(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->node.save_pools = false;
    return NULL;
}

/* N or P%. Returns: 0 | 1 */
static int parse_reserve(const char *text, struct kw_reserve_size *ret)
{
    size_t len = strlen(text);
    bool percent = len > 0 && text[len - 1] == '%';
    char number[16] = "";
    uint64_t value;

    KW_REQUIRE(len > 0 && len < sizeof(number), 1);
    memcpy(number, text, len - percent);
    KW_REQUIRE(kw_number_parse(number, 0, percent ? 100 : KW_POOL_CAPACITY_MAX, &value) == 0, 1);
    *ret = percent ? (struct kw_reserve_size){.percent = (uint32_t)value}
                   : (struct kw_reserve_size){.pairs = (uint32_t)value};
    return 0;
}

static const char *set_reserve(void *to, const char *value)
{
    const char *why = "must be N or P% of every pool, or SPEC=N or SPEC=P%, such as 10% or RSA_4096=50";
    struct kw_node_config *node = &((struct settings *)to)->node;
    const char *equals = strchr(value, '=');
    struct kw_reserve_size size;
    enum kw_spec only = KW_SPEC_NUM;

    if (equals != NULL && kw_spec_parse(KW_BYTES(value, (size_t)(equals - value)), &only) != 0)
        return why;
    if (parse_reserve(equals != NULL ? equals + 1 : value, &size) != 0)
        return why;
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (only == KW_SPEC_NUM || only == spec)
            node->reserve[spec] = size;
    }
    return NULL;
}

/* One setter for each option that is a plain number. */
#define NUMBER_SETTER(field, least, most, problem)                                                           \
    static const char *set_##field(void *to, const char *value)                                              \
    {                                                                                                        \
        uint64_t number;                                                                                     \
                                                                                                             \
        if (kw_number_parse(value, least, most, &number) != 0)                                               \
            return problem;                                                                                  \
        ((struct settings *)to)->node.field = (uint32_t)number;                                              \
        return NULL;                                                                                         \
    }
NUMBER_SETTER(pool_wait_ms, 0, KW_POOL_WAIT_MS_MAX, "must be 0 to 60000 milliseconds")
NUMBER_SETTER(generate_max, 1, KW_ONDEMAND_MAX, "must be 1 to 64")
NUMBER_SETTER(cpu_share, 1, 100, "must be 1 to 100 percent")
NUMBER_SETTER(waiters_max, 1, 100000, "must be 1 to 100000")
NUMBER_SETTER(connections_max, 1, 1000000, "must be 1 to 1000000")
NUMBER_SETTER(header_timeout_ms, 1, 3600000, "must be 1 to 3600000 milliseconds")
NUMBER_SETTER(idle_timeout_ms, 1, 86400000, "must be 1 to 86400000 milliseconds")
NUMBER_SETTER(serving_threads, 1, KW_LOOPS_MAX, "must be 1 to 64")

static const char *set_log_level(void *to, const char *value)
{
    enum kw_log_level level;

    (void)to;
    if (kw_log_level_parse(value, &level) != 0)
        return "must be debug, info, warn or error";
    kw_log_set_level(level);
    return NULL;
}

static const char *set_config(void *to, const char *value)
{
    ((struct settings *)to)->config = value;
    return value[0] == '\0' ? "must name a file" : NULL;
}

static const char *set_version(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->version = true;
    return NULL;
}

static const struct kw_option options[] = {
    {"--data", "DIR", "the data folder; made on first start (required)", set_data},
    {"--listen", "HOST:PORT",
        "where the KMS API is served; without TLS loopback; port 0: a free one (required)", set_listen},
    {"--tls-cert", "FILE", "serve TLS with this certificate and its chain, PEM; SIGHUP reads it again",
        set_tls_cert},
    {"--tls-key", "FILE", "its private key, PEM, readable by this user only", set_tls_key},
    {"--tls-min", "VERSION", "the oldest TLS that is served, 1.2 or 1.3 (default 1.2)", set_tls_min},
    {"--self-signed", NULL, "serve TLS with a certificate made here (DIR/tls.crt), for trials",
        set_self_signed},
    {"--insecure-plain-http", NULL, "serve an address that is not loopback without TLS", set_insecure},
    {"--admin", "HOST:PORT", "where /livez, /readyz, /metrics and /pools are served; loopback", set_admin},
    {"--regions", "LIST", "the regions that are served, separated by commas (default: all)", set_regions},
    {"--region", "R", "the same, when it is one", set_regions},
    {"--attestation-root", "FILE", "roots that vouch for enclaves, PEM (default: that of AWS Nitro Enclaves)",
        set_attestation_root},
    {"--hsm", "ID=MODULE:TOKEN", "a PKCS#11 token to stand for a CloudHSM cluster; may be repeated", set_hsm},
    {"--account", "N", "the account (default 000000000000)", set_account},
    {"--quotas", "aws|FILE", "throttle as AWS does, with what the file changes (default: no quotas)",
        set_quotas},
    {"--principal-rate", "N", "calls a second of one user or role at most (default: unlimited)",
        set_principal_rate},
    {"--cpus", "LIST", "cores for all threads of the server (default: all allowed ones)", set_cpus},
    {"--serving-cpus", "LIST", "cores for all threads but the workers (default: those of --cpus)",
        set_serving_cpus},
    {"--serving-threads", "N", "threads that serve requests (default: one a core, at most 4)",
        set_serving_threads},
    {"--pool", "SPEC=N", "key pairs to hold of a spec, 0 for none; may be repeated", set_pool},
    {"--on-empty", "LIST", "what a request meets at an empty pool (default wait; see below)", set_on_empty},
    {"--no-save-pools", NULL, "do not save the pools at a clean stop (default: save, and restore at start)",
        set_no_save_pools},
    {"--reserve", "[SPEC=]N|P%",
        "pairs to keep in a file for the case of a crash (default 0); may be repeated", set_reserve},
    {"--pool-wait-ms", "N", "a request that waits for a pair is answered within this time (default 2000)",
        set_pool_wait_ms},
    {"--generate-max", "N", "pairs made for waiting requests at once (default: one for every two cores)",
        set_generate_max},
    {"--cpu-share", "PERCENT",
        "of each core, for filling pools at most (default 100: what nobody else wants)", set_cpu_share},
    {"--pool-waiters", "N", "how many requests may wait for a spec at once (default 1024)", set_waiters_max},
    {"--connections", "N", "client connections at most (default 10000)", set_connections_max},
    {"--header-timeout-ms", "N", "time for a request to arrive (default 10000)", set_header_timeout_ms},
    {"--idle-timeout-ms", "N", "time a connection may idle (default 60000)", set_idle_timeout_ms},
    {"--clock-offset", "SECONDS", "for trials: shift the clock by which keys live (default 0)",
        set_clock_offset},
    {"--log-level", "LEVEL", "debug, info, warn or error (default info)", set_log_level},
    /* No settings of a file from here on: NUM_SETTINGS. */
    {"--config", "FILE", "a file with these options, as lines such as pool = RSA_2048=1000; see below",
        set_config},
    {"--version", NULL, "the version", set_version},
};
#define NUM_SETTINGS (KW_ARRAY_LEN(options) - 2)

static void help(void)
{
    printf(
        "Usage: keywelld --data DIR --listen HOST:PORT [OPTION ...]\n\n"
        "Serves the AWS KMS API from key pairs made ahead of time. Runs in the foreground, logs to standard\n"
        "error, stops on SIGTERM or SIGINT after answering what is in flight, and reads its certificate "
        "again on\n"
        "SIGHUP. SIGUSR1 stops the filling of pools, SIGUSR2 goes on with it.\n\n");
    kw_options_help(options, KW_ARRAY_LEN(options));
    printf("\nSpecs and how many pairs are held by default:\n");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        printf("  %-24s %u\n", kw_spec_info((enum kw_spec)spec)->name,
            kw_spec_info((enum kw_spec)spec)->default_capacity);
    printf("\nAt an empty pool (--on-empty; a policy for all specs, SPEC=POLICY for one, or several with "
           "commas\n"
           "between them, such as generate,RSA_4096=reject):\n"
           "  wait                         in line, until the pool has a pair or the time is up\n"
           "  generate                     the same, and a pair is made for the request besides\n"
           "  reject                       ThrottlingException at once\n");
    printf(
        "\nThe file of --config has lines of NAME = VALUE, a NAME being an option without its dashes; an "
        "option "
        "that\ntakes no value is switched on by yes. # begins a comment. What the command line says wins.\n");
    printf("\nEnvironment:\n  %-28s %s\n", "KEYWELL_CPU",
        "instruction set for keywell's own generators: auto, portable or avx512ifma");
}

static int usage(const char *problem)
{
    fprintf(stderr, "keywelld: %s\nTry 'keywelld --help'.\n", problem);
    return 2;
}

/* NULL, or what does not go together. */
static const char *judge_tls(const struct kw_node_config *node)
{
    bool files = node->tls_certificate != NULL;

    if (files != (node->tls_key != NULL))
        return "--tls-cert and --tls-key go together";
    if (files && node->self_signed)
        return "--self-signed makes a certificate of its own: leave it or --tls-cert and --tls-key out";
    if (node->insecure_plain_http && (files || node->self_signed))
        return "--insecure-plain-http and TLS exclude each other";
    if (node->tls_min_version != KW_TLS_1_2 && !files && !node->self_signed)
        return "--tls-min says nothing without TLS: give --tls-cert and --tls-key, or --self-signed";
    return NULL;
}

/* Every thread that is started from here on stays on the server's cores. */
static int stay_on_cores(const struct kw_cpus *cpus, char *why, size_t why_cap)
{
    int r = kw_cpus_stay(cpus);

    if (r < 0)
        snprintf(why, why_cap, "the cores cannot be kept to: %s", strerror(-r));
    return r;
}

/* Returns false if the signal asks for the end. */
static bool heed(struct kw_node *node, int signal_number)
{
    if (signal_number == SIGHUP)
        kw_node_reload(node);
    else if (signal_number == SIGUSR1 || signal_number == SIGUSR2)
        kw_node_refill(node, signal_number == SIGUSR2);
    else
        return false;
    return true;
}

static int serve(const struct kw_node_config *config)
{
    struct kw_node *node = NULL;
    char why[1024] = "";
    sigset_t signals;
    int signal_number;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (stay_on_cores(kw_node_serving_cpus(config), why, sizeof(why)) < 0 ||
        kw_node_prepare_process(why, sizeof(why)) < 0 || kw_node_start(&node, config, why, sizeof(why)) < 0) {
        fprintf(stderr, "keywelld: %s\n", why);
        return 1;
    }
    while (sigwait(&signals, &signal_number) == 0 && heed(node, signal_number))
        ;
    kw_log(KW_LOG_INFO, "draining", "signal=%s", signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
    kw_node_stop(node);
    kw_log(KW_LOG_INFO, "stopped", "version=%s", KW_VERSION);
    return 0;
}

/* The defaults, then what the file says, then the command line. Returns: as kw_options_parse() */
static int collect(struct settings *settings, int argc, char **argv, int *ret_rest)
{
    /* Settings point into it until the process ends. */
    static char *text;
    const struct settings defaults = *settings;
    int r = kw_options_parse("keywelld", options, KW_ARRAY_LEN(options), argc, argv, settings, ret_rest);
    const char *config = settings->config;

    if (r != 0 || config == NULL || settings->version)
        return r;
    *settings = defaults;
    KW_REQUIRE(kw_options_load("keywelld", options, NUM_SETTINGS, config, settings, &text) == 0, 1);
    return kw_options_parse("keywelld", options, KW_ARRAY_LEN(options), argc, argv, settings, ret_rest);
}

int main(int argc, char **argv)
{
    static struct settings settings;
    int rest, r = kw_node_defaults(&settings.node);
    const char *problem;

    if (r < 0) {
        fprintf(stderr, "keywelld: the cores of this process cannot be found out: %s\n", strerror(-r));
        return 1;
    }
    settings.node.cpu_mask = getenv("KEYWELL_CPU");
    r = collect(&settings, argc, argv, &rest);
    if (r == 2) {
        help();
        return 0;
    }
    if (r != 0)
        return 2;
    if (settings.version) {
        printf("keywelld %s\n", KW_VERSION);
        return 0;
    }
    if (rest < argc)
        return usage("it takes options only");
    if (settings.node.data_dir == NULL)
        return usage("--data DIR is required");
    if (!settings.has_listen)
        return usage("--listen HOST:PORT is required");
    problem = judge_tls(&settings.node);
    return problem != NULL ? usage(problem) : serve(&settings.node);
}
