/* loadhdr - a histogram of latencies with three significant digits, and the text form in which HdrHistogram's
 * programs read it.
 *
 * Values are nanoseconds, 1 to KW_HDR_MAX_NS; larger ones count as that. Counts lie where HdrHistogram keeps
 * them (2048 steps for each doubling), so that encoding is a walk over the array.
 * Thread-safety: one thread at a time.
 * Source: HdrHistogram's description of its V2 encoding and of its log format 1.3.
 */
#ifndef KW_TOOLS_LOADHDR_H
#define KW_TOOLS_LOADHDR_H

#include "pool/base.h"

#define KW_HDR_MAX_NS UINT64_C(100000000000)
#define KW_HDR_HALF   1024u /* half of the steps of a doubling */
#define KW_HDR_COUNTS (28u * KW_HDR_HALF)

struct kw_hdr {
    uint64_t total;
    uint64_t sum_ns;
    uint64_t max_ns;
    uint32_t first, last; /* the counts that may be above zero; first > last: none */
    uint64_t counts[KW_HDR_COUNTS];
};

void kw_hdr_init(struct kw_hdr *hdr);
/* As after kw_hdr_init(); costs as much as was in use. */
void kw_hdr_reset(struct kw_hdr *hdr);
void kw_hdr_record(struct kw_hdr *hdr, uint64_t ns);
void kw_hdr_add(struct kw_hdr *to, const struct kw_hdr *from);

/* kw_hdr_percentile() - the least time within which that share of all has ended, 0 <= percent <= 100. beyond:
 * how many more there were that took longer than anything recorded here (they failed).
 * Returns: nanoseconds, the upper end of the step; UINT64_MAX: not within anything recorded; 0: nothing was.
 */
uint64_t kw_hdr_percentile(const struct kw_hdr *hdr, double percent, uint64_t beyond);
/* 0 if nothing was recorded. */
double kw_hdr_mean(const struct kw_hdr *hdr);

/* kw_hdr_text() - V2, compressed, base64. Returns: text that the caller frees, or NULL (no memory) */
KW_MUST_CHECK char *kw_hdr_text(const struct kw_hdr *hdr);

#endif
