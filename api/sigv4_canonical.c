#include "api/sha256.h"
#include "api/sigv4_internal.h"

/* RFC 3986 2.3: "unreserved" characters, the only ones that AWS's UriEncode() leaves as they are. */
static bool is_unreserved(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void put_encoded(struct kw_buf *buf, uint8_t c)
{
    static const char digits[] = "0123456789ABCDEF";

    if (is_unreserved(c)) {
        kw_buf_put_u8(buf, c);
        return;
    }
    kw_buf_put_u8(buf, '%');
    kw_buf_put_u8(buf, (uint8_t)digits[c >> 4]);
    kw_buf_put_u8(buf, (uint8_t)digits[c & 15]);
}

/* The path as sent, encoded (once more) except for its slashes. */
static void put_path_text(struct kw_buf *buf, struct kw_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '/')
            kw_buf_put_u8(buf, '/');
        else
            put_encoded(buf, text.ptr[i]);
    }
}

/* Takes the last segment off what was written from start on. */
static void drop_segment(struct kw_buf *buf, size_t start)
{
    while (buf->len > start && buf->ptr[--buf->len] != '/')
        continue;
}

/* RFC 3986 5.2.4 and, as AWS has it, empty segments left out; a slash at the end stays. */
static void put_normalized_path(struct kw_buf *buf, struct kw_bytes path)
{
    size_t start = buf->len;

    for (size_t at = 0; at < path.len;) {
        struct kw_bytes rest = KW_BYTES(path.ptr + at, path.len - at);
        ssize_t slash = kw_bytes_find(rest, '/');
        struct kw_bytes segment = KW_BYTES(rest.ptr, slash < 0 ? rest.len : (size_t)slash);

        at += segment.len + 1;
        if (segment.len == 0 || kw_bytes_equal(segment, KW_LIT(".")))
            continue;
        if (kw_bytes_equal(segment, KW_LIT(".."))) {
            drop_segment(buf, start);
            continue;
        }
        kw_buf_put_u8(buf, '/');
        put_path_text(buf, segment);
    }
    if (buf->len == start || path.ptr[path.len - 1] == '/')
        kw_buf_put_u8(buf, '/');
}

struct parameter {
    struct kw_bytes name, value; /* encoded */
};

static int hex_value(uint8_t c)
{
    uint8_t value;
    uint8_t text[2] = {'0', c};

    return kw_hex_decode(KW_BYTES(text, 2), &value, 1) == 0 ? value : -1;
}

/* Decodes and encodes text, so that every spelling of a parameter gives the same bytes. Returns what it
 * wrote. */
static struct kw_bytes put_parameter_text(struct kw_buf *buf, struct kw_bytes text)
{
    size_t start = buf->len;

    for (size_t i = 0; i < text.len; i++) {
        int high = text.ptr[i] == '%' && i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.ptr[i + 2]) : -1;

        if (low >= 0) {
            put_encoded(buf, (uint8_t)(high << 4 | low));
            i += 2;
        } else {
            put_encoded(buf, text.ptr[i]);
        }
    }
    return KW_BYTES(buf->ptr + start, buf->len - start);
}

static bool is_after(const struct parameter *a, const struct parameter *b)
{
    int order = kw_bytes_compare(a->name, b->name);

    return order > 0 || (order == 0 && kw_bytes_compare(a->value, b->value) > 0);
}

/* Insertion: KMS requests have no parameters at all, and no more than KW_SIGV4_QUERY_MAX come here. */
static void insert(struct parameter *parameters, size_t num, struct parameter parameter)
{
    for (; num > 0 && is_after(&parameters[num - 1], &parameter); num--)
        parameters[num] = parameters[num - 1];
    parameters[num] = parameter;
}

