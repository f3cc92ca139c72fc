#include "servers/vm/audit/ledger.hpp"

namespace shoal::vm {

namespace {

template <typename Visit>
void for_each_frame(FrameTable frames, Visit visit) {
    for (uint64_t i = 0; i < frames.span().count; ++i) visit(frames.span().first + i, frames[frames.span().first + i]);
}

}  // namespace

Ledger::Ledger(WorkerContext& context, AuditReport& into) : report(into), frames_(context.frame_table()) {
    for_each_frame(frames_, [](FrameNumber, FrameInfo& info) { info.set_audit_mark(kUnknown); });
}

void Ledger::enter_frame(FrameNumber frame, FrameKind kind, const char* owner) {
    if (!frames_.covers(frame)) return report.fault("a frame is held that is not ours", frame.raw(), 0);
    FrameInfo& info = frames_[frame];
    if (info.kind() != kind) report.fault(owner, frame.raw(), static_cast<uint64_t>(info.kind()));
    if (info.audit_mark() != kUnknown) report.fault("a frame has two owners", frame.raw(), static_cast<uint64_t>(info.kind()));
    info.set_audit_mark(kEntered);
}

void Ledger::enter_reference(FrameNumber frame) {
    if (!frames_.covers(frame) || frames_[frame].audit_mark() != kCounted) {
        const FrameKind kind = frames_.covers(frame) && is_object_page(frames_[frame].kind()) ? frames_[frame].kind() : FrameKind::Anonymous;
        enter_frame(frame, kind, "a shared frame is not a page");
        if (!frames_.covers(frame)) return;
        frames_[frame].set_audit_mark(kCounted);
        frames_[frame].set_audit_count(0);
    }
    frames_[frame].set_audit_count(frames_[frame].audit_count() + 1);
}

void Ledger::close_frames(WorkerContext& context) {
    uint64_t ours = 0, in_use = 0;
    for_each_frame(frames_, [&](FrameNumber frame, const FrameInfo& info) {
        const FrameKind kind = info.kind();
        if (kind == FrameKind::Absent) return;
        ++ours;
        if (kind != FrameKind::Free && kind != FrameKind::Permanent) ++in_use;
        if (info.audit_mark() == kCounted && info.audit_count() != info.references())
            report.fault("a frame has other references than holders", info.audit_count(), info.references());
        if (info.audit_mark() == kUnknown)
            report.fault(kind == FrameKind::Kept ? "a boot module was not given back" : "a frame has no owner", frame.raw(),
                         static_cast<uint64_t>(kind));
    });
    report.frames_checked = ours;
    int64_t handed_out = 0;
    for (uint32_t cpu = 0; cpu < context.processes.cpus(); ++cpu)
        handed_out += context.worker.arena->workers[cpu].frames.in_use();
    if (ours != context.processes.memory().raw())
        report.fault("not all of memory is there", ours, context.processes.memory().raw());
    if (in_use != static_cast<uint64_t>(handed_out))
        report.fault("frames in use are not those handed out", in_use, static_cast<uint64_t>(handed_out));
}

void Ledger::close_objects(WorkerContext& context) {
    struct Check {
        SlabType type;
        const char* what;
    };
    constexpr Check kChecks[] = {{SlabType::Space, "spaces alive that no slot has, or the other way round"},
                                 {SlabType::Segment, "segments alive that no space has"},
                                 {SlabType::SegmentDirectory, "directories of segments alive that no space has"},
                                 {SlabType::Region, "regions alive that no segment has"},
                                 {SlabType::Leaf, "leaves alive that no space has"},
                                 {SlabType::LeafNode, "nodes of leaf maps alive that no space has"},
                                 {SlabType::RunTree, "trees of runs alive that no leaf has"},
                                 {SlabType::Run, "runs alive that no tree has"},
                                 {SlabType::Request, "requests alive that wait nowhere"},
                                 {SlabType::FlushBatch, "batches alive that are not under way"},
                                 {SlabType::QuotaLease, "leases alive that no quota has"},
                                 {SlabType::QuotaDirectory, "directories of leases alive that no quota has"},
                                 {SlabType::DmaHold, "holds for devices alive that are in no list"},
                                 {SlabType::MemoryObject, "objects alive that nobody has attached"},
                                 {SlabType::Attachment, "attachments alive that no space has"},
                                 {SlabType::CachedPage, "cached pages alive that no device has"},
                                 {SlabType::PageBlock, "blocks of pages alive that no object has"},
                                 {SlabType::FileRequest, "requests to the file server alive that nobody has made"},
                                 {SlabType::Watch, "watches alive that no space has"}};
    for (const Check& check : kChecks) {
        int64_t alive = 0;
        for (uint32_t cpu = 0; cpu < context.processes.cpus(); ++cpu)
            alive += context.worker.arena->workers[cpu].slabs.live(check.type);
        const uint64_t entered = objects_[static_cast<size_t>(check.type)];
        if (static_cast<uint64_t>(alive) != entered) report.fault(check.what, static_cast<uint64_t>(alive), entered);
    }
}

void Ledger::close(WorkerContext& context) {
    if (attachments_ != expected_attachments_)
        report.fault("objects have other attachments than spaces do", expected_attachments_, attachments_);
    if (watches_ != expected_watches_) report.fault("processes are watched by others than watch them", expected_watches_, watches_);
    close_frames(context);
    close_objects(context);
}

}  // namespace shoal::vm
