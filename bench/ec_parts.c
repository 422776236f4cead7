#include "bench/ec_parts.h"

#include "engine/crypto.h"
#include "engine/ec/batch.h"
#include "engine/ec/secret.h"
#include "pool/secmem.h"

/* As much as a worker's. */
#define ARENA_BYTES (4u * 1024u * 1024u)

struct kw_ec_parts {
    const struct kw_ec_kernel *kernel;
    const struct kw_curve *curve;
    unsigned num; /* pairs of a batch */
    struct kw_rng *rng;
    void *state; /* the kernel's */
    uint8_t *secrets, *points, *multipliers;
    struct kw_ec_batch *batch; /* made only to be taken from */
    struct kw_slot slot;
};

const char *kw_ec_part_name(enum kw_ec_part part)
{
    static const char *const names[KW_EC_PART_NUM] = {
        [KW_EC_PART_DRAWING] = "drawing",
        [KW_EC_PART_DERIVING] = "deriving",
        [KW_EC_PART_TEST] = "pairwise_test",
        [KW_EC_PART_ENCODING] = "encoding",
    };

    kw_assert((unsigned)part < KW_EC_PART_NUM);
    return names[part];
}

/* ---- life ---- */

void kw_ec_parts_close(struct kw_ec_parts *parts)
{
    if (parts == NULL)
        return;
    kw_ec_batch_free(parts->batch);
    parts->kernel->close(parts->state);
    kw_rng_free(parts->rng);
    kw_secmem_free(parts->secrets);
    kw_secmem_free(parts->points);
    kw_secmem_free(parts->multipliers);
    kw_secmem_free(parts->slot.public_der);
    kw_secmem_free(parts->slot.private_der);
    kw_secmem_free(parts);
}

static void closep(struct kw_ec_parts **parts)
{
    kw_ec_parts_close(*parts);
}

static int allocate(uint8_t **ret, size_t len)
{
    *ret = kw_secmem_alloc_aligned(len, KW_CACHE_LINE);
    return *ret != NULL ? 0 : -ENOMEM;
}

static int set_up(struct kw_ec_parts *parts)
{
    const struct kw_spec_info *info = kw_spec_info(parts->curve->spec);

    KW_TRY(allocate(&parts->secrets, (size_t)parts->num * parts->curve->secret_len));
    KW_TRY(allocate(&parts->points, (size_t)parts->num * parts->curve->point_len));
    KW_TRY(allocate(&parts->multipliers, (size_t)parts->num * KW_EC_MULTIPLIER));
    KW_TRY(allocate(&parts->slot.public_der, info->public_max));
    KW_TRY(allocate(&parts->slot.private_der, info->private_max));
    KW_TRY(kw_rng_new(&parts->rng));
    KW_TRY(parts->kernel->open(
        &parts->state, parts->kernel, parts->curve, parts->num, kw_rng_libctx(parts->rng)));
    KW_TRY(kw_ec_batch_new(&parts->batch, parts->kernel, parts->curve, parts->num, parts->rng));
    kw_ec_batch_skip_test(parts->batch);
    return 0;
}

int kw_ec_parts_open(struct kw_ec_parts **ret, enum kw_spec spec, enum kw_cpu_path path, unsigned batch)
{
    KW_TRY(kw_crypto_init());
    KW_TRY(kw_secmem_thread_init(ARENA_BYTES));
    KW_CLEANUP(closep) struct kw_ec_parts *parts = kw_secmem_alloc(sizeof(*parts));
    if (parts == NULL)
        return -ENOMEM;
    parts->kernel = kw_ec_kernel_choose(path, spec);
    parts->curve = kw_curve_of(spec);
    parts->num = batch;
    KW_TRY(set_up(parts));
    *ret = parts;
    parts = NULL;
    return 0;
}

/* ---- the parts ---- */

static int draw(struct kw_ec_parts *parts)
{
    return kw_secret_draw(parts->rng, parts->curve, parts->num, parts->secrets);
}

static int derive(struct kw_ec_parts *parts)
{
    return parts->kernel->derive(parts->state, parts->num, parts->secrets, parts->points);
}

static int test(struct kw_ec_parts *parts)
{
    bool pass;

    KW_TRY(kw_rng_bytes(parts->rng, parts->multipliers, (size_t)parts->num * KW_EC_MULTIPLIER));
    KW_TRY(parts->kernel->check(
        parts->state, parts->num, parts->secrets, parts->points, parts->multipliers, &pass));
    kw_assert(pass);
    return 0;
}

static int fill(struct kw_ec_batch *batch)
{
    bool ready = false;

    while (!ready)
        KW_TRY(kw_ec_batch_step(batch, &ready));
    return 0;
}

static int encode(struct kw_ec_parts *parts)
{
    unsigned num = 0;
    int r;

    while ((r = kw_ec_batch_take(parts->batch, &parts->slot)) == 0)
        num++;
    kw_assert(r == KW_EC_BATCH_EMPTY && num == parts->num);
    return 0;
}

static int take_time(struct kw_ec_parts *parts, int (*run)(struct kw_ec_parts *parts), struct kw_turn *turn)
{
    double cpu_began = kw_cpu_seconds(), wall_began = kw_wall_seconds();

    KW_TRY(run(parts));
    turn->cpu_s += kw_cpu_seconds() - cpu_began;
    turn->wall_s += kw_wall_seconds() - wall_began;
    turn->pairs += parts->num;
    return 0;
}

static int run_batch(struct kw_ec_parts *parts, struct kw_turn turns[KW_EC_PART_NUM])
{
    static int (*const runs[KW_EC_PART_NUM])(struct kw_ec_parts * parts) = {
        [KW_EC_PART_DRAWING] = draw,
        [KW_EC_PART_DERIVING] = derive,
        [KW_EC_PART_TEST] = test,
        [KW_EC_PART_ENCODING] = encode,
    };

    KW_TRY(fill(parts->batch));
    for (size_t i = 0; i < KW_EC_PART_NUM; i++)
        KW_TRY(take_time(parts, runs[i], &turns[i]));
    return 0;
}

int kw_ec_parts_turn(
    struct kw_ec_parts *parts, double seconds, struct kw_turn ret[KW_EC_PART_NUM], struct kw_turn *ret_all)
{
    double cpu_began = kw_cpu_seconds(), wall_began = kw_wall_seconds(), now;
    struct kw_turn turns[KW_EC_PART_NUM] = {{.pairs = 0}};

    do {
        KW_TRY(run_batch(parts, turns));
        now = kw_wall_seconds();
    } while (now - wall_began < seconds);
    *ret_all = (struct kw_turn){
        .pairs = turns[0].pairs, .cpu_s = kw_cpu_seconds() - cpu_began, .wall_s = now - wall_began};
    memcpy(ret, turns, sizeof(turns));
    return 0;
}
