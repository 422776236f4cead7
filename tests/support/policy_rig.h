/* policy_rig - callers, requests written as text, and verdicts as text, for tables about policies. */
#ifndef KW_TESTS_SUPPORT_POLICY_RIG_H
#define KW_TESTS_SUPPORT_POLICY_RIG_H

#include "api/policy.h"

#include <check.h>

#define KW_RIG_KEY "arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"

/* A user, the root user and a session of account 111122223333, and a user of 444455556666. */
static const struct kw_caller kw_rig_user = {
    .kind = KW_CALLER_USER,
    .account = {(const uint8_t *)"111122223333", 12},
    .arn = {(const uint8_t *)"arn:aws:iam::111122223333:user/team/me", 38},
    .root_arn = {(const uint8_t *)"arn:aws:iam::111122223333:root", 30},
};
static const struct kw_caller kw_rig_root = {
    .kind = KW_CALLER_ROOT,
    .account = {(const uint8_t *)"111122223333", 12},
    .arn = {(const uint8_t *)"arn:aws:iam::111122223333:root", 30},
    .root_arn = {(const uint8_t *)"arn:aws:iam::111122223333:root", 30},
};
static const struct kw_caller kw_rig_session = {
    .kind = KW_CALLER_SESSION,
    .account = {(const uint8_t *)"111122223333", 12},
    .arn = {(const uint8_t *)"arn:aws:sts::111122223333:assumed-role/build/run-1", 50},
    .role_arn = {(const uint8_t *)"arn:aws:iam::111122223333:role/jobs/build", 41},
    .root_arn = {(const uint8_t *)"arn:aws:iam::111122223333:root", 30},
};
static const struct kw_caller kw_rig_stranger = {
    .kind = KW_CALLER_USER,
    .account = {(const uint8_t *)"444455556666", 12},
    .arn = {(const uint8_t *)"arn:aws:iam::444455556666:user/team/me", 38},
    .root_arn = {(const uint8_t *)"arn:aws:iam::444455556666:root", 30},
};

/* A request with its values that are asked for. */
struct kw_rig_request {
    struct kw_policy_request request; /* first: value_at finds the rest by it */
    size_t num;
    struct {
        enum kw_condkey key;
        struct kw_bytes name, value;
    } values[32];
};

/* As the service does for times: through the scratch, which the next call writes over. */
static inline bool kw_rig_value_at(struct kw_policy_request *request, enum kw_condkey key,
    struct kw_bytes name, size_t index, struct kw_bytes *ret)
{
    struct kw_rig_request *rig = (struct kw_rig_request *)request->arg;

    memset(request->scratch, 'x', sizeof(request->scratch));
    for (size_t i = 0; i < rig->num; i++) {
        if (rig->values[i].key != key || !kw_bytes_equal_nocase(rig->values[i].name, name) || index-- > 0)
            continue;
        *ret = rig->values[i].value;
        if (ret->len > 0 && ret->len <= sizeof(request->scratch)) {
            memcpy(request->scratch, ret->ptr, ret->len);
            ret->ptr = (const uint8_t *)request->scratch;
        }
        return true;
    }
    return false;
}

/* values: KEY=VALUE, one a line; NULL: none. They must outlive the request. */
static inline void kw_rig_ask(struct kw_rig_request *rig, const struct kw_caller *caller, const char *action,
    const char *resource, const char *values)
{
    *rig = (struct kw_rig_request){.request = {.caller = caller,
                                       .action = kw_bytes_str(action),
                                       .resource = kw_bytes_str(resource),
                                       .resource_account = KW_LIT("111122223333"),
                                       .value_at = kw_rig_value_at}};
    rig->request.arg = rig;
    while (values != NULL && *values != '\0') {
        const char *equals = strchr(values, '='), *end = strchrnul(values, '\n');
        struct kw_bytes value = KW_BYTES(equals + 1, (size_t)(end - equals - 1)), name;
        enum kw_condkey key;

        ck_assert_ptr_nonnull(equals);
        ck_assert_int_eq(kw_condkey_find(KW_BYTES(values, (size_t)(equals - values)), &key, &name), 0);
        if (kw_condkey_source(key) == KW_CONDKEY_ONE) {
            rig->request.value[key] = value;
        } else {
            ck_assert_uint_lt(rig->num, KW_ARRAY_LEN(rig->values));
            rig->values[rig->num].key = key;
            rig->values[rig->num].name = name;
            rig->values[rig->num++].value = value;
        }
        values = *end == '\0' ? end : end + 1;
    }
}

static inline struct kw_policy *kw_rig_policy(enum kw_policy_kind kind, const char *text)
{
    struct kw_policy *policy = NULL;
    char why[256];
    int r = kw_policy_new(&policy, kind, kw_bytes_str(text), NULL, why, sizeof(why));

    ck_assert_msg(r == 0, "%s: %s", text, why);
    return policy;
}

/* "D" if a statement denies, then by which names statements allow: "*" anyone, "a" its account, "r" its role,
 * "s" itself. */
static inline const char *kw_rig_verdict(const struct kw_policy *policy, struct kw_rig_request *rig)
{
    static const char letters[] = {
        [KW_MATCH_ANYONE] = '*', [KW_MATCH_ACCOUNT] = 'a', [KW_MATCH_ROLE] = 'r', [KW_MATCH_SELF] = 's'};
    static char verdict[8];
    struct kw_policy_outcome outcome;
    size_t len = 0;

    kw_policy_evaluate(policy, &rig->request, &outcome);
    if (outcome.denies != KW_POLICY_NO_STATEMENT)
        verdict[len++] = 'D';
    for (unsigned i = 0; i < KW_MATCH_NUM; i++) {
        if (outcome.allows[i] != KW_POLICY_NO_STATEMENT)
            verdict[len++] = letters[i];
    }
    verdict[len] = '\0';
    return verdict;
}

#endif
