#include "servers/vm/requests/parking.hpp"

#include "servers/vm/platform/platform.hpp"

namespace shoal::vm {

void park(Request& request, Request*& chain) {
    request.next = chain;
    chain = &request;
}

void park(WorkerContext& context, const Receipt& receipt, Request*& chain) {
    park(*context.slabs().create_reserved<Request>(RequestKind::Again, receipt, context.cpu()), chain);
}

void send_to_owner(WorkerContext& context, Request& request) {
    if (request.owner == context.cpu()) {
        context.desk.push_ready(request);
        return;
    }
    const CpuId owner = request.owner;
    context.processes.shard(owner).desk.push_remote(request);
    platform::call_worker(owner);
}

void release_all(WorkerContext& context, Request* chain) {
    while (chain != nullptr) {
        Request* request = chain;
        chain = chain->next;
        send_to_owner(context, *request);
    }
}

}  // namespace shoal::vm
