// Page-table roots in CR3, with PCIDs where the CPU has them (SDM vol. 3A, 4.10.1).
#include <cstring>

#include "kernel/core/machine.hpp"
#include "kernel/smp/features/features.hpp"
#include "kernel/smp/local/processor.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/x86/control.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::kernel::machine {
namespace {

constexpr uint64_t kKeepTranslations = uint64_t{1} << 63;
constexpr size_t kKernelHalf = 256;

}  // namespace

Root kernel_root() {
    return {.table = PhysicalAddress{smp::local().processor->root}, .tag = 0};
}

bool has_tags() {
    return smp::features().used().pcid;
}

RootWord root_word(Root root, TlbLoad load) {
    if (!has_tags()) return RootWord{root.table.raw()};
    return RootWord{root.table.raw() | root.tag | (load == TlbLoad::Keep ? kKeepTranslations : 0)};
}

void load_root(RootWord word) {
    smp::x86::write_cr3(word.raw());
}

void flush_page(VirtualAddress address) {
    smp::x86::invalidate_page(address.raw());
}

void fill_kernel_half(void* top_level_table) {
    const auto* own = smp::memory::direct<const uint64_t>(kernel_root().table);
    std::memcpy(static_cast<uint64_t*>(top_level_table) + kKernelHalf, own + kKernelHalf,
                (512 - kKernelHalf) * sizeof(uint64_t));
}

}  // namespace shoal::kernel::machine
