#include "kernel/smp/processor/setup.hpp"

#include "kernel/smp/entry/interrupt_table.hpp"
#include "kernel/smp/features/features.hpp"
#include "kernel/smp/local/cpu_local.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/x86/control.hpp"
#include "kernel/smp/x86/cpuid.hpp"
#include "kernel/smp/x86/msr.hpp"
#include "kernel/smp/x86/segments.hpp"

extern "C" const char entry_syscall[];

namespace shoal::smp {
namespace {

using x86::Msr;

constexpr uint64_t kCr0 = x86::cr0::kProtected | x86::cr0::kMonitorCoprocessor |
                          x86::cr0::kExtensionType | x86::cr0::kNumericError |
                          x86::cr0::kWriteProtect | x86::cr0::kPaging;

// Entries 0..3 as after reset (WB, WT, UC-, UC), which boot's tables count on; 5 is write combining.
constexpr uint64_t kPat = 0x0007'0106'0007'0406;

// Cleared by SYSCALL: what must not reach the kernel from the user's flags (SDM vol. 2B, SYSCALL; NT would make a later IRET
// fault, AC would lift SMAP, DF would turn string moves round).
constexpr uint64_t kFmask = x86::flags::kInterrupt | x86::flags::kTrap | x86::flags::kDirection |
                            x86::flags::kAlignmentCheck | x86::flags::kNestedTask |
                            x86::flags::kIoPrivilege | x86::flags::kResume;
static_assert(kFmask == 0x5'7700);

uint64_t wanted_cr4() {
    const FeatureSet& used = features().used();
    uint64_t value = x86::cr4::kDebugExtensions | x86::cr4::kPhysicalExtension |
                     x86::cr4::kGlobalPages | x86::cr4::kFxsave | x86::cr4::kSimdExceptions;
    if (used.machine_check) value |= x86::cr4::kMachineCheck;
    if (used.umip) value |= x86::cr4::kUmip;
    if (used.fsgsbase) value |= x86::cr4::kFsGsBase;
    if (used.pcid) value |= x86::cr4::kPcid;
    if (used.xsave) value |= x86::cr4::kXsave;
    if (used.smep) value |= x86::cr4::kSmep;
    if (used.smap) value |= x86::cr4::kSmap;
    return value;
}

uint64_t wanted_efer() {
    return x86::kEferSyscall | x86::kEferLongMode | x86::kEferLongModeActive |
           x86::kEferNoExecute;
}

void set_up_system_call() {
    x86::write_msr(Msr::Star, x86::kStar);
    x86::write_msr(Msr::Lstar, reinterpret_cast<uint64_t>(entry_syscall));
    x86::write_msr(Msr::Fmask, kFmask);
}

void expect(const char* name, uint64_t value, uint64_t wanted) {
    if (value != wanted)
        panic("CPU %u: %s is %016lx, not %016lx", local().id.raw(), name, value, wanted);
}

}  // namespace

void set_up_processor() {
    const FeatureSet& used = features().used();
    x86::write_cr0(kCr0);
    x86::write_msr(Msr::Efer, wanted_efer());
    x86::write_cr4(wanted_cr4());  // CR3's low 12 bits are 0, as setting PCIDE demands (SDM vol. 3A, 4.10.1)
    load_descriptor_tables();
    set_up_system_call();
    x86::write_msr(Msr::Pat, kPat);
    if (used.rdtscp) x86::write_msr(Msr::TscAux, local().id.raw());
    if (used.xsave) x86::write_xcr0(features().xcr0());
    asm volatile("fninit");
    asm volatile("mov %0, %%dr7" : : "r"(uint64_t{0x400}));  // no breakpoints of the firmware
}

void verify_processor() {
    const FeatureSet& used = features().used();
    expect("CR0", x86::read_cr0(), kCr0);
    expect("CR4", x86::read_cr4(), wanted_cr4());
    expect("EFER", x86::read_msr(Msr::Efer), wanted_efer());
    expect("STAR", x86::read_msr(Msr::Star) >> 32, x86::kStar >> 32);
    expect("LSTAR", x86::read_msr(Msr::Lstar), reinterpret_cast<uint64_t>(entry_syscall));
    expect("FMASK", x86::read_msr(Msr::Fmask), kFmask);
    expect("PAT", x86::read_msr(Msr::Pat), kPat);
    if (used.rdtscp) expect("TSC_AUX", x86::read_msr(Msr::TscAux), local().id.raw());
    if (used.xsave) expect("XCR0", x86::read_xcr0(), features().xcr0());
    uint16_t task = 0;
    asm volatile("str %0" : "=r"(task));
    expect("TR", task, x86::kTaskStateSelector);
}

}  // namespace shoal::smp
