#include "tests/model/sequential/generator.hpp"

#include <utility>

#include "abi/memory.hpp"

namespace shoal::model {

namespace {

// Where structures end: the heap, a leaf, a gigabyte, the border between the common half and the slices, the top of user space.
constexpr uint64_t kPlaces[] = {kHeapStart + 2 * kLeafSize, 0x2000'0000, 0x4000'0000 - 2 * kLeafSize, uint64_t{1} << 36,
                                (uint64_t{1} << 46) - 2 * kLeafSize, kUserTop - 4 * kLeafSize + kPageSize};
// Where small maps that may lie anywhere lie: the beginning of the first worker's slice, one of few pages, so that they are met again.
constexpr uint64_t kSlice = uint64_t{1} << 46, kSlicePages = 4;

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
    {Kind::LostHold, 4},    {Kind::Regions, 4},     {Kind::MemoryControl, 36}, {Kind::Prepare, 12},  {Kind::Load, 10},         {Kind::AwaitNews, 10},
    {Kind::Answer, 10},     {Kind::Reach, 60},
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
        case Kind::Touch:
        case Kind::Reach: return choose_touched(op);
        case Kind::Remap: return choose_remap(op, space);
        case Kind::FileForget: return choose_file(op);
        case Kind::CacheSet:
        case Kind::CacheMap:
        case Kind::CacheForget: return choose_blocks(op);
        case Kind::JointMap: return choose_joint_map(op, reference);
        case Kind::JointUnmap: return choose_joint_unmap(op, reference);
        case Kind::JointRevoke: op.value = below(kGrants); return;
        case Kind::Update: return choose_update(op);
        case Kind::Prepare: return choose_prepare(op, reference);
        case Kind::MemoryControl: return choose_memory_control(op, space);
        case Kind::Load: return choose_load(op, space);
        case Kind::AwaitNews: return choose_wait(op, reference);
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

void Generator::aim(Operation& op, const ReferenceSpace& space) {
    op.address = place();
    op.bytes = size();
    op.protection = protection();
    if (!one_in(4))
        if (const uint64_t page = space.page_near(op.address); page != 0) op.address = page;
    const bool changes = op.kind == Kind::Protect || op.kind == Kind::Unmap;
    if (changes && one_in(12))
        if (const uint64_t page = space.page_near(op.address, [](uint64_t, const Page& each) { return each.preallocated; }); page != 0) op.address = page;
    if (!is_access(op.kind) && one_in(60)) op.address += below(kPageSize);
}

}  // namespace shoal::model
