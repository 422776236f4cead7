/* client - calls operations of a server in this process over its listener, signed as its administrator.
 *
 * One thread; whatever fails aborts the test.
 */
#ifndef KW_TESTS_STRESS_CLIENT_H
#define KW_TESTS_STRESS_CLIENT_H

#include "api/address.h"
#include "api/sigv4.h"

struct client {
    int fd;
    struct kw_sigv4_engine *engine;
    char access_key_id[64];
    char secret_access_key[64];
    char answer[64 * 1024]; /* the last one: head and body, NUL-terminated */
};

/* In: data_dir, the server's folder with its file of credentials. */
void client_open(struct client *client, const struct kw_address *address, const char *data_dir);
void client_close(struct client *client);
/* Region us-east-1. Returns the status of the answer. */
unsigned client_call(struct client *client, const char *operation, const char *body);
/* The string member of that name in the last answer. */
void client_member(const struct client *client, const char *name, char *ret, size_t cap);

#endif
