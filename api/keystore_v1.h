/* keystore_v1 - what a keystore of schema version 1 holds, written again as records.
 *
 * Version 1 had a table for each kind of entity and sealed nothing but backing keys and secret access keys,
 * each bound to the fields of its row. It knew symmetric keys only.
 */
#ifndef KW_API_KEYSTORE_V1_H
#define KW_API_KEYSTORE_V1_H

#include "api/keystore_seal.h"

#include <sqlite3.h>

/* Inside a transaction, with the tables of both versions there. Returns: 0 | KW_STORE_CORRUPT |
 * KW_STORE_FAILED | <0 */
KW_MUST_CHECK int kw_v1_convert(sqlite3 *db, struct kw_sealer *sealer);

#endif
