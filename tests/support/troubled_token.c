/* A PKCS#11 module that passes everything on to a real one and makes trouble on demand: it fails, hangs or
 * claims that its user is locked, as the file that TROUBLED_TOKEN_FILE names says when a call comes in. The
 * real module is TROUBLED_TOKEN_MODULE.
 *
 *     C_Encrypt fails 0x30 2      the next two calls return CKR_DEVICE_ERROR
 *     C_Encrypt sleeps 8000       every call takes eight seconds more
 *     C_GetTokenInfo flags 0x40000    that flag is set
 *
 * A file with other text begins anew. */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret);

static CK_FUNCTION_LIST *real, ours;

/* What the file says of a function now. */
struct trouble {
    char function[64], what[16];
    unsigned long number;
    int times;
};

#define LINES_MAX 4

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char before[1024];
static int left[LINES_MAX];

/* Counts a line's troubles; true if there are any left. */
static int count(const char *text, int line, int times)
{
    int trouble;

    pthread_mutex_lock(&mutex);
    if (strcmp(text, before) != 0) {
        snprintf(before, sizeof(before), "%s", text);
        for (int i = 0; i < LINES_MAX; i++)
            left[i] = -1;
    }
    if (left[line] < 0)
        left[line] = times;
    trouble = left[line] > 0;
    left[line] -= trouble;
    pthread_mutex_unlock(&mutex);
    return trouble;
}

/* Returns whether there is trouble for that function; counts it. */
static int read_trouble(const char *function, struct trouble *ret)
{
    const char *path = getenv("TROUBLED_TOKEN_FILE");
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    char text[sizeof(before)], *at = text;

    if (file == NULL)
        return 0;
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (int line = 0; line < LINES_MAX && at != NULL && *at != '\0'; line++) {
        ret->times = 1000000;
        if (sscanf(at, "%63s %15s %li %d", ret->function, ret->what, (long *)&ret->number, &ret->times) >=
                3 &&
            strcmp(ret->function, function) == 0)
            return count(text, line, ret->times);
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return 0;
}

static CK_RV fate(const char *function)
{
    struct trouble trouble;

    if (!read_trouble(function, &trouble))
        return CKR_OK;
    if (strcmp(trouble.what, "fails") == 0)
        return trouble.number;
    if (strcmp(trouble.what, "sleeps") == 0)
        usleep((useconds_t)trouble.number * 1000u);
    return CKR_OK;
}

#define PASS_ON(name, parameters, arguments)                                                                 \
    static CK_RV my_##name parameters                                                                        \
    {                                                                                                        \
        CK_RV rv = fate(#name);                                                                              \
        return rv != CKR_OK ? rv : real->name arguments;                                                     \
    }

PASS_ON(C_Encrypt,
    (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *out, CK_ULONG *out_len),
    (session, data, data_len, out, out_len))
PASS_ON(C_Decrypt,
    (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *out, CK_ULONG *out_len),
    (session, data, data_len, out, out_len))
PASS_ON(C_EncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
    (session, mechanism, key))
PASS_ON(C_Login, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len),
    (session, user, pin, pin_len))
PASS_ON(C_OpenSession,
    (CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session),
    (slot, flags, application, notify, session))
PASS_ON(C_GetMechanismInfo, (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info),
    (slot, type, info))
PASS_ON(C_GenerateKey,
    (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *attributes, CK_ULONG num,
        CK_OBJECT_HANDLE *key),
    (session, mechanism, attributes, num, key))

static CK_RV my_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    struct trouble trouble;
    CK_RV rv = real->C_GetTokenInfo(slot, info);

    if (rv == CKR_OK && read_trouble("C_GetTokenInfo", &trouble))
        info->flags |= trouble.number;
    return rv;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
    const char *path = getenv("TROUBLED_TOKEN_MODULE");
    void *library = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get = NULL;

    if (library != NULL)
        *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (get == NULL || get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    ours = *real;
    ours.C_Encrypt = my_C_Encrypt;
    ours.C_Decrypt = my_C_Decrypt;
    ours.C_EncryptInit = my_C_EncryptInit;
    ours.C_Login = my_C_Login;
    ours.C_OpenSession = my_C_OpenSession;
    ours.C_GetMechanismInfo = my_C_GetMechanismInfo;
    ours.C_GenerateKey = my_C_GenerateKey;
    ours.C_GetTokenInfo = my_C_GetTokenInfo;
    *ret = &ours;
    return CKR_OK;
}
