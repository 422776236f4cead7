/* keywell_pair - popping, wrapping and unwrapping in a host's process. */
#include "api/enccontext.h"
#include "api/keywell_internal.h"
#include "pool/secmem.h"

#include <openssl/err.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)
/* How often a waiting caller sees to it that the workers do not starve at idle priority. */
#define BOOST_MS 8u

/* What a struct keywell_pair holds. */
static_assert(sizeof(struct kw_pair) <= sizeof(struct keywell_pair), "a pair in hand fits its place");
static_assert(_Alignof(struct keywell_pair) % _Alignof(struct kw_pair) == 0, "and is aligned");

static struct kw_pair *pair_in(struct keywell_pair *pair)
{
    return (struct kw_pair *)(void *)pair->opaque;
}

/* NULL: none. In a forked child the slot behind it is zero. */
static const struct kw_pair *pair_of(const struct keywell_pair *pair)
{
    const struct kw_pair *inner = (const struct kw_pair *)(const void *)pair->opaque;

    return inner->pool != NULL ? inner : NULL;
}

/* ---- wrappers ---- */

static int wrapper_make(struct keywell *engine, uint32_t *ret_index)
{
    struct kw_embed_wrappers *wrappers = &engine->wrappers;
    uint32_t index = atomic_load_explicit(&wrappers->made, memory_order_relaxed);
    struct kw_wrapper *wrapper = NULL;

    if (index >= KW_EMBED_WRAPPERS_MAX)
        return KEYWELL_BUSY;
    int r = kw_wrapper_new_in(&wrapper, engine->libctx);
    if (r < 0)
        return kw_embed_error(r);
    index = atomic_fetch_add_explicit(&wrappers->made, 1, memory_order_relaxed);
    if (index >= KW_EMBED_WRAPPERS_MAX) {
        atomic_fetch_sub_explicit(&wrappers->made, 1, memory_order_relaxed);
        kw_wrapper_free(wrapper);
        return KEYWELL_BUSY;
    }
    wrappers->wrapper[index] = wrapper;
    *ret_index = index;
    return 0;
}

int kw_embed_wrapper_take(struct keywell *engine, uint32_t *ret_index)
{
    uint32_t index;

    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    index = kw_idlist_pop(&engine->wrappers.free, engine->wrappers.links);
    if (index == KW_IDLIST_END)
        return wrapper_make(engine, ret_index);
    *ret_index = index;
    return 0;
}

void kw_embed_wrapper_give(struct keywell *engine, uint32_t index)
{
    kw_idlist_push(&engine->wrappers.free, engine->wrappers.links, index);
}

/* ---- pop ---- */

static int wait_for_pair(struct keywell *engine, enum kw_spec spec, uint64_t deadline_ns, struct kw_pair *ret)
{
    struct kw_pool *pool = engine->pools[spec];
    const struct timespec pause = {.tv_nsec = KW_POOL_RECHECK_MS * NS_PER_MS};
    int r = kw_pool_wait_enter(pool);

    if (r != 0)
        return r;
    for (unsigned turn = 0; (r = kw_pool_pop(pool, ret)) == KW_POOL_EMPTY; turn++) {
        if (kw_now_ns() >= deadline_ns) {
            r = KW_POOL_TIMEOUT;
            break;
        }
        if (turn % BOOST_MS == 0)
            kw_engine_boost(engine->engine, spec);
        (void)nanosleep(&pause, NULL);
    }
    kw_pool_wait_leave(pool, r == 0);
    return r;
}

static int pop_from_empty(struct keywell *engine, enum kw_spec spec, struct kw_pair *ret)
{
    uint64_t deadline_ns = kw_now_ns() + engine->wait_ms[spec] * NS_PER_MS;

    if (engine->on_empty[spec] == KW_ON_EMPTY_GENERATE)
        return kw_ondemand_pop(engine->ondemand, spec, deadline_ns, ret, NULL);
    if (engine->on_empty[spec] == KW_ON_EMPTY_WAIT)
        return wait_for_pair(engine, spec, deadline_ns, ret);
    kw_pool_refuse(engine->pools[spec]);
    return KW_POOL_EMPTY;
}

static int pop(struct keywell *engine, struct kw_pool *pool, struct kw_pair *ret)
{
    int r = kw_pool_pop(pool, ret);

    if (r == KW_POOL_EMPTY) {
        ERR_set_mark();
        r = pop_from_empty(engine, kw_pool_spec(pool), ret);
        ERR_pop_to_mark();
    }
    return kw_embed_error(r);
}

int keywell_pop(struct keywell *engine, enum keywell_spec spec, struct keywell_pair *ret)
{
    struct kw_pair pair;

    if (engine == NULL || ret == NULL || pair_of(ret) != NULL)
        return KEYWELL_INVALID;
    struct kw_pool *pool = kw_embed_pool(engine, spec);
    if (pool == NULL)
        return KEYWELL_NOT_MADE;
    int r = pop(engine, pool, &pair);
    if (r == 0)
        *pair_in(ret) = pair;
    return r;
}

