// ForkOperation: gives an empty space all that another one has, in steps, while the other's threads run.
//
// First the regions, ascending. Each is marked (RegionWork::Copying) as it is copied: calls that would change it wait, faults do not.
// Then, leaf by leaf, the pages, by the copy's regions: nobody else changes those. Each step, which may end in the middle of a leaf, ends with a
// flush of what has lost the right to write, and the next begins after it. At the end the marks go, and the copy's regions, closed till then, open. A page that
// becomes resident behind the step that has passed is the source's alone, as if it had been written after the fork.
//
// A live update gives the new instance in this way what the old one has mapped (CopyExtent::Maps): there the copy need not be empty.
//
// One fork of a space at a time; another waits. Where memory or quota ends, or something is mapped in the copy meanwhile, the request fails,
// the source is as it was but for the copying that writes may cost, and the copy is good for exit only.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class FlushBatch;

class ForkOperation {
  public:
    // request: kind Fork; source, process: the copy. True: finished, with its error.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    enum class Step : uint8_t {
        More,     // what has been done is to be flushed, then the next
        Done,
        Blocked,  // the request waits for somebody else's work
    };
    ForkOperation(WorkerContext& context, Request& request, Space& source, Space& copy)
        : context_(context), request_(request), source_(source), copy_(copy) {}

    static bool step(WorkerContext& context, Request& request, Space& source, Space& copy);
    Result<Step> begin();
    Result<void> claim_copy(VirtualRange heap);
    Result<Step> advance(FlushBatch& batch);
    Result<Step> copy_regions();
    Result<Step> copy_region(Segment& segment);
    Result<Segment*> prepare_copy(uint32_t index);
    void settle_copy(Segment& into);
    struct Found {
        enum class Outcome : uint8_t { None, Marked, Blocked, Detached } outcome;
        VirtualRange range;
        RegionAttributes attributes;
    };
    Found mark_next(Segment& segment);
    [[nodiscard]] bool may_have(const Found& found);
    [[nodiscard]] bool is_free(VirtualRange range);
    [[nodiscard]] bool show_holes(VirtualRange range);
    bool mark(Segment& segment, Region& region);
    Result<RegionAttributes> attributes_in_copy(const Found& found);
    Result<void> insert_copy(Segment& into, VirtualRange range, RegionAttributes attributes);
    RegionView copied_region(VirtualRange range);
    Result<Step> copy_pages(FlushBatch& batch);
    bool has_own_pages(Leaf& from, const RegionView& view);
    Result<void> copy_leaf_part(Leaf& from, const RegionView& view, FlushBatch& batch);
    Result<unsigned> copy_piece(Leaf& from, Leaf& to, PageSpan region, PageSpan wanted, FlushBatch& batch);
    static void end(WorkerContext& context, Space& space, RegionWork mark);

    WorkerContext& context_;
    Request& request_;
    Space& source_;
    Space& copy_;
    unsigned pages_done_ = 0;  // in this step
};

}  // namespace shoal::vm
