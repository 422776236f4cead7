#include "api/auditscan.h"

#include "api/auditsegment.h"
#include "api/audittail.h"
#include "api/sha256.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A tail that looks damaged is read again while it keeps changing: a running writer fills it. */
#define REREAD_MAX 100
#define REREAD_NS  (10L * 1000 * 1000)
#define RECENT_MS  5000

/* What is known of a segment before its lines are followed. */
struct view {
    uint64_t number;
    bool quarantined;
    bool blank;      /* nothing but zeros: prepared, not used yet */
    bool has_header; /* its first line is a good header */
    uint64_t sequence;
    uint8_t previous_hash[KW_AUDIT_HASH_LEN];
    enum kw_audit_reason reason;
};

struct scan {
    const struct kw_auditscan_config *config;
    struct kw_auditscan_result *result;
    struct view *views;
    size_t num_views;
};

/* What was read of a file. */
struct content {
    uint8_t *text;
    size_t len;
    bool recent; /* it was written to within the last seconds: a writer may be at it */
};

/* One segment being followed. */
struct walk {
    size_t index;   /* of the view */
    size_t next;    /* of the next view with a header, or num_views */
    uint64_t limit; /* the sequence at which the next segment takes over */
    struct content content;
    size_t at;        /* of the line that comes next */
    uint64_t line;    /* its number, from 1 */
    const char *stop; /* why it is not a good line */
};

static void KW_PRINTF(4, 5)
    complain(struct scan *scan, const struct view *view, uint64_t line, const char *format, ...)
{
    char name[KW_AUDIT_NAME_MAX], what[320];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    kw_auditsegment_name(view->number, view->quarantined, name);
    if (line > 0)
        snprintf(scan->result->problem, sizeof(scan->result->problem), "%s line %" PRIu64 ": %s", name, line,
            what);
    else
        snprintf(scan->result->problem, sizeof(scan->result->problem), "%s: %s", name, what);
}

/* ---- reading files ---- */

static void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static void content_done(struct content *content)
{
    free(content->text);
}

static struct kw_bytes content_from(const struct content *content, size_t at)
{
    return KW_BYTES(content->text + at, content->len - at);
}

/* A running writer may set a segment aside at any time: looks under both names. */
static int open_view(const struct scan *scan, struct view *view)
{
    char name[KW_AUDIT_NAME_MAX];
    int fd = -1;

    for (int i = 0; i < 2; i++) {
        kw_auditsegment_name(view->number, view->quarantined, name);
        fd = openat(scan->config->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd >= 0 || errno != ENOENT)
            break;
        view->quarantined = !view->quarantined;
    }
    return fd >= 0 ? fd : -errno;
}

static int read_full(int fd, uint8_t *to, size_t cap, size_t *ret_len)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t got = pread(fd, to + len, cap - len, (off_t)len);

        if (got < 0 && errno == EINTR)
            continue;
        KW_REQUIRE(got >= 0, -errno);
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *ret_len = len;
    return 0;
}

static bool is_recent(const struct stat *status)
{
    int64_t age_ms = kw_wall_ms() - (int64_t)status->st_mtim.tv_sec * 1000;

    return age_ms < RECENT_MS;
}

/* Reads a segment, or the first `most` bytes of it. */
static int load(const struct scan *scan, struct view *view, size_t most, struct content *ret)
{
    KW_CLEANUP(closep) int fd = open_view(scan, view);
    KW_CLEANUP(content_done) struct content content = {0};
    struct stat status;

    KW_TRY(fd);
    KW_REQUIRE(fstat(fd, &status) == 0, -errno);
    KW_REQUIRE(S_ISREG(status.st_mode), -EINVAL);
    KW_REQUIRE(status.st_size <= KW_AUDIT_SCAN_SEGMENT_MAX, -EFBIG);
    most = KW_MIN(most, (size_t)status.st_size);
    content.text = malloc(most + 1);
    KW_REQUIRE(content.text != NULL, -ENOMEM);
    KW_TRY(read_full(fd, content.text, most, &content.len));
    content.recent = is_recent(&status);
    *ret = content;
    content.text = NULL;
    return 0;
}

