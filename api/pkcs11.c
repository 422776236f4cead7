#include "api/pkcs11.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS_MAX 256u
/* A power of two. Handles stay good for as long as the session does. */
#define CACHE_LEN 256u

struct cached {
    char label[KW_KEY_LABEL_MAX + 1];
    CK_OBJECT_HANDLE handle;
};

struct kw_pkcs11 {
    CK_FUNCTION_LIST *module;
    char label[KW_TOKEN_LABEL_MAX + 1];
    bool open;
    CK_SESSION_HANDLE session;
    struct cached cache[CACHE_LEN];
};

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

const char *kw_pkcs11_condition(int condition)
{
    static const char *const texts[] = {
        [0] = "fine",
        [KW_PKCS11_NO_TOKEN] = "no slot has a token of that label",
        [KW_PKCS11_WRONG_PIN] = "the token does not take the password",
        [KW_PKCS11_LOCKED] = "the token has locked its user",
        [KW_PKCS11_NO_USER] = "the token has no user",
        [KW_PKCS11_USER_BUSY] = "another user is logged in",
        [KW_PKCS11_NO_GCM] = "the token has no AES-GCM",
        [KW_PKCS11_GONE] = "session, login or device are lost",
        [KW_PKCS11_NO_KEY] = "the token has no key of that label, or more than one",
        [KW_PKCS11_INVALID] = "it does not authenticate",
        [KW_PKCS11_FAILED] = "the module refused",
    };

    return condition >= 0 && (size_t)condition < KW_ARRAY_LEN(texts) ? texts[condition] : "out of memory";
}

/* Modules differ in what they say when a device, a session or a login is lost. */
static int condition(CK_RV rv)
{
    switch (rv) {
    case CKR_OK:
        return 0;
    case CKR_CRYPTOKI_NOT_INITIALIZED:
    case CKR_DEVICE_ERROR:
    case CKR_DEVICE_REMOVED:
    case CKR_OPERATION_ACTIVE: /* of a call that failed half-way: it ends with the session */
    case CKR_SESSION_CLOSED:
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SLOT_ID_INVALID:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_USER_NOT_LOGGED_IN:
        return KW_PKCS11_GONE;
    default:
        return KW_PKCS11_FAILED;
    }
}

#define CK(call)                                                                                             \
    do {                                                                                                     \
        CK_RV rv_ = (call);                                                                                  \
        if (rv_ != CKR_OK)                                                                                   \
            return condition(rv_);                                                                           \
    } while (0)

/* ---- the module ---- */

static int load(struct kw_pkcs11 *token, const char *path, char *why, size_t why_cap)
{
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    CK_C_GetFunctionList get;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_RV rv;

    if (library == NULL) {
        const char *error = dlerror();

        snprintf(why, why_cap, "the PKCS#11 module cannot be loaded: %s", error != NULL ? error : path);
        return -EINVAL;
    }
    get = (CK_C_GetFunctionList)(uintptr_t)dlsym(library, "C_GetFunctionList");
    if (get == NULL || get(&token->module) != CKR_OK || token->module == NULL) {
        snprintf(why, why_cap, "%s is no PKCS#11 module", path);
        return -EINVAL;
    }
    /* Another token may have come from the same module. */
    rv = token->module->C_Initialize(&args);
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        snprintf(
            why, why_cap, "the PKCS#11 module %s cannot be set up: error 0x%lx", path, (unsigned long)rv);
        return -EINVAL;
    }
    return 0;
}

int kw_pkcs11_new(
    struct kw_pkcs11 **ret, const char *module, const char *token_label, char *why, size_t why_cap)
{
    struct kw_pkcs11 *token = calloc(1, sizeof(*token));
    int r;

    KW_REQUIRE(token != NULL, -ENOMEM);
    snprintf(token->label, sizeof(token->label), "%s", token_label);
    r = load(token, module, why, why_cap);
    if (r != 0) {
        free(token);
        return r;
    }
    *ret = token;
    return 0;
}

