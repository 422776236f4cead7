/* keymeta - a KMS key as DescribeKey shows it, and the members that operations which make keys have in
 * common: Tags, Policy, Description.
 */
#ifndef KW_API_KEYMETA_H
#define KW_API_KEYMETA_H

#include "api/call.h"

/* The structure KeyMetadata as member `name`. */
void kw_keymeta_write(
    const struct kw_call *call, struct kw_json_out *out, const char *name, const struct kw_kms_key *key);
/* {"KeyMetadata": ...} as the whole answer. Returns KW_CALL_DONE. */
int kw_keymeta_answer(struct kw_call *call, const struct kw_kms_key *key);
/* "EncryptionAlgorithms": [...] or its kin, whichever the usage has; nothing if the list is empty. */
void kw_keymeta_write_algorithms(struct kw_json_out *out, enum kw_key_spec spec, enum kw_key_usage usage);

/* kw_keymeta_read_tags() - the list Tags of the input. Out: tags, at most KW_TAGS_MAX, borrowed from the
 * input. Returns: KW_CALL_DONE | KW_CALL_REFUSED (TagException: more, two of a key, a key that begins with
 * aws:) */
KW_MUST_CHECK int kw_keymeta_read_tags(
    struct kw_call *call, struct kw_tag tags[KW_TAGS_MAX], uint32_t *ret_num);
/* Refuses a Description with a NUL, and sets edit->description if it is there. */
KW_MUST_CHECK int kw_keymeta_read_description(struct kw_call *call, struct kw_kms_key *edit);
/* kw_keymeta_read_policy() - the key policy Policy of the input: checked, in the form in which it is kept,
 * and unless BypassPolicyLockoutSafetyCheck is there one that lets the caller change it again. In:      key,
 * whose it will be; NULL: it is not made yet Out:     ret, owned by the caller; untouched if the input has
 * none Returns: KW_CALL_DONE | KW_CALL_REFUSED */
KW_MUST_CHECK int kw_keymeta_read_policy(
    struct kw_call *call, const struct kw_kms_key *key, struct kw_policy **ret);

#endif
