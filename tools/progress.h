/* progress - one line on standard error for long work, and its interruption by SIGINT or SIGTERM.
 *
 * For one thread, once at a time: kw_progress_begin() before the work, kw_progress_end() after it.
 */
#ifndef KW_TOOLS_PROGRESS_H
#define KW_TOOLS_PROGRESS_H

#include "pool/base.h"

/* quiet, or no terminal on standard error: nothing is shown. Signals end the work from here on. */
void kw_progress_begin(bool quiet);
/* kw_progress_show() - as simulations and measurements call it; user is not used. Returns: false if the work
 * is to end */
bool kw_progress_show(void *user, double done, double total, const char *what);
/* Wipes the line. Signals do what they did before. Returns: true if the work was interrupted */
bool kw_progress_end(void);

#endif
