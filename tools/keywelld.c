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
};

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

static const char *set_cpus(void *to, const char *value)
{
    struct settings *settings = to;
    struct kw_cpus wanted;

    if (kw_cpus_parse(kw_bytes_str(value), &wanted) != 0 || wanted.num == 0)
        return "must be a list of cores, such as 0-3,6";
    if (!kw_cpus_within(&wanted, &settings->node.cpus))
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

static const char *set_version(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->version = true;
    return NULL;
}

static const struct kw_option options[] = {
    {"--data", "DIR", "the data folder; made on first start (required)", set_data},
    {"--listen", "HOST:PORT", "where the KMS API is served; loopback; port 0: a free one (required)",
        set_listen},
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
    {"--cpus", "LIST", "cores for workers and serving threads (default: all allowed ones)", set_cpus},
    {"--serving-threads", "N", "threads that serve requests (default: one a core, at most 4)",
        set_serving_threads},
    {"--pool", "SPEC=N", "key pairs to hold of a spec, 0 for none; may be repeated", set_pool},
    {"--pool-wait-ms", "N", "how long a request waits for a pair of an empty pool (default 2000)",
        set_pool_wait_ms},
    {"--pool-waiters", "N", "how many requests may wait for a spec at once (default 1024)", set_waiters_max},
    {"--connections", "N", "client connections at most (default 10000)", set_connections_max},
    {"--header-timeout-ms", "N", "time for a request to arrive (default 10000)", set_header_timeout_ms},
    {"--idle-timeout-ms", "N", "time a connection may idle (default 60000)", set_idle_timeout_ms},
    {"--clock-offset", "SECONDS", "for trials: shift the clock by which keys live (default 0)",
        set_clock_offset},
    {"--log-level", "LEVEL", "debug, info, warn or error (default info)", set_log_level},
    {"--version", NULL, "the version", set_version},
};

static void help(void)
{
    printf(
        "Usage: keywelld --data DIR --listen HOST:PORT [OPTION ...]\n\n"
        "Serves the AWS KMS API from key pairs made ahead of time. Runs in the foreground, logs to standard\n"
        "error, stops on SIGTERM or SIGINT after answering what is in flight.\n\n");
    kw_options_help(options, KW_ARRAY_LEN(options));
    printf("\nSpecs and how many pairs are held by default:\n");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        printf("  %-24s %u\n", kw_spec_info((enum kw_spec)spec)->name,
            kw_spec_info((enum kw_spec)spec)->default_capacity);
    printf("\nEnvironment:\n  %-28s %s\n", "KEYWELL_CPU",
        "instruction set for keywell's own generators: auto, portable or avx512ifma");
}

static int usage(const char *problem)
{
    fprintf(stderr, "keywelld: %s\nTry 'keywelld --help'.\n", problem);
    return 2;
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
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (kw_node_prepare_process(why, sizeof(why)) < 0 || kw_node_start(&node, config, why, sizeof(why)) < 0) {
        fprintf(stderr, "keywelld: %s\n", why);
        return 1;
    }
    sigwait(&signals, &signal_number);
    kw_log(KW_LOG_INFO, "draining", "signal=%s", signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
    kw_node_stop(node);
    kw_log(KW_LOG_INFO, "stopped", "version=%s", KW_VERSION);
    return 0;
}

int main(int argc, char **argv)
{
    struct settings settings = {.version = false};
    int rest, r = kw_node_defaults(&settings.node);

    if (r < 0) {
        fprintf(stderr, "keywelld: the cores of this process cannot be found out: %s\n", strerror(-r));
        return 1;
    }
    settings.node.cpu_mask = getenv("KEYWELL_CPU");
    r = kw_options_parse("keywelld", options, KW_ARRAY_LEN(options), argc, argv, &settings, &rest);
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
    return serve(&settings.node);
}
