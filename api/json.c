#include "api/json.h"

#include "api/jsonmem.h"

/* What jansson 2.14 asks for, at most. A token is a value, a member or an end: the largest is an object with
 * its first table of eight buckets (under 300 bytes in six blocks); a table that grows asks for twice its
 * members' worth again. Text is held once in the lexer's buffer, which grows by doubling, and once in the
 * value. */
#define BYTES_PER_TOKEN 512u
#define BYTES_PER_BYTE  8u
#define BYTES_BASE      4096u

void kw_json_init(void)
{
    json_set_alloc_funcs(kw_jsonmem_alloc, kw_jsonmem_free);
    /* Seeds the hash of object members from the system's random source, so that nobody can choose names that
     * collide. */
    json_object_seed(0);
}

/* Counts tokens, and judges the deepest nesting of arrays and objects. Up to the first byte at which jansson
 * would give up, this and jansson agree on what is inside a string, so nothing can be nested deeper for
 * jansson than it is here. */
static bool fits(struct kw_bytes text, size_t *ret_tokens)
{
    unsigned depth = 0;
    bool in_string = false;

    *ret_tokens = 1;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c == '"') {
            in_string = !in_string;
        } else if (in_string) {
            i += c == '\\'; /* the next byte cannot end the string */
        } else if (c == ',' || c == ':') {
            ++*ret_tokens;
        } else if (c == '{' || c == '[') {
            ++*ret_tokens;
            if (++depth > KW_JSON_DEPTH_MAX)
                return false;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        }
    }
    return *ret_tokens <= KW_JSON_TOKENS_MAX;
}

static int load(struct kw_bytes text, size_t tokens, json_t **ret_root)
{
    json_error_t error;
    KW_ERASE_GUARD(error); /* jansson quotes the text near a mistake, which may be a secret */

    KW_TRY(kw_jsonmem_begin(BYTES_BASE + tokens * BYTES_PER_TOKEN + text.len * BYTES_PER_BYTE));
    *ret_root = text.len == 0 ? json_object()
                              : json_loadb((const char *)text.ptr, text.len,
                                    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!kw_jsonmem_end()) {
        json_decref(*ret_root);
        *ret_root = NULL;
        return -ENOMEM;
    }
    return *ret_root == NULL ? KW_JSON_BAD : 0;
}

int kw_json_parse(struct kw_bytes text, json_t **ret_root)
{
    KW_JSON json_t *root = NULL;
    size_t tokens;
    int r;

    KW_REQUIRE(fits(text, &tokens), KW_JSON_BAD);
    r = load(text, tokens, &root);
    if (r != 0)
        return r;
    KW_REQUIRE(json_is_object(root), KW_JSON_BAD);
    *ret_root = root;
    root = NULL;
    return 0;
}
