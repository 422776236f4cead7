#include "engine/rsa/auxiliary.h"

#include "engine/rsa/primality.h"
#include "engine/rsa/survivors.h"
#include "pool/secmem.h"

/* Starts that are looked at together, for each lane: lanes idle at the end of a batch of searches, when few
 * are left. */
#define JOBS_PER_LANE 8u

/* Odd primes below that are sieved with: of little weight, one test of a candidate costs as much as a window.
 */
#define SIEVE_BOUND 1024u

/* Bases are short: a call of the random source for each would cost more than their rounds. */
#define RANDOM_LEN 4096u

enum job_state {
    JOB_SEARCHING,
    JOB_FILTERED, /* its candidate passed the filter */
    JOB_DONE,     /* and the rounds */
};

/* One search. */
struct job {
    enum job_state state;
    uint64_t *window; /* the member that the map begins with; members are 2 apart */
    uint64_t *candidate;
    uint64_t map[KW_SIEVE_WINDOW_WORDS];
};

struct kw_auxiliary {
    const struct kw_kernel *kernel;
    const struct kw_sieve *sieve;
    struct kw_rng *rng;
    unsigned bits;
    unsigned rounds;
    size_t num; /* words of a number */
    unsigned num_jobs;
    struct job *jobs;
    void *kernel_scratch;
    void *sieve_scratch;
    uint64_t *words; /* what windows, candidates and bases point into */
    size_t num_words;
    uint64_t *bases[KW_LANES_MAX];
    struct kw_lane lanes[KW_LANES_MAX];
    struct job *lane_jobs[KW_LANES_MAX]; /* NULL: the lane is idle */
    size_t random_left;
    uint8_t random[RANDOM_LEN];
};

/* ---- life ---- */

void kw_auxiliary_free(struct kw_auxiliary *auxiliary)
{
    if (auxiliary == NULL)
        return;
    if (auxiliary->kernel_scratch != NULL)
        auxiliary->kernel->scratch_free(auxiliary->kernel_scratch);
    kw_secmem_free(auxiliary->sieve_scratch);
    kw_secmem_free(auxiliary->jobs);
    kw_secmem_free(auxiliary->words);
    kw_secmem_free(auxiliary);
}

static void auxiliary_freep(struct kw_auxiliary **auxiliary)
{
    kw_auxiliary_free(*auxiliary);
}

static void share_words(struct kw_auxiliary *auxiliary)
{
    uint64_t *words = auxiliary->words;

    for (unsigned i = 0; i < auxiliary->num_jobs; i++) {
        auxiliary->jobs[i].window = words;
        auxiliary->jobs[i].candidate = words + auxiliary->num;
        words += 2 * auxiliary->num;
    }
    for (unsigned lane = 0; lane < auxiliary->kernel->lanes; lane++) {
        auxiliary->bases[lane] = words;
        words += auxiliary->num;
    }
    kw_assert(words == auxiliary->words + auxiliary->num_words);
}

static int allocate(struct kw_auxiliary *auxiliary)
{
    const struct kw_kernel *kernel = auxiliary->kernel;

    auxiliary->num_jobs = JOBS_PER_LANE * kernel->lanes;
    auxiliary->num_words = (size_t)(2 * auxiliary->num_jobs + kernel->lanes) * auxiliary->num;
    auxiliary->jobs = kw_secmem_alloc(auxiliary->num_jobs * sizeof(*auxiliary->jobs));
    auxiliary->words = kw_secmem_alloc_aligned(auxiliary->num_words * sizeof(uint64_t), KW_CACHE_LINE);
    auxiliary->sieve_scratch = kw_secmem_alloc_aligned(kw_sieve_scratch_len(auxiliary->sieve), KW_CACHE_LINE);
    KW_REQUIRE(
        auxiliary->jobs != NULL && auxiliary->words != NULL && auxiliary->sieve_scratch != NULL, -ENOMEM);
    share_words(auxiliary);
    return kernel->scratch_new(&auxiliary->kernel_scratch, kernel, kw_rng_libctx(auxiliary->rng));
}

