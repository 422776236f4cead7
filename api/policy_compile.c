/* From a policy's JSON to its compiled form.
 *
 * All of it is one allocation: the same code runs twice, first to count what it takes (nothing is written),
 * then to fill it. What belongs together lies together: a statement's lists, and behind each item its text.
 */
#include "api/policy_internal.h"
#include "api/policydoc_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct pack {
    uint8_t *at; /* NULL: only counts */
    size_t size;
    bool variables; /* ${...} means something: Version 2012-10-17 */
};

static void *take(struct pack *pack, size_t num, size_t size)
{
    size_t len = (num * size + 7) & ~(size_t)7;
    uint8_t *at = pack->at;

    pack->size += len;
    if (at != NULL)
        pack->at += len;
    return at;
}

/* While counting, the original. */
static struct kw_bytes keep(struct pack *pack, struct kw_bytes text)
{
    uint8_t *to = take(pack, text.len + 1, 1);

    if (to == NULL)
        return text;
    memcpy(to, text.len > 0 ? text.ptr : (const uint8_t *)"", text.len);
    to[text.len] = '\0';
    return KW_BYTES(to, text.len);
}

static struct kw_bytes tail(struct kw_bytes text, size_t from)
{
    return KW_BYTES(text.ptr + from, text.len - from);
}

/* ---- variables ---- */

static ssize_t find_variable(struct kw_bytes text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == '$' && text.ptr[i + 1] == '{')
            return (ssize_t)i;
    }
    return -1;
}

/* Where the brace that opens before `text` closes; -1: nowhere. A default in quotes may contain braces. */
static ssize_t find_close(struct kw_bytes text)
{
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            quoted = !quoted;
        else if (text.ptr[i] == '}' && !quoted)
            return (ssize_t)i;
    }
    return -1;
}

static struct kw_bytes trim(struct kw_bytes text)
{
    while (text.len > 0 && text.ptr[0] == ' ')
        text = tail(text, 1);
    while (text.len > 0 && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

static bool is_quoting(struct kw_bytes inner)
{
    return inner.len == 1 && (inner.ptr[0] == '*' || inner.ptr[0] == '?' || inner.ptr[0] == '$');
}

/* KEY or KEY, 'DEFAULT'. What is neither is a variable that never has a value. */
static struct kw_policy_piece read_variable(struct kw_bytes inner)
{
    struct kw_policy_piece piece = {.kind = KW_PIECE_VARIABLE, .key = KW_CK_ABSENT};
    ssize_t comma = kw_bytes_find(inner, ',');
    struct kw_bytes key = trim(comma < 0 ? inner : KW_BYTES(inner.ptr, (size_t)comma));
    struct kw_bytes other = {0};

    if (is_quoting(inner))
        return (struct kw_policy_piece){.kind = KW_PIECE_QUOTED, .text = inner};
    if (comma >= 0) {
        other = trim(tail(inner, (size_t)comma + 1));
        if (other.len < 2 || other.ptr[0] != '\'' || other.ptr[other.len - 1] != '\'')
            return piece;
        other = KW_BYTES(other.ptr + 1, other.len - 2);
    }
    if (kw_condkey_find(key, &piece.key, &piece.name) == 0)
        piece.text = other;
    return piece;
}

static struct kw_policy_piece next_piece(struct kw_bytes *rest)
{
    ssize_t at = find_variable(*rest), close;
    struct kw_bytes text = *rest;

    if (at != 0) {
        text.len = at < 0 ? text.len : (size_t)at;
        *rest = tail(*rest, text.len);
        return (struct kw_policy_piece){.kind = KW_PIECE_TEXT, .text = text};
    }
    close = find_close(tail(text, 2));
    if (close < 0) {
        *rest = tail(text, text.len);
        return (struct kw_policy_piece){.kind = KW_PIECE_VARIABLE, .key = KW_CK_ABSENT};
    }
    *rest = tail(text, (size_t)close + 3);
    return read_variable(KW_BYTES(text.ptr + 2, (size_t)close));
}

/* ---- patterns ---- */

static void compile_pieces(struct pack *pack, struct kw_policy_pattern *pattern)
{
    struct kw_policy_piece *pieces;
    struct kw_bytes rest = pattern->text;

    for (; rest.len > 0; pattern->num_pieces++)
        (void)next_piece(&rest);
    if (pattern->num_pieces > KW_POLICY_PIECES_MAX)
        return;
    pieces = take(pack, pattern->num_pieces, sizeof(*pieces));
    rest = pattern->text;
    for (uint32_t i = 0; pieces != NULL && i < pattern->num_pieces; i++)
        pieces[i] = next_piece(&rest);
    pattern->pieces = pieces;
}

static size_t before_wildcards(struct kw_bytes text)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] != '*' && text.ptr[len] != '?')
        len++;
    return len;
}

