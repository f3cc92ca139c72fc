// ProcessTable: the sharded process table. A slot per process, at the kernel's index, on lines of its own and permanent, so
// that finding a process is an index and a comparison. Each slot belongs to the shard of the process' home CPU, whose
// worker makes, ends and counts its processes.
#pragma once

#include <atomic>

#include "base/containers/list.hpp"
#include "servers/vm/files/file_desk.hpp"
#include "servers/vm/joint/joint_mappings.hpp"
#include "servers/vm/memory/dma_holds.hpp"
#include "servers/vm/objects/named_objects.hpp"
#include "servers/vm/objects/page_index.hpp"
#include "servers/vm/requests/rendezvous.hpp"
#include "servers/vm/requests/request_desk.hpp"
#include "servers/vm/space/space.hpp"
#include "servers/vm/update/successor.hpp"
#include "servers/vm/update/swap_desk.hpp"
#include "servers/vm/worker_statistics.hpp"

namespace shoal::vm {

// Who looks for a space: a worker, or anybody.
class Finder {
  public:
    constexpr Finder() = default;
    constexpr explicit Finder(CpuId worker) : mark_(uint64_t{worker.raw() + 1u} << 32) {}
    [[nodiscard]] constexpr uint64_t mark() const { return mark_; }
    [[nodiscard]] constexpr uint64_t alone(ProcessId process) const { return mark_ | process.raw(); }

  private:
    uint64_t mark_ = 0;
};

// A space that nobody but the worker that made it has ever found is reached by no other: its end waits for no grace period. The name says so: it
// is the process, and above that the worker's mark until another one finds the space. Who finds it and who closes it change the name by
// one atomic operation each, so that one of the two sees the other.
class alignas(kCacheLine) ProcessSlot {
  public:
    // The space of exactly this process; nullptr: it has none, is ending, or the slot is another's now. It stays valid until
    // the worker's next quiescent state.
    [[nodiscard]] Space* find(ProcessId process, Finder finder = {}) {
        Space* const found = find_shortly(process, finder);
        if (found != nullptr) [[likely]] return found;
        return let_in(process) ? space_.load(std::memory_order_acquire) : nullptr;  // pairs with open(), as there
    }
    // As find(), but nullptr also where the space is still another worker's alone.
    [[nodiscard]] Space* find_shortly(ProcessId process, Finder finder) const {
        // acquire pairs with the release in open(): the space comes with its contents
        const uint64_t name = name_.load(std::memory_order_acquire);
        if (name != finder.alone(process) && name != process.raw()) [[unlikely]] return nullptr;
        return space_.load(std::memory_order_acquire);  // as above; close() clears the name first
    }

    // As find(), in a step of a request, which has begun before the slot was closed for a swap, or would be waiting for its end (waits_for_swap()): the
    // spaces do not change places before the grace period that covers the step is over.
    [[nodiscard]] Space* find_in_step(ProcessId process, Finder finder = {}) {
        while (names_one(process)) {
            // acquire pairs with open(), reopen() and close_for_swap()
            uint64_t name = name_.load(std::memory_order_acquire);
            if ((name & kProcess) == kChanging) {
                // acquire and release pair with reopen_alone()
                if (is_anothers(name, finder) && !name_.compare_exchange_strong(name, kChanging, std::memory_order_acq_rel, std::memory_order_relaxed)) continue;
                Space* space = space_.load(std::memory_order_acquire);  // pairs with open(), as in find()
                return space->process() == process ? space : nullptr;
            }
            if ((name & kProcess) != process.raw()) return nullptr;
            if (Space* found = find(process, finder)) return found;
        }  // it has been closed between the two looks
        return nullptr;
    }

    // The space of the process that lives at home on `cpu`; nullptr: none does, or it is ending. For that CPU's worker, which
    // ends such processes itself: the space stays valid for its step. Any other worker may make one at any time.
    [[nodiscard]] Space* living_at(CpuId cpu) const {
        // acquire pairs with the release in open(): what is read next is that birth's or a later one's, no earlier home's
        if (home_.load(std::memory_order_acquire) != cpu) return nullptr;
        // acquire pairs with reopen(): after a swap it is another space, which knows whose it is
        if (!names_one(name_.load(std::memory_order_acquire))) return nullptr;
        return space_.load(std::memory_order_acquire);  // pairs with open(): the space comes with its contents
    }

    // Birth and death of what is in the slot, and its swap with another slot's.
    SpinLock<VmRank::Lifecycle> lifecycle;

