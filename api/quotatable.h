/* quotatable - how often calls may be made: rates by class, AWS's published ones, and the file that changes
 * them. Pure.
 *
 * A call counts in the class of its operation, and for some operations in one that they share: cryptographic
 * operations by the kind of key, both operations that make data key pairs by KeyPairSpec. A class has a rate
 * or no limit.
 *
 * The file: lines of `CLASS RATE [BURST]`, between them blanks or tabs; # begins a comment. CLASS is an
 * operation
 * ("CreateKey"), a shared class ("GenerateDataKeyPair.RSA_2048", "CryptographicOperations.Symmetric") or *
 * for all of them; RATE calls a second (0.0001 to 1000000, at most six decimals) or `unlimited`; BURST how
 * many may come at once (1 to 1000000; default: the calls of a second, at least one). Later lines win.
 *
 * Source: KMS developer guide, "Request quotas". Rates of data key pairs are those published first; now that
 * page has them for China only. Those of other operations are today's, symmetric ones as in most Regions.
 */
#ifndef KW_API_QUOTATABLE_H
#define KW_API_QUOTATABLE_H

#include "pool/bytes.h"

#define KW_QUOTATABLE_BYTES_MAX (64u * 1024u)

enum { KW_QUOTA_MALFORMED = 1 };

struct kw_quota_rate {
    uint64_t interval_ns; /* of calls that come as often as they may; 0: no limit */
    uint64_t room_ns;     /* the intervals of as many calls as may come at once */
};

#define KW_QUOTA_CLASSES_MAX 80u
/* A call counts in its operation's class and in one that it shares. */
#define KW_QUOTA_CLASSES_OF_CALL 2u

struct kw_quotatable {
    struct kw_quota_rate rate[KW_QUOTA_CLASSES_MAX];
};

/* kw_quota_rate_parse() - In: rate, burst as the file has them; burst empty: the default. Out: ret.
 * Returns: 0 | KW_QUOTA_MALFORMED */
KW_MUST_CHECK int kw_quota_rate_parse(struct kw_bytes rate, struct kw_bytes burst, struct kw_quota_rate *ret);

/* AWS's rates, or no limits at all. */
void kw_quotatable_init(struct kw_quotatable *table, bool imitate);
/* kw_quotatable_change() - what a file says on top of what is there; at most KW_QUOTATABLE_BYTES_MAX.
 * Out: table, unless the text is malformed; why, a sentence that names the line (never its text).
 * Returns: 0 | KW_QUOTA_MALFORMED */
KW_MUST_CHECK int kw_quotatable_change(
    struct kw_quotatable *table, struct kw_bytes text, char *why, size_t why_cap);

/* kw_quota_classes() - the classes that a call counts in, limited or not: its operation's, then the shared
 * one. In:      spec: the KeyPairSpec, or an algorithm or key spec ("RSASSA_PSS_SHA_256"); empty: symmetric
 * Returns: how many; 0 for what is no operation */
size_t kw_quota_classes(const char *operation, struct kw_bytes spec, unsigned ret[KW_QUOTA_CLASSES_OF_CALL]);
/* All classes are below this; each has a name. */
unsigned kw_quota_num_classes(void);
const char *kw_quota_class_name(unsigned class);

#endif
