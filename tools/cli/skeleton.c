#include "tools/cli/skeleton.h"

#include "tools/cli/answer.h"
#include "tools/cli/output.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- JSON ---- */

/* In: named, texts are names: the member's, or of an item its shape's. */
static json_t *sample(const struct kw_shape *shape, const char *name, bool named);

static json_t *sample_structure(const struct kw_shape *shape, bool named)
{
    json_t *object = json_object();

    for (size_t i = 0; i < shape->num_members; i++)
        (void)json_object_set_new(
            object, shape->members[i].name, sample(shape->members[i].shape, shape->members[i].name, named));
    return object;
}

static json_t *sample(const struct kw_shape *shape, const char *name, bool named)
{
    switch (shape->kind) {
    case KW_KIND_STRUCTURE:
        return sample_structure(shape, named);
    case KW_KIND_LIST:
        return json_pack("[o]", sample(shape->element, named ? shape->element->name : "", named));
    case KW_KIND_MAP:
        return json_pack("{s:o}", "KeyName", sample(shape->element, "", named));
    case KW_KIND_INTEGER:
        return json_integer(0);
    case KW_KIND_BOOLEAN:
        return json_true();
    case KW_KIND_TIMESTAMP:
        return json_string("1970-01-01T00:00:00");
    case KW_KIND_BLOB:
        return json_null();
    case KW_KIND_ENUM:
        return json_string(named ? name : kw_enum_first(shape));
    default:
        return json_string(named ? name : "");
    }
}

json_t *kw_skeleton_input(const struct kw_cli_operation *operation)
{
    return sample_structure(operation->model->input, false);
}

json_t *kw_skeleton_output(const struct kw_cli_operation *operation)
{
    return operation->model->output != NULL ? sample_structure(operation->model->output, true)
                                            : json_object();
}

/* ---- YAML ---- */

static void put_comment(const struct kw_member *member, const char *words, struct kw_sbuf *to)
{
    bool required = (member->flags & KW_MEMBER_REQUIRED) != 0, is_enum = member->shape->kind == KW_KIND_ENUM;

    if (!required && words[0] == '\0' && !is_enum)
        return;
    kw_sbuf_put_str(to, "  #");
    kw_sbuf_put_str(to, required ? " [REQUIRED]" : "");
    if (words[0] != '\0') {
        kw_sbuf_put_str(to, " ");
        kw_sbuf_put_str(to, words);
        kw_sbuf_put_str(to, ".");
    }
    for (size_t i = 0; is_enum && member->shape->values[i] != NULL; i++) {
        kw_sbuf_put_str(to, i == 0 ? " Valid values are: " : ", ");
        kw_sbuf_put_str(to, member->shape->values[i]);
    }
    kw_sbuf_put_str(to, is_enum ? "." : "");
}

static void put_scalar(const struct kw_shape *shape, struct kw_sbuf *to)
{
    switch (shape->kind) {
    case KW_KIND_INTEGER:
        kw_sbuf_put_str(to, " 0");
        break;
    case KW_KIND_BOOLEAN:
        kw_sbuf_put_str(to, " true");
        break;
    case KW_KIND_TIMESTAMP:
        kw_sbuf_put_str(to, " 1970-01-01 00:00:00");
        break;
    case KW_KIND_BLOB:
        kw_sbuf_put_str(to, " !!binary ''");
        break;
    case KW_KIND_ENUM:
        kw_sbuf_put_str(to, " ");
        kw_sbuf_put_str(to, kw_enum_first(shape));
        break;
    default:
        kw_sbuf_put_str(to, " ''");
    }
}

static void put_indent(unsigned depth, struct kw_sbuf *to)
{
    for (; depth > 0; depth--)
        kw_sbuf_put_str(to, "  ");
}

/* In: operation, or NULL within a structure. after_dash: the first member stands behind an item's dash. */
static void put_members(const struct kw_cli_operation *operation, const struct kw_shape *shape,
    unsigned depth, bool after_dash, struct kw_sbuf *to);

static void put_member(const struct kw_cli_operation *operation, const struct kw_member *member,
    unsigned depth, struct kw_sbuf *to)
{
    const struct kw_shape *shape = member->shape;
    const char *words =
        operation != NULL ? kw_cli_operation_words(operation, member) : kw_member_words(member->name);
    bool scalar =
        shape->kind != KW_KIND_LIST && shape->kind != KW_KIND_MAP && shape->kind != KW_KIND_STRUCTURE;

    kw_sbuf_put_str(to, member->name);
    kw_sbuf_put_str(to, ":");
    if (scalar)
        put_scalar(shape, to);
    put_comment(member, words, to);
    kw_sbuf_put_str(to, "\n");
    if (shape->kind == KW_KIND_STRUCTURE) {
        put_members(NULL, shape, depth + 1, false, to);
    } else if (shape->kind == KW_KIND_MAP) {
        put_indent(depth + 1, to);
        kw_sbuf_put_str(to, "KeyName:");
        put_scalar(shape->element, to);
        kw_sbuf_put_str(to, "\n");
    } else if (shape->kind == KW_KIND_LIST) {
        put_indent(depth, to);
        kw_sbuf_put_str(to, "-");
        if (shape->element->kind == KW_KIND_STRUCTURE) {
            kw_sbuf_put_str(to, " ");
            put_members(NULL, shape->element, depth + 1, true, to);
        } else {
            put_scalar(shape->element, to);
            kw_sbuf_put_str(to, "\n");
        }
    }
}

static void put_members(const struct kw_cli_operation *operation, const struct kw_shape *shape,
    unsigned depth, bool after_dash, struct kw_sbuf *to)
{
    for (size_t i = 0; i < shape->num_members; i++) {
        if (i > 0 || !after_dash)
            put_indent(depth, to);
        put_member(operation, &shape->members[i], depth, to);
    }
}

void kw_skeleton_yaml(const struct kw_cli_operation *operation, struct kw_sbuf *ret)
{
    if (operation->model->input->num_members == 0)
        kw_sbuf_put_str(ret, "{}\n");
    put_members(operation, operation->model->input, 0, false, ret);
}
