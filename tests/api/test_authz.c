/* Every rule of authz.h, over real policies: what is decided, by which statement, and what is said. */
#include "api/authz.h"

#include "api/entity.h"
#include "api/json.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

#define ACCOUNT "000000000000"
#define OTHER   "111122223333"
#define USER    "arn:aws:iam::000000000000:user/alice"
#define ROOT    "arn:aws:iam::000000000000:root"
#define ROLE    "arn:aws:iam::000000000000:role/path/Reader"
#define SESSION "arn:aws:sts::000000000000:assumed-role/Reader/one"
#define BOB     "arn:aws:iam::000000000000:user/bob"
#define OWN     "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define FOREIGN "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define NO      KW_POLICY_NO_STATEMENT

#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define TO(effect, principal)                                                                                \
    "{\"Effect\":\"" effect "\",\"Principal\":{\"AWS\":\"" principal                                         \
    "\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}"
#define OF(effect, action) "{\"Effect\":\"" effect "\",\"Action\":\"" action "\",\"Resource\":\"*\"}"
#define DELEGATES          POLICY(TO("Allow", ROOT))
#define NOBODY             POLICY(TO("Allow", BOB))
#define ALLOWS             POLICY(OF("Allow", "kms:*"))
#define ELSE               POLICY(OF("Allow", "kms:Decrypt"))
#define DENIES             POLICY(OF("Allow", "kms:*") "," OF("Deny", "kms:Encrypt"))

#define PREFIX_OF(arn) "User: " arn " is not authorized to perform: kms:Encrypt"
#define UNSHARED                                                                                             \
    " on this resource because the resource does not exist in this Region, no resource-based policies "      \
    "allow access, or a resource-based policy explicitly denies access"
#define NO_POLICY(kind) " because no " kind " policy allows the kms:Encrypt action"
#define DENIED(kind)    " with an explicit deny in " kind " policy"

struct row {
    const char *rule;
    enum kw_caller_kind kind;
    bool abroad;                                       /* the key is another account's */
    const char *key, *identity[2], *session, *grantee; /* NULL: there is none */
    bool to_role;                                      /* as find_grant says */
    bool not_across;                                   /* an operation on keys of the own account */
    /* what is expected */
    bool allowed;
    enum kw_authz_reason reason;
    enum kw_authz_policy policy;
    uint32_t key_statement, identity_index, identity_statement, session_statement;
    const char *says; /* the refusal behind PREFIX_OF() */
};

#define STATEMENTS(key, index, identity, session)                                                            \
    .key_statement = (key), .identity_index = (index), .identity_statement = (identity),                     \
    .session_statement = (session)
#define NONE             STATEMENTS(NO, 0, NO, NO)
#define ALLOWED(by, ...) .allowed = true, .reason = KW_AUTHZ_BY_##by, STATEMENTS(__VA_ARGS__)
#define REFUSED(of, text)                                                                                    \
    .reason = KW_AUTHZ_NOT_ALLOWED, .policy = KW_AUTHZ_##of##_POLICY, NONE, .says = " on resource: " text
#define EXPLICIT(of, text, ...)                                                                              \
    .reason = KW_AUTHZ_EXPLICIT_DENY, .policy = KW_AUTHZ_##of##_POLICY, STATEMENTS(__VA_ARGS__), .says = text

#define AS_USER    .kind = KW_CALLER_USER
#define AS_ROOT    .kind = KW_CALLER_ROOT
#define AS_SESSION .kind = KW_CALLER_SESSION
#define ABROAD     .abroad = true

