// Withdrawal: takes pages out of the cache, or out of their files, and away from every leaf that has borrowed them.
//
// Page by page. Under the locks of device and file the page leaves their objects; from then on no fault finds it. Then all who have the file attached
// are gone through: under the lock of the leaf where the page would lie, what is borrowed is unmapped. A fault that
// had found the page before did so under that lock, and is seen; or its leaf was made after we had looked for it, and then it looks for the page
// after the page had left (PageBlock::leave()). Those who attach the file meanwhile come after. The frame's reference goes when all have been
// gone through; where another CPU may have an entry cached, the leaf has taken one (FlushBatch::take_borrowed()).
#pragma once

#include "servers/vm/cache/page_cache.hpp"

namespace shoal::vm {

class Withdrawal {
  public:
    // Begins, and does what takes no waiting and few steps. True: all has been done; the uses that `work` names are given back. False: a
    // request, made from the receipt, goes on. Needs a reserved Request.
    static bool start(WorkerContext& context, const Receipt& receipt, CacheWork& work);
    // request: kind Withdraw. True: finished, its flushes too.
    static bool proceed(WorkerContext& context, Request& request);

  private:
    static constexpr unsigned kPagesPerStep = 64, kAttachmentsPerStep = 16;
    enum class Taken : uint8_t { Page, Nothing, End };

    static CachedPage* next_page(WorkerContext& context, CacheWork& work);
    static Taken take_next(WorkerContext& context, CacheWork& work);
    static void end_walk(WorkerContext& context, CacheWork& work);
    static bool walk(WorkerContext& context, Request& request);
    static bool meet_next(WorkerContext& context, Request& request);
    static bool take_back(WorkerContext& context, Request& request);
    static void finish(WorkerContext& context, CacheWork& work);
};

}  // namespace shoal::vm
