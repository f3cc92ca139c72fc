#include "kernel/smp/features/features.hpp"

#include <cstring>

#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/x86/cpuid.hpp"

namespace shoal::smp {
namespace {

constinit Features machine_features;

// x87, SSE, AVX, AVX-512 (3 components). MPX, PKRU and AMX stay off.
constexpr uint64_t kUsableState = 0x7 | 0xe0;

constexpr bool bit(uint32_t word, unsigned n) {
    return (word >> n & 1) != 0;
}

Hypervisor find_hypervisor() {
    if (!bit(x86::cpuid(1).ecx, 31)) return Hypervisor::None;
    const x86::CpuidResult leaf = x86::cpuid(0x4000'0000);
    char name[12];
    std::memcpy(name, &leaf.ebx, 4);
    std::memcpy(name + 4, &leaf.ecx, 4);
    std::memcpy(name + 8, &leaf.edx, 4);
    if (std::memcmp(name, "TCGTCGTCGTCG", 12) == 0) return Hypervisor::Tcg;
    if (std::memcmp(name, "KVMKVMKVM\0\0\0", 12) == 0) return Hypervisor::Kvm;
    return Hypervisor::Other;
}

// SDM vol. 3A, 4.1.4: 36 bits where the leaf is missing, and an entry has no more than 52.
FrameNumber find_frames_end() {
    const unsigned bits = x86::has_leaf(0x8000'0008, 0x8000'0000) ? x86::cpuid(0x8000'0008).eax & 0xff : 36;
    const unsigned sane = bits < 32 ? 32 : bits > 52 ? 52 : bits;
    return FrameNumber{uint64_t{1} << (sane - kPageShift)};
}

FeatureSet find() {
    const x86::CpuidResult basic = x86::cpuid(1), extended = x86::cpuid(0x8000'0001);
    const x86::CpuidResult structured =
        x86::has_leaf(7) ? x86::cpuid(7) : x86::CpuidResult{0, 0, 0, 0};
    const bool power = x86::has_leaf(0x8000'0007, 0x8000'0000);
    if (!bit(extended.edx, 20) || !bit(extended.edx, 11) || !bit(basic.edx, 24))
        panic("this CPU lacks NX, SYSCALL or FXSAVE");
    return {.x2apic = bit(basic.ecx, 21),
            .pcid = bit(basic.ecx, 17),
            .invpcid = bit(structured.ebx, 10),
            .tsc_deadline = bit(basic.ecx, 24),
            .invariant_tsc = power && bit(x86::cpuid(0x8000'0007).edx, 8),
            .smep = bit(structured.ebx, 7),
            .smap = bit(structured.ebx, 20),
            .umip = bit(structured.ecx, 2),
            .xsave = bit(basic.ecx, 26),
            .fsgsbase = bit(structured.ebx, 0),
            .rdtscp = bit(extended.edx, 27),
            .giant_pages = bit(extended.edx, 26),
            .machine_check = bit(basic.edx, 7)};
}

// Appends words to a text that ends in NUL.
class Line {
  public:
    Line(char* text, uint32_t capacity) : text_(text), capacity_(capacity) { text_[0] = 0; }
    void append(const char* word) {
        for (; *word != 0 && length_ + 1 < capacity_; ++word) text_[length_++] = *word;
        text_[length_] = 0;
    }
    [[nodiscard]] uint32_t length() const { return length_; }

  private:
    char* text_;
    uint32_t capacity_, length_ = 0;
};

}  // namespace

Features& features() {
    return machine_features;
}

void Features::detect(const BootOptions& options) {
    found_ = used_ = find();
    hypervisor_ = find_hypervisor();
    frames_end_ = find_frames_end();
    used_.x2apic &= options.x2apic;
    used_.pcid &= options.pcid;
    used_.tsc_deadline &= options.tsc_deadline;
    used_.smap &= options.smap;
    used_.xsave &= options.xsave;
    used_.fsgsbase &= options.fsgsbase;
    if (used_.xsave) {
        const x86::CpuidResult state = x86::cpuid(0xd, 0);
        xcr0_ = (uint64_t{state.edx} << 32 | state.eax) & kUsableState;
    }
}

uint32_t Features::describe(char* text, uint32_t capacity) const {
    static constexpr struct {
        const char* name;
        bool FeatureSet::*member;
    } kNames[] = {{"x2apic", &FeatureSet::x2apic},
                  {"pcid", &FeatureSet::pcid},
                  {"invpcid", &FeatureSet::invpcid},
                  {"tsc-deadline", &FeatureSet::tsc_deadline},
                  {"invariant-tsc", &FeatureSet::invariant_tsc},
                  {"smep", &FeatureSet::smep},
                  {"smap", &FeatureSet::smap},
                  {"umip", &FeatureSet::umip},
                  {"xsave", &FeatureSet::xsave},
                  {"fsgsbase", &FeatureSet::fsgsbase},
                  {"rdtscp", &FeatureSet::rdtscp},
                  {"1g-pages", &FeatureSet::giant_pages},
                  {"machine-check", &FeatureSet::machine_check}};
    Line line(text, capacity);
    line.append("features:");
    for (const auto& entry : kNames) {
        if (!(found_.*entry.member)) continue;
        line.append(used_.*entry.member ? " " : " -");
        line.append(entry.name);
    }
    return line.length();
}

}  // namespace shoal::smp
