/* keyname - the four forms in which a KMS key is named: key id, key ARN, alias name, alias ARN; and UUIDs.
 *
 * Pure parsing and writing of outside text. A key has one name in each form: hexadecimal digits are
 * lower-case.
 */
#ifndef KW_API_KEYNAME_H
#define KW_API_KEYNAME_H

#include "pool/bytes.h"
#include "pool/limits.h"

enum kw_keyname_form {
    KW_KEYNAME_ID,        /* xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, or mrk- and 32 hex digits */
    KW_KEYNAME_ARN,       /* arn:aws:kms:REGION:ACCOUNT:key/ID */
    KW_KEYNAME_ALIAS,     /* alias/NAME */
    KW_KEYNAME_ALIAS_ARN, /* arn:aws:kms:REGION:ACCOUNT:alias/NAME */
};

struct kw_keyname {
    enum kw_keyname_form form;
    struct kw_bytes partition; /* ARN forms only: "aws", "aws-cn", "aws-us-gov" */
    struct kw_bytes region;    /* ARN forms only */
    struct kw_bytes account;   /* ARN forms only, 12 digits */
    struct kw_bytes alias;     /* alias forms: with its "alias/" prefix */
    uint8_t id[16];            /* key forms */
    bool multi_region;         /* the id had the mrk- form */
};

enum { KW_KEYNAME_INVALID = 1 };

/* The forms mrk-ID and ID of the same 16 bytes are different names: compare multi_region too.
 * Returns: 0 | KW_KEYNAME_INVALID (in no known form) */
KW_MUST_CHECK int kw_keyname_parse(struct kw_bytes text, struct kw_keyname *ret);
/* True for `alias/` and 1.. characters of [a-zA-Z0-9/_-], at most KW_ALIAS_NAME_MAX in all. */
KW_MUST_CHECK bool kw_alias_name_valid(struct kw_bytes text);

/* Lower-case dashed UUID text of 16 bytes; no NUL. */
void kw_uuid_format(const uint8_t id[16], char ret[36]);
/* Its inverse. Returns: 0 | KW_KEYNAME_INVALID */
KW_MUST_CHECK int kw_uuid_parse(struct kw_bytes text, uint8_t ret[16]);
/* Sets version 4 and the variant of RFC 9562 in 16 random bytes. */
void kw_uuid_make_v4(uint8_t id[16]);

#endif
