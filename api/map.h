/* map - an ordered map that is cheap to copy: what snapshots of the keystore are made of.
 *
 * A weight-balanced tree whose nodes are shared by reference count. Sharing a map copies a root pointer; a
 * change copies the O(log n) nodes on one path, and only those of them that another map can reach too, so a
 * node that two maps share is never written to (but for its count).
 *
 * Threads: a struct kw_map belongs to one thread at a time, like any plain object; many may look things up in
 * it while nobody changes, shares or drops it. Maps with common content are independent: each may be read,
 * changed and dropped by a thread of its own at any time, if the type's ref and unref allow that.
 * Values: a map holds a reference on each; what look-ups return is borrowed and lasts until that map changes
 * or is dropped. The type's functions must not use the map. Nodes are plain memory and hold no secret.
 */
#ifndef KW_API_MAP_H
#define KW_API_MAP_H

#include "pool/base.h"

/* Room for the search key of a value, aligned for any type: a few slices, or a copy of a short key. */
#define KW_MAP_KEY_ROOM 128u
#define KW_MAP_LEN_MAX  (UINT32_MAX - 1)
/* Nodes on the longest path. A child weighs at most 3/4 of its parent (map_internal.h), the root at most
 * 2^32 - 1 and every node at least 2: below d others lies a node only if (4/3)^d < 2^31, so d is at most 74.
 */
#define KW_MAP_DEPTH_MAX 75u

enum {
    KW_MAP_NONE = 1, /* no entry with that key */
};

struct kw_map_node;

/* What a map holds: values of one kind, shared by reference. Keys of values in a map never change. */
struct kw_map_type {
    void (*ref)(const void *value);
    void (*unref)(const void *value); /* the last one may free */
    /* The value's key against a search key as a caller of this type's look-ups makes it: <0, 0, >0. */
    int (*compare)(const void *value, const void *wanted);
    /* The search key of a value, borrowed from it or made in room, which has KW_MAP_KEY_ROOM bytes. */
    const void *(*key_of)(const void *value, void *room);
    /* What kw_map_first_with() looks for; fixed like the key. NULL: that is not asked of such maps, whose
     * nodes are smaller for it. */
    uint32_t (*bits)(const void *value);
};

struct kw_map {
    const struct kw_map_type *type;
    struct kw_map_node *root; /* NULL: empty */
};

/* An empty map, which owns nothing yet. */
#define KW_MAP(of_type) ((struct kw_map){.type = (of_type)})

/* One more owner of the same content, in O(1). ret is not dropped before it is written. */
void kw_map_share(struct kw_map *ret, const struct kw_map *map);
/* Leaves the map empty: O(1) while its nodes are shared, frees those that nobody else has. Also a cleanup:
 * KW_CLEANUP(kw_map_drop) struct kw_map map = KW_MAP(type); */
void kw_map_drop(struct kw_map *map);

size_t kw_map_len(const struct kw_map *map);
/* The value with that key, or NULL. */
const void *kw_map_find(const struct kw_map *map, const void *wanted);
/* Number of entries whose keys are less than wanted: with kw_map_at() a cursor, with a second rank a count of
 * a range. */
size_t kw_map_rank(const struct kw_map *map, const void *wanted);
/* The same of keys less than or equal to wanted. */
size_t kw_map_rank_after(const struct kw_map *map, const void *wanted);
/* The entry that has index others before it; index is less than the length (asserted). */
const void *kw_map_at(const struct kw_map *map, size_t index);

/* kw_map_first_with() - the first entry at or after `from` and before `to` (search keys) that has all of
 * bits; NULL: none. Each node knows the union of the bits below it: for one bit O(log n), whatever is in
 * between; for more, entries that have some of them and not all cost a look for each run of neighbours alike.
 */
const void *kw_map_first_with(const struct kw_map *map, const void *from, const void *to, uint32_t bits);

/* kw_map_put() - puts value in place of the one with an equal key, or beside the others. The map takes over
 * the caller's reference on 0.
 * Returns: 0 | -ENOMEM (nothing changed; also for more than KW_MAP_LEN_MAX entries) */
KW_MUST_CHECK int kw_map_put(struct kw_map *map, const void *value);
/* kw_map_remove() - takes the entry with that key out and drops its value; wanted may be part of that value.
 * Returns: 0 | KW_MAP_NONE | -ENOMEM (nothing changed) */
KW_MUST_CHECK int kw_map_remove(struct kw_map *map, const void *wanted);

/* A walk in order without recursion or allocation. It borrows the map, which must not change or be dropped
 * meanwhile. The stack holds the nodes that come next on the path to the root, the nearest last. */
struct kw_map_walk {
    const struct kw_map_node *stack[KW_MAP_DEPTH_MAX];
    uint32_t depth;
};

/* Starts at the entry that has `from` others before it; at or beyond the length the walk is over at once. */
void kw_map_walk_init(struct kw_map_walk *walk, const struct kw_map *map, size_t from);
/* NULL: the end. */
const void *kw_map_walk_next(struct kw_map_walk *walk);

#endif
