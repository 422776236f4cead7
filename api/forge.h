/* forge - makes key pairs for requests that found their pool empty, where the policy is "generate".
 *
 * So many threads as pairs may be made at once (--generate-max), beside the serving threads and at normal
 * priority: the pair is on the request's account, and does not wait for idle time as the workers do. A
 * serving thread places an order, looks at it at each tick, and takes the pair for the first request in its
 * line. Nobody waits for anybody: an order that nobody wants any more is cancelled, and what is finished all
 * the same goes into the pool.
 *
 * An order belongs to the serving thread that placed it until it is taken or cancelled. No lock, and nothing
 * that a serving thread depends on if a forge thread is stopped anywhere.
 */
#ifndef KW_API_FORGE_H
#define KW_API_FORGE_H

#include "engine/ondemand.h"

struct kw_forge;
struct kw_forge_order;

struct kw_forge_config {
    struct kw_pool *pools[KW_SPEC_NUM]; /* of the specs that are generated; NULL: not */
    enum kw_cpu_path cpu_path;
    unsigned max;               /* threads: 1 .. KW_ONDEMAND_MAX */
    const struct kw_cpus *cpus; /* where they may run; borrowed */
};

/* Starts the threads. Returns: 0 | -EINVAL | -ENOMEM | KW_EOPENSSL | negative errno */
KW_MUST_CHECK int kw_forge_new(struct kw_forge **ret, const struct kw_forge_config *config);
/* Every order has been taken or cancelled (asserted). Within some milliseconds. NULL is fine. */
void kw_forge_free(struct kw_forge *forge);

/* kw_forge_place() - Returns an order, or NULL if as many as allowed are being made (or no thread is left
 * that can). */
struct kw_forge_order *kw_forge_place(struct kw_forge *forge, enum kw_spec spec);
enum kw_spec kw_forge_spec(const struct kw_forge_order *order);
bool kw_forge_finished(const struct kw_forge_order *order);
/* kw_forge_take() - the pair of a finished order (asserted), to be released. The order is gone after. */
void kw_forge_take(struct kw_forge_order *order, struct kw_pair *ret);
/* The pair is not wanted any more. The order is gone after. */
void kw_forge_cancel(struct kw_forge_order *order);

/* Of all its threads; max is 0 if forge is NULL. */
void kw_forge_stats(struct kw_forge *forge, struct kw_ondemand_stats *ret);

#endif
