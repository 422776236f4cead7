/* granttoken - grant tokens: opaque text that names a grant, which only this keystore can have made.
 *
 * base64url of: version 1 | grant id 32 | nonce 16 | HMAC-SHA256 of all before it under a secret of the
 * keystore. A grant may have any number of tokens, all as good. A token says nothing of what the grant allows
 * and is no secret. Pure.
 */
#ifndef KW_API_GRANTTOKEN_H
#define KW_API_GRANTTOKEN_H

#include "pool/bytes.h"

#define KW_GRANT_ID_LEN        32u
#define KW_GRANTTOKEN_NONCE    16u
#define KW_GRANTTOKEN_TEXT_MAX 128u

enum { KW_GRANTTOKEN_INVALID = 1 };

/* Out: ret, NUL-terminated. Returns: 0 | KW_EOPENSSL */
KW_MUST_CHECK int kw_granttoken_make(const uint8_t secret[32], const uint8_t grant_id[KW_GRANT_ID_LEN],
    const uint8_t nonce[KW_GRANTTOKEN_NONCE], char ret[KW_GRANTTOKEN_TEXT_MAX]);
/* Whether the grant still exists is another question. Returns: 0 | KW_GRANTTOKEN_INVALID */
KW_MUST_CHECK int kw_granttoken_parse(
    const uint8_t secret[32], struct kw_bytes text, uint8_t ret_grant_id[KW_GRANT_ID_LEN]);

#endif
