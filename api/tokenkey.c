#include "api/tokenkey.h"

#include "api/hsm.h"
#include "api/service.h"
#include "api/tokenblob.h"

#include <openssl/crypto.h>
#include <stdio.h>

static const struct kw_hsm *hsm_of(const struct kw_call *call)
{
    return kw_call_service(call)->hsm;
}

/* ---- states ---- */

enum kw_key_state kw_tokenkey_state(const struct kw_call *call, const struct kw_kms_key *key)
{
    const struct kw_custom_store *store;

    if (!kw_tokenkey_is(key) || (key->state != KW_KEY_ENABLED && key->state != KW_KEY_DISABLED))
        return key->state;
    store = kw_snapshot_store_of(call->snapshot, key);
    return kw_hsm_status(hsm_of(call), store).state == KW_TOKEN_CONNECTED ? key->state : KW_KEY_UNAVAILABLE;
}

int kw_tokenkey_require_connected(struct kw_call *call, const struct kw_custom_store *store)
{
    enum kw_token_state state = kw_hsm_status(hsm_of(call), store).state;

    if (state == KW_TOKEN_CONNECTED)
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_CUSTOM_KEY_STORE_STATE,
        "The custom key store %s is %s; for this operation it must be CONNECTED.", store->id,
        kw_token_state_name(state));
}

int kw_tokenkey_find_store(struct kw_call *call, const struct kw_custom_store **ret)
{
    *ret = kw_snapshot_custom_store(call->snapshot, kw_bytes_str(call->identity.account),
        kw_bytes_str(call->region), kw_input_string(call->input, "CustomKeyStoreId"));
    return *ret != NULL ? KW_CALL_DONE : kw_call_refuse_bare(call, KW_ERROR_CUSTOM_KEY_STORE_NOT_FOUND);
}

/* ---- asking, and the answer ---- */

/* What a call may ask for: ReEncrypt opens with one key and seals with another. */
static struct kw_token_request **slot_of(struct kw_call *call, enum kw_token_job job)
{
    return &call->token.answers[job == KW_TOKEN_UNSEAL ? 0 : 1];
}

static int refuse_unavailable(struct kw_call *call, enum kw_error error)
{
    return call->key != NULL ? kw_call_refuse(call, error, "%s is unavailable.", call->key->arn)
                             : kw_call_refuse_bare(call, error);
}

/* A key that the token does not have any more is unavailable for good: somebody deleted it there. */
static int refuse(struct kw_call *call, const struct kw_token_request *request)
{
    switch (request->result) {
    case KW_PKCS11_INVALID:
        return kw_call_refuse_bare(call, KW_ERROR_INVALID_CIPHERTEXT);
    case KW_PKCS11_NO_KEY:
        return refuse_unavailable(call, KW_ERROR_INVALID_STATE);
    case KW_TOKEN_NOT_CONNECTED:
    case KW_PKCS11_GONE:
        if (request->job == KW_TOKEN_MAKE || request->job == KW_TOKEN_RANDOM)
            return kw_call_refuse(call, KW_ERROR_CUSTOM_KEY_STORE_STATE,
                "The connection of the custom key store to its cluster is lost.");
        return refuse_unavailable(
            call, request->result == KW_PKCS11_GONE ? KW_ERROR_KEY_UNAVAILABLE : KW_ERROR_INVALID_STATE);
    default:
        return kw_call_internal(call);
    }
}

static int ask(struct kw_call *call, const struct kw_custom_store *store, struct kw_token_request *request)
{
    struct kw_token *token = store == NULL ? NULL : kw_hsm_token(hsm_of(call), store->cluster);

    if (token == NULL || !kw_sbuf_ok(&request->in) || !kw_sbuf_ok(&request->aad)) {
        kw_token_request_free(request);
        return token == NULL ? refuse_unavailable(call, KW_ERROR_INVALID_STATE) : kw_call_internal(call);
    }
    kw_assert(call->token.asked == NULL);
    call->token.token = token;
    call->token.asked = request;
    return KW_CALL_WAIT_TOKEN;
}

void kw_tokenkey_answered(struct kw_call *call, struct kw_token_request *request)
{
    struct kw_token_request **slot = slot_of(call, request->job);

    kw_assert(call->token.asked == request);
    call->token.asked = NULL;
    kw_token_request_free(*slot);
    *slot = request;
    if (request->job == KW_TOKEN_MAKE && request->result == 0)
        call->token.made = true;
}

/* The answer to just this question. One to another, since an alias means another key now than it did then, is
 * dropped. */
static struct kw_token_request *answer_to(
    struct kw_call *call, enum kw_token_job job, const char *label, struct kw_bytes in)
{
    struct kw_token_request *answer = *slot_of(call, job);

    if (answer == NULL || answer->job != job || strcmp(answer->label, label) != 0 ||
        answer->in.len != in.len || (in.len > 0 && CRYPTO_memcmp(answer->in.ptr, in.ptr, in.len) != 0))
        return NULL;
    return answer;
}