void keywell_pair_release(struct keywell_pair *pair)
{
    if (pair != NULL && kw_secmem_alive())
        kw_pair_release(pair_in(pair));
}

int keywell_pair_private_key(const struct keywell_pair *pair, const unsigned char **ret, size_t *ret_len)
{
    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    if (pair == NULL || pair_of(pair) == NULL)
        return KEYWELL_INVALID;
    *ret = pair_of(pair)->private_der.ptr;
    *ret_len = pair_of(pair)->private_der.len;
    return 0;
}

int keywell_pair_public_text(const struct keywell_pair *pair, const char **ret, size_t *ret_len)
{
    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    if (pair == NULL || pair_of(pair) == NULL)
        return KEYWELL_INVALID;
    *ret = (const char *)pair_of(pair)->public_text.ptr;
    *ret_len = pair_of(pair)->public_text.len;
    return 0;
}

int keywell_pair_public_key(const struct keywell_pair *pair, unsigned char *der, size_t *ret_len)
{
    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    if (pair == NULL || pair_of(pair) == NULL)
        return KEYWELL_INVALID;
    *ret_len = kw_pair_public_der(pair_of(pair), der).len;
    return 0;
}

/* ---- wrap ---- */

int keywell_key_new(struct keywell *engine, const unsigned char *key, const unsigned char *key_id,
    const unsigned char *material_id, struct keywell_key **ret)
{
    if (engine == NULL || key == NULL || key_id == NULL || material_id == NULL || ret == NULL)
        return KEYWELL_INVALID;
    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    struct keywell_key *made = kw_secmem_alloc(sizeof(*made));
    if (made == NULL)
        return KEYWELL_NO_MEMORY;
    made->engine = engine;
    memcpy(made->key, key, sizeof(made->key));
    memcpy(made->key_id, key_id, sizeof(made->key_id));
    memcpy(made->material_id, material_id, sizeof(made->material_id));
    atomic_fetch_add_explicit(&engine->keys, 1, memory_order_relaxed);
    *ret = made;
    return 0;
}

void keywell_key_free(struct keywell_key *key)
{
    if (key == NULL || !kw_secmem_alive())
        return;
    struct keywell *engine = key->engine;
    kw_secmem_free(key);
    atomic_fetch_sub_explicit(&engine->keys, 1, memory_order_release);
}

/* The canonical encoding, in ret, which has room for the longest. */
static int encode_context(const struct keywell_context *context, size_t num, struct kw_buf *ret)
{
    struct kw_enccontext_pair pairs[KEYWELL_CONTEXT_MAX];

    if (num > KEYWELL_CONTEXT_MAX || (num > 0 && context == NULL))
        return KEYWELL_INVALID;
    for (size_t i = 0; i < num; i++) {
        if (context[i].key == NULL || context[i].value == NULL)
            return KEYWELL_INVALID;
        pairs[i].key = kw_bytes_str(context[i].key);
        pairs[i].value = kw_bytes_str(context[i].value);
    }
    return kw_enccontext_encode(pairs, num, ret) == 0 ? 0 : KEYWELL_INVALID;
}

/* Room for plain_len bytes in a blob. */
static int wrap(struct keywell *engine, const struct keywell_key *key, struct kw_bytes context,
    struct kw_bytes plain, unsigned char *blob, size_t *blob_len)
{
    struct kw_buf buf = KW_BUF(blob, *blob_len);
    uint32_t index = 0;

    ERR_set_mark();
    int r = kw_embed_wrapper_take(engine, &index);
    if (r == 0) {
        r = kw_embed_error(kw_wrap(
            engine->wrappers.wrapper[index], key->key_id, key->material_id, key->key, context, plain, &buf));
        kw_embed_wrapper_give(engine, index);
    }
    ERR_pop_to_mark();
    if (r == 0)
        *blob_len = buf.len;
    return r;
}

/* Whether the longest pair of the spec fits; said before one is taken. */
static int check_room(const struct kw_spec_info *info, size_t *blob_len, size_t *public_len)
{
    size_t blob = info->private_max + KW_BLOB_OVERHEAD, text = KW_BASE64_LEN(info->public_max);

    if (*blob_len >= blob && *public_len >= text)
        return 0;
    *blob_len = blob;
    *public_len = text;
    return KEYWELL_NO_SPACE;
}

