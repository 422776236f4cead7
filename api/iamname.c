#include "api/iamname.h"

#include "pool/limits.h"

#define NAME_MAX_LEN  64u  /* of a user, role or session */
#define RESOURCE_MAX  640u /* a path of 512 and a name */
#define PROVIDER_MAX  256u
#define FEDERATED_MAX 32u
#define PARTITION_MAX 16u
#define SERVICE_MAX   128u
#define SERVICE_LABEL 63u

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* [\w+=,.@-], of which names of users, roles and sessions are made. */
static bool is_name_char(uint8_t c)
{
    return is_letter(c) || is_digit(c) || c == '_' || c == '+' || c == '=' || c == ',' || c == '.' ||
           c == '@' || c == '-';
}

static bool is_name(struct kw_bytes text, size_t min_len, size_t max_len)
{
    if (text.len < min_len || text.len > max_len)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_name_char(text.ptr[i]))
            return false;
    }
    return true;
}

static bool is_account(struct kw_bytes text)
{
    if (text.len != KW_ACCOUNT_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return false;
    }
    return true;
}

/* Cuts what stands before the next `by` off `rest`; false if there is none. */
static bool cut(struct kw_bytes *rest, uint8_t by, struct kw_bytes *ret)
{
    ssize_t at = kw_bytes_find(*rest, by);

    if (at < 0)
        return false;
    *ret = KW_BYTES(rest->ptr, (size_t)at);
    *rest = KW_BYTES(rest->ptr + at + 1, rest->len - (size_t)at - 1);
    return true;
}

/* PATH/NAME. A path may have any visible character of ASCII but wild cards and what ends a field. */
static bool is_path_and_name(struct kw_bytes text)
{
    size_t name = 0;

    if (text.len > RESOURCE_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c < 0x21 || c > 0x7e || c == '*' || c == '?' || c == ':')
            return false;
        if (c == '/')
            name = i + 1;
    }
    return is_name(KW_BYTES(text.ptr + name, text.len - name), 1, NAME_MAX_LEN);
}

static bool is_session(struct kw_bytes text)
{
    struct kw_bytes rest = text, role;

    return cut(&rest, '/', &role) && is_name(role, 1, NAME_MAX_LEN) && is_name(rest, 2, NAME_MAX_LEN);
}

static bool is_federated_user(struct kw_bytes text)
{
    return is_name(text, 2, FEDERATED_MAX);
}

static bool is_provider(struct kw_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_name_char(text.ptr[i]) && text.ptr[i] != '/')
            return false;
    }
    return text.len > 0 && text.len <= PROVIDER_MAX && text.ptr[0] != '/' && text.ptr[text.len - 1] != '/';
}

static const struct form {
    const char *service, *type;
    enum kw_iamname_kind kind;
    bool (*holds)(struct kw_bytes name);
} forms[] = {
    {"iam", "user", KW_IAMNAME_USER, is_path_and_name},
    {"iam", "role", KW_IAMNAME_ROLE, is_path_and_name},
    {"sts", "assumed-role", KW_IAMNAME_ASSUMED_ROLE, is_session},
    {"sts", "federated-user", KW_IAMNAME_FEDERATED_USER, is_federated_user},
    {"iam", "saml-provider", KW_IAMNAME_SAML_PROVIDER, is_provider},
    {"iam", "oidc-provider", KW_IAMNAME_OIDC_PROVIDER, is_provider},
};

static int parse_resource(struct kw_bytes service, struct kw_bytes resource, struct kw_iamname *ret)
{
    struct kw_bytes rest = resource, type;

    if (kw_bytes_equal(service, KW_LIT("iam")) && kw_bytes_equal(resource, KW_LIT("root"))) {
        ret->kind = KW_IAMNAME_ROOT;
        return 0;
    }
    KW_REQUIRE(cut(&rest, '/', &type), KW_IAMNAME_INVALID);
    for (size_t i = 0; i < KW_ARRAY_LEN(forms); i++) {
        if (!kw_bytes_equal(service, kw_bytes_str(forms[i].service)) ||
            !kw_bytes_equal(type, kw_bytes_str(forms[i].type)))
            continue;
        KW_REQUIRE(forms[i].holds(rest), KW_IAMNAME_INVALID);
        ret->kind = forms[i].kind;
        ret->name = rest;
        return 0;
    }
    return KW_IAMNAME_INVALID;
}

