#include "api/quotatable.h"

#include <assert.h>
#include <stdio.h>

/* Rates are kept in calls in a million seconds while they are text, so that 0.1 is exact. */
#define MICRO        UINT64_C(1000000)
#define RATE_MIN     100u /* one in 10,000 s */
#define RATE_MAX     (1000000u * MICRO)
#define BURST_MAX    1000000u
#define NS_PER_MICRO UINT64_C(1000000000000000) /* nanoseconds in a million seconds */

/* What many operations count in together. */
enum shared {
    SHARED_SYMMETRIC,
    SHARED_RSA,
    SHARED_ECC,
    SHARED_ML_DSA,
    SHARED_PAIR, /* the first of the specs, in the order of pair_specs */
    SHARED_NUM = SHARED_PAIR + 9,
    BY_ALGORITHM, /* one of the first four, by the algorithm that the call names */
    BY_PAIR_SPEC,
    ALONE,
};

struct shared_class {
    const char *name;
    uint64_t published;
};

static const struct shared_class shared_classes[SHARED_NUM] = {
    {"CryptographicOperations.Symmetric", 10000 * MICRO},
    {"CryptographicOperations.RSA", 1000 * MICRO},
    {"CryptographicOperations.ECC", 1000 * MICRO},
    {"CryptographicOperations.ML_DSA", 1000 * MICRO},
    {"GenerateDataKeyPair.RSA_2048", MICRO},
    {"GenerateDataKeyPair.RSA_3072", MICRO / 2},
    {"GenerateDataKeyPair.RSA_4096", MICRO / 10},
    {"GenerateDataKeyPair.ECC_NIST_P256", 25 * MICRO},
    {"GenerateDataKeyPair.ECC_NIST_P384", 10 * MICRO},
    {"GenerateDataKeyPair.ECC_NIST_P521", 5 * MICRO},
    {"GenerateDataKeyPair.ECC_SECG_P256K1", 25 * MICRO},
    {"GenerateDataKeyPair.ECC_NIST_EDWARDS25519", 100 * MICRO},
    {"GenerateDataKeyPair.SM2", 25 * MICRO},
};
#define PAIR_PREFIX "GenerateDataKeyPair."

/* In alphabetical order: found by halves. */
static const struct operation_class {
    const char *name;
    uint32_t published; /* calls a second; 0: AWS publishes none of its own */
    enum shared shared;
} operations[] = {
    {"CancelKeyDeletion", 5, ALONE},
    {"ConnectCustomKeyStore", 5, ALONE},
    {"CreateAlias", 5, ALONE},
    {"CreateCustomKeyStore", 5, ALONE},
    {"CreateGrant", 50, ALONE},
    {"CreateKey", 5, ALONE},
    {"Decrypt", 0, BY_ALGORITHM},
    {"DeleteAlias", 15, ALONE},
    {"DeleteCustomKeyStore", 5, ALONE},
    {"DeleteImportedKeyMaterial", 15, ALONE},
    {"DeriveSharedSecret", 0, SHARED_ECC},
    {"DescribeCustomKeyStores", 5, ALONE},
    {"DescribeKey", 2000, ALONE},
    {"DisableKey", 5, ALONE},
    {"DisableKeyRotation", 5, ALONE},
    {"DisconnectCustomKeyStore", 5, ALONE},
    {"EnableKey", 5, ALONE},
    {"EnableKeyRotation", 15, ALONE},
    {"Encrypt", 0, BY_ALGORITHM},
    {"GenerateDataKey", 0, SHARED_SYMMETRIC},
    {"GenerateDataKeyPair", 0, BY_PAIR_SPEC},
    {"GenerateDataKeyPairWithoutPlaintext", 0, BY_PAIR_SPEC},
    {"GenerateDataKeyWithoutPlaintext", 0, SHARED_SYMMETRIC},
    {"GenerateMac", 0, SHARED_SYMMETRIC},
    {"GenerateRandom", 0, SHARED_SYMMETRIC},
    {"GetKeyLastUsage", 5, ALONE},
    {"GetKeyPolicy", 1000, ALONE},
    {"GetKeyRotationStatus", 1000, ALONE},
    {"GetParametersForImport", 1, ALONE},
    {"GetPublicKey", 2000, ALONE},
    {"ImportKeyMaterial", 15, ALONE},
    {"ListAliases", 500, ALONE},
    {"ListGrants", 100, ALONE},
    {"ListKeyPolicies", 100, ALONE},
    {"ListKeyRotations", 100, ALONE},
    {"ListKeys", 500, ALONE},
    {"ListResourceTags", 2000, ALONE},
    {"ListRetirableGrants", 100, ALONE},
    {"PutKeyPolicy", 15, ALONE},
    {"ReEncrypt", 0, BY_ALGORITHM},
    {"ReplicateKey", 5, ALONE},
    {"RetireGrant", 50, ALONE},
    {"RevokeGrant", 50, ALONE},
    {"RotateKeyOnDemand", 5, ALONE},
    {"ScheduleKeyDeletion", 15, ALONE},
    {"Sign", 0, BY_ALGORITHM},
    {"TagResource", 10, ALONE},
    {"UntagResource", 5, ALONE},
    {"UpdateAlias", 5, ALONE},
    {"UpdateCustomKeyStore", 5, ALONE},
    {"UpdateKeyDescription", 5, ALONE},
    {"UpdatePrimaryRegion", 5, ALONE},
    {"Verify", 0, BY_ALGORITHM},
    {"VerifyMac", 0, SHARED_SYMMETRIC},
};
#define NUM_CLASSES (SHARED_NUM + (unsigned)KW_ARRAY_LEN(operations))

