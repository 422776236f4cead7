#include "api/enveloped.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/cms.h>
#include <openssl/err.h>

static struct kw_wrapper *wrapper;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return kw_crypto_init() != 0 || kw_wrapper_new(&wrapper) != 0;
}

/* A key from an attestation document: it is refused, or what is sealed for it is CMS that OpenSSL reads. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t space[32 + KW_ENVELOPED_OVERHEAD_MAX];
    struct kw_buf buf = KW_BUF(space, sizeof(space));

    int r = kw_enveloped_seal(wrapper, KW_BYTES(data, len), KW_LIT("plaintext"), &buf);
    kw_assert(ERR_peek_error() == 0);
    kw_assert(r == 0 || (r == KW_ENVELOPED_BAD_KEY && buf.len == 0));
    if (r != 0)
        return 0;
    const unsigned char *at = space;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)buf.len);
    kw_assert(cms != NULL && at == space + buf.len);
    CMS_ContentInfo_free(cms);
    return 0;
}
