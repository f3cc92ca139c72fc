// What the CPU can do, and what of it is used: found by CPUID on the boot CPU, cut down by the boot line, then the same on
// every CPU (processor/setup.cpp checks).
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "kernel/smp/boot_options.hpp"

namespace shoal::smp {

enum class Hypervisor : uint8_t { None, Tcg, Kvm, Other };

struct FeatureSet {
    bool x2apic, pcid, invpcid, tsc_deadline, invariant_tsc, smep, smap, umip, xsave, fsgsbase,
        rdtscp, giant_pages, machine_check;
};

class Features {
  public:
    // On the boot CPU, once. Panics where the CPU lacks what every x86-64 machine since 2008 has (NX, SYSCALL, FXSAVE).
    void detect(const BootOptions& options);
    // After the local APIC's mode and the XSAVE area are known.
    void set_x2apic_used(bool used) { used_.x2apic = used; }

    [[nodiscard]] const FeatureSet& found() const { return found_; }
    [[nodiscard]] const FeatureSet& used() const { return used_; }
    [[nodiscard]] Hypervisor hypervisor() const { return hypervisor_; }
    // The state components that XCR0 enables (SDM vol. 1, 13.3).
    [[nodiscard]] uint64_t xcr0() const { return xcr0_; }

    // The CPU's physical addresses end here.
    [[nodiscard]] FrameNumber frames_end() const { return frames_end_; }

    // "features: x2apic pcid -smap ...": used ones plain, found but left out ones with a minus. Returns the length.
    uint32_t describe(char* text, uint32_t capacity) const;

  private:
    FeatureSet found_{}, used_{};
    Hypervisor hypervisor_ = Hypervisor::None;
    uint64_t xcr0_ = 0;
    FrameNumber frames_end_{0};
};

// The machine's; constant after start.
Features& features();

}  // namespace shoal::smp
