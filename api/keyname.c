#include "api/keyname.h"

#define UUID_LEN   36
#define MRK_PREFIX KW_LIT("mrk-")

static bool is_lower_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_lower_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

static struct kw_bytes skip(struct kw_bytes text, size_t num)
{
    return KW_BYTES(text.ptr + num, text.len - num);
}

static bool is_dash_position(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

/* Exactly len lower-case hexadecimal bytes. An id has one spelling only, so that text and bytes name the same
 * key. */
static int decode_lower_hex(struct kw_bytes text, uint8_t *out, size_t len)
{
    bool lower = true;

    for (size_t i = 0; i < text.len; i++)
        lower &= is_lower_hex(text.ptr[i]);
    KW_REQUIRE(lower, KW_KEYNAME_INVALID);
    return kw_hex_decode(text, out, len) == 0 ? 0 : KW_KEYNAME_INVALID;
}

static int parse_id(struct kw_bytes text, struct kw_keyname *name)
{
    name->multi_region = kw_bytes_starts(text, MRK_PREFIX);
    if (name->multi_region)
        return decode_lower_hex(skip(text, MRK_PREFIX.len), name->id, sizeof(name->id));
    return kw_uuid_parse(text, name->id);
}

/* Takes the part of an ARN up to the next colon: 1..max characters of [a-z0-9-]. */
static int take_part(struct kw_bytes *rest, size_t max, struct kw_bytes *ret)
{
    ssize_t colon = kw_bytes_find(*rest, ':');

    KW_REQUIRE(colon > 0 && (size_t)colon <= max, KW_KEYNAME_INVALID);
    *ret = KW_BYTES(rest->ptr, (size_t)colon);
    *rest = skip(*rest, (size_t)colon + 1);
    for (size_t i = 0; i < ret->len; i++)
        KW_REQUIRE(is_lower_alnum(ret->ptr[i]) || ret->ptr[i] == '-', KW_KEYNAME_INVALID);
    return 0;
}

static bool is_account(struct kw_bytes text)
{
    if (text.len != KW_ACCOUNT_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return true;
}

/* arn:PARTITION:kms:REGION:ACCOUNT:key/ID or :alias/NAME */
static int parse_arn(struct kw_bytes text, struct kw_keyname *name)
{
    struct kw_bytes rest = skip(text, 4);
    struct kw_bytes service;

    KW_REQUIRE(take_part(&rest, KW_REGION_MAX, &name->partition) == 0, KW_KEYNAME_INVALID);
    KW_REQUIRE(kw_bytes_starts(name->partition, KW_LIT("aws")), KW_KEYNAME_INVALID);
    KW_REQUIRE(take_part(&rest, 3, &service) == 0, KW_KEYNAME_INVALID);
    KW_REQUIRE(kw_bytes_equal(service, KW_LIT("kms")), KW_KEYNAME_INVALID);
    KW_REQUIRE(take_part(&rest, KW_REGION_MAX, &name->region) == 0, KW_KEYNAME_INVALID);
    KW_REQUIRE(take_part(&rest, KW_ACCOUNT_LEN, &name->account) == 0, KW_KEYNAME_INVALID);
    KW_REQUIRE(is_account(name->account), KW_KEYNAME_INVALID);

    if (kw_bytes_starts(rest, KW_LIT("key/"))) {
        name->form = KW_KEYNAME_ARN;
        return parse_id(skip(rest, 4), name);
    }
    name->form = KW_KEYNAME_ALIAS_ARN;
    name->alias = rest;
    return kw_alias_name_valid(rest) ? 0 : KW_KEYNAME_INVALID;
}

int kw_keyname_parse(struct kw_bytes text, struct kw_keyname *ret)
{
    struct kw_keyname name = {0};
    int r;

    KW_REQUIRE(text.len <= KW_KEY_ID_MAX, KW_KEYNAME_INVALID);
    if (kw_bytes_starts(text, KW_LIT("arn:"))) {
        r = parse_arn(text, &name);
    } else if (kw_bytes_starts(text, KW_LIT("alias/"))) {
        name.form = KW_KEYNAME_ALIAS;
        name.alias = text;
        r = kw_alias_name_valid(text) ? 0 : KW_KEYNAME_INVALID;
    } else {
        name.form = KW_KEYNAME_ID;
        r = parse_id(text, &name);
    }
    if (r == 0)
        *ret = name;
    return r;
}

bool kw_alias_name_valid(struct kw_bytes text)
{
    struct kw_bytes prefix = KW_LIT("alias/");

    if (!kw_bytes_starts(text, prefix) || text.len == prefix.len || text.len > KW_ALIAS_NAME_MAX)
        return false;
    for (size_t i = prefix.len; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (!is_lower_alnum(c) && !(c >= 'A' && c <= 'Z') && c != '/' && c != '_' && c != '-')
            return false;
    }
    return true;
}

void kw_uuid_format(const uint8_t id[16], char ret[36])
{
    char hex[32];
    const char *from = hex;

    kw_hex_encode(id, 16, hex);
    for (size_t i = 0; i < UUID_LEN; i++)
        ret[i] = is_dash_position(i) ? '-' : *from++;
}

int kw_uuid_parse(struct kw_bytes text, uint8_t ret[16])
{
    uint8_t hex[32];
    uint8_t id[16];
    size_t len = 0;

    KW_REQUIRE(text.len == UUID_LEN, KW_KEYNAME_INVALID);
    for (size_t i = 0; i < UUID_LEN; i++) {
        if (!is_dash_position(i))
            hex[len++] = text.ptr[i];
        else if (text.ptr[i] != '-')
            return KW_KEYNAME_INVALID;
    }
    KW_REQUIRE(decode_lower_hex(KW_BYTES(hex, len), id, sizeof(id)) == 0, KW_KEYNAME_INVALID);
    memcpy(ret, id, sizeof(id));
    return 0;
}

void kw_uuid_make_v4(uint8_t id[16])
{
    /* RFC 9562 5.4: the version in the high half of byte 6, the variant in the top two bits of byte 8. */
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
}
