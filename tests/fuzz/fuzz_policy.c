/* Policies of every kind from any text, asked about a few requests. */
#include "api/policy.h"
#include "api/policydoc.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

static const struct kw_caller callers[] = {
    {.kind = KW_CALLER_USER,
        .account = {(const uint8_t *)"111122223333", 12},
        .arn = {(const uint8_t *)"arn:aws:iam::111122223333:user/me", 33}},
    {.kind = KW_CALLER_ROOT,
        .account = {(const uint8_t *)"111122223333", 12},
        .arn = {(const uint8_t *)"arn:aws:iam::111122223333:root", 30}},
    {.kind = KW_CALLER_SESSION,
        .account = {(const uint8_t *)"444455556666", 12},
        .arn = {(const uint8_t *)"arn:aws:sts::444455556666:assumed-role/build/run", 48},
        .role_arn = {(const uint8_t *)"arn:aws:iam::444455556666:role/build", 36}},
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    kw_assert(kw_crypto_init() == 0);
    kw_json_init();
    return 0;
}

/* Two values of each key that may have several, one of which is in the scratch. */
static bool value_at(struct kw_policy_request *request, enum kw_condkey key, struct kw_bytes name,
    size_t index, struct kw_bytes *ret)
{
    struct kw_buf buf = KW_BUF(request->scratch, sizeof(request->scratch));

    kw_assert(kw_condkey_source(key) == KW_CONDKEY_ASKED || name.len > 0);
    if (index == 1)
        *ret = KW_LIT("Encrypt");
    if (index != 0 || kw_condkey_type(key) == KW_CONDKEY_DATE)
        kw_buf_put_str(&buf, "2026-11-23T10:00:00Z");
    else
        kw_buf_put_str(&buf, "1795428000");
    if (index == 0)
        *ret = kw_buf_bytes(&buf);
    return index < 2;
}

static void ask(struct kw_policy_request *request, const struct kw_caller *caller)
{
    *request = (struct kw_policy_request){
        .caller = caller,
        .action = KW_LIT("kms:PutKeyPolicy"),
        .resource = KW_LIT("arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"),
        .resource_account = KW_LIT("111122223333"),
        .value_at = value_at,
    };
    request->value[KW_CK_AWS_SOURCE_IP] = KW_LIT("192.0.2.7");
    request->value[KW_CK_AWS_USERNAME] = KW_LIT("me");
    request->value[KW_CK_AWS_SECURE_TRANSPORT] = KW_LIT("true");
    request->value[KW_CK_AWS_PRINCIPAL_ARN] = caller->arn;
    request->value[KW_CK_KMS_CALLER_ACCOUNT] = caller->account;
    request->value[KW_CK_KMS_ROTATION_PERIOD] = KW_LIT("90");
}

static bool is_allowed(const struct kw_policy_outcome *outcome)
{
    bool allowed = false;

    for (unsigned i = 0; i < KW_MATCH_NUM; i++)
        allowed |= outcome->allows[i] != KW_POLICY_NO_STATEMENT;
    return allowed && outcome->denies == KW_POLICY_NO_STATEMENT;
}

/* A decision is the same each time, is of statements that there are, and one that lets the caller in is not a
 * lockout. */
static void evaluate(
    const struct kw_policy *policy, const struct kw_caller *caller, struct kw_policy_outcome *ret)
{
    struct kw_policy_outcome again;
    struct kw_policy_request request;

    ask(&request, caller);
    kw_policy_evaluate(policy, &request, ret);
    kw_policy_evaluate(policy, &request, &again);
    kw_assert(memcmp(ret, &again, sizeof(again)) == 0);
    kw_assert(ret->denies == KW_POLICY_NO_STATEMENT || ret->denies < kw_policy_num_statements(policy));
    for (unsigned i = 0; i < KW_MATCH_NUM; i++)
        kw_assert(
            ret->allows[i] == KW_POLICY_NO_STATEMENT || ret->allows[i] < kw_policy_num_statements(policy));
    kw_assert(!is_allowed(ret) || !kw_policy_locks_out(policy, &request));
    request.resource = KW_LIT("");
    kw_assert(!is_allowed(ret) || !kw_policy_locks_out(policy, &request));
}

/* As it is shown, it decides the same. */
static void check_shown(struct kw_bytes text, const struct kw_policy *policy)
{
    KW_SBUF struct kw_sbuf shown = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    KW_POLICY struct kw_policy *kept = NULL;
    char why[64];

    if (kw_policydoc_normalise(text, NULL, &shown, why, sizeof(why)) != 0)
        return;
    kw_assert(kw_policy_new(&kept, KW_POLICY_KEY, kw_sbuf_bytes(&shown), NULL, why, sizeof(why)) == 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(callers); i++) {
        struct kw_policy_outcome a, b;

        evaluate(policy, &callers[i], &a);
        evaluate(kept, &callers[i], &b);
        kw_assert(memcmp(&a, &b, sizeof(a)) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const enum kw_policy_kind kinds[] = {
        KW_POLICY_KEY, KW_POLICY_IDENTITY, KW_POLICY_SESSION, KW_POLICY_TRUST};
    struct kw_bytes text = KW_BYTES(data, len);

    for (size_t i = 0; i < KW_ARRAY_LEN(kinds); i++) {
        KW_POLICY struct kw_policy *policy = NULL;
        struct kw_policy_outcome outcome;
        char why[64];
        int r = kw_policy_new(&policy, kinds[i], text, NULL, why, sizeof(why));

        kw_assert(r == 0 || r == KW_POLICY_MALFORMED);
        kw_assert(memchr(why, '\0', sizeof(why)) != NULL && (r == 0) == (policy != NULL));
        if (r != 0)
            continue;
        kw_assert(kw_bytes_equal(kw_policy_text(policy), text));
        for (size_t c = 0; c < KW_ARRAY_LEN(callers); c++)
            evaluate(policy, &callers[c], &outcome);
        if (kinds[i] == KW_POLICY_KEY)
            check_shown(text, policy);
    }
    return 0;
}
