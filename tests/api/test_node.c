/* A whole server in this process: start, health, refusals to start, stop, start again. */
#include "api/node.h"

#include "api/json.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/keywell-node-XXXXXX";
static struct kw_node_config config;

static void set_up_config(void)
{
    ck_assert_int_eq(kw_node_defaults(&config), 0);
    config.data_dir = folder;
    memset(config.capacity, 0, sizeof(config.capacity));
    config.capacity[KW_SPEC_ECC_NIST_P256] = 8;
    config.capacity[KW_SPEC_ECC_NIST_EDWARDS25519] = 8;
    config.has_admin = true;
    ck_assert_int_eq(kw_address_parse("127.0.0.1:0", &config.listen), 0);
    ck_assert_int_eq(kw_address_parse("127.0.0.1:0", &config.admin), 0);
}

static struct kw_node *start(void)
{
    struct kw_node *node = NULL;
    char why[512] = "";

    ck_assert_msg(kw_node_start(&node, &config, why, sizeof(why)) == 0, "%s", why);
    return node;
}

static void expect_refusal(const char *part)
{
    struct kw_node *node = NULL;
    char why[512] = "";

    ck_assert_int_lt(kw_node_start(&node, &config, why, sizeof(why)), 0);
    ck_assert_msg(strstr(why, part) != NULL, "%s", why);
}

static void ask(const struct kw_address *address, const char *request, char *text, size_t cap)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t len = 0;
    ssize_t n;

    ck_assert_int_eq(connect(fd, &address->any, address->len), 0);
    ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    while (len < cap - 1 && (n = recv(fd, text + len, cap - 1 - len, 0)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    close(fd);
}

static void get(const struct kw_node *node, const char *path, char *text, size_t cap)
{
    char request[128];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path);
    ask(kw_node_admin_address(node), request, text, cap);
}

START_TEST(test_serves)
{
    struct kw_node *node = start();
    static char text[256 * 1024];
    char path[64];
    struct stat info;

    for (unsigned i = 0; i < 500; i++) {
        get(node, "/readyz", text, sizeof(text));
        if (strncmp(text, "HTTP/1.1 200", 12) == 0)
            break;
        ck_assert_int_eq(strncmp(text, "HTTP/1.1 503", 12), 0);
        usleep(10000);
    }
    ck_assert_ptr_nonnull(strstr(text, "{\"ready\":true"));
    get(node, "/livez", text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "{\"live\":true}"));
    get(node, "/pools", text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "\"spec\":\"ECC_NIST_P256\""));
    ck_assert_ptr_null(strstr(text, "RSA_2048"));
    get(node, "/metrics", text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "\nkeywell_pool_capacity{spec=\"ECC_NIST_P256\"} 8\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nkeywell_audit_healthy 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nkeywell_requests_total{operation=\"Decrypt\",result=\"ok\"} 0\n"));
    get(node, "/nothing", text, sizeof(text));
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 404", 12), 0);
    ask(kw_node_address(node),
        "POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: TrentService.ListKeys\r\nConnection: "
        "close\r\nContent-Length: 0\r\n\r\n",
        text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "\r\nx-amzn-RequestId: "));
    ck_assert_ptr_nonnull(strstr(text,
        "{\"__type\":\"MissingAuthenticationTokenException\",\"message\":\"Missing Authentication Token\"}"));
    snprintf(path, sizeof(path), "%s/run.json", folder);
    ck_assert_int_eq(stat(path, &info), 0);
    kw_node_stop(node);
    ck_assert_int_lt(stat(path, &info), 0);
}
END_TEST

START_TEST(test_refuses_to_start)
{
    struct kw_node *node = start();

    expect_refusal("in use");
    config.listen = *kw_node_address(node);
    config.data_dir = "/tmp/keywell-node-other";
    expect_refusal("in use by another server");
    ck_assert_int_eq(kw_address_parse("0.0.0.0:0", &config.listen), 0);
    expect_refusal("not a loopback address");
    kw_node_stop(node);
    set_up_config();
    config.cpu_mask = "mmx";
    expect_refusal("KEYWELL_CPU");
}
END_TEST

/* What was made at the first start is there at the second, and a stop leaves nothing that keeps it from
 * starting. */
START_TEST(test_restarts)
{
    char path[64];
    struct stat first, second;

    snprintf(path, sizeof(path), "%s/credentials", folder);
    for (unsigned i = 0; i < 3; i++) {
        kw_node_stop(start());
        ck_assert_int_eq(stat(path, i == 0 ? &first : &second), 0);
    }
    ck_assert_int_eq(first.st_mode & 0777, 0600);
    ck_assert_uint_eq(first.st_ino, second.st_ino);
}
END_TEST

/* Makes what a first start makes, once; a server then starts on it and finds its own. */
START_TEST(test_makes_data)
{
    char made[64], path[80], why[512] = "";
    struct stat key, later;

    snprintf(made, sizeof(made), "%s/made", folder);
    config.data_dir = made;
    ck_assert_msg(kw_node_make_data(&config, why, sizeof(why)) == 0, "%s", why);
    snprintf(path, sizeof(path), "%s/root.key", made);
    ck_assert_int_eq(stat(path, &key), 0);
    ck_assert_int_eq(kw_node_make_data(&config, why, sizeof(why)), KW_NODE_EXISTS);
    ck_assert_ptr_nonnull(strstr(why, "is a data folder already"));
    struct kw_node *node = start();
    ck_assert_int_lt(kw_node_make_data(&config, why, sizeof(why)), 0);
    ck_assert_ptr_nonnull(strstr(why, "in use"));
    kw_node_stop(node);
    ck_assert_int_eq(stat(path, &later), 0);
    ck_assert_uint_eq(key.st_ino, later.st_ino);
    config.data_dir = "/nowhere/at/all";
    ck_assert_int_lt(kw_node_make_data(&config, why, sizeof(why)), 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up_config, NULL);
    tcase_add_test(tcase, test_serves);
    tcase_add_test(tcase, test_refuses_to_start);
    tcase_add_test(tcase, test_restarts);
    tcase_add_test(tcase, test_makes_data);
}

int main(void)
{
    char why[256], command[128];
    int status;

    if (kw_node_prepare_process(why, sizeof(why)) < 0 || mkdtemp(folder) == NULL) {
        fprintf(stderr, "%s\n", why);
        return EXIT_FAILURE;
    }
    status = kw_suite_run("node", add, 60);
    snprintf(command, sizeof(command), "rm -rf %s /tmp/keywell-node-other", folder);
    return system(command) == 0 ? status : EXIT_FAILURE;
}