static const struct row rows[] = {
    /* 1. An explicit deny, in whichever policy, whatever else allows. */
    {"1 key policy", AS_USER, .key = POLICY(TO("Allow", USER) "," TO("Deny", USER)), .identity = {ALLOWS},
        .grantee = USER, EXPLICIT(KEY, " on resource: " OWN DENIED("a resource-based"), 1, 0, NO, NO)},
    {"1 identity policy", AS_USER, .key = POLICY(TO("Allow", USER)), .identity = {ALLOWS, DENIES},
        .grantee = USER, EXPLICIT(IDENTITY, " on resource: " OWN DENIED("an identity-based"), NO, 1, 1, NO)},
    {"1 session policy", AS_SESSION, .key = POLICY(TO("Allow", SESSION)), .identity = {ALLOWS},
        .session = DENIES, .grantee = SESSION,
        EXPLICIT(SESSION, " on resource: " OWN DENIED("a session"), NO, 0, NO, 1)},
    {"1 all of them", AS_SESSION, .key = POLICY(TO("Deny", ROLE)), .identity = {DENIES}, .session = DENIES,
        EXPLICIT(KEY, " on resource: " OWN DENIED("a resource-based"), 0, 0, 1, 1)},
    {"1 the root user too", AS_ROOT, .key = POLICY(TO("Allow", ROOT) "," TO("Deny", ROOT)),
        EXPLICIT(KEY, " on resource: " OWN DENIED("a resource-based"), 1, 0, NO, NO)},
    {"1 a deny of something else", AS_USER, .key = DELEGATES,
        .identity = {POLICY(OF("Deny", "kms:Decrypt") "," OF("Allow", "kms:*"))},
        ALLOWED(IDENTITY_POLICY, 0, 0, 1, NO)},

    /* 2a. The key policy allows the caller. */
    {"2a itself", AS_USER, .key = POLICY(TO("Allow", BOB) "," TO("Allow", USER)),
        ALLOWED(KEY_POLICY, 1, 0, NO, NO)},
    {"2a anyone", AS_USER, .key = POLICY(TO("Allow", "*")), ALLOWED(KEY_POLICY, 0, 0, NO, NO)},
    {"2a role", AS_SESSION, .key = POLICY(TO("Allow", ROLE)), ALLOWED(KEY_POLICY, 0, 0, NO, NO)},
    {"2a role, session allows", AS_SESSION, .key = POLICY(TO("Allow", ROLE)), .session = ALLOWS,
        ALLOWED(KEY_POLICY, 0, 0, NO, 0)},
    {"2a role, session does not", AS_SESSION, .key = POLICY(TO("Allow", ROLE)), .session = ELSE,
        .identity = {ALLOWS}, REFUSED(SESSION, OWN NO_POLICY("session"))},
    {"2a anyone, which session policies do not limit", AS_SESSION, .key = POLICY(TO("Allow", "*")),
        .session = ELSE, ALLOWED(KEY_POLICY, 0, 0, NO, NO)},
    {"2a the session's own ARN needs no session policy", AS_SESSION, .key = POLICY(TO("Allow", SESSION)),
        .session = ELSE, ALLOWED(KEY_POLICY, 0, 0, NO, NO)},

    /* 2b. The key policy leaves it to the account. */
    {"2b identity allows", AS_USER, .key = DELEGATES, .identity = {ELSE, ALLOWS},
        ALLOWED(IDENTITY_POLICY, 0, 1, 0, NO)},
    {"2b by account id", AS_USER, .key = POLICY(TO("Allow", ACCOUNT)), .identity = {ALLOWS},
        ALLOWED(IDENTITY_POLICY, 0, 0, 0, NO)},
    {"2b identity does not", AS_USER, .key = DELEGATES, .identity = {ELSE},
        REFUSED(IDENTITY, OWN NO_POLICY("identity-based"))},
    {"2b no identity policy", AS_USER, .key = DELEGATES, REFUSED(IDENTITY, OWN NO_POLICY("identity-based"))},
    {"2b root needs none", AS_ROOT, .key = DELEGATES, ALLOWED(ROOT, 0, 0, NO, NO)},
    {"2b identity alone is not enough", AS_USER, .key = NOBODY, .identity = {ALLOWS},
        REFUSED(KEY, OWN NO_POLICY("resource-based"))},
    {"2b root alone is not enough", AS_ROOT, .key = NOBODY,
        .says = " on resource: " OWN NO_POLICY("resource-based"), .reason = KW_AUTHZ_NOT_ALLOWED,
        .policy = KW_AUTHZ_KEY_POLICY, NONE},
    {"2b session allows", AS_SESSION, .key = DELEGATES, .identity = {ALLOWS}, .session = ALLOWS,
        ALLOWED(IDENTITY_POLICY, 0, 0, 0, 0)},
    {"2b session does not", AS_SESSION, .key = DELEGATES, .identity = {ALLOWS}, .session = ELSE,
        REFUSED(SESSION, OWN NO_POLICY("session"))},
    {"2b a session policy gives nothing", AS_SESSION, .key = DELEGATES, .session = ALLOWS,
        REFUSED(IDENTITY, OWN NO_POLICY("identity-based"))},

    /* 2c. A grant. */
    {"2c", AS_USER, .key = NOBODY, .grantee = USER, ALLOWED(GRANT, NO, 0, NO, NO)},
    {"2c role", AS_SESSION, .key = NOBODY, .grantee = ROLE, .to_role = true, ALLOWED(GRANT, NO, 0, NO, NO)},
    {"2c role, session allows", AS_SESSION, .key = NOBODY, .grantee = ROLE, .to_role = true,
        .session = ALLOWS, ALLOWED(GRANT, NO, 0, NO, 0)},
    {"2c role, session does not", AS_SESSION, .key = NOBODY, .grantee = ROLE, .to_role = true,
        .session = ELSE, REFUSED(SESSION, OWN NO_POLICY("session"))},
    {"2c a role is known by its name", AS_SESSION, .key = NOBODY, .grantee = ROLE, .session = ELSE,
        REFUSED(SESSION, OWN NO_POLICY("session"))},
    {"2c session itself", AS_SESSION, .key = NOBODY, .grantee = SESSION, .session = ELSE,
        ALLOWED(GRANT, NO, 0, NO, NO)},
    {"2c account, identity allows", AS_USER, .key = NOBODY, .grantee = ROOT, .identity = {ALLOWS},
        ALLOWED(GRANT, NO, 0, 0, NO)},
    {"2c account, identity does not", AS_USER, .key = NOBODY, .grantee = ACCOUNT, .identity = {ELSE},
        REFUSED(IDENTITY, OWN NO_POLICY("identity-based"))},
    {"2c account, session does not", AS_SESSION, .key = NOBODY, .grantee = ACCOUNT, .identity = {ALLOWS},
        .session = ELSE, REFUSED(SESSION, OWN NO_POLICY("session"))},
    {"2c account, root", AS_ROOT, .key = NOBODY, .grantee = ACCOUNT, ALLOWED(GRANT, NO, 0, NO, NO)},
    {"2c the key policy comes first", AS_USER, .key = DELEGATES, .identity = {ALLOWS}, .grantee = USER,
        ALLOWED(IDENTITY_POLICY, 0, 0, 0, NO)},

    /* 3. Another account's key. */
    {"3a account and identity", AS_USER, ABROAD, .key = DELEGATES, .identity = {ALLOWS},
        ALLOWED(IDENTITY_POLICY, 0, 0, 0, NO)},
    {"3a itself and identity", AS_USER, ABROAD, .key = POLICY(TO("Allow", USER)), .identity = {ALLOWS},
        ALLOWED(IDENTITY_POLICY, 0, 0, 0, NO)},
    {"3a itself is not enough", AS_USER, ABROAD, .key = POLICY(TO("Allow", USER)),
        REFUSED(IDENTITY, FOREIGN NO_POLICY("identity-based"))},
    {"3a anyone is not enough", AS_USER, ABROAD, .key = POLICY(TO("Allow", "*")), .identity = {ELSE},
        REFUSED(IDENTITY, FOREIGN NO_POLICY("identity-based"))},
    {"3a root", AS_ROOT, ABROAD, .key = DELEGATES, ALLOWED(ROOT, 0, 0, NO, NO)},
    {"3a session", AS_SESSION, ABROAD, .key = POLICY(TO("Allow", ROLE)), .identity = {ALLOWS},
        .session = ALLOWS, ALLOWED(IDENTITY_POLICY, 0, 0, 0, 0)},
    {"3a session does not, be it named itself", AS_SESSION, ABROAD, .key = POLICY(TO("Allow", SESSION)),
        .identity = {ALLOWS}, .session = ELSE, REFUSED(SESSION, FOREIGN NO_POLICY("session"))},
    {"3a not shared", AS_USER, ABROAD, .key = NOBODY, .identity = {ALLOWS}, .reason = KW_AUTHZ_OTHER_ACCOUNT,
        NONE, .says = UNSHARED},
    {"3a not shared, root", AS_ROOT, ABROAD, .key = NOBODY, .reason = KW_AUTHZ_OTHER_ACCOUNT, NONE,
        .says = UNSHARED},
    {"3b", AS_USER, ABROAD, .key = NOBODY, .grantee = USER, ALLOWED(GRANT, NO, 0, NO, NO)},
    {"3b shared, and no identity policy", AS_USER, ABROAD, .key = DELEGATES, .grantee = USER,
        ALLOWED(GRANT, NO, 0, NO, NO)},
    {"3b role, session does not", AS_SESSION, ABROAD, .key = NOBODY, .grantee = ROLE, .to_role = true,
        .session = ELSE, REFUSED(SESSION, FOREIGN NO_POLICY("session"))},
    {"3b account, identity does not", AS_USER, ABROAD, .key = NOBODY, .grantee = ROOT,
        REFUSED(IDENTITY, FOREIGN NO_POLICY("identity-based"))},
    {"3b account, identity allows", AS_USER, ABROAD, .key = NOBODY, .grantee = ROOT, .identity = {ALLOWS},
        ALLOWED(GRANT, NO, 0, 0, NO)},
    {"3 not across", AS_USER, ABROAD, .key = DELEGATES, .identity = {ALLOWS}, .grantee = USER,
        .not_across = true, .reason = KW_AUTHZ_OTHER_ACCOUNT, NONE, .says = UNSHARED},
    {"3 a deny of the key's is not told", AS_USER, ABROAD,
        .key = POLICY(TO("Allow", USER) "," TO("Deny", USER)), .identity = {ALLOWS},
        EXPLICIT(KEY, UNSHARED, 1, 0, NO, NO)},
    {"3 a deny of one's own does not tell of a key", AS_USER, ABROAD, .key = NOBODY, .identity = {DENIES},
        EXPLICIT(IDENTITY, UNSHARED, NO, 0, 1, NO)},
    {"3 nor of one for other operations", AS_USER, ABROAD, .key = DELEGATES, .identity = {DENIES},
        .not_across = true, EXPLICIT(IDENTITY, UNSHARED, NO, 0, 1, NO)},
    {"3 a deny of one's own, shared by policy", AS_USER, ABROAD, .key = DELEGATES, .identity = {DENIES},
        EXPLICIT(IDENTITY, " on resource: " FOREIGN DENIED("an identity-based"), NO, 0, 1, NO)},
    {"3 a deny of one's own, shared by a grant", AS_USER, ABROAD, .key = NOBODY, .identity = {DENIES},
        .grantee = USER,
        EXPLICIT(IDENTITY, " on resource: " FOREIGN DENIED("an identity-based"), NO, 0, 1, NO)},

    /* 4. No key. */
    {"4", AS_USER, .identity = {ELSE, ALLOWS}, ALLOWED(IDENTITY_POLICY, NO, 1, 0, NO)},
    {"4 no policy", AS_USER, REFUSED(IDENTITY, OWN NO_POLICY("identity-based"))},
    {"4 root", AS_ROOT, ALLOWED(ROOT, NO, 0, NO, NO)},
    {"4 session allows", AS_SESSION, .identity = {ALLOWS}, .session = ALLOWS,
        ALLOWED(IDENTITY_POLICY, NO, 0, 0, 0)},
    {"4 session does not", AS_SESSION, .identity = {ALLOWS}, .session = ELSE,
        REFUSED(SESSION, OWN NO_POLICY("session"))},
    {"4 grants are of keys", AS_USER, .grantee = USER, REFUSED(IDENTITY, OWN NO_POLICY("identity-based"))},
    {"4 a deny", AS_USER, .identity = {DENIES},
        EXPLICIT(IDENTITY, " on resource: " OWN DENIED("an identity-based"), NO, 0, 1, NO)},
};

