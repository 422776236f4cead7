#include "api/attestation.h"
#include "api/cbor.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void check_within(struct kw_bytes slice, struct kw_bytes whole)
{
    kw_assert(slice.ptr >= whole.ptr && slice.len <= whole.len);
    kw_assert(slice.ptr + slice.len <= whole.ptr + whole.len);
}

/* An item is skipped as a whole or not at all, and what is skipped is an item by itself. */
static void check_cbor(struct kw_bytes text)
{
    struct kw_cbor cbor = {text};

    if (kw_cbor_skip(&cbor) != 0) {
        kw_assert(cbor.rest.ptr == text.ptr && cbor.rest.len == text.len);
        return;
    }
    kw_assert(cbor.rest.len < text.len && cbor.rest.ptr + cbor.rest.len == text.ptr + text.len);
    const size_t len = text.len - cbor.rest.len;
    cbor.rest = KW_BYTES(text.ptr, len);
    int r = kw_cbor_skip(&cbor);
    kw_assert(r == 0 && kw_cbor_at_end(&cbor));
    cbor.rest = KW_BYTES(text.ptr, len - 1);
    r = kw_cbor_skip(&cbor);
    kw_assert(r == KW_CBOR_MALFORMED);
}

static void check_document(const struct kw_attestation *doc, struct kw_bytes text)
{
    size_t num = 0;

    check_within(doc->payload, text);
    check_within(doc->protected_header, text);
    check_within(KW_BYTES(doc->signature, KW_ATTESTATION_SIGNATURE_LEN), text);
    check_within(doc->module_id, doc->payload);
    check_within(doc->certificate, doc->payload);
    kw_assert(doc->timestamp_ms > 0 && doc->module_id.len > 0);
    kw_assert(doc->num_cabundle > 0 && doc->num_cabundle <= KW_ATTESTATION_BUNDLE_MAX);
    for (size_t i = 0; i < doc->num_cabundle; i++)
        check_within(doc->cabundle[i], doc->payload);
    for (size_t i = 0; i < KW_ATTESTATION_PCRS; i++)
        if (doc->pcr[i].ptr != NULL) {
            check_within(doc->pcr[i], doc->payload);
            kw_assert(doc->pcr[i].len == 32 || doc->pcr[i].len == 48 || doc->pcr[i].len == 64);
            num++;
        }
    kw_assert(num > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct kw_bytes text = KW_BYTES(data, len);
    struct kw_attestation doc;

    check_cbor(text);
    if (kw_attestation_parse(text, &doc) != 0)
        return 0;
    check_document(&doc, text);
    int r = kw_attestation_parse(KW_BYTES(data, len - 1), &doc);
    kw_assert(r == KW_ATTESTATION_MALFORMED);
    return 0;
}