static bool is_partition(struct kw_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!(text.ptr[i] >= 'a' && text.ptr[i] <= 'z') && text.ptr[i] != '-')
            return false;
    }
    return text.len <= PARTITION_MAX && kw_bytes_starts(text, KW_LIT("aws"));
}

static int parse_arn(struct kw_bytes text, struct kw_iamname *ret)
{
    struct kw_bytes rest = text, prefix, service, region;

    KW_REQUIRE(cut(&rest, ':', &prefix) && cut(&rest, ':', &ret->partition) && cut(&rest, ':', &service) &&
                   cut(&rest, ':', &region) && cut(&rest, ':', &ret->account),
        KW_IAMNAME_INVALID);
    KW_REQUIRE(
        is_partition(ret->partition) && region.len == 0 && is_account(ret->account), KW_IAMNAME_INVALID);
    return parse_resource(service, rest, ret);
}

static bool is_label(struct kw_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-' && c != '_')
            return false;
    }
    return text.len > 0 && text.len <= SERVICE_LABEL;
}

/* The domains under which the partitions' services are. */
static const char *const domains[] = {
    ".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".c2s.ic.gov", ".sc2s.sgov.gov", ".aws.internal"};

static bool ends(struct kw_bytes text, struct kw_bytes end)
{
    return text.len > end.len && kw_bytes_equal(KW_BYTES(text.ptr + text.len - end.len, end.len), end);
}

static bool is_service(struct kw_bytes text)
{
    struct kw_bytes rest = text, label;

    if (text.len > SERVICE_MAX)
        return false;
    while (cut(&rest, '.', &label)) {
        if (!is_label(label))
            return false;
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(domains); i++) {
        if (ends(text, kw_bytes_str(domains[i])))
            return true;
    }
    return false;
}

int kw_iamname_parse(struct kw_bytes text, struct kw_iamname *ret)
{
    struct kw_iamname name = {0};

    if (kw_bytes_starts(text, KW_LIT("arn:"))) {
        KW_REQUIRE(parse_arn(text, &name) == 0, KW_IAMNAME_INVALID);
    } else if (is_account(text)) {
        name.kind = KW_IAMNAME_ACCOUNT;
        name.account = text;
    } else {
        KW_REQUIRE(is_service(text), KW_IAMNAME_INVALID);
        name.kind = KW_IAMNAME_SERVICE;
        name.name = text;
    }
    *ret = name;
    return 0;
}

bool kw_iamname_is_actor(const struct kw_iamname *name, struct kw_bytes partition)
{
    switch (name->kind) {
    case KW_IAMNAME_ACCOUNT:
        return true;
    case KW_IAMNAME_ROOT:
    case KW_IAMNAME_USER:
    case KW_IAMNAME_ROLE:
    case KW_IAMNAME_ASSUMED_ROLE:
    case KW_IAMNAME_FEDERATED_USER:
        return kw_bytes_equal(name->partition, partition);
    case KW_IAMNAME_SAML_PROVIDER:
    case KW_IAMNAME_OIDC_PROVIDER:
    case KW_IAMNAME_SERVICE:
        break;
    }
    return false;
}

bool kw_iamname_can_hold_grant(struct kw_bytes text, struct kw_bytes partition)
{
    struct kw_iamname name;

    return kw_iamname_parse(text, &name) == 0 &&
           (name.kind == KW_IAMNAME_SERVICE || kw_iamname_is_actor(&name, partition));
}
