#include "engine/x86/sieve_ifma_queue.h"

#include "pool/base.h"

/* The chance of a loss that is taken at each step: a run has below 2^17 of them. */
#define LOSS_MAX 0x1p-57

/* The sum of 16 hits, prime by prime. */
static void sum_of(double ret[17], const double chances[16])
{
    memset(ret, 0, 17 * sizeof(ret[0]));
    ret[0] = 1;
    for (unsigned i = 0; i < 16; i++)
        for (unsigned sum = i + 2; sum-- > 0;)
            ret[sum] = ret[sum] * (1 - chances[i]) + (sum > 0 ? ret[sum - 1] * chances[i] : 0);
}

/* The queue with the hits added; what is above its size is lost. Returns the chance of that. */
static double add(struct kw_sieve_queue *ret, const struct kw_sieve_queue *queue, const double hits[17])
{
    double loss = 0;

    memset(ret, 0, sizeof(*ret));
    for (unsigned i = 0; i <= KW_SIEVE_QUEUE; i++)
        for (unsigned j = 0; j <= 16; j++) {
            double chance = queue->filled[i] * hits[j];

            ret->filled[KW_MIN(i + j, KW_SIEVE_QUEUE)] += chance;
            loss += i + j > KW_SIEVE_QUEUE ? chance : 0;
        }
    return loss;
}

static void drain(struct kw_sieve_queue *queue)
{
    for (unsigned i = 1; i <= KW_SIEVE_QUEUE; i++) {
        double chance = queue->filled[i];

        queue->filled[i] = 0;
        queue->filled[i < KW_SIEVE_DRAIN ? 0 : i - KW_SIEVE_DRAIN] += chance;
    }
}

void kw_sieve_queue_init(struct kw_sieve_queue *queue)
{
    *queue = (struct kw_sieve_queue){.filled = {1}};
}

unsigned kw_sieve_queue_gather(struct kw_sieve_queue *queue, const double chances[16])
{
    struct kw_sieve_queue next;
    double hits[17];
    unsigned drains = 0;

    sum_of(hits, chances);
    /* Ends: an empty queue loses nothing. */
    while (add(&next, queue, hits) > LOSS_MAX) {
        drain(queue);
        drains++;
    }
    *queue = next;
    return drains;
}
