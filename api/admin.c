#include "api/admin.h"

#include "api/json.h"

#include <stdio.h>

static bool pools_filled(struct kw_admin *admin, char *why, size_t why_cap)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_pool *pool = admin->sources.pools[spec];

        if (pool == NULL || atomic_load_explicit(&admin->filled[spec], memory_order_relaxed))
            continue;
        if (kw_pool_level(pool) == 0) {
            snprintf(
                why, why_cap, "the pool of %s holds no key pair yet", kw_spec_info((enum kw_spec)spec)->name);
            return false;
        }
        atomic_store_explicit(&admin->filled[spec], true, memory_order_relaxed);
    }
    return true;
}

static bool workers_live(struct kw_admin *admin, char *why, size_t why_cap)
{
    struct kw_engine_stats stats;

    kw_engine_stats(admin->sources.engine, &stats);
    /* None at all: the owner has halted them (kw_node_refill()), and pools serve what they hold. */
    if (stats.workers == 0 || stats.workers_failed < stats.workers)
        return true;
    snprintf(why, why_cap, "no worker that makes key pairs is left");
    return false;
}

static bool audit_healthy(struct kw_admin *admin, char *why, size_t why_cap)
{
    struct kw_audit_stats stats;

    kw_audit_stats(admin->sources.audit, &stats);
    if (stats.healthy)
        return true;
    snprintf(why, why_cap, "%s", stats.trouble);
    return false;
}

bool kw_admin_ready(struct kw_admin *admin, char *why, size_t why_cap)
{
    why[0] = '\0';
    return audit_healthy(admin, why, why_cap) && workers_live(admin, why, why_cap) &&
           pools_filled(admin, why, why_cap);
}

static void number(struct kw_json_out *out, const char *name, uint64_t value)
{
    kw_json_key(out, name);
    kw_json_int(out, (int64_t)value);
}

static void text(struct kw_json_out *out, const char *name, const char *value)
{
    kw_json_key(out, name);
    kw_json_cstring(out, value);
}

static uint64_t load_use(const struct kw_metrics *metrics, enum kw_spec spec, enum kw_pool_use use)
{
    return atomic_load_explicit(&metrics->pool_use[spec][use], memory_order_relaxed);
}

/* Rates and times as whole thousandths: exact in JSON, and enough. */
static void write_pool(struct kw_json_out *out, const struct kw_metrics_sources *sources,
    const struct kw_pool *pool, const struct kw_engine_spec_stats *made)
{
    struct kw_pool_stats stats;

    kw_pool_stats(pool, &stats);
    kw_json_begin_object(out);
    text(out, "spec", kw_spec_info(kw_pool_spec(pool))->name);
    number(out, "level", stats.level);
    number(out, "capacity", stats.capacity);
    number(out, "low_watermark", stats.low_watermark);
    number(out, "high_watermark", stats.high_watermark);
    number(out, "waiters", stats.waiters);
    number(out, "pushes", stats.pushes);
    number(out, "pops", stats.pops);
    number(out, "misses", stats.misses);
    number(out, "timeouts", stats.timeouts);
    number(out, "rejects", stats.rejects);
    number(out, "generated", load_use(sources->metrics, kw_pool_spec(pool), KW_POOL_GENERATED));
    text(out, "on_empty", kw_on_empty_name(sources->on_empty[kw_pool_spec(pool)]));
    number(out, "failures", made->failures);
    number(out, "demand_per_1000_s", (uint64_t)(made->demand_per_s * 1000));
    number(out, "make_us", (uint64_t)(made->make_s * 1e6));
    text(out, "generator", made->generator != NULL ? made->generator : "none");
    kw_json_end_object(out);
}

static void write_pools(struct kw_admin *admin, struct kw_json_out *out)
{
    struct kw_engine_stats stats;

    kw_engine_stats(admin->sources.engine, &stats);
    number(out, "workers", stats.workers);
    number(out, "workers_awake", stats.workers_awake);
    number(out, "workers_failed", stats.workers_failed);
    kw_json_key(out, "pools");
    kw_json_begin_array(out);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (admin->sources.pools[spec] != NULL)
            write_pool(out, &admin->sources, admin->sources.pools[spec], &stats.spec[spec]);
    }
    kw_json_end_array(out);
}

