/* authz_decide - answers questions of authorisation, one JSON object a line, each with the verdict as one.
 *
 * A question, where all but caller, action, resource and resource_account may be missing:
 *
 *     {"caller": {"kind": "root" | "user" | "session", "account", "arn", "role_arn", "root_arn"},
 *      "action": "kms:Encrypt", "resource": ARN or "*", "resource_account",
 *      "key_policy": TEXT, "identity": [TEXT ...], "session": TEXT,    policies as documents
 *      "values": {CONDITION KEY: TEXT or [TEXT ...]}, "across": true,
 *      "grants": [{"id": NUMBER, "grantee", "operations": [NAME ...], "equals": {}, "subset": {},
 * "other_key": true}], "context": {NAME: VALUE}, "child": a grant that the caller wants to create}
 *
 * The verdict: {"allowed", "reason", "policy", "key_statement", "identity_index", "identity_statement",
 * "session_statement", "grant", "refusal"}, where numbers that say nothing are null; of a policy that is
 * malformed {"malformed": its member, "why"}; and of {"child", "parent"} alone {"within": whether the one is
 * as strict}.
 *
 * Policies are compiled, and grants are put into a picture of the keystore with their key, as in a server.
 */
#include "api/authz.h"
#include "api/grantindex.h"
#include "api/json.h"
#include "engine/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#define IDENTITY_MAX 20u
#define PAIRS_MAX    64u
#define GRANTS_MAX   64u

static const char region[] = "us-east-1";

/* A question and all that was made of it. */
struct asked {
    const json_t *root;
    struct kw_caller caller;
    struct kw_policy_request request;
    struct kw_policy *key_policy, *session, *identity[IDENTITY_MAX];
    size_t num_identity;
    struct kw_snapshot *snapshot;
    struct kw_kms_key *key;
    struct kw_grant *child;
    struct kw_grant_pair_bytes pairs[PAIRS_MAX];
    struct kw_grant_context context;
    const char *malformed; /* the member that is */
    char why[256];
};

/* What a question has wrong is its author's mistake: this is a test's tool. */
static KW_PRINTF(1, 2) void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

static void must(int r, const char *what)
{
    if (r != 0)
        die("%s: %d", what, r);
}

static struct kw_bytes text_of(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);

    return json_is_string(value) ? KW_BYTES(json_string_value(value), json_string_length(value))
                                 : KW_BYTES(NULL, 0);
}

static struct kw_bytes text_at(const json_t *array, size_t i)
{
    const json_t *value = json_is_array(array) ? json_array_get(array, i) : i == 0 ? array : NULL;

    return json_is_string(value) ? KW_BYTES(json_string_value(value), json_string_length(value))
                                 : KW_BYTES(NULL, 0);
}

/* ---- condition values ---- */

static bool value_at(struct kw_policy_request *request, enum kw_condkey key, struct kw_bytes name,
    size_t index, struct kw_bytes *ret)
{
    const struct asked *asked = request->arg;
    const char *member;
    json_t *values;

    json_object_foreach(json_object_get(asked->root, "values"), member, values)
    {
        enum kw_condkey found = KW_CK_NUM;
        struct kw_bytes found_name = KW_BYTES(NULL, 0), value;

        if (kw_condkey_find(kw_bytes_str(member), &found, &found_name) != 0 || found != key ||
            !kw_bytes_equal_nocase(found_name, name))
            continue;
        size_t num = json_is_array(values) ? json_array_size(values) : 1;
        if (index >= num) {
            index -= num;
            continue;
        }
        value = text_at(values, index);
        if (value.ptr == NULL)
            die("%s: no text", member);
        *ret = value;
        return true;
    }
    return false;
}

static void read_values(struct asked *asked)
{
    const char *member;
    json_t *values;

    json_object_foreach(json_object_get(asked->root, "values"), member, values)
    {
        enum kw_condkey key;
        struct kw_bytes name;

        if (kw_condkey_find(kw_bytes_str(member), &key, &name) == 0 && key != KW_CK_ABSENT &&
            kw_condkey_source(key) == KW_CONDKEY_ONE)
            asked->request.value[key] = text_at(values, 0);
    }
    asked->request.value_at = value_at;
    asked->request.arg = asked;
}

