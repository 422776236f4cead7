/* http_class - what each byte may be part of in the head of a request.
 *
 * Thread-safety: constant data.
 */
#ifndef KW_API_HTTP_CLASS_H
#define KW_API_HTTP_CLASS_H

#include <stdint.h>

enum {
    KW_HTTP_TOKEN = 1,  /* RFC 9110 5.6.2 tchar */
    KW_HTTP_TARGET = 2, /* RFC 3986 3.3 and 3.4: what a path or a query may hold, '%' judged apart */
    KW_HTTP_TEXT = 4,   /* RFC 9110 5.5: field-vchar, SP, HTAB and obs-text */
    KW_HTTP_HOST = 8,   /* RFC 3986 3.2.2 and 3.2.3: reg-name, IP literal and port, '%' not among them */
    KW_HTTP_ANY = KW_HTTP_TOKEN | KW_HTTP_TARGET | KW_HTTP_TEXT | KW_HTTP_HOST,
};

/* The classes that a byte belongs to, as a sum: one look-up for each byte of a head. */
extern const uint8_t kw_http_class[256];

#endif
