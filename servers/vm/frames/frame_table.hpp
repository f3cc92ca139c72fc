// FrameTable: FrameInfo by frame number, over the span of physical addresses that VM's memory covers. Holes within the span
// have entries too (kind Absent): 8 MiB a GiB of hole.
#pragma once

#include "base/address.hpp"
#include "base/assert.hpp"
#include "servers/vm/frames/frame_info.hpp"

namespace shoal::vm {

class FrameTable {
  public:
    FrameTable() = default;
    // entries: one for each frame of the span, constructed.
    FrameTable(FrameInfo* entries, FrameRange span) : entries_(entries), span_(span) {}

    [[nodiscard]] FrameRange span() const { return span_; }
    [[nodiscard]] bool covers(FrameNumber frame) const { return span_.contains(frame); }
    [[nodiscard]] uint32_t index(FrameNumber frame) const {
        SHOAL_ASSERT(covers(frame));
        return static_cast<uint32_t>(frame.raw() - span_.first.raw());
    }
    [[nodiscard]] FrameNumber frame(uint32_t index) const { return span_.first + index; }
    [[nodiscard]] FrameNumber number(const FrameInfo& info) const {
        return span_.first + static_cast<uint64_t>(&info - entries_);
    }
    FrameInfo& operator[](FrameNumber frame) const { return entries_[index(frame)]; }

  private:
    FrameInfo* entries_ = nullptr;
    FrameRange span_;
};

}  // namespace shoal::vm
