#include "api/cipherside.h"

#include "api/callauthz.h"
#include "api/tokenblob.h"
#include "api/tokenkey.h"
#include "api/usekey.h"

static bool is_symmetric(const struct kw_cipher_side *side)
{
    return side->alg == KW_ALG_SYMMETRIC_DEFAULT;
}

/* The side's turn: what is checked and refused from now on is of its key. */
static void turn(struct kw_call *call, const struct kw_cipher_side *side)
{
    call->key = side->found;
    call->action = side->permission;
}

static int invalid_ciphertext(struct kw_call *call)
{
    return kw_call_refuse_bare(call, KW_ERROR_INVALID_CIPHERTEXT);
}

/* In the words of the check of shapes: which members must be there depends on others. */
static int refuse_missing(struct kw_call *call, const char *member)
{
    return kw_call_refuse(call, KW_ERROR_VALIDATION,
        "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be "
        "null",
        member);
}

bool kw_cipher_ignored(const struct kw_call *call)
{
    const struct kw_value *modifiers = kw_input_array(call->input, "DryRunModifiers");

    /* IGNORE_CIPHERTEXT is the only one that there is. */
    return kw_input_true(call->input, "DryRun") && kw_value_num(modifiers) > 0;
}

int kw_cipher_read(struct kw_call *call, uint8_t text[KW_CIPHERTEXT_MAX], size_t *ret_len)
{
    *ret_len = kw_input_blob(call->input, "CiphertextBlob", text, KW_CIPHERTEXT_MAX);
    return *ret_len > 0 || kw_cipher_ignored(call) ? KW_CALL_DONE : refuse_missing(call, "ciphertextBlob");
}

void kw_cipher_side_read(const struct kw_call *call, struct kw_cipher_side *side)
{
    struct kw_bytes name = kw_input_string(call->input, side->algorithm);

    side->alg = KW_ALG_SYMMETRIC_DEFAULT;
    if (name.ptr != NULL) {
        int r = kw_algorithm_parse(name, KW_USAGE_ENCRYPT_DECRYPT, &side->alg);

        kw_assert(r == 0); /* the shape has let known names pass only */
    }
}

int kw_cipher_side_find(struct kw_call *call, struct kw_cipher_side *side)
{
    struct kw_bytes name = kw_input_string(call->input, side->key);
    int r;

    call->action = side->permission;
    call->other_key = side->other;
    if (name.ptr == NULL)
        return refuse_missing(call, side->key[0] == 'S' ? "sourceKeyId" : "keyId");
    r = kw_call_find_key(call, name, true);
    side->found = call->key;
    return r;
}

static int incorrect_key(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_INCORRECT_KEY,
        "The key ID in the request does not identify a CMK that can perform this operation.");
}

/* Would the key open the ciphertext under the context that the side has? */
static bool opens(struct kw_call *call, const struct kw_cipher_side *side, const struct kw_kms_key *key,
    struct kw_bytes ciphertext)
{
    const struct kw_generation *generation;
    uint8_t plain[KW_CIPHERTEXT_MAX];
    KW_ERASE_GUARD(plain);
    struct kw_buf buf = KW_BUF(plain, sizeof(plain));
    struct kw_blob blob;

    if (kw_tokenkey_is(key) || kw_blob_parse(ciphertext, &blob) != 0)
        return false;
    generation = kw_kms_key_generation(key, blob.material_id);
    if (generation == NULL || generation->material == NULL ||
        generation->material->secret.len != KW_BACKING_KEY_LEN ||
        kw_call_encode_context(call, side->context) != KW_CALL_DONE)
        return false;
    return kw_unwrap(kw_call_wrapper(call), &blob, generation->material->secret.ptr,
               kw_sbuf_bytes(&call->context), &buf) == 0;
}

/* May the caller learn from a refusal that the key is there? The header of a ciphertext can be made up: of
 * another account's key only who has one that it made learns that. */
static bool may_know(struct kw_call *call, const struct kw_cipher_side *side, const struct kw_kms_key *key,
    struct kw_bytes ciphertext)
{
    return key != NULL &&
           (strcmp(key->account, call->identity.account) == 0 || opens(call, side, key, ciphertext));
}

/* The key that the blob names is not in this region. A blob of another server names a key that is nowhere:
 * then nothing tells it from noise, and it is answered like noise. */
static int refuse_elsewhere(struct kw_call *call, const struct kw_cipher_side *side, const uint8_t *key_id,
    struct kw_bytes ciphertext, bool named)
{
    if (!may_know(call, side, kw_snapshot_key_anywhere(call->snapshot, key_id), ciphertext))
        return invalid_ciphertext(call);
    return named ? incorrect_key(call) : kw_call_refuse_inaccessible(call);
}

/* The key comes from the blob alone; one that the request names has been found and decided on, and must be
 * the same. */
static int find_by_blob(struct kw_call *call, struct kw_cipher_side *side, const uint8_t *key_id,
    struct kw_bytes ciphertext, bool named)
{
    const struct kw_kms_key *key = kw_snapshot_key_by_id(call->snapshot, kw_bytes_str(call->region), key_id);
    int r;

    if (key == NULL)
        return refuse_elsewhere(call, side, key_id, ciphertext, named);
    if (named && side->found == key)
        return KW_CALL_DONE;
    if (!named) {
        side->found = key;
        r = kw_call_take_blob_key(call, key);
        if (r == KW_CALL_DONE)
            return r;
    } else {
        r = incorrect_key(call);
    }
    return may_know(call, side, key, ciphertext) ? r : invalid_ciphertext(call);
}

