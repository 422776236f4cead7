/* limits - every limit of keywell in one place, with its reason and its relation to the others. */
#ifndef KW_POOL_LIMITS_H
#define KW_POOL_LIMITS_H

#include <assert.h>
#include <stdint.h>

/* ---- pools ---- */
/* A slot index has 20 bits: the other 44 of a list head count generations, so that a compare-and-swap
 * cannot be fooled by a head that came back (at 10^8 operations a second they last two days per lap, and a
 * thread would have to sleep through exactly one lap). */
#define KW_SLOT_INDEX_BITS 20
#define KW_SLOTS_MAX       ((1u << KW_SLOT_INDEX_BITS) - 1) /* one index is the end mark */
/* Slots beside the capacity, so that workers and requests that hold one do not eat into the level. */
#define KW_SLOTS_SPARE_MAX 512u
/* What a server's pools have of them: each worker and each serving thread may hold one, and some more. */
#define KW_LOOPS_MAX 64u /* serving threads */
#define KW_SLOTS_SPARE_OF(workers)                                                                           \
    ((workers) + KW_LOOPS_MAX + 8 < KW_SLOTS_SPARE_MAX ? (workers) + KW_LOOPS_MAX + 8 : KW_SLOTS_SPARE_MAX)
#define KW_POOL_CAPACITY_MAX (KW_SLOTS_MAX - KW_SLOTS_SPARE_MAX)
#define KW_POOL_WAITERS_MAX  1024u  /* default bound on requests that wait for one spec */
#define KW_POOL_WAIT_MS      2000u  /* default deadline of such a wait */
#define KW_POOL_WAIT_MS_MAX  60000u /* no client waits longer for an answer */
#define KW_POOL_ANSWER_MS                                                                                    \
    5u /* of that deadline, what is kept for saying that no pair came: the line is looked at every           \
        * millisecond, and the refusal is recorded before it is sent */
#define KW_POOL_YIELD_MS                                                                                     \
    4u /* how long a serving thread lets those who have waited longer on other threads go first */
#define KW_POOL_RECHECK_MS                                                                                   \
    1u /* a waiter looks again by itself after this long: it never depends on a                              \
        * wake-up that a stopped worker still owes */

static_assert(KW_POOL_YIELD_MS >= 2 * KW_POOL_RECHECK_MS, "the others have looked meanwhile");
static_assert(KW_POOL_ANSWER_MS > KW_POOL_RECHECK_MS, "a deadline is seen before it has passed");

/* ---- saved pools ---- */
#define KW_SAVE_MS                                                                                           \
    30000u /* a clean stop takes pairs out of the pools for so long at most; with KW_DRAIN_MS it is well     \
            * within the 90 s that systemd allows */

/* ---- engine ---- */
#define KW_WORKERS_MAX  256u
#define KW_SLICE_NS     (4u * 1000u * 1000u) /* a generator hands control back after about this long */
#define KW_ONDEMAND_MAX 64u  /* pairs made for requests at once; each takes 1 to 3 MiB to be ready for */
#define KW_SHARE_MS     100u /* a bound on what workers take of a core holds over this time */
#define KW_FIBER_STACK  (64u * 1024u) /* a generator's private stack, in secret memory */

/* ---- HTTP ---- */
#define KW_HTTP_HEAD_MAX                                                                                     \
    (16u * 1024u) /* request line and headers; SDKs send about 1 KiB, session tokens 4                       \
                   */
#define KW_HTTP_HEADERS_MAX 64u
#define KW_HTTP_BODY_MAX                                                                                     \
    (128u * 1024u) /* ten grant tokens of 8 KiB, or a 32 KiB policy escaped; what the model allows at most   \
                    * (50 tags of nothing but escapes) is twice as long, and gets 413: strangers' bodies are \
                    * held too */
#define KW_CONNECTIONS_MAX   10000u /* per server, default */
#define KW_HEADER_TIMEOUT_MS 10000u /* first byte of a request to its last byte */
#define KW_IDLE_TIMEOUT_MS   60000u /* keep-alive without a request */
#define KW_SEND_TIMEOUT_MS   10000u /* a peer that does not read its answer */
#define KW_DRAIN_MS          5000u  /* SIGTERM: requests in flight may take this long */

/* ---- KMS (values from the service model) ---- */
#define KW_JSON_TOKENS_MAX                                                                                   \
    8192u /* values, members and ends of a body; the largest legal request has some hundreds */
#define KW_JSON_DEPTH_MAX        16u
#define KW_PLAINTEXT_MAX         4096u
#define KW_CIPHERTEXT_MAX        6144u
#define KW_DATA_KEY_MAX          1024u
#define KW_RANDOM_MAX            1024u
#define KW_ENC_CONTEXT_BYTES_MAX 8192u /* AWS: the serialised context; here the canonical encoding */
#define KW_ENC_CONTEXT_PAIRS_MAX 818u  /* so many have room there, with keys of two bytes and no values */
#define KW_ALIAS_NAME_MAX        256u
#define KW_DESCRIPTION_MAX       8192u                     /* characters */
#define KW_DESCRIPTION_BYTES_MAX (4u * KW_DESCRIPTION_MAX) /* of UTF-8 */
#define KW_KEY_ID_MAX            2048u
#define KW_ALIASES_PER_KEY_MAX   50u
#define KW_GRANTS_PER_KEY_MAX    50000u
#define KW_KEYS_MAX              100000u /* AWS's default quota of KMS keys per account and region */
#define KW_ACCESS_KEY_ID_MAX     128u
#define KW_REGION_MAX            32u
#define KW_ACCOUNT_LEN           12u
#define KW_CLOCK_SKEW_MS         (5 * 60 * 1000) /* AWS: a signature is good for five minutes either way */

/* ---- slow work (api/chore.h) ---- */
#define KW_CHORES_MAX 256u /* of a serving thread at once; the last of them waits a second or two */
#define KW_CHORES_LONG_MAX                                                                                   \
    4u /* of those, checks of imported RSA keys: others wait behind them, 0.3 s for each */

/* ---- audit ---- */
#define KW_AUDIT_RECORD_MAX (64u * 1024u)         /* a record longer than this has its long members cut */
#define KW_AUDIT_SEGMENT    (16u * 1024u * 1024u) /* bytes per segment, zeroed before use */
#define KW_AUDIT_BATCH_MAX  (1024u * 1024u)       /* bytes in one write */
#define KW_AUDIT_ROTATE_S   86400u

static_assert(KW_AUDIT_BATCH_MAX >= 2 * KW_AUDIT_RECORD_MAX, "a batch holds a record and a checkpoint");
static_assert(KW_AUDIT_SEGMENT >= 4 * KW_AUDIT_BATCH_MAX, "a segment holds several batches");
static_assert(KW_PLAINTEXT_MAX + 512 < KW_CIPHERTEXT_MAX, "what Encrypt makes, Decrypt takes");
static_assert(
    KW_CIPHERTEXT_MAX / 3 * 4 + KW_ENC_CONTEXT_BYTES_MAX < KW_HTTP_BODY_MAX, "a Decrypt request fits a body");

#endif
