#include "api/quota.h"

#include "api/datafile.h"
#include "api/siphash.h"
#include "engine/drbg.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW  8u /* buckets that a hash can fall into: two cache lines */
#define WINDOWS 8192u

/* What a bucket counts; the first byte of what is hashed. */
enum kind { KIND_CLASS, KIND_PRINCIPAL, KIND_RECORD };

struct bucket {
    _Atomic uint64_t id;      /* the hash of what it counts; 0: nothing yet */
    _Atomic uint64_t full_at; /* 0: nothing was taken yet */
};

struct kw_quotas {
    struct kw_quotatable table;
    struct kw_quota_rate principal;
    struct kw_siphash hash; /* begun with a key that nobody knows */
    struct bucket *buckets; /* WINDOW * WINDOWS */
};

/* ---- buckets ---- */

/* full_at of a slot that may give way; others are later than any time. 0: just taken over, nothing counted.
 */
static uint64_t gives_way_at(const struct bucket *bucket)
{
    uint64_t full_at = atomic_load_explicit(&bucket->full_at, memory_order_relaxed);

    return full_at > 0 ? full_at : UINT64_MAX;
}

/* The bucket of id; or the first empty one; or the one that is full first. Buckets of a window are taken from
 * its beginning on and never given back, so behind an empty one there is nothing. Out: ret_id, what it is. */
static struct bucket *look(struct bucket *window, uint64_t id, uint64_t *ret_id)
{
    struct bucket *first = &window[0];
    uint64_t at = UINT64_MAX;

    for (unsigned i = 0; i < WINDOW; i++) {
        uint64_t other = atomic_load_explicit(&window[i].id, memory_order_relaxed);
        uint64_t gives_way = other != 0 ? gives_way_at(&window[i]) : 0;

        if (i == 0 || gives_way < at) {
            first = &window[i];
            at = gives_way;
            *ret_id = other;
        }
        if (other == id || other == 0) {
            *ret_id = other;
            return &window[i];
        }
    }
    return first;
}

static struct bucket *find(struct kw_quotas *quotas, uint64_t id, uint64_t now_ns)
{
    struct bucket *window = &quotas->buckets[id % WINDOWS * WINDOW], *bucket;
    uint64_t found = 0;

    /* Each time round another thread has taken one of eight. */
    for (unsigned tries = 0; tries <= WINDOW; tries++) {
        bucket = look(window, id, &found);
        if (found == id || (found != 0 && gives_way_at(bucket) > now_ns))
            break;
        if (atomic_compare_exchange_strong_explicit(
                &bucket->id, &found, id, memory_order_relaxed, memory_order_relaxed))
            break;
    }
    return bucket;
}

