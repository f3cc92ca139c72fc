// From an intrusive hook back to the object that embeds it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shoal {

// offsetof does not take a pointer to member, so the offset is that of a hook in an object at an aligned address that is
// never read. Compilers fold it to a constant.
template <typename T, typename Hook, Hook T::*kHook>
inline size_t hook_offset() {
    constexpr uint64_t kNowhere = uint64_t{1} << 20;
    const T* object = reinterpret_cast<const T*>(kNowhere);
    return reinterpret_cast<uint64_t>(&(object->*kHook)) - kNowhere;
}

template <typename T, typename Hook, Hook T::*kHook>
inline T* owner_of(Hook* hook) {
    return reinterpret_cast<T*>(reinterpret_cast<uint64_t>(hook) - hook_offset<T, Hook, kHook>());
}

template <typename T, typename Hook, Hook T::*kHook>
inline const T* owner_of(const Hook* hook) {
    return reinterpret_cast<const T*>(reinterpret_cast<uint64_t>(hook) -
                                      hook_offset<T, Hook, kHook>());
}

}  // namespace shoal
