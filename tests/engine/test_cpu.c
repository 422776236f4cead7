#include "engine/cpu.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* What the kernel says of this machine: it lists a flag only if the CPU has it and the kernel saves its
 * state. */
static bool kernel_lists(const char *flag)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char *line = NULL;
    size_t cap = 0;
    bool found = false;

    ck_assert_ptr_nonnull(file);
    while (!found && getline(&line, &cap, file) > 0) {
        char *rest = line;

        if (strncmp(line, "flags", 5) != 0)
            continue;
        for (char *word; (word = strsep(&rest, " \n\t:")) != NULL;)
            found = found || strcmp(word, flag) == 0;
        break;
    }
    free(line);
    fclose(file);
    return found;
}

START_TEST(detect_agrees_with_the_kernel)
{
    bool all = kernel_lists("avx512f") && kernel_lists("avx512dq") && kernel_lists("avx512ifma") &&
               kernel_lists("avx512bw") && kernel_lists("avx512vl");

    ck_assert_int_eq(kw_cpu_detect(), all ? KW_CPU_AVX512IFMA : KW_CPU_PORTABLE);
}
END_TEST

START_TEST(choose_takes_the_best_unless_told_otherwise)
{
    enum kw_cpu_path path = (enum kw_cpu_path)77;

    ck_assert_int_eq(kw_cpu_choose(NULL, &path), 0);
    ck_assert_int_eq(path, kw_cpu_detect());
    ck_assert_int_eq(kw_cpu_choose("auto", &path), 0);
    ck_assert_int_eq(path, kw_cpu_detect());
    ck_assert_int_eq(kw_cpu_choose("portable", &path), 0);
    ck_assert_int_eq(path, KW_CPU_PORTABLE);
}
END_TEST

START_TEST(choose_never_gives_what_the_machine_lacks)
{
    enum kw_cpu_path path = (enum kw_cpu_path)77;
    int result = kw_cpu_choose("avx512ifma", &path);

    if (kw_cpu_detect() == KW_CPU_AVX512IFMA) {
        ck_assert_int_eq(result, 0);
        ck_assert_int_eq(path, KW_CPU_AVX512IFMA);
    } else {
        ck_assert_int_eq(result, KW_CPU_UNAVAILABLE);
        ck_assert_int_eq(path, 77);
    }
}
END_TEST

START_TEST(choose_refuses_unknown_names)
{
    static const char *const names[] = {"", "AUTO", "avx512", "portable ", "avx512ifma2", "%n"};
    enum kw_cpu_path path = (enum kw_cpu_path)77;

    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++) {
        ck_assert_int_eq(kw_cpu_choose(names[i], &path), KW_CPU_UNKNOWN_NAME);
        ck_assert_int_eq(path, 77);
    }
}
END_TEST

START_TEST(every_path_name_chooses_its_path)
{
    enum kw_cpu_path path;

    ck_assert_str_eq(kw_cpu_path_name(KW_CPU_PORTABLE), "portable");
    ck_assert_str_eq(kw_cpu_path_name(KW_CPU_AVX512IFMA), "avx512ifma");
    ck_assert_int_eq(kw_cpu_choose(kw_cpu_path_name(kw_cpu_detect()), &path), 0);
    ck_assert_int_eq(path, kw_cpu_detect());
}
END_TEST

START_TEST(model_is_a_tidy_printable_name)
{
    char model[64];
    size_t len;

    memset(model, 0xff, sizeof(model));
    kw_cpu_model(model);
    len = strnlen(model, sizeof(model));
    ck_assert_uint_gt(len, 0);
    ck_assert_uint_lt(len, sizeof(model));
    ck_assert_int_ne(model[0], ' ');
    ck_assert_int_ne(model[len - 1], ' ');
    for (size_t i = 0; i < len; i++)
        ck_assert(model[i] >= ' ' && model[i] <= '~');
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu");
    TCase *tcase = tcase_create("cpu");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, detect_agrees_with_the_kernel);
    tcase_add_test(tcase, choose_takes_the_best_unless_told_otherwise);
    tcase_add_test(tcase, choose_never_gives_what_the_machine_lacks);
    tcase_add_test(tcase, choose_refuses_unknown_names);
    tcase_add_test(tcase, every_path_name_chooses_its_path);
    tcase_add_test(tcase, model_is_a_tidy_printable_name);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
