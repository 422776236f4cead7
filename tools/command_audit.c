/* keywell audit verify - checks an audit log offline. */
#include "api/auditverify.h"
#include "tools/commands.h"
#include "tools/options.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct settings {
    uint64_t sequence;
    uint8_t hash[32];
    bool has_checkpoint;
    bool list;
};

/* A checkpoint that someone kept: SEQUENCE:HASH, as verify prints it. */
static const char *set_checkpoint(void *to, const char *value)
{
    struct settings *settings = to;
    const char *colon = strchr(value, ':');
    char number[24] = "";

    if (colon == NULL || (size_t)(colon - value) >= sizeof(number))
        return "must be SEQUENCE:HASH as 'keywell audit verify' prints it";
    memcpy(number, value, (size_t)(colon - value));
    if (kw_number_parse(number, 0, UINT64_MAX, &settings->sequence) != 0 ||
        kw_hex_decode(kw_bytes_str(colon + 1), settings->hash, sizeof(settings->hash)) != 0)
        return "must be SEQUENCE:HASH as 'keywell audit verify' prints it";
    settings->has_checkpoint = true;
    return NULL;
}

static const char *set_list(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->list = true;
    return NULL;
}

static const struct kw_option options[] = {
    {"--checkpoint", "SEQUENCE:HASH", "the log must still hold this record: shows a cut-off tail",
        set_checkpoint},
    {"--list", NULL, "print every API record and intent, in order", set_list},
};

static void print_record(void *arg, struct kw_bytes line)
{
    (void)arg;
    printf("%.*s\n", (int)line.len, (const char *)line.ptr);
}

/* DIR is a data folder or its audit folder. */
static void audit_folder(const char *dir, char *ret, size_t cap)
{
    DIR *folder;

    snprintf(ret, cap, "%s/audit", dir);
    folder = opendir(ret);
    if (folder != NULL)
        closedir(folder);
    else
        snprintf(ret, cap, "%s", dir);
}

static void print_verdict(const struct kw_audit_verdict *verdict)
{
    char hash[65] = "", when[32] = "";
    time_t seconds = (time_t)(verdict->last_checkpoint_ms / 1000);
    struct tm tm;

    kw_hex_encode(verdict->last_hash, sizeof(verdict->last_hash), hash);
    printf("good: %llu records (intents included), segments: %llu, signed checkpoints: %llu\n",
        (unsigned long long)verdict->records, (unsigned long long)verdict->segments,
        (unsigned long long)verdict->checkpoints);
    if (verdict->quarantined > 0)
        printf("segments put aside after an I/O error: %llu\n", (unsigned long long)verdict->quarantined);
    if (verdict->torn_bytes > 0)
        printf("after the last record: %llu bytes of a write that was not finished and of which no one was "
               "told\n",
            (unsigned long long)verdict->torn_bytes);
    if (verdict->checkpoints > 0) {
        gmtime_r(&seconds, &tm);
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
        printf("last checkpoint: sequence %llu at %s\n",
            (unsigned long long)verdict->last_checkpoint_sequence, when);
    }
    printf("keep this to see later whether the end was cut off: --checkpoint %llu:%s\n",
        (unsigned long long)verdict->last_sequence, hash);
}

static int verify(const char *dir, const struct settings *settings)
{
    struct kw_audit_verdict verdict = {.problem = ""};
    char folder[4096];
    int r;

    audit_folder(dir, folder, sizeof(folder));
    r = kw_audit_verify(folder, settings->sequence, settings->has_checkpoint ? settings->hash : NULL,
        settings->list ? print_record : NULL, NULL, &verdict);
    if (r != 0) {
        fprintf(stderr, "keywell audit verify: %s\n", verdict.problem);
        return 1;
    }
    if (!settings->list)
        print_verdict(&verdict);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "keywell audit verify: the result cannot be written: %s\n", strerror(errno));
        return 1;
    }
    return 0;
}

static void help(void)
{
    printf("Usage: keywell audit verify [OPTION ...] DIR\n\n"
           "Checks chain, signatures and continuity of the audit log in DIR (a data folder or its audit "
           "folder),\n"
           "without a server. Exit status 0: good; 1: it is not, or it cannot be read.\n\n");
    kw_options_help(options, KW_ARRAY_LEN(options));
}

int kw_command_audit(int argc, char **argv)
{
    struct settings settings = {.list = false};
    int rest, r;

    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        help();
        return 0;
    }
    if (argc < 2 || strcmp(argv[1], "verify") != 0) {
        fprintf(stderr,
            "keywell audit: the command is 'keywell audit verify DIR'\nTry 'keywell audit --help'.\n");
        return 2;
    }
    r = kw_options_parse(
        "keywell audit verify", options, KW_ARRAY_LEN(options), argc - 1, argv + 1, &settings, &rest);
    if (r == 2) {
        help();
        return 0;
    }
    if (r != 0)
        return 2;
    if (rest + 1 != argc - 1) {
        fprintf(stderr, "keywell audit verify: name one folder\nTry 'keywell audit --help'.\n");
        return 2;
    }
    return verify(argv[rest + 1], &settings);
}
