#include "api/region.h"

static bool is_letter(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* ([a-z]+-){2,3}\d+ of the service model. */
bool kw_region_valid(struct kw_bytes name)
{
    size_t at = 0, words = 0;

    if (name.len == 0 || name.len > KW_REGION_MAX)
        return false;
    while (at < name.len && is_letter(name.ptr[at])) {
        while (at < name.len && is_letter(name.ptr[at]))
            at++;
        if (at == name.len || name.ptr[at++] != '-')
            return false;
        words++;
    }
    if (words < 2 || words > 3 || at == name.len)
        return false;
    while (at < name.len && is_digit(name.ptr[at]))
        at++;
    return at == name.len;
}

bool kw_region_in(struct kw_bytes name, const char *list)
{
    if (list == NULL)
        return true;
    for (;;) {
        size_t len = strcspn(list, ",");

        if (kw_bytes_equal(name, KW_BYTES(list, len)))
            return true;
        if (list[len] == '\0')
            return false;
        list += len + 1;
    }
}

const char *kw_region_partition(const char *region)
{
    static const struct {
        const char *prefix, *partition;
    } table[] = {
        {"cn-", "aws-cn"},
        {"us-gov-", "aws-us-gov"},
        {"us-isob-", "aws-iso-b"},
        {"us-isof-", "aws-iso-f"},
        {"us-iso-", "aws-iso"},
        {"eu-isoe-", "aws-iso-e"},
        {"eusc-", "aws-eusc"},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(table); i++) {
        if (strncmp(region, table[i].prefix, strlen(table[i].prefix)) == 0)
            return table[i].partition;
    }
    return "aws";
}

bool kw_region_is_chinese(const char *region)
{
    return strncmp(region, "cn-", 3) == 0;
}
