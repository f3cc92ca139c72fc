#include "kernel/core/space/upper_tables.hpp"

namespace shoal::kernel::space {

uint32_t UpperTables::missing_tables(VirtualAddress address) {
    const PageEntry top = PageTable::at(root_).load(entry_index(address, Level::Top));
    if (!top.present()) return 2;
    return PageTable::at(top.address()).load(entry_index(address, Level::Pointers)).present() ? 0 : 1;
}

PageTable& UpperTables::descend(PageTable& table, Level level, VirtualAddress address) {
    const unsigned index = entry_index(address, level);
    PageEntry entry = table.load(index);
    if (!entry.present()) {
        entry = PageEntry::table(stock_.take());
        table.store(index, entry);
    }
    return PageTable::at(entry.address());
}

Error UpperTables::link(VirtualAddress address, PhysicalAddress last_level_table) {
    if (!stock_.reserve(missing_tables(address))) return Error::NoMemory;
    PageTable& pointers = descend(PageTable::at(root_), Level::Top, address);
    PageTable& directory = descend(pointers, Level::Pointers, address);
    const unsigned index = entry_index(address, Level::Directory);
    const PageEntry wanted = PageEntry::table(last_level_table), found = directory.load(index);
    if (found.present())  // the CPU may have set the accessed bit
        return !found.large() && found.address() == wanted.address() ? Error::None : Error::Busy;
    // --- commit point ---
    directory.store(index, wanted);
    return Error::None;
}

void UpperTables::unlink_below(PhysicalAddress frame, Level level, VirtualRange range) {
    PageTable& table = PageTable::at(frame);
    const uint64_t span = entry_span(level);
    const VirtualAddress start{range.start.raw() & ~(span * PageTable::kEntries - 1)};  // of what the table covers
    const unsigned last = entry_index(range.end - 1, level);
    for (unsigned i = entry_index(range.start, level); i <= last; ++i) {
        const PageEntry entry = table.load(i);
        if (!entry.present()) continue;
        if (level == Level::Directory) table.store(i, PageEntry{});
        else unlink_below(entry.address(), below(level), VirtualRange::of(start + i * span, span).intersect(range));
    }
}

void UpperTables::unlink(VirtualRange range) {
    if (!range.empty()) unlink_below(root_, Level::Top, range);
}

void UpperTables::free_below(PhysicalAddress frame, Level level) {
    if (level != Level::Directory) {
        PageTable& table = PageTable::at(frame);
        const unsigned entries = level == Level::Top ? PageTable::kUserEntries : PageTable::kEntries;
        for (unsigned i = 0; i < entries; ++i)
            if (const PageEntry entry = table.load(i); entry.present()) free_below(entry.address(), below(level));
    }
    stock_.give(frame);
}

void UpperTables::free_all() { free_below(root_, Level::Top); }

}  // namespace shoal::kernel::space
