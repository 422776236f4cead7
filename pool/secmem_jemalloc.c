/* secmem_jemalloc - the blocks of secmem.h, from jemalloc arenas over mappings of our own.
 *
 * jemalloc keeps its own records (who owns which page) outside of the extents, in memory of the default
 * hooks: an arena is first created plain and only then given our hooks. It must be so, because what our hooks
 * map is zeroed in a forked child, and jemalloc's own fork handler walks its records there.
 *
 * Only `alloc`, `split` and `merge` exist. A hook left NULL refuses: extents are never unmapped, decommitted
 * or purged. With a decay time of zero a freed extent goes straight to the arena's retained extents, where
 * neighbours of one mapping are merged at once and any later request may cut from them.
 */
#include "pool/idlist.h"
#include "pool/secmem_internal.h"

#include <jemalloc/jemalloc.h>
#include <stdio.h>

/* An arena grows by this much, or by the one block that is larger (jemalloc would double each step). */
#define GROW_BYTES ((size_t)2 << 20)
/* Threads that have an arena of their own at the same time; jemalloc itself stops at 4095 arenas. */
#define ARENAS_MAX 1024u

struct arena {
    int alloc_flags;
    int free_flags;
    unsigned tcache;
};

static struct arena common;
static struct arena arenas[ARENAS_MAX];
static _Atomic uint32_t arenas_made;
/* Arenas that their threads gave back. */
static struct kw_idlist arenas_free;
static _Atomic uint32_t arenas_links[ARENAS_MAX];
static _Thread_local struct arena *own;

static void *extent_alloc(extent_hooks_t *hooks, void *new_addr, size_t size, size_t align, bool *zero,
    bool *commit, unsigned arena_ind)
{
    (void)hooks;
    (void)arena_ind;
    /* jemalloc asks for a place when it wants to grow a block where it is; behind every mapping is a guard.
     */
    if (new_addr != NULL)
        return NULL;
    void *addr = kw_secmem_extent(size, align);
    if (addr == NULL)
        return NULL;
    *zero = true;
    *commit = true;
    return addr;
}

static bool extent_split(extent_hooks_t *hooks, void *addr, size_t size, size_t size_a, size_t size_b,
    bool committed, unsigned arena_ind)
{
    (void)hooks;
    (void)addr;
    (void)committed;
    (void)arena_ind;
    return size_a + size_b != size;
}

/* Extents that touch are of one mapping, since a guard page is on both sides of each. True refuses. */
static bool extent_merge(extent_hooks_t *hooks, void *addr_a, size_t size_a, void *addr_b, size_t size_b,
    bool committed, unsigned arena_ind)
{
    (void)hooks;
    (void)size_b;
    (void)committed;
    (void)arena_ind;
    return (uint8_t *)addr_a + size_a != (uint8_t *)addr_b;
}

static extent_hooks_t extent_hooks = {
    .alloc = extent_alloc,
    .split = extent_split,
    .merge = extent_merge,
};

static int arena_set(unsigned index, const char *what, void *value, size_t len)
{
    char name[64];
    snprintf(name, sizeof(name), "arena.%u.%s", index, what);
    return mallctl(name, NULL, NULL, value, len);
}

/* Returns 0 or a positive errno of mallctl(). */
static int arena_create(struct arena *arena)
{
    unsigned index;
    size_t len = sizeof(index);
    int error = mallctl("arenas.create", &index, &len, NULL, 0);
    if (error != 0)
        return error;

    extent_hooks_t *hooks = &extent_hooks;
    ssize_t at_once = 0;
    size_t grow = GROW_BYTES;
    error = arena_set(index, "extent_hooks", &hooks, sizeof(hooks));
    if (error == 0)
        error = arena_set(index, "dirty_decay_ms", &at_once, sizeof(at_once));
    if (error == 0)
        error = arena_set(index, "muzzy_decay_ms", &at_once, sizeof(at_once));
    if (error != 0)
        return error;
    /* Refused if the user turned jemalloc's `retain` off; then there is no growth to limit. */
    (void)arena_set(index, "retain_grow_limit", &grow, sizeof(grow));

    /* Never the automatic cache: it would mix these blocks with those of plain malloc(). */
    arena->alloc_flags = MALLOCX_ARENA(index) | MALLOCX_TCACHE_NONE | MALLOCX_ZERO;
    arena->free_flags = MALLOCX_TCACHE_NONE;
    return 0;
}

