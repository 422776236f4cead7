/* Public keys of every kernel there is against OpenSSL and against what the standards print; the test of
 * pairs: test_kernel_check.c; every case of the group's law: test_kernel_small.c. */
#include "pool/bytes.h"
#include "tests/support/ec_kernel_rig.h"
#include "tests/support/residue.h"
#include "tests/support/vectors.h"

/* ---- derive ---- */

#define UNTOUCHED 0xa5

static bool is_untouched(const uint8_t *bytes, size_t len)
{
    bool untouched = true;

    for (size_t i = 0; i < len; i++)
        untouched &= bytes[i] == UNTOUCHED;
    return untouched;
}

/* Derives the secrets that stand in the batch, and compares them with the pool's from[0], from[1] ... */
static void derive_and_compare(const unsigned *from)
{
    memset(rig.points, UNTOUCHED, sizeof(rig.points));
    must(rig.kernel->derive(rig.state, rig.num, rig.secrets, rig.points) == 0, "derive came to nothing");
    for (unsigned i = 0; i < rig.num; i++) {
        if (memcmp(point_at(i), rig.pool->points[from[i]], rig.curve->point_len) != 0)
            ck_abort_msg("%s: number %u of the pool, %u of %u", rig.kernel->name, from[i], i, rig.num);
    }
    must(is_untouched(point_at(rig.num), rig.curve->point_len), "derive wrote too much");
}

static void derive_these(const unsigned *from, unsigned num)
{
    rig.num = num;
    for (unsigned i = 0; i < num; i++)
        memcpy(secret_at(i), rig.pool->secrets[from[i]], rig.curve->secret_len);
    derive_and_compare(from);
}

/* All secrets of the pool, one after the other, in batches of the size that suits the kernel. A slow one gets
 * some of them. */
START_TEST(derive_random_and_extreme)
{
    unsigned from[BATCH_MAX], num = 0;

    rig_begin(_i);
    for (unsigned i = 0; i < rig.pool->num; i++) {
        if (i < 40 || !rig_is_slow() || kw_numbers_below(12) == 0)
            from[num++] = i;
        if (num == rig.kernel->batch || i + 1 == rig.pool->num) {
            derive_these(from, num);
            num = 0;
        }
    }
    rig_close();
}
END_TEST

static void derive_any(unsigned num)
{
    unsigned from[BATCH_MAX];

    for (unsigned i = 0; i < num; i++)
        from[i] = kw_numbers_below(rig.pool->num);
    derive_these(from, num);
}

/* Every number up to one more than twice the lanes, and full batches; each place of a batch gets secrets of
 * every kind, in any order. */
START_TEST(derive_any_number)
{
    unsigned most = 2 * ec_kernels[_i]->lanes + 1;

    rig_begin(_i);
    for (unsigned round = 0; round < (rig_is_slow() ? 1 : 20); round++) {
        for (unsigned num = 1; num <= most; num++)
            derive_any(num);
        derive_any(rig.num_max);
        derive_any(KW_MAX(rig.num_max - 1, 1));
    }
    rig_close();
}
END_TEST

/* The same secret in all places, and one that differs from the others. */
START_TEST(derive_equal_secrets)
{
    unsigned from[BATCH_MAX], num = KW_MIN(2 * ec_kernels[_i]->lanes + 1, 17);

    rig_begin(_i);
    for (unsigned odd_one = 0; odd_one < num; odd_one++) {
        for (unsigned i = 0; i < num; i++)
            from[i] = 0;
        from[odd_one] = 1 + kw_numbers_below(rig.pool->num - 1);
        derive_these(from, num);
    }
    rig_close();
}
END_TEST

/* ---- what the standards print ---- */

static void judge_vector(const json_t *vector, const char *key, const uint8_t *ours, unsigned len)
{
    uint8_t theirs[POINT_MAX];

    if (json_object_get(vector, key) == NULL) /* BIP 340 has no y */
        return;
    struct kw_bytes bytes = vectors_hex(vector, key, theirs, sizeof(theirs));
    ck_assert_uint_eq(bytes.len, len);
    if (memcmp(bytes.ptr, ours, len) != 0)
        ck_abort_msg("%s: %s of %s", rig.kernel->name, key, vectors_text(vector, "source"));
}

