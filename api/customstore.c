#include "api/customstore.h"

#include "pool/secmem.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* The count stands before the entity; its texts lie behind it. */
struct store_box {
    _Atomic uint32_t refs;
    struct kw_custom_store store;
};

#define BOX(entity) KW_CONTAINER_OF((struct kw_custom_store *)(uintptr_t)(entity), struct store_box, store)

enum { NUM_TEXTS = 5 };

/* The texts that an entity points to, and how long they may be. */
struct texts {
    const char **to[NUM_TEXTS];
    size_t len[NUM_TEXTS];
    size_t size;
    bool bad;
};

static void measure(struct texts *texts, struct kw_custom_store *store)
{
    const char **const fields[NUM_TEXTS] = {
        &store->account, &store->region, &store->name, &store->trust_anchor, &store->password};
    static const size_t most[NUM_TEXTS] = {KW_ACCOUNT_LEN, KW_REGION_MAX, 4u * KW_CUSTOM_STORE_NAME_MAX,
        KW_TRUST_ANCHOR_MAX, KW_STORE_PASSWORD_BYTES};

    *texts = (struct texts){.size = 0};
    for (unsigned i = 0; i < NUM_TEXTS; i++) {
        size_t len = *fields[i] == NULL ? 0 : strnlen(*fields[i], most[i] + 1);

        texts->to[i] = fields[i];
        texts->len[i] = len;
        texts->size += len + 1;
        texts->bad |= len == 0 || len > most[i];
    }
    texts->bad |= texts->len[0] != KW_ACCOUNT_LEN;
}

int kw_custom_store_new(struct kw_custom_store **ret, const struct kw_custom_store *like)
{
    struct kw_custom_store copy = *like;
    struct store_box *box;
    struct texts texts;
    char *at;

    measure(&texts, &copy);
    KW_REQUIRE(!texts.bad && strnlen(like->id, sizeof(like->id)) == KW_CUSTOM_STORE_ID_LEN &&
                   strnlen(like->cluster, sizeof(like->cluster)) <= KW_CLUSTER_ID_MAX &&
                   kw_cluster_id_valid(kw_bytes_str(like->cluster)),
        KW_ENTITY_INVALID);
    box = kw_secmem_alloc(sizeof(*box) + texts.size);
    KW_REQUIRE(box != NULL, -ENOMEM);
    atomic_init(&box->refs, 1);
    at = (char *)(box + 1);
    for (unsigned i = 0; i < NUM_TEXTS; i++) {
        memcpy(at, *texts.to[i], texts.len[i]);
        at[texts.len[i]] = '\0';
        *texts.to[i] = at;
        at += texts.len[i] + 1;
    }
    box->store = copy;
    *ret = &box->store;
    return 0;
}

const struct kw_custom_store *kw_custom_store_ref(const struct kw_custom_store *store)
{
    uint32_t before = atomic_fetch_add_explicit(&BOX(store)->refs, 1, memory_order_relaxed);

    kw_assert(before > 0 && before < UINT32_MAX);
    return store;
}

void kw_custom_store_unref(const struct kw_custom_store *store)
{
    if (store == NULL)
        return;
    /* M1 pairs with M2: what any holder did with the entity happens before it is freed. */
    uint32_t before = atomic_fetch_sub_explicit(&BOX(store)->refs, 1, memory_order_release); /* M1 */
    kw_assert(before > 0);
    if (before > 1)
        return;
    (void)atomic_load_explicit(&BOX(store)->refs, memory_order_acquire); /* M2 */
    kw_secmem_free(BOX(store));
}

/* ---- what callers may say ---- */

bool kw_cluster_id_valid(struct kw_bytes text)
{
    static const char prefix[] = "cluster-";
    size_t len = sizeof(prefix) - 1;

    if (!kw_bytes_starts(text, kw_bytes_str(prefix)) || text.len < len + 11 || text.len > len + 16)
        return false;
    for (size_t i = len; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (!((c >= '2' && c <= '7') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return true;
}

static bool has_nul_or_more(struct kw_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == 0 || text.ptr[i] > 0x7e)
            return true;
    }
    return false;
}

bool kw_trust_anchor_valid(struct kw_bytes text)
{
    unsigned num = 0;
    BIO *bio;
    X509 *certificate;

    if (text.len == 0 || text.len > KW_TRUST_ANCHOR_MAX || has_nul_or_more(text))
        return false;
    bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    if (bio == NULL)
        return false;
    while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        X509_free(certificate);
        num++;
    }
    /* Reading ends with "no start line" behind the last one; anything else is damage. */
    bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
    return num > 0 && ended;
}
