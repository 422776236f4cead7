/* keystore_file - the file of the SQLite keystore: found and judged, or made; then connected to.
 *
 * Nothing here knows what is in the tables beyond the schema and the check value of a new store.
 */
#ifndef KW_API_KEYSTORE_FILE_H
#define KW_API_KEYSTORE_FILE_H

#include "api/keystore_seal.h"

#include <sqlite3.h>

/* kw_keystore_file_open() - connects to the keystore at path, making it if it is not there (sealer seals its
 * check value). Out: *ret, to be closed by the caller, on failure too if it is not NULL; on failure why.
 * Returns: 0 | KW_STORE_CORRUPT | KW_STORE_FAILED | <0 (see kw_keystore_open_sqlite()) */
KW_MUST_CHECK int kw_keystore_file_open(
    sqlite3 **ret, const char *path, struct kw_sealer *sealer, char *why, size_t why_cap);

#endif
