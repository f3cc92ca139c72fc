#include "kernel/core/ipc/destination.hpp"

#include <atomic>

namespace shoal::kernel {

Error why_not_found(Endpoint endpoint) {
    if (endpoint == kAny || endpoint == kNone) return Error::Invalid;
    const Thread* slot = thread_slot(endpoint);
    if (slot == nullptr || endpoint.generation() == 0) return Error::BadEndpoint;
    return Error::DeadEndpoint;
}

bool may_send_to(const Thread& sender, const Thread& target, Endpoint endpoint) {
    const uint32_t slot = target.process_slot.load(std::memory_order_acquire);  // pairs with name_thread()
    return target.endpoint() == endpoint && may_send(sender, slot);
}

}  // namespace shoal::kernel
