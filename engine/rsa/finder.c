#include "engine/rsa/finder.h"

#include "pool/secmem.h"

/* ---- set up and tear down ---- */

static size_t auxiliary_words(const struct kw_finder *finder)
{
    return KW_WORDS_OF_BITS(finder->kit->rounds->auxiliary_bits) + 1;
}

void kw_finder_free(struct kw_finder *finder)
{
    if (finder == NULL)
        return;
    kw_auxiliary_free(finder->auxiliary);
    kw_secmem_free(finder->sieve_scratch);
    kw_secmem_free(finder->starts);
    kw_secmem_free(finder->searches);
    kw_secmem_free(finder);
}

static void finder_freep(struct kw_finder **finder)
{
    kw_finder_free(*finder);
}

/* Beside those in the lanes, a batch of Miller-Rabin rounds has to come together (from as many searches, were
 * there one round for each), a prime may wait for its partner, and a whole group is drawn. */
static unsigned searches_wanted(const struct kw_rsa_kit *kit)
{
    return 2 * kit->kernel->lanes + KW_SIEVE_GROUP + 2;
}

static int finder_allocate(struct kw_finder *finder)
{
    struct kw_rsa_kit *kit = finder->kit;
    const struct kw_rsa_setup *setup = kit->setup;

    kw_assert(auxiliary_words(finder) <= KW_SEARCH_AUXILIARY_WORDS);
    kw_assert(setup->draw > 0 && setup->draw <= KW_SIEVE_GROUP);
    KW_TRY(kw_sieve_get(&finder->sieve, setup->path, setup->sieve_bound));
    finder->sieve_scratch = kw_secmem_alloc_aligned(kw_sieve_scratch_len(finder->sieve), 64);
    KW_REQUIRE(finder->sieve_scratch != NULL, -ENOMEM);
    finder->starts = kw_secmem_alloc((size_t)2 * setup->draw * auxiliary_words(finder) * sizeof(uint64_t));
    KW_REQUIRE(finder->starts != NULL, -ENOMEM);
    finder->num_searches = searches_wanted(kit);
    finder->searches = kw_secmem_alloc(finder->num_searches * sizeof(*finder->searches));
    KW_REQUIRE(finder->searches != NULL, -ENOMEM);
    KW_TRY(kw_auxiliary_new(
        &finder->auxiliary, setup->path, kit->rounds->auxiliary_bits, kit->rounds->auxiliary, kit->rng));
    return 0;
}

int kw_finder_new(struct kw_finder **ret, struct kw_rsa_kit *kit)
{
    KW_CLEANUP(finder_freep) struct kw_finder *finder = kw_secmem_alloc(sizeof(*finder));

    if (finder == NULL)
        return -ENOMEM;
    finder->kit = kit;
    KW_TRY(finder_allocate(finder));
    for (unsigned i = 0; i < finder->num_searches; i++)
        kw_search_queue_push(&finder->unused, &finder->searches[i]);
    *ret = finder;
    finder = NULL;
    return 0;
}

/* ---- the way of a search ---- */

void kw_finder_release(struct kw_finder *finder, struct kw_search *search)
{
    kw_erase(search, sizeof(*search));
    kw_search_queue_push(&finder->unused, search);
}

/* Goes on to the next survivor of the sieve. Returns true if there is one, else the search is put where it
 * gets what it lacks. */
static bool advance(struct kw_finder *finder, struct kw_search *search)
{
    switch (kw_progression_next(&search->progression, search->candidate)) {
    case 0:
        return true;
    case KW_PROGRESSION_WINDOW:
        kw_search_queue_push(&finder->unsieved, search);
        return false;
    case KW_PROGRESSION_OVERFLOW: /* B.9 step 6: back to step 3 */
        kw_search_queue_push(&finder->drawn, search);
        return false;
    default: /* B.9 step 9: FAILURE, and so is A.1.6 step 4.3 or 5.3: everything anew */
        kw_finder_release(finder, search);
        return false;
    }
}

void kw_finder_resume(struct kw_finder *finder, struct kw_search *search)
{
    if (advance(finder, search))
        kw_search_queue_push(&finder->ready, search);
}

/* ---- a new group ---- */

/* A.1.6 steps 4.1 and 4.2 (5.1 and 5.2 for q) for num searches. */
static int draw(struct kw_finder *finder, unsigned num)
{
    size_t words = auxiliary_words(finder);
    uint64_t *next = finder->starts;

    for (unsigned i = 0; i < 2 * num; i++)
        KW_TRY(kw_auxiliary_draw(finder->auxiliary, &finder->starts[i * words]));
    KW_TRY(kw_auxiliary_find(finder->auxiliary, finder->starts, 2 * num, finder->starts));
    for (unsigned i = 0; i < num; i++) {
        struct kw_search *search = kw_search_queue_pop(&finder->unused);

        memcpy(search->r1, next, words * sizeof(*next));
        memcpy(search->r2, next + words, words * sizeof(*next));
        next += 2 * words;
        kw_search_queue_push(&finder->drawn, search);
    }
    kw_auxiliary_wipe(finder->auxiliary);
    kw_erase(finder->starts, (size_t)2 * num * words * sizeof(*finder->starts));
    return 0;
}

