/* A file of saved pairs comes back as it was written, and as nothing else: not with a bit flipped, cut off,
 * grown, its chunks moved, under another key, number or name. */
#include "api/poolfile.h"
#include "engine/crypto.h"
#include "pool/fault.h"
#include "pool/secmem.h"
#include "tests/pool/death.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define FILE_MAX (1u << 20)

static const uint8_t root_key[32] = "a root key for tests, 32 bytes..";
static uint8_t key[KW_POOLFILE_KEY_LEN];
static const struct kw_saved_name small = {KW_SPEC_ECC_NIST_EDWARDS25519, KW_SAVED_POOL};
static const struct kw_saved_name large = {KW_SPEC_RSA_4096, KW_SAVED_RESERVE};
static uint8_t *image; /* a file as it lies on the disk */
static size_t image_len;

static struct kw_pool *pool_of(enum kw_spec spec, uint32_t capacity)
{
    struct kw_pool_config config = {.spec = spec, .capacity = capacity};
    struct kw_pool *pool = NULL;

    ck_assert_int_eq(kw_pool_new(&pool, &config), 0);
    return pool;
}

/* What pair number i of a spec is. */
static void lay_out(enum kw_spec spec, uint32_t i, struct kw_slot *slot)
{
    const struct kw_spec_info *info = kw_spec_info(spec);

    slot->public_len = info->public_max - i % 3;
    slot->private_len = info->private_max - i % 5;
    memset(slot->public_der, (uint8_t)(3 * i + 1), slot->public_len);
    memset(slot->private_der, (uint8_t)(7 * i + 2), slot->private_len);
}

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("saved", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Writes num pairs and keeps the file's bytes. */
static struct kw_saved_pool save(struct kw_saved_name name, uint32_t num)
{
    struct kw_saved_pool record = {.name = name, .pairs = num};
    struct kw_poolfile_writer *writer = NULL;
    struct kw_pool *pool = pool_of(name.spec, num);
    int fd = memfd_create("saved", MFD_CLOEXEC);

    ck_assert_int_eq(getrandom(record.number, sizeof(record.number), 0), sizeof(record.number));
    ck_assert_int_eq(getrandom(record.secret, sizeof(record.secret), 0), sizeof(record.secret));
    ck_assert_int_eq(kw_poolfile_writer_new(&writer, key, &record, fd), 0);
    for (uint32_t i = 0; i < num; i++) {
        struct kw_slot slot;
        struct kw_pair pair;
        ck_assert_int_eq(kw_pool_acquire(pool, &slot), 0);
        lay_out(name.spec, i, &slot);
        kw_pool_publish(pool, &slot);
        ck_assert_int_eq(kw_pool_withdraw(pool, &pair), 0);
        ck_assert_int_eq(kw_poolfile_put(writer, &pair), 0);
        kw_pair_release(&pair);
    }
    ck_assert_int_eq(kw_poolfile_finish(writer, &record.size), 0);
    kw_poolfile_writer_free(writer);
    kw_pool_free(pool);
    ck_assert_int_le(record.size, kw_poolfile_size_max(name.spec, num));
    image_len = (size_t)record.size;
    ck_assert_uint_le(image_len, FILE_MAX);
    ck_assert_int_eq(pread(fd, image, FILE_MAX, 0), record.size);
    close(fd);
    return record;
}

/* Reads bytes as that file, to its end or to what stops it; pairs that come are compared. */
static int restore_with(
    const uint8_t *with_key, const struct kw_saved_pool *record, const void *bytes, size_t len)
{
    struct kw_poolfile_reader *reader = NULL;
    struct kw_pool *pool = pool_of(record->name.spec, 1);
    struct kw_slot slot, expected;
    static uint8_t public_der[KW_SPEC_PUBLIC_MAX], private_der[4096];
    int fd = file_of(bytes, len), r = kw_poolfile_reader_new(&reader, with_key, record, fd);

    ck_assert_int_eq(kw_pool_acquire(pool, &slot), 0);
    for (uint32_t i = 0; r == 0; i++) {
        expected = (struct kw_slot){.public_der = public_der, .private_der = private_der};
        r = kw_poolfile_next(reader, i % 2 == 0 ? &slot : NULL);
        if (r != 0 || i % 2 != 0)
            continue;
        lay_out(record->name.spec, i, &expected);
        ck_assert_uint_eq(slot.public_len, expected.public_len);
        ck_assert_uint_eq(slot.private_len, expected.private_len);
        ck_assert_mem_eq(slot.public_der, public_der, slot.public_len);
        ck_assert_mem_eq(slot.private_der, private_der, slot.private_len);
    }
    kw_poolfile_reader_free(reader);
    kw_pool_discard(pool, &slot);
    kw_pool_free(pool);
    close(fd);
    return r;
}

static int restore(const struct kw_saved_pool *record, const void *bytes, size_t len)
{
    return restore_with(key, record, bytes, len);
}

static bool refused(int r)
{
    return r == KW_POOLFILE_FOREIGN || r == KW_POOLFILE_OTHER || r == KW_POOLFILE_DAMAGED;
}

START_TEST(comes_back_as_it_was)
{
    static const uint32_t nums[] = {1, 2, 3, 20, 21, 22, 23, 47, 100};
    for (size_t i = 0; i < KW_ARRAY_LEN(nums); i++) {
        struct kw_saved_pool record = save(large, nums[i]);
        ck_assert_int_eq(restore(&record, image, image_len), KW_POOLFILE_END);
        record = save(small, nums[i]);
        ck_assert_int_eq(restore(&record, image, image_len), KW_POOLFILE_END);
        /* Of one pair less or more is damage: what is said elsewhere must be the same. */
        record.pairs++;
        ck_assert_int_eq(restore(&record, image, image_len), KW_POOLFILE_DAMAGED);
        record.pairs -= 2;
        ck_assert_int_eq(restore(&record, image, image_len), KW_POOLFILE_DAMAGED);
    }
}
END_TEST

START_TEST(nothing_of_it_lies_open)
{
    struct kw_saved_pool record = save(large, 30);
    uint8_t run[16];
    for (uint32_t i = 0; i < record.pairs; i++) {
        memset(run, (uint8_t)(7 * i + 2), sizeof(run));
        ck_assert_ptr_null(memmem(image, image_len, run, sizeof(run)));
    }
    ck_assert_ptr_nonnull(memmem(image, image_len, "RSA_4096.reserve", 16));
}
END_TEST

START_TEST(each_flipped_bit_is_refused)
{
    struct kw_saved_pool record = save(small, 3);
    for (size_t at = 0; at < image_len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            image[at] ^= (uint8_t)(1 << bit);
            int r = restore(&record, image, image_len);
            ck_assert_msg(refused(r), "%d for bit %d of byte %zu", r, bit, at);
            image[at] ^= (uint8_t)(1 << bit);
        }
    }
    ck_assert_int_eq(restore(&record, image, image_len), KW_POOLFILE_END);
}
END_TEST

