// adddma, deldma and getdma: contiguous memory that a device may write, beyond the life of its mapping.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/segment_hold.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

namespace {

constexpr uint32_t kMostNewRuns = 2 * RunTree::kMostNewRuns;  // the range's ends may lie inside runs

// Regions of one map may have come to differ in their access.
bool all_contiguous(const Segment& segment, VirtualRange range) {
    for (const Region* region = segment.first_in(range); region != nullptr && region->start() < range.end;
         region = segment.regions().next(*region))
        if (region->attributes().type != MemoryType::Contiguous) return false;
    return true;
}

// The frames of a range, if they are neighbours. Under the segment's lock, of contiguous memory: nobody takes a page away.
Result<FrameRange> frames_of_range(WorkerContext& context, Space& space, VirtualRange range) {
    FrameRange frames{FrameNumber{0}, range.size() >> kPageShift};
    for (VirtualAddress at = range.start; at < range.end; at = at.leaf_down() + kLeafSize) {
        Leaf* leaf = space.leaves.find(at);
        if (leaf == nullptr) return Error::BadAddress;
        Guard guard(context.locks(), leaf->lock);
        const PageSpan span = leaf->pages_of({at, range.end});
        for (unsigned page = span.first; page < span.end; ++page) {
            const PageEntry entry = leaf->table().get(page);
            if (!entry.held()) return Error::BadAddress;
            if (leaf->address_of(page) == range.start) frames.first = entry.frame();
            else if (entry.frame() != frames.first + ((leaf->address_of(page) - range.start) >> kPageShift)) return Error::BadAddress;
        }
    }
    return frames;
}

}  // namespace

Result<PhysicalAddress> CallHandlers::adddma(const vm_calls::AdddmaArguments& arguments) {
    Space& space = *TRY(caller());
    const VirtualRange range = TRY(decode_range(arguments.address, arguments.bytes));
    if (range.size() > kMostContiguousBytes) return Error::Invalid;
    Segment* segment = space.find_segment(range.start);
    if (segment == nullptr) return Error::BadAddress;
    TRY((Reserve::ensure<DmaHold, Run, Request>(context_.worker, 0, {1, kMostNewRuns, 1})));
    SegmentHold held(context_, space, *segment);
    if (!segment->range().contains(range) || !segment->mapped(range) || !all_contiguous(*segment, range)) return Error::BadAddress;
    if (segment->busy(range)) {
        park(context_, receipt_, segment->waiting);
        return Error::DoNotReply;
    }
    const FrameRange frames = TRY(frames_of_range(context_, space, range));
    DmaHolds& holds = context_.processes.dma_holds();
    if (holds.overlap(context_.locks(), space.process(), frames)) return Error::Exists;
    // --- commit point ---
    space.leaves.for_each_in(range, [&](Leaf& leaf) {
        Guard guard(context_.locks(), leaf.lock);
        hold_pages(context_, leaf, leaf.pages_of(range));
    });
    holds.add(context_.locks(), *context_.slabs().create_reserved<DmaHold>(space.process(), frames));
    return frames.first.address();
}

Result<void> CallHandlers::deldma(const vm_calls::DeldmaArguments& arguments) {
    const bool own = arguments.process.raw() == 0 || arguments.process == process_;
    if (!own && right_ == CallRight::Plain) return Error::Permission;
    const ProcessId holder = own ? process_ : arguments.process;
    DmaHold* hold = context_.processes.dma_holds().take(context_.locks(), holder, FrameNumber::of(arguments.physical));
    if (hold == nullptr) return Error::NoEntry;
    // --- commit point ---
    for (uint64_t i = 0; i < hold->frames.count; ++i) {
        const FrameNumber frame = hold->frames.first + i;
        if (context_.frame_table()[frame].release() == Released::Last) context_.frames().free(frame);
    }
    context_.slabs().destroy(hold);
    return {};
}

Result<vm_calls::GetdmaResults> CallHandlers::getdma(const vm_calls::GetdmaArguments&) {
    vm_calls::GetdmaResults results{};
    const SwapDesk& swaps = context_.processes.swap_desk();
    const uint64_t swaps_ended = swaps.ended();
    const bool found = context_.processes.dma_holds().find(context_.locks(), [&](const DmaHold& hold) {
        results = {hold.process, hold.frames.first.address(), PageCount{hold.frames.count}.bytes()};
        return context_.find(hold.process) == nullptr;
    });
    if (!found) return Error::NoEntry;
    if (swaps.may_have_hidden(swaps_ended)) return Error::NoProcess;  // as anybody who did not find a process: the call comes again
    return results;
}

}  // namespace shoal::vm
