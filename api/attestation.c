#include "api/attestation.h"
#include "api/cbor.h"

enum { COSE_SIGN1_TAG = 18, COSE_ALG = 1, COSE_ES384 = -35 };
/* Bounds of the document's parts; those of a certificate and of user data in Nitro's documents are 1024, and
 * larger user data has been seen. */
enum { CERTIFICATE_MAX = 2048, PUBLIC_KEY_MAX = 1024, USER_DATA_MAX = 4096, MODULE_ID_MAX = 256 };

/* What was met; each at most once, those before OPTIONAL exactly once. */
enum {
    SEEN_MODULE_ID = 1 << 0,
    SEEN_DIGEST = 1 << 1,
    SEEN_TIMESTAMP = 1 << 2,
    SEEN_PCRS = 1 << 3,
    SEEN_CERTIFICATE = 1 << 4,
    SEEN_CABUNDLE = 1 << 5,
    OPTIONAL = 1 << 6,
    SEEN_PUBLIC_KEY = OPTIONAL,
    SEEN_USER_DATA = 1 << 7,
    SEEN_NONCE = 1 << 8,
};

static int take_bytes(struct kw_cbor *cbor, size_t min, size_t max, struct kw_bytes *ret)
{
    struct kw_cbor_item item;

    KW_REQUIRE(kw_cbor_expect(cbor, KW_CBOR_BYTES, &item) == 0, KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(item.string.len >= min && item.string.len <= max, KW_ATTESTATION_MALFORMED);
    *ret = item.string;
    return 0;
}

/* Optional members may be there as null, which is to be absent. */
static int take_optional(struct kw_cbor *cbor, size_t max, struct kw_bytes *ret)
{
    struct kw_cbor_item item;

    if (kw_cbor_expect(cbor, KW_CBOR_NULL, &item) == 0)
        return 0;
    return take_bytes(cbor, 0, max, ret);
}

static int take_module_id(struct kw_cbor *cbor, struct kw_attestation *doc)
{
    struct kw_cbor_item item;

    KW_REQUIRE(kw_cbor_expect(cbor, KW_CBOR_TEXT, &item) == 0, KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(item.string.len > 0 && item.string.len <= MODULE_ID_MAX, KW_ATTESTATION_MALFORMED);
    doc->module_id = item.string;
    return 0;
}

static int take_digest(struct kw_cbor *cbor)
{
    struct kw_cbor_item item;

    KW_REQUIRE(kw_cbor_expect(cbor, KW_CBOR_TEXT, &item) == 0, KW_ATTESTATION_MALFORMED);
    return kw_bytes_equal(item.string, KW_LIT("SHA384")) ? 0 : KW_ATTESTATION_MALFORMED;
}

static int take_timestamp(struct kw_cbor *cbor, struct kw_attestation *doc)
{
    struct kw_cbor_item item;

    KW_REQUIRE(kw_cbor_expect(cbor, KW_CBOR_UINT, &item) == 0 && item.number > 0, KW_ATTESTATION_MALFORMED);
    doc->timestamp_ms = item.number;
    return 0;
}

static int take_pcr(struct kw_cbor *cbor, struct kw_attestation *doc)
{
    struct kw_cbor_item index;
    struct kw_bytes value;

    KW_REQUIRE(kw_cbor_expect(cbor, KW_CBOR_UINT, &index) == 0, KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(index.number < (int64_t)KW_ATTESTATION_PCRS, KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(doc->pcr[index.number].ptr == NULL, KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(take_bytes(cbor, 32, 64, &value) == 0 && value.len % 16 == 0, KW_ATTESTATION_MALFORMED);
    doc->pcr[index.number] = value;
    return 0;
}

static int take_pcrs(struct kw_cbor *cbor, struct kw_attestation *doc)
{
    struct kw_cbor_item map;

    KW_REQUIRE(kw_cbor_expect(cbor, KW_CBOR_MAP, &map) == 0, KW_ATTESTATION_MALFORMED);
    size_t num = 0;
    for (; kw_cbor_more(cbor, &map); num++) { /* each index once, so 32 at most */
        int r = take_pcr(cbor, doc);
        KW_REQUIRE(r == 0, r);
    }
    return num > 0 ? 0 : KW_ATTESTATION_MALFORMED;
}

static int take_cabundle(struct kw_cbor *cbor, struct kw_attestation *doc)
{
    struct kw_cbor_item array;

    KW_REQUIRE(kw_cbor_expect(cbor, KW_CBOR_ARRAY, &array) == 0, KW_ATTESTATION_MALFORMED);
    while (kw_cbor_more(cbor, &array)) {
        KW_REQUIRE(doc->num_cabundle < KW_ATTESTATION_BUNDLE_MAX, KW_ATTESTATION_MALFORMED);
        int r = take_bytes(cbor, 1, CERTIFICATE_MAX, &doc->cabundle[doc->num_cabundle++]);
        KW_REQUIRE(r == 0, r);
    }
    return doc->num_cabundle > 0 ? 0 : KW_ATTESTATION_MALFORMED;
}

static int name_of(struct kw_bytes name, unsigned *ret)
{
    static const struct {
        const char *name;
        unsigned seen;
    } members[] = {
        {"module_id", SEEN_MODULE_ID},
        {"digest", SEEN_DIGEST},
        {"timestamp", SEEN_TIMESTAMP},
        {"pcrs", SEEN_PCRS},
        {"nitrotpm_pcrs", SEEN_PCRS},
        {"certificate", SEEN_CERTIFICATE},
        {"cabundle", SEEN_CABUNDLE},
        {"public_key", SEEN_PUBLIC_KEY},
        {"user_data", SEEN_USER_DATA},
        {"nonce", SEEN_NONCE},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(members); i++)
        if (kw_bytes_equal(name, kw_bytes_str(members[i].name))) {
            *ret = members[i].seen;
            return 0;
        }
    return KW_ATTESTATION_MALFORMED;
}

static int take_value(struct kw_cbor *cbor, unsigned member, struct kw_attestation *doc)
{
    switch (member) {
    case SEEN_MODULE_ID:
        return take_module_id(cbor, doc);
    case SEEN_DIGEST:
        return take_digest(cbor);
    case SEEN_TIMESTAMP:
        return take_timestamp(cbor, doc);
    case SEEN_PCRS:
        return take_pcrs(cbor, doc);
    case SEEN_CERTIFICATE:
        return take_bytes(cbor, 1, CERTIFICATE_MAX, &doc->certificate);
    case SEEN_CABUNDLE:
        return take_cabundle(cbor, doc);
    case SEEN_PUBLIC_KEY:
        return take_optional(cbor, PUBLIC_KEY_MAX, &doc->public_key);
    case SEEN_USER_DATA:
        return take_optional(cbor, USER_DATA_MAX, &doc->user_data);
    default:
        return take_optional(cbor, USER_DATA_MAX, &doc->nonce);
    }
}

static int take_member(struct kw_cbor *cbor, unsigned *seen, struct kw_attestation *doc)
{
    struct kw_cbor_item key;
    unsigned member = 0;

    KW_REQUIRE(kw_cbor_expect(cbor, KW_CBOR_TEXT, &key) == 0, KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(name_of(key.string, &member) == 0 && (*seen & member) == 0, KW_ATTESTATION_MALFORMED);
    *seen |= member;
    if (kw_bytes_equal(key.string, KW_LIT("nitrotpm_pcrs")))
        doc->is_tpm = true;
    return take_value(cbor, member, doc);
}

static int parse_payload(struct kw_bytes payload, struct kw_attestation *doc)
{
    struct kw_cbor cbor = {payload};
    struct kw_cbor_item map;
    unsigned seen = 0;

    KW_REQUIRE(kw_cbor_expect(&cbor, KW_CBOR_MAP, &map) == 0, KW_ATTESTATION_MALFORMED);
    while (kw_cbor_more(&cbor, &map)) {
        int r = take_member(&cbor, &seen, doc);
        KW_REQUIRE(r == 0, r);
    }
    KW_REQUIRE(kw_cbor_at_end(&cbor), KW_ATTESTATION_MALFORMED);
    return (seen & (OPTIONAL - 1)) == OPTIONAL - 1 ? 0 : KW_ATTESTATION_MALFORMED;
}

/* The protected header says ES384 and nothing else. */
static int check_header(struct kw_bytes header)
{
    struct kw_cbor cbor = {header};
    struct kw_cbor_item map, key, value;

    KW_REQUIRE(kw_cbor_expect(&cbor, KW_CBOR_MAP, &map) == 0 && map.num == 1 && !map.is_open,
        KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(
        kw_cbor_expect(&cbor, KW_CBOR_UINT, &key) == 0 && key.number == COSE_ALG, KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(kw_cbor_expect(&cbor, KW_CBOR_NEGATIVE, &value) == 0 && value.number == COSE_ES384,
        KW_ATTESTATION_MALFORMED);
    return kw_cbor_at_end(&cbor) ? 0 : KW_ATTESTATION_MALFORMED;
}

static int parse_sign1(struct kw_cbor *cbor, struct kw_attestation *doc)
{
    struct kw_cbor_item item;
    struct kw_bytes signature;

    if (kw_cbor_expect(cbor, KW_CBOR_TAG, &item) == 0)
        KW_REQUIRE(item.number == COSE_SIGN1_TAG, KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(kw_cbor_expect(cbor, KW_CBOR_ARRAY, &item) == 0 && item.num == 4 && !item.is_open,
        KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(take_bytes(cbor, 1, 64, &doc->protected_header) == 0, KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(kw_cbor_expect(cbor, KW_CBOR_MAP, &item) == 0 && item.num == 0 && !item.is_open,
        KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(take_bytes(cbor, 1, KW_ATTESTATION_MAX, &doc->payload) == 0, KW_ATTESTATION_MALFORMED);
    KW_REQUIRE(take_bytes(cbor, KW_ATTESTATION_SIGNATURE_LEN, KW_ATTESTATION_SIGNATURE_LEN, &signature) == 0,
        KW_ATTESTATION_MALFORMED);
    doc->signature = signature.ptr;
    return kw_cbor_at_end(cbor) ? 0 : KW_ATTESTATION_MALFORMED;
}

int kw_attestation_parse(struct kw_bytes text, struct kw_attestation *ret)
{
    struct kw_attestation doc = {.timestamp_ms = 0};
    struct kw_cbor cbor = {text};

    KW_REQUIRE(text.len <= KW_ATTESTATION_MAX, KW_ATTESTATION_MALFORMED);
    int r = parse_sign1(&cbor, &doc);
    if (r == 0)
        r = check_header(doc.protected_header);
    if (r == 0)
        r = parse_payload(doc.payload, &doc);
    KW_REQUIRE(r == 0, r);
    *ret = doc;
    return 0;
}