static int load_or_complain(struct scan *scan, struct view *view, struct content *ret)
{
    int rc = load(scan, view, SIZE_MAX, ret);

    if (rc < 0)
        complain(scan, view, 0, "cannot be read: %s", strerror(-rc));
    return rc;
}

/* ---- first look ---- */

/* Reads a good header from the start of text into view. */
static bool look_at_header(const struct scan *scan, struct view *view, struct kw_bytes text)
{
    ssize_t end = kw_bytes_find(text, '\n');
    struct kw_audit_line line;
    struct kw_auditmark mark;

    KW_REQUIRE(end > 0, false);
    text.len = (size_t)end;
    KW_REQUIRE(kw_audit_line_parse(text, &line) == 0 && kw_auditmark_is(line.rest), false);
    KW_REQUIRE(kw_auditmark_parse(text, line.rest, scan->config->key, &mark) == 0, false);
    KW_REQUIRE(mark.kind == KW_AUDIT_HEADER && mark.segment == view->number, false);
    view->sequence = line.sequence;
    memcpy(view->previous_hash, line.previous_hash, sizeof(view->previous_hash));
    view->reason = mark.reason;
    return true;
}

static int look(struct scan *scan, struct view *view)
{
    KW_CLEANUP(content_done) struct content head = {0}, whole = {0};

    if (load(scan, view, KW_AUDIT_MARK_MAX, &head) == 0)
        view->has_header = look_at_header(scan, view, content_from(&head, 0));
    if (view->has_header)
        return 0;
    KW_TRY(load_or_complain(scan, view, &whole));
    view->blank = kw_audittail_extent(content_from(&whole, 0)) == 0;
    return 0;
}

static int make_views(struct scan *scan, const struct kw_auditsegment_entry *entries, size_t num)
{
    scan->views = calloc(num + 1, sizeof(*scan->views));
    KW_REQUIRE(scan->views != NULL, -ENOMEM);
    scan->num_views = num;
    for (size_t i = 0; i < num; i++) {
        struct view *view = &scan->views[i];
        int rc;

        *view = (struct view){.number = entries[i].number, .quarantined = entries[i].quarantined};
        rc = look(scan, view);
        /* A running writer removes what it prepared and did not use. */
        view->blank |= rc == -ENOENT;
        if (view->blank)
            continue;
        KW_TRY(rc);
        scan->result->segments++;
        scan->result->quarantined += view->quarantined;
        scan->result->last_number = view->number;
    }
    return 0;
}

static void entries_freep(struct kw_auditsegment_entry **entries)
{
    free(*entries);
}

static int list_views(struct scan *scan)
{
    KW_CLEANUP(entries_freep) struct kw_auditsegment_entry *entries = NULL;
    uint64_t twice;
    size_t num;
    int rc = kw_auditsegment_list(scan->config->dir_fd, &entries, &num, &twice);

    if (rc < 0)
        snprintf(scan->result->problem, sizeof(scan->result->problem), "the folder cannot be read: %s",
            strerror(-rc));
    if (rc == 1)
        complain(scan, &(struct view){.number = twice}, 0, "is there a second time, as quarantined");
    return rc == 0 ? make_views(scan, entries, num) : rc;
}

/* ---- following the lines ---- */

/* Judges the mark of a line. Returns NULL, or why it is wrong. */
static const char *judge_mark(const struct scan *scan, const struct walk *walk, struct kw_bytes text,
    struct kw_bytes rest, struct kw_auditmark *ret)
{
    if (!kw_auditmark_is(rest))
        return walk->line == 1 ? "a segment begins with a header record" : NULL;
    if (kw_auditmark_parse(text, rest, scan->config->key, ret) != 0)
        return "a header or checkpoint that is malformed or not signed by the log's key";
    if ((ret->kind == KW_AUDIT_HEADER) != (walk->line == 1))
        return "a header is the first line of a segment and nothing else is";
    if (ret->kind == KW_AUDIT_HEADER && ret->segment != scan->views[walk->index].number)
        return "the header is that of another segment";
    return NULL;
}

