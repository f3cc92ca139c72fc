#include "kernel/smp/clock/counter.hpp"

#include "kernel/smp/clock/scale.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::smp {
namespace {

// HPET registers as indices of 32-bit words.
constexpr size_t kCapabilities = 0, kPeriod = 1, kConfiguration = 4, kCountLow = 60, kCountHigh = 61;
constexpr uint32_t kWideCounter = 1 << 13, kEnable = 1 << 0;
constexpr uint64_t kFemtosecondsPerSecond = 1'000'000'000'000'000;
constexpr uint32_t kLongestPeriod = 100'000'000;  // [fs], by the specification
constexpr uint64_t kPmTimerFrequency = 3'579'545;

}  // namespace

bool Counter::use_hpet(PhysicalAddress registers) {
    if (registers.raw() == 0) return false;
    hpet_ = static_cast<volatile uint32_t*>(memory::map_device(registers, kPageSize));
    const uint32_t period = hpet_[kPeriod];
    if (period == 0 || period > kLongestPeriod) return false;
    hpet_[kConfiguration] = (hpet_[kConfiguration] & ~3u) | kEnable;  // not in place of the PIT
    kind_ = Kind::Hpet;
    bits_ = (hpet_[kCapabilities] & kWideCounter) != 0 ? 64 : 32;
    frequency_ = kFemtosecondsPerSecond / period;
    return keep_if_it_counts();
}

bool Counter::use_pm_timer(const PmTimer& timer) {
    if (!timer.counter.present()) return false;
    port_ = timer.counter;
    if (port_.space == RegisterAddress::Space::Memory)
        port_memory_ = static_cast<volatile uint32_t*>(
            memory::map_device(PhysicalAddress{port_.address}, sizeof(uint32_t)));
    kind_ = Kind::PmTimer;
    bits_ = timer.bits;
    frequency_ = kPmTimerFrequency;
    return keep_if_it_counts();
}

const char* Counter::name() const {
    switch (kind_) {
        case Kind::Hpet: return "HPET";
        case Kind::PmTimer: return "ACPI PM timer";
        case Kind::None: break;
    }
    return "none";
}

uint64_t Counter::longest_gap() const {
    if (bits_ == 64) return ~uint64_t{0};
    return multiply_divide(uint64_t{1} << (bits_ - 1), kNanosecondsPerSecond, frequency_);
}

uint64_t Counter::read_raw() const {
    if (kind_ == Kind::PmTimer)
        return port_memory_ != nullptr ? *port_memory_
                                       : x86::in32(static_cast<uint16_t>(port_.address));
    if (bits_ == 32) return hpet_[kCountLow];
    // Two halves: a carry between them shows in the high one.
    for (;;) {
        const uint32_t high = hpet_[kCountHigh];
        const uint32_t low = hpet_[kCountLow];
        if (hpet_[kCountHigh] == high) return uint64_t{high} << 32 | low;
    }
}

uint64_t Counter::read() {
    const uint64_t raw = read_raw();
    if (bits_ == 64) return raw;
    const uint64_t mask = (uint64_t{1} << bits_) - 1, half = uint64_t{1} << (bits_ - 1);
    uint64_t last = last_.load(std::memory_order_relaxed);
    for (;;) {
        const uint64_t ahead = (raw - last) & mask;
        if (ahead >= half) return last;  // another CPU has read a later value meanwhile
        if (last_.compare_exchange_weak(last, last + ahead, std::memory_order_relaxed))
            return last + ahead;
    }
}

// A counter that stands still would hang the machine later: it must move within so many reads.
bool Counter::keep_if_it_counts() {
    constexpr unsigned kReads = 100'000;
    const uint64_t first = read_raw();
    last_.store(first, std::memory_order_relaxed);
    for (unsigned i = 0; i < kReads; ++i)
        if (read_raw() != first) return true;
    kind_ = Kind::None;
    return false;
}

}  // namespace shoal::smp
