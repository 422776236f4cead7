#include "api/http_answer.h"

#include "api/http.h"

#define DIGITS_MAX 20u

static char *put(char *to, const void *text, size_t len)
{
    memcpy(to, text, len);
    return to + len;
}

#define PUT_LIT(to, text) put((to), "" text, sizeof(text) - 1)

static char *put_number(char *to, size_t number)
{
    char digits[DIGITS_MAX];
    size_t at = DIGITS_MAX;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(to, digits + at, DIGITS_MAX - at);
}

static char *put_status(char *to, unsigned status)
{
    const char *reason;

    if (status == 200)
        return PUT_LIT(to, "HTTP/1.1 200 OK");
    reason = kw_http_reason(status);
    to = PUT_LIT(to, "HTTP/1.1 ");
    to = put_number(to, status);
    to = PUT_LIT(to, " ");
    return put(to, reason, strlen(reason));
}

size_t kw_http_answer_head(char *to, size_t cap, const struct kw_http_answer *answer)
{
    size_t type_len = strlen(answer->content_type);
    char *end;

    kw_assert(answer->status >= 100 && answer->status <= 999);
    kw_assert(cap >= KW_HTTP_ANSWER_REST_MAX + answer->date.len + type_len + answer->headers.len);
    end = put_status(to, answer->status);
    end = PUT_LIT(end, "\r\nDate: ");
    end = put(end, answer->date.ptr, answer->date.len);
    end = PUT_LIT(end, "\r\nContent-Type: ");
    end = put(end, answer->content_type, type_len);
    end = PUT_LIT(end, "\r\nContent-Length: ");
    end = put_number(end, answer->content_length);
    end = PUT_LIT(end, "\r\n");
    if (answer->headers.len > 0)
        end = put(end, answer->headers.ptr, answer->headers.len);
    if (answer->close)
        end = PUT_LIT(end, "Connection: close\r\n");
    end = PUT_LIT(end, "\r\n");
    return (size_t)(end - to);
}
