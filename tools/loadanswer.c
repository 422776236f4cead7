#include "tools/loadanswer.h"

#include <stdio.h>

enum {
    HEAD,
    BODY,
    UNTIL_CLOSE,
    CHUNK_SIZE,
    CHUNK_EXTENSION, /* up to the end of the line with the size */
    CHUNK_DATA,
    CHUNK_CR, /* behind the data */
    CHUNK_LF,
    TRAILER,
    DONE,
    BROKEN,
};

/* Sixteen digits fill 64 bits; no chunk that is allowed needs more than these. */
#define CHUNK_DIGITS_MAX 8u

void kw_answer_reset(struct kw_answer *answer)
{
    /* The large arrays count by their lengths. */
    memset(answer, 0, offsetof(struct kw_answer, header_error));
}

static int broken(struct kw_answer *answer)
{
    answer->state = BROKEN;
    return KW_ANSWER_BAD;
}

/* ---- the head ---- */

static struct kw_bytes trimmed(const char *from, const char *to)
{
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    return KW_BYTES(from, (size_t)(to - from));
}

/* Is the word in the list, whatever stands between? Words here are no parts of others that servers send. */
static bool has_word(struct kw_bytes list, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= list.len; i++) {
        if (kw_bytes_equal_nocase(KW_BYTES(list.ptr + i, len), kw_bytes_str(word)))
            return true;
    }
    return false;
}

