// The suite "ipc": an empty question and its answer, between a thread and a server in another process, on the same CPU and on
// two. Each actor has a server of its own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.hpp"
#include "bench/guest/suite.hpp"
#include "libc-min/process.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "libc-min/trap.hpp"

namespace {

using shoal::Endpoint;
using shoal::Message;
using shoal::bench::Actors;
using shoal::bench::Workload;

constexpr uint32_t kQuestion = 1, kStop = 2;
constexpr uint64_t kExchanges = 1000;

Endpoint servers[shoal::kMaxCpus];

// The server's program: answers until it is told to stop.
int serve() {
    Message message;
    shoal::TrapResult received = shoal::receive(shoal::kAny, message);
    while (received.error == shoal::Error::None && message.type() != kStop) {
        const Endpoint asker = message.source();
        message.set_type(0);
        received = shoal::reply_receive(asker, message);
    }
    return received.error == shoal::Error::None ? 0 : 1;
}

void exchange_round(unsigned id) {
    for (uint64_t i = 0; i < kExchanges; ++i) {
        Message message;
        message.set_type(kQuestion);
        if (shoal::send_receive(servers[id], message) != shoal::Error::None) abort();
    }
}

void start_servers(unsigned actors, unsigned distance) {
    const char* const arguments[] = {"ipc", "serve"};
    for (unsigned id = 0; id < actors; ++id) {
        shoal::SpawnOptions options;
        options.name = "ipc";
        options.arguments = arguments;
        options.cpu = (id + distance) % shoal::kernel_facts().cpus;
        const shoal::Result<Endpoint> server = shoal::spawn(options);
        if (!server.ok()) {
            printf("ipc: no server: %s\n", shoal::error_text(server.error()));
            abort();
        }
        servers[id] = server.value();
    }
}

void start_servers_here(unsigned actors) { start_servers(actors, 0); }
void start_servers_next_door(unsigned actors) { start_servers(actors, 1); }

void stop_servers(unsigned actors) {
    for (unsigned id = 0; id < actors; ++id) {
        Message message;
        message.set_type(kStop);
        (void)shoal::send(servers[id], message);
        (void)shoal::wait_child(servers[id]);
    }
}

constexpr Workload kWorkloads[] = {
    {"ipc_same_cpu", Actors::Threads, kExchanges, exchange_round, start_servers_here,
     stop_servers},
    {"ipc_across_cpus", Actors::Threads, kExchanges, exchange_round, start_servers_next_door,
     stop_servers, shoal::bench::Waiting::Yields},
};

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count == 2 && strcmp(arguments[1], "serve") == 0) return serve();
    return shoal::bench::run_suite("ipc", kWorkloads, argument_count, arguments);
}
