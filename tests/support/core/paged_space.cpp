#include "tests/support/core/paged_space.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>

#include "kernel/core/cpu.hpp"
#include "kernel/core/space/setup.hpp"

namespace shoal::test {

namespace {

constexpr uint64_t kArenaBytes = 4 * kLeafSize;  // the first 2 MiB are the kernel's area, the rest hands out frames
struct FreeArena {
    void operator()(char* memory) const { std::free(memory); }
};
std::unique_ptr<char, FreeArena> arena;
std::unique_ptr<char, FreeArena> core_memory;
uint64_t next_frame;
PhysicalAddress vm_frame;
paged_space::Loads loads_of[kMaxCpus];

}  // namespace

PhysicalAddress paged_space::frame() {
    const PhysicalAddress frame{next_frame};
    next_frame += kPageSize;
    if (next_frame > kLeafSize + kArenaBytes) std::abort();
    std::memset(bytes(frame), 0, kPageSize);
    return frame;
}

char* paged_space::bytes(PhysicalAddress frame) { return arena.get() + (frame.raw() - kLeafSize); }
char* paged_space::vm_page() { return bytes(vm_frame); }
paged_space::Loads& paged_space::loads(CpuId cpu) { return loads_of[cpu.index()]; }

void prepare_spaces(const kernel::CoreLimits& limits) {
    using namespace kernel::space;
    arena.reset(static_cast<char*>(std::aligned_alloc(kLeafSize, kArenaBytes)));
    std::memset(arena.get(), 0xa5, kLeafSize);
    next_frame = 2 * kLeafSize;
    const uint64_t size = space_bytes(limits);
    core_memory.reset(static_cast<char*>(std::aligned_alloc(kPageSize, size)));
    std::memset(core_memory.get(), 0, size);
    initialise_spaces(limits, core_memory.get());
    add_boot_area(PhysicalAddress{kLeafSize});
    vm_frame = paged_space::frame();
    PhysicalAddress below = vm_frame;
    for (Level level = Level::Leaf;; level = static_cast<Level>(static_cast<uint8_t>(level) + 1)) {
        const PhysicalAddress table = paged_space::frame();
        paged_space::set(table, entry_index(paged_space::kVmPage, level), below.raw() | paged_space::kUserPage);
        below = table;
        if (level == Level::Top) break;
    }
    for (uint32_t cpu = 0; cpu < limits.cpus; ++cpu) {
        loads_of[cpu] = {};
        register_vm_root(CpuId::from(cpu), below);
    }
}

}  // namespace shoal::test

namespace shoal::kernel::machine {

namespace {
constexpr uint64_t kRootWord = uint64_t{1} << 62, kKeepsTranslations = uint64_t{1} << 63;
}

void* frame_pointer(PhysicalAddress address) { return test::paged_space::bytes(address); }
Root kernel_root() { return {}; }
RootWord root_word(Root root, TlbLoad load) {
    return RootWord{kRootWord | root.table.raw() | root.tag | (load == TlbLoad::Keep ? kKeepsTranslations : 0)};
}
void load_root(RootWord word) {
    const uint64_t raw = word.raw() & ~(kRootWord | kKeepsTranslations);
    test::paged_space::Loads& loads = test::paged_space::loads(this_cpu().id);
    loads.root = {PhysicalAddress{raw & ~(kPageSize - 1)}, static_cast<uint16_t>(raw % kPageSize)};
    if ((word.raw() & kKeepsTranslations) == 0) ++loads.flushing;
}
void flush_page(VirtualAddress) {}
bool has_tags() { return true; }
void fill_kernel_half(void*) {}
void hide_from_window(PhysicalAddress) {}
void show_in_window(PhysicalAddress) {}

}  // namespace shoal::kernel::machine
