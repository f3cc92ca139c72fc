#include "kernel/smp/memory/early_frames.hpp"

#include <cstring>

#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/panic/panic.hpp"

namespace shoal::smp {
namespace {

constexpr FrameNumber kFirstMegabyteEnd{256};

FrameRange between(FrameNumber first, FrameNumber end) {
    return first < end ? FrameRange{first, end.raw() - first.raw()} : FrameRange{first, 0};
}
FrameNumber lower(FrameNumber a, FrameNumber b) { return a < b ? a : b; }
FrameNumber higher(FrameNumber a, FrameNumber b) { return a < b ? b : a; }

// The first frame at or above `first` that is a multiple of the alignment.
FrameNumber aligned_up(FrameNumber first, uint64_t alignment) {
    return FrameNumber{(first.raw() + alignment - 1) & ~(alignment - 1)};
}

}  // namespace

void EarlyFrames::add(FrameRange range) {
    if (range.count == 0) return;
    uint32_t index = 0;
    while (index < count_ && ranges_[index].end() < range.first) ++index;
    while (index < count_ && ranges_[index].first <= range.end()) {
        range = between(lower(range.first, ranges_[index].first), higher(range.end(), ranges_[index].end()));
        remove(index);
    }
    insert(index, range);
}

void EarlyFrames::reserve(FrameRange range) {
    if (range.count == 0) return;
    for (uint32_t index = 0; index < count_;) {
        const FrameRange free = ranges_[index];
        if (free.end() <= range.first || range.end() <= free.first) {
            ++index;
            continue;
        }
        remove(index);
        const FrameRange below = between(free.first, range.first);
        const FrameRange above = between(range.end(), free.end());
        if (below.count != 0) insert(index++, below);
        if (above.count != 0) insert(index++, above);
    }
}

PhysicalAddress EarlyFrames::take(uint64_t frames, uint64_t alignment) {
    for (uint32_t i = 0; i < count_; ++i) {
        const FrameNumber first = aligned_up(higher(ranges_[i].first, kFirstMegabyteEnd), alignment);
        if (first + frames > ranges_[i].end()) continue;
        reserve({first, frames});
        taken_ += frames;
        memset(memory::direct(first.address()), 0, frames * kPageSize);
        return first.address();
    }
    panic("out of memory at boot: %lu adjacent frames are wanted, %lu are free", frames, free_frames());
}

PhysicalAddress EarlyFrames::take_below(PhysicalAddress limit) {
    const FrameNumber end = FrameNumber::of(limit);
    for (uint32_t i = count_; i-- > 0;) {
        if (ranges_[i].first >= end || ranges_[i].end().raw() < 2) continue;
        const FrameNumber frame{lower(ranges_[i].end(), end).raw() - 1};
        if (frame.raw() == 0) continue;  // 0 says that there is none
        reserve({frame, 1});
        return frame.address();
    }
    return PhysicalAddress{0};
}

void EarlyFrames::keep_largest(uint32_t ranges) {
    while (count_ > ranges) drop_smallest();
}

uint64_t EarlyFrames::free_frames() const {
    uint64_t total = 0;
    for (uint32_t i = 0; i < count_; ++i) total += ranges_[i].count;
    return total;
}

void EarlyFrames::insert(uint32_t index, FrameRange range) {
    for (uint32_t i = count_; i > index; --i) ranges_[i] = ranges_[i - 1];
    ranges_[index] = range;
    if (++count_ > kMaxRanges) drop_smallest();
}

void EarlyFrames::remove(uint32_t index) {
    for (uint32_t i = index; i + 1 < count_; ++i) ranges_[i] = ranges_[i + 1];
    --count_;
}

void EarlyFrames::drop_smallest() {
    uint32_t smallest = 0;
    for (uint32_t i = 1; i < count_; ++i)
        if (ranges_[i].count < ranges_[smallest].count) smallest = i;
    lost_ += ranges_[smallest].count;
    remove(smallest);
}

}  // namespace shoal::smp
