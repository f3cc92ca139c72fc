#include "kernel/core/boot.hpp"

#include <new>

#include "abi/kernel_info.hpp"
#include "kernel/core/boot_facts.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/process_table.hpp"
#include "kernel/core/sched/migration.hpp"
#include "kernel/core/wait/wait_table.hpp"

namespace shoal::kernel {

namespace {

constexpr uint64_t kFpuAlignment = 64;  // XSAVE area, SDM vol. 1, 13.4
constexpr uint32_t kMostSlots = 1u << kEndpointSlotBits;

uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }
uint64_t fpu_slot_bytes() { return round_up(machine::fpu_state_bytes(), kFpuAlignment); }

// Cuts what initialise() was given into arrays.
class Carver {
  public:
    explicit Carver(void* memory) : at_(static_cast<char*>(memory)) {}
    template <typename T, typename... Arguments>
    std::span<T> array(size_t count) {
        T* first = reinterpret_cast<T*>(raw(count * sizeof(T), alignof(T)));
        for (size_t i = 0; i < count; ++i) new (first + i) T();
        return {first, count};
    }
    std::span<Cpu> cpus(size_t count) {
        Cpu* first = reinterpret_cast<Cpu*>(raw(count * sizeof(Cpu), alignof(Cpu)));
        for (size_t i = 0; i < count; ++i) new (first + i) Cpu(CpuId::from(i));
        return {first, count};
    }
    char* raw(uint64_t bytes, uint64_t alignment) {
        at_ = reinterpret_cast<char*>(round_up(reinterpret_cast<uint64_t>(at_), alignment));
        char* piece = at_;
        at_ += bytes;
        return piece;
    }

  private:
    char* at_;
};

Privileges everything(uint32_t priority) {
    Privileges privileges{};
    privileges.trap_mask = ~uint64_t{0};
    for (uint64_t& word : privileges.send_mask) word = ~uint64_t{0};
    for (uint64_t& word : privileges.kernel_call_mask) word = ~uint64_t{0};
    privileges.vm_call_mask = ~uint64_t{0};
    privileges.device_memory[0] = {FrameNumber{0}, ~uint64_t{0}};
    privileges.manager = kNone;
    privileges.priority = priority;
    privileges.flags = kSystemProcess | kNoFpu | kMagicGrants;
    return privileges;
}

uint32_t worker_slot(CpuId cpu) { return cpu.index() == 0 ? kVmSlot : kPmSlot + static_cast<uint32_t>(cpu.index()); }

constinit ThreadStart worker_start[kMaxCpus] = {};

}  // namespace

CoreLimits choose_limits(uint32_t cpus, uint64_t memory_bytes) {
    // A process to each MiB, two threads to a process; never more than endpoints can name.
    uint64_t processes = memory_bytes >> 20;
    if (processes < 256) processes = 256;
    if (processes > kMostSlots / 2) processes = kMostSlots / 2;
    return {cpus, static_cast<uint32_t>(processes), static_cast<uint32_t>(processes) * 2};
}

uint64_t core_bytes(const CoreLimits& limits) {
    const uint64_t bytes = limits.cpus * sizeof(Cpu) + limits.process_slots * sizeof(Process) +
                           limits.thread_slots * (sizeof(Thread) + fpu_slot_bytes()) + 4 * kCacheLine;
    return round_up(bytes, kPageSize);
}

void initialise(const CoreStart& start) {
    Carver carver{start.memory};
    tables.cpus = carver.cpus(start.limits.cpus);
    tables.processes = carver.array<Process>(start.limits.process_slots);
    tables.threads = carver.array<Thread>(start.limits.thread_slots);
    for (Thread& thread : tables.threads) thread.fpu_state = carver.raw(fpu_slot_bytes(), kFpuAlignment);
    boot_facts = {start.command_line, start.kernel_frames, start.tsc_khz, start.kept, start.frames_end};
    initialise_slots();
    initialise_waits();
}

Cpu& cpu_object(CpuId id) { return tables.cpus[id.index()]; }

void create_vm_workers() {
    Cpu& cpu = machine::this_cpu();
    create_process_at(cpu, kVmSlot, kVmSlot, "vm");
    Process& vm = tables.processes[kVmSlot];
    set_privileges(vm, tables.threads[kVmSlot], everything(0));
    make_worker(tables.threads[kVmSlot]);
    for (const Cpu& other : tables.cpus)
        if (other.id.index() != 0) create_worker_at(cpu, vm, worker_slot(other.id));
}

Thread& vm_worker(CpuId cpu) { return tables.threads[worker_slot(cpu)]; }

void set_worker_entry(CpuId cpu, VirtualAddress entry, VirtualAddress stack) {
    worker_start[cpu.index()] = {entry, stack, cpu.raw(), 0, cpu.raw()};
}

void start_workers() {
    for (const Cpu& cpu : tables.cpus)
        start_created_thread(machine::this_cpu(), vm_worker(cpu.id), worker_start[cpu.id.index()]);
}

void create_boot_process(uint32_t slot, const char* title, Endpoint manager) {
    create_process_at(machine::this_cpu(), slot, slot, title);
    Privileges privileges = everything(kServerPriority);
    privileges.manager = manager;
    set_privileges(tables.processes[slot], tables.threads[slot], privileges);
}

}  // namespace shoal::kernel