static_assert(NUM_CLASSES <= KW_QUOTA_CLASSES_MAX, "each class has a place");

/* ---- classes ---- */

/* Index in operations, or -1. */
static int find_operation(struct kw_bytes name)
{
    size_t low = 0, high = KW_ARRAY_LEN(operations);

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = kw_bytes_compare(name, kw_bytes_str(operations[middle].name));

        if (order == 0)
            return (int)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

/* ALONE for what is no spec of a pair. */
static enum shared pair_class(struct kw_bytes spec)
{
    for (unsigned shared = SHARED_PAIR; shared < SHARED_NUM; shared++) {
        if (kw_bytes_equal(spec, kw_bytes_str(shared_classes[shared].name + sizeof(PAIR_PREFIX) - 1)))
            return (enum shared)shared;
    }
    return ALONE;
}

/* Algorithms and key specs begin alike: RSAES_, RSASSA_, RSA_; ECDSA_, ECDH, ECC_; SM2PKE, SM2DSA. */
static enum shared algorithm_class(struct kw_bytes algorithm)
{
    static const struct {
        const char *prefix;
        enum shared shared;
    } kinds[] = {
        {"RSA", SHARED_RSA},
        {"EC", SHARED_ECC},
        {"ED25519", SHARED_ECC},
        {"SM2", SHARED_ECC},
        {"ML_DSA", SHARED_ML_DSA},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(kinds); i++) {
        if (kw_bytes_starts(algorithm, kw_bytes_str(kinds[i].prefix)))
            return kinds[i].shared;
    }
    return SHARED_SYMMETRIC;
}

size_t kw_quota_classes(const char *operation, struct kw_bytes spec, unsigned ret[KW_QUOTA_CLASSES_OF_CALL])
{
    int index = find_operation(kw_bytes_str(operation));
    enum shared shared;

    if (index < 0)
        return 0;
    shared = operations[index].shared;
    if (shared == BY_ALGORITHM)
        shared = algorithm_class(spec);
    else if (shared == BY_PAIR_SPEC)
        shared = pair_class(spec);
    ret[0] = SHARED_NUM + (unsigned)index;
    if (shared == ALONE)
        return 1;
    ret[1] = shared;
    return 2;
}

unsigned kw_quota_num_classes(void)
{
    return NUM_CLASSES;
}

const char *kw_quota_class_name(unsigned class)
{
    kw_assert(class < NUM_CLASSES);
    return class < SHARED_NUM ? shared_classes[class].name : operations[class - SHARED_NUM].name;
}

/* ---- rates ---- */

/* Digits with up to six decimals, as millionths. Returns: 0 | KW_QUOTA_MALFORMED */
static int parse_decimal(struct kw_bytes text, uint64_t *ret)
{
    uint64_t value = 0, unit = MICRO;
    size_t i = 0, whole;

    for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
        KW_REQUIRE(i < 9, KW_QUOTA_MALFORMED);
        value = 10 * value + (text.ptr[i] - '0');
    }
    whole = i;
    value *= MICRO;
    if (i < text.len && text.ptr[i] == '.') {
        for (i++; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9' && unit > 1; i++) {
            unit /= 10;
            value += unit * (uint64_t)(text.ptr[i] - '0');
        }
        KW_REQUIRE(unit < MICRO, KW_QUOTA_MALFORMED);
    }
    KW_REQUIRE(i == text.len && whole > 0, KW_QUOTA_MALFORMED);
    *ret = value;
    return 0;
}

/* Rounded to a shorter interval: as many calls as asked for, or a few more (at most one in a thousand). room
 * is at most 10^19 ns (BURST_MAX intervals of RATE_MIN), which with any time since start is below 2^64. */