int kw_cipher_side_find_source(struct kw_call *call, struct kw_cipher_side *side, struct kw_bytes ciphertext)
{
    bool named = kw_input_has(call->input, side->key);
    const uint8_t *key_id;
    int r;

    call->action = side->permission;
    call->other_key = side->other;
    if (!is_symmetric(side) || kw_cipher_ignored(call))
        return kw_cipher_side_find(call, side);
    r = named ? kw_cipher_side_find(call, side) : KW_CALL_DONE;
    if (r != KW_CALL_DONE)
        return r;
    key_id = kw_blob_key_id(ciphertext);
    return key_id != NULL ? find_by_blob(call, side, key_id, ciphertext, named) : invalid_ciphertext(call);
}

int kw_cipher_side_check(struct kw_call *call, struct kw_cipher_side *side)
{
    int r;

    turn(call, side);
    r = kw_usekey_check(call, KW_USAGE_ENCRYPT_DECRYPT);
    return r == KW_CALL_DONE ? kw_usekey_algorithm(call, side->alg) : r;
}

int kw_cipher_side_context(struct kw_call *call, struct kw_cipher_side *side)
{
    turn(call, side);
    if (is_symmetric(side))
        return kw_call_encode_context(call, side->context);
    if (kw_value_num(kw_input_object(call->input, side->context)) == 0)
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_VALIDATION,
        "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.");
}

static int open_blob(struct kw_call *call, struct kw_bytes ciphertext, struct kw_buf *ret_plain)
{
    const struct kw_generation *generation;
    struct kw_blob blob;
    int r;

    if (kw_tokenkey_is(call->key))
        return kw_tokenkey_open(call, ciphertext, ret_plain);
    if (kw_blob_parse(ciphertext, &blob) != 0)
        return invalid_ciphertext(call);
    generation = kw_kms_key_generation(call->key, blob.material_id);
    if (generation == NULL)
        return invalid_ciphertext(call);
    if (generation->material == NULL) /* imported, and deleted or expired since */
        return kw_call_refuse(call, KW_ERROR_INVALID_STATE, "%s is pending import.", call->key->arn);
    if (generation->material->secret.len != KW_BACKING_KEY_LEN)
        return kw_call_internal(call);
    r = kw_unwrap(kw_call_wrapper(call), &blob, generation->material->secret.ptr,
        kw_sbuf_bytes(&call->context), ret_plain);
    if (r == KW_BLOB_INVALID)
        return invalid_ciphertext(call);
    if (r != 0)
        return kw_call_internal(call);
    kw_call_note_material(call, generation);
    return KW_CALL_DONE;
}

static int open_with_pair(struct kw_call *call, const struct kw_cipher_side *side, struct kw_bytes ciphertext,
    struct kw_buf *ret_plain)
{
    struct kw_chore_order chore = {.kind = KW_CHORE_NONE};
    int outcome = 0, r = kw_usekey_order(call, KW_CHORE_DECRYPT, side->alg, &chore);

    if (r != KW_CALL_DONE)
        return r;
    chore.input = ciphertext;
    r = kw_call_chore(call, &chore, ret_plain, &outcome);
    if (r != KW_CALL_DONE)
        return r;
    if (outcome == KW_ASYM_BAD_CIPHERTEXT)
        return invalid_ciphertext(call);
    return outcome == 0 ? KW_CALL_DONE : kw_call_internal(call);
}

int kw_cipher_side_open(
    struct kw_call *call, struct kw_cipher_side *side, struct kw_bytes ciphertext, struct kw_buf *ret_plain)
{
    turn(call, side);
    return is_symmetric(side) ? open_blob(call, ciphertext, ret_plain)
                              : open_with_pair(call, side, ciphertext, ret_plain);
}

int kw_cipher_side_fits(struct kw_call *call, struct kw_cipher_side *side, size_t plaintext_len)
{
    size_t max;
    int r;

    turn(call, side);
    if (is_symmetric(side))
        return KW_CALL_DONE;
    r = kw_usekey_asym(call, &side->pair);
    if (r != KW_CALL_DONE)
        return r;
    max = kw_asym_plaintext_max(side->pair, side->alg);
    if (plaintext_len <= max)
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_VALIDATION,
        "Algorithm %s and key spec %s cannot encrypt data larger than %zu bytes.",
        kw_algorithm_name(side->alg), kw_key_spec_name(side->found->spec), max);
}

int kw_cipher_side_seal(
    struct kw_call *call, struct kw_cipher_side *side, struct kw_json_out *out, struct kw_bytes plaintext)
{
    uint8_t sealed[KW_CIPHERTEXT_MAX];
    struct kw_buf buf = KW_BUF(sealed, sizeof(sealed));

    turn(call, side);
    if (is_symmetric(side))
        return kw_call_wrap(call, out, "CiphertextBlob", plaintext);
    /* OAEP's seed and SM2's nonce are drawn by OpenSSL itself. */
    if (kw_asym_encrypt(side->pair, side->alg, plaintext, &buf) != 0)
        return kw_call_internal(call);
    kw_call_note_use(call);
    kw_json_key(out, "CiphertextBlob");
    kw_json_base64(out, kw_buf_bytes(&buf));
    return KW_CALL_DONE;
}