void kw_pkcs11_free(struct kw_pkcs11 *token)
{
    if (token == NULL)
        return;
    kw_pkcs11_close(token);
    free(token);
}

/* ---- session and login ---- */

/* A label is padded with spaces. */
static bool has_label(const struct kw_pkcs11 *token, const CK_TOKEN_INFO *info)
{
    char padded[sizeof(info->label) + 1];

    snprintf(padded, sizeof(padded), "%-32s", token->label);
    return memcmp(padded, info->label, sizeof(info->label)) == 0;
}

static int find_slot(struct kw_pkcs11 *token, CK_SLOT_ID *ret, CK_TOKEN_INFO *ret_info)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG num = SLOTS_MAX;

    CK(token->module->C_GetSlotList(CK_TRUE, slots, &num));
    for (CK_ULONG i = 0; i < num; i++) {
        if (token->module->C_GetTokenInfo(slots[i], ret_info) == CKR_OK && has_label(token, ret_info)) {
            *ret = slots[i];
            return 0;
        }
    }
    return KW_PKCS11_NO_TOKEN;
}

static int check_token(struct kw_pkcs11 *token, CK_SLOT_ID slot, const CK_TOKEN_INFO *info)
{
    CK_MECHANISM_INFO gcm;

    if ((info->flags & CKF_USER_PIN_LOCKED) != 0)
        return KW_PKCS11_LOCKED;
    if ((info->flags & CKF_USER_PIN_INITIALIZED) == 0)
        return KW_PKCS11_NO_USER;
    if (token->module->C_GetMechanismInfo(slot, CKM_AES_GCM, &gcm) != CKR_OK ||
        (gcm.flags & (CKF_ENCRYPT | CKF_DECRYPT)) != (CKF_ENCRYPT | CKF_DECRYPT))
        return KW_PKCS11_NO_GCM;
    return 0;
}

static int log_in(struct kw_pkcs11 *token, struct kw_bytes pin)
{
    CK_RV rv = token->module->C_Login(
        token->session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin.ptr, (CK_ULONG)pin.len);

    switch (rv) {
    case CKR_USER_ALREADY_LOGGED_IN:
        return 0;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_EXPIRED:
        return KW_PKCS11_WRONG_PIN;
    case CKR_PIN_LOCKED:
        return KW_PKCS11_LOCKED;
    case CKR_USER_PIN_NOT_INITIALIZED:
        return KW_PKCS11_NO_USER;
    case CKR_USER_ANOTHER_ALREADY_LOGGED_IN:
    case CKR_USER_TOO_MANY_TYPES:
        return KW_PKCS11_USER_BUSY;
    default:
        return condition(rv);
    }
}

int kw_pkcs11_open(struct kw_pkcs11 *token, struct kw_bytes pin)
{
    CK_TOKEN_INFO info = {.flags = 0};
    CK_SLOT_ID slot = 0;
    int r;

    kw_pkcs11_close(token);
    r = find_slot(token, &slot, &info);
    if (r == 0)
        r = check_token(token, slot, &info);
    if (r != 0)
        return r;
    CK(token->module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &token->session));
    token->open = true;
    r = log_in(token, pin);
    if (r != 0)
        kw_pkcs11_close(token);
    return r;
}

void kw_pkcs11_close(struct kw_pkcs11 *token)
{
    memset(token->cache, 0, sizeof(token->cache));
    if (!token->open)
        return;
    /* Of a session that is lost already neither call succeeds. */
    (void)token->module->C_Logout(token->session);
    (void)token->module->C_CloseSession(token->session);
    token->open = false;
}

/* ---- keys ---- */

static struct cached *cache_of(struct kw_pkcs11 *token, const char *label)
{
    uint32_t hash = 2166136261u;

