#include "api/policydoc_internal.h"

#include <stdio.h>

#define ACTION "kms:PutKeyPolicy"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* '*' is any text, '?' any one character; letters are compared without case. After a mismatch only the last
 * '*' takes one character more: so the work is at most the product of the lengths. */
static bool glob(struct kw_bytes pattern, struct kw_bytes text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.len &&
                   (pattern.ptr[p] == '?' || lower(pattern.ptr[p]) == lower(text.ptr[t]))) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

static bool names_action(const json_t *actions)
{
    for (size_t i = 0; i < kw_policydoc_num(actions); i++) {
        if (glob(kw_policydoc_text(kw_policydoc_item(actions, i)), KW_LIT(ACTION)))
            return true;
    }
    return false;
}

static bool covers_action(const json_t *statement)
{
    const json_t *actions = json_object_get(statement, "Action");
    const json_t *others = json_object_get(statement, "NotAction");

    if (actions != NULL)
        return names_action(actions);
    return others != NULL && !names_action(others); /* with neither it has no effect */
}

static bool names_everything(const json_t *resources)
{
    for (size_t i = 0; i < kw_policydoc_num(resources); i++) {
        if (kw_bytes_equal(kw_policydoc_text(kw_policydoc_item(resources, i)), KW_LIT("*")))
            return true;
    }
    return false;
}

/* The key is not known here. An ARN may be its own: that is enough to allow, and not enough to deny. */
static bool covers_resource(const json_t *statement, bool surely)
{
    const json_t *resources = json_object_get(statement, "Resource");
    const json_t *others = json_object_get(statement, "NotResource");

    if (resources != NULL)
        return !surely || names_everything(resources);
    return others != NULL && !surely && !names_everything(others);
}

/* What follows "arn:PARTITION"; all of what is no ARN. A user has one ARN here and signs for regions of every
 * partition, and the grammar has seen to it that principals are of the key's. */
static struct kw_bytes after_partition(struct kw_bytes text)
{
    const ssize_t start = sizeof("arn:") - 1;
    ssize_t colon;

    if (!kw_bytes_starts(text, KW_LIT("arn:")))
        return text;
    colon = kw_bytes_find(KW_BYTES(text.ptr + start, text.len - (size_t)start), ':');
    return colon < 0 ? text : KW_BYTES(text.ptr + start + colon, text.len - (size_t)(start + colon));
}

/* Is the author meant: by ARN, by account, or with everyone? */
static bool is_author(struct kw_bytes principal, const struct kw_policydoc_author *author)
{
    struct kw_bytes name = after_partition(principal);
    char root[32];

    snprintf(root, sizeof(root), ":iam::%s:root", author->account);
    return kw_bytes_equal(principal, KW_LIT("*")) ||
           kw_bytes_equal(principal, kw_bytes_str(author->account)) ||
           kw_bytes_equal(name, kw_bytes_str(root)) ||
           kw_bytes_equal(name, after_partition(kw_bytes_str(author->arn)));
}

static bool names_author(const json_t *principals, const struct kw_policydoc_author *author)
{
    const json_t *list = json_is_object(principals) ? json_object_get(principals, "AWS") : principals;

    for (size_t i = 0; list != NULL && i < kw_policydoc_num(list); i++) {
        if (is_author(kw_policydoc_text(kw_policydoc_item(list, i)), author))
            return true;
    }
    return false;
}

static bool covers_author(const json_t *statement, const struct kw_policydoc_author *author)
{
    const json_t *principals = json_object_get(statement, "Principal");

    return principals != NULL ? names_author(principals, author)
                              : !names_author(json_object_get(statement, "NotPrincipal"), author);
}

static bool is_allow(const json_t *statement)
{
    return kw_bytes_equal(kw_policydoc_text(json_object_get(statement, "Effect")), KW_LIT("Allow"));
}

bool kw_policydoc_locks_out(const json_t *policy, const struct kw_policydoc_author *author)
{
    const json_t *statements = json_object_get(policy, "Statement");
    bool allowed = false;

    for (size_t i = 0; i < kw_policydoc_num(statements); i++) {
        const json_t *statement = kw_policydoc_item(statements, i);
        bool allow = is_allow(statement);

        if (!covers_author(statement, author) || !covers_action(statement) ||
            !covers_resource(statement, !allow))
            continue;
        if (!allow && json_object_get(statement, "Condition") == NULL)
            return true;
        allowed |= allow;
    }
    return !allowed;
}
