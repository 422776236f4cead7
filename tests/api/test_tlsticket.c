#include "api/tlsticket.h"
#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <openssl/ssl.h>

/* That tickets are sealed and opened, and what a rotation does to them, is seen on connections: test_tls.c.
 */

START_TEST(test_install)
{
    struct kw_tls_tickets *tickets = NULL;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    ck_assert_int_eq(kw_tls_tickets_new(&tickets), 0);
    ck_assert_int_eq(kw_tls_tickets_install(tickets, context), 0);
    /* A ticket is not good for longer than its key is kept. */
    ck_assert_int_eq(SSL_CTX_get_timeout(context), KW_TLS_TICKET_LIFETIME_S);
    ck_assert_uint_le(KW_TLS_TICKET_LIFETIME_S, KW_TLS_TICKET_ROTATE_S);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(kw_tls_tickets_rotate(tickets), 0);
    SSL_CTX_free(context);
    kw_tls_tickets_free(tickets);
    kw_tls_tickets_free(NULL);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_install);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("tlsticket", add, 20);
}
