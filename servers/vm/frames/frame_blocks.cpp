// Blocks: neighbouring frames in any number, with an alignment and below a limit, for devices. Rare, and searched for from above: what
// lies low is for those who can reach nothing else.
#include <algorithm>

#include "servers/vm/frames/frame_pool.hpp"

namespace shoal::vm {

namespace {

constexpr uint32_t round_up(uint32_t index, uint32_t alignment) { return (index + alignment - 1) & ~(alignment - 1); }

}  // namespace

// Frames of the area that lie below the limit.
uint32_t FramePool::room_below(uint32_t area, FrameNumber limit) const {
    const uint64_t first = frame_at(area, 0).raw();
    return first >= limit.raw() ? 0 : static_cast<uint32_t>(std::min<uint64_t>(limit.raw() - first, kFramesPerArea));
}

// The first fit; others may take of it meanwhile, then the next one.
Result<FrameNumber> FramePool::take_block_in(uint32_t area, const FrameBlock& wanted) {
    const uint32_t room = room_below(area, wanted.below);
    if (room < wanted.frames || !count(area).promise_exactly(wanted.frames)) return Error::NoMemory;
    for (uint32_t first = 0; first + wanted.frames <= room;) {
        const uint32_t begin = round_up(bits(area).next(first, AreaBits::State::Free), wanted.alignment);
        if (begin + wanted.frames > room) break;
        const uint32_t end = bits(area).next(begin, AreaBits::State::Taken);
        const bool fits = end >= begin + wanted.frames;
        if (fits && bits(area).take_exact(begin, wanted.frames)) {
            tree_of_area(area).free.fetch_sub(static_cast<int32_t>(wanted.frames), std::memory_order_relaxed);
            return frame_at(area, begin);
        }
        first = fits ? begin + 1 : end;
    }
    count(area).give(wanted.frames);
    return Error::NoMemory;
}

// So many whole neighbours, the highest ones.
Result<uint32_t> FramePool::take_areas_in(Window window, uint32_t wanted, FrameNumber limit) {
    uint32_t run = 0;
    for (uint32_t area = window.end; area-- > window.first;) {
        if (room_below(area, limit) == kFramesPerArea && count(area).take_whole()) {
            tree_of_area(area).free.fetch_sub(kFramesPerArea, std::memory_order_relaxed);
            if (++run == wanted) return area;
            continue;
        }
        if (run > 0) give_areas(frame_at(area + 1, 0), run);
        run = 0;
    }
    if (run > 0) give_areas(frame_at(window.first, 0), run);
    return Error::NoMemory;
}

Result<FrameNumber> FramePool::take_block_of_areas(Window window, const FrameBlock& wanted) {
    const uint32_t whole = (wanted.frames + kFramesPerArea - 1) / kFramesPerArea;
    window.end = std::min(areas(), window.end + whole - 1);  // what begins in the window
    const uint32_t first = TRY(take_areas_in(window, whole, wanted.below));
    for (uint32_t area = first; area < first + whole; ++area) split_area(frame_at(area, 0));
    const uint64_t rest = uint64_t{whole} * kFramesPerArea - wanted.frames;
    if (rest > 0) give_range({frame_at(first, 0) + wanted.frames, rest});
    return frame_at(first, 0);
}

Result<FrameNumber> FramePool::take_block(const FrameBlock& wanted, uint32_t& areas_left) {
    SHOAL_ASSERT(wanted.frames > 0 && wanted.alignment <= kFramesPerArea && areas_left <= areas());
    const Window window{areas_left - std::min(areas_left, kAreasPerSearch), areas_left};
    areas_left = window.first;
    if (wanted.frames > kFramesPerArea) return take_block_of_areas(window, wanted);
    for (uint32_t area = window.end; area-- > window.first;) {
        Result<FrameNumber> block = take_block_in(area, wanted);
        if (block.ok()) return block;
    }
    return Error::NoMemory;
}

}  // namespace shoal::vm
