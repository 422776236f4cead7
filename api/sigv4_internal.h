/* sigv4_internal - what sigv4.c and sigv4_canonical.c share.
 *
 * Same ownership as sigv4.h: an engine belongs to one thread.
 */
#ifndef KW_API_SIGV4_INTERNAL_H
#define KW_API_SIGV4_INTERNAL_H

#include "api/sigv4_keys.h"

/* Parameters of a query; no operation of KMS has any. */
#define KW_SIGV4_QUERY_MAX 64u
/* A query with every byte written as %XX, an '=' and a '&' for each parameter. */
#define KW_SIGV4_QUERY_BYTES_MAX (3 * KW_HTTP_HEAD_MAX + 2 * KW_SIGV4_QUERY_MAX)
/* Path, query and headers come from one head, and at worst grow threefold; what is not from the head (the
 * line ends, "=" of parameters without one, the SignedHeaders repeated, the body's hash) fits a KiB and
 * another head. */
#define KW_SIGV4_CANONICAL_MAX (4 * KW_HTTP_HEAD_MAX + 1024u)

struct kw_sigv4_engine {
    struct kw_sigv4_keys keys;
    uint8_t query[KW_SIGV4_QUERY_BYTES_MAX];
    uint8_t canonical[KW_SIGV4_CANONICAL_MAX];
};

#endif
