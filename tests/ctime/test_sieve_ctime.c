/* The sieve of one path with every start and step undefined: the map must be undefined, and is then made
 * public.
 */
#include "engine/ctime.h"
#include "engine/rsa/sieve.h"
#include "pool/secmem.h"
#include "tests/ctime/forbidden.h"
#include "tests/ctime/stand_ins.h"

enum { SKIP = 77, WORDS = 33, BOUND = 1 << 14 };

static uint64_t starts[KW_SIEVE_GROUP][WORDS], steps[KW_SIEVE_GROUP][WORDS];
static uint64_t maps[KW_SIEVE_GROUP][KW_SIEVE_WINDOW_WORDS];

/* A power of two is a multiple of no odd prime. */
static void draw(void)
{
    stand_in_draw(starts, sizeof(starts));
    memset(steps, 0, sizeof(steps));
    for (unsigned i = 0; i < KW_SIEVE_GROUP; i++) {
        starts[i][0] |= 1;
        steps[i][0] = (uint64_t)2 << i;
    }
    memset(maps, 0, sizeof(maps));
    kw_ctime_secret(starts, sizeof(starts));
    kw_ctime_secret(steps, sizeof(steps));
}

/* Returns whether every word of every map is secret. */
static bool run_group(
    const struct kw_sieve *sieve, unsigned num, size_t num_start, size_t num_step, void *scratch)
{
    struct kw_sieve_job jobs[KW_SIEVE_GROUP];
    bool secret = true;

    draw();
    for (unsigned i = 0; i < num; i++)
        jobs[i] = (struct kw_sieve_job){
            .start = starts[i], .step = num_step > 0 ? steps[i] : NULL, .ret_map = maps[i]};
    kw_sieve_run(sieve, jobs, num, num_start, num_step, scratch);
    for (unsigned i = 0; i < num; i++)
        for (unsigned j = 0; j < KW_SIEVE_WINDOW_WORDS; j++)
            secret = secret && kw_ctime_is_secret(&maps[i][j], sizeof(maps[i][j]));
    return secret;
}

static bool run_all(const struct kw_sieve *sieve, void *scratch)
{
    return run_group(sieve, 1, 4, 0, scratch) && run_group(sieve, KW_SIEVE_GROUP, 3, 0, scratch) &&
           run_group(sieve, 1, WORDS, 5, scratch) && run_group(sieve, KW_SIEVE_GROUP, 16, 5, scratch) &&
           run_group(sieve, 3, 32, WORDS, scratch);
}

int main(int argc, char **argv)
{
    const struct kw_sieve *sieve;
    enum kw_cpu_path path;
    void *scratch;

    if (argc < 2 || !stand_in_path(argv[1], &path))
        return SKIP;
    if (kw_sieve_get(&sieve, path, BOUND) != 0)
        return 1;
    scratch = kw_secmem_alloc_aligned(kw_sieve_scratch_len(sieve), KW_CACHE_LINE);
    if (argc > 2) {
        (void)run_group(sieve, 1, 16, 5, scratch);
        forbidden_do(argv[2], maps[0]);
    } else if (!run_all(sieve, scratch)) {
        printf("a map is not secret: the checker has lost it\n");
        return 1;
    }
    kw_secmem_free(scratch);
    return 0;
}
