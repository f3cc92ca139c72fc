#include "servers/vm/audit/parts.hpp"

namespace shoal::vm {

namespace {

void audit_segment(Segment& segment, Ledger& ledger) {
    uint64_t bytes = 0;
    VirtualAddress before = segment.range().start;
    if (!segment.regions().sound()) ledger.report.fault("a tree of regions is not sound", before.raw(), 0);
    segment.regions().for_each([&](const Region& region) {
        const VirtualRange range = region.range();
        if (region.attributes().work != RegionWork::Vacant) bytes += range.size();
        else if (&region != segment.recent()) ledger.report.fault("a region is vacant and forgotten", range.start.raw(), range.end.raw());
        if (range.start < before || range.empty() || range.end > segment.range().end)
            ledger.report.fault("regions overlap or leave their segment", range.start.raw(), range.end.raw());
        before = range.end;
    });
    if (bytes >> kPageShift != segment.mapped_pages())
        ledger.report.fault("a segment's count is wrong", segment.range().start.raw(), segment.mapped_pages());
    if (segment.paid_pages > Space::pages_for(segment.regions().size()))
        ledger.report.fault("a segment pays for more regions than it has", segment.range().start.raw(), segment.paid_pages);
    ledger.enter_objects(SlabType::Region, segment.regions().size());
    enter_requests(segment.waiting, ledger);
}

}  // namespace

void enter_leaf(const Leaf& leaf, Ledger& ledger) {
    ledger.enter_objects(SlabType::Leaf);
    ledger.enter_frame(leaf.table_frame(), FrameKind::PageTable, "a leaf's table is no table");
}

namespace {

// Returns what the quota pays for them.
uint64_t audit_own_regions(Space& space, const Leaf& leaf, Ledger& ledger) {
    Segment* own = leaf.own_regions();
    if (own == nullptr) return 0;
    ledger.enter_objects(SlabType::Segment);
    audit_segment(*own, ledger);
    if (!space.find_segment(leaf.range().start)->covered(leaf.range()))
        ledger.report.fault("a detached leaf's addresses are not kept", leaf.range().start.raw(), 0);
    return own->paid_pages;
}

uint64_t charged_pages(const Leaf& leaf) {
    uint64_t pages = 0;
    leaf.trees.for_each([&](const Run& run) { pages += is_charged(run.state().ownership) ? run.span().size() : 0; });
    return pages;
}

}  // namespace

namespace {

// Returns what the quota pays for them. An object is entered with the first of its attachments.
uint64_t audit_attachments(WorkerContext& context, Space& space, Ledger& ledger) {
    uint64_t pages = 0;
    space.attachments.for_each(context.locks(), [&](const Attachment& attachment) {
        MemoryObject& object = attachment.object();
        ledger.enter_attachment();
        if (!object.named() && object.audited++ == 0) enter_request(*object.end_request(), ledger);
        if (object.audited == object.attachments()) object.audited = 0;
        pages += object.pages().raw();
    });
    return pages;
}

// Likewise.
uint64_t audit_mappings(WorkerContext& context, Space& space, Ledger& ledger) {
    return context.processes.joint_mappings().for_each_of(context.locks(), space.process(), [&](const JointMapping& mapping, const Request* waiting) {
        ledger.enter_objects(SlabType::JointMapping);
        enter_requests(waiting, ledger);
        if (mapping.range().empty() || mapping.source() == space.process())
            ledger.report.fault("a joint mapping is of nothing, or of itself", mapping.range().start.raw(), mapping.source().raw());
    });
}

}  // namespace

void audit_space(WorkerContext& context, Space& space, Ledger& ledger) {
    ledger.enter_objects(SlabType::Space);
    ledger.enter_objects(SlabType::SegmentDirectory, space.count_directories());
    ledger.enter_objects(SlabType::LeafNode, space.leaves.count_nodes());
    if (space.exit_request != nullptr) enter_request(*space.exit_request, ledger);
    audit_watches(context, space, ledger);
    uint64_t charged = audit_attachments(context, space, ledger) + audit_mappings(context, space, ledger);
    space.for_each_segment(Space::everything(), [&](Segment& segment) {
        charged += segment.paid_pages;
        if (&segment != &space.common()) ledger.enter_objects(SlabType::Segment);
        audit_segment(segment, ledger);
    });
    space.leaves.for_each_in(Space::everything(), [&](Leaf& leaf) {
        enter_leaf(leaf, ledger);
        enter_requests(leaf.waiting, ledger);
        audit_leaf(context, space, leaf, ledger);
        charged += audit_own_regions(space, leaf, ledger);
        charged += charged_pages(leaf) + (leaf.charged ? uint64_t{1} : uint64_t{0});
    });
    if (charged != space.quota.charged().raw())
        ledger.report.fault("a quota's charge is not what is resident", charged, space.quota.charged().raw());
    const Quota::Objects objects = space.quota.count_objects();
    ledger.enter_objects(SlabType::QuotaLease, objects.leases);
    ledger.enter_objects(SlabType::QuotaDirectory, objects.directories);
}

}  // namespace shoal::vm