START_TEST(derive_published)
{
    json_t *root = vectors_json("ec_keygen.json");
    const struct kw_ec_kernel *kernel = ec_kernels[_i];
    const json_t *vectors =
        json_object_get(json_object_get(root, "curves"), kw_spec_info(kernel->spec)->name);
    unsigned num = (unsigned)json_array_size(vectors);

    ck_assert_uint_gt(num, 3);
    ck_assert_int_eq(rig_open(kernel, kw_curve_of(kernel->spec), num), 0);
    for (unsigned i = 0; i < num; i++) {
        const json_t *vector = json_array_get(vectors, i);
        struct kw_bytes secret =
            vectors_hex(vector, rig_is_edwards() ? "seed" : "d", secret_at(i), rig.curve->secret_len);
        ck_assert_uint_eq(secret.len, rig.curve->secret_len);
    }
    ck_assert_int_eq(kernel->derive(rig.state, num, rig.secrets, rig.points), 0);
    for (unsigned i = 0; i < num; i++) {
        const json_t *vector = json_array_get(vectors, i);
        unsigned len = rig.curve->point_len;
        if (rig_is_edwards()) {
            judge_vector(vector, "point", point_at(i), len);
        } else {
            judge_vector(vector, "x", point_at(i), len / 2);
            judge_vector(vector, "y", point_at(i) + len / 2, len / 2);
        }
    }
    rig.num = num;
    draw_multipliers();
    ck_assert(check());
    rig_close();
    json_decref(root);
}
END_TEST

/* ---- states ---- */

/* A wiped kernel works on as a new one; two of them do not know of each other. */
START_TEST(wiped_and_beside_another)
{
    void *first, *second;
    unsigned num = KW_MIN(ec_kernels[_i]->lanes + 1, 3);

    rig_begin(_i);
    first = rig.state;
    ck_assert_int_eq(rig.kernel->open(&second, rig.kernel, rig.curve, num, NULL), 0);
    rig.kernel->wipe(second);
    for (unsigned i = 0; i < 3; i++) {
        rig.state = i % 2 == 0 ? first : second;
        derive_any(num);
        rig.kernel->wipe(rig.state);
        ck_assert(check());
        rig.kernel->wipe(rig.state);
        rig.kernel->wipe(rig.state);
    }
    rig.state = first;
    rig_close();
    rig.state = second;
    derive_any(num);
    rig_close();
    rig.kernel->close(NULL);
}
END_TEST

static __attribute__((noinline)) void forget_stack(void)
{
    uint8_t below[1 << 16];

    kw_erase(below, sizeof(below));
}

/* What derive and check leave on the stack below their caller's: nothing of a secret. */
static __attribute__((noinline)) void leave_nothing(const struct residue *residue)
{
    uint8_t *here = __builtin_frame_address(0);

    must(residue_find(residue, here - (1 << 16), 1 << 16) == NULL, "something of a secret is left");
}

/* The pool's powers of two and runs of ones have words that stand on any stack. */
static void fill_at_random(unsigned num)
{
    rig.num = num;
    draw_multipliers();
    ck_assert_int_eq(RAND_bytes(rig.secrets, (int)(num * rig.curve->secret_len)), 1);
    for (unsigned i = 0; i < num; i++)
        secret_at(i)[0] = 0; /* below n */
}

START_TEST(nothing_is_left_on_the_stack)
{
    static struct residue residue;

    rig_begin(_i);
    fill_at_random(KW_MIN(rig.kernel->lanes, 8u));
    memset(&residue, 0, sizeof(residue));
    for (unsigned i = 0; i < rig.num; i++)
        residue_add(&residue, KW_BYTES(secret_at(i), rig.curve->secret_len));
    forget_stack();
    ck_assert_int_eq(rig.kernel->derive(rig.state, rig.num, rig.secrets, rig.points), 0);
    leave_nothing(&residue);
    forget_stack();
    ck_assert(check());
    leave_nothing(&residue);
    rig_close();
}
END_TEST

