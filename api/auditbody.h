/* auditbody - is a text what a line of the audit log may be? The check that each record passes before it is
 * chained, and each line when it is read.
 *
 * Pure.
 */
#ifndef KW_API_AUDITBODY_H
#define KW_API_AUDITBODY_H

#include "pool/bytes.h"

/* True if text, put behind "{", is one JSON object on one line, as far as strings and braces go: it begins
 * with a quote, no byte is below 0x20, and the brace that ends the object is the last byte, so that two lines
 * that lost the newline between them are not one. */
KW_MUST_CHECK bool kw_auditbody_is_tail(struct kw_bytes text);

#endif
