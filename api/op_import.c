/* ImportKeyMaterial. */
#include "api/generations.h"
#include "api/importcall.h"
#include "api/operations.h"
#include "api/related.h"
#include "api/rotation.h"

/* ---- what the request says ---- */

/* The rest of the request, beside the token and the material. */
struct import {
    int64_t valid_to_ms; /* 0: never */
    bool as_new;
    bool has_id;
    uint8_t id[KW_MATERIAL_ID_LEN];
    const char *description; /* NULL: not said */
};

static int read_expiry(struct kw_call *call, int64_t now_ms, struct import *import)
{
    bool forever = kw_bytes_equal(
        kw_input_string(call->input, "ExpirationModel"), KW_LIT("KEY_MATERIAL_DOES_NOT_EXPIRE"));
    bool has_date = kw_input_has(call->input, "ValidTo");

    import->valid_to_ms = 0;
    if (forever && has_date)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE");
    if (forever)
        return KW_CALL_DONE;
    if (!has_date)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES");
    import->valid_to_ms = kw_input_time_ms(call->input, "ValidTo", 0);
    if (import->valid_to_ms <= now_ms)
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "The validTo date must be in the future");
    if (import->valid_to_ms > now_ms + 365 * KW_DAY_MS)
        return kw_call_refuse(
            call, KW_ERROR_VALIDATION, "The validTo date must be at most 365 days in the future");
    return KW_CALL_DONE;
}

/* What only keys can have that may have several materials. */
static int read_generation(struct kw_call *call, struct import *import)
{
    struct kw_bytes type = kw_input_string(call->input, "ImportType");
    struct kw_bytes id = kw_input_string(call->input, "KeyMaterialId");
    struct kw_bytes description = kw_input_string(call->input, "KeyMaterialDescription");

    if (call->key->spec != KW_KEY_SYMMETRIC_DEFAULT &&
        (type.ptr != NULL || id.ptr != NULL || description.ptr != NULL))
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "ImportType, KeyMaterialId and KeyMaterialDescription can be specified for symmetric encryption "
            "keys only");
    import->as_new = type.ptr != NULL ? kw_bytes_equal(type, KW_LIT("NEW_KEY_MATERIAL"))
                                      : call->key->num_generations == 0 && !kw_related_is_replica(call->key);
    import->has_id = id.ptr != NULL;
    if (import->has_id && kw_hex_decode(id, import->id, sizeof(import->id)) != 0)
        return kw_call_internal(call);
    if (import->has_id && import->as_new)
        return kw_call_refuse(
            call, KW_ERROR_VALIDATION, "KeyMaterialId must not be set if the ImportType is NEW_KEY_MATERIAL");
    import->description = (const char *)description.ptr; /* value.h: it ends with a NUL */
    return KW_CALL_DONE;
}

static int read_import(struct kw_call *call, int64_t now_ms, struct import *import)
{
    int r = kw_importcall_find_key(call);

    if (r == KW_CALL_DONE)
        r = read_expiry(call, now_ms, import);
    return r == KW_CALL_DONE ? read_generation(call, import) : r;
}

/* ---- from the token and the wrapped bytes to material ---- */

static int open_token(struct kw_call *call, struct kw_buf *space, struct kw_importtoken *ret)
{
    const struct kw_importtoken_seal seal = kw_importcall_seal(call);
    uint8_t text[KW_CIPHERTEXT_MAX];
    size_t len = kw_input_blob(call->input, "ImportToken", text, sizeof(text));

    switch (kw_importtoken_open(&seal, KW_BYTES(text, len), kw_call_clock_ms(call), space, ret)) {
    case 0:
        return KW_CALL_DONE;
    case KW_IMPORTTOKEN_INVALID:
        return kw_call_refuse_bare(call, KW_ERROR_INVALID_IMPORT_TOKEN);
    case KW_IMPORTTOKEN_EXPIRED:
        return kw_call_refuse_bare(call, KW_ERROR_EXPIRED_IMPORT_TOKEN);
    default:
        return kw_call_internal(call);
    }
}