/* What a mask names is lanes with a negative digit, or a bit of a scalar that is set. */
#ifdef __x86_64__

/* A call may change all of them, and nothing else here uses one. */
static uint32_t masks_left(void)
{
    uint32_t any;

    __asm__ volatile("korw %%k0, %%k1, %%k1\n\tkorw %%k1, %%k2, %%k2\n\tkorw %%k2, %%k3, %%k3\n\t"
                     "korw %%k3, %%k4, %%k4\n\tkorw %%k4, %%k5, %%k5\n\tkorw %%k5, %%k6, %%k6\n\t"
                     "korw %%k6, %%k7, %%k7\n\tkmovw %%k7, %0"
                     : "=r"(any));
    return any;
}

START_TEST(nothing_is_left_in_masks)
{
    bool pass = false;

    rig_begin(_i);
    for (unsigned round = 0; rig.kernel->path == KW_CPU_AVX512IFMA && round < 8; round++) {
        fill(8);
        int r = rig.kernel->derive(rig.state, rig.num, rig.secrets, rig.points);
        uint32_t left = masks_left();
        must(r == 0 && left == 0, "derive leaves masks");
        r = rig.kernel->check(rig.state, rig.num, rig.secrets, rig.points, rig.multipliers, &pass);
        left = masks_left();
        must(r == 0 && pass && left == 0, "check leaves masks");
    }
    rig_close();
}
END_TEST

#endif

/* A library that is asked for what is no public key says so. */
START_TEST(derive_zero)
{
    uint8_t ones[SECRET_MAX] = {0};

    rig_begin(_i);
    if (rig.kernel->path == KW_CPU_PORTABLE && !rig_is_edwards()) {
        memset(rig.secrets, 0, sizeof(rig.secrets));
        ck_assert_int_eq(rig.kernel->derive(rig.state, 1, rig.secrets, rig.points), -EINVAL);
        /* Nothing is wrong with the next one. */
        ones[rig.curve->secret_len - 1] = 1;
        memcpy(rig.secrets, ones, rig.curve->secret_len);
        rig.num = 1;
        ck_assert_int_eq(rig.kernel->derive(rig.state, 1, rig.secrets, rig.points), 0);
        draw_multipliers();
        ck_assert(check());
    }
    rig_close();
}
END_TEST

/* ---- add ---- */

/* X || Y of the two terms, and of the sum as the formula of the paper has it. They are no points of the
 * curve, which the formula does not ask for. In lane 0, where kernels of eight lanes scale the first by 1000
 * 2^64, X3 is the difference of two products modulo p as deep below 0 as can be: of one that comes out as
 * next to nothing, and of one that comes out above p. */
static const struct {
    const char *x, *y;
} lowest[] = {
    {"01cff90393f88c9dc409deb45605c5535a740e524c50dae474d57f249ad5cccac8"
     "3a127913f83de6f0e0e075781b7da1fb92c1cec6f8c9813f4670c34c3c8e1441e4",
        "000806386c3d19d72a86213548fea30aed89a74fbb4596a70a4e74bcf783025d56"
        "77b7bb958611249db1a812320ff3ab1bd7690006ed55bd1d1aaa84478af93c8bc1"},
    {"0093d57903723836ce66dd66ddeff48bd91258858898edc9540d096bf493557096"
     "0119afd0de2db469635da862fccfc9257e26da5876f1108a7ccbf8850f10d334b7",
        "001d2f7e41db73db46cb644623cd9e1ae0f63a6fb7984642ef3ebf2e70b2f5b355"
        "f3accd2e643bfe3e6d757f11afe0d65bde11b2c7ceb831a32627c9deeef558c1ea"},
    {"00d07c51aff7fa98ddc26ec0d507cd79cefd1778d25ad7f5e26b832f74584c9385"
     "c89db97df60efa5b61547cda465f3182130e8659f6b67e799f83d4540cc19c0eff",
        "00ecd355e3b0196014b76c4a1502175a789a0c8d7c945c8626a46a5792e02af36e"
        "c7e17596f55bd7423347bbec2ac756e3d8c891e57941e56ed382556dfa447a0fef"},
};

