#include "api/principal.h"

#include "engine/drbg.h"

#include <stdio.h>

#define ID_ALPHABET     "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define SECRET_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Fills out with len characters of the alphabet, each as likely as another: bytes from the last, incomplete,
 * round of the alphabet are thrown away. NUL-terminated. */
static int random_text(struct kw_drbg *drbg, char *out, size_t len, const char *alphabet)
{
    size_t size = strlen(alphabet);
    unsigned limit = 256 - 256 % (unsigned)size;
    uint8_t bytes[64];
    KW_ERASE_GUARD(bytes);

    for (size_t done = 0; done < len;) {
        KW_TRY(kw_drbg_bytes(drbg, bytes, sizeof(bytes)));
        for (size_t i = 0; i < sizeof(bytes) && done < len; i++) {
            if (bytes[i] < limit)
                out[done++] = alphabet[bytes[i] % size];
        }
    }
    out[len] = '\0';
    return 0;
}

int kw_principal_make_id(
    struct kw_drbg *drbg, enum kw_principal_kind kind, struct kw_bytes account, char ret[32])
{
    char id[32] = {0};

    kw_assert(account.len == KW_ACCOUNT_LEN && (unsigned)kind < KW_PRINCIPAL_KIND_NUM);
    if (kind == KW_PRINCIPAL_ROOT) {
        memcpy(id, account.ptr, account.len);
    } else {
        snprintf(id, sizeof(id), "%s", kind == KW_PRINCIPAL_USER ? "AIDA" : "AROA");
        KW_TRY(random_text(drbg, id + 4, 17, ID_ALPHABET));
    }
    memcpy(ret, id, sizeof(id));
    return 0;
}

int kw_access_key_make(
    struct kw_drbg *drbg, const struct kw_principal *owner, int64_t now_ms, struct kw_access_key *ret)
{
    char id[4 + 16 + 1] = "AKIA", secret[40 + 1];
    KW_ERASE_GUARD(secret);

    kw_assert(owner->kind != KW_PRINCIPAL_ROLE);
    KW_TRY(random_text(drbg, id + 4, 16, ID_ALPHABET));
    KW_TRY(random_text(drbg, secret, 40, SECRET_ALPHABET));
    memset(ret, 0, sizeof(*ret));
    memcpy(ret->id, id, sizeof(id));
    memcpy(ret->secret, secret, sizeof(secret));
    snprintf(ret->account, sizeof(ret->account), "%s", owner->account);
    snprintf(ret->name, sizeof(ret->name), "%s", owner->name);
    ret->kind = owner->kind;
    ret->enabled = true;
    ret->created_ms = now_ms;
    return 0;
}

int kw_principal_make_admin(
    struct kw_drbg *drbg, struct kw_bytes account, int64_t now_ms, struct kw_principal **ret)
{
    KW_POLICY struct kw_policy *policy = NULL;
    char account_text[KW_ACCOUNT_LEN + 1] = {0}, why[128];
    struct kw_principal admin = {.kind = KW_PRINCIPAL_USER,
        .account = account_text,
        .name = "admin",
        .created_ms = now_ms,
        .enabled = true};

    KW_TRY(kw_principal_make_id(drbg, KW_PRINCIPAL_USER, account, admin.id));
    memcpy(account_text, account.ptr, account.len);
    int r =
        kw_policy_new(&policy, KW_POLICY_IDENTITY, KW_LIT(KW_ADMINISTRATOR_POLICY), NULL, why, sizeof(why));
    KW_TRY(r);
    kw_assert(r == 0);
    struct kw_named_policy named = {KW_ADMINISTRATOR_POLICY_NAME, policy};
    admin.policies = &named;
    admin.num_policies = 1;
    r = kw_principal_new(ret, &admin);
    kw_assert(r <= 0);
    return r;
}