START_TEST(each_cut_and_each_addition_is_refused)
{
    struct kw_saved_pool record = save(small, 3);
    for (size_t len = 0; len < image_len; len++)
        ck_assert_msg(refused(restore(&record, image, len)), "cut to %zu of %zu", len, image_len);
    image[image_len] = 0;
    ck_assert_int_eq(restore(&record, image, image_len + 1), KW_POOLFILE_DAMAGED);
    /* The same file twice in a row, and its chunks once more. */
    memcpy(image + image_len, image, image_len);
    ck_assert_int_eq(restore(&record, image, 2 * image_len), KW_POOLFILE_DAMAGED);
    size_t chunks = image_len - KW_POOLFILE_HEADER_LEN;
    memcpy(image + image_len, image + KW_POOLFILE_HEADER_LEN, chunks);
    ck_assert_int_eq(restore(&record, image, image_len + chunks), KW_POOLFILE_DAMAGED);
}
END_TEST

/* Where the chunks begin; returns how many there are. */
static size_t find_chunks(size_t starts[16])
{
    size_t num = 0, at = KW_POOLFILE_HEADER_LEN;
    while (at < image_len) {
        const uint8_t *head = image + at;
        starts[num++] = at;
        ck_assert_uint_lt(num, 16);
        at += ((size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]) +
              KW_POOLFILE_CHUNK_HEAD + KW_POOLFILE_TAG_LEN;
    }
    starts[num] = at;
    return num;
}

