/* quota - calls are let through at limited rates: by class (quotatable.h) of each account and Region, and by
 * principal.
 *
 * Token buckets (the generic cell rate algorithm), each one 64-bit word: when the bucket would be full again,
 * if nobody called any more. They are in a table of fixed size that all serving threads share without a lock;
 * a call costs a hash, a look at one or two cache lines and one compare-and-swap. A bucket is found by a
 * keyed hash of what it counts. Where no place is left for a new one it takes that of the one that has been
 * full for longest, which changes nothing for anyone. Only while a bucket changes hands may a call count in
 * the one that goes or the one that comes, and if none of the eight that may give way is full, a new one
 * shares the one that will be first.
 *
 * Source: ITU-T I.371 (the generic cell rate algorithm).
 */
#ifndef KW_API_QUOTA_H
#define KW_API_QUOTA_H

#include "api/quotatable.h"

struct kw_quotas;

/* kw_quotas_new() - In: table, copied; principal: what one principal may call, of every operation together;
 * an interval of 0: no limit. Returns: 0 | KW_EOPENSSL | -ENOMEM */
KW_MUST_CHECK int kw_quotas_new(
    struct kw_quotas **ret, const struct kw_quotatable *table, struct kw_quota_rate principal);
/* NULL is fine. */
void kw_quotas_free(struct kw_quotas *quotas);

/* kw_quotas_open() - from options. In: source: "aws", a file that changes AWS's rates, or NULL: none.
 * Out: ret, NULL if nothing is limited; why, a sentence for the operator. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_quotas_open(
    struct kw_quotas **ret, const char *source, struct kw_quota_rate principal, char *why, size_t why_cap);

/* kw_quota_take() - takes one from each bucket that a call counts in (spec: as kw_quota_classes() has it);
 * false: throttled, and nothing was taken. now_ns: of a clock that does not go back by much. Any thread. */
KW_MUST_CHECK bool kw_quota_take(struct kw_quotas *quotas, struct kw_bytes account, struct kw_bytes region,
    const char *operation, struct kw_bytes spec, uint64_t now_ns);
/* The same of a principal's bucket. principal: what is unique to it, whatever the Region ("AIDA...") */
KW_MUST_CHECK bool kw_quota_take_principal(
    struct kw_quotas *quotas, struct kw_bytes principal, uint64_t now_ns);
/* May one more call that kw_quota_take_principal() refused go on record? As many as the principal may call;
 * the others are only counted, so that who calls too often cannot buy disk with it. */
KW_MUST_CHECK bool kw_quota_take_record(struct kw_quotas *quotas, struct kw_bytes principal, uint64_t now_ns);

#endif
