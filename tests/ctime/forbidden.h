/* forbidden - what must not be done with a secret, so that one sees that a checker sees it.
 */
#ifndef KW_TESTS_CTIME_FORBIDDEN_H
#define KW_TESTS_CTIME_FORBIDDEN_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Where what was done goes to, so that it is not left out. */
static volatile uint64_t forbidden_sink;

/* what: "branch" or "address". secret: a byte that is undefined, from the end of what a test runs: the
 * checker must have followed it all the way. */
static inline void forbidden_do(const char *what, const void *secret)
{
    static const char table[256] = {1, 2, 3};
    uint8_t byte;

    memcpy(&byte, secret, sizeof(byte));
    if (strcmp(what, "branch") == 0) {
        if (byte & 1)
            forbidden_sink = 1;
    } else if (strcmp(what, "address") == 0) {
        forbidden_sink = (uint64_t)table[byte];
    } else {
        fprintf(stderr, "neither branch nor address: %s\n", what);
    }
}

#endif
