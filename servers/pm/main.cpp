// PM's loop: a request and its answer, or the kernel's notification that processes have stopped.
#include <stdio.h>

#include "libc-min/system/kernel_facts.hpp"
#include "libc-min/trap.hpp"
#include "servers/pm/server.hpp"

namespace shoal::pm {
namespace {

[[noreturn]] void serve(Server& server) {
    Message message;
    Endpoint answer_to = kNone;
    for (;;) {
        const TrapResult received =
            answer_to == kNone ? receive(kAny, message) : reply_receive(answer_to, message);
        answer_to = kNone;
        if (received.error != Error::None) continue;
        if (received.is_notification()) {
            server.collect_stopped();
            continue;
        }
        const Endpoint asker = message.source();
        const Error outcome = server.handle(message);
        if (outcome == Error::DoNotReply) continue;
        message.set_outcome(outcome);
        answer_to = asker;
    }
}

}  // namespace
}  // namespace shoal::pm

int main() {
    shoal::pm::Server server;
    const shoal::KernelInfo facts = shoal::kernel_facts();
    const shoal::Result<void> ready = server.initialise(static_cast<uint32_t>(facts.process_slots),
                                                        static_cast<uint32_t>(facts.thread_slots));
    if (!ready.ok()) {
        printf("pm: cannot start: %s\n", shoal::error_text(ready.error()));
        return 1;
    }
    shoal::pm::serve(server);
}
