#include "tools/cli/yamlout.h"

#include "tools/cli/output.h"

#include <regex.h>
#include <stdlib.h>
#include <yaml.h>

/* ---- what a plain scalar would be ---- */

/* The types of YAML 1.2's core schema, with what readers of 1.1 have besides for dates and merges. */
static const char *const others[] = {
    "^(true|True|TRUE|false|False|FALSE)$",
    "^[-+]?([0-9][0-9_]*)\\.[0-9_]*([eE][-+]?[0-9]+)?$",
    "^[-+]?([0-9][0-9_]*)([eE][-+]?[0-9]+)$",
    "^[-+]?\\.[0-9_]+([eE][-+][0-9]+)?$",
    "^[-+]?\\.(inf|Inf|INF)$",
    "^\\.(nan|NaN|NAN)$",
    "^[-+]?(0b[0-1_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)$",
    "^(<<|=|~|null|Null|NULL|)$",
    "^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$",
    ("^[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?([Tt]|[ \t]+)[0-9][0-9]?:[0-9][0-9]:[0-9][0-9](\\.[0-9]*)?"
     "([ \t]*(Z|[-+][0-9][0-9]?(:[0-9][0-9])?))?$"),
};

bool kw_yaml_is_other(const char *text)
{
    static regex_t compiled[KW_ARRAY_LEN(others)];
    static size_t num;

    /* No date is longer. */
    if (strlen(text) > 64 && strspn(text, "0123456789abcdefxABCDEFobinEe+-._") < strlen(text))
        return false;
    for (; num < KW_ARRAY_LEN(others); num++)
        kw_assert(regcomp(&compiled[num], others[num], REG_EXTENDED | REG_NOSUB) == 0);
    for (size_t i = 0; i < num; i++) {
        if (regexec(&compiled[i], text, 0, NULL, 0) == 0)
            return true;
    }
    return false;
}

/* ---- events ---- */

static int write_some(void *to, unsigned char *data, size_t len)
{
    kw_sbuf_put(to, data, len);
    return kw_sbuf_ok(to) ? 1 : 0;
}

static bool emit(yaml_emitter_t *emitter, yaml_event_t *event, int made)
{
    return made == 1 && yaml_emitter_emit(emitter, event) == 1;
}

static bool scalar(yaml_emitter_t *emitter, struct kw_bytes text, bool plain)
{
    yaml_event_t event;

    return emit(emitter, &event,
        yaml_scalar_event_initialize(&event, NULL, NULL, text.ptr != NULL ? text.ptr : (const uint8_t *)"",
            (int)text.len, plain ? 1 : 0, 1, YAML_ANY_SCALAR_STYLE));
}

static bool string(yaml_emitter_t *emitter, const char *text, size_t len)
{
    return scalar(emitter, KW_BYTES(text, len), strlen(text) == len && !kw_yaml_is_other(text));
}

static bool node(yaml_emitter_t *emitter, const json_t *value);

static bool list(yaml_emitter_t *emitter, const json_t *value)
{
    yaml_event_t event;
    bool good = emit(emitter, &event,
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));

    for (size_t i = 0; i < json_array_size(value) && good; i++)
        good = node(emitter, json_array_get(value, i));
    return good && emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static bool object(yaml_emitter_t *emitter, const json_t *value)
{
    const char **names = NULL;
    size_t num = 0;
    yaml_event_t event;
    bool good = kw_output_names(value, &names, &num) == 0 &&
                emit(emitter, &event,
                    yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));

    for (size_t i = 0; i < num && good; i++)
        good = string(emitter, names[i], strlen(names[i])) && node(emitter, json_object_get(value, names[i]));
    free(names);
    return good && emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static bool node(yaml_emitter_t *emitter, const json_t *value)
{
    char number[KW_REAL_TEXT_MAX];

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return object(emitter, value);
    case JSON_ARRAY:
        return list(emitter, value);
    case JSON_STRING:
        return string(emitter, json_string_value(value), json_string_length(value));
    case JSON_NULL:
        return scalar(emitter, KW_LIT("null"), true);
    case JSON_TRUE:
        return scalar(emitter, KW_LIT("true"), true);
    case JSON_FALSE:
        return scalar(emitter, KW_LIT("false"), true);
    default:
        kw_output_number(value, number);
        return scalar(emitter, kw_bytes_str(number), true);
    }
}

int kw_yaml_write(const json_t *value, struct kw_sbuf *ret)
{
    yaml_emitter_t emitter;
    yaml_event_t event;
    bool good;

    KW_REQUIRE(yaml_emitter_initialize(&emitter) == 1, -ENOMEM);
    yaml_emitter_set_output(&emitter, write_some, ret);
    yaml_emitter_set_unicode(&emitter, 1);
    good = emit(&emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
           emit(&emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
           node(&emitter, value) && emit(&emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
           emit(&emitter, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_delete(&emitter);
    return good ? 0 : -ENOMEM;
}
