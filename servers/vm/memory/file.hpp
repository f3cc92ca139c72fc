// File memory: pages of a file, as they are in the page cache. The leaves borrow them, with those beside that are cached; a page that is not has to be
// read first (files/file_read.hpp). Who writes to a private map gets a copy, which is anonymous from then on, and so is the last page of a map that
// ends before its page does. A fork's copy has the file attached, too, and copies of what was written.
//
// The page is looked up under the leaf's lock: so it is not taken away from that leaf before it is mapped there, or copied (cache/withdrawal.hpp).
#pragma once

#include "servers/vm/cache/page_cache.hpp"
#include "servers/vm/memory/map_around.hpp"

namespace shoal::vm {

struct FileMemory {
    static bool obtain(PageSupply& supply) {
        if (!wants_copy(supply) && !find(supply).once()) return true;
        return supply.zeroed.take();
    }
    static Touch supply(PageSupply& supply, Leaf& leaf, PageSpan region, unsigned page) {
        const ObjectPage there = find(supply);
        if (!there.there()) return Touch::Absent;
        if (wants_copy(supply) || there.once()) return supply_copy(supply, leaf, region, page, there);
        const PageState state = PageState::in_region(supply.attributes.attachment()->lending(), supply.attributes.access);
        map_unowned(supply.context, leaf, region, page, there.frame(), state);
        map_around(supply, leaf, region, page, PageBlock::place_of(supply.object_place().page), state);
        return Touch::Mapped;
    }
    static Result<PhysicalAddress> place(WorkerContext&, Space&, VirtualAddress, RegionAttributes) { return Error::Invalid; }
    static constexpr RegionAttributes inherited(RegionAttributes attributes) { return attributes; }

  private:
    // A hint, unless the leaf's lock is held.
    static ObjectPage find(PageSupply& supply) {
        const ObjectPlace place = supply.object_place();
        supply.block = supply.page_index().find(place.object, PageBlock::block_of(place.page));
        return supply.block == nullptr ? ObjectPage{} : supply.block->get(PageBlock::place_of(place.page));
    }
    static bool wants_copy(const PageSupply& supply) {
        const Attachment& attachment = *supply.attributes.attachment();
        const bool written = supply.needed.writes() && attachment.lending() == Ownership::BorrowedCopyOnWrite;
        return written || attachment.cleared_from(supply.object_place().page) < kPageSize;
    }
    static Touch supply_copy(PageSupply& supply, Leaf& leaf, PageSpan region, unsigned page, ObjectPage there) {
        if (!supply.zeroed.ready()) return Touch::Raced;
        const ObjectPlace place = supply.object_place();
        // The first who wants it has it, and the cache no longer.
        if (there.once() && !PageCache::take_once(supply.context, place, there.frame(), supply.zeroed.frame())) return Touch::Raced;
        auto* bytes = window_pointer<char>(supply.zeroed.frame());
        if (!there.once()) __builtin_memcpy(bytes, window_pointer(there.frame()), kPageSize);
        const uint64_t cleared = supply.attributes.attachment()->cleared_from(place.page);
        __builtin_memset(bytes + cleared, 0, kPageSize - cleared);
        map_page(supply.context, leaf, region, page, supply.zeroed.release(), supply.attributes.access);
        return Touch::Mapped;
    }
};

}  // namespace shoal::vm
