/* loadplan - what is to be sent where, the same for all threads and rates of a run. Immutable once built. */
#ifndef KW_TOOLS_LOADPLAN_H
#define KW_TOOLS_LOADPLAN_H

#include "tools/loadidentity.h"

#include <openssl/types.h>
#include <sys/socket.h>

#define KW_LOAD_OPS_MAX     16u
#define KW_LOAD_CONTEXT_MAX 16u
#define KW_LOAD_REQUEST_MAX 16000u /* bytes with head and body: a record of TLS */

struct kw_load_endpoint {
    bool tls;
    char host[256];   /* without brackets */
    char header[280]; /* of the Host header */
    char port[6];
    struct sockaddr_storage address;
    socklen_t address_len;
};

/* One operation of the mix. */
struct kw_load_op {
    char name[128];     /* as given: "GenerateDataKey:AES_256" */
    char operation[64]; /* "GenerateDataKey" */
    char parameter[64]; /* "AES_256"; empty: none */
    const char *file;   /* with the body; NULL: made from the other settings */
    uint64_t weight;
    uint64_t threshold; /* sum of the weights up to this one */
    struct kw_load_request request;
};

struct kw_load_plan {
    struct kw_load_endpoint endpoint;
    struct kw_load_identity identity; /* secret in it */
    SSL_CTX *tls;                     /* NULL: plain */
    unsigned num_ops;
    struct kw_load_op ops[KW_LOAD_OPS_MAX];
    size_t request_len_max;
    uint64_t timeout_ns;
    unsigned num_connections;
    unsigned num_threads;
    unsigned cpus[64];                    /* thread i on cpus[i % num_cpus] */
    unsigned num_cpus;                    /* 0: wherever the system puts them */
    bool poisson;                         /* gaps between requests are exponential instead of equal */
    uint64_t burst_on_ns, burst_quiet_ns; /* requests come in the former only; 0: always */
    uint64_t seed;                        /* of the arrivals */
    bool spin;                            /* threads never sleep */
    bool epoll;                           /* instead of io_uring */
};

/* kw_load_endpoint_parse() - "http://HOST[:PORT]", "https://..."; the path may be "/". Does not look the host
 * up. Returns: 0 | 1 (malformed) */
KW_MUST_CHECK int kw_load_endpoint_parse(const char *url, struct kw_load_endpoint *ret);
/* Looks the host up. Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_load_endpoint_resolve(struct kw_load_endpoint *endpoint, char *why, size_t why_cap);

/* kw_load_mix_parse() - "NAME[:PARAMETER|@FILE][=WEIGHT],..."; weights are 1 to 1000000, one if none is
 * given. Out: plan's ops. Returns: NULL | what is wrong */
const char *kw_load_mix_parse(struct kw_load_plan *plan, const char *text);

/* kw_load_body() - the JSON body of the operation's requests. In: key_id, or NULL; context, NAME=VALUE, num
 * of them; ciphertext, what Decrypt is to decrypt, base64. Out: ret, that the caller frees; why. Returns: 0 |
 * 1 (why says) */
KW_MUST_CHECK int kw_load_body(const struct kw_load_op *op, const char *key_id, char *const *context,
    unsigned num_context, const char *ciphertext, char **ret, char *why, size_t why_cap);

#endif
