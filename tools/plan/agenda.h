/* agenda - when each of a fixed number of actors has its next event, and which is the next of all: a binary
 * heap with the place of each. Of events at the same time the order depends on nothing but what was set
 * before. */
#ifndef KW_TOOLS_PLAN_AGENDA_H
#define KW_TOOLS_PLAN_AGENDA_H

#include "pool/base.h"
#include "pool/limits.h"

#define KW_PLAN_ACTORS_MAX (KW_WORKERS_MAX + KW_ONDEMAND_MAX)

struct kw_plan_agenda {
    unsigned num;
    double time_s[KW_PLAN_ACTORS_MAX];  /* by actor; INFINITY: none */
    unsigned heap[KW_PLAN_ACTORS_MAX];  /* actors, the earliest first */
    unsigned place[KW_PLAN_ACTORS_MAX]; /* in the heap, by actor */
};

/* num: 1 .. KW_PLAN_ACTORS_MAX; nobody has an event */
void kw_plan_agenda_init(struct kw_plan_agenda *agenda, unsigned num);
void kw_plan_agenda_set(struct kw_plan_agenda *agenda, unsigned actor, double time_s);

static inline unsigned kw_plan_agenda_first(const struct kw_plan_agenda *agenda)
{
    return agenda->heap[0];
}

static inline double kw_plan_agenda_next_s(const struct kw_plan_agenda *agenda)
{
    return agenda->time_s[agenda->heap[0]];
}

#endif
