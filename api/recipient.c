#include "api/recipient.h"

#include "api/datafile.h"
#include "api/enveloped.h"
#include "api/service.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

/* Of a module's id, in the audit record; Nitro's have some 40 characters. */
#define MODULE_ID_MAX 256u

static int refuse(struct kw_call *call, const char *why)
{
    return kw_call_refuse(call, KW_ERROR_VALIDATION, "%s", why);
}

/* A document of the future is as wrong as an old one: someone's clock is. */
static bool is_fresh(const struct kw_attestation *doc, int64_t now_ms)
{
    return doc->timestamp_ms >= now_ms - KW_ATTESTATION_AGE_MS &&
           doc->timestamp_ms <= now_ms + KW_ATTESTATION_AGE_MS;
}

/* What sealing for the key would say of it is said now, while nothing has been taken or made. */
static int check_key(struct kw_call *call, struct kw_bytes public_key)
{
    uint8_t sealed[64 + KW_ENVELOPED_OVERHEAD_MAX];
    struct kw_buf buf = KW_BUF(sealed, sizeof(sealed));
    int r = public_key.ptr == NULL
                ? KW_ENVELOPED_BAD_KEY
                : kw_enveloped_seal(kw_call_wrapper(call), public_key, KW_LIT("key"), &buf);

    ERR_clear_error();
    if (r == KW_ENVELOPED_BAD_KEY)
        return refuse(call, "The attestation document has no public key that is an RSA key of 2048 to 4096 "
                            "bits in DER form.");
    return r == 0 ? KW_CALL_DONE : kw_call_internal(call);
}

/* The document that was kept. False: the call has none. */
static bool read_kept(const struct kw_call *call, struct kw_attestation *ret)
{
    struct kw_bytes text = kw_sbuf_bytes(&call->recipient);
    int r;

    if (text.len == 0)
        return false;
    r = kw_attestation_parse(text, ret);
    kw_assert(r == 0);
    return true;
}

/* The chain and the signature cost milliseconds; what stands in the document is read again after them, which
 * costs next to nothing. */
static int verify(struct kw_call *call, struct kw_bytes text)
{
    struct kw_chore_order chore = {
        .kind = KW_CHORE_ATTEST,
        .input = text,
        .trust = kw_call_service(call)->trust,
        .now_ms = kw_wall_ms(),
    };
    struct kw_buf nothing = KW_BUF(NULL, 0);
    struct kw_attestation doc;
    int outcome = 0, r;

    if (kw_attestation_parse(text, &doc) != 0)
        return refuse(call, "The attestation document is malformed.");
    r = kw_call_chore(call, &chore, &nothing, &outcome);
    if (r != KW_CALL_DONE)
        return r;
    if (outcome == KW_ATTESTATION_UNTRUSTED)
        return refuse(
            call, "The attestation document is not signed by a certificate that a trusted root vouches for.");
    if (outcome != 0)
        return kw_call_internal(call);
    if (!is_fresh(&doc, chore.now_ms))
        return refuse(call, "The attestation document is more than five minutes old or of the future.");
    r = check_key(call, doc.public_key);
    if (r != KW_CALL_DONE)
        return r;
    kw_sbuf_put_bytes(&call->recipient, text);
    return kw_sbuf_ok(&call->recipient) ? KW_CALL_DONE : kw_call_internal(call);
}

int kw_recipient_check(struct kw_call *call)
{
    const struct kw_value *recipient = kw_input_object(call->input, "Recipient");
    uint8_t text[KW_ATTESTATION_MAX + 3];
    struct kw_bytes encoded;
    size_t len;

    if (recipient == NULL || kw_sbuf_bytes(&call->recipient).len > 0)
        return KW_CALL_DONE;
    encoded = kw_input_string(recipient, "AttestationDocument");
    if (encoded.ptr == NULL)
        return refuse(call, "Recipient must have an AttestationDocument.");
    if (kw_input_string(recipient, "KeyEncryptionAlgorithm").ptr == NULL)
        return refuse(call, "Recipient must have a KeyEncryptionAlgorithm.");
    if (encoded.len > KW_BASE64_LEN(KW_ATTESTATION_MAX))
        return refuse(call, "The attestation document is malformed.");
    len = kw_input_blob(recipient, "AttestationDocument", text, sizeof(text));
    return verify(call, KW_BYTES(text, len));
}

