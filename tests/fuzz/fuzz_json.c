#include "api/value.h"
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

static unsigned depth_of(const json_t *value)
{
    json_t *from = (json_t *)(uintptr_t)value, *item;
    unsigned deepest = 0;
    const char *key;
    size_t i;

    if (!json_is_object(value) && !json_is_array(value))
        return 0;
    json_object_foreach(from, key, item)
    {
        deepest = KW_MAX(deepest, depth_of(item));
    }
    json_array_foreach(value, i, item)
    {
        deepest = KW_MAX(deepest, depth_of(item));
    }
    return 1 + deepest;
}

/* What was read and written is read as the same thing again. */
static void check_value(const json_t *root)
{
    KW_SBUF struct kw_sbuf sbuf = KW_SBUF_INIT(1 << 24);
    struct kw_json_out out = KW_JSON_OUT(&sbuf);
    KW_JSON json_t *again = NULL;

    kw_assert(json_is_object(root) && depth_of(root) <= KW_JSON_DEPTH_MAX);
    kw_json_value(&out, root);
    kw_assert(kw_sbuf_ok(&sbuf));
    int r = kw_json_parse(kw_sbuf_bytes(&sbuf), &again);
    kw_assert(r == 0 && json_equal(again, root));
}

/* Whatever the bytes, they can be written as a string that is valid, and that reads back as itself once it
 * was read. */
static void check_string(struct kw_bytes text)
{
    KW_SBUF struct kw_sbuf sbuf = KW_SBUF_INIT(1 << 24);
    struct kw_json_out out = KW_JSON_OUT(&sbuf);
    KW_JSON json_t *root = NULL;

    kw_json_begin_object(&out);
    kw_json_key(&out, "text");
    kw_json_string(&out, text);
    kw_json_end_object(&out);
    kw_assert(kw_sbuf_ok(&sbuf));
    int r = kw_json_parse(kw_sbuf_bytes(&sbuf), &root);
    kw_assert(r == 0);
    check_value(root);
    /* jansson's own judge of UTF-8: what it takes must have come through unchanged. */
    KW_JSON json_t *direct = json_stringn((const char *)text.ptr, text.len);
    kw_assert(direct == NULL || json_equal(direct, json_object_get(root, "text")));
}

/* Requests are read by a parser of their own: it takes what jansson takes as kw_json_parse() has it, and
 * reads the same thing; but for a NUL behind a number, which jansson 2.14 does not see. */
static void check_document(struct kw_bytes text, const json_t *root)
{
    KW_CLEANUP(kw_document_done) struct kw_document document = {.block = NULL};
    KW_SBUF struct kw_sbuf sbuf = KW_SBUF_INIT(1 << 24), wanted = KW_SBUF_INIT(1 << 24);
    struct kw_json_out out = KW_JSON_OUT(&sbuf), wanted_out = KW_JSON_OUT(&wanted);
    const struct kw_value *value = NULL;
    int r = kw_document_parse(&document, text, &value);

    if (kw_bytes_find(text, 0) >= 0)
        root = NULL;
    kw_assert(r == (root != NULL ? 0 : KW_JSON_BAD));
    if (root == NULL)
        return;
    kw_value_write(&out, value);
    kw_json_value(&wanted_out, root);
    kw_assert(kw_sbuf_ok(&sbuf) && kw_bytes_equal(kw_sbuf_bytes(&sbuf), kw_sbuf_bytes(&wanted)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct kw_bytes text = len > 0 ? KW_BYTES(data, len) : KW_LIT("");
    KW_JSON json_t *root = NULL;

    int r = kw_json_parse(text, &root);
    if (r == 0)
        check_value(root);
    kw_assert(r >= 0); /* -ENOMEM: jansson asked for more than it was given beforehand */
    check_document(text, root);
    check_string(text);
    return 0;
}
