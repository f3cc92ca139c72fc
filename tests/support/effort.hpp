// How much of a long random test a build does. ThreadSanitizer is some twenty times slower, and looks at the order of accesses:
// what happens in one thread is for the other builds.
#pragma once

namespace shoal::test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

constexpr int effort(int steps) { return kThreadSanitizer ? steps / 8 : steps; }

}  // namespace shoal::test
