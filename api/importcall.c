#include "api/importcall.h"

#include "api/service.h"

int kw_importcall_find_key(struct kw_call *call)
{
    int r = kw_call_find_key(call, kw_input_string(call->input, "KeyId"), false);

    if (r != KW_CALL_DONE)
        return r;
    if (call->key->origin != KW_ORIGIN_EXTERNAL)
        return kw_call_refuse_origin(call);
    return kw_call_require_state(call);
}

struct kw_importtoken_seal kw_importcall_seal(const struct kw_call *call)
{
    return (struct kw_importtoken_seal){
        .wrapper = kw_call_wrapper(call),
        .secret = kw_call_service(call)->import_secret,
        .key_id = call->key->id,
        .arn = call->key->arn,
    };
}

int kw_importcall_answer(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", call->resources[0].arn);
    if (call->has_material)
        kw_call_write_material(call, &out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}