/* An arena as above with a cache, so that most calls of its thread take no lock at all. */
static int arena_create_cached(struct arena *arena)
{
    unsigned tcache;
    size_t len = sizeof(tcache);
    int error = arena_create(arena);
    if (error != 0)
        return error;
    error = mallctl("tcache.create", &tcache, &len, NULL, 0);
    if (error != 0)
        return error;
    arena->tcache = tcache;
    arena->free_flags = MALLOCX_TCACHE(tcache);
    arena->alloc_flags = (arena->alloc_flags & ~MALLOCX_TCACHE_NONE) | MALLOCX_TCACHE(tcache);
    return 0;
}

int kw_secmem_arenas_init(void)
{
    int error = arena_create(&common);
    if (error != 0)
        return error == ENOENT ? -ENOSYS : -ENOMEM;
    kw_idlist_init(&arenas_free);
    return 0;
}

/* Takes an arena that was given back, or makes one. NULL if there are too many or memory is short. */
static struct arena *arena_take(void)
{
    uint32_t index = kw_idlist_pop(&arenas_free, arenas_links);
    if (index != KW_IDLIST_END)
        return &arenas[index];
    index = atomic_fetch_add_explicit(&arenas_made, 1, memory_order_relaxed);
    if (index >= ARENAS_MAX) {
        atomic_fetch_sub_explicit(&arenas_made, 1, memory_order_relaxed);
        return NULL;
    }
    return arena_create_cached(&arenas[index]) == 0 ? &arenas[index] : NULL;
}

int kw_secmem_thread_init(size_t reserve)
{
    if (own != NULL)
        return 0;
    KW_REQUIRE(kw_secmem_alive() && reserve <= KW_SECMEM_ALLOC_MAX, -ENOMEM);
    struct arena *arena = arena_take();
    if (arena == NULL)
        return -ENOMEM;
    own = arena;
    if (reserve == 0)
        return 0;

    /* One block of that size, given back at once, is one extent that stays with the arena and is cut up
     * later. */
    void *block = mallocx(reserve, (arena->alloc_flags & ~MALLOCX_ZERO));
    if (block == NULL) {
        kw_secmem_thread_done();
        return -ENOMEM;
    }
    dallocx(block, MALLOCX_TCACHE_NONE);
    return 0;
}

void kw_secmem_thread_done(void)
{
    struct arena *arena = own;
    own = NULL;
    /* A child has no use for arenas, and the cache may have been in the middle of a change when it was
     * forked. */
    if (arena == NULL || !kw_secmem_alive())
        return;
    (void)mallctl("tcache.flush", NULL, NULL, &arena->tcache, sizeof(arena->tcache));
    kw_idlist_push(&arenas_free, arenas_links, (uint32_t)(arena - arenas));
}

static const struct arena *current(void)
{
    return own != NULL ? own : &common;
}

void *kw_secmem_alloc_aligned(size_t len, size_t align)
{
    kw_assert(align != 0 && (align & (align - 1)) == 0);
    if (len == 0 || len > KW_SECMEM_ALLOC_MAX || align > KW_SECMEM_ALLOC_MAX || !kw_secmem_alive())
        return NULL;
    return mallocx(len, current()->alloc_flags | MALLOCX_ALIGN(KW_MAX(align, KW_SECMEM_ALIGN_MIN)));
}

size_t kw_secmem_size(const void *ptr)
{
    return sallocx(ptr, 0);
}

void kw_secmem_free(void *ptr)
{
    /* In a forked child the block is zero already, and locks of threads that do not exist there may be held.
     */
    if (ptr == NULL || !kw_secmem_alive())
        return;
    kw_erase(ptr, sallocx(ptr, 0));
    dallocx(ptr, current()->free_flags);
}
