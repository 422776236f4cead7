/* Slots, and the hashes that they are made of. */
#include "api/grantindex_internal.h"

#include <pthread.h>
#include <sys/random.h>

static_assert(KW_GRANTSLOT_BEGIN_MAX + 4 + sizeof(((struct kw_grant *)0)->id) == KW_GRANT_SLOT_MAX,
    "a slot at its longest");
static_assert(2 * KW_GRANT_PAIRS_MAX <= KW_GRANT_HASHES_MAX, "all pairs of a grant fit");

/* ---- hashes ---- */

static uint8_t secret[16];
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

/* The kernel's own source never gives less than so few bytes once it has begun. */
static void draw_secret(void)
{
    kw_assert(getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret));
}

static struct kw_siphash hash_begin(void)
{
    struct kw_siphash hash;

    kw_assert(pthread_once(&secret_once, draw_secret) == 0);
    kw_siphash_init(&hash, secret);
    return hash;
}

/* Texts of any length need theirs before them, but for the last. */
static void add_len(struct kw_siphash *hash, size_t len)
{
    uint8_t text[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};

    kw_siphash_add(hash, KW_BYTES(text, sizeof(text)));
}

struct kw_siphash kw_grantslot_key(
    const char *account, const char *region, const uint8_t key_id[KW_KMS_KEY_ID_LEN])
{
    struct kw_siphash hash = hash_begin();
    struct kw_bytes where = kw_bytes_str(region);

    kw_siphash_add(&hash, KW_BYTES(key_id, KW_KMS_KEY_ID_LEN));
    kw_siphash_add(&hash, KW_BYTES(account, KW_ACCOUNT_LEN));
    add_len(&hash, where.len);
    kw_siphash_add(&hash, where);
    return hash;
}

static void put_number(uint64_t number, unsigned len, uint8_t *to)
{
    while (len-- > 0) {
        to[len] = (uint8_t)number;
        number >>= 8;
    }
}

uint64_t kw_grantslot_number(const uint8_t from[KW_GRANTSLOT_HASH_LEN])
{
    uint64_t number = 0;

    for (unsigned i = 0; i < KW_GRANTSLOT_HASH_LEN; i++)
        number = number << 8 | from[i];
    return number;
}

static uint64_t hash_pair(struct kw_grant_pair_bytes pair)
{
    struct kw_siphash hash = hash_begin();
    uint8_t digest[KW_SIPHASH_LEN];

    add_len(&hash, pair.key.len);
    kw_siphash_add_nocase(&hash, pair.key);
    kw_siphash_add(&hash, pair.value);
    kw_siphash_done(&hash, digest);
    return kw_grantslot_number(digest);
}

/* Shell's way: qsort() may allocate. */
static void sort(uint64_t *of, size_t num)
{
    for (size_t gap = num / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < num; i++) {
            uint64_t moved = of[i];
            size_t at = i;

            for (; at >= gap && of[at - gap] > moved; at -= gap)
                of[at] = of[at - gap];
            of[at] = moved;
        }
    }
}

void kw_grantslot_hash(const struct kw_grant_pairs *pairs, struct kw_grant_hashes *ret)
{
    size_t num = 0;

    kw_assert(pairs->num <= KW_GRANT_HASHES_MAX);
    ret->sum = pairs->num;
    for (size_t i = 0; i < pairs->num; i++) {
        ret->of[i] = hash_pair(kw_grant_pair_at(pairs, i));
        ret->sum += ret->of[i];
    }
    sort(ret->of, pairs->num);
    for (size_t i = 0; i < pairs->num; i++) {
        if (i == 0 || ret->of[i] != ret->of[num - 1])
            ret->of[num++] = ret->of[i];
    }
    ret->num = num;
}

/* ---- slots ---- */

void kw_grantslot_begin(struct kw_grantslot *begin, const struct kw_siphash *key, struct kw_bytes grantee)
{
    struct kw_siphash hash = *key;

    kw_siphash_add(&hash, grantee);
    kw_siphash_done(&hash, begin->bytes);
    begin->len = KW_GRANTSLOT_WHO_LEN;
}

void kw_grantslot_add(struct kw_grantslot *begin, uint8_t byte)
{
    kw_assert(begin->len < KW_GRANTSLOT_BEGIN_MAX);
    begin->bytes[begin->len++] = byte;
}

void kw_grantslot_add_hash(struct kw_grantslot *begin, uint64_t hash)
{
    kw_assert(begin->len + KW_GRANTSLOT_HASH_LEN <= KW_GRANTSLOT_BEGIN_MAX);
    put_number(hash, KW_GRANTSLOT_HASH_LEN, begin->bytes + begin->len);
    begin->len += KW_GRANTSLOT_HASH_LEN;
}

static void begin_add_subset(struct kw_grantslot *begin, const struct kw_grant_pairs *pairs)
{
    struct kw_grant_hashes hashes;

    kw_grantslot_hash(pairs, &hashes);
    for (size_t i = 0; i < KW_MIN(hashes.num, KW_GRANT_SLOT_PAIRS); i++) {
        kw_grantslot_add(begin, KW_GRANTSLOT_MORE);
        kw_grantslot_add_hash(begin, hashes.of[i]);
    }
    kw_grantslot_add(begin, KW_GRANTSLOT_END);
}

static void begin_add_equals(struct kw_grantslot *begin, const struct kw_grant_pairs *pairs)
{
    struct kw_grant_hashes hashes;

    kw_grantslot_hash(pairs, &hashes);
    kw_grantslot_add_hash(begin, hashes.sum);
}

static void begin_add_constraint(struct kw_grantslot *begin, const struct kw_grant *grant)
{
    struct kw_grant_pairs equals = kw_grant_equals(grant), subset = kw_grant_subset(grant);

    if (kw_grant_is_met_by_none(grant)) {
        kw_grantslot_add(begin, KW_GRANTSLOT_NEVER);
    } else if (grant->has_equals) {
        kw_grantslot_add(begin, KW_GRANTSLOT_EQUALS);
        begin_add_equals(begin, &equals);
    } else if (grant->has_subset && subset.num > 0) {
        kw_grantslot_add(begin, KW_GRANTSLOT_SUBSET);
        begin_add_subset(begin, &subset);
    } else {
        kw_grantslot_add(begin, KW_GRANTSLOT_FREE);
    }
}

size_t kw_grantindex_slot(const struct kw_grant *grant, uint8_t ret[KW_GRANT_SLOT_MAX])
{
    struct kw_siphash key = kw_grantslot_key(grant->account, grant->region, grant->key_id);
    struct kw_grantslot begin;

    kw_grantslot_begin(&begin, &key, kw_bytes_str(grant->grantee));
    begin_add_constraint(&begin, grant);
    memcpy(ret, begin.bytes, begin.len);
    put_number(grant->operations, 4, ret + begin.len);
    memcpy(ret + begin.len + 4, grant->id, sizeof(grant->id));
    return begin.len + 4 + sizeof(grant->id);
}
