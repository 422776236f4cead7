/* TagResource, UntagResource and ListResourceTags. */
#include "api/keymeta.h"
#include "api/operations.h"

/* The tags that a key will have: those of the key, in their order, and those that a request changes. */
struct tag_list {
    struct kw_tag tags[KW_TAGS_MAX];
    uint32_t num;
};

static void copy_tags(struct tag_list *list, const struct kw_kms_key *key)
{
    kw_assert(key->num_tags <= KW_TAGS_MAX);
    list->num = key->num_tags;
    if (key->num_tags > 0)
        memcpy(list->tags, key->tags, key->num_tags * sizeof(*key->tags));
}

static uint32_t find_tag(const struct tag_list *list, const char *key)
{
    uint32_t at = 0;

    while (at < list->num && strcmp(list->tags[at].key, key) != 0)
        at++;
    return at;
}

static int put_tags(struct kw_call *call, const struct tag_list *list)
{
    struct kw_kms_key edit = *call->key;

    edit.tags = list->tags;
    edit.num_tags = list->num;
    return kw_call_put_key(call, &edit);
}

/* ---- TagResource ---- */

static int check_tag(struct kw_call *call, struct tag_list *list)
{
    struct kw_tag given[KW_TAGS_MAX];
    uint32_t num = 0;
    int r = kw_call_find_usable_key(call, false);

    if (r == KW_CALL_DONE)
        r = kw_keymeta_read_tags(call, given, &num);
    if (r != KW_CALL_DONE)
        return r;
    copy_tags(list, call->key);
    for (uint32_t i = 0; i < num; i++) {
        uint32_t at = find_tag(list, given[i].key);

        if (at == KW_TAGS_MAX)
            return kw_call_refuse(call, KW_ERROR_TAG, "Too many tags");
        list->tags[at] = given[i];
        list->num = KW_MAX(list->num, at + 1);
    }
    return KW_CALL_DONE;
}

static int run_tag(struct kw_call *call)
{
    struct tag_list list;
    int r = check_tag(call, &list);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_tag(struct kw_call *call)
{
    struct tag_list list;
    int r = check_tag(call, &list);

    return r == KW_CALL_DONE ? put_tags(call, &list) : r;
}

const struct kw_operation kw_op_tag_resource = {
    .model = &kw_model_tag_resource,
    .states = KW_STATES_NOTE,
    .run = run_tag,
    .apply = apply_tag,
};

/* ---- UntagResource ---- */

/* A key that has no such tag is left as it is. */
static int check_untag(struct kw_call *call, struct tag_list *list)
{
    const struct kw_value *names = kw_input_array(call->input, "TagKeys"), *name;
    int r = kw_call_find_usable_key(call, false);

    if (r != KW_CALL_DONE)
        return r;
    copy_tags(list, call->key);
    for (KW_VALUE_EACH(names, name)) {
        struct kw_bytes text = kw_input_text(name);
        uint32_t at = kw_bytes_find(text, 0) < 0 ? find_tag(list, (const char *)text.ptr) : list->num;

        if (at == list->num)
            continue;
        list->num--;
        memmove(&list->tags[at], &list->tags[at + 1], (list->num - at) * sizeof(list->tags[0]));
    }
    return KW_CALL_DONE;
}

static int run_untag(struct kw_call *call)
{
    struct tag_list list;
    int r = check_untag(call, &list);

    if (r != KW_CALL_DONE)
        return r;
    return list.num == call->key->num_tags ? KW_CALL_DONE : KW_CALL_WAIT_STORE;
}

static int apply_untag(struct kw_call *call)
{
    struct tag_list list;
    int r = check_untag(call, &list);

    return r == KW_CALL_DONE ? put_tags(call, &list) : r;
}

const struct kw_operation kw_op_untag_resource = {
    .model = &kw_model_untag_resource,
    .states = KW_STATES_NOTE,
    .run = run_untag,
    .apply = apply_untag,
};

/* ---- ListResourceTags ---- */

static int run_list(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    size_t from, to;
    int r = kw_call_find_usable_key(call, false);

    if (r == KW_CALL_DONE)
        r = kw_page_slice(call, KW_PAGE_TAGS, 50, 50, call->key->num_tags, &from, &to);
    if (r != KW_CALL_DONE)
        return r;
    kw_json_begin_object(&out);
    kw_json_key(&out, "Tags");
    kw_json_begin_array(&out);
    for (size_t i = from; i < to; i++) {
        kw_json_begin_object(&out);
        kw_call_write_text(&out, "TagKey", call->key->tags[i].key);
        kw_call_write_text(&out, "TagValue", call->key->tags[i].value);
        kw_json_end_object(&out);
    }
    kw_json_end_array(&out);
    kw_page_slice_end(&out, KW_PAGE_TAGS, to, call->key->num_tags);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_list_resource_tags = {
    .model = &kw_model_list_resource_tags,
    .read_only = true,
    .run = run_list,
};
