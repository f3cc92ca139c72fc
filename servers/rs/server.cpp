#include "servers/rs/server.hpp"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "abi/pm_calls.hpp"
#include "servers/rs/boot_servers.hpp"
#include "servers/rs/platform/platform.hpp"

namespace shoal::rs {

void Server::start() {
    if (!start_servers()) return end_with(kCannotStart);
    const Result<void> started = start_program();
    if (started.ok()) return;
    report_missing_program(started.error());
    end_with(kCannotStart);
}

bool Server::start_servers() {
    for (const BootServer& server : kBootServers) {
        const Result<void> started = start_boot_server(server, images_);
        if (started.ok()) continue;
        printf("rs: server %s did not start: %s\n", server.name, error_text(started.error()));
        return false;
    }
    return true;
}

// From our own memory: while we wait for PM's answer, it could not ask us for the image.
Result<void> Server::start_program() {
    const Image image = images_.find(options_.program());
    if (image.bytes == 0) return Error::NoEntry;
    SpawnOptions options;
    options.arguments = options_.arguments();
    options.image = reinterpret_cast<const void*>(image.start.raw());
    options.image_bytes = image.bytes;
    options.role = options_.role();
    program_ = TRY(platform::spawn_program(options));
    return {};
}

void Server::report_missing_program(Error reason) const {
    printf("rs: program %s did not start: %s\nrs: programs here:", options_.program(),
           error_text(reason));
    for (uint32_t i = 0; images_.name(i) != nullptr; ++i)
        printf(" %.*s", static_cast<int>(sizeof BootImage::Entry::name), images_.name(i));
    printf("\n");
}

Error Server::handle(Message& message) {
    if (message.source() != kPm) return Error::CallDenied;
    switch (static_cast<RsCall>(message.type())) {
        case RsCall::Lookup: return look_up(message);
        case RsCall::Done: child_ended(message); return Error::DoNotReply;
    }
    return Error::NotImplemented;
}

Error Server::look_up(Message& message) const {
    char name[sizeof BootImage::Entry::name + 1] = {};
    memcpy(name, &message.words[1], sizeof name - 1);
    const Image image = images_.find(name);
    if (image.bytes == 0) return Error::NoEntry;
    message.words[1] = image.start.raw();
    message.words[2] = image.bytes;
    message.words[3] = platform::self().raw();
    return Error::None;
}

// Orphans are ours too; they end without a word.
void Server::child_ended(const Message& message) {
    const Endpoint child{static_cast<uint32_t>(message.words[2])};
    if (child != program_) return;
    const auto status = static_cast<int64_t>(message.words[1]);
    printf("shoal: program %s status %" PRId64 "\n", options_.program(), status);
    end_with(status);
}

// VM's books are checked at the end of every run; where they are wrong, no run has succeeded.
void Server::end_with(int64_t status) {
    if (const Result<uint64_t> faults = platform::audit(); faults.ok() && faults.value() != 0) {
        printf("rs: VM's audit found %" PRIu64 " faults\n", faults.value());
        if (status == 0) status = kAuditFailed;
    }
    ended_ = status;
}

}  // namespace shoal::rs
