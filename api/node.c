#include "api/node.h"

#include "api/admin.h"
#include "api/datadir.h"
#include "api/json.h"
#include "api/keeper.h"
#include "api/log.h"
#include "api/operator.h"
#include "api/operatorsock.h"
#include "api/recipient.h"
#include "api/runfile.h"
#include "api/service.h"
#include "api/tlsserver.h"
#include "api/warmstart.h"
#include "engine/crypto.h"
#include "engine/drbg.h"
#include "engine/selftest.h"
#include "pool/fault.h"
#include "pool/secmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define SERVING_THREADS_DEFAULT 4u
#define MAIN_RESERVE            (1024u * 1024u)

/* What tokens are made with and saved pools sealed with, in secret memory; lent to who needs it. */
struct secrets {
    uint8_t grant[32], import[32], session[32];
    uint8_t saved_pools[KW_POOLFILE_KEY_LEN];
};

struct kw_node {
    struct kw_node_config config;
    struct kw_datadir datadir;
    bool datadir_open;
    struct kw_store *store;
    struct kw_audit *audit;
    struct kw_bell bell;
    struct kw_pool *pools[KW_SPEC_NUM];
    struct kw_warmstart *warmstart;
    struct kw_engine *engine;
    struct kw_forge *forge;
    struct kw_metrics metrics;
    struct kw_attestation_trust *trust;
    struct kw_hsm *hsm;
    struct kw_quotas *quotas;
    struct kw_service service;
    struct secrets *secrets;
    struct kw_keeper *keeper;
    struct kw_admin admin;
    struct kw_loop_stats api_loops, admin_loops, operator_loops;
    struct kw_tls_server *tls;
    struct kw_server *api_server;
    struct kw_server *admin_server;
    struct kw_server *operator_server;
    bool operator_socket;
    bool run_file;
    unsigned serving_cpus[KW_LOOPS_MAX];
};

int kw_node_defaults(struct kw_node_config *ret)
{
    *ret = (struct kw_node_config){
        .account = "000000000000",
        .save_pools = true,
        .pool_wait_ms = KW_POOL_WAIT_MS,
        .waiters_max = KW_POOL_WAITERS_MAX,
    };
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        ret->capacity[spec] = kw_spec_info((enum kw_spec)spec)->default_capacity;
    return kw_cpus_allowed(&ret->cpus);
}

/* ---- the process ---- */

static void raise_limit(int resource)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(resource, &limit);
}

int kw_node_prepare_process(char *why, size_t why_cap)
{
    struct rlimit no_core = {0, 0};
    const char *what = "";
    int r;

    umask(0077);
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0) {
        r = -errno;
        snprintf(why, why_cap, "core dumps cannot be switched off: %s", strerror(-r));
        return r;
    }
    raise_limit(RLIMIT_MEMLOCK);
    r = kw_crypto_init();
    if (r == 0)
        r = kw_secmem_thread_init(MAIN_RESERVE);
    if (r < 0) {
        snprintf(why, why_cap, "secret memory cannot be set up: %s",
            r == KW_EOPENSSL ? "OpenSSL refused its memory functions" : strerror(-r));
        return r;
    }
    kw_json_init();
    r = kw_engine_selftest(&what);
    if (r == 0) {
        what = "ciphertext format";
        r = kw_ciphertext_selftest(NULL);
    }
    if (r != 0)
        snprintf(why, why_cap, "the known-answer test of %s failed: this build or machine must not make keys",
            what);
    return r == 0 ? 0 : -EIO;
}

/* ---- data ---- */

/* Who is made in one change. */
struct administrator {
    struct kw_principal *user;
    struct kw_access_key key;
};

static void administrator_done(struct administrator **admin)
{
    if (*admin != NULL)
        kw_principal_unref((*admin)->user);
    kw_secmem_free(*admin);
}

static int put_administrator(struct kw_tx *tx, void *arg)
{
    const struct administrator *admin = arg;
    int r = kw_tx_put_principal(tx, admin->user);

    return r != 0 ? r : kw_tx_put_access_key(tx, &admin->key);
}

