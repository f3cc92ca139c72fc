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

void UpperTables::unlink(VirtualRange range) {
    for (VirtualAddress at = range.start.leaf_down(); at < range.end;) {
        Level level = Level::Top;
        PhysicalAddress table = root_;
        PageEntry entry = PageTable::at(table).load(entry_index(at, level));
        while (entry.present() && level != Level::Directory) {
            table = entry.address();
            level = below(level);
            entry = PageTable::at(table).load(entry_index(at, level));
        }
        if (entry.present()) PageTable::at(table).store(entry_index(at, level), PageEntry{});
        at = VirtualAddress{(at.raw() & ~(entry_span(level) - 1)) + entry_span(level)};  // past an absent table at once
    }
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
