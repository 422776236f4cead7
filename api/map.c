#include "api/map.h"

#include "api/map_internal.h"
#include "pool/fault.h"

#include <stdalign.h>
#include <stdlib.h>

/* A change goes in three steps: look up the path, set aside all nodes that the change can need, and only then
 * change things, with nothing left that can fail. How many nodes that is is known beforehand: subtrees on the
 * path gain or lose one entry and their siblings none, whatever is rotated below. */
struct change {
    const struct kw_map_type *type;
    uint32_t num; /* nodes on the path, from the root on */
    struct kw_map_node *node[KW_MAP_DEPTH_MAX];
    uint8_t side[KW_MAP_DEPTH_MAX]; /* the child by which the path goes on */
    struct kw_map_node **link[KW_MAP_DEPTH_MAX];
    struct kw_map_node *spare; /* set aside, linked by child[0] */
};

/* What changes in the subtrees on a path. */
enum growth { SHRINKS = -1, KEEPS = 0, GROWS = 1 };

/* ---- references ---- */

/* Relaxed: whoever shares a node holds it already. */
static void node_share(struct kw_map_node *node)
{
    uint32_t before;

    if (node == NULL)
        return;
    before = atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    kw_assert(before > 0 && before < UINT32_MAX);
}

/* Drops one reference. The last one takes the value's along, and those on the children: no deeper than the
 * tree. M1 pairs with M2 and M3: what any holder read happens before the node is freed or written to. */
static void node_drop(const struct kw_map_type *type, struct kw_map_node *node)
{
    while (node != NULL) {
        struct kw_map_node *next = node->child[1];
        uint32_t before = atomic_fetch_sub_explicit(&node->refs, 1, memory_order_release); /* M1 */

        kw_assert(before > 0);
        if (before > 1)
            return;
        (void)atomic_load_explicit(&node->refs, memory_order_acquire); /* M2 */
        node_drop(type, node->child[0]);
        type->unref(node->value);
        free(node);
        node = next;
    }
}

/* Whether the one reference on a node is the caller's, to whom its parents belong alone too: then nobody else
 * can reach it, and nobody can come to. */
static bool is_sole(struct kw_map_node *node)
{
    return atomic_load_explicit(&node->refs, memory_order_acquire) == 1; /* M3 */
}

/* ---- spare nodes ---- */

static void spares_free(struct change *change)
{
    while (change->spare != NULL) {
        struct kw_map_node *node = change->spare;
        change->spare = node->child[0];
        free(node);
    }
}

/* Returns: 0 | -ENOMEM (none is left set aside) */
static int spares_alloc(struct change *change, size_t num)
{
    size_t size = sizeof(struct kw_map_node) + (change->type->bits != NULL ? sizeof(uint32_t) : 0);

    for (size_t i = 0; i < num; i++) {
        struct kw_map_node *node = kw_fault(KW_FAULT_ALLOC) == KW_FAULT_NONE ? malloc(size) : NULL;

        if (node == NULL) {
            spares_free(change);
            return -ENOMEM;
        }
        node->child[0] = change->spare;
        change->spare = node;
    }
    return 0;
}

static uint32_t bits_below(const struct kw_map_node *node)
{
    return node != NULL ? node->bits[0] : 0;
}

/* What a node knows of its subtree, from its children. */
static void node_update(const struct kw_map_type *type, struct kw_map_node *node)
{
    node->size = kw_map_node_size(node->child[0]) + 1 + kw_map_node_size(node->child[1]);
    if (type->bits != NULL)
        node->bits[0] = type->bits(node->value) | bits_below(node->child[0]) | bits_below(node->child[1]);
}

/* A node with one reference; takes over the references on the value and the children. */
static struct kw_map_node *node_make(
    struct change *change, const void *value, struct kw_map_node *lesser, struct kw_map_node *greater)
{
    struct kw_map_node *node = change->spare;

    kw_assert(node != NULL);
    change->spare = node->child[0];
    atomic_init(&node->refs, 1);
    node->value = value;
    node->child[0] = lesser;
    node->child[1] = greater;
    node_update(change->type, node);
    return node;
}

/* Makes the node at a link, which belongs to this map alone, belong to it alone too. */
static struct kw_map_node *own(struct change *change, struct kw_map_node **link)
{
    struct kw_map_node *node = *link;

    kw_assert(node != NULL);
    if (is_sole(node))
        return node;
    change->type->ref(node->value);
    node_share(node->child[0]);
    node_share(node->child[1]);
    *link = node_make(change, node->value, node->child[0], node->child[1]);
    node_drop(change->type, node);
    return *link;
}

/* ---- balance ---- */

/* 64 bits, so that multiples of it fit. */
static uint64_t weight(const struct kw_map_node *node)
{
    return (uint64_t)kw_map_node_size(node) + 1;
}

static bool balanced(uint64_t a, uint64_t b)
{
    return a <= KW_MAP_DELTA * b && b <= KW_MAP_DELTA * a;
}

