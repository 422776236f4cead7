/* region - names of AWS regions: which are served, and the partition that each belongs to.
 *
 * Pure. One server serves every region that a signature names and its configuration allows; keys, aliases and
 * ARNs of different regions have nothing to do with each other.
 */
#ifndef KW_API_REGION_H
#define KW_API_REGION_H

#include "pool/bytes.h"
#include "pool/limits.h"

/* A name as the service model has it: two or three words of lower-case letters and a number, joined by '-';
 * at most KW_REGION_MAX characters. */
KW_MUST_CHECK bool kw_region_valid(struct kw_bytes name);
/* Is it one of a list, separated by commas? NULL is a list of all. */
KW_MUST_CHECK bool kw_region_in(struct kw_bytes name, const char *list);
/* "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b" ... by the region's first letters. */
const char *kw_region_partition(const char *region);
/* The China Regions have SM2, the others have not. */
KW_MUST_CHECK bool kw_region_is_chinese(const char *region);

#endif
