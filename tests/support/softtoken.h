/* softtoken - a softhsm2 token in a folder of its own, which ends with the test. */
#ifndef KW_TESTS_SUPPORT_SOFTTOKEN_H
#define KW_TESTS_SUPPORT_SOFTTOKEN_H

#include "pool/base.h"
#include "tests/support/suite.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define SOFT_LABEL "test token"
#define SOFT_PIN   "1234-abcd"

static inline const char *soft_module(void)
{
    static const char *const paths[] = {
        "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (access(paths[i], R_OK) == 0)
            return paths[i];
    }
    return NULL;
}

struct softtoken {
    char top[64];
};

/* Before the module is loaded: it reads its configuration once. */
static inline void softtoken_init(struct softtoken *token)
{
    char path[96], command[256];
    FILE *file;

    snprintf(token->top, sizeof(token->top), "/tmp/keywell-token-XXXXXX");
    kw_assert(mkdtemp(token->top) != NULL);
    snprintf(path, sizeof(path), "%s/softhsm2.conf", token->top);
    file = fopen(path, "w");
    kw_assert(file != NULL);
    fprintf(file, "directories.tokendir = %s\nlog.level = ERROR\n", token->top);
    fclose(file);
    setenv("SOFTHSM2_CONF", path, 1);
    snprintf(command, sizeof(command),
        "softhsm2-util --init-token --free --label '" SOFT_LABEL "' --pin '" SOFT_PIN
        "' --so-pin so-pin-1 >%s/log 2>&1",
        token->top);
    kw_assert(system(command) == 0); /* plainly: outside of tests too */
}

static inline void softtoken_done(struct softtoken *token)
{
    char command[96];

    snprintf(command, sizeof(command), "rm -rf '%s'", token->top);
    kw_assert(system(command) == 0); /* plainly: outside of tests too */
}

#endif