/* full_at is at most room_ns ahead, since nobody takes what is not there. */
static bool take(struct bucket *bucket, struct kw_quota_rate rate, uint64_t now_ns)
{
    uint64_t full_at = atomic_load_explicit(&bucket->full_at, memory_order_relaxed), next;

    do {
        next = KW_MAX(full_at, now_ns) + rate.interval_ns;
        if (next - now_ns > rate.room_ns)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &bucket->full_at, &full_at, next, memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void give_back(struct bucket *bucket, struct kw_quota_rate rate)
{
    atomic_fetch_sub_explicit(&bucket->full_at, rate.interval_ns, memory_order_relaxed);
}

/* The lengths are known, so none of the parts can pass for another. */
static uint64_t id_of(
    const struct kw_quotas *quotas, enum kind kind, uint8_t class, struct kw_bytes a, struct kw_bytes b)
{
    uint8_t head[] = {(uint8_t)kind, class, (uint8_t)a.len}, hash[KW_SIPHASH_LEN];
    struct kw_siphash state = quotas->hash;
    uint64_t id;

    kw_siphash_add(&state, KW_BYTES(head, sizeof(head)));
    kw_siphash_add(&state, a);
    kw_siphash_add(&state, b);
    kw_siphash_done(&state, hash);
    memcpy(&id, hash, sizeof(id));
    return id != 0 ? id : 1;
}

/* ---- what callers ask ---- */

bool kw_quota_take(struct kw_quotas *quotas, struct kw_bytes account, struct kw_bytes region,
    const char *operation, struct kw_bytes spec, uint64_t now_ns)
{
    unsigned class[KW_QUOTA_CLASSES_OF_CALL];
    size_t num = kw_quota_classes(operation, spec, class), taken = 0;
    struct bucket *bucket[KW_QUOTA_CLASSES_OF_CALL];

    for (; taken < num; taken++) {
        struct kw_quota_rate rate = quotas->table.rate[class[taken]];

        bucket[taken] = NULL;
        if (rate.interval_ns == 0)
            continue;
        bucket[taken] =
            find(quotas, id_of(quotas, KIND_CLASS, (uint8_t) class[taken], account, region), now_ns);
        if (!take(bucket[taken], rate, now_ns))
            break;
    }
    if (taken == num)
        return true;
    while (taken-- > 0) {
        if (bucket[taken] != NULL)
            give_back(bucket[taken], quotas->table.rate[class[taken]]);
    }
    return false;
}

static bool take_of_principal(
    struct kw_quotas *quotas, enum kind kind, struct kw_bytes principal, uint64_t now_ns)
{
    if (quotas->principal.interval_ns == 0)
        return true;
    return take(find(quotas, id_of(quotas, kind, 0, principal, KW_BYTES(NULL, 0)), now_ns), quotas->principal,
        now_ns);
}

bool kw_quota_take_principal(struct kw_quotas *quotas, struct kw_bytes principal, uint64_t now_ns)
{
    return take_of_principal(quotas, KIND_PRINCIPAL, principal, now_ns);
}

bool kw_quota_take_record(struct kw_quotas *quotas, struct kw_bytes principal, uint64_t now_ns)
{
    return take_of_principal(quotas, KIND_RECORD, principal, now_ns);
}

/* ---- life ---- */

int kw_quotas_new(struct kw_quotas **ret, const struct kw_quotatable *table, struct kw_quota_rate principal)
{
    KW_DRBG struct kw_drbg *drbg = NULL;
    struct kw_quotas *quotas;
    size_t size = WINDOW * WINDOWS * sizeof(struct bucket);
    uint8_t key[16];
    int r;

    KW_TRY(kw_drbg_new(&drbg, NULL));
    quotas = calloc(1, sizeof(*quotas));
    KW_REQUIRE(quotas != NULL, -ENOMEM);
    quotas->table = *table;
    quotas->principal = principal;
    r = kw_drbg_bytes(drbg, key, sizeof(key));
    if (r == 0) {
        kw_siphash_init(&quotas->hash, key);
        quotas->buckets = aligned_alloc(KW_CACHE_LINE, size);
        r = quotas->buckets != NULL ? 0 : -ENOMEM;
    }
    if (r < 0) {
        kw_quotas_free(quotas);
        return r;
    }
    memset(quotas->buckets, 0, size);
    *ret = quotas;
    return 0;
}

void kw_quotas_free(struct kw_quotas *quotas)
{
    if (quotas == NULL)
        return;
    free(quotas->buckets);
    free(quotas);
}

static int change_by_file(struct kw_quotatable *table, const char *path, char *why, size_t why_cap)
{
    struct kw_buf text = KW_BUF(malloc(KW_QUOTATABLE_BYTES_MAX), KW_QUOTATABLE_BYTES_MAX);
    char problem[256];
    int r = text.ptr == NULL ? -ENOMEM : kw_datafile_read_public(path, &text);

    if (r < 0)
        snprintf(why, why_cap, "the table of quotas %s cannot be read: %s", path,
            r == -EFBIG ? "it is too long" : strerror(-r));
    if (r == 0 && kw_quotatable_change(table, kw_buf_bytes(&text), problem, sizeof(problem)) != 0) {
        snprintf(why, why_cap, "the table of quotas %s cannot be used: %s", path, problem);
        r = -EINVAL;
    }
    free(text.ptr);
    return r;
}

int kw_quotas_open(
    struct kw_quotas **ret, const char *source, struct kw_quota_rate principal, char *why, size_t why_cap)
{
    struct kw_quotatable table;
    int r;

    if (source == NULL && principal.interval_ns == 0) {
        *ret = NULL;
        return 0;
    }
    kw_quotatable_init(&table, source != NULL);
    if (source != NULL && strcmp(source, "aws") != 0)
        KW_TRY(change_by_file(&table, source, why, why_cap));
    r = kw_quotas_new(ret, &table, principal);
    if (r < 0)
        snprintf(why, why_cap, "quotas cannot be set up: %s",
            r == KW_EOPENSSL ? "the random source failed" : strerror(-r));
    return r;
}
