#include "api/json.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"
#include "tools/cli/query.h"

static json_t *document;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (kw_crypto_init() != 0)
        return 1;
    kw_json_init();
    document = json_loads(
        "{\"a\":[1,2.5,{\"b\":\"c\",\"d\":[[1],[2,[3]]]},null,true],\"b\":{\"c\":\"\\u00e4\",\"d\":{}},"
        "\"s\":[\"x\",\"y\",\"\"],\"n\":[3,1,2]}",
        0, NULL);
    return document != NULL ? 0 : 1;
}

/* Twice, with the same result. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    KW_SBUF struct kw_sbuf why = KW_SBUF_INIT(1 << 20);
    struct kw_query *query = NULL;
    json_t *once = NULL, *twice = NULL;
    int r = kw_query_compile(KW_BYTES(data, len), &query, &why);

    kw_assert(r == 0 || (r == KW_QUERY_BAD && query == NULL && why.len > 0));
    if (r != 0)
        return 0;
    r = kw_query_run(query, document, &once, &why);
    kw_assert(r == 0 ? once != NULL : once == NULL && why.len > 0);
    kw_assert(kw_query_run(query, document, &twice, &why) == r);
    kw_assert(r != 0 || json_equal(once, twice) == 1);
    json_decref(once);
    json_decref(twice);
    kw_query_free(query);
    return 0;
}
