/* parts - what an RSA generator is made of, in the open for the tests, which plant what does not happen by
 * chance.
 */
#ifndef KW_ENGINE_RSA_PARTS_H
#define KW_ENGINE_RSA_PARTS_H

#include "engine/rsa/consistency.h"
#include "engine/rsa/finder.h"
#include "engine/rsa/rounds.h"

struct kw_rsa_parts {
    struct kw_finder *finder;
    struct kw_rounds *rounds;
    struct kw_search_queue primes; /* each waits for another one to make a pair with */
    struct kw_consistency *consistency;
};

/* generator: of one of the two of generator_rsa.h. Out: ret_kit, too, is the generator's own. */
struct kw_rsa_parts *kw_generator_rsa_parts(struct kw_generator *generator, struct kw_rsa_kit **ret_kit);

#endif
