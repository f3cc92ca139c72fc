// A counter of known frequency that runs since power on: HPET (IA-PC HPET 1.0a, 2.3) or ACPI PM timer (ACPI 6.4, 4.8.3.3).
//
// Either may have fewer than 64 bits. read() widens it: it must be called at least once in half a period, by any CPU; the
// shared high part moves forward only.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/smp/machine_description.hpp"

namespace shoal::smp {

class Counter {
  public:
    enum class Kind : uint8_t { None, Hpet, PmTimer };

    // The boot CPU's: false where the machine lacks it or it does not count (both happen); there is no counter then.
    bool use_hpet(PhysicalAddress registers);
    bool use_pm_timer(const PmTimer& timer);

    [[nodiscard]] uint64_t read();
    [[nodiscard]] uint64_t frequency() const { return frequency_; }  // [Hz]
    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] const char* name() const;
    // How long a reader may stay away [ns].
    [[nodiscard]] uint64_t longest_gap() const;

  private:
    [[nodiscard]] uint64_t read_raw() const;
    [[nodiscard]] bool keep_if_it_counts();

    Kind kind_ = Kind::None;
    unsigned bits_ = 64;
    uint64_t frequency_ = 0;
    volatile uint32_t* hpet_ = nullptr;
    RegisterAddress port_;
    volatile uint32_t* port_memory_ = nullptr;
    // The widened value last seen. Relaxed: it orders nothing but itself.
    std::atomic<uint64_t> last_{0};
};

}  // namespace shoal::smp