static void answer_readyz(struct kw_admin *admin, struct kw_exchange *exchange)
{
    struct kw_json_out out = KW_JSON_OUT(&exchange->answer);
    char why[256];
    bool ready = kw_admin_ready(admin, why, sizeof(why));

    exchange->status = ready ? 200 : 503;
    exchange->content_type = "application/json";
    kw_json_begin_object(&out);
    kw_json_key(&out, "ready");
    kw_json_bool(&out, ready);
    if (!ready)
        text(&out, "why", why);
    write_pools(admin, &out);
    kw_json_end_object(&out);
}

/* A loop without work turns about once a second. */
#define STUCK_NS (10ull * 1000u * 1000u * 1000u)

static void answer_live(struct kw_admin *admin, struct kw_exchange *exchange)
{
    uint64_t now_ns = kw_now_ns();
    bool live = true;

    for (unsigned i = 0; i < KW_LOOPS_MAX; i++) {
        uint64_t turned_ns = atomic_load_explicit(&admin->sources.loops->turned_ns[i], memory_order_relaxed);

        live = live && (turned_ns == 0 || now_ns < turned_ns + STUCK_NS);
    }
    exchange->status = live ? 200 : 503;
    exchange->content_type = "application/json";
    kw_sbuf_put_str(&exchange->answer, live ? "{\"live\":true}" : "{\"live\":false}");
}

static void answer_pools(struct kw_admin *admin, struct kw_exchange *exchange)
{
    struct kw_json_out out = KW_JSON_OUT(&exchange->answer);

    exchange->content_type = "application/json";
    kw_json_begin_object(&out);
    write_pools(admin, &out);
    kw_json_end_object(&out);
}

static void answer_text(struct kw_exchange *exchange, unsigned status, const char *body)
{
    exchange->status = status;
    exchange->content_type = "text/plain; charset=utf-8";
    kw_sbuf_put_str(&exchange->answer, body);
}

static void on_request(void *ctx, struct kw_exchange *exchange)
{
    struct kw_bytes path = exchange->request.path;
    struct kw_admin *admin = ctx;

    if (!kw_bytes_equal(exchange->request.method, KW_LIT("GET"))) {
        kw_exchange_header(exchange, "Allow", "GET");
        answer_text(exchange, 405, "only GET is served here\n");
    } else if (kw_bytes_equal(path, KW_LIT("/livez"))) {
        answer_live(admin, exchange);
    } else if (kw_bytes_equal(path, KW_LIT("/readyz"))) {
        answer_readyz(admin, exchange);
    } else if (kw_bytes_equal(path, KW_LIT("/pools"))) {
        answer_pools(admin, exchange);
    } else if (kw_bytes_equal(path, KW_LIT("/metrics"))) {
        kw_metrics_write(&admin->sources, &exchange->answer);
        exchange->content_type = "text/plain; version=0.0.4; charset=utf-8";
    } else {
        answer_text(exchange, 404, "served here: /livez /readyz /metrics /pools\n");
    }
    kw_exchange_finish(exchange);
}

static void on_bad_request(void *ctx, struct kw_exchange *exchange)
{
    (void)ctx;
    answer_text(exchange, exchange->status, kw_http_reason(exchange->status));
}

static int start(void *shared, struct kw_loop *loop, void **ret_ctx, char *why, size_t why_cap)
{
    (void)loop;
    (void)why;
    (void)why_cap;
    *ret_ctx = shared;
    return 0;
}

static void stop(void *ctx)
{
    (void)ctx; /* borrowed */
}

const struct kw_handler kw_admin_handler = {
    .start = start,
    .stop = stop,
    .request = on_request,
    .bad_request = on_bad_request,
};