static void read_request(struct asked *asked)
{
    const json_t *caller = json_object_get(asked->root, "caller");
    struct kw_bytes kind = text_of(caller, "kind");

    asked->caller = (struct kw_caller){
        .kind = kw_bytes_equal(kind, KW_LIT("root"))      ? KW_CALLER_ROOT
                : kw_bytes_equal(kind, KW_LIT("session")) ? KW_CALLER_SESSION
                                                          : KW_CALLER_USER,
        .account = text_of(caller, "account"),
        .arn = text_of(caller, "arn"),
        .role_arn = text_of(caller, "role_arn"),
        .root_arn = text_of(caller, "root_arn"),
    };
    asked->request.caller = &asked->caller;
    asked->request.action = text_of(asked->root, "action");
    asked->request.resource = text_of(asked->root, "resource");
    asked->request.resource_account = text_of(asked->root, "resource_account");
    read_values(asked);
}

/* ---- policies ---- */

static struct kw_policy *read_policy(
    struct asked *asked, enum kw_policy_kind kind, struct kw_bytes text, const char *member)
{
    struct kw_policy *policy = NULL;
    int r;

    if (text.ptr == NULL)
        return NULL;
    r = kw_policy_new(&policy, kind, text, "aws", asked->why, sizeof(asked->why));
    if (r < 0)
        die("%s: %d", member, r);
    if (r == KW_POLICY_MALFORMED)
        asked->malformed = member;
    return policy;
}

static void read_policies(struct asked *asked)
{
    const json_t *identity = json_object_get(asked->root, "identity");

    asked->key_policy = read_policy(asked, KW_POLICY_KEY, text_of(asked->root, "key_policy"), "key_policy");
    asked->session = read_policy(asked, KW_POLICY_SESSION, text_of(asked->root, "session"), "session");
    asked->num_identity = json_array_size(identity);
    if (asked->num_identity > IDENTITY_MAX)
        die("too many identity policies");
    for (size_t i = 0; i < asked->num_identity; i++)
        asked->identity[i] = read_policy(asked, KW_POLICY_IDENTITY, text_at(identity, i), "identity");
}

/* ---- grants ---- */

static uint32_t operation_of(struct kw_bytes name)
{
    for (unsigned i = 0; i < KW_GRANT_OPERATIONS_NUM; i++) {
        if (kw_bytes_equal(name, kw_bytes_str(kw_grant_operation_names[i])))
            return 1u << i;
    }
    return 0;
}

static uint32_t read_pairs(const json_t *map, struct kw_grant_pair pairs[PAIRS_MAX])
{
    const char *key;
    json_t *value;
    uint32_t num = 0;

    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        if (num == PAIRS_MAX)
            die("too many pairs");
        pairs[num++] = (struct kw_grant_pair){key, json_string_value(value)};
    }
    return num;
}

static void make_key(struct asked *asked, uint8_t number, struct kw_kms_key **ret)
{
    char account[KW_ACCOUNT_LEN + 1] = "";
    struct kw_kms_key like = {.account = account,
        .region = region,
        .spec = KW_KEY_SYMMETRIC_DEFAULT,
        .usage = KW_USAGE_ENCRYPT_DECRYPT,
        .created_ms = 1};

    snprintf(account, sizeof(account), "%.*s", (int)asked->request.resource_account.len,
        (const char *)asked->request.resource_account.ptr);
    memset(like.id, number, sizeof(like.id));
    must(kw_kms_key_new(ret, &like), "key");
}

static struct kw_grant *make_grant(const struct kw_kms_key *key, const json_t *from)
{
    struct kw_grant_pair equals[PAIRS_MAX], subset[PAIRS_MAX];
    const json_t *operations = json_object_get(from, "operations");
    json_int_t number = json_integer_value(json_object_get(from, "id"));
    struct kw_grant *grant = NULL;
    struct kw_grant like = {.account = key->account,
        .region = key->region,
        .grantee = json_string_value(json_object_get(from, "grantee")),
        .has_equals = json_is_object(json_object_get(from, "equals")),
        .has_subset = json_is_object(json_object_get(from, "subset")),
        .equals = equals,
        .subset = subset,
        .created_ms = 1};

