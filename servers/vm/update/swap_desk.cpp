#include "servers/vm/update/swap_desk.hpp"

#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

void SwapDesk::begin(WorkerContext& context) {
    Guard guard(context.locks(), lock_);
    under_way_.store(under_way_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void SwapDesk::end(WorkerContext& context) {
    Request* waiting = nullptr;
    {
        Guard guard(context.locks(), lock_);
        ended_.store(ended() + 1, std::memory_order_release);  // pairs with ended(): who has read it finds what is open
        // pairs with may_have_hidden(): who does not see it under way sees that it has ended
        under_way_.store(under_way_.load(std::memory_order_relaxed) - 1, std::memory_order_release);
        waiting = waiting_;
        waiting_ = nullptr;
    }
    release_all(context, waiting);
}

Error SwapDesk::explain_absence(WorkerContext& context, const Receipt& receipt, uint64_t ended) {
    if (!may_have_hidden(ended)) return Error::NoProcess;
    if (!context.slabs().ensure<Request>(1).ok()) return Error::NoMemory;
    Request* again = nullptr;
    {
        Guard guard(context.locks(), lock_);
        if (under_way()) park(context, receipt, waiting_);
        else park(context, receipt, again);
    }
    release_all(context, again);
    return Error::DoNotReply;
}

void SwapDesk::wait(WorkerContext& context, Request& request) {
    Request* again = nullptr;
    {
        Guard guard(context.locks(), lock_);
        park(request, under_way() ? waiting_ : again);
    }
    release_all(context, again);
}

}  // namespace shoal::vm
