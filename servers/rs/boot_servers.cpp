#include "servers/rs/boot_servers.hpp"

#include <string.h>

#include "abi/memory.hpp"
#include "servers/rs/platform/platform.hpp"

namespace shoal::rs {
namespace {

LoadRequest load_request(const BootServer& server, const Image& image) {
    LoadRequest request{};
    request.process = server.process;
    request.source = platform::self();
    request.image = image.start;
    request.image_bytes = image.bytes;
    request.argument_count = 1;
    request.argument_bytes = strlen(server.name) + 1;
    memcpy(request.arguments, server.name, request.argument_bytes);
    return request;
}

}  // namespace

Result<void> start_boot_server(const BootServer& server, BootImages& images) {
    const Image image = images.find(server.name);
    if (image.bytes == 0) return Error::NoEntry;
    TRY(platform::create_space(server.process, server.endpoint));
    const platform::EntryPoint start = TRY(platform::load_image(load_request(server, image)));
    TRY(platform::start_process(server.endpoint, start));
    images.give_back(server.name);
    return {};
}

}  // namespace shoal::rs
