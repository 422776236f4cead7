/* fuzz - what each fuzzer offers: libFuzzer calls it, and so does replay.c where there is no libFuzzer.
 *
 * A fuzzer aborts (kw_assert) when something that must hold does not.
 */
#ifndef KW_TESTS_FUZZ_H
#define KW_TESTS_FUZZ_H

#include "pool/bytes.h"

/* Once, before the first input. Returns 0. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
/* One input, in a block of exactly len bytes. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
