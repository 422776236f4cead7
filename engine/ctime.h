/* ctime - how the constant-time tests tell a memory checker what is secret: secrets are marked as undefined
 * memory, and the checker reports each branch and each address that undefined memory decides.
 *
 * Only sources compiled with -DKW_CTIME include this. The checker is clang's MemorySanitizer where the
 * compiler has it switched on, else valgrind's memcheck (Debian's package valgrind has the header); without
 * either nothing is marked.
 */
#ifndef KW_ENGINE_CTIME_H
#define KW_ENGINE_CTIME_H

#include <stddef.h>
#include <string.h>

#ifdef __has_feature
#if __has_feature(memory_sanitizer)
#define KW_CTIME_MSAN 1
#endif
#endif

#ifdef KW_CTIME_MSAN
#include <sanitizer/msan_interface.h>

static inline void kw_ctime_secret(const void *ptr, size_t len)
{
    __msan_poison(ptr, len);
}
static inline void kw_ctime_public(const void *ptr, size_t len)
{
    __msan_unpoison(ptr, len);
}
/* Whether any bit of them is secret: for a test to see that what it looks for has not got lost on the way. */
static inline int kw_ctime_is_secret(const void *ptr, size_t len)
{
    return __msan_test_shadow(ptr, len) >= 0;
}
/* Whether a checker watches this process. */
static inline int kw_ctime_watched(void)
{
    return 1;
}

#elif __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>

static inline void kw_ctime_secret(const void *ptr, size_t len)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(ptr, len);
}
static inline void kw_ctime_public(const void *ptr, size_t len)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(ptr, len);
}
static inline int kw_ctime_is_secret(const void *ptr, size_t len)
{
    unsigned char undefined = 0;

    for (size_t i = 0; i < len && undefined == 0; i++)
        (void)VALGRIND_GET_VBITS((const char *)ptr + i, &undefined, 1);
    return undefined != 0;
}
static inline int kw_ctime_watched(void)
{
    return RUNNING_ON_VALGRIND != 0;
}

#else

static inline void kw_ctime_secret(const void *ptr, size_t len)
{
    (void)ptr;
    (void)len;
}
static inline void kw_ctime_public(const void *ptr, size_t len)
{
    (void)ptr;
    (void)len;
}
static inline int kw_ctime_is_secret(const void *ptr, size_t len)
{
    (void)ptr;
    (void)len;
    return 0;
}
static inline int kw_ctime_watched(void)
{
    return 0;
}

#endif

/* A secret byte of what was made public last, as it was before, for a test to see that the checker has
 * followed the secret to there. The tests define it. */
extern unsigned char kw_ctime_last;

static inline void kw_ctime_publish(const void *ptr, size_t len)
{
    const char *byte = ptr, *end = byte + len;

    while (byte < end && !kw_ctime_is_secret(byte, 1))
        byte++;
    if (byte < end)
        memcpy(&kw_ctime_last, byte, 1);
    kw_ctime_public(ptr, len);
}

#endif
