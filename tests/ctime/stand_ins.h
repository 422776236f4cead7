/* stand_ins - what the constant-time tests put in the place of the random source, of secret memory and of
 * fibers.
 *
 * Random numbers are the same in each run, and secret; memory is the C library's, so that neither checker
 * needs to know of an arena; and a fiber is the caller's own stack.
 */
#ifndef KW_TESTS_CTIME_STAND_INS_H
#define KW_TESTS_CTIME_STAND_INS_H

#include "engine/cpu.h"
#include "engine/rng.h"

/* Random bytes that nobody has marked. */
void stand_in_draw(void *ret, size_t len);

/* What the parts that need one are given. */
struct kw_rng *stand_in_rng(void);

/* The path that a test is to take; false, with a reason on stdout, if it cannot be taken here. */
bool stand_in_path(const char *name, enum kw_cpu_path *ret);

#endif
