/* What a call says to policies: each condition key with the value that a request has, and with one that it
 * has not; who the caller is; keys of other accounts. The evaluation itself is test_policy's and
 * test_authz's. */
#include "api/callauthz.h"

#include "api/operations.h"
#include "api/session.h"
#include "engine/crypto.h"
#include "tests/support/entities.h"

#include <jansson.h>

#define ALICE     "arn:aws:iam::" ACCOUNT_TEXT ":user/team/alice"
#define ALICE_ID  "AIDAALICEALICEALICE22"
#define ROLE      "arn:aws:iam::" ACCOUNT_TEXT ":role/work"
#define ROLE_ID   "AROAWORKWORKWORKWORK2"
#define SESSION   "arn:aws:sts::" ACCOUNT_TEXT ":assumed-role/work/today"
#define ALLOW_ALL "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Action':'*','Resource':'*'}]}"

/* Keys of the picture, by number. */
enum { PLAIN = 1, PAIR, PRIMARY, SHARED, CLOSED, OWN_POLICY };

/* ---- a world ---- */

/* Apostrophes become quotation marks. */
static struct kw_bytes json_of(const char *text)
{
    static char room[8][4096];
    static unsigned at;
    char *to = room[at++ % 8];
    size_t len = strlen(text);

    ck_assert_uint_lt(len, sizeof(room[0]));
    for (size_t i = 0; i <= len; i++)
        to[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    return KW_BYTES(to, len);
}

static struct kw_policy *make_policy(enum kw_policy_kind kind, const char *text)
{
    struct kw_policy *policy = NULL;
    char why[256] = "";

    ck_assert_msg(
        kw_policy_new(&policy, kind, json_of(text), "aws", why, sizeof(why)) == 0, "%s: %s", text, why);
    return policy;
}

static void put_key(struct kw_snapshot *snapshot, const struct kw_kms_key *like)
{
    KW_KMS_KEY struct kw_kms_key *key = NULL;

    ck_assert_int_eq(kw_kms_key_new(&key, like), 0);
    ck_assert_int_eq(kw_snapshot_put_key(snapshot, key), 0);
}

static void put_alias(struct kw_snapshot *snapshot, const char *account, const char *name, uint32_t number)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    struct kw_alias like = alias_of(name, number);

    like.account = account;
    ck_assert_int_eq(kw_alias_new(&alias, &like), 0);
    ck_assert_int_eq(kw_snapshot_put_alias(snapshot, alias), 0);
}

static void put_plain(struct kw_snapshot *snapshot)
{
    KW_KMS_KEY struct kw_kms_key *base = new_key(ACCOUNT_TEXT, REGION_TEXT, PLAIN);
    struct kw_tag tags[] = {{"Dept", "blue"}, {"other", ""}};
    struct kw_kms_key like = *base;

    like.tags = tags;
    like.num_tags = 2;
    put_key(snapshot, &like);
    put_alias(snapshot, ACCOUNT_TEXT, "alias/one", PLAIN);
    put_alias(snapshot, ACCOUNT_TEXT, "alias/two", PLAIN);
}

static void put_others(struct kw_snapshot *snapshot)
{
    static const char *const regions[] = {REGION_TEXT, "eu-west-1"};
    KW_POLICY struct kw_policy *shared = make_policy(KW_POLICY_KEY,
        "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Principal':{'AWS':'" ACCOUNT_TEXT
        "'},'Action':'kms:*','Resource':'*'}]}");
    KW_POLICY struct kw_policy *own = make_policy(KW_POLICY_KEY,
        "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Principal':{'AWS':'" ALICE
        "'},'Action':'kms:Encrypt','Resource':'*'}]}");
    KW_KMS_KEY struct kw_kms_key *base = new_key(ACCOUNT_TEXT, REGION_TEXT, PAIR);
    struct kw_kms_key like = *base;

    like.spec = KW_KEY_ECC_NIST_P256;
    like.usage = KW_USAGE_SIGN_VERIFY;
    like.origin = KW_ORIGIN_EXTERNAL;
    put_key(snapshot, &like);
    like = *base;
    id_of(PRIMARY, like.id);
    like.multi_region = true;
    like.primary_region = REGION_TEXT;
    like.regions = regions;
    like.num_regions = 2;
    put_key(snapshot, &like);
    like.region = regions[1];
    put_key(snapshot, &like);
    like = *base;
    id_of(OWN_POLICY, like.id);
    like.policy = own;
    put_key(snapshot, &like);
    like.account = OTHER_TEXT;
    like.policy = shared;
    id_of(SHARED, like.id);
    put_key(snapshot, &like);
    like.policy = NULL;
    id_of(CLOSED, like.id);
    put_key(snapshot, &like);
    put_alias(snapshot, OTHER_TEXT, "alias/shared", SHARED);
    put_alias(snapshot, OTHER_TEXT, "alias/closed", CLOSED);
}

