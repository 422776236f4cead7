/* secmem_plain - the blocks of secmem.h without another allocator, for the shared library: jemalloc in there
 * would either take over the host's malloc() or want more thread-local storage than a program that loads
 * libraries at run time has to give.
 *
 * What the engine asks for is asked for at start and kept, so this is simple: an arena cuts extents into
 * blocks from front to back; a freed block goes onto the arena's list for its size, and the next request of
 * that size takes it from there. Blocks are never split or joined. An arena is its thread's alone, without a
 * lock: what other threads free they push onto its stack of returned blocks, which the owner empties when its
 * own lists have nothing. The common arena of threads without one has a lock.
 */
#include "pool/idlist.h"
#include "pool/secmem_internal.h"

#include <pthread.h>
#include <stdatomic.h>

#define GROW_BYTES ((size_t)1 << 20)
#define ARENAS_MAX 512u
/* Sizes of blocks: multiples of 64 up to 1024, then four for each doubling. */
#define UNIT        ((size_t)64)
#define SMALL_BITS  10u
#define SMALL       ((size_t)1 << SMALL_BITS)
#define NUM_SMALL   (SMALL / UNIT)
#define NUM_CLASSES (NUM_SMALL + 4 * (42 - SMALL_BITS))

/* A block's first bytes while nobody has it; all behind them is zero. */
struct spare {
    struct spare *next;
    size_t size;
};

struct arena {
    uint8_t *at, *end; /* what is left of the extent that is being cut */
    size_t total;      /* of its extents but those of large blocks */
    struct spare *spares[NUM_CLASSES];
    KW_CACHE_ALIGN _Atomic(struct spare *) returned;
};

/* Right before what the caller has. */
struct header {
    struct arena *arena;
    void *block;
    size_t size; /* of the block */
    size_t unused;
};
static_assert(sizeof(struct header) % KW_SECMEM_ALIGN_MIN == 0, "what follows is aligned");
static_assert(sizeof(struct spare) <= sizeof(struct header), "no caller's byte is overwritten while spare");

static struct arena common;
static pthread_mutex_t common_lock = PTHREAD_MUTEX_INITIALIZER;
static struct arena arenas[ARENAS_MAX];
static _Atomic uint32_t arenas_made;
/* Arenas that their threads gave back. */
static struct kw_idlist arenas_free;
static _Atomic uint32_t arenas_links[ARENAS_MAX];

static _Thread_local struct arena *own;

int kw_secmem_arenas_init(void)
{
    kw_idlist_init(&arenas_free);
    return 0;
}

/* ---- sizes ---- */

static unsigned log2_of(size_t size)
{
    return 63 - (unsigned)__builtin_clzll(size);
}

static size_t block_size(size_t need)
{
    size_t step = need <= SMALL ? UNIT : (size_t)1 << (log2_of(need - 1) - 2);

    return (need + step - 1) / step * step;
}

static size_t class_of(size_t size)
{
    unsigned bits = log2_of(size);

    if (size <= SMALL)
        return size / UNIT - 1;
    return NUM_SMALL + 4 * (bits - SMALL_BITS) + (size >> (bits - 2) & 3);
}

/* ---- one arena ---- */

static void keep(struct arena *arena, struct spare *spare)
{
    struct spare **list = &arena->spares[class_of(spare->size)];

    spare->next = *list;
    *list = spare;
}

static void take_back_returned(struct arena *arena)
{
    /* T2 pairs with T1 in return_to(): what was freed is wiped. */
    struct spare *spare = atomic_exchange_explicit(&arena->returned, NULL, memory_order_acquire);

    while (spare != NULL) {
        struct spare *next = spare->next;

        keep(arena, spare);
        spare = next;
    }
}

static void return_to(struct arena *arena, struct spare *spare)
{
    struct spare *top = atomic_load_explicit(&arena->returned, memory_order_relaxed);

    do
        spare->next = top;
    while (!atomic_compare_exchange_weak_explicit(
        &arena->returned, &top, spare, memory_order_release, memory_order_relaxed)); /* T1 */
}

static struct spare *take_spare(struct arena *arena, size_t size)
{
    struct spare **list = &arena->spares[class_of(size)], *spare = *list;

    if (spare != NULL)
        *list = spare->next;
    return spare;
}

