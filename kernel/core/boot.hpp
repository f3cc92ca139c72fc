// Start of the core, in this order, on the boot CPU before any other CPU enters it:
//
//     core_bytes() -> memory for it -> initialise() -> create_vm_workers(), create_boot_process() for RS and PM
//     -> machine code and spaces are loaded (boot/, kernel/core/space/) -> start_workers()
//
// Afterwards every CPU calls entry::next_thread() and leaves to what it returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/privileges.hpp"
#include "base/address.hpp"
#include "base/result.hpp"
#include "kernel/core/cpu.hpp"
#include "kernel/core/process.hpp"

namespace shoal::kernel {

struct CoreLimits {
    uint32_t cpus;
    uint32_t process_slots;  // at most 2^15, at least 3
    uint32_t thread_slots;   // at most 2^15, at least cpus + 3
};

// Table sizes for a machine with that much memory.
CoreLimits choose_limits(uint32_t cpus, uint64_t memory_bytes);
// Memory that initialise() needs, page-aligned, for good.
uint64_t core_bytes(const CoreLimits& limits);

// command_line: kept; ends with NUL. kernel_frames: for the call info.
struct CoreStart {
    CoreLimits limits;
    void* memory;  // zeroed, core_bytes() of it
    const char* command_line = "";
    uint64_t kernel_frames = 0;
    uint64_t tsc_khz = 0;
    std::span<const FrameRange> kept = {};  // stays; as in BootFacts
    FrameNumber frames_end{0};
};
void initialise(const CoreStart& start);

// The core's object of a CPU, for machine::cpu() to hand out.
Cpu& cpu_object(CpuId id);

inline constexpr uint32_t kVmSlot = 0;

// VM's process in slot kVmSlot, and one pinned worker a CPU in state Stopped. Call once.
void create_vm_workers();
Thread& vm_worker(CpuId cpu);
// Sets where a worker starts; RDI = its CPU's number. All workers of VM run after start_workers().
void set_worker_entry(CpuId cpu, VirtualAddress entry, VirtualAddress stack);
void start_workers();

// RS (slot kRsSlot) and PM (slot kPmSlot), each with a stopped first thread and the privileges of a boot server: everything.
// They are started by process_start as any other process.
void create_boot_process(uint32_t slot, const char* title, Endpoint manager);

}  // namespace shoal::kernel
