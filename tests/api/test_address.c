#include "api/address.h"

#include "tests/support/suite.h"

#include <sys/socket.h>
#include <unistd.h>

static struct kw_address parsed(const char *text)
{
    struct kw_address address;

    ck_assert_msg(kw_address_parse(text, &address) == 0, "%s", text);
    return address;
}

START_TEST(test_parse_and_format)
{
    static const char *const same[] = {"127.0.0.1:80", "0.0.0.0:0", "[::1]:65535", "[fe80::1]:1"};
    static const char *const bad[] = {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:8x", "127.0.0.1:+8", "1.2.3:4", "example.org:80", "::1:80", "[::1]", "[::1]80", "[::1",
        "[127.0.0.1]:80", "1234567890123456789012345678901234567890:1"};
    char text[KW_ADDRESS_TEXT_MAX];
    struct kw_address address;

    for (size_t i = 0; i < KW_ARRAY_LEN(same); i++) {
        address = parsed(same[i]);
        kw_address_format(&address, text);
        ck_assert_str_eq(text, same[i]);
    }
    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(kw_address_parse(bad[i], &address) == 1, "%s", bad[i]);
    address = parsed("localhost:81");
    kw_address_format(&address, text);
    ck_assert_str_eq(text, "127.0.0.1:81");
}
END_TEST

START_TEST(test_loopback)
{
    struct kw_address address = parsed("127.3.2.1:0");

    ck_assert(kw_address_is_loopback(&address));
    address = parsed("[::1]:0");
    ck_assert(kw_address_is_loopback(&address));
    address = parsed("0.0.0.0:0");
    ck_assert(!kw_address_is_loopback(&address));
    address = parsed("10.0.0.1:0");
    ck_assert(!kw_address_is_loopback(&address));
    address = parsed("[::]:0");
    ck_assert(!kw_address_is_loopback(&address));
}
END_TEST

START_TEST(test_claim_is_exclusive)
{
    struct kw_address first = parsed("127.0.0.1:0"), second;
    int claim, other, listener, sibling;

    ck_assert_int_eq(kw_address_claim(&first, &claim), 0);
    ck_assert_int_ne(first.in4.sin_port, 0);
    second = first;
    /* Claimed but not yet listening, and listening: neither lets a second server in. */
    ck_assert_int_eq(kw_address_claim(&second, &other), -EADDRINUSE);
    ck_assert_int_eq(kw_address_listen(&first, &listener), 0);
    ck_assert_int_eq(kw_address_claim(&second, &other), -EADDRINUSE);
    ck_assert_int_eq(kw_address_listen(&first, &sibling), 0);
    close(sibling);
    close(listener);
    close(claim);
    ck_assert_int_eq(kw_address_claim(&second, &other), 0);
    close(other);
}
END_TEST

START_TEST(test_claim_sees_strangers)
{
    struct kw_address address = parsed("127.0.0.1:0"), wild;
    int one = 1, claim, fd = socket(AF_INET, SOCK_STREAM, 0);

    /* Another program with SO_REUSEPORT, on every address. */
    wild = parsed("0.0.0.0:0");
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
    ck_assert_int_eq(bind(fd, &wild.any, wild.len), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, &wild.any, &wild.len), 0);
    address.in4.sin_port = wild.in4.sin_port;
    ck_assert_int_eq(kw_address_claim(&address, &claim), -EADDRINUSE);
    close(fd);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_parse_and_format);
    tcase_add_test(tcase, test_loopback);
    tcase_add_test(tcase, test_claim_is_exclusive);
    tcase_add_test(tcase, test_claim_sees_strangers);
}

int main(void)
{
    return kw_suite_run("address", add, 30);
}
