#include "libc-min/thread/platform.hpp"
#include "libc-min/thread/public_names.hpp"
#include "libc-min/thread/word.hpp"

namespace {

enum : uint32_t { kNotYet = 0, kRunning = 1, kDone = 2 };

}  // namespace

SHOAL_C_BEGIN

int pthread_once(pthread_once_t* once, void (*function)(void)) {
    auto& state = shoal::libc::atomic(once->state);
    uint32_t seen = kNotYet;
    // acquire: pairs with the release below, so that what the function did is visible to who finds it done
    if (state.compare_exchange_strong(seen, kRunning, std::memory_order_acquire)) {
        function();
        state.store(kDone, std::memory_order_release);  // pairs with the acquire loads here
        shoal::libc::platform::wake_word(state, shoal::libc::platform::kAll);
        return 0;
    }
    while (seen != kDone) {
        (void)shoal::libc::platform::wait_on_word(state, kRunning);
        seen = state.load(std::memory_order_acquire);  // pairs with the release above
    }
    return 0;
}

SHOAL_C_END
