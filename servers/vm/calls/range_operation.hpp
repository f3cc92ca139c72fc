// RangeOperation: unmapping, replacing, reprotecting, discarding or populating a range of a space, however large.
//
// The range is taken segment by segment. A part of up to kMostLeavesAtOnce leaves with kMostPagesAtOnce pages is changed in one go under
// its segment's lock. A larger one is marked (RegionWork) and then done leaf by leaf in steps, with no lock held between them;
// other changes of it, and faults on it, wait at the segment until the mark goes. Discarding changes no region: it goes leaf by
// leaf however small, and neither waits at the segment nor writes anything there. What lies inside one leaf of a
// larger region is the leaf's own affair (calls/detach.hpp). Frames are freed by the batches.
//
// What has begun ends: between steps the request holds what the rest may need (RangeReserve), and batches come back.
#pragma once

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class RangeOperation {
  public:
    // So that a fault on this CPU waits no longer than for that many pages.
    static constexpr uint32_t kMostLeavesAtOnce = 4, kMostPagesAtOnce = 2 * kPagesPerLeaf;
    // A populating operation of so many pages ends in its first step.
    static constexpr uint64_t kPagesPerPopulateStep = kPagesPerLeaf;

    // Makes sure of what a step may need at worst. Error: NoMemory.
    static Result<void> reserve(WorkerContext& context);
    // As reserve(), when that has failed, for an operation with Means::Stocks: takes the worker's stocks, so that memory can be
    // given back where none is left. Error: NoMemory (more such operations are under way on this CPU than the stocks have
    // objects; hold() then).
    static Result<void> reserve_from_stock(WorkerContext& context);
    // Last of all, where nothing is under way that would bring the stocks back: from the stock of frames. Runs may have gone for
    // good, as shared pages out of the middle of a run give no frame back; one frame is many runs. Error: NoMemory.
    static Result<void> reserve_from_frames(WorkerContext& context);

    struct Started {
        enum class Kind : uint8_t {
            Finished,         // all done
            FinishedLocally,  // all done once the reply has flushed the caller's space on this CPU
            Flushing,         // the tree and the tables are done; `request` answers when the CPUs have acknowledged
            Unfinished,       // more steps follow; `request` goes on by itself
            Refused,          // NoMemory, and nothing has changed: for want of stocks, quota, or a region for each segment
        };
        Kind kind;
        Request* request = nullptr;  // result and error may be set until the worker's next step
    };
    // After reserve(). receipt: whose answer is due at the end.
    static Started start(WorkerContext& context, Space& space, const Receipt& receipt, const RangeProgress& what);

    // As start(), to unmap a range of any space, by a request that was another's until now; after reserve(), which the request keeps. The
    // request answers at the end, with the error that it has.
    static void unmap_later(WorkerContext& context, Request& request, VirtualRange range);
    // Likewise regions of one segment that the request has marked as its own (RegionWork::Changing): nobody comes between.
    static void unmap_marked(WorkerContext& context, Request& request, Space& space, VirtualRange range);

    // Goes on with a request of kind Range. True: it is finished, and its flushes too; false: it will come back.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    enum class Step : uint8_t {
        Done,
        More,
        Again,    // nothing has been done: a leaf has been detached or attached meanwhile
        Blocked,  // the request waits at a segment
        Refused,  // nothing has been done, and the stocks are not for this, or the quota does not pay for it
    };

    RangeOperation(WorkerContext& context, Space& space, RangeProgress& progress, FlushBatch& batch)
        : context_(context), space_(space), progress_(progress), batch_(batch) {}

    Step advance(Request*& request, const Receipt& receipt);
    Step populate(const Receipt& receipt);
    Step do_part(Segment& segment, VirtualRange part, Request*& request, const Receipt& receipt);
    Step do_detached(Leaf& leaf, VirtualRange part);
    [[nodiscard]] Leaf* leaf_to_itself();
    [[nodiscard]] VirtualAddress end_of_tree_part(VirtualAddress end) const;
    [[nodiscard]] bool beside_detached(VirtualRange part) const;
    Step do_marked(Segment& segment);
    void note_unmapped(Segment& segment, VirtualRange part);
    bool mark(Segment& segment, VirtualRange part);
    void mark_tree(Segment& segment, VirtualRange part);
    [[nodiscard]] bool changes_regions() const;
    [[nodiscard]] bool fits_one_step(VirtualRange part) const;
    [[nodiscard]] uint32_t growth(const Segment& segment, VirtualRange part) const;
    bool allowed(Segment& segment, VirtualRange part);
    [[nodiscard]] bool leaves_more(const Segment& segment, VirtualRange part) const;
    bool edit(Segment& segment, VirtualRange part);
    void edit_tree(Segment& segment, VirtualRange part);
    void visit_all(VirtualRange part);
    void forget_grants(VirtualRange part);
    void let_go();
    [[nodiscard]] RegionAttributes replacement(VirtualRange part, RegionWork work) const;
    void finish_marked(Segment& segment);
    void visit(Leaf& leaf, VirtualRange part);
    void change_pages(Leaf& leaf, PageSpan span);
    void change_own_regions(Leaf& leaf);
    Request* request_for(Request* request, const Receipt& receipt);
    static Request* request_with_regions(WorkerContext& context, Space& space, const Receipt& receipt, uint32_t regions);
    static void give_up(WorkerContext& context, Request& request);
    static void keep_reserve(WorkerContext& context, Request& request);
    static void return_holes(WorkerContext& context, Space& space, const RangeProgress& progress);

    WorkerContext& context_;
    Space& space_;
    RangeProgress& progress_;
    FlushBatch& batch_;
    static constexpr uint32_t kPagesALeaf = 2;  // in the time in which one is made to forget
    uint32_t pages_visited_ = 0;                // in this step, or what has taken as long
};

}  // namespace shoal::vm
