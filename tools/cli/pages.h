/* pages - a list that comes in pages as one, and where to go on.
 *
 * As the AWS CLI does it: at most --max-items items, and then a NextToken, which is base64 of JSON that names
 * the service's marker and how many items of that page were printed already.
 */
#ifndef KW_TOOLS_CLI_PAGES_H
#define KW_TOOLS_CLI_PAGES_H

#include "tools/cli/client.h"

struct kw_page_token {
    json_t *marker; /* a string or null; NULL: none */
    int64_t skip;   /* items of that page */
};
/* What is no token of this kind is a marker of the service. */
void kw_page_token_read(const char *text, struct kw_page_token *ret);
/* NULL: no memory. */
json_t *kw_page_token_make(const json_t *marker, int64_t skip);

/* A page is given shaped as it is printed. Returns: 0 to go on | 1 */
typedef int (*kw_page_sink)(void *arg, json_t *page);

/* What the sink gets. */
enum kw_page_form {
    KW_PAGES_WHOLE,   /* once: {RESULT_KEY: all items}, and a NextToken if there are more */
    KW_PAGES_LISTS,   /* {RESULT_KEY: items} of each page, and at last {"NextToken": {"NextToken": ...}} */
    KW_PAGES_ANSWERS, /* each answer as it came, without the items that are not wanted */
};

struct kw_pages {
    struct kw_client *client;
    int64_t max_items; /* <0: all */
    const char *starting_token;
    enum kw_page_form form;
    bool wire_time;
    kw_page_sink sink;
    void *arg;
};
/* kw_pages_run() - In: input, changed on the way. Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_pages_run(const struct kw_pages *pages, json_t *input, struct kw_trouble *trouble);

#endif
