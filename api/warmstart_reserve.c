#include "api/log.h"
#include "api/warmstart_internal.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  (1000 * NS_PER_MS)
/* Pauses while a reserve grows, and when there is nothing to do but to look at the clock. */
#define TAKE_PAUSE_NS (10 * NS_PER_MS)
#define IDLE_PAUSE_NS (600 * NS_PER_S)
/* What cannot be written costs the pairs that were taken for it: it is not tried again soon. */
#define RETRY_NS     (60 * NS_PER_S)
#define RETRY_NS_MAX (3600 * NS_PER_S)

/* One spec's reserve. */
struct reserve {
    enum kw_spec spec;
    uint32_t wanted;
    uint32_t low_watermark;
    bool done;
    struct kw_saving saving; /* in the making, if its fd is not -1 */
    uint64_t retry_ns;       /* not before */
    uint64_t pause_ns;       /* after the next failure */
};

static bool stopping(const struct kw_warmstart *warmstart)
{
    return atomic_load_explicit(&warmstart->stopping, memory_order_relaxed);
}

static void fail(struct reserve *reserve, uint64_t now_ns)
{
    reserve->retry_ns = now_ns + reserve->pause_ns;
    reserve->pause_ns = KW_MIN(2 * reserve->pause_ns, RETRY_NS_MAX);
}

static void give_up(struct reserve *reserve, int r, uint64_t now_ns)
{
    kw_saving_log_failure(&reserve->saving, r);
    kw_saving_abandon(&reserve->saving);
    fail(reserve, now_ns);
}

static void finish(struct reserve *reserve, uint64_t now_ns)
{
    uint32_t pairs = reserve->saving.pairs;

    if (kw_saving_commit(&reserve->saving) != 0) {
        fail(reserve, now_ns);
        return;
    }
    reserve->done = true;
    reserve->pause_ns = RETRY_NS;
    kw_log(KW_LOG_INFO, "reserve-set-aside", "spec=%s pairs=%u", kw_spec_info(reserve->spec)->name, pairs);
}

/* Takes what the pool can spare: what is above the mark below which workers refill it. */
static void grow(struct kw_warmstart *warmstart, struct reserve *reserve, uint64_t now_ns)
{
    const struct kw_pool *pool = warmstart->config.pools[reserve->spec];
    struct kw_saved_name name = {reserve->spec, KW_SAVED_RESERVE};
    int r = 0;

    if (kw_pool_level(pool) < reserve->low_watermark)
        return;
    if (reserve->saving.fd < 0)
        r = kw_saving_begin(warmstart, name, reserve->wanted, &reserve->saving);
    while (r == 0 && reserve->saving.pairs < reserve->wanted &&
           kw_pool_level(pool) >= reserve->low_watermark && !stopping(warmstart))
        r = kw_saving_take(&reserve->saving);
    if (r < 0)
        give_up(reserve, r, now_ns);
    else if (reserve->saving.pairs == reserve->wanted)
        finish(reserve, now_ns);
}

static void init(struct kw_warmstart *warmstart, enum kw_spec spec, struct reserve *ret)
{
    *ret = (struct reserve){
        .spec = spec,
        .wanted = warmstart->config.reserve[spec],
        .saving = {.fd = -1},
        .pause_ns = RETRY_NS,
        .done = true,
    };
    if (ret->wanted == 0)
        return;
    struct kw_pool_stats stats;
    kw_pool_stats(warmstart->config.pools[spec], &stats);
    ret->low_watermark = stats.low_watermark;
    ret->done = false;
}

/* Not before its files are loaded or refused. A reserve that is kept is not made again. */
static bool may_grow(struct kw_warmstart *warmstart, struct reserve *reserve, uint64_t now_ns)
{
    const struct kw_warmstart_load *load = &warmstart->loads[reserve->spec];

    if (reserve->done || now_ns < reserve->retry_ns)
        return false;
    if (load->wanted && !atomic_load_explicit(&load->done, memory_order_acquire)) /* D2 pairs with D1 */
        return false;
    if (reserve->saving.fd < 0)
        reserve->done = atomic_load_explicit(&warmstart->reserve[reserve->spec], memory_order_relaxed) > 0;
    return !reserve->done;
}

/* Returns for how long to pause. */
static uint64_t round_of(struct kw_warmstart *warmstart, struct reserve reserves[KW_SPEC_NUM])
{
    uint64_t now_ns = kw_now_ns(), pause_ns = IDLE_PAUSE_NS;

    for (unsigned spec = 0; spec < KW_SPEC_NUM && !stopping(warmstart); spec++) {
        struct reserve *reserve = &reserves[spec];

        if (may_grow(warmstart, reserve, now_ns))
            grow(warmstart, reserve, now_ns);
        if (!reserve->done)
            pause_ns =
                KW_MIN(pause_ns, reserve->retry_ns > now_ns ? reserve->retry_ns - now_ns : TAKE_PAUSE_NS);
    }
    return pause_ns;
}

/* What has been set aside so far is worth keeping. */
static void leave(struct reserve *reserve)
{
    if (reserve->saving.fd < 0)
        return;
    if (reserve->saving.pairs > 0)
        finish(reserve, kw_now_ns());
    else
        kw_saving_abandon(&reserve->saving);
}

void *kw_warmstart_reserve_run(void *arg)
{
    struct kw_warmstart *warmstart = arg;
    struct reserve reserves[KW_SPEC_NUM];

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        init(warmstart, (enum kw_spec)spec, &reserves[spec]);
    for (;;) {
        uint32_t ticket = kw_bell_ticket(&warmstart->bell);

        if (stopping(warmstart))
            break;
        uint64_t pause_ns = round_of(warmstart, reserves);
        kw_bell_wait(&warmstart->bell, ticket, pause_ns);
    }
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        leave(&reserves[spec]);
    return NULL;
}
