// Physical addresses that are no memory of the machine's and not driven by the kernel, and who may map them.
#pragma once

#include <algorithm>

#include "abi/privileges.hpp"
#include "kernel/core/boot_facts.hpp"

namespace shoal::kernel {

// Without overflow, whatever a process asks for.
inline bool is_within(FrameRange inner, FrameRange outer) {
    const uint64_t skipped = inner.first.raw() - outer.first.raw();
    return inner.first.raw() >= outer.first.raw() && skipped <= outer.count && inner.count <= outer.count - skipped;
}

inline bool is_device_memory(FrameRange frames) {
    if (!is_within(frames, {FrameNumber{0}, boot_facts.frames_end.raw()})) return false;
    return std::ranges::none_of(boot_facts.kept, [&](FrameRange kept) {
        return kept.first.raw() < frames.end().raw() && frames.first.raw() < kept.end().raw();
    });
}

inline bool may_map(const Privileges& privileges, FrameRange frames) {
    const auto has = [&](FrameRange allowed) { return is_within(frames, allowed); };
    return is_device_memory(frames) && std::ranges::any_of(privileges.device_memory, has);
}

}  // namespace shoal::kernel