static int take_length(struct kw_answer *answer, struct kw_bytes value)
{
    uint64_t number = 0;

    /* A second one would make it unclear where the answer ends. */
    KW_REQUIRE(value.len > 0 && value.len <= 9 && answer->state == UNTIL_CLOSE, KW_ANSWER_BAD);
    for (size_t i = 0; i < value.len; i++) {
        KW_REQUIRE(value.ptr[i] >= '0' && value.ptr[i] <= '9', KW_ANSWER_BAD);
        number = number * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    KW_REQUIRE(number <= KW_ANSWER_BODY_MAX, KW_ANSWER_BAD);
    answer->left = number;
    answer->state = BODY;
    return 0;
}

static int take_header(struct kw_answer *answer, struct kw_bytes name, struct kw_bytes value)
{
    if (kw_bytes_equal_nocase(name, KW_LIT("content-length")))
        return take_length(answer, value);
    if (kw_bytes_equal_nocase(name, KW_LIT("transfer-encoding"))) {
        KW_REQUIRE(
            kw_bytes_equal_nocase(value, KW_LIT("chunked")) && answer->state == UNTIL_CLOSE, KW_ANSWER_BAD);
        answer->state = CHUNK_SIZE;
    } else if (kw_bytes_equal_nocase(name, KW_LIT("connection"))) {
        answer->close = has_word(value, "close");
    } else if (kw_bytes_equal_nocase(name, KW_LIT("server-timing"))) {
        answer->waited = has_word(value, "pool;desc=wait");
    } else if (kw_bytes_equal_nocase(name, KW_LIT("x-amzn-errortype"))) {
        ssize_t colon = kw_bytes_find(value, ':');

        answer->header_error_len =
            (uint32_t)KW_MIN(colon >= 0 ? (size_t)colon : value.len, sizeof(answer->header_error));
        memcpy(answer->header_error, value.ptr, answer->header_error_len);
    }
    return 0;
}

/* "HTTP/1.1 200 OK" */
static int take_status(struct kw_answer *answer, const char *line, size_t len)
{
    KW_REQUIRE(len >= 12 && memcmp(line, "HTTP/1.", 7) == 0 && line[8] == ' ', KW_ANSWER_BAD);
    KW_REQUIRE(line[7] == '0' || line[7] == '1', KW_ANSWER_BAD);
    KW_REQUIRE(len == 12 || line[12] == ' ', KW_ANSWER_BAD);
    for (unsigned i = 9; i < 12; i++)
        KW_REQUIRE(line[i] >= '0' && line[i] <= '9', KW_ANSWER_BAD);
    answer->status =
        (unsigned)(line[9] - '0') * 100 + (unsigned)(line[10] - '0') * 10 + (unsigned)(line[11] - '0');
    KW_REQUIRE(answer->status >= 100, KW_ANSWER_BAD);
    answer->close = line[7] == '0';
    return 0;
}

/* Lines with their ends, the empty one left out. */
static int take_head(struct kw_answer *answer, const char *head, size_t len)
{
    const char *end = head + len, *line = head;

    answer->state = UNTIL_CLOSE;
    answer->header_error_len = 0;
    answer->waited = false;
    for (bool first = true; line < end; first = false) {
        const char *stop = memchr(line, '\r', (size_t)(end - line)), *colon;
        int r;

        KW_REQUIRE(stop != NULL && stop + 1 < end && stop[1] == '\n', KW_ANSWER_BAD);
        colon = memchr(line, ':', (size_t)(stop - line));
        if (first)
            r = take_status(answer, line, (size_t)(stop - line));
        else
            r = colon != NULL ? take_header(answer, trimmed(line, colon), trimmed(colon + 1, stop))
                              : KW_ANSWER_BAD;
        if (r != 0)
            return r;
        line = stop + 2;
    }
    return 0;
}

static int after_head(struct kw_answer *answer)
{
    /* Interim answers have no body, and the real one follows. */
    if (answer->status < 200) {
        KW_REQUIRE(answer->status != 101, KW_ANSWER_BAD);
        kw_answer_reset(answer);
        return 0;
    }
    if (answer->status == 204 || answer->status == 304 || (answer->state == BODY && answer->left == 0))
        answer->state = DONE;
    if (answer->state == UNTIL_CLOSE)
        answer->close = true;
    return 0;
}

/* Most heads come in one piece and are read where they lie. */
static int feed_head(struct kw_answer *answer, struct kw_bytes in, size_t *ret_used)
{
    const char *head = (const char *)in.ptr, *end;
    size_t len = in.len, before = answer->head_len;

    if (before > 0) {
        size_t piece = KW_MIN(in.len, KW_ANSWER_HEAD_MAX - before);

        memcpy(answer->head + before, in.ptr, piece);
        head = answer->head;
        len = before + piece;
    }
    len = KW_MIN(len, KW_ANSWER_HEAD_MAX);
    end = memmem(head, len, "\r\n\r\n", 4);
    if (end == NULL) {
        KW_REQUIRE(len < KW_ANSWER_HEAD_MAX, KW_ANSWER_BAD);
        if (before == 0)
            memcpy(answer->head, head, len);
        answer->head_len = (uint32_t)len;
        *ret_used = in.len;
        return 0;
    }
    *ret_used = (size_t)(end - head) + 4 - before;
    answer->head_len = 0;
    if (take_head(answer, head, (size_t)(end - head) + 2) != 0)
        return KW_ANSWER_BAD;
    return after_head(answer);
}

/* ---- the body ---- */

static void keep(struct kw_answer *answer, const uint8_t *data, size_t len)
{
    size_t piece = KW_MIN(len, sizeof(answer->kept) - answer->kept_len);

    answer->body_len += len;
    if (answer->status == 200)
        return;
    memcpy(answer->kept + answer->kept_len, data, piece);
    answer->kept_len += (uint32_t)piece;
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int chunk_size(struct kw_answer *answer, uint8_t c)
{
    int digit = digit_of(c);

    if (digit >= 0) {
        KW_REQUIRE(answer->num_digits < CHUNK_DIGITS_MAX, KW_ANSWER_BAD);
        answer->num_digits++;
        answer->left = answer->left << 4 | (unsigned)digit;
        return 0;
    }
    KW_REQUIRE(answer->num_digits > 0 && (c == ';' || c == '\r' || c == ' '), KW_ANSWER_BAD);
    KW_REQUIRE(answer->left + answer->body_len <= KW_ANSWER_BODY_MAX, KW_ANSWER_BAD);
    answer->state = CHUNK_EXTENSION;
    return 0;
}

/* Within the framing of chunks a byte at a time; num_digits counts the bytes of lines that mean nothing. */
static int chunk_byte(struct kw_answer *answer, uint8_t c)
{
    switch (answer->state) {
    case CHUNK_SIZE:
        return chunk_size(answer, c);
    case CHUNK_EXTENSION:
        KW_REQUIRE(answer->num_digits++ < KW_ANSWER_HEAD_MAX, KW_ANSWER_BAD);
        if (c == '\n') {
            answer->state = answer->left > 0 ? CHUNK_DATA : TRAILER;
            answer->num_digits = 0;
        }
        return 0;
    case CHUNK_CR:
        answer->state = CHUNK_LF;
        return c == '\r' ? 0 : KW_ANSWER_BAD;
    case CHUNK_LF:
        answer->state = CHUNK_SIZE;
        answer->num_digits = 0;
        return c == '\n' ? 0 : KW_ANSWER_BAD;
    default: /* TRAILER: left counts the bytes of the line */
        KW_REQUIRE(answer->num_digits++ < KW_ANSWER_HEAD_MAX, KW_ANSWER_BAD);
        if (c == '\n' && answer->left == 0)
            answer->state = DONE;
        else if (c != '\r')
            answer->left = c == '\n' ? 0 : answer->left + 1;
        return 0;
    }
}

static size_t data_bytes(struct kw_answer *answer, struct kw_bytes in)
{
    size_t piece = (size_t)KW_MIN((uint64_t)in.len, answer->left);

    keep(answer, in.ptr, piece);
    answer->left -= piece;
    if (answer->left == 0)
        answer->state = answer->state == BODY ? DONE : CHUNK_CR;
    return piece;
}

static int step(struct kw_answer *answer, struct kw_bytes in, size_t *ret_used)
{
    switch (answer->state) {
    case HEAD:
        return feed_head(answer, in, ret_used);
    case BODY:
    case CHUNK_DATA:
        *ret_used = data_bytes(answer, in);
        return 0;
    case UNTIL_CLOSE:
        KW_REQUIRE(answer->body_len + in.len <= KW_ANSWER_BODY_MAX, KW_ANSWER_BAD);
        keep(answer, in.ptr, in.len);
        *ret_used = in.len;
        return 0;
    case BROKEN:
        return KW_ANSWER_BAD;
    default:
        *ret_used = 1;
        return chunk_byte(answer, in.ptr[0]);
    }
}

int kw_answer_feed(struct kw_answer *answer, struct kw_bytes in, size_t *ret_used)
{
    size_t used = 0;

    *ret_used = 0;
    while (answer->state != DONE && used < in.len) {
        size_t piece = 0;

        if (step(answer, KW_BYTES(in.ptr + used, in.len - used), &piece) != 0)
            return broken(answer);
        used += piece;
        *ret_used = used;
    }
    return answer->state == DONE ? 0 : answer->state == BROKEN ? KW_ANSWER_BAD : KW_ANSWER_MORE;
}

int kw_answer_end(const struct kw_answer *answer)
{
    return answer->state == UNTIL_CLOSE || answer->state == DONE ? 0 : KW_ANSWER_BAD;
}

/* ---- errors ---- */

/* The value of "__type" (or "code") in a JSON text that may be cut off: all that is wanted of it. */
static struct kw_bytes member_of(const struct kw_answer *answer, const char *quoted_name)
{
    const char *at = memmem(answer->kept, answer->kept_len, quoted_name, strlen(quoted_name));
    const char *end = answer->kept + answer->kept_len, *stop;

    if (at == NULL)
        return KW_BYTES(NULL, 0);
    at += strlen(quoted_name);
    while (at < end && (*at == ' ' || *at == ':'))
        at++;
    if (at == end || *at != '"')
        return KW_BYTES(NULL, 0);
    stop = memchr(at + 1, '"', (size_t)(end - at - 1));
    return stop != NULL ? KW_BYTES(at + 1, (size_t)(stop - at - 1)) : KW_BYTES(NULL, 0);
}

static bool printable(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '_' || c == '-';
}

void kw_answer_error(const struct kw_answer *answer, char ret[KW_ANSWER_ERROR_MAX])
{
    struct kw_bytes type = member_of(answer, "\"__type\"");
    ssize_t hash;
    size_t len;

    if (type.len == 0)
        type = KW_BYTES(answer->header_error, answer->header_error_len);
    hash = kw_bytes_find(type, '#');
    if (hash >= 0)
        type = KW_BYTES(type.ptr + hash + 1, type.len - (size_t)hash - 1);
    len = KW_MIN(type.len, (size_t)KW_ANSWER_ERROR_MAX - 1);
    if (len == 0) {
        snprintf(ret, KW_ANSWER_ERROR_MAX, "HTTP %u", answer->status);
        return;
    }
    for (size_t i = 0; i < len; i++)
        ret[i] = printable(type.ptr[i]) ? (char)type.ptr[i] : '.';
    ret[len] = '\0';
}
