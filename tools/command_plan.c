/* keywell plan - how many cores, and how deep a pool per spec, hold a demand at an objective? */
#include "tools/commands.h"
#include "tools/plan/report.h"
#include "tools/plansettings.h"
#include "tools/progress.h"

#include <stdio.h>
#include <stdlib.h>

#define INTERRUPTED 130

static void help(bool check)
{
    printf(
        "Usage: keywell plan --demand SPEC=RATE ... [OPTION ...]\n"
        "       keywell plan check --cores N --pool SPEC=N ... --demand SPEC=RATE ... [OPTION ...]\n"
        "       keywell plan profile [--out FILE] ...     measures how long pairs take on this machine\n"
        "       keywell plan apply PLAN.json --config FILE  writes the settings that keywelld reads\n\n"
        "How many cores, and how deep a pool per spec, hold this demand at this objective, and what happens "
        "in a\nburst? By simulation of keywelld's own scheduler and pools. 'check' judges settings that are "
        "given.\n\n");
    kw_plan_ask_help(check);
    printf(
        "\nA demand is one of\n"
        "  RSA_2048=1200                                1,200 requests a second, at random (k and M are "
        "understood)\n"
        "  RSA_2048=100,burst=5k,on=2s,off=30s          100 a second, and 5,000 in bursts of 2 s, 30 s apart "
        "on "
        "average\n"
        "                                               (',regular': exactly so)\n"
        "  RSA_2048=800,daily=1:1:3:9:4,period=24h      800 a second on average, along a curve of equal "
        "parts\n\n"
        "Exit status: 0: the objective holds; 1: something failed; 2: bad usage; 3: the objective is out of "
        "reach, or\nthe settings do not hold it (the sentence says what would).\n");
}

/* ---- output ---- */

static int finish_file(const char *program, FILE *file, const char *path)
{
    bool failed = ferror(file) != 0;

    if (fclose(file) != 0 || failed) {
        fprintf(stderr, "%s: %s: %s\n", program, path, strerror(errno != 0 ? errno : EIO));
        return 1;
    }
    return 0;
}

static int write_json(const char *program, const struct kw_plan_report *report, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    char *text = kw_plan_report_json(report);
    FILE *file = standard ? stdout : fopen(path, "we");
    int r;

    if (text == NULL || file == NULL) {
        fprintf(stderr, "%s: %s: %s\n", program, path, strerror(text == NULL ? ENOMEM : errno));
        free(text);
        if (file != NULL && !standard)
            fclose(file);
        return 1;
    }
    fputs(text, file);
    free(text);
    if (standard)
        return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 1;
    r = finish_file(program, file, path);
    return r;
}

static int write_svg(const char *program, const struct kw_plan_report *report, const char *path)
{
    FILE *file = fopen(path, "we");

    if (file == NULL) {
        fprintf(stderr, "%s: %s: %s\n", program, path, strerror(errno));
        return 1;
    }
    kw_plan_report_svg(file, report);
    return finish_file(program, file, path);
}

static int write_all(const char *program, const struct kw_plan_ask *ask, const struct kw_plan_report *report)
{
    int r = 0;

    if (ask->json_path == NULL || strcmp(ask->json_path, "-") != 0)
        kw_plan_report_table(stdout, report);
    if (ask->json_path != NULL)
        r = write_json(program, report, ask->json_path);
    if (r == 0 && ask->svg_path != NULL)
        r = write_svg(program, report, ask->svg_path);
    if (r == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        fprintf(stderr, "%s: the answer cannot be written\n", program);
        r = 1;
    }
    if (r != 0)
        return r;
    return report->answer->verdict == KW_PLAN_HOLDS ? 0 : 3;
}

/* ---- the answer ---- */

struct answers {
    struct kw_plan_answer one;
    struct kw_plan_fleet_answer fleet;
    struct kw_plan_case part; /* what the table is about: of a fleet, one machine */
    struct kw_plan_report report;
};

/* What one machine of the fleet sees, for the drawings. */
static void take_part(const struct kw_plan_ask *ask, struct answers *answers)
{
    answers->part = ask->of;
    for (unsigned spec = 0; ask->has_fleet && spec < KW_SPEC_NUM; spec++)
        answers->part.demand[spec].scale /= answers->fleet.nodes - answers->fleet.lost;
}

/* Returns: 0 | <0 */
static int find(const struct kw_plan_ask *ask, struct answers *answers)
{
    if (ask->has_fleet)
        KW_TRY(kw_plan_fleet_solve(
            &ask->of, &ask->fleet, &ask->objective, &ask->limits, &ask->options, &answers->fleet));
    else
        KW_TRY((ask->check ? kw_plan_judge : kw_plan_solve)(
            &ask->of, &ask->objective, &ask->limits, &ask->options, &answers->one));
    take_part(ask, answers);
    answers->report = (struct kw_plan_report){.of = &answers->part,
        .objective = &ask->objective,
        .limits = &ask->limits,
        .answer = ask->has_fleet ? &answers->fleet.node : &answers->one,
        .fleet = ask->has_fleet ? &answers->fleet : NULL,
        .given = ask->check,
        .seed = ask->options.effort.seed};
    if (ask->json_path != NULL || ask->svg_path != NULL)
        KW_TRY(kw_plan_report_plots(&answers->report, &ask->options.effort));
    return 0;
}

static int run(const char *program, struct kw_plan_ask *ask)
{
    struct answers *answers = calloc(1, sizeof(*answers));
    bool interrupted;
    int r = -ENOMEM;

    kw_progress_begin(ask->quiet);
    ask->options.effort.progress = kw_progress_show;
    if (answers != NULL)
        r = find(ask, answers);
    interrupted = kw_progress_end();
    if (r == 0)
        r = write_all(program, ask, &answers->report);
    else if (r < 0)
        fprintf(stderr, "%s: %s\n", program, interrupted ? "interrupted" : strerror(-r));
    free(answers);
    return r >= 0 ? r : interrupted ? INTERRUPTED : 1;
}

static int plan(int argc, char **argv, bool check)
{
    struct kw_plan_ask *ask = malloc(sizeof(*ask));
    char name[] = "keywell plan", check_name[] = "keywell plan check";
    int r;

    if (ask == NULL)
        return 1;
    argv[0] = check ? check_name : name;
    r = kw_plan_ask_collect(argc, argv, check, ask);
    if (r == 3)
        help(check);
    r = r == 0 ? run(argv[0], ask) : r == 3 ? 0 : r;
    kw_plan_ask_done(ask);
    free(ask);
    return r;
}

int kw_command_plan(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "profile") == 0)
        return kw_command_plan_profile(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "apply") == 0)
        return kw_command_plan_apply(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return plan(argc - 1, argv + 1, true);
    if (argc < 2) {
        fprintf(stderr, "keywell plan: give a demand, or one of check, profile and apply\nTry 'keywell plan "
                        "--help'.\n");
        return 2;
    }
    return plan(argc, argv, false);
}
