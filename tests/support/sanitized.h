/* sanitized - whether a test was built with a sanitizer, which makes arithmetic ten times slower. */
#ifndef KW_TESTS_SUPPORT_SANITIZED_H
#define KW_TESTS_SUPPORT_SANITIZED_H

#ifdef __has_feature /* clang */
#define KW_HAS_SANITIZER(name) __has_feature(name)
#else
#define KW_HAS_SANITIZER(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || KW_HAS_SANITIZER(address_sanitizer) ||  \
    KW_HAS_SANITIZER(thread_sanitizer)
#define KW_SANITIZED 1
#else
#define KW_SANITIZED 0
#endif

#endif
