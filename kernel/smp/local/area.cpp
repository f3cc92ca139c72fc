#include "kernel/smp/local/area.hpp"

#include <cstring>

#include "base/assert.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/memory/page_bits.hpp"

namespace shoal::smp {
namespace {

using memory::kGlobal, memory::kNoExecute, memory::kPresent, memory::kWritable;

constexpr uint64_t kTable = kPresent | kWritable;
constexpr uint64_t kTopEntry = 511, kWindowEntry = 511, kKernelHalf = 256;

class AreaBuilder {
  public:
    AreaBuilder(MachineDescription& machine, Processor& processor)
        : frames_(*machine.frames), processor_(processor) {
        make_tables(machine.kernel_root);
    }

    void map_pages() {
        const PhysicalAddress page = frames_.take();
        map(SHOAL_LOCAL_PAGE, page, kWritable);
        map(SHOAL_DESCRIPTORS_PAGE, interrupt_table_frame(), 0);
        map_stack(SHOAL_KERNEL_STACK, SHOAL_KERNEL_STACK_BYTES);
        for (uint64_t n = 1; n <= SHOAL_INTERRUPT_STACKS; ++n)
            map_stack(SHOAL_INTERRUPT_STACK(n), SHOAL_INTERRUPT_STACK_BYTES);
        processor_.local = memory::direct<CpuLocal>(page);
    }

  private:
    // Copies of the two levels above the window, and a directory and a table of its own.
    void make_tables(PhysicalAddress kernel_root) {
        const PhysicalAddress root = frames_.take(), upper = frames_.take();
        const PhysicalAddress directory = frames_.take(), table = frames_.take();
        const auto* shared_root = memory::direct<uint64_t>(kernel_root);
        auto* own_root = memory::direct<uint64_t>(root);
        std::memcpy(own_root + kKernelHalf, shared_root + kKernelHalf, kPageSize / 2);
        auto* own_upper = memory::direct<uint64_t>(upper);
        std::memcpy(own_upper,
                    memory::direct(PhysicalAddress{shared_root[kTopEntry] & memory::kAddressBits}),
                    kPageSize);
        own_root[kTopEntry] = upper.raw() | kTable;
        own_upper[kWindowEntry] = directory.raw() | kTable;
        memory::direct<uint64_t>(directory)[0] = table.raw() | kTable;
        table_ = memory::direct<uint64_t>(table);
        processor_.root = root.raw();
    }

    void map(uint64_t address, PhysicalAddress frame, uint64_t rights) {
        uint64_t& entry = table_[(address - SHOAL_LOCAL_BASE) >> kPageShift];
        SHOAL_ASSERT(entry == 0);
        entry = frame.raw() | kPresent | kGlobal | kNoExecute | rights;
    }

    void map_stack(uint64_t address, uint64_t bytes) {
        const PhysicalAddress frames = frames_.take(bytes >> kPageShift);
        for (uint64_t offset = 0; offset < bytes; offset += kPageSize)
            map(address + offset, frames + offset, kWritable);
    }

    EarlyFrames& frames_;
    Processor& processor_;
    uint64_t* table_ = nullptr;
};

void fill_page(Processor& processor) {
    CpuLocal& page = *processor.local;
    page.processor = &processor;
    page.timer_deadline = ~uint64_t{0};
    page.descriptors = GlobalDescriptors{};
    page.descriptors.set_task_state(SHOAL_LOCAL_PAGE + offsetof(CpuLocal, task_state));
    TaskState& task = page.task_state;
    task.stack_of_ring[0] = SHOAL_KERNEL_STACK_TOP;
    for (uint64_t n = 1; n <= SHOAL_INTERRUPT_STACKS; ++n)
        task.interrupt_stack[n - 1] = SHOAL_INTERRUPT_STACK_TOP(n);
    task.io_permission_offset = sizeof(TaskState);
}

}  // namespace

void make_area(MachineDescription& machine, Processor& processor) {
    AreaBuilder builder(machine, processor);
    builder.map_pages();
    fill_page(processor);
}

}  // namespace shoal::smp
