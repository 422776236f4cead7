#include "api/accessuse.h"

#include <stdatomic.h>
#include <stdlib.h>

/* The entry travels through atomic words, so that a reader that overlaps a writer reads garbage at worst, and
 * the sequence number tells it so. */
#define WORDS ((sizeof(struct kw_access_use_entry) + 7) / 8)

struct kw_access_use {
    _Atomic uint32_t refs;
    _Atomic bool dirty;
    _Atomic uint64_t sequence; /* odd while someone writes */
    _Atomic uint64_t word[WORDS];
};

int kw_access_use_new(struct kw_access_use **ret)
{
    struct kw_access_use *use = calloc(1, sizeof(*use));

    KW_REQUIRE(use != NULL, -ENOMEM);
    atomic_init(&use->refs, 1);
    *ret = use;
    return 0;
}

struct kw_access_use *kw_access_use_ref(struct kw_access_use *use)
{
    uint32_t before = atomic_fetch_add_explicit(&use->refs, 1, memory_order_relaxed);

    kw_assert(before > 0 && before < UINT32_MAX);
    return use;
}

void kw_access_use_unref(struct kw_access_use *use)
{
    if (use != NULL && atomic_fetch_sub_explicit(&use->refs, 1, memory_order_acq_rel) == 1)
        free(use);
}

static void put_text(char *out, size_t cap, struct kw_bytes text)
{
    if (text.len > 0)
        memcpy(out, text.ptr, KW_MIN(text.len, cap - 1));
}

/* Is there nothing new in a use? A clock that was set back is. */
static bool is_known(const struct kw_access_use_entry *last, const struct kw_access_use_entry *next)
{
    return next->at_ms >= last->at_ms && next->at_ms - last->at_ms < KW_ACCESS_USE_STEP_MS &&
           strcmp(last->service, next->service) == 0 && strcmp(last->region, next->region) == 0;
}

/* Returns false if another use at the same time is being noted: either is the last. */
static bool write_entry(struct kw_access_use *use, const struct kw_access_use_entry *entry)
{
    uint64_t sequence = atomic_load_explicit(&use->sequence, memory_order_relaxed);
    uint64_t words[WORDS] = {0};

    memcpy(words, entry, sizeof(*entry));
    if ((sequence & 1) != 0 || !atomic_compare_exchange_strong_explicit(&use->sequence, &sequence,
                                   sequence + 1, memory_order_acquire, memory_order_relaxed))
        return false;
    for (size_t i = 0; i < WORDS; i++)
        atomic_store_explicit(&use->word[i], words[i], memory_order_release);  /* U1 */
    atomic_store_explicit(&use->sequence, sequence + 2, memory_order_release); /* U2 */
    return true;
}

bool kw_access_use_note(
    struct kw_access_use *use, int64_t now_ms, struct kw_bytes service, struct kw_bytes region)
{
    struct kw_access_use_entry last, next;

    memset(&next, 0, sizeof(next)); /* its padding travels, too */
    next.at_ms = now_ms;
    put_text(next.service, sizeof(next.service), service);
    put_text(next.region, sizeof(next.region), region);
    kw_access_use_read(use, &last);
    if (is_known(&last, &next) || !write_entry(use, &next))
        return false;
    return !atomic_exchange_explicit(&use->dirty, true, memory_order_acq_rel);
}

void kw_access_use_read(const struct kw_access_use *use, struct kw_access_use_entry *ret)
{
    uint64_t words[WORDS];
    uint64_t before, after;

    /* A writer that is stopped half way keeps readers here for as long; it runs at normal priority and holds
     * the cell for some ten stores. */
    do {
        before = atomic_load_explicit(&use->sequence, memory_order_acquire); /* pairs with U2 */
        for (size_t i = 0; i < WORDS; i++)
            words[i] = atomic_load_explicit(&use->word[i], memory_order_acquire); /* pairs with U1 */
        after = atomic_load_explicit(&use->sequence, memory_order_relaxed);
    } while (before != after || (before & 1) != 0);
    memcpy(ret, words, sizeof(*ret));
}

bool kw_access_use_take_dirty(struct kw_access_use *use)
{
    return atomic_exchange_explicit(&use->dirty, false, memory_order_acq_rel);
}
