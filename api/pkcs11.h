/* pkcs11 - one token behind a PKCS#11 module, as a single thread uses it: a session, a user who is logged in,
 * AES keys that never leave the token.
 *
 * Every call may be slow, and belongs on the token's own thread (token.h). The module runs in this process
 * and is trusted like the rest of it.
 */
#ifndef KW_API_PKCS11_H
#define KW_API_PKCS11_H

#include "pool/bytes.h"
#include "pool/sbuf.h"

enum {
    KW_PKCS11_NO_TOKEN = 1,  /* no slot has a token of that label */
    KW_PKCS11_WRONG_PIN = 2, /* the token counts these, and locks its user after some */
    KW_PKCS11_LOCKED = 3,    /* it has done so */
    KW_PKCS11_NO_USER = 4,   /* the token has no user yet */
    KW_PKCS11_USER_BUSY = 5, /* another user is logged in */
    KW_PKCS11_NO_GCM = 6,    /* the token cannot do AES-GCM */
    KW_PKCS11_GONE = 7,      /* session, login or device are lost: close and open again */
    KW_PKCS11_NO_KEY = 8,    /* none of that label, or more than one */
    KW_PKCS11_INVALID = 9,   /* what was to be opened does not authenticate */
    KW_PKCS11_FAILED = 10,   /* anything else */
};
/* For the operator's log. */
const char *kw_pkcs11_condition(int condition);

#define KW_PKCS11_IV_LEN   12u
#define KW_PKCS11_TAG_LEN  16u
#define KW_TOKEN_LABEL_MAX 32u
#define KW_KEY_LABEL_MAX   36u

struct kw_pkcs11;

/* kw_pkcs11_new() - loads the module (which stays loaded: unloading is what modules are worst at) and sets it
 * up. Out on failure: why, a sentence. Returns: 0 | -ENOMEM | -EINVAL (why says) */
KW_MUST_CHECK int kw_pkcs11_new(
    struct kw_pkcs11 **ret, const char *module, const char *token_label, char *why, size_t why_cap);
/* Closes; NULL is fine. */
void kw_pkcs11_free(struct kw_pkcs11 *token);

/* kw_pkcs11_open() - finds the token, opens a session and logs its user in. A user that the token says is
 * locked is not tried. Secret: pin. Returns: 0 | NO_TOKEN | WRONG_PIN | LOCKED | NO_USER | USER_BUSY | NO_GCM
 * | GONE | FAILED */
KW_MUST_CHECK int kw_pkcs11_open(struct kw_pkcs11 *token, struct kw_bytes pin);
/* Logs out and ends the session; fine if there is none. */
void kw_pkcs11_close(struct kw_pkcs11 *token);

/* The rest need an open token. Each returns 0 | GONE | FAILED and what else is said.
 *
 * A key of AES-256, sensitive, never extractable, for this use alone; a label that is taken is refused
 * (FAILED). */
KW_MUST_CHECK int kw_pkcs11_make_key(struct kw_pkcs11 *token, const char *label);
/* | NO_KEY */
KW_MUST_CHECK int kw_pkcs11_destroy_key(struct kw_pkcs11 *token, const char *label);
/* AES-GCM. In: iv, from a good source; some tokens take one of their own instead, which comes back in it.
 * Out: appends ciphertext and tag. Secret: text. | NO_KEY */
KW_MUST_CHECK int kw_pkcs11_seal(struct kw_pkcs11 *token, const char *label, uint8_t iv[KW_PKCS11_IV_LEN],
    struct kw_bytes aad, struct kw_bytes text, struct kw_sbuf *out);
/* Its inverse; out is as it was unless it returns 0. | NO_KEY | INVALID */
KW_MUST_CHECK int kw_pkcs11_unseal(struct kw_pkcs11 *token, const char *label,
    const uint8_t iv[KW_PKCS11_IV_LEN], struct kw_bytes aad, struct kw_bytes text, struct kw_sbuf *out);
/* Appends len bytes of the token's random source. */
KW_MUST_CHECK int kw_pkcs11_random(struct kw_pkcs11 *token, size_t len, struct kw_sbuf *out);

#endif
