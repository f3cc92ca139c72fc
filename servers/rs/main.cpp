// RS's loop, until the program has ended; then the system's end.
#include <stdio.h>
#include <stdlib.h>

#include "abi/kernel_call_stubs.hpp"
#include "libc-min/trap.hpp"
#include "servers/rs/server.hpp"

namespace shoal::rs {
namespace {

int64_t serve(Server& server) {
    Message message;
    Endpoint answer_to = kNone;
    while (!server.ended().has_value()) {
        const TrapResult received =
            answer_to == kNone ? receive(kAny, message) : reply_receive(answer_to, message);
        answer_to = kNone;
        if (received.error != Error::None || received.is_notification()) continue;
        const Endpoint asker = message.source();
        const Error outcome = server.handle(message);
        if (outcome == Error::DoNotReply) continue;
        message.set_outcome(outcome);
        answer_to = asker;
    }
    return *server.ended();
}

}  // namespace
}  // namespace shoal::rs

[[noreturn]] int main() {
    // VM maps the table before RS starts.
    static shoal::rs::Server server(*reinterpret_cast<const shoal::BootImage*>(shoal::kBootImageAddress));
    server.start();
    const int64_t status = shoal::rs::serve(server);
    (void)fflush(nullptr);
    (void)shoal::kernel_calls::system_end(static_cast<uint64_t>(status));
    abort();
}
