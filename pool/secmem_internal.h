/* secmem_internal - between the two halves of secmem.h: the mappings and what protects them (secmem.c), and
 * the blocks cut from them (secmem_jemalloc.c in programs, secmem_plain.c in the shared library).
 */
#ifndef KW_POOL_SECMEM_INTERNAL_H
#define KW_POOL_SECMEM_INTERNAL_H

#include "pool/secmem.h"

/* Nothing in this program asks for more at once; keeps size arithmetic far from its end. */
#define KW_SECMEM_ALLOC_MAX ((size_t)1 << 40)

#define KW_SECMEM_ALIGN_MIN ((size_t)16)

/* kw_secmem_extent() - maps size bytes at a multiple of align (a power of two, a page at most useful),
 * zeroed, guarded and protected, for good. Returns NULL if the system refuses. */
KW_MUST_CHECK void *kw_secmem_extent(size_t size, size_t align);

/* kw_secmem_arenas_init() - once, from kw_secmem_init(). Returns: 0 | -ENOMEM | -ENOSYS */
KW_MUST_CHECK int kw_secmem_arenas_init(void);

#endif
