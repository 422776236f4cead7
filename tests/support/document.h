/* document - a value that a test has put together, as it would come in a request. */
#ifndef KW_TESTS_SUPPORT_DOCUMENT_H
#define KW_TESTS_SUPPORT_DOCUMENT_H

#include "api/value.h"

#define DOCUMENT KW_CLEANUP(kw_document_done)

/* In the document, which the caller is done with last. */
static inline const struct kw_value *document_of(struct kw_document *document, const json_t *from)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(1 << 20);
    struct kw_json_out out = KW_JSON_OUT(&text);
    const struct kw_value *root = NULL;
    int r;

    kw_json_value(&out, from);
    kw_assert(kw_sbuf_ok(&text));
    r = kw_document_parse(document, kw_sbuf_bytes(&text), &root);
    kw_assert(r == 0);
    return root;
}

#endif
