/* terminal - what a terminal on standard output may be sent: colours, and lines of which width. */
#ifndef KW_TOOLS_TERMINAL_H
#define KW_TOOLS_TERMINAL_H

#include "pool/base.h"

/* Colours and movements of the cursor that every terminal of today knows (ECMA-48). */
#define KW_TERMINAL_RED    "\033[31m"
#define KW_TERMINAL_GREEN  "\033[32m"
#define KW_TERMINAL_YELLOW "\033[33m"
#define KW_TERMINAL_PLAIN  "\033[0m"

/* kw_terminal_colours() - on is_terminal, unless refused (an option), NO_COLOR is set to something
 * (no-color.org) or TERM is "dumb". Pure. In: no_color, term: the variables' values or NULL. */
KW_MUST_CHECK bool kw_terminal_colours(
    bool is_terminal, bool refused, const char *no_color, const char *term);
/* The same, of standard output and this process's environment. */
KW_MUST_CHECK bool kw_terminal_colours_here(bool refused);
/* Columns and rows of the terminal on standard output now; 80 and 24 if it does not say. */
void kw_terminal_size(unsigned *ret_columns, unsigned *ret_rows);

#endif
