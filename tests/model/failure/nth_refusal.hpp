// NthRefusal: refuses a CPU's caches, or those of all CPUs, their n-th refill from now on. Nothing is refilled with more than is wanted, so that with empty
// caches each place of a call that asks for memory asks for a refill.
#pragma once

#include <optional>

#include "tests/support/vm/harness.hpp"

namespace shoal::model {

// What becomes of those behind the n-th.
enum class After : uint8_t {
    Granted,  // one piece was missing: an attempt that is made again succeeds
    Refused,  // memory has ended
};

class NthRefusal final : public vm::test::Refills {
  public:
    // cpu: none for all.
    NthRefusal(vm::test::Machine& machine, std::optional<CpuId> cpu, uint64_t n, After after) : machine_(machine), cpu_(cpu), n_(n), after_(after) {
        machine_.refills = this;
    }
    ~NthRefusal() override { machine_.refills = nullptr; }
    NthRefusal(const NthRefusal&) = delete;
    NthRefusal& operator=(const NthRefusal&) = delete;

    vm::platform::Refill next(CpuId cpu) override {
        if (cpu_ && cpu != *cpu_) return vm::platform::Refill::Ample;
        const uint64_t asked = ++asked_;
        const bool refused = asked == n_ || (asked > n_ && asked < n_ + kMostRefused && after_ == After::Refused);
        return refused ? vm::platform::Refill::Refused : vm::platform::Refill::Exact;
    }
    [[nodiscard]] bool reached() const { return asked_ >= n_; }

  private:
    // Then there is memory again: what must not fail waits for it.
    static constexpr uint64_t kMostRefused = 500;

    vm::test::Machine& machine_;
    const std::optional<CpuId> cpu_;
    const uint64_t n_;
    const After after_;
    std::atomic<uint64_t> asked_{0};
};

}  // namespace shoal::model
