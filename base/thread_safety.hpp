// Clang's thread-safety attributes; nothing for GCC. The test run compiles every source with clang and -Wthread-safety.
#pragma once

#if defined(__clang__)
#define SHOAL_TSA(attribute) __attribute__((attribute))
#else
#define SHOAL_TSA(attribute)
#endif

#define CAPABILITY(name) SHOAL_TSA(capability(name))
#define SCOPED_CAPABILITY SHOAL_TSA(scoped_lockable)
#define GUARDED_BY(lock) SHOAL_TSA(guarded_by(lock))
#define PT_GUARDED_BY(lock) SHOAL_TSA(pt_guarded_by(lock))
#define REQUIRES(...) SHOAL_TSA(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) SHOAL_TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...) SHOAL_TSA(release_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) SHOAL_TSA(try_acquire_capability(__VA_ARGS__))
#define ASSERTS_HELD(...) SHOAL_TSA(assert_capability(__VA_ARGS__))
#define EXCLUDES(...) SHOAL_TSA(locks_excluded(__VA_ARGS__))
// For tests that break the rules on purpose, and for a guard whose lock a panic may have broken.
#define NO_THREAD_SAFETY_ANALYSIS SHOAL_TSA(no_thread_safety_analysis)