/* B.9 steps 1 to 4. Two auxiliary primes that are the same make no progression: FAILURE. */
static int begin(struct kw_finder *finder)
{
    while (finder->drawn.num > 0 && finder->unsieved.num < KW_SIEVE_GROUP) {
        struct kw_search *search = kw_search_queue_pop(&finder->drawn);
        int r = kw_search_begin(search, finder->kit);

        if (r == 0)
            kw_search_queue_push(&finder->unsieved, search);
        else
            kw_finder_release(finder, search);
        KW_TRY(r);
    }
    return 0;
}

static void sieve(struct kw_finder *finder)
{
    struct kw_sieve_job jobs[KW_SIEVE_GROUP];
    struct kw_search *group[KW_SIEVE_GROUP];
    unsigned num = KW_MIN(finder->unsieved.num, finder->kit->setup->draw);

    for (unsigned i = 0; i < num; i++) {
        group[i] = kw_search_queue_pop(&finder->unsieved);
        jobs[i] = kw_progression_job(&group[i]->progression);
    }
    if (num > 0)
        kw_sieve_run(finder->sieve, jobs, num, finder->kit->num, group[0]->progression.num_step,
            finder->sieve_scratch);
    kw_erase(finder->sieve_scratch, kw_sieve_scratch_len(finder->sieve));
    for (unsigned i = 0; i < num; i++)
        kw_finder_resume(finder, group[i]);
}

/* The sieve's work for a group is shared: it is filled up with new searches first. */
static int prepare(struct kw_finder *finder)
{
    struct kw_rsa_stats *stats = &finder->kit->stats;
    unsigned have = finder->drawn.num + finder->unsieved.num;
    unsigned wanted = have < KW_SIEVE_GROUP ? KW_MIN(KW_SIEVE_GROUP - have, finder->unused.num) : 0;
    uint64_t ns = kw_now_ns();

    if (wanted > 0) {
        KW_TRY(draw(finder, KW_MIN(wanted, finder->kit->setup->draw)));
        kw_rsa_kit_clock(&ns, &stats->auxiliary_ns);
        return 0;
    }
    KW_TRY(begin(finder));
    sieve(finder);
    kw_rsa_kit_clock(&ns, &stats->sieve_ns);
    return 0;
}

/* ---- the filter ---- */

/* The first half of B.9 step 7, of the few that pass the filter; of all others the answer makes no
 * difference. */
static bool fits_e(const struct kw_search *search, size_t num)
{
    uint64_t fits = kw_progression_fits_e(search->candidate, num);

    kw_declassify(&fits, sizeof(fits));
    return fits != 0;
}

static void sort_out(struct kw_finder *finder, uint32_t pass, struct kw_search_queue *ret_passed)
{
    const struct kw_rsa_kit *kit = finder->kit;

    kw_declassify(&pass, sizeof(pass)); /* how many candidates a search tests shows in any case */
    for (unsigned i = 0; i < kit->kernel->lanes; i++) {
        struct kw_search *search = finder->lane[i];

        if ((pass >> i & 1) != 0 && fits_e(search, kit->num)) {
            search->rounds_begun = search->rounds_passed = 0;
            search->composite = false;
            kw_search_queue_push(ret_passed, search);
            finder->lane[i] = NULL;
        } else if (!advance(finder, search)) {
            finder->lane[i] = NULL;
        }
    }
}

static int filter(struct kw_finder *finder, struct kw_search_queue *ret_passed)
{
    struct kw_rsa_kit *kit = finder->kit;
    const struct kw_kernel *kernel = kit->kernel;
    struct kw_lane lanes[KW_LANES_MAX] = {0};
    uint64_t ns = kw_now_ns();
    uint32_t pass = 0;

    for (unsigned i = 0; i < kernel->lanes; i++)
        lanes[i].modulus = finder->lane[i]->candidate;
    KW_TRY(kernel->filter(kernel, kit->scratch, kit->bits, lanes, &pass));
    kit->stats.filter_batches++;
    kit->stats.candidates += kernel->lanes;
    sort_out(finder, pass, ret_passed);
    kw_rsa_kit_clock(&ns, &kit->stats.filter_ns);
    return 0;
}

/* Returns true if every lane has a search. */
static bool fill_lanes(struct kw_finder *finder)
{
    for (unsigned i = 0; i < finder->kit->kernel->lanes; i++) {
        if (finder->lane[i] == NULL && finder->ready.num == 0)
            return false;
        if (finder->lane[i] == NULL)
            finder->lane[i] = kw_search_queue_pop(&finder->ready);
    }
    return true;
}

int kw_finder_work(struct kw_finder *finder, struct kw_search_queue *ret_passed)
{
    return fill_lanes(finder) ? filter(finder, ret_passed) : prepare(finder);
}