static struct kw_policy *compile(enum kw_policy_kind kind, const char *text)
{
    struct kw_policy *policy = NULL;
    char why[256] = "";

    if (text != NULL)
        ck_assert_msg(kw_policy_new(&policy, kind, kw_bytes_str(text), "aws", why, sizeof(why)) == 0,
            "%s: %s", text, why);
    return policy;
}

struct asked {
    const struct row *row;
    struct kw_grant grant;
    unsigned times;
};

static const struct kw_grant *find_grant(void *arg, bool *ret_to_role)
{
    struct asked *asked = arg;

    asked->times++;
    if (asked->row->grantee == NULL)
        return NULL;
    *ret_to_role = asked->row->to_role;
    return &asked->grant;
}

static struct kw_caller caller_of(enum kw_caller_kind kind)
{
    static const char *const arns[] = {
        [KW_CALLER_ROOT] = ROOT, [KW_CALLER_USER] = USER, [KW_CALLER_SESSION] = SESSION};

    return (struct kw_caller){.kind = kind,
        .account = KW_LIT(ACCOUNT),
        .arn = kw_bytes_str(arns[kind]),
        .role_arn = kind == KW_CALLER_SESSION ? KW_LIT(ROLE) : KW_BYTES(NULL, 0),
        .root_arn = KW_LIT(ROOT)};
}