static int draw_administrator(const struct kw_node *node, struct administrator *ret)
{
    KW_DRBG struct kw_drbg *drbg = NULL; /* once in the life of a folder */
    int64_t now_ms = kw_wall_ms() + node->config.clock_offset_ms;

    KW_TRY(kw_drbg_new(&drbg, NULL));
    KW_TRY(kw_principal_make_admin(drbg, kw_bytes_str(node->config.account), now_ms, &ret->user));
    return kw_access_key_make(drbg, ret->user, now_ms, &ret->key);
}

/* The file first: should the power fail between the two, the next start makes another administrator. */
static int make_administrator(struct kw_node *node, char *why, size_t why_cap)
{
    KW_CLEANUP(administrator_done) struct administrator *admin = kw_secmem_alloc(sizeof(*admin));
    struct kw_change change = {.apply = put_administrator, .arg = admin};
    int r = admin == NULL ? -ENOMEM : draw_administrator(node, admin);

    if (r != 0) {
        snprintf(why, why_cap, "the administrator's credentials cannot be made");
        return -EIO;
    }
    r = kw_datadir_write_credentials(&node->datadir, &admin->key, why, why_cap);
    if (r == 0 && (r = kw_store_apply(node->store, &change)) != 0)
        snprintf(why, why_cap, "the administrator cannot be stored");
    return r == 0 ? 0 : -EIO;
}

/* A folder keeps the account that it was made for: with another one its keys would be out of reach. It may
 * have others beside it. */
static int check_account(
    const struct kw_node *node, const struct kw_snapshot *snapshot, char *why, size_t why_cap)
{
    const struct kw_principal *first = kw_map_at(&snapshot->principals, 0);
    struct kw_place place = {.part = {kw_bytes_str(node->config.account)}, .num = 1};

    if (kw_snapshot_count(&snapshot->principals, &place) > 0)
        return 0;
    snprintf(why, why_cap, "the data folder %s belongs to account %s, not %s (--account)", node->datadir.path,
        first->account, node->config.account);
    return -EINVAL;
}

static int ensure_administrator(struct kw_node *node, char *why, size_t why_cap)
{
    struct kw_snapshot_cell *cell = kw_store_cell(node->store);
    const struct kw_snapshot *snapshot;
    uint32_t reader;
    bool none;
    int r;

    KW_TRY(kw_snapshot_reader_add(cell, &reader));
    snapshot = kw_snapshot_acquire(cell, reader);
    none = kw_map_len(&snapshot->principals) == 0;
    r = none ? 0 : check_account(node, snapshot, why, why_cap);
    kw_snapshot_release(cell, reader);
    return none ? make_administrator(node, why, why_cap) : r;
}

static int open_audit(struct kw_node *node, const uint8_t seed[32], char *why, size_t why_cap)
{
    char dir[sizeof(node->datadir.path) + 8];
    struct kw_audit_config config = {.dir = dir, .signing_seed = seed};

    snprintf(dir, sizeof(dir), "%s/audit", node->datadir.path);
    return kw_audit_open(&node->audit, &config, why, why_cap) == 0 ? 0 : -EIO;
}

/* Returns: 0 | as kw_keystore_secret_sqlite() | -ENOMEM */
static int read_token_secrets(struct kw_node *node, struct kw_keystore *keystore)
{
    node->secrets = kw_secmem_alloc(sizeof(*node->secrets));
    KW_REQUIRE(node->secrets != NULL, -ENOMEM);
    node->service.grant_secret = node->secrets->grant;
    node->service.import_secret = node->secrets->import;
    node->service.session_secret = node->secrets->session;
    int r = kw_keystore_secret_sqlite(keystore, "grant-tokens", node->secrets->grant);
    if (r == 0)
        r = kw_keystore_secret_sqlite(keystore, "import-tokens", node->secrets->import);
    return r != 0 ? r : kw_keystore_secret_sqlite(keystore, "session-tokens", node->secrets->session);
}

