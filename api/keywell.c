/* keywell - opening and closing an engine in a host's process.
 *
 * Nothing that the host owns is touched: not its malloc() (the library has no jemalloc in it), not OpenSSL's
 * memory functions, default library context or error queue. An engine is set up on a thread of its own, so
 * that what OpenSSL keeps for a thread (errors, random generators) does not end up on one of the host's.
 */
#include "api/keywell_internal.h"
#include "engine/selftest.h"
#include "engine/topology.h"
#include "pool/secmem.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

/* ---- what is set up once a process ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool ready; /* secret memory and the handler at exit */
static bool tested[KW_CPU_AVX512IFMA + 1];
static struct keywell *engines;

/* OpenSSL takes its tables down at exit: workers must not be at work then. Handlers run last come first, and
 * OpenSSL's is there already. */
static void stop_all(void)
{
    if (!kw_secmem_alive())
        return;
    pthread_mutex_lock(&lock);
    for (struct keywell *engine = engines; engine != NULL; engine = engine->next)
        kw_engine_stop(engine->engine);
    pthread_mutex_unlock(&lock);
}

static int prepare_process(void)
{
    if (ready)
        return 0;
    KW_TRY(kw_secmem_init());
    KW_SSL(OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL));
    KW_REQUIRE(atexit(stop_all) == 0, -ENOMEM);
    ready = true;
    return 0;
}

static int run_selftests(struct keywell *engine)
{
    const char *what;

    if (tested[engine->cpu_path])
        return 0;
    int r = kw_engine_selftest(&what);
    if (r == 0)
        r = kw_ciphertext_selftest(engine->libctx);
    if (r == 0)
        r = kw_engine_selftest_path(engine->cpu_path, &what);
    /* Their positive result and a pool's are different things. */
    KW_REQUIRE(r == 0, r < 0 ? r : KW_ONDEMAND_FAILED);
    tested[engine->cpu_path] = true;
    return 0;
}

/* ---- the configuration ---- */