static struct kw_token_request *question(enum kw_token_job job, const char *label, struct kw_bytes in)
{
    struct kw_token_request *request = kw_token_request_new(job);

    if (request == NULL)
        return NULL;
    snprintf(request->label, sizeof(request->label), "%s", label);
    kw_sbuf_put_bytes(&request->in, in);
    return request;
}

/* ---- encryption ---- */

struct kw_bytes kw_tokenkey_sealing(const struct kw_call *call)
{
    const struct kw_token_request *answer = call->token.answers[1];

    return answer != NULL && answer->job == KW_TOKEN_SEAL ? kw_sbuf_bytes(&answer->in) : KW_BYTES(NULL, 0);
}

int kw_tokenkey_seal(struct kw_call *call, struct kw_bytes plaintext, struct kw_buf *ret_blob)
{
    const struct kw_kms_key *key = call->key;
    struct kw_token_request *answer = answer_to(call, KW_TOKEN_SEAL, key->id_text, plaintext);

    if (answer == NULL) {
        struct kw_token_request *request = question(KW_TOKEN_SEAL, key->id_text, plaintext);

        if (request == NULL ||
            kw_wrapper_random(kw_call_wrapper(call), request->iv, sizeof(request->iv)) != 0) {
            kw_token_request_free(request);
            return kw_call_internal(call);
        }
        kw_tokenblob_aad(key->id, kw_sbuf_bytes(&call->context), &request->aad);
        return ask(call, kw_snapshot_store_of(call->snapshot, key), request);
    }
    if (answer->result != 0)
        return refuse(call, answer);
    kw_tokenblob_write(key->id, answer->iv, kw_sbuf_bytes(&answer->out), ret_blob);
    return kw_buf_ok(ret_blob) ? KW_CALL_DONE : kw_call_internal(call);
}

int kw_tokenkey_open(struct kw_call *call, struct kw_bytes text, struct kw_buf *ret_plain)
{
    const struct kw_kms_key *key = call->key;
    struct kw_token_request *answer;
    struct kw_tokenblob blob;

    if (kw_tokenblob_parse(text, &blob) != 0)
        return kw_call_refuse_bare(call, KW_ERROR_INVALID_CIPHERTEXT);
    answer = answer_to(call, KW_TOKEN_UNSEAL, key->id_text, blob.sealed);
    if (answer == NULL) {
        struct kw_token_request *request = question(KW_TOKEN_UNSEAL, key->id_text, blob.sealed);

        if (request == NULL)
            return kw_call_internal(call);
        memcpy(request->iv, blob.iv, sizeof(request->iv));
        kw_tokenblob_aad(key->id, kw_sbuf_bytes(&call->context), &request->aad);
        return ask(call, kw_snapshot_store_of(call->snapshot, key), request);
    }
    if (answer->result != 0)
        return refuse(call, answer);
    kw_buf_put_bytes(ret_plain, kw_sbuf_bytes(&answer->out));
    return kw_buf_ok(ret_plain) ? KW_CALL_DONE : kw_call_internal(call);
}

/* ---- keys, and random bytes ---- */

int kw_tokenkey_make(struct kw_call *call, const struct kw_custom_store *store, const char *label)
{
    struct kw_token_request *answer = answer_to(call, KW_TOKEN_MAKE, label, KW_BYTES(NULL, 0));

    if (answer == NULL) {
        struct kw_token_request *request = question(KW_TOKEN_MAKE, label, KW_BYTES(NULL, 0));

        return request == NULL ? kw_call_internal(call) : ask(call, store, request);
    }
    return answer->result == 0 ? KW_CALL_DONE : refuse(call, answer);
}

void kw_tokenkey_keep(struct kw_call *call)
{
    call->token.made = false;
}

int kw_tokenkey_random(
    struct kw_call *call, const struct kw_custom_store *store, size_t len, struct kw_buf *ret)
{
    struct kw_token_request *answer = answer_to(call, KW_TOKEN_RANDOM, "", KW_BYTES(NULL, 0));

    if (answer == NULL) {
        struct kw_token_request *request = question(KW_TOKEN_RANDOM, "", KW_BYTES(NULL, 0));

        if (request == NULL)
            return kw_call_internal(call);
        request->len = len;
        return ask(call, store, request);
    }
    if (answer->result != 0)
        return refuse(call, answer);
    kw_buf_put_bytes(ret, kw_sbuf_bytes(&answer->out));
    return kw_buf_ok(ret) ? KW_CALL_DONE : kw_call_internal(call);
}

void kw_tokenkey_end(struct kw_call *call)
{
    kw_assert(call->token.asked == NULL);
    if (call->token.made)
        kw_token_discard(call->token.token, call->token.answers[1]->label);
    for (size_t i = 0; i < KW_ARRAY_LEN(call->token.answers); i++)
        kw_token_request_free(call->token.answers[i]);
}
