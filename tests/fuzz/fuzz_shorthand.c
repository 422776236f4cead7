#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"
#include "tools/cli/shorthand.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct kw_shape text = {.name = "Text", .kind = KW_KIND_STRING};
    static const struct kw_shape list = {.name = "List", .kind = KW_KIND_LIST, .element = &text};
    static const struct kw_shape map = {.name = "Map", .kind = KW_KIND_MAP, .key = &text, .element = &list};
    KW_TROUBLE struct kw_trouble trouble = KW_TROUBLE_INIT;
    KW_JSON json_t *value = NULL;
    int r = kw_shorthand_parse(KW_BYTES(data, len), &value, &trouble);

    if (r != 0) {
        kw_assert(value == NULL && trouble.text.len > 0);
        return 0;
    }
    kw_assert(json_object_size(value) > 0 && depth_of(value) <= KW_SHORTHAND_DEPTH_MAX + 3);
    kw_assert(kw_shorthand_fit(&map, &value, &trouble) == 0);
    for (void *at = json_object_iter(value); at != NULL; at = json_object_iter_next(value, at))
        kw_assert(json_is_array(json_object_iter_value(at)));
    return 0;
}
