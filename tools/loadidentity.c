#include "tools/loadidentity.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_LEN 16384u

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static int copy(char *to, size_t cap, const char *from)
{
    size_t len = strlen(from);

    KW_REQUIRE(len < cap, 1);
    memcpy(to, from, len + 1);
    return 0;
}

static char *trim(char *text)
{
    size_t len;

    text += strspn(text, " \t");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        text[--len] = '\0';
    return text;
}

/* "[name]", or "[profile name]" as the configuration file has it. */
static bool is_section(char *line, const char *name)
{
    char *end = strchr(line, ']'), *found;

    if (end == NULL)
        return false;
    *end = '\0';
    found = trim(line + 1);
    if (strncmp(found, "profile ", 8) == 0)
        found = trim(found + 8);
    return strcmp(found, name) == 0;
}

/* The file's members of that section are given to take(). Returns: 0 | 1 (no such file or section) */
static int read_section(const char *path, const char *section,
    int (*take)(void *to, const char *name, const char *value), void *to)
{
    FILE *file = fopen(path, "re");
    char *line = calloc(1, LINE_MAX_LEN);
    bool inside = false, found = false;
    int r = 0;

    while (r == 0 && file != NULL && line != NULL && fgets(line, LINE_MAX_LEN, file) != NULL) {
        char *text = trim(line), *equals = strchr(text, '=');

        if (text[0] == '[') {
            inside = is_section(text, section);
            found = found || inside;
        } else if (inside && equals != NULL && text[0] != '#' && text[0] != ';') {
            *equals = '\0';
            r = take(to, trim(text), trim(equals + 1));
        }
    }
    if (file != NULL)
        fclose(file);
    if (line != NULL)
        kw_erase(line, LINE_MAX_LEN);
    free(line);
    return r != 0 ? r : found ? 0 : 1;
}

static int take_credential(void *to, const char *name, const char *value)
{
    struct kw_load_identity *identity = to;

    if (strcmp(name, "aws_access_key_id") == 0)
        return copy(identity->access_key_id, sizeof(identity->access_key_id), value);
    if (strcmp(name, "aws_secret_access_key") == 0)
        return copy(identity->secret_access_key, sizeof(identity->secret_access_key), value);
    if (strcmp(name, "aws_session_token") == 0)
        return copy(identity->session_token, sizeof(identity->session_token), value);
    return 0;
}

static int take_region(void *to, const char *name, const char *value)
{
    struct kw_load_identity *identity = to;

    return strcmp(name, "region") == 0 ? copy(identity->region, sizeof(identity->region), value) : 0;
}

static void path_of(const char *variable, const char *name, char *ret, size_t cap)
{
    const char *named = environment(variable), *home = environment("HOME");

    if (named != NULL)
        snprintf(ret, cap, "%s", named);
    else
        snprintf(ret, cap, "%s/.aws/%s", home != NULL ? home : "", name);
}

static int find_credentials(const char *profile, struct kw_load_identity *identity, char *why, size_t why_cap)
{
    const char *id = environment("AWS_ACCESS_KEY_ID"), *secret = environment("AWS_SECRET_ACCESS_KEY");
    const char *token = environment("AWS_SESSION_TOKEN");
    char path[4096];
    int r;

    if (profile == NULL && id != NULL && secret != NULL) {
        r = take_credential(identity, "aws_access_key_id", id);
        r = r != 0 ? r : take_credential(identity, "aws_secret_access_key", secret);
        r = r != 0 || token == NULL ? r : take_credential(identity, "aws_session_token", token);
        snprintf(why, why_cap, "the credentials in the environment are too long");
        return r;
    }
    profile = profile != NULL ? profile : environment("AWS_PROFILE");
    profile = profile != NULL ? profile : "default";
    path_of("AWS_SHARED_CREDENTIALS_FILE", "credentials", path, sizeof(path));
    r = read_section(path, profile, take_credential, identity);
    if (r == 0 && identity->access_key_id[0] != '\0' && identity->secret_access_key[0] != '\0')
        return 0;
    snprintf(why, why_cap,
        "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give a profile in %s ('%s' has "
        "none)",
        path, profile);
    return 1;
}

/* "kms.REGION.amazonaws.com" and its kin. */
static int region_of_host(const char *host, char *ret, size_t cap)
{
    const char *dot = strchr(host, '.'), *end;

    KW_REQUIRE(strncmp(host, "kms", 3) == 0 && dot != NULL, 1);
    end = strstr(dot, ".amazonaws.com");
    KW_REQUIRE(end != NULL && end > dot + 1 && (size_t)(end - dot) - 1 < cap, 1);
    memcpy(ret, dot + 1, (size_t)(end - dot) - 1);
    ret[end - dot - 1] = '\0';
    return 0;
}

static void find_region(
    const char *profile, const char *given, const char *host, struct kw_load_identity *identity)
{
    const char *region = given;
    char path[4096];

    region = region != NULL ? region : environment("AWS_REGION");
    region = region != NULL ? region : environment("AWS_DEFAULT_REGION");
    if (region != NULL && copy(identity->region, sizeof(identity->region), region) == 0)
        return;
    if (region_of_host(host, identity->region, sizeof(identity->region)) == 0)
        return;
    profile = profile != NULL ? profile : environment("AWS_PROFILE");
    path_of("AWS_CONFIG_FILE", "config", path, sizeof(path));
    if (read_section(path, profile != NULL ? profile : "default", take_region, identity) != 0 ||
        identity->region[0] == '\0')
        memcpy(identity->region, "us-east-1", sizeof("us-east-1"));
}

int kw_load_identity_find(const char *profile, const char *region, const char *host,
    struct kw_load_identity *ret, char *why, size_t why_cap)
{
    struct kw_load_identity *identity = calloc(1, sizeof(*identity));
    int r;

    if (identity == NULL) {
        snprintf(why, why_cap, "no memory");
        return 1;
    }
    memcpy(identity->service, "kms", sizeof("kms"));
    r = find_credentials(profile, identity, why, why_cap);
    if (r == 0) {
        find_region(profile, region, host, identity);
        *ret = *identity;
    }
    kw_erase(identity, sizeof(*identity));
    free(identity);
    return r;
}
