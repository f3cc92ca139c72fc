#include "kernel/smp/startup/start_processors.hpp"

#include <cstring>

#include "kernel/smp/apic/local_apic.hpp"
#include "kernel/smp/clock/clock.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/local/area.hpp"
#include "kernel/smp/local/processor.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/startup/processor_main.hpp"
#include "kernel/smp/startup/trampoline.h"
#include "kernel/smp/x86/cpuid.hpp"
#include "kernel/smp/x86/instructions.hpp"

extern "C" {
extern const char trampoline_begin[], trampoline_end[], trampoline_protected[], trampoline_long[];
extern const char processor_entry[];
// Read by trampoline.S; constant while processors start.
constinit uint32_t startup_id_leaf = 1;
constinit uint32_t startup_count = 0;
constinit shoal::smp::Processor* startup_processors = nullptr;
}

namespace shoal::smp {
namespace {

static_assert(Processor::kApicIdOffset == SHOAL_PROCESSOR_APIC_ID);
static_assert(Processor::kRootOffset == SHOAL_PROCESSOR_ROOT);
static_assert(sizeof(Processor) == SHOAL_PROCESSOR_BYTES);

constexpr uint64_t kMicrosecond = 1'000, kMillisecond = 1'000'000;
// Far more than hardware needs: an emulator with more virtual CPUs than the host has may be this late.
constexpr uint64_t kPatience = 5'000 * kMillisecond;
constexpr uint64_t kFourGigabytes = uint64_t{1} << 32;

struct [[gnu::packed]] FarPointer {
    uint32_t offset;
    uint16_t selector;
};

struct [[gnu::packed]] TrampolineParameters {
    uint32_t root;
    uint32_t reserved0;
    uint64_t entry;
    FarPointer far32;
    uint16_t reserved1;
    FarPointer far64;
    uint32_t reserved2;
    uint16_t descriptors_limit;
    uint32_t descriptors_base;
    uint64_t reserved3;
    uint64_t descriptors[4];
};
constexpr uint64_t offset_of_parameter(uint64_t offset) {
    return offset - SHOAL_TRAMPOLINE_PARAMETERS;
}
static_assert(offsetof(TrampolineParameters, entry) == offset_of_parameter(SHOAL_TRAMPOLINE_ENTRY));
static_assert(offsetof(TrampolineParameters, far32) == offset_of_parameter(SHOAL_TRAMPOLINE_FAR32));
static_assert(offsetof(TrampolineParameters, far64) == offset_of_parameter(SHOAL_TRAMPOLINE_FAR64));
static_assert(offsetof(TrampolineParameters, descriptors_limit) ==
              offset_of_parameter(SHOAL_TRAMPOLINE_GDTR));
static_assert(offsetof(TrampolineParameters, descriptors) ==
              offset_of_parameter(SHOAL_TRAMPOLINE_GDT));

void fill_trampoline(const MachineDescription& machine) {
    if (machine.kernel_root.raw() >= kFourGigabytes)
        panic("the kernel's top-level table lies above 4 GiB, out of a starting CPU's reach");
    const uint64_t page = machine.trampoline.raw();
    auto* code = memory::direct<char>(machine.trampoline);
    std::memcpy(code, trampoline_begin, static_cast<size_t>(trampoline_end - trampoline_begin));
    const auto place = [&](const char* label) {
        return static_cast<uint32_t>(page + static_cast<uint64_t>(label - trampoline_begin));
    };
    const TrampolineParameters parameters{
        .root = static_cast<uint32_t>(machine.kernel_root.raw()),
        .reserved0 = 0,
        .entry = reinterpret_cast<uint64_t>(processor_entry),
        .far32 = {place(trampoline_protected), SHOAL_TRAMPOLINE_CODE32},
        .reserved1 = 0,
        .far64 = {place(trampoline_long), SHOAL_TRAMPOLINE_CODE64},
        .reserved2 = 0,
        .descriptors_limit = sizeof(parameters.descriptors) - 1,
        .descriptors_base = static_cast<uint32_t>(page + SHOAL_TRAMPOLINE_GDT),
        .reserved3 = 0,
        .descriptors = {0, 0x00cf'9b00'0000'ffff, 0x00cf'9300'0000'ffff, 0x00af'9b00'0000'ffff}};
    std::memcpy(code + SHOAL_TRAMPOLINE_PARAMETERS, &parameters, sizeof(parameters));
}

// Leaf 0Bh gives 32-bit ids; it is valid where it names a level with processors (SDM vol. 2A, CPUID).
uint32_t choose_id_leaf() {
    return x86::has_leaf(0xb) && (x86::cpuid(0xb).ebx & 0xffff) != 0 ? 0xb : 1;
}

void prepare(MachineDescription& machine, uint32_t index, const CpuDescription& description) {
    Processor& processor = candidate(index);
    processor.apic_id = description.apic_id;
    processor.acpi_uid = description.acpi_uid;
    processor.state.store(ProcessorState::Waiting, std::memory_order_relaxed);
    make_area(machine, processor);
}

// Places for all that maxcpus= lets start. The boot CPU has place 0 already.
uint32_t prepare_all(MachineDescription& machine) {
    const uint32_t limit = machine.options.max_cpus == 0 ? kMaxCpus : machine.options.max_cpus;
    uint32_t count = 1;
    for (const CpuDescription& description : machine.cpus) {
        if (description.apic_id == candidate(0).apic_id) continue;
        if (count == limit || count == kMaxCpus) break;
        prepare(machine, count++, description);
    }
    return count;
}

bool answered(uint32_t index) {
    // Acquire pairs with the release in processor_main().
    const ProcessorState state = candidate(index).state.load(std::memory_order_acquire);
    return state != ProcessorState::Waiting && state != ProcessorState::LeftOut;
}

// Candidates first to end - 1.
struct Candidates {
    uint32_t first, end;
};

void send_startups(PhysicalAddress page, Candidates candidates) {
    for (uint32_t i = candidates.first; i < candidates.end; ++i)
        if (!answered(i)) local_apic::send_startup(candidate(i).apic_id, page);
}

void wake(PhysicalAddress page, Candidates candidates) {
    for (uint32_t i = candidates.first; i < candidates.end; ++i) local_apic::send_init(candidate(i).apic_id);
    clock::delay(10 * kMillisecond);
    send_startups(page, candidates);
    clock::delay(200 * kMicrosecond);
    send_startups(page, candidates);
}

void leave_out(uint32_t index) {
    ProcessorState expected = ProcessorState::Waiting;
    // Relaxed: of the two that change this state the exchange lets one win; nothing else is handed over.
    if (!candidate(index).state.compare_exchange_strong(
            expected, ProcessorState::LeftOut, std::memory_order_relaxed))
        return;
    console::log(LogLevel::Error, "CPU with APIC id %u does not answer and is left out",
                 candidate(index).apic_id);
}

void wait_for_answers(uint32_t count) {
    const uint64_t start = clock::now();
    for (uint32_t i = 1; i < count; ++i) {
        while (!answered(i) && clock::now() - start < kPatience) x86::pause();
        leave_out(i);
    }
}

void wait_until_ready() {
    move_others_to(ProcessorState::Numbered);
    for (uint32_t i = 1; i < processor_count(); ++i)
        while (processor(CpuId::from(i)).state.load(std::memory_order_acquire) !=
               ProcessorState::Ready)  // pairs with processor_main()
            x86::pause();
}

}  // namespace

void make_boot_processor(MachineDescription& machine) {
    Processor& boot = candidate(0);
    const uint32_t leaf = choose_id_leaf();
    boot.apic_id = leaf == 1 ? x86::cpuid(1).ebx >> 24 : x86::cpuid(leaf).edx;
    for (const CpuDescription& description : machine.cpus)
        if (description.apic_id == boot.apic_id) boot.acpi_uid = description.acpi_uid;
    boot.state.store(ProcessorState::Running, std::memory_order_relaxed);
    make_area(machine, boot);
    number_processors(1);
}

void start_processors(MachineDescription& machine) {
    const uint32_t count = prepare_all(machine);
    startup_id_leaf = choose_id_leaf();
    startup_processors = &candidate(0);
    startup_count = count;
    keep_machine(machine);
    fill_trampoline(machine);
    const bool withhold_last = machine.options.self_test == SelfTest::LateCpu && count > 1;
    wake(machine.trampoline, {1, withhold_last ? count - 1 : count});
    wait_for_answers(count);
    number_processors(count);
    wait_until_ready();
}

bool start_late_processor(const MachineDescription& machine) {
    const uint32_t last = startup_count - 1;
    if (last == 0) return false;
    wake(machine.trampoline, {last, last + 1});
    const uint64_t start = clock::now();
    while (clock::now() - start < kPatience) {
        // Acquire pairs with the release in park().
        if (candidate(last).state.load(std::memory_order_acquire) == ProcessorState::Parked) return true;
        x86::pause();
    }
    return false;
}

void move_others_to(ProcessorState state) {
    for (uint32_t i = 1; i < processor_count(); ++i)
        processor(CpuId::from(i)).state.store(state, std::memory_order_release);  // pairs with processor_main()
}

}  // namespace shoal::smp
