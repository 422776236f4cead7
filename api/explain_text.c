/* What a verdict is in words, and as JSON. Statements are counted from 1, as people count. */
#include "api/explain_internal.h"

#include <stdio.h>

static void write_text(struct kw_json_out *out, const char *name, const char *value)
{
    kw_json_key(out, name);
    kw_json_cstring(out, value);
}

bool kw_explained_allowed(const struct kw_explained *explained)
{
    return explained->problem == NULL && explained->verdict.allowed;
}

static const char *reason_code(const struct kw_explained *explained)
{
    static const char *const codes[] = {
        [KW_AUTHZ_BY_KEY_POLICY] = "KeyPolicy",
        [KW_AUTHZ_BY_IDENTITY_POLICY] = "IdentityPolicy",
        [KW_AUTHZ_BY_ROOT] = "RootUser",
        [KW_AUTHZ_BY_GRANT] = "Grant",
        [KW_AUTHZ_EXPLICIT_DENY] = "ExplicitDeny",
        [KW_AUTHZ_NOT_ALLOWED] = "NotAllowed",
        [KW_AUTHZ_OTHER_ACCOUNT] = "OtherAccount",
    };

    return explained->problem != NULL ? explained->problem_code : codes[explained->verdict.reason];
}

/* ---- the statements that decided ---- */

struct said {
    const char *kind;               /* "key policy" */
    const char *name;               /* of an identity policy; NULL: none */
    const struct kw_policy *policy; /* NULL: it had no say */
    uint32_t statement;
};

static struct said of_key(const struct kw_explained *explained)
{
    const struct kw_kms_key *key = explained->key;
    const struct kw_policy *own = key != NULL ? key->policy : NULL;

    return (struct said){.kind = "key policy",
        .policy = key == NULL   ? NULL
                  : own != NULL ? own
                                : kw_policy_default(),
        .statement = explained->verdict.key_statement};
}

static struct said of_identity(const struct kw_explained *explained)
{
    const struct kw_principal *principal = explained->principal;
    uint32_t index = explained->verdict.identity_index;
    struct said said = {.kind = "identity policy", .statement = explained->verdict.identity_statement};

    if (principal != NULL && index < principal->num_policies) {
        said.name = principal->policies[index].name;
        said.policy = principal->policies[index].policy;
    }
    return said;
}

static struct said of_session(const struct kw_explained *explained)
{
    return (struct said){.kind = "session policy",
        .policy = explained->session,
        .statement = explained->verdict.session_statement};
}

static bool has_statement(const struct said *said)
{
    return said->policy != NULL && said->statement != KW_POLICY_NO_STATEMENT;
}

/* "statement 2 (Sid "Admins") of the identity policy deploy" */
static void say(struct kw_sbuf *to, const struct said *said)
{
    struct kw_bytes sid;

    if (!has_statement(said)) {
        kw_sbuf_printf(to, "the %s", said->kind);
        return;
    }
    sid = kw_policy_sid(said->policy, said->statement);
    kw_sbuf_printf(to, "statement %u", said->statement + 1);
    if (sid.len > 0)
        kw_sbuf_printf(to, " (Sid %.*s)", (int)KW_MIN(sid.len, 200), (const char *)sid.ptr);
    kw_sbuf_printf(to, " of the %s", said->kind);
    if (said->name != NULL)
        kw_sbuf_printf(to, " %s", said->name);
}

static void write_said(struct kw_json_out *out, const struct said *said)
{
    if (!has_statement(said))
        return;
    kw_json_begin_object(out);
    write_text(out, "PolicyKind", said->kind);
    if (said->name != NULL)
        write_text(out, "PolicyName", said->name);
    kw_json_key(out, "Statement");
    kw_json_int(out, (int64_t)said->statement + 1);
    kw_json_key(out, "Sid");
    kw_json_string(out, kw_policy_sid(said->policy, said->statement));
    kw_json_end_object(out);
}

static void write_statements(struct kw_json_out *out, const struct kw_explained *explained)
{
    struct said key = of_key(explained), identity = of_identity(explained), session = of_session(explained);

    kw_json_key(out, "Statements");
    kw_json_begin_array(out);
    if (explained->problem == NULL) {
        write_said(out, &key);
        write_said(out, &identity);
        write_said(out, &session);
    }
    kw_json_end_array(out);
}

/* ---- the sentence ---- */

static struct said decider(const struct kw_explained *explained)
{
    switch (explained->verdict.policy) {
    case KW_AUTHZ_KEY_POLICY:
        return of_key(explained);
    case KW_AUTHZ_IDENTITY_POLICY:
        return of_identity(explained);
    case KW_AUTHZ_SESSION_POLICY:
        break;
    }
    return of_session(explained);
}

