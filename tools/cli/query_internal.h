/* query_internal - the tree of an expression, and a run of it. */
#ifndef KW_TOOLS_CLI_QUERY_INTERNAL_H
#define KW_TOOLS_CLI_QUERY_INTERNAL_H

#include "tools/cli/query.h"

enum kw_node_kind {
    KW_NODE_CURRENT, /* the value itself */
    KW_NODE_FIELD,   /* text */
    KW_NODE_LITERAL, /* literal */
    KW_NODE_INDEX,   /* number[0] */
    KW_NODE_SLICE,   /* number, where has_number */
    KW_NODE_CHAIN,   /* a, then b on its result */
    KW_NODE_FLATTEN, /* a */
    KW_NODE_LIST,    /* b on each item of the list a */
    KW_NODE_VALUES,  /* b on each value of the object a */
    KW_NODE_FILTER,  /* b on each item of the list a for which c holds */
    KW_NODE_OR,      /* a, or b */
    KW_NODE_AND,
    KW_NODE_NOT,        /* a */
    KW_NODE_COMPARE,    /* a, comparison, b */
    KW_NODE_MULTI_LIST, /* its parts */
    KW_NODE_MULTI_HASH, /* its parts, by their names */
    KW_NODE_FUNCTION,   /* text, of its parts */
    KW_NODE_EXPRESSION, /* &a, the argument of a function */
};

enum kw_comparison { KW_EQ, KW_NE, KW_LT, KW_LE, KW_GT, KW_GE };

/* Nodes refer to each other by their places; 0 is none. */
struct kw_node {
    enum kw_node_kind kind;
    uint32_t a, b, c;
    char *text;
    json_t *literal;
    int64_t number[3];
    bool has_number[3];
    enum kw_comparison comparison;
    uint32_t parts; /* the first of them: each has a place in next */
    uint32_t next;
    char *name; /* of a part of a multi-select hash */
};

struct kw_query {
    struct kw_node *nodes; /* the first one is not used */
    uint32_t num, cap;
    uint32_t root;
};

struct kw_query_run {
    const struct kw_query *query;
    uint32_t steps;
    unsigned depth;
    struct kw_sbuf *why;
};

/* Every function that makes a value returns: 0 (ret is the caller's) | KW_QUERY_BAD | -ENOMEM */
KW_MUST_CHECK int kw_query_eval(struct kw_query_run *run, uint32_t node, json_t *value, json_t **ret);
KW_MUST_CHECK int kw_query_function(
    struct kw_query_run *run, const struct kw_node *node, json_t *value, json_t **ret);
KW_MUST_CHECK int kw_query_bad(struct kw_query_run *run, const char *format, ...) KW_PRINTF(2, 3);

/* Of JMESPath: "", [], {}, false and null are false. */
KW_MUST_CHECK bool kw_query_true(const json_t *value);
/* 1 and 1.0 are equal, 1 and true are not. */
KW_MUST_CHECK bool kw_query_equal(const json_t *a, const json_t *b);

#endif
