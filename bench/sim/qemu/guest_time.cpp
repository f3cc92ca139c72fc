// The emulator's own clock, when this library is also preloaded: while cores run in a measurement it follows the furthest simulated
// clock, so that the guest's timers (local APIC, PIT, HPET, ACPI PM timer; not the TSC, which is the host's) tick in simulated time.
//
// The preloaded library and the plugin are one object: the dynamic linker loads a file once.
#include <mutex>

#include "bench/sim/qemu/host_time.hpp"
#include "bench/sim/qemu/translation.hpp"

namespace shoal::sim {
namespace {

constexpr uint64_t kCyclesANanosecond = 3;  // a machine of 3 GHz

// Goes with the host's clock or with the simulated one, and never back.
class GuestTime {
  public:
    uint64_t now() {
        const std::lock_guard guard(lock_);
        const uint64_t host = host_nanoseconds();
        const uint64_t cycles = machine == nullptr ? 0 : machine->clocks().furthest();
        const bool simulated =
            machine != nullptr && machine->measuring() && machine->clocks().any_running();
        if (last_host_ == 0)
            now_ = host;
        else if (!simulated)
            now_ += host - last_host_;
        else if (cycles > last_cycles_)
            now_ += (cycles - last_cycles_) / kCyclesANanosecond;
        last_host_ = host;
        last_cycles_ = cycles;
        return now_;
    }

  private:
    std::mutex lock_;
    uint64_t now_ = 0, last_host_ = 0, last_cycles_ = 0;
};

}  // namespace
}  // namespace shoal::sim

extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t id,
                                                                    timespec* result) noexcept {
    using namespace shoal::sim;
    if (id != CLOCK_MONOTONIC) return static_cast<int>(syscall(SYS_clock_gettime, id, result));
    static GuestTime time;
    const uint64_t now = time.now();
    result->tv_sec = static_cast<time_t>(now / kNanosecondsASecond);
    result->tv_nsec = static_cast<long>(now % kNanosecondsASecond);
    return 0;
}
