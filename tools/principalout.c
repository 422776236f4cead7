#include "tools/principalout.h"

#include <stdio.h>
#include <time.h>

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static const char *state(const json_t *object)
{
    return json_is_true(json_object_get(object, "Enabled")) ? "enabled" : "disabled";
}

static const char *moment(const json_t *seconds, char text[32])
{
    time_t at = (time_t)json_number_value(seconds);
    struct tm tm;

    /* Older versions did not keep it. */
    if (at == 0)
        return "at a time not recorded";
    gmtime_r(&at, &tm);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return text;
}

static void print_key(const json_t *key)
{
    const json_t *used = json_object_get(key, "LastUsed");
    char made[32], text[32];

    printf("    %-20s %-8s  made %s, ", member(key, "AccessKeyId"), state(key),
        moment(json_object_get(key, "CreateDate"), made));
    if (used == NULL)
        printf("never used\n");
    else
        printf("last used %s (%s in %s)\n", moment(json_object_get(used, "Date"), text),
            member(used, "Service"), member(used, "Region"));
}

static void print_keys(const json_t *principal)
{
    const json_t *key;
    size_t i;

    json_array_foreach(json_object_get(principal, "AccessKeys"), i, key) print_key(key);
}

static int finish(void)
{
    return fflush(stdout) != 0 || ferror(stdout) ? 1 : 0;
}

int kw_principals_print(const json_t *answer)
{
    const json_t *principal;
    size_t i;

    json_array_foreach(json_object_get(answer, "Principals"), i, principal)
    {
        printf("%s  %s\n", member(principal, "Arn"), state(principal));
        print_keys(principal);
    }
    return finish();
}

static void print_policies(const json_t *principal)
{
    const json_t *policy;
    size_t i;

    json_array_foreach(json_object_get(principal, "Policies"), i, policy)
        printf("Policy %s:\n%s\n", member(policy, "PolicyName"), member(policy, "PolicyDocument"));
    if (json_object_get(principal, "TrustPolicy") != NULL)
        printf("Trust policy:\n%s\n", member(principal, "TrustPolicy"));
}

static void print_whole(const json_t *principal)
{
    const json_t *longest = json_object_get(principal, "MaxSessionDuration"), *tag;
    char made[32];
    size_t i;

    printf("%s  %s\n    id %s, made %s\n", member(principal, "Arn"), state(principal),
        member(principal, "Id"), moment(json_object_get(principal, "CreateDate"), made));
    if (longest != NULL)
        printf("    sessions of at most %lld s\n", (long long)json_integer_value(longest));
    json_array_foreach(json_object_get(principal, "Tags"), i, tag)
        printf("    tag %s=%s\n", member(tag, "Key"), member(tag, "Value"));
    print_keys(principal);
    print_policies(principal);
}

int kw_principal_print(const json_t *answer)
{
    const json_t *principal = json_object_get(answer, "Principal");

    if (principal != NULL) {
        print_whole(principal);
    } else if (json_object_get(answer, "Arn") != NULL) {
        printf("%s\n", member(answer, "Arn"));
        print_keys(answer);
    }
    return finish();
}
