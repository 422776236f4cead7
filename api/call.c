#include "api/call.h"

#include "api/enccontext.h"
#include "api/service.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

int kw_call_refuse(struct kw_call *call, enum kw_error error, const char *format, ...)
{
    char text[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    call->error = error;
    kw_sbuf_reset(&call->message, 0);
    kw_sbuf_put_str(&call->message, text);
    return KW_CALL_REFUSED;
}

int kw_call_refuse_quoting(
    struct kw_call *call, enum kw_error error, const char *prefix, struct kw_bytes text, const char *suffix)
{
    call->error = error;
    kw_sbuf_reset(&call->message, 0);
    kw_sbuf_put_str(&call->message, prefix);
    kw_sbuf_put_bytes(&call->message, kw_bytes_cut(text, 2048));
    kw_sbuf_put_str(&call->message, suffix);
    return KW_CALL_REFUSED;
}

int kw_call_internal(struct kw_call *call)
{
    ERR_clear_error();
    return kw_call_refuse(
        call, KW_ERROR_INTERNAL, "The request failed because of an internal error; it can be retried.");
}

static struct kw_service *service_of(const struct kw_call *call)
{
    return kw_service_thread_service(call->thread);
}

void kw_call_arn(const struct kw_call *call, struct kw_bytes suffix, char *ret, size_t cap)
{
    snprintf(ret, cap, "arn:aws:kms:%s:%s:%.*s", service_of(call)->region, call->identity.account,
        (int)suffix.len, (const char *)suffix.ptr);
}

/* ---- who may ---- */

static int deny(struct kw_call *call, const char *resource, const char *kind)
{
    return kw_call_refuse(call, KW_ERROR_ACCESS_DENIED,
        "User: %s is not authorized to perform: kms:%s on resource: %s because no %s policy allows the "
        "kms:%s action",
        call->identity.arn, call->operation->model->name, resource, kind, call->operation->model->name);
}

int kw_call_authorize(struct kw_call *call, const char *resource)
{
    return call->identity.administrator ? KW_CALL_DONE : deny(call, resource, "identity-based");
}

int kw_call_authorize_key(struct kw_call *call, const struct kw_kms_key *key)
{
    if (strcmp(key->account, call->identity.account) != 0)
        return deny(call, key->arn, "resource-based");
    return kw_call_authorize(call, key->arn);
}

/* ---- which key ---- */

static int take_key(struct kw_call *call, const struct kw_kms_key *key)
{
    call->key = key;
    memcpy(call->key_arn, key->arn, sizeof(call->key_arn));
    memcpy(call->key_account, key->account, sizeof(call->key_account));
    return kw_call_authorize_key(call, key);
}

static int find_by_id(struct kw_call *call, const uint8_t id[16])
{
    const struct kw_service *service = service_of(call);
    const struct kw_kms_key *key = kw_snapshot_key(
        call->snapshot, kw_bytes_str(call->identity.account), kw_bytes_str(service->region), id);
    char uuid[36];

    if (key != NULL)
        return take_key(call, key);
    kw_uuid_format(id, uuid);
    return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Key 'arn:aws:kms:%s:%s:key/%.36s' does not exist",
        service->region, call->identity.account, uuid);
}

static int find_by_alias(struct kw_call *call, struct kw_bytes name)
{
    const struct kw_service *service = service_of(call);
    struct kw_bytes account = kw_bytes_str(call->identity.account), region = kw_bytes_str(service->region);
    const struct kw_alias *alias = kw_snapshot_alias(call->snapshot, account, region, name);
    char arn[512];

    if (alias != NULL)
        return find_by_id(call, alias->key_id);
    kw_call_arn(call, name, arn, sizeof(arn));
    return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Alias %s is not found.", arn);
}

/* An ARN names a region and an account; this server has one region, and nothing of other accounts is shared
 * yet. */
static int check_arn(struct kw_call *call, const struct kw_keyname *name, struct kw_bytes text)
{
    char arn[256];

    if (name->form != KW_KEYNAME_ARN && name->form != KW_KEYNAME_ALIAS_ARN)
        return KW_CALL_DONE;
    if (!kw_bytes_equal(name->region, kw_bytes_str(service_of(call)->region)) ||
        !kw_bytes_equal(name->partition, KW_LIT("aws")))
        return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Invalid arn %.*s", (int)name->region.len,
            (const char *)name->region.ptr);
    if (kw_bytes_equal(name->account, kw_bytes_str(call->identity.account)))
        return KW_CALL_DONE;
    snprintf(arn, sizeof(arn), "%.*s", (int)KW_MIN(text.len, 255), (const char *)text.ptr);
    return deny(call, arn, "resource-based");
}

/* Multi-Region keys have ids of another form; none exist here, and one must not be taken for the key of the
 * same bytes. */
static int no_multi_region_key(struct kw_call *call, const uint8_t id[16])
{
    char digits[33] = {0};

    kw_hex_encode(id, 16, digits);
    return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Key 'arn:aws:kms:%s:%s:key/mrk-%s' does not exist",
        service_of(call)->region, call->identity.account, digits);
}

int kw_call_find_key(struct kw_call *call, struct kw_bytes text, bool aliases_too)
{
    struct kw_keyname name;
    bool is_alias;
    int r;

    if (kw_keyname_parse(text, &name) != 0)
        return kw_call_refuse_quoting(call, KW_ERROR_NOT_FOUND, "Invalid keyId '", text, "'");
    is_alias = name.form == KW_KEYNAME_ALIAS || name.form == KW_KEYNAME_ALIAS_ARN;
    if (is_alias && !aliases_too)
        return kw_call_refuse_quoting(call, KW_ERROR_NOT_FOUND, "Invalid keyId '", text, "'");
    r = check_arn(call, &name, text);
    if (r != KW_CALL_DONE)
        return r;
    if (is_alias)
        return find_by_alias(call, name.alias);
    return name.multi_region ? no_multi_region_key(call, name.id) : find_by_id(call, name.id);
}