/* The file with its chunks in that order. */
static int restore_in_order(const struct kw_saved_pool *record, const size_t *order, size_t num)
{
    static uint8_t mixed[FILE_MAX];
    size_t starts[16], len = KW_POOLFILE_HEADER_LEN;
    find_chunks(starts);
    memcpy(mixed, image, len);
    for (size_t i = 0; i < num; i++) {
        size_t from = starts[order[i]], size = starts[order[i] + 1] - from;
        memcpy(mixed + len, image + from, size);
        len += size;
    }
    return restore(record, mixed, len);
}

START_TEST(chunks_cannot_be_moved_dropped_or_repeated)
{
    struct kw_saved_pool record = save(large, 80);
    size_t starts[16];
    ck_assert_uint_eq(find_chunks(starts), 4);
    static const size_t as_it_was[] = {0, 1, 2, 3}, swapped[] = {1, 0, 2, 3}, late[] = {0, 2, 1, 3},
                        dropped[] = {0, 1, 3}, cut[] = {0, 1, 2}, only_last[] = {3},
                        twice[] = {0, 1, 1, 2, 3}, again[] = {0, 1, 2, 3, 3}, replaced[] = {0, 1, 1, 3};
    ck_assert_int_eq(restore_in_order(&record, as_it_was, 4), KW_POOLFILE_END);
    ck_assert_int_eq(restore_in_order(&record, swapped, 4), KW_POOLFILE_DAMAGED);
    ck_assert_int_eq(restore_in_order(&record, late, 4), KW_POOLFILE_DAMAGED);
    ck_assert_int_eq(restore_in_order(&record, dropped, 3), KW_POOLFILE_DAMAGED);
    ck_assert_int_eq(restore_in_order(&record, cut, 3), KW_POOLFILE_DAMAGED);
    ck_assert_int_eq(restore_in_order(&record, only_last, 1), KW_POOLFILE_DAMAGED);
    ck_assert_int_eq(restore_in_order(&record, twice, 5), KW_POOLFILE_DAMAGED);
    ck_assert_int_eq(restore_in_order(&record, again, 5), KW_POOLFILE_DAMAGED);
    ck_assert_int_eq(restore_in_order(&record, replaced, 4), KW_POOLFILE_DAMAGED);
}
END_TEST

START_TEST(chunks_of_another_file_are_refused)
{
    static uint8_t other[FILE_MAX];
    struct kw_saved_pool first = save(large, 80);
    size_t starts[16], len = image_len;
    memcpy(other, image, image_len);
    struct kw_saved_pool second = save(large, 80);
    ck_assert_uint_eq(image_len, len);
    ck_assert_uint_eq(find_chunks(starts), 4);
    for (size_t i = 0; i < 4; i++) {
        memcpy(other + starts[i], image + starts[i], starts[i + 1] - starts[i]);
        ck_assert_int_eq(restore(&first, other, len), KW_POOLFILE_DAMAGED);
        if (i == 3) /* all of them: only the number is the first one's */
            ck_assert_int_eq(restore(&second, other, len), KW_POOLFILE_OTHER);
    }
}
END_TEST

