/* trouble - why a command line ends without a result: the exit status and the text for standard error.
 *
 * The numbers are those of the AWS CLI 2, so that scripts can tell mistakes of their own from refusals.
 */
#ifndef KW_TOOLS_CLI_TROUBLE_H
#define KW_TOOLS_CLI_TROUBLE_H

#include "pool/sbuf.h"

enum {
    KW_CLI_USAGE = 252,   /* the command line, or a value in it */
    KW_CLI_CONFIG = 253,  /* no credentials, no region */
    KW_CLI_SERVICE = 254, /* the service refused */
    KW_CLI_GENERAL = 255, /* everything else */
};

#define KW_TROUBLE_MAX (1024u * 1024u)

struct kw_trouble {
    int status; /* 0: none so far */
    struct kw_sbuf text;
};
#define KW_TROUBLE_INIT ((struct kw_trouble){.text = KW_SBUF_INIT(KW_TROUBLE_MAX)})

/* Sets it, in place of what was there. Returns 1, so that it can end a function that fails with that. Secret:
 * nothing in it may be one. */
int kw_trouble(struct kw_trouble *trouble, int status, const char *format, ...) KW_PRINTF(3, 4);
/* Puts text before what is there. */
void kw_trouble_prefix(struct kw_trouble *trouble, const char *format, ...) KW_PRINTF(2, 3);
/* NUL-terminated. */
const char *kw_trouble_text(struct kw_trouble *trouble);
void kw_trouble_done(struct kw_trouble *trouble);
#define KW_TROUBLE KW_CLEANUP(kw_trouble_done)

#endif
