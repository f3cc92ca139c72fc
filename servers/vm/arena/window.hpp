// The window: where VM sees the frames that it owns. Conversion is an addition; every pointer into the arena is also a
// physical address.
#pragma once

#include "abi/boot_info.hpp"
#include "base/address.hpp"
#include "base/assert.hpp"

namespace shoal::vm {

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer has no shadow for addresses at 32 TiB; on the host, and there only, the window may lie anywhere fixed.
inline constexpr uint64_t kWindow = 0x0040'0000'0000;
#else
inline constexpr uint64_t kWindow = kWindowBase;
#endif

template <typename T = void>
inline T* window_pointer(PhysicalAddress address) {
    return reinterpret_cast<T*>(kWindow + address.raw());
}
template <typename T = void>
inline T* window_pointer(FrameNumber frame) {
    return window_pointer<T>(frame.address());
}

inline PhysicalAddress physical_address(const void* in_window) {
    SHOAL_ASSERT(reinterpret_cast<uint64_t>(in_window) >= kWindow);
    return PhysicalAddress{reinterpret_cast<uint64_t>(in_window) - kWindow};
}
inline FrameNumber frame_of(const void* in_window) {
    return FrameNumber::of(physical_address(in_window));
}

}  // namespace shoal::vm
