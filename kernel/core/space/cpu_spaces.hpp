// CpuSpaces: which page tables this CPU has for each space, which of them is loaded, and what it must flush.
//
// A CPU that is about to free or reuse memory of a space must know whether this CPU may still reach it. Two parties, each
// with a store, a full fence and a load:
//
//   this CPU, to use a space              another CPU, after it has changed page-table entries
//   U1  loaded_ (or visited_) = space     F1  (VM's stores to the entries)
//   U2  full fence                        F2  root.stale = true
//   U3  if root.stale: flush              F3  full fence
//   U4  translate, walk                   F4  if loaded_ or visited_ is the space: post and interrupt; else done
//
// Either F4 sees U1, and the interrupt is served after the use; or U1 comes after F4 in the order of the fences, then U3 sees
// F2 and U4 sees F1: whatever the TLB kept under the space's tag is dropped before it is used. A mark is cleared only together with a flush of everything: between F2 and F4 this CPU may leave the space, and then nothing but the mark is left of the
// request. Modelled in tests/model/spin/tlb_flush.pml. U2 costs nothing extra where
// a root is loaded: MOV to CR3 is serialising (SDM vol. 3A, 9.3), and user translations are not used between it and U3's
// flush. When a use ends, the store that ends it is a release, F4's load an acquire: the copy is over before the frame is
// reused. Without tags each load flushes, and the mark is only a second flush.
#pragma once

#include <atomic>

#include "kernel/core/machine.hpp"
#include "kernel/core/mail/mail_node.hpp"
#include "kernel/core/space/flush_batch.hpp"
#include "kernel/core/space/shared_spaces.hpp"
#include "kernel/core/space/tag_allocator.hpp"
#include "kernel/core/space/table_stock.hpp"
#include "kernel/core/space/worker_presence.hpp"

namespace shoal::kernel::space {

struct alignas(32) RootSlot {
    machine::RootWord word;          // loads it and keeps its translations; 0: the next load is a special one
    PhysicalAddress table;           // 0: none
    uint16_t tag = 0;                // 0: none
    std::atomic<bool> stale{false};  // the next load must flush; set by other CPUs, cleared by the owner
    bool fixed = false;              // VM's own: made at boot, never changed nor freed
};

struct CpuSpaces {
  public:
    // roots: one per space, of this CPU alone. tags: how many the machine has, less in tests.
    CpuSpaces(CpuId id, LockContext& locks, SharedSpaces& shared, std::span<RootSlot> roots,
              uint16_t tags = TagAllocator::kTags)
        : id_(id), shared_(shared), roots_(roots), tags_(tags), stock_(shared.pool, locks), batches_(id) {}
    CpuSpaces(const CpuSpaces&) = delete;

    // --- loading ---
    enum class Loaded : uint8_t { Switched, Unchanged };
    // Makes the space's root what user mode on this CPU uses. A space without one gets the kernel's alone: its first
    // instruction faults. Switched: a full barrier was executed.
    Loaded load(SpaceSlot slot) {
        RootSlot& root = roots_[slot.raw()];
        if (loaded_.load(std::memory_order_relaxed) == slot.raw() && !root.stale.load(std::memory_order_relaxed))
            return Loaded::Unchanged;
        if (root.word.raw() == 0) [[unlikely]] {
            load_specially(slot, root);
        } else {
            load_as(slot, root, root.word);
        }
        return Loaded::Switched;
    }
    // This CPU's next load of the space flushes; now, if it is loaded.
    void flush_later(SpaceSlot slot);
    // Registers a root that boot has built (VM's).
    void adopt_fixed(SpaceSlot slot, PhysicalAddress root);

    // --- tables ---
    // Links VM's last-level table for this CPU; builds the upper tables as needed.
    // NoMemory: nothing was done. Invalid: address or table not aligned or not allowed. Busy: something else is linked there.
    // NoProcess: the space is closed.
    Error link(ProcessId process, VirtualAddress address, PhysicalAddress table);
    [[nodiscard]] PhysicalAddress root(SpaceSlot slot) const { return roots_[slot.raw()].table; }
    TableStock& stock() { return stock_; }

