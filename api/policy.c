#include "api/policy_internal.h"

#include "api/policydoc.h"

#include <stdlib.h>

/* ---- the default policy ---- */

static const struct kw_policy_principal default_principals[] = {{.kind = KW_NAMES_OWNER}};
static const struct kw_policy_pattern default_actions[] = {
    {.text = {(const uint8_t *)"kms:*", 5}, .wild = true}};
static const struct kw_policy_arn default_resources[] = {{.num_parts = 0}};
static const struct kw_policy_statement default_statements[] = {{
    .sid = {(const uint8_t *)"Enable IAM User Permissions", 27},
    .allows = true,
    .has_principals = true,
    .has_actions = true,
    .has_resources = true,
    .num_principals = 1,
    .num_actions = 1,
    .num_resources = 1,
    .principals = default_principals,
    .actions = default_actions,
    .resources = default_resources,
}};

/* It counts no references. */
static const struct kw_policy default_policy = {
    .kind = KW_POLICY_KEY,
    .num_statements = 1,
    .statements = default_statements,
};

const struct kw_policy *kw_policy_default(void)
{
    return &default_policy;
}

/* ---- life ---- */

int kw_policy_new(struct kw_policy **ret, enum kw_policy_kind kind, struct kw_bytes text,
    const char *partition, char *why, size_t why_cap)
{
    KW_JSON json_t *root = NULL;
    int r = kw_policydoc_parse(kind, text, partition, &root, why, why_cap);

    KW_TRY(r);
    KW_REQUIRE(r == 0, KW_POLICY_MALFORMED);
    return kw_policy_compile(ret, kind, root, text);
}

const struct kw_policy *kw_policy_ref(const struct kw_policy *policy)
{
    uint32_t before;

    if (policy == &default_policy)
        return policy;
    /* Relaxed: whoever shares a policy holds a reference already. */
    before =
        atomic_fetch_add_explicit(&((struct kw_policy *)(uintptr_t)policy)->refs, 1, memory_order_relaxed);
    kw_assert(before > 0 && before < UINT32_MAX);
    return policy;
}

/* M1 pairs with M2: what any holder read of the policy it read before that is freed. */
void kw_policy_unref(const struct kw_policy *policy)
{
    struct kw_policy *own = (struct kw_policy *)(uintptr_t)policy;
    uint32_t before;

    if (policy == NULL || policy == &default_policy)
        return;
    before = atomic_fetch_sub_explicit(&own->refs, 1, memory_order_release); /* M1 */
    kw_assert(before > 0);
    if (before > 1)
        return;
    (void)atomic_load_explicit(&own->refs, memory_order_acquire); /* M2 */
    free(own);
}

struct kw_bytes kw_policy_text(const struct kw_policy *policy)
{
    return policy->text;
}

uint32_t kw_policy_num_statements(const struct kw_policy *policy)
{
    return policy->num_statements;
}

struct kw_bytes kw_policy_sid(const struct kw_policy *policy, uint32_t statement)
{
    kw_assert(statement < policy->num_statements);
    return policy->statements[statement].sid;
}
