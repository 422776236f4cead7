/* lockspy - sees every mutex, read-write lock and spin lock that is taken through libpthread's functions, by
 * libraries too, and which of two kinds of threads took it: workers (named "kw-maker-...") or others.
 *
 * A shared library that stands before the C library in the order of symbols. The locks inside the C library
 * are not seen. A lock that is destroyed is forgotten, unless it was shared. Any thread; reports while
 * disarmed.
 */
#ifndef KW_TESTS_STRESS_LOCKSPY_H
#define KW_TESTS_STRESS_LOCKSPY_H

#include <stdbool.h>
#include <stdio.h>

#define LOCKSPY_API __attribute__((visibility("default")))

struct lockspy_counts {
    unsigned by_workers; /* locks that a worker took while it was armed */
    unsigned by_others;
    unsigned shared; /* locks that both took */
};

/* Forgets what was seen and begins. */
LOCKSPY_API void lockspy_arm(void);
LOCKSPY_API void lockspy_disarm(void);
LOCKSPY_API struct lockspy_counts lockspy_counts(void);
LOCKSPY_API bool lockspy_is_shared(const void *lock);
/* Each shared lock, with the first call on either side. */
LOCKSPY_API void lockspy_report(FILE *file);

#endif
