/* Encrypt, Decrypt, ReEncrypt and GenerateRandom. */
#include "api/callauthz.h"
#include "api/cipherside.h"
#include "api/operations.h"
#include "api/recipient.h"
#include "api/tokenkey.h"
#include "pool/fault.h"

#define SIDE                                                                                                 \
    {                                                                                                        \
        .key = "KeyId", .algorithm = "EncryptionAlgorithm", .context = "EncryptionContext"                   \
    }

/* ---- Encrypt ---- */

static int seal(struct kw_call *call, struct kw_cipher_side *side, struct kw_bytes plaintext)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    int r;

    kw_json_begin_object(&out);
    r = kw_cipher_side_seal(call, side, &out, plaintext);
    if (r != KW_CALL_DONE)
        return r;
    kw_call_write_text(&out, "KeyId", call->key->arn);
    kw_call_write_text(&out, "EncryptionAlgorithm", kw_algorithm_name(side->alg));
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

/* Everything that can refuse a request, but for what its text may be. */
static int check(struct kw_call *call, struct kw_cipher_side *side)
{
    int r = kw_cipher_side_check(call, side);

    if (r == KW_CALL_DONE)
        r = kw_call_check_grant_tokens(call);
    return r == KW_CALL_DONE ? kw_cipher_side_context(call, side) : r;
}

static int run_encrypt(struct kw_call *call)
{
    struct kw_cipher_side side = SIDE;
    uint8_t plaintext[KW_PLAINTEXT_MAX];
    KW_ERASE_GUARD(plaintext);
    size_t len = kw_input_blob(call->input, "Plaintext", plaintext, sizeof(plaintext));
    int r;

    kw_cipher_side_read(call, &side);
    r = kw_cipher_side_find(call, &side);
    if (r == KW_CALL_DONE)
        r = check(call, &side);
    if (r == KW_CALL_DONE)
        r = kw_cipher_side_fits(call, &side, len);
    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    return r == KW_CALL_DONE ? seal(call, &side, KW_BYTES(plaintext, len)) : r;
}

const struct kw_operation kw_op_encrypt = {
    .model = &kw_model_encrypt,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_encrypt,
};

/* ---- Decrypt ---- */

#define FOREIGN_BLOB                                                                                         \
    "A ciphertext whose key is in no Region of this server is answered like noise "                          \
    "(InvalidCiphertextException), since nothing tells the two apart; AWS answers AccessDeniedException."

