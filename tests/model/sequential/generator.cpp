#include "tests/model/sequential/generator.hpp"

#include <utility>

#include "abi/memory.hpp"
#include "abi/message.hpp"

namespace shoal::model {

namespace {

// Where structures end: the heap, a leaf, a gigabyte, the border between the common half and the slices, the top of user space.
constexpr uint64_t kPlaces[] = {kHeapStart + 2 * kLeafSize, 0x2000'0000, 0x4000'0000 - 2 * kLeafSize, uint64_t{1} << 36,
                                (uint64_t{1} << 46) - 2 * kLeafSize, kUserTop - 4 * kLeafSize + kPageSize};
constexpr uint64_t kSpan = 4 * kLeafSize;
constexpr uint64_t kMostTouched = 64 * kPageSize;  // so that memory does not end
// Where small maps that may lie anywhere lie: the beginning of the first worker's slice, one of few pages, so that they are met again.
constexpr uint64_t kSlice = uint64_t{1} << 46, kSlicePages = 4;

constexpr uint64_t kGrants = 3, kMostJointPages = 600;
constexpr uint64_t kStretch = 2'000;  // operations for which the number of processes stays

struct Weight {
    Kind kind;
    unsigned weight;
};
constexpr Weight kWeights[] = {
    {Kind::Map, 280},       {Kind::Unmap, 200},     {Kind::Protect, 160},    {Kind::DontNeed, 120},  {Kind::Read, 600},        {Kind::Write, 615},
    {Kind::Execute, 60},    {Kind::Share, 60},      {Kind::Brk, 60},         {Kind::Renew, 1},       {Kind::Clear, 1},         {Kind::Fork, 5},
    {Kind::Touch, 60},      {Kind::Remap, 60},      {Kind::MapFile, 60},     {Kind::FileForget, 20}, {Kind::CacheSet, 40},     {Kind::CacheMap, 60},
    {Kind::CacheForget, 8}, {Kind::JointMap, 80},   {Kind::JointUnmap, 40},  {Kind::JointRevoke, 10}, {Kind::Update, 16},      {Kind::WillExit, 2},
    {Kind::Rights, 3},      {Kind::Watch, 10},      {Kind::Signal, 10},      {Kind::News, 20},       {Kind::MapDevice, 20},    {Kind::UnmapDevice, 12},
    {Kind::MapImage, 20},   {Kind::UnmapShared, 12}, {Kind::Physical, 12},   {Kind::References, 4},  {Kind::Hold, 14},         {Kind::EndHold, 10},
    {Kind::Regions, 4},
};

constexpr unsigned sum_of_weights() {
    unsigned total = 0;
    for (const Weight& w : kWeights) total += w.weight;
    return total;
}

}  // namespace

Generator::Generator(uint64_t seed, unsigned workers, unsigned spaces) : random_(seed), workers_(workers), spaces_(spaces) {}

Kind Generator::kind() {
    uint64_t pick = below(sum_of_weights());
    for (const Weight& w : kWeights) {
        if (pick < w.weight) return w.kind;
        pick -= w.weight;
    }
    return Kind::Read;
}

// More often few than many, so that they have to do with each other.
unsigned Generator::active_spaces() {
    constexpr unsigned kUsual[] = {2, 2, 2, 2, 3, 3, 4, 8};
    const unsigned wanted = kUsual[below(std::size(kUsual))];
    return wanted < spaces_ ? wanted : spaces_;
}

Operation Generator::next(const Reference& reference) {
    if (planned_) return *std::exchange(planned_, {});
    if (operations_++ % kStretch == 0) active_ = active_spaces();
    Operation op;
    op.kind = kind();
    op.worker = static_cast<uint8_t>(below(workers_));
    op.space = static_cast<uint8_t>(below(active_));
    op.other = static_cast<uint8_t>(below(active_));
    op.word = static_cast<uint8_t>(below(kWordsUsed));
    op.value = random_();
    const ReferenceSpace& space = reference.spaces()[op.space];
    if (space.leaving && one_in(20)) op.kind = Kind::Renew;
    if (space.rights != ReferenceSpace::kAllRights && one_in(50)) op.kind = Kind::Rights;
    choose(op, reference);
    return op;
}

void Generator::choose(Operation& op, const Reference& reference) {
    const ReferenceSpace& space = reference.spaces()[op.space];
    if (op.kind == Kind::Map) return choose_map(op);
    if (op.kind == Kind::MapFile) return choose_file(op);
    if (op.kind == Kind::Brk) return choose_end(op, space);
    aim(op, space);
    switch (op.kind) {
        case Kind::Touch: return choose_touched(op);
        case Kind::Remap: return choose_remap(op, space);
        case Kind::FileForget: return choose_file(op);
        case Kind::CacheSet:
        case Kind::CacheMap:
        case Kind::CacheForget: return choose_blocks(op);
        case Kind::JointMap: return choose_joint_map(op, reference);
        case Kind::JointUnmap: return choose_joint_unmap(op, reference);
        case Kind::JointRevoke: op.value %= kGrants; return;
        case Kind::Update: return choose_update(op);
        case Kind::Rights: return choose_rights(op, space);
        case Kind::Signal: op.flags = below(2); return;
        case Kind::MapDevice: return choose_device(op);
        case Kind::MapImage: return choose_image(op);
        case Kind::UnmapDevice:
        case Kind::UnmapShared:
        case Kind::Physical:
        case Kind::References:
        case Kind::Hold: return choose_special(op, space);
        default: return;
    }
}

uint64_t Generator::place() {
    if (one_in(6)) return kSlice + below(kSlicePages) * kPageSize;
    if (one_in(100)) return below(2 * kLowestMap / kPageSize) * kPageSize;
    return kPlaces[below(std::size(kPlaces))] + below(kSpan / kPageSize) * kPageSize;
}

uint64_t Generator::size() {
    switch (below(8)) {
        case 0: return kPageSize;
        case 1: return kLeafSize;
        case 2: return kLeafSize + below(kLeafSize / kPageSize) * kPageSize;
        case 3: return one_in(20) ? 0 : 1 + below(kPageSize * 3);
        case 4: return one_in(20) ? random_() | uint64_t{1} << 48 : kPageSize * 7;
        default: return (1 + below(24)) * kPageSize;
    }
}

uint64_t Generator::protection() {
    constexpr uint64_t kUsual[] = {kProtectRead | kProtectWrite, kProtectRead | kProtectWrite,
                                   kProtectRead | kProtectWrite, kProtectRead, kProtectNone,
                                   kProtectRead | kProtectExecute};
    return one_in(50) ? below(16) : kUsual[below(std::size(kUsual))];
}

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
        case 1: op.address = kHeapStart - below(2); break;
        case 2: op.address = one_in(10) ? random_() : kHeapStart + below(kSpan); break;
        default: op.address = space.heap_end() + below(24 * kPageSize) - 11 * kPageSize; break;
    }
}

