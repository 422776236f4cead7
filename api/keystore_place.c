#include "api/keystore_place.h"

static struct kw_buf place_begin(struct kw_place *place, const char *table, const char *purpose)
{
    place->place.table = table;
    place->place.purpose = purpose;
    return KW_BUF(place->identity, sizeof(place->identity));
}

static bool place_end(struct kw_place *place, const struct kw_buf *identity)
{
    place->place.identity = kw_buf_bytes(identity);
    return kw_buf_ok(identity);
}

bool kw_place_backing(struct kw_place *ret, const uint8_t key_id[KW_KMS_KEY_ID_LEN], struct kw_bytes account,
    struct kw_bytes region, const uint8_t material_id[KW_MATERIAL_ID_LEN], uint32_t ordinal)
{
    struct kw_buf identity = place_begin(ret, "backing_keys", "backing key");

    kw_seal_put_field(&identity, KW_BYTES(key_id, KW_KMS_KEY_ID_LEN));
    kw_seal_put_field(&identity, account);
    kw_seal_put_field(&identity, region);
    kw_seal_put_field(&identity, KW_BYTES(material_id, KW_MATERIAL_ID_LEN));
    kw_buf_put_be32(&identity, ordinal);
    return place_end(ret, &identity);
}

bool kw_place_principal(struct kw_place *ret, const struct kw_principal_fields *fields)
{
    struct kw_buf identity = place_begin(ret, "principals", "secret access key");

    kw_seal_put_field(&identity, fields->access_key_id);
    kw_seal_put_field(&identity, fields->account);
    kw_seal_put_field(&identity, fields->user_name);
    kw_seal_put_field(&identity, fields->principal_id);
    kw_buf_put_u8(&identity, fields->administrator);
    kw_buf_put_u8(&identity, fields->enabled);
    return place_end(ret, &identity);
}

bool kw_place_secret(struct kw_place *ret, struct kw_bytes name)
{
    struct kw_buf identity = place_begin(ret, "secrets", "secret");

    kw_seal_put_field(&identity, name);
    return place_end(ret, &identity);
}

bool kw_place_check(struct kw_place *ret)
{
    struct kw_buf identity = place_begin(ret, "meta", "check value");

    kw_seal_put_field(&identity, KW_LIT("check"));
    return place_end(ret, &identity);
}
