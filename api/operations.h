/* operations - every operation that the service has. One op_*.c file a group. */
#ifndef KW_API_OPERATIONS_H
#define KW_API_OPERATIONS_H

#include "api/call.h"
#include "api/service.h"

extern const struct kw_operation kw_op_create_alias;
extern const struct kw_operation kw_op_create_key;
extern const struct kw_operation kw_op_decrypt;
extern const struct kw_operation kw_op_delete_alias;
extern const struct kw_operation kw_op_describe_key;
extern const struct kw_operation kw_op_disable_key;
extern const struct kw_operation kw_op_enable_key;
extern const struct kw_operation kw_op_encrypt;
extern const struct kw_operation kw_op_generate_data_key;
extern const struct kw_operation kw_op_generate_data_key_pair;
extern const struct kw_operation kw_op_generate_data_key_pair_without_plaintext;
extern const struct kw_operation kw_op_generate_data_key_without_plaintext;
extern const struct kw_operation kw_op_generate_random;
extern const struct kw_operation kw_op_list_aliases;
extern const struct kw_operation kw_op_list_keys;

/* Markers of lists: the base64 of where to go on, with the list that they belong to and a checksum, so that a
 * damaged or foreign one is told. They are no secret, and a forged one shows nothing that the list would not.
 */
enum kw_marker_list { KW_MARKER_KEYS = 1, KW_MARKER_ALIASES = 2 };
/* Returns 0 | 1 (not one of this list's) */
KW_MUST_CHECK int kw_marker_decode(
    struct kw_bytes text, enum kw_marker_list list, uint8_t *out, size_t cap, size_t *ret_len);
void kw_marker_write(struct kw_json_out *out, enum kw_marker_list list, struct kw_bytes position);

#endif
