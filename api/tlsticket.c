#include "api/tlsticket.h"

#include "engine/drbg.h"
#include "pool/secmem.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>

#define NAME_LEN 16

/* RFC 5077 section 4: encrypted with AES (256 bits here), then HMAC-SHA256 over it. */
struct ticket_key {
    uint8_t name[NAME_LEN];
    uint8_t cipher[32];
    uint8_t mac[32];
};

struct kw_tls_tickets {
    pthread_mutex_t lock;
    struct ticket_key seals, opens; /* opens: the one before; all zero at first, a name that nobody has */
    uint64_t sealing_since_ns;
    bool has_before;
    EVP_CIPHER *cipher;
};

static int draw(struct ticket_key *ret)
{
    KW_DRBG struct kw_drbg *drbg = NULL; /* once an hour */

    KW_TRY(kw_drbg_new(&drbg, NULL));
    return kw_drbg_bytes(drbg, ret, sizeof(*ret));
}

int kw_tls_tickets_new(struct kw_tls_tickets **ret)
{
    struct kw_tls_tickets *tickets = kw_secmem_alloc(sizeof(*tickets));
    int r = tickets == NULL ? -ENOMEM : draw(&tickets->seals);

    if (r == 0 && (tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL)) == NULL)
        r = KW_EOPENSSL;
    if (r < 0) {
        kw_secmem_free(tickets);
        return r;
    }
    pthread_mutex_init(&tickets->lock, NULL);
    tickets->sealing_since_ns = kw_now_ns();
    *ret = tickets;
    return 0;
}

void kw_tls_tickets_free(struct kw_tls_tickets *tickets)
{
    if (tickets == NULL)
        return;
    pthread_mutex_destroy(&tickets->lock);
    EVP_CIPHER_free(tickets->cipher);
    kw_secmem_free(tickets);
}

/* The new key is drawn by the caller, without the lock. */
static void replace(struct kw_tls_tickets *tickets, const struct ticket_key *next, uint64_t now_ns)
{
    tickets->opens = tickets->seals;
    tickets->has_before = true;
    tickets->seals = *next;
    tickets->sealing_since_ns = now_ns;
}

int kw_tls_tickets_rotate(struct kw_tls_tickets *tickets)
{
    struct ticket_key next;
    KW_ERASE_GUARD(next);

    KW_TRY(draw(&next));
    pthread_mutex_lock(&tickets->lock);
    replace(tickets, &next, kw_now_ns());
    pthread_mutex_unlock(&tickets->lock);
    return 0;
}

static uint64_t age_ns(struct kw_tls_tickets *tickets)
{
    uint64_t now_ns = kw_now_ns(), age;

    pthread_mutex_lock(&tickets->lock);
    age = now_ns - tickets->sealing_since_ns;
    pthread_mutex_unlock(&tickets->lock);
    return age;
}

/* Two threads may find the key old at once and replace it twice: that costs a few sessions their resumption.
 * A key that cannot be replaced goes on sealing: the system has no entropy, and has worse problems. */
static void rotate_in_time(struct kw_tls_tickets *tickets)
{
    uint64_t lap_ns = (uint64_t)KW_TLS_TICKET_ROTATE_S * 1000000000u, age = age_ns(tickets);

    for (unsigned lap = 1; lap <= 2 && age >= lap * lap_ns;
         lap++) { /* after two, the one before is too old as well */
        if (kw_tls_tickets_rotate(tickets) < 0)
            return;
    }
}

static struct ticket_key copy_sealing(struct kw_tls_tickets *tickets)
{
    struct ticket_key key;

    pthread_mutex_lock(&tickets->lock);
    key = tickets->seals;
    pthread_mutex_unlock(&tickets->lock);
    return key;
}

/* Names are no secret. Returns: 0 | 1 (nobody's) | 2 (of the key before) */
static int find(struct kw_tls_tickets *tickets, const uint8_t name[NAME_LEN], struct ticket_key *ret)
{
    int r = 1;

    pthread_mutex_lock(&tickets->lock);
    if (memcmp(name, tickets->seals.name, NAME_LEN) == 0) {
        *ret = tickets->seals;
        r = 0;
    } else if (tickets->has_before && memcmp(name, tickets->opens.name, NAME_LEN) == 0) {
        *ret = tickets->opens;
        r = 2;
    }
    pthread_mutex_unlock(&tickets->lock);
    return r;
}

static int set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params);
}

static int seal(struct kw_tls_tickets *tickets, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    struct ticket_key key;
    KW_ERASE_GUARD(key);

    rotate_in_time(tickets);
    key = copy_sealing(tickets);
    memcpy(name, key.name, NAME_LEN);
    /* OpenSSL's own generator, from which the handshake around this draws too. */
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(tickets->cipher)) != 1 || set_mac(mac, &key) != 1)
        return -1;
    return EVP_EncryptInit_ex2(cipher, tickets->cipher, key.cipher, iv, NULL) == 1 ? 1 : -1;
}

/* OpenSSL's conditions: 1 opened, 2 opened and a fresh ticket is due, 0 unknown (a full handshake follows).
 */
static int open_with(struct kw_tls_tickets *tickets, const unsigned char *name, const unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    struct ticket_key key;
    KW_ERASE_GUARD(key);
    int r;

    rotate_in_time(tickets);
    r = find(tickets, name, &key);
    if (r == 1)
        return 0;
    if (set_mac(mac, &key) != 1 || EVP_DecryptInit_ex2(cipher, tickets->cipher, key.cipher, iv, NULL) != 1)
        return -1;
    return r == 0 ? 1 : 2;
}

static int on_ticket(
    SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
    struct kw_tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    return sealing ? seal(tickets, name, iv, cipher, mac) : open_with(tickets, name, iv, cipher, mac);
}

int kw_tls_tickets_install(struct kw_tls_tickets *tickets, SSL_CTX *context)
{
    KW_SSL(SSL_CTX_set_app_data(context, tickets));
    KW_SSL(SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket));
    (void)SSL_CTX_set_timeout(context, KW_TLS_TICKET_LIFETIME_S);
    return 0;
}
