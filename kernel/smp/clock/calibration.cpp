#include "kernel/smp/clock/calibration.hpp"

#include "kernel/smp/clock/median.hpp"
#include "kernel/smp/clock/scale.hpp"
#include "kernel/smp/features/features.hpp"
#include "kernel/smp/x86/cpuid.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::smp {
namespace {

// SDM vol. 3B, 18.7.3: the crystal's frequency in leaf 15h ECX; where it is 0, leaf 16h gives the TSC's rate in MHz.
uint64_t frequency_by_cpuid() {
    constexpr uint64_t kMegahertz = 1'000'000;
    if (features().hypervisor() != Hypervisor::None || !x86::has_leaf(0x15)) return 0;
    const x86::CpuidResult ratio = x86::cpuid(0x15);
    if (ratio.eax == 0 || ratio.ebx == 0) return 0;
    if (ratio.ecx != 0) return uint64_t{ratio.ecx} * ratio.ebx / ratio.eax;
    return x86::has_leaf(0x16) ? (x86::cpuid(0x16).eax & 0xffff) * kMegahertz : 0;
}

// Leaf 4000'0010h EAX [kHz], first given by VMware, taken over by KVM and others.
uint64_t frequency_by_hypervisor() {
    constexpr uint32_t kBase = 0x4000'0000, kTimingLeaf = 0x4000'0010;
    const bool trusted = features().hypervisor() == Hypervisor::Kvm ||
                         features().hypervisor() == Hypervisor::Other;
    if (!trusted || !x86::has_leaf(kTimingLeaf, kBase)) return 0;
    return uint64_t{x86::cpuid(kTimingLeaf).eax} * 1000;
}

struct Sample {
    uint64_t tsc, count;
};

// Both counters at one moment: of some tries the one in which reading took least.
Sample read_both(Counter& reference) {
    constexpr unsigned kTries = 5;
    Sample best{};
    uint64_t least = ~uint64_t{0};
    for (unsigned i = 0; i < kTries; ++i) {
        const uint64_t before = x86::read_tsc();
        const uint64_t count = reference.read();
        const uint64_t after = x86::read_tsc();
        if (after - before >= least) continue;
        least = after - before;
        best = {before + (after - before) / 2, count};
    }
    return best;
}

uint64_t measure_once(Counter& reference) {
    constexpr uint64_t kRunsPerSecond = 100;
    const Sample start = read_both(reference);
    const uint64_t span = reference.frequency() / kRunsPerSecond;
    while (reference.read() - start.count < span) x86::pause();
    const Sample end = read_both(reference);
    return multiply_divide(end.tsc - start.tsc, reference.frequency(), end.count - start.count);
}

uint64_t measure(Counter& reference) {
    constexpr unsigned kRuns = 7;
    uint64_t runs[kRuns];
    for (uint64_t& run : runs) run = measure_once(reference);
    return median(runs);
}

}  // namespace

TscFrequency find_tsc_frequency(Counter& reference) {
    if (const uint64_t hertz = frequency_by_cpuid(); hertz != 0) return {hertz, "CPUID"};
    if (const uint64_t hertz = frequency_by_hypervisor(); hertz != 0)
        return {hertz, "the hypervisor"};
    if (reference.kind() == Counter::Kind::None) return {};
    return {measure(reference), reference.name()};
}

}  // namespace shoal::smp
