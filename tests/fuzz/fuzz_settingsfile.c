#include "tests/fuzz/fuzz.h"
#include "tools/settingsfile.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/* How many lines set this, and what the last one says; -1: a line is malformed. */
static int count(struct kw_bytes text, const struct kw_setting *of, struct kw_setting *ret_last)
{
    struct kw_settings_walk walk = {.rest = text};
    struct kw_setting setting;
    const char *why = NULL;
    unsigned line = 0;
    int r, num = 0;

    while ((r = kw_settings_next(&walk, &setting, &why)) == 0) {
        kw_assert(walk.line > line);
        line = walk.line;
        /* Slices of the text, with a byte after each that a NUL may take the place of. */
        kw_assert(setting.name.len > 0 && setting.name.ptr >= text.ptr);
        kw_assert(setting.value.len > 0 && setting.value.ptr > setting.name.ptr);
        kw_assert(setting.value.ptr + setting.value.len <= walk.rest.ptr);
        kw_assert(kw_bytes_find(setting.value, '\n') < 0 && kw_bytes_find(setting.value, '\0') < 0);
        if (kw_bytes_equal(setting.name, of->name) && kw_bytes_starts(setting.value, KW_LIT("RSA_2048="))) {
            *ret_last = setting;
            num++;
        }
    }
    kw_assert((r == KW_SETTINGS_MALFORMED) == (why != NULL));
    return r == KW_SETTINGS_END ? num : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char name[] = "pool", value[] = "RSA_2048=77";
    struct kw_setting new = {KW_BYTES(name, strlen(name)), KW_BYTES(value, strlen(value))}, last;
    size_t cap = len + 64;
    uint8_t *out = malloc(cap), *again = malloc(cap + 64);
    struct kw_buf buf = KW_BUF(out, cap), twice = KW_BUF(again, cap + 64);

    kw_assert(out != NULL && again != NULL);
    if (count(KW_BYTES(data, len), &new, &last) >= 0) {
        kw_settings_replace(KW_BYTES(data, len), &new, 1, &buf);
        kw_assert(kw_buf_ok(&buf) && count(kw_buf_bytes(&buf), &new, &last) == 1);
        kw_assert(kw_bytes_equal(last.value, new.value));
        kw_settings_replace(kw_buf_bytes(&buf), &new, 1, &twice);
        kw_assert(kw_bytes_equal(kw_buf_bytes(&buf), kw_buf_bytes(&twice)));
    }
    free(out);
    free(again);
    return 0;
}
