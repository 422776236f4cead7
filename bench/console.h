/* console - a benchmark in a terminal: a line of progress on stderr, and an interruption that lets it print
 * what it has.
 *
 * The interruption may be asked for by any thread, the rest is the main thread's.
 */
#ifndef KW_BENCH_CONSOLE_H
#define KW_BENCH_CONSOLE_H

#include "pool/base.h"

/* Ctrl-C and SIGTERM set a flag; a second one ends the process at once. */
void kw_console_catch(void);
KW_MUST_CHECK bool kw_console_interrupted(void);
/* Shows the line in place of the last one; nothing if stderr is no terminal. */
void kw_console_progress(const char *format, ...) KW_PRINTF(1, 2);
/* Takes the line away, before anything else is printed. */
void kw_console_clear(void);

/* What a result says, for a message on stderr. */
const char *kw_console_why(int result);
/* kw_console_seconds() - a number of seconds from 0.05 to a day. Returns: 0 | 1 */
KW_MUST_CHECK int kw_console_seconds(const char *text, double *ret);

#endif
