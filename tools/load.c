/* keywell-load - a load generator for KMS endpoints. */
#include "api/runfile.h"
#include "tools/loadprobe.h"
#include "tools/loadsettings.h"

#include <jansson.h>
#include <math.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* A sweep ends when the rate that is too high is no more than this above the best. */
#define SWEEP_STEP 1.03

enum { DONE = 0, FAILED = 1, USAGE = 2, MISSED = 3, INVALID = 4, INTERRUPTED = 130 };

struct session {
    struct kw_load_watch watch;
    struct kw_load_settings *settings;
    FILE *log;
    int64_t log_began_ms;
    bool progress, terminal;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "keywell-load: %s%s%s\n", what, what[0] != '\0' ? ": " : "", why);
    return FAILED;
}

/* ---- before the load ---- */

/* Without it a few hundred connections are all there can be. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int build(struct kw_load_settings *settings, struct kw_load_op *op, const char *ciphertext)
{
    struct kw_load_plan *plan = &settings->plan;
    char *body = NULL, why[256];
    int r;

    if (kw_load_body(op, settings->key_id, settings->context, settings->num_context, ciphertext, &body, why,
            sizeof(why)) != 0)
        return fail("", why);
    r = kw_load_request_build(
        &plan->identity, plan->endpoint.header, op->operation, body, settings->invocation_ids, &op->request);
    free(body);
    if (r < 0)
        return fail("", strerror(-r));
    if (op->request.len > KW_LOAD_REQUEST_MAX)
        return fail(op->name, "its requests are longer than 16000 bytes");
    plan->request_len_max = KW_MAX(plan->request_len_max, op->request.len);
    return DONE;
}

/* What Decrypt is to decrypt has to be encrypted first. */
static int make_ciphertext(struct kw_load_settings *settings, const struct kw_load_op *decrypt, char **ret)
{
    struct kw_load_op encrypt = {.name = "Encrypt", .operation = "Encrypt"};
    char *answer = NULL, why[1024], tls[64];
    json_t *document = NULL;
    const char *blob;
    int r;

    memcpy(encrypt.parameter, decrypt->parameter, sizeof(encrypt.parameter));
    r = build(settings, &encrypt, NULL);
    if (r == DONE && kw_load_probe(&settings->plan, &encrypt.request, &answer, tls, why, sizeof(why)) != 0)
        r = fail("Encrypt, for Decrypt", why);
    if (r == DONE) {
        document = json_loads(answer, 0, NULL);
        blob = json_string_value(json_object_get(document, "CiphertextBlob"));
        *ret = blob != NULL ? strdup(blob) : NULL;
        r = *ret != NULL ? DONE : fail("Encrypt, for Decrypt", "no CiphertextBlob in the answer");
    }
    json_decref(document);
    free(answer);
    kw_load_request_done(&encrypt.request);
    return r;
}

static int build_op(struct kw_load_settings *settings, struct kw_load_op *op)
{
    char *ciphertext = NULL;
    int r = DONE;

    if (strcmp(op->operation, "Decrypt") == 0 && op->file == NULL)
        r = make_ciphertext(settings, op, &ciphertext);
    if (r == DONE)
        r = build(settings, op, ciphertext);
    free(ciphertext);
    return r;
}

static int build_static(struct kw_load_settings *settings)
{
    struct kw_load_plan *plan = &settings->plan;
    struct kw_load_op *op = &plan->ops[0];
    int r;

    plan->num_ops = 1;
    snprintf(op->name, sizeof(op->name), "GET %s", settings->static_path);
    r = kw_load_request_build_get(plan->endpoint.header, settings->static_path, &op->request);
    plan->request_len_max = op->request.len;
    return r < 0 ? fail("", strerror(-r)) : DONE;
}

static int build_ops(struct kw_load_settings *settings)
{
    struct kw_load_plan *plan = &settings->plan;
    char why[4600];

    if (settings->static_path != NULL)
        return build_static(settings);
    if (kw_load_identity_find(
            settings->profile, settings->region, plan->endpoint.host, &plan->identity, why, sizeof(why)) != 0)
        return fail("", why);
    for (unsigned i = 0; i < plan->num_ops; i++) {
        int r = build_op(settings, &plan->ops[i]);

        if (r != DONE)
            return r;
    }
    return DONE;
}

