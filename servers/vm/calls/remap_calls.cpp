// remap, remap_ro, shm_unmap and getref: shared memory between processes, for who manages it.
#include "servers/vm/calls/attaching.hpp"
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/detach.hpp"
#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/placement.hpp"
#include "servers/vm/update/engagement.hpp"

namespace shoal::vm {

// What the range is a part of. Errors: BadAddress: not one mapping throughout, with one access; Invalid: it is no shared memory.
Result<CallHandlers::SharedRange> CallHandlers::shared_at(Space& space, VirtualRange range) {
    SharedRange found;
    RegionAttributes& first = found.attributes;
    bool mapped = false;
    const auto shared_memory = [&] { return first.type == MemoryType::Shared; };
    const bool alike = for_all_parts(context_, space, range, [&](const Segment& regions, VirtualRange part) {
        if (part.start == range.start) {
            const RegionView view = regions.view_locked(part.start);
            mapped = view.outcome == Lookup::Found && view.attributes.mapped();
            first = view.attributes;
            if (const Attachment* attachment = first.attachment(); mapped && shared_memory()) {
                const ObjectPlace place = attachment->place_of(range.start);
                found.object = &place.object, found.first_page = place.page;
            }
        }
        if (!mapped || !shared_memory() || !regions.covered(part)) return false;
        for (const Region* r = regions.first_in(part); r != nullptr && r->start() < part.end; r = regions.regions().next(*r)) {
            const RegionAttributes attributes = r->attributes();
            if (attributes.attachment() != first.attachment() || !(attributes.access == first.access)) return false;
        }
        return true;
    });
    if (mapped && !shared_memory()) return Error::Invalid;
    if (!mapped || !alike) return Error::BadAddress;
    return found;
}

// As settle(), in another process' space: its CPUs are flushed before the answer, not with it.
Error CallHandlers::settle_elsewhere(Space& space, VirtualRange range) {
    if (!flushing(space, range)) return Error::None;
    Request* request = context_.slabs().create_reserved<Request>(RequestKind::Range, receipt_, context_.cpu());
    request->process = space.process();
    request->range = {RangeKind::Settle, {}, range, range.start, {}};
    request->results[0] = range.start.raw();
    ++context_.desk.range_operations;
    context_.desk.push_ready(*request);
    return Error::DoNotReply;
}

Result<VirtualAddress> CallHandlers::place_shared(Space& space, VirtualAddress wish, uint64_t bytes, RegionAttributes attributes) {
    if (wish.raw() == 0) {
        const VirtualAddress address = TRY(place_anywhere(context_, space, bytes, attributes));
        settle_attachment(context_, space, *attributes.attachment());
        return address;
    }
    const VirtualRange range = VirtualRange::of(wish, bytes);
    TRY(insert_exactly(space, range, attributes));
    TRY(Result<void>{settle_elsewhere(space, range)});
    return wish;
}

Result<VirtualAddress> CallHandlers::remap_as(const vm_calls::RemapArguments& arguments, Ownership lending) {
    Space* source = context_.find_lasting(arguments.source);
    Space* destination = context_.find_lasting(arguments.destination);
    if (source == nullptr || destination == nullptr) return Error::NoProcess;
    const VirtualRange range = TRY(decode_range(arguments.source_address, arguments.bytes));
    const VirtualAddress wish = arguments.destination_address;
    if (wish.raw() != 0 && !AddressLayout::can_map(wish, range.size())) return Error::Invalid;
    const SharedRange shared = TRY(shared_at(*source, range));
    if (shared.attributes.attachment()->lending() == Ownership::BorrowedReadOnly) lending = Ownership::BorrowedReadOnly;
    const Access access = lending == Ownership::BorrowedReadOnly ? shared.attributes.access.without_write() : shared.attributes.access;
    TRY(RangeOperation::reserve(context_));
    const PageCount pages{range.size() >> kPageShift};
    const Result<Attachment*> made = attach(context_, *destination, *shared.object, {shared.first_page, pages, lending, 0});
    if (made.error() == Error::NoEntry) return Error::BadAddress;  // the source has let go of it meanwhile
    if (!made.ok()) return made.error();
    Result<VirtualAddress> placed = place_shared(*destination, wish, range.size(), RegionAttributes::of(access, MemoryType::Shared, *made.value()));
    if (!placed.ok() && placed.error() != Error::DoNotReply) abandon(context_, *destination, *made.value());
    return placed;
}

Result<VirtualAddress> CallHandlers::remap(const vm_calls::RemapArguments& arguments) { return remap_as(arguments, Ownership::Borrowed); }

Result<VirtualAddress> CallHandlers::remap_ro(const vm_calls::RemapRoArguments& a) {
    return remap_as({a.destination, a.source, a.destination_address, a.source_address, a.bytes}, Ownership::BorrowedReadOnly);
}

Result<void> CallHandlers::shm_unmap(const vm_calls::ShmUnmapArguments& arguments) {
    Space& space = *TRY(named_space(arguments.process));
    const VirtualRange range = TRY(mapping_at(space, arguments.address, MemoryType::Shared));
    context_.worker.statistics.unmaps.add();
    if (&space == caller_) return change_range(RangeKind::Unmap, range.start, range.size(), Access::none());
    TRY(RangeOperation::reserve(context_));
    // --- commit point ---
    Request* request = context_.slabs().create_reserved<Request>(RequestKind::Range, receipt_, context_.cpu());
    request->process = space.process();
    engage(context_, *request);
    RangeOperation::unmap_later(context_, *request, range);
    return Error::DoNotReply;
}

Result<vm_calls::GetrefResults> CallHandlers::getref(const vm_calls::GetrefArguments& arguments) {
    Space& space = *TRY(named_space(arguments.process));
    const VirtualAddress page = arguments.address.page_down();
    if (!page.in_user_space()) return Error::BadAddress;
    MemoryObject& object = *TRY(shared_at(space, VirtualRange::of(page, kPageSize))).object;
    Guard guard(context_.locks(), object.lock);
    return vm_calls::GetrefResults{object.attachments(), object.identity()};
}

}  // namespace shoal::vm
