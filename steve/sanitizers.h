/// Which sanitizers this is compiled with: gcc says it in one way, clang in another.
#ifndef STEVE_SANITIZERS_H
#define STEVE_SANITIZERS_H

#ifdef __SANITIZE_ADDRESS__
#define STEVE_ADDRESS_SANITIZER 1
#endif
#ifdef __SANITIZE_THREAD__
#define STEVE_THREAD_SANITIZER 1
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define STEVE_ADDRESS_SANITIZER 1
#endif
#if __has_feature(thread_sanitizer)
#define STEVE_THREAD_SANITIZER 1
#endif
#if __has_feature(undefined_behavior_sanitizer)
#define STEVE_UNDEFINED_SANITIZER 1 ///< gcc does not say so
#endif
#endif

#endif
