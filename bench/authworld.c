#include "bench/authworld.h"

#include "api/grantindex.h"
#include "api/operations.h"

#include <stdio.h>
#include <stdlib.h>

#define ACCOUNT   "000000000000"
#define REGION    "us-east-1"
#define OPERATION "GenerateDataKeyPairWithoutPlaintext"
#define ARN       "arn:aws:iam::" ACCOUNT ":user/"
/* Callers, or contexts, that take turns. */
#define CALLS_MAX 256u
/* Of one identity policy: 10 KiB. */
#define STATEMENTS_EACH 30u

struct kw_authworld {
    struct kw_authworld_plan plan;
    struct kw_snapshot *snapshot;
    const struct kw_kms_key *key;
    struct kw_grant *extra;
    struct kw_exchange exchange;
    uint32_t num_calls, next;
    struct kw_call *calls[CALLS_MAX];
};

/* ---- policies ---- */

struct writer {
    enum kw_policy_kind kind;
    unsigned statements;
    bool of_others, refuses; /* as in the plan */
};

/* Of a key policy; identity policies have none. */
static void put_principal(struct kw_buf *text, const struct writer *writer, unsigned user)
{
    char line[128];

    snprintf(line, sizeof(line), "\"Principal\":{\"AWS\":\"" ARN "u%u\"},", user);
    if (writer->kind == KW_POLICY_KEY)
        kw_buf_put_str(text, line);
}

/* Every other statement is about another tenant, the rest are about another network: the first condition is
 * as often wrong as the last. */
static void put_statement(struct kw_buf *text, const struct writer *writer, unsigned number)
{
    bool last = number == writer->statements - 1, allows = last && !writer->refuses;
    char line[512];

    kw_buf_put_str(text, number > 0 ? ",{" : "{");
    put_principal(text, writer, writer->of_others && !last ? number + 1 : 0);
    snprintf(line, sizeof(line),
        "\"Effect\":\"Allow\",\"Action\":[\"kms:GenerateDataKeyPair*\",\"kms:Decrypt\"],"
        "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:EncryptionContext:tenant\":\"t%u\"},"
        "\"IpAddress\":{\"aws:SourceIp\":\"%s\"}}}",
        allows || number % 2 == 1 ? 0 : number + 1, allows ? "127.0.0.0/8" : "10.0.0.0/8");
    kw_buf_put_str(text, line);
}

static struct kw_policy *make_policy(const struct writer *writer)
{
    static char room[40960];
    struct kw_buf text = KW_BUF(room, sizeof(room));
    struct kw_policy *policy = NULL;
    char why[256];

    kw_buf_put_str(&text, "{\"Version\":\"2012-10-17\",\"Statement\":[");
    for (unsigned i = 0; i < writer->statements; i++)
        put_statement(&text, writer, i);
    kw_buf_put_str(&text, "]}");
    kw_assert(kw_buf_ok(&text));
    kw_assert(kw_policy_new(&policy, writer->kind, kw_buf_bytes(&text), "aws", why, sizeof(why)) == 0);
    return policy;
}

/* ---- who and what there is ---- */

static void put_key(struct kw_authworld *world)
{
    const struct kw_authworld_plan *plan = &world->plan;
    const struct writer writer = {KW_POLICY_KEY, plan->key_statements, plan->of_others, plan->refused};
    KW_POLICY struct kw_policy *policy = plan->key_statements > 0 ? make_policy(&writer) : NULL;
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    const struct kw_kms_key like = {
        .account = ACCOUNT,
        .region = REGION,
        .id = {1},
        .spec = KW_KEY_SYMMETRIC_DEFAULT,
        .usage = KW_USAGE_ENCRYPT_DECRYPT,
        .origin = KW_ORIGIN_EXTERNAL,
        .state = KW_KEY_PENDING_IMPORT,
        .policy = policy,
    };

    kw_assert(kw_kms_key_new(&key, &like) == 0 && kw_snapshot_put_key(world->snapshot, key) == 0);
    world->key = kw_snapshot_key(world->snapshot, KW_LIT(ACCOUNT), KW_LIT(REGION), like.id);
}