static void accept(struct scan *scan, struct kw_bytes text, const struct kw_auditmark *mark)
{
    struct kw_auditchain *head = &scan->result->head;

    head->sequence++;
    kw_sha256(text, head->hash);
    scan->result->closed = mark != NULL && mark->kind == KW_AUDIT_CHECKPOINT && mark->closing;
    if (scan->config->each_line != NULL)
        scan->config->each_line(
            scan->config->arg, &(struct kw_auditscan_line){.text = text, .chain = head, .mark = mark});
}

/* Follows one line. Returns NULL, or why it is not a good one. */
static const char *follow_line(struct scan *scan, struct walk *walk, struct kw_bytes text)
{
    struct kw_auditchain *head = &scan->result->head;
    struct kw_auditmark mark = {0};
    struct kw_audit_line line;
    const char *wrong;

    if (kw_audit_line_parse(text, &line) != 0)
        return "not a line of the log";
    if (head->sequence == 0 && walk->line == 1 && line.sequence > 1)
        return "the log does not begin here: the segments before are missing";
    if (line.sequence != head->sequence + 1)
        return "the sequence number does not follow that of the line before";
    if (memcmp(line.previous_hash, head->hash, sizeof(head->hash)) != 0)
        return walk->line == 1
                   ? "previousHash is not the hash of the last line of the segment before"
                   : "previousHash is not the hash of the line before: one of the two was changed";
    wrong = judge_mark(scan, walk, text, line.rest, &mark);
    if (wrong != NULL)
        return wrong;
    accept(scan, text, kw_auditmark_is(line.rest) ? &mark : NULL);
    return NULL;
}

static void follow(struct scan *scan, struct walk *walk)
{
    for (;;) {
        struct kw_bytes left = content_from(&walk->content, walk->at);
        ssize_t end;

        walk->stop = NULL;
        if (scan->result->head.sequence + 1 == walk->limit)
            return;
        end = kw_bytes_find(left, '\n');
        walk->stop =
            end < 0 ? "the line has no end" : follow_line(scan, walk, KW_BYTES(left.ptr, (size_t)end));
        if (walk->stop != NULL)
            return;
        walk->at += (size_t)end + 1;
        walk->line++;
    }
}

/* ---- judging what comes after the last good line ---- */

/* Bytes up to the last one that is not zero. */
static size_t rest_extent(const struct walk *walk)
{
    return kw_audittail_extent(content_from(&walk->content, walk->at));
}

static bool later_view_has_content(const struct scan *scan, const struct walk *walk)
{
    for (size_t i = walk->index + 1; i < walk->next; i++) {
        if (!scan->views[i].blank)
            return true;
    }
    return false;
}

/* The chain did not come to where the next header takes over. */
static int judge_gap(struct scan *scan, const struct walk *walk)
{
    const struct view *next = &scan->views[walk->next];
    char name[KW_AUDIT_NAME_MAX];

    if (rest_extent(walk) > 0) {
        complain(scan, &scan->views[walk->index], walk->line, "%s", walk->stop);
        return 1;
    }
    if (later_view_has_content(scan, walk))
        return 0; /* that one is to blame, and its turn comes */
    kw_auditsegment_name(next->number, next->quarantined, name);
    complain(scan, &scan->views[walk->index], walk->line,
        "the segment ends at sequence %" PRIu64 ", but %s goes on at %" PRIu64, scan->result->head.sequence,
        name, next->sequence);
    return 1;
}

/* The next segment's header says where this one ends and whether anything may follow. */
static int judge_inner(struct scan *scan, const struct walk *walk)
{
    const struct view *view = &scan->views[walk->index], *next = &scan->views[walk->next];
    size_t extent = rest_extent(walk);

    if (scan->result->head.sequence + 1 != walk->limit)
        return judge_gap(scan, walk);
    if (memcmp(next->previous_hash, scan->result->head.hash, KW_AUDIT_HASH_LEN) != 0) {
        complain(scan, view, walk->line > 1 ? walk->line - 1 : 1,
            "the last line is not the one that the next segment follows: it was changed");
        return 1;
    }
    if (extent > 0 && !kw_audit_reason_is_rough(next->reason)) {
        complain(scan, view, walk->line, "bytes follow the end of a segment that was finished in good order");
        return 1;
    }
    if (extent > KW_AUDIT_BATCH_MAX) {
        complain(scan, view, walk->line, "more follows the end of the segment than one write can leave");
        return 1;
    }
    return 0;
}

