// The servers of the boot image, in the order in which they start.
#pragma once

#include "abi/endpoint.hpp"
#include "base/result.hpp"
#include "servers/rs/boot_image.hpp"

namespace shoal::rs {

// A server for which the kernel has made a process already, under a well-known endpoint.
struct BootServer {
    const char* name;  // of its image
    ProcessId process;
    Endpoint endpoint;
};

inline constexpr BootServer kBootServers[] = {
    {"pm", ProcessId::of(kPmSlot, 1), kPm},
};

// Loads its image and runs it; gives the image back.
Result<void> start_boot_server(const BootServer& server, BootImages& images);

}  // namespace shoal::rs
