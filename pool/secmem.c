/* secmem - mappings, and what protects them; the blocks are cut from them elsewhere (secmem_internal.h). */
#include "pool/secmem_internal.h"

#include <stdatomic.h>
#include <sys/mman.h>

#define GUARD     ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20)
#define ALIVE     UINT64_C(0x6b657977656c6c21)

/* The first word says that this process called kw_secmem_init(). It has the page to itself, which the kernel
 * zeroes in a forked child. */
static _Atomic uint64_t alive[GUARD / sizeof(uint64_t)] __attribute__((aligned(GUARD)));
static bool initialised;

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

/* Asks for each protection; what the system refuses is only noted. Returns whether it is locked. */
static bool protect(void *addr, size_t size)
{
    if (madvise(addr, size, MADV_DONTDUMP) != 0)
        atomic_store_explicit(&dontdump_refused, true, memory_order_relaxed);
    if (madvise(addr, size, MADV_WIPEONFORK) != 0)
        atomic_store_explicit(&wipeonfork_refused, true, memory_order_relaxed);

    /* Locking also faults the pages in. Without it they are faulted in all the same: a worker that is stopped
     * inside a page fault holds up every thread that maps memory. (Not mlock(), which sanitizers turn into
     * nothing.) */
    bool locked = mlock2(addr, size, 0) == 0;
    if (locked)
        count(&locked_bytes, size);
    else
        (void)madvise(addr, size, MADV_POPULATE_WRITE);
    return locked;
}

int kw_secmem_init(void)
{
    if (initialised)
        return 0;
    /* At most once rests on this: a child that cannot tell itself from its parent would hand out the same
     * pairs. */
    if (madvise(alive, sizeof(alive), MADV_WIPEONFORK) != 0)
        return -ENOSYS;
    KW_TRY(kw_secmem_arenas_init());
    atomic_store_explicit(&alive[0], ALIVE, memory_order_relaxed);
    initialised = true;
    return 0;
}

bool kw_secmem_alive(void)
{
    return atomic_load_explicit(&alive[0], memory_order_relaxed) == ALIVE;
}

void *kw_secmem_alloc(size_t len)
{
    return kw_secmem_alloc_aligned(len, KW_SECMEM_ALIGN_MIN);
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

void *kw_secmem_extent(size_t size, size_t align)
{
    size = (size + GUARD - 1) / GUARD * GUARD;
    void *ptr = map_guarded(size, KW_MAX(align, GUARD));
    if (ptr == NULL)
        return NULL;
    (void)protect(ptr, size);
    count(&mapped_bytes, size);
    return ptr;
}

size_t kw_secmem_map_len(size_t len)
{
    return (len + GUARD - 1) / GUARD * GUARD + 2 * GUARD;
}

int kw_secmem_map(struct kw_secmem_map *ret, size_t len)
{
    KW_REQUIRE(len > 0 && len <= KW_SECMEM_ALLOC_MAX && kw_secmem_alive(), -ENOMEM);
    size_t size = kw_secmem_map_len(len) - 2 * GUARD;
    void *ptr = map_guarded(size, size >= HUGE_PAGE ? HUGE_PAGE : GUARD);
    if (ptr == NULL)
        return -ENOMEM;
    /* Before the pages are there: each 4 KiB page of a deep pool is an address translation that misses. */
    if (size >= HUGE_PAGE)
        (void)madvise(ptr, size, MADV_HUGEPAGE);
    bool locked = protect(ptr, size);
    count(&mapped_bytes, size);
    *ret = (struct kw_secmem_map){.ptr = ptr, .len = size + 2 * GUARD, .locked = locked};
    return 0;
}

void kw_secmem_unmap(struct kw_secmem_map *map)
{
    if (map->ptr == NULL)
        return;
    size_t size = map->len - 2 * GUARD;
    if (kw_secmem_alive())
        kw_erase(map->ptr, size);
    munmap((uint8_t *)map->ptr - GUARD, map->len);
    count(&mapped_bytes, -(uint64_t)size);
    if (map->locked)
        count(&locked_bytes, -(uint64_t)size);
    *map = (struct kw_secmem_map){0};
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