static void put_principal(struct kw_snapshot *snapshot, enum kw_principal_kind kind, const char *path,
    const char *name, const char *id, const char *policy_text)
{
    KW_POLICY struct kw_policy *policy =
        policy_text != NULL ? make_policy(KW_POLICY_IDENTITY, policy_text) : NULL;
    KW_POLICY struct kw_policy *trust = NULL;
    KW_PRINCIPAL struct kw_principal *principal = NULL;
    struct kw_named_policy named = {"its", policy};
    struct kw_tag tags[] = {{"Team", "red"}};
    struct kw_principal like = {.kind = kind,
        .account = ACCOUNT_TEXT,
        .path = path,
        .name = name,
        .enabled = true,
        .num_policies = policy != NULL ? 1 : 0,
        .policies = &named,
        .num_tags = kind == KW_PRINCIPAL_ROOT ? 0 : 1,
        .tags = tags};

    snprintf(like.id, sizeof(like.id), "%s", id);
    if (kind == KW_PRINCIPAL_ROLE) {
        trust = make_policy(KW_POLICY_TRUST, "{'Version':'2012-10-17','Statement':[{'Effect':'Allow',"
                                             "'Principal':{'AWS':'*'},'Action':'sts:AssumeRole'}]}");
        like.trust = trust;
        like.session_max_s = 3600;
    }
    ck_assert_int_eq(kw_principal_new(&principal, &like), 0);
    ck_assert_int_eq(kw_snapshot_put_principal(snapshot, principal), 0);
}

/* With a user and a role who have the policy. */
static struct kw_snapshot *make_world(const char *policy)
{
    struct kw_snapshot *snapshot = NULL;

    ck_assert_int_eq(kw_snapshot_new(&snapshot, NULL), 0);
    put_plain(snapshot);
    put_others(snapshot);
    put_principal(snapshot, KW_PRINCIPAL_ROOT, "/", "root", ACCOUNT_TEXT, NULL);
    put_principal(snapshot, KW_PRINCIPAL_USER, "/team/", "alice", ALICE_ID, policy);
    put_principal(snapshot, KW_PRINCIPAL_ROLE, "/", "work", ROLE_ID, policy);
    return snapshot;
}

static const struct kw_kms_key *key_at(const struct kw_snapshot *snapshot, unsigned number)
{
    uint8_t id[KW_KMS_KEY_ID_LEN];
    const struct kw_kms_key *key;

    id_of(number, id);
    key = kw_snapshot_key(snapshot, number == SHARED || number == CLOSED ? OTHER : ACCOUNT, REGION, id);
    ck_assert_ptr_nonnull(key);
    return key;
}

/* ---- a call ---- */

enum who { USER, USER_SESSION, ROOT, ROLE_SESSION };

static void set_identity(struct kw_identity *identity, enum who who)
{
    memset(identity, 0, sizeof(*identity));
    memcpy(identity->account, ACCOUNT_TEXT, sizeof(ACCOUNT_TEXT));
    snprintf(identity->root_arn, sizeof(identity->root_arn), "arn:aws:iam::" ACCOUNT_TEXT ":root");
    identity->temporary = who == USER_SESSION || who == ROLE_SESSION;
    identity->issued_ms = 1767225600123; /* 2026-01-01T00:00:00Z */
    if (who == ROOT) {
        identity->kind = KW_PRINCIPAL_ROOT;
        snprintf(identity->principal_name, sizeof(identity->principal_name), "root");
        snprintf(identity->user_id, sizeof(identity->user_id), ACCOUNT_TEXT);
        snprintf(identity->arn, sizeof(identity->arn), "%s", identity->root_arn);
    } else if (who == ROLE_SESSION) {
        identity->kind = KW_PRINCIPAL_ROLE;
        snprintf(identity->principal_name, sizeof(identity->principal_name), "work");
        snprintf(identity->session_name, sizeof(identity->session_name), "today");
        snprintf(identity->user_id, sizeof(identity->user_id), ROLE_ID ":today");
        snprintf(identity->arn, sizeof(identity->arn), SESSION);
        snprintf(identity->role_arn, sizeof(identity->role_arn), ROLE);
        snprintf(identity->source_identity, sizeof(identity->source_identity), "carol");
    } else {
        identity->kind = KW_PRINCIPAL_USER;
        snprintf(identity->principal_name, sizeof(identity->principal_name), "alice");
        snprintf(identity->user_id, sizeof(identity->user_id), ALICE_ID);
        snprintf(identity->arn, sizeof(identity->arn), ALICE);
    }
    kw_identity_settle(identity);
}

/* A call on no thread: what is decided needs none. */
static struct kw_call *call_of(
    const struct kw_snapshot *snapshot, enum who who, const char *operation, const char *input)
{
    static struct kw_exchange exchange;
    struct kw_call *call = calloc(1, sizeof(*call));
    int index = kw_operation_find(kw_bytes_str(operation));

    ck_assert_int_ge(index, 0);
    exchange.request.headers[0] = (struct kw_http_header){KW_LIT("User-Agent"), KW_LIT("aws-cli/2.9")};
    exchange.request.headers[1] = (struct kw_http_header){KW_LIT("Referer"), KW_LIT("http://a.example/")};
    exchange.request.num_headers = 2;
    snprintf(exchange.peer, sizeof(exchange.peer), "::ffff:192.0.2.7");
    call->exchange = &exchange;
    call->operation = kw_operations[index];
    call->operation_index = (size_t)index;
    call->message = KW_SBUF_INIT(32 * 1024);
    call->snapshot = snapshot;
    snprintf(call->region, sizeof(call->region), REGION_TEXT);
    set_identity(&call->identity, who);
    ck_assert_int_eq(kw_document_parse(&call->document, json_of(input), &call->input), 0);
    return call;
}

static void call_free(struct kw_call *call)
{
    kw_document_done(&call->document);
    kw_sbuf_done(&call->message);
    free(call);
}

static void expect(struct kw_call *call, int result, enum kw_error error, const char *message)
{
    ck_assert_int_eq(result, KW_CALL_REFUSED);
    ck_assert_str_eq(kw_error_info(call->error)->type, kw_error_info(error)->type);
    ck_assert_uint_eq(call->message.len, strlen(message));
    ck_assert_mem_eq(call->message.ptr, message, call->message.len);
    call->error = KW_ERROR_NONE;
}

