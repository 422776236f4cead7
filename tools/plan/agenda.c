#include "tools/plan/agenda.h"

#include <math.h>

void kw_plan_agenda_init(struct kw_plan_agenda *agenda, unsigned num)
{
    kw_assert(num >= 1 && num <= KW_PLAN_ACTORS_MAX);
    agenda->num = num;
    for (unsigned i = 0; i < num; i++) {
        agenda->time_s[i] = INFINITY;
        agenda->heap[i] = agenda->place[i] = i;
    }
}

static void put(struct kw_plan_agenda *agenda, unsigned at, unsigned actor)
{
    agenda->heap[at] = actor;
    agenda->place[actor] = at;
}

static unsigned rise(struct kw_plan_agenda *agenda, unsigned at, double time_s)
{
    while (at > 0 && time_s < agenda->time_s[agenda->heap[(at - 1) / 2]]) {
        put(agenda, at, agenda->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    return at;
}

static unsigned sink(struct kw_plan_agenda *agenda, unsigned at, double time_s)
{
    for (unsigned child = 2 * at + 1; child < agenda->num; child = 2 * at + 1) {
        if (child + 1 < agenda->num &&
            agenda->time_s[agenda->heap[child + 1]] < agenda->time_s[agenda->heap[child]])
            child++;
        if (time_s <= agenda->time_s[agenda->heap[child]])
            break;
        put(agenda, at, agenda->heap[child]);
        at = child;
    }
    return at;
}

void kw_plan_agenda_set(struct kw_plan_agenda *agenda, unsigned actor, double time_s)
{
    unsigned at = agenda->place[actor];

    kw_assert(actor < agenda->num && !isnan(time_s));
    at = time_s < agenda->time_s[actor] ? rise(agenda, at, time_s) : sink(agenda, at, time_s);
    agenda->time_s[actor] = time_s;
    put(agenda, at, actor);
}
