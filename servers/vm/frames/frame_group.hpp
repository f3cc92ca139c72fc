// FrameGroup: frames for the memory of one process, filled by another one's CPU: neighbours, kFrames at a time, which share no line of FrameInfo with
// what others have. The process counts them where it runs; frames as they have come home to this CPU lie beside those of its last ones.
//
// For a scope, in which the CPU's cache hands out the group's frames first. What is left of a group goes to the pool, not to who comes next here.
#pragma once

#include "servers/vm/frames/frame_cache.hpp"

namespace shoal::vm {

class [[nodiscard]] FrameGroup {
  public:
    static constexpr unsigned kOrder = 4;
    static constexpr uint32_t kFrames = 1u << kOrder;
    static_assert(kFrames * sizeof(FrameInfo) % kCacheLine == 0);

    explicit FrameGroup(FrameCache& frames) : frames_(frames) {}
    ~FrameGroup() { frames_.return_top(group_); }
    FrameGroup(const FrameGroup&) = delete;
    FrameGroup& operator=(const FrameGroup&) = delete;

    // The next kFrames frames are a new group, if the tree that the pool keeps for this CPU has one.
    void begin() {
        frames_.return_top(group_);
        group_ = frames_.begin_group(kOrder);
    }

  private:
    FrameCache& frames_;
    FrameRange group_{};
};

}  // namespace shoal::vm
