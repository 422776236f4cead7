#include "api/sigv4.h"
#include "engine/crypto.h"
#include "tests/support/vectors.h"

#include <check.h>
#include <dirent.h>

enum { TEXT_MAX = 8192 };

static struct kw_sigv4_engine *engine;

/* One case of the vectors, its request read as its authors meant it: lines end in LF, a line that begins with
 * white space goes on with the one before, and a target may hold anything. */
struct vector {
    const char *name;
    char text[TEXT_MAX];   /* of the signed request, changed while it is cut up; request points into it */
    char strict[TEXT_MAX]; /* the same with CRLF, as a client would have to send it */
    size_t strict_len;
    struct kw_http_request request;
    struct kw_bytes body;
    json_t *context;
};

static struct kw_bytes vector_file(const struct vector *vector, const char *file, char *out)
{
    char path[PATH_MAX];
    size_t len;

    snprintf(path, sizeof(path), "sigv4/%s/%s", vector->name, file);
    char *text = vectors_read(path, &len);
    ck_assert_uint_lt(len, TEXT_MAX);
    memcpy(out, text, len + 1);
    free(text);
    return KW_BYTES(out, len);
}

static void make_strict(struct vector *vector)
{
    const char *body = strstr(vector->text, "\n\n");
    size_t head_len = body == NULL ? strlen(vector->text) : (size_t)(body - vector->text) + 2;

    for (size_t i = 0; vector->text[i] != '\0'; i++) {
        if (vector->text[i] == '\n' && i < head_len)
            vector->strict[vector->strict_len++] = '\r';
        vector->strict[vector->strict_len++] = vector->text[i];
    }
}

static void unfold(char *head)
{
    for (char *at = strchr(head, '\n'); at != NULL; at = strchr(at + 1, '\n'))
        if (at[1] == ' ' || at[1] == '\t')
            *at = ' ';
}

static void read_request_line(struct kw_http_request *request, char *line)
{
    char *target = strchr(line, ' ') + 1, *version = strrchr(line, ' ');
    char *mark = memchr(target, '?', (size_t)(version - target));
    char *path_end = mark == NULL ? version : mark;

    request->method = KW_BYTES(line, (size_t)(target - 1 - line));
    request->target = KW_BYTES(target, (size_t)(version - target));
    request->path = KW_BYTES(target, (size_t)(path_end - target));
    request->query = mark == NULL ? KW_BYTES(version, 0) : KW_BYTES(mark + 1, (size_t)(version - mark - 1));
}

