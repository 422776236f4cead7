/* explain_internal - a question on its way and one decision that is explained, for the files of explain.h.
 *
 * explain_question.c reads the question, explain.c decides, explain_text.c says why.
 */
#ifndef KW_API_EXPLAIN_INTERNAL_H
#define KW_API_EXPLAIN_INTERNAL_H

#include "api/authz.h"
#include "api/call.h"
#include "api/explain.h"

/* One question on its way. */
struct kw_explain {
    const struct kw_snapshot *snapshot;
    const char *account;
    int64_t now_ms;
    json_t *question; /* owned; an event's facts are filled in */
    struct kw_call *call;
    const struct kw_principal *principal; /* NULL: there is none that could ask */
    const struct kw_policy *session;      /* owned */
    const char *problem, *problem_code;
    struct kw_json_out *out;
    bool allowed;
    unsigned decisions;
    char *why;
    size_t why_cap;
};

/* Writes why the question is none; returns KW_EXPLAIN_BAD. */
int kw_explain_bad(struct kw_explain *explain, const char *format, ...) KW_PRINTF(2, 3);
/* A member of the question; NULL: it is not there. */
const char *kw_explain_text(const struct kw_explain *explain, const char *member);
/* Steps in this order; each returns 0 | KW_EXPLAIN_BAD. */
KW_MUST_CHECK int kw_explain_check_types(struct kw_explain *explain);
KW_MUST_CHECK int kw_explain_take_event(struct kw_explain *explain);
KW_MUST_CHECK int kw_explain_check_context(struct kw_explain *explain);
KW_MUST_CHECK int kw_explain_check_conditions(struct kw_explain *explain);
KW_MUST_CHECK int kw_explain_take_time(struct kw_explain *explain);

struct kw_explained {
    const char *action;       /* "kms:Encrypt" */
    const char *caller;       /* ARN */
    const char *resource;     /* ARN as it was asked for, or "*" */
    const char *problem;      /* why there is no verdict: no such principal or key; NULL: there is one */
    const char *problem_code; /* the error that the caller would get then */
    const struct kw_principal *principal; /* whose identity policies were asked; NULL with a problem */
    const struct kw_kms_key *key;         /* NULL: none */
    const struct kw_policy *session;      /* NULL: none */
    struct kw_authz_verdict verdict;
    struct kw_bytes refusal; /* as the caller would see it */
};

/* Writes one member of Decisions. */
void kw_explained_write(const struct kw_explained *explained, struct kw_json_out *out);
KW_MUST_CHECK bool kw_explained_allowed(const struct kw_explained *explained);

#endif
