/* keystore_place - where each sealed value of the keystore belongs.
 *
 * The identity of a record is its name (record.h), which is that of what it holds; its purpose is its kind.
 * So a record opens under its own name and as its own kind only. Pure.
 */
#ifndef KW_API_KEYSTORE_PLACE_H
#define KW_API_KEYSTORE_PLACE_H

#include "api/keystore_seal.h"
#include "api/record.h"

/* name is borrowed and of at most KW_SEAL_IDENTITY_MAX bytes. */
struct kw_seal_place kw_seal_place_record(enum kw_record_kind kind, struct kw_bytes name);

/* A place with room for its identity; not to be copied, since the one points into the other. */
struct kw_row_place {
    struct kw_seal_place place;
    uint8_t identity[KW_SEAL_IDENTITY_MAX];
};

/* Each returns false if a text is longer than any row of ours can have. */
KW_MUST_CHECK bool kw_row_place_secret(struct kw_row_place *ret, struct kw_bytes name);
KW_MUST_CHECK bool kw_row_place_check(struct kw_row_place *ret);

/* What those are made with: begin, fields appended to the buffer (kw_seal_put_field()), end. */
struct kw_buf kw_row_place_begin(struct kw_row_place *place, const char *table, const char *purpose);
KW_MUST_CHECK bool kw_row_place_end(struct kw_row_place *place, const struct kw_buf *identity);

#endif