    for (const char *at = label; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    return &token->cache[hash % CACHE_LEN];
}

static int search(struct kw_pkcs11 *token, const char *label, CK_OBJECT_HANDLE *ret)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)},
    };
    CK_OBJECT_HANDLE found[2] = {0};
    CK_ULONG num = 0;
    CK_RV rv;

    CK(token->module->C_FindObjectsInit(token->session, wanted, KW_ARRAY_LEN(wanted)));
    rv = token->module->C_FindObjects(token->session, found, KW_ARRAY_LEN(found), &num);
    (void)token->module->C_FindObjectsFinal(token->session);
    CK(rv);
    if (num != 1)
        return KW_PKCS11_NO_KEY;
    *ret = found[0];
    return 0;
}

static int find_key(struct kw_pkcs11 *token, const char *label, CK_OBJECT_HANDLE *ret)
{
    struct cached *cached = cache_of(token, label);
    int r;

    if (!token->open)
        return KW_PKCS11_GONE;
    if (strcmp(cached->label, label) == 0) {
        *ret = cached->handle;
        return 0;
    }
    r = search(token, label, ret);
    if (r == 0) {
        snprintf(cached->label, sizeof(cached->label), "%s", label);
        cached->handle = *ret;
    } else if (r == KW_PKCS11_NO_KEY) {
        CK_SESSION_INFO info;

        /* To a user who is logged out private objects are not there: a key that is missing is told from a
         * login that is. */
        CK(token->module->C_GetSessionInfo(token->session, &info));
        if (info.state != CKS_RW_USER_FUNCTIONS)
            return KW_PKCS11_GONE;
    }
    return r;
}

static void forget(struct kw_pkcs11 *token, const char *label)
{
    cache_of(token, label)->label[0] = '\0';
}

int kw_pkcs11_make_key(struct kw_pkcs11 *token, const char *label)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ULONG len = 32;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_VALUE_LEN, &len, sizeof(len)},
        {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)},
        {CKA_ID, (void *)(uintptr_t)label, strlen(label)},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_SENSITIVE, &yes, sizeof(yes)},
        {CKA_EXTRACTABLE, &no, sizeof(no)},
        {CKA_ENCRYPT, &yes, sizeof(yes)},
        {CKA_DECRYPT, &yes, sizeof(yes)},
        {CKA_SIGN, &no, sizeof(no)},
        {CKA_VERIFY, &no, sizeof(no)},
        {CKA_WRAP, &no, sizeof(no)},
        {CKA_UNWRAP, &no, sizeof(no)},
        {CKA_DERIVE, &no, sizeof(no)},
        {CKA_MODIFIABLE, &no, sizeof(no)},
    };
    CK_OBJECT_HANDLE key = 0;
    int r = find_key(token, label, &key);

    if (r == 0)
        return KW_PKCS11_FAILED;
    if (r != KW_PKCS11_NO_KEY)
        return r;
    CK(token->module->C_GenerateKey(token->session, &mechanism, attributes, KW_ARRAY_LEN(attributes), &key));
    return 0;
}

int kw_pkcs11_destroy_key(struct kw_pkcs11 *token, const char *label)
{
    CK_OBJECT_HANDLE key = 0;
    int r = find_key(token, label, &key);

    if (r != 0)
        return r;
    forget(token, label);
    CK(token->module->C_DestroyObject(token->session, key));
    return 0;
}

/* ---- AES-GCM ---- */

static CK_GCM_PARAMS gcm_params(uint8_t iv[KW_PKCS11_IV_LEN], struct kw_bytes aad)
{
    return (CK_GCM_PARAMS){
        .iv_ptr = iv,
        .iv_len = KW_PKCS11_IV_LEN,
        .iv_bits = KW_PKCS11_IV_LEN * 8,
        .aad_ptr = (uint8_t *)(uintptr_t)aad.ptr,
        .aad_len = aad.len,
        .tag_bits = KW_PKCS11_TAG_LEN * 8,
    };
}

/* A handle may have died behind our back: somebody else deleted the object. */
static bool is_stale(CK_RV rv)
{
    return rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID;
}

typedef CK_RV start_fn(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);