/* RSA gives as many bytes as the modulus has, and RSA_AES_KEY_WRAP what is under the AES key behind them. */
static bool is_right_length(const struct kw_importtoken *token, size_t len)
{
    size_t modulus_len = kw_key_spec_info(token->wrapping_key)->bits / 8;

    switch (token->algorithm) {
    case KW_WRAPPING_SM2PKE:
        return true;
    case KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_1:
    case KW_WRAPPING_RSA_AES_KEY_WRAP_SHA_256:
        return len > modulus_len && (len - modulus_len) % 8 == 0;
    default:
        return len == modulus_len;
    }
}

static int wrong_material(struct kw_call *call)
{
    return kw_call_refuse_bare(call, KW_ERROR_INCORRECT_KEY_MATERIAL);
}

/* Keeps the material, which has been checked, with its id and the public key of a pair. */
static int keep_material(struct kw_call *call, struct kw_bytes secret)
{
    const uint8_t *import_secret = kw_call_service(call)->import_secret;
    bool is_pair = kw_key_spec_info(call->key->spec)->key_len == 0;
    KW_ASYM struct kw_asym *pair = NULL;
    struct kw_material *material = NULL;
    uint8_t id[KW_MATERIAL_ID_LEN];
    struct kw_bytes public_der;

    if (secret.len > KW_MATERIAL_SECRET_MAX)
        return wrong_material(call);
    if (is_pair && kw_asym_load(&pair, call->key->spec, secret) != 0)
        return kw_call_internal(call);
    public_der = is_pair ? kw_asym_public(pair) : KW_BYTES(NULL, 0);
    kw_importtoken_material_id(import_secret, call->key->id, is_pair ? public_der : secret, id);
    if (kw_material_new(&material, id, secret, public_der) != 0)
        return kw_call_internal(call);
    kw_material_unref(call->new_material);
    call->new_material = material;
    return KW_CALL_DONE;
}

/* Unwraps and checks on the thread for chores; when that is done the order is the one that it had. */
static int unwrap(struct kw_call *call, const struct kw_chore_order *order)
{
    uint8_t space[KW_CHORE_IMPORT_MAX];
    KW_ERASE_GUARD(space);
    struct kw_buf buf = KW_BUF(space, sizeof(space));
    int outcome = 0, r = kw_call_chore(call, order, &buf, &outcome);

    if (r != KW_CALL_DONE)
        return r;
    switch (outcome) {
    case 0:
        return keep_material(call, kw_buf_bytes(&buf));
    case KW_KEYWRAP_INVALID:
        return kw_call_refuse_bare(call, KW_ERROR_INVALID_CIPHERTEXT);
    case KW_MATERIAL_INVALID:
        return wrong_material(call);
    default:
        return kw_call_internal(call);
    }
}

static int order_unwrap(struct kw_call *call)
{
    static const uint8_t no_id[KW_MATERIAL_ID_LEN];
    uint8_t space[KW_IMPORTTOKEN_MAX], wrapped[KW_WRAPPED_MAX];
    KW_ERASE_GUARD(space);
    KW_MATERIAL struct kw_material *wrapping_key = NULL;
    struct kw_buf buf = KW_BUF(space, sizeof(space));
    struct kw_chore_order order = {.kind = KW_CHORE_IMPORT, .spec = call->key->spec};
    struct kw_importtoken token;
    int r = open_token(call, &buf, &token);

    if (r != KW_CALL_DONE)
        return r;
    order.input =
        KW_BYTES(wrapped, kw_input_blob(call->input, "EncryptedKeyMaterial", wrapped, sizeof(wrapped)));
    if (!is_right_length(&token, order.input.len))
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "Invalid encrypted key size.");
    if (kw_material_new(&wrapping_key, no_id, token.private_key, KW_BYTES(NULL, 0)) != 0)
        return kw_call_internal(call);
    order.material = wrapping_key;
    order.wrapping = token.algorithm;
    return unwrap(call, &order);
}

static int take_material(struct kw_call *call)
{
    return call->chore.done ? unwrap(call, &call->chore.order) : order_unwrap(call);
}

/* ---- where the material goes ---- */

static int too_many(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_LIMIT_EXCEEDED, "The key has as many materials as it may have.");
}

