/* keywell doctor - is this machine good for keywelld? */
#include "tools/commands.h"
#include "tools/doctorprobe.h"
#include "tools/options.h"
#include "tools/terminal.h"

#include <stdio.h>
#include <stdlib.h>

struct settings {
    const char *data;
    bool json, no_color;
};

static const char *set_data(void *to, const char *value)
{
    ((struct settings *)to)->data = value;
    return value[0] == '\0' ? "must name a folder" : NULL;
}

static const char *set_json(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->json = true;
    return NULL;
}

static const char *set_no_color(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->no_color = true;
    return NULL;
}

static const struct kw_option options[] = {
    {"--data", "DIR", "the data folder, or where it will be: its disk is measured (default: this folder)",
        set_data},
    {"--json", NULL, "findings and figures as JSON", set_json},
    {"--no-color", NULL, "no colours on a terminal; so does NO_COLOR", set_no_color},
};

static void help(void)
{
    printf(
        "Usage: keywell doctor [OPTION ...]\n\n"
        "Looks at this machine as keywelld would find it, started by this user from here, and says what to "
        "do\nabout what is not as it should be. Takes a second or two; leaves nothing behind.\n\n");
    kw_options_help(options, KW_ARRAY_LEN(options));
    printf(
        "\nExit status: 0: keywelld will run (there may be warnings); 1: it will not, something failed; 2: "
        "bad usage.\n"
        "KEYWELL_CPU is heeded as keywelld heeds it.\n");
}

static void print_table(const struct kw_finding *findings, bool colours)
{
    static const char *const paint[] = {KW_TERMINAL_GREEN, KW_TERMINAL_YELLOW, KW_TERMINAL_RED};

    for (size_t i = 0; i < KW_DOCTOR_FINDINGS; i++) {
        const struct kw_finding *finding = &findings[i];

        printf("%s%-4s%s  %-14s %s\n", colours ? paint[finding->verdict] : "",
            kw_verdict_name(finding->verdict), colours ? KW_TERMINAL_PLAIN : "", finding->check,
            finding->what);
        if (finding->advice[0] != '\0')
            printf("%-21s-> %s\n", "", finding->advice);
    }
}

static int print_json(
    const struct kw_machine *machine, const struct kw_finding *findings, enum kw_verdict worst)
{
    json_t *value = kw_doctor_json(machine, findings, worst);
    int r = value == NULL || json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0 ? 1 : 0;

    putchar('\n');
    json_decref(value);
    return r;
}

int kw_command_doctor(int argc, char **argv)
{
    struct settings settings = {.data = "."};
    struct kw_finding findings[KW_DOCTOR_FINDINGS];
    static struct kw_machine machine;
    enum kw_verdict worst;
    int rest,
        r = kw_options_parse("keywell doctor", options, KW_ARRAY_LEN(options), argc, argv, &settings, &rest);

    if (r == 2) {
        help();
        return 0;
    }
    if (r == 0 && rest < argc)
        fprintf(stderr, "keywell doctor: it takes options only\nTry 'keywell doctor --help'.\n");
    if (r != 0 || rest < argc)
        return 2;
    kw_doctor_look(settings.data, getenv("KEYWELL_CPU"), &machine);
    worst = kw_doctor_judge(&machine, findings);
    r = 0;
    if (settings.json)
        r = print_json(&machine, findings, worst);
    else
        print_table(findings, kw_terminal_colours_here(settings.no_color));
    if (r != 0 || fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "keywell doctor: the result cannot be written\n");
        return 1;
    }
    return worst == KW_VERDICT_FAIL ? 1 : 0;
}
