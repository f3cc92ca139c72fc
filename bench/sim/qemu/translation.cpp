#include "bench/sim/qemu/translation.hpp"

#include <sched.h>

#include <algorithm>

#include "bench/sim/qemu/host_time.hpp"

namespace shoal::sim {

Machine* machine = nullptr;

namespace {

// The interrupt command register of the local APIC, where a write sends an IPI (Intel SDM volume 3, 11.6.1). The guest leaves
// the APIC at its architectural address; TCG has no x2APIC, whose command register is an MSR.
constexpr uint64_t kInterruptCommand = 0xfee00300;

constexpr uint64_t kPatience = 20'000'000;  // nanoseconds

// Waits for the others without holding a host CPU that one of them needs.
class Yield {
  public:
    bool operator()() {
        sched_yield();
        if (++turns_ % 16 != 0) return true;
        const uint64_t now = host_nanoseconds();
        if (deadline_ == 0) deadline_ = now + kPatience;
        return now < deadline_;
    }

  private:
    unsigned turns_ = 0;
    uint64_t deadline_ = 0;
};

// An instruction's place goes to the callback as its data: a pointer's width is an address' width.
void* as_data(uint64_t pc) { return reinterpret_cast<void*>(pc); }
uint64_t as_pc(void* data) { return reinterpret_cast<uint64_t>(data); }

void on_block(unsigned cpu, void* data) {
    machine->run_block(cpu, *static_cast<const Block*>(data), Yield{});
}

void on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void* data) {
    if (!machine->measuring()) return;
    const qemu_plugin_hwaddr* place = qemu_plugin_get_hwaddr(info, address);
    if (place == nullptr) return;
    const bool store = qemu_plugin_mem_is_store(info);
    const uint64_t physical = qemu_plugin_hwaddr_phys_addr(place);
    if (!qemu_plugin_hwaddr_is_io(place))
        machine->access(cpu, as_pc(data), address, physical,
                        store ? AccessKind::Store : AccessKind::Load);
    else if (store && physical == kInterruptCommand)
        machine->send_ipi(cpu);
}

void on_call_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void* data) {
    on_access(cpu, info, address, data);
    // A call through memory also loads its target.
    if (qemu_plugin_mem_is_store(info)) machine->call(cpu, address);
}

void on_return_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void* data) {
    on_access(cpu, info, address, data);
    machine->ret(cpu, address);
}

void on_mark(unsigned cpu, void* data) {
    machine->mark(cpu, static_cast<Mark>(reinterpret_cast<uint64_t>(data)));
}

template <Operation kOperation>
void on_event(unsigned cpu, void*) {
    machine->execute(cpu, {kOperation});
}

template <uint8_t kBytes>
void on_string_step(unsigned cpu, void*) {
    machine->execute(cpu, {Operation::StringStep, kBytes});
}

qemu_plugin_vcpu_udata_cb_t event_callback(const Instruction& instruction) {
    switch (instruction.operation) {
        case Operation::ExceptionReturn: return on_event<Operation::ExceptionReturn>;
        case Operation::LoadCr3: return on_event<Operation::LoadCr3>;
        case Operation::StringStep:
            switch (instruction.string_bytes) {
                case 1: return on_string_step<1>;
                case 2: return on_string_step<2>;
                case 4: return on_string_step<4>;
                default: return on_string_step<8>;
            }
        default: return nullptr;
    }
}

qemu_plugin_vcpu_mem_cb_t access_callback(Operation operation) {
    if (!machine->observes_calls()) return on_access;
    if (operation == Operation::Call) return on_call_access;
    return operation == Operation::Return ? on_return_access : on_access;
}

std::span<const uint8_t> code_of(const qemu_plugin_insn* instruction) {
    return {static_cast<const uint8_t*>(qemu_plugin_insn_data(instruction)),
            qemu_plugin_insn_size(instruction)};
}

void add_instruction(Block& block, qemu_plugin_insn* handle) {
    const std::span<const uint8_t> code = code_of(handle);
    block.code.insert(block.code.end(), code.begin(), code.end());
    if (const std::optional<Mark> mark = decode_mark(code)) {
        qemu_plugin_register_vcpu_insn_exec_cb(handle, on_mark, QEMU_PLUGIN_CB_NO_REGS,
                                               as_data(static_cast<uint64_t>(*mark)));
        return;
    }
    const Instruction instruction = decode(code);
    block.cycles += machine->options().charges.of(instruction.operation);
    // The emulator runs a block for each element of a string: these would count as many instructions.
    if (instruction.operation != Operation::StringStep) ++block.instructions;
    if (const auto callback = event_callback(instruction))
        qemu_plugin_register_vcpu_insn_exec_cb(handle, callback, QEMU_PLUGIN_CB_NO_REGS, nullptr);
    qemu_plugin_register_vcpu_mem_cb(handle, access_callback(instruction.operation),
                                     QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                     as_data(qemu_plugin_insn_vaddr(handle)));
}

}  // namespace

void translate(qemu_plugin_id_t, qemu_plugin_tb* translated) {
    static std::atomic<uint32_t> next_id{0};
    const qemu_plugin_insn* first = qemu_plugin_tb_get_insn(translated, 0);
    auto* block = new Block;
    block->id = next_id.fetch_add(1, std::memory_order_relaxed);
    block->pc = qemu_plugin_insn_vaddr(first);
    block->code_page = reinterpret_cast<uint64_t>(qemu_plugin_insn_haddr(first)) >> 12;
    for (size_t i = 0, count = qemu_plugin_tb_n_insns(translated); i < count; ++i)
        add_instruction(*block, qemu_plugin_tb_get_insn(translated, i));
    qemu_plugin_register_vcpu_tb_exec_cb(translated, on_block, QEMU_PLUGIN_CB_NO_REGS, block);
}

}  // namespace shoal::sim
