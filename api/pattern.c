#include "api/pattern.h"

#define LETTERS "azAZ"
#define DIGITS  "09"
#define WORD    "azAZ09__"

/* Is c in one of the ranges? Each is two characters, the first and the last of it. */
static bool in_ranges(uint8_t c, const char *ranges)
{
    for (; ranges[0] != '\0'; ranges += 2) {
        if (c >= (uint8_t)ranges[0] && c <= (uint8_t)ranges[1])
            return true;
    }
    return false;
}

/* How many characters from the start are in the ranges. */
static size_t span(struct kw_bytes text, const char *ranges)
{
    size_t len = 0;

    while (len < text.len && in_ranges(text.ptr[len], ranges))
        len++;
    return len;
}

static bool is_all(struct kw_bytes text, const char *ranges)
{
    return text.len > 0 && span(text, ranges) == text.len;
}

static struct kw_bytes skip(struct kw_bytes text, size_t len)
{
    return KW_BYTES(text.ptr + len, text.len - len);
}

/* Takes a literal off the front. */
static bool take(struct kw_bytes *text, const char *literal)
{
    struct kw_bytes wanted = kw_bytes_str(literal);

    if (!kw_bytes_starts(*text, wanted))
        return false;
    *text = skip(*text, wanted.len);
    return true;
}

/* Takes ([a-z]+-){2,3}\d+ off the front. */
static bool take_region(struct kw_bytes *text)
{
    unsigned words = 0;

    for (;; words++) {
        size_t len = span(*text, "az");

        if (len == 0 || len == text->len || text->ptr[len] != '-')
            break;
        *text = skip(*text, len + 1);
    }
    if (words < 2 || words > 3 || span(*text, DIGITS) == 0)
        return false;
    *text = skip(*text, span(*text, DIGITS));
    return true;
}

bool kw_pattern_account(struct kw_bytes text)
{
    return text.len == 12 && is_all(text, DIGITS);
}

bool kw_pattern_base32(struct kw_bytes text)
{
    return is_all(text, "AZ27");
}

bool kw_pattern_base64(struct kw_bytes text)
{
    return is_all(text, LETTERS DIGITS "//++==");
}

bool kw_pattern_cluster(struct kw_bytes text)
{
    return take(&text, "cluster-") && text.len >= 11 && text.len <= 16 && is_all(text, "27" LETTERS);
}

bool kw_pattern_description(struct kw_bytes text)
{
    return is_all(text, WORD ":://  \t\r..--");
}

bool kw_pattern_endpoint(struct kw_bytes text)
{
    return take(&text, "https://") && is_all(text, LETTERS DIGITS "..--");
}

/* What follows the last letter v is the version; what is before /kms/xks/v may be empty, else it is a slash
 * and something. */
bool kw_pattern_endpoint_path(struct kw_bytes text)
{
    static const char tail[] = "/kms/xks/v";
    size_t digits = 0;

    while (digits < text.len && digits < 3 && in_ranges(text.ptr[text.len - 1 - digits], DIGITS))
        digits++;
    if (digits < 1 || digits > 2)
        return false;
    text.len -= digits;
    if (text.len < sizeof(tail) - 1)
        return false;
    if (!kw_bytes_equal(skip(text, text.len - (sizeof(tail) - 1)), kw_bytes_str(tail)))
        return false;
    text.len -= sizeof(tail) - 1;
    return text.len == 0 || (take(&text, "/") && is_all(text, WORD "//--"));
}

bool kw_pattern_endpoint_service(struct kw_bytes text)
{
    return (take(&text, "com") || take(&text, "eu")) && take(&text, ".amazonaws.vpce.") &&
           take_region(&text) && take(&text, ".vpce-svc-") && is_all(text, DIGITS "az");
}

bool kw_pattern_external_key(struct kw_bytes text)
{
    return is_all(text, WORD "--..");
}

bool kw_pattern_hex(struct kw_bytes text)
{
    return is_all(text, "af" DIGITS);
}

/* U+0020 to U+00FF: in UTF-8 one byte, or two of which the first is c2 or c3. */
static bool is_latin(struct kw_bytes text, const char *controls)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if ((c == 0xc2 || c == 0xc3) && i + 1 < text.len)
            i++;
        else if (c >= 0x80 || (c < 0x20 && !in_ranges(c, controls)))
            return false;
    }
    return true;
}

bool kw_pattern_latin(struct kw_bytes text)
{
    return is_latin(text, "");
}

bool kw_pattern_latin_lines(struct kw_bytes text)
{
    return text.len > 0 && is_latin(text, "\t\n\r\r");
}

bool kw_pattern_name(struct kw_bytes text)
{
    return is_all(text, WORD ":://--");
}

bool kw_pattern_principal(struct kw_bytes text)
{
    return is_all(text, WORD "++==,,..@@:://--");
}

bool kw_pattern_region(struct kw_bytes text)
{
    return take_region(&text) && text.len == 0;
}

bool kw_pattern_word(struct kw_bytes text)
{
    return is_all(text, WORD);
}
