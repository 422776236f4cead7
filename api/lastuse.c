#include "api/lastuse.h"

#include <stdatomic.h>
#include <stdlib.h>

const char *const kw_lastuse_operations[KW_LASTUSE_OPERATIONS_NUM] = {
    "Decrypt",
    "DeriveSharedSecret",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
};

uint32_t kw_lastuse_operation(const char *name)
{
    for (uint32_t i = 0; i < KW_LASTUSE_OPERATIONS_NUM; i++) {
        if (strcmp(kw_lastuse_operations[i], name) == 0)
            return i;
    }
    return KW_LASTUSE_OPERATIONS_NUM;
}

/* The entry travels through atomic words, so that a reader that overlaps a writer reads garbage at worst, and
 * the sequence number tells it so. */
#define WORDS ((sizeof(struct kw_lastuse_entry) + 7) / 8)

struct kw_lastuse {
    _Atomic uint32_t refs;
    _Atomic bool dirty;
    _Atomic uint64_t sequence; /* odd while someone writes */
    _Atomic uint64_t word[WORDS];
};

static void store_words(struct kw_lastuse *lastuse, const struct kw_lastuse_entry *entry)
{
    uint64_t words[WORDS] = {0};

    memcpy(words, entry, sizeof(*entry));
    for (size_t i = 0; i < WORDS; i++)
        atomic_store_explicit(&lastuse->word[i], words[i], memory_order_relaxed);
}

int kw_lastuse_new(struct kw_lastuse **ret, const struct kw_lastuse_entry *entry)
{
    struct kw_lastuse *lastuse = calloc(1, sizeof(*lastuse));

    KW_REQUIRE(lastuse != NULL, -ENOMEM);
    atomic_init(&lastuse->refs, 1);
    if (entry != NULL)
        store_words(lastuse, entry);
    *ret = lastuse;
    return 0;
}

struct kw_lastuse *kw_lastuse_ref(struct kw_lastuse *lastuse)
{
    uint32_t before = atomic_fetch_add_explicit(&lastuse->refs, 1, memory_order_relaxed);

    kw_assert(before > 0 && before < UINT32_MAX);
    return lastuse;
}

void kw_lastuse_unref(struct kw_lastuse *lastuse)
{
    if (lastuse == NULL)
        return;
    if (atomic_fetch_sub_explicit(&lastuse->refs, 1, memory_order_acq_rel) == 1)
        free(lastuse);
}

bool kw_lastuse_note(struct kw_lastuse *lastuse, const struct kw_lastuse_entry *entry)
{
    uint64_t sequence = atomic_load_explicit(&lastuse->sequence, memory_order_relaxed);

    if ((sequence & 1) != 0 || !atomic_compare_exchange_strong_explicit(&lastuse->sequence, &sequence,
                                   sequence + 1, memory_order_acquire, memory_order_relaxed))
        return false;                          /* another use at the same time is being noted */
    atomic_thread_fence(memory_order_release); /* L1 */
    store_words(lastuse, entry);
    atomic_store_explicit(&lastuse->sequence, sequence + 2, memory_order_release); /* L3 */
    return !atomic_exchange_explicit(&lastuse->dirty, true, memory_order_acq_rel);
}

void kw_lastuse_read(const struct kw_lastuse *lastuse, struct kw_lastuse_entry *ret)
{
    uint64_t words[WORDS];
    uint64_t before, after;

    /* A writer that is stopped half way keeps readers here for as long; it runs at normal priority and holds
     * the cell for some twenty stores. */
    do {
        before = atomic_load_explicit(&lastuse->sequence, memory_order_acquire); /* pairs with L3 */
        for (size_t i = 0; i < WORDS; i++)
            words[i] = atomic_load_explicit(&lastuse->word[i], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire); /* pairs with L1 */
        after = atomic_load_explicit(&lastuse->sequence, memory_order_relaxed);
    } while (before != after || (before & 1) != 0);
    memcpy(ret, words, sizeof(*ret));
}

bool kw_lastuse_take_dirty(struct kw_lastuse *lastuse)
{
    return atomic_exchange_explicit(&lastuse->dirty, false, memory_order_acq_rel);
}
