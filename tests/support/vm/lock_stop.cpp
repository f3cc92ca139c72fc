#include "tests/support/vm/lock_stop.hpp"

#include <atomic>
#include <thread>

#include "base/assert.hpp"
#include "tests/support/patience.hpp"

namespace shoal::vm::test {

namespace {

enum class Stop : uint8_t { None, Wanted, Reached };
std::atomic<Stop> stops[kMaxCpus];

}  // namespace

LockStop::LockStop(CpuId cpu) : cpu_(cpu) {
    SHOAL_ASSERT(stops[cpu.index()].load() == Stop::None);
    stops[cpu.index()] = Stop::Wanted;
}

bool LockStop::reached() const {
    return shoal::test::comes_true([&] { return stops[cpu_.index()].load() == Stop::Reached; });
}

void LockStop::release() { stops[cpu_.index()] = Stop::None; }

void LockStop::pass(CpuId cpu) {
    std::atomic<Stop>& stop = stops[cpu.index()];
    Stop wanted = Stop::Wanted;
    if (!stop.compare_exchange_strong(wanted, Stop::Reached)) return;
    while (stop.load() != Stop::None) std::this_thread::yield();
}

}  // namespace shoal::vm::test
