#include "pool/secmem.h"
#include "pool/slots.h"
#include "tests/pool/death.h"

START_TEST(test_layout)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_spec_info *info = kw_spec_info((enum kw_spec)spec);
        struct kw_slots slots;

        ck_assert_int_eq(kw_slots_init(&slots, (enum kw_spec)spec, 3), 0);
        ck_assert_uint_eq((uintptr_t)slots.memory % KW_CACHE_LINE, 0);
        for (uint32_t i = 0; i < 3; i++) {
            uint8_t *public_der = kw_slots_public(&slots, i), *private_der = kw_slots_private(&slots, i);
            ck_assert_uint_eq((uintptr_t)public_der % KW_CACHE_LINE, 0);
            ck_assert_uint_eq((uintptr_t)private_der % 16, 0);
            ck_assert(private_der >= public_der + KW_BASE64_LEN(info->public_max));
            ck_assert(private_der + info->private_max <= slots.memory + (size_t)(i + 1) * slots.size);
        }
        kw_slots_done(&slots);
    }
}
END_TEST

START_TEST(test_encode_public)
{
    struct kw_slots slots;

    ck_assert_int_eq(kw_slots_init(&slots, KW_SPEC_ECC_NIST_P256, 2), 0);
    memset(slots.memory, 0x44, (size_t)2 * slots.size);
    memcpy(kw_slots_public(&slots, 1), "\x14\xfb\x9c\x03", 4);
    kw_slots_encode_public(&slots, 1, 4);
    ck_assert_uint_eq(slots.infos[1].public_len, 8);
    ck_assert_mem_eq(kw_slots_public(&slots, 1), "FPucAw==", 8);
    ck_assert_uint_eq(kw_slots_public(&slots, 1)[8], 0x44);
    ck_assert_uint_ge(kw_slots_bytes(&slots), 2 * (slots.size + sizeof(*slots.infos)));
    kw_slots_done(&slots);
}
END_TEST

START_TEST(test_turn_and_wipe)
{
    struct kw_slots slots;

    ck_assert_int_eq(kw_slots_init(&slots, KW_SPEC_ECC_NIST_P256, 2), 0);
    memset(slots.memory, 0x44, (size_t)2 * slots.size);
    kw_slots_turn(&slots, 1, KW_SLOT_FREE, KW_SLOT_MAKER);
    slots.infos[1].public_len = 9;
    kw_slots_wipe(&slots, 1);
    ck_assert_uint_eq(slots.infos[1].public_len, 0);
    for (uint32_t i = 0; i < slots.size; i++) {
        ck_assert_uint_eq(kw_slots_public(&slots, 0)[i], 0x44);
        ck_assert_uint_eq(kw_slots_public(&slots, 1)[i], 0);
    }
    kw_slots_turn(&slots, 1, KW_SLOT_MAKER, KW_SLOT_READY);
    kw_slots_done(&slots);
    ck_assert_ptr_null(slots.memory);
    kw_slots_done(&slots);
}
END_TEST

static void turn_from_wrong_state(void *slots)
{
    kw_slots_turn(slots, 0, KW_SLOT_MAKER, KW_SLOT_READY);
}

static void turn_no_slot(void *slots)
{
    kw_slots_turn(slots, 1, KW_SLOT_FREE, KW_SLOT_MAKER);
}

static void wipe_no_slot(void *slots)
{
    kw_slots_wipe(slots, 1);
}

static void encode_too_much(void *arg)
{
    struct kw_slots *slots = arg;

    kw_slots_encode_public(slots, 0, kw_spec_info(KW_SPEC_ECC_NIST_P256)->public_max + 20);
}

static void done_in_use(void *arg)
{
    struct kw_slots *slots = arg;

    kw_slots_turn(slots, 0, KW_SLOT_FREE, KW_SLOT_TAKER);
    kw_slots_done(slots);
}

START_TEST(test_misuse)
{
    struct kw_slots slots;

    ck_assert_int_eq(kw_slots_init(&slots, KW_SPEC_ECC_NIST_P256, 1), 0);
    ck_assert_int_eq(death_signal(turn_from_wrong_state, &slots), SIGABRT);
    ck_assert_int_eq(death_signal(turn_no_slot, &slots), SIGABRT);
    ck_assert_int_eq(death_signal(wipe_no_slot, &slots), SIGABRT);
    ck_assert_int_eq(death_signal(encode_too_much, &slots), SIGABRT);
    ck_assert_int_eq(death_signal(done_in_use, &slots), SIGABRT);
    kw_slots_done(&slots);
}
END_TEST

static void init_in_child(void *arg)
{
    struct kw_slots slots;

    (void)arg;
    kw_assert(kw_slots_init(&slots, KW_SPEC_ECC_NIST_P256, 1) == -ENOMEM);
}

START_TEST(test_no_memory)
{
    /* A forked child gets no secret memory, which is as good as none left. */
    ck_assert_int_eq(death_signal(init_in_child, NULL), 0);
}
END_TEST

int main(void)
{
    if (kw_secmem_init() != 0)
        return 1;
    Suite *suite = suite_create("slots");
    TCase *tcase = tcase_create("slots");
    tcase_add_test(tcase, test_layout);
    tcase_add_test(tcase, test_encode_public);
    tcase_add_test(tcase, test_turn_and_wipe);
    tcase_add_test(tcase, test_misuse);
    tcase_add_test(tcase, test_no_memory);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
