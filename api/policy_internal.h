/* policy_internal - what a policy is compiled to, and how its parts are matched. Nobody but policy*.c
 * includes it.
 */
#ifndef KW_API_POLICY_INTERNAL_H
#define KW_API_POLICY_INTERNAL_H

#include "api/json.h"
#include "api/policy.h"

#include <stdatomic.h>

/* ---- truth ---- */

/* What cannot be decided is neither true nor false: a number that is none, a pattern that costs too much. It
 * counts against the caller in the end: such a statement does not allow, and does deny. Negation keeps it
 * (Kleene's logic: the lesser of two is their conjunction, the greater their disjunction). */
enum kw_policy_truth { KW_POLICY_FALSE, KW_POLICY_OPEN, KW_POLICY_TRUE };

static inline enum kw_policy_truth kw_policy_not(enum kw_policy_truth truth)
{
    return (enum kw_policy_truth)(KW_POLICY_TRUE - truth);
}
static inline enum kw_policy_truth kw_policy_is(bool holds)
{
    return holds ? KW_POLICY_TRUE : KW_POLICY_FALSE;
}

/* ---- patterns ---- */

enum kw_policy_piece_kind {
    KW_PIECE_TEXT,     /* wildcards in it count */
    KW_PIECE_QUOTED,   /* ${*} and its kin: they do not */
    KW_PIECE_VARIABLE, /* the value of a key of the request; wildcards in it do not count */
};

struct kw_policy_piece {
    enum kw_policy_piece_kind kind;
    enum kw_condkey key;  /* of a variable */
    struct kw_bytes text; /* of a variable: its default; ptr NULL: none */
    struct kw_bytes name; /* of a variable whose key is NAMED */
};

/* More of them in one text are not resolved: it is open whether that matches. */
#define KW_POLICY_PIECES_MAX 16u

struct kw_policy_pattern {
    struct kw_bytes text;
    const struct kw_policy_piece *pieces; /* NULL: it has no variables */
    uint32_t num_pieces;
    uint32_t prefix; /* bytes before the first wildcard; only of a pattern without variables */
    bool wild;       /* wildcards in it count */
    bool open_ended; /* its only wildcard is a '*' at its end */
};

/* An ARN, matched part by part: the sixth takes what is left, parts that are not there match everything. */
#define KW_POLICY_ARN_PARTS 6u
struct kw_policy_arn {
    uint32_t num_parts; /* 0: "*" */
    bool whole;         /* it begins with a variable: its one part is matched with the whole ARN */
    const struct kw_policy_pattern *parts;
};

/* A text cut at its first five colons. */
struct kw_policy_arn_text {
    struct kw_bytes whole;
    unsigned num;
    struct kw_bytes part[KW_POLICY_ARN_PARTS];
};

/* ---- conditions ---- */

enum kw_policy_class {
    KW_CLASS_STRING,
    KW_CLASS_NOCASE,
    KW_CLASS_LIKE,
    KW_CLASS_NUMBER,
    KW_CLASS_DATE,
    KW_CLASS_BOOL,
    KW_CLASS_BINARY,
    KW_CLASS_IP,
    KW_CLASS_ARN,
    KW_CLASS_NULL,
};
enum kw_policy_relation {
    KW_RELATION_EQUAL,
    KW_RELATION_LESS,
    KW_RELATION_LESS_EQUAL,
    KW_RELATION_GREATER,
    KW_RELATION_GREATER_EQUAL
};
enum kw_policy_set { KW_SET_NONE, KW_SET_ALL, KW_SET_ANY };

struct kw_policy_operator {
    enum kw_policy_class class;
    enum kw_policy_relation relation;
    enum kw_policy_set set;
    bool negated;
    bool if_exists;
};

/* kw_policy_operator_parse() - [ForAllValues: | ForAnyValue:] NAME [IfExists], without case. False: unknown.
 */
KW_MUST_CHECK bool kw_policy_operator_parse(struct kw_bytes text, struct kw_policy_operator *ret);

/* An address and how many of its bits count. An IPv6 address that maps an IPv4 one is that IPv4 one. */
struct kw_policy_ip {
    uint8_t bytes[16];
    uint8_t len;  /* 4 or 16 */
    uint8_t bits; /* 0 .. 8 * len */
};

