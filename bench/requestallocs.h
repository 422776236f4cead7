/* requestallocs - how often memory was asked for: the linker (--wrap) sends calls of keywell's own files past
 * a counter, and with them what OpenSSL and jansson ask for, which is secret memory. One thread counts: its
 * own.
 */
#ifndef KW_BENCH_REQUESTALLOCS_H
#define KW_BENCH_REQUESTALLOCS_H

#include <stdint.h>

/* Of the calling thread, since it began. */
uint64_t kw_requestallocs(void);

#endif
