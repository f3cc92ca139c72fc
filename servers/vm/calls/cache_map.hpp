// CacheMap: cached pages on their way into a file server's space: collected one by one, each with a reference, then mapped together. What is not
// mapped in the end is given back.
#pragma once

#include "servers/vm/cache/page_cache.hpp"

namespace shoal::vm {

class CacheMap {
  public:
    CacheMap(WorkerContext& context, Space& space) : context_(context), space_(space) {}
    ~CacheMap();
    CacheMap(const CacheMap&) = delete;
    CacheMap& operator=(const CacheMap&) = delete;

    // Of the device, that has to leave its file first.
    struct Blocker {
        uint64_t page = 0;
    };
    // The next page, which is in that file from now on, if one is named. Errors: NoEntry (not cached, or only once), NoMemory; Again: see Blocker.
    Error collect(const CachePlace& place, Blocker& blocker);
    // Maps what has been collected, anywhere; its address. Errors: NoMemory; DoNotReply: the call comes again.
    Result<VirtualAddress> place(const Receipt& receipt);

  private:
    enum class Outcome : uint8_t {
        Mapped,
        Parked,  // a leaf is being flushed: the call has been put aside until it is
        Raced,   // a leaf has been given up meanwhile
    };
    Result<void> prepare(VirtualRange range);
    Outcome map(VirtualRange range, const Receipt& receipt);

    WorkerContext& context_;
    Space& space_;
    Leaf* leaves_[2] = {};         // over the range's first and last page
    uint32_t count_ = 0;
    FrameNumber frames_[kMostCachePages];  // with a reference each
};

}  // namespace shoal::vm
