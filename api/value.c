#include "api/value.h"

#include "pool/secmem.h"

void kw_document_reset(struct kw_document *document, size_t keep)
{
    if (document->cap > keep) {
        kw_document_done(document);
        return;
    }
    kw_erase(document->block, document->used);
    document->used = 0;
}

void kw_document_done(struct kw_document *document)
{
    kw_secmem_free(document->block);
    *document = (struct kw_document){.block = NULL};
}

const struct kw_value *kw_value_get(const struct kw_value *object, const char *name)
{
    const struct kw_value *item;
    size_t len = strlen(name);

    if (!kw_value_is(object, KW_VALUE_OBJECT))
        return NULL;
    for (KW_VALUE_EACH(object, item)) {
        if (item->key_len == len && memcmp(item->key, name, len) == 0)
            return item;
    }
    return NULL;
}

const struct kw_value *kw_value_at(const struct kw_value *array, size_t index)
{
    const struct kw_value *item;

    if (!kw_value_is(array, KW_VALUE_ARRAY))
        return NULL;
    for (KW_VALUE_EACH(array, item)) {
        if (index-- == 0)
            return item;
    }
    return NULL;
}

static void put(struct kw_json_out *out, const struct kw_value *value, unsigned depth)
{
    bool object = value->kind == KW_VALUE_OBJECT;
    const struct kw_value *item;

    kw_assert(depth < KW_JSON_DEPTH_MAX);
    (object ? kw_json_begin_object : kw_json_begin_array)(out);
    for (KW_VALUE_EACH(value, item)) {
        if (object)
            kw_json_key_bytes(out, kw_value_key(item));
        if (item->kind == KW_VALUE_OBJECT || item->kind == KW_VALUE_ARRAY)
            put(out, item, depth + 1);
        else
            kw_value_write(out, item);
    }
    (object ? kw_json_end_object : kw_json_end_array)(out);
}

void kw_value_write(struct kw_json_out *out, const struct kw_value *value)
{
    switch (value->kind) {
    case KW_VALUE_OBJECT:
    case KW_VALUE_ARRAY:
        put(out, value, 0);
        break;
    case KW_VALUE_STRING:
        kw_json_string(out, kw_value_text(value));
        break;
    case KW_VALUE_INTEGER:
        kw_json_int(out, value->integer);
        break;
    case KW_VALUE_REAL:
        kw_json_real(out, value->real);
        break;
    case KW_VALUE_TRUE:
    case KW_VALUE_FALSE:
        kw_json_bool(out, value->kind == KW_VALUE_TRUE);
        break;
    case KW_VALUE_NULL:
        kw_json_null(out);
        break;
    }
}
