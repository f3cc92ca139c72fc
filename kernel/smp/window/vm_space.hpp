// VM's space but for the window: image, boot information, and a stack for each worker.
#pragma once

#include <cstdint>

#include "abi/boot_info.hpp"
#include "base/cpu.hpp"
#include "kernel/smp/machine_description.hpp"
#include "kernel/smp/memory/table_builder.hpp"

namespace shoal::smp {

// Workers' stacks lie above the boot information, each with an unmapped page below it.
inline constexpr uint64_t kVmStackBytes = 128 * 1024;
inline constexpr uint64_t kVmStacksBase = 0x1100'0000'0000;

class VmSpace {
  public:
    VmSpace(EarlyFrames& frames, memory::LargestPage largest);

    // Panics where the module is no valid program: without VM nothing can run.
    void load_program(const Module& module);
    void map_stacks(uint32_t cpus);
    // The page stays writable for the kernel, until launch ends.
    BootInfo& map_boot_info();

    [[nodiscard]] PhysicalAddress root() const { return root_; }
    [[nodiscard]] VirtualAddress entry() const { return entry_; }
    // The end of a worker's stack, 16-aligned.
    static VirtualAddress stack_top(CpuId cpu) {
        return VirtualAddress{kVmStacksBase + (cpu.index() + 1) * (kVmStackBytes + kPageSize)};
    }

  private:
    EarlyFrames& frames_;
    PhysicalAddress root_;
    memory::TableBuilder tables_;
    VirtualAddress entry_;
};

}  // namespace shoal::smp
