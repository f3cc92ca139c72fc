#include "kernel/core/space/cpu_spaces.hpp"

#include "kernel/core/space/upper_tables.hpp"

namespace shoal::kernel::space {

namespace {

machine::RootWord word_of(const RootSlot& root, machine::TlbLoad load) {
    return machine::root_word({root.table, root.tag}, load);
}

machine::RootWord kernel_word() { return machine::root_word(machine::kernel_root(), machine::TlbLoad::Keep); }

}  // namespace

void CpuSpaces::give_tag(RootSlot& root) {
    const uint16_t tag = tags_.fresh();
    if (tag == TagAllocator::kFirst)
        for (RootSlot& other : roots_) other.word = {}, other.tag = 0;
    root.tag = tag;
}

void CpuSpaces::load_specially(SpaceSlot slot, RootSlot& root) {
    if (root.table.raw() == 0) {
        // release pairs with uses(): what we did under the old root is over
        loaded_.store(kNoSpace.raw(), std::memory_order_release);
        return machine::load_root(kernel_word());
    }
    if (root.tag == 0 && machine::has_tags()) give_tag(root);
    root.word = word_of(root, machine::TlbLoad::Keep);
    load_as(slot, root, word_of(root, machine::TlbLoad::Flush));
}

void CpuSpaces::flush_marked(RootSlot& root) {
    // acquire-release pairs with mark_stale(): a mark that this clears was set for entries that the load below sees
    if (root.stale.exchange(false, std::memory_order_acq_rel)) machine::load_root(word_of(root, machine::TlbLoad::Flush));
}

void CpuSpaces::flush_later(SpaceSlot slot) {
    RootSlot& root = roots_[slot.raw()];
    if (root.table.raw() == 0) return;
    if (has_loaded(slot)) {
        machine::load_root(word_of(root, machine::TlbLoad::Flush));
    } else {
        root.word = {};  // the load itself will flush
    }
}

void CpuSpaces::adopt_fixed(SpaceSlot slot, PhysicalAddress table) {
    RootSlot& root = roots_[slot.raw()];
    root.table = table;
    root.fixed = true;
}

Error CpuSpaces::make_root(ProcessId process, RootSlot& root) {
    if (!stock_.reserve(1 + UpperTables::kMostTables)) return Error::NoMemory;
    SharedSpace& shared = shared_.of(SpaceSlot::of(process));
    shared.holders.add(id_);
    // pairs with the store in space_destroy: either it sees us among the holders, or we see the space closed
    if (shared.closed.load(std::memory_order_seq_cst) == process.raw()) {
        shared.holders.remove(id_);
        return Error::NoProcess;
    }
    const PhysicalAddress table = stock_.take();
    machine::fill_kernel_half(&PageTable::at(table));
    root.table = table;
    return Error::None;
}

Error CpuSpaces::link(ProcessId process, VirtualAddress address, PhysicalAddress table) {
    RootSlot& root = roots_[SpaceSlot::of(process).raw()];
    if (root.fixed || address != address.leaf_down() || !address.in_user_space()) return Error::Invalid;
    if (table.raw() == 0 || (table.raw() & ~uint64_t{PageEntry::kAddress}) != 0) return Error::Invalid;
    if (root.table.raw() == 0)
        if (const Error error = make_root(process, root); error != Error::None) return error;
    return UpperTables{root.table, stock_}.link(address, table);
}

void CpuSpaces::begin_visit(unsigned which, SpaceSlot slot) {
    visited_[which].store(slot.raw(), std::memory_order_relaxed);  // U1
    std::atomic_thread_fence(std::memory_order_seq_cst);           // U2; pairs with F3 in post()
}

bool CpuSpaces::uses(SpaceSlot slot) const {
    // F4. acquire pairs with the releases in switch_to() and end_visit(): the use that ended is over.
    if (loaded_.load(std::memory_order_acquire) == slot.raw()) return true;
    for (const auto& visited : visited_)
        if (visited.load(std::memory_order_acquire) == slot.raw()) return true;
    return false;
}

// So that no table which the CPU has loaded is freed: it falls back to the kernel's root.
void CpuSpaces::evict(SpaceSlot slot) {
    if (!has_loaded(slot)) return;
    loaded_.store(kNoSpace.raw(), std::memory_order_release);  // pairs with uses()
    machine::load_root(kernel_word());
}

// Translations under the root's tag may stay in the TLB: the tag is used again only after a flushing load.
void CpuSpaces::drop_root(SpaceSlot slot, RootSlot& root) {
    evict(slot);
    UpperTables{root.table, stock_}.free_all();
    root.table = PhysicalAddress{0};
    root.word = {};
    root.tag = 0;
    root.stale.store(false, std::memory_order_relaxed);
    shared_.of(slot).holders.remove(id_);
}

}  // namespace shoal::kernel::space
