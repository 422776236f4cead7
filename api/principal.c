#include "api/principal.h"

#include "pool/secmem.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const kind_names[KW_PRINCIPAL_KIND_NUM] = {
    [KW_PRINCIPAL_ROOT] = "root",
    [KW_PRINCIPAL_USER] = "user",
    [KW_PRINCIPAL_ROLE] = "role",
};

const char *kw_principal_kind_name(enum kw_principal_kind kind)
{
    kw_assert((unsigned)kind < KW_PRINCIPAL_KIND_NUM);
    return kind_names[kind];
}

int kw_principal_kind_parse(struct kw_bytes name, enum kw_principal_kind *ret)
{
    for (unsigned i = 0; i < KW_PRINCIPAL_KIND_NUM; i++) {
        if (kw_bytes_equal(name, kw_bytes_str(kind_names[i]))) {
            *ret = (enum kw_principal_kind)i;
            return 0;
        }
    }
    return KW_ENTITY_INVALID;
}

/* ---- names ---- */

static bool is_name_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("+=,.@_-", c) != NULL);
}

bool kw_principal_name_valid(struct kw_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_char(name.ptr[i]))
            return false;
    }
    return name.len > 0 && name.len <= KW_PRINCIPAL_NAME_MAX;
}

bool kw_principal_path_valid(struct kw_bytes path)
{
    if (path.len == 0 || path.len > KW_PRINCIPAL_PATH_MAX || path.ptr[0] != '/' ||
        path.ptr[path.len - 1] != '/')
        return false;
    for (size_t i = 1; i < path.len; i++) {
        if (path.ptr[i] == '/' ? path.ptr[i - 1] == '/' : !is_name_char(path.ptr[i]))
            return false;
    }
    return true;
}

static_assert(sizeof("arn:aws-us-gov:iam::") + KW_ACCOUNT_LEN + sizeof(":user") + KW_PRINCIPAL_PATH_MAX +
                      KW_PRINCIPAL_NAME_MAX <=
                  KW_PRINCIPAL_ARN_MAX,
    "the longest ARN fits");

void kw_principal_arn(
    const struct kw_principal *principal, const char *partition, char ret[KW_PRINCIPAL_ARN_MAX])
{
    if (principal->kind == KW_PRINCIPAL_ROOT)
        snprintf(ret, KW_PRINCIPAL_ARN_MAX, "arn:%s:iam::%s:root", partition, principal->account);
    else
        snprintf(ret, KW_PRINCIPAL_ARN_MAX, "arn:%s:iam::%s:%s%s%s", partition, principal->account,
            kind_names[principal->kind], principal->path, principal->name);
}

/* ---- principals ---- */

/* The count stands before the entity, which is constant for everyone; what it points to lies behind it. */
struct principal_box {
    _Atomic uint32_t refs;
    struct kw_principal principal;
};

#define BOX(entity)                                                                                          \
    KW_CONTAINER_OF((struct kw_principal *)(uintptr_t)(entity), struct principal_box, principal)

#define TAG_KEY_BYTES_MAX   (4u * 128u)
#define TAG_VALUE_BYTES_MAX (4u * 256u)

static bool text_fits(const char *text, size_t min, size_t max)
{
    size_t len = text == NULL ? SIZE_MAX : strnlen(text, max + 1);

    return len >= min && len <= max;
}

static bool account_is_sane(const char *account)
{
    if (!text_fits(account, KW_ACCOUNT_LEN, KW_ACCOUNT_LEN))
        return false;
    for (size_t i = 0; i < KW_ACCOUNT_LEN; i++) {
        if (account[i] < '0' || account[i] > '9')
            return false;
    }
    return true;
}

/* Each name once, in their order: so an entity has one form, and a policy is found by its name. */
static bool policies_are_sane(const struct kw_principal *like)
{
    if (like->num_policies > KW_PRINCIPAL_POLICIES_MAX)
        return false;
    for (uint32_t i = 0; i < like->num_policies; i++) {
        const struct kw_named_policy *policy = &like->policies[i];

        if (policy->policy == NULL || !text_fits(policy->name, 1, KW_PRINCIPAL_POLICY_NAME_MAX) ||
            (i > 0 && strcmp(like->policies[i - 1].name, policy->name) >= 0))
            return false;
    }
    return like->kind != KW_PRINCIPAL_ROOT || like->num_policies == 0;
}

