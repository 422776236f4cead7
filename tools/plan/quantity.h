/* quantity - numbers with units, as people write them: rates, times, shares, sizes. Pure.
 *
 * All take the whole text: a number, then a unit without a blank. Digits, one point; no sign, no exponent.
 */
#ifndef KW_TOOLS_PLAN_QUANTITY_H
#define KW_TOOLS_PLAN_QUANTITY_H

#include "pool/bytes.h"

/* kw_quantity_rate() - "1200", "0.5", "1.2k", "3M", "1G"; per second. Returns: 0 | 1 (malformed, or above
 * 1e12) */
KW_MUST_CHECK int kw_quantity_rate(struct kw_bytes text, double *ret);
/* kw_quantity_time() - "20us", "1.5ms", "3s", "3", "5m", "24h", "7d"; in seconds. Returns: 0 | 1 (malformed,
 * or above ten years) */
KW_MUST_CHECK int kw_quantity_time(struct kw_bytes text, double *ret);
/* kw_quantity_share() - "0.001" or "0.1%"; 0 to 1. Returns: 0 | 1 */
KW_MUST_CHECK int kw_quantity_share(struct kw_bytes text, double *ret);
/* kw_quantity_bytes() - "1048576", "512K" or "512KiB", M, G, T alike: powers of 1024. Returns: 0 | 1 */
KW_MUST_CHECK int kw_quantity_bytes(struct kw_bytes text, double *ret);
/* kw_quantity_number() - without a unit. Returns: 0 | 1 */
KW_MUST_CHECK int kw_quantity_number(struct kw_bytes text, double *ret);

/* The other way: at most KW_QUANTITY_MAX bytes with the NUL, three or four digits that count. INFINITY is
 * "never" for times, "-" else. */
#define KW_QUANTITY_MAX 32u
char *kw_quantity_show_rate(double per_s, char ret[KW_QUANTITY_MAX]);
char *kw_quantity_show_time(double seconds, char ret[KW_QUANTITY_MAX]);
char *kw_quantity_show_share(double share, char ret[KW_QUANTITY_MAX]);
char *kw_quantity_show_bytes(double bytes, char ret[KW_QUANTITY_MAX]);

#endif