int keywell_pop_wrap(struct keywell *engine, enum keywell_spec spec, const struct keywell_key *key,
    const struct keywell_context *context, size_t num_context, unsigned char *blob, size_t *blob_len,
    char *public_text, size_t *public_len)
{
    uint8_t bytes[KW_ENC_CONTEXT_BYTES_MAX];
    struct kw_buf encoded = KW_BUF(bytes, sizeof(bytes));
    KW_PAIR struct kw_pair pair = {.pool = NULL};

    if (engine == NULL || key == NULL || blob == NULL || blob_len == NULL || public_text == NULL ||
        public_len == NULL)
        return KEYWELL_INVALID;
    struct kw_pool *pool = kw_embed_pool(engine, spec);
    if (pool == NULL)
        return KEYWELL_NOT_MADE;
    int r = check_room(kw_spec_info(kw_pool_spec(pool)), blob_len, public_len);
    if (r == 0)
        r = encode_context(context, num_context, &encoded);
    if (r == 0)
        r = pop(engine, pool, &pair);
    if (r != 0)
        return r;
    kw_pool_prefetch(pool);
    r = wrap(engine, key, kw_buf_bytes(&encoded), pair.private_der, blob, blob_len);
    if (r != 0)
        return r;
    memcpy(public_text, pair.public_text.ptr, pair.public_text.len);
    *public_len = pair.public_text.len;
    return 0;
}

int keywell_pair_wrap(struct keywell *engine, const struct keywell_pair *pair, const struct keywell_key *key,
    const struct keywell_context *context, size_t num_context, unsigned char *blob, size_t *blob_len)
{
    uint8_t bytes[KW_ENC_CONTEXT_BYTES_MAX];
    struct kw_buf encoded = KW_BUF(bytes, sizeof(bytes));

    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    if (engine == NULL || pair == NULL || pair_of(pair) == NULL || key == NULL || blob == NULL ||
        blob_len == NULL)
        return KEYWELL_INVALID;
    struct kw_bytes plain = pair_of(pair)->private_der;
    if (*blob_len < plain.len + KW_BLOB_OVERHEAD) {
        *blob_len = plain.len + KW_BLOB_OVERHEAD;
        return KEYWELL_NO_SPACE;
    }
    int r = encode_context(context, num_context, &encoded);
    return r != 0 ? r : wrap(engine, key, kw_buf_bytes(&encoded), plain, blob, blob_len);
}

/* ---- unwrap ---- */

static int unwrap(struct keywell *engine, const struct keywell_key *key, struct kw_bytes context,
    const struct kw_blob *blob, struct kw_buf *out)
{
    uint32_t index = 0;

    ERR_set_mark();
    int r = kw_embed_wrapper_take(engine, &index);
    if (r == 0) {
        r = kw_unwrap(engine->wrappers.wrapper[index], blob, key->key, context, out);
        kw_embed_wrapper_give(engine, index);
        r = r > 0 ? KEYWELL_NOT_AUTHENTIC : kw_embed_error(r);
    }
    ERR_pop_to_mark();
    return r;
}

int keywell_unwrap(struct keywell *engine, const struct keywell_key *key,
    const struct keywell_context *context, size_t num_context, const unsigned char *blob, size_t len,
    unsigned char *out, size_t *out_len)
{
    uint8_t bytes[KW_ENC_CONTEXT_BYTES_MAX];
    struct kw_buf encoded = KW_BUF(bytes, sizeof(bytes)), plain;
    struct kw_blob parsed;

    if (!kw_secmem_alive())
        return KEYWELL_FORKED;
    if (engine == NULL || key == NULL || blob == NULL || out == NULL || out_len == NULL)
        return KEYWELL_INVALID;
    if (kw_blob_parse(KW_BYTES(blob, len), &parsed) != 0 ||
        memcmp(parsed.key_id, key->key_id, KW_KMS_KEY_ID_LEN) != 0 ||
        memcmp(parsed.material_id, key->material_id, KW_MATERIAL_ID_LEN) != 0)
        return KEYWELL_NOT_AUTHENTIC;
    if (*out_len < parsed.ciphertext.len) {
        *out_len = parsed.ciphertext.len;
        return KEYWELL_NO_SPACE;
    }
    int r = encode_context(context, num_context, &encoded);
    if (r != 0)
        return r;
    plain = KW_BUF(out, *out_len);
    r = unwrap(engine, key, kw_buf_bytes(&encoded), &parsed, &plain);
    if (r == 0)
        *out_len = plain.len;
    return r;
}

int keywell_blob_ids(const unsigned char *blob, size_t len, unsigned char *key_id, unsigned char *material_id)
{
    struct kw_blob parsed;

    if (blob == NULL || kw_blob_parse(KW_BYTES(blob, len), &parsed) != 0)
        return KEYWELL_NOT_AUTHENTIC;
    if (key_id != NULL)
        memcpy(key_id, parsed.key_id, KW_KMS_KEY_ID_LEN);
    if (material_id != NULL)
        memcpy(material_id, parsed.material_id, KW_MATERIAL_ID_LEN);
    return 0;
}
