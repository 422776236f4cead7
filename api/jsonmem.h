/* jsonmem - the memory of parsed JSON: jansson must never see an allocation fail.
 *
 * jansson 2.14 does not check all of its allocations: one that fails in the middle of a string drops bytes
 * from it or crashes. So a parse gets a block of secret memory beforehand that is large enough for all that
 * it can ask for, and takes everything from there; the block is wiped and freed when the last value in it is.
 * Allocations outside a parse come from secret memory one by one (values that programs and tests build
 * themselves).
 *
 * Any thread; a block belongs to the thread that parses, its values to whoever holds them.
 */
#ifndef KW_API_JSONMEM_H
#define KW_API_JSONMEM_H

#include "pool/base.h"

/* For json_set_alloc_funcs(). */
void *kw_jsonmem_alloc(size_t len);
void kw_jsonmem_free(void *ptr);

/* kw_jsonmem_begin() - from now on this thread's allocations come from one block of cap bytes. Returns: 0 |
 * -ENOMEM */
KW_MUST_CHECK int kw_jsonmem_begin(size_t cap);
/* The parse is over. Returns true if every allocation since begin was served. */
KW_MUST_CHECK bool kw_jsonmem_end(void);

#endif
