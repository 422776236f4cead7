/* The expression as text to the expression as a tree: top-down operator precedence, as the specification's
 * grammar has it. */
#include "tools/cli/query_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum token {
    END,
    UNQUOTED,
    QUOTED,
    LITERAL,
    NUMBER,
    RBRACKET,
    RPAREN,
    COMMA,
    RBRACE,
    CURRENT,
    EXPREF,
    COLON,
    PIPE,
    OR,
    AND,
    EQ,
    NE,
    LT,
    LE,
    GT,
    GE,
    FLATTEN,
    STAR,
    FILTER,
    DOT,
    NOT,
    LBRACE,
    LBRACKET,
    LPAREN,
};

/* How strongly a token binds what is left of it; what binds less than a projection ends one. */
static const unsigned binds[] = {
    [PIPE] = 1,
    [OR] = 2,
    [AND] = 3,
    [EQ] = 5,
    [NE] = 5,
    [LT] = 5,
    [LE] = 5,
    [GT] = 5,
    [GE] = 5,
    [FLATTEN] = 9,
    [STAR] = 20,
    [FILTER] = 21,
    [DOT] = 40,
    [NOT] = 45,
    [LBRACE] = 50,
    [LBRACKET] = 55,
    [LPAREN] = 60,
};
#define PROJECTION_STOP 10u

struct lexer {
    struct kw_bytes text;
    size_t at;
    enum token token;
    size_t from;     /* of the token */
    char *name;      /* UNQUOTED, QUOTED: owned until taken */
    json_t *literal; /* LITERAL: owned until taken */
    int64_t number;
};

struct parser {
    struct lexer lexer;
    struct kw_query *query;
    unsigned depth;
    int result;
    struct kw_sbuf *why;
};

static bool fail(struct parser *p, size_t at, const char *problem)
{
    if (p->result == 0) {
        p->result = KW_QUERY_BAD;
        kw_sbuf_printf(p->why, "%s at character %zu", problem, at + 1);
    }
    return false;
}

static bool no_memory(struct parser *p)
{
    p->result = p->result == 0 ? -ENOMEM : p->result;
    return false;
}

/* ---- tokens ---- */

static int peek(const struct lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->text.len ? lexer->text.ptr[lexer->at + ahead] : 0;
}

static void drop(struct lexer *lexer)
{
    free(lexer->name);
    json_decref(lexer->literal);
    lexer->name = NULL;
    lexer->literal = NULL;
}

/* Up to the closing quote, which is not escaped. Returns: false (there is none) */
static bool delimited(struct lexer *lexer, struct kw_bytes *ret)
{
    uint8_t quote = lexer->text.ptr[lexer->at];
    size_t from = ++lexer->at;

    while (lexer->at < lexer->text.len && lexer->text.ptr[lexer->at] != quote)
        lexer->at += lexer->text.ptr[lexer->at] == '\\' && lexer->at + 1 < lexer->text.len ? 2 : 1;
    if (lexer->at >= lexer->text.len)
        return false;
    *ret = KW_BYTES(lexer->text.ptr + from, lexer->at - from);
    lexer->at++;
    return true;
}

/* A backslash before one of the characters goes away. */
static char *unescaped(struct kw_bytes text, const char *escapable, size_t *ret_len)
{
    char *ret = malloc(text.len + 1);
    size_t len = 0;

    for (size_t i = 0; ret != NULL && i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len && strchr(escapable, text.ptr[i + 1]) != NULL)
            i++;
        ret[len++] = (char)text.ptr[i];
    }
    if (ret != NULL)
        ret[len] = '\0';
    *ret_len = len;
    return ret;
}

/* 'as it is' */
static bool raw_string(struct parser *p)
{
    struct lexer *lexer = &p->lexer;
    struct kw_bytes text;
    size_t len = 0;
    char *plain;

    if (!delimited(lexer, &text))
        return fail(p, lexer->from, "a string without its closing quote");
    plain = unescaped(text, "'", &len);
    lexer->literal = plain != NULL ? json_stringn(plain, len) : NULL;
    free(plain);
    lexer->token = LITERAL;
    return lexer->literal != NULL || fail(p, lexer->from, "a string that is not UTF-8");
}

static json_t *parse_literal(const char *text, size_t len)
{
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    char *string = NULL;
    int string_len;

    if (value != NULL)
        return value;
    /* A string without its quotes, as it once was written. */
    string_len = asprintf(&string, "\"%.*s\"", (int)len, text);
    if (string_len < 0)
        return NULL;
    value = json_loadb(string, (size_t)string_len, JSON_DECODE_ANY, NULL);
    free(string);
    return value;
}

