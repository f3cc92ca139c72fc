#include "tests/model/reference/page_cache.hpp"

#include <algorithm>

namespace shoal::model {

namespace {

uint64_t pages_of(const Operation& op) { return round_up_to_pages(op.bytes) / kPageSize; }

Error check_blocks(const Operation& op) {
    const uint64_t pages = pages_of(op);
    return pages == 0 || pages > kMostCachePages ? Error::Invalid : Error::None;
}

// What a page that is ready to be written says to being cached.
Error check_page(const Page& page) {
    if (page.mapping != 0 || page.type == RegionType::Direct || (page.type == RegionType::Contiguous && !page.shared)) return Error::BadAddress;
    const bool others = page.shared || page.joint != Joint::No;
    return others && !page.alone() ? Error::Invalid : Error::None;
}

}  // namespace

// The caller has made the range present and writable: what is private is the space's alone.
Error ReferenceCache::set(ReferenceSpace& space, const Operation& op) {
    if (const Error error = check_blocks(op); error != Error::None) return error;
    if (op.address % kPageSize != 0) return Error::BadAddress;
    const bool once = CacheFlagsOf::of(op.flags).once;
    uint64_t number = op.value;
    for (uint64_t address = op.address; address < op.address + round_up_to_pages(op.bytes); address += kPageSize, ++number) {
        Page* page = space.find(address);
        if (page == nullptr) return Error::BadAddress;
        const auto there = blocks_.find(number);
        const bool same = there != blocks_.end() && there->second.contents == page->contents && !there->second.once;
        if (same) continue;
        blocks_.erase(number);  // what was there gives way, whatever becomes of this one
        if (const Error error = check_page(*page); error != Error::None) return error;
        page->shared = true;
        page->joint = Joint::No;
        blocks_[number] = {page->contents, once};
    }
    return Error::None;
}

Error ReferenceCache::check_map(const Operation& op) const {
    if (const Error error = check_blocks(op); error != Error::None) return error;
    for (uint64_t number = op.value; number < op.value + pages_of(op); ++number) {
        const auto block = blocks_.find(number);
        if (block == blocks_.end() || block->second.once) return Error::NoEntry;
    }
    return Error::None;
}

void ReferenceCache::map(ReferenceSpace& space, const Operation& op, uint64_t chosen) {
    Page page;
    page.protection = kProtectRead | kProtectWrite;
    page.type = RegionType::Cache;
    page.shared = true;
    for (uint64_t i = 0; i < pages_of(op); ++i) {
        Block& block = blocks_.at(op.value + i);
        block.doubtful = false;
        page.contents = block.contents;
        space.put(chosen + i * kPageSize, page);
    }
}

void ReferenceCache::call_in() {
    for (auto& [number, block] : blocks_) block.doubtful = block.doubtful || block.contents.use_count() == 1;
}

bool ReferenceCache::may_have_given_way(const Operation& op) const {
    const auto end = blocks_.lower_bound(op.value + pages_of(op));
    return std::any_of(blocks_.lower_bound(op.value), end, [](const auto& block) { return block.second.doubtful; });
}

Error ReferenceCache::forget(const Operation& op) {
    if (op.bytes == 0) blocks_.clear();
    else blocks_.erase(blocks_.lower_bound(op.value), blocks_.lower_bound(op.value + pages_of(op)));
    return Error::None;
}

}  // namespace shoal::model