/* Only the first user has policies. */
static void put_user(struct kw_authworld *world, uint32_t number)
{
    const struct kw_authworld_plan *plan = &world->plan;
    unsigned statements = number == 0 ? plan->identity_statements : 0;
    struct kw_named_policy policies[KW_PRINCIPAL_POLICIES_MAX];
    char name[24], names[KW_PRINCIPAL_POLICIES_MAX][16];
    KW_PRINCIPAL struct kw_principal *user = NULL;
    struct kw_principal like = {
        .kind = KW_PRINCIPAL_USER,
        .account = ACCOUNT,
        .path = "/",
        .name = name,
        .enabled = true,
        .policies = policies,
    };

    snprintf(name, sizeof(name), "u%u", number);
    snprintf(like.id, sizeof(like.id), "AIDA%017u", number);
    while (statements > 0) {
        const struct writer writer = {KW_POLICY_IDENTITY, KW_MIN(statements, STATEMENTS_EACH), false,
            statements > STATEMENTS_EACH || plan->refused};
        uint32_t at = like.num_policies++;

        snprintf(names[at], sizeof(names[at]), "p%02u", at);
        policies[at] = (struct kw_named_policy){names[at], make_policy(&writer)};
        statements -= writer.statements;
    }
    kw_assert(kw_principal_new(&user, &like) == 0 && kw_snapshot_put_principal(world->snapshot, user) == 0);
    for (uint32_t i = 0; i < like.num_policies; i++)
        kw_policy_unref(policies[i].policy);
}

/* ---- grants ---- */

static struct kw_grant *make_grant(const struct kw_authworld *world, uint32_t number)
{
    const struct kw_authworld_plan *plan = &world->plan;
    bool alike = plan->grants == KW_GRANTS_OPERATIONS, of_many = plan->grants == KW_GRANTS_OF_MANY;
    bool other = alike && (number != plan->num_grants / 2 || plan->refused);
    char grantee[64], value[24];
    const struct kw_grant_pair pairs[] = {{"tenant", value}, {"department", "it"}};
    struct kw_grant *grant = NULL;
    struct kw_grant like = {
        .account = ACCOUNT,
        .region = REGION,
        .grantee = grantee,
        .operations = kw_grant_operation(other ? KW_LIT("Encrypt") : KW_LIT(OPERATION)),
        .equals = pairs,
        .subset = pairs,
    };

    /* The caller that is refused is u0. */
    snprintf(grantee, sizeof(grantee), ARN "u%u", of_many ? number + (plan->refused ? 1 : 0) : 0);
    snprintf(value, sizeof(value), "t%u", alike ? 0 : number);
    memcpy(like.key_id, world->key->id, sizeof(like.key_id));
    number *= 2654435761u; /* ids come in no order */
    memcpy(like.id, &number, sizeof(number));
    like.has_equals = plan->grants == KW_GRANTS_EQUALS;
    like.num_equals = like.has_equals ? 2 : 0;
    like.has_subset = !like.has_equals && !of_many;
    like.num_subset = plan->grants == KW_GRANTS_PAIRS ? 2 : like.has_subset ? 1 : 0;
    kw_assert(kw_grant_new(&grant, &like) == 0);
    return grant;
}

static void put_grants(struct kw_authworld *world)
{
    for (uint32_t i = 0; i < world->plan.num_grants; i++) {
        struct kw_grant *grant = make_grant(world, i);

        kw_assert(kw_snapshot_put_grant(world->snapshot, grant) == 0);
        kw_grant_unref(grant);
    }
    world->extra = make_grant(world, world->plan.num_grants);
}

/* ---- calls ---- */

static void set_identity(struct kw_identity *identity, uint32_t user)
{
    identity->kind = KW_PRINCIPAL_USER;
    snprintf(identity->account, sizeof(identity->account), ACCOUNT);
    snprintf(identity->root_arn, sizeof(identity->root_arn), "arn:aws:iam::" ACCOUNT ":root");
    snprintf(identity->principal_name, sizeof(identity->principal_name), "u%u", user);
    snprintf(identity->user_id, sizeof(identity->user_id), "AIDA%017u", user);
    snprintf(identity->arn, sizeof(identity->arn), ARN "u%u", user);
    kw_identity_settle(identity);
}

