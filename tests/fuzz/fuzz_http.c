#include "api/http.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void check_slice(struct kw_bytes head, struct kw_bytes part)
{
    kw_assert(part.ptr >= head.ptr && part.len <= head.len);
    kw_assert((size_t)(part.ptr - head.ptr) <= head.len - part.len);
    for (size_t i = 0; i < part.len; i++)
        kw_assert(part.ptr[i] >= ' ' || part.ptr[i] == '\t');
}

static void check_request(struct kw_bytes in, const struct kw_http_request *request)
{
    struct kw_bytes head = KW_BYTES(in.ptr, request->head_len);

    kw_assert(head.len <= in.len && head.len <= KW_HTTP_HEAD_MAX);
    kw_assert(memcmp(head.ptr + head.len - 4, "\r\n\r\n", 4) == 0);
    /* The first empty line and no later one. */
    kw_assert((const uint8_t *)memmem(head.ptr, head.len, "\r\n\r\n", 4) == head.ptr + head.len - 4);
    kw_assert(request->num_headers <= KW_HTTP_HEADERS_MAX && request->content_length <= KW_HTTP_BODY_MAX);
    kw_assert(kw_http_header_count(request, "host") <= 1);
    kw_assert(kw_http_header_count(request, "content-length") <= 1);
    kw_assert(kw_http_header_count(request, "transfer-encoding") == 0);
    check_slice(head, request->method);
    check_slice(head, request->target);
    check_slice(head, request->path);
    check_slice(head, request->query);
    for (size_t i = 0; i < request->num_headers; i++) {
        check_slice(head, request->headers[i].name);
        check_slice(head, request->headers[i].value);
        kw_assert(request->headers[i].name.len > 0);
    }
}

/* In pieces of step bytes the answer is the same, at the first piece that allows it, and stays. */
static void check_pieces(struct kw_bytes in, size_t step, int expected, size_t head_len)
{
    struct kw_http_request request = {0};
    size_t scanned = 0;
    int r = KW_HTTP_MORE;

    for (size_t len = 0; r == KW_HTTP_MORE && len < in.len; len += step)
        r = kw_http_parse(KW_BYTES(in.ptr, len), &scanned, &request);
    if (r == KW_HTTP_MORE)
        r = kw_http_parse(in, &scanned, &request);
    kw_assert(r == expected && (r != 0 || request.head_len == head_len));
    r = kw_http_parse(in, &scanned, &request);
    kw_assert(r == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct kw_http_request request;
    struct kw_bytes in = KW_BYTES(data, len);
    size_t scanned = 0;

    int r = kw_http_parse(in, &scanned, &request);
    kw_assert(r >= 0 && r <= KW_HTTP_BODY_TOO_BIG);
    if (r == 0)
        check_request(in, &request);
    check_pieces(in, 1, r, request.head_len);
    check_pieces(in, 1 + len / 3, r, request.head_len);
    return 0;
}
