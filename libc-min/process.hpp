// Processes: made, waited for and ended through PM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/endpoint.hpp"
#include "abi/kernel_info.hpp"
#include "abi/pm_calls.hpp"
#include "base/address.hpp"
#include "base/result.hpp"

namespace shoal {

struct SpawnOptions {
    const char* name = "";                     // of an image in the boot image, or of what `image` holds
    std::span<const char* const> arguments{};  // argv, the program's name first
    uint64_t cpu = kAnyCpu;                    // to which its first thread is pinned
    uint64_t quota_pages = 0;                  // 0: the default
    std::span<const VirtualRange> shares{};    // our memory that the child has too, at the same addresses
    ProgramRole role = ProgramRole::User;
    const void* image = nullptr;               // an ELF64 image in our memory
    size_t image_bytes = 0;
};

// The child runs when this returns. TooBig: more arguments or shares than SpawnRequest holds. NoEntry: no such image.
// BadExecutable: not an image that can be loaded. Permission: a role that we have not. Again, NoMemory: try later.
Result<Endpoint> spawn(const SpawnOptions& options);

struct EndedChild {
    Endpoint child;
    int64_t status;  // of its exit, or kKilledStatus, kFaultedStatus
};
enum class WaitMode : uint8_t { Block, Poll };

// Waits for a child (kAny: the next that ends). NoChild: we have none such. Again: none has ended, and mode is Poll.
Result<EndedChild> wait_child(Endpoint child = kAny, WaitMode mode = WaitMode::Block);

// Ends a child, or a child's child. Permission: it is neither.
Result<void> kill_child(Endpoint child);

}  // namespace shoal
