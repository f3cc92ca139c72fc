#include "kernel/smp/clock/counter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/unit/smp/device_memory.hpp"

namespace shoal::smp::test {
namespace {

constexpr PhysicalAddress kHpet{0xfed0'0000}, kTimer{0xfed8'0000};
constexpr size_t kCapabilities = 0x00, kPeriod = 0x04, kConfiguration = 0x10, kCount = 0xf0;
constexpr uint32_t kTenMegahertz = 100'000'000;  // [fs]

// An HPET as after power on, with a counter that moves only where a test moves it.
class Hpet : public DeviceMemory {
  public:
    explicit Hpet(uint32_t period = kTenMegahertz, bool wide = false) : DeviceMemory(kHpet, kPageSize) {
        at<uint32_t>(kCapabilities) = wide ? 1 << 13 : 0;
        at<uint32_t>(kPeriod) = period;
        at<uint32_t>(kConfiguration) = 2;  // in place of the PIT
    }
};

PmTimer timer_at(PhysicalAddress address) {
    return {{RegisterAddress::Space::Memory, 4, address.raw()}, 24};
}

TEST(Counter, AMachineWithoutOneIsRefused) {
    Counter counter;
    EXPECT_FALSE(counter.use_hpet(PhysicalAddress{0}));
    EXPECT_FALSE(counter.use_pm_timer({}));
}

TEST(Counter, AnHpetThatStandsStillIsRefused) {
    Hpet hpet;
    Counter counter;
    EXPECT_FALSE(counter.use_hpet(kHpet));
    EXPECT_EQ(counter.kind(), Counter::Kind::None);
}

TEST(Counter, APmTimerThatStandsStillIsRefused) {
    DeviceMemory timer(kTimer, 4);
    Counter counter;
    EXPECT_FALSE(counter.use_pm_timer(timer_at(kTimer)));
    EXPECT_EQ(counter.kind(), Counter::Kind::None);
}

TEST(Counter, APeriodThatTheSpecificationForbidsIsRefused) {
    for (const uint32_t period : {0u, kTenMegahertz + 1, ~0u}) {
        Hpet hpet(period);
        Counter counter;
        EXPECT_FALSE(counter.use_hpet(kHpet)) << period;
    }
}

// A device's register changes while it is read: nothing for ThreadSanitizer.
#ifndef __SANITIZE_THREAD__

// Moves a register on until it goes.
class Running {
  public:
    explicit Running(volatile uint32_t& count)
        : thread_([this, &count] {
              while (!stop_.load(std::memory_order_relaxed))
                  __atomic_fetch_add(const_cast<uint32_t*>(&count), 1, __ATOMIC_RELAXED);
          }) {
        while (__atomic_load_n(const_cast<uint32_t*>(&count), __ATOMIC_RELAXED) == 0) std::this_thread::yield();
    }
    ~Running() {
        stop_.store(true, std::memory_order_relaxed);
        thread_.join();
    }

  private:
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

// The host may take the running counter's CPU away for longer than the code under test looks at it.
template <typename Attempt>
bool in_the_end(Attempt attempt) {
    for (int i = 0; i < 10'000; ++i) {
        if (attempt()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

TEST(Counter, AnHpetThatRunsIsTakenAndStarted) {
    Hpet hpet;
    Counter counter;
    const Running running(hpet.at<uint32_t>(kCount));
    ASSERT_TRUE(in_the_end([&] { return counter.use_hpet(kHpet); }));
    EXPECT_EQ(counter.kind(), Counter::Kind::Hpet);
    EXPECT_EQ(counter.frequency(), 10'000'000u);
    EXPECT_EQ(hpet.at<uint32_t>(kConfiguration), 1u);
    EXPECT_EQ(counter.longest_gap(), (uint64_t{1} << 31) * 100);
}

// 24 bits that start over many times; a look in each half period is enough.
TEST(Counter, ANarrowCounterIsWidened) {
    DeviceMemory timer(kTimer, 4);
    volatile uint32_t& count = timer.at<uint32_t>(0);
    Counter counter;
    {
        const Running running(count);
        ASSERT_TRUE(in_the_end([&] { return counter.use_pm_timer(timer_at(kTimer)); }));
    }
    uint64_t expected = counter.read();
    const uint32_t step = (1u << 23) - 1;
    for (int i = 0; i < 1000; ++i) {
        count = (count + step) & 0xff'ffff;
        expected += step;
        ASSERT_EQ(counter.read(), expected) << i;
    }
    count = (count - 5) & 0xff'ffff;  // another CPU has read a later value: time does not go back
    EXPECT_EQ(counter.read(), expected);
}
#endif

}  // namespace
}  // namespace shoal::smp::test
