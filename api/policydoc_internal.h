/* policydoc_internal - the parts of policydoc.c. Nobody else includes it. */
#ifndef KW_API_POLICYDOC_INTERNAL_H
#define KW_API_POLICYDOC_INTERNAL_H

#include "api/json.h"
#include "api/policydoc.h"

/* Where a sentence for the caller goes. */
struct kw_policydoc_why {
    char *text;
    size_t cap;
};

/* kw_policydoc_check() - the grammar of a key policy. Returns: 0 | KW_POLICYDOC_MALFORMED
 * | -ENOMEM */
KW_MUST_CHECK int kw_policydoc_check(
    const json_t *policy, struct kw_bytes partition, struct kw_policydoc_why why);
/* Of a policy that passed the check: can its author call PutKeyPolicy under it? Conditions are not weighed: a
 * statement that allows under a condition allows, one that denies under a condition does not deny, so only
 * what locks out in every case is found. */
KW_MUST_CHECK bool kw_policydoc_locks_out(const json_t *policy, const struct kw_policydoc_author *author);

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