static int open_keystore(struct kw_node *node, uint8_t seed[32], char *why, size_t why_cap)
{
    uint8_t root_key[KW_ROOT_KEY_LEN];
    KW_ERASE_GUARD(root_key);
    char path[sizeof(node->datadir.path) + 16];
    struct kw_keystore *keystore = NULL;

    if (kw_datadir_root_key(&node->datadir, root_key, why, why_cap) != 0)
        return -EIO;
    snprintf(path, sizeof(path), "%s/keystore.db", node->datadir.path);
    if (kw_keystore_open_sqlite(&keystore, path, root_key, why, why_cap) != 0)
        return -EIO;
    snprintf(why, why_cap, "the keystore in %s is damaged or cannot be written", node->datadir.path);
    if (kw_keystore_secret_sqlite(keystore, "audit-signing", seed) != 0 ||
        read_token_secrets(node, keystore) != 0 ||
        kw_poolfile_key(root_key, node->secrets->saved_pools) != 0) {
        keystore->ops->close(keystore);
        return -EIO;
    }
    return kw_store_new(&node->store, keystore) == 0 ? 0 : -EIO; /* takes the keystore over */
}

static int open_data(struct kw_node *node, char *why, size_t why_cap)
{
    uint8_t seed[32];
    KW_ERASE_GUARD(seed);

    if (kw_datadir_open(&node->datadir, node->config.data_dir, why, why_cap) != 0)
        return -EIO;
    node->datadir_open = true;
    KW_TRY(open_keystore(node, seed, why, why_cap));
    KW_TRY(ensure_administrator(node, why, why_cap));
    return open_audit(node, seed, why, why_cap);
}

/* ---- pools and workers ---- */

static int open_pool(struct kw_node *node, enum kw_spec spec, char *why, size_t why_cap)
{
    struct kw_pool_config config = {
        .spec = spec,
        .capacity = node->config.capacity[spec],
        .spare_slots = KW_SLOTS_SPARE_OF(node->config.cpus.num),
        .waiters_max = node->config.waiters_max,
        .bell = &node->bell,
    };
    int r;

    if (config.capacity == 0)
        return 0;
    r = kw_pool_new(&node->pools[spec], &config);
    if (r < 0)
        snprintf(why, why_cap, "a pool of %u %s key pairs cannot be made: %s", config.capacity,
            kw_spec_info(spec)->name, strerror(-r));
    return r;
}

/* Of the first spec that is made. */
static const char *generator_name(const struct kw_engine_stats *stats)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (stats->spec[spec].generator != NULL)
            return stats->spec[spec].generator;
    }
    return "none";
}

/* Before the workers start, who would fill the slots that saved pairs are to have. */
static int open_warmstart(struct kw_node *node, char *why, size_t why_cap)
{
    struct kw_warmstart_config config = {
        .data_fd = node->datadir.fd,
        .data_path = node->datadir.path,
        .key = node->secrets->saved_pools,
        .store = node->store,
        .pools = node->pools,
        .save = node->config.save_pools,
    };

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_reserve_size *size = &node->config.reserve[spec];
        uint64_t share = ((uint64_t)node->config.capacity[spec] * size->percent + 99) / 100;

        config.reserve[spec] = size->percent > 0 ? (uint32_t)share : size->pairs;
    }
    int r = kw_warmstart_new(&node->warmstart, &config);
    if (r < 0)
        snprintf(why, why_cap, "saved pools cannot be opened: %s",
            r == KW_EOPENSSL ? "OpenSSL failed" : strerror(-r));
    return r;
}

static int test_path(enum kw_cpu_path path, char *why, size_t why_cap)
{
    const char *what = "";

    if (kw_engine_selftest_path(path, &what) == 0)
        return 0;
    snprintf(why, why_cap,
        "the known-answer test of %s on the CPU path %s failed: this build or machine must not make keys "
        "(KEYWELL_CPU "
        "may choose another path)",
        what, kw_cpu_path_name(path));
    return -EIO;
}