static int probe(struct kw_load_settings *settings)
{
    struct kw_load_plan *plan = &settings->plan;
    char why[1024];

    for (unsigned i = 0; i < plan->num_ops && !settings->no_probe; i++) {
        if (kw_load_probe(plan, &plan->ops[i].request, NULL, settings->report.tls, why, sizeof(why)) != 0)
            return fail(plan->ops[i].name, why);
    }
    return DONE;
}

static int prepare(struct kw_load_settings *settings)
{
    struct kw_load_plan *plan = &settings->plan;
    char why[1024];
    int r;

    raise_file_limit();
    signal(SIGPIPE, SIG_IGN);
    if (kw_load_endpoint_resolve(&plan->endpoint, why, sizeof(why)) != 0)
        return fail("", why);
    if (plan->endpoint.tls &&
        kw_load_tls_context(settings->ca_bundle, settings->insecure, &plan->tls, why, sizeof(why)) != 0)
        return fail("", why);
    r = build_ops(settings);
    return r == DONE ? probe(settings) : r;
}

/* ---- the load ---- */

static void on_interval(struct kw_load_watch *watch, const struct kw_load_result *so_far, double began_s,
    double seconds, const struct kw_load_tally *ops)
{
    struct session *session = KW_CONTAINER_OF(watch, struct session, watch);

    if (session->log != NULL)
        kw_load_log_interval(session->log, &session->settings->report,
            began_s + (double)(so_far->began_ms - session->log_began_ms) / 1e3, seconds, ops);
    if (!session->progress)
        return;
    fputs(session->terminal ? "\r\033[K" : "", stderr);
    kw_load_print_progress(stderr, &session->settings->report, so_far, began_s + seconds, seconds, ops);
    fputs(session->terminal ? "" : "\n", stderr);
    fflush(stderr);
}

static bool met(const struct kw_load_report *report, const struct kw_load_result *result)
{
    bool all = true;

    for (unsigned i = 0; i < report->num_slos; i++)
        all = all && kw_load_slo_met(&report->slos[i], &result->total);
    return all;
}

/* Keeps the results by rate, so that a sweep reads like a list of rates. Returns its place. */
static unsigned keep(struct kw_load_report *report, struct kw_load_result *result)
{
    unsigned place = report->num_results++;

    while (place > 0 && report->results[place - 1]->rate > result->rate) {
        report->results[place] = report->results[place - 1];
        place--;
    }
    report->results[place] = result;
    return place;
}

/* Returns what came of it, which the report keeps, or NULL: the user has been told why. */
static const struct kw_load_result *run(struct session *session, double rate)
{
    struct kw_load_settings *settings = session->settings;
    struct kw_load_result *result = kw_load_result_new();
    char why[512];

    if (result == NULL) {
        fail("", "no memory");
        return NULL;
    }
    settings->schedule.rate = rate;
    if (kw_load_run(&settings->plan, &settings->schedule, &interrupted, &session->watch, result, why,
            sizeof(why)) != 0) {
        kw_load_result_free(result);
        fail(settings->plan.endpoint.header, why);
        return NULL;
    }
    result->met = met(&settings->report, result);
    (void)keep(&settings->report, result);
    if (session->progress && session->terminal)
        fputs("\r\033[K", stderr);
    if (!settings->quiet)
        kw_load_print_result(strcmp(settings->json != NULL ? settings->json : "", "-") == 0 ? stderr : stdout,
            &settings->report, result);
    return result;
}

static int run_rates(struct session *session)
{
    struct kw_load_settings *settings = session->settings;
    int worst = DONE;

    for (unsigned i = 0; i < settings->num_rates && interrupted == 0; i++) {
        const struct kw_load_result *result = run(session, settings->rates[i]);

        if (result == NULL)
            return FAILED;
        if (!result->met)
            worst = MISSED;
        if (!result->valid && worst == DONE)
            worst = INVALID;
    }
    return worst;
}

/* Returns DONE with whether the rate is one that the endpoint holds. */
static int try_rate(struct session *session, double rate, bool *ret)
{
    const struct kw_load_result *result = run(session, rate);

    if (result == NULL)
        return FAILED;
    *ret = result->met && result->valid;
    return DONE;
}

