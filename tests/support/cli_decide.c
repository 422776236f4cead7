/* Answers questions about the parts of the command line, a line of JSON each: {"do": WHAT, "text": ...,
 * "value": ...}. Prints a line of JSON each: {"value": ...} or {"text": ...}, or {"error": TEXT}. */
#include "api/json.h"
#include "pool/secmem.h"
#include "tools/cli/blob.h"
#include "tools/cli/inifile.h"
#include "tools/cli/output.h"
#include "tools/cli/query.h"
#include "tools/cli/shorthand.h"
#include "tools/cli/yamlin.h"

#include <stdio.h>
#include <stdlib.h>

static const char *string(const json_t *question, const char *name)
{
    return json_string_value(json_object_get(question, name));
}

static struct kw_bytes text_of(const json_t *question)
{
    const json_t *text = json_object_get(question, "text");

    return KW_BYTES(json_string_value(text), json_string_length(text));
}

static json_t *sbuf_value(const char *name, const struct kw_sbuf *text)
{
    return json_pack("{s:s%}", name, text->len > 0 ? (const char *)text->ptr : "", text->len);
}

static json_t *query(const json_t *question)
{
    KW_SBUF struct kw_sbuf why = KW_SBUF_INIT(65536);
    struct kw_query *compiled = NULL;
    json_t *value = NULL, *document = json_object_get(question, "value");
    int r = kw_query_compile(text_of(question), &compiled, &why);

    if (r == 0)
        r = kw_query_run(compiled, document, &value, &why);
    kw_query_free(compiled);
    return r == 0 ? json_pack("{s:o}", "value", value) : sbuf_value("error", &why);
}

static json_t *shorthand(const json_t *question)
{
    KW_TROUBLE struct kw_trouble trouble = KW_TROUBLE_INIT;
    json_t *value = NULL;

    if (kw_shorthand_parse(text_of(question), &value, &trouble) == 0)
        return json_pack("{s:o}", "value", value);
    return json_pack("{s:s}", "error", kw_trouble_text(&trouble));
}

static json_t *yaml(const json_t *question)
{
    json_t *value = NULL;
    char why[160];

    if (kw_yaml_read(text_of(question), &value, why, sizeof(why)) == 0)
        return json_pack("{s:o}", "value", value);
    return json_pack("{s:s}", "error", why);
}

static json_t *printed(const json_t *question)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(1 << 24);
    struct kw_output output = {.title = "Title", .width = 80};
    int r = kw_output_form_parse(string(question, "form"), &output.form);

    if (r == 0)
        r = kw_output_write(&output, json_object_get(question, "value"), &text);
    return r == 0 ? sbuf_value("text", &text) : json_pack("{s:i}", "error", r);
}

static json_t *base64(const json_t *question)
{
    KW_SBUF struct kw_sbuf bytes = KW_SBUF_INIT(65536), again = KW_SBUF_INIT(65536);

    if (kw_blob_decode_loosely(text_of(question), &bytes) != 0)
        return json_pack("{s:s}", "error", "bad");
    kw_sbuf_put_base64(&again, kw_sbuf_bytes(&bytes));
    return sbuf_value("text", &again);
}

static json_t *ini(const json_t *question)
{
    struct kw_bytes value;

    if (kw_ini_get(text_of(question), string(question, "kind"), string(question, "name"),
            string(question, "above"), string(question, "setting"), &value) != 0)
        return json_pack("{s:s}", "error", "absent");
    return json_pack("{s:s%}", "text", value.len > 0 ? (const char *)value.ptr : "", value.len);
}

static const struct {
    const char *what;
    json_t *(*answer)(const json_t *question);
} answers[] = {
    {"base64", base64},
    {"ini", ini},
    {"query", query},
    {"shorthand", shorthand},
    {"write", printed},
    {"yaml", yaml},
};

int main(void)
{
    char *line = NULL;
    size_t cap = 0;

    kw_assert(kw_secmem_init() == 0);
    kw_json_init();
    while (getline(&line, &cap, stdin) > 0) {
        json_t *question = json_loads(line, JSON_ALLOW_NUL, NULL), *answer = NULL;

        for (size_t i = 0; i < KW_ARRAY_LEN(answers); i++) {
            if (strcmp(answers[i].what, string(question, "do")) == 0)
                answer = answers[i].answer(question);
        }
        kw_assert(answer != NULL);
        json_dumpf(answer, stdout, JSON_ENSURE_ASCII);
        putchar('\n');
        fflush(stdout);
        json_decref(answer);
        json_decref(question);
    }
    free(line);
    return 0;
}
