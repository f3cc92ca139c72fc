// CachedPage: a page of a device's that VM keeps: where it lies on the device, and in which file.
//
// The frame is the cache's, FrameKind::Cached, with one reference of the cache's own and one of each leaf of a file server that has it mapped; its
// owner is this. Leaves of processes that have the file mapped borrow it. Guarded by the device's lock.
#pragma once

#include "servers/vm/objects/memory_object.hpp"

namespace shoal::vm {

enum class CacheUse : uint8_t {
    Keep,
    Once,  // whoever maps it first takes it out of the cache
};

struct CachedPage {
    static constexpr SlabType kSlabType = SlabType::CachedPage;

    CachedPage(MemoryObject& lies_on, uint64_t at, FrameNumber is, CacheUse how) : device(&lies_on), device_page(at), frame(is), use(how) {}

    MemoryObject* const device;
    const uint64_t device_page;
    MemoryObject* file = nullptr;  // nullptr: of no file that is known
    uint64_t file_page = 0;
    const FrameNumber frame;
    CacheUse use;
    bool recent = true;            // used since the evictor came by
};

}  // namespace shoal::vm
