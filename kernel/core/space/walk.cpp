#include "kernel/core/space/walk.hpp"

#include "abi/message.hpp"

namespace shoal::kernel::space {

namespace {

Translation absent(Access access, uint64_t flags) {
    const uint64_t write = access == Access::Write ? uint64_t{kFaultWrite} : 0;
    return {Translation::Outcome::Absent, flags | write | kFaultUser, {}};
}

}  // namespace

Translation walk(PhysicalAddress root, VirtualAddress address, Access access) {
    if (!address.in_user_space()) return {Translation::Outcome::Violation, 0, {}};
    if (root.raw() == 0) return absent(access, 0);
    PhysicalAddress table = root;
    bool writable = true;
    for (Level level = Level::Top;; level = below(level)) {
        const PageEntry entry = PageTable::at(table).load(entry_index(address, level));
        if (!entry.present()) return absent(access, 0);
        if (!entry.user()) return {Translation::Outcome::Violation, 0, {}};
        writable = writable && entry.writable();
        if (level == Level::Leaf && entry.device()) return {Translation::Outcome::Violation, 0, {}};
        if (level == Level::Leaf || (level != Level::Top && entry.large())) {
            if (access == Access::Write && !writable) return absent(access, kFaultPresent);
            const uint64_t inside = entry_span(level) - 1;  // bits above: bit 12 of a large entry is its PAT
            return {Translation::Outcome::Mapped, 0,
                    PhysicalAddress{(entry.address().raw() & ~inside) | (address.raw() & inside)}};
        }
        table = entry.address();
    }
}

}  // namespace shoal::kernel::space