static bool tags_are_sane(const struct kw_principal *like)
{
    if (like->num_tags > KW_TAGS_MAX)
        return false;
    for (uint32_t i = 0; i < like->num_tags; i++) {
        if (!text_fits(like->tags[i].key, 1, TAG_KEY_BYTES_MAX) ||
            !text_fits(like->tags[i].value, 0, TAG_VALUE_BYTES_MAX))
            return false;
    }
    return true;
}

static bool role_is_sane(const struct kw_principal *like)
{
    if (like->kind != KW_PRINCIPAL_ROLE)
        return like->trust == NULL && like->session_max_s == 0;
    return like->trust != NULL && like->session_max_s >= KW_SESSION_S_MIN &&
           like->session_max_s <= KW_SESSION_S_MAX;
}

static bool names_are_sane(const struct kw_principal *like)
{
    if (like->kind == KW_PRINCIPAL_ROOT)
        return true; /* they are not looked at */
    return text_fits(like->name, 1, KW_PRINCIPAL_NAME_MAX) &&
           kw_principal_name_valid(kw_bytes_str(like->name)) &&
           text_fits(like->id, 1, sizeof(like->id) - 1) && text_fits(like->path, 1, KW_PRINCIPAL_PATH_MAX) &&
           kw_principal_path_valid(kw_bytes_str(like->path));
}

/* What follows the entity: arrays, then texts. */
static size_t size_behind(const struct kw_principal *like)
{
    size_t size = like->num_policies * sizeof(like->policies[0]) + like->num_tags * sizeof(like->tags[0]) +
                  strlen(like->account) + 1 + strlen(like->path) + 1 + strlen(like->name) + 1;

    for (uint32_t i = 0; i < like->num_policies; i++)
        size += strlen(like->policies[i].name) + 1;
    for (uint32_t i = 0; i < like->num_tags; i++)
        size += strlen(like->tags[i].key) + 1 + strlen(like->tags[i].value) + 1;
    return size;
}

static const char *copy_text(char **at, const char *text)
{
    char *to = *at;
    size_t size = strlen(text) + 1;

    memcpy(to, text, size);
    *at += size;
    return to;
}

static void copy_behind(struct kw_principal *to, const struct kw_principal *like, void *behind)
{
    struct kw_named_policy *policies = behind;
    struct kw_tag *tags = (struct kw_tag *)(policies + like->num_policies);
    char *at = (char *)(tags + like->num_tags);

    to->account = copy_text(&at, like->account);
    to->path = copy_text(&at, like->path);
    to->name = copy_text(&at, like->name);
    for (uint32_t i = 0; i < like->num_policies; i++)
        policies[i] = (struct kw_named_policy){
            copy_text(&at, like->policies[i].name), kw_policy_ref(like->policies[i].policy)};
    for (uint32_t i = 0; i < like->num_tags; i++) {
        tags[i].key = copy_text(&at, like->tags[i].key);
        tags[i].value = copy_text(&at, like->tags[i].value);
    }
    to->policies = policies;
    to->tags = tags;
    if (like->trust != NULL)
        to->trust = kw_policy_ref(like->trust);
}

/* What has a value in any case. */
static struct kw_principal completed(const struct kw_principal *like)
{
    struct kw_principal full = *like;

    if (full.path == NULL)
        full.path = "/";
    if (full.kind == KW_PRINCIPAL_ROOT) {
        full.path = "/";
        full.name = "root";
        memset(full.id, 0, sizeof(full.id));
        memcpy(full.id, full.account, KW_ACCOUNT_LEN);
    }
    return full;
}

