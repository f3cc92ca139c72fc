// ZeroedFrame: a frame made ready for a page before any lock is taken: charged to the quota, if one pays, taken from the reserve, zeroed unless
// it is for a copy. What is not used goes back.
#pragma once

#include "servers/vm/arena/window.hpp"
#include "servers/vm/quota/quota.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// By the string instruction that base/memory uses for long blocks: its microcode writes whole lines.
inline void zero_frame(FrameNumber frame) { __builtin_memset(window_pointer(frame), 0, kPageSize); }

class ZeroedFrame {
  public:
    ZeroedFrame(WorkerContext& context, Quota* quota) : context_(context), quota_(quota) {}
    ZeroedFrame(const ZeroedFrame&) = delete;
    ZeroedFrame& operator=(const ZeroedFrame&) = delete;
    [[gnu::always_inline]] ~ZeroedFrame() {
        if (!ready_) return;
        context_.frames().free(frame_);
        refund();
    }

    // False: over the quota, or no frame at hand.
    [[nodiscard, gnu::always_inline]] bool obtain() {
        if (!take()) [[unlikely]] return false;
        zero_frame(frame_);
        return true;
    }
    // Likewise, with whatever is in it.
    [[nodiscard, gnu::always_inline]] bool take() {
        if (quota_ != nullptr && !quota_->charge(context_.locks(), context_.slabs(), PageCount{1}).ok()) return false;
        if (!context_.frames().has(1)) [[unlikely]] {  // the quota has taken it for itself
            refund();
            return false;
        }
        frame_ = context_.frames().allocate_reserved();
        ready_ = true;
        return true;
    }
    [[nodiscard]] bool ready() const { return ready_; }
    [[nodiscard]] FrameNumber frame() const { return frame_; }
    FrameNumber release() {
        ready_ = false;
        return frame_;
    }

  private:
    [[gnu::always_inline]] void refund() {
        if (quota_ != nullptr) quota_->refund(context_.locks(), PageCount{1});
    }

    WorkerContext& context_;
    Quota* quota_;  // nullptr: nobody pays for it here
    FrameNumber frame_;
    bool ready_ = false;
};

}  // namespace shoal::vm