    // Under the lifecycle lock.
    [[nodiscard]] Space* space() const { return space_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool empty() const { return space() == nullptr; }
    void open(ProcessId process, CpuId home, Space& space, Finder maker) {
        home_.store(home, std::memory_order_release);                 // pairs with living_at()
        space_.store(&space, std::memory_order_release);              // pairs with find()
        name_.store(maker.alone(process), std::memory_order_release);  // pairs with find()
    }
    // Nobody finds the space any more; it is still there, for the request that takes it apart. True: nobody but that worker ever has.
    bool close(Finder worker = {}) {
        // acquire pairs with let_in(), release with find()
        const uint64_t name = name_.exchange(kNobody, std::memory_order_acq_rel);
        return (name & ~kProcess) == worker.mark() && worker.mark() != 0;
    }
    // Likewise, but in a step of a request. True: as close(), and it stays so as long as nobody else finds it in a step.
    bool close_for_swap(Finder worker = {}) {
        uint64_t name = name_.load(std::memory_order_relaxed);
        // acquire pairs with let_in(), release with find()
        while (!name_.compare_exchange_weak(name, (name & ~kProcess) | kChanging, std::memory_order_acq_rel, std::memory_order_relaxed)) {
        }
        return (name & ~kProcess) == worker.mark() && worker.mark() != 0;
    }
    // After that; false: somebody else has found it meanwhile, or had before, and nothing has changed.
    [[nodiscard]] bool reopen_alone(ProcessId process, Finder worker) {
        uint64_t name = worker.mark() | kChanging;
        // acquire pairs with find_in_step(), release with find()
        return worker.mark() != 0 && name_.compare_exchange_strong(name, worker.alone(process), std::memory_order_acq_rel, std::memory_order_relaxed);
    }
    // For anybody.
    void reopen(ProcessId process) { name_.store(process.raw(), std::memory_order_release); }  // pairs with find()
    void vacate() {
        has_served_files_.store(false, std::memory_order_relaxed);
        space_.store(nullptr, std::memory_order_release);  // pairs with find()
    }
    [[nodiscard]] bool closed() const { return !names_one(name_.load(std::memory_order_relaxed)); }
    // Without the lock a hint.
    [[nodiscard]] bool swapping() const { return (name_.load(std::memory_order_relaxed) & kProcess) == kChanging; }

    // Under both lifecycle locks, both closed: what is in them changes places, and the ids by which their spaces are ordered with them.
    void swap(ProcessSlot& other) {
        Space* const kept = space();
        space_.store(other.space(), std::memory_order_relaxed);
        other.space_.store(kept, std::memory_order_relaxed);
        const uint32_t order = order_.load(std::memory_order_relaxed);
        order_.store(other.order_.load(std::memory_order_relaxed), std::memory_order_relaxed);
        other.order_.store(order, std::memory_order_relaxed);
    }
    // Of the space that is here, or will be (Space::order()). Of all slots there are all numbers below their count.
    [[nodiscard]] uint32_t order() const { return order_.load(std::memory_order_relaxed); }
    void set_order(uint32_t order) { order_.store(order, std::memory_order_relaxed); }

    [[nodiscard]] CpuId home() const { return home_.load(std::memory_order_relaxed); }

    // The process has asked for what VM wants of a file server, whatever changes places with it. relaxed: its end, which asks, comes after everybody
    // who has found its space
    [[nodiscard]] bool has_served_files() const { return has_served_files_.load(std::memory_order_relaxed); }
    void note_file_server() {
        if (!has_served_files()) has_served_files_.store(true, std::memory_order_relaxed);
    }

    ListHook shard_hook;
    Request* exit = nullptr;  // takes the space apart; between close() and vacate()

  private:
    // Generation 0 is no process'. Changing: places with another one.
    static constexpr uint64_t kNobody = 0, kChanging = 1;
    static constexpr uint64_t kProcess = 0xffff'ffff;
    static constexpr bool names_one(uint64_t name) { return (name & kProcess) > kChanging; }
    static constexpr bool names_one(ProcessId process) { return names_one(uint64_t{process.raw()}); }
    // Nobody but another worker has ever found the space.
    static constexpr bool is_anothers(uint64_t name, Finder finder) { return (name & ~kProcess) != 0 && (name & ~kProcess) != finder.mark(); }

    // From now on everybody finds the space without this, if it is that process'.
    [[gnu::noinline, gnu::cold]] bool let_in(ProcessId process) {
        uint64_t name = name_.load(std::memory_order_acquire);  // pairs with open()
        if (!names_one(process) || (name & kProcess) != process.raw()) return false;
        // release pairs with close(), whose grace period is one for us, too
        const bool first = name_.compare_exchange_strong(name, process.raw(), std::memory_order_acq_rel, std::memory_order_acquire);
        return first || name == process.raw();
    }

    std::atomic<uint64_t> name_{kNobody};
    std::atomic<Space*> space_{nullptr};
    std::atomic<CpuId> home_;
    std::atomic<uint32_t> order_{0};
    std::atomic<bool> has_served_files_{false};
};

// What one CPU's worker keeps of its own beyond the allocators: its processes, and its requests.
struct alignas(kCacheLine) ProcessShard {
    SpinLock<VmRank::Depot> lock;
    List<ProcessSlot, &ProcessSlot::shard_hook> living GUARDED_BY(lock);
    RequestDesk desk;
    // Written by the CPU's worker alone; a table may be freed by another one than made it.
    Counter tables_made, tables_freed, areas_lent, areas_returned, pages_cached, pages_uncached;
    uint64_t objects_made = 0, evictor_at = 0;  // the worker's own
};

class ProcessTable {
  public:
    // pages: of all memory that VM owns.
    static uint64_t bytes_for(uint32_t slots, uint32_t cpus, PageCount pages);
    // In zeroed, permanent memory of that many bytes.
    static ProcessTable* create(void* memory, uint32_t slots, uint32_t cpus, PageCount pages);

