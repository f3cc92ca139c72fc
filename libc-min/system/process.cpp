#include "libc-min/process.hpp"

#include "libc-min/include/string.h"
#include "libc-min/trap.hpp"

namespace shoal {
namespace {

Error ask_pm(PmCall call, Message& message) {
    message.set_type(static_cast<uint32_t>(call));
    const Error error = send_receive(kPm, message);
    return error == Error::None ? message.outcome() : error;
}

Result<void> put_arguments(SpawnRequest& request, std::span<const char* const> arguments) {
    for (const char* argument : arguments) {
        const size_t bytes = strlen(argument) + 1;
        if (bytes > SpawnRequest::kMaxArgumentBytes - request.argument_bytes) return Error::TooBig;
        memcpy(request.arguments + request.argument_bytes, argument, bytes);
        request.argument_bytes += bytes;
    }
    request.argument_count = arguments.size();
    return {};
}

Result<void> put_shares(SpawnRequest& request, std::span<const VirtualRange> shares) {
    if (shares.size() > SpawnRequest::kMaxShares) return Error::TooBig;
    for (const VirtualRange& share : shares) request.shares[request.share_count++] = share;
    return {};
}

}  // namespace

Result<Endpoint> spawn(const SpawnOptions& options) {
    SpawnRequest request{};
    if (strlcpy(request.name, options.name, sizeof request.name) >= sizeof request.name)
        return Error::NoEntry;
    request.image = VirtualAddress{reinterpret_cast<uint64_t>(options.image)};
    request.image_bytes = options.image_bytes;
    request.quota_pages = options.quota_pages;
    request.cpu = options.cpu;
    request.role = options.role;
    TRY(put_shares(request, options.shares));
    TRY(put_arguments(request, options.arguments));

    Message message;
    message.words[1] = reinterpret_cast<uint64_t>(&request);
    if (Error error = ask_pm(PmCall::Spawn, message); error != Error::None) return error;
    return Endpoint{static_cast<uint32_t>(message.words[1])};
}

Result<EndedChild> wait_child(Endpoint child, WaitMode mode) {
    Message message;
    message.words[1] = child.raw();
    message.words[2] = mode == WaitMode::Poll ? 1 : 0;
    if (Error error = ask_pm(PmCall::Wait, message); error != Error::None) return error;
    return EndedChild{Endpoint{static_cast<uint32_t>(message.words[1])},
                      static_cast<int64_t>(message.words[2])};
}

Result<void> kill_child(Endpoint child) {
    Message message;
    message.words[1] = child.raw();
    return ask_pm(PmCall::Kill, message);
}

}  // namespace shoal
