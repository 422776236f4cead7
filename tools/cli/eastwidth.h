/* eastwidth - which characters take two columns on a terminal. Constant. */
#ifndef KW_TOOLS_CLI_EASTWIDTH_H
#define KW_TOOLS_CLI_EASTWIDTH_H

#include "pool/base.h"

struct kw_wide_range {
    uint32_t first, last;
};

/* Sorted. */
extern const struct kw_wide_range kw_wide_ranges[];
extern const size_t kw_wide_ranges_num;

#endif
