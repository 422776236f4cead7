#include "api/callauthz.h"
#include "api/keyname.h"
#include "api/region.h"
#include "api/tokenkey.h"

#include <stdio.h>

/* In the record once, however often it is looked up. */
static void note_resource(struct kw_call *call, const struct kw_kms_key *key)
{
    for (size_t i = 0; i < KW_CALL_RESOURCES_MAX; i++) {
        struct kw_call_resource *resource = &call->resources[i];

        if (strcmp(resource->arn, key->arn) == 0)
            return;
        if (resource->arn[0] != '\0')
            continue;
        memcpy(
            resource->arn, key->arn, KW_MIN(strlen(key->arn), sizeof(resource->arn) - 1)); /* it is zeroed */
        memcpy(resource->account, key->account, KW_MIN(strlen(key->account), sizeof(resource->account) - 1));
        return;
    }
}

void kw_call_show_key(struct kw_call *call, const struct kw_kms_key *key)
{
    call->key = key;
    note_resource(call, key);
}

int kw_call_take_key(struct kw_call *call, const struct kw_kms_key *key)
{
    kw_call_show_key(call, key);
    return kw_call_authorize_key(call, key);
}

int kw_call_take_blob_key(struct kw_call *call, const struct kw_kms_key *key)
{
    call->alias = KW_BYTES(NULL, 0);
    kw_call_show_key(call, key);
    return kw_call_authorize_blob_key(call, key);
}

static int key_not_found(struct kw_call *call, const struct kw_keyname *name)
{
    static const char prefix[] = "mrk-";
    char id[37] = {0}, suffix[48];
    char arn[KW_ARN_MAX];

    if (name->multi_region) {
        memcpy(id, prefix, sizeof(prefix));
        kw_hex_encode(name->id, sizeof(name->id), id + 4);
    } else {
        kw_uuid_format(name->id, id);
    }
    snprintf(suffix, sizeof(suffix), "key/%s", id);
    kw_call_arn(call, kw_bytes_str(suffix), arn, sizeof(arn));
    return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Key '%s' does not exist", arn);
}

int kw_call_alias_not_found(struct kw_call *call, struct kw_bytes name)
{
    char arn[KW_ARN_MAX];

    kw_call_arn(call, name, arn, sizeof(arn));
    return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Alias %s is not found.", arn);
}

static bool is_arn(const struct kw_keyname *name)
{
    return name->form == KW_KEYNAME_ARN || name->form == KW_KEYNAME_ALIAS_ARN;
}

static bool is_alias(const struct kw_keyname *name)
{
    return name->form == KW_KEYNAME_ALIAS || name->form == KW_KEYNAME_ALIAS_ARN;
}

/* Names that are no ARNs are those of the caller's own account. */
static struct kw_bytes account_of(const struct kw_call *call, const struct kw_keyname *name)
{
    return is_arn(name) ? name->account : kw_bytes_str(call->identity.account);
}

static bool is_of_region(const struct kw_call *call, const struct kw_keyname *name)
{
    return !is_arn(name) ||
           (kw_bytes_equal(name->region, kw_bytes_str(call->region)) &&
               kw_bytes_equal(name->partition, kw_bytes_str(kw_region_partition(call->region))));
}

/* The key that a name stands for in this picture; mrk-ID and ID of the same bytes are different names. */
static const struct kw_kms_key *look_up(const struct kw_call *call, const struct kw_keyname *name)
{
    struct kw_bytes account = account_of(call, name), region = kw_bytes_str(call->region);
    const struct kw_alias *alias;
    const struct kw_kms_key *key;

    if (is_alias(name)) {
        alias = kw_snapshot_alias(call->snapshot, account, region, name->alias);
        return alias != NULL ? kw_snapshot_key(call->snapshot, account, region, alias->key_id) : NULL;
    }
    key = kw_snapshot_key(call->snapshot, account, region, name->id);
    return key != NULL && key->multi_region == name->multi_region ? key : NULL;
}

/* What another account has not, is not told from what it does not share. */
static int not_found(struct kw_call *call, const struct kw_keyname *name)
{
    if (!kw_bytes_equal(account_of(call, name), kw_bytes_str(call->identity.account)))
        return kw_call_refuse_foreign(call);
    return is_alias(name) ? kw_call_alias_not_found(call, name->alias) : key_not_found(call, name);
}

/* A name in no known form. Key ids have lower-case digits here, so one with others is that of no key; AWS
 * says so in the words for keys that do not exist, and quotes the end of an ARN otherwise than a bare id. */