/* Lifts the child on one side of an owned node into the node's place. */
static void rotate(struct change *change, struct kw_map_node **link, unsigned side)
{
    struct kw_map_node *node = *link;
    struct kw_map_node *child = own(change, &node->child[side]);

    node->child[side] = child->child[!side];
    child->child[!side] = node;
    *link = child;
    node_update(change->type, node);
    node_update(change->type, child);
}

/* Restores sums and balance of an owned node one of whose subtrees gained or lost one entry. */
static void rebalance(struct change *change, struct kw_map_node **link)
{
    struct kw_map_node *node = *link;
    unsigned heavy = weight(node->child[1]) > weight(node->child[0]);
    const struct kw_map_node *child = node->child[heavy];

    node_update(change->type, node);
    if (balanced(weight(node->child[0]), weight(node->child[1])))
        return;
    if (weight(child->child[!heavy]) >= KW_MAP_GAMMA * weight(child->child[heavy])) {
        (void)own(change, &node->child[heavy]);
        rotate(change, &node->child[heavy], !heavy);
    }
    rotate(change, link, heavy);
}

/* ---- changes ---- */

static void path_add(struct change *change, struct kw_map_node *node, unsigned side)
{
    kw_assert(change->num < KW_MAP_DEPTH_MAX);
    change->node[change->num] = node;
    change->side[change->num++] = (uint8_t)side;
}

/* Finds the path to the entry with the wanted key, or to where it belongs. Returns whether there is one; it
 * is the last on the path then. */
static bool path_find(struct change *change, const struct kw_map *map, const void *wanted)
{
    for (struct kw_map_node *node = map->root; node != NULL;
         node = node->child[change->side[change->num - 1]]) {
        int order = map->type->compare(node->value, wanted);

        path_add(change, node, order < 0);
        if (order == 0)
            return true;
    }
    return false;
}

/* Sets aside what a change of the first num nodes of the path can need, and extra nodes. Once a node is
 * shared, all below it are, whatever their counts. A rotation moves at most two nodes that are not on the
 * path, or are further down on it.
 * Returns: 0 | -ENOMEM */
static int prepare(struct change *change, uint32_t num, enum growth growth, size_t extra)
{
    size_t needed = extra;
    bool shared = false;

    for (uint32_t i = 0; i < num; i++) {
        struct kw_map_node *node = change->node[i];
        uint64_t weights[2] = {weight(node->child[0]), weight(node->child[1])};

        shared = shared || !is_sole(node);
        if (shared)
            needed++;
        weights[change->side[i]] += (uint64_t)growth;
        if (growth != KEEPS && !balanced(weights[0], weights[1]))
            needed += 2;
    }
    return spares_alloc(change, needed);
}

/* Makes the first num nodes of the path belong to the map alone. Returns the link that goes on from there. */
static struct kw_map_node **path_own(struct change *change, struct kw_map *map, uint32_t num)
{
    struct kw_map_node **link = &map->root;

    for (uint32_t i = 0; i < num; i++) {
        change->link[i] = link;
        change->node[i] = own(change, link);
        link = &change->node[i]->child[change->side[i]];
    }
    return link;
}

/* Upwards, so that a node finds its children balanced; what moves below a link leaves the links above it. */
static void path_rebalance(struct change *change, uint32_t num)
{
    while (num-- > 0)
        rebalance(change, change->link[num]);
}

static int replace(struct change *change, struct kw_map *map, const void *value)
{
    const void *old;

    KW_TRY(prepare(change, change->num, KEEPS, 0));
    path_own(change, map, change->num);
    old = change->node[change->num - 1]->value;
    change->node[change->num - 1]->value = value;
    change->type->unref(old);
    for (uint32_t i = change->num; i-- > 0;)
        node_update(change->type, change->node[i]);
    return 0;
}

static int insert(struct change *change, struct kw_map *map, const void *value)
{
    KW_REQUIRE(kw_map_len(map) < KW_MAP_LEN_MAX, -ENOMEM);
    KW_TRY(prepare(change, change->num, GROWS, 1));
    *path_own(change, map, change->num) = node_make(change, value, NULL, NULL);
    path_rebalance(change, change->num);
    return 0;
}

int kw_map_put(struct kw_map *map, const void *value)
{
    alignas(max_align_t) unsigned char room[KW_MAP_KEY_ROOM];
    struct change change;
    int r;

    change.type = map->type;
    change.num = 0;
    change.spare = NULL;
    if (path_find(&change, map, map->type->key_of(value, room)))
        r = replace(&change, map, value);
    else
        r = insert(&change, map, value);
    spares_free(&change);
    return r;
}

/* Leads the path, which ends at the entry to remove, on to the one that takes its place: its neighbour in its
 * heavier subtree. If one subtree is empty the other takes its place as it is. */
static void path_to_neighbour(struct change *change)
{
    uint32_t last = change->num - 1;
    struct kw_map_node *node = change->node[last];
    unsigned side = weight(node->child[1]) > weight(node->child[0]);

    change->side[last] = (uint8_t)side;
    if (node->child[!side] == NULL)
        return;
    for (node = node->child[side]; node != NULL; node = node->child[!side])
        path_add(change, node, !side);
}