static void say_not_allowed(struct kw_sbuf *to, const struct kw_explained *explained)
{
    struct said key = of_key(explained);

    switch (explained->verdict.policy) {
    case KW_AUTHZ_KEY_POLICY:
        kw_sbuf_put_str(to, "No statement of the key policy allows the caller this, none leaves it to the "
                            "identity policies of the account, and no grant does");
        break;
    case KW_AUTHZ_IDENTITY_POLICY:
        kw_sbuf_put_str(to, "No identity policy of the caller allows this");
        if (explained->key != NULL) {
            kw_sbuf_put_str(to, ", to which ");
            say(to, &key);
            kw_sbuf_put_str(to, " leaves it, and no grant does");
        }
        break;
    case KW_AUTHZ_SESSION_POLICY:
        kw_sbuf_put_str(to, "The session policy does not allow this, whatever the role may do");
        break;
    }
}

static void say_identity(struct kw_sbuf *to, const struct kw_explained *explained)
{
    struct said key = of_key(explained), identity = of_identity(explained);

    kw_sbuf_put_str(to, "Allowed by ");
    say(to, &identity);
    if (has_statement(&key)) {
        kw_sbuf_put_str(to, ", to which ");
        say(to, &key);
        kw_sbuf_put_str(to, " leaves it");
    }
}

static void say_root(struct kw_sbuf *to, const struct kw_explained *explained)
{
    struct said key = of_key(explained);

    kw_sbuf_put_str(to, "Allowed: the root user of an account needs no identity policy");
    if (has_statement(&key)) {
        kw_sbuf_put_str(to, ", and ");
        say(to, &key);
        kw_sbuf_put_str(to, " gives its account this");
    }
}

static void say_grant(struct kw_sbuf *to, const struct kw_grant *grant)
{
    kw_sbuf_printf(to, "Allowed by the grant %s", grant->id_text);
    if (grant->name != NULL)
        kw_sbuf_printf(to, " (%s)", grant->name);
    kw_sbuf_printf(to, " to %.700s", grant->grantee);
}

static void say_verdict(struct kw_sbuf *to, const struct kw_explained *explained)
{
    struct said said;

    switch (explained->verdict.reason) {
    case KW_AUTHZ_BY_KEY_POLICY:
        said = of_key(explained);
        kw_sbuf_put_str(to, "Allowed by ");
        say(to, &said);
        break;
    case KW_AUTHZ_BY_IDENTITY_POLICY:
        say_identity(to, explained);
        break;
    case KW_AUTHZ_BY_ROOT:
        say_root(to, explained);
        break;
    case KW_AUTHZ_BY_GRANT:
        say_grant(to, explained->verdict.grant);
        break;
    case KW_AUTHZ_EXPLICIT_DENY:
        said = decider(explained);
        kw_sbuf_put_str(to, "Denied explicitly by ");
        say(to, &said);
        break;
    case KW_AUTHZ_NOT_ALLOWED:
        say_not_allowed(to, explained);
        break;
    case KW_AUTHZ_OTHER_ACCOUNT:
        kw_sbuf_put_str(to, "The key belongs to another account, which does not share it with the caller for "
                            "this by its policy or a grant, or there is no such key");
        break;
    }
    kw_sbuf_put_str(to, ".");
}

static void write_explanation(struct kw_json_out *out, const struct kw_explained *explained)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(8192);

    if (explained->problem != NULL)
        kw_sbuf_put_str(&text, explained->problem);
    else
        say_verdict(&text, explained);
    kw_json_key(out, "Explanation");
    kw_json_string(out, kw_sbuf_bytes(&text));
    if (!kw_sbuf_ok(&text))
        out->sbuf->failed = true;
}

static void write_grant(struct kw_json_out *out, const struct kw_grant *grant)
{
    write_text(out, "GrantId", grant->id_text);
    if (grant->name != NULL)
        write_text(out, "GrantName", grant->name);
}

void kw_explained_write(const struct kw_explained *explained, struct kw_json_out *out)
{
    bool allowed = kw_explained_allowed(explained);

    kw_json_begin_object(out);
    write_text(out, "Principal", explained->caller);
    write_text(out, "Action", explained->action);
    write_text(out, "Resource", explained->key != NULL ? explained->key->arn : explained->resource);
    kw_json_key(out, "Allowed");
    kw_json_bool(out, allowed);
    write_text(out, "Reason", reason_code(explained));
    write_explanation(out, explained);
    write_statements(out, explained);
    if (explained->problem == NULL && explained->verdict.grant != NULL)
        write_grant(out, explained->verdict.grant);
    if (!allowed && explained->refusal.len > 0) {
        kw_json_key(out, "Refusal");
        kw_json_string(out, explained->refusal);
    }
    kw_json_end_object(out);
}