/* ---- condition keys ---- */

struct row {
    const char *operation, *input; /* a member KeyId names the key by an alias */
    unsigned key;                  /* 0: none */
    const char *action;            /* NULL: the operation's */
    enum who who;
    const char *condition;
    bool holds;
};

static bool decide(const struct row *row)
{
    char policy[2048];
    struct kw_snapshot *snapshot;
    struct kw_call *call;
    const struct kw_kms_key *key;
    int r;

    snprintf(policy, sizeof(policy),
        "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Action':'kms:*','Resource':'*',"
        "'Condition':{%s}}]}",
        row->condition);
    snapshot = make_world(policy);
    call = call_of(snapshot, row->who, row->operation, row->input);
    call->action = row->action;
    key = row->key != 0 ? key_at(snapshot, row->key) : NULL;
    if (kw_input_has(call->input, "KeyId")) {
        r = kw_call_find_key(call, kw_input_string(call->input, "KeyId"), true);
    } else if (key != NULL) {
        r = kw_call_authorize_key(call, key);
    } else {
        if (strcmp(row->operation, "ReplicateKey") == 0)
            call->key = key_at(snapshot, PRIMARY);
        r = kw_call_authorize(call, "*");
    }
    if (r != KW_CALL_DONE)
        ck_assert_int_eq(call->error, KW_ERROR_ACCESS_DENIED);
    call_free(call);
    kw_snapshot_free(snapshot);
    return r == KW_CALL_DONE;
}

#define CONTEXT "'EncryptionContext':{'App':'x','b':'Y'}"

