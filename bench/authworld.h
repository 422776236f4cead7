/* authworld - a small world to decide in: one KMS key, users who ask GenerateDataKeyPairWithoutPlaintext of
 * it, their policies, and grants. What it cannot set up ends the program (kw_assert).
 */
#ifndef KW_BENCH_AUTHWORLD_H
#define KW_BENCH_AUTHWORLD_H

#include "api/callauthz.h"

/* What the grants of the key look like. The rest of each is the same for all. */
enum kw_authworld_grants {
    KW_GRANTS_OF_MANY, /* each of another user, without constraint */
    KW_GRANTS_EQUALS,  /* all of one user, each for another encryption context */
    KW_GRANTS_SUBSET,  /* the same, each for another pair of it */
    KW_GRANTS_PAIRS,   /* the same, each for two pairs, of which one is in all of them; contexts have eight */
    KW_GRANTS_OPERATIONS, /* all of one user and for one pair, all but one of them for another operation */
};

struct kw_authworld_plan {
    unsigned key_statements;      /* of the key policy, with conditions; 0: the default policy */
    unsigned identity_statements; /* the same of the user's own policies; 0: it has none */
    bool of_others; /* all statements of the key policy but the last are about another user each */
    uint32_t num_grants;
    enum kw_authworld_grants grants;
    bool refused; /* nothing allows it; else the last statement does, or one grant */
};

struct kw_authworld;

struct kw_authworld *kw_authworld_new(const struct kw_authworld_plan *plan);
void kw_authworld_free(struct kw_authworld *world);
/* The next of its calls, in a round: not all meet the same grant. True: allowed. */
bool kw_authworld_decide(struct kw_authworld *world);
/* What a CreateGrant costs the picture: the next picture with a grant more, and away with it. */
void kw_authworld_add_grant(struct kw_authworld *world);

#endif
