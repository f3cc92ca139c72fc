// Reserve: what an operation may need at worst, made certain before it takes a lock. It hoards nothing: it sees to it that
// the CPU's own caches hold enough, and the *_reserved() calls then take from there without fail.
#pragma once

#include "base/result.hpp"
#include "servers/vm/worker.hpp"

namespace shoal::vm {

// Reserve::ensure<Leaf, Run>(worker, 5, {1, 3}) makes five frames, a leaf and three runs certain. At most
// FrameCache::kRefill frames and SlabCaches::kHalf objects of a type.
class Reserve {
  public:
    // A fault at worst: the page, the last-level table, and three in hand for what the fault's retry or a second page takes.
    // Upper tables are the kernel's and come out of lent areas, never out of here.
    static constexpr uint32_t kFaultFrames = 5;

    // Error: NoMemory; nothing has changed but the caches' filling.
    template <typename... Types>
    static Result<void> ensure(Worker& worker, uint32_t frames,
                               const uint32_t (&objects)[sizeof...(Types)]) {
        size_t at = 0;
        Error error = Error::None;
        ((error = error == Error::None ? worker.slabs.ensure<Types>(objects[at++]).error() : error),
         ...);
        if (error != Error::None) return error;
        // Last: filling the slabs takes frames.
        return worker.frames.ensure(frames);
    }
    static Result<void> ensure(Worker& worker, uint32_t frames) {
        return worker.frames.ensure(frames);
    }
    // For what gives memory back: objects out of the stocks, where nothing else is left.
    template <typename... Types>
    static Result<void> ensure_from_stock(Worker& worker, const uint32_t (&objects)[sizeof...(Types)]) {
        size_t at = 0;
        Error error = Error::None;
        ((error = error == Error::None ? worker.slabs.ensure_from_stock<Types>(objects[at++]).error() : error),
         ...);
        return Result<void>{error};
    }
};

}  // namespace shoal::vm
