// A full barrier: orders earlier stores against later loads. Needed where two sides each store and then look at the other's
// word; everything else gets by with acquire and release.
#pragma once

namespace shoal {

inline void full_fence() {
// ThreadSanitizer does not model fences; what they order here are atomics, which it does not report.
#pragma GCC diagnostic push
#if defined(__SANITIZE_THREAD__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#pragma GCC diagnostic pop
}

}  // namespace shoal