int kw_auxiliary_new(
    struct kw_auxiliary **ret, enum kw_cpu_path path, unsigned bits, unsigned rounds, struct kw_rng *rng)
{
    KW_CLEANUP(auxiliary_freep) struct kw_auxiliary *auxiliary = kw_secmem_alloc(sizeof(*auxiliary));

    KW_REQUIRE(auxiliary != NULL, -ENOMEM);
    kw_assert(bits >= KW_AUXILIARY_BITS_MIN && bits <= KW_AUXILIARY_BITS_MAX && rounds > 0);
    auxiliary->bits = bits;
    auxiliary->rounds = rounds;
    auxiliary->rng = rng;
    auxiliary->num = KW_WORDS_OF_BITS(bits) + 1;
    auxiliary->kernel = kw_kernel_choose(path, bits + 1);
    KW_TRY(kw_sieve_get(&auxiliary->sieve, path, SIEVE_BOUND));
    KW_TRY(allocate(auxiliary));
    *ret = auxiliary;
    auxiliary = NULL;
    return 0;
}

void kw_auxiliary_wipe(struct kw_auxiliary *auxiliary)
{
    auxiliary->kernel->scratch_wipe(auxiliary->kernel_scratch);
    kw_erase(auxiliary->sieve_scratch, kw_sieve_scratch_len(auxiliary->sieve));
    kw_erase(auxiliary->words, auxiliary->num_words * sizeof(uint64_t));
    for (unsigned i = 0; i < auxiliary->num_jobs; i++)
        kw_erase(auxiliary->jobs[i].map, sizeof(auxiliary->jobs[i].map));
    kw_erase(auxiliary->random, sizeof(auxiliary->random));
    auxiliary->random_left = 0;
}

/* ---- random numbers ---- */

static int draw(struct kw_auxiliary *auxiliary, uint64_t *ret)
{
    size_t len = auxiliary->num * sizeof(uint64_t);

    if (auxiliary->random_left < len) {
        auxiliary->random_left = 0;
        KW_TRY(kw_rng_bytes(auxiliary->rng, auxiliary->random, sizeof(auxiliary->random)));
        auxiliary->random_left = sizeof(auxiliary->random);
    }
    auxiliary->random_left -= len;
    memcpy(ret, auxiliary->random + auxiliary->random_left, len);
    return 0;
}

/* FIPS 186-5 A.1.6 step 4.1 (5.1 for q). */
int kw_auxiliary_draw(struct kw_auxiliary *auxiliary, uint64_t *ret)
{
    size_t top = (auxiliary->bits - 1) / 64;
    uint64_t top_bit = (uint64_t)1 << (auxiliary->bits - 1) % 64;

    KW_TRY(draw(auxiliary, ret));
    for (size_t i = top + 1; i < auxiliary->num; i++)
        ret[i] = 0;
    ret[top] = (ret[top] & (top_bit - 1)) | top_bit;
    ret[0] |= 1;
    return 0;
}

/* FIPS 186-5 B.3.1 steps 4.1 and 4.2. The length of w is that of its start, but where the search crossed a
 * power of two; that it did is no more than what the number of candidates says. */
static int draw_base(struct kw_auxiliary *auxiliary, uint64_t *ret, const uint64_t *w)
{
    unsigned bits = kw_words_bits(w, auxiliary->num);
    uint64_t fits;

    kw_declassify(&bits, sizeof(bits));
    do {
        KW_TRY(draw(auxiliary, ret));
        fits = kw_primality_base_fits(ret, w, auxiliary->num, bits);
        kw_declassify(&fits, sizeof(fits)); /* as in kw_primality_base() */
    } while (fits == 0);
    return 0;
}

/* ---- candidates ---- */