    // --- visits of spaces that may not be loaded, to walk their tables: class Visit ---
    static constexpr unsigned kMostVisits = 2;
    void begin_visit(unsigned which, SpaceSlot slot);
    void end_visit(unsigned which) {
        visited_[which].store(kNoSpace.raw(), std::memory_order_release);  // pairs with uses()
    }
    // Nothing of user space is loaded: whoever ran last must be loaded anew.
    [[nodiscard]] bool evicted() const { return has_loaded(kNoSpace); }
    [[nodiscard]] bool has_loaded(SpaceSlot slot) const {
        return loaded_.load(std::memory_order_relaxed) == slot.raw();
    }

    // --- for other CPUs, after a full fence ---
    void mark_stale(SpaceSlot slot) {
        roots_[slot.raw()].stale.store(true, std::memory_order_release);  // pairs with the exchange in flush_marked()
    }
    [[nodiscard]] bool uses(SpaceSlot slot) const;

    // --- flushes, unlinks, destruction (flush_exchange.cpp) ---
    // Posts the batch's work to CPUs and does this CPU's share. True: it is done everywhere and the batch is free again.
    bool post(FlushBatch& batch, const CpuSet& cpus);
    // A batch done at once whose message still has to be received.
    void keep(FlushBatch& batch);
    // nullptr: all are in use.
    [[nodiscard]] FlushBatch* new_batch() { return batches_.allocate(); }
    // Serves what other CPUs have posted for this one: on mail, or from a spin loop; not within a use of a space.
    void answer_bell();
    void serve();

    WorkerPresence worker;

  private:
    // U1 to U3.
    void load_as(SpaceSlot slot, RootSlot& root, machine::RootWord word) {
        loaded_.store(slot.raw(), std::memory_order_release);  // U1; pairs with uses(): what we did under the old root is over
        machine::load_root(word);                              // U2: serialising; the host's has a fence
        if (root.stale.load(std::memory_order_relaxed)) [[unlikely]] flush_marked(root);  // U3
    }
    // The kernel's root for want of one; with a new tag; or flushing.
    [[gnu::cold]] void load_specially(SpaceSlot slot, RootSlot& root);
    void give_tag(RootSlot& root);
    [[gnu::cold]] void flush_marked(RootSlot& root);
    Error make_root(ProcessId process, RootSlot& root);
    [[nodiscard]] CpuSet mark_or_find_users(SpaceSlot slot, const CpuSet& candidates);
    void do_share(const FlushBatch& batch);
    void evict(SpaceSlot slot);
    void drop_root(SpaceSlot slot, RootSlot& root);
    void acknowledge(FlushBatch& batch);
    void ring(CpuId target);

    const CpuId id_;
    SharedSpaces& shared_;
    std::span<RootSlot> roots_;
    TagAllocator tags_;
    TableStock stock_;

    // Written here, read by flushing CPUs.
    alignas(kCacheLine) std::atomic<uint32_t> loaded_{kNoSpace.raw()};
    std::atomic<uint32_t> visited_[kMostVisits] = {kNoSpace.raw(), kNoSpace.raw()};

    // Written by other CPUs.
    alignas(kCacheLine) AtomicCpuSet rung_by_;  // CPUs that have batches for us
    std::atomic<bool> bell_posted_{false};      // bell_ lies in our mailbox
    MailNode bell_;

    BatchPool batches_;
};

inline CpuSpaces& SharedSpaces::on(CpuId cpu) { return cpus[cpu.index()]; }

// Walks by this CPU of one space's tables, within one piece of work with interrupts off.
class [[nodiscard]] Visit {
  public:
    // slot kNoSpace: no visit at all.
    Visit(CpuSpaces& here, unsigned which, SpaceSlot slot)
        : here_(here), which_(which), slot_(slot), announced_(slot != kNoSpace && !here.has_loaded(slot)) {
        if (announced_) here.begin_visit(which, slot);
    }
    ~Visit() {
        if (announced_) here_.end_visit(which_);
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    [[nodiscard]] PhysicalAddress root() const { return here_.root(slot_); }

  private:
    CpuSpaces& here_;
    unsigned which_;
    SpaceSlot slot_;
    bool announced_;  // a loaded space is announced already
};

}  // namespace shoal::kernel::space
