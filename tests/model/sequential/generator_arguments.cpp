// What the operations of each kind are asked with.
#include "abi/memory.hpp"
#include "abi/message.hpp"
#include "tests/model/sequential/generator.hpp"

namespace shoal::model {

namespace {

constexpr uint64_t kMostTouched = 64 * kPageSize, kMostJointPages = 600;  // so that memory does not end

}  // namespace

void Generator::choose_map(Operation& op) {
    op.flags = kMapPrivate | kMapAnonymous;
    op.address = place();
    op.bytes = size();
    op.protection = protection();
    switch (below(6)) {
        case 0:
            op.address = 0;
            if (one_in(2)) op.bytes = (1 + below(2)) * kPageSize;
            break;
        case 1: break;  // a hint
        case 2: op.flags |= kMapFixedNoReplace; break;
        default: op.flags |= kMapFixed; break;
    }
    if ((op.flags & kMapFixed) != 0 && one_in(6)) op.bytes = kSpan;  // leaves that lie inside a region
    if (one_in(60)) op.address += below(kPageSize);
    if (one_in(16)) op.flags |= kMapPopulate;
    if (one_in(20)) op.flags |= kMapGrowsDown;
    if (one_in(5)) op.flags ^= kMapPrivate | kMapShared;
    if ((op.flags & kMapFixed) != 0 || !one_in(8)) return;
    op.flags |= kMapContiguous | (one_in(20) ? 0 : uint64_t{kMapPopulate});
    if (one_in(4)) op.flags |= kMapAligned64K;
    if (one_in(8)) op.flags |= one_in(2) ? uint64_t{kMapBelow16M} : uint64_t{kMapBelow1M};
}

// Few pages, so that maps overlap. A page that is not cached takes its time to read.
void Generator::choose_file(Operation& op) {
    constexpr uint64_t kPages = 64, kMostForgotten = 16;
    if (op.kind != Kind::FileForget) {
        choose_map(op);
        op.flags &= kMapShared | kMapPrivate | kMapFixed | kMapFixedNoReplace;
        if (op.bytes > kLeafSize && op.bytes <= kSpan) op.bytes = (1 + below(2 * kPages)) * kPageSize;
        if ((op.flags & kMapShared) != 0 && !one_in(8)) op.protection &= ~uint64_t{kProtectWrite};
    }
    op.value = below(kPages);
    if (op.kind == Kind::FileForget) op.bytes = (1 + below(kMostForgotten)) * kPageSize;
}

void Generator::choose_remap(Operation& op, const ReferenceSpace& space) {
    if (one_in(2)) op.address = space.page_near(op.address, [](uint64_t, const Page& page) { return page.mapping != 0; });
    op.flags = one_in(4) ? 1 : 0;
    op.value = one_in(3) ? 0 : place();
    if (one_in(30)) op.value = one_in(2) ? below(2 * kLowestMap) : kUserTop - below(3) * kPageSize;
    if (one_in(2)) op.bytes = (1 + below(4)) * kPageSize;
}

// Few blocks, so that they meet.
void Generator::choose_blocks(Operation& op) {
    constexpr uint64_t kBlocks = 48;
    op.value = below(kBlocks);
    op.bytes = one_in(40) ? op.bytes % (2 * kMostCachePages * kPageSize) : (1 + below(6)) * kPageSize;
    if (op.kind == Kind::CacheForget && one_in(6)) op.bytes = 0;
    if (op.kind != Kind::CacheForget && one_in(3)) op.flags = CacheFlagsOf::kInFile | below(kBlocks);
    if (op.kind == Kind::CacheSet && one_in(8)) op.flags |= CacheFlagsOf::kOnce;
}

void Generator::choose_end(Operation& op, const ReferenceSpace& space) {
    switch (below(8)) {
        case 0: op.address = 0; break;
        case 1: op.address = space.heap_start() - below(2); break;
        case 2: op.address = one_in(10) ? random_() : space.heap_start() + below(kSpan); break;
        default: op.address = space.heap_end() + below(24 * kPageSize) - 11 * kPageSize; break;
    }
}

void Generator::choose_touched(Operation& op) {
    op.flags = one_in(2) ? uint64_t{kFaultWrite} : 0;
    if (op.bytes < kUserTop) op.bytes %= kMostTouched;
}

// All of the source is made present. Mostly as much as both sides have in one piece there.
void Generator::choose_joint_map(Operation& op, const Reference& reference) {
    const ReferenceSpace &source = reference.spaces()[op.space], &destination = reference.spaces()[op.other];
    const auto anonymous = [](uint64_t, const Page& page) { return page.type == RegionType::Anonymous && !page.guard; };
    const auto free = [&](uint64_t address, const Page& page) { return anonymous(address, page) && page.joint == Joint::No; };
    op.address = source.page_near(op.address, anonymous);
    op.value = destination.page_near(place(), free);
    op.flags = JointFlags{below(3), below(kGrants), one_in(4) ? below(active_) : JointFlags::kNobody}.word();
    op.bytes = (1 + below(one_in(20) ? kMostJointPages : 24)) * kPageSize;
    if (one_in(8)) return;
    const auto mappable = [&](const ReferenceSpace& space, uint64_t at) { return check_mappable(space, at, op.bytes) == Error::None; };
    while (op.bytes > kPageSize && !(mappable(source, op.address) && mappable(destination, op.value)))
        op.bytes = round_up_to_pages(op.bytes / 2);
}

void Generator::choose_device(Operation& op) {
    op.value = below(64) * kPageSize + (one_in(4) ? below(kPageSize) : 0);
    op.bytes = one_in(20) ? below(2 * kDeviceBytes) : (1 + below(8)) * kPageSize - (one_in(4) ? below(kPageSize) : 0);
    if (one_in(20)) op.value += kDeviceBytes - 68 * kPageSize;
}

void Generator::choose_image(Operation& op) {
    choose_file(op);
    op.flags = one_in(2) ? 0 : below(one_in(8) ? 2 * kPageSize : kPageSize);
}

// Of memory of the kind that the call is about, mostly where it begins.
void Generator::choose_special(Operation& op, const ReferenceSpace& space) {
    if (one_in(8)) return;
    const bool device = op.kind == Kind::UnmapDevice || (op.kind == Kind::Physical && one_in(2));
    const bool shared = op.kind == Kind::UnmapShared || op.kind == Kind::References;
    const RegionType type = device ? RegionType::Direct : shared ? RegionType::Shared : RegionType::Contiguous;
    const bool first = !one_in(4);
    const auto wanted = [&](uint64_t address, const Page& page) {
        const Page* before = first ? space.find(address - kPageSize) : nullptr;
        return page.type == type && (before == nullptr || before->type != type || before->mapping != page.mapping);
    };
    if (const uint64_t page = space.page_near(place(), wanted); page != 0) op.address = page + (one_in(8) ? below(kPageSize) : 0);
    op.bytes = (1 + below(6)) * kPageSize;
}

void Generator::choose_joint_unmap(Operation& op, const Reference& reference) {
    const auto mappings = reference.mappings_in(op.space);
    if (!mappings.empty() && !one_in(8)) op.address = mappings[below(mappings.size())].start;
}

}  // namespace shoal::model
