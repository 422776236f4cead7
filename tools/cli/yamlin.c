#include "tools/cli/yamlin.h"

#include "tools/cli/blob.h"
#include "tools/cli/yamlout.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

struct reader {
    yaml_document_t document;
    unsigned depth, nodes;
    char *why;
    size_t why_cap;
};

static json_t *bad(struct reader *reader, const yaml_node_t *node, const char *problem)
{
    if (reader->why[0] == '\0')
        snprintf(reader->why, reader->why_cap, "line %zu: %s", node->start_mark.line + 1, problem);
    return NULL;
}

static bool is_tag(const yaml_node_t *node, const char *name)
{
    return node->tag != NULL && strcmp((const char *)node->tag, name) == 0;
}

/* ---- scalars ---- */

/* 12, +12, 0o14, 0xc, with underscores. */
static json_t *integer(const char *text)
{
    char digits[32], *end;
    size_t len = 0;
    int base = 10;
    long long value;
    bool negative = *text == '-';

    if (*text == '-' || *text == '+')
        text++;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'o' || text[1] == 'b')) {
        base = text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : 2;
        text += 2;
    }
    for (; *text != '\0' && len + 1 < sizeof(digits); text++) {
        if (*text != '_')
            digits[len++] = *text;
    }
    digits[len] = '\0';
    errno = 0;
    value = strtoll(digits, &end, base);
    return len > 0 && *text == '\0' && *end == '\0' && errno == 0 ? json_integer(negative ? -value : value)
                                                                  : NULL;
}

static json_t *plain(const char *text)
{
    static const char *const words[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    json_t *value;
    double number;
    char *end;

    if (text[0] == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0)
        return kw_yaml_is_other(text) ? json_null() : json_string(text);
    for (size_t i = 0; i < KW_ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i]) == 0)
            return json_boolean(i < 3);
    }
    /* Dates, << and = are text to us. */
    if (!kw_yaml_is_other(text) || strchr(text, '=') != NULL || strchr(text, '<') != NULL)
        return json_string(text);
    value = integer(text);
    if (value != NULL)
        return value;
    number = strtod(text, &end);
    return *end == '\0' && isfinite(number) ? json_real(number) : json_string(text);
}

static json_t *scalar(struct reader *reader, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    size_t len = node->data.scalar.length;
    json_t *value;

    if (is_tag(node, "tag:yaml.org,2002:binary")) {
        KW_SBUF struct kw_sbuf bytes = KW_SBUF_INIT(16u * 1024 * 1024);

        if (kw_blob_decode_loosely(KW_BYTES(text, len), &bytes) != 0)
            return bad(reader, node, "!!binary is not base64");
        return kw_blob_new(kw_sbuf_bytes(&bytes));
    }
    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && is_tag(node, YAML_STR_TAG) &&
        strlen(text) == len)
        value = plain(text);
    else
        value = json_stringn(text, len);
    return value != NULL ? value : bad(reader, node, "text that is not UTF-8");
}

/* ---- lists and mappings ---- */

static json_t *node_of(struct reader *reader, int index);

static json_t *list(struct reader *reader, const yaml_node_t *node)
{
    json_t *value = json_array();

    for (const yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top;
         item++) {
        if (json_array_append_new(value, node_of(reader, *item)) < 0) {
            json_decref(value);
            return bad(reader, node, "a list that cannot be read");
        }
    }
    return value;
}

static json_t *mapping(struct reader *reader, const yaml_node_t *node)
{
    json_t *value = json_object();

    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
        json_t *member;

        if (key == NULL || key->type != YAML_SCALAR_NODE ||
            strlen((const char *)key->data.scalar.value) != key->data.scalar.length ||
            json_object_get(value, (const char *)key->data.scalar.value) != NULL) {
            json_decref(value);
            return bad(reader, node, "a name that is no text, or comes twice");
        }
        member = node_of(reader, pair->value);
        if (json_object_set_new(value, (const char *)key->data.scalar.value, member) < 0) {
            json_decref(value);
            return bad(reader, key, "a value that cannot be read");
        }
    }
    return value;
}

static json_t *node_of(struct reader *reader, int index)
{
    const yaml_node_t *node = yaml_document_get_node(&reader->document, index);
    json_t *value;

    if (node == NULL)
        return NULL;
    /* An alias is read once more wherever it stands: a few lines may mean very many nodes, or one within
     * itself. */
    if (reader->depth == KW_YAML_DEPTH_MAX || reader->nodes++ == KW_YAML_NODES_MAX)
        return bad(reader, node, "too much nesting, or too many values");
    if (node->type == YAML_SCALAR_NODE)
        return scalar(reader, node);
    reader->depth++;
    value = node->type == YAML_SEQUENCE_NODE ? list(reader, node) : mapping(reader, node);
    reader->depth--;
    return value;
}

static int read_document(yaml_parser_t *parser, struct reader *reader, json_t **ret)
{
    const yaml_node_t *root;
    yaml_document_t more;
    bool is_last;

    if (yaml_parser_load(parser, &reader->document) != 1) {
        snprintf(reader->why, reader->why_cap, "line %zu: %s", parser->problem_mark.line + 1,
            parser->problem != NULL ? parser->problem : "no YAML");
        return KW_YAML_BAD;
    }
    root = yaml_document_get_root_node(&reader->document);
    *ret = root == NULL ? json_null() : node_of(reader, 1);
    yaml_document_delete(&reader->document);
    if (*ret == NULL)
        return KW_YAML_BAD;
    if (root == NULL)
        return 0;
    is_last = yaml_parser_load(parser, &more) == 1;
    if (is_last) {
        is_last = yaml_document_get_root_node(&more) == NULL;
        yaml_document_delete(&more);
    }
    if (is_last)
        return 0;
    json_decref(*ret);
    snprintf(reader->why, reader->why_cap, "more than one document");
    return KW_YAML_BAD;
}

int kw_yaml_read(struct kw_bytes text, json_t **ret, char *why, size_t why_cap)
{
    struct reader reader = {.why = why, .why_cap = why_cap};
    yaml_parser_t parser;
    json_t *value = NULL;
    int r;

    why[0] = '\0';
    KW_REQUIRE(yaml_parser_initialize(&parser) == 1, -ENOMEM);
    yaml_parser_set_input_string(&parser, text.ptr != NULL ? text.ptr : (const uint8_t *)"", text.len);
    r = read_document(&parser, &reader, &value);
    yaml_parser_delete(&parser);
    if (r == 0)
        *ret = value;
    return r;
}
