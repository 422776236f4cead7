/* cputime - who used the processor: this process's threads by name, kernel threads that work for its ring
 * among them, and the kernel's own workers.
 */
#ifndef KW_BENCH_CPUTIME_H
#define KW_BENCH_CPUTIME_H

#include "pool/base.h"

/* CPU time of the process, its threads that have ended and io_uring's workers included, in seconds. */
double kw_cputime_process(void);
/* CPU time of the threads now in the process whose name, with a newline behind it, begins so: "iou-wrk" for
 * io_uring's workers, "audit\n" for the thread of that name. */
double kw_cputime_threads(const char *prefix);
/* CPU time of all kernel workers of the machine (kworker): what a disk's completions cost beside the process,
 * but what others' cost, too. NAN where it cannot be read. */
double kw_cputime_kworkers(void);

#endif
