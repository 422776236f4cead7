/* keystore_schema - the tables of the SQLite keystore and how an older store becomes a current one.
 *
 * The application id in the file's header says that it is a keystore, user_version how many migrations it has
 * had.
 */
#ifndef KW_API_KEYSTORE_SCHEMA_H
#define KW_API_KEYSTORE_SCHEMA_H

#include "api/keystore.h"

#include <sqlite3.h>

/* Makes the tables in an empty database, in the transaction that the caller has begun. Returns: 0 |
 * KW_STORE_FAILED | <0 */
KW_MUST_CHECK int kw_schema_create(sqlite3 *db, struct kw_sealer *sealer);
/* Checks that it is a sound keystore that this keywell knows. Out on a condition or failure: why. Returns: 0
 * | KW_STORE_VERSION | KW_STORE_CORRUPT | KW_STORE_FAILED | <0 */
KW_MUST_CHECK int kw_schema_check(
    sqlite3 *db, const char *path, int64_t *ret_version, char *why, size_t why_cap);
/* Brings a checked keystore, to which the sealer's root key belongs, up to date in one transaction. Out on a
 * condition or failure: why. Returns: 0 | KW_STORE_CORRUPT | KW_STORE_FAILED | <0 (nothing changed) */
KW_MUST_CHECK int kw_schema_upgrade(
    sqlite3 *db, struct kw_sealer *sealer, int64_t version, const char *path, char *why, size_t why_cap);

#endif
