/* loadsettings - the command line of keywell-load. */
#ifndef KW_TOOLS_LOADSETTINGS_H
#define KW_TOOLS_LOADSETTINGS_H

#include "tools/loadreport.h"

struct kw_load_settings {
    struct kw_load_plan plan; /* as far as the command line fills it */
    struct kw_load_report report;
    const char *region, *profile, *key_id;
    const char *mix;
    const char *static_path; /* a plain GET instead of operations */
    char *context[KW_LOAD_CONTEXT_MAX];
    unsigned num_context;
    unsigned num_rates;
    double rates[KW_LOAD_RATES_MAX];
    double sweep_low, sweep_high; /* 0: no sweep */
    struct kw_load_schedule schedule;
    bool has_duration;
    const char *ca_bundle;
    bool insecure, invocation_ids, no_probe, progress, quiet, version;
    const char *json, *hdr_log, *svg;
};

/* kw_load_settings_parse() - Prints what is wrong. Returns: 0 | 1 (bad usage) | 2 (--help was asked for) */
KW_MUST_CHECK int kw_load_settings_parse(struct kw_load_settings *ret, int argc, char **argv);
void kw_load_settings_help(void);

#endif
