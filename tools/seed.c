#include "tools/seed.h"

#include "api/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

struct reader {
    yaml_document_t document;
    unsigned depth, nodes;
    char *why; /* KW_SEED_WHY_MAX */
};

/* What a member may be. */
enum kind { TEXT, TEXTS, YES_OR_NO, NUMBER, DOCUMENT, MAP_OF_TEXT, MAP_OF_DOCUMENTS };

struct member {
    const char *name; /* in the file */
    enum kind kind;
};

static const struct member key_members[] = {
    {"alias", TEXT},
    {"aliases", TEXTS},
    {"description", TEXT},
    {"material", TEXT},
    {"multi-region", YES_OR_NO},
    {"policy", DOCUMENT},
    {"spec", TEXT},
    {"tags", MAP_OF_TEXT},
    {"usage", TEXT},
};

static const struct member principal_members[] = {
    {"access-key", YES_OR_NO},
    {"account", TEXT},
    {"path", TEXT},
    {"policies", MAP_OF_DOCUMENTS},
    {"role", TEXT},
    {"session-max", NUMBER},
    {"tags", MAP_OF_TEXT},
    {"trust", DOCUMENT},
    {"user", TEXT},
};

/* The first complaint stays. Always NULL. */
static json_t *bad(struct reader *reader, const yaml_node_t *node, const char *format, ...) KW_PRINTF(3, 4);
static json_t *bad(struct reader *reader, const yaml_node_t *node, const char *format, ...)
{
    va_list args;
    int len;

    if (reader->why[0] != '\0')
        return NULL;
    len = snprintf(
        reader->why, KW_SEED_WHY_MAX, "%zu:%zu: ", node->start_mark.line + 1, node->start_mark.column + 1);
    va_start(args, format);
    vsnprintf(reader->why + len, KW_SEED_WHY_MAX - (size_t)len, format, args);
    va_end(args);
    return NULL;
}

/* An alias of YAML is a node once more wherever it stands: a few lines may mean very many. NULL: too many. */
static const yaml_node_t *node_of(struct reader *reader, int index)
{
    const yaml_node_t *node = yaml_document_get_node(&reader->document, index);

    kw_assert(node != NULL);
    if (reader->nodes++ < KW_SEED_NODES_MAX)
        return node;
    bad(reader, node, "there are too many values");
    return NULL;
}

/* ---- values ---- */

static json_t *text_of(struct reader *reader, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    size_t len = node->type == YAML_SCALAR_NODE ? node->data.scalar.length : 0;
    json_t *value;

    if (node->type != YAML_SCALAR_NODE || memchr(text, '\0', len) != NULL)
        return bad(reader, node, "this must be text");
    value = json_stringn(text, len);
    return value != NULL ? value : bad(reader, node, "this must be UTF-8 text");
}

/* YAML's other words for it (yes, on) are not taken. */
static json_t *yes_or_no(struct reader *reader, const yaml_node_t *node)
{
    const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";

    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return bad(reader, node, "this must be true or false");
    return json_boolean(strcmp(text, "true") == 0);
}

static json_t *number(struct reader *reader, const yaml_node_t *node)
{
    const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
    size_t len = strlen(text);

    if (len == 0 || len > 9 || strspn(text, "0123456789") != len)
        return bad(reader, node, "this must be a number");
    return json_integer(strtol(text, NULL, 10));
}

/* The name of a pair; NULL: it is no text, or was there before. */
static const char *name_of(struct reader *reader, const yaml_node_pair_t *pair, const json_t *seen)
{
    const yaml_node_t *node = node_of(reader, pair->key);
    const char *name;

    if (node == NULL)
        return NULL;
    name = (const char *)node->data.scalar.value;
    if (node->type != YAML_SCALAR_NODE || strlen(name) != node->data.scalar.length || name[0] == '\0')
        bad(reader, node, "a name must be text");
    else if (json_object_get(seen, name) != NULL)
        bad(reader, node, "this name comes twice");
    else
        return name;
    return NULL;
}

