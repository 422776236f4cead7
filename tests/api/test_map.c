/* The map against a sorted array that is copied whole for each version; its shape and every count of
 * references, node by node; and versions that are read, changed and dropped by several threads. */
#include "api/map_internal.h"
#include "pool/fault.h"
#include "tests/pool/death.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <stdio.h>

#define KEYS_MAX 400u

/* Check's own assertions note where they are in a file each time, which threads must not do at once and which
 * would be most of the time of millions of them. */
#define CHECK(cond) ((cond) ? (void)0 : ck_abort_msg("%s", #cond))

/* ---- values ---- */

struct item {
    _Atomic uint32_t refs;
    uint32_t key;
    uint32_t bits; /* one or two of eight, another at each making */
    int64_t payload;
};

static _Atomic int64_t num_live;  /* items */
static _Atomic uint32_t num_made; /* of them, ever */
static _Atomic uint64_t num_refs; /* taken by maps: one for each node that is a copy */

static void item_ref(const void *value)
{
    const struct item *item = value;
    CHECK(atomic_fetch_add_explicit((_Atomic uint32_t *)(uintptr_t)&item->refs, 1, memory_order_relaxed) > 0);
    atomic_fetch_add_explicit(&num_refs, 1, memory_order_relaxed);
}

static void item_unref(const void *value)
{
    const struct item *item = value;
    uint32_t before =
        atomic_fetch_sub_explicit((_Atomic uint32_t *)(uintptr_t)&item->refs, 1, memory_order_acq_rel);

    CHECK(before > 0);
    if (before == 1) {
        atomic_fetch_sub_explicit(&num_live, 1, memory_order_relaxed);
        free((void *)(uintptr_t)item);
    }
}

static int item_compare(const void *value, const void *wanted)
{
    uint32_t a = ((const struct item *)value)->key, b = *(const uint32_t *)wanted;
    return a < b ? -1 : a > b;
}

/* Fills the room to its end. */
static const void *item_key(const void *value, void *room)
{
    memset(room, 0xee, KW_MAP_KEY_ROOM);
    memcpy(room, &((const struct item *)value)->key, sizeof(uint32_t));
    return room;
}

static uint32_t item_bits(const void *value)
{
    return ((const struct item *)value)->bits;
}

static const struct kw_map_type item_type = {item_ref, item_unref, item_compare, item_key, item_bits};

static const struct item *item_new(uint32_t key, int64_t payload)
{
    struct item *item = malloc(sizeof(*item));

    CHECK(item != NULL);
    atomic_init(&item->refs, 1);
    uint32_t made = atomic_fetch_add_explicit(&num_made, 1, memory_order_relaxed) * 2654435761u;
    item->key = key;
    item->bits = 1u << (made >> 29) | 1u << (made >> 26 & 7);
    item->payload = payload;
    atomic_fetch_add_explicit(&num_live, 1, memory_order_relaxed);
    return item;
}

static uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void put(struct kw_map *map, uint32_t key)
{
    CHECK(kw_map_put(map, item_new(key, 0)) == 0);
}

/* ---- shape ---- */

static uint64_t node_weight(const struct kw_map_node *node)
{
    return node == NULL ? 1 : (uint64_t)node->size + 1;
}

static uint32_t node_bits(const struct kw_map_node *node)
{
    return node == NULL ? 0 : node->bits[0];
}

/* Checks sizes, bits and balance; sole: that nothing leads to a node but its parent. Returns the depth. */
static uint32_t check_node(const struct kw_map_node *node, bool sole)
{
    if (node == NULL)
        return 0;
    uint64_t a = node_weight(node->child[0]), b = node_weight(node->child[1]);
    CHECK(node->size + 1 == a + b);
    CHECK(a <= 3 * b);
    CHECK(b <= 3 * a);
    CHECK(node->bits[0] == (item_bits(node->value) | node_bits(node->child[0]) | node_bits(node->child[1])));
    CHECK(node->refs > 0);
    if (sole)
        CHECK(node->refs == 1);
    uint32_t left = check_node(node->child[0], sole), right = check_node(node->child[1], sole);
    return 1 + KW_MAX(left, right);
}

