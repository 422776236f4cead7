/* keywell_look - levels, counters, names and errors of keywell.h. */
#include "api/keywell_internal.h"
#include "pool/secmem.h"

#include <time.h>

static_assert(KEYWELL_RSA_2048 == (int)KW_SPEC_RSA_2048 && KEYWELL_RSA_3072 == (int)KW_SPEC_RSA_3072 &&
                  KEYWELL_RSA_4096 == (int)KW_SPEC_RSA_4096 &&
                  KEYWELL_ECC_NIST_P256 == (int)KW_SPEC_ECC_NIST_P256 &&
                  KEYWELL_ECC_NIST_P384 == (int)KW_SPEC_ECC_NIST_P384 &&
                  KEYWELL_ECC_NIST_P521 == (int)KW_SPEC_ECC_NIST_P521 &&
                  KEYWELL_ECC_SECG_P256K1 == (int)KW_SPEC_ECC_SECG_P256K1 &&
                  KEYWELL_ECC_NIST_EDWARDS25519 == (int)KW_SPEC_ECC_NIST_EDWARDS25519,
    "numbers of specs are the same on both sides");
static_assert(KEYWELL_ON_EMPTY_WAIT == (int)KW_ON_EMPTY_WAIT &&
                  KEYWELL_ON_EMPTY_GENERATE == (int)KW_ON_EMPTY_GENERATE &&
                  KEYWELL_ON_EMPTY_REJECT == (int)KW_ON_EMPTY_REJECT,
    "and of policies");
static_assert(KEYWELL_PRIVATE_KEY_MAX == KW_SPEC_PRIVATE_MAX &&
                  KEYWELL_PUBLIC_KEY_MAX == KW_SPEC_PUBLIC_MAX &&
                  KEYWELL_PUBLIC_TEXT_MAX == KW_BASE64_LEN(KW_SPEC_PUBLIC_MAX) &&
                  KEYWELL_BLOB_OVERHEAD == KW_BLOB_OVERHEAD,
    "and lengths");

int kw_embed_error(int r)
{
    switch (r) {
    case KW_POOL_EMPTY:
        return KEYWELL_EMPTY;
    case KW_POOL_TIMEOUT:
        return KEYWELL_TIMEOUT;
    case KW_POOL_BUSY:
        return KEYWELL_BUSY;
    case KW_POOL_FORKED:
    case -EPERM: /* what wrappers and random sources say in a child */
        return KEYWELL_FORKED;
    case KW_ONDEMAND_FAILED:
        return KEYWELL_SELFTEST;
    case -EINVAL:
        return KEYWELL_INVALID;
    case -ENOMEM:
        return KEYWELL_NO_MEMORY;
    case KW_EOPENSSL:
        return KEYWELL_CRYPTO;
    default:
        return r == 0 ? 0 : KEYWELL_SYSTEM;
    }
}

struct kw_pool *kw_embed_pool(const struct keywell *engine, unsigned spec)
{
    return spec < KW_SPEC_NUM ? engine->pools[spec] : NULL;
}

uint32_t keywell_level(const struct keywell *engine, enum keywell_spec spec)
{
    struct kw_pool *pool = engine != NULL && kw_secmem_alive() ? kw_embed_pool(engine, spec) : NULL;

    return pool != NULL ? kw_pool_level(pool) : 0;
}

