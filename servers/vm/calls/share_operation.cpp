#include "servers/vm/calls/share_operation.hpp"

#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/region_edits.hpp"
#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/fault/touch_page.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

namespace {

constexpr unsigned kPagesPerStep = 128;

Error error_of(const Touched& touched) {
    if (touched.usable()) return Error::None;
    if (touched.outcome == Touch::NoMemory) return Error::NoMemory;
    return touched.outcome == Touch::Parked ? Error::DoNotReply : Error::BadAddress;
}

// Lent to be read, or by a grant: who takes that back would not find the copy.
bool is_anothers(WorkerContext& context, const Space& source, const Run& run, VirtualAddress address) {
    const Ownership ownership = run.state().ownership;
    if (ownership == Ownership::JointReadOnly) return true;
    return is_joint(ownership) && context.processes.joint_mappings().has_at(context, source.process(), address);
}

}  // namespace

// What somebody has lent is refused before anything has changed.
Error ShareOperation::prepare_page(WorkerContext& context, Space& source, Request& request) {
    const VirtualAddress address = request.range.cursor;
    const Touched touched = touch_page(context, source, address, Access::read(), Toucher::Vm, request);
    if (!touched.usable()) return error_of(touched);
    Guard guard(context.locks(), touched.leaf->lock);
    const Run* run = touched.leaf->trees.find(page_in_leaf(address));
    return run != nullptr && is_anothers(context, source, *run, address) ? Error::BadAddress : Error::None;
}

// Both leaves are locked at once, lower key first.
Error ShareOperation::share_page_at(WorkerContext& context, Space& source, Space& destination, Request& request) {
    const RangeProgress& progress = request.range;
    const VirtualAddress address = progress.cursor;
    const Touched touched = touch_page(context, source, address, Access::read(), Toucher::Vm, request);
    if (!touched.usable()) return error_of(touched);
    const Result<void> reserved = Reserve::ensure<Leaf, LeafNode, RunTree, Run>(
        context.worker, Reserve::kFaultFrames, {1, LeafMap::kMostNewNodes, 1, 2 * RunTree::kMostNewRuns});
    if (!reserved.ok()) return Error::NoMemory;
    Leaf* to = obtain_leaf(context, destination, address);
    if (to == nullptr || !destination.quota.charge(context.locks(), context.slabs(), PageCount{1}).ok())
        return Error::NoMemory;
    Leaf& from = *touched.leaf;
    const unsigned page = page_in_leaf(address);
    bool copied = false, device = false;  // or what is not the source's to give
    {
        PairGuard pair(context.locks(), from.lock, from.order_key(), to->lock, to->order_key());
        const Run* run = from.trees.find(page);
        copied = run != nullptr && breaks_on_write(run->state().ownership);
        const Ownership ownership = run != nullptr ? run->state().ownership : Ownership::Shared;
        const bool lent = run != nullptr && is_anothers(context, source, *run, address);
        device = ownership == Ownership::Device || lent || (is_borrowed(ownership) && ownership != Ownership::Borrowed);
        // As in a fault: some CPU may still see what was at these addresses before.
        if (run != nullptr && !copied && !device && !to->dead && to->flushing == 0) {
            share_page(context, from, *to, to->pages_of(progress.range), page, progress.access);
            return Error::None;
        }
    }
    destination.quota.refund(context.locks(), PageCount{1});
    if (device) return Error::BadAddress;
    // Who has the other copies is not to see what is written here from now on.
    return copied ? make_private(context, source, from, page) : Error::Again;
}

// None: the range has been seen to its end; Again: not yet; DoNotReply: nor now, the request has been put aside.
Error ShareOperation::step(WorkerContext& context, Space& source, Space& destination, Request& request) {
    RangeProgress& progress = request.range;
    for (unsigned i = 0; i < kPagesPerStep && progress.cursor < progress.range.end; ++i) {
        const Error error = progress.kind == RangeKind::Populate
                                ? prepare_page(context, source, request)
                                : share_page_at(context, source, destination, request);
        if (error != Error::None) return error;
        progress.cursor = progress.cursor + kPageSize;
    }
    if (progress.cursor < progress.range.end) return Error::Again;
    if (progress.kind == RangeKind::Share) return Error::None;
    const RegionAttributes busy{progress.access, RegionTraits::None, RegionWork::Changing};
    if (const Result<void> inserted = insert_over(context, destination, progress.range, busy); !inserted.ok())
        return inserted.error();
    // --- commit point --- (what follows fails for lack of memory, or where the source unmaps meanwhile)
    progress.kind = RangeKind::Share;
    progress.cursor = progress.range.start;
    return Error::Again;
}

bool ShareOperation::proceed(WorkerContext& context, Request& request) {
    Space* source = context.find_lasting_in_step(request.source);
    Space* destination = context.find_in_step(request.process);
    const bool wanted = source != nullptr && destination != nullptr && !destination->will_exit();
    request.error = wanted ? step(context, *source, *destination, request) : Error::NoProcess;
    if (request.error == Error::DoNotReply) return false;
    if (request.error == Error::Again) {
        context.desk.push_more(request);
        return false;
    }
    if (request.error == Error::NoMemory && wait_for_memory(context, request)) return false;
    if (request.range.kind == RangeKind::Share && destination != nullptr) open_regions(context, *destination, request.range.range);
    return true;
}

}  // namespace shoal::vm
