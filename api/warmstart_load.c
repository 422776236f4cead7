#include "api/log.h"
#include "api/warmstart_internal.h"
#include "pool/fault.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
#define MS_PER_S  1000

/* What becomes of a file. The reasons to refuse it come first: it is removed and its number used up. */
enum verdict {
    USED,
    GONE,        /* on record, but not there */
    UNKNOWN,     /* there, but not on record */
    NOT_OURS,    /* no plain file, another user's, open to others */
    A_COPY,      /* not the file that was written */
    FOREIGN,     /* no such file at all */
    OTHER,       /* of another number, spec or kind */
    DAMAGED,     /* does not authenticate */
    NOT_REMOVED, /* its number is used up, the file is there still */
    KEPT,        /* could not be read, or its number not be used up: the next start may use it */
};

static const char *const reasons[] = {
    [GONE] = "the file is gone",
    [UNKNOWN] = "its one-time number is not on record: it was used before, or never finished",
    [NOT_OURS] = "it must be a plain file of this user's, open to nobody else",
    [A_COPY] = "it is not the file that was written, but a copy",
    [FOREIGN] = "it is not a file of saved pairs of this version",
    [OTHER] = "it does not have the one-time number that is on record",
    [DAMAGED] = "it does not authenticate: it was altered, damaged, or sealed under another root key",
    [NOT_REMOVED] = "it cannot be removed; its number is used up",
    [KEPT] = "it cannot be read or its number not be used up now; the next start may use it",
};

/* ---- slots ---- */

/* A reserve is kept as it is, unless the pool needs it, or it is not what is asked for now. */
static bool needs_reserve(const struct kw_warmstart_load *load, uint64_t restored, uint32_t low_watermark)
{
    uint32_t asked = load->warmstart->config.reserve[load->spec];

    return !load->known[KW_SAVED_RESERVE] || restored < low_watermark || asked == 0 ||
           load->record[KW_SAVED_RESERVE].pairs < asked;
}

/* How many pairs the files will bring into the pool. */
static uint32_t pairs_on_record(const struct kw_warmstart_load *load, const struct kw_pool_stats *stats)
{
    uint64_t pairs = load->known[KW_SAVED_POOL] ? load->record[KW_SAVED_POOL].pairs : 0;

    if (load->known[KW_SAVED_RESERVE] && needs_reserve(load, pairs, stats->low_watermark))
        pairs += load->record[KW_SAVED_RESERVE].pairs;
    return (uint32_t)KW_MIN(pairs, stats->capacity);
}

int kw_warmstart_book(struct kw_warmstart_load *load)
{
    struct kw_pool *pool = load->warmstart->config.pools[load->spec];
    struct kw_pool_stats stats;

    kw_pool_stats(pool, &stats);
    uint32_t wanted = pairs_on_record(load, &stats);
    if (wanted == 0)
        return 0;
    load->slots = calloc(wanted, sizeof(*load->slots));
    KW_REQUIRE(load->slots != NULL, -ENOMEM);
    while (load->num_slots < wanted && kw_pool_acquire(pool, &load->slots[load->num_slots]) == 0)
        load->num_slots++;
    return 0;
}

static void give_back(struct kw_warmstart_load *load)
{
    struct kw_pool *pool = load->warmstart->config.pools[load->spec];

    for (uint32_t i = 0; i < load->num_slots; i++)
        kw_pool_discard(pool, &load->slots[i]);
    free(load->slots);
    load->slots = NULL;
    load->num_slots = load->num_used = 0;
}

/* The pairs that were opened are served from here on; the other slots move up. */
static void serve(struct kw_warmstart_load *load)
{
    struct kw_pool *pool = load->warmstart->config.pools[load->spec];

    for (uint32_t i = 0; i < load->num_used; i++) {
        (void)kw_fault(KW_FAULT_POOL_SERVE);
        kw_pool_publish(pool, &load->slots[i]);
    }
    load->num_slots -= load->num_used;
    if (load->num_slots > 0)
        memmove(load->slots, load->slots + load->num_used, load->num_slots * sizeof(*load->slots));
    load->num_used = 0;
}

/* ---- judging ---- */

static enum verdict judge(const struct kw_saved_pool *record, int fd)
{
    int64_t inode, born_ns;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return KEPT;
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        return NOT_OURS;
    if (kw_warmstart_identify(fd, &inode, &born_ns) < 0)
        return KEPT;
    /* What the file system did not say then or does not say now cannot speak against it. */
    if ((inode != 0 && record->inode != 0 && inode != record->inode) ||
        (born_ns != 0 && record->born_ns != 0 && born_ns != record->born_ns))
        return A_COPY;
    return st.st_size == record->size ? USED : DAMAGED;
}

static enum verdict verdict_of(int r)
{
    switch (r) {
    case 0:
    case KW_POOLFILE_END:
        return USED;
    case KW_POOLFILE_FOREIGN:
        return FOREIGN;
    case KW_POOLFILE_OTHER:
        return OTHER;
    case KW_POOLFILE_DAMAGED:
        return DAMAGED;
    default:
        return KEPT;
    }
}

