/* seedrun - makes what a seed (seed.h) says on a running server, and leaves what is there as it is. */
#ifndef KW_TOOLS_SEEDRUN_H
#define KW_TOOLS_SEEDRUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct kw_seedrun {
    const char *data;        /* the server's data folder */
    const char *file;        /* as complaints name the seed */
    const char *region;      /* of keys */
    const char *credentials; /* file to append new access keys to; NULL: users get none */
    const char *ca_bundle;   /* to check the server's certificate against; "": the system's */
    bool dry_run;            /* looks only */
};

/* kw_seedrun() - a line on standard output for each thing made or there already. Principals first, since key
 * policies may name them. Out on failure: why, naming file, line and column; what was made by then stays, and
 * another run goes on from there. Returns: 0 | 1 */
int kw_seedrun(const struct kw_seedrun *run, const json_t *seed, char *why, size_t why_cap);

#endif
