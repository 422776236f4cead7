#include "tests/stress/lockspy.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LOCKS_MAX (1u << 16) /* a power of two; a server takes some thousand */
#define DEPTH     16

enum { WORKER, OTHER, SIDES, UNKNOWN };

struct side {
    _Atomic int taken; /* times */
    int depth;
    void *trace[DEPTH]; /* of the first time */
};

struct entry {
    _Atomic uintptr_t lock; /* its address, set once */
    struct side sides[SIDES];
};

static struct entry table[LOCKS_MAX];
static _Atomic bool armed;
static __thread int own_side = UNKNOWN;
static __thread bool inside; /* what the spy itself calls is not to be noted */

/* Threads have their names by the time it is armed. */
static int side_of_thread(void)
{
    char name[16] = "";

    if (own_side == UNKNOWN) {
        prctl(PR_GET_NAME, name);
        own_side = strncmp(name, "kw-maker", 8) == 0 ? WORKER : OTHER;
    }
    return own_side;
}

/* NULL if it is not there and is not to be made. */
static struct entry *find(uintptr_t lock, bool make)
{
    uint32_t start = (uint32_t)(lock >> 3) * UINT32_C(2654435761);

    for (uint32_t i = 0; i < LOCKS_MAX; i++) {
        struct entry *entry = &table[(start + i) % LOCKS_MAX];
        uintptr_t found = atomic_load(&entry->lock);

        if (found == 0 && !make)
            return NULL;
        if (found == lock || (found == 0 && atomic_compare_exchange_strong(&entry->lock, &found, lock)) ||
            found == lock)
            return entry;
    }
    abort(); /* the table is full */
}

static void note(uintptr_t lock)
{
    if (inside || !atomic_load(&armed))
        return;
    inside = true;
    struct side *side = &find(lock, true)->sides[side_of_thread()];
    if (atomic_fetch_add(&side->taken, 1) == 0)
        side->depth = backtrace(side->trace, DEPTH);
    inside = false;
}

static bool is_shared(struct entry *entry)
{
    return atomic_load(&entry->sides[WORKER].taken) > 0 && atomic_load(&entry->sides[OTHER].taken) > 0;
}

static void forget(struct entry *entry)
{
    for (int side = 0; side < SIDES; side++)
        atomic_store(&entry->sides[side].taken, 0);
}

/* The memory of a lock that is gone may become another lock. */
static void note_end(uintptr_t lock)
{
    struct entry *entry = atomic_load(&armed) ? find(lock, false) : NULL;

    if (entry != NULL && !is_shared(entry))
        forget(entry);
}

void lockspy_arm(void)
{
    void *trace[2];

    backtrace(trace, 2); /* the first one loads a library */
    for (size_t i = 0; i < LOCKS_MAX; i++)
        forget(&table[i]);
    atomic_store(&armed, true);
}

void lockspy_disarm(void)
{
    atomic_store(&armed, false);
}

struct lockspy_counts lockspy_counts(void)
{
    struct lockspy_counts counts = {0};

    for (size_t i = 0; i < LOCKS_MAX; i++) {
        counts.by_workers += atomic_load(&table[i].sides[WORKER].taken) > 0;
        counts.by_others += atomic_load(&table[i].sides[OTHER].taken) > 0;
        counts.shared += is_shared(&table[i]);
    }
    return counts;
}

bool lockspy_is_shared(const void *lock)
{
    struct entry *entry = find((uintptr_t)lock, false);

    return entry != NULL && is_shared(entry);
}

void lockspy_report(FILE *file)
{
    static const char *const names[SIDES] = {"workers", "others"};

    for (size_t i = 0; i < LOCKS_MAX; i++) {
        if (!is_shared(&table[i]))
            continue;
        fprintf(file, "lock %#" PRIxPTR " is shared\n", atomic_load(&table[i].lock));
        for (int n = 0; n < SIDES; n++) {
            const struct side *side = &table[i].sides[n];

            fprintf(file, " taken by %s %d times, first from\n", names[n], atomic_load(&side->taken));
            fflush(file);
            backtrace_symbols_fd(side->trace, side->depth, fileno(file));
        }
    }
}

/* ---- what stands before the C library ---- */

/* The function of that name that would be called without us. */
#define NEXT(function)                                                                                       \
    __extension__({                                                                                          \
        static _Atomic(void *) next_;                                                                        \
        void *symbol_ = atomic_load_explicit(&next_, memory_order_relaxed);                                  \
        __typeof__(&function) call_;                                                                         \
        if (symbol_ == NULL)                                                                                 \
            symbol_ = dlsym(RTLD_NEXT, #function);                                                           \
        atomic_store_explicit(&next_, symbol_, memory_order_relaxed);                                        \
        memcpy(&call_, &symbol_, sizeof(call_));                                                             \
        call_;                                                                                               \
    })

#define SPY(noting, function, type)                                                                          \
    LOCKSPY_API int function(type *lock)                                                                     \
    {                                                                                                        \
        noting((uintptr_t)lock);                                                                             \
        return NEXT(function)(lock);                                                                         \
    }

#define SPY_TIMED(function, type)                                                                            \
    LOCKSPY_API int function(type *lock, const struct timespec *when)                                        \
    {                                                                                                        \
        note((uintptr_t)lock);                                                                               \
        return NEXT(function)(lock, when);                                                                   \
    }

SPY(note, pthread_mutex_lock, pthread_mutex_t)
SPY(note, pthread_mutex_trylock, pthread_mutex_t)
SPY_TIMED(pthread_mutex_timedlock, pthread_mutex_t)
SPY(note, pthread_rwlock_rdlock, pthread_rwlock_t)
SPY(note, pthread_rwlock_tryrdlock, pthread_rwlock_t)
SPY_TIMED(pthread_rwlock_timedrdlock, pthread_rwlock_t)
SPY(note, pthread_rwlock_wrlock, pthread_rwlock_t)
SPY(note, pthread_rwlock_trywrlock, pthread_rwlock_t)
SPY_TIMED(pthread_rwlock_timedwrlock, pthread_rwlock_t)
SPY(note, pthread_spin_lock, pthread_spinlock_t)
SPY(note, pthread_spin_trylock, pthread_spinlock_t)
SPY(note_end, pthread_mutex_destroy, pthread_mutex_t)
SPY(note_end, pthread_rwlock_destroy, pthread_rwlock_t)