static uint32_t check_shape(const struct kw_map *map, bool sole)
{
    return check_node(map->root, sole);
}

/* ---- the model ---- */

struct version {
    struct kw_map map;
    const struct item *item[KEYS_MAX]; /* borrowed from the map; by key, or NULL */
    size_t num;
};

static void version_drop(struct version *version)
{
    kw_map_drop(&version->map);
    memset(version->item, 0, sizeof(version->item));
    version->num = 0;
}

static void version_share(struct version *ret, const struct version *from)
{
    version_drop(ret);
    memcpy(ret->item, from->item, sizeof(ret->item));
    ret->num = from->num;
    kw_map_share(&ret->map, &from->map);
}

static void version_change(struct version *version, uint32_t key, bool remove)
{
    const struct item *had = version->item[key];

    if (remove) {
        /* Half of the time by a key that goes with the entry. */
        const uint32_t *wanted = had != NULL && key % 2 ? &had->key : &key;
        CHECK(kw_map_remove(&version->map, wanted) == (had != NULL ? 0 : KW_MAP_NONE));
        version->num -= had != NULL;
        version->item[key] = NULL;
    } else {
        version->item[key] = item_new(key, 0);
        version->num += had == NULL;
        CHECK(kw_map_put(&version->map, version->item[key]) == 0);
    }
}

/* Every look-up of every key, there or not, and a walk from every index. */
static void check_version(const struct version *version)
{
    struct kw_map_walk walk;
    size_t at = 0;

    CHECK(kw_map_len(&version->map) == version->num);
    kw_map_walk_init(&walk, &version->map, 0);
    for (uint32_t key = 0; key < KEYS_MAX; key++) {
        const struct item *item = version->item[key];

        CHECK(kw_map_find(&version->map, &key) == item);
        CHECK(kw_map_rank(&version->map, &key) == at);
        if (item != NULL) {
            struct kw_map_walk from;
            CHECK(item->key == key);
            CHECK(kw_map_walk_next(&walk) == item);
            kw_map_walk_init(&from, &version->map, at);
            CHECK(kw_map_walk_next(&from) == item);
            CHECK(kw_map_at(&version->map, at) == item);
            at++;
        }
        CHECK(kw_map_rank_after(&version->map, &key) == at);
    }
    CHECK(kw_map_walk_next(&walk) == NULL);
    CHECK(kw_map_walk_next(&walk) == NULL);
}

/* The first in a range that has all bits, against a look at each; ranges may be empty, or the wrong way
 * round.
 */
static void check_first_with(const struct version *version, uint64_t *state)
{
    for (int i = 0; i < 12; i++) {
        uint32_t from = (uint32_t)(random_next(state) % KEYS_MAX);
        uint32_t to = (uint32_t)(random_next(state) % (KEYS_MAX + 1)), at = from;
        uint32_t bits = 1u << random_next(state) % 8 | 1u << random_next(state) % 8;

        while (at < to && (version->item[at] == NULL || (version->item[at]->bits & bits) != bits))
            at++;
        CHECK(kw_map_first_with(&version->map, &from, &to, bits) == (at < to ? version->item[at] : NULL));
    }
}

static void setup(void)
{
    num_live = 0;
    num_refs = 0;
}

/* Whatever a test did, nothing may be left. */
static void teardown(void)
{
    CHECK(num_live == 0);
}

/* ---- tests ---- */

START_TEST(empty_map_has_nothing)
{
    struct kw_map map = KW_MAP(&item_type), other, none = {0};
    struct kw_map_walk walk;
    uint32_t key = 1;

    kw_map_drop(&none);
    kw_map_share(&other, &map);
    for (int i = 0; i < 2; i++) {
        CHECK(kw_map_len(&other) == 0);
        CHECK(kw_map_find(&other, &key) == NULL);
        CHECK(kw_map_first_with(&other, &key, &(uint32_t){KEYS_MAX}, 1) == NULL);
        CHECK(kw_map_rank(&other, &key) == 0);
        CHECK(kw_map_rank_after(&other, &key) == 0);
        CHECK(kw_map_remove(&other, &key) == KW_MAP_NONE);
        kw_map_walk_init(&walk, &other, 0);
        CHECK(kw_map_walk_next(&walk) == NULL);
        put(&other, key); /* and once more after one came and went */
        CHECK(kw_map_len(&map) == 0);
        CHECK(kw_map_remove(&other, &key) == 0);
    }
    kw_map_drop(&other);
    kw_map_drop(&other);
}
END_TEST

