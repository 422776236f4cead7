#include "engine/rsa/rounds.h"

#include "pool/secmem.h"

void kw_rounds_free(struct kw_rounds *rounds)
{
    if (rounds == NULL)
        return;
    kw_secmem_free(rounds->bases);
    kw_secmem_free(rounds);
}

static void rounds_freep(struct kw_rounds **rounds)
{
    kw_rounds_free(*rounds);
}

int kw_rounds_new(struct kw_rounds **ret, struct kw_rsa_kit *kit)
{
    KW_CLEANUP(rounds_freep) struct kw_rounds *rounds = kw_secmem_alloc(sizeof(*rounds));

    if (rounds == NULL)
        return -ENOMEM;
    rounds->kit = kit;
    rounds->bases = kw_secmem_alloc(kit->kernel->lanes * sizeof(*rounds->bases));
    KW_REQUIRE(rounds->bases != NULL, -ENOMEM);
    *ret = rounds;
    rounds = NULL;
    return 0;
}

static unsigned jobs_of(const struct kw_rounds *rounds, const struct kw_search *search)
{
    return search->composite ? 0 : rounds->kit->rounds->prime - search->rounds_begun;
}

unsigned kw_rounds_jobs(const struct kw_rounds *rounds)
{
    unsigned num = 0;

    for (unsigned i = 0; i < rounds->queue.num; i++)
        num += jobs_of(rounds, rounds->queue.item[i]);
    return num;
}

/* FIPS 186-5 B.3.1 steps 4.1 and 4.2 for the next rounds in the queue. Returns: how many | <0 */
static int load(struct kw_rounds *rounds, struct kw_lane *lanes)
{
    const struct kw_rsa_kit *kit = rounds->kit;
    unsigned num = 0;

    for (unsigned i = 0; i < rounds->queue.num; i++) {
        struct kw_search *search = rounds->queue.item[i];

        while (num < kit->kernel->lanes && jobs_of(rounds, search) > 0) {
            KW_TRY(kw_primality_base(rounds->bases[num], search->candidate, kit->num, kit->bits, kit->rng));
            lanes[num] = (struct kw_lane){.modulus = search->candidate, .base = rounds->bases[num]};
            rounds->lane[num++] = search;
            search->rounds_begun++;
        }
    }
    return (int)num;
}

/* A number whose squarings the kernel does not follow to the end (one in 2^16) is settled at once, with the
 * same base. */
static int judge(
    struct kw_rounds *rounds, const struct kw_lane *lanes, unsigned num, uint32_t pass, uint32_t unsure)
{
    const struct kw_rsa_kit *kit = rounds->kit;

    /* Whether a candidate turns out to be composite after the filter: one more that was tested. That one is
     * settled apart shows, and that its 16 lowest bits but the last are 0. */
    kw_declassify(&pass, sizeof(pass));
    kw_declassify(&unsure, sizeof(unsure));
    for (unsigned i = 0; i < num; i++) {
        struct kw_search *search = rounds->lane[i];
        bool passes = (pass >> i & 1) != 0;

        if ((unsure >> i & 1) != 0)
            KW_TRY(kw_primality_settle(kit->kernel, kit->scratch, kit->bits, &lanes[i], &passes));
        if (passes)
            search->rounds_passed++;
        else
            search->composite = true;
    }
    return 0;
}

int kw_rounds_batch(struct kw_rounds *rounds)
{
    struct kw_rsa_kit *kit = rounds->kit;
    const struct kw_kernel *kernel = kit->kernel;
    struct kw_lane lanes[KW_LANES_MAX] = {0};
    uint64_t ns = kw_now_ns();
    uint32_t pass = 0, unsure = 0;
    int num = load(rounds, lanes);

    KW_TRY(num);
    KW_TRY(kernel->round(kernel, kit->scratch, kit->bits, lanes, &pass, &unsure));
    kit->stats.power_batches++;
    kit->stats.rounds += (unsigned)num;
    int r = judge(rounds, lanes, (unsigned)num, pass, unsure);
    kw_rsa_kit_clock(&ns, &kit->stats.rounds_ns);
    return r;
}

int kw_rounds_take(struct kw_rounds *rounds, struct kw_search **ret)
{
    for (unsigned i = 0; i < rounds->queue.num; i++) {
        struct kw_search *search = rounds->queue.item[i];

        if (!search->composite && search->rounds_passed < rounds->kit->rounds->prime)
            continue;
        *ret = kw_search_queue_take(&rounds->queue, i);
        return search->composite ? KW_ROUNDS_COMPOSITE : 0;
    }
    return KW_ROUNDS_NONE;
}
