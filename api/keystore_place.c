#include "api/keystore_place.h"

struct kw_seal_place kw_seal_place_record(enum kw_record_kind kind, struct kw_bytes name)
{
    return (struct kw_seal_place){.table = "records", .identity = name, .purpose = kw_record_kind_name(kind)};
}

struct kw_buf kw_row_place_begin(struct kw_row_place *place, const char *table, const char *purpose)
{
    place->place.table = table;
    place->place.purpose = purpose;
    return KW_BUF(place->identity, sizeof(place->identity));
}

bool kw_row_place_end(struct kw_row_place *place, const struct kw_buf *identity)
{
    place->place.identity = kw_buf_bytes(identity);
    return kw_buf_ok(identity);
}

bool kw_row_place_secret(struct kw_row_place *ret, struct kw_bytes name)
{
    struct kw_buf identity = kw_row_place_begin(ret, "secrets", "secret");

    kw_seal_put_field(&identity, name);
    return kw_row_place_end(ret, &identity);
}

bool kw_row_place_check(struct kw_row_place *ret)
{
    struct kw_buf identity = kw_row_place_begin(ret, "meta", "check value");

    kw_seal_put_field(&identity, KW_LIT("check"));
    return kw_row_place_end(ret, &identity);
}