/* Copies what both sides know of a struct of the host's; what only a newer host knows must be zero. */
static bool take_struct(void *to, size_t known, const void *from, size_t size)
{
    const uint8_t *bytes = from;

    for (size_t i = known; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    memset(to, 0, known);
    memcpy(to, from, KW_MIN(known, size));
    return true;
}

static int take_cores(const struct keywell_config *config, struct kw_cpus *ret)
{
    struct kw_cpus allowed;

    KW_TRY(kw_cpus_allowed(&allowed));
    if (config->cores == NULL) {
        *ret = allowed;
        return 0;
    }
    KW_REQUIRE(config->num_cores >= 1 && config->num_cores <= KW_WORKERS_MAX, -EINVAL);
    ret->num = 0;
    for (size_t i = 0; i < config->num_cores; i++) {
        unsigned core = config->cores[i], at = ret->num;

        for (; at > 0 && ret->cpu[at - 1] >= core; at--) {
            KW_REQUIRE(ret->cpu[at - 1] != core, -EINVAL);
            ret->cpu[at] = ret->cpu[at - 1];
        }
        ret->cpu[at] = core;
        ret->num++;
    }
    return kw_cpus_within(ret, &allowed) ? 0 : -EINVAL;
}

static bool spec_valid(const struct keywell *engine, const struct keywell_spec_config *spec)
{
    static const uint32_t zero[KW_ARRAY_LEN(spec->reserved)];

    return spec->spec < KW_SPEC_NUM && engine->pools[spec->spec] == NULL && spec->depth >= 1 &&
           spec->depth <= KEYWELL_DEPTH_MAX && spec->low_watermark <= spec->depth &&
           spec->on_empty < KW_ON_EMPTY_NUM && spec->wait_ms <= KW_POOL_WAIT_MS_MAX &&
           memcmp(spec->reserved, zero, sizeof(zero)) == 0;
}
static_assert(KEYWELL_DEPTH_MAX <= KW_POOL_CAPACITY_MAX, "a pool takes what the header promises");

static int add_spec(struct keywell *engine, const struct keywell_spec_config *spec)
{
    KW_REQUIRE(spec_valid(engine, spec), -EINVAL);
    struct kw_pool_config config = {
        .spec = (enum kw_spec)spec->spec,
        .capacity = spec->depth,
        .low_watermark = spec->low_watermark,
        .spare_slots = KW_SLOTS_SPARE_MAX,
        .bell = &engine->bell,
    };
    engine->on_empty[spec->spec] = (enum kw_on_empty)spec->on_empty;
    engine->wait_ms[spec->spec] = spec->wait_ms != 0 ? spec->wait_ms : KW_POOL_WAIT_MS;
    return kw_pool_new(&engine->pools[spec->spec], &config);
}

static int add_specs(struct keywell *engine, const struct keywell_config *config)
{
    KW_REQUIRE(config->specs != NULL && config->num_specs >= 1 && config->num_specs <= KW_SPEC_NUM, -EINVAL);
    for (size_t i = 0; i < config->num_specs; i++) {
        const uint8_t *at = (const uint8_t *)config->specs + i * config->spec_size;
        struct keywell_spec_config spec;

        KW_REQUIRE(take_struct(&spec, sizeof(spec), at, config->spec_size), -EINVAL);
        KW_TRY(add_spec(engine, &spec));
    }
    return 0;
}

/* ---- set up and tear down ---- */

static int set_up_openssl(struct keywell *engine)
{
    KW_SSL_PTR(engine->libctx = OSSL_LIB_CTX_new());
    KW_SSL_PTR(engine->provider = OSSL_PROVIDER_load(engine->libctx, "default"));
    return 0;
}

static int set_up_ondemand(struct keywell *engine, const struct keywell_config *config, unsigned num_cores)
{
    struct kw_ondemand_config ondemand = {
        .cpu_path = engine->cpu_path,
        .max = config->generate_max != 0 ? config->generate_max : KW_MIN(num_cores, KW_ONDEMAND_MAX),
        .engine = engine->engine,
    };
    bool wanted = false;

    KW_REQUIRE(ondemand.max <= KW_ONDEMAND_MAX, -EINVAL);
    for (size_t i = 0; i < KW_SPEC_NUM; i++) {
        if (engine->pools[i] == NULL || engine->on_empty[i] != KW_ON_EMPTY_GENERATE)
            continue;
        ondemand.pools[i] = engine->pools[i];
        wanted = true;
    }
    return wanted ? kw_ondemand_new(&engine->ondemand, &ondemand) : 0;
}

static int set_up_engine(struct keywell *engine, const struct keywell_config *config)
{
    struct kw_engine_config workers = {
        .bell = &engine->bell,
        .cpu_path = engine->cpu_path,
        .cpu_share = config->cpu_share,
    };

    KW_REQUIRE(config->cpu_share <= 100, -EINVAL);
    KW_TRY(take_cores(config, &workers.cpus));
    KW_TRY(add_specs(engine, config));
    memcpy(workers.pools, engine->pools, sizeof(workers.pools));
    KW_TRY(kw_engine_new(&engine->engine, &workers));
    KW_TRY(set_up_ondemand(engine, config, workers.cpus.num));
    return kw_engine_start(engine->engine);
}

static int set_up(struct keywell *engine, const struct keywell_config *config)
{
    uint32_t index;

    engine->cpu_path = kw_cpu_detect();
    kw_bell_init(&engine->bell);
    kw_idlist_init(&engine->wrappers.free);
    KW_TRY(set_up_openssl(engine));
    int r = run_selftests(engine);
    KW_REQUIRE(r == 0, r);
    r = set_up_engine(engine, config);
    KW_REQUIRE(r == 0, r);
    /* So that no algorithm is looked for in the first call. */
    r = kw_embed_wrapper_take(engine, &index);
    if (r == 0)
        kw_embed_wrapper_give(engine, index);
    return r == 0 ? 0 : KW_EOPENSSL;
}

static void tear_down(struct keywell *engine)
{
    kw_engine_free(engine->engine);
    kw_ondemand_free(engine->ondemand);
    for (size_t i = 0; i < KW_SPEC_NUM; i++)
        kw_pool_free(engine->pools[i]);
    for (size_t i = 0; i < KW_EMBED_WRAPPERS_MAX; i++)
        kw_wrapper_free(engine->wrappers.wrapper[i]);
    if (engine->provider != NULL)
        OSSL_PROVIDER_unload(engine->provider);
    OSSL_LIB_CTX_free(engine->libctx);
    free(engine);
}

struct opening {
    struct keywell_config config;
    struct keywell *engine;
    int result;
};

static void *open_here(void *arg)
{
    struct opening *opening = arg;

    opening->result = prepare_process();
    if (opening->result == 0)
        opening->result = set_up(opening->engine, &opening->config);
    if (opening->result != 0)
        tear_down(opening->engine);
    OPENSSL_thread_stop();
    return NULL;
}

/* With all signals left to the host's threads. */
static int run_thread(void *(*run)(void *), void *arg)
{
    sigset_t blocked, before;
    pthread_t thread;

    kw_signals_of_threads(&blocked);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    int error = pthread_create(&thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        pthread_join(thread, NULL);
    return -error;
}

int keywell_open(struct keywell **ret, const struct keywell_config *config)
{
    struct opening opening = {.result = -EINVAL};

    if (ret == NULL || config == NULL || config->size < offsetof(struct keywell_config, cores) ||
        config->spec_size < offsetof(struct keywell_spec_config, reserved) ||
        !take_struct(&opening.config, sizeof(opening.config), config, config->size))
        return KEYWELL_INVALID;
    /* In a child the lock below may be held by a thread that is not there. */
    if (ready && !kw_secmem_alive())
        return KEYWELL_FORKED;
    opening.engine = aligned_alloc(KW_CACHE_LINE, sizeof(*opening.engine));
    if (opening.engine == NULL)
        return KEYWELL_NO_MEMORY;
    memset(opening.engine, 0, sizeof(*opening.engine));

    pthread_mutex_lock(&lock);
    int r = run_thread(open_here, &opening);
    if (r == 0 && opening.result == 0) {
        opening.engine->next = engines;
        engines = opening.engine;
        *ret = opening.engine;
    } else if (r != 0) {
        free(opening.engine);
    }
    pthread_mutex_unlock(&lock);
    return kw_embed_error(r != 0 ? r : opening.result);
}

static bool in_use(const struct keywell *engine)
{
    uint32_t num = atomic_load_explicit(&engine->keys, memory_order_acquire);

    for (size_t i = 0; i < KW_SPEC_NUM; i++)
        num += engine->pools[i] != NULL ? kw_pool_in_hand(engine->pools[i]) : 0;
    return num > 0;
}

static void *close_here(void *arg)
{
    tear_down(arg);
    OPENSSL_thread_stop();
    return NULL;
}

int keywell_close(struct keywell *engine)
{
    if (engine == NULL)
        return 0;
    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    if (in_use(engine))
        return KEYWELL_BUSY;
    pthread_mutex_lock(&lock);
    for (struct keywell **at = &engines; *at != NULL; at = &(*at)->next) {
        if (*at == engine) {
            *at = engine->next;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    /* Without a thread to be had the host's own does. */
    if (run_thread(close_here, engine) != 0)
        tear_down(engine);
    return 0;
}
