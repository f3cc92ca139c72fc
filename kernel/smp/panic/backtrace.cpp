#include "kernel/smp/panic/backtrace.hpp"

#include "kernel/smp/console/console.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/memory/page_bits.hpp"
#include "kernel/smp/panic/symbols.hpp"
#include "kernel/smp/x86/control.hpp"

namespace shoal::smp {
namespace {

constexpr unsigned kMostFrames = 32;

// What the function's prologue leaves on the stack: push %rbp behind the return address.
struct Frame {
    uint64_t caller_frame;
    uint64_t return_address;
};

// Walks the tables that are loaded: a wild frame pointer must not fault.
bool is_mapped(uint64_t address) {
    const uint64_t* table = memory::direct<uint64_t>(PhysicalAddress{x86::read_cr3() & memory::kAddressBits});
    for (unsigned shift = 39; shift >= kPageShift; shift -= 9) {
        const uint64_t entry = table[address >> shift & 511];
        if ((entry & memory::kPresent) == 0) return false;
        if (shift == kPageShift || (entry & memory::kLarge) != 0) return true;
        table = memory::direct<uint64_t>(PhysicalAddress{entry & memory::kAddressBits});
    }
    return true;
}

bool readable(uint64_t frame) {
    return frame >= memory::kDirectMapBase && frame % sizeof(uint64_t) == 0 && is_mapped(frame) &&
           is_mapped(frame + sizeof(Frame) - 1);
}

void print_line(unsigned number, uint64_t address, uint64_t looked_up) {
    const Symbol symbol = find_symbol(looked_up);
    if (symbol.name == nullptr) {
        console::print("  #%-2u %016lx\n", number, address);
        return;
    }
    console::print("  #%-2u %016lx %s+0x%lx\n", number, address, symbol.name,
                   symbol.offset + (address - looked_up));
}

}  // namespace

void print_backtrace(const StoppedAt& where) {
    unsigned number = 0;
    if (where.instruction != 0) print_line(number++, where.instruction, where.instruction);
    uint64_t at = where.stack_frame;
    while (number < kMostFrames && readable(at)) {
        const Frame frame = *reinterpret_cast<const Frame*>(at);
        if (!in_kernel_code(frame.return_address)) break;
        // A call may be its function's last instruction: the byte before is the caller's for certain.
        print_line(number++, frame.return_address, frame.return_address - 1);
        at = frame.caller_frame;
    }
}

}  // namespace shoal::smp