static struct kw_quota_rate rate_of(uint64_t micro, uint64_t burst)
{
    uint64_t interval = NS_PER_MICRO / micro;

    return (struct kw_quota_rate){
        .interval_ns = interval,
        .room_ns = burst > 0 ? burst * interval : KW_MAX(interval, interval * micro / MICRO),
    };
}

int kw_quota_rate_parse(struct kw_bytes rate, struct kw_bytes burst, struct kw_quota_rate *ret)
{
    uint64_t micro, calls = 0;

    if (kw_bytes_equal(rate, KW_LIT("unlimited")) && burst.len == 0) {
        *ret = (struct kw_quota_rate){0, 0};
        return 0;
    }
    KW_REQUIRE(
        parse_decimal(rate, &micro) == 0 && micro >= RATE_MIN && micro <= RATE_MAX, KW_QUOTA_MALFORMED);
    if (burst.len > 0) {
        KW_REQUIRE(parse_decimal(burst, &calls) == 0 && calls % MICRO == 0, KW_QUOTA_MALFORMED);
        calls /= MICRO;
        KW_REQUIRE(calls >= 1 && calls <= BURST_MAX, KW_QUOTA_MALFORMED);
    }
    *ret = rate_of(micro, calls);
    return 0;
}

void kw_quotatable_init(struct kw_quotatable *table, bool imitate)
{
    *table = (struct kw_quotatable){.rate = {{0, 0}}};
    if (!imitate)
        return;
    for (unsigned i = 0; i < SHARED_NUM; i++)
        table->rate[i] = rate_of(shared_classes[i].published, 0);
    for (unsigned i = 0; i < KW_ARRAY_LEN(operations); i++) {
        if (operations[i].published > 0)
            table->rate[SHARED_NUM + i] = rate_of(operations[i].published * MICRO, 0);
    }
}

/* ---- the file ---- */

/* The next word of a line, which it leaves; empty: there are no more. */
static struct kw_bytes take_word(struct kw_bytes *line)
{
    size_t from = 0, to;

    while (from < line->len && (line->ptr[from] == ' ' || line->ptr[from] == '\t'))
        from++;
    for (to = from; to < line->len && line->ptr[to] != ' ' && line->ptr[to] != '\t';)
        to++;
    struct kw_bytes word = KW_BYTES(line->ptr + from, to - from);
    *line = KW_BYTES(line->ptr + to, line->len - to);
    return word;
}

static const char *set_class(struct kw_quotatable *table, struct kw_bytes name, struct kw_quota_rate rate)
{
    bool all = kw_bytes_equal(name, KW_LIT("*")), found = false;

    for (unsigned i = 0; i < NUM_CLASSES; i++) {
        if (all || kw_bytes_equal(name, kw_bytes_str(kw_quota_class_name(i)))) {
            table->rate[i] = rate;
            found = true;
        }
    }
    return found ? NULL : "names no operation and no class of operations";
}

/* NULL, or what is wrong with the line. */
static const char *change_by_line(struct kw_quotatable *table, struct kw_bytes line)
{
    ssize_t comment = kw_bytes_find(line, '#');
    struct kw_quota_rate rate;
    struct kw_bytes class, per_second, burst;

    if (comment >= 0)
        line.len = (size_t)comment;
    else if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    class = take_word(&line);
    if (class.len == 0)
        return NULL;
    per_second = take_word(&line);
    burst = take_word(&line);
    if (take_word(&line).len > 0)
        return "has more than CLASS RATE BURST";
    if (kw_quota_rate_parse(per_second, burst, &rate) != 0)
        return "must have a rate of 0.0001 to 1000000 calls a second, or unlimited, and then at most a burst "
               "of 1 "
               "to 1000000";
    return set_class(table, class, rate);
}

int kw_quotatable_change(struct kw_quotatable *table, struct kw_bytes text, char *why, size_t why_cap)
{
    struct kw_quotatable changed = *table;
    unsigned number = 1;

    if (text.len > KW_QUOTATABLE_BYTES_MAX) {
        snprintf(why, why_cap, "it is longer than %u bytes", KW_QUOTATABLE_BYTES_MAX);
        return KW_QUOTA_MALFORMED;
    }
    for (; text.len > 0; number++) {
        ssize_t end = kw_bytes_find(text, '\n');
        size_t len = end < 0 ? text.len : (size_t)end;
        const char *problem = change_by_line(&changed, KW_BYTES(text.ptr, len));

        if (problem != NULL) {
            snprintf(why, why_cap, "line %u %s", number, problem);
            return KW_QUOTA_MALFORMED;
        }
        len += end < 0 ? 0 : 1;
        text = KW_BYTES(text.ptr + len, text.len - len);
    }
    *table = changed;
    return 0;
}