    // nullptr: no such slot.
    [[nodiscard]] ProcessSlot* slot(ProcessId process) {
        return process.slot() < slots_ ? &slot_array()[process.slot()] : nullptr;
    }
    // For workers: WorkerContext::find() and so on.
    [[nodiscard]] Space* find(ProcessId process, Finder finder = {}) {
        ProcessSlot* found = slot(process);
        return found == nullptr ? nullptr : found->find(process, finder);
    }
    [[nodiscard]] Space* find_shortly(ProcessId process, Finder finder) {
        if (process.slot() >= slots_) [[unlikely]] return nullptr;
        return slot_array()[process.slot()].find_shortly(process, finder);
    }
    [[nodiscard]] Space* find_in_step(ProcessId process, Finder finder = {}) {
        ProcessSlot* found = slot(process);
        return found == nullptr ? nullptr : found->find_in_step(process, finder);
    }
    // As find(), for which, or out of which, something is to be made: nullptr if it will exit, too.
    [[nodiscard]] Space* find_lasting(ProcessId process, Finder finder = {}) { return lasting(find(process, finder)); }
    [[nodiscard]] Space* find_lasting_in_step(ProcessId process, Finder finder = {}) { return lasting(find_in_step(process, finder)); }
    [[nodiscard]] ProcessShard& shard(CpuId cpu) { return shard_array()[cpu.index()]; }
    [[nodiscard]] uint32_t slots() const { return slots_; }
    [[nodiscard]] uint32_t cpus() const { return cpus_; }
    [[nodiscard]] ProcessSlot& slot_at(uint32_t index) { return slot_array()[index]; }
    // Where the space of that order is, or was last seen.
    [[nodiscard]] ProcessSlot& slot_of_order(uint32_t order);
    Shortage& shortage() { return shortage_; }
    Rendezvous& rendezvous() { return rendezvous_; }
    SwapDesk& swap_desk() { return swap_desk_; }
    Successor& successor() { return successor_; }
    DmaHolds& dma_holds() { return dma_holds_; }
    JointMappings& joint_mappings() { return joint_mappings_; }
    PageIndex& page_index() { return page_index_; }
    NamedObjects& named_objects() { return named_objects_; }
    FileDesk& file_desk() { return file_desk_; }
    // Pages of all memory that VM owns; the default of a quota.
    [[nodiscard]] PageCount memory() const { return memory_; }
    void set_memory(PageCount pages) { memory_ = pages; }

  private:
    [[nodiscard]] static Space* lasting(Space* space) { return space == nullptr || space->will_exit() ? nullptr : space; }
    ProcessTable(uint32_t slots, uint32_t cpus, PageCount pages)
        : slots_(slots),
          cpus_(cpus),
          slots_at_(shards_at() + sizeof(ProcessShard) * cpus),
          memory_(pages),
          page_index_(behind_slots(), pages),
          named_objects_(behind_slots() + PageIndex::bytes_for(pages), pages),
          file_desk_(cpus) {}
    // What follows the slots: the page index' buckets, the chains of names.
    [[nodiscard]] char* behind_slots() { return reinterpret_cast<char*>(this) + slots_at_ + sizeof(ProcessSlot) * slots_; }
    // Shards and slots follow the object; reached by addition, so that finding a slot loads no other line on the way.
    static constexpr uint64_t shards_at() { return (sizeof(ProcessTable) + kCacheLine - 1) & ~(kCacheLine - 1); }
    [[nodiscard]] ProcessShard* shard_array();
    [[nodiscard]] ProcessSlot* slot_array();

    uint32_t slots_, cpus_;
    uint64_t slots_at_;  // bytes from here
    PageCount memory_;
    Shortage shortage_;
    Rendezvous rendezvous_;
    SwapDesk swap_desk_;
    Successor successor_;
    DmaHolds dma_holds_;
    JointMappings joint_mappings_;
    PageIndex page_index_;
    NamedObjects named_objects_;
    FileDesk file_desk_;
};

inline ProcessShard* ProcessTable::shard_array() {
    return reinterpret_cast<ProcessShard*>(reinterpret_cast<uint64_t>(this) + shards_at());
}
inline ProcessSlot* ProcessTable::slot_array() {
    return reinterpret_cast<ProcessSlot*>(reinterpret_cast<uint64_t>(this) + slots_at_);
}

}  // namespace shoal::vm