START_TEST(a_version_keeps_its_content)
{
    enum { VERSIONS = 24, ROUNDS = 1500 };
    static struct version versions[VERSIONS];
    uint64_t state = 7;

    for (int i = 0; i < VERSIONS; i++)
        versions[i].map = KW_MAP(&item_type);
    for (int round = 0; round < ROUNDS; round++) {
        struct version *from = &versions[random_next(&state) % VERSIONS];
        struct version *to = &versions[random_next(&state) % VERSIONS];
        unsigned mostly_remove = random_next(&state) % 4 == 0;

        if (to != from)
            version_share(to, from);
        for (uint64_t i = random_next(&state) % 40; i > 0; i--) {
            uint32_t key = (uint32_t)(random_next(&state) % KEYS_MAX);
            version_change(to, key, random_next(&state) % 4 < 1 + 2 * mostly_remove);
        }
        check_shape(&to->map, false);
        check_version(to);
        check_version(from);
        check_first_with(to, &state);
        check_first_with(from, &state);
        check_version(&versions[round % VERSIONS]);
    }
    for (int i = 0; i < VERSIONS; i++) {
        version_drop(&versions[i]);
        for (int other = i + 1; other < VERSIONS; other++)
            check_version(&versions[other]);
    }
}
END_TEST

START_TEST(balance_holds_after_every_change)
{
    static struct version version, other;
    uint64_t state = (uint64_t)_i + 1;

    version.map = other.map = KW_MAP(&item_type);
    for (uint32_t step = 0; step < 6000; step++) {
        bool shrinking = step / 500 % 2;
        uint32_t key = (uint32_t)(random_next(&state) % KEYS_MAX);

        /* Alone, with a version one change older, and with one of long ago. */
        if (_i == 1 || (_i == 2 && step % 100 == 0))
            version_share(&other, &version);
        version_change(&version, key, random_next(&state) % 8 < (shrinking ? 7 : 1));
        check_shape(&version.map, _i == 0);
        CHECK(kw_map_len(&version.map) == version.num);
        check_first_with(&version, &state);
    }
    check_version(&version);
    check_version(&other);
    version_drop(&other);
    check_shape(&version.map, true);
    version_drop(&version);
}
END_TEST

/* Keys 0..num-1 in the order in which a hostile caller would bring them. */
static uint32_t ordered(int order, uint32_t i, uint32_t num)
{
    switch (order) {
    case 0:
        return i;
    case 1:
        return num - 1 - i;
    case 2: /* from both ends to the middle */
        return i % 2 ? num - 1 - i / 2 : i / 2;
    default: /* from the middle to both ends */
        return i % 2 ? num / 2 - 1 - i / 2 : num / 2 + i / 2;
    }
}

START_TEST(hostile_orders_stay_shallow)
{
    enum { NUM = 4096, SHARED = 512 };
    struct kw_map map = KW_MAP(&item_type), before = KW_MAP(&item_type);
    int build = _i / 4, tear = _i % 4;

    for (uint32_t i = 0; i < NUM; i++) {
        put(&map, ordered(build, i, NUM));
        if (i % 64 == 0 || i < 300)
            check_shape(&map, true);
    }
    /* log(4096) / log(4/3) */
    CHECK(check_shape(&map, true) <= 28);
    for (uint32_t key = 0; key < NUM; key++)
        CHECK(((const struct item *)kw_map_at(&map, key))->key == key);
    for (uint32_t i = 0; i < NUM; i++) {
        uint32_t key = ordered(tear, i, NUM);
        if (i % SHARED == 0) {
            kw_map_drop(&before);
            kw_map_share(&before, &map);
        }
        CHECK(kw_map_remove(&map, &key) == 0);
        CHECK(kw_map_remove(&map, &key) == KW_MAP_NONE);
        if (i % 64 == 0 || i > NUM - 300)
            check_shape(&map, false);
        CHECK(kw_map_len(&map) == NUM - 1 - i);
    }
    CHECK(map.root == NULL);
    CHECK(kw_map_len(&before) == SHARED);
    check_shape(&before, true);
    kw_map_drop(&before);
}
END_TEST

