/* keystore_v2 - the principals of a keystore of schema version 2, written again as users and access keys.
 *
 * Until then a principal was a user with one access key, and a flag made it the administrator of its account:
 * it becomes a user whose one policy allows everything.
 */
#ifndef KW_API_KEYSTORE_V2_H
#define KW_API_KEYSTORE_V2_H

#include "api/keystore_seal.h"
#include "api/principal.h"

#include <sqlite3.h>

struct kw_rows;

/* What such a record said. Secret. */
struct kw_v2_credentials {
    char access_key_id[KW_ACCESS_KEY_ID_MAX + 1];
    char secret_access_key[65];
    char account[KW_ACCOUNT_LEN + 1];
    char user_name[65];
    char principal_id[32];
    bool administrator;
    bool enabled;
};

/* Writes the user and its access key. Where several access keys are one user's, the last one that is written
 * says whether it is an administrator: write those that are not at the end.
 * Returns: 0 | KW_STORE_CORRUPT | KW_STORE_FAILED | <0 */
KW_MUST_CHECK int kw_v2_write(struct kw_rows *rows, const struct kw_v2_credentials *credentials);

/* Inside a transaction. The old records stay, for the migration to delete. Returns: as kw_v2_write() */
KW_MUST_CHECK int kw_v2_convert(sqlite3 *db, struct kw_sealer *sealer);

#endif
