#include "pool/bytes.h"
#include "pool/fault.h"

#include <pthread.h>
#include <stdlib.h>

#define RULES_MAX 16

struct rule {
    enum kw_fault_point point;
    enum kw_fault_kind kind;
    uint64_t first; /* use number, from 1 */
    uint64_t last;
};

/* A lock is fine here: this file is never part of a production build. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct rule rules[RULES_MAX];
static size_t num_rules;
static uint64_t uses[KW_FAULT_NUM];

static const char *const point_names[KW_FAULT_NUM] = {
    [KW_FAULT_PCT] = "pct",
    [KW_FAULT_AUDIT_WRITE] = "audit-write",
    [KW_FAULT_AUDIT_SYNC] = "audit-sync",
    [KW_FAULT_AUDIT_CREATE] = "audit-create",
    [KW_FAULT_STORE_COMMIT] = "store-commit",
    [KW_FAULT_ALLOC] = "alloc",
    [KW_FAULT_POOL_CREATE] = "pool-create",
    [KW_FAULT_POOL_TAKE] = "pool-take",
    [KW_FAULT_POOL_WRITE] = "pool-write",
    [KW_FAULT_POOL_SYNC] = "pool-sync",
    [KW_FAULT_POOL_RENAME] = "pool-rename",
    [KW_FAULT_POOL_FOLDER] = "pool-folder",
    [KW_FAULT_POOL_NUMBER] = "pool-number",
    [KW_FAULT_POOL_READ] = "pool-read",
    [KW_FAULT_POOL_REMOVE] = "pool-remove",
    [KW_FAULT_POOL_SERVE] = "pool-serve",
};

static const char *const kind_names[] = {
    [KW_FAULT_NONE] = "none",
    [KW_FAULT_EIO] = "eio",
    [KW_FAULT_ENOSPC] = "enospc",
    [KW_FAULT_SHORT] = "short",
    [KW_FAULT_FAIL] = "fail",
    [KW_FAULT_DELAY] = "delay",
    [KW_FAULT_KILL] = "kill",
};

static int name_index(const char *const *names, size_t num, struct kw_bytes text)
{
    for (size_t i = 0; i < num; i++) {
        if (kw_bytes_equal(text, kw_bytes_str(names[i])))
            return (int)i;
    }
    return -1;
}

/* Takes text up to c (or all of it) off the front of *rest. */
static struct kw_bytes cut(struct kw_bytes *rest, uint8_t c)
{
    ssize_t at = kw_bytes_find(*rest, c);
    struct kw_bytes head = KW_BYTES(rest->ptr, at < 0 ? rest->len : (size_t)at);
    size_t used = at < 0 ? rest->len : (size_t)at + 1;

    *rest = KW_BYTES(rest->ptr + used, rest->len - used);
    return head;
}

static int parse_count(struct kw_bytes text, uint64_t *ret)
{
    uint64_t value = 0;

    KW_REQUIRE(text.len > 0 && text.len < 10, 1);
    for (size_t i = 0; i < text.len; i++) {
        KW_REQUIRE(text.ptr[i] >= '0' && text.ptr[i] <= '9', 1);
        value = value * 10 + (text.ptr[i] - '0');
    }
    *ret = value;
    return 0;
}

static int parse_rule(struct kw_bytes text, struct rule *ret)
{
    int point = name_index(point_names, KW_FAULT_NUM, cut(&text, ':'));
    int kind = name_index(kind_names, KW_ARRAY_LEN(kind_names), cut(&text, '@'));
    bool counted = kw_bytes_find(text, '+') >= 0;
    struct kw_bytes first = cut(&text, '+');
    uint64_t count = 1;

    /* A rule that could never fire is a mistake in the plan. */
    KW_REQUIRE(
        point >= 0 && kind > KW_FAULT_NONE && parse_count(first, &ret->first) == 0 && ret->first > 0, 1);
    ret->point = (enum kw_fault_point)point;
    ret->kind = (enum kw_fault_kind)kind;
    if (kw_bytes_equal(text, KW_LIT("*"))) {
        ret->last = UINT64_MAX;
        return 0;
    }
    KW_REQUIRE(!counted || (parse_count(text, &count) == 0 && count > 0), 1);
    ret->last = ret->first + count - 1;
    return 0;
}

static int set_locked(const char *plan)
{
    struct kw_bytes rest = kw_bytes_str(plan);
    struct rule parsed[RULES_MAX];
    size_t num = 0;

    while (rest.len > 0) {
        KW_REQUIRE(num < RULES_MAX, 1);
        KW_REQUIRE(parse_rule(cut(&rest, ','), &parsed[num]) == 0, 1);
        num++;
    }
    memcpy(rules, parsed, num * sizeof(parsed[0]));
    num_rules = num;
    memset(uses, 0, sizeof(uses));
    return 0;
}

static void load_environment(void)
{
    const char *plan = getenv("KEYWELL_FAULTS");

    /* A plan that cannot be read must not pass as a run without faults. */
    kw_assert(plan == NULL || set_locked(plan) == 0);
}

enum kw_fault_kind kw_fault(enum kw_fault_point point)
{
    enum kw_fault_kind kind = KW_FAULT_NONE;

    pthread_once(&once, load_environment);
    pthread_mutex_lock(&lock);
    uses[point]++;
    for (size_t i = 0; i < num_rules; i++) {
        if (rules[i].point == point && uses[point] >= rules[i].first && uses[point] <= rules[i].last)
            kind = rules[i].kind;
    }
    if (kind == KW_FAULT_KILL)
        (void)raise(SIGKILL);
    pthread_mutex_unlock(&lock);
    return kind;
}

bool kw_fault_compiled_in(void)
{
    return true;
}

int kw_fault_set(const char *plan)
{
    int r;

    pthread_once(&once, load_environment);
    pthread_mutex_lock(&lock);
    r = set_locked(plan);
    pthread_mutex_unlock(&lock);
    return r;
}
