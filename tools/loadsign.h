/* loadsign - requests to a KMS endpoint, each signed with AWS Signature Version 4.
 *
 * A request is a text with three holes: time, the scope's date, signature. What is hashed before and behind
 * them is kept as states of SHA-256, so that a signature costs about nine blocks of it. Every request is
 * signed anew. Requests are immutable once built and shared; a signer belongs to one thread. Source: "Create
 * a signed AWS API request" (AWS IAM user guide); FIPS 180-4, 198-1.
 */
#ifndef KW_TOOLS_LOADSIGN_H
#define KW_TOOLS_LOADSIGN_H

/* The functions of OpenSSL that take a state of SHA-256 by value; their successors cannot copy one cheaply.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "pool/bytes.h"

#include <openssl/sha.h>

#define KW_LOAD_STAMP_LEN 16u /* YYYYMMDDTHHMMSSZ */
#define KW_LOAD_ID_LEN    36u /* of a UUID */

/* Who signs. */
struct kw_load_identity {
    char access_key_id[129];
    char secret_access_key[129]; /* secret: its owner erases it */
    char session_token[8192];    /* empty: none */
    char region[64];
    char service[32];
};

struct kw_load_request {
    char *bytes; /* the whole request, holes included; NULL: not built */
    size_t len;
    bool is_signed;
    bool has_id;     /* a signed amz-sdk-invocation-id */
    size_t stamp_at; /* offsets of the holes in bytes */
    size_t date_at;
    size_t id_at;
    size_t signature_at;
    SHA256_CTX before; /* of the canonical request, up to the id or the time */
    char *between;     /* id to time; NULL without an id */
    char *behind;      /* from the time to the end */
    size_t between_len, behind_len;
};

struct kw_load_signer {
    const struct kw_load_identity *identity;
    int64_t second; /* the stamp's, since the epoch; 0 at first */
    char stamp[KW_LOAD_STAMP_LEN + 1];
    uint64_t random[2];      /* state of what ids are made of */
    SHA256_CTX inner, outer; /* of HMAC with the day's key (secret); inner: the string to sign up to
                              * the hash of the canonical request */
};

/* kw_load_request_build() - a POST of the operation ("GenerateDataKey") with a JSON body. In: host, as the
 * Host header has it; with_id: each is to have an id of its own. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_load_request_build(const struct kw_load_identity *identity, const char *host,
    const char *operation, const char *body, bool with_id, struct kw_load_request *ret);
/* kw_load_request_build_get() - a plain GET of the path, not signed. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_load_request_build_get(const char *host, const char *path, struct kw_load_request *ret);
/* A zeroed struct is fine. */
void kw_load_request_done(struct kw_load_request *request);

/* seed: any number that other threads do not have. The identity must outlive it. */
void kw_load_signer_init(
    struct kw_load_signer *signer, const struct kw_load_identity *identity, uint64_t seed);
/* Erases. */
void kw_load_signer_done(struct kw_load_signer *signer);
/* To be called now and then, at least each second: what is signed carries this time. */
void kw_load_signer_set_time(struct kw_load_signer *signer, int64_t wall_ms);

/* kw_load_request_render() - the finished request. In: out, room for request->len bytes. */
void kw_load_request_render(
    const struct kw_load_request *request, struct kw_load_signer *signer, uint8_t *out);

#endif
