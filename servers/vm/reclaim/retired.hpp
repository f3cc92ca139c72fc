// What retired objects are: the index that a RetireHook stores, and by which the worker knows how to end the object.
#pragma once

#include <cstdint>

namespace shoal::vm {

enum class Retired : uint8_t { Slab, Leaf, ExitRequest, TrimRequest, Attachment, MemoryObject, PageBlock };
constexpr uint8_t deleter_of(Retired what) { return static_cast<uint8_t>(what); }

}  // namespace shoal::vm
