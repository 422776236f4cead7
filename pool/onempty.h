/* onempty - what becomes of a request that finds no pair ready.
 *
 * WAIT: it waits in line, up to its deadline, for the workers to fill the pool. GENERATE: it waits in the
 * same line, and a pair is made for it besides, as far as the bound on making allows. REJECT: it is refused
 * at once. The words are those of the option --on-empty.
 *
 * Thread-safety: constant data, pure functions.
 */
#ifndef KW_POOL_ONEMPTY_H
#define KW_POOL_ONEMPTY_H

#include "pool/spec.h"

enum kw_on_empty {
    KW_ON_EMPTY_WAIT,
    KW_ON_EMPTY_GENERATE,
    KW_ON_EMPTY_REJECT,
    KW_ON_EMPTY_NUM,
};

/* "wait", "generate", "reject". policy must be in range. */
const char *kw_on_empty_name(enum kw_on_empty policy);
/* kw_on_empty_parse() - exact, case-sensitive word. Returns 0 or 1 (unknown). */
KW_MUST_CHECK int kw_on_empty_parse(struct kw_bytes word, enum kw_on_empty *ret);
/* kw_on_empty_parse_list() - "generate,RSA_4096=reject": parts separated by commas, each a policy for all
 * specs or SPEC=POLICY for one; what names a spec wins, whatever the order. Out: ret, by spec; a spec that
 * no part concerns keeps what it had. Returns 0 or 1 (malformed, unknown, or a spec or the policy for all
 * twice; ret is untouched). */
KW_MUST_CHECK int kw_on_empty_parse_list(struct kw_bytes text, enum kw_on_empty ret[KW_SPEC_NUM]);

#endif
