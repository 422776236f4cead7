/* material - key material of KMS keys: secret bytes with an id, made once, shared by reference, never
 * changed.
 *
 * Every version of a KMS key in every snapshot refers to the same material, and so do the replicas of a
 * multi-Region key. It lives in secret memory and is wiped with its last reference. Any thread may hold, use
 * and drop references.
 */
#ifndef KW_API_MATERIAL_H
#define KW_API_MATERIAL_H

#include "api/asym.h"
#include "pool/bytes.h"
#include "pool/limits.h"

#include <stdatomic.h>

#define KW_MATERIAL_ID_LEN 32
/* The longest: PKCS#8 of RSA_4096 is some 2,400 bytes. */
#define KW_MATERIAL_SECRET_MAX 4096u
#define KW_MATERIAL_PUBLIC_MAX 1024u

struct kw_material {
    uint8_t id[KW_MATERIAL_ID_LEN];
    struct kw_bytes secret;     /* AES or HMAC key, or PKCS#8 DER */
    struct kw_bytes public_der; /* SubjectPublicKeyInfo of an asymmetric key; else empty */
    /* The private key as OpenSSL has it, made when it is first used: kw_material_asym() */
    _Atomic(const struct kw_asym *) asym;
};

/* kw_material_new() - copies; public_der may be empty.
 * Returns: 0 | 1 (empty, or longer than the maxima) | -ENOMEM */
KW_MUST_CHECK int kw_material_new(struct kw_material **ret, const uint8_t id[KW_MATERIAL_ID_LEN],
    struct kw_bytes secret, struct kw_bytes public_der);
/* ref returns its argument. The last unref wipes and frees; NULL is fine. */
const struct kw_material *kw_material_ref(const struct kw_material *material);
void kw_material_unref(const struct kw_material *material);

/* kw_material_asym() - the parsed private key, which belongs to the material. Lock-free: of two threads that
 * come first at the same time one parses in vain.
 * Returns: 0 | <0 (no private key in it, or memory ran out) */
KW_MUST_CHECK int kw_material_asym(
    const struct kw_material *material, enum kw_key_spec spec, const struct kw_asym **ret);

static inline void kw_material_unrefp(struct kw_material **material)
{
    kw_material_unref(*material);
}
/* Owning local. */
#define KW_MATERIAL KW_CLEANUP(kw_material_unrefp)

#endif
