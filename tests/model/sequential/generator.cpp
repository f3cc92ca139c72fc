#include "tests/model/sequential/generator.hpp"

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

struct Weight {
    Kind kind;
    unsigned weight;
};
constexpr Weight kWeights[] = {{Kind::Map, 14},     {Kind::Unmap, 10}, {Kind::Protect, 8},
                               {Kind::DontNeed, 6}, {Kind::Read, 28},  {Kind::Write, 30},
                               {Kind::Share, 3},    {Kind::Brk, 3},    {Kind::Execute, 3}, {Kind::Renew, 1},
                               {Kind::Fork, 1},     {Kind::Clear, 1}, {Kind::Touch, 3}, {Kind::Remap, 4}, {Kind::MapFile, 3}, {Kind::FileForget, 1},
                               {Kind::CacheSet, 2}, {Kind::CacheMap, 3}, {Kind::CacheForget, 1}};

}  // namespace

Generator::Generator(uint64_t seed, unsigned workers, unsigned spaces)
    : random_(seed), workers_(workers), spaces_(spaces) {}

Operation Generator::next(const std::vector<ReferenceSpace>& spaces) {
    Operation op;
    op.worker = static_cast<uint8_t>(below(workers_));
    op.space = static_cast<uint8_t>(below(spaces_));
    op.other = static_cast<uint8_t>(below(spaces_));
    op.word = static_cast<uint8_t>(below(kWordsUsed));
    op.value = random_();
    unsigned total = 0;
    for (const Weight& w : kWeights) total += w.weight;
    uint64_t pick = below(total);
    for (const Weight& w : kWeights) {
        op.kind = w.kind;
        if (pick < w.weight) break;
        pick -= w.weight;
    }
    if ((op.kind == Kind::Renew || op.kind == Kind::Clear) && !one_in(20)) op.kind = Kind::Read;
    if (op.kind == Kind::Fork && !one_in(4)) op.kind = Kind::Write;
    if (op.kind == Kind::Map) choose_map(op);
    else if (op.kind == Kind::MapFile) choose_file(op);
    else if (op.kind == Kind::Brk) choose_end(op, spaces[op.space]);
    else aim(op, spaces[op.space]);
    return op;
}

uint64_t Generator::place() {
    if (one_in(6)) return kSlice + below(kSlicePages) * kPageSize;
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
    if ((op.flags & kMapFixed) == 0 && one_in(8)) op.flags |= kMapContiguous | (one_in(20) ? 0 : uint64_t{kMapPopulate});
}

// Few pages, so that maps overlap. A page that is not cached takes its time to read.
void Generator::choose_file(Operation& op) {
    constexpr uint64_t kPages = 64, kMostForgotten = 16;
    if (op.kind == Kind::MapFile) {
        choose_map(op);
        op.flags &= kMapShared | kMapPrivate | kMapFixed | kMapFixedNoReplace;
        if (op.bytes > kLeafSize && op.bytes <= kSpan) op.bytes = (1 + below(2 * kPages)) * kPageSize;
        if ((op.flags & kMapShared) != 0 && !one_in(8)) op.protection &= ~uint64_t{kProtectWrite};
    }
    op.value = below(kPages);
    if (op.kind == Kind::FileForget) op.bytes = (1 + below(kMostForgotten)) * kPageSize;
}

void Generator::choose_remap(Operation& op) {
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
    if (is_access(op.kind)) return;
    if (one_in(60)) op.address += below(kPageSize);
    if (op.kind == Kind::Remap) choose_remap(op);
    if (op.kind == Kind::FileForget) choose_file(op);
    if (op.kind >= Kind::CacheSet) choose_blocks(op);
    if (op.kind != Kind::Touch) return;
    op.flags = one_in(2) ? uint64_t{kFaultWrite} : 0;
    if (op.bytes < kUserTop) op.bytes %= kMostTouched;
}

}  // namespace shoal::model
