/* topology - the cores this process may run on. */
#ifndef KW_ENGINE_TOPOLOGY_H
#define KW_ENGINE_TOPOLOGY_H

#include "pool/bytes.h"
#include "pool/limits.h"

struct kw_cpus {
    unsigned cpu[KW_WORKERS_MAX]; /* ascending, each once */
    unsigned num;
};

/* Linux is never built for more; a number beyond is a mistake. */
#define KW_CPU_NUMBERS 8192u

/* kw_cpus_allowed() - the calling thread's affinity mask (cgroup cpusets included); of more than
 * KW_WORKERS_MAX the lowest. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_cpus_allowed(struct kw_cpus *ret);
/* kw_cpus_parse() - a list such as "0-3,6,8-9", in any order, without white space.
 * Returns: 0 | 1 (malformed, a number twice, beyond KW_CPU_NUMBERS, or too many) */
KW_MUST_CHECK int kw_cpus_parse(struct kw_bytes text, struct kw_cpus *ret);
/* kw_cpus_stay() - the calling thread, and those that it will start, run on these cores only. Returns: 0 |
 * negative errno */
KW_MUST_CHECK int kw_cpus_stay(const struct kw_cpus *cpus);
/* True if every cpu of a is in b. */
bool kw_cpus_within(const struct kw_cpus *a, const struct kw_cpus *b);

#endif