START_TEST(a_change_copies_one_path_or_nothing)
{
    enum { NUM = 4096 };
    struct kw_map map = KW_MAP(&item_type), before;
    uint64_t state = 3;

    for (uint32_t i = 0; i < NUM; i++)
        put(&map, 2 * i);
    CHECK(num_refs == 0);
    uint32_t depth = check_shape(&map, true);
    for (int i = 0; i < 2000; i++) {
        uint32_t key = (uint32_t)(random_next(&state) % (2 * NUM));
        uint64_t refs = num_refs;

        kw_map_share(&before, &map);
        if (kw_map_remove(&map, &key) == KW_MAP_NONE)
            put(&map, key);
        /* The path; three rotations' worth more happens in no tree of this size by chance. */
        CHECK(num_refs > refs);
        CHECK(num_refs - refs <= depth + 6);
        /* The path belongs to the map by now: the same again copies nothing. */
        refs = num_refs;
        if (kw_map_find(&map, &key) != NULL) {
            put(&map, key);
            CHECK(num_refs == refs);
        }
        kw_map_drop(&before);
    }
    kw_map_drop(&map);
}
END_TEST

START_TEST(walks_and_ranks_make_cursors)
{
    struct kw_map map = KW_MAP(&item_type);
    struct kw_map_walk walk;
    uint32_t top = UINT32_MAX;

    for (uint32_t i = 0; i < 200; i++)
        put(&map, 10 + 2 * (i * 77 % 200));
    for (uint32_t key = 0; key < 420; key++) {
        uint32_t less = key <= 10 ? 0 : KW_MIN((key - 9) / 2, 200u);
        CHECK(kw_map_rank(&map, &key) == less);
        kw_map_walk_init(&walk, &map, less);
        for (uint32_t i = less; i < 200; i++)
            CHECK(((const struct item *)kw_map_walk_next(&walk))->key == 10 + 2 * i);
        CHECK(kw_map_walk_next(&walk) == NULL);
    }
    CHECK(kw_map_rank_after(&map, &top) == 200);
    kw_map_walk_init(&walk, &map, SIZE_MAX);
    CHECK(kw_map_walk_next(&walk) == NULL);
    kw_map_drop(&map);
}
END_TEST

static void at_beyond_the_end(void *map)
{
    (void)kw_map_at(map, kw_map_len(map));
}

START_TEST(mistakes_of_callers_end_the_process)
{
    struct kw_map map = KW_MAP(&item_type);

    CHECK(death_signal(at_beyond_the_end, &map) == SIGABRT);
    put(&map, 1);
    CHECK(death_signal(at_beyond_the_end, &map) == SIGABRT);
    kw_map_drop(&map);
}
END_TEST

/* ---- counts, node by node ---- */

#define NODES_MAX 8192u

struct census {
    const struct kw_map_node *node[NODES_MAX];
    uint32_t seen[NODES_MAX]; /* parents and roots that lead to the node */
    uint32_t num;
};

static void census_add(struct census *census, const struct kw_map_node *node)
{
    uint32_t slot;

    if (node == NULL)
        return;
    for (slot = (uint32_t)((uintptr_t)node / 16 % NODES_MAX);
         census->node[slot] != NULL && census->node[slot] != node; slot = (slot + 1) % NODES_MAX) {
    }
    if (census->seen[slot]++ > 0)
        return;
    CHECK(++census->num < NODES_MAX / 2);
    census->node[slot] = node;
    census_add(census, node->child[0]);
    census_add(census, node->child[1]);
}

static uint32_t census_holders(const struct census *census, const struct item *item)
{
    uint32_t num = 0;

    for (uint32_t i = 0; i < NODES_MAX; i++)
        num += census->node[i] != NULL && census->node[i]->value == item;
    return num;
}

