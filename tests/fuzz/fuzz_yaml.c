#include "api/json.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"
#include "tools/cli/yamlin.h"
#include "tools/cli/yamlout.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (kw_crypto_init() != 0)
        return 1;
    kw_json_init();
    return 0;
}

/* What is read and written is read as the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(1 << 24);
    json_t *value = NULL, *again = NULL;
    char why[160];
    int r = kw_yaml_read(KW_BYTES(data, len), &value, why, sizeof(why));

    kw_assert(r == 0 || (r == KW_YAML_BAD && value == NULL && why[0] != '\0'));
    if (r != 0)
        return 0;
    kw_assert(kw_yaml_write(value, &text) == 0 && kw_sbuf_ok(&text));
    r = kw_yaml_read(kw_sbuf_bytes(&text), &again, why, sizeof(why));
    kw_assert(r == 0 && json_equal(value, again) == 1);
    json_decref(value);
    json_decref(again);
    return 0;
}
