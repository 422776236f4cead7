#include "engine/rsa/emsa.h"

#include <openssl/evp.h>

#define DIGEST_LEN 32u

/* DigestInfo up to the digest itself (RFC 8017 section 9.2, note 1). */
static const uint8_t prefix[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
    0x02, 0x01, 0x05, 0x00, 0x04, DIGEST_LEN};

/* 0x00 0x01 0xff ... 0xff 0x00 DigestInfo, with eight 0xff at least. */
int kw_emsa_encode(OSSL_LIB_CTX *libctx, struct kw_bytes message, uint8_t *ret, size_t len)
{
    size_t info_len = sizeof(prefix) + DIGEST_LEN, digest_len = 0;
    uint8_t digest[EVP_MAX_MD_SIZE];

    kw_assert(len >= info_len + 11);
    KW_SSL(EVP_Q_digest(libctx, "SHA256", NULL, message.ptr, message.len, digest, &digest_len));
    kw_assert(digest_len == DIGEST_LEN);
    memset(ret, 0xff, len);
    ret[0] = 0;
    ret[1] = 1;
    ret[len - info_len - 1] = 0;
    memcpy(ret + len - info_len, prefix, sizeof(prefix));
    memcpy(ret + len - DIGEST_LEN, digest, DIGEST_LEN);
    return 0;
}