static void read_vector(struct vector *vector, const char *name)
{
    char context[64 + NAME_MAX];
    char *save;

    memset(vector, 0, sizeof(*vector));
    vector->name = name;
    vector_file(vector, "header-signed-request.txt", vector->text);
    make_strict(vector);

    char *body = strstr(vector->text, "\n\n");
    if (body != NULL) {
        *body = '\0';
        vector->body = kw_bytes_str(body + 2);
    }
    unfold(vector->text);
    read_request_line(&vector->request, strtok_r(vector->text, "\n", &save));
    for (char *line = strtok_r(NULL, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        struct kw_http_header *header = &vector->request.headers[vector->request.num_headers++];
        char *colon = strchr(line, ':');

        header->name = KW_BYTES(line, (size_t)(colon - line));
        header->value = kw_bytes_str(colon + 1);
    }
    snprintf(context, sizeof(context), "sigv4/%s/context.json", name);
    vector->context = vectors_json(context);
}

static struct kw_bytes vector_secret(const struct vector *vector)
{
    return kw_bytes_str(vectors_text(json_object_get(vector->context, "credentials"), "secret_access_key"));
}

/* The claim that the context describes, with the headers that the Authorization header names as signed. */
static struct kw_sigv4_claim vector_claim(const struct vector *vector, char stamp[17])
{
    struct kw_bytes authorization = kw_http_header(&vector->request, "authorization");
    const uint8_t *list = (const uint8_t *)strstr((const char *)authorization.ptr, "SignedHeaders=") + 14;
    const char *time = vectors_text(vector->context, "timestamp"); /* 2015-08-30T12:36:00Z */
    struct kw_sigv4_claim claim = {
        .region = kw_bytes_str(vectors_text(vector->context, "region")),
        .service = kw_bytes_str(vectors_text(vector->context, "service")),
        .signed_headers = KW_BYTES(list, strcspn((const char *)list, ",")),
        .scope_date = KW_BYTES(stamp, 8),
    };

    snprintf(stamp, 17, "%.4s%.2s%.5s%.2s%.2sZ", time, time + 5, time + 8, time + 14, time + 17);
    ck_assert_int_eq(kw_sigv4_stamp_parse(KW_BYTES(stamp, 16), &claim.signed_at_ms), 0);
    return claim;
}

static void assert_same(const char *name, struct kw_bytes ours, struct kw_bytes theirs)
{
    ck_assert_msg(kw_bytes_equal(ours, theirs), "%s:\n%.*s\nis not\n%.*s", name, (int)ours.len,
        (const char *)ours.ptr, (int)theirs.len, (const char *)theirs.ptr);
}

static void check_signing(const struct vector *vector)
{
    char stamp[17], file[TEXT_MAX], canonical_text[TEXT_MAX], string_text[TEXT_MAX], hex[64];
    uint8_t signature[32];
    struct kw_sigv4_claim claim = vector_claim(vector, stamp);
    struct kw_buf canonical = KW_BUF(canonical_text, TEXT_MAX), string = KW_BUF(string_text, TEXT_MAX);
    bool normalize = json_is_true(json_object_get(vector->context, "normalize"));

    ck_assert_int_eq(kw_sigv4_canonical_request(
                         engine, &vector->request, vector->body, claim.signed_headers, normalize, &canonical),
        0);
    assert_same(
        vector->name, kw_buf_bytes(&canonical), vector_file(vector, "header-canonical-request.txt", file));
    ck_assert_int_eq(kw_sigv4_string_to_sign(engine, &claim, kw_buf_bytes(&canonical), &string), 0);
    assert_same(vector->name, kw_buf_bytes(&string), vector_file(vector, "header-string-to-sign.txt", file));
    ck_assert_int_eq(
        kw_sigv4_sign(engine, &claim, vector_secret(vector), kw_buf_bytes(&string), signature), 0);
    kw_hex_encode(signature, sizeof(signature), hex);
    assert_same(vector->name, KW_BYTES(hex, 64), vector_file(vector, "header-signature.txt", file));
}

/* What no client may send to us: a folded header, and targets with a space or bytes beyond ASCII. */
static bool is_malformed(const char *name)
{
    static const char *const names[] = {"get-header-value-multiline", "get-space-normalized",
        "get-space-unnormalized", "get-utf8", "get-vanilla-utf8-query"};

    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void check_verification(const struct vector *vector)
{
    struct kw_http_request request;
    struct kw_sigv4_claim claim;
    char why[KW_SIGV4_WHY_MAX] = "", stamp[17];
    size_t scanned = 0;
    int64_t now = vector_claim(vector, stamp).signed_at_ms;

    int r = kw_http_parse(KW_BYTES(vector->strict, vector->strict_len), &scanned, &request);
    ck_assert_msg(r == (is_malformed(vector->name) ? KW_HTTP_BAD : 0), "%s: %d", vector->name, r);
    if (r != 0)
        return;
    struct kw_bytes body = KW_BYTES(vector->strict + request.head_len, vector->strict_len - request.head_len);
    r = kw_sigv4_parse(&request, &claim, why, sizeof(why));
    if (strcmp(vector->name, "post-sts-header-after") == 0) {
        /* A session token put in after signing: services that want it so there are, KMS is none of them. */
        ck_assert_int_eq(r, KW_SIGV4_INCOMPLETE);
        ck_assert_str_eq(why, "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization.");
        return;
    }
    ck_assert_msg(r == 0, "%s: %s", vector->name, why);
    assert_same("key id", claim.access_key_id, KW_LIT("AKIDEXAMPLE"));
    ck_assert_int_eq(claim.signed_at_ms, now);
    r = kw_sigv4_verify(engine, &request, body, &claim, vector_secret(vector), now, why, sizeof(why));
    if (json_is_true(json_object_get(vector->context, "normalize")))
        ck_assert_msg(r == 0, "%s", vector->name);
    else
        ck_assert_msg(r == 0 || r == KW_SIGV4_MISMATCH, "%s", vector->name);
}

START_TEST(test_vectors)
{
    static struct vector vector;
    char path[PATH_MAX];
    size_t num = 0;

    snprintf(path, sizeof(path), "%s/sigv4", getenv("KEYWELL_VECTORS"));
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        read_vector(&vector, entry->d_name);
        check_signing(&vector);
        check_verification(&vector);
        json_decref(vector.context);
        num++;
    }
    closedir(dir);
    ck_assert_uint_eq(num, 38);
}
END_TEST

static struct kw_http_request parsed;

static void parse_head(const char *target)
{
    static char head[TEXT_MAX];
    size_t scanned = 0;
    int len = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: a.example\r\n\r\n", target);

    ck_assert_int_eq(kw_http_parse(KW_BYTES(head, (size_t)len), &scanned, &parsed), 0);
}

static struct kw_bytes canonical(bool normalize)
{
    static uint8_t text[8 * TEXT_MAX];
    struct kw_buf buf = KW_BUF(text, sizeof(text));

    ck_assert_int_eq(
        kw_sigv4_canonical_request(engine, &parsed, KW_LIT(""), KW_LIT("host"), normalize, &buf), 0);
    return kw_buf_bytes(&buf);
}

static void assert_lines(bool normalize, const char *path_and_query)
{
    struct kw_bytes text = canonical(normalize);
    struct kw_bytes lines = KW_BYTES(text.ptr + 5, text.len - 5);

    ck_assert_msg(kw_bytes_starts(lines, kw_bytes_str(path_and_query)), "%.60s is not %s",
        (const char *)lines.ptr, path_and_query);
}

START_TEST(test_canonical)
{
    /* The path is encoded once more, as it came; a query is the same in each spelling. */
    parse_head("/a%20b/%e1");
    assert_lines(true, "/a%2520b/%25e1\n\nhost:");
    parse_head("/?b=%7e%2f+%61&a&&c==&b=&%41=1");
    assert_lines(true, "/\nA=1&a=&b=&b=~%2F%2Ba&c=%3D\nhost:");
    parse_head("/../../a/./b//../c/..");
    assert_lines(true, "/a\n\n");
    assert_lines(false, "/../../a/./b//../c/..\n\n");
    parse_head("/a/../");
    assert_lines(true, "/\n\n");
    parse_head("/...");
    assert_lines(true, "/...\n\n");
}
END_TEST

START_TEST(test_does_not_fit)
{
    uint8_t small[40];
    struct kw_buf buf = KW_BUF(small, sizeof(small));

    parse_head("/");
    ck_assert_int_eq(kw_sigv4_canonical_request(engine, &parsed, KW_LIT(""), KW_LIT("host"), true, &buf), 1);
}
END_TEST

int main(void)
{
    bool found = vectors_found("sigv4");

    if (kw_crypto_init() != 0 || kw_sigv4_engine_new(&engine) != 0)
        return 1;

    Suite *suite = suite_create("sigv4_canonical");
    TCase *tcase = tcase_create("sigv4_canonical");
    if (found)
        tcase_add_test(tcase, test_vectors);
    tcase_add_test(tcase, test_canonical);
    tcase_add_test(tcase, test_does_not_fit);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kw_sigv4_engine_free(engine);
    return failed > 0 ? 1 : found ? 0 : VECTORS_SKIP;
}
