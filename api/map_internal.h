/* map_internal - what a map is made of, for api/map.c and for tests that check its shape. */
#ifndef KW_API_MAP_INTERNAL_H
#define KW_API_MAP_INTERNAL_H

#include "api/map.h"

#include <stdatomic.h>

/* The weight of a subtree is its size + 1, so that an empty one weighs 1 and a node weighs what its two
 * subtrees weigh together. Of two siblings none weighs more than KW_MAP_DELTA times the other; a rotation is
 * single while the inner grandchild weighs less than KW_MAP_GAMMA times the outer one. <3, 2> is the only
 * pair of integers for which insertion and deletion keep the balance (Hirai and Yamamoto, "Balancing
 * weight-balanced trees", Journal of Functional Programming 21, 2011). */
#define KW_MAP_DELTA 3u
#define KW_MAP_GAMMA 2u

/* Holds one reference on its value and on each child. refs counts the parents and the roots that lead here.
 * All but refs is fixed while any map but one can reach the node. */
struct kw_map_node {
    _Atomic uint32_t refs;
    uint32_t size; /* entries in this subtree, at least 1 */
    const void *value;
    struct kw_map_node *child[2]; /* [0]: lesser keys, [1]: greater ones; NULL: none */
    uint32_t bits[];              /* of a type that has them one: all that are in this subtree */
};

static inline uint32_t kw_map_node_size(const struct kw_map_node *node)
{
    return node != NULL ? node->size : 0;
}

#endif
