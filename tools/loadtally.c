#include "tools/loadtally.h"

#include <stdio.h>

void kw_load_tally_init(struct kw_load_tally *tally)
{
    memset(tally, 0, offsetof(struct kw_load_tally, latency));
    kw_hdr_init(&tally->latency);
}

void kw_load_tally_reset(struct kw_load_tally *tally)
{
    memset(tally, 0, offsetof(struct kw_load_tally, latency));
    kw_hdr_reset(&tally->latency);
}

/* The last entry takes all that come when the others are in use. */
static struct kw_load_error *entry_of(struct kw_load_tally *tally, const char *name)
{
    struct kw_load_error *entry;

    for (unsigned i = 0; i < tally->num_errors; i++) {
        if (strcmp(tally->errors[i].name, name) == 0)
            return &tally->errors[i];
    }
    if (tally->num_errors > KW_LOAD_ERRORS_MAX)
        return &tally->errors[KW_LOAD_ERRORS_MAX];
    entry = &tally->errors[tally->num_errors++];
    snprintf(entry->name, sizeof(entry->name), "%s", tally->num_errors > KW_LOAD_ERRORS_MAX ? "other" : name);
    return entry;
}

void kw_load_tally_error(struct kw_load_tally *tally, const char *name, uint64_t num)
{
    if (num == 0)
        return;
    entry_of(tally, name)->num += num;
    tally->failed += num;
}

void kw_load_tally_add(struct kw_load_tally *to, const struct kw_load_tally *from)
{
    to->due += from->due;
    to->good += from->good;
    to->misses += from->misses;
    to->bytes_in += from->bytes_in;
    for (unsigned i = 0; i < from->num_errors; i++)
        kw_load_tally_error(to, from->errors[i].name, from->errors[i].num);
    kw_hdr_add(&to->latency, &from->latency);
}

double kw_load_tally_asked(const struct kw_load_tally *tally)
{
    return tally->seconds > 0 ? (double)tally->due / tally->seconds : 0;
}

double kw_load_tally_achieved(const struct kw_load_tally *tally)
{
    return tally->span > 0 ? (double)tally->good / tally->span : 0;
}
