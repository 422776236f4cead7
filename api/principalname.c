#include "api/principalname.h"

#include "api/iamname.h"

bool kw_account_valid(struct kw_bytes account)
{
    for (size_t i = 0; i < account.len; i++) {
        if (account.ptr[i] < '0' || account.ptr[i] > '9')
            return false;
    }
    return account.len == KW_ACCOUNT_LEN;
}

static int set(struct kw_principal_name *ret, enum kw_principal_kind kind, struct kw_bytes account,
    struct kw_bytes name, struct kw_bytes session)
{
    struct kw_principal_name made = {.kind = kind};

    KW_REQUIRE(kw_account_valid(account) && kw_principal_name_valid(name), KW_PRINCIPAL_NAME_INVALID);
    KW_REQUIRE(session.len < sizeof(made.session), KW_PRINCIPAL_NAME_INVALID);
    memcpy(made.account, account.ptr, account.len);
    memcpy(made.name, name.ptr, name.len);
    if (session.len > 0)
        memcpy(made.session, session.ptr, session.len);
    *ret = made;
    return 0;
}

/* What follows the last slash: the path is before it. */
static struct kw_bytes without_path(struct kw_bytes name)
{
    size_t from = name.len;

    while (from > 0 && name.ptr[from - 1] != '/')
        from--;
    return KW_BYTES(name.ptr + from, name.len - from);
}

static int parse_arn(struct kw_bytes text, struct kw_principal_name *ret)
{
    struct kw_iamname arn;
    ssize_t slash;

    KW_REQUIRE(kw_iamname_parse(text, &arn) == 0, KW_PRINCIPAL_NAME_INVALID);
    switch (arn.kind) {
    case KW_IAMNAME_ROOT:
        return set(ret, KW_PRINCIPAL_ROOT, arn.account, KW_LIT("root"), KW_LIT(""));
    case KW_IAMNAME_USER:
        return set(ret, KW_PRINCIPAL_USER, arn.account, without_path(arn.name), KW_LIT(""));
    case KW_IAMNAME_ROLE:
        return set(ret, KW_PRINCIPAL_ROLE, arn.account, without_path(arn.name), KW_LIT(""));
    case KW_IAMNAME_ASSUMED_ROLE:
        slash = kw_bytes_find(arn.name, '/');
        KW_REQUIRE(slash > 0, KW_PRINCIPAL_NAME_INVALID);
        return set(ret, KW_PRINCIPAL_ROLE, arn.account, KW_BYTES(arn.name.ptr, (size_t)slash),
            KW_BYTES(arn.name.ptr + slash + 1, arn.name.len - (size_t)slash - 1));
    default:
        return KW_PRINCIPAL_NAME_INVALID;
    }
}

int kw_principal_name_parse(struct kw_bytes text, const char *account, struct kw_principal_name *ret)
{
    struct kw_bytes in = kw_bytes_str(account);

    if (kw_bytes_starts(text, KW_LIT("arn:")))
        return parse_arn(text, ret);
    if (kw_bytes_equal(text, KW_LIT("root")))
        return set(ret, KW_PRINCIPAL_ROOT, in, text, KW_LIT(""));
    if (kw_bytes_starts(text, KW_LIT("user/")))
        return set(ret, KW_PRINCIPAL_USER, in, without_path(text), KW_LIT(""));
    if (kw_bytes_starts(text, KW_LIT("role/")))
        return set(ret, KW_PRINCIPAL_ROLE, in, without_path(text), KW_LIT(""));
    return set(ret, KW_PRINCIPAL_USER, in, text, KW_LIT(""));
}