static int one_waits(struct kw_call *call, struct kw_generations *in)
{
    char hex[2 * KW_MATERIAL_ID_LEN];

    kw_hex_encode(kw_generations_pending(in)->id, KW_MATERIAL_ID_LEN, hex);
    return kw_call_refuse(call, KW_ERROR_INVALID_STATE, "%s has key material that is pending rotation: %.*s.",
        call->key->arn, (int)sizeof(hex), hex);
}

static int add_generation(
    struct kw_call *call, const struct import *import, struct kw_generations *in, int64_t now_ms)
{
    struct kw_generation added = {
        .material = call->new_material,
        .created_ms = now_ms,
        .valid_to_ms = import->valid_to_ms,
        .description = import->description,
    };

    if (kw_related_is_replica(call->key))
        return kw_call_refuse(call, KW_ERROR_UNSUPPORTED,
            "%s is not a multi-region primary key. New key material is imported into the primary key first.",
            call->key->arn);
    memcpy(added.id, call->new_material->id, sizeof(added.id));
    switch (kw_generations_add(in, &added)) {
    case 0:
        return KW_CALL_DONE;
    case KW_GENERATIONS_KNOWN:
        return wrong_material(call);
    case KW_GENERATIONS_PENDING:
        return one_waits(call, in);
    default:
        return too_many(call);
    }
}

static int renew_generation(struct kw_call *call, const struct import *import, struct kw_generations *in)
{
    struct kw_generation *found = kw_generations_find(in, call->new_material->id);

    if (found == NULL ||
        (import->has_id && memcmp(import->id, call->new_material->id, sizeof(import->id)) != 0))
        return wrong_material(call);
    found->material = call->new_material;
    found->valid_to_ms = import->valid_to_ms;
    if (import->description != NULL)
        found->description = import->description;
    return KW_CALL_DONE;
}

/* What the key will be; edit points into `in`. */
static int place_material(struct kw_call *call, const struct import *import, int64_t now_ms,
    struct kw_generations *in, struct kw_kms_key *edit)
{
    int r;

    if (kw_generations_copy(in, call->key, kw_related_primary(call->snapshot, call->key)) != 0)
        return too_many(call);
    r = import->as_new ? add_generation(call, import, in, now_ms) : renew_generation(call, import, in);
    if (r != KW_CALL_DONE)
        return r;
    *edit = *call->key;
    kw_generations_put(in, edit);
    if (edit->state == KW_KEY_PENDING_IMPORT && kw_rotation_material_complete(edit))
        edit->state = KW_KEY_ENABLED;
    return KW_CALL_DONE;
}

/* ---- the operation ---- */

static int run_import(struct kw_call *call)
{
    int64_t now_ms = kw_call_clock_ms(call);
    struct kw_generations generations;
    struct kw_kms_key edit;
    struct import import = {0};
    int r = read_import(call, now_ms, &import);

    if (r == KW_CALL_DONE)
        r = take_material(call);
    if (r == KW_CALL_DONE)
        r = place_material(call, &import, now_ms, &generations, &edit);
    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_import(struct kw_call *call)
{
    struct kw_generations generations;
    struct kw_kms_key edit;
    struct import import = {0};
    int r = read_import(call, call->now_ms, &import);

    if (r == KW_CALL_DONE)
        r = place_material(call, &import, call->now_ms, &generations, &edit);
    return r == KW_CALL_DONE ? kw_call_put_key(call, &edit) : r;
}

static int stored_import(struct kw_call *call)
{
    memcpy(call->material_id, call->new_material->id, sizeof(call->material_id));
    call->has_material = true;
    return kw_importcall_answer(call);
}

const struct kw_operation kw_op_import_key_material = {
    .model = &kw_model_import_key_material,
    .states = KW_STATES_IMPORT,
    .run = run_import,
    .apply = apply_import,
    .stored = stored_import,
    .note =
        "An RSA key must have two primes of half the modulus' length. The check of an RSA_4096 key takes "
        "some "
        "0.3 s, beside the serving threads; when several wait for it, more are answered ThrottlingException.",
};
