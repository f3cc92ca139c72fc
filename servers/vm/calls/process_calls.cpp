// create, willexit, exit, rs_set_priv, share and fork: what is asked about a process by those who manage it.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/detach.hpp"
#include "servers/vm/calls/exit_operation.hpp"
#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/space_birth.hpp"
#include "servers/vm/platform/platform.hpp"
#include "servers/vm/requests/parking.hpp"
#include "servers/vm/update/engagement.hpp"

namespace shoal::vm {

Result<void> CallHandlers::create(const vm_calls::CreateArguments& arguments) {
    const CpuId home = TRY(platform::home_of(arguments.process));
    const PageCount quota = arguments.quota == 0 ? context_.processes.memory() : PageCount{arguments.quota};
    // RS makes servers itself, programs through PM.
    const Standing standing = process_.slot() == kRsSlot ? Standing::Server : Standing::Program;
    TRY(create_space(context_, arguments.process, home, quota, standing));
    return {};
}

Result<void> CallHandlers::willexit(const vm_calls::WillexitArguments& arguments) {
    Space* space = context_.find(arguments.process);
    if (space == nullptr) return Error::NoProcess;
    space->announce_exit();
    return {};
}

Result<void> CallHandlers::exit(const vm_calls::ExitArguments& arguments) {
    ProcessSlot* slot = context_.processes.slot(arguments.process);
    const Space* space = slot == nullptr ? nullptr : slot->find(arguments.process, context_.finder);
    if (space == nullptr) return Error::NoProcess;
    if (!space->will_exit()) return Error::Invalid;
    Request* request = ExitOperation::claim(context_, arguments.process, receipt_);
    if (request == nullptr) return Error::Busy;
    request->owner = slot->home();
    if (request->owner == context_.cpu()) {
        const Error error = ExitOperation::start(context_, *request);
        if (error != Error::DoNotReply) ExitOperation::give_up(context_, *request);
        return error;
    }
    send_to_owner(context_, *request);
    return Error::DoNotReply;
}

Result<void> CallHandlers::rs_set_priv(const vm_calls::RsSetPrivArguments& arguments) {
    Space* space = context_.find(arguments.process);
    if (space == nullptr) return Error::NoProcess;
    space->allow_calls(arguments.mask);
    return {};
}

namespace {

// Whether every page of the range may be shared: mapped, no guard, no device's, no file's and nobody's who only lets it be read, with this access.
bool all_allow(const Segment& segment, VirtualRange range, Access access) {
    if (!segment.covered(range)) return false;
    for (Region* r = segment.first_in(range); r != nullptr && r->start() < range.end; r = segment.regions().next(*r)) {
        const bool guarded = r->attributes().traits == RegionTraits::GrowsDown && range.start <= r->start();
        const Attachment* attachment = r->attributes().attachment();
        const bool device = r->attributes().type == MemoryType::Direct ||
                            (attachment != nullptr && attachment->lending() != Ownership::Borrowed);
        if (guarded || device || !(r->attributes().access == access)) return false;
    }
    return true;
}

// What every page of the range allows; Error::BadAddress: not mapped throughout, unlike, or no access at all.
Result<Access> common_access(WorkerContext& context, Space& space, VirtualRange range) {
    Access access = Access::none();
    const bool alike = for_all_parts(context, space, range, [&](const Segment& regions, VirtualRange part) {
        if (part.start == range.start) access = regions.view_locked(part.start).attributes.access;
        return !access.is_none() && all_allow(regions, part, access);
    });
    if (!alike) return Error::BadAddress;
    return access;
}

}  // namespace

Result<void> CallHandlers::share(const vm_calls::ShareArguments& arguments) {
    Space* source = context_.find_lasting(arguments.source);
    Space* destination = context_.find_lasting(arguments.destination);
    if (source == nullptr || destination == nullptr) return Error::NoProcess;
    const VirtualRange range = TRY(decode_range(arguments.address, arguments.bytes));
    if (source == destination) return Error::Invalid;
    const Access access = TRY(common_access(context_, *source, range));
    Request* request = TRY(context_.slabs().create<Request>(RequestKind::Share, receipt_, context_.cpu()));
    request->source = arguments.source;
    request->process = arguments.destination;
    request->range = {RangeKind::Populate, access, range, range.start, {}};
    engage(context_, *request);
    context_.desk.push_ready(*request);
    return Error::DoNotReply;
}

Result<void> CallHandlers::fork(const vm_calls::ForkArguments& arguments) {
    Space* source = context_.find_lasting(arguments.source);
    Space* copy = context_.find_lasting(arguments.copy);
    if (source == nullptr || copy == nullptr) return Error::NoProcess;
    if (source == copy) return Error::Invalid;
    Request* request = TRY(context_.slabs().create<Request>(RequestKind::Fork, receipt_, context_.cpu()));
    request->source = arguments.source;
    request->process = arguments.copy;
    context_.desk.push_ready(*request);
    return Error::DoNotReply;
}

}  // namespace shoal::vm
