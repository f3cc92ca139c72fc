// The kinds of objects that lie in slabs. An index, not a pointer: it is stored in the arena. A type T names its own by
//     static constexpr SlabType kSlabType = SlabType::Region;
// and, if it is read without a lock after it may have been freed, also
//     static constexpr SlabKind kSlabKind = SlabKind::TypeStable;
// A type that is needed to give memory back keeps a stock in each CPU's magazine, which nothing else may take:
//     static constexpr uint32_t kStock = 16;
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/cpu.hpp"

namespace shoal::vm {

enum class SlabType : uint8_t {
    Space,
    Segment,
    Region,
    Leaf,
    Run,
    RunTree,
    Request,
    FlushBatch,
    LeafNode,
    SegmentDirectory,
    QuotaLease,
    QuotaDirectory,
    DmaHold,
    MemoryObject,
    Attachment,
    PageBlock,
    CachedPage,
    FileRequest,
    Watch,
    JointMapping,
    Test,
    TestStable,
};
inline constexpr size_t kSlabTypes = static_cast<size_t>(SlabType::TestStable) + 1;

enum class SlabKind : uint8_t {
    Ordinary,    // junk-filled after free (debug); an empty slab's frame goes back
    TypeStable,  // constructed once, when its slab is made; used again at once, and a T for as long as any worker may hold a
                 // pointer to it: an empty slab's frame goes back after a grace period (Reclaimer)
};

template <typename T>
constexpr SlabKind slab_kind_of() {
    if constexpr (requires { T::kSlabKind; }) {
        return T::kSlabKind;
    } else {
        return SlabKind::Ordinary;
    }
}

template <typename T>
constexpr uint16_t slab_stock_of() {
    if constexpr (requires { T::kStock; }) {
        return T::kStock;
    } else {
        return 0;
    }
}

// What the untyped part must know of a type; made at compile time and passed along, never stored.
struct SlabShape {
    SlabType type;
    SlabKind kind;
    uint16_t trailer;          // offset of the SlabTrailer behind the object [bytes]
    uint16_t stride;           // from object to object [bytes]
    uint16_t capacity;         // objects a slab
    uint16_t stock;            // objects kept in the magazine for what gives memory back
    void (*construct)(void*);  // TypeStable only

    template <typename T>
    static consteval SlabShape of();
};

}  // namespace shoal::vm
