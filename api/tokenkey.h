/* tokenkey - what calls do with keys that are in a token (custom key stores).
 *
 * The token answers later: the first time, each of these returns KW_CALL_WAIT_TOKEN with the request laid out
 * in call->token.asked; when the answer has come, the operation runs again from its beginning, with a fresh
 * snapshot, and the same function finds it.
 */
#ifndef KW_API_TOKENKEY_H
#define KW_API_TOKENKEY_H

#include "api/call.h"

static inline bool kw_tokenkey_is(const struct kw_kms_key *key)
{
    return key->origin == KW_ORIGIN_CLOUDHSM;
}

/* The state of a key, as all operations see it: a key that could be used is unavailable while its key store
 * is not connected. */
enum kw_key_state kw_tokenkey_state(const struct kw_call *call, const struct kw_kms_key *key);

/* kw_tokenkey_seal() - encrypts under call->key with the call's context and appends the blob. Secret:
 * plaintext. Returns KW_CALL_DONE | KW_CALL_REFUSED | KW_CALL_WAIT_TOKEN */
KW_MUST_CHECK int kw_tokenkey_seal(struct kw_call *call, struct kw_bytes plaintext, struct kw_buf *ret_blob);
/* The plaintext that has been given to kw_tokenkey_seal() already, by a run before this one; of length 0 if
 * none has. Who draws what is to be sealed must not draw again. */
struct kw_bytes kw_tokenkey_sealing(const struct kw_call *call);
/* kw_tokenkey_open() - decrypts a blob that names call->key. Out: appends the plaintext, which is secret.
 * Returns as above; InvalidCiphertextException if it does not authenticate */
KW_MUST_CHECK int kw_tokenkey_open(struct kw_call *call, struct kw_bytes text, struct kw_buf *ret_plain);
/* kw_tokenkey_make() - a key of that label in the token of a connected key store. It is destroyed when the
 * call ends, unless kw_tokenkey_keep() has been called. Returns as above */
KW_MUST_CHECK int kw_tokenkey_make(
    struct kw_call *call, const struct kw_custom_store *store, const char *label);
void kw_tokenkey_keep(struct kw_call *call);
/* kw_tokenkey_random() - appends len bytes of the store's token. Returns as above */
KW_MUST_CHECK int kw_tokenkey_random(
    struct kw_call *call, const struct kw_custom_store *store, size_t len, struct kw_buf *ret);

/* Refuses unless the store is connected (CustomKeyStoreInvalidStateException). */
KW_MUST_CHECK int kw_tokenkey_require_connected(struct kw_call *call, const struct kw_custom_store *store);
/* The store that member CustomKeyStoreId names (CustomKeyStoreNotFoundException). */
KW_MUST_CHECK int kw_tokenkey_find_store(struct kw_call *call, const struct kw_custom_store **ret);

/* The service's: the answer to call->token.asked has come. It belongs to the call again. */
void kw_tokenkey_answered(struct kw_call *call, struct kw_token_request *request);
/* At the end of a call: frees what it had from tokens. */
void kw_tokenkey_end(struct kw_call *call);

#endif
