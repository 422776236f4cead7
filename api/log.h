/* log - the operator's log: structured lines (logfmt) on stderr. Only api/ and tools/ log, and only once per
 * event.
 *
 * Never given secrets. Each line is one write(2) of at most KW_LOG_LINE_MAX bytes, so lines of different
 * threads do not mix. Any thread; errno is kept.
 */
#ifndef KW_API_LOG_H
#define KW_API_LOG_H

#include "pool/base.h"

#define KW_LOG_LINE_MAX 2048 /* bytes with the newline; a longer line is cut */

enum kw_log_level { KW_LOG_DEBUG, KW_LOG_INFO, KW_LOG_WARN, KW_LOG_ERROR };

/* Lines below the level are dropped; KW_LOG_INFO until it is set. */
void kw_log_set_level(enum kw_log_level level);
/* kw_log_level_parse() - exact names debug, info, warn, error. Returns: 0 | 1 (unknown) */
KW_MUST_CHECK int kw_log_level_parse(const char *name, enum kw_log_level *ret);

/* kw_log() - `time=... level=info event=NAME` and then key=value pairs from the format, e.g.
 * kw_log(KW_LOG_INFO, "listening", "address=%s port=%u", host, port). Values with outside text are passed
 * through kw_log_quote(); a control byte that slips in all the same becomes a question mark, so an event is
 * always one line. */
void kw_log(enum kw_log_level level, const char *event, const char *format, ...) KW_PRINTF(3, 4);

/* Lines that standard error did not take at once, since start: a reader of the log never holds the server up.
 */
uint64_t kw_log_dropped(void);

/* Writes text as a quoted logfmt value, cut to fit cap (at least 3); returns out. A quote and a backslash get
 * a backslash; control bytes, bytes that are not UTF-8 and characters that steer a terminal or turn the
 * direction of text round are written as \xNN. */
const char *kw_log_quote(char *out, size_t cap, const void *text, size_t len);

/* A token bucket for messages that strangers can cause: true if this one may be logged. *ret_suppressed gets
 * the number swallowed since the last one allowed. Set interval_ns and leave the rest zero. Any thread;
 * now_ns is kw_now_ns(). */
struct kw_log_limit {
    _Atomic uint64_t next_ns;
    _Atomic uint64_t suppressed;
    uint64_t interval_ns;
};
bool kw_log_allowed(struct kw_log_limit *limit, uint64_t now_ns, uint64_t *ret_suppressed);

#endif
