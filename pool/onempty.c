#include "pool/onempty.h"

static const char *const names[KW_ON_EMPTY_NUM] = {
    [KW_ON_EMPTY_WAIT] = "wait",
    [KW_ON_EMPTY_GENERATE] = "generate",
    [KW_ON_EMPTY_REJECT] = "reject",
};

const char *kw_on_empty_name(enum kw_on_empty policy)
{
    kw_assert((unsigned)policy < KW_ON_EMPTY_NUM);
    return names[policy];
}

int kw_on_empty_parse(struct kw_bytes word, enum kw_on_empty *ret)
{
    for (unsigned i = 0; i < KW_ON_EMPTY_NUM; i++) {
        if (kw_bytes_equal(word, kw_bytes_str(names[i]))) {
            *ret = (enum kw_on_empty)i;
            return 0;
        }
    }
    return 1;
}

/* What the list has said so far; KW_ON_EMPTY_NUM: nothing yet. */
struct said {
    enum kw_on_empty all, of[KW_SPEC_NUM];
};

static int parse_part(struct kw_bytes part, struct said *said)
{
    ssize_t equals = kw_bytes_find(part, '=');
    enum kw_on_empty *to = &said->all;
    enum kw_spec spec;

    if (equals >= 0) {
        KW_REQUIRE(kw_spec_parse(KW_BYTES(part.ptr, (size_t)equals), &spec) == 0, 1);
        part = KW_BYTES(part.ptr + equals + 1, part.len - (size_t)equals - 1);
        to = &said->of[spec];
    }
    KW_REQUIRE(*to == KW_ON_EMPTY_NUM, 1);
    return kw_on_empty_parse(part, to);
}

int kw_on_empty_parse_list(struct kw_bytes text, enum kw_on_empty ret[KW_SPEC_NUM])
{
    struct said said = {.all = KW_ON_EMPTY_NUM};
    ssize_t comma;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        said.of[spec] = KW_ON_EMPTY_NUM;
    while ((comma = kw_bytes_find(text, ',')) >= 0) {
        KW_REQUIRE(parse_part(KW_BYTES(text.ptr, (size_t)comma), &said) == 0, 1);
        text = KW_BYTES(text.ptr + comma + 1, text.len - (size_t)comma - 1);
    }
    KW_REQUIRE(parse_part(text, &said) == 0, 1);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (said.of[spec] != KW_ON_EMPTY_NUM)
            ret[spec] = said.of[spec];
        else if (said.all != KW_ON_EMPTY_NUM)
            ret[spec] = said.all;
    }
    return 0;
}
