// Space: one process' addresses: segments with regions, the map of leaves, the quota.
//
// Segments are made when first used and stay until the space ends. Small objects of their own hold what faults read; what
// calls write lies behind it.
#pragma once

#include <atomic>

#include "abi/endpoint.hpp"
#include "servers/vm/leaf/leaf_map.hpp"
#include "servers/vm/notices/watch.hpp"
#include "servers/vm/objects/attachment_list.hpp"
#include "servers/vm/quota/quota.hpp"
#include "servers/vm/space/address_layout.hpp"
#include "servers/vm/space/segment.hpp"
#include "servers/vm/worker_statistics.hpp"

namespace shoal::vm {

// Segments of 32 neighbouring slices.
struct SegmentDirectory {
    static constexpr SlabType kSlabType = SlabType::SegmentDirectory;
    static constexpr uint32_t kSegments = 32;
    std::atomic<Segment*> segments[kSegments] = {};
};

// Whose space it is: where memory ends, a program's fault ends the program, and nobody else suffers.
enum class Standing : uint8_t {
    Program,
    Server,  // its faults are served from the workers' stocks of frames
};

class alignas(kCacheLine) Space {
  public:
    static constexpr SlabType kSlabType = SlabType::Space;

    // order: the id by which this space's locks are ordered among spaces; below 2^16, its own while it lives, whatever process it is of.
    Space(ProcessId process, uint32_t order, uint32_t cpus, PageCount quota_pages)
        : process_(process), order_(order), layout_(cpus), common_(layout_.segment_range(0)), quota(quota_pages) {}

    // relaxed: who has found the space by its process reads that; in a slot that is being swapped it tells whether the space is still there
    [[nodiscard]] ProcessId process() const { return process_.load(std::memory_order_relaxed); }
    // At a swap: nobody else knows the space meanwhile.
    void set_process(ProcessId process);
    [[nodiscard]] uint32_t order() const { return order_; }
    [[nodiscard]] const AddressLayout& layout() const { return layout_; }
    [[nodiscard]] Segment& common() { return common_; }

    // The segment over the address; nullptr: nothing was ever mapped there. Wait-free.
    [[nodiscard]] Segment* find_segment(VirtualAddress address) { return segment(layout_.segment_of(address)); }
    [[nodiscard]] Segment* segment(uint32_t index);
    // Makes it if need be. Error: NoMemory.
    Result<Segment*> obtain_segment(uint32_t index, SlabCaches& slabs);

    // Calls visit(Segment&) for those that exist in the range, ascending.
    template <typename Visit>
    void for_each_segment(VirtualRange range, Visit visit) {
        const uint32_t last = layout_.segment_of(range.end - 1);
        for (uint32_t index = layout_.segment_of(range.start); index <= last; ++index)
            if (Segment* found = segment(index)) visit(*found);
    }
    // Regions are memory that the process makes VM use: the quota pays a page for each kRegionsPerPage begun of a segment, so that
    // only every so manieth map of a segment charges, and no line is written that the segment's lock does not guard already.
    static constexpr uint32_t kRegionsPerPage = 16;
    [[nodiscard]] static constexpr uint32_t pages_for(uint64_t regions) {
        return static_cast<uint32_t>((regions + kRegionsPerPage - 1) / kRegionsPerPage);
    }
    // Both under the segment's lock. pay: before a change that adds that many. Error: NoMemory (over the quota).
    Result<void> pay_for_regions(LockContext& worker, SlabCaches& slabs, Segment& segment, uint32_t more) {
        if (more == 0 || pages_for(segment.regions().size() + more) <= segment.paid_pages) [[likely]] return {};
        return pay(worker, slabs, segment, more);
    }
    // settle: after a change. What is paid is what is there, but where an operation over several segments could not pay for all.
    void settle_regions(LockContext& worker, SlabCaches& slabs, Segment& segment) {
        if (pages_for(segment.regions().size()) != segment.paid_pages) [[unlikely]] settle(worker, slabs, segment);
    }

    // For the audit.
    [[nodiscard]] uint64_t count_directories() const;
    [[nodiscard]] static constexpr VirtualRange everything() { return {VirtualAddress{0}, AddressLayout::kTop}; }

    // At the end: no worker can reach the space any more, and leaves and regions are gone.
    void free_segments(SlabCaches& slabs);

  private:
    Result<void> pay(LockContext& worker, SlabCaches& slabs, Segment& segment, uint32_t more);
    void settle(LockContext& worker, SlabCaches& slabs, Segment& segment);

    static constexpr uint32_t kDirectories = kMaxCpus / SegmentDirectory::kSegments;
    std::atomic<ProcessId> process_;
    uint32_t order_;
    AddressLayout layout_;
    std::atomic<SegmentDirectory*> directories_[kDirectories] = {};

  public:
    LeafMap leaves;

  private:
    Segment common_;

  public:
    // Under the common segment's lock: the heap is [heap_start, heap_end), its region ends at the page border above.
    VirtualAddress heap_start, heap_end;
    Quota quota;
    AttachmentList attachments;
    bool forking = false;   // under the common segment's lock: a ForkOperation copies it
    bool arriving = false;  // likewise: one makes a copy of it
    bool pinning = false;   // likewise: a ContiguousOperation has frames for it that no quota pays for yet
    bool preallocating = false;  // likewise: a Preallocation is under way
    uint32_t engagements = 0;    // likewise: of requests (update/engagement.hpp)
    VirtualRange preallocated;   // likewise: where its map was placed; what is left of it has the trait
    Standing standing = Standing::Program;  // set before anybody finds the space
    // After willexit: nothing more is made for it or out of it. relaxed: who was told that it is so asks through the kernel, which orders it.
    [[nodiscard]] bool will_exit() const { return will_exit_.load(std::memory_order_relaxed); }
    void announce_exit() { will_exit_.store(true, std::memory_order_relaxed); }
    // Which of the calls that its privileges name it may make (rs_set_priv). relaxed: likewise.
    [[nodiscard]] bool allows_call(uint32_t number) const { return (allowed_calls_.load(std::memory_order_relaxed) >> number & 1) != 0; }
    void allow_calls(uint64_t mask) { allowed_calls_.store(mask, std::memory_order_relaxed); }
    // Something has been mapped here, or lent from here, by a grant once. relaxed: a swap and the end of the space, which ask, come after everybody who
    // has found it
    [[nodiscard]] bool has_joined() const { return has_joined_.load(std::memory_order_relaxed); }
    void note_joint() { has_joined_.store(true, std::memory_order_relaxed); }
    // Made with the space, so that its end needs no memory. Under the slot's lifecycle lock; nullptr: an exit has it.
    Request* exit_request = nullptr;
    // Of leaves that have been given up; written by the home CPU's worker, which alone does that (LeafTrim).
    Counter past_faults, past_major_faults;
    Watches watches;  // see there: under the lifecycle locks of this slot, and of the others'

  private:
    std::atomic<bool> will_exit_{false}, has_joined_{false};
    std::atomic<uint64_t> allowed_calls_{~uint64_t{0}};
};

inline Segment* Space::segment(uint32_t index) {
    if (index == 0) return &common_;
    const uint32_t slice = index - 1;
    // acquire pairs with obtain_segment(): directory and segment come with their contents
    SegmentDirectory* directory = directories_[slice / SegmentDirectory::kSegments].load(std::memory_order_acquire);
    if (directory == nullptr) [[unlikely]] return nullptr;
    return directory->segments[slice % SegmentDirectory::kSegments].load(std::memory_order_acquire);  // as above
}

}  // namespace shoal::vm