static struct kw_call *make_call(struct kw_authworld *world, uint32_t user, const char *tenant)
{
    struct kw_call *call = calloc(1, sizeof(*call));
    const char *more = world->plan.grants == KW_GRANTS_PAIRS
                           ? ",\"a\":\"1\",\"b\":\"2\",\"c\":\"3\",\"d\":\"4\",\"e\":\"5\",\"f\":\"6\""
                           : "";
    char input[512];
    int index = kw_operation_find(KW_LIT(OPERATION));

    kw_assert(call != NULL && index >= 0);
    call->exchange = &world->exchange;
    call->operation = kw_operations[index];
    call->operation_index = (size_t)index;
    call->message = KW_SBUF_INIT(32 * 1024);
    call->snapshot = world->snapshot;
    snprintf(call->region, sizeof(call->region), REGION);
    set_identity(&call->identity, user);
    snprintf(input, sizeof(input),
        "{\"KeyId\":\"%s\",\"KeyPairSpec\":\"RSA_2048\",\"EncryptionContext\":{\"department\":\"it\","
        "\"tenant\":\"%s\"%s}}",
        world->key->id_text, tenant, more);
    kw_assert(kw_document_parse(&call->document, kw_bytes_str(input), &call->input) == 0);
    return call;
}

/* Each call that is allowed by a grant asks for another one, from all over. */
static void make_calls(struct kw_authworld *world)
{
    const struct kw_authworld_plan *plan = &world->plan;
    bool one = plan->grants == KW_GRANTS_OPERATIONS || plan->num_grants == 0;

    world->num_calls = one ? 1 : KW_MIN(plan->num_grants, CALLS_MAX);
    for (uint32_t i = 0; i < world->num_calls; i++) {
        uint32_t number = (uint32_t)((uint64_t)i * plan->num_grants / world->num_calls);
        bool of_many = plan->grants == KW_GRANTS_OF_MANY && plan->num_grants > 0 && !plan->refused;
        char tenant[24];

        snprintf(tenant, sizeof(tenant), plan->refused && plan->num_grants > 0 ? "x%u" : "t%u", number);
        if (i > 0 && of_many)
            put_user(world, number);
        world->calls[i] = make_call(world, of_many ? number : 0, tenant);
    }
}

struct kw_authworld *kw_authworld_new(const struct kw_authworld_plan *plan)
{
    struct kw_authworld *world = calloc(1, sizeof(*world));

    kw_assert(world != NULL && kw_snapshot_new(&world->snapshot, NULL) == 0);
    world->plan = *plan;
    world->exchange.request.headers[0] = (struct kw_http_header){KW_LIT("User-Agent"), KW_LIT("Boto3/1.26")};
    world->exchange.request.num_headers = 1;
    snprintf(world->exchange.peer, sizeof(world->exchange.peer), "127.0.0.1");
    put_key(world);
    put_user(world, 0);
    put_grants(world);
    make_calls(world);
    return world;
}

void kw_authworld_free(struct kw_authworld *world)
{
    for (uint32_t i = 0; i < world->num_calls; i++) {
        kw_document_done(&world->calls[i]->document);
        kw_sbuf_done(&world->calls[i]->message);
        free(world->calls[i]);
    }
    kw_grant_unref(world->extra);
    kw_snapshot_free(world->snapshot);
    free(world);
}

bool kw_authworld_decide(struct kw_authworld *world)
{
    struct kw_call *call = world->calls[world->next];

    world->next = world->next + 1 < world->num_calls ? world->next + 1 : 0;
    call->principal = NULL; /* each run of an operation looks anew */
    return kw_call_authorize_key(call, world->key) == KW_CALL_DONE;
}

void kw_authworld_add_grant(struct kw_authworld *world)
{
    struct kw_snapshot *next = NULL;

    kw_assert(kw_snapshot_new(&next, world->snapshot) == 0);
    kw_assert(kw_snapshot_put_grant(next, world->extra) == 0);
    kw_snapshot_free(next);
}