START_TEST(every_reference_is_accounted_for)
{
    enum { VERSIONS = 8, KEYS = 60 };
    static struct version versions[VERSIONS];
    static struct census census;
    uint64_t state = 11;

    for (int i = 0; i < VERSIONS; i++)
        versions[i].map = KW_MAP(&item_type);
    for (int round = 0; round < 300; round++) {
        struct version *from = &versions[random_next(&state) % VERSIONS];
        struct version *to = &versions[random_next(&state) % VERSIONS];

        if (to != from)
            version_share(to, from);
        for (uint64_t i = random_next(&state) % 6; i > 0; i--)
            version_change(to, (uint32_t)(random_next(&state) % KEYS),
                random_next(&state) % 5 < 1 + (unsigned)round % 2);

        memset(&census, 0, sizeof(census));
        for (int i = 0; i < VERSIONS; i++)
            census_add(&census, versions[i].map.root);
        for (uint32_t i = 0; i < NODES_MAX; i++) {
            if (census.node[i] != NULL)
                CHECK(census.node[i]->refs == census.seen[i]);
        }
        for (uint32_t key = 0; key < KEYS; key++) {
            if (to->item[key] != NULL)
                CHECK(to->item[key]->refs == census_holders(&census, to->item[key]));
        }
    }
    for (int i = 0; i < VERSIONS; i++)
        version_drop(&versions[i]);
}
END_TEST

/* ---- failures ---- */

static int change_with_plan(struct kw_map *map, const char *plan, uint32_t key, bool remove)
{
    const struct item *item = remove ? NULL : item_new(key, 1);
    int r;

    CHECK(kw_fault_set(plan) == 0);
    r = remove ? kw_map_remove(map, &key) : kw_map_put(map, item);
    CHECK(kw_fault_set("") == 0);
    if (r != 0 && item != NULL)
        item_unref(item); /* still the caller's */
    return r;
}

/* Fails each allocation of one change in turn until there is none left to fail. Returns how many failed. */
static unsigned fail_everywhere(struct version *version, uint32_t key, bool remove)
{
    char plan[64];

    for (unsigned at = 1;; at++) {
        const struct kw_map_node *root = version->map.root;
        uint64_t refs = num_refs;
        int64_t live = num_live;

        snprintf(plan, sizeof(plan), "alloc:fail@%u", at);
        int r = change_with_plan(&version->map, plan, key, remove);
        if (r == 0)
            return at - 1;
        CHECK(r == -ENOMEM);
        CHECK(version->map.root == root);
        CHECK(num_refs == refs);
        CHECK(num_live == live);
        check_version(version);
    }
}

START_TEST(a_failed_allocation_changes_nothing)
{
    static struct version version, other;
    unsigned most = 0;

    if (!kw_fault_compiled_in()) {
        puts("# skipped: built without the option `faults`");
        return;
    }
    version.map = KW_MAP(&item_type);
    for (uint32_t key = 1; key < 200; key += 2)
        version_change(&version, key, false);
    for (uint32_t key = 0; key < 200; key++) {
        bool remove = key % 4 == 1;
        bool shared = key % 3 > 0;

        version_drop(&other);
        if (shared)
            version_share(&other, &version);
        unsigned failed = fail_everywhere(&version, key, remove);
        most = KW_MAX(most, failed);
        CHECK(failed > 0 || !shared);
        version.num = kw_map_len(&version.map);
        version.item[key] = kw_map_find(&version.map, &key);
        CHECK(remove ? version.item[key] == NULL : version.item[key]->payload == 1);
        check_version(&version);
        if (shared)
            check_version(&other);
    }
    CHECK(most > 8); /* a path, a new node and a rotation */
    version_drop(&version);
    version_drop(&other);
}
END_TEST

/* ---- threads ---- */

#define READERS   3u
#define ACCOUNTS  500u
#define READS_MIN 150u

/* Versions go to a reader through its slot, and nothing comes back but the counts of references: what orders
 * a reader's last look at a node before the writer's change of it must be those. */
struct reader {
    _Atomic(struct kw_map *) slot;
    _Atomic uint32_t reads;
    _Atomic bool stop;
};

/* Every version's payloads add up to nothing. */
static void check_sum(const struct kw_map *map)
{
    struct kw_map_walk walk;
    int64_t sum = 0;
    uint32_t num = 0;

    kw_map_walk_init(&walk, map, 0);
    for (const struct item *item; (item = kw_map_walk_next(&walk)) != NULL; num++)
        sum += item->payload;
    CHECK(sum == 0);
    CHECK(num == kw_map_len(map));
}

