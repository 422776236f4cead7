/* words - what operations and members mean, in a sentence each, for help, man pages and skeletons. Constant.
 */
#ifndef KW_TOOLS_CLI_WORDS_H
#define KW_TOOLS_CLI_WORDS_H

/* Without a full stop; "" if there are none. operation is as in the model; "" for members of structures. */
const char *kw_words_operation(const char *operation);
const char *kw_words_member(const char *operation, const char *member);

#endif