static const struct row rows[] = {
    /* the caller */
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'aws:PrincipalAccount':'" ACCOUNT_TEXT "'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'kms:CallerAccount':'" ACCOUNT_TEXT "'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'kms:CallerAccount':'" OTHER_TEXT "'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'ArnEquals':{'aws:PrincipalArn':'" ALICE "'}", true},
    {"Encrypt", "{}", PLAIN, NULL, ROLE_SESSION, "'ArnEquals':{'aws:PrincipalArn':'" ROLE "'}", true},
    {"Encrypt", "{}", PLAIN, NULL, ROLE_SESSION, "'ArnEquals':{'aws:PrincipalArn':'" SESSION "'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'aws:PrincipalType':'User'}", true},
    {"Encrypt", "{}", PLAIN, NULL, ROLE_SESSION, "'StringEquals':{'aws:PrincipalType':'AssumedRole'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'aws:username':'alice'}", true},
    {"Encrypt", "{}", PLAIN, NULL, ROLE_SESSION, "'StringLike':{'aws:username':'*'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'aws:userid':'" ALICE_ID "'}", true},
    {"Encrypt", "{}", PLAIN, NULL, ROLE_SESSION, "'StringEquals':{'aws:userid':'" ROLE_ID ":today'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'aws:PrincipalTag/team':'red'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'aws:PrincipalTag/team':'Red'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringLike':{'aws:PrincipalTag/none':'*'}", false},
    {"Encrypt", "{}", PLAIN, NULL, ROLE_SESSION, "'StringEquals':{'aws:SourceIdentity':'carol'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringLike':{'aws:SourceIdentity':'*'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'Bool':{'aws:MultiFactorAuthPresent':'false'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER_SESSION, "'Bool':{'aws:MultiFactorAuthPresent':'false'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER_SESSION, "'Bool':{'aws:MultiFactorAuthPresent':'true'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER_SESSION, "'DateEquals':{'aws:TokenIssueTime':'2026-01-01T00:00:00Z'}",
        true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'DateGreaterThan':{'aws:TokenIssueTime':'2000-01-01T00:00:00Z'}",
        false},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'Bool':{'aws:PrincipalIsAWSService':'false'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'Bool':{'aws:ViaAWSService':'false'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringLike':{'kms:ViaService':'*'}", false},
    /* the request */
    {"Encrypt", "{}", PLAIN, NULL, USER, "'IpAddress':{'aws:SourceIp':'192.0.2.0/29'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'IpAddress':{'aws:SourceIp':'192.0.2.8/29'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringLike':{'aws:UserAgent':'aws-cli/*'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'aws:referer':'http://a.example/'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'Bool':{'aws:SecureTransport':'false'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'aws:RequestedRegion':'us-east-1'}", true},
    {"ListKeys", "{}", 0, NULL, USER, "'StringEquals':{'aws:RequestedRegion':'us-east-1'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'DateGreaterThan':{'aws:CurrentTime':'2025-01-01T00:00:00Z'}",
        true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'DateLessThan':{'aws:CurrentTime':'2025-01-01T00:00:00Z'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'NumericGreaterThan':{'aws:EpochTime':'1735689600'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'NumericLessThan':{'aws:EpochTime':'1735689600'}", false},
    {"Encrypt", "{}", SHARED, NULL, USER, "'StringEquals':{'aws:ResourceAccount':'" OTHER_TEXT "'}", true},
    /* the key */
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'kms:KeySpec':'SYMMETRIC_DEFAULT'}", true},
    {"Sign", "{}", PAIR, NULL, USER, "'StringEquals':{'kms:KeySpec':'ECC_NIST_P256'}", true},
    {"Sign", "{}", PAIR, NULL, USER, "'StringEquals':{'kms:CustomerMasterKeySpec':'ECC_NIST_P256'}", true},
    {"Sign", "{}", PAIR, NULL, USER, "'StringEquals':{'kms:KeyUsage':'SIGN_VERIFY'}", true},
    {"Sign", "{}", PAIR, NULL, USER, "'StringEquals':{'kms:CustomerMasterKeyUsage':'ENCRYPT_DECRYPT'}",
        false},
    {"Sign", "{}", PAIR, NULL, USER, "'StringEquals':{'kms:KeyOrigin':'EXTERNAL'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'Bool':{'kms:MultiRegion':'false'}", true},
    {"Encrypt", "{}", PRIMARY, NULL, USER, "'Bool':{'kms:MultiRegion':'true'}", true},
    {"Encrypt", "{}", PRIMARY, NULL, USER, "'StringEquals':{'kms:MultiRegionKeyType':'PRIMARY'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringLike':{'kms:MultiRegionKeyType':'*'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'aws:ResourceTag/dept':'blue'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'aws:ResourceTag/dept':'Blue'}", false},
    {"Encrypt", "{}", PAIR, NULL, USER, "'StringLike':{'aws:ResourceTag/dept':'*'}", false},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'ForAnyValue:StringEquals':{'kms:ResourceAliases':'alias/two'}",
        true},
    {"Encrypt", "{}", PLAIN, NULL, USER,
        "'ForAllValues:StringEquals':{'kms:ResourceAliases':['alias/one','alias/two']}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'ForAllValues:StringEquals':{'kms:ResourceAliases':'alias/two'}",
        false},
    {"Encrypt", "{}", PAIR, NULL, USER, "'ForAnyValue:StringLike':{'kms:ResourceAliases':'*'}", false},
    {"Encrypt", "{'KeyId':'alias/two'}", 0, NULL, USER, "'StringEquals':{'kms:RequestAlias':'alias/two'}",
        true},
    {"Encrypt", "{'KeyId':'arn:aws:kms:us-east-1:" ACCOUNT_TEXT ":alias/one'}", 0, NULL, USER,
        "'StringEquals':{'kms:RequestAlias':'alias/one'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringLike':{'kms:RequestAlias':'*'}", false},
    {"EnableKey", "{'KeyId':'alias/two'}", 0, NULL, USER, "'StringLike':{'kms:RequestAlias':'*'}", false},
    /* encryption contexts: names without case, values with */
    {"Encrypt", "{" CONTEXT "}", PLAIN, NULL, USER, "'StringEquals':{'kms:EncryptionContext:app':'x'}", true},
    {"Encrypt", "{" CONTEXT "}", PLAIN, NULL, USER, "'StringEquals':{'kms:EncryptionContext:B':'y'}", false},
    {"Encrypt", "{" CONTEXT "}", PLAIN, NULL, USER, "'StringLike':{'kms:EncryptionContext:c':'*'}", false},
    {"Encrypt", "{'EncryptionContext':{'a':'1','A':'2'}}", PLAIN, NULL, USER,
        "'ForAllValues:StringEquals':{'kms:EncryptionContext:a':['1','2']}", true},
    {"Encrypt", "{'EncryptionContext':{'a':'1','A':'2'}}", PLAIN, NULL, USER,
        "'ForAllValues:StringEquals':{'kms:EncryptionContext:a':'1'}", false},
    {"Encrypt", "{" CONTEXT "}", PLAIN, NULL, USER,
        "'ForAllValues:StringEquals':{'kms:EncryptionContextKeys':['App','b']}", true},
    {"Encrypt", "{" CONTEXT "}", PLAIN, NULL, USER,
        "'ForAllValues:StringEquals':{'kms:EncryptionContextKeys':['App']}", false},
    {"Encrypt", "{" CONTEXT "}", PLAIN, NULL, USER,
        "'ForAnyValue:StringEquals':{'kms:EncryptionContextKeys':['z','b']}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'ForAnyValue:StringLike':{'kms:EncryptionContextKeys':'*'}", false},
    {"ReEncrypt", "{'SourceEncryptionContext':{'a':'1'},'DestinationEncryptionContext':{'a':'2'}}", PLAIN,
        "ReEncryptFrom", USER, "'StringEquals':{'kms:EncryptionContext:a':'1'}", true},
    {"ReEncrypt", "{'SourceEncryptionContext':{'a':'1'},'DestinationEncryptionContext':{'a':'2'}}", PLAIN,
        "ReEncryptTo", USER, "'StringEquals':{'kms:EncryptionContext:a':'2'}", true},
    {"ReEncrypt", "{}", PLAIN, "ReEncryptTo", USER, "'Bool':{'kms:ReEncryptOnSameKey':'false'}", true},
    {"ReEncrypt", "{'DestinationEncryptionAlgorithm':'RSAES_OAEP_SHA_1'}", PLAIN, "ReEncryptTo", USER,
        "'StringEquals':{'kms:EncryptionAlgorithm':'RSAES_OAEP_SHA_1'}", true},
    {"Encrypt", "{}", PLAIN, NULL, USER, "'Bool':{'kms:ReEncryptOnSameKey':'false'}", false},
    /* members, and what stands for those that are absent */
    {"Encrypt", "{}", PLAIN, NULL, USER, "'StringEquals':{'kms:EncryptionAlgorithm':'SYMMETRIC_DEFAULT'}",
        true},
    {"Decrypt", "{'EncryptionAlgorithm':'SM2PKE'}", PLAIN, NULL, USER,
        "'StringEquals':{'kms:EncryptionAlgorithm':'SM2PKE'}", true},
    {"GenerateDataKey", "{}", PLAIN, NULL, USER,
        "'StringEquals':{'kms:EncryptionAlgorithm':'SYMMETRIC_DEFAULT'}", true},
    {"GenerateDataKeyPair", "{'KeyPairSpec':'RSA_2048'}", PLAIN, NULL, USER,
        "'StringEquals':{'kms:DataKeyPairSpec':'RSA_2048'}", true},
    {"GenerateDataKeyPairWithoutPlaintext", "{'KeyPairSpec':'RSA_2048'}", PLAIN, NULL, USER,
        "'StringLike':{'kms:DataKeyPairSpec':'ECC*'}", false},
    {"GenerateDataKey", "{'KeyPairSpec':'RSA_2048'}", PLAIN, NULL, USER,
        "'StringLike':{'kms:DataKeyPairSpec':'*'}", false},
    {"Sign", "{'SigningAlgorithm':'ECDSA_SHA_256'}", PAIR, NULL, USER,
        "'StringEquals':{'kms:SigningAlgorithm':'ECDSA_SHA_256','kms:MessageType':'RAW'}", true},
    {"Verify", "{'MessageType':'DIGEST'}", PAIR, NULL, USER, "'StringEquals':{'kms:MessageType':'DIGEST'}",
        true},
    {"GenerateMac", "{'MacAlgorithm':'HMAC_SHA_256'}", PAIR, NULL, USER,
        "'StringEquals':{'kms:MacAlgorithm':'HMAC_SHA_256'}", true},
    {"DeriveSharedSecret", "{'KeyAgreementAlgorithm':'ECDH'}", PAIR, NULL, USER,
        "'StringEquals':{'kms:KeyAgreementAlgorithm':'ECDH'}", true},
    {"GetParametersForImport", "{'WrappingAlgorithm':'RSAES_OAEP_SHA_256','WrappingKeySpec':'RSA_4096'}",
        PAIR, NULL, USER,
        "'StringEquals':{'kms:WrappingAlgorithm':'RSAES_OAEP_SHA_256','kms:WrappingKeySpec':'RSA_4096'}",
        true},
    {"ImportKeyMaterial", "{}", PAIR, NULL, USER,
        "'StringEquals':{'kms:ExpirationModel':'KEY_MATERIAL_EXPIRES'}", true},
    {"ImportKeyMaterial", "{'ValidTo':1767225600}", PAIR, NULL, USER,
        "'DateEquals':{'kms:ValidTo':'2026-01-01T00:00:00Z'}", true},
    {"ImportKeyMaterial", "{'ValidTo':951782400}", PAIR, NULL, USER,
        "'DateEquals':{'kms:ValidTo':'2000-02-29T00:00:00Z'}", true},
    {"ImportKeyMaterial", "{'ValidTo':-1}", PAIR, NULL, USER,
        "'DateEquals':{'kms:ValidTo':'1969-12-31T23:59:59Z'}", true},
    {"ImportKeyMaterial", "{}", PAIR, NULL, USER, "'DateGreaterThan':{'kms:ValidTo':'1970-01-01T00:00:00Z'}",
        false},
    {"ScheduleKeyDeletion", "{}", PLAIN, NULL, USER,
        "'NumericEquals':{'kms:ScheduleKeyDeletionPendingWindowInDays':'30'}", true},
    {"ScheduleKeyDeletion", "{'PendingWindowInDays':7}", PLAIN, NULL, USER,
        "'NumericGreaterThan':{'kms:ScheduleKeyDeletionPendingWindowInDays':'7'}", false},
    {"EnableKeyRotation", "{'RotationPeriodInDays':100}", PLAIN, NULL, USER,
        "'NumericLessThanEquals':{'kms:RotationPeriodInDays':'100'}", true},
    {"PutKeyPolicy", "{}", PLAIN, NULL, USER, "'Bool':{'kms:BypassPolicyLockoutSafetyCheck':'false'}", true},
    {"PutKeyPolicy", "{'BypassPolicyLockoutSafetyCheck':true}", PLAIN, NULL, USER,
        "'Bool':{'kms:BypassPolicyLockoutSafetyCheck':'true'}", true},
    {"ReplicateKey", "{'ReplicaRegion':'eu-west-1'}", PRIMARY, NULL, USER,
        "'StringEquals':{'kms:ReplicaRegion':'eu-west-1','aws:RequestedRegion':'us-east-1'}", true},
    {"ReplicateKey", "{'ReplicaRegion':'eu-west-1'}", 0, "CreateKey", USER,
        "'StringEquals':{'aws:RequestedRegion':'eu-west-1','kms:MultiRegionKeyType':'REPLICA',"
        "'kms:KeySpec':'SYMMETRIC_DEFAULT'}",
        true},
    {"UpdatePrimaryRegion", "{'PrimaryRegion':'eu-west-1'}", PRIMARY, NULL, USER,
        "'StringEquals':{'kms:PrimaryRegion':'eu-west-1'}", true},
    /* keys that are to be made */
    {"CreateKey", "{}", 0, NULL, USER,
        "'StringEquals':{'kms:KeySpec':'SYMMETRIC_DEFAULT','kms:KeyUsage':'ENCRYPT_DECRYPT',"
        "'kms:KeyOrigin':'AWS_KMS'},'Bool':{'kms:MultiRegion':'false','kms:BypassPolicyLockoutSafetyCheck':'"
        "false'}",
        true},
    {"CreateKey", "{'KeySpec':'RSA_2048','KeyUsage':'SIGN_VERIFY','Origin':'EXTERNAL','MultiRegion':true}", 0,
        NULL, USER,
        "'StringEquals':{'kms:KeySpec':'RSA_2048','kms:KeyUsage':'SIGN_VERIFY','kms:KeyOrigin':'EXTERNAL',"
        "'kms:MultiRegionKeyType':'PRIMARY'},'Bool':{'kms:MultiRegion':'true'}",
        true},
    {"CreateKey", "{'CustomerMasterKeySpec':'RSA_3072'}", 0, NULL, USER,
        "'StringEquals':{'kms:KeySpec':'RSA_3072'}", true},
    {"CreateKey", "{'Tags':[{'TagKey':'Dept','TagValue':'blue'}]}", 0, NULL, USER,
        "'StringEquals':{'aws:RequestTag/dept':'blue','aws:ResourceTag/dept':'blue'}", true},
    {"CreateKey", "{'Tags':[{'TagKey':'a','TagValue':''},{'TagKey':'b','TagValue':''}]}", 0, "TagResource",
        USER, "'ForAllValues:StringEquals':{'aws:TagKeys':['a','b']}", true},
    {"TagResource", "{'Tags':[{'TagKey':'a','TagValue':''},{'TagKey':'b','TagValue':''}]}", PLAIN, NULL, USER,
        "'ForAllValues:StringEquals':{'aws:TagKeys':'a'}", false},
    {"UntagResource", "{'TagKeys':['a','b']}", PLAIN, NULL, USER,
        "'ForAnyValue:StringEquals':{'aws:TagKeys':'b'}", true},
    {"UntagResource", "{'TagKeys':['a']}", PLAIN, NULL, USER, "'StringLike':{'aws:RequestTag/a':'*'}", false},
    /* grants that are to be made */
    {"CreateGrant", "{'GranteePrincipal':'" ALICE "','Operations':['Encrypt','Decrypt']}", PLAIN, NULL, USER,
        "'StringEquals':{'kms:GranteePrincipal':'" ALICE
        "'},'ForAllValues:StringEquals':{'kms:GrantOperations':"
        "['Encrypt','Decrypt']},'Bool':{'kms:GrantIsForAWSResource':'false'}",
        true},
    {"CreateGrant", "{'Operations':['Encrypt','Decrypt']}", PLAIN, NULL, USER,
        "'ForAllValues:StringEquals':{'kms:GrantOperations':'Encrypt'}", false},
    {"CreateGrant", "{'RetiringPrincipal':'" ALICE "'}", PLAIN, NULL, USER,
        "'StringEquals':{'kms:RetiringPrincipal':'" ALICE "'}", true},
    {"CreateGrant", "{'Constraints':{'EncryptionContextSubset':{'a':'1'}}}", PLAIN, NULL, USER,
        "'StringEquals':{'kms:GrantConstraintType':'EncryptionContextSubset','kms:EncryptionContext:a':'1'}",
        true},
    {"CreateGrant", "{}", PLAIN, NULL, USER, "'StringLike':{'kms:GrantConstraintType':'*'}", false},
    {"CreateGrant", "{'Constraints':{'EncryptionContextSubset':{}}}", PLAIN, NULL, USER,
        "'StringLike':{'kms:GrantConstraintType':'*'}", false},
    {"CreateGrant", "{'Constraints':{'EncryptionContextEquals':{}}}", PLAIN, NULL, USER,
        "'StringEquals':{'kms:GrantConstraintType':'EncryptionContextEquals'}", true},
};

START_TEST(test_conditions)
{
    const struct row *row = &rows[_i];

    ck_assert_msg(decide(row) == row->holds, "%s %s: %s", row->operation, row->input, row->condition);
}
END_TEST

/* The keys of other accounts: shared, closed, and none. */
#define HIDDEN(operation)                                                                                    \
    "User: " ALICE " is not authorized to perform: kms:" operation                                           \
    " on this resource because the resource does not exist in this Region, no resource-based policies "      \
    "allow "                                                                                                 \
    "access, or a resource-based policy explicitly denies access"

START_TEST(test_other_accounts)
{
    struct kw_snapshot *snapshot = make_world(ALLOW_ALL);
    struct kw_call *call = call_of(snapshot, USER, "Encrypt", "{}");
    const struct kw_kms_key *shared = key_at(snapshot, SHARED), *closed = key_at(snapshot, CLOSED);
    struct kw_bytes nothing =
        KW_LIT("arn:aws:kms:us-east-1:" OTHER_TEXT ":key/12345678-1234-1234-1234-123456789012");

    ck_assert_int_eq(kw_call_find_key(call, kw_bytes_str(shared->arn), true), KW_CALL_DONE);
    ck_assert_ptr_eq(call->key, shared);
    ck_assert_int_eq(
        kw_call_find_key(call, KW_LIT("arn:aws:kms:us-east-1:" OTHER_TEXT ":alias/shared"), true),
        KW_CALL_DONE);
    ck_assert_ptr_eq(call->key, shared);
    ck_assert(kw_bytes_equal(call->alias, KW_LIT("alias/shared")));
    expect(call, kw_call_find_key(call, kw_bytes_str(closed->arn), true), KW_ERROR_ACCESS_DENIED,
        HIDDEN("Encrypt"));
    expect(call, kw_call_find_key(call, nothing, true), KW_ERROR_ACCESS_DENIED, HIDDEN("Encrypt"));
    expect(call, kw_call_find_key(call, KW_LIT("arn:aws:kms:us-east-1:" OTHER_TEXT ":alias/closed"), true),
        KW_ERROR_ACCESS_DENIED, HIDDEN("Encrypt"));
    expect(call, kw_call_find_key(call, KW_LIT("arn:aws:kms:us-east-1:" OTHER_TEXT ":alias/none"), true),
        KW_ERROR_ACCESS_DENIED, HIDDEN("Encrypt"));
    /* A bare id or name is of the caller's own account. */
    expect(call, kw_call_find_key(call, KW_LIT("alias/shared"), true), KW_ERROR_NOT_FOUND,
        "Alias arn:aws:kms:us-east-1:" ACCOUNT_TEXT ":alias/shared is not found.");
    expect(call, kw_call_find_key(call, KW_LIT("arn:aws:kms:eu-west-1:" OTHER_TEXT ":alias/shared"), true),
        KW_ERROR_NOT_FOUND, "Invalid arn eu-west-1");
    ck_assert_int_eq(kw_call_take_blob_key(call, shared), KW_CALL_DONE);
    expect(call, kw_call_take_blob_key(call, closed), KW_ERROR_ACCESS_DENIED,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
        "or you "
        "are not allowed to access.");
    call_free(call);
    /* What does not work across accounts. */
    call = call_of(snapshot, USER, "DisableKey", "{}");
    expect(call, kw_call_find_key(call, kw_bytes_str(shared->arn), false), KW_ERROR_ACCESS_DENIED,
        HIDDEN("DisableKey"));
    expect(call, kw_call_find_key(call, nothing, false), KW_ERROR_ACCESS_DENIED, HIDDEN("DisableKey"));
    call_free(call);
    call = call_of(snapshot, USER, "ListAliases", "{}");
    expect(call, kw_call_find_own_key(call, kw_bytes_str(shared->arn), false), KW_ERROR_ACCESS_DENIED,
        HIDDEN("ListAliases"));
    ck_assert_int_eq(
        kw_call_find_own_key(call, kw_bytes_str(key_at(snapshot, PLAIN)->arn), false), KW_CALL_DONE);
    call_free(call);
    kw_snapshot_free(snapshot);
}
END_TEST

START_TEST(test_own_account)
{
    struct kw_snapshot *snapshot =
        make_world("{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Action':"
                   "'kms:Describe*','Resource':'*'},{'Effect':'Deny','Action':"
                   "'kms:Sign','Resource':'*'}]}");
    const struct kw_kms_key *plain = key_at(snapshot, PLAIN), *own = key_at(snapshot, OWN_POLICY);
    struct kw_call *call = call_of(snapshot, USER, "Encrypt", "{}");
    char text[1024];

    snprintf(text, sizeof(text),
        "User: " ALICE
        " is not authorized to perform: kms:Encrypt on resource: %s because no identity-based policy "
        "allows the kms:Encrypt action",
        plain->arn);
    expect(call, kw_call_take_key(call, plain), KW_ERROR_ACCESS_DENIED, text);
    expect(call, kw_call_take_blob_key(call, plain), KW_ERROR_ACCESS_DENIED, text);
    ck_assert_int_eq(kw_call_take_key(call, own), KW_CALL_DONE); /* the key's policy says so by itself */
    ck_assert_int_eq(kw_call_authorize_key_as(call, "DescribeKey", plain), KW_CALL_DONE);
    snprintf(text, sizeof(text),
        "User: " ALICE
        " is not authorized to perform: kms:DescribeKey on resource: %s because no resource-based "
        "policy allows the kms:DescribeKey action",
        own->arn);
    expect(call, kw_call_authorize_key_as(call, "DescribeKey", own), KW_ERROR_ACCESS_DENIED, text);
    snprintf(text, sizeof(text),
        "User: " ALICE " is not authorized to perform: kms:Sign on resource: %s with an explicit deny in an "
        "identity-based policy",
        plain->arn);
    expect(call, kw_call_authorize_key_as(call, "Sign", plain), KW_ERROR_ACCESS_DENIED, text);
    ck_assert_int_eq(kw_call_refuse_denied(call, plain), KW_CALL_DONE);
    call->action = "Sign";
    expect(call, kw_call_refuse_denied(call, plain), KW_ERROR_ACCESS_DENIED, text);
    call->action = NULL;
    expect(call, kw_call_authorize_as(call, "ListKeys", "*"), KW_ERROR_ACCESS_DENIED,
        "User: " ALICE
        " is not authorized to perform: kms:ListKeys on resource: * because no identity-based policy "
        "allows the kms:ListKeys action");
    call_free(call);
    /* With a new key AWS names no resource. */
    call = call_of(snapshot, USER, "CreateKey", "{'Tags':[{'TagKey':'a','TagValue':''}]}");
    expect(call, kw_call_authorize_as(call, "TagResource", "*"), KW_ERROR_ACCESS_DENIED,
        "User: " ALICE
        " is not authorized to perform: kms:TagResource because no identity-based policy allows the "
        "kms:TagResource action");
    call_free(call);
    kw_snapshot_free(snapshot);
}
END_TEST

/* The root user needs no identity policy; a session is held to its own. */
START_TEST(test_callers)
{
    KW_POLICY struct kw_policy *narrow = make_policy(KW_POLICY_SESSION,
        "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Action':'kms:Decrypt','Resource':'*'}]}");
    struct kw_snapshot *snapshot = make_world(ALLOW_ALL);
    const struct kw_kms_key *plain = key_at(snapshot, PLAIN);
    struct kw_call *call = call_of(snapshot, ROOT, "Encrypt", "{}");
    char text[1024];

    ck_assert_int_eq(kw_call_take_key(call, plain), KW_CALL_DONE);
    ck_assert_int_eq(kw_call_authorize_as(call, "CreateKey", "*"), KW_CALL_DONE);
    call_free(call);
    call = call_of(snapshot, ROLE_SESSION, "Encrypt", "{}");
    ck_assert_int_eq(kw_call_take_key(call, plain), KW_CALL_DONE);
    call->identity.session_policy = narrow;
    ck_assert_int_eq(kw_call_authorize_key_as(call, "Decrypt", plain), KW_CALL_DONE);
    snprintf(text, sizeof(text),
        "User: " SESSION
        " is not authorized to perform: kms:Encrypt on resource: %s because no session policy allows "
        "the kms:Encrypt action",
        plain->arn);
    expect(call, kw_call_take_key(call, plain), KW_ERROR_ACCESS_DENIED, text);
    call_free(call);
    kw_snapshot_free(snapshot);
}
END_TEST

/* Who is gone, disabled, or another of the same name, may nothing, whatever policies say. */
START_TEST(test_gone)
{
    static const char refusal[] = "The security token included in the request is invalid.";
    struct kw_snapshot *snapshot = make_world(ALLOW_ALL);
    const struct kw_kms_key *plain = key_at(snapshot, PLAIN);
    struct kw_call *call = call_of(snapshot, USER, "Encrypt", "{}");
    KW_PRINCIPAL struct kw_principal *disabled = NULL;
    const struct kw_principal *alice =
        kw_snapshot_principal(snapshot, ACCOUNT, KW_PRINCIPAL_USER, KW_LIT("alice"));
    struct kw_principal edit = *alice;
    struct kw_authz_verdict verdict;

    edit.enabled = false;
    ck_assert_int_eq(kw_principal_new(&disabled, &edit), 0);
    ck_assert_int_eq(kw_snapshot_put_principal(snapshot, disabled), 0);
    expect(call, kw_call_take_key(call, plain), KW_ERROR_UNRECOGNIZED_CLIENT, refusal);
    expect(call, kw_call_authorize(call, "*"), KW_ERROR_UNRECOGNIZED_CLIENT, refusal);
    kw_call_explain(call, &(struct kw_call_question){.action = "Encrypt", .key = plain}, &verdict, NULL);
    ck_assert(!verdict.allowed);
    put_principal(snapshot, KW_PRINCIPAL_USER, "/", "alice", "AIDAANOTHERANOTHER222", ALLOW_ALL);
    expect(call, kw_call_take_key(call, plain), KW_ERROR_UNRECOGNIZED_CLIENT, refusal);
    ck_assert_int_eq(kw_snapshot_remove_principal(snapshot,
                         kw_snapshot_principal(snapshot, ACCOUNT, KW_PRINCIPAL_USER, KW_LIT("alice"))),
        0);
    expect(call, kw_call_take_key(call, plain), KW_ERROR_UNRECOGNIZED_CLIENT, refusal);
    call_free(call);
    kw_snapshot_free(snapshot);
}
END_TEST

/* A grant is found with the context of the request. */
START_TEST(test_grants)
{
    struct kw_snapshot *snapshot = make_world(NULL);
    const struct kw_kms_key *closed = key_at(snapshot, CLOSED);
    struct kw_call *call = call_of(snapshot, USER, "Encrypt", "{" CONTEXT "}");
    struct kw_grant_pair pair = {"APP", "x"};
    struct kw_grant like = grant_of(1, CLOSED, NULL);
    KW_GRANT struct kw_grant *grant = NULL;
    struct kw_authz_verdict verdict;

    like.account = OTHER_TEXT;
    like.grantee = ALICE;
    like.operations = 1u << 1; /* Encrypt */
    like.has_subset = true;
    like.num_subset = 1;
    like.subset = &pair;
    ck_assert_int_eq(kw_grant_new(&grant, &like), 0);
    expect(call, kw_call_take_key(call, closed), KW_ERROR_ACCESS_DENIED, HIDDEN("Encrypt"));
    ck_assert_int_eq(kw_snapshot_put_grant(snapshot, grant), 0);
    ck_assert_int_eq(kw_call_take_key(call, closed), KW_CALL_DONE);
    kw_call_explain(call, &(struct kw_call_question){.action = "Encrypt", .key = closed}, &verdict, NULL);
    ck_assert(verdict.allowed && verdict.reason == KW_AUTHZ_BY_GRANT);
    ck_assert_ptr_eq(verdict.grant, grant);
    expect(
        call, kw_call_authorize_key_as(call, "Decrypt", closed), KW_ERROR_ACCESS_DENIED, HIDDEN("Decrypt"));
    kw_call_explain(call, &(struct kw_call_question){.action = "Nothing", .key = closed}, &verdict, NULL);
    ck_assert(!verdict.allowed);
    call_free(call);
    call = call_of(snapshot, USER, "Encrypt", "{'EncryptionContext':{'App':'X'}}");
    expect(call, kw_call_take_key(call, closed), KW_ERROR_ACCESS_DENIED, HIDDEN("Encrypt"));
    call_free(call);
    call = call_of(snapshot, USER, "Encrypt", "{}");
    expect(call, kw_call_take_key(call, closed), KW_ERROR_ACCESS_DENIED, HIDDEN("Encrypt"));
    call_free(call);
    kw_snapshot_free(snapshot);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, test_conditions, 0, (int)KW_ARRAY_LEN(rows));
    tcase_add_test(tcase, test_other_accounts);
    tcase_add_test(tcase, test_own_account);
    tcase_add_test(tcase, test_callers);
    tcase_add_test(tcase, test_gone);
    tcase_add_test(tcase, test_grants);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("callauthz", add, 60);
}