int kw_principal_new(struct kw_principal **ret, const struct kw_principal *like)
{
    struct principal_box *box;

    KW_REQUIRE(
        (unsigned)like->kind < KW_PRINCIPAL_KIND_NUM && account_is_sane(like->account), KW_ENTITY_INVALID);
    struct kw_principal full = completed(like);
    KW_REQUIRE(
        names_are_sane(&full) && policies_are_sane(&full) && tags_are_sane(&full) && role_is_sane(&full),
        KW_ENTITY_INVALID);
    box = calloc(1, sizeof(*box) + size_behind(&full));
    KW_REQUIRE(box != NULL, -ENOMEM);
    atomic_init(&box->refs, 1);
    box->principal = full;
    copy_behind(&box->principal, &full, box + 1);
    kw_principal_arn(&box->principal, "aws", box->principal.arn);
    *ret = &box->principal;
    return 0;
}

const struct kw_principal *kw_principal_ref(const struct kw_principal *principal)
{
    uint32_t before = atomic_fetch_add_explicit(&BOX(principal)->refs, 1, memory_order_relaxed);

    kw_assert(before > 0 && before < UINT32_MAX);
    return principal;
}

/* Drops one reference; true if it was the last. M1 pairs with M2: what any holder did with the entity happens
 * before it is freed. */
static bool drop(_Atomic uint32_t *refs)
{
    uint32_t before = atomic_fetch_sub_explicit(refs, 1, memory_order_release); /* M1 */

    kw_assert(before > 0);
    if (before > 1)
        return false;
    (void)atomic_load_explicit(refs, memory_order_acquire); /* M2 */
    return true;
}

void kw_principal_unref(const struct kw_principal *principal)
{
    if (principal == NULL || !drop(&BOX(principal)->refs))
        return;
    for (uint32_t i = 0; i < principal->num_policies; i++)
        kw_policy_unref(principal->policies[i].policy);
    kw_policy_unref(principal->trust);
    free(BOX(principal));
}

/* ---- access keys ---- */

struct access_key_box {
    _Atomic uint32_t refs;
    struct kw_access_key key;
};

#define KEY_BOX(entity)                                                                                      \
    KW_CONTAINER_OF((struct kw_access_key *)(uintptr_t)(entity), struct access_key_box, key)

/* Texts end at their field's end at the latest: a caller's struct is not trusted to hold a NUL. */
#define FIELD_IS_TEXT(text) (strnlen(text, sizeof(text)) > 0 && strnlen(text, sizeof(text)) < sizeof(text))

int kw_access_key_new(struct kw_access_key **ret, const struct kw_access_key *like)
{
    struct access_key_box *box;

    KW_REQUIRE(FIELD_IS_TEXT(like->id) && FIELD_IS_TEXT(like->secret) && FIELD_IS_TEXT(like->name) &&
                   FIELD_IS_TEXT(like->account) && account_is_sane(like->account),
        KW_ENTITY_INVALID);
    KW_REQUIRE(like->kind == KW_PRINCIPAL_ROOT || like->kind == KW_PRINCIPAL_USER, KW_ENTITY_INVALID);
    box = kw_secmem_alloc(sizeof(*box));
    KW_REQUIRE(box != NULL, -ENOMEM);
    atomic_init(&box->refs, 1);
    memcpy(&box->key, like, sizeof(*like));
    if (like->use != NULL) {
        kw_access_use_ref(like->use);
    } else if (kw_access_use_new(&box->key.use) != 0) {
        kw_secmem_free(box);
        return -ENOMEM;
    }
    *ret = &box->key;
    return 0;
}

const struct kw_access_key *kw_access_key_ref(const struct kw_access_key *key)
{
    uint32_t before = atomic_fetch_add_explicit(&KEY_BOX(key)->refs, 1, memory_order_relaxed);

    kw_assert(before > 0 && before < UINT32_MAX);
    return key;
}

void kw_access_key_unref(const struct kw_access_key *key)
{
    if (key == NULL || !drop(&KEY_BOX(key)->refs))
        return;
    kw_access_use_unref(key->use);
    kw_secmem_free(KEY_BOX(key));
}
