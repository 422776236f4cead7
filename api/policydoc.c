#include "api/policydoc_internal.h"

/* ---- the form in which AWS shows policies (Jackson's pretty printer) ---- */

static void put_blanks(struct kw_sbuf *to, unsigned level)
{
    kw_sbuf_put_str(to, "\n");
    for (unsigned i = 0; i < level; i++)
        kw_sbuf_put_str(to, "  ");
}

static void put_text(struct kw_sbuf *to, struct kw_bytes text)
{
    struct kw_json_out out = KW_JSON_OUT(to);

    kw_json_string(&out, text);
}

static void put_scalar(struct kw_sbuf *to, const json_t *value)
{
    struct kw_json_out out = KW_JSON_OUT(to);

    kw_json_value(&out, value);
}

static void print(struct kw_sbuf *to, const json_t *value, unsigned level);

/* Lists stay on their line and do not indent what is in them. */
static void print_array(struct kw_sbuf *to, const json_t *array, unsigned level)
{
    const json_t *item;
    size_t i;

    kw_sbuf_put_str(to, "[ ");
    json_array_foreach(array, i, item)
    {
        kw_sbuf_put_str(to, i > 0 ? ", " : "");
        print(to, item, level);
    }
    kw_sbuf_put_str(to, json_array_size(array) > 0 ? " ]" : "]");
}

static void print_object(struct kw_sbuf *to, const json_t *object, unsigned level)
{
    const char *key, *comma = "";
    json_t *value;

    if (json_object_size(object) == 0) {
        kw_sbuf_put_str(to, "{ }");
        return;
    }
    kw_sbuf_put_str(to, "{");
    /* jansson's loop wants a pointer that is not const and changes nothing through it. */
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        kw_sbuf_put_str(to, comma);
        put_blanks(to, level + 1);
        put_text(to, kw_bytes_str(key));
        kw_sbuf_put_str(to, " : ");
        print(to, value, level + 1);
        comma = ",";
    }
    put_blanks(to, level);
    kw_sbuf_put_str(to, "}");
}

/* As deep as kw_json_parse() lets text be. */
static void print(struct kw_sbuf *to, const json_t *value, unsigned level)
{
    kw_assert(level <= KW_JSON_DEPTH_MAX);
    if (json_is_object(value))
        print_object(to, value, level);
    else if (json_is_array(value))
        print_array(to, value, level);
    else
        put_scalar(to, value);
}

/* ---- characters ---- */

/* One character of the model's pattern [\u0009\u000A\u000D\u0020-\u00FF]; 0: none begins here. */
static size_t latin1_len(struct kw_bytes text)
{
    uint8_t c = text.ptr[0];

    if (c < 0x80)
        return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
    /* U+0080 to U+00FF are c2 80 to c3 bf. */
    return (c == 0xc2 || c == 0xc3) && text.len > 1 && (text.ptr[1] & 0xc0) == 0x80 ? 2 : 0;
}

static bool is_latin1(struct kw_bytes text)
{
    for (size_t i = 0, len; i < text.len; i += len) {
        len = latin1_len(KW_BYTES(text.ptr + i, text.len - i));
        if (len == 0)
            return false;
    }
    return true;
}

/* ---- all together ---- */

static size_t len_max(enum kw_policy_kind kind)
{
    switch (kind) {
    case KW_POLICY_KEY:
        return KW_POLICYDOC_PRINTED_MAX;
    case KW_POLICY_SESSION:
        return KW_POLICY_SESSION_MAX;
    case KW_POLICY_IDENTITY:
    case KW_POLICY_TRUST:
        break;
    }
    return KW_POLICY_IDENTITY_MAX;
}

int kw_policydoc_parse(enum kw_policy_kind kind, struct kw_bytes text, const char *partition, json_t **ret,
    char *why, size_t why_cap)
{
    KW_JSON json_t *policy = NULL;
    struct kw_bytes allowed = partition != NULL ? kw_bytes_str(partition) : (struct kw_bytes){0};
    int r;

    why[0] = '\0';
    KW_REQUIRE(text.len <= len_max(kind) && is_latin1(text), KW_POLICY_MALFORMED);
    r = kw_json_parse(text, &policy);
    KW_TRY(r);
    KW_REQUIRE(r == 0, KW_POLICY_MALFORMED);
    r = kw_policydoc_check(kind, policy, allowed, (struct kw_policydoc_why){why, why_cap});
    KW_REQUIRE(r == 0, r);
    *ret = policy;
    policy = NULL;
    return 0;
}

int kw_policydoc_normalise(
    struct kw_bytes text, const char *partition, struct kw_sbuf *ret, char *why, size_t why_cap)
{
    KW_SBUF struct kw_sbuf printed = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    KW_JSON json_t *policy = NULL;
    int r;

    why[0] = '\0';
    KW_REQUIRE(text.len <= KW_POLICYDOC_MAX, KW_POLICYDOC_TOO_LONG);
    r = kw_policydoc_parse(KW_POLICY_KEY, text, partition, &policy, why, why_cap);
    KW_REQUIRE(r == 0, r);
    print(&printed, policy, 0);
    KW_REQUIRE(kw_sbuf_ok(&printed), -ENOMEM);
    /* What was escaped in the text stands for itself now. */
    KW_REQUIRE(is_latin1(kw_sbuf_bytes(&printed)), KW_POLICY_MALFORMED);
    kw_sbuf_put_bytes(ret, kw_sbuf_bytes(&printed));
    return kw_sbuf_ok(ret) ? 0 : -ENOMEM;
}

void kw_policydoc_default(const char *account, const char *partition, struct kw_sbuf *ret)
{
    kw_sbuf_printf(ret,
        "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {\n"
        "    \"Sid\" : \"Enable IAM User Permissions\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n"
        "      \"AWS\" : \"arn:%s:iam::%s:root\"\n    },\n    \"Action\" : \"kms:*\",\n"
        "    \"Resource\" : \"*\"\n  } ]\n}",
        partition, account);
}
