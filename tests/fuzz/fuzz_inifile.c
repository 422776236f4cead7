#include "tests/fuzz/fuzz.h"
#include "tools/cli/inifile.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void check(struct kw_bytes text, const char *kind, const char *name, const char *above)
{
    struct kw_bytes value = KW_BYTES(NULL, 0);
    int r = kw_ini_get(text, kind, name, above, "region", &value);

    kw_assert(r == 0 || r == KW_INI_ABSENT);
    kw_assert(r != 0 || kw_ini_section(text, kind, name) == 0);
    /* A slice of one line of the text, without space around it. */
    kw_assert(value.len == 0 || (value.ptr >= text.ptr && value.ptr + value.len <= text.ptr + text.len));
    kw_assert(value.len == 0 ||
              (kw_bytes_find(value, '\n') < 0 && value.ptr[0] != ' ' && value.ptr[value.len - 1] != ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    check(KW_BYTES(data, len), "profile", "default", NULL);
    check(KW_BYTES(data, len), "profile", "a b", "s3");
    check(KW_BYTES(data, len), NULL, "default", NULL);
    check(KW_BYTES(data, len), "services", "x", "kms");
    return 0;
}
