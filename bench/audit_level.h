/* audit_level - what the rounds of the benchmark audit at one number of outstanding records came to.
 *
 * The main thread's.
 */
#ifndef KW_BENCH_AUDIT_LEVEL_H
#define KW_BENCH_AUDIT_LEVEL_H

#include "bench/audit_turn.h"

#include <jansson.h>

#define KW_AUDITLEVEL_ROUNDS_MAX 64u

struct kw_auditlevel {
    unsigned outstanding;
    unsigned rounds;
    double log[KW_AUDITLEVEL_ROUNDS_MAX];     /* records a second, of each round */
    double append[KW_AUDITLEVEL_ROUNDS_MAX];  /* of plain writes to growing files */
    double rewrite[KW_AUDITLEVEL_ROUNDS_MAX]; /* of plain writes over zeros */
    struct kw_auditturn log_sum, append_sum, rewrite_sum;
};

/* What a level says, in figures for people and programs. Ratios are of the two sides of one round. */
struct kw_auditfigures {
    struct kw_spread log, append, rewrite;
    struct kw_spread to_append, to_rewrite;
    double record_bytes, records_per_commit;
};

/* kw_auditlevel_run() - rounds of a turn each of the log, plain appends and plain rewrites, with batches of
 * the size that the log's turn came to. Out on failure: why. Returns: 0 | 1 | <0 */
KW_MUST_CHECK int kw_auditlevel_run(const struct kw_auditturn_plan *plan, unsigned rounds,
    struct kw_auditlevel *ret, char *why, size_t why_cap);
void kw_auditlevel_figures(const struct kw_auditlevel *level, struct kw_auditfigures *ret);
void kw_auditlevel_print_title(void);
void kw_auditlevel_print(const struct kw_auditlevel *level);
/* An object; NULL: out of memory. */
json_t *kw_auditlevel_json(const struct kw_auditlevel *level);

#endif
