/* Requests of the operator from any body: the first byte says which request it is, the rest is its JSON. */
#include "api/operator_internal.h"
#include "api/service.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#define ACCOUNT "000000000000"

static struct kw_service service;
static struct kw_operator_thread thread;
static struct kw_snapshot *snapshot;

static const struct kw_policy *compile(enum kw_policy_kind kind, const char *text)
{
    struct kw_policy *policy = NULL;
    char why[256];

    kw_assert(kw_policy_new(&policy, kind, kw_bytes_str(text), NULL, why, sizeof(why)) == 0);
    return policy;
}

static void add_principal(const struct kw_principal *like)
{
    struct kw_principal *principal = NULL;

    kw_assert(kw_principal_new(&principal, like) == 0);
    kw_assert(kw_snapshot_put_principal(snapshot, principal) == 0);
    kw_principal_unref(principal);
}

/* A user with a policy, a role and a root. */
static void make_world(void)
{
    struct kw_named_policy named = {.name = "use",
        .policy =
            compile(KW_POLICY_IDENTITY, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
                                        "\"Action\":\"kms:*\",\"Resource\":\"*\"}}")};
    struct kw_principal like = {.kind = KW_PRINCIPAL_USER,
        .account = ACCOUNT,
        .path = "/",
        .name = "alice",
        .id = "AIDAEXAMPLE",
        .enabled = true,
        .num_policies = 1,
        .policies = &named};

    kw_assert(kw_snapshot_new(&snapshot, NULL) == 0);
    add_principal(&like);
    like.kind = KW_PRINCIPAL_ROLE;
    like.name = "deploy";
    like.session_max_s = KW_SESSION_S_MIN;
    like.trust =
        compile(KW_POLICY_TRUST, "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\","
                                 "\"Principal\":{\"AWS\":\"" ACCOUNT "\"}}}");
    add_principal(&like);
    kw_policy_unref(like.trust);
    kw_policy_unref(named.policy);
    add_principal(&(struct kw_principal){.kind = KW_PRINCIPAL_ROOT,
        .account = ACCOUNT,
        .path = "/",
        .name = "root",
        .id = ACCOUNT,
        .enabled = true});
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    kw_assert(kw_crypto_init() == 0);
    kw_json_init();
    snprintf(service.account, sizeof(service.account), "%s", ACCOUNT);
    thread.service = &service;
    kw_assert(kw_drbg_new(&thread.drbg, NULL) == 0);
    make_world();
    return 0;
}

static const struct kw_operator_request *choose(unsigned number)
{
    const struct kw_operator_request *all[64];
    size_t num = 0;

    for (size_t i = 0; kw_operator_principal_requests[i] != NULL; i++)
        all[num++] = kw_operator_principal_requests[i];
    for (size_t i = 0; kw_operator_key_requests[i] != NULL; i++)
        all[num++] = kw_operator_key_requests[i];
    all[num++] = &kw_operator_explain;
    return all[number % num];
}

/* What goes to the log or the operator is an object of JSON. */
static void check_json(struct kw_sbuf *text)
{
    struct kw_bytes bytes = kw_sbuf_bytes(text);
    json_t *root = json_loadb((const char *)bytes.ptr, bytes.len, JSON_REJECT_DUPLICATES, NULL);

    kw_assert(json_is_object(root));
    json_decref(root);
}

/* Nothing changes, since there is no transaction: all is checked, and what would have been put is laid out.
 */
static void run(struct kw_operator_call *call)
{
    int r = call->request->prepare != NULL ? call->request->prepare(call) : KW_OPERATOR_DONE;

    if (r == KW_OPERATOR_DONE)
        r = call->request->run(call);
    kw_assert(r == KW_OPERATOR_DONE || r == KW_OPERATOR_REFUSED);
    kw_assert((r == KW_OPERATOR_REFUSED) == (call->error != KW_OPERATOR_NONE));
    kw_assert((r == KW_OPERATOR_REFUSED) == (call->message[0] != '\0'));
    kw_assert(call->error != KW_OPERATOR_FAILED);
    if (r == KW_OPERATOR_DONE && call->request->answer == NULL)
        check_json(&call->exchange->answer);
    kw_assert(kw_operator_record_write(call, call->event_id, 0, &call->audit_text) == 0);
    check_json(&call->audit_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct kw_exchange exchange = {.answer = KW_SBUF_INIT(1 << 20)};
    struct kw_operator_call call = {.thread = &thread,
        .exchange = &exchange,
        .snapshot = snapshot,
        .audit_text = KW_SBUF_INIT(KW_AUDIT_RECORD_MAX)};

    if (len == 0)
        return 0;
    call.request = choose(data[0]);
    if (kw_json_parse(KW_BYTES(data + 1, len - 1), &call.input) == 0)
        run(&call);
    json_decref(call.input);
    kw_access_key_unref(call.key);
    kw_policy_unref(call.trust);
    for (size_t i = 0; i < call.num_policies; i++)
        kw_policy_unref(call.policies[i].policy);
    kw_sbuf_done(&call.audit_text);
    kw_sbuf_done(&exchange.answer);
    return 0;
}
