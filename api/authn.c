#include "api/authn.h"

#include "api/region.h"
#include "api/service.h"
#include "api/sts.h"

#include <stdio.h>

static int refuse_unsigned(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_MISSING_TOKEN, "Missing Authentication Token");
}

static int refuse_unknown(struct kw_call *call)
{
    return kw_call_refuse(
        call, KW_ERROR_UNRECOGNIZED_CLIENT, "The security token included in the request is invalid.");
}

static int refuse_scope(struct kw_call *call, const char *why)
{
    return kw_call_refuse(call, KW_ERROR_INVALID_SIGNATURE, "%s", why);
}

/* ---- who ---- */

/* Whose secret is to have signed. A secret of nobody stands in for one that is not known. */
struct signer {
    const struct kw_principal *principal; /* NULL: nobody, or nobody who may */
    const struct kw_access_key *access_key;
    const struct kw_session_opened *session; /* NULL: signed with an access key */
    struct kw_bytes secret;
};

static void find_access_key(struct kw_call *call, const struct kw_sigv4_claim *claim, struct signer *signer)
{
    const struct kw_access_key *key = kw_snapshot_access_key(call->snapshot, claim->access_key_id);

    if (key == NULL)
        return;
    signer->secret = kw_bytes_str(key->secret);
    signer->access_key = key;
    if (key->enabled)
        signer->principal = kw_snapshot_principal(
            call->snapshot, kw_bytes_str(key->account), key->kind, kw_bytes_str(key->name));
}

/* Returns: 0 | <0 */
static int find_session(struct kw_call *call, const struct kw_authenticator *authenticator,
    const struct kw_sigv4_claim *claim, struct signer *signer)
{
    const struct kw_session_opened *opened;
    int r =
        kw_session_cache_find(authenticator->sessions, claim->access_key_id, claim->session_token, &opened);

    if (r != 0)
        return r == KW_SESSION_INVALID ? 0 : r;
    const struct kw_session *session = &opened->session;
    const struct kw_principal *principal = kw_snapshot_principal(
        call->snapshot, kw_bytes_str(session->account), session->kind, kw_bytes_str(session->principal_name));
    signer->secret = kw_bytes_str(opened->secret);
    signer->session = opened;
    /* One of the same name that was made later is another. */
    if (principal != NULL && strcmp(principal->id, session->principal_id) == 0)
        signer->principal = principal;
    return 0;
}

#define NOBODYS_SECRET KW_LIT("0000000000000000000000000000000000000000")

static int find_signer(struct kw_call *call, const struct kw_authenticator *authenticator,
    const struct kw_sigv4_claim *claim, struct signer *ret)
{
    *ret = (struct signer){.secret = NOBODYS_SECRET};
    if (claim->session_token.len > 0)
        KW_TRY(find_session(call, authenticator, claim, ret));
    else
        find_access_key(call, claim, ret);
    if (ret->principal != NULL && !ret->principal->enabled)
        ret->principal = NULL;
    return 0;
}

/* Nobody signs as "", so that the work is the same as for one who has been here before. */
static int verify(struct kw_call *call, const struct kw_authenticator *authenticator,
    const struct kw_sigv4_claim *claim, const struct signer *signer, int64_t now_ms, char *why,
    size_t why_cap)
{
    const struct kw_exchange *exchange = call->exchange;
    struct kw_sigv4_claim as_nobody = *claim;
    bool known = signer->principal != NULL;

    as_nobody.access_key_id = KW_LIT("");
    if (!known)
        kw_sigv4_forget(authenticator->sigv4, claim->access_key_id);
    return kw_sigv4_verify(authenticator->sigv4, &exchange->request, exchange->body,
        known ? claim : &as_nobody, known ? signer->secret : NOBODYS_SECRET, now_ms, why, why_cap);
}

