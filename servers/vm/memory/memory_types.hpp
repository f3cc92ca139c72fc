// The memory types, side by side: one interface, a file each.
//
//     obtain()       before any lock: makes ready what an absent page needs. False: no quota
//     supply()       under the leaf's lock: maps the absent page. Raced: once more from the start; Absent: it has to be read first
//     inherited()    what the region is in a fork's copy; what becomes of its pages there, their Ownership says (leaf/copy_on_write.hpp)
//     place()        under the segment's lock: the physical address of what stays where it is. Invalid: it may be moved; BadAddress: not yet
//                    there
#pragma once

#include <concepts>

#include "servers/vm/memory/anonymous.hpp"
#include "servers/vm/memory/cache.hpp"
#include "servers/vm/memory/contiguous.hpp"
#include "servers/vm/memory/direct.hpp"
#include "servers/vm/memory/file.hpp"
#include "servers/vm/memory/shared.hpp"

namespace shoal::vm {

template <typename T>
concept Memory = requires(PageSupply& page_supply, Leaf& leaf, PageSpan region, unsigned page, RegionAttributes attributes,
                          WorkerContext& context, Space& space, VirtualAddress address) {
    { T::obtain(page_supply) } -> std::same_as<bool>;
    { T::supply(page_supply, leaf, region, page) } -> std::same_as<Touch>;
    { T::place(context, space, address, attributes) } -> std::same_as<Result<PhysicalAddress>>;
    { T::inherited(attributes) } -> std::same_as<RegionAttributes>;
};

// Calls use(X{}), X being the type's struct.
template <typename Use>
constexpr decltype(auto) with_memory(MemoryType type, Use use) {
    static_assert(Memory<AnonymousMemory> && Memory<ContiguousMemory> && Memory<DirectMemory> && Memory<SharedMemory> &&
                  Memory<CacheMemory> && Memory<FileMemory>);
    switch (type) {
        case MemoryType::Contiguous: return use(ContiguousMemory{});
        case MemoryType::Direct: return use(DirectMemory{});
        case MemoryType::Shared: return use(SharedMemory{});
        case MemoryType::Cache: return use(CacheMemory{});
        case MemoryType::File: return use(FileMemory{});
        case MemoryType::Anonymous: break;
    }
    return use(AnonymousMemory{});
}

inline bool obtain(PageSupply& supply) {
    return with_memory(supply.attributes.type, [&](auto memory) { return decltype(memory)::obtain(supply); });
}
inline Touch supply_page(PageSupply& supply, Leaf& leaf, PageSpan region, unsigned page) {
    return with_memory(supply.attributes.type, [&](auto memory) { return decltype(memory)::supply(supply, leaf, region, page); });
}
inline RegionAttributes inherited(RegionAttributes attributes) {
    return with_memory(attributes.type, [&](auto memory) { return decltype(memory)::inherited(attributes); });
}
inline Result<PhysicalAddress> place_of(WorkerContext& context, Space& space, VirtualAddress address, RegionAttributes attributes) {
    return with_memory(attributes.type, [&](auto memory) { return decltype(memory)::place(context, space, address, attributes); });
}

}  // namespace shoal::vm