static const char *judge_tail(struct scan *scan, const struct walk *walk)
{
    struct kw_audittail tail = {
        .text = content_from(&walk->content, 0),
        .at = walk->at,
        .sequence = scan->result->head.sequence,
        .quarantined = scan->views[walk->index].quarantined,
    };

    if (rest_extent(walk) == 0)
        return NULL;
    /* A new segment begun after a clean close may be torn; the closed one may not. */
    if (scan->result->closed && walk->line > 1)
        return "bytes follow the checkpoint of a clean close";
    return kw_audittail_is_torn(&tail, scan->config->key) ? NULL : walk->stop;
}

/* Reads the segment again, if somebody may be writing it. Returns: 0 | 1 (it has not changed) | <0 */
static int reread(struct scan *scan, struct walk *walk)
{
    KW_CLEANUP(content_done) struct content content = {0};
    struct content old = walk->content;

    KW_REQUIRE(old.recent, 1);
    nanosleep(&(struct timespec){.tv_nsec = REREAD_NS}, NULL);
    KW_TRY(load_or_complain(scan, &scan->views[walk->index], &content));
    KW_REQUIRE(content.len >= walk->at, 1);
    KW_REQUIRE(!kw_bytes_equal(content_from(&content, 0), content_from(&old, 0)), 1);
    walk->content = content;
    content = old; /* freed on return */
    return 0;
}

/* The end of the log as far as headers go: what follows may only be what a torn write leaves. */
static int judge_last(struct scan *scan, struct walk *walk)
{
    const char *wrong = judge_tail(scan, walk);

    for (int i = 0; wrong != NULL && i < REREAD_MAX; i++) {
        int rc = reread(scan, walk);

        KW_TRY(rc);
        if (rc == 1)
            break;
        follow(scan, walk);
        wrong = judge_tail(scan, walk);
    }
    if (wrong != NULL) {
        complain(scan, &scan->views[walk->index], walk->line, "%s", wrong);
        return 1;
    }
    if (rest_extent(walk) > 0)
        scan->result->closed = false;
    scan->result->torn_bytes += rest_extent(walk);
    return 0;
}

static void walk_done(struct walk *walk)
{
    content_done(&walk->content);
}

static int scan_segment(struct scan *scan, size_t index)
{
    KW_CLEANUP(walk_done)
    struct walk walk = {.index = index, .next = index + 1, .line = 1, .limit = UINT64_MAX};

    while (walk.next < scan->num_views && !scan->views[walk.next].has_header)
        walk.next++;
    if (walk.next < scan->num_views)
        walk.limit = scan->views[walk.next].sequence;
    KW_TRY(load_or_complain(scan, &scan->views[index], &walk.content));
    follow(scan, &walk);
    return walk.next < scan->num_views ? judge_inner(scan, &walk) : judge_last(scan, &walk);
}

/* ---- the whole ---- */

/* Where to begin: at the first segment, or at the header of the newest-th last one (the first header if there
 * are fewer), whose signature vouches for where the chain stood. */
static size_t find_start(struct scan *scan)
{
    const struct view *start = NULL;
    size_t seen = 0;

    for (size_t i = scan->num_views; i-- > 0 && seen < scan->config->newest;) {
        if (!scan->views[i].has_header)
            continue;
        start = &scan->views[i];
        seen++;
    }
    if (start == NULL)
        return 0;
    scan->result->head.sequence = start->sequence - 1;
    memcpy(scan->result->head.hash, start->previous_hash, KW_AUDIT_HASH_LEN);
    return (size_t)(start - scan->views);
}

static int run(struct scan *scan)
{
    int rc = list_views(scan);

    KW_REQUIRE(rc == 0, rc);
    for (size_t i = find_start(scan); i < scan->num_views; i++) {
        if (scan->views[i].blank)
            continue;
        rc = scan_segment(scan, i);
        KW_REQUIRE(rc == 0, rc);
    }
    return 0;
}

int kw_auditscan_run(const struct kw_auditscan_config *config, struct kw_auditscan_result *ret)
{
    struct scan scan = {.config = config, .result = ret};
    int rc;

    *ret = (struct kw_auditscan_result){0};
    rc = run(&scan);
    free(scan.views);
    return rc;
}
