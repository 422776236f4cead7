/* loadtally - what came of the requests: latencies, errors by type, misses. */
#ifndef KW_TOOLS_LOADTALLY_H
#define KW_TOOLS_LOADTALLY_H

#include "tools/loadhdr.h"

#define KW_LOAD_ERRORS_MAX 32u /* types told apart; the rest is "other" */
#define KW_LOAD_ERROR_LEN  64u

struct kw_load_error {
    char name[KW_LOAD_ERROR_LEN];
    uint64_t num;
};

struct kw_load_tally {
    uint64_t due;      /* requests that should have been sent */
    uint64_t good;     /* answered with 200; they have the latencies */
    uint64_t failed;   /* answered otherwise, or not at all */
    uint64_t misses;   /* good, but the server had to wait for a key pair */
    uint64_t bytes_in; /* bodies of answers */
    double seconds;    /* how long they were due: the window that was measured */
    double span;       /* from the window's start to the last answer, but at least seconds */
    unsigned num_errors;
    struct kw_load_error errors[KW_LOAD_ERRORS_MAX + 1];
    struct kw_hdr latency; /* from the moment at which the request was due */
};

void kw_load_tally_init(struct kw_load_tally *tally);
void kw_load_tally_reset(struct kw_load_tally *tally);
/* Counts a failure under its name. */
void kw_load_tally_error(struct kw_load_tally *tally, const char *name, uint64_t num);
/* Counts are added; seconds and span stay as they are. */
void kw_load_tally_add(struct kw_load_tally *to, const struct kw_load_tally *from);

/* Requests that came due a second, and good answers a second. */
double kw_load_tally_asked(const struct kw_load_tally *tally);
double kw_load_tally_achieved(const struct kw_load_tally *tally);

#endif
