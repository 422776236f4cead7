/* inifile - the shared files of the AWS tools: sections of settings, and settings of settings.
 *
 * "[section]", "name = value", lines that begin with "#" or ";". A setting without a value may have settings
 * of its own in indented lines below it, such as "s3 =" and "  addressing_style = path"; an indented line
 * that is no such setting goes on with the value above it. What is malformed is passed over. The text is
 * secret (it may hold credentials) and stays the caller's; slices of it are given out. Pure, no allocation.
 */
#ifndef KW_TOOLS_CLI_INIFILE_H
#define KW_TOOLS_CLI_INIFILE_H

#include "pool/bytes.h"

enum { KW_INI_ABSENT = 1 };

/* kw_ini_section() - is there "[name]", or "[profile name]" if is_config? A name may stand in quotes. In:
 * kind, the word before the name ("profile", "services"); NULL: none, only "[name]". Returns: 0 |
 * KW_INI_ABSENT */
KW_MUST_CHECK int kw_ini_section(struct kw_bytes text, const char *kind, const char *name);

/* kw_ini_get() - a setting of such a section; of several the last. In: above, the setting that it is nested
 * in, or NULL. Returns: 0 | KW_INI_ABSENT */
KW_MUST_CHECK int kw_ini_get(struct kw_bytes text, const char *kind, const char *name, const char *above,
    const char *setting, struct kw_bytes *ret);

#endif
