#include "api/jsonmem.h"

#include "pool/secmem.h"

#include <assert.h>

#define ALIGN 16u

struct block {
    size_t live; /* values in it, and one while the parse goes on */
    size_t used;
    size_t cap;
    _Alignas(ALIGN) uint8_t bytes[];
};

/* In front of each value. */
struct header {
    _Alignas(ALIGN) struct block *block; /* NULL: allocated on its own */
};
static_assert(sizeof(struct header) == ALIGN, "values stay aligned");

static _Thread_local struct block *current;
static _Thread_local bool failed;

static void release(struct block *block)
{
    if (--block->live == 0)
        kw_secmem_free(block);
}

static struct header *carve(struct block *block, size_t len)
{
    struct header *header = (struct header *)(void *)(block->bytes + block->used);

    if (len > block->cap - block->used)
        return NULL;
    block->used += len;
    block->live++;
    header->block = block;
    return header;
}

void *kw_jsonmem_alloc(size_t len)
{
    size_t whole = (len + sizeof(struct header) + ALIGN - 1) / ALIGN * ALIGN;
    struct header *header = NULL;

    if (whole < len)
        return NULL;
    if (current != NULL)
        header = carve(current, whole);
    else if ((header = kw_secmem_alloc(whole)) != NULL)
        header->block = NULL;
    failed |= header == NULL;
    return header == NULL ? NULL : header + 1;
}

void kw_jsonmem_free(void *ptr)
{
    struct header *header;

    if (ptr == NULL)
        return;
    header = (struct header *)ptr - 1;
    if (header->block != NULL)
        release(header->block);
    else
        kw_secmem_free(header);
}

int kw_jsonmem_begin(size_t cap)
{
    struct block *block = kw_secmem_alloc(sizeof(*block) + cap);

    kw_assert(current == NULL);
    if (block == NULL)
        return -ENOMEM;
    block->live = 1;
    block->cap = cap;
    current = block;
    failed = false;
    return 0;
}

bool kw_jsonmem_end(void)
{
    struct block *block = current;

    kw_assert(block != NULL);
    current = NULL;
    release(block);
    return !failed;
}