int kw_map_remove(struct kw_map *map, const void *wanted)
{
    struct change change;
    struct kw_map_node **link, *gone, *heir;
    uint32_t at, num;

    change.type = map->type;
    change.num = 0;
    change.spare = NULL;
    KW_REQUIRE(path_find(&change, map, wanted), KW_MAP_NONE);
    at = change.num - 1;
    path_to_neighbour(&change);
    num = change.num - 1; /* the last one goes, and need not be owned for that */
    KW_TRY(prepare(&change, num, SHRINKS, 0));

    link = path_own(&change, map, num);
    gone = *link;
    kw_assert(gone != NULL);
    heir = gone->child[gone->child[0] == NULL];
    node_share(heir);
    *link = heir;
    if (num > at) {
        map->type->ref(gone->value);
        map->type->unref(change.node[at]->value);
        change.node[at]->value = gone->value;
    }
    node_drop(map->type, gone);
    path_rebalance(&change, num);
    spares_free(&change);
    return 0;
}

/* ---- whole maps ---- */

void kw_map_share(struct kw_map *ret, const struct kw_map *map)
{
    node_share(map->root);
    *ret = *map;
}

void kw_map_drop(struct kw_map *map)
{
    struct kw_map_node *root = map->root;

    map->root = NULL;
    node_drop(map->type, root);
}

/* ---- look-ups ---- */

size_t kw_map_len(const struct kw_map *map)
{
    return kw_map_node_size(map->root);
}

const void *kw_map_find(const struct kw_map *map, const void *wanted)
{
    const struct kw_map_node *node = map->root;

    while (node != NULL) {
        int order = map->type->compare(node->value, wanted);
        if (order == 0)
            return node->value;
        node = node->child[order < 0];
    }
    return NULL;
}

/* Number of entries that compare below the limit: 0 for those less than wanted, 1 for those equal too. */
static size_t rank(const struct kw_map *map, const void *wanted, int limit)
{
    const struct kw_map_node *node = map->root;
    size_t num = 0;

    while (node != NULL) {
        bool counts = map->type->compare(node->value, wanted) < limit;
        if (counts)
            num += (size_t)kw_map_node_size(node->child[0]) + 1;
        node = node->child[counts];
    }
    return num;
}

size_t kw_map_rank(const struct kw_map *map, const void *wanted)
{
    return rank(map, wanted, 0);
}

size_t kw_map_rank_after(const struct kw_map *map, const void *wanted)
{
    return rank(map, wanted, 1);
}

const void *kw_map_at(const struct kw_map *map, size_t index)
{
    const struct kw_map_node *node = map->root;

    kw_assert(index < kw_map_len(map));
    for (;;) {
        size_t before = kw_map_node_size(node->child[0]);
        bool passed = index > before;

        if (index == before)
            return node->value;
        if (passed)
            index -= before + 1;
        node = node->child[passed];
    }
}

/* In a subtree; a bound that is NULL is known to be met by all of it. */
static const void *first_with(const struct kw_map_type *type, const struct kw_map_node *node,
    const void *from, const void *to, uint32_t bits)
{
    const void *found;

    if (node == NULL || (node->bits[0] & bits) != bits)
        return NULL;
    if (from != NULL && type->compare(node->value, from) < 0)
        return first_with(type, node->child[1], from, to, bits);
    if (to != NULL && type->compare(node->value, to) >= 0)
        return first_with(type, node->child[0], from, to, bits);
    found = first_with(type, node->child[0], from, NULL, bits);
    if (found != NULL)
        return found;
    if ((type->bits(node->value) & bits) == bits)
        return node->value;
    return first_with(type, node->child[1], NULL, to, bits);
}

const void *kw_map_first_with(const struct kw_map *map, const void *from, const void *to, uint32_t bits)
{
    kw_assert(map->type->bits != NULL && bits != 0);
    return first_with(map->type, map->root, from, to, bits);
}

static void walk_push(struct kw_map_walk *walk, const struct kw_map_node *node)
{
    kw_assert(walk->depth < KW_MAP_DEPTH_MAX);
    walk->stack[walk->depth++] = node;
}

/* Stacks the nodes of a subtree on the way to its entry `from` that do not come before that. */
static void walk_descend(struct kw_map_walk *walk, const struct kw_map_node *node, size_t from)
{
    while (node != NULL) {
        size_t before = kw_map_node_size(node->child[0]);
        bool passed = from > before;

        if (passed)
            from -= before + 1;
        else
            walk_push(walk, node);
        node = node->child[passed];
    }
}

void kw_map_walk_init(struct kw_map_walk *walk, const struct kw_map *map, size_t from)
{
    walk->depth = 0;
    walk_descend(walk, map->root, from);
}

const void *kw_map_walk_next(struct kw_map_walk *walk)
{
    const struct kw_map_node *node;

    KW_REQUIRE(walk->depth > 0, NULL);
    node = walk->stack[--walk->depth];
    walk_descend(walk, node->child[1], 0);
    return node->value;
}