/* Moves an amount between two accounts, one of which may open or close over it. */
static void transfer(struct kw_map *map, uint64_t *state)
{
    uint32_t from = (uint32_t)(random_next(state) % ACCOUNTS), to = (from + 1) % ACCOUNTS;
    const struct item *a = kw_map_find(map, &from), *b = kw_map_find(map, &to);
    int64_t sum = (a != NULL ? a->payload : 0) + (b != NULL ? b->payload : 0);

    if (random_next(state) % 2 && a != NULL) {
        CHECK(kw_map_remove(map, &from) == 0);
        CHECK(kw_map_put(map, item_new(to, sum)) == 0);
    } else {
        CHECK(kw_map_put(map, item_new(from, sum - 5)) == 0);
        CHECK(kw_map_put(map, item_new(to, 5)) == 0);
    }
}

static void *read_versions(void *arg)
{
    struct reader *self = arg;
    uint64_t state = (uintptr_t)self;

    while (!atomic_load_explicit(&self->stop, memory_order_relaxed)) {
        struct kw_map *map = atomic_exchange_explicit(&self->slot, NULL, memory_order_acquire);
        if (map == NULL) {
            sched_yield();
            continue;
        }
        check_sum(map);
        for (int i = 0; i < 3; i++) /* a branch of its own, off nodes that others read */
            transfer(map, &state);
        check_sum(map);
        check_node(map->root, false);
        kw_map_drop(map);
        free(map);
        atomic_fetch_add_explicit(&self->reads, 1, memory_order_relaxed);
    }
    return NULL;
}

static void publish(struct reader *reader, const struct kw_map *map)
{
    if (atomic_load_explicit(&reader->slot, memory_order_relaxed) != NULL)
        return;
    struct kw_map *version = malloc(sizeof(*version));
    CHECK(version != NULL);
    kw_map_share(version, map);
    atomic_store_explicit(&reader->slot, version, memory_order_release);
}

START_TEST(readers_hold_versions_while_a_writer_changes)
{
    static struct reader readers[READERS];
    pthread_t threads[READERS];
    struct kw_map map = KW_MAP(&item_type);
    uint64_t state = 5;
    uint32_t changes = 0, least;

    for (uint32_t i = 0; i < READERS; i++)
        CHECK(pthread_create(&threads[i], NULL, read_versions, &readers[i]) == 0);
    do {
        least = UINT32_MAX;
        for (uint32_t i = 0; i < READERS; i++) {
            transfer(&map, &state);
            publish(&readers[i], &map);
            least = KW_MIN(least, atomic_load_explicit(&readers[i].reads, memory_order_relaxed));
        }
        changes++;
    } while (least < READS_MIN || changes < 2000);
    check_sum(&map);
    for (uint32_t i = 0; i < READERS; i++) {
        atomic_store_explicit(&readers[i].stop, true, memory_order_relaxed);
        pthread_join(threads[i], NULL);
        if (readers[i].slot != NULL)
            kw_map_drop(readers[i].slot);
        free(readers[i].slot);
    }
    check_shape(&map, true);
    kw_map_drop(&map);
    printf("# %u rounds of changes, at least %u versions for each reader\n", changes, least);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, empty_map_has_nothing);
    tcase_add_test(tcase, a_version_keeps_its_content);
    tcase_add_loop_test(tcase, balance_holds_after_every_change, 0, 3);
    tcase_add_loop_test(tcase, hostile_orders_stay_shallow, 0, 16);
    tcase_add_test(tcase, a_change_copies_one_path_or_nothing);
    tcase_add_test(tcase, walks_and_ranks_make_cursors);
    tcase_add_test(tcase, mistakes_of_callers_end_the_process);
    tcase_add_test(tcase, every_reference_is_accounted_for);
    tcase_add_test(tcase, a_failed_allocation_changes_nothing);
    tcase_add_test(tcase, readers_hold_versions_while_a_writer_changes);
}

int main(void)
{
    return kw_suite_run("map", add, 60);
}
