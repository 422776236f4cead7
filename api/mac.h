/* mac - GenerateMac and VerifyMac: HMAC (FIPS 198-1, RFC 2104) with SHA-224, -256, -384 and -512.
 *
 * Contexts fetched once and used again; embedded in its owner, one owner thread. No key stays in it after a
 * call. A key that KMS makes has kw_key_spec_info()->key_len bytes; an imported one may have others.
 */
#ifndef KW_API_MAC_H
#define KW_API_MAC_H

#include "api/algorithm.h"

#include <openssl/types.h>

#define KW_MAC_LEN_MAX 64

struct kw_mac {
    EVP_MAC_CTX *ctx[4]; /* by digest; the keys are in secret memory, as all of OpenSSL's */
};

enum {
    KW_MAC_MISMATCH = 1, /* not the MAC of the message: wrong length or wrong bytes, never said which */
};

/* Returns: 0 | KW_EOPENSSL (kw_mac_done() is due all the same) */
KW_MUST_CHECK int kw_mac_init(struct kw_mac *mac);
/* A zeroed struct is fine. */
void kw_mac_done(struct kw_mac *mac);

/* kw_mac_generate() - In: algorithm, one of the four KW_ALG_HMAC_* (asserted); key, at least 1 byte
 * (asserted). Out: ret_mac, the digest's length. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_mac_generate(struct kw_mac *mac, enum kw_algorithm algorithm, struct kw_bytes key,
    struct kw_bytes message, uint8_t ret_mac[KW_MAC_LEN_MAX], size_t *ret_len);

/* kw_mac_verify() - in time that does not depend on where the MACs differ. Only the whole MAC is one.
 * Returns: 0 | KW_MAC_MISMATCH | KW_EOPENSSL */
KW_MUST_CHECK int kw_mac_verify(struct kw_mac *mac, enum kw_algorithm algorithm, struct kw_bytes key,
    struct kw_bytes message, struct kw_bytes claimed);

#endif
