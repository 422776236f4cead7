#include "api/json.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"
#include "tools/seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (kw_crypto_init() != 0)
        return 1;
    kw_json_init();
    return 0;
}

/* What is taken has what the header promises; what is refused says where. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char why[KW_SEED_WHY_MAX];
    const json_t *entry;
    json_t *seed = NULL;
    size_t i;
    int r = kw_seed_read(KW_BYTES(data, len), &seed, why);

    kw_assert(r == 0 || (r == KW_SEED_BAD && seed == NULL && why[0] >= '1' && why[0] <= '9'));
    if (r != 0)
        return 0;
    json_array_foreach(json_object_get(seed, "keys"), i, entry)
    {
        kw_assert(json_array_size(json_object_get(entry, "aliases")) > 0);
        kw_assert(json_is_string(json_object_get(entry, "at")));
    }
    json_array_foreach(json_object_get(seed, "principals"), i, entry)
    {
        kw_assert(
            json_is_string(json_object_get(entry, "kind")) && json_is_string(json_object_get(entry, "name")));
    }
    json_decref(seed);
    return 0;
}