    memcpy(like.key_id, key->id, sizeof(like.key_id));
    memset(like.id, 0x77, sizeof(like.id));
    like.id[0] = (uint8_t)number;
    for (size_t i = 0; i < json_array_size(operations); i++)
        like.operations |= operation_of(text_at(operations, i));
    like.num_equals = read_pairs(json_object_get(from, "equals"), equals);
    like.num_subset = read_pairs(json_object_get(from, "subset"), subset);
    must(kw_grant_new(&grant, &like), "grant");
    return grant;
}

/* A second key is there too, whose grants are nobody's business here. */
static void read_grants(struct asked *asked)
{
    KW_KMS_KEY struct kw_kms_key *other = NULL;
    const json_t *grants = json_object_get(asked->root, "grants");

    make_key(asked, 0x11, &asked->key);
    make_key(asked, 0x12, &other);
    must(kw_snapshot_new(&asked->snapshot, NULL), "snapshot");
    must(kw_snapshot_put_key(asked->snapshot, asked->key), "key");
    must(kw_snapshot_put_key(asked->snapshot, other), "key");
    if (json_array_size(grants) > GRANTS_MAX)
        die("too many grants");
    for (size_t i = 0; i < json_array_size(grants); i++) {
        const json_t *from = json_array_get(grants, i);
        bool elsewhere = json_is_true(json_object_get(from, "other_key"));
        KW_GRANT struct kw_grant *grant = make_grant(elsewhere ? other : asked->key, from);

        must(kw_snapshot_put_grant(asked->snapshot, grant), "grant");
    }
    if (json_is_object(json_object_get(asked->root, "child")))
        asked->child = make_grant(asked->key, json_object_get(asked->root, "child"));
}

static void read_context(struct asked *asked)
{
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(asked->root, "context"), key, value)
    {
        if (asked->context.num == PAIRS_MAX)
            die("too many pairs");
        asked->pairs[asked->context.num++] = (struct kw_grant_pair_bytes){
            kw_bytes_str(key), KW_BYTES(json_string_value(value), json_string_length(value))};
    }
    asked->context.pairs = asked->pairs;
}

static const struct kw_grant *find_grant(void *arg, bool *ret_to_role)
{
    struct asked *asked = arg;
    struct kw_bytes action = asked->request.action;
    ssize_t colon = kw_bytes_find(action, ':');
    uint32_t operation = operation_of(KW_BYTES(action.ptr + colon + 1, action.len - (size_t)colon - 1));
    bool has_context = json_is_object(json_object_get(asked->root, "context"));

    if (operation == 0)
        return NULL;
    if (operation == operation_of(KW_LIT("CreateGrant"))) {
        *ret_to_role = false;
        return asked->child != NULL
                   ? kw_grantindex_find_parent(asked->snapshot, asked->key, &asked->caller, asked->child)
                   : NULL;
    }
    return kw_grantindex_find(asked->snapshot, asked->key, &asked->caller, operation,
        has_context ? &asked->context : NULL, ret_to_role);
}

/* ---- verdicts ---- */

static void put_index(struct kw_json_out *out, const char *member, uint32_t value)
{
    kw_json_key(out, member);
    if (value == KW_POLICY_NO_STATEMENT)
        kw_json_null(out);
    else
        kw_json_int(out, value);
}

static void put_verdict(
    struct kw_json_out *out, const struct kw_authz_question *question, const struct kw_authz_verdict *verdict)
{
    static const char *const reasons[] = {
        [KW_AUTHZ_BY_KEY_POLICY] = "BY_KEY_POLICY",
        [KW_AUTHZ_BY_IDENTITY_POLICY] = "BY_IDENTITY_POLICY",
        [KW_AUTHZ_BY_ROOT] = "BY_ROOT",
        [KW_AUTHZ_BY_GRANT] = "BY_GRANT",
        [KW_AUTHZ_EXPLICIT_DENY] = "EXPLICIT_DENY",
        [KW_AUTHZ_NOT_ALLOWED] = "NOT_ALLOWED",
        [KW_AUTHZ_OTHER_ACCOUNT] = "OTHER_ACCOUNT",
    };
    static const char *const policies[] = {[KW_AUTHZ_KEY_POLICY] = "key",
        [KW_AUTHZ_IDENTITY_POLICY] = "identity",
        [KW_AUTHZ_SESSION_POLICY] = "session"};
    KW_SBUF struct kw_sbuf refusal = KW_SBUF_INIT(8192);

