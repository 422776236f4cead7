/* base - the small vocabulary every file shares: results, asserts, cleanup and erase guards.
 *
 * Results: 0 is success; a negative value is fatal for the operation and is only forwarded (it is a
 * negative errno, or KW_EOPENSSL); a positive value is a condition that the function documents and its
 * caller handles. Functions leave their ret_x outputs untouched unless they return 0.
 * Thread-safety: everything here is a macro or a pure function.
 */
#ifndef KW_POOL_BASE_H
#define KW_POOL_BASE_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Fatal: a call into OpenSSL failed; its error queue is cleared by whoever turns this into an answer. */
#define KW_EOPENSSL (-4096)

#define KW_MUST_CHECK   __attribute__((warn_unused_result))
#define KW_CLEANUP(fn)  __attribute__((cleanup(fn)))
#define KW_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define KW_CACHE_LINE   64
#define KW_CACHE_ALIGN  __attribute__((aligned(KW_CACHE_LINE)))

#define KW_ARRAY_LEN(a)                    (sizeof(a) / sizeof((a)[0]))
#define KW_MIN(a, b)                       ((a) < (b) ? (a) : (b))
#define KW_MAX(a, b)                       ((a) > (b) ? (a) : (b))
#define KW_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Always on, in production too: for indices, states and shapes, never for outside data, never for a secret.
 */
#define kw_assert(expr) ((expr) ? (void)0 : kw_assert_failed(#expr, __FILE__, __LINE__))

/* Forwards a fatal result to the caller; positive conditions must be handled before. */
#define KW_TRY(expr)                                                                                         \
    do {                                                                                                     \
        int kw_try_ = (expr);                                                                                \
        if (kw_try_ < 0)                                                                                     \
            return kw_try_;                                                                                  \
    } while (0)

/* Judges outside data: returns `ret` from the function unless cond holds. */
#define KW_REQUIRE(cond, ret)                                                                                \
    do {                                                                                                     \
        if (!(cond))                                                                                         \
            return (ret);                                                                                    \
    } while (0)

/* Wraps an OpenSSL call that returns 1 (or a pointer) on success. */
#define KW_SSL(expr)     KW_REQUIRE((expr) > 0, KW_EOPENSSL)
#define KW_SSL_PTR(expr) KW_REQUIRE((expr) != NULL, KW_EOPENSSL)

/* Prints the failed expression (never values) on stderr and aborts. */
_Noreturn void kw_assert_failed(const char *expr, const char *file, int line);

/* kw_erase() - overwrites len bytes with zeros in a way the compiler may not drop. ptr may be NULL if len is
 * 0. */
void kw_erase(void *ptr, size_t len);

/* kw_equal_ct() - compares len bytes in time that depends on len only. Returns true if equal. */
KW_MUST_CHECK bool kw_equal_ct(const void *a, const void *b, size_t len);

/* A local that holds a secret is followed at once by KW_ERASE_GUARD(local): it is erased on every exit. */
struct kw_erase_guard {
    void *ptr;
    size_t len;
};
static inline void kw_erase_guard_run(struct kw_erase_guard *guard)
{
    kw_erase(guard->ptr, guard->len);
}
#define KW_ERASE_CAT_(a, b) a##b
#define KW_ERASE_CAT(a, b)  KW_ERASE_CAT_(a, b)
#define KW_ERASE_GUARD(local)                                                                                \
    __attribute__((unused)) KW_CLEANUP(kw_erase_guard_run) struct kw_erase_guard KW_ERASE_CAT(               \
        kw_erase_guard_, __LINE__) = {&(local), sizeof(local)}

/* kw_signals_of_threads() - the signals that every thread but the main one blocks: all, except those that a
 * thread raises by its own mistake (SIGSEGV and its kin), which must end the process where they happen. */
void kw_signals_of_threads(sigset_t *ret);

/* kw_now_ns() - CLOCK_MONOTONIC in nanoseconds. */
uint64_t kw_now_ns(void);
#define KW_DAY_MS INT64_C(86400000)
/* kw_wall_ms() - CLOCK_REALTIME in milliseconds since the epoch. */
int64_t kw_wall_ms(void);

#endif