int kw_recipient_write(
    struct kw_call *call, struct kw_json_out *out, const char *name, struct kw_bytes plaintext)
{
    uint8_t sealed[KW_ENVELOPED_PLAINTEXT_MAX + 16 + KW_ENVELOPED_OVERHEAD_MAX];
    struct kw_buf buf = KW_BUF(sealed, sizeof(sealed));
    struct kw_attestation doc;

    if (!read_kept(call, &doc)) {
        kw_json_key(out, name);
        kw_json_base64(out, plaintext);
        return KW_CALL_DONE;
    }
    /* OAEP's seed is OpenSSL's own draw; the rest is the wrapper's. */
    if (kw_enveloped_seal(kw_call_wrapper(call), doc.public_key, plaintext, &buf) != 0)
        return kw_call_internal(call);
    kw_json_key(out, "CiphertextForRecipient");
    kw_json_base64(out, kw_buf_bytes(&buf));
    return KW_CALL_DONE;
}

bool kw_recipient_is_attested(const struct kw_call *call)
{
    return kw_sbuf_bytes(&call->recipient).len > 0;
}

/* The measurements that CloudTrail names, of an enclave and of an instance with a NitroTPM. */
static const struct {
    uint8_t pcr;
    const char *name;
} measurements[2][6] = {
    {
        {0, "attestationDocumentEnclaveImageDigest"},
        {1, "attestationDocumentEnclavePCR1"},
        {2, "attestationDocumentEnclavePCR2"},
        {3, "attestationDocumentEnclavePCR3"},
        {4, "attestationDocumentEnclavePCR4"},
        {8, "attestationDocumentEnclavePCR8"},
    },
    {
        {4, "attestationDocumentNitroTPMPCR4"},
        {7, "attestationDocumentNitroTPMPCR7"},
        {8, "attestationDocumentNitroTPMPCR8"},
        {9, "attestationDocumentNitroTPMPCR9"},
        {16, "attestationDocumentNitroTPMPCR16"},
    },
};

void kw_recipient_audit(const struct kw_call *call, struct kw_json_out *out)
{
    struct kw_attestation doc;

    if (!read_kept(call, &doc))
        return;
    kw_json_key(out, "recipient");
    kw_json_begin_object(out);
    kw_json_key(out, "attestationDocumentModuleId");
    kw_json_string(out, kw_bytes_cut(doc.module_id, MODULE_ID_MAX));
    for (size_t i = 0; i < KW_ARRAY_LEN(measurements[0]); i++) {
        struct kw_bytes pcr = doc.pcr[measurements[doc.is_tpm][i].pcr];

        if (pcr.ptr == NULL || measurements[doc.is_tpm][i].name == NULL)
            continue;
        kw_json_key(out, measurements[doc.is_tpm][i].name);
        kw_json_base64(out, pcr);
    }
    kw_json_end_object(out);
}

static int parse_roots(struct kw_attestation_trust **ret, struct kw_bytes pem)
{
    int r = kw_attestation_trust_new(ret, pem);

    ERR_clear_error();
    return r;
}

int kw_recipient_trust(struct kw_attestation_trust **ret, const char *path, char *why, size_t why_cap)
{
    struct kw_buf text;
    int r;

    if (path == NULL)
        return parse_roots(ret, KW_BYTES(NULL, 0));
    text = KW_BUF(malloc(KW_RECIPIENT_ROOTS_MAX), KW_RECIPIENT_ROOTS_MAX);
    if (text.ptr == NULL)
        return -ENOMEM;
    r = kw_datafile_read_public(path, &text);
    if (r < 0 && r != -EFBIG)
        snprintf(why, why_cap, "the attestation root %s cannot be read: %s", path, strerror(-r));
    else
        snprintf(why, why_cap, "the attestation root %s must hold certificates in PEM form and nothing else",
            path);
    /* An empty file must not mean the root of AWS. */
    if (r == 0)
        r = text.len == 0 ? -EINVAL : parse_roots(ret, kw_buf_bytes(&text));
    free(text.ptr);
    return r > 0 ? -EINVAL : r;
}
