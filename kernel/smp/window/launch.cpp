// launch_vm(): hands the machine's memory to VM and starts its workers. The order matters: everything that is the kernel's
// for good is taken first; then nothing changes any more in what is free; then the window over it is built.
#include <cstring>

#include "kernel/core/boot.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/space/setup.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/local/processor.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/window/vm_space.hpp"
#include "kernel/smp/window/window.hpp"
#include "kernel/smp/window/window_tables.hpp"

namespace shoal::smp {
namespace {

constexpr size_t kHalf = 256;  // entries of a top-level table for user or kernel addresses
constexpr uint64_t kMegabyte = 1 << 20;

constinit WindowTables window;
constinit WindowHooks window_hooks{nullptr};

const Module& vm_module(const MachineDescription& machine) {
    for (const Module& module : machine.modules)
        if (memcmp(module.name, "vm", sizeof "vm") == 0) return module;
    panic("the boot image has no module vm");
}

constexpr uint32_t kCpusPerArea = 32;  // of the kernel's first upper tables

// The core's tables of spaces, and areas for its first upper tables.
void start_spaces(EarlyFrames& frames, const kernel::CoreLimits& limits) {
    const PhysicalAddress memory =
        frames.take(PageCount::covering(kernel::space::space_bytes(limits)).raw());
    kernel::space::initialise_spaces(limits, memory::direct(memory));
    for (uint32_t served = 0; served < limits.cpus; served += kCpusPerArea)
        kernel::space::add_boot_area(frames.take(kPagesPerLeaf, kPagesPerLeaf));
}

// What the CPUs' number asks for before VM has what is left, at least. Said at once and in whole: a refusal on the way would name a
// few frames.
void demand_memory_for(uint32_t cpus, const MachineDescription& machine) {
    constexpr uint64_t kFramesPerCpu = (kVmStackBytes >> kPageShift) + 1;  // a worker's stack and a root
    const uint64_t areas = (cpus + kCpusPerArea - 1) / kCpusPerArea;
    const uint64_t wanted = cpus * kFramesPerCpu + areas * kPagesPerLeaf;
    const uint64_t free = machine.frames->free_frames();
    if (wanted <= free) return;
    const uint64_t missing = PageCount{wanted - free}.bytes();
    panic("out of memory at boot: %u CPUs need at least %lu MiB, and there are %lu: give the machine more memory, or fewer CPUs",
          cpus, (machine.memory_bytes + missing) / kMegabyte + 1, machine.memory_bytes / kMegabyte);
}

// Frames for the window's own tables, however the free memory will be cut up by then.
EarlyFrames take_window_tables(MachineDescription& machine) {
    EarlyFrames& frames = *machine.frames;
    PhysicalAddress highest{0};
    for (uint32_t i = 0; i < frames.range_count(); ++i) highest = frames.range(i).end().address();
    for (const Module& module : machine.modules)
        if (module.start > highest) highest = module.start + module.bytes;
    const uint32_t ranges = frames.range_count() + 2 * machine.modules.count + 1;
    const uint64_t needed = WindowTables::tables_needed(ranges, highest);
    EarlyFrames tables;
    tables.add({FrameNumber::of(frames.take(needed)), needed});
    return tables;
}

void hand_over_modules(MachineDescription& machine) {
    for (const Module& module : machine.modules)
        machine.frames->add({FrameNumber::of(module.start), PageCount::covering(module.bytes).raw()});
    machine.frames->keep_largest(BootInfo::kMaxRanges);
}

void fill_boot_info(BootInfo& info, const MachineDescription& machine, const kernel::CoreLimits& limits) {
    info.magic = BootInfo::kMagic;
    info.cpus = limits.cpus;
    info.process_slots = limits.process_slots;
    info.thread_slots = limits.thread_slots;
    if (kernel::machine::has_tags()) info.features |= kFeaturePcid;
    if (memory::largest_page() == memory::LargestPage::Giant) info.features |= kFeatureGiantPages;
    for (const Module& module : machine.modules) {
        BootModule& entry = info.module[info.modules++];
        memcpy(entry.name, module.name, sizeof entry.name);
        entry.start = module.start;
        entry.bytes = module.bytes;
    }
    for (uint32_t i = 0; i < machine.frames->range_count(); ++i)
        info.memory[info.ranges++] = machine.frames->range(i);
    memcpy(info.command_line, machine.command_line, sizeof info.command_line);
}

// A CPU's top-level table for VM: VM's user half, and the CPU's own kernel half.
void fill_root(PhysicalAddress root, PhysicalAddress vm_root, CpuId cpu) {
    auto* entries = memory::direct<uint64_t>(root);
    const auto* own = memory::direct<uint64_t>(PhysicalAddress{processor(cpu).root});
    memcpy(entries, memory::direct<uint64_t>(vm_root), kHalf * sizeof(uint64_t));
    memcpy(entries + kHalf, own + kHalf, kHalf * sizeof(uint64_t));
    kernel::space::register_vm_root(cpu, root);
}

void start_boot_processes(const VmSpace& space, uint32_t cpus) {
    kernel::create_vm_workers();
    for (uint32_t i = 0; i < cpus; ++i)
        kernel::set_worker_entry(CpuId::from(i), space.entry(), VmSpace::stack_top(CpuId::from(i)));
    kernel::create_boot_process(kRsSlot, "rs", kNone);
    kernel::create_boot_process(kPmSlot, "pm", kRs);
    kernel::start_workers();
}

void change_window(PhysicalAddress area, bool changed) {
    if (!changed) panic("VM's area at %lx is no whole area of its window", area.raw());
    window_hooks.flush_everywhere(VirtualRange::of(VirtualAddress{kWindowBase + area.raw()}, kLeafSize));
}

}  // namespace

void launch_vm(MachineDescription& machine, uint32_t cpus, const WindowHooks& hooks) {
    window_hooks = hooks;
    EarlyFrames& frames = *machine.frames;
    demand_memory_for(cpus, machine);
    const kernel::CoreLimits limits = kernel::choose_limits(cpus, machine.memory_bytes);
    start_spaces(frames, limits);
    VmSpace space(frames, memory::largest_page());
    space.load_program(vm_module(machine));
    space.map_stacks(cpus);
    BootInfo& info = space.map_boot_info();
    const PhysicalAddress roots = frames.take(cpus);
    EarlyFrames tables = take_window_tables(machine);
    hand_over_modules(machine);
    // --- commit point --- what is free from here on is VM's, and only VM's
    window.build(space.root(), frames, tables, memory::largest_page());
    fill_boot_info(info, machine, limits);
    for (uint32_t i = 0; i < cpus; ++i) fill_root(roots + i * kPageSize, space.root(), CpuId::from(i));
    console::log(LogLevel::Info, "VM gets %lu of %lu MiB", frames.free_frames() * kPageSize / kMegabyte,
                 machine.memory_bytes / kMegabyte);
    start_boot_processes(space, cpus);
}

}  // namespace shoal::smp

namespace shoal::kernel::machine {

void hide_from_window(PhysicalAddress area) {
    smp::change_window(area, smp::window.hide(area));
}

void show_in_window(PhysicalAddress area) {
    smp::change_window(area, smp::window.show(area));
}

}  // namespace shoal::kernel::machine
