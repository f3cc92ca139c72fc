// What kernel/core/space/ needs of the fake machine: frames in an arena, a space for VM, and the last root each CPU loaded.
// Tests play VM: they build last-level tables and resume threads with them.
#pragma once

#include <vector>

#include "abi/memory.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/space/page_table.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test::paged_space {

// A zeroed frame, until the next machine is made.
PhysicalAddress frame();
char* bytes(PhysicalAddress frame);
template <typename T>
T& object(PhysicalAddress frame) {
    return *reinterpret_cast<T*>(bytes(frame));
}
inline void set(PhysicalAddress table, unsigned index, uint64_t entry) {
    kernel::space::PageTable::at(table).store(index, kernel::space::PageEntry{entry});
}
inline constexpr uint64_t kUserPage = kernel::space::PageEntry::kPresent | kernel::space::PageEntry::kUser |
                                      kernel::space::PageEntry::kWritable;

// VM's space has one page, at kVmPage: epoch words and flush requests.
inline constexpr VirtualAddress kVmPage{0x40'0000};
char* vm_page();

struct Loads {
    kernel::machine::Root root;
    uint64_t flushing = 0;  // loads with TlbLoad::Flush
};
Loads& loads(CpuId cpu);

}  // namespace shoal::test::paged_space
