#include "kernel/core/space/setup.hpp"

#include <new>

#include "kernel/core/machine.hpp"
#include "kernel/core/objects/tables.hpp"

namespace shoal::kernel::space {

namespace {

constexpr uint64_t kLowFrames = 64, kLowFramesPerCpu = 2 * TableStock::kBatch;

// Cuts arrays out of the memory given, each on lines of its own.
class Carver {
  public:
    explicit Carver(char* memory) : at_(memory) {}
    template <typename T>
    T* take(uint64_t count) {
        T* result = reinterpret_cast<T*>(at_);
        at_ += (count * sizeof(T) + kPageSize - 1) & ~uint64_t{kPageSize - 1};
        return result;
    }

  private:
    char* at_;
};

template <typename T>
uint64_t rounded(uint64_t count) {
    return (count * sizeof(T) + kPageSize - 1) & ~uint64_t{kPageSize - 1};
}

TablePool* pool;
SharedSpaces* shared;

}  // namespace

uint64_t space_bytes(const CoreLimits& limits) {
    return rounded<TablePool>(1) + rounded<SharedSpaces>(1) + rounded<SharedSpace>(limits.process_slots) +
           rounded<CpuSpaces>(limits.cpus) + limits.cpus * rounded<RootSlot>(limits.process_slots);
}

void initialise_spaces(const CoreLimits& limits, void* memory) {
    Carver carver{static_cast<char*>(memory)};
    pool = new (carver.take<TablePool>(1)) TablePool{kLowFrames + limits.cpus * kLowFramesPerCpu};
    auto* spaces = carver.take<SharedSpace>(limits.process_slots);
    auto* cpus = carver.take<CpuSpaces>(limits.cpus);
    shared = new (carver.take<SharedSpaces>(1))
        SharedSpaces{*pool, {spaces, limits.process_slots}, {cpus, limits.cpus}};
    for (uint32_t i = 0; i < limits.process_slots; ++i) new (spaces + i) SharedSpace;
    for (uint32_t i = 0; i < limits.cpus; ++i) {
        auto* roots = carver.take<RootSlot>(limits.process_slots);
        for (uint32_t slot = 0; slot < limits.process_slots; ++slot) new (roots + slot) RootSlot;
        Cpu& cpu = tables.cpus[i];
        cpu.spaces = new (cpus + i) CpuSpaces{cpu.id, cpu.locks, *shared, {roots, limits.process_slots}};
    }
}

void add_boot_area(PhysicalAddress area) {
    [[maybe_unused]] const Error error = pool->adopt(machine::this_cpu().locks, area, AreaOrigin::Boot);
    SHOAL_CHECK(error == Error::None);
}

void register_vm_root(CpuId cpu, PhysicalAddress root) { shared->on(cpu).adopt_fixed(SpaceSlot{kVmSlot}, root); }

SharedSpaces& shared_spaces() { return *shared; }

CpuSet holders_of(const Process& process) { return shared->of(SpaceSlot{slot_of(process)}).holders.read(); }

}  // namespace shoal::kernel::space