static void put_text(char *out, size_t cap, const char *text)
{
    size_t len = KW_MIN(strlen(text), cap - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

/* Pieces in a row; what does not fit is left out. */
static void put_pieces(char *out, size_t cap, const char *const *pieces, size_t num)
{
    size_t used = 0;

    for (size_t i = 0; i < num; i++) {
        size_t len = KW_MIN(strlen(pieces[i]), cap - 1 - used);

        memcpy(out + used, pieces[i], len);
        used += len;
    }
    out[used] = '\0';
}

static void put_root_arn(struct kw_identity *identity, const char *partition)
{
    const char *const pieces[] = {"arn:", partition, ":iam::", identity->account, ":root"};

    put_pieces(identity->root_arn, sizeof(identity->root_arn), pieces, KW_ARRAY_LEN(pieces));
}

static void copy_session(struct kw_identity *identity, const struct kw_session_opened *opened)
{
    const struct kw_session *session = &opened->session;

    identity->temporary = true;
    identity->issued_ms = session->issued_ms;
    put_text(identity->session_name, sizeof(identity->session_name), session->name);
    put_text(identity->source_identity, sizeof(identity->source_identity), session->source_identity);
    if (opened->policy != NULL)
        identity->session_policy = kw_policy_ref(opened->policy);
}

static void name_role_session(
    struct kw_identity *identity, const struct kw_principal *role, const char *partition)
{
    kw_principal_arn(role, partition, identity->role_arn);
    snprintf(identity->arn, sizeof(identity->arn), "arn:%s:sts::%s:assumed-role/%s/%s", partition,
        role->account, role->name, identity->session_name);
    snprintf(identity->user_id, sizeof(identity->user_id), "%s:%s", role->id, identity->session_name);
}

static void copy_identity(
    struct kw_call *call, const struct kw_sigv4_claim *claim, const struct signer *signer)
{
    struct kw_identity *identity = &call->identity;
    const struct kw_principal *principal = signer->principal;
    const char *partition = kw_region_partition(call->region);
    struct kw_bytes id = kw_bytes_cut(claim->access_key_id, sizeof(identity->access_key_id) - 1);

    kw_assert(principal != NULL);
    memcpy(identity->access_key_id, id.ptr, id.len); /* the fields are zeroed */
    put_text(identity->account, sizeof(identity->account), principal->account);
    identity->kind = principal->kind;
    put_text(identity->principal_name, sizeof(identity->principal_name), principal->name);
    put_root_arn(identity, partition);
    if (signer->session != NULL)
        copy_session(identity, signer->session);
    if (principal->kind == KW_PRINCIPAL_ROLE) {
        name_role_session(identity, principal, partition);
    } else {
        /* The principal has it ready for one partition. */
        if (strcmp(partition, "aws") == 0)
            put_text(identity->arn, sizeof(identity->arn), principal->arn);
        else
            kw_principal_arn(principal, partition, identity->arn);
        put_text(identity->user_id, sizeof(identity->user_id), principal->id);
    }
    kw_identity_settle(identity);
}

/* ---- what is claimed ---- */

/* What the signature must be scoped to. */
static int check_scope(struct kw_call *call, const struct kw_sigv4_claim *claim, const char *regions)
{
    if (!kw_bytes_equal(claim->service, call->is_sts ? KW_LIT("sts") : KW_LIT("kms")))
        return refuse_scope(call, call->is_sts ? "Credential should be scoped to correct service: 'sts'. "
                                               : "Credential should be scoped to correct service: 'kms'. ");
    if (call->is_sts ? kw_sts_region_valid(claim->region)
                     : kw_region_valid(claim->region) && kw_region_in(claim->region, regions))
        return KW_CALL_DONE;
    return refuse_scope(call, "Credential should be scoped to a valid region. ");
}

static int refuse_signature(struct kw_call *call, int result, const char *why)
{
    switch (result) {
    case KW_SIGV4_MISMATCH:
        return kw_call_refuse(call, KW_ERROR_INVALID_SIGNATURE,
            "The request signature we calculated does not match the signature you provided. Check your AWS "
            "Secret Access "
            "Key and signing method. Consult the service documentation for details.");
    case KW_SIGV4_EXPIRED:
    case KW_SIGV4_EARLY:
        return kw_call_refuse(call, KW_ERROR_INVALID_SIGNATURE, "%s", why);
    default:
        return kw_call_internal(call);
    }
}

static int refuse_expired(struct kw_call *call)
{
    return kw_call_refuse(
        call, KW_ERROR_EXPIRED_TOKEN, "The security token included in the request is expired");
}

/* The keeper is told once, until it has saved what is noted here. */
static void note_use(struct kw_call *call, const struct kw_sigv4_claim *claim, const struct signer *signer)
{
    if (signer->access_key != NULL && kw_access_use_note(signer->access_key->use, kw_call_clock_ms(call),
                                          claim->service, kw_bytes_str(call->region)))
        atomic_store_explicit(&kw_call_service(call)->uses_unsaved, true, memory_order_release);
}

/* Everything but the signature's own verdict, r. */
static int judge(struct kw_call *call, const struct kw_authenticator *authenticator,
    const struct kw_sigv4_claim *claim, const struct signer *signer, int r, const char *why)
{
    if (signer->principal == NULL)
        return refuse_unknown(call);
    if (check_scope(call, claim, authenticator->regions) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    if (r != 0)
        return refuse_signature(call, r, why);
    if (signer->session != NULL && signer->session->session.expires_ms <= kw_call_clock_ms(call))
        return refuse_expired(call);
    return KW_CALL_DONE;
}

int kw_authenticate(struct kw_call *call, const struct kw_authenticator *authenticator, int64_t now_ms)
{
    const struct kw_exchange *exchange = call->exchange;
    struct kw_sigv4_claim claim;
    struct signer signer;
    char why[KW_SIGV4_WHY_MAX];
    int r;

    why[0] = '\0';
    r = kw_sigv4_parse(&exchange->request, &claim, why, sizeof(why));

    if (r == KW_SIGV4_MISSING)
        return refuse_unsigned(call);
    if (r != 0)
        return kw_call_refuse(call, KW_ERROR_INCOMPLETE_SIGNATURE, "%s", why);
    if (find_signer(call, authenticator, &claim, &signer) < 0)
        return kw_call_internal(call);
    r = verify(call, authenticator, &claim, &signer, now_ms, why, sizeof(why));
    if (judge(call, authenticator, &claim, &signer, r, why) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    if (kw_bytes_equal(claim.region, KW_LIT("aws-global")))
        claim.region = KW_LIT("us-east-1");                   /* where AWS does what has no region */
    memcpy(call->region, claim.region.ptr, claim.region.len); /* shorter than the field, which is zeroed */
    copy_identity(call, &claim, &signer);
    note_use(call, &claim, &signer);
    return KW_CALL_DONE;
}
