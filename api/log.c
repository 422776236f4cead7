#include "api/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* Relaxed: it is set once at start, and a thread that sees it late logs a line more or less. */
static _Atomic int minimum = KW_LOG_INFO;
static _Atomic uint64_t dropped;

void kw_log_set_level(enum kw_log_level level)
{
    atomic_store_explicit(&minimum, (int)level, memory_order_relaxed);
}

int kw_log_level_parse(const char *name, enum kw_log_level *ret)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret = (enum kw_log_level)i;
            return 0;
        }
    }
    return 1;
}

/* What snprintf wanted to write, cut to what there was room for. */
static size_t written(int wanted, size_t room)
{
    if (wanted < 0)
        return 0;
    return KW_MIN((size_t)wanted, room - 1);
}

static size_t put_prefix(char *line, size_t cap, enum kw_log_level level, const char *event)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);

    int wanted = snprintf(line, cap, "time=%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ level=%s event=%s ",
        utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
        now.tv_nsec / 1000000, level_names[level], event);
    return written(wanted, cap);
}

static void write_now(const char *line, size_t len)
{
    ssize_t done;

    do {
        done = write(STDERR_FILENO, line, len);
    } while (done < 0 && errno == EINTR);
    /* A log that cannot be written has nowhere to say so; a short write is not continued, since another
     * thread's line may already stand behind it. */
}

/* A reader that stopped reading (a pager, a stalled journal) must not stop the server: what cannot be taken
 * at once is dropped. A pipe that is ready for writing takes PIPE_BUF bytes without waiting, and the lock
 * keeps other threads from filling it in between; it is never held for long, since nobody waits inside it. */
static void write_line(const char *line, size_t len)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

    pthread_mutex_lock(&lock);
    if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT))
        write_now(line, len);
    else
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
}

uint64_t kw_log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

void kw_log(enum kw_log_level level, const char *event, const char *format, ...)
{
    kw_assert((size_t)level < KW_ARRAY_LEN(level_names));
    if ((int)level < atomic_load_explicit(&minimum, memory_order_relaxed))
        return;

    int saved_errno = errno;
    char line[KW_LOG_LINE_MAX];
    size_t len = put_prefix(line, sizeof(line), level, event);

    va_list args;
    va_start(args, format);
    len += written(vsnprintf(line + len, sizeof(line) - len, format, args), sizeof(line) - len);
    va_end(args);

    while (len > 0 && line[len - 1] == ' ')
        len--;
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[len++] = '\n'; /* where the NUL stood, at the latest */
    write_line(line, len);
    errno = saved_errno;
}

/* utf8_decode() - the character at text[0..len), len >= 1.
 * Returns its length in bytes, or 0 if it is not well formed (Unicode 15, table 3-7: shortest form, no
 * surrogates). */
static size_t utf8_decode(const uint8_t *text, size_t len, uint32_t *ret)
{
    static const uint32_t shortest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need = text[0] < 0x80   ? 1
                  : text[0] < 0xc2 ? 0
                  : text[0] < 0xe0 ? 2
                  : text[0] < 0xf0 ? 3
                  : text[0] < 0xf5 ? 4
                                   : 0;
    if (need == 0 || need > len)
        return 0;

    uint32_t code = need == 1 ? text[0] : text[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    if (code < shortest[need] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret = code;
    return need;
}

/* Characters that a terminal or a reader of the log would obey rather than show: C0 and C1 controls, line and
 * paragraph separators, and the marks that turn the direction of text round. */
static bool steers(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/* Writes the character at text to piece (up to 16 bytes); *ret_used gets how many bytes of text it took. */
static size_t quote_one(const uint8_t *text, size_t len, char *piece, size_t *ret_used)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t code = 0;
    size_t used = utf8_decode(text, len, &code);
    bool shown = used > 0 && !steers(code);
    *ret_used = used = used > 0 ? used : 1;

    size_t n = 0;
    if (shown) {
        if (code == '"' || code == '\\')
            piece[n++] = '\\';
        memcpy(piece + n, text, used);
        return n + used;
    }
    for (size_t i = 0; i < used; i++) {
        piece[n++] = '\\';
        piece[n++] = 'x';
        piece[n++] = digits[text[i] >> 4];
        piece[n++] = digits[text[i] & 15];
    }
    return n;
}

const char *kw_log_quote(char *out, size_t cap, const void *text, size_t len)
{
    kw_assert(cap >= 3);
    const uint8_t *in = text;
    size_t n = 0;

    out[n++] = '"';
    for (size_t i = 0; i < len;) {
        char piece[16];
        size_t used;
        size_t piece_len = quote_one(in + i, len - i, piece, &used);
        if (piece_len > cap - n - 2) /* the closing quote and the NUL */
            break;
        memcpy(out + n, piece, piece_len);
        n += piece_len;
        i += used;
    }
    out[n++] = '"';
    out[n] = '\0';
    return out;
}

bool kw_log_allowed(struct kw_log_limit *limit, uint64_t now_ns, uint64_t *ret_suppressed)
{
    /* All relaxed: the counters guard no other memory, and the compare-and-swap alone picks who may log. */
    uint64_t next = atomic_load_explicit(&limit->next_ns, memory_order_relaxed);
    if (now_ns < next || !atomic_compare_exchange_strong_explicit(&limit->next_ns, &next,
                             now_ns + limit->interval_ns, memory_order_relaxed, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&limit->suppressed, 1, memory_order_relaxed);
        return false;
    }
    *ret_suppressed = atomic_exchange_explicit(&limit->suppressed, 0, memory_order_relaxed);
    return true;
}
