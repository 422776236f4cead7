#include "api/condkey.h"

static const struct key {
    const char *name;
    enum kw_condkey_type type;
    enum kw_condkey_source source;
} keys[KW_CK_NUM + 1] = {
#define KEY_ROW(identifier, key_name, key_type, key_source)                                                  \
    [KW_CK_##identifier] = {key_name, KW_CONDKEY_##key_type, KW_CONDKEY_##key_source},
    KW_CONDKEYS(KEY_ROW)
#undef KEY_ROW
        [KW_CK_ABSENT] = {"", KW_CONDKEY_STRING, KW_CONDKEY_ABSENT},
};

/* What a request to this service never has. Those that end in a colon or a slash have a name behind it. */
static const char *const absent[] = {
    "aws:AssumedRoot",
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:ChatbotSourceArn",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "aws:Ec2InstanceSourceVpc",
    "aws:FederatedProvider",
    "aws:MultiFactorAuthAge",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:VpcSourceIp",
    "ec2:RoleDelivery",
    "ec2:SourceInstanceArn",
    "kms:RecipientAttestation:NitroTPMPCR",
    "kms:ViaService",
    "sts:AWSServiceName",
    "sts:TransitiveTagKeys",
};

static bool has_name(const char *key)
{
    char last = key[strlen(key) - 1];

    return last == ':' || last == '/';
}

/* Is text the key, or the key and a name behind it? */
static bool is_key(struct kw_bytes text, const char *key, bool named, struct kw_bytes *ret_name)
{
    size_t len = strlen(key);

    if (text.len < len || (named ? text.len == len : text.len > len) ||
        !kw_bytes_equal_nocase(KW_BYTES(text.ptr, len), kw_bytes_str(key)))
        return false;
    *ret_name = KW_BYTES(text.ptr + len, text.len - len);
    return true;
}

int kw_condkey_find(struct kw_bytes text, enum kw_condkey *ret, struct kw_bytes *ret_name)
{
    for (unsigned i = 0; i < KW_CK_NUM; i++) {
        if (is_key(text, keys[i].name, keys[i].source == KW_CONDKEY_NAMED, ret_name)) {
            *ret = (enum kw_condkey)i;
            return 0;
        }
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(absent); i++) {
        if (is_key(text, absent[i], has_name(absent[i]), ret_name)) {
            *ret = KW_CK_ABSENT;
            return 0;
        }
    }
    return KW_CONDKEY_UNKNOWN;
}

static const struct key *get(enum kw_condkey key)
{
    kw_assert((unsigned)key <= KW_CK_NUM);
    return &keys[key];
}

enum kw_condkey_type kw_condkey_type(enum kw_condkey key)
{
    return get(key)->type;
}

enum kw_condkey_source kw_condkey_source(enum kw_condkey key)
{
    return get(key)->source;
}

const char *kw_condkey_name(enum kw_condkey key)
{
    return get(key)->name;
}
