/* keeper - the thread that does what falls due by itself: keys are deleted, rotated, their imported material
 * expires; and what keys were last used for is saved every minute and at the end.
 *
 * What is due is in the snapshot (its map `due`). Each such act is on record in the audit log, durably,
 * before it is done; should the log or the keystore fail, the keeper tries again, later each time, up to a
 * minute.
 */
#ifndef KW_API_KEEPER_H
#define KW_API_KEEPER_H

#include "api/service.h"

struct kw_keeper;

/* kw_keeper_start() - does what fell due while no server ran (for some seconds at most: the thread does the
 * rest), so that nobody is served by a key whose time is up, and starts the thread. The service's store,
 * audit log and clock are there and outlive it. Returns: 0 | negative errno | KW_EOPENSSL */
KW_MUST_CHECK int kw_keeper_start(struct kw_keeper **ret, struct kw_service *service);
/* Finishes what it is at, saves last uses, ends. No call notes a use any more. NULL is fine. */
void kw_keeper_stop(struct kw_keeper *keeper);

#endif