/* Only where some spec is generated: each thread has a random source and generators of its own. */
static int start_forge(struct kw_node *node, enum kw_cpu_path path, char *why, size_t why_cap)
{
    struct kw_forge_config config = {
        .cpu_path = path,
        .max = node->config.generate_max,
        .cpus = &node->config.cpus,
    };
    bool any = false;
    int r;

    if (config.max == 0)
        config.max = KW_MIN(KW_MAX(node->config.cpus.num / 2, 1u), KW_ONDEMAND_MAX);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (node->config.on_empty[spec] == KW_ON_EMPTY_GENERATE)
            config.pools[spec] = node->pools[spec];
        any |= config.pools[spec] != NULL;
    }
    r = any ? kw_forge_new(&node->forge, &config) : 0;
    if (r < 0)
        snprintf(why, why_cap, "the threads that make pairs for requests cannot start: %s",
            r == KW_EOPENSSL ? "OpenSSL failed" : strerror(-r));
    return r;
}

static int start_engine(struct kw_node *node, char *why, size_t why_cap)
{
    struct kw_engine_config config = {
        .cpus = node->config.cpus,
        .bell = &node->bell,
        .cpu_share = node->config.cpu_share,
    };
    int r = kw_cpu_choose(node->config.cpu_mask, &config.cpu_path);
    struct kw_engine_stats stats;
    char model[64];

    if (r != 0) {
        snprintf(why, why_cap,
            r == KW_CPU_UNKNOWN_NAME ? "KEYWELL_CPU must be auto, portable or avx512ifma"
                                     : "KEYWELL_CPU asks for what this CPU does not have");
        return -EINVAL;
    }
    KW_TRY(test_path(config.cpu_path, why, why_cap));
    kw_bell_init(&node->bell);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        KW_TRY(open_pool(node, (enum kw_spec)spec, why, why_cap));
    KW_TRY(open_warmstart(node, why, why_cap));
    kw_warmstart_begin(node->warmstart);
    memcpy(config.pools, node->pools, sizeof(config.pools));
    r = kw_engine_new(&node->engine, &config);
    if (r == 0)
        r = kw_engine_start(node->engine);
    if (r < 0) {
        snprintf(
            why, why_cap, "the workers cannot start: %s", r == KW_EOPENSSL ? "OpenSSL failed" : strerror(-r));
        return r;
    }
    kw_cpu_model(model);
    kw_engine_stats(node->engine, &stats);
    kw_log(KW_LOG_INFO, "engine", "workers=%u generator=%s cpu_path=%s cpu=\"%s\"", config.cpus.num,
        generator_name(&stats), kw_cpu_path_name(config.cpu_path), model);
    return start_forge(node, config.cpu_path, why, why_cap);
}

/* A protection that the system refused is said, not hidden. */
static void log_protections(const struct kw_node *node)
{
    struct kw_engine_stats engine;
    struct kw_secmem_stats memory;

    kw_secmem_stats(&memory);
    kw_engine_stats(node->engine, &engine);
    kw_log(memory.locked_bytes == memory.mapped_bytes && memory.dontdump && memory.wipeonfork ? KW_LOG_INFO
                                                                                              : KW_LOG_WARN,
        "secret-memory", "mapped=%llu locked=%llu dontdump=%s wipeonfork=%s",
        (unsigned long long)memory.mapped_bytes, (unsigned long long)memory.locked_bytes,
        memory.dontdump ? "yes" : "no", memory.wipeonfork ? "yes" : "no");
    if (!engine.pinned || !engine.idle_priority || !engine.may_boost)
        kw_log(engine.pinned && engine.idle_priority ? KW_LOG_INFO : KW_LOG_WARN, "workers",
            "pinned=%s idle_priority=%s may_boost=%s", engine.pinned ? "yes" : "no",
            engine.idle_priority ? "yes" : "no", engine.may_boost ? "yes" : "no");
    if (kw_fault_compiled_in())
        kw_log(KW_LOG_WARN, "test-build", "note=\"fault hooks are compiled in: not for production\"");
}

/* ---- tokens ---- */

static int open_hsm(struct kw_node *node, char *why, size_t why_cap)
{
    struct kw_snapshot_cell *cell = kw_store_cell(node->store);
    uint32_t reader;

    if (node->config.num_hsm == 0)
        return 0;
    KW_TRY(kw_hsm_new(&node->hsm, node->config.hsm, node->config.num_hsm, why, why_cap));
    KW_TRY(kw_snapshot_reader_add(cell, &reader));
    kw_hsm_settle_all(node->hsm, kw_snapshot_acquire(cell, reader));
    kw_snapshot_release(cell, reader);
    return 0;
}