static int begin(struct kw_pkcs11 *token, const char *label, start_fn *start, CK_GCM_PARAMS *params)
{
    CK_MECHANISM mechanism = {CKM_AES_GCM, params, sizeof(*params)};
    CK_OBJECT_HANDLE key = 0;
    CK_RV rv;
    int r = find_key(token, label, &key);

    if (r != 0)
        return r;
    rv = start(token->session, &mechanism, key);
    if (!is_stale(rv))
        return condition(rv);
    forget(token, label);
    r = find_key(token, label, &key);
    return r != 0 ? r : condition(start(token->session, &mechanism, key));
}

int kw_pkcs11_seal(struct kw_pkcs11 *token, const char *label, uint8_t iv[KW_PKCS11_IV_LEN],
    struct kw_bytes aad, struct kw_bytes text, struct kw_sbuf *out)
{
    CK_GCM_PARAMS params = gcm_params(iv, aad);
    CK_ULONG len = text.len + KW_PKCS11_TAG_LEN;
    int r;

    KW_REQUIRE(kw_sbuf_reserve(out, len) == 0, -ENOMEM);
    r = begin(token, label, token->module->C_EncryptInit, &params);
    if (r != 0)
        return r;
    CK(token->module->C_Encrypt(
        token->session, (uint8_t *)(uintptr_t)text.ptr, text.len, out->ptr + out->len, &len));
    if (len != text.len + KW_PKCS11_TAG_LEN)
        return KW_PKCS11_FAILED;
    out->len += len;
    return 0;
}

/* Some modules have no better word for a tag that is wrong than those for a failure of their own; a session
 * that is still good tells the two apart. */
static int refused_to_open(struct kw_pkcs11 *token, CK_RV rv)
{
    CK_SESSION_INFO info;
    int r = condition(rv);

    if (r == KW_PKCS11_GONE)
        return r;
    r = condition(token->module->C_GetSessionInfo(token->session, &info));
    if (r != 0 || info.state != CKS_RW_USER_FUNCTIONS)
        return KW_PKCS11_GONE;
    return rv == CKR_HOST_MEMORY || rv == CKR_DEVICE_MEMORY ? KW_PKCS11_FAILED : KW_PKCS11_INVALID;
}

int kw_pkcs11_unseal(struct kw_pkcs11 *token, const char *label, const uint8_t iv[KW_PKCS11_IV_LEN],
    struct kw_bytes aad, struct kw_bytes text, struct kw_sbuf *out)
{
    uint8_t own_iv[KW_PKCS11_IV_LEN];
    CK_GCM_PARAMS params;
    CK_ULONG len = text.len;
    CK_RV rv;
    int r;

    KW_REQUIRE(text.len > KW_PKCS11_TAG_LEN, KW_PKCS11_INVALID);
    /* Room for as much as went in: some modules ask for it. */
    KW_REQUIRE(kw_sbuf_reserve(out, len) == 0, -ENOMEM);
    memcpy(own_iv, iv, sizeof(own_iv));
    params = gcm_params(own_iv, aad);
    r = begin(token, label, token->module->C_DecryptInit, &params);
    if (r != 0)
        return r;
    rv = token->module->C_Decrypt(
        token->session, (uint8_t *)(uintptr_t)text.ptr, text.len, out->ptr + out->len, &len);
    if (rv == CKR_OK && len == text.len - KW_PKCS11_TAG_LEN) {
        out->len += len;
        return 0;
    }
    kw_erase(out->ptr + out->len, text.len);
    return rv == CKR_OK ? KW_PKCS11_FAILED : refused_to_open(token, rv);
}

int kw_pkcs11_random(struct kw_pkcs11 *token, size_t len, struct kw_sbuf *out)
{
    if (!token->open)
        return KW_PKCS11_GONE;
    KW_REQUIRE(kw_sbuf_reserve(out, len) == 0, -ENOMEM);
    CK(token->module->C_GenerateRandom(token->session, out->ptr + out->len, len));
    out->len += len;
    return 0;
}