/* text: kept already. */
static struct kw_policy_pattern compile_pattern(
    struct pack *pack, struct kw_bytes text, bool wild, bool variables)
{
    struct kw_policy_pattern pattern = {.text = text};

    pattern.prefix = (uint32_t)before_wildcards(text);
    pattern.wild = wild && pattern.prefix < text.len;
    pattern.open_ended = pattern.prefix + 1 == text.len && text.ptr[pattern.prefix] == '*';
    if (variables && pack->variables && find_variable(text) >= 0)
        compile_pieces(pack, &pattern);
    return pattern;
}

/* Where the part of an ARN ends that begins here: at the next colon that is not a variable's. */
static size_t part_end(const struct pack *pack, struct kw_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ':')
            return i;
        if (pack->variables && find_variable(KW_BYTES(text.ptr + i, KW_MIN(text.len - i, 2))) == 0) {
            ssize_t close = find_close(tail(text, i + 2));

            if (close < 0)
                return text.len;
            i += (size_t)close + 2;
        }
    }
    return text.len;
}

/* Cuts a pattern into its parts; returns how many there are. */
static uint32_t cut_arn(
    const struct pack *pack, struct kw_bytes text, struct kw_bytes parts[KW_POLICY_ARN_PARTS])
{
    uint32_t num = 0;

    while (num + 1 < KW_POLICY_ARN_PARTS) {
        size_t end = part_end(pack, text);

        if (end == text.len)
            break;
        parts[num++] = KW_BYTES(text.ptr, end);
        text = tail(text, end + 1);
    }
    parts[num++] = text;
    return num;
}

static struct kw_policy_arn compile_arn(struct pack *pack, struct kw_bytes text)
{
    struct kw_policy_arn arn = {0};
    struct kw_policy_pattern *parts;
    struct kw_bytes own, cut[KW_POLICY_ARN_PARTS];

    if (kw_bytes_equal(text, KW_LIT("*")))
        return arn;
    own = keep(pack, text);
    arn.whole = pack->variables && find_variable(own) == 0;
    arn.num_parts = 1;
    cut[0] = own;
    if (!arn.whole)
        arn.num_parts = cut_arn(pack, own, cut);
    parts = take(pack, arn.num_parts, sizeof(*parts));
    for (uint32_t i = 0; i < arn.num_parts; i++) {
        struct kw_policy_pattern part = compile_pattern(pack, cut[i], true, true);

        if (parts != NULL)
            parts[i] = part;
    }
    arn.parts = parts;
    return arn;
}

/* ---- conditions ---- */