static int put_query(struct kw_sigv4_engine *engine, struct kw_buf *buf, struct kw_bytes query)
{
    struct parameter parameters[KW_SIGV4_QUERY_MAX];
    struct kw_buf texts = KW_BUF(engine->query, sizeof(engine->query));
    size_t num = 0;

    for (size_t at = 0; at < query.len;) {
        struct kw_bytes rest = KW_BYTES(query.ptr + at, query.len - at);
        ssize_t end = kw_bytes_find(rest, '&');
        struct kw_bytes piece = KW_BYTES(rest.ptr, end < 0 ? rest.len : (size_t)end);
        ssize_t equal = kw_bytes_find(piece, '=');
        size_t name_len = equal < 0 ? piece.len : (size_t)equal;
        size_t value_at = equal < 0 ? piece.len : name_len + 1;

        at += piece.len + 1;
        if (piece.len == 0)
            continue;
        KW_REQUIRE(num < KW_SIGV4_QUERY_MAX, 1);
        struct parameter parameter = {.name = put_parameter_text(&texts, KW_BYTES(piece.ptr, name_len))};
        parameter.value = put_parameter_text(&texts, KW_BYTES(piece.ptr + value_at, piece.len - value_at));
        insert(parameters, num++, parameter);
    }
    KW_REQUIRE(kw_buf_ok(&texts), 1);
    for (size_t i = 0; i < num; i++) {
        kw_buf_put_str(buf, i > 0 ? "&" : "");
        kw_buf_put_bytes(buf, parameters[i].name);
        kw_buf_put_u8(buf, '=');
        kw_buf_put_bytes(buf, parameters[i].value);
    }
    return 0;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The value without blanks around it, and each run of them within it as one space. */
static void put_header_value(struct kw_buf *buf, struct kw_bytes value)
{
    bool gap = false;

    /* Most have none: they come without blanks around them. */
    if (kw_bytes_find(value, ' ') < 0 && kw_bytes_find(value, '\t') < 0) {
        kw_buf_put_bytes(buf, value);
        return;
    }
    for (size_t i = 0, begun = 0; i < value.len; i++) {
        if (is_blank(value.ptr[i])) {
            gap = begun > 0;
            continue;
        }
        if (gap)
            kw_buf_put_u8(buf, ' ');
        kw_buf_put_u8(buf, value.ptr[i]);
        begun = 1;
        gap = false;
    }
}

/* "name:value,value\n" of all headers of that name, in the order in which they were sent. */
static void put_header(struct kw_buf *buf, const struct kw_http_request *request, struct kw_bytes name)
{
    bool first = true;

    kw_buf_put_bytes(buf, name);
    kw_buf_put_u8(buf, ':');
    for (size_t i = 0; i < request->num_headers; i++) {
        if (!kw_bytes_equal_nocase(request->headers[i].name, name))
            continue;
        kw_buf_put_str(buf, first ? "" : ",");
        put_header_value(buf, request->headers[i].value);
        first = false;
    }
    kw_buf_put_u8(buf, '\n');
}

static void put_headers(
    struct kw_buf *buf, const struct kw_http_request *request, struct kw_bytes signed_headers)
{
    for (size_t at = 0; at < signed_headers.len;) {
        struct kw_bytes rest = KW_BYTES(signed_headers.ptr + at, signed_headers.len - at);
        ssize_t end = kw_bytes_find(rest, ';');
        struct kw_bytes name = KW_BYTES(rest.ptr, end < 0 ? rest.len : (size_t)end);

        put_header(buf, request, name);
        at += name.len + 1;
    }
}

int kw_sigv4_canonical_request(struct kw_sigv4_engine *engine, const struct kw_http_request *request,
    struct kw_bytes body, struct kw_bytes signed_headers, bool normalize, struct kw_buf *ret)
{
    uint8_t hash[32];
    char hex[64];

    kw_sha256(body, hash);
    kw_hex_encode(hash, sizeof(hash), hex);

    kw_buf_put_bytes(ret, request->method);
    kw_buf_put_u8(ret, '\n');
    if (normalize)
        put_normalized_path(ret, request->path);
    else
        put_path_text(ret, request->path);
    kw_buf_put_u8(ret, '\n');
    KW_REQUIRE(put_query(engine, ret, request->query) == 0, 1);
    kw_buf_put_u8(ret, '\n');
    put_headers(ret, request, signed_headers);
    kw_buf_put_u8(ret, '\n');
    kw_buf_put_bytes(ret, signed_headers);
    kw_buf_put_u8(ret, '\n');
    kw_buf_put(ret, hex, sizeof(hex));
    return kw_buf_ok(ret) ? 0 : 1;
}