static void check_verdict(
    const struct row *row, const struct kw_authz_verdict *verdict, const struct asked *asked)
{
    bool by_grant = row->allowed && row->reason == KW_AUTHZ_BY_GRANT;

    ck_assert_msg(verdict->allowed == row->allowed, "%s: %d", row->rule, verdict->allowed);
    ck_assert_msg(verdict->reason == row->reason, "%s: reason %d", row->rule, verdict->reason);
    if (!row->allowed && row->reason != KW_AUTHZ_OTHER_ACCOUNT)
        ck_assert_msg(verdict->policy == row->policy, "%s: policy %d", row->rule, verdict->policy);
    ck_assert_msg(verdict->key_statement == row->key_statement &&
                      verdict->identity_index == row->identity_index &&
                      verdict->identity_statement == row->identity_statement &&
                      verdict->session_statement == row->session_statement,
        "%s: statements %d %d %d %d", row->rule, (int)verdict->key_statement, (int)verdict->identity_index,
        (int)verdict->identity_statement, (int)verdict->session_statement);
    ck_assert_msg(verdict->grant == (by_grant ? &asked->grant : NULL), "%s: grant", row->rule);
    /* Grants come last, and are not asked for what they cannot change. */
    ck_assert_msg(asked->times <= 1, "%s: asked %u times", row->rule, asked->times);
    if (row->reason == KW_AUTHZ_EXPLICIT_DENY || (row->allowed && !by_grant))
        ck_assert_msg(asked->times == 0, "%s: asked", row->rule);
}

