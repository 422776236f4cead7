/* secmem - memory for secrets.
 *
 * An arena per thread, jemalloc's in the programs and one of our own in the shared library, over private
 * anonymous mappings: locked where limits allow, kept out of core dumps (MADV_DONTDUMP), zeroed in forked
 * children (MADV_WIPEONFORK), with guard pages on both sides, never unmapped and never given back to the
 * system before the end (but for kw_secmem_map()). jemalloc's hooks see extents, not single frees, so
 * kw_secmem_free() wipes each block itself.
 *
 * Each thread that calls kw_secmem_thread_init() has an arena and a cache of its own, so that a thread
 * stopped inside the allocator holds no lock that another needs (idle-priority workers are stopped anywhere
 * for long). Threads that did not share one common arena. A block may be freed by any thread.
 */
#ifndef KW_POOL_SECMEM_H
#define KW_POOL_SECMEM_H

#include "pool/base.h"

/* What protects the memory; a protection that the system refuses is reported, not fatal. */
struct kw_secmem_stats {
    uint64_t mapped_bytes;  /* in extents, guard pages not counted */
    uint64_t locked_bytes;  /* of these, locked in RAM */
    uint64_t mapping_calls; /* mmap calls so far: must stand still after start on a worker */
    bool dontdump;          /* every extent is kept out of core dumps */
    bool wipeonfork;        /* every extent is zeroed in a forked child */
};

/* kw_secmem_init() - once per process before any other call here; later calls return 0 and do nothing.
 * Returns: 0 | -ENOMEM | -ENOSYS (jemalloc lacks the control calls, or the kernel lacks MADV_WIPEONFORK,
 * without which a forked child could not know that it is one) */
KW_MUST_CHECK int kw_secmem_init(void);

/* kw_secmem_thread_init() - gives the calling thread its own arena with reserve bytes mapped, locked and
 * faulted in now. A second call on a thread does nothing. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_secmem_thread_init(size_t reserve);
/* Gives the arena back for a later thread's use; blocks still allocated stay valid. Call at the end of the
 * thread. */
void kw_secmem_thread_done(void);

/* kw_secmem_alloc() - len zeroed bytes aligned to 16 (align if given; a power of two). NULL if out of memory
 * or len is 0 or absurd. Wiped and freed by kw_secmem_free(). In a forked child: NULL. */
KW_MUST_CHECK void *kw_secmem_alloc(size_t len);
KW_MUST_CHECK void *kw_secmem_alloc_aligned(size_t len, size_t align);
/* realloc semantics; old content is copied, then the old block wiped. On NULL the old block is untouched. */
KW_MUST_CHECK void *kw_secmem_realloc(void *ptr, size_t len);
/* Wipes the whole block, then frees it. NULL is fine. */
void kw_secmem_free(void *ptr);
/* Usable size of a block (at least what was asked for). */
size_t kw_secmem_size(const void *ptr);

/* A mapping of its own for what is large and lives long: exactly as long as asked for (in whole pages), on
 * huge pages where the system has them, protected like all the rest. */
struct kw_secmem_map {
    void *ptr;  /* zeroed, at a page's start; NULL: none */
    size_t len; /* of what was mapped, guard pages included */
    bool locked;
};
/* kw_secmem_map_len() - what mapping len bytes takes, guard pages included. */
size_t kw_secmem_map_len(size_t len);
/* kw_secmem_map() - Returns: 0 | -ENOMEM (also if len is 0 or absurd, and in a forked child) */
KW_MUST_CHECK int kw_secmem_map(struct kw_secmem_map *ret, size_t len);
/* Wipes, unmaps and empties it. An empty one is fine. */
void kw_secmem_unmap(struct kw_secmem_map *map);

/* True in the process that called kw_secmem_init(), false in a forked child of it (its secrets are gone). One
 * load. */
KW_MUST_CHECK bool kw_secmem_alive(void);

void kw_secmem_stats(struct kw_secmem_stats *ret);

static inline void kw_secmem_freep(void *ptr_to_ptr)
{
    kw_secmem_free(*(void **)ptr_to_ptr);
}
/* Owning local: KW_SECMEM uint8_t *buf = NULL; */
#define KW_SECMEM KW_CLEANUP(kw_secmem_freep)

#endif