static void sieve(struct kw_auxiliary *auxiliary, struct job *jobs, unsigned num)
{
    struct kw_sieve_job sieve_jobs[KW_SIEVE_GROUP];

    kw_assert(num <= KW_SIEVE_GROUP);
    for (unsigned i = 0; i < num; i++)
        sieve_jobs[i] = (struct kw_sieve_job){.start = jobs[i].window, .ret_map = jobs[i].map};
    kw_sieve_run(auxiliary->sieve, sieve_jobs, num, auxiliary->num, 0, auxiliary->sieve_scratch);
}

static void begin_jobs(struct kw_auxiliary *auxiliary, const uint64_t *starts, unsigned num)
{
    for (unsigned i = 0; i < num; i++) {
        struct job *job = &auxiliary->jobs[i];
        job->state = JOB_SEARCHING;
        memcpy(job->window, starts + i * auxiliary->num, auxiliary->num * sizeof(uint64_t));
        job->window[0] |= 1;
    }
    for (unsigned i = 0; i < num; i += KW_SIEVE_GROUP)
        sieve(auxiliary, &auxiliary->jobs[i], KW_MIN(num - i, KW_SIEVE_GROUP));
}

/* The next number of a search that has no small factor. */
static void next_candidate(struct kw_auxiliary *auxiliary, struct job *job)
{
    size_t num = auxiliary->num;
    uint64_t index = kw_survivors_take(job->map), none;

    for (;;) {
        none = kw_mask_equal(index, KW_SIEVE_WINDOW);
        kw_declassify(&none, sizeof(none)); /* about as much as the number of candidates */
        if (none == 0)
            break;
        kw_words_add_word(job->window, job->window, num, (uint64_t)2 * KW_SIEVE_WINDOW);
        sieve(auxiliary, job, 1);
        index = kw_survivors_take(job->map);
    }
    kw_words_add_word(job->candidate, job->window, num, 2 * index);
}

/* ---- filter ---- */

/* Each lane keeps its search until a candidate passes, then takes the next one that has none. Returns how
 * many are in use. */
static unsigned fill_filter(struct kw_auxiliary *auxiliary, unsigned num, unsigned *next)
{
    unsigned num_used = 0;

    for (unsigned lane = 0; lane < auxiliary->kernel->lanes; lane++) {
        struct job **job = &auxiliary->lane_jobs[lane];
        for (; *job == NULL && *next < num; ++*next) {
            if (auxiliary->jobs[*next].state == JOB_SEARCHING)
                *job = &auxiliary->jobs[*next];
        }
        auxiliary->lanes[lane].modulus = NULL;
        if (*job == NULL)
            continue;
        next_candidate(auxiliary, *job);
        auxiliary->lanes[lane].modulus = (*job)->candidate;
        num_used++;
    }
    return num_used;
}

static int filter_jobs(struct kw_auxiliary *auxiliary, unsigned num)
{
    const struct kw_kernel *kernel = auxiliary->kernel;
    unsigned next = 0;
    uint32_t pass;

    memset(auxiliary->lane_jobs, 0, sizeof(auxiliary->lane_jobs));
    while (fill_filter(auxiliary, num, &next) > 0) {
        KW_TRY(
            kernel->filter(kernel, auxiliary->kernel_scratch, auxiliary->bits + 1, auxiliary->lanes, &pass));
        kw_declassify(&pass, sizeof(pass)); /* how many candidates a search tests shows in any case */
        for (unsigned lane = 0; lane < kernel->lanes; lane++) {
            if ((pass >> lane & 1) == 0)
                continue;
            auxiliary->lane_jobs[lane]->state = JOB_FILTERED;
            auxiliary->lane_jobs[lane] = NULL;
        }
    }
    return 0;
}

/* ---- rounds ---- */

/* Rounds of the jobs in order, each job's one after the other. */
struct cursor {
    unsigned num; /* jobs */
    unsigned job;
    unsigned round;
};

/* The next job with a round to do; NULL after the last. Jobs that failed a round have none left. */
static struct job *next_round(struct kw_auxiliary *auxiliary, struct cursor *cursor)
{
    while (cursor->job < cursor->num &&
           (cursor->round == auxiliary->rounds || auxiliary->jobs[cursor->job].state != JOB_FILTERED)) {
        cursor->job++;
        cursor->round = 0;
    }
    if (cursor->job == cursor->num)
        return NULL;
    cursor->round++;
    return &auxiliary->jobs[cursor->job];
}