int kw_call_require_enabled(struct kw_call *call)
{
    static const char *const states[] = {
        [KW_KEY_PENDING_DELETION] = "pending deletion",
        [KW_KEY_PENDING_IMPORT] = "pending import",
        [KW_KEY_UNAVAILABLE] = "unavailable",
        [KW_KEY_CREATING] = "creating",
    };

    switch (call->key->state) {
    case KW_KEY_ENABLED:
    case KW_KEY_UPDATING:
        return KW_CALL_DONE;
    case KW_KEY_DISABLED:
        return kw_call_refuse(call, KW_ERROR_DISABLED, "%s is disabled.", call->key->arn);
    default:
        return kw_call_refuse(
            call, KW_ERROR_INVALID_STATE, "%s is %s.", call->key->arn, states[call->key->state]);
    }
}

/* ---- common members ---- */

static int encode_pairs(struct kw_call *call, const json_t *map, struct kw_enccontext_pair *pairs)
{
    struct kw_buf buf;
    const char *key;
    json_t *value;
    size_t num = 0;
    uint8_t *to;
    int r;

    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        pairs[num].key = kw_bytes_str(key);
        pairs[num].value = KW_BYTES(json_string_value(value), json_string_length(value));
        num++;
    }
    kw_sbuf_reset(&call->context, KW_ENC_CONTEXT_BYTES_MAX);
    to = kw_sbuf_claim(&call->context, KW_ENC_CONTEXT_BYTES_MAX);
    if (to == NULL)
        return kw_call_internal(call);
    buf = KW_BUF(to, KW_ENC_CONTEXT_BYTES_MAX);
    r = kw_enccontext_encode(pairs, num, &buf);
    if (r != 0)
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "The encryption context is larger than %u bytes",
            KW_ENC_CONTEXT_BYTES_MAX);
    call->context.len = buf.len;
    return KW_CALL_DONE;
}

int kw_call_encode_context(struct kw_call *call)
{
    struct kw_enccontext_pair pairs[KW_ENC_CONTEXT_PAIRS_MAX];
    const json_t *map = json_object_get(call->input, "EncryptionContext");

    if (json_object_size(map) > KW_ENC_CONTEXT_PAIRS_MAX)
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "The encryption context has more than %u pairs",
            KW_ENC_CONTEXT_PAIRS_MAX);
    return encode_pairs(call, json_is_object(map) ? map : NULL, pairs);
}

/* A member that the operation does not have is ignored, as everywhere. */
static bool has_member(const struct kw_call *call, const char *name)
{
    return kw_shape_member(call->operation->model->input, name) != NULL && kw_input_has(call->input, name);
}

int kw_call_refuse_extras(struct kw_call *call)
{
    if (has_member(call, "Recipient"))
        return kw_call_refuse(call, KW_ERROR_UNSUPPORTED, "Recipient is not supported by this server.");
    if (has_member(call, "DryRunModifiers"))
        return kw_call_refuse(call, KW_ERROR_UNSUPPORTED, "DryRunModifiers is not supported by this server.");
    if (json_array_size(json_object_get(call->input, "GrantTokens")) > 0)
        return kw_call_refuse(call, KW_ERROR_INVALID_GRANT_TOKEN, "The grant token is not known.");
    return KW_CALL_DONE;
}

int kw_call_dry_run(struct kw_call *call)
{
    if (!kw_input_true(call->input, "DryRun"))
        return KW_CALL_DONE;
    return kw_call_refuse(
        call, KW_ERROR_DRY_RUN, "The request would have succeeded, but the DryRun option is set.");
}

/* ---- material ---- */

void kw_call_note_material(struct kw_call *call, const struct kw_backing_key *backing)
{
    memcpy(call->material_id, backing->material_id, sizeof(call->material_id));
    call->has_material = true;
}

void kw_call_write_material(struct kw_call *call, struct kw_json_out *out)
{
    kw_json_key(out, "KeyMaterialId");
    kw_json_hex(out, KW_BYTES(call->material_id, sizeof(call->material_id)));
}

int kw_call_wrap(struct kw_call *call, struct kw_json_out *out, const char *name, struct kw_bytes plaintext)
{
    const struct kw_backing_key *backing = kw_kms_key_current(call->key);
    uint8_t blob[KW_CIPHERTEXT_MAX];
    struct kw_buf buf = KW_BUF(blob, sizeof(blob));

    if (kw_wrap(kw_service_thread_wrapper(call->thread), call->key->id, backing->material_id, backing->key,
            kw_sbuf_bytes(&call->context), plaintext, &buf) != 0)
        return kw_call_internal(call);
    kw_call_note_material(call, backing);
    kw_json_key(out, name);
    kw_json_base64(out, kw_buf_bytes(&buf));
    return KW_CALL_DONE;
}

int kw_call_prepare_change(struct kw_call *call, const struct kw_change *change)
{
    struct kw_service *service = service_of(call);

    call->change =
        (struct kw_store_request){.change = *change, .reply = kw_service_thread_store_mailbox(call->thread)};
    call->change.change.account = kw_bytes_str(call->identity.account);
    call->change.change.region = kw_bytes_str(service->region);
    call->change.change.now_ms = kw_wall_ms();
    return KW_CALL_WAIT_STORE;
}
