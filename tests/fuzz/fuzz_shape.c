/* Arbitrary JSON against the input of an operation: the first byte picks it. */
#include "api/model.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (kw_crypto_init() != 0)
        return 1;
    kw_json_init();
    return 0;
}

/* What operations do with an input that passed: every reader answers, and nothing is beyond its limit. */
static void read_all(const struct kw_shape *shape, const struct kw_value *input)
{
    uint8_t bytes[256 * 1024];

    for (size_t i = 0; i < shape->num_members; i++) {
        const struct kw_member *member = &shape->members[i];
        const struct kw_shape *of = member->shape;

        if (!kw_input_has(input, member->name)) {
            kw_assert((member->flags & KW_MEMBER_REQUIRED) == 0);
            continue;
        }
        if (of->kind == KW_KIND_STRUCTURE)
            read_all(of, kw_input_object(input, member->name));
        else if (of->kind == KW_KIND_BLOB)
            kw_assert((int64_t)kw_input_blob(input, member->name, bytes, sizeof(bytes)) <= of->max);
        else if (of->kind == KW_KIND_INTEGER && of->has_max)
            kw_assert(kw_input_integer(input, member->name, 0) <= of->max);
        else if (of->kind == KW_KIND_STRING || of->kind == KW_KIND_ENUM)
            kw_assert(kw_input_string(input, member->name).ptr != NULL);
        else if (of->kind == KW_KIND_LIST)
            kw_assert(kw_input_array(input, member->name) != NULL);
        else if (of->kind == KW_KIND_TIMESTAMP)
            kw_assert(kw_input_time_ms(input, member->name, INT64_MAX) != INT64_MAX);
    }
}

/* A refusal is text that can be answered: short, and valid UTF-8. */
static void check_message(struct kw_bytes message, int r)
{
    json_t *text = json_stringn((const char *)message.ptr, message.len);

    kw_assert(message.len > 0 && message.len <= KW_SHAPE_MESSAGE_MAX && text != NULL);
    json_decref(text);
    kw_assert(r == KW_SHAPE_WRONG_TYPE || (message.ptr[0] >= '1' && message.ptr[0] <= '9'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    KW_SBUF struct kw_sbuf message = KW_SBUF_INIT(KW_SHAPE_MESSAGE_MAX);
    KW_CLEANUP(kw_document_done) struct kw_document document = {.block = NULL};
    const struct kw_value *root = NULL;
    const struct kw_shape *shape;
    int r;

    if (len == 0 || kw_document_parse(&document, KW_BYTES(data + 1, len - 1), &root) != 0)
        return 0;
    shape = kw_model[data[0] % kw_model_num]->input;
    r = kw_shape_check(shape, root, &message);
    kw_assert(r >= 0);
    if (r == 0)
        read_all(shape, root);
    else
        check_message(kw_sbuf_bytes(&message), r);
    return 0;
}
