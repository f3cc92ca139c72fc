#include "kernel/smp/panic/symbols.hpp"

namespace shoal::smp {
namespace {

struct Entry {
    uint32_t offset;  // from kernel_text_start
    uint32_t name;    // offset into kernel_symbol_names
};

}  // namespace

extern "C" {
extern const char kernel_text_start[], kernel_text_end[];  // kernel.ld
extern const uint64_t kernel_symbol_count;
extern const Entry kernel_symbols[];
extern const char kernel_symbol_names[];
}

bool in_kernel_code(uint64_t address) {
    return address >= reinterpret_cast<uint64_t>(kernel_text_start) &&
           address < reinterpret_cast<uint64_t>(kernel_text_end);
}

Symbol find_symbol(uint64_t address) {
    if (!in_kernel_code(address) || kernel_symbol_count == 0) return {nullptr, 0};
    const uint64_t offset = address - reinterpret_cast<uint64_t>(kernel_text_start);
    uint64_t low = 0, high = kernel_symbol_count;  // the last entry at or below lies in [low, high)
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (kernel_symbols[middle].offset <= offset) low = middle;
        else high = middle;
    }
    if (kernel_symbols[low].offset > offset) return {nullptr, 0};
    return {kernel_symbol_names + kernel_symbols[low].name, offset - kernel_symbols[low].offset};
}

}  // namespace shoal::smp
