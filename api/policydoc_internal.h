/* policydoc_internal - the parts of policydoc.c, and what policy*.c share with it. */
#ifndef KW_API_POLICYDOC_INTERNAL_H
#define KW_API_POLICYDOC_INTERNAL_H

#include "api/json.h"
#include "api/policydoc.h"

/* Where a sentence for the caller goes. */
struct kw_policydoc_why {
    char *text;
    size_t cap;
};

/* kw_policydoc_check() - the grammar of a kind of policy. partition: of the principals that it may name; ptr
 * NULL: any. Returns: 0 | KW_POLICY_MALFORMED | -ENOMEM */
KW_MUST_CHECK int kw_policydoc_check(
    enum kw_policy_kind kind, const json_t *policy, struct kw_bytes partition, struct kw_policydoc_why why);

/* The items of an element that is one value or a list of them. */
static inline size_t kw_policydoc_num(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : 1;
}
static inline const json_t *kw_policydoc_item(const json_t *value, size_t index)
{
    return json_is_array(value) ? json_array_get(value, index) : value;
}
static inline struct kw_bytes kw_policydoc_text(const json_t *string)
{
    return KW_BYTES(json_string_value(string), json_string_length(string));
}

#endif
