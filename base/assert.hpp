// SHOAL_ASSERT: for bugs of ours only, never for what a user can cause. Kept in debug builds; its expression has no effect,
// so that release builds behave the same. SHOAL_CHECK stays in release builds too, for invariants whose loss loses data.
#pragma once

namespace shoal {

// Each program supplies it: the kernel stops all CPUs, a server reports and exits, a host test aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace shoal

#define SHOAL_CHECK(expression) \
    ((expression) ? (void)0 : ::shoal::assertion_failed(#expression, __FILE__, __LINE__))

#ifdef NDEBUG
#define SHOAL_ASSERT(expression) ((void)sizeof((expression) ? 1 : 0))
#else
#define SHOAL_ASSERT(expression) SHOAL_CHECK(expression)
#endif
