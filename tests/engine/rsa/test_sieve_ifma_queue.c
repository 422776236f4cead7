#include "engine/x86/sieve_ifma_queue.h"
#include "pool/base.h"

#include "tests/support/suite.h"

/* Chances as a sieve has them: 2048 over primes that grow from vector to vector. */
static void chances_of(double ret[16], unsigned vector)
{
    for (unsigned i = 0; i < 16; i++)
        ret[i] = 2048.0 / (4096 + 130.0 * (16 * vector + i));
}

static double draw(void)
{
    return (double)rand() / ((double)RAND_MAX + 1);
}

enum { VECTORS = 1000, ROUNDS = 1000 };

/* Random hits never fill the queue, and drains find it more than half full on average: neither is a toy
 * schedule. */
START_TEST(schedule_loses_nothing_and_wastes_little)
{
    static unsigned drains[VECTORS];
    unsigned num_drains = 0, num_hits = 0, most = 0;
    struct kw_sieve_queue queue;
    double chances[16];

    kw_sieve_queue_init(&queue);
    for (unsigned i = 0; i < VECTORS; i++) {
        chances_of(chances, i);
        drains[i] = kw_sieve_queue_gather(&queue, chances);
        num_drains += drains[i];
    }
    srand(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned filled = 0;

        for (unsigned i = 0; i < VECTORS; i++) {
            chances_of(chances, i);
            filled -= KW_MIN(filled, drains[i] * KW_SIEVE_DRAIN);
            for (unsigned j = 0; j < 16; j++) {
                bool hit = draw() < chances[j];

                filled += hit;
                num_hits += hit;
            }
            most = KW_MAX(most, filled);
        }
    }
    ck_assert_uint_le(most, KW_SIEVE_QUEUE);
    ck_assert_uint_gt(5 * (num_hits / ROUNDS), 2 * num_drains * KW_SIEVE_DRAIN);
}
END_TEST

/* All 16 hit for sure: what was there before has to go whenever the places do not suffice. */
START_TEST(certain_hits_are_drained_in_time)
{
    double chances[16];
    struct kw_sieve_queue queue;
    unsigned filled = 0;

    for (unsigned i = 0; i < 16; i++)
        chances[i] = 1;
    kw_sieve_queue_init(&queue);
    for (unsigned i = 0; i < 20; i++) {
        unsigned drains = kw_sieve_queue_gather(&queue, chances);

        filled -= KW_MIN(filled, drains * KW_SIEVE_DRAIN);
        filled += 16;
        ck_assert_uint_eq(filled, i == 0 ? 16 : 32);
    }
}
END_TEST

/* Without hits nothing is drained. */
START_TEST(no_hits_no_drains)
{
    const double chances[16] = {0};
    struct kw_sieve_queue queue;
    unsigned drains = 0;

    kw_sieve_queue_init(&queue);
    for (unsigned i = 0; i < 100; i++)
        drains += kw_sieve_queue_gather(&queue, chances);
    ck_assert_uint_eq(drains, 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, schedule_loses_nothing_and_wastes_little);
    tcase_add_test(tcase, certain_hits_are_drained_in_time);
    tcase_add_test(tcase, no_hits_no_drains);
}

int main(void)
{
    return kw_suite_run("sieve_ifma_queue", add, 60);
}
