// mmap: decode, place, populate.
#include "servers/vm/calls/attaching.hpp"
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/contiguous_operation.hpp"
#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/placement.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/reserve.hpp"

namespace shoal::vm {

Result<MapPlan> MapPlan::decode(VirtualAddress address, uint64_t bytes, uint64_t protection, uint64_t flags) {
    if (((flags & kMapShared) != 0) == ((flags & kMapPrivate) != 0)) return Error::Invalid;
    if (bytes == 0) return Error::Invalid;
    if (bytes > kUserTop) return Error::NoMemory;
    MapPlan plan{VirtualRange::of(address, PageCount::covering(bytes).bytes()), flags, {TRY(Access::decode(protection))}};
    if ((flags & kMapGrowsDown) != 0) {
        if (plan.wanted.size() < 2 * kPageSize || (flags & kMapShared) != 0) return Error::Invalid;  // the guard and a page; nobody else's stack
        plan.attributes.traits = RegionTraits::GrowsDown;
    }
    if ((flags & kExact) != 0) {
        if (!address.page_aligned() || address < AddressLayout::kLowest) return Error::Invalid;
        if (!address.in_user_space() || plan.wanted.size() > kUserTop - address.raw()) return Error::NoMemory;
    }
    return plan;
}

namespace {

constexpr uint64_t kKnownFlags = kMapShared | kMapPrivate | kMapFixed | kMapAnonymous | kMapGrowsDown | kMapPopulate |
                                 kMapFixedNoReplace | ContiguousOperation::kFlags;

Result<MapPlan> decode(const vm_calls::MmapArguments& arguments) {
    const uint64_t flags = arguments.flags;
    if ((flags & ~kKnownFlags) != 0 || (flags & kMapAnonymous) == 0) return Error::Invalid;
    return MapPlan::decode(arguments.address, arguments.bytes, arguments.protection, flags);
}

}  // namespace

Result<VirtualAddress> CallHandlers::mmap(const vm_calls::MmapArguments& arguments) {
    Space& space = *TRY(caller());
    const MapPlan plan = TRY(decode(arguments));
    context_.worker.statistics.maps.add();
    if ((arguments.flags & ContiguousOperation::kFlags) != 0) {
        const FrameBlock wanted = TRY(ContiguousOperation::decode(plan.wanted.size(), arguments.flags, right_));
        return ContiguousOperation::start(context_, receipt_, space, wanted, plan.attributes.access, right_);
    }
    if ((arguments.flags & kMapShared) != 0) return map_shared(space, plan);
    return map_as_wished(space, plan);
}

// Of a new object.
Result<VirtualAddress> CallHandlers::map_shared(Space& space, const MapPlan& plan) {
    return map_attached(space, plan, MemoryType::Shared, *TRY(attach_new(context_, space, PageCount{plan.wanted.size() >> kPageShift})));
}

Result<VirtualAddress> CallHandlers::map_attached(Space& space, const MapPlan& plan, MemoryType type, Attachment& attachment) {
    MapPlan attached = plan;
    attached.attributes = RegionAttributes::of(plan.attributes.access, type, attachment);
    Result<VirtualAddress> mapped = map_as_wished(space, attached);
    if (!mapped.ok() && mapped.error() != Error::DoNotReply) settle_attachment(context_, space, attachment);
    return mapped;
}

Result<VirtualAddress> CallHandlers::map_as_wished(Space& space, const MapPlan& plan) {
    // Beyond what it takes, a map leaves enough for its own removal.
    TRY(RangeOperation::reserve(context_));
    const VirtualRange wanted = plan.wanted;
    if ((plan.flags & MapPlan::kExact) != 0) return map_fixed(space, wanted, plan.flags, plan.attributes);
    if (AddressLayout::can_map(wanted.start, wanted.size()) && insert_exactly(space, wanted, plan.attributes).ok())
        return finish_exact_map(space, wanted, plan.flags);
    const VirtualAddress address = TRY(place_anywhere(context_, space, wanted.size(), plan.attributes));
    if (Attachment* attachment = plan.attributes.attachment()) settle_attachment(context_, space, *attachment);
    return finish_map(space, VirtualRange::of(address, wanted.size()), plan.flags);
}

Result<void> CallHandlers::insert_exactly(Space& space, VirtualRange range, RegionAttributes attributes) {
    Attachment* attachment = attributes.attachment();
    if (attachment != nullptr) space.attachments.place(context_.locks(), *attachment, range.start);
    TRY(insert_over(context_, space, range, attributes));
    if (attachment != nullptr) settle_attachment(context_, space, *attachment);
    return {};
}

Result<VirtualAddress> CallHandlers::map_fixed(Space& space, VirtualRange range, uint64_t flags,
                                               RegionAttributes attributes) {
    Result<void> inserted = insert_exactly(space, range, attributes);
    if (inserted.ok()) return finish_exact_map(space, range, flags);
    if (inserted.error() != Error::Exists || (flags & kMapFixedNoReplace) != 0) return inserted.error();
    TRY(RangeOperation::reserve(context_));
    // --- commit point ---
    RangeProgress progress{RangeKind::Replace, attributes.access, range, range.start, {}, attributes.traits};
    progress.type = attributes.type;
    progress.backing = attributes.backing;
    const RangeOperation::Started started = RangeOperation::start(context_, space, receipt_, progress);
    if (started.kind == RangeOperation::Started::Kind::Refused) return Error::NoMemory;
    if (started.kind == RangeOperation::Started::Kind::FinishedLocally) tlb_ = PartnerTlb::Flush;
    if (started.request == nullptr) return finish_map(space, range, flags);
    started.request->results[0] = range.start.raw();  // filled in advance only where that costs no second wait
    return Error::DoNotReply;
}

bool CallHandlers::flushing(Space& space, VirtualRange range) {
    bool found = false;
    space.leaves.for_each_in(range, [&](Leaf& leaf) {
        Guard guard(context_.locks(), leaf.lock);
        found = found || leaf.flushing > 0;
    });
    return found;
}

// What was unmapped here just before may still be cached: then the answer waits until it has been flushed.
Error CallHandlers::settle(Space& space, VirtualRange range, uint64_t result) {
    return flushing(space, range) ? run_range({RangeKind::Settle, {}, range, range.start, {}}, result) : Error::None;
}

Result<VirtualAddress> CallHandlers::finish_exact_map(Space& space, VirtualRange range, uint64_t flags) {
    const Error error = settle(space, range, range.start.raw());
    if (error != Error::None) return error;
    return finish_map(space, range, flags);
}

// An answer that has to flush must be this one: before it nobody of the space may run on this CPU. So much as one step gives is filled.
Result<VirtualAddress> CallHandlers::finish_map(Space& space, VirtualRange range, uint64_t flags) {
    if ((flags & kMapPopulate) == 0) return range.start;
    if (!RangeOperation::reserve(context_).ok()) return range.start;
    constexpr uint64_t kStep = RangeOperation::kPagesPerPopulateStep * kPageSize;
    const bool one_step = tlb_ == PartnerTlb::Flush && range.size() > kStep;
    const VirtualRange filled = one_step ? VirtualRange::of(range.start, kStep) : range;
    const RangeProgress progress{RangeKind::Populate, {}, filled, filled.start, {}};
    const RangeOperation::Started started = RangeOperation::start(context_, space, receipt_, progress);
    if (started.request == nullptr) return range.start;
    started.request->results[0] = range.start.raw();
    return Error::DoNotReply;
}

}  // namespace shoal::vm