    kw_json_key(out, "allowed");
    kw_json_bool(out, verdict->allowed);
    kw_json_key(out, "reason");
    kw_json_cstring(out, reasons[verdict->reason]);
    kw_json_key(out, "policy");
    kw_json_cstring(out, policies[verdict->policy]);
    put_index(out, "key_statement", verdict->key_statement);
    put_index(out, "identity_index", verdict->identity_index);
    put_index(out, "identity_statement", verdict->identity_statement);
    put_index(out, "session_statement", verdict->session_statement);
    put_index(out, "grant", verdict->grant != NULL ? verdict->grant->id[0] : KW_POLICY_NO_STATEMENT);
    kw_json_key(out, "refusal");
    if (verdict->allowed) {
        kw_json_null(out);
        return;
    }
    kw_authz_refusal(question, verdict, &refusal);
    kw_json_string(out, kw_sbuf_bytes(&refusal));
}

static void decide(struct asked *asked, struct kw_json_out *out)
{
    struct kw_authz_verdict verdict;
    struct kw_authz_question question = {.request = &asked->request,
        .key_policy = asked->key_policy,
        .across = json_is_true(json_object_get(asked->root, "across")),
        .num_identity = asked->num_identity,
        .identity = (const struct kw_policy *const *)asked->identity,
        .session = asked->session,
        .find_grant = find_grant,
        .find_grant_arg = asked};

    kw_authz_decide(&question, &verdict);
    put_verdict(out, &question, &verdict);
}

static void put_malformed(const struct asked *asked, struct kw_json_out *out)
{
    kw_json_key(out, "malformed");
    kw_json_cstring(out, asked->malformed);
    kw_json_key(out, "why");
    kw_json_cstring(out, asked->why);
}

/* {"child", "parent"}, without a caller. */
static void compare_grants(const json_t *root, struct asked *asked, struct kw_json_out *out)
{
    KW_GRANT struct kw_grant *parent = NULL;

    asked->request.resource_account = KW_LIT("111122223333");
    make_key(asked, 0x11, &asked->key);
    asked->child = make_grant(asked->key, json_object_get(root, "child"));
    parent = make_grant(asked->key, json_object_get(root, "parent"));
    kw_json_key(out, "within");
    kw_json_bool(out, kw_grant_is_within(asked->child, parent));
}

static void asked_done(struct asked *asked)
{
    kw_policy_unref(asked->key_policy);
    kw_policy_unref(asked->session);
    for (size_t i = 0; i < asked->num_identity; i++)
        kw_policy_unref(asked->identity[i]);
    kw_snapshot_free(asked->snapshot);
    kw_kms_key_unref(asked->key);
    kw_grant_unref(asked->child);
}

static void answer(const json_t *root, struct kw_json_out *out)
{
    struct asked asked = {.root = root};

    kw_json_begin_object(out);
    if (json_object_get(root, "parent") != NULL) {
        compare_grants(root, &asked, out);
    } else {
        read_request(&asked);
        read_policies(&asked);
        read_grants(&asked);
        read_context(&asked);
        if (asked.malformed != NULL)
            put_malformed(&asked, out);
        else
            decide(&asked, out);
    }
    kw_json_end_object(out);
    asked_done(&asked);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    must(kw_crypto_init(), "crypto");
    kw_json_init();
    while ((len = getline(&line, &cap, stdin)) > 0) {
        KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(64 * 1024);
        KW_JSON json_t *root = NULL;
        struct kw_json_out out = KW_JSON_OUT(&text);

        must(kw_json_parse(KW_BYTES(line, (size_t)len), &root), line);
        answer(root, &out);
        kw_sbuf_put_str(&text, "\n");
        kw_assert(kw_sbuf_ok(&text));
        fwrite(text.ptr, 1, text.len, stdout);
    }
    free(line);
    return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
