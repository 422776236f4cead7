#include "api/auditverify.h"

#include "api/auditscan.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

struct verify {
    struct kw_audit_verdict *verdict;
    uint64_t expect_sequence;
    const uint8_t *expect_hash; /* NULL: none */
    bool seen;                  /* the record of that sequence */
    bool differs;               /* its hash is another one */
    void (*each_record)(void *arg, struct kw_bytes line);
    void *arg;
};

static void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static void each_line(void *arg, const struct kw_auditscan_line *line)
{
    struct verify *verify = arg;
    struct kw_audit_verdict *verdict = verify->verdict;

    if (line->chain->sequence == verify->expect_sequence && verify->expect_hash != NULL) {
        verify->seen = true;
        verify->differs = memcmp(line->chain->hash, verify->expect_hash, KW_AUDIT_HASH_LEN) != 0;
    }
    if (line->mark == NULL) {
        verdict->records++;
        if (verify->each_record != NULL)
            verify->each_record(verify->arg, line->text);
    } else if (line->mark->kind == KW_AUDIT_CHECKPOINT) {
        verdict->checkpoints++;
        verdict->last_checkpoint_sequence = line->chain->sequence;
        verdict->last_checkpoint_ms = line->mark->time_ms;
    }
}

/* A kept record that is gone or changed shows that the log's end was cut off or the whole of it written anew.
 */
static int judge_kept(const struct verify *verify)
{
    struct kw_audit_verdict *verdict = verify->verdict;

    if (verify->expect_hash == NULL || (verify->seen && !verify->differs))
        return 0;
    if (!verify->seen)
        snprintf(verdict->problem, sizeof(verdict->problem),
            "the log ends at sequence %" PRIu64 ", before the kept checkpoint's %" PRIu64
            ": its end was cut off",
            verdict->last_sequence, verify->expect_sequence);
    else
        snprintf(verdict->problem, sizeof(verdict->problem),
            "record %" PRIu64 " is not the one of the kept checkpoint: the log was written anew",
            verify->expect_sequence);
    return 1;
}

static int open_key(int dir_fd, struct kw_auditkey *ret, struct kw_audit_verdict *verdict)
{
    int rc = kw_auditkey_load(ret, dir_fd);

    if (rc == 1)
        snprintf(verdict->problem, sizeof(verdict->problem),
            "audit.pub line 1: not an Ed25519 public key as the log writes it");
    else if (rc == KW_EOPENSSL)
        snprintf(verdict->problem, sizeof(verdict->problem), "OpenSSL failed");
    else if (rc < 0)
        snprintf(verdict->problem, sizeof(verdict->problem), "audit.pub cannot be read: %s", strerror(-rc));
    return rc;
}

static int scan(struct verify *verify, int dir_fd, struct kw_auditkey *key)
{
    struct kw_audit_verdict *verdict = verify->verdict;
    struct kw_auditscan_config config = {.dir_fd = dir_fd, .key = key, .each_line = each_line, .arg = verify};
    struct kw_auditscan_result result;
    int rc = kw_auditscan_run(&config, &result);

    verdict->segments = result.segments;
    verdict->quarantined = result.quarantined;
    verdict->torn_bytes = result.torn_bytes;
    verdict->last_sequence = result.head.sequence;
    memcpy(verdict->last_hash, result.head.hash, sizeof(verdict->last_hash));
    if (rc == KW_EOPENSSL)
        snprintf(verdict->problem, sizeof(verdict->problem), "OpenSSL failed");
    else
        snprintf(verdict->problem, sizeof(verdict->problem), "%s", result.problem);
    return rc == 0 ? judge_kept(verify) : rc;
}

int kw_audit_verify(const char *dir, uint64_t expect_sequence, const uint8_t *expect_hash,
    void (*each_record)(void *arg, struct kw_bytes line), void *arg, struct kw_audit_verdict *ret)
{
    KW_CLEANUP(closep) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    KW_CLEANUP(kw_auditkey_done) struct kw_auditkey key = {0};
    struct verify verify = {
        .verdict = ret,
        .expect_sequence = expect_sequence,
        .expect_hash = expect_hash,
        .each_record = each_record,
        .arg = arg,
    };
    int rc;

    *ret = (struct kw_audit_verdict){0};
    if (dir_fd < 0) {
        rc = -errno;
        snprintf(ret->problem, sizeof(ret->problem), "the folder cannot be opened: %s", strerror(-rc));
        return rc;
    }
    rc = open_key(dir_fd, &key, ret);
    return rc == 0 ? scan(&verify, dir_fd, &key) : rc;
}