/* `JSON` */
static bool literal(struct parser *p)
{
    struct lexer *lexer = &p->lexer;
    struct kw_bytes text;
    size_t len = 0, from = 0;
    char *plain;

    if (!delimited(lexer, &text))
        return fail(p, lexer->from, "a literal without its closing backquote");
    plain = unescaped(text, "`", &len);
    if (plain == NULL)
        return no_memory(p);
    while (isspace((unsigned char)plain[from]))
        from++;
    lexer->literal = parse_literal(plain + from, len - from);
    free(plain);
    lexer->token = LITERAL;
    return lexer->literal != NULL || fail(p, lexer->from, "a literal that is not JSON");
}

/* "a name" */
static bool quoted(struct parser *p)
{
    struct lexer *lexer = &p->lexer;
    size_t from = lexer->at;
    struct kw_bytes text;
    json_t *value;

    if (!delimited(lexer, &text))
        return fail(p, lexer->from, "a name without its closing quote");
    value = json_loadb((const char *)lexer->text.ptr + from, lexer->at - from, JSON_DECODE_ANY, NULL);
    if (json_string_value(value) != NULL)
        lexer->name = strdup(json_string_value(value));
    json_decref(value);
    lexer->token = QUOTED;
    return lexer->name != NULL || fail(p, from, "a quoted name that is not a JSON string");
}

static bool unquoted(struct parser *p)
{
    struct lexer *lexer = &p->lexer;

    while (isalnum(peek(lexer, 0)) || peek(lexer, 0) == '_')
        lexer->at++;
    lexer->name = strndup((const char *)lexer->text.ptr + lexer->from, lexer->at - lexer->from);
    lexer->token = UNQUOTED;
    return lexer->name != NULL || no_memory(p);
}

static bool number(struct parser *p)
{
    struct lexer *lexer = &p->lexer;
    bool negative = peek(lexer, 0) == '-';
    int64_t value = 0;

    lexer->at += negative;
    if (!isdigit(peek(lexer, 0)))
        return fail(p, lexer->from, "a minus sign without a number");
    for (; isdigit(peek(lexer, 0)); lexer->at++)
        value = KW_MIN(value * 10 + peek(lexer, 0) - '0', (int64_t)INT32_MAX);
    lexer->number = negative ? -value : value;
    lexer->token = NUMBER;
    return true;
}

static const struct {
    const char *text;
    enum token token;
} marks[] = {
    /* Longer ones first. */
    {"[]", FLATTEN},
    {"[?", FILTER},
    {"||", OR},
    {"&&", AND},
    {"==", EQ},
    {"!=", NE},
    {"<=", LE},
    {">=", GE},
    {"[", LBRACKET},
    {"|", PIPE},
    {"&", EXPREF},
    {"!", NOT},
    {"<", LT},
    {">", GT},
    {".", DOT},
    {"*", STAR},
    {"]", RBRACKET},
    {",", COMMA},
    {":", COLON},
    {"@", CURRENT},
    {"(", LPAREN},
    {")", RPAREN},
    {"{", LBRACE},
    {"}", RBRACE},
};

static bool mark(struct parser *p)
{
    struct lexer *lexer = &p->lexer;
    struct kw_bytes rest = KW_BYTES(lexer->text.ptr + lexer->at, lexer->text.len - lexer->at);

    for (size_t i = 0; i < KW_ARRAY_LEN(marks); i++) {
        struct kw_bytes text = kw_bytes_str(marks[i].text);

        if (kw_bytes_starts(rest, text)) {
            lexer->at += text.len;
            lexer->token = marks[i].token;
            return true;
        }
    }
    return fail(p, lexer->at, "an unexpected character");
}

static bool advance(struct parser *p)
{
    struct lexer *lexer = &p->lexer;
    int c;

    drop(lexer);
    while (lexer->at < lexer->text.len && strchr(" \t\r\n", peek(lexer, 0)) != NULL && peek(lexer, 0) != 0)
        lexer->at++;
    lexer->from = lexer->at;
    c = peek(lexer, 0);
    if (lexer->at >= lexer->text.len) {
        lexer->token = END;
        return true;
    }
    if (isalpha(c) || c == '_')
        return unquoted(p);
    if (isdigit(c) || c == '-')
        return number(p);
    switch (c) {
    case '"':
        return quoted(p);
    case '\'':
        return raw_string(p);
    case '`':
        return literal(p);
    default:
        return mark(p);
    }
}