static int run_sweep(struct session *session)
{
    struct kw_load_settings *settings = session->settings;
    struct kw_load_report *report = &settings->report;
    double low = settings->sweep_low, high = settings->sweep_high;
    bool good = false;
    int r = try_rate(session, low, &good);

    if (r == DONE && good) {
        r = try_rate(session, high, &good);
        low = good ? high : low;
        good = true;
    }
    while (r == DONE && good && interrupted == 0 && high / low > SWEEP_STEP &&
           report->num_results < KW_LOAD_RATES_MAX) {
        double middle = sqrt(low * high);
        bool held = false;

        r = try_rate(session, middle, &held);
        low = held ? middle : low;
        high = held ? high : middle;
    }
    report->swept = true;
    for (unsigned i = 0; i < report->num_results; i++) {
        if (report->results[i]->met && report->results[i]->valid) {
            report->has_best = true;
            report->best = i;
        }
    }
    if (r != DONE)
        return r;
    if (!settings->quiet && report->has_best)
        printf("\nhighest rate that meets the objectives: %.0f/s\n", report->results[report->best]->rate);
    else if (!settings->quiet)
        printf("\nno rate from %.0f/s on meets the objectives\n", settings->sweep_low);
    return report->has_best ? DONE : MISSED;
}

/* ---- around it ---- */

static int open_log(struct session *session)
{
    const char *path = session->settings->hdr_log;

    session->log_began_ms = kw_wall_ms();
    if (path == NULL)
        return DONE;
    session->log = fopen(path, "we");
    if (session->log == NULL)
        return fail(path, strerror(errno));
    kw_load_log_heading(session->log, &session->settings->report, session->log_began_ms);
    return DONE;
}

static int write_files(struct session *session, int status)
{
    struct kw_load_settings *settings = session->settings;
    int r = 0;

    if (settings->report.num_results == 0)
        return status;
    if (settings->json != NULL && (r = kw_load_write_json(&settings->report, settings->json)) < 0)
        return fail(settings->json, strerror(-r));
    if (settings->svg != NULL && (r = kw_load_write_svg(&settings->report, settings->svg)) < 0)
        return fail(settings->svg, strerror(-r));
    if (session->log != NULL && (ferror(session->log) != 0 || fflush(session->log) != 0))
        return fail(settings->hdr_log, "could not be written");
    return status;
}

static int load(struct kw_load_settings *settings)
{
    struct session session = {.watch.interval = on_interval, .settings = settings};
    struct sigaction action = {.sa_handler = on_signal};
    FILE *table = settings->json != NULL && strcmp(settings->json, "-") == 0 ? stderr : stdout;
    int r = open_log(&session);

    if (r != DONE)
        return r;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    session.terminal = isatty(STDERR_FILENO) == 1;
    session.progress = !settings->quiet && (session.terminal || settings->progress);
    if (!settings->quiet)
        kw_load_print_heading(table, &settings->report);
    r = settings->sweep_low > 0 ? run_sweep(&session) : run_rates(&session);
    r = write_files(&session, r);
    if (session.log != NULL)
        fclose(session.log);
    return interrupted != 0 && r != FAILED ? INTERRUPTED : r;
}

static void release(struct kw_load_settings *settings)
{
    for (unsigned i = 0; i < settings->report.num_results; i++)
        kw_load_result_free(settings->report.results[i]);
    for (unsigned i = 0; i < settings->plan.num_ops; i++)
        kw_load_request_done(&settings->plan.ops[i].request);
    SSL_CTX_free(settings->plan.tls);
    kw_erase(&settings->plan.identity, sizeof(settings->plan.identity));
    free(settings);
}

int main(int argc, char **argv)
{
    struct kw_load_settings *settings = calloc(1, sizeof(*settings));
    int r;

    if (settings == NULL)
        return fail("", "no memory");
    r = kw_load_settings_parse(settings, argc, argv);
    if (r == 2)
        kw_load_settings_help();
    else if (r == 0 && settings->version)
        printf("keywell-load %s\n", KW_VERSION);
    else if (r == 0) {
        r = prepare(settings);
        r = r == DONE ? load(settings) : r;
        release(settings);
        return r;
    }
    free(settings);
    return r == 1 ? USAGE : DONE;
}
