#include "engine/crypto.h"

#include "pool/secmem.h"

#include <openssl/crypto.h>
#include <pthread.h>

/* OpenSSL knows file and line of each call; secret memory has no use for them. */
static void *secret_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return kw_secmem_alloc(len);
}

static void secret_free(void *ptr, const char *file, int line)
{
    (void)file;
    (void)line;
    kw_secmem_free(ptr);
}

/* OpenSSL hands the C library's corner cases on to us as they are. */
static void *secret_realloc(void *ptr, size_t len, const char *file, int line)
{
    if (ptr == NULL)
        return secret_malloc(len, file, line);
    if (len == 0) {
        secret_free(ptr, file, line);
        return NULL;
    }
    return kw_secmem_realloc(ptr, len);
}

/* No handler at exit: it would pull OpenSSL's tables from under threads that still run. No configuration
 * file: which algorithms make keys must not depend on a file or an environment variable that names one. */
static int set_up(void)
{
    KW_TRY(kw_secmem_init());
    KW_SSL(CRYPTO_set_mem_functions(secret_malloc, secret_realloc, secret_free));
    KW_SSL(OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG, NULL));
    return 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_result;

static void set_up_once(void)
{
    once_result = set_up();
}

int kw_crypto_init(void)
{
    if (pthread_once(&once, set_up_once) != 0)
        return -ENOMEM;
    return once_result;
}
