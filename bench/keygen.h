/* keygen - the parts of the benchmark of that name: a measurement, on one core and on several, and its
 * report. */
#ifndef KW_BENCH_KEYGEN_H
#define KW_BENCH_KEYGEN_H

#include "bench/ec_parts.h"
#include "bench/ifma_rate.h"
#include "bench/seat.h"
#include "bench/stages.h"
#include "engine/ec/generator_ec.h"

/* Who takes turns. */
enum kw_entrant {
    KW_ENTRANT_OURS,
    KW_ENTRANT_OPENSSL,
    /* For curves only. */
    KW_ENTRANT_PORTABLE, /* ours on the portable path, where that is not the one asked for */
    KW_ENTRANT_UNTESTED, /* ours without the pairwise test */
    KW_ENTRANT_BARE,     /* OpenSSL without test and encoders */
    KW_ENTRANT_PARTS,    /* ours, part by part (ec_parts.h) */
    KW_ENTRANT_NUM,
};

struct kw_keygen_options {
    enum kw_spec spec;
    enum kw_cpu_path path;
    double seconds;
    const struct kw_side *openssl; /* NULL: the one that fits the spec */
    unsigned cpu;                  /* the core to sit on */
    unsigned cores;                /* cores to make pairs on at once, afterwards; 0: not */
};

/* On several cores at once, beside one. */
struct kw_keygen_cores {
    unsigned num;         /* 0: not measured */
    struct kw_figure one; /* pairs per second */
    struct kw_figure all; /* of all cores together: the sum of each one's rate in its CPU time */
    double all_by_wall;   /* pairs of all cores in a second of wall time */
    double one_by_wall;
    struct kw_figure efficiency; /* all / (num * one) */
};

/* What is known of a curve only. */
struct kw_keygen_ec {
    bool known;
    struct kw_ec_plan plan;
    struct kw_turns parts[KW_EC_PART_NUM];
};

struct kw_keygen_result {
    bool interrupted;
    char cpu_model[64];
    const char *generator;
    struct kw_turns turns[KW_ENTRANT_NUM]; /* none of who did not take part */
    struct kw_stages stages;
    struct kw_keygen_ec ec;
    const struct kw_side *openssl_side;
    bool openssl_apart; /* in a process of its own */
    char openssl_version[64];
    double ifma_per_ns; /* NAN if the core has no such instruction */
    struct kw_keygen_cores cores;
};

/* kw_keygen_measure() - all in turns, on the calling thread's core. Returns: 0 | <0, said on
 * stderr */
KW_MUST_CHECK int kw_keygen_measure(const struct kw_keygen_options *options, struct kw_keygen_result *ret);
/* kw_keygen_measure_cores() - on the first one and on all of the cores, in turns. Returns: 0 | <0, said on
 * stderr */
KW_MUST_CHECK int kw_keygen_measure_cores(
    const struct kw_keygen_options *options, const unsigned *cpus, struct kw_keygen_cores *ret);

/* What follows from the measurements. */
struct kw_keygen_outcome {
    struct kw_figure rates[KW_ENTRANT_NUM]; /* pairs per second */
    struct kw_figure ratio;                 /* ours to OpenSSL's */
    struct kw_figure ratio_to_bare; /* ours, finished, to what OpenSSL makes without test and encoders */
    double limit;
    struct kw_figure share_of_limit;
    struct kw_figure keys;         /* public keys per second, by the kernel alone */
    double ifma_per_key;           /* as long as so many IFMA instructions take; NAN on the portable path */
    double shares[KW_EC_PART_NUM]; /* of the time that a finished pair takes */
    double share_other;            /* the rest of it */
};

void kw_keygen_outcome(const struct kw_keygen_options *options, const struct kw_keygen_result *result,
    struct kw_keygen_outcome *ret);
void kw_keygen_print(const struct kw_keygen_options *options, const struct kw_keygen_result *result);
/* One object on a line of its own. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_keygen_print_json(
    const struct kw_keygen_options *options, const struct kw_keygen_result *result);

#endif