/* ---- servers ---- */

const struct kw_cpus *kw_node_serving_cpus(const struct kw_node_config *config)
{
    return config->serving_cpus.num > 0 ? &config->serving_cpus : &config->cpus;
}

static unsigned choose_serving_cpus(struct kw_node *node)
{
    const struct kw_cpus *cpus = kw_node_serving_cpus(&node->config);
    unsigned wanted = node->config.serving_threads;
    unsigned num = wanted != 0 ? KW_MIN(wanted, KW_LOOPS_MAX) : KW_MIN(cpus->num, SERVING_THREADS_DEFAULT);

    for (unsigned i = 0; i < num; i++)
        node->serving_cpus[i] = cpus->cpu[i % cpus->num];
    return num;
}

static int start_keeper(struct kw_node *node, char *why, size_t why_cap)
{
    int r;

    memcpy(node->service.pools, node->pools, sizeof(node->pools));
    node->service.engine = node->engine;
    node->service.store = node->store;
    node->service.audit = node->audit;
    node->service.hsm = node->hsm;
    node->service.metrics = &node->metrics;
    node->service.quotas = node->quotas;
    node->service.trust = node->trust;
    node->service.cpus = kw_node_serving_cpus(&node->config);
    node->service.pool_wait_ms = node->config.pool_wait_ms;
    memcpy(node->service.on_empty, node->config.on_empty, sizeof(node->service.on_empty));
    node->service.forge = node->forge;
    memcpy(node->service.account, node->config.account, sizeof(node->service.account));
    node->service.regions = node->config.regions;
    atomic_init(&node->service.clock.offset_ms, node->config.clock_offset_ms);
    r = kw_keeper_start(&node->keeper, &node->service);
    if (r < 0)
        snprintf(why, why_cap, "the keeper cannot start: %s",
            r == KW_EOPENSSL ? "OpenSSL lacks an algorithm" : strerror(-r));
    return r;
}

static int start_api(struct kw_node *node, char *why, size_t why_cap)
{
    struct kw_server_config config = {
        .address = node->config.listen,
        .handler = &kw_service_handler,
        .shared = &node->service,
        .transport = node->tls != NULL ? kw_tls_server_source(node->tls) : NULL,
        .stats = &node->api_loops,
        .num_loops = choose_serving_cpus(node),
        .cpus = node->serving_cpus,
        .connections_max = node->config.connections_max,
        .header_timeout_ms = node->config.header_timeout_ms,
        .idle_timeout_ms = node->config.idle_timeout_ms,
        .name = "serve",
    };

    return kw_server_start(&node->api_server, &config, why, why_cap);
}

static int start_admin(struct kw_node *node, char *why, size_t why_cap)
{
    struct kw_server_config config = {
        .address = node->config.admin,
        .handler = &kw_admin_handler,
        .shared = &node->admin,
        .stats = &node->admin_loops,
        .num_loops = 1,
        .connections_max = 64,
        .name = "admin",
    };

    if (!node->config.has_admin)
        return 0;
    node->admin.sources = (struct kw_metrics_sources){
        .metrics = &node->metrics,
        .pools = node->pools,
        .engine = node->engine,
        .forge = node->forge,
        .on_empty = node->config.on_empty,
        .audit = node->audit,
        .warmstart = node->warmstart,
        .loops = &node->api_loops,
        .tls = node->tls != NULL ? kw_tls_server_stats(node->tls) : NULL,
        .started_ns = kw_now_ns(),
    };
    return kw_server_start(&node->admin_server, &config, why, why_cap);
}

static int start_operator(struct kw_node *node, char *why, size_t why_cap)
{
    struct kw_server_config config = {
        .has_listen_fd = true,
        .handler = &kw_operator_handler,
        .shared = &node->service,
        .stats = &node->operator_loops,
        .num_loops = 1,
        .connections_max = 16,
        .name = "operator",
    };
    int r = kw_operatorsock_listen(node->datadir.fd, &config.listen_fd);

    if (r < 0) {
        snprintf(why, why_cap, "%s cannot be made in %s: %s", KW_OPERATORSOCK_NAME, node->datadir.path,
            strerror(-r));
        return r;
    }
    node->operator_socket = true;
    return kw_server_start(&node->operator_server, &config, why, why_cap);
}

