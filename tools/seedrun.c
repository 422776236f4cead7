#include "tools/seedrun.h"

#include "tools/cli/blob.h"
#include "tools/cli/client.h"
#include "tools/operatorclient.h"
#include "tools/profileout.h"
#include "tools/seedwrap.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct runner {
    const struct kw_seedrun *run;
    const char *at; /* of the entry that is looked at */
    struct kw_config config;
    struct kw_arguments arguments;
    struct kw_trouble trouble;
    unsigned made, present;
    char *why;
    size_t why_cap;
};

static int fail(struct runner *runner, const char *format, ...) KW_PRINTF(2, 3);
static int fail(struct runner *runner, const char *format, ...)
{
    va_list args;
    int len = snprintf(runner->why, runner->why_cap, "%s:%s: ", runner->run->file, runner->at);

    va_start(args, format);
    if (len > 0 && (size_t)len < runner->why_cap)
        vsnprintf(runner->why + len, runner->why_cap - (size_t)len, format, args);
    va_end(args);
    return 1;
}

static void made(struct runner *runner, const char *format, ...) KW_PRINTF(2, 3);
static void made(struct runner *runner, const char *format, ...)
{
    va_list args;

    runner->made++;
    printf("%s ", runner->run->dry_run ? "would make" : "made      ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void present(struct runner *runner, const char *what, const char *name)
{
    runner->present++;
    printf("there      %s %s\n", what, name);
}

static const char *text_in(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* ---- calls of the service, as its administrator ---- */

enum { ABSENT = 2 };

/* Takes input over. Out: ret may be NULL. Returns: 0 | 1 (why says) | ABSENT */
static int call(struct runner *runner, const char *command, json_t *input, json_t **ret)
{
    struct kw_client client;
    json_t *answer = NULL;
    int r = kw_client_init(
        &client, &runner->config, kw_cli_operation_find(command), &runner->arguments, &runner->trouble);

    if (r == 0)
        r = kw_client_call(&client, input, &answer, &runner->trouble);
    json_decref(input);
    if (r != 0) {
        const char *text = kw_trouble_text(&runner->trouble);

        if (strstr(text, "(NotFoundException)") != NULL)
            return ABSENT;
        return fail(runner, "%s", text);
    }
    if (ret != NULL)
        *ret = answer;
    else
        json_decref(answer);
    return 0;
}

/* The answer to a call whose object must be there. */
static int must(struct runner *runner, const char *command, json_t *input, json_t **ret)
{
    int r = call(runner, command, input, ret);

    return r == ABSENT ? fail(runner, "%s", kw_trouble_text(&runner->trouble)) : r;
}

/* ---- principals, by the operator's socket ---- */

static json_t *named_list(const json_t *map, const char *name, const char *value)
{
    json_t *list = json_array(), *one;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)map, key, one)
        json_array_append_new(list, json_pack("{s:s, s:O}", name, key, value, one));
    return list;
}

static json_t *principal_request(const json_t *principal)
{
    json_t *body = json_pack("{s:O, s:O, s:O*, s:O*, s:O*, s:O*}", "Kind", json_object_get(principal, "kind"),
        "Name", json_object_get(principal, "name"), "Account", json_object_get(principal, "account"), "Path",
        json_object_get(principal, "path"), "TrustPolicy", json_object_get(principal, "trust"),
        "MaxSessionDuration", json_object_get(principal, "session-max"));

    json_object_set_new(
        body, "Policies", named_list(json_object_get(principal, "policies"), "PolicyName", "PolicyDocument"));
    json_object_set_new(body, "Tags", named_list(json_object_get(principal, "tags"), "Key", "Value"));
    if (json_is_true(json_object_get(principal, "access-key")))
        json_object_set_new(body, "AccessKey", json_true());
    return body;
}

static int keep_key(struct runner *runner, const char *name, const json_t *answer)
{
    const json_t *key = json_object_get(answer, "AccessKey");
    const char *id = text_in(key, "AccessKeyId"), *secret = text_in(key, "SecretAccessKey");
    const char *arn = text_in(json_object_get(answer, "Principal"), "Arn");
    char why[512];

    if (id == NULL || secret == NULL)
        return fail(runner, "the server gave %s no access key", name);
    if (kw_profile_append(runner->run->credentials, name, arn != NULL ? arn : name, kw_bytes_str(id),
            kw_bytes_str(secret), why, sizeof(why)) != 0)
        return fail(runner,
            "%s is made, but its access key is lost: %s (keywell principal rotate makes another)", name, why);
    made(runner, "access key %s, profile %s in %s", id, name, runner->run->credentials);
    return 0;
}

static int make_principal(struct runner *runner, const json_t *principal, const char *full, const char *name)
{
    bool with_key = json_is_true(json_object_get(principal, "access-key"));
    json_t *body = principal_request(principal), *answer = NULL;
    char why[1024];
    int r = 0;

    if (with_key && kw_profile_check(runner->run->credentials, name, why, sizeof(why)) != 0)
        r = fail(runner, "%s", why);
    if (r == 0 && !runner->run->dry_run &&
        kw_operator_ask(runner->run->data, "CreatePrincipal", body, &answer, why, sizeof(why)) != 0)
        r = fail(runner, "%s", why);
    json_decref(body);
    if (r == 0)
        made(runner, "%s", full);
    if (r == 0 && with_key && !runner->run->dry_run)
        r = keep_key(runner, name, answer);
    json_decref(answer);
    return r;
}

static int seed_principal(struct runner *runner, const json_t *principal)
{
    const char *name = text_in(principal, "name");
    json_t *body, *answer = NULL;
    char full[256], why[1024];
    int r;

    runner->at = text_in(principal, "at");
    if (json_is_true(json_object_get(principal, "access-key")) && runner->run->credentials == NULL)
        return fail(runner, "%s is to have an access key: say by --credentials FILE where it goes", name);
    snprintf(full, sizeof(full), "%s/%s", text_in(principal, "kind"), name);
    body = json_pack("{s:s, s:O*}", "Principal", full, "Account", json_object_get(principal, "account"));
    r = kw_operator_look_up(runner->run->data, "GetPrincipal", body, &answer, why, sizeof(why));
    json_decref(body);
    json_decref(answer);
    if (r == 0)
        present(runner, "principal", full);
    if (r == 1)
        return fail(runner, "%s", why);
    return r == 0 ? 0 : make_principal(runner, principal, full, name);
}

/* ---- keys ---- */

static bool is_pair(const char *spec)
{
    return strcmp(spec, "SYMMETRIC_DEFAULT") != 0 && strncmp(spec, "HMAC_", 5) != 0;
}

static const char *spec_of(const json_t *key)
{
    const char *spec = text_in(key, "spec");

    return spec != NULL ? spec : "SYMMETRIC_DEFAULT";
}

/* What cannot be changed of a key must be as the file has it. */
static int compare(struct runner *runner, const json_t *key, const json_t *metadata, const char *alias)
{
    const char *usage = text_in(key, "usage"), *origin = text_in(metadata, "Origin");
    const json_t *regions = json_object_get(key, "multi-region");
    bool external = origin != NULL && strcmp(origin, "EXTERNAL") == 0;

    if (text_in(metadata, "KeySpec") == NULL || strcmp(text_in(metadata, "KeySpec"), spec_of(key)) != 0)
        return fail(runner, "%s is there, with another spec", alias);
    if (usage != NULL &&
        (text_in(metadata, "KeyUsage") == NULL || strcmp(text_in(metadata, "KeyUsage"), usage) != 0))
        return fail(runner, "%s is there, with another usage", alias);
    if (external != (json_object_get(key, "material") != NULL))
        return fail(runner, "%s is there, %s imported material", alias, external ? "with" : "without");
    if (regions != NULL && json_is_true(regions) != json_is_true(json_object_get(metadata, "MultiRegion")))
        return fail(runner, "%s is there, and in another way multi-Region", alias);
    return 0;
}

/* Looks for the key by each alias. Out: ret_id, "" if none is there; ret_pending, it waits for material.
 * Returns: 0 | 1 */
static int find_key(struct runner *runner, const json_t *key, char ret_id[64], bool *ret_pending)
{
    const json_t *alias;
    size_t i;

    ret_id[0] = '\0';
    json_array_foreach(json_object_get(key, "aliases"), i, alias)
    {
        const char *name = json_string_value(alias), *id, *state;
        json_t *answer = NULL, *metadata;
        int r = call(runner, "describe-key", json_pack("{s:s}", "KeyId", name), &answer);

        if (r == ABSENT)
            continue;
        if (r != 0)
            return 1;
        metadata = json_object_get(answer, "KeyMetadata");
        id = text_in(metadata, "KeyId");
        state = text_in(metadata, "KeyState");
        r = compare(runner, key, metadata, name);
        if (r == 0 && (id == NULL || (ret_id[0] != '\0' && strcmp(ret_id, id) != 0)))
            r = fail(runner, "%s is there, and another key's", name);
        *ret_pending = state != NULL && strcmp(state, "PendingImport") == 0;
        if (r == 0)
            snprintf(ret_id, 64, "%s", id);
        json_decref(answer);
        if (r != 0)
            return r;
    }
    return 0;
}

static int make_key(struct runner *runner, const json_t *key, char ret_id[64])
{
    const char *first = json_string_value(json_array_get(json_object_get(key, "aliases"), 0)), *id;
    json_t *answer = NULL, *input;
    int r;

    if (runner->run->dry_run) {
        made(runner, "key %s", first);
        return 0;
    }
    input = json_pack("{s:s, s:O*, s:O*, s:O*, s:O*}", "KeySpec", spec_of(key), "KeyUsage",
        json_object_get(key, "usage"), "Description", json_object_get(key, "description"), "MultiRegion",
        json_object_get(key, "multi-region"), "Policy", json_object_get(key, "policy"));
    if (json_object_get(key, "material") != NULL)
        json_object_set_new(input, "Origin", json_string("EXTERNAL"));
    if (json_object_get(key, "tags") != NULL)
        json_object_set_new(input, "Tags", named_list(json_object_get(key, "tags"), "TagKey", "TagValue"));
    r = must(runner, "create-key", input, &answer);
    if (r != 0)
        return r;
    id = text_in(json_object_get(answer, "KeyMetadata"), "KeyId");
    snprintf(ret_id, 64, "%s", id != NULL ? id : "");
    json_decref(answer);
    made(runner, "key %s of %s", ret_id, first);
    return 0;
}

/* The first alias comes right after the key: by it another run finds what an interrupted one has begun. */
static int make_aliases(struct runner *runner, const json_t *key, const char *id)
{
    const json_t *alias;
    size_t i;

    json_array_foreach(json_object_get(key, "aliases"), i, alias)
    {
        const char *name = json_string_value(alias);
        int r =
            id[0] == '\0' ? ABSENT : call(runner, "describe-key", json_pack("{s:s}", "KeyId", name), NULL);

        if (r == 0) {
            present(runner, "alias", name);
            continue;
        }
        if (r == ABSENT)
            r = runner->run->dry_run
                    ? 0
                    : must(runner, "create-alias",
                          json_pack("{s:s, s:s}", "AliasName", name, "TargetKeyId", id), NULL);
        if (r != 0)
            return r;
        made(runner, "alias %s", name);
    }
    return 0;
}

/* In: given, the answer with wrapping key and token. Out: ret, the request. Returns: 0 | 1 */
static int wrap_material(
    struct runner *runner, const json_t *key, const char *id, const json_t *given, json_t **ret)
{
    const char *public_text = text_in(given, "PublicKey");
    KW_SBUF struct kw_sbuf material = KW_SBUF_INIT(65536), wrapped = KW_SBUF_INIT(65536),
                           text = KW_SBUF_INIT(65536);
    KW_SBUF struct kw_sbuf public_key = KW_SBUF_INIT(65536);
    int r;

    if (kw_blob_decode_loosely(kw_bytes_str(text_in(key, "material")), &material) != 0)
        return fail(runner, "the material is not base64");
    if (public_text == NULL || kw_blob_decode_loosely(kw_bytes_str(public_text), &public_key) != 0)
        return fail(runner, "the server gave no wrapping key");
    r = kw_seed_wrap(kw_sbuf_bytes(&public_key), is_pair(spec_of(key)), kw_sbuf_bytes(&material), &wrapped);
    if (r < 0)
        ERR_clear_error();
    if (r != 0)
        return fail(runner, r > 0 ? "the material is empty or too long" : "the material cannot be wrapped");
    kw_sbuf_put_base64(&text, kw_sbuf_bytes(&wrapped));
    *ret = json_pack("{s:s, s:O, s:s%, s:s}", "KeyId", id, "ImportToken",
        json_object_get(given, "ImportToken"), "EncryptedKeyMaterial", (const char *)text.ptr, text.len,
        "ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE");
    return *ret != NULL ? 0 : fail(runner, "the server gave no token");
}

static int import_material(struct runner *runner, const json_t *key, const char *id)
{
    json_t *given = NULL, *input = NULL;
    int r;

    if (runner->run->dry_run) {
        made(runner, "material of the key");
        return 0;
    }
    r = must(runner, "get-parameters-for-import",
        json_pack("{s:s, s:s, s:s}", "KeyId", id, "WrappingAlgorithm",
            kw_seed_wrapping(is_pair(spec_of(key))), "WrappingKeySpec", "RSA_2048"),
        &given);
    if (r != 0)
        return r;
    r = wrap_material(runner, key, id, given, &input);
    json_decref(given);
    if (r == 0)
        r = must(runner, "import-key-material", input, NULL);
    if (r == 0)
        made(runner, "material of %s", id);
    return r;
}

static int seed_key(struct runner *runner, const json_t *key)
{
    bool pending = true;
    char id[64];
    int r;

    runner->at = text_in(key, "at");
    r = find_key(runner, key, id, &pending);
    if (r == 0 && id[0] == '\0')
        r = make_key(runner, key, id);
    else if (r == 0)
        present(runner, "key", id);
    if (r == 0)
        r = make_aliases(runner, key, id);
    if (r == 0 && json_object_get(key, "material") != NULL && pending)
        r = import_material(runner, key, id);
    return r;
}

/* ---- the whole ---- */

/* From the data folder: where the server listens, and who its administrator is. */
static int connect_to(struct runner *runner)
{
    struct kw_config *config = &runner->config;
    const char *data = runner->run->data, *listen;
    char path[4096];
    json_t *run;

    snprintf(path, sizeof(path), "%s/run.json", data);
    run = json_load_file(path, 0, NULL);
    listen = text_in(run, "listen");
    if (listen == NULL) {
        snprintf(runner->why, runner->why_cap, "no server runs on the data folder %s", data);
        json_decref(run);
        return 1;
    }
    snprintf(config->endpoint, sizeof(config->endpoint), "%s://%s",
        json_is_true(json_object_get(run, "tls")) ? "https" : "http", listen);
    json_decref(run);
    snprintf(config->region, sizeof(config->region), "%s", runner->run->region);
    snprintf(config->ca_bundle, sizeof(config->ca_bundle), "%s", runner->run->ca_bundle);
    config->connect_timeout_ms = 10000;
    config->read_timeout_ms = 60000;
    config->max_attempts = 3;
    config->profile = "default";
    config->profile_named = true; /* the environment's credentials are somebody else's */
    snprintf(path, sizeof(path), "%s/credentials", data);
    config->credentials_text = KW_SBUF_INIT(131072);
    config->config_text = KW_SBUF_INIT(1);
    if (kw_tool_read(path, 65536, &config->credentials_text, runner->why, runner->why_cap) != 0)
        return 1;
    if (kw_config_credentials(config, &runner->trouble) == 0)
        return 0;
    snprintf(runner->why, runner->why_cap, "%s: %s", path, kw_trouble_text(&runner->trouble));
    return 1;
}

static int run_all(struct runner *runner, const json_t *seed)
{
    const json_t *entry;
    size_t i;

    if (connect_to(runner) != 0)
        return 1;
    json_array_foreach(json_object_get(seed, "principals"), i, entry)
    {
        if (seed_principal(runner, entry) != 0)
            return 1;
    }
    json_array_foreach(json_object_get(seed, "keys"), i, entry)
    {
        if (seed_key(runner, entry) != 0)
            return 1;
    }
    printf("%u %s, %u there already\n", runner->made, runner->run->dry_run ? "would be made" : "made",
        runner->present);
    return 0;
}

int kw_seedrun(const struct kw_seedrun *run, const json_t *seed, char *why, size_t why_cap)
{
    struct runner *runner = calloc(1, sizeof(*runner));
    int r;

    snprintf(why, why_cap, "out of memory");
    KW_REQUIRE(runner != NULL, 1);
    runner->run = run;
    runner->why = why;
    runner->why_cap = why_cap;
    runner->trouble = KW_TROUBLE_INIT;
    r = run_all(runner, seed);
    kw_config_close(&runner->config);
    kw_trouble_done(&runner->trouble);
    free(runner);
    return r;
}
