#include "api/sigv4_keys.h"

static struct kw_sigv4_keys_entry *set_of(struct kw_sigv4_keys *keys, struct kw_bytes id)
{
    uint32_t hash = 2166136261u; /* FNV-1a: whoever picks names can only crowd out some others */

    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ id.ptr[i]) * 16777619u;
    return keys->entry[(hash ^ hash >> 16) % KW_SIGV4_KEYS_SETS];
}

static bool is_of(const struct kw_sigv4_keys_entry *entry, struct kw_bytes id)
{
    return entry->used > 0 && kw_bytes_equal(id, KW_BYTES(entry->id, entry->id_len));
}

static bool is_for(
    const struct kw_sigv4_keys_entry *entry, const struct kw_sigv4_claim *claim, struct kw_bytes secret)
{
    return is_of(entry, claim->access_key_id) && memcmp(entry->date, claim->scope_date.ptr, 8) == 0 &&
           kw_bytes_equal(claim->region, KW_BYTES(entry->region, entry->region_len)) &&
           kw_bytes_equal(claim->service, KW_BYTES(entry->service, entry->service_len)) &&
           entry->secret_len == secret.len && kw_equal_ct(entry->secret, secret.ptr, secret.len);
}

static uint8_t put(char *to, struct kw_bytes text)
{
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    return (uint8_t)text.len;
}

/* Each step's result is the next one's key, beginning with "AWS4" and the secret: date, region, service,
 * terminator. */
void kw_sigv4_derive(const struct kw_sigv4_claim *claim, struct kw_bytes secret, uint8_t ret[KW_HMAC_LEN])
{
    static const uint8_t prefix[] = {'A', 'W', 'S', '4'};
    struct kw_bytes steps[] = {claim->scope_date, claim->region, claim->service, KW_LIT("aws4_request")};
    uint8_t first[sizeof(prefix) + KW_SIGV4_SECRET_MAX];
    KW_ERASE_GUARD(first);
    uint8_t key[KW_HMAC_LEN];
    KW_ERASE_GUARD(key);

    kw_assert(secret.len > 0 && secret.len <= KW_SIGV4_SECRET_MAX);
    memcpy(first, prefix, sizeof(prefix));
    memcpy(first + sizeof(prefix), secret.ptr, secret.len);
    kw_hmac(KW_BYTES(first, sizeof(prefix) + secret.len), &steps[0], 1, key);
    for (size_t i = 1; i < KW_ARRAY_LEN(steps); i++)
        kw_hmac(KW_BYTES(key, sizeof(key)), &steps[i], 1, key);
    memcpy(ret, key, sizeof(key));
}

static void fill(
    struct kw_sigv4_keys_entry *entry, const struct kw_sigv4_claim *claim, struct kw_bytes secret)
{
    uint8_t key[KW_HMAC_LEN];
    KW_ERASE_GUARD(key);

    kw_assert(claim->access_key_id.len <= sizeof(entry->id) && claim->region.len <= sizeof(entry->region));
    kw_assert(claim->service.len <= sizeof(entry->service) && claim->scope_date.len == sizeof(entry->date));
    kw_erase(entry, sizeof(*entry));
    kw_sigv4_derive(claim, secret, key);
    kw_hmac_key_init(&entry->key, KW_BYTES(key, sizeof(key)));
    (void)put(entry->date, claim->scope_date);
    entry->id_len = put(entry->id, claim->access_key_id);
    entry->secret_len = put(entry->secret, secret);
    entry->region_len = put(entry->region, claim->region);
    entry->service_len = put(entry->service, claim->service);
}
static_assert(KW_ACCESS_KEY_ID_MAX <= UINT8_MAX && KW_SIGV4_SECRET_MAX <= UINT8_MAX, "lengths fit a byte");

const struct kw_hmac_key *kw_sigv4_keys_find(
    struct kw_sigv4_keys *keys, const struct kw_sigv4_claim *claim, struct kw_bytes secret)
{
    struct kw_sigv4_keys_entry *set = set_of(keys, claim->access_key_id), *oldest = set;

    keys->lookups++;
    for (unsigned i = 0; i < KW_SIGV4_KEYS_WAYS; i++) {
        if (is_for(&set[i], claim, secret)) {
            set[i].used = keys->lookups;
            return &set[i].key;
        }
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    fill(oldest, claim, secret);
    oldest->used = keys->lookups;
    return &oldest->key;
}

void kw_sigv4_keys_forget(struct kw_sigv4_keys *keys, struct kw_bytes access_key_id)
{
    struct kw_sigv4_keys_entry *set = set_of(keys, access_key_id);

    for (unsigned i = 0; i < KW_SIGV4_KEYS_WAYS; i++)
        if (is_of(&set[i], access_key_id))
            kw_erase(&set[i], sizeof(set[i]));
}
