#include "api/call.h"

#include "api/enccontext.h"
#include "api/granttoken.h"
#include "api/region.h"
#include "api/service.h"
#include "api/tokenkey.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- refusals ---- */

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

int kw_call_refuse_bare(struct kw_call *call, enum kw_error error)
{
    call->error = error;
    kw_sbuf_reset(&call->message, 0);
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

int kw_call_throttled(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_THROTTLING,
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.");
}

/* ---- where the call is made ---- */

struct kw_service *kw_call_service(const struct kw_call *call)
{
    return kw_service_thread_service(call->thread);
}

struct kw_wrapper *kw_call_wrapper(const struct kw_call *call)
{
    return kw_service_thread_wrapper(call->thread);
}

struct kw_mac *kw_call_mac(const struct kw_call *call)
{
    return kw_service_thread_mac(call->thread);
}

int64_t kw_call_clock_ms(const struct kw_call *call)
{
    return kw_clock_ms(&kw_call_service(call)->clock);
}

void kw_call_arn(const struct kw_call *call, struct kw_bytes suffix, char *ret, size_t cap)
{
    snprintf(ret, cap, "arn:%s:kms:%s:%s:%.*s", kw_region_partition(call->region), call->region,
        call->identity.account, (int)suffix.len, (const char *)suffix.ptr);
}

/* ---- common members ---- */

static int context_too_large(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_VALIDATION, "The encryption context is larger than %u bytes",
        KW_ENC_CONTEXT_BYTES_MAX);
}

static int encode_pairs(struct kw_call *call, const struct kw_value *map, struct kw_enccontext_pair *pairs)
{
    struct kw_buf buf;
    const struct kw_value *value;
    size_t num = 0, len;
    uint8_t *to;

    for (KW_VALUE_EACH(map, value))
        pairs[num++] = (struct kw_enccontext_pair){kw_value_key(value), kw_value_text(value)};
    len = kw_enccontext_len(pairs, num);
    if (len > KW_ENC_CONTEXT_BYTES_MAX)
        return context_too_large(call);
    kw_sbuf_reset(&call->context, KW_ENC_CONTEXT_BYTES_MAX);
    to = kw_sbuf_claim(&call->context, len);
    if (to == NULL)
        return kw_call_internal(call);
    buf = KW_BUF(to, len);
    return kw_enccontext_encode(pairs, num, &buf) == 0 ? KW_CALL_DONE : context_too_large(call);
}

int kw_call_encode_context(struct kw_call *call, const char *member)
{
    struct kw_enccontext_pair pairs[KW_ENC_CONTEXT_PAIRS_MAX];
    const struct kw_value *map = kw_input_object(call->input, member);

    if (kw_value_num(map) > KW_ENC_CONTEXT_PAIRS_MAX)
        return context_too_large(call);
    return encode_pairs(call, map, pairs);
}

int kw_call_check_grant_tokens(struct kw_call *call)
{
    const struct kw_value *tokens = kw_input_array(call->input, "GrantTokens"), *token;
    uint8_t grant_id[32];

    for (KW_VALUE_EACH(tokens, token)) {
        if (kw_granttoken_parse(kw_call_service(call)->grant_secret, kw_input_text(token), grant_id) != 0)
            return kw_call_refuse_bare(call, KW_ERROR_INVALID_GRANT_TOKEN);
    }
    return KW_CALL_DONE;
}

int kw_call_refuse_origin(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_UNSUPPORTED,
        "%s origin is %s which is not valid for this operation.", call->key->arn,
        kw_key_origin_name(call->key->origin));
}

int kw_call_dry_run(struct kw_call *call)
{
    if (!kw_input_true(call->input, "DryRun"))
        return KW_CALL_DONE;
    return kw_call_refuse(
        call, KW_ERROR_DRY_RUN, "The request would have succeeded, but the DryRun option is set.");
}

/* ---- slow work ---- */

int kw_call_chore(
    struct kw_call *call, const struct kw_chore_order *order, struct kw_buf *ret, int *ret_outcome)
{
    struct kw_chore *chore = &call->chore;

    if (!kw_chore_is_slow(order)) {
        *ret_outcome = kw_chore_do(order, ret);
        return KW_CALL_DONE;
    }
    if (!kw_chore_answers(chore, order))
        return kw_chore_prepare(chore, order) == 0 ? KW_CALL_WAIT_CHORE : kw_call_internal(call);
    if (chore->outcome == KW_CHORE_ABANDONED)
        return kw_call_throttled(call);
    if (chore->output.len > 0)
        kw_buf_put_bytes(ret, kw_sbuf_bytes(&chore->output));
    *ret_outcome = kw_buf_ok(ret) ? chore->outcome : -ENOBUFS;
    return KW_CALL_DONE;
}

/* ---- material ---- */

void kw_call_note_material(struct kw_call *call, const struct kw_generation *generation)
{
    memcpy(call->material_id, generation->id, sizeof(call->material_id));
    call->has_material = true;
}

void kw_call_note_use(struct kw_call *call)
{
    struct kw_lastuse_entry entry = {
        .at_ms = kw_call_clock_ms(call),
        .operation = kw_lastuse_operation(call->operation->model->name),
    };

    if (entry.operation == KW_LASTUSE_OPERATIONS_NUM)
        return;
    memcpy(entry.request_id, call->request_id, sizeof(entry.request_id));
    memcpy(entry.event_id, call->event_id, sizeof(entry.event_id));
    if (kw_lastuse_note(call->key->lastuse, &entry))
        atomic_store_explicit(&kw_call_service(call)->uses_unsaved, true, memory_order_relaxed);
}

void kw_call_write_text(struct kw_json_out *out, const char *name, const char *value)
{
    kw_json_key(out, name);
    kw_json_cstring(out, value);
}

void kw_call_write_material(struct kw_call *call, struct kw_json_out *out)
{
    if (!call->has_material) /* a key in a token has none that a name is known of */
        return;
    kw_json_key(out, "KeyMaterialId");
    kw_json_hex(out, KW_BYTES(call->material_id, sizeof(call->material_id)));
}

static int wrap(struct kw_call *call, struct kw_bytes plaintext, struct kw_buf *ret)
{
    const struct kw_generation *current = kw_kms_key_current(call->key);

    if (kw_tokenkey_is(call->key))
        return kw_tokenkey_seal(call, plaintext, ret);
    if (current == NULL || current->material == NULL || current->material->secret.len != KW_BACKING_KEY_LEN)
        return kw_call_internal(call);
    if (kw_wrap(kw_call_wrapper(call), call->key->id, current->id, current->material->secret.ptr,
            kw_sbuf_bytes(&call->context), plaintext, ret) != 0)
        return kw_call_internal(call);
    kw_call_note_material(call, current);
    return KW_CALL_DONE;
}

int kw_call_wrap(struct kw_call *call, struct kw_json_out *out, const char *name, struct kw_bytes plaintext)
{
    uint8_t blob[KW_CIPHERTEXT_MAX];
    struct kw_buf buf = KW_BUF(blob, sizeof(blob));
    int r = wrap(call, plaintext, &buf);

    if (r != KW_CALL_DONE)
        return r;
    kw_call_note_use(call);
    kw_json_key(out, name);
    kw_json_base64(out, kw_buf_bytes(&buf));
    return KW_CALL_DONE;
}

int kw_call_put_key(struct kw_call *call, const struct kw_kms_key *edit)
{
    int r = kw_tx_put_key(call->tx, edit);

    return r > 0 ? kw_call_internal(call) : r;
}
