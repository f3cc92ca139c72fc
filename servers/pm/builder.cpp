#include "servers/pm/builder.hpp"

#include <string.h>

#include "abi/memory.hpp"
#include "servers/pm/privileges.hpp"

namespace shoal::pm {
namespace {

LoadRequest load_request(ProcessId process, const platform::StoredImage& image,
                         const SpawnRequest& spawn) {
    LoadRequest request{};
    request.process = process;
    request.source = image.space;
    request.image = image.start;
    request.image_bytes = image.bytes;
    request.argument_count = spawn.argument_count;
    request.argument_bytes = spawn.argument_bytes;
    memcpy(request.arguments, spawn.arguments, spawn.argument_bytes);
    return request;
}

}  // namespace

Result<void> Builder::check_request() const {
    if (strnlen(request_.name, sizeof request_.name) == sizeof request_.name) return Error::Invalid;
    if (request_.share_count > SpawnRequest::kMaxShares) return Error::Invalid;
    if (request_.role > ProgramRole::FileServer) return Error::Invalid;
    const uint64_t bytes = request_.argument_bytes;
    if (bytes > SpawnRequest::kMaxArgumentBytes) return Error::TooBig;
    uint64_t strings = 0;
    for (uint64_t i = 0; i < bytes; ++i) strings += request_.arguments[i] == '\0' ? 1 : 0;
    const bool ended = bytes == 0 || request_.arguments[bytes - 1] == '\0';
    return ended && strings == request_.argument_count ? Result<void>{} : Error::Invalid;
}

Result<platform::StoredImage> Builder::find_image(const ProcessRecord& parent) const {
    if (request_.name[0] == '\0')
        return platform::StoredImage{parent.process, request_.image, request_.image_bytes};
    // RS waits for us now and cannot answer; it has its images in its own memory anyway.
    if (&parent == &table_.root()) return Error::Invalid;
    return platform::find_image(request_.name);
}

Result<void> Builder::share_memory(const ProcessRecord& parent, const ProcessRecord& child) const {
    for (uint64_t i = 0; i < request_.share_count; ++i) {
        const VirtualRange& range = request_.shares[i];
        if (range.empty()) return Error::Invalid;
        TRY(platform::share_memory(parent.process, range, child.process));
    }
    return {};
}

Result<void> Builder::build(const ProcessRecord& parent, const ProcessRecord& child,
                            const platform::StoredImage& image) {
    TRY(platform::set_privileges(child.endpoint, privileges_of(child.role)));
    TRY(platform::create_space({child.endpoint, child.process}, request_.quota_pages));
    const LoadRequest load = load_request(child.process, image, request_);
    const platform::EntryPoint start = TRY(platform::load_image(load));
    TRY(share_memory(parent, child));
    TRY(platform::start_process(child.endpoint, start, request_.cpu));
    return {};
}

Result<Endpoint> Builder::spawn(ProcessRecord& parent, Endpoint asker, VirtualAddress request) {
    TRY(platform::copy_request(asker, request, request_));
    TRY(check_request());
    const platform::StoredImage image = TRY(find_image(parent));
    const bool has_it = parent.role == request_.role || &parent == &table_.root();
    if (request_.role != ProgramRole::User && !has_it) return Error::Permission;
    const char* first_argument = request_.argument_count == 0 ? "" : request_.arguments;
    const char* title = request_.name[0] == '\0' ? first_argument : request_.name;
    const platform::ProcessName made = TRY(platform::create_process(title, parent.endpoint));

    ProcessRecord& child = table_.add(parent, made.process, made.endpoint);
    child.role = request_.role;
    if (Result<void> built = build(parent, child, image); !built.ok()) {
        // The kernel's notification leads it through the reaper; its state tells that nobody waits for it.
        (void)platform::kill_process(child.endpoint, kKilledStatus);
        return built.error();
    }
    // --- commit point ---
    child.state = ProcessRecord::State::Running;
    return child.endpoint;
}

}  // namespace shoal::pm
