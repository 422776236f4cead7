/* sigv4 - verifies AWS Signature Version 4 in its header form.
 *
 * Source: "Create a signed AWS API request" (AWS IAM user guide): canonical request, string to sign, signing
 * key. Parsing is pure. Verification uses SHA-256 and HMAC from OpenSSL; signing keys live in
 * secret memory, or on the stack under an erase guard. The comparison is in constant time. Any thread with
 * its own kw_sigv4_engine.
 */
#ifndef KW_API_SIGV4_H
#define KW_API_SIGV4_H

#include "api/http.h"

enum {
    KW_SIGV4_MISSING = 1,    /* no Authorization header and no signature in the query */
    KW_SIGV4_INCOMPLETE = 2, /* malformed, or a required part is missing */
    KW_SIGV4_MISMATCH = 3,   /* the signature is wrong */
    KW_SIGV4_EXPIRED = 4,    /* signed more than KW_CLOCK_SKEW_MS ago */
    KW_SIGV4_EARLY = 5,      /* signed more than KW_CLOCK_SKEW_MS in the future */
};

#define KW_SIGV4_STAMP_LEN  16u  /* YYYYMMDDTHHMMSSZ */
#define KW_SIGV4_SECRET_MAX 128u /* AWS's secret access keys have 40 characters */
#define KW_SIGV4_WHY_MAX    512u /* every sentence about a refusal fits */

/* What the Authorization and date headers claim; slices into the request. */
struct kw_sigv4_claim {
    struct kw_bytes access_key_id;
    struct kw_bytes scope_date; /* YYYYMMDD */
    struct kw_bytes region;
    struct kw_bytes service;
    struct kw_bytes signed_headers; /* "content-type;host;x-amz-date" */
    struct kw_bytes amz_date;       /* YYYYMMDDTHHMMSSZ */
    struct kw_bytes session_token;  /* X-Amz-Security-Token, empty if none */
    uint8_t signature[32];
    int64_t signed_at_ms;
};

/* Scratch memory, and signing keys that were derived before; secret memory, one owner thread. */
struct kw_sigv4_engine;
KW_MUST_CHECK int kw_sigv4_engine_new(struct kw_sigv4_engine **ret);
void kw_sigv4_engine_free(struct kw_sigv4_engine *engine);
static inline void kw_sigv4_engine_freep(struct kw_sigv4_engine **engine)
{
    kw_sigv4_engine_free(*engine);
}
#define KW_SIGV4_ENGINE KW_CLEANUP(kw_sigv4_engine_freep)

/* kw_sigv4_parse() - reads the claim. Requires that host, x-amz-date (or date, in the same form) and every
 * x-amz-* header sent are among the signed ones, that SignedHeaders is sorted, lower-case and without
 * repeats, that each signed header is present, and that the scope's date is that of the signature. Out on
 * KW_SIGV4_INCOMPLETE: why, the sentence AWS answers with (cap bytes, NUL-terminated; never any part of a
 * signature; quotes at most a bounded, printable part of the request). KW_SIGV4_WHY_MAX bytes hold the
 * longest. Returns: 0 | KW_SIGV4_MISSING | KW_SIGV4_INCOMPLETE */
KW_MUST_CHECK int kw_sigv4_parse(
    const struct kw_http_request *request, struct kw_sigv4_claim *ret, char *why, size_t why_cap);

/* kw_sigv4_verify() - recomputes the signature with the secret access key (1..KW_SIGV4_SECRET_MAX bytes).
 * body is the whole body; when the request carries x-amz-content-sha256, it must be the body's hash (so
 * UNSIGNED-PAYLOAD is refused). The signing key that is derived is kept for the next request of the same
 * claim->access_key_id, secret, day, Region and service (sigv4_keys.h).
 * Out on EXPIRED and EARLY: why, AWS's sentence. Freshness is judged after the signature.
 * Returns: 0 | KW_SIGV4_MISMATCH | KW_SIGV4_EXPIRED | KW_SIGV4_EARLY | KW_EOPENSSL */
KW_MUST_CHECK int kw_sigv4_verify(struct kw_sigv4_engine *engine, const struct kw_http_request *request,
    struct kw_bytes body, const struct kw_sigv4_claim *claim, struct kw_bytes secret_access_key,
    int64_t now_ms, char *why, size_t why_cap);

/* Wipes the signing keys that were kept of an access key id which is no longer good. */
void kw_sigv4_forget(struct kw_sigv4_engine *engine, struct kw_bytes access_key_id);

/* The three steps of verification, for signers and for tests against the public vectors.
 *
 * kw_sigv4_canonical_request() - normalize: collapse "." and ".." and repeated slashes in the path (every
 * service but S3). Out: appended to ret. Returns: 0 | 1 (does not fit, or more parameters in the query than
 * any request of ours has) | KW_EOPENSSL */
KW_MUST_CHECK int kw_sigv4_canonical_request(struct kw_sigv4_engine *engine,
    const struct kw_http_request *request, struct kw_bytes body, struct kw_bytes signed_headers,
    bool normalize, struct kw_buf *ret);

/* kw_sigv4_string_to_sign() - In: claim's date, region, service and signed_at_ms. Returns: 0 | 1 (does not
 * fit; 512 bytes always hold it) | KW_EOPENSSL */
KW_MUST_CHECK int kw_sigv4_string_to_sign(struct kw_sigv4_engine *engine, const struct kw_sigv4_claim *claim,
    struct kw_bytes canonical_request, struct kw_buf *ret);

/* kw_sigv4_sign() - Secret: secret_access_key (1..KW_SIGV4_SECRET_MAX bytes). Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_sigv4_sign(struct kw_sigv4_engine *engine, const struct kw_sigv4_claim *claim,
    struct kw_bytes secret_access_key, struct kw_bytes string_to_sign, uint8_t out[32]);

/* Time since the epoch as YYYYMMDDTHHMMSSZ, whole seconds, NUL-terminated; for years 0 to 9999. */
void kw_sigv4_stamp_format(int64_t ms, char ret[KW_SIGV4_STAMP_LEN + 1]);
/* Its inverse; a date and time that exist. Returns: 0 | 1 (malformed) */
KW_MUST_CHECK int kw_sigv4_stamp_parse(struct kw_bytes text, int64_t *ret_ms);

#endif
