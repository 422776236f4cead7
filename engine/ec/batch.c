#include "engine/ec/batch.h"

#include "engine/ec/encoding.h"
#include "engine/ec/secret.h"
#include "engine/generator.h"
#include "pool/fault.h"
#include "pool/secmem.h"

#include <assert.h>

enum stage {
    TO_MAKE,
    TO_TEST,
    TO_BISECT,
    READY,
};

enum verdict {
    UNKNOWN,
    PASSED,
    FAILED,
};

/* Pairs that failed their test together, and what has come out of its halves. */
struct range {
    unsigned first;
    unsigned num;
    unsigned halves; /* tested */
    bool explained;  /* one of them failed */
};

/* A batch, and its halves down to one pair. */
#define RANGES_MAX 12u
static_assert(KW_EC_BATCH_MAX <= 1u << (RANGES_MAX - 1), "the halves of the largest batch fit");

struct kw_ec_batch {
    const struct kw_ec_kernel *kernel;
    const struct kw_curve *curve;
    struct kw_rng *rng;
    void *state; /* the kernel's */
    bool skip_test;
    unsigned num;
    enum stage stage;
    unsigned next;     /* pair to look at when one is taken */
    unsigned failures; /* to be told of first */
    struct range ranges[RANGES_MAX];
    unsigned num_ranges; /* the whole is first, what is in hand is last */
    struct kw_encoding encoding;
    uint8_t *secrets; /* these three in one piece of memory */
    uint8_t *points;
    uint8_t *multipliers;
    uint8_t verdicts[KW_EC_BATCH_MAX]; /* enum verdict */
};

/* ---- pairs ---- */

static uint8_t *secret_of(const struct kw_ec_batch *batch, unsigned index)
{
    return batch->secrets + (size_t)index * batch->curve->secret_len;
}

static uint8_t *point_of(const struct kw_ec_batch *batch, unsigned index)
{
    return batch->points + (size_t)index * batch->curve->point_len;
}

static void forget(struct kw_ec_batch *batch, unsigned index)
{
    kw_erase(secret_of(batch, index), batch->curve->secret_len);
    kw_erase(point_of(batch, index), batch->curve->point_len);
}

/* Nothing is kept of a pair unless it passed. */
static void judge(struct kw_ec_batch *batch, unsigned first, unsigned num, enum verdict verdict)
{
    memset(batch->verdicts + first, (int)verdict, num);
    if (verdict == PASSED)
        return;
    for (unsigned i = first; i < first + num; i++)
        forget(batch, i);
}

static void start_again(struct kw_ec_batch *batch)
{
    batch->stage = TO_MAKE;
    judge(batch, 0, batch->num, UNKNOWN);
    batch->kernel->wipe(batch->state);
}

/* ---- set up and tear down ---- */

void kw_ec_batch_free(struct kw_ec_batch *batch)
{
    if (batch == NULL || !kw_secmem_alive())
        return;
    batch->kernel->close(batch->state);
    kw_secmem_free(batch->secrets);
    kw_secmem_free(batch);
}

static void batch_freep(struct kw_ec_batch **batch)
{
    kw_ec_batch_free(*batch);
}

int kw_ec_batch_new(struct kw_ec_batch **ret, const struct kw_ec_kernel *kernel, const struct kw_curve *curve,
    unsigned num, struct kw_rng *rng)
{
    KW_CLEANUP(batch_freep) struct kw_ec_batch *batch = kw_secmem_alloc(sizeof(*batch));
    size_t pair_len = (size_t)curve->secret_len + curve->point_len + KW_EC_MULTIPLIER;

    if (batch == NULL)
        return -ENOMEM;
    kw_assert(num >= 1 && num <= KW_EC_BATCH_MAX);
    batch->kernel = kernel;
    batch->curve = curve;
    batch->rng = rng;
    batch->num = num;
    kw_encoding_init(&batch->encoding, curve);
    batch->secrets = kw_secmem_alloc_aligned(num * pair_len, KW_CACHE_LINE);
    KW_REQUIRE(batch->secrets != NULL, -ENOMEM);
    batch->points = batch->secrets + num * (size_t)curve->secret_len;
    batch->multipliers = batch->points + num * (size_t)curve->point_len;
    int r = kernel->open(&batch->state, kernel, curve, num, kw_rng_libctx(rng));
    kw_assert(r <= 0); /* a kernel knows the curve of its spec */
    KW_TRY(r);
    *ret = batch;
    batch = NULL;
    return 0;
}

void kw_ec_batch_skip_test(struct kw_ec_batch *batch)
{
    batch->skip_test = true;
}

void kw_ec_batch_pairs(const struct kw_ec_batch *batch, struct kw_ec_pairs *ret)
{
    *ret = (struct kw_ec_pairs){
        .num = batch->num,
        .next = batch->stage == READY ? batch->next : 0,
        .secrets = batch->secrets,
        .points = batch->points,
    };
}

/* ---- the steps ---- */

static int make(struct kw_ec_batch *batch)
{
    memset(batch->verdicts, UNKNOWN, sizeof(batch->verdicts));
    KW_TRY(kw_secret_draw(batch->rng, batch->curve, batch->num, batch->secrets));
    KW_TRY(batch->kernel->derive(batch->state, batch->num, batch->secrets, batch->points));
    /* Public keys. */
    kw_declassify(batch->points, (size_t)batch->num * batch->curve->point_len);
    batch->stage = TO_TEST;
    return 0;
}

