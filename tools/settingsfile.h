/* settingsfile - a program's options in a file: lines of `name = value`.
 *
 * The name is that of an option without its dashes. Blanks around name and value do not count, nor do empty
 * lines; # begins a comment, at the begin of a line or after a blank. A name may come several times. Pure, no
 * allocation: slices of the text are given out.
 */
#ifndef KW_TOOLS_SETTINGSFILE_H
#define KW_TOOLS_SETTINGSFILE_H

#include "pool/bytes.h"

#define KW_SETTINGS_BYTES_MAX (64u * 1024u)

enum { KW_SETTINGS_END = 1, KW_SETTINGS_MALFORMED = 2 };

struct kw_setting {
    struct kw_bytes name;  /* small letters, digits and dashes; not empty */
    struct kw_bytes value; /* printable ASCII, UTF-8 and tabs; not empty */
};

/* Begin with the whole text and line 0. */
struct kw_settings_walk {
    struct kw_bytes rest;
    unsigned line; /* of what was given out last */
};

/* kw_settings_next() - the next setting. Out: ret; ret_why, a clause, if malformed: the walk may go on with
 * the line after that. Returns: 0 | KW_SETTINGS_END | KW_SETTINGS_MALFORMED */
KW_MUST_CHECK int kw_settings_next(
    struct kw_settings_walk *walk, struct kw_setting *ret, const char **ret_why);

/* kw_settings_replace() - text with other values: lines that set one of these go, all else stays as it is,
 * and the new lines come at the end. Where a value begins with `SPEC=` only lines for that SPEC go. In: text,
 * in which no line is malformed. Out: out. */
void kw_settings_replace(
    struct kw_bytes text, const struct kw_setting *settings, size_t num, struct kw_buf *out);

#endif