static bool expect(struct parser *p, enum token token, const char *problem)
{
    return p->lexer.token == token ? advance(p) : fail(p, p->lexer.from, problem);
}

/* ---- nodes; 0 after a failure ---- */

static uint32_t make(struct parser *p, struct kw_node node)
{
    struct kw_query *query = p->query;

    if (query->num == query->cap) {
        uint32_t cap = query->cap * 2 + 16;
        struct kw_node *nodes = reallocarray(query->nodes, cap, sizeof(*nodes));

        if (nodes == NULL) {
            (void)no_memory(p);
            free(node.text);
            json_decref(node.literal);
            return 0;
        }
        query->nodes = nodes;
        query->cap = cap;
    }
    query->nodes[query->num] = node;
    return query->num++;
}

static uint32_t current(struct parser *p)
{
    return make(p, (struct kw_node){.kind = KW_NODE_CURRENT});
}

static uint32_t pair(struct parser *p, enum kw_node_kind kind, uint32_t a, uint32_t b)
{
    return a != 0 && b != 0 ? make(p, (struct kw_node){.kind = kind, .a = a, .b = b}) : 0;
}

static uint32_t expression(struct parser *p, unsigned right);
static uint32_t multi_list(struct parser *p);
static uint32_t multi_hash(struct parser *p);

/* Behind a dot. */
static uint32_t dot_right(struct parser *p, unsigned right)
{
    switch (p->lexer.token) {
    case QUOTED:
    case UNQUOTED:
    case STAR:
        return expression(p, right);
    case LBRACKET:
        return advance(p) ? multi_list(p) : 0;
    case LBRACE:
        return advance(p) ? multi_hash(p) : 0;
    default:
        return fail(p, p->lexer.from, "a dot without a name behind it");
    }
}

/* What is done with each item of a projection. */
static uint32_t projected(struct parser *p, unsigned right)
{
    if (binds[p->lexer.token] < PROJECTION_STOP)
        return current(p);
    if (p->lexer.token == LBRACKET || p->lexer.token == FILTER)
        return expression(p, right);
    if (p->lexer.token == DOT)
        return advance(p) ? dot_right(p, right) : 0;
    return fail(p, p->lexer.from, "something unexpected");
}

static uint32_t list_projection(struct parser *p, uint32_t left, unsigned right)
{
    uint32_t each = left != 0 ? projected(p, right) : 0;

    return pair(p, KW_NODE_LIST, left, each);
}

static uint32_t filter(struct parser *p, uint32_t left)
{
    uint32_t condition = expression(p, 0), each, node;

    if (condition == 0 || !expect(p, RBRACKET, "a filter without its closing bracket"))
        return 0;
    each = p->lexer.token == FLATTEN ? current(p) : projected(p, binds[FILTER]);
    node = pair(p, KW_NODE_FILTER, left, each);
    if (node != 0)
        p->query->nodes[node].c = condition;
    return node;
}

static uint32_t flatten(struct parser *p, uint32_t left)
{
    uint32_t flat = left != 0 ? make(p, (struct kw_node){.kind = KW_NODE_FLATTEN, .a = left}) : 0;

    return list_projection(p, flat, binds[FLATTEN]);
}

/* [1], [1:2], [::-1]; the bracket is behind us. */
static uint32_t index_or_slice(struct parser *p, uint32_t left)
{
    struct kw_node node = {.kind = KW_NODE_INDEX};
    unsigned part = 0;
    uint32_t chain;

    while (p->lexer.token != RBRACKET) {
        if (p->lexer.token == COLON && part < 2) {
            node.kind = KW_NODE_SLICE;
            part++;
        } else if (p->lexer.token == NUMBER && !node.has_number[part]) {
            node.number[part] = p->lexer.number;
            node.has_number[part] = true;
        } else {
            return fail(p, p->lexer.from, "an index that is none");
        }
        if (!advance(p))
            return 0;
    }
    if (!advance(p))
        return 0;
    chain = pair(p, KW_NODE_CHAIN, left, make(p, node));
    return node.kind == KW_NODE_SLICE ? list_projection(p, chain, binds[STAR]) : chain;
}

