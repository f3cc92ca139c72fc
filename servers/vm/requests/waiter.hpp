// Waiter: who goes on when what is in the way of an operation has gone: a message, which is dispatched once more then, a request, or nobody.
#pragma once

#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

class Waiter {
  public:
    // Nobody: whoever asks looks again by himself.
    Waiter() = default;
    Waiter(const Receipt& receipt) : receipt_(&receipt) {}
    Waiter(Request& request) : receipt_(&request.receipt), request_(&request) {}

    [[nodiscard]] bool anybody() const { return receipt_ != nullptr; }
    // What was received; nullptr: nobody.
    [[nodiscard]] const Receipt* receipt() const { return receipt_; }
    // Hangs it on a chain that the caller has locked. Needs a reserved Request.
    void park(WorkerContext& context, Request*& chain) const {
        if (request_ != nullptr) vm::park(*request_, chain);
        else if (receipt_ != nullptr) vm::park(context, *receipt_, chain);
    }
    // What a flush goes on with. Likewise.
    [[nodiscard]] Request& request(WorkerContext& context) const {
        if (request_ != nullptr) return *request_;
        if (receipt_ == nullptr) return *context.slabs().create_reserved<Request>(RequestKind::Flush, Receipt{}, context.cpu());
        return *context.slabs().create_reserved<Request>(RequestKind::Again, *receipt_, context.cpu());
    }

  private:
    const Receipt* receipt_ = nullptr;
    Request* request_ = nullptr;
};

}  // namespace shoal::vm
