/* secmem - jemalloc arenas over mappings of our own.
 *
 * jemalloc keeps its own records (who owns which page) outside of the extents, in memory of the default
 * hooks: an arena is first created plain and only then given our hooks. It must be so, because what our hooks
 * map is zeroed in a forked child, and jemalloc's own fork handler walks its records there.
 *
 * Only `alloc`, `split` and `merge` exist. A hook left NULL refuses: extents are never unmapped, decommitted
 * or purged. With a decay time of zero a freed extent goes straight to the arena's retained extents, where
 * neighbours of one mapping are merged at once and any later request may cut from them.
 */
#include "pool/secmem.h"

#include "pool/idlist.h"

#include <jemalloc/jemalloc.h>
#include <stdio.h>
#include <sys/mman.h>

/* An arena grows by this much, or by the one block that is larger (jemalloc would double each step). */
#define GROW_BYTES ((size_t)2 << 20)
/* Nothing in this program asks for more at once; keeps size arithmetic far from its end. */
#define ALLOC_MAX ((size_t)1 << 40)
#define ALIGN_MIN ((size_t)16)
#define GUARD     ((size_t)4096)
/* Threads that have an arena of their own at the same time; jemalloc itself stops at 4095 arenas. */
#define ARENAS_MAX 1024u
#define ALIVE      UINT64_C(0x6b657977656c6c21)

struct arena {
    int alloc_flags;
    int free_flags;
    unsigned tcache;
};

/* The first word says that this process called kw_secmem_init(). It has the page to itself, which the kernel
 * zeroes in a forked child. */
static _Atomic uint64_t alive[GUARD / sizeof(uint64_t)] __attribute__((aligned(GUARD)));
static bool initialised;

static struct arena common;
static struct arena arenas[ARENAS_MAX];
static _Atomic uint32_t arenas_made;
/* Arenas that their threads gave back. */
static struct kw_idlist arenas_free;
static _Atomic uint32_t arenas_links[ARENAS_MAX];
static _Thread_local struct arena *own;

/* Counters, relaxed: they order nothing. */
static _Atomic uint64_t mapped_bytes;
static _Atomic uint64_t locked_bytes;
static _Atomic uint64_t mapping_calls;
static _Atomic bool dontdump_refused;
static _Atomic bool wipeonfork_refused;

static void count(_Atomic uint64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

/* Maps size accessible bytes at a multiple of align, with an inaccessible page before and behind. */
static void *map_guarded(size_t size, size_t align)
{
    size_t total = size + align + 2 * GUARD;
    count(&mapping_calls, 1);
    uint8_t *map = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;

    uintptr_t first = (uintptr_t)map + GUARD;
    uint8_t *addr = map + GUARD + ((align - first % align) % align);
    uint8_t *end = addr + size + GUARD;
    size_t head = (size_t)(addr - GUARD - map);
    if (head > 0)
        munmap(map, head);
    if (end < map + total)
        munmap(end, (size_t)(map + total - end));

    if (mprotect(addr, size, PROT_READ | PROT_WRITE) != 0) {
        munmap(addr - GUARD, size + 2 * GUARD);
        return NULL;
    }
    return addr;
}

/* Asks for each protection; what the system refuses is only noted. */
static void protect(void *addr, size_t size)
{
    if (madvise(addr, size, MADV_DONTDUMP) != 0)
        atomic_store_explicit(&dontdump_refused, true, memory_order_relaxed);
    if (madvise(addr, size, MADV_WIPEONFORK) != 0)
        atomic_store_explicit(&wipeonfork_refused, true, memory_order_relaxed);

    /* Locking also faults the pages in. Without it they are faulted in all the same: a worker that is stopped
     * inside a page fault holds up every thread that maps memory. (Not mlock(), which sanitizers turn into
     * nothing.) */
    if (mlock2(addr, size, 0) == 0)
        count(&locked_bytes, size);
    else
        (void)madvise(addr, size, MADV_POPULATE_WRITE);
}

static void *extent_alloc(extent_hooks_t *hooks, void *new_addr, size_t size, size_t align, bool *zero,
    bool *commit, unsigned arena_ind)
{
    (void)hooks;
    (void)arena_ind;
    /* jemalloc asks for a place when it wants to grow a block where it is; behind every mapping is a guard.
     */
    if (new_addr != NULL)
        return NULL;
    void *addr = map_guarded(size, align);
    if (addr == NULL)
        return NULL;
    protect(addr, size);
    count(&mapped_bytes, size);
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

int kw_secmem_init(void)
{
    if (initialised)
        return 0;
    /* At most once rests on this: a child that cannot tell itself from its parent would hand out the same
     * pairs. */
    if (madvise(alive, sizeof(alive), MADV_WIPEONFORK) != 0)
        return -ENOSYS;
    int error = arena_create(&common);
    if (error != 0)
        return error == ENOENT ? -ENOSYS : -ENOMEM;
    kw_idlist_init(&arenas_free);
    atomic_store_explicit(&alive[0], ALIVE, memory_order_relaxed);
    initialised = true;
    return 0;
}

bool kw_secmem_alive(void)
{
    return atomic_load_explicit(&alive[0], memory_order_relaxed) == ALIVE;
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
    kw_assert(initialised);
    if (own != NULL)
        return 0;
    KW_REQUIRE(kw_secmem_alive() && reserve <= ALLOC_MAX, -ENOMEM);
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
    if (len == 0 || len > ALLOC_MAX || align > ALLOC_MAX || !kw_secmem_alive())
        return NULL;
    return mallocx(len, current()->alloc_flags | MALLOCX_ALIGN(KW_MAX(align, ALIGN_MIN)));
}

void *kw_secmem_alloc(size_t len)
{
    return kw_secmem_alloc_aligned(len, ALIGN_MIN);
}

size_t kw_secmem_size(const void *ptr)
{
    return sallocx(ptr, 0);
}

void *kw_secmem_realloc(void *ptr, size_t len)
{
    if (ptr == NULL)
        return kw_secmem_alloc(len);
    if (len == 0 || !kw_secmem_alive())
        return NULL;
    size_t old_len = kw_secmem_size(ptr);
    if (len <= old_len && len > old_len / 2)
        return ptr;
    void *grown = kw_secmem_alloc(len);
    if (grown == NULL)
        return NULL;
    memcpy(grown, ptr, KW_MIN(old_len, len));
    kw_secmem_free(ptr);
    return grown;
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

void kw_secmem_stats(struct kw_secmem_stats *ret)
{
    *ret = (struct kw_secmem_stats){
        .mapped_bytes = atomic_load_explicit(&mapped_bytes, memory_order_relaxed),
        .locked_bytes = atomic_load_explicit(&locked_bytes, memory_order_relaxed),
        .mapping_calls = atomic_load_explicit(&mapping_calls, memory_order_relaxed),
        .dontdump = !atomic_load_explicit(&dontdump_refused, memory_order_relaxed),
        .wipeonfork = !atomic_load_explicit(&wipeonfork_refused, memory_order_relaxed),
    };
}