static bool wants_tls(const struct kw_node_config *config)
{
    return config->self_signed || config->tls_certificate != NULL;
}

static int refuse_open_listeners(const struct kw_node_config *config, char *why, size_t why_cap)
{
    char text[KW_ADDRESS_TEXT_MAX];

    if (!kw_address_is_loopback(&config->listen) && !wants_tls(config) && !config->insecure_plain_http) {
        kw_address_format(&config->listen, text);
        snprintf(why, why_cap,
            "--listen %s is not a loopback address, and without TLS no other is served: give --tls-cert and "
            "--tls-key, or --self-signed for a trial (--insecure-plain-http serves it all the same)",
            text);
        return -EINVAL;
    }
    if (config->has_admin && !kw_address_is_loopback(&config->admin)) {
        kw_address_format(&config->admin, text);
        snprintf(why, why_cap, "--admin %s is not a loopback address, and no other is served", text);
        return -EINVAL;
    }
    return 0;
}

static int open_tls(struct kw_node *node, char *why, size_t why_cap)
{
    struct kw_tls_server_config config = {
        .certificate_file = node->config.tls_certificate,
        .key_file = node->config.tls_key,
        .datadir = &node->datadir,
        .listen = &node->config.listen,
        .min_version = node->config.tls_min_version,
    };

    if (!wants_tls(&node->config))
        return 0;
    return kw_tls_server_new(&node->tls, &config, why, why_cap) == 0 ? 0 : -EINVAL;
}

static int announce(struct kw_node *node, char *why, size_t why_cap)
{
    char listen[KW_ADDRESS_TEXT_MAX], admin[KW_ADDRESS_TEXT_MAX] = "";
    int r;

    kw_address_format(kw_node_address(node), listen);
    if (node->admin_server != NULL)
        kw_address_format(kw_node_admin_address(node), admin);
    r = kw_runfile_write(
        node->datadir.fd, listen, node->tls != NULL, node->admin_server != NULL ? admin : NULL);
    if (r < 0) {
        snprintf(why, why_cap, "run.json cannot be written in %s: %s", node->datadir.path, strerror(-r));
        return r;
    }
    node->run_file = true;
    log_protections(node);
    if (node->admin_server != NULL)
        kw_log(KW_LOG_INFO, "admin", "address=%s", admin);
    if (node->tls != NULL)
        kw_tls_server_announce(node->tls);
    else if (!kw_address_is_loopback(kw_node_address(node)))
        kw_log(
            KW_LOG_WARN, "insecure", "note=\"requests, tokens and data keys cross the network unencrypted\"");
    kw_log(KW_LOG_INFO, "listening", "address=%s tls=%s", listen, node->tls != NULL ? "yes" : "no");
    return 0;
}

static int start(struct kw_node *node, char *why, size_t why_cap)
{
    if (kw_ring_probe(why, why_cap) != 0)
        return -ENOSYS;
    KW_TRY(refuse_open_listeners(&node->config, why, why_cap));
    KW_TRY(kw_recipient_trust(&node->trust, node->config.attestation_root, why, why_cap));
    KW_TRY(kw_quotas_open(&node->quotas, node->config.quotas, node->config.principal, why, why_cap));
    KW_TRY(open_data(node, why, why_cap));
    KW_TRY(open_tls(node, why, why_cap));
    KW_TRY(open_hsm(node, why, why_cap));
    KW_TRY(start_engine(node, why, why_cap));
    KW_TRY(start_keeper(node, why, why_cap));
    KW_TRY(start_api(node, why, why_cap));
    KW_TRY(start_admin(node, why, why_cap));
    KW_TRY(start_operator(node, why, why_cap));
    return announce(node, why, why_cap);
}

static struct kw_node *node_new(const struct kw_node_config *config)
{
    size_t size = (sizeof(struct kw_node) + KW_CACHE_LINE - 1) & ~(size_t)(KW_CACHE_LINE - 1);
    struct kw_node *node = aligned_alloc(KW_CACHE_LINE, size);