/* The forms of values. Each returns false if text is none; then it is open whether it matches. */
/* A decimal number in millionths: at most 12 digits, and 6 behind the point. */
KW_MUST_CHECK bool kw_policy_number(struct kw_bytes text, int64_t *ret);
/* A date of ISO 8601 as W3C has it, or seconds since the epoch: in millionths of a second. */
KW_MUST_CHECK bool kw_policy_date(struct kw_bytes text, int64_t *ret);
KW_MUST_CHECK bool kw_policy_bool(struct kw_bytes text, bool *ret);
/* with_prefix: /BITS may follow. */
KW_MUST_CHECK bool kw_policy_ip(struct kw_bytes text, bool with_prefix, struct kw_policy_ip *ret);
KW_MUST_CHECK bool kw_policy_ip_in(const struct kw_policy_ip *address, const struct kw_policy_ip *range);

struct kw_policy_value {
    bool bad; /* in none of the forms that the operator knows */
    union {
        struct kw_policy_pattern pattern;
        struct kw_policy_arn arn;
        int64_t number;
        struct kw_policy_ip ip;
        bool flag;
    };
};

/* One operator with one key. */
struct kw_policy_test {
    struct kw_policy_operator operator;
    bool known; /* the key */
    enum kw_condkey key;
    struct kw_bytes name; /* of a NAMED key */
    uint32_t num_values;
    const struct kw_policy_value *values;
};

/* ---- statements ---- */

enum kw_policy_principal_kind {
    KW_NAMES_ANYONE,
    KW_NAMES_ACCOUNT, /* text: 12 digits */
    KW_NAMES_OWNER,   /* the account that owns the resource: of the default policy */
    KW_NAMES_ARN,     /* text: an ARN behind its partition */
};
struct kw_policy_principal {
    enum kw_policy_principal_kind kind;
    struct kw_bytes text;
};

struct kw_policy_statement {
    struct kw_bytes sid;
    bool allows;
    bool has_principals, not_principals; /* Principal or NotPrincipal, and which */
    bool has_actions, not_actions;
    bool has_resources, not_resources;
    uint32_t num_principals, num_actions, num_resources, num_tests;
    const struct kw_policy_principal *principals; /* without those that cannot call: services and the like */
    const struct kw_policy_pattern *actions;
    const struct kw_policy_arn *resources;
    const struct kw_policy_test *tests;
};

struct kw_policy {
    _Atomic uint32_t refs;
    enum kw_policy_kind kind;
    struct kw_bytes text;
    uint32_t num_statements;
    const struct kw_policy_statement *statements;
};

/* ---- one evaluation ---- */

/* Steps of one evaluation: bytes of patterns and texts that are compared while wildcards are matched, and
 * values that are looked at. So its time is bounded whatever policy and request are (some milliseconds); what
 * would take more is open. Real policies take some thousands. */
#define KW_POLICY_STEPS_MAX (1u << 22)

struct kw_policy_eval {
    struct kw_policy_request *request;
    bool lenient; /* what the request does not say is open, and what is open counts for the caller */
    uint32_t steps;
    struct kw_bytes self, role; /* the caller's ARNs behind their partition */
    struct kw_policy_arn_text resource;
    /* aws:SourceIp, once it has been read */
    bool has_source, source_bad;
    struct kw_policy_ip source;
};

/* Value `index` of a key; false: there are no more. ret is good until the next call. */
KW_MUST_CHECK bool kw_policy_key_value(struct kw_policy_eval *eval, enum kw_condkey key, struct kw_bytes name,
    size_t index, struct kw_bytes *ret);
/* Copies a value that is in the request's scratch. */
struct kw_bytes kw_policy_hold(struct kw_policy_eval *eval, struct kw_bytes value, char own[64]);

enum kw_policy_truth kw_policy_match(
    struct kw_policy_eval *eval, const struct kw_policy_pattern *pattern, struct kw_bytes text, bool nocase);
struct kw_policy_arn_text kw_policy_arn_cut(struct kw_bytes text);
enum kw_policy_truth kw_policy_match_arn(
    struct kw_policy_eval *eval, const struct kw_policy_arn *arn, const struct kw_policy_arn_text *text);
enum kw_policy_truth kw_policy_test(
    struct kw_policy_eval *eval, const struct kw_policy_test *test, bool allows);

/* What follows "arn:PARTITION"; all of what is no ARN. A principal has one name in all partitions, and the
 * grammar has seen to it that those of a key's policy are of the key's. */
struct kw_bytes kw_policy_after_partition(struct kw_bytes text);

/* kw_policy_compile() - a policy that passed the grammar of its kind. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_policy_compile(
    struct kw_policy **ret, enum kw_policy_kind kind, const json_t *root, struct kw_bytes text);

#endif