START_TEST(another_root_key_number_or_name_is_refused)
{
    struct kw_saved_pool record = save(large, 5), changed = record;
    uint8_t other_root[32], other_key[KW_POOLFILE_KEY_LEN];
    memcpy(other_root, root_key, sizeof(other_root));
    other_root[31] ^= 1;
    ck_assert_int_eq(kw_poolfile_key(other_root, other_key), 0);
    ck_assert_int_eq(restore_with(other_key, &record, image, image_len), KW_POOLFILE_DAMAGED);
    changed.number[0] ^= 1;
    ck_assert_int_eq(restore(&changed, image, image_len), KW_POOLFILE_OTHER);
    changed = record;
    changed.secret[31] ^= 1;
    ck_assert_int_eq(restore(&changed, image, image_len), KW_POOLFILE_DAMAGED);
    changed = record;
    changed.name.kind = KW_SAVED_POOL;
    ck_assert_int_eq(restore(&changed, image, image_len), KW_POOLFILE_OTHER);
    changed = record;
    changed.name.spec = KW_SPEC_RSA_3072;
    ck_assert_int_eq(restore(&changed, image, image_len), KW_POOLFILE_OTHER);
    image[20] ^= 1; /* the version */
    ck_assert_int_eq(restore(&record, image, image_len), KW_POOLFILE_FOREIGN);
    ck_assert_int_eq(restore(&record, "", 0), KW_POOLFILE_FOREIGN);
}
END_TEST

/* OpenSSL's own SP 800-108 KDF says the same. */
START_TEST(the_key_is_that_of_sp_800_108)
{
    uint8_t expected[32];
    char counter[] = "counter", hmac[] = "HMAC", digest[] = "SHA256", label[] = "keywell saved pools v1";
    uint8_t root[32];
    memcpy(root, root_key, sizeof(root));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, counter, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, hmac, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, root, sizeof(root)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, label, sizeof(label) - 1),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    ck_assert_int_eq(EVP_KDF_derive(ctx, expected, sizeof(expected), params), 1);
    ck_assert_mem_eq(key, expected, sizeof(expected));
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}
END_TEST

static void be_a_child(void *arg)
{
    const struct kw_saved_pool *record = arg;
    struct kw_poolfile_writer *writer = NULL;
    struct kw_poolfile_reader *reader = NULL;
    uint8_t derived[KW_POOLFILE_KEY_LEN];
    int fd = memfd_create("saved", MFD_CLOEXEC);

    kw_assert(kw_poolfile_key(root_key, derived) == -EPERM);
    kw_assert(kw_poolfile_writer_new(&writer, key, record, fd) == -EPERM);
    kw_assert(kw_poolfile_reader_new(&reader, key, record, fd) == -EPERM);
}

START_TEST(a_forked_child_gets_nothing)
{
    struct kw_saved_pool record = save(small, 3);
    ck_assert_int_eq(death_signal(be_a_child, &record), 0);
    ck_assert_int_eq(restore(&record, image, image_len), KW_POOLFILE_END);
}
END_TEST

START_TEST(a_failing_disk_is_forwarded)
{
    struct kw_saved_pool record = {.name = large, .pairs = 1};
    struct kw_poolfile_writer *writer = NULL;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(kw_poolfile_writer_new(&writer, key, &record, full), -ENOSPC);
    close(full);
    int folder = open("/", O_RDONLY | O_CLOEXEC);
    struct kw_poolfile_reader *reader = NULL;
    ck_assert_int_eq(kw_poolfile_reader_new(&reader, key, &record, folder), -EISDIR);
    close(folder);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, comes_back_as_it_was);
    tcase_add_test(tcase, nothing_of_it_lies_open);
    tcase_add_test(tcase, each_flipped_bit_is_refused);
    tcase_add_test(tcase, each_cut_and_each_addition_is_refused);
    tcase_add_test(tcase, chunks_cannot_be_moved_dropped_or_repeated);
    tcase_add_test(tcase, chunks_of_another_file_are_refused);
    tcase_add_test(tcase, another_root_key_number_or_name_is_refused);
    tcase_add_test(tcase, the_key_is_that_of_sp_800_108);
    tcase_add_test(tcase, a_forked_child_gets_nothing);
    tcase_add_test(tcase, a_failing_disk_is_forwarded);
}

int main(void)
{
    kw_assert(kw_crypto_init() == 0 && kw_poolfile_key(root_key, key) == 0);
    image = malloc(2 * FILE_MAX);
    kw_assert(image != NULL);
    int status = kw_suite_run("poolfile", add, 30);
    free(image);
    return status;
}
