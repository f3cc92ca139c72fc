#include "servers/vm/requests/request_desk.hpp"

namespace shoal::vm {

void RequestDesk::push_ready(Request& request) {
    request.next = nullptr;
    if (last_ready_ == nullptr) first_ready_ = &request;
    else last_ready_->next = &request;
    last_ready_ = &request;
}

Request* RequestDesk::pop_ready() {
    gives_way = false;
    Request* request = first_ready_;
    if (request == nullptr) return nullptr;
    first_ready_ = request->next;
    if (first_ready_ == nullptr) last_ready_ = nullptr;
    request->next = nullptr;
    return request;
}

void RequestDesk::push_remote(Request& request) {
    request.next = inbox_.load(std::memory_order_relaxed);
    // release pairs with collect(): the request's contents come with it
    while (!inbox_.compare_exchange_weak(request.next, &request, std::memory_order_release, std::memory_order_relaxed)) {
    }
}

void RequestDesk::collect() {
    Request* taken = inbox_.exchange(nullptr, std::memory_order_acquire);  // pairs with push_remote()
    Request* in_order = nullptr;
    while (taken != nullptr) {
        Request* next = taken->next;
        taken->next = in_order;
        in_order = taken;
        taken = next;
    }
    while (in_order != nullptr) {
        Request* next = in_order->next;
        push_ready(*in_order);
        in_order = next;
    }
}

}  // namespace shoal::vm