/* Opens all pairs of the file into booked slots; those that find none are only looked at, since nothing is
 * authentic before all is. */
static enum verdict open_pairs(
    struct kw_warmstart_load *load, const struct kw_saved_pool *record, int fd, uint32_t *ret_pairs)
{
    KW_POOLFILE_READER struct kw_poolfile_reader *reader = NULL;
    int r = kw_poolfile_reader_new(&reader, load->warmstart->config.key, record, fd);

    load->num_used = 0;
    while (r == 0) {
        bool room = load->num_used < load->num_slots;

        r = kw_poolfile_next(reader, room ? &load->slots[load->num_used] : NULL);
        if (r == 0)
            load->num_used += room;
        *ret_pairs += r == 0;
    }
    if (r != KW_POOLFILE_END)
        load->num_used = 0;
    return verdict_of(r);
}

static enum verdict open_file(
    struct kw_warmstart_load *load, enum kw_saved_kind kind, const char *name, uint32_t *ret_pairs)
{
    const struct kw_saved_pool *record = &load->record[kind];
    int fd = openat(load->warmstart->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    enum verdict verdict;

    if (fd < 0 && errno == ENOENT)
        return GONE;
    if (fd < 0)
        return errno == ELOOP || errno == EACCES ? NOT_OURS : KEPT;
    verdict = load->known[kind] ? judge(record, fd) : UNKNOWN;
    if (verdict == USED)
        verdict = open_pairs(load, record, fd, ret_pairs);
    close(fd);
    return verdict;
}

/* ---- using up ---- */

/* The number first: from then on no copy of the file is good for anything, whatever becomes of this one. */
static enum verdict use_up(struct kw_warmstart_load *load, enum kw_saved_kind kind, const char *name)
{
    if (load->known[kind]) {
        int r = kw_warmstart_use_up(load->warmstart, &load->record[kind]);

        if (r != 0)
            return r == KW_TX_NONE ? OTHER : KEPT;
        load->known[kind] = false;
    }
    return kw_warmstart_remove(load->warmstart, name) == 0 ? USED : NOT_REMOVED;
}

static void log_refusal(struct kw_warmstart_load *load, const char *name, enum verdict verdict)
{
    struct kw_warmstart *warmstart = load->warmstart;
    bool failure = verdict == NOT_REMOVED || verdict == KEPT;

    atomic_fetch_add_explicit(failure ? &warmstart->failures : &warmstart->refused, 1, memory_order_relaxed);
    kw_log(failure ? KW_LOG_ERROR : KW_LOG_WARN, "saved-pool-refused", "file=%s why=\"%s\"", name,
        reasons[verdict]);
}

static void log_use(const struct kw_warmstart_load *load, enum kw_saved_kind kind, uint32_t pairs,
    uint32_t served, uint64_t begun_ns)
{
    kw_log(KW_LOG_INFO, "pool-restored", "spec=%s from=%s pairs=%u destroyed=%u age_s=%lld ms=%llu",
        kw_spec_info(load->spec)->name, kind == KW_SAVED_POOL ? "stop" : "reserve", served, pairs - served,
        (long long)((kw_wall_ms() - load->record[kind].saved_ms) / MS_PER_S),
        (unsigned long long)((kw_now_ns() - begun_ns) / NS_PER_MS));
}

static void load_file(struct kw_warmstart_load *load, enum kw_saved_kind kind)
{
    struct kw_warmstart *warmstart = load->warmstart;
    uint64_t begun_ns = kw_now_ns();
    char name[KW_SAVED_FILE_MAX];
    uint32_t pairs = 0;

    kw_saved_file_name((struct kw_saved_name){load->spec, kind}, name);
    enum verdict verdict = open_file(load, kind, name, &pairs);
    if (verdict == GONE && !load->known[kind])
        return;
    enum verdict used = verdict == KEPT ? KEPT : use_up(load, kind, name);
    if (verdict != USED || used != USED) {
        load->num_used = 0;
        log_refusal(load, name, verdict != USED ? verdict : used);
        return;
    }
    uint32_t served = load->num_used;
    serve(load);
    atomic_fetch_add_explicit(&warmstart->restored[load->spec], served, memory_order_relaxed);
    log_use(load, kind, pairs, served, begun_ns);
}

/* ---- a spec ---- */

void kw_warmstart_load(struct kw_warmstart_load *load)
{
    struct kw_warmstart *warmstart = load->warmstart;
    struct kw_pool_stats stats;

    kw_pool_stats(warmstart->config.pools[load->spec], &stats);
    load_file(load, KW_SAVED_POOL);
    uint64_t restored = atomic_load_explicit(&warmstart->restored[load->spec], memory_order_relaxed);
    if (needs_reserve(load, restored, stats.low_watermark))
        load_file(load, KW_SAVED_RESERVE);
    else
        atomic_store_explicit(
            &warmstart->reserve[load->spec], load->record[KW_SAVED_RESERVE].pairs, memory_order_relaxed);
    give_back(load);
    atomic_store_explicit(
        &load->done, true, memory_order_release); /* D1 pairs with D2 in the reserve's thread */
}
