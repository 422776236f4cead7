/* plaintext - a secret of an answer into a file of its own, as bytes. */
#ifndef KW_TOOLS_CLI_PLAINTEXT_H
#define KW_TOOLS_CLI_PLAINTEXT_H

#include "tools/cli/trouble.h"

#include <jansson.h>

struct kw_plaintext {
    const char *path;
    int fd; /* -1: not open */
};

/* kw_plaintext_open() - makes the file before anything is asked for, so that no secret comes that has no
 * place: new, not through a link, mode 0600. Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_plaintext_open(const char *path, struct kw_plaintext *ret, struct kw_trouble *trouble);
/* kw_plaintext_move() - the member of answer goes into the file, which is synced and closed, and out of the
 * answer. Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_plaintext_move(
    struct kw_plaintext *plaintext, json_t *answer, const char *member, struct kw_trouble *trouble);
/* Removes a file into which nothing was moved. */
void kw_plaintext_abandon(struct kw_plaintext *plaintext);

#endif