    if (node == NULL)
        return NULL;
    memset(node, 0, size);
    node->config = *config;
    return node;
}

int kw_node_start(struct kw_node **ret, const struct kw_node_config *config, char *why, size_t why_cap)
{
    struct kw_node *node = node_new(config);
    int r;

    snprintf(why, why_cap, "out of memory");
    if (node == NULL)
        return -ENOMEM;
    r = start(node, why, why_cap);
    if (r < 0) {
        kw_node_stop(node);
        return r;
    }
    *ret = node;
    return 0;
}

static int make_data(struct kw_node *node, char *why, size_t why_cap)
{
    bool fresh;

    if (kw_datadir_open(&node->datadir, node->config.data_dir, why, why_cap) != 0)
        return -EIO;
    fresh = node->datadir.fresh;
    kw_datadir_close(&node->datadir);
    if (!fresh) {
        snprintf(why, why_cap, "%s is a data folder already", node->config.data_dir);
        return KW_NODE_EXISTS;
    }
    return open_data(node, why, why_cap);
}

int kw_node_make_data(const struct kw_node_config *config, char *why, size_t why_cap)
{
    struct kw_node *node = node_new(config);
    int r;

    snprintf(why, why_cap, "out of memory");
    KW_REQUIRE(node != NULL, -ENOMEM);
    r = make_data(node, why, why_cap);
    kw_node_stop(node);
    return r;
}

void kw_node_reload(struct kw_node *node)
{
    char why[1024] = "", quoted[1100];

    if (node->tls == NULL) {
        kw_log(KW_LOG_INFO, "reload", "note=\"there is no certificate to read again\"");
        return;
    }
    if (kw_tls_server_reload(node->tls, why, sizeof(why)) == 0) {
        kw_tls_server_announce(node->tls);
        return;
    }
    kw_log(KW_LOG_ERROR, "reload-refused", "problem=%s note=\"the old certificate stays in force\"",
        kw_log_quote(quoted, sizeof(quoted), why, strlen(why)));
}

void kw_node_refill(struct kw_node *node, bool on)
{
    int r = 0;

    if (on)
        r = kw_engine_start(node->engine);
    else
        kw_engine_stop(node->engine);
    if (r < 0 && r != -EALREADY)
        kw_log(KW_LOG_ERROR, "refill-refused", "problem=\"%s\" note=\"the pools are not filled\"",
            r == KW_EOPENSSL ? "OpenSSL failed" : strerror(-r));
    else
        kw_log(KW_LOG_INFO, "refill", "state=%s", on ? "on" : "off");
}

/* Against the direction of start: first nobody asks any more, then nobody makes, and nothing falls due any
 * more, then the records are closed and what the pools hold is saved.
 */
void kw_node_stop(struct kw_node *node)
{
    if (node == NULL)
        return;
    if (node->operator_socket)
        kw_operatorsock_remove(node->datadir.fd);
    kw_server_stop(node->api_server);
    kw_server_stop(node->admin_server);
    kw_server_stop(node->operator_server);
    kw_forge_free(node->forge);
    kw_tls_server_free(node->tls);
    kw_engine_free(node->engine);
    kw_keeper_stop(node->keeper);
    kw_hsm_free(node->hsm);
    if (node->audit != NULL)
        kw_audit_close(node->audit);
    kw_warmstart_free(node->warmstart);
    if (node->store != NULL)
        kw_store_free(node->store);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        kw_pool_free(node->pools[spec]);
    kw_attestation_trust_free(node->trust);
    kw_quotas_free(node->quotas);
    if (node->run_file)
        kw_runfile_remove(node->datadir.fd);
    if (node->datadir_open)
        kw_datadir_close(&node->datadir);
    kw_secmem_free(node->secrets);
    free(node);
}

const struct kw_address *kw_node_address(const struct kw_node *node)
{
    return kw_server_address(node->api_server);
}

const struct kw_address *kw_node_admin_address(const struct kw_node *node)
{
    return node->admin_server != NULL ? kw_server_address(node->admin_server) : NULL;
}