typedef json_t *read_value(struct reader *reader, const yaml_node_t *node);

static json_t *map_of(struct reader *reader, const yaml_node_t *node, read_value *read)
{
    json_t *map;

    if (node->type != YAML_MAPPING_NODE)
        return bad(reader, node, "this must be a mapping of names to values");
    map = json_object();
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const char *name = name_of(reader, pair, map);
        const yaml_node_t *value = name != NULL ? node_of(reader, pair->value) : NULL;

        if (value == NULL || json_object_set_new(map, name, read(reader, value)) < 0) {
            bad(reader, node, "a name must be UTF-8 text");
            json_decref(map);
            return NULL;
        }
    }
    return map;
}

static json_t *list_of(struct reader *reader, const yaml_node_t *node, read_value *read)
{
    json_t *list;

    if (node->type != YAML_SEQUENCE_NODE)
        return bad(reader, node, "this must be a list");
    list = json_array();
    for (const yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top;
         item++) {
        const yaml_node_t *value = node_of(reader, *item);

        if (value == NULL || json_array_append_new(list, read(reader, value)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Of a policy: JSON has the same meaning there with numbers and booleans as text. */
static json_t *anything(struct reader *reader, const yaml_node_t *node)
{
    json_t *value;

    if (reader->depth == KW_SEED_DEPTH_MAX)
        return bad(reader, node, "this is nested too deep");
    reader->depth++;
    value = node->type == YAML_SCALAR_NODE    ? text_of(reader, node)
            : node->type == YAML_MAPPING_NODE ? map_of(reader, node, anything)
                                              : list_of(reader, node, anything);
    reader->depth--;
    return value;
}

/* A policy: JSON as text, or the same as YAML. */
static json_t *document(struct reader *reader, const yaml_node_t *node)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(4 * KW_SEED_FILE_MAX);
    struct kw_json_out out = KW_JSON_OUT(&text);
    json_t *value;

    if (node->type == YAML_SCALAR_NODE)
        return text_of(reader, node);
    value = anything(reader, node);
    if (value == NULL)
        return NULL;
    kw_json_value(&out, value);
    json_decref(value);
    if (!kw_sbuf_ok(&text))
        return bad(reader, node, "this is too long");
    return json_stringn((const char *)text.ptr, text.len);
}

static json_t *value_of(struct reader *reader, const yaml_node_t *node, enum kind kind)
{
    switch (kind) {
    case TEXT:
        return text_of(reader, node);
    case TEXTS:
        return list_of(reader, node, text_of);
    case YES_OR_NO:
        return yes_or_no(reader, node);
    case NUMBER:
        return number(reader, node);
    case DOCUMENT:
        return document(reader, node);
    case MAP_OF_TEXT:
        return map_of(reader, node, text_of);
    case MAP_OF_DOCUMENTS:
        return map_of(reader, node, document);
    }
    return NULL;
}

/* ---- keys and principals ---- */

static const struct member *find(const struct member *members, size_t num, const char *name)
{
    for (size_t i = 0; i < num; i++) {
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    }
    return NULL;
}

/* Out: to, as far as it was read. Returns: 0 | 1 (why says) */
static int read_members(
    struct reader *reader, const yaml_node_t *node, const struct member *members, size_t num, json_t *to)
{
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const char *name = name_of(reader, pair, to);
        const yaml_node_t *value = name != NULL ? node_of(reader, pair->value) : NULL;
        const struct member *member = value != NULL ? find(members, num, name) : NULL;

        if (value != NULL && member == NULL)
            bad(reader, yaml_document_get_node(&reader->document, pair->key), "there is no such member here");
        if (member == NULL || json_object_set_new(to, name, value_of(reader, value, member->kind)) < 0)
            return 1;
    }
    return 0;
}

static json_t *entry_of(
    struct reader *reader, const yaml_node_t *node, const struct member *members, size_t num)
{
    json_t *entry;

    if (node->type != YAML_MAPPING_NODE)
        return bad(reader, node, "this must be a mapping of names to values");
    entry = json_object();
    if (read_members(reader, node, members, num, entry) == 0 &&
        json_object_set_new(entry, "at",
            json_sprintf("%zu:%zu", node->start_mark.line + 1, node->start_mark.column + 1)) == 0)
        return entry;
    json_decref(entry);
    return NULL;
}

/* Its aliases in one list, the one of "alias" first. */
static int settle_aliases(struct reader *reader, const yaml_node_t *node, json_t *key)
{
    json_t *all = json_array(), *more = json_object_get(key, "aliases"), *alias;
    size_t i;

    if (json_object_get(key, "alias") != NULL)
        json_array_append(all, json_object_get(key, "alias"));
    json_array_extend(all, more != NULL ? more : json_null());
    json_object_del(key, "alias");
    json_object_set_new(key, "aliases", all);
    if (json_array_size(all) == 0)
        bad(reader, node, "a key must have an alias: by it a second run knows the key again");
    json_array_foreach(all, i, alias)
    {
        if (strncmp(json_string_value(alias), "alias/", 6) != 0)
            bad(reader, node, "the name of an alias must begin with alias/");
    }
    return reader->why[0] == '\0' ? 0 : 1;
}

static json_t *key_of(struct reader *reader, const yaml_node_t *node)
{
    json_t *key = entry_of(reader, node, key_members, KW_ARRAY_LEN(key_members));

    if (key == NULL || settle_aliases(reader, node, key) == 0)
        return key;
    json_decref(key);
    return NULL;
}

static json_t *principal_of(struct reader *reader, const yaml_node_t *node)
{
    json_t *principal = entry_of(reader, node, principal_members, KW_ARRAY_LEN(principal_members));
    json_t *user = json_object_get(principal, "user"), *role = json_object_get(principal, "role");

    if (principal == NULL)
        return NULL;
    if ((user != NULL) == (role != NULL)) {
        json_decref(principal);
        return bad(reader, node, "a principal is either a user or a role");
    }
    json_object_set_new(principal, "kind", json_string(user != NULL ? "user" : "role"));
    json_object_set(principal, "name", user != NULL ? user : role);
    json_object_del(principal, user != NULL ? "user" : "role");
    return principal;
}

/* ---- the file ---- */

static json_t *keys_of(struct reader *reader, const yaml_node_t *node)
{
    return list_of(reader, node, key_of);
}

static json_t *principals_of(struct reader *reader, const yaml_node_t *node)
{
    return list_of(reader, node, principal_of);
}

static int read_top(struct reader *reader, const yaml_node_t *root, json_t *seed)
{
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top;
         pair++) {
        const char *name = name_of(reader, pair, seed);
        const yaml_node_t *value = name != NULL ? node_of(reader, pair->value) : NULL;
        read_value *read = name == NULL                      ? NULL
                           : strcmp(name, "keys") == 0       ? keys_of
                           : strcmp(name, "principals") == 0 ? principals_of
                                                             : NULL;

        if (value != NULL && read == NULL)
            bad(reader, yaml_document_get_node(&reader->document, pair->key),
                "there is no such member here: a seed has keys and principals");
        if (value == NULL || read == NULL || json_object_set_new(seed, name, read(reader, value)) < 0)
            return 1;
    }
    return 0;
}

/* A second key of the same alias would be made over again in every run. */
static int check_aliases(const json_t *seed, char *why)
{
    json_t *seen = json_object();
    const json_t *key, *alias;
    size_t i, j;

    json_array_foreach(json_object_get(seed, "keys"), i, key)
    {
        json_array_foreach(json_object_get(key, "aliases"), j, alias)
        {
            const char *name = json_string_value(alias);

            if (json_object_get(seen, name) != NULL && why[0] == '\0')
                snprintf(why, KW_SEED_WHY_MAX, "%s: an alias of this key is in the file before",
                    json_string_value(json_object_get(key, "at")));
            json_object_set_new(seen, name, json_true());
        }
    }
    json_decref(seen);
    return why[0] == '\0' ? 0 : KW_SEED_BAD;
}

static int read_root(struct reader *reader, json_t *seed)
{
    const yaml_node_t *root = yaml_document_get_root_node(&reader->document);

    if (root == NULL)
        return 0;
    if (root->type != YAML_MAPPING_NODE) {
        bad(reader, root, "a seed is a mapping with keys and principals");
        return KW_SEED_BAD;
    }
    return read_top(reader, root, seed) != 0 ? KW_SEED_BAD : check_aliases(seed, reader->why);
}

/* A mistake of YAML itself. */
static int no_yaml(const yaml_parser_t *parser, char *why)
{
    snprintf(why, KW_SEED_WHY_MAX, "%zu:%zu: %s", parser->problem_mark.line + 1,
        parser->problem_mark.column + 1, parser->problem != NULL ? parser->problem : "this is no YAML");
    return KW_SEED_BAD;
}

/* Nothing may follow. */
static int read_end(yaml_parser_t *parser, char *why)
{
    yaml_document_t more;
    const yaml_node_t *root;

    if (yaml_parser_load(parser, &more) != 1)
        return no_yaml(parser, why);
    root = yaml_document_get_root_node(&more);
    if (root != NULL)
        snprintf(why, KW_SEED_WHY_MAX, "%zu:%zu: a second document", root->start_mark.line + 1,
            root->start_mark.column + 1);
    yaml_document_delete(&more);
    return root != NULL ? KW_SEED_BAD : 0;
}

static int read_file(yaml_parser_t *parser, struct reader *reader, json_t *seed)
{
    bool empty;
    int r;

    if (yaml_parser_load(parser, &reader->document) != 1)
        return no_yaml(parser, reader->why);
    empty = yaml_document_get_root_node(&reader->document) == NULL;
    r = read_root(reader, seed);
    yaml_document_delete(&reader->document);
    /* After an empty document the stream has ended. */
    return r != 0 || empty ? r : read_end(parser, reader->why);
}

int kw_seed_read(struct kw_bytes text, json_t **ret, char why[KW_SEED_WHY_MAX])
{
    struct reader reader = {.why = why};
    json_t *seed = json_object();
    yaml_parser_t parser;
    int r;

    why[0] = '\0';
    if (text.len > KW_SEED_FILE_MAX) {
        snprintf(why, KW_SEED_WHY_MAX, "1:1: the file is longer than %u bytes", KW_SEED_FILE_MAX);
        json_decref(seed);
        return KW_SEED_BAD;
    }
    if (seed == NULL || yaml_parser_initialize(&parser) != 1) {
        json_decref(seed);
        return -ENOMEM;
    }
    yaml_parser_set_input_string(&parser, text.ptr != NULL ? text.ptr : (const uint8_t *)"", text.len);
    r = read_file(&parser, &reader, seed);
    yaml_parser_delete(&parser);
    if (r == 0 && json_object_get(seed, "keys") == NULL)
        json_object_set_new(seed, "keys", json_array());
    if (r == 0 && json_object_get(seed, "principals") == NULL)
        json_object_set_new(seed, "principals", json_array());
    if (r != 0) {
        json_decref(seed);
        /* Only a want of memory says nothing. */
        return why[0] != '\0' ? r : -ENOMEM;
    }
    *ret = seed;
    return 0;
}

bool kw_seed_is_secret(const json_t *seed)
{
    const json_t *key;
    size_t i;

    json_array_foreach(json_object_get(seed, "keys"), i, key)
    {
        if (json_object_get(key, "material") != NULL)
            return true;
    }
    return false;
}
