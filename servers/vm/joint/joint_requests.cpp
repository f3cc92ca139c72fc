#include "servers/vm/joint/joint_requests.hpp"

#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/fault/fault.hpp"
#include "servers/vm/joint/mappable.hpp"
#include "servers/vm/joint/unmap_memory.hpp"
#include "servers/vm/platform/platform.hpp"

namespace shoal::vm {

namespace {

// Words of a kMapRequest (abi/message.hpp).
struct MapWords {
    VirtualAddress from, to;
    MapMode mode;
    uint64_t bytes;
    ProcessId source;

    explicit MapWords(const Message& m)
        : from(m.words[1]),
          to(VirtualAddress{m.words[2]}.page_down()),
          mode(static_cast<MapMode>(m.words[2] % kPageSize)),
          bytes(m.words[6]),
          source(static_cast<uint32_t>(m.words[4])) {}
};

// Under the quota of the process that has it.
Result<JointMapping*> make_mapping(WorkerContext& context, Space& space, VirtualRange range, ProcessId source, VirtualRange from, const GrantPath& path) {
    TRY(context.slabs().ensure<JointMapping>(1));
    TRY(space.quota.charge(context.locks(), context.slabs(), PageCount{1}));
    auto* mapping = context.slabs().create_reserved<JointMapping>(space.process(), range, source);
    const Result<void> added = context.processes.joint_mappings().add(context, *mapping, path, from);
    if (added.ok()) return mapping;
    context.slabs().destroy(mapping);
    space.quota.refund(context.locks(), PageCount{1});
    return added.error();
}

bool are_equal(const GrantPath& one, const GrantPath& other) {
    bool equal = one.length == other.length;
    for (unsigned i = 0; equal && i < one.length; ++i) equal = one.grants[i].raw() == other.grants[i].raw();
    return equal;
}

// The mapping has been entered: who takes a grant back from now on finds it. Error: Again (another path), or what is wrong with the grants by now.
Result<void> confirm(const FaultMessage& about, const GrantPath& path) {
    const GrantPath now = TRY(platform::grant_path(about.thread, about.sequence));
    return are_equal(now, path) ? Result<void>{} : Error::Again;
}

Result<void> begin_map(WorkerContext& context, const Receipt& receipt, ProcessId process) {
    const MapWords words(receipt.message);
    const FaultMessage about(receipt.message);
    Space* source = context.find(words.source);
    Space* destination = context.find(process);
    if (source == nullptr || destination == nullptr) return Error::NoProcess;
    if (source == destination) return Error::Invalid;
    const VirtualRange range = TRY(decode_range(words.to, words.bytes));
    const VirtualRange from = TRY(decode_range(words.from, words.bytes));
    TRY(check_mappable(context, *source, from));
    TRY(check_mappable(context, *destination, range));
    const GrantPath path = TRY(platform::grant_path(about.thread, about.sequence));
    TRY(context.slabs().ensure<Request>(1));
    for (Space* space : {source, destination}) space->note_joint();
    JointMapping* mapping = TRY(make_mapping(context, *destination, range, words.source, from, path));
    if (const Result<void> confirmed = confirm(about, path); !confirmed.ok()) {
        context.processes.joint_mappings().end(context, *destination, *mapping);
        return confirmed;
    }
    // --- commit point ---
    auto* request = context.slabs().create_reserved<Request>(RequestKind::MapMemory, receipt, context.cpu());
    request->source = words.source;
    request->process = process;
    request->range = {RangeKind::Populate, {}, range, range.start, {}};
    request->joint.mapping = mapping;
    request->joint.source = words.from;
    request->joint.mode = words.mode;
    context.desk.push_ready(*request);
    return {};
}

Result<void> begin_unmap(WorkerContext& context, const Receipt& receipt, ProcessId process) {
    if (context.find(process) == nullptr) return Error::NoProcess;
    Request* request = TRY(context.slabs().create<Request>(RequestKind::UnmapMemory, receipt, context.cpu()));
    UnmapMemory::begin(*request, process, VirtualAddress{receipt.message.words[1]});
    context.desk.push_ready(*request);
    return {};
}

Result<void> begin_revoke(WorkerContext& context, const Receipt& receipt, ProcessId process) {
    Request* request = TRY(context.slabs().create<Request>(RequestKind::UnmapMemory, receipt, context.cpu()));
    const GrantName grant{process, static_cast<uint32_t>(receipt.message.words[1])};
    UnmapMemory::begin(*request, grant, context.processes.joint_mappings().last_number(context, process));
    context.desk.push_ready(*request);
    return {};
}

}  // namespace

Action serve_joint_request(WorkerContext& context, const Receipt& receipt) {
    const ProcessId process{static_cast<uint32_t>(receipt.message.words[7])};
    const uint32_t type = receipt.message.type();
    SwapDesk& swaps = context.processes.swap_desk();
    const uint64_t swaps_ended = swaps.ended();
    const Result<void> begun = type == kMapRequest     ? begin_map(context, receipt, process)
                               : type == kUnmapRequest ? begin_unmap(context, receipt, process)
                                                       : begin_revoke(context, receipt, process);
    if (begun.ok()) return Action::none();
    const bool unknown = begun.error() == Error::NoProcess;
    return refuse(context, receipt, unknown ? swaps.explain_absence(context, receipt, swaps_ended) : begun.error());
}

}  // namespace shoal::vm