static bool add_part(struct parser *p, struct kw_node *of, uint32_t *last, uint32_t part)
{
    if (part == 0)
        return false;
    /* A node of its own, since a part may be a node that stands elsewhere as well. */
    part = make(p, (struct kw_node){.kind = KW_NODE_CHAIN, .a = part});
    if (part == 0)
        return false;
    if (*last == 0)
        of->parts = part;
    else
        p->query->nodes[*last].next = part;
    *last = part;
    return true;
}

/* The bracket is behind us. */
static uint32_t multi_list(struct parser *p)
{
    struct kw_node node = {.kind = KW_NODE_MULTI_LIST};
    uint32_t last = 0;

    for (;;) {
        if (!add_part(p, &node, &last, expression(p, 0)))
            return 0;
        if (p->lexer.token == RBRACKET)
            return advance(p) ? make(p, node) : 0;
        if (!expect(p, COMMA, "a list without a comma or its closing bracket"))
            return 0;
    }
}

static uint32_t multi_hash(struct parser *p)
{
    struct kw_node node = {.kind = KW_NODE_MULTI_HASH};
    uint32_t last = 0;

    for (;;) {
        char *name = p->lexer.name;

        p->lexer.name = NULL;
        if (name == NULL)
            return fail(p, p->lexer.from, "a hash without a name");
        if (!advance(p) || !expect(p, COLON, "a name without a colon") ||
            !add_part(p, &node, &last, expression(p, 0))) {
            free(name);
            return 0;
        }
        p->query->nodes[last].name = name;
        if (p->lexer.token == RBRACE)
            return advance(p) ? make(p, node) : 0;
        if (!expect(p, COMMA, "a hash without a comma or its closing brace"))
            return 0;
    }
}

static uint32_t function(struct parser *p, uint32_t left)
{
    struct kw_node node = {.kind = KW_NODE_FUNCTION};
    uint32_t last = 0;

    if (p->query->nodes[left].kind != KW_NODE_FIELD)
        return fail(p, p->lexer.from, "a function without a name");
    while (p->lexer.token != RPAREN) {
        if (!add_part(p, &node, &last, expression(p, 0)))
            return 0;
        if (p->lexer.token == COMMA && !advance(p))
            return 0;
    }
    node.text = strdup(p->query->nodes[left].text);
    if (node.text == NULL)
        return no_memory(p);
    return make(p, node) != 0 && advance(p) ? p->query->num - 1 : 0;
}

/* ---- what a token begins ---- */

static uint32_t field(struct parser *p)
{
    bool is_quoted = p->lexer.token == QUOTED;
    struct kw_node node = {.kind = KW_NODE_FIELD, .text = p->lexer.name};
    uint32_t made;

    p->lexer.name = NULL;
    made = make(p, node);
    if (made == 0 || !advance(p))
        return 0;
    if (is_quoted && p->lexer.token == LPAREN)
        return fail(p, p->lexer.from, "a quoted name as a function's");
    return made;
}

static uint32_t literal_node(struct parser *p)
{
    struct kw_node node = {.kind = KW_NODE_LITERAL, .literal = p->lexer.literal};
    uint32_t made;

    p->lexer.literal = NULL;
    made = make(p, node);
    return made != 0 && advance(p) ? made : 0;
}

static uint32_t star(struct parser *p, uint32_t left, unsigned right)
{
    uint32_t each;

    if (p->lexer.token == RBRACKET)
        each = current(p);
    else
        each = projected(p, right);
    return pair(p, KW_NODE_VALUES, left, each);
}

/* Is the star before us followed by a closing bracket? */
static bool star_bracket(const struct parser *p)
{
    size_t at = p->lexer.at;

    while (at < p->lexer.text.len && isspace(p->lexer.text.ptr[at]))
        at++;
    return p->lexer.token == STAR && at < p->lexer.text.len && p->lexer.text.ptr[at] == ']';
}

static uint32_t open_bracket(struct parser *p)
{
    if (p->lexer.token == NUMBER || p->lexer.token == COLON)
        return index_or_slice(p, current(p));
    if (star_bracket(p))
        return advance(p) && advance(p) ? list_projection(p, current(p), binds[STAR]) : 0;
    return multi_list(p);
}

static uint32_t unary(struct parser *p, enum kw_node_kind kind, unsigned right)
{
    uint32_t of = expression(p, right);

    return of != 0 ? make(p, (struct kw_node){.kind = kind, .a = of}) : 0;
}

static uint32_t parenthesis(struct parser *p)
{
    uint32_t inner = expression(p, 0);

    return inner != 0 && expect(p, RPAREN, "an opening parenthesis without its closing one")
               ? /* Not the field that it may be: (name)() is no function. */
               pair(p, KW_NODE_CHAIN, current(p), inner)
               : 0;
}

