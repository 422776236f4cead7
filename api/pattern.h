/* pattern - the regular expressions of the service model, each as a function: the whole text matches, as in
 * the model's own validation. Linear in the text, no memory. Pure.
 *
 * Each comment is the expression. Escapes are ASCII's; a range of code points is one of UTF-8 characters.
 */
#ifndef KW_API_PATTERN_H
#define KW_API_PATTERN_H

#include "pool/bytes.h"

bool kw_pattern_account(struct kw_bytes text);     /* [0-9]{12} */
bool kw_pattern_base32(struct kw_bytes text);      /* ^[A-Z2-7]+$ */
bool kw_pattern_base64(struct kw_bytes text);      /* ^[a-zA-Z0-9\/+=]+$ */
bool kw_pattern_cluster(struct kw_bytes text);     /* cluster-[2-7a-zA-Z]{11,16} */
bool kw_pattern_description(struct kw_bytes text); /* ^[a-zA-Z0-9:/_\s.-]+$ */
bool kw_pattern_endpoint(struct kw_bytes text);    /* ^https://[a-zA-Z0-9.-]+$ */
bool kw_pattern_endpoint_path(
    struct kw_bytes text); /* ^(/[a-zA-Z0-9\/_-]+/kms/xks/v\d{1,2})$|^(/kms/xks/v\d{1,2})$ */
bool kw_pattern_endpoint_service(
    struct kw_bytes text); /* ^(com|eu)\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$ */
bool kw_pattern_external_key(struct kw_bytes text); /* ^[a-zA-Z0-9-_.]+$ */
bool kw_pattern_hex(struct kw_bytes text);          /* ^[a-f0-9]+$ */
bool kw_pattern_latin(struct kw_bytes text);        /* [\u0020-\u00FF]* */
bool kw_pattern_latin_lines(struct kw_bytes text);  /* [\u0009\u000A\u000D\u0020-\u00FF]+ */
bool kw_pattern_name(struct kw_bytes text);         /* ^[a-zA-Z0-9:/_-]+$ */
bool kw_pattern_principal(struct kw_bytes text);    /* ^[\w+=,.@:/-]+$ */
bool kw_pattern_region(struct kw_bytes text);       /* ^([a-z]+-){2,3}\d+$ */
bool kw_pattern_word(struct kw_bytes text);         /* [\w]+ */

#endif