/* What the kernel holds of the pairs goes before the first of them does. */
static void finish(struct kw_ec_batch *batch)
{
    unsigned failures = 0;

    for (unsigned i = 0; i < batch->num; i++)
        failures += batch->verdicts[i] != PASSED;
    batch->failures = KW_MIN(failures, KW_EC_FAILURES_MAX);
    batch->next = 0;
    batch->stage = READY;
    batch->kernel->wipe(batch->state);
}

/* Returns: 0 | <0 fatal */
static int check(struct kw_ec_batch *batch, unsigned first, unsigned num, bool *ret_pass)
{
    KW_TRY(batch->kernel->check(batch->state, num, secret_of(batch, first), point_of(batch, first),
        batch->multipliers + (size_t)first * KW_EC_MULTIPLIER, ret_pass));
    /* A pair that failed is thrown away, for all to see. */
    kw_declassify(ret_pass, sizeof(*ret_pass));
    return 0;
}

/* One use of the hook for each pair. */
static void spoil_on_demand(struct kw_ec_batch *batch)
{
    for (unsigned i = 0; i < batch->num; i++)
        if (kw_fault(KW_FAULT_PCT) != KW_FAULT_NONE)
            secret_of(batch, i)[batch->curve->secret_len - 1] ^= 1;
}

/* The multipliers are drawn when the pairs are there, so that these cannot depend on those. */
static int test(struct kw_ec_batch *batch)
{
    size_t len = (size_t)batch->num * KW_EC_MULTIPLIER;
    bool pass = batch->skip_test;

    if (!pass) {
        spoil_on_demand(batch);
        KW_TRY(kw_rng_bytes(batch->rng, batch->multipliers, len));
        kw_declassify(batch->multipliers, len); /* They are of no use to anybody. */
        KW_TRY(check(batch, 0, batch->num, &pass));
    }
    if (pass) {
        judge(batch, 0, batch->num, PASSED);
        finish(batch);
        return 0;
    }
    batch->ranges[0] = (struct range){.num = batch->num};
    batch->num_ranges = 1;
    batch->stage = TO_BISECT;
    return 0;
}

/* A range is done with. Where both halves of it passed alone, one of three tests erred: none of it is to be
 * trusted. */
static void leave_range(struct kw_ec_batch *batch)
{
    const struct range *range = &batch->ranges[--batch->num_ranges];

    if (!range->explained)
        judge(batch, range->first, range->num, FAILED);
    if (batch->num_ranges > 0)
        batch->ranges[batch->num_ranges - 1].explained = true;
}

/* Tests the next half of the range in hand. One that failed is the next in hand, unless it is one pair. */
static int test_half(struct kw_ec_batch *batch)
{
    struct range *range = &batch->ranges[batch->num_ranges - 1];
    unsigned lower = range->num / 2;
    struct range half = {.first = range->first, .num = lower};
    bool pass = false;

    if (range->halves > 0)
        half = (struct range){.first = range->first + lower, .num = range->num - lower};
    KW_TRY(check(batch, half.first, half.num, &pass));
    range->halves++;
    if (pass) {
        judge(batch, half.first, half.num, PASSED);
        return 0;
    }
    kw_assert(batch->num_ranges < RANGES_MAX);
    batch->ranges[batch->num_ranges++] = half;
    return 0;
}

static int bisect(struct kw_ec_batch *batch)
{
    const struct range *range = &batch->ranges[batch->num_ranges - 1];

    if (range->num > 1 && range->halves < 2)
        return test_half(batch);
    leave_range(batch);
    if (batch->num_ranges == 0)
        finish(batch);
    return 0;
}

static int next_step(struct kw_ec_batch *batch)
{
    switch (batch->stage) {
    case TO_MAKE:
        return make(batch);
    case TO_TEST:
        return test(batch);
    case TO_BISECT:
        return bisect(batch);
    default:
        return 0;
    }
}

int kw_ec_batch_step(struct kw_ec_batch *batch, bool *ret_ready)
{
    int r = next_step(batch);

    if (r < 0) {
        start_again(batch);
        return r;
    }
    *ret_ready = batch->stage == READY;
    return 0;
}

/* ---- taking ---- */

int kw_ec_batch_take(struct kw_ec_batch *batch, struct kw_slot *slot)
{
    if (batch->stage != READY)
        return KW_EC_BATCH_EMPTY;
    if (batch->failures > 0) {
        batch->failures--;
        kw_generator_wipe_slot(batch->curve->spec, slot);
        return KW_EC_BATCH_FAILED;
    }
    while (batch->next < batch->num && batch->verdicts[batch->next] != PASSED)
        batch->next++;
    unsigned index = batch->next++;
    if (batch->next >= batch->num)
        batch->stage = TO_MAKE; /* all of it is wiped then */
    if (index == batch->num)
        return KW_EC_BATCH_EMPTY;
    kw_encoding_write(&batch->encoding, secret_of(batch, index), point_of(batch, index), slot);
    judge(batch, index, 1, UNKNOWN);
    return 0;
}
