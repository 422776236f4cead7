#include "tests/fuzz/fuzz.h"
#include "tools/plan/profile.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/* What is read can be written, and read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct kw_plan_profile profile, again;
    char why[200] = "", *text;

    if (kw_plan_profile_parse(KW_BYTES(data, len), &profile, why, sizeof(why)) != 0) {
        kw_assert(why[0] != '\0');
        return 0;
    }
    text = kw_plan_profile_text(&profile);
    if (text != NULL) {
        kw_assert(kw_plan_profile_parse(KW_BYTES(text, strlen(text)), &again, why, sizeof(why)) == 0);
        kw_assert(again.cores == profile.cores && again.path == profile.path);
    }
    free(text);
    return 0;
}