static int invalid_name(struct kw_call *call, struct kw_bytes text)
{
    static const char arn_part[] = ":key/";
    struct kw_bytes id = text;
    uint8_t bytes[16];
    char lower[36], suffix[48], arn[KW_ARN_MAX];
    const uint8_t *at =
        kw_bytes_starts(text, KW_LIT("arn:")) ? memmem(text.ptr, text.len, arn_part, 5) : NULL;

    if (at != NULL)
        id = KW_BYTES(at + 5, text.len - (size_t)(at - text.ptr) - 5);
    if (id.len == sizeof(lower)) {
        for (size_t i = 0; i < id.len; i++)
            lower[i] = (char)(id.ptr[i] >= 'A' && id.ptr[i] <= 'F' ? id.ptr[i] + ('a' - 'A') : id.ptr[i]);
        if (kw_uuid_parse(KW_BYTES(lower, sizeof(lower)), bytes) == 0) {
            snprintf(suffix, sizeof(suffix), "key/%.36s", (const char *)id.ptr);
            kw_call_arn(call, kw_bytes_str(suffix), arn, sizeof(arn));
            return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Key '%s' does not exist", arn);
        }
    }
    return at != NULL ? kw_call_refuse_quoting(call, KW_ERROR_NOT_FOUND, "Invalid keyId ", id, "")
                      : kw_call_refuse_quoting(call, KW_ERROR_NOT_FOUND, "Invalid keyId '", text, "'");
}

static int refuse_aliases(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_INVALID_ARN, "Key Aliases are not supported for this operation.");
}

/* A name that begins like one of an alias, and that no alias can have: it is refused like one that none has.
 */
static int impossible_alias(struct kw_call *call, struct kw_bytes text, bool aliases_too)
{
    char arn[KW_ARN_MAX], begin[KW_ARN_MAX + 8];

    if (!aliases_too)
        return refuse_aliases(call);
    kw_call_arn(call, KW_LIT(""), arn, sizeof(arn));
    snprintf(begin, sizeof(begin), "Alias %s", arn);
    return kw_call_refuse_quoting(call, KW_ERROR_NOT_FOUND, begin, text, " is not found.");
}

/* Out: ret, if there is such a key; call->alias. */
static int find(struct kw_call *call, struct kw_bytes text, bool aliases_too, const struct kw_kms_key **ret)
{
    struct kw_keyname name;

    call->alias = KW_BYTES(NULL, 0);
    if (kw_keyname_parse(text, &name) != 0)
        return kw_bytes_starts(text, KW_LIT("alias/")) ? impossible_alias(call, text, aliases_too)
                                                       : invalid_name(call, text);
    if (is_alias(&name) && !aliases_too)
        return refuse_aliases(call);
    if (!is_of_region(call, &name))
        return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Invalid arn %.*s", (int)name.region.len,
            (const char *)name.region.ptr);
    *ret = look_up(call, &name);
    if (*ret == NULL)
        return not_found(call, &name);
    if (is_alias(&name))
        call->alias = name.alias;
    return KW_CALL_DONE;
}

int kw_call_find_key(struct kw_call *call, struct kw_bytes text, bool aliases_too)
{
    const struct kw_kms_key *key = NULL;
    int r = find(call, text, aliases_too, &key);

    if (r != KW_CALL_DONE)
        return r;
    kw_assert(key != NULL);
    return kw_call_take_key(call, key);
}

int kw_call_find_own_key(struct kw_call *call, struct kw_bytes text, bool aliases_too)
{
    const struct kw_kms_key *key = NULL;
    int r = find(call, text, aliases_too, &key);

    if (r != KW_CALL_DONE)
        return r;
    kw_assert(key != NULL);
    if (strcmp(key->account, call->identity.account) != 0)
        return kw_call_refuse_foreign(call);
    kw_call_show_key(call, key);
    return KW_CALL_DONE;
}

const struct kw_kms_key *kw_call_peek_key(const struct kw_call *call, struct kw_bytes text)
{
    struct kw_keyname name;

    return kw_keyname_parse(text, &name) == 0 && is_of_region(call, &name) ? look_up(call, &name) : NULL;
}

int kw_call_find_usable_key(struct kw_call *call, bool aliases_too)
{
    int r = kw_call_find_key(call, kw_input_string(call->input, "KeyId"), aliases_too);

    return r == KW_CALL_DONE ? kw_call_require_state(call) : r;
}

int kw_call_require_state(struct kw_call *call)
{
    enum kw_state_rule rule = call->operation->states;
    enum kw_key_state state = kw_tokenkey_state(call, call->key);
    enum kw_error verdict = kw_keystate_verdict(rule, state);

    if (verdict == KW_ERROR_NONE)
        return KW_CALL_DONE;
    return kw_call_refuse(call, verdict, "%s is %s.", call->key->arn, kw_keystate_text(rule, state));
}

int kw_call_require_usage(struct kw_call *call, enum kw_key_usage usage)
{
    if (call->key->usage == usage)
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_INVALID_KEY_USAGE, "%s key usage is %s which is not valid for %s.",
        call->key->arn, kw_key_usage_name(call->key->usage), kw_call_action(call));
}
