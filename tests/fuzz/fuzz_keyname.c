#include "api/keyname.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void put_id(struct kw_buf *buf, const struct kw_keyname *name)
{
    char text[36];

    if (name->multi_region) {
        kw_buf_put_str(buf, "mrk-");
        kw_hex_encode(name->id, sizeof(name->id), text);
        kw_buf_put(buf, text, 32);
    } else {
        kw_uuid_format(name->id, text);
        kw_buf_put(buf, text, sizeof(text));
    }
}

/* Writes a name from its parts. */
static void put_name(struct kw_buf *buf, const struct kw_keyname *name)
{
    bool is_alias = name->form == KW_KEYNAME_ALIAS || name->form == KW_KEYNAME_ALIAS_ARN;

    if (name->form == KW_KEYNAME_ARN || name->form == KW_KEYNAME_ALIAS_ARN) {
        kw_buf_put_str(buf, "arn:");
        kw_buf_put_bytes(buf, name->partition);
        kw_buf_put_str(buf, ":kms:");
        kw_buf_put_bytes(buf, name->region);
        kw_buf_put_str(buf, ":");
        kw_buf_put_bytes(buf, name->account);
        kw_buf_put_str(buf, is_alias ? ":" : ":key/");
    }
    if (is_alias)
        kw_buf_put_bytes(buf, name->alias);
    else
        put_id(buf, name);
}

/* A key has one name in each form: what is accepted can be written again from its parts, byte for byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t again[512];
    struct kw_buf buf = KW_BUF(again, sizeof(again));
    struct kw_keyname name;

    if (kw_keyname_parse(KW_BYTES(data, len), &name) != 0)
        return 0;
    put_name(&buf, &name);
    kw_assert(kw_buf_ok(&buf) && kw_bytes_equal(kw_buf_bytes(&buf), KW_BYTES(data, len)));
    return 0;
}