/* What is left of the old extent is lost, which is why large blocks get one of their own. */
static bool grow(struct arena *arena, size_t size)
{
    uint8_t *extent = kw_secmem_extent(size, UNIT);

    if (extent == NULL)
        return false;
    arena->at = extent;
    arena->end = extent + size;
    arena->total += size;
    return true;
}

static void *cut(struct arena *arena, size_t size)
{
    if (size > GROW_BYTES / 8 && size > (size_t)(arena->end - arena->at))
        return kw_secmem_extent(size, UNIT);
    if (size > (size_t)(arena->end - arena->at) && !grow(arena, GROW_BYTES))
        return NULL;
    arena->at += size;
    return arena->at - size;
}

static void *arena_alloc(struct arena *arena, size_t len, size_t align)
{
    size_t need = len + sizeof(struct header) + (align > KW_SECMEM_ALIGN_MIN ? align : 0);
    size_t size = block_size(need);
    uint8_t *block = (uint8_t *)take_spare(arena, size);

    if (block == NULL) {
        take_back_returned(arena);
        block = (uint8_t *)take_spare(arena, size);
    }
    if (block == NULL)
        block = cut(arena, size);
    if (block == NULL)
        return NULL;
    memset(block, 0, sizeof(struct spare));
    uint8_t *ptr = block + sizeof(struct header);
    ptr += (align - (uintptr_t)ptr % align) % align;
    *((struct header *)(void *)ptr - 1) = (struct header){.arena = arena, .block = block, .size = size};
    return ptr;
}

/* ---- arenas of threads ---- */

static struct arena *arena_take(void)
{
    uint32_t index = kw_idlist_pop(&arenas_free, arenas_links);

    if (index == KW_IDLIST_END) {
        index = atomic_fetch_add_explicit(&arenas_made, 1, memory_order_relaxed);
        if (index >= ARENAS_MAX) {
            atomic_fetch_sub_explicit(&arenas_made, 1, memory_order_relaxed);
            return NULL;
        }
    }
    return &arenas[index];
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
    /* One that had an owner before has its share, in spare blocks by now. */
    if (reserve > arena->total && !grow(arena, reserve)) {
        kw_secmem_thread_done();
        return -ENOMEM;
    }
    return 0;
}

void kw_secmem_thread_done(void)
{
    struct arena *arena = own;

    own = NULL;
    if (arena != NULL && kw_secmem_alive())
        kw_idlist_push(&arenas_free, arenas_links, (uint32_t)(arena - arenas));
}

/* ---- blocks ---- */

static struct header *header_of(const void *ptr)
{
    /* Away with const: whoever has the block may have its header written. */
    struct header *header = (struct header *)(uintptr_t)ptr - 1;

    kw_assert(header->arena != NULL); /* freed twice, or not from here */
    return header;
}

void *kw_secmem_alloc_aligned(size_t len, size_t align)
{
    void *ptr;

    kw_assert(align != 0 && (align & (align - 1)) == 0);
    align = KW_MAX(align, KW_SECMEM_ALIGN_MIN);
    if (len == 0 || len > KW_SECMEM_ALLOC_MAX || align > KW_SECMEM_ALLOC_MAX || !kw_secmem_alive())
        return NULL;
    if (own != NULL)
        return arena_alloc(own, len, align);
    pthread_mutex_lock(&common_lock);
    ptr = arena_alloc(&common, len, align);
    pthread_mutex_unlock(&common_lock);
    return ptr;
}

size_t kw_secmem_size(const void *ptr)
{
    const struct header *header = header_of(ptr);

    return (size_t)((uint8_t *)header->block + header->size - (const uint8_t *)ptr);
}

void kw_secmem_free(void *ptr)
{
    /* In a forked child the header is zero, and so is the block. */
    if (ptr == NULL || !kw_secmem_alive())
        return;
    struct header header = *header_of(ptr);
    struct spare *spare = header.block;

    kw_erase((struct header *)ptr - 1, sizeof(struct header) + kw_secmem_size(ptr));
    spare->size = header.size;
    if (header.arena == own) {
        keep(own, spare);
    } else if (header.arena != &common) {
        return_to(header.arena, spare);
    } else {
        pthread_mutex_lock(&common_lock);
        keep(&common, spare);
        pthread_mutex_unlock(&common_lock);
    }
}