static int write_plaintext(struct kw_call *call, const struct kw_cipher_side *side, struct kw_bytes plaintext)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    int r;

    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", call->key->arn);
    r = kw_recipient_write(call, &out, "Plaintext", plaintext);
    if (r != KW_CALL_DONE)
        return r;
    kw_call_write_text(&out, "EncryptionAlgorithm", kw_algorithm_name(side->alg));
    if (call->has_material && !kw_recipient_is_attested(call)) /* AWS leaves it out for recipients */
        kw_call_write_material(call, &out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int open_for_caller(struct kw_call *call, struct kw_cipher_side *side, struct kw_bytes ciphertext)
{
    uint8_t plaintext[KW_CIPHERTEXT_MAX];
    KW_ERASE_GUARD(plaintext);
    struct kw_buf buf = KW_BUF(plaintext, sizeof(plaintext));
    int r = kw_cipher_side_open(call, side, ciphertext, &buf);

    /* A dry run answers only after the blob has proved good: "would have succeeded" includes that. */
    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    if (r != KW_CALL_DONE)
        return r;
    kw_call_note_use(call);
    return write_plaintext(call, side, kw_buf_bytes(&buf));
}

static int run_decrypt(struct kw_call *call)
{
    struct kw_cipher_side side = SIDE;
    uint8_t text[KW_CIPHERTEXT_MAX];
    size_t len = 0;
    int r = kw_cipher_read(call, text, &len);

    kw_cipher_side_read(call, &side);
    if (r == KW_CALL_DONE)
        r = kw_cipher_side_find_source(call, &side, KW_BYTES(text, len));
    if (r == KW_CALL_DONE)
        r = check(call, &side);
    if (r == KW_CALL_DONE)
        r = kw_recipient_check(call);
    if (r == KW_CALL_DONE && kw_cipher_ignored(call))
        r = kw_call_dry_run(call);
    return r == KW_CALL_DONE ? open_for_caller(call, &side, KW_BYTES(text, len)) : r;
}

const struct kw_operation kw_op_decrypt = {
    .model = &kw_model_decrypt,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_decrypt,
    .note = FOREIGN_BLOB,
};

/* ---- ReEncrypt ---- */

static void write_material_id(struct kw_json_out *out, const char *name, const uint8_t *id)
{
    kw_json_key(out, name);
    kw_json_hex(out, KW_BYTES(id, KW_MATERIAL_ID_LEN));
}

/* From now on the call's material is the destination's, if that has one. */
static void note_source(struct kw_call *call)
{
    memcpy(call->source_material_id, call->material_id, sizeof(call->source_material_id));
    call->has_source_material = call->has_material;
    call->has_material = false;
}

static int reseal(
    struct kw_call *call, struct kw_cipher_side *from, struct kw_cipher_side *to, struct kw_bytes plaintext)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    int r;

    call->key = from->found;
    kw_call_note_use(call);
    kw_json_begin_object(&out);
    r = kw_cipher_side_context(call, to);
    if (r == KW_CALL_DONE)
        r = kw_cipher_side_seal(call, to, &out, plaintext);
    if (r != KW_CALL_DONE)
        return r;
    kw_call_write_text(&out, "SourceKeyId", from->found->arn);
    kw_call_write_text(&out, "KeyId", to->found->arn);
    kw_call_write_text(&out, "SourceEncryptionAlgorithm", kw_algorithm_name(from->alg));
    kw_call_write_text(&out, "DestinationEncryptionAlgorithm", kw_algorithm_name(to->alg));
    if (call->has_source_material)
        write_material_id(&out, "SourceKeyMaterialId", call->source_material_id);
    if (call->has_material)
        write_material_id(&out, "DestinationKeyMaterialId", call->material_id);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int open_and_reseal(
    struct kw_call *call, struct kw_cipher_side *from, struct kw_cipher_side *to, struct kw_bytes ciphertext)
{
    uint8_t plaintext[KW_CIPHERTEXT_MAX];
    KW_ERASE_GUARD(plaintext);
    struct kw_buf buf = KW_BUF(plaintext, sizeof(plaintext));
    int r = kw_cipher_side_context(call, from);

    if (r == KW_CALL_DONE)
        r = kw_cipher_side_open(call, from, ciphertext, &buf);
    if (r == KW_CALL_DONE) {
        note_source(call);
        r = kw_cipher_side_fits(call, to, buf.len);
    }
    if (r == KW_CALL_DONE)
        r = kw_call_dry_run(call);
    return r == KW_CALL_DONE ? reseal(call, from, to, kw_buf_bytes(&buf)) : r;
}

/* Both keys are found before either is judged, and both are judged before anything is decrypted. Whether they
 * are one key is for policies to know from the first decision on. */
static int find_both(
    struct kw_call *call, struct kw_cipher_side *from, struct kw_cipher_side *to, struct kw_bytes ciphertext)
{
    int r;

    from->other = kw_call_peek_key(call, kw_input_string(call->input, to->key));
    r = kw_cipher_side_find_source(call, from, ciphertext);
    to->other = from->found;
    if (r == KW_CALL_DONE)
        r = kw_cipher_side_find(call, to);
    if (r == KW_CALL_DONE)
        r = kw_cipher_side_check(call, from);
    if (r == KW_CALL_DONE)
        r = kw_cipher_side_check(call, to);
    if (r == KW_CALL_DONE)
        r = kw_call_check_grant_tokens(call);
    if (r == KW_CALL_DONE)
        r = kw_cipher_side_context(call, from);
    return r == KW_CALL_DONE ? kw_cipher_side_context(call, to) : r;
}

static int run_re_encrypt(struct kw_call *call)
{
    struct kw_cipher_side from = {
        .key = "SourceKeyId",
        .algorithm = "SourceEncryptionAlgorithm",
        .context = "SourceEncryptionContext",
        .permission = "ReEncryptFrom",
    };
    struct kw_cipher_side to = {
        .key = "DestinationKeyId",
        .algorithm = "DestinationEncryptionAlgorithm",
        .context = "DestinationEncryptionContext",
        .permission = "ReEncryptTo",
    };
    uint8_t text[KW_CIPHERTEXT_MAX];
    size_t len = 0;
    int r = kw_cipher_read(call, text, &len);

    kw_cipher_side_read(call, &from);
    kw_cipher_side_read(call, &to);
    if (r == KW_CALL_DONE)
        r = find_both(call, &from, &to, KW_BYTES(text, len));
    if (r == KW_CALL_DONE && kw_cipher_ignored(call))
        r = kw_call_dry_run(call);
    return r == KW_CALL_DONE ? open_and_reseal(call, &from, &to, KW_BYTES(text, len)) : r;
}

const struct kw_operation kw_op_re_encrypt = {
    .model = &kw_model_re_encrypt,
    .states = KW_STATES_USE,
    .read_only = true,
    .run = run_re_encrypt,
    .note = FOREIGN_BLOB,
};

/* ---- GenerateRandom ---- */

/* Of the generator here, or of the token that stands for the cluster of a key store. */
static int draw(struct kw_call *call, const struct kw_custom_store *store, size_t len, struct kw_buf *ret)
{
    uint8_t *to;

    if (store != NULL)
        return kw_tokenkey_random(call, store, len, ret);
    to = kw_buf_claim(ret, len);
    if (kw_fault(KW_FAULT_ALLOC) != KW_FAULT_NONE || to == NULL ||
        kw_wrapper_random(kw_call_wrapper(call), to, len) != 0)
        return kw_call_internal(call);
    return KW_CALL_DONE;
}

static int make_random(struct kw_call *call, const struct kw_custom_store *store, size_t len)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    uint8_t bytes[KW_RANDOM_MAX];
    KW_ERASE_GUARD(bytes);
    struct kw_buf buf = KW_BUF(bytes, sizeof(bytes));
    int r = draw(call, store, len, &buf);

    if (r != KW_CALL_DONE)
        return r;
    kw_json_begin_object(&out);
    r = kw_recipient_write(call, &out, "Plaintext", KW_BYTES(bytes, len));
    kw_json_end_object(&out);
    return r;
}

static int run_random(struct kw_call *call)
{
    size_t len = (size_t)kw_input_integer(call->input, "NumberOfBytes", 0);
    const struct kw_custom_store *store = NULL;
    int r = kw_call_authorize(call, "*");

    if (r != KW_CALL_DONE)
        return r;
    if (len == 0)
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "NumberOfBytes is required.");
    if (kw_input_has(call->input, "CustomKeyStoreId")) {
        r = kw_tokenkey_find_store(call, &store);
        if (r == KW_CALL_DONE)
            r = kw_tokenkey_require_connected(call, store);
    }
    if (r == KW_CALL_DONE)
        r = kw_recipient_check(call);
    return r == KW_CALL_DONE ? make_random(call, store, len) : r;
}

const struct kw_operation kw_op_generate_random = {
    .model = &kw_model_generate_random,
    .read_only = true,
    .run = run_random,
};
