// EarlyFrames: the machine's free memory before the VM server owns it. Frames are given out from the lowest addresses up, so
// that the kernel's lie together, and never taken back.
//
// Holds sorted ranges that do not touch. Runs on the boot CPU only; no lock.
#pragma once

#include <cstdint>

#include "base/address.hpp"

namespace shoal::smp {

class EarlyFrames {
  public:
    static constexpr uint32_t kMaxRanges = 256;

    // Makes a range free; parts of it may be so already. Where there is no room for another range, the smallest is lost.
    void add(FrameRange range);
    // Takes a range out of what is free, wherever they overlap.
    void reserve(FrameRange range);

    // `frames` adjacent frames, zeroed, aligned to `alignment` frames (a power of two), from the lowest place above 1 MiB
    // that has them. Panics where memory is used up: nothing runs yet that could do with less.
    PhysicalAddress take(uint64_t frames = 1, uint64_t alignment = 1);
    // The highest frame that lies below `limit`, not zeroed; 0: there is none.
    PhysicalAddress take_below(PhysicalAddress limit);

    // Drops the smallest ranges until there are no more than that many.
    void keep_largest(uint32_t ranges);

    [[nodiscard]] uint64_t free_frames() const;
    [[nodiscard]] uint64_t taken_frames() const { return taken_; }
    // Frames lost because there were too many ranges.
    [[nodiscard]] uint64_t lost_frames() const { return lost_; }
    [[nodiscard]] uint32_t range_count() const { return count_; }
    [[nodiscard]] FrameRange range(uint32_t i) const { return ranges_[i]; }

  private:
    void insert(uint32_t index, FrameRange range);
    void remove(uint32_t index);
    void drop_smallest();

    FrameRange ranges_[kMaxRanges + 1]{};  // one more than are kept, for the moment of an insertion
    uint32_t count_ = 0;
    uint64_t taken_ = 0;  // by take()
    uint64_t lost_ = 0;
};

}  // namespace shoal::smp