static int fill_rounds(struct kw_auxiliary *auxiliary, struct cursor *cursor, unsigned *ret_used)
{
    *ret_used = 0;
    for (unsigned lane = 0; lane < auxiliary->kernel->lanes; lane++) {
        struct job *job = next_round(auxiliary, cursor);
        auxiliary->lane_jobs[lane] = job;
        auxiliary->lanes[lane].modulus = job == NULL ? NULL : job->candidate;
        auxiliary->lanes[lane].base = auxiliary->bases[lane];
        if (job == NULL)
            continue;
        KW_TRY(draw_base(auxiliary, auxiliary->bases[lane], job->candidate));
        ++*ret_used;
    }
    return 0;
}

static int judge_rounds(struct kw_auxiliary *auxiliary, uint32_t pass, uint32_t unsure)
{
    for (unsigned lane = 0; lane < auxiliary->kernel->lanes; lane++) {
        bool passes = pass >> lane & 1;
        if (unsure >> lane & 1)
            KW_TRY(kw_primality_settle(auxiliary->kernel, auxiliary->kernel_scratch, auxiliary->bits + 1,
                &auxiliary->lanes[lane], &passes));
        if (auxiliary->lane_jobs[lane] != NULL && !passes)
            auxiliary->lane_jobs[lane]->state = JOB_SEARCHING;
    }
    return 0;
}

/* Those that pass are done; the others, which hardly ever are any, search on behind their candidate. */
static int round_jobs(struct kw_auxiliary *auxiliary, unsigned num, unsigned *ret_left)
{
    const struct kw_kernel *kernel = auxiliary->kernel;
    struct cursor cursor = {.num = num};
    uint32_t pass, unsure;
    unsigned num_used;

    for (;;) {
        KW_TRY(fill_rounds(auxiliary, &cursor, &num_used));
        if (num_used == 0)
            break;
        KW_TRY(kernel->round(
            kernel, auxiliary->kernel_scratch, auxiliary->bits + 1, auxiliary->lanes, &pass, &unsure));
        kw_declassify(&pass, sizeof(pass)); /* as for the filter */
        kw_declassify(&unsure, sizeof(unsure));
        KW_TRY(judge_rounds(auxiliary, pass, unsure));
    }
    *ret_left = 0;
    for (unsigned i = 0; i < num; i++) {
        if (auxiliary->jobs[i].state == JOB_FILTERED)
            auxiliary->jobs[i].state = JOB_DONE;
        *ret_left += auxiliary->jobs[i].state != JOB_DONE;
    }
    return 0;
}

/* ---- the search ---- */

static int find_some(struct kw_auxiliary *auxiliary, const uint64_t *starts, unsigned num, uint64_t *ret)
{
    unsigned num_left = num;

    begin_jobs(auxiliary, starts, num);
    while (num_left > 0) {
        KW_TRY(filter_jobs(auxiliary, num));
        KW_TRY(round_jobs(auxiliary, num, &num_left));
    }
    for (unsigned i = 0; i < num; i++)
        memcpy(ret + i * auxiliary->num, auxiliary->jobs[i].candidate, auxiliary->num * sizeof(uint64_t));
    return 0;
}

/* FIPS 186-5 A.1.6 step 4.2 (5.2 for q): the first that is probably prime of start, start + 2, ... */
int kw_auxiliary_find(struct kw_auxiliary *auxiliary, const uint64_t *starts, unsigned num, uint64_t *ret)
{
    while (num > 0) {
        unsigned some = KW_MIN(num, auxiliary->num_jobs);
        KW_TRY(find_some(auxiliary, starts, some, ret));
        starts += some * auxiliary->num;
        ret += some * auxiliary->num;
        num -= some;
    }
    return 0;
}