static void check_refusal(
    const struct row *row, const struct kw_authz_question *question, const struct kw_authz_verdict *verdict)
{
    static const char *const prefixes[] = {
        [KW_CALLER_ROOT] = PREFIX_OF(ROOT),
        [KW_CALLER_USER] = PREFIX_OF(USER),
        [KW_CALLER_SESSION] = PREFIX_OF(SESSION),
    };
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(4096);
    char wanted[1024];

    if (row->allowed)
        return;
    kw_sbuf_put_str(&text, "<");
    kw_authz_refusal(question, verdict, &text);
    kw_sbuf_put(&text, "", 1);
    ck_assert(kw_sbuf_ok(&text));
    snprintf(wanted, sizeof(wanted), "<%s%s", prefixes[row->kind], row->says);
    ck_assert_msg(strcmp((const char *)text.ptr, wanted) == 0, "%s: %s", row->rule, (const char *)text.ptr);
}

START_TEST(test_rule)
{
    const struct row *row = &rows[_i];
    struct kw_caller caller = caller_of(row->kind);
    struct kw_policy_request request = {.caller = &caller,
        .action = KW_LIT("kms:Encrypt"),
        .resource = row->abroad ? KW_LIT(FOREIGN) : KW_LIT(OWN),
        .resource_account = row->abroad ? KW_LIT(OTHER) : KW_LIT(ACCOUNT)};
    KW_POLICY struct kw_policy *key = compile(KW_POLICY_KEY, row->key);
    KW_POLICY struct kw_policy *session = compile(KW_POLICY_SESSION, row->session);
    KW_POLICY struct kw_policy *first = compile(KW_POLICY_IDENTITY, row->identity[0]);
    KW_POLICY struct kw_policy *second = compile(KW_POLICY_IDENTITY, row->identity[1]);
    const struct kw_policy *identity[] = {first, second};
    struct asked asked = {.row = row, .grant = {.grantee = row->grantee}};
    struct kw_authz_question question = {.request = &request,
        .key_policy = key,
        .across = !row->not_across,
        .num_identity = (first != NULL) + (second != NULL),
        .identity = identity,
        .session = session,
        .find_grant = find_grant,
        .find_grant_arg = &asked};
    struct kw_authz_verdict verdict;

    memset(&verdict, 0xee, sizeof(verdict));
    kw_authz_decide(&question, &verdict);
    check_verdict(row, &verdict, &asked);
    check_refusal(row, &question, &verdict);
    if (row->grantee == NULL) {
        question.find_grant = NULL;
        asked.times = 0;
        kw_authz_decide(&question, &verdict);
        check_verdict(row, &verdict, &asked);
        check_refusal(row, &question, &verdict);
    }
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_rule, 0, KW_ARRAY_LEN(rows));
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("authz", add, 30);
}