int keywell_wait(struct keywell *engine, enum keywell_spec spec, uint32_t level, uint32_t timeout_ms)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    uint64_t deadline_ns = kw_now_ns() + timeout_ms * UINT64_C(1000000);
    struct kw_pool_stats stats;

    if (engine == NULL)
        return KEYWELL_INVALID;
    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    struct kw_pool *pool = kw_embed_pool(engine, spec);
    if (pool == NULL)
        return KEYWELL_NOT_MADE;
    kw_pool_stats(pool, &stats);
    if (level > stats.capacity)
        return KEYWELL_INVALID;
    while (kw_pool_level(pool) < level) {
        if (kw_now_ns() >= deadline_ns)
            return KEYWELL_TIMEOUT;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

/* Gives out as much of a struct as the program knows. */
static void give_struct(void *to, const void *from, size_t known, size_t size)
{
    memset(to, 0, size);
    memcpy(to, from, KW_MIN(known, size));
}

int keywell_stats(const struct keywell *engine, enum keywell_spec spec, struct keywell_stats *ret)
{
    struct kw_engine_stats made;
    struct kw_ondemand_stats generated = {.max = 0};
    struct kw_pool_stats of_pool;

    if (engine == NULL || ret == NULL || ret->size < offsetof(struct keywell_stats, level))
        return KEYWELL_INVALID;
    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    struct kw_pool *pool = kw_embed_pool(engine, spec);
    if (pool == NULL)
        return KEYWELL_NOT_MADE;
    kw_pool_stats(pool, &of_pool);
    kw_engine_stats(engine->engine, &made);
    if (engine->ondemand != NULL)
        kw_ondemand_stats(engine->ondemand, &generated);
    struct keywell_stats all = {
        .size = ret->size,
        .made = made.spec[spec].pairs,
        .generated = generated.spec[spec].pairs,
        .failed = made.spec[spec].failures + generated.spec[spec].failures,
        .popped = of_pool.pops,
        .misses = of_pool.misses,
        .rejected = of_pool.rejects,
        .timeouts = of_pool.timeouts,
        .pool_bytes = kw_pool_bytes(pool),
        .make_s = made.spec[spec].make_s,
        .level = of_pool.level,
        .depth = of_pool.capacity,
        .waiting = of_pool.waiters,
    };
    give_struct(ret, &all, sizeof(all), ret->size);
    return 0;
}

int keywell_status(const struct keywell *engine, struct keywell_status *ret)
{
    struct kw_engine_stats workers;
    struct kw_secmem_stats memory;

    if (engine == NULL || ret == NULL || ret->size < offsetof(struct keywell_status, cpu_path))
        return KEYWELL_INVALID;
    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    kw_engine_stats(engine->engine, &workers);
    kw_secmem_stats(&memory);
    struct keywell_status all = {
        .size = ret->size,
        .secret_bytes = memory.mapped_bytes,
        .locked_bytes = memory.locked_bytes,
        .workers = workers.workers,
        .workers_awake = workers.workers_awake,
        .workers_failed = workers.workers_failed,
        .pinned = workers.pinned,
        .idle_priority = workers.idle_priority,
        .not_dumped = memory.dontdump,
        .cpu_path = kw_cpu_path_name(engine->cpu_path),
    };
    give_struct(ret, &all, sizeof(all), ret->size);
    return 0;
}

const char *keywell_spec_name(enum keywell_spec spec)
{
    return (unsigned)spec < KW_SPEC_NUM ? kw_spec_info((enum kw_spec)spec)->name : NULL;
}

int keywell_spec_parse(const char *name, enum keywell_spec *ret)
{
    enum kw_spec spec;

    if (name == NULL || ret == NULL || kw_spec_parse(kw_bytes_str(name), &spec) != 0)
        return KEYWELL_INVALID;
    *ret = (enum keywell_spec)spec;
    return 0;
}

const char *keywell_strerror(int error)
{
    static const char *const texts[] = {
        [-KEYWELL_OK] = "success",
        [-KEYWELL_EMPTY] = "no key pair is ready",
        [-KEYWELL_TIMEOUT] = "no key pair came in time",
        [-KEYWELL_BUSY] = "too many callers, or pairs or keys are still in use",
        [-KEYWELL_FORKED] = "this process is a forked child and has no key pairs",
        [-KEYWELL_INVALID] = "an argument is not valid",
        [-KEYWELL_NOT_MADE] = "this engine does not make key pairs of that spec",
        [-KEYWELL_NO_SPACE] = "the output does not fit",
        [-KEYWELL_NO_MEMORY] = "out of memory",
        [-KEYWELL_NOT_AUTHENTIC] = "not a blob, or of another key or context, or changed",
        [-KEYWELL_SELFTEST] = "a self-test failed",
        [-KEYWELL_CRYPTO] = "OpenSSL failed",
        [-KEYWELL_SYSTEM] = "the operating system refused what the engine needs",
    };

    return error <= 0 && error > -(int)KW_ARRAY_LEN(texts) ? texts[-error] : "no such error";
}

#define TEXT_OF_(x) #x
#define TEXT_OF(x)  TEXT_OF_(x)

const char *keywell_version(void)
{
    return TEXT_OF(KEYWELL_VERSION_MAJOR) "." TEXT_OF(KEYWELL_VERSION_MINOR) "." TEXT_OF(
        KEYWELL_VERSION_PATCH);
}