/* A number or boolean of JSON as the text that it stands for. */
static struct kw_bytes text_of(const json_t *value, char room[40])
{
    if (json_is_string(value))
        return kw_policydoc_text(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? KW_LIT("true") : KW_LIT("false");
    if (json_is_integer(value))
        snprintf(room, 40, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        snprintf(room, 40, "%.15g", json_real_value(value));
    return kw_bytes_str(room);
}

/* What the base64 of a policy stands for is compared byte for byte. It takes no more room than its text, and
 * is decoded in the text's place. Returns false if it is none. */
static bool compile_binary(struct pack *pack, struct kw_bytes text, struct kw_policy_pattern *ret)
{
    bool counts = pack->at == NULL;
    struct kw_bytes own = keep(pack, text);
    size_t len = 0;

    if (!counts && kw_base64_decode(text, (uint8_t *)(uintptr_t)own.ptr, own.len, &len) != 0)
        return false;
    *ret = (struct kw_policy_pattern){.text = KW_BYTES(own.ptr, len)};
    return true;
}

static struct kw_policy_value compile_value(struct pack *pack, enum kw_policy_class class, const json_t *json)
{
    struct kw_policy_value value = {0};
    char room[40];
    struct kw_bytes text = text_of(json, room);

    switch (class) {
    case KW_CLASS_STRING:
    case KW_CLASS_NOCASE:
        value.pattern = compile_pattern(pack, keep(pack, text), false, true);
        break;
    case KW_CLASS_LIKE:
        value.pattern = compile_pattern(pack, keep(pack, text), true, true);
        break;
    case KW_CLASS_BINARY:
        value.bad = !compile_binary(pack, text, &value.pattern);
        break;
    case KW_CLASS_NUMBER:
        value.bad = !kw_policy_number(text, &value.number);
        break;
    case KW_CLASS_DATE:
        value.bad = !kw_policy_date(text, &value.number);
        break;
    case KW_CLASS_BOOL:
    case KW_CLASS_NULL:
        value.bad = !kw_policy_bool(text, &value.flag);
        break;
    case KW_CLASS_IP:
        value.bad = !kw_policy_ip(text, true, &value.ip);
        break;
    case KW_CLASS_ARN:
        value.arn = compile_arn(pack, text);
        break;
    }
    return value;
}

static struct kw_policy_test compile_test(
    struct pack *pack, const struct kw_policy_operator *operator, const char * key, const json_t *values)
{
    struct kw_policy_test test = {.operator= * operator};
    struct kw_policy_value *to;
    struct kw_bytes name = {0};

    test.known = kw_condkey_find(kw_bytes_str(key), &test.key, &name) == 0;
    test.name = keep(pack, name);
    test.num_values = (uint32_t)kw_policydoc_num(values);
    to = take(pack, test.num_values, sizeof(*to));
    for (uint32_t i = 0; i < test.num_values; i++) {
        struct kw_policy_value value = compile_value(pack, test.operator.class, kw_policydoc_item(values, i));

        if (to != NULL)
            to[i] = value;
    }
    test.values = to;
    return test;
}

static uint32_t count_tests(const json_t *condition)
{
    const char *name;
    json_t *keys;
    size_t num = 0;

    json_object_foreach((json_t *)(uintptr_t)condition, name, keys) num += json_object_size(keys);
    return (uint32_t)num;
}

static void compile_tests(struct pack *pack, const json_t *condition, struct kw_policy_statement *ret)
{
    struct kw_policy_test *to;
    const char *name, *key;
    json_t *keys, *values;
    size_t i = 0;

    ret->num_tests = count_tests(condition);
    to = take(pack, ret->num_tests, sizeof(*to));
    json_object_foreach((json_t *)(uintptr_t)condition, name, keys)
    {
        struct kw_policy_operator operator;
        bool known = kw_policy_operator_parse(kw_bytes_str(name), &operator);

        kw_assert(known); /* the grammar has seen to it */
        json_object_foreach(keys, key, values)
        {
            struct kw_policy_test test = compile_test(pack, &operator, key, values);

            if (to != NULL)
                to[i++] = test;
        }
    }
    ret->tests = to;
}

/* ---- principals, actions, resources ---- */

static bool is_account(struct kw_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return text.len == KW_ACCOUNT_LEN;
}

static struct kw_policy_principal compile_principal(struct pack *pack, struct kw_bytes text)
{
    struct kw_bytes name = kw_policy_after_partition(text);
    const size_t prefix = sizeof(":iam::") - 1;

    if (kw_bytes_equal(text, KW_LIT("*")))
        return (struct kw_policy_principal){.kind = KW_NAMES_ANYONE};
    if (is_account(text))
        return (struct kw_policy_principal){KW_NAMES_ACCOUNT, keep(pack, text)};
    if (name.len == prefix + KW_ACCOUNT_LEN + 5 && kw_bytes_starts(name, KW_LIT(":iam::")) &&
        kw_bytes_equal(tail(name, prefix + KW_ACCOUNT_LEN), KW_LIT(":root")))
        return (struct kw_policy_principal){
            KW_NAMES_ACCOUNT, keep(pack, KW_BYTES(name.ptr + prefix, KW_ACCOUNT_LEN))};
    return (struct kw_policy_principal){KW_NAMES_ARN, keep(pack, name)};
}

/* Only those of type AWS can call; "*" is they all. */
static void compile_principals(struct pack *pack, const json_t *principals, struct kw_policy_statement *ret)
{
    const json_t *list = json_is_object(principals) ? json_object_get(principals, "AWS") : principals;
    struct kw_policy_principal *to;

    if (list == NULL)
        return;
    ret->num_principals = (uint32_t)kw_policydoc_num(list);
    to = take(pack, ret->num_principals, sizeof(*to));
    for (uint32_t i = 0; i < ret->num_principals; i++) {
        struct kw_policy_principal principal =
            compile_principal(pack, kw_policydoc_text(kw_policydoc_item(list, i)));

        if (to != NULL)
            to[i] = principal;
    }
    ret->principals = to;
}

static void compile_actions(struct pack *pack, const json_t *list, struct kw_policy_statement *ret)
{
    struct kw_policy_pattern *to;

    ret->num_actions = (uint32_t)kw_policydoc_num(list);
    to = take(pack, ret->num_actions, sizeof(*to));
    for (uint32_t i = 0; i < ret->num_actions; i++) {
        struct kw_bytes text = keep(pack, kw_policydoc_text(kw_policydoc_item(list, i)));

        if (to != NULL)
            to[i] = compile_pattern(pack, text, true, false);
    }
    ret->actions = to;
}

static void compile_resources(struct pack *pack, const json_t *list, struct kw_policy_statement *ret)
{
    struct kw_policy_arn *to;

    ret->num_resources = (uint32_t)kw_policydoc_num(list);
    to = take(pack, ret->num_resources, sizeof(*to));
    for (uint32_t i = 0; i < ret->num_resources; i++) {
        struct kw_policy_arn arn = compile_arn(pack, kw_policydoc_text(kw_policydoc_item(list, i)));

        if (to != NULL)
            to[i] = arn;
    }
    ret->resources = to;
}

/* ---- statements ---- */

/* An element or its opposite, whichever a statement has; NULL: neither. */
static const json_t *either(
    const json_t *statement, const char *name, const char *opposite, bool *ret_has, bool *ret_not)
{
    const json_t *value = json_object_get(statement, name), *not = json_object_get(statement, opposite);

    *ret_has = value != NULL || not != NULL;
    *ret_not = not != NULL;
    return value != NULL ? value : not ;
}

static struct kw_policy_statement compile_statement(
    struct pack *pack, enum kw_policy_kind kind, const json_t *json)
{
    struct kw_policy_statement to = {0};
    const json_t *part;

    to.sid = keep(pack, kw_policydoc_text(json_object_get(json, "Sid")));
    to.allows = kw_bytes_equal(kw_policydoc_text(json_object_get(json, "Effect")), KW_LIT("Allow"));
    part = either(json, "Principal", "NotPrincipal", &to.has_principals, &to.not_principals);
    if (part != NULL)
        compile_principals(pack, part, &to);
    part = either(json, "Action", "NotAction", &to.has_actions, &to.not_actions);
    if (part != NULL)
        compile_actions(pack, part, &to);
    part = either(json, "Resource", "NotResource", &to.has_resources, &to.not_resources);
    if (part != NULL)
        compile_resources(pack, part, &to);
    if (kind ==
        KW_POLICY_TRUST) /* its resource is the role that has it: none is listed, and it is another's */
        to.has_resources = to.not_resources = true;
    compile_tests(pack, json_object_get(json, "Condition"), &to);
    return to;
}

static bool is_2012(const json_t *root)
{
    return kw_bytes_equal(kw_policydoc_text(json_object_get(root, "Version")), KW_LIT("2012-10-17"));
}

/* policy NULL: only counts. */
static void compile(struct pack *pack, struct kw_policy *policy, enum kw_policy_kind kind, const json_t *root)
{
    const json_t *statements = json_object_get(root, "Statement");
    uint32_t num = (uint32_t)kw_policydoc_num(statements);
    struct kw_policy_statement *to = take(pack, num, sizeof(*to));

    pack->variables = is_2012(root);
    for (uint32_t i = 0; i < num; i++) {
        struct kw_policy_statement statement =
            compile_statement(pack, kind, kw_policydoc_item(statements, i));

        if (to != NULL)
            to[i] = statement;
    }
    if (policy == NULL)
        return;
    policy->num_statements = num;
    policy->statements = to;
}

int kw_policy_compile(
    struct kw_policy **ret, enum kw_policy_kind kind, const json_t *root, struct kw_bytes text)
{
    struct pack pack = {0};
    struct kw_policy *policy;
    uint8_t *end;

    static_assert(sizeof(*policy) % 8 == 0, "what lies behind it is aligned");
    compile(&pack, NULL, kind, root);
    (void)keep(&pack, text);
    policy = calloc(1, sizeof(*policy) + pack.size);
    KW_REQUIRE(policy != NULL, -ENOMEM);
    end = (uint8_t *)(policy + 1) + pack.size;
    pack = (struct pack){.at = (uint8_t *)(policy + 1)};
    atomic_init(&policy->refs, 1);
    policy->kind = kind;
    compile(&pack, policy, kind, root);
    policy->text = keep(&pack, text);
    kw_assert(pack.at == end);
    *ret = policy;
    return 0;
}