void Generator::aim(Operation& op, const ReferenceSpace& space) {
    op.address = place();
    op.bytes = size();
    op.protection = protection();
    if (!one_in(4))
        if (const uint64_t page = space.page_near(op.address); page != 0) op.address = page;
    if (!is_access(op.kind) && one_in(60)) op.address += below(kPageSize);
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

// Half of the new ones have begun just before.
void Generator::choose_update(Operation& op) {
    constexpr uint64_t kUsual[] = {0, 0, 0, kUpdateRollback, kUpdateNoMaps, kUpdateNoMaps};
    op.flags = one_in(40) ? below(8) : kUsual[below(std::size(kUsual))];
    if (op.flags != 0 || op.space == op.other || one_in(2)) return;
    planned_ = op;
    op.kind = Kind::Renew;
    op.space = op.other;
}

// All of them again, or all but a few.
void Generator::choose_rights(Operation& op, const ReferenceSpace& space) {
    constexpr VmCall kCalls[] = {VmCall::Fork,         VmCall::Mmap,            VmCall::Adddma,     VmCall::Deldma,  VmCall::Mapcachepage,
                                 VmCall::Setcachepage, VmCall::Forgetcachepage, VmCall::Clearcache, VmCall::Remap,   VmCall::ShmUnmap,
                                 VmCall::Getphys,      VmCall::Getref,          VmCall::QueryExit,  VmCall::RemapRo, VmCall::WatchExit,
                                 VmCall::Procctl,      VmCall::Share};
    op.value = ReferenceSpace::kAllRights;
    if (space.rights != ReferenceSpace::kAllRights && !one_in(4)) return;
    for (unsigned i = 0; i < 3; ++i) op.value &= ~(uint64_t{1} << static_cast<unsigned>(kCalls[below(std::size(kCalls))]));
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