static uint32_t begin(struct parser *p)
{
    enum token token = p->lexer.token;

    if (token == QUOTED || token == UNQUOTED)
        return field(p);
    if (token == LITERAL)
        return literal_node(p);
    if (token == END)
        return fail(p, p->lexer.from, "the expression ends too early,");
    if (!advance(p))
        return 0;
    switch (token) {
    case STAR:
        return star(p, current(p), binds[STAR]);
    case FILTER:
        return filter(p, current(p));
    case LBRACE:
        return multi_hash(p);
    case LPAREN:
        return parenthesis(p);
    case FLATTEN:
        return flatten(p, current(p));
    case NOT:
        return unary(p, KW_NODE_NOT, binds[NOT]);
    case LBRACKET:
        return open_bracket(p);
    case EXPREF:
        return unary(p, KW_NODE_EXPRESSION, binds[EXPREF]);
    case CURRENT:
        return current(p);
    default:
        return fail(p, p->lexer.from, "something unexpected before");
    }
}

/* ---- what a token goes on with ---- */

static uint32_t compare(struct parser *p, enum token token, uint32_t left)
{
    uint32_t node = pair(p, KW_NODE_COMPARE, left, expression(p, binds[token]));

    if (node != 0)
        p->query->nodes[node].comparison = (enum kw_comparison)(token - EQ + KW_EQ);
    return node;
}

static uint32_t go_on(struct parser *p, uint32_t left)
{
    enum token token = p->lexer.token;

    if (!advance(p))
        return 0;
    switch (token) {
    case DOT:
        if (p->lexer.token == STAR)
            return advance(p) ? star(p, left, binds[DOT]) : 0;
        return pair(p, KW_NODE_CHAIN, left, dot_right(p, binds[DOT]));
    case PIPE:
        return pair(p, KW_NODE_CHAIN, left, expression(p, binds[PIPE]));
    case OR:
        return pair(p, KW_NODE_OR, left, expression(p, binds[OR]));
    case AND:
        return pair(p, KW_NODE_AND, left, expression(p, binds[AND]));
    case LPAREN:
        return function(p, left);
    case FILTER:
        return filter(p, left);
    case FLATTEN:
        return flatten(p, left);
    case LBRACKET:
        if (p->lexer.token == NUMBER || p->lexer.token == COLON)
            return index_or_slice(p, left);
        if (!expect(p, STAR, "brackets without an index") ||
            !expect(p, RBRACKET, "a star without its closing bracket"))
            return 0;
        return list_projection(p, left, binds[STAR]);
    case EQ:
    case NE:
    case LT:
    case LE:
    case GT:
    case GE:
        return compare(p, token, left);
    default:
        return fail(p, p->lexer.from, "something unexpected before");
    }
}

static uint32_t expression(struct parser *p, unsigned right)
{
    uint32_t left;

    if (p->depth == KW_QUERY_DEPTH_MAX)
        return fail(p, p->lexer.from, "too much nesting");
    p->depth++;
    left = begin(p);
    while (left != 0 && right < binds[p->lexer.token])
        left = go_on(p, left);
    p->depth--;
    return left;
}

int kw_query_compile(struct kw_bytes text, struct kw_query **ret, struct kw_sbuf *why)
{
    struct kw_query *query = calloc(1, sizeof(*query));
    struct parser p = {.lexer = {.text = text}, .query = query, .why = why};

    KW_REQUIRE(query != NULL, -ENOMEM);
    if (text.len > KW_QUERY_LEN_MAX) {
        (void)fail(&p, KW_QUERY_LEN_MAX, "the expression is too long");
    } else {
        (void)current(&p); /* place 0 is none */
        if (p.result == 0 && advance(&p))
            query->root = expression(&p, 0);
        if (p.result == 0 && p.lexer.token != END)
            (void)fail(&p, p.lexer.from, "something unexpected");
    }
    drop(&p.lexer);
    if (p.result != 0) {
        kw_query_free(query);
        return p.result;
    }
    *ret = query;
    return 0;
}

void kw_query_free(struct kw_query *query)
{
    if (query == NULL)
        return;
    for (uint32_t i = 0; i < query->num; i++) {
        free(query->nodes[i].text);
        free(query->nodes[i].name);
        json_decref(query->nodes[i].literal);
    }
    free(query->nodes);
    free(query);
}
