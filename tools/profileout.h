/* profileout - an access key as one more profile of the shared credentials file of the AWS tools. */
#ifndef KW_TOOLS_PROFILEOUT_H
#define KW_TOOLS_PROFILEOUT_H

#include "pool/sbuf.h"

/* kw_profile_check() - may the profile be added to the file? A file that is not there may be made; one that
 * others may read, or that has the profile, is left alone. Out on failure: why. Returns: 0 | 1 */
KW_MUST_CHECK int kw_profile_check(const char *path, const char *profile, char *why, size_t why_cap);

/* kw_profile_append() - one more profile at the end of the file, which is made with 0600 if it is not there,
 * its folder with 0700. In: about, what its comment says; secret, not erased here. Out on failure: why.
 * Returns: 0 | 1 */
KW_MUST_CHECK int kw_profile_append(const char *path, const char *profile, const char *about,
    struct kw_bytes id, struct kw_bytes secret, char *why, size_t why_cap);

/* kw_profile_add() - appends the profile [default] of the file `from` under another name. Out: ret_id, the
 * access key's id; on failure: why. path may be NULL: only the id is looked up. Returns: 0 | 1 */
KW_MUST_CHECK int kw_profile_add(
    const char *from, const char *path, const char *profile, char ret_id[129], char *why, size_t why_cap);

#endif