static void unhex(const char *text, uint8_t *ret)
{
    ck_assert_int_eq(kw_hex_decode(kw_bytes_str(text), ret, POINT_MAX / 2), 0);
}

START_TEST(add_at_the_bound)
{
    uint8_t points[KW_ARRAY_LEN(lowest)][POINT_MAX], sum[POINT_MAX];

    rig_begin(_i);
    for (size_t i = 0; i < KW_ARRAY_LEN(lowest); i++) {
        unhex(lowest[i].x, points[i]);
        unhex(lowest[i].y, points[i] + POINT_MAX / 2);
    }
    if (rig.curve->spec == KW_SPEC_ECC_NIST_P521 && rig.kernel->lanes > 1) {
        must(rig.kernel->add(rig.state, KW_EC_MIXED, 1, points[0], points[1], sum) == 0, "add");
        must(memcmp(sum, points[2], sizeof(sum)) == 0, "X3 of two products at their bounds");
    }
    rig_close();
}
END_TEST

/* ---- the list ---- */

START_TEST(choice)
{
    static const enum kw_cpu_path paths[] = {KW_CPU_PORTABLE, KW_CPU_AVX512IFMA};

    for (size_t i = 0; i < KW_ARRAY_LEN(paths); i++) {
        for (enum kw_spec spec = 0; spec < KW_SPEC_NUM; spec++) {
            if (kw_curve_of(spec) == NULL)
                continue;
            const struct kw_ec_kernel *chosen = kw_ec_kernel_choose(paths[i], spec);
            ck_assert_ptr_nonnull(chosen);
            ck_assert_int_eq(chosen->spec, spec);
            ck_assert(chosen->path == KW_CPU_PORTABLE || chosen->path == paths[i]);
        }
    }
    ck_assert_str_eq(kw_ec_kernel_choose(KW_CPU_PORTABLE, KW_SPEC_ECC_SECG_P256K1)->name, "libsecp256k1");
}
END_TEST

START_TEST(sizes_and_names)
{
    const struct kw_ec_kernel *kernel = ec_kernels[_i];

    ck_assert_uint_ge(kernel->lanes, 1);
    ck_assert_uint_ge(kernel->batch, kernel->lanes);
    ck_assert_uint_le(kernel->batch, KW_EC_BATCH_MAX);
    for (int i = 0; i < _i; i++)
        ck_assert_str_ne(kernel->name, ec_kernels[i]->name);
}
END_TEST

/* Those over a library that knows one curve refuse another, here the same one by another name. */
START_TEST(another_curve)
{
    const struct kw_ec_kernel *kernel = ec_kernels[_i];
    struct kw_curve curve = *kw_curve_of(kernel->spec);
    void *state = NULL;
    int r = kernel->open(&state, kernel, &curve, 1, NULL);

    ck_assert(r == 0 || (r == KW_EC_KERNEL_OTHER_CURVE && kernel->add == NULL));
    ck_assert((state != NULL) == (r == 0));
    kernel->close(state);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, derive_random_and_extreme, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, derive_any_number, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, derive_equal_secrets, 0, num_ec_kernels);
    if (vectors_found("ec_keygen.json"))
        tcase_add_loop_test(tcase, derive_published, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, wiped_and_beside_another, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, nothing_is_left_on_the_stack, 0, num_ec_kernels);
#ifdef __x86_64__
    tcase_add_loop_test(tcase, nothing_is_left_in_masks, 0, num_ec_kernels);
#endif
    tcase_add_loop_test(tcase, derive_zero, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, add_at_the_bound, 0, num_ec_kernels);
    tcase_add_test(tcase, choice);
    tcase_add_loop_test(tcase, sizes_and_names, 0, num_ec_kernels);
    tcase_add_loop_test(tcase, another_curve, 0, num_ec_kernels);
}

/* The folder of the vectors is the argument. */
int main(int argc, char **argv)
{
    if (argc > 1 && setenv("KEYWELL_VECTORS", argv[1], 1) != 0)
        return EXIT_FAILURE;
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    rig_collect();
    return kw_suite_run("ec/kernel", add_tests, 300);
}
