/* token - a PKCS#11 token with a thread of its own, since its calls may be slow: requests go in through an
 * inbox and come back through the mailbox of who sent them.
 *
 * What the thread alone has: the session, the PIN while it is connected. What all may read: the state of the
 * connection.
 */
#ifndef KW_API_TOKEN_H
#define KW_API_TOKEN_H

#include "api/pkcs11.h"
#include "api/store.h"

struct kw_token;

/* Where the connection is, in the words of the KMS API's ConnectionState. */
enum kw_token_state {
    KW_TOKEN_DISCONNECTED,
    KW_TOKEN_CONNECTING,
    KW_TOKEN_CONNECTED,
    KW_TOKEN_FAILED, /* until it is disconnected */
    KW_TOKEN_DISCONNECTING,
    KW_TOKEN_STATE_NUM,
};
const char *kw_token_state_name(enum kw_token_state state);
/* ConnectionErrorCode for a condition of kw_pkcs11_open(). */
const char *kw_token_error_name(int condition);

struct kw_token_status {
    enum kw_token_state state;
    int condition; /* FAILED: why (pkcs11.h) */
};

/* kw_token_new() - loads the module and starts the thread. Out on failure: why. Returns: 0 | <0 */
KW_MUST_CHECK int kw_token_new(
    struct kw_token **ret, const char *module, const char *label, char *why, size_t why_cap);
/* Ends the thread and frees; a thread that a module holds for longer than a second is left to itself, with
 * all that it uses. Nobody waits for a request any more. NULL is fine. */
void kw_token_free(struct kw_token *token);

/* Any thread, lock-free. */
struct kw_token_status kw_token_status(const struct kw_token *token);
/* Disconnected, it begins to connect; else nothing. Secret: pin, which is copied. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_token_connect(struct kw_token *token, struct kw_bytes pin);
/* Connected, connecting or failed, it begins to disconnect; else nothing. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_token_disconnect(struct kw_token *token);
/* Destroys a key, if it is connected; nobody waits for it. */
void kw_token_discard(struct kw_token *token, const char *label);

/* ---- requests ---- */

enum kw_token_job {
    KW_TOKEN_CONNECT, /* these two and DISCARD are the token's own */
    KW_TOKEN_DISCONNECT,
    KW_TOKEN_DISCARD,
    KW_TOKEN_MAKE,   /* a key of that label */
    KW_TOKEN_SEAL,   /* in -> out, iv; with aad */
    KW_TOKEN_UNSEAL, /* the same back */
    KW_TOKEN_RANDOM, /* len bytes -> out */
};

/* Requests that a token has before it at once; more are refused, so that a token that hangs holds up neither
 * memory nor callers without end. */
#define KW_TOKEN_REQUESTS_MAX 1024u
/* How long a call waits for its token. */
#define KW_TOKEN_WAIT_MS 3000u

enum {
    KW_TOKEN_BUSY = 100,          /* submit: too many before it */
    KW_TOKEN_NOT_CONNECTED = 101, /* the result of a request that came too late */
};

/* In secret memory. Its maker's until it is submitted, then the token's until it is back. */
struct kw_token_request {
    struct kw_inbox_node node; /* first: used on the way there and back */
    enum kw_token_job job;
    char label[KW_KEY_LABEL_MAX + 1];
    uint8_t iv[KW_PKCS11_IV_LEN];
    size_t len;
    struct kw_sbuf aad, in, out;
    int result;               /* 0, a condition of pkcs11.h, KW_TOKEN_NOT_CONNECTED or <0 */
    struct kw_mailbox *reply; /* NULL: nobody waits, the token frees it */
    void *owner;              /* of who waits */
    _Atomic int waited_for;   /* see token.c */
};

/* Returns NULL if out of memory. */
KW_MUST_CHECK struct kw_token_request *kw_token_request_new(enum kw_token_job job);
void kw_token_request_free(struct kw_token_request *request);
/* Returns: 0 | KW_TOKEN_BUSY (it is still the caller's) */
KW_MUST_CHECK int kw_token_submit(struct kw_token *token, struct kw_token_request *request);
/* The one who waits gives up. True: the request is the token's for good, and a key that it makes is destroyed
 * again; false: it is on its way back already, and will come. */
KW_MUST_CHECK bool kw_token_abandon(struct kw_token_request *request);

#endif
