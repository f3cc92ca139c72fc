#include "tests/model/reference/reference_space.hpp"

#include <algorithm>

#include "abi/message.hpp"

namespace shoal::model {

namespace {

constexpr uint64_t kPage = kPageSize, kSlices = uint64_t{1} << 46;
constexpr uint64_t kKnownProtections = kProtectRead | kProtectWrite | kProtectExecute;

uint64_t next_mapping() {
    static uint64_t last = 0;
    return ++last;
}

std::shared_ptr<ReferenceSpace::Contents> zeros() {
    return std::make_shared<ReferenceSpace::Contents>();
}

Error check_protection(uint64_t protection) {
    if ((protection & ~kKnownProtections) != 0) return Error::Invalid;
    const bool both = (protection & kProtectWrite) != 0 && (protection & kProtectExecute) != 0;
    return both ? Error::Invalid : Error::None;
}

// Over the border between the common half and the slices there is none.
Error check_contiguous(const Operation& op) {
    if ((op.flags & kMapContiguous) == 0) return Error::None;
    if ((op.flags & kMapPopulate) == 0 || (op.flags & (kMapFixed | kMapGrowsDown | kMapShared)) != 0) return Error::Invalid;
    const bool exact = (op.flags & kMapFixedNoReplace) != 0;
    const bool crosses = op.address < kSlices && op.address + op.bytes > kSlices;
    return op.bytes > kMostContiguousBytes || (exact && crosses) ? Error::NoMemory : Error::None;
}

}  // namespace

bool allows(uint64_t protection, Kind access) {
    switch (access) {
        case Kind::Write: return (protection & kProtectWrite) != 0;
        case Kind::Execute: return (protection & kProtectExecute) != 0;
        // x86 pages that can be written or executed can be read (SDM vol. 3A, 4.6).
        default: return protection != kProtectNone;
    }
}

uint64_t round_up_to_pages(uint64_t bytes) { return (bytes + kPage - 1) & ~(kPage - 1); }

Error check_range(uint64_t address, uint64_t bytes) {
    if (address % kPage != 0 || bytes == 0) return Error::Invalid;
    if (bytes > kUserTop || address > kUserTop - round_up_to_pages(bytes)) return Error::BadAddress;
    return Error::None;
}

Error ReferenceSpace::check_map(const Operation& op) const {
    if (op.bytes == 0) return Error::Invalid;
    if (op.bytes > kUserTop) return Error::NoMemory;
    if (const Error error = check_protection(op.protection); error != Error::None) return error;
    if ((op.flags & kMapGrowsDown) != 0 && (op.bytes <= kPage || (op.flags & kMapShared) != 0)) return Error::Invalid;  // the guard alone
    const uint64_t bytes = round_up_to_pages(op.bytes);
    if ((op.flags & (kMapFixed | kMapFixedNoReplace)) != 0) {
        if (op.address % kPage != 0 || op.address < kLowestMap) return Error::Invalid;
        if (bytes > kUserTop || op.address > kUserTop - bytes) return Error::NoMemory;
    }
    if (const Error error = check_contiguous(op); error != Error::None) return error;
    if ((op.flags & kMapFixedNoReplace) != 0 && !is_free(op.address, bytes)) return Error::Exists;
    return Error::None;
}

Error ReferenceSpace::check_map_file(const Operation& op) const {
    const Error error = check_map(op);
    if (error != Error::None && error != Error::Exists) return error;
    const bool written = (op.flags & kMapShared) != 0 && allows(op.protection, Kind::Write);
    return written ? Error::NoDevice : error;
}

bool ReferenceSpace::map_fits(const Operation& op, uint64_t chosen) const {
    const uint64_t bytes = round_up_to_pages(op.bytes);
    if (chosen % kPage != 0 || chosen == 0 || bytes > kUserTop || chosen > kUserTop - bytes) return false;
    if ((op.flags & kMapFixed) != 0) return chosen == op.address;
    return is_free(chosen, bytes);
}

void ReferenceSpace::map(const Operation& op, uint64_t chosen) {
    const uint64_t end = chosen + round_up_to_pages(op.bytes);
    const bool contiguous = (op.flags & kMapContiguous) != 0, shared = (op.flags & kMapShared) != 0;
    const uint64_t mapping = shared ? next_mapping() : 0;
    erase(chosen, end);
    for (uint64_t page = chosen; page < end; page += kPage)
        pages_[page] = Page{op.protection, false, shared, contiguous, zeros(), mapping, false, shared};
    if ((op.flags & kMapGrowsDown) != 0) pages_.at(chosen).guard = true;
}

std::shared_ptr<ReferenceSpace::Contents> ReferenceSpace::file_contents(uint64_t page) {
    const uint64_t word = (uint64_t{1} << 32) + page + 1;
    return std::make_shared<Contents>(Contents{word, 0, ~word});
}

// What the file holds never changes: so each page may as well be a copy.
void ReferenceSpace::map_file(const Operation& op, uint64_t chosen) {
    const uint64_t end = chosen + round_up_to_pages(op.bytes);
    uint64_t number = op.value;
    erase(chosen, end);
    for (uint64_t page = chosen; page < end; page += kPage, ++number) {
        Page mapped{op.protection, false, false, false, file_contents(number)};
        mapped.read_only = (op.flags & kMapShared) != 0;
        mapped.file_page = number;
        pages_[page] = mapped;
    }
}

Error ReferenceSpace::unmap(const Operation& op) {
    if (const Error error = check_range(op.address, op.bytes); error != Error::None) return error;
    erase(op.address, op.address + round_up_to_pages(op.bytes));
    return Error::None;
}

Error ReferenceSpace::protect(const Operation& op) {
    if (const Error error = check_protection(op.protection); error != Error::None) return error;
    if (const Error error = check_range(op.address, op.bytes); error != Error::None) return error;
    const uint64_t end = op.address + round_up_to_pages(op.bytes);
    if (!mapped_throughout(op.address, end)) return Error::BadAddress;
    for (uint64_t page = op.address; page < end; page += kPage)
        if (allows(op.protection, Kind::Write) && pages_.at(page).read_only) return Error::AccessDenied;
    for (uint64_t page = op.address; page < end; page += kPage)
        pages_.at(page).protection = op.protection;
    return Error::None;
}

Error ReferenceSpace::dont_need(const Operation& op) {
    if (const Error error = check_range(op.address, op.bytes); error != Error::None) return error;
    const uint64_t end = op.address + round_up_to_pages(op.bytes);
    if (!mapped_throughout(op.address, end)) return Error::BadAddress;
    for (uint64_t page = op.address; page < end; page += kPage)
        if (Page& at = pages_.at(page); !at.shared && !at.pinned)
            at.contents = at.file_page == kNoFile ? zeros() : file_contents(at.file_page);
    return Error::None;
}

Outcome ReferenceSpace::brk(const Operation& op) {
    Outcome outcome;
    outcome.address = heap_end_;
    if (op.address == 0) return outcome;
    const uint64_t old_top = round_up_to_pages(heap_end_), top = round_up_to_pages(op.address);
    const bool within = op.address >= kHeapStart && op.address < kHeapLimit;
    if (!within || (top > old_top && !is_free(old_top, top - old_top))) {
        outcome.error = Error::NoMemory;
        return outcome;
    }
    for (uint64_t page = old_top; page < top; page += kPage)
        pages_[page] = Page{kProtectRead | kProtectWrite, false, false, false, zeros()};
    if (top < old_top) erase(top, old_top);
    outcome.address = heap_end_ = op.address;
    return outcome;
}

// What is in the way of the first page that something is in the way of.
Error ReferenceSpace::touch(const Operation& op) const {
    if (op.bytes == 0) return Error::Invalid;
    if (op.address >= kUserTop || op.bytes > kUserTop - op.address) return Error::BadAddress;
    const Kind access = (op.flags & kFaultWrite) != 0 ? Kind::Write : Kind::Read;
    for (uint64_t page = op.address & ~(kPage - 1); page < op.address + op.bytes; page += kPage) {
        const auto found = pages_.find(page);
        if (found == pages_.end()) return Error::BadAddress;
        if (found->second.guard || !allows(found->second.protection, access)) return Error::AccessDenied;
    }
    return Error::None;
}

Outcome ReferenceSpace::access(const Operation& op) {
    Outcome outcome;
    const auto found = pages_.find(op.address & ~(kPage - 1));
    if (found == pages_.end() || found->second.guard || !allows(found->second.protection, op.kind)) {
        outcome.access = Access::Refused;
        return outcome;
    }
    if (op.kind == Kind::Execute) return outcome;
    uint64_t& word = (*found->second.contents)[op.word];
    if (op.kind == Kind::Write) word = op.value;
    outcome.value = word;
    return outcome;
}

bool ReferenceSpace::can_share_from(const Operation& op) const {
    const uint64_t end = op.address + round_up_to_pages(op.bytes);
    if (!mapped_throughout(op.address, end)) return false;
    const uint64_t first = pages_.at(op.address).protection;
    for (uint64_t page = op.address; page < end; page += kPage) {
        const Page& at = pages_.at(page);
        if (at.guard || at.read_only || at.file_page != kNoFile || !allows(at.protection, Kind::Read)) return false;
        for (const Kind kind : {Kind::Write, Kind::Execute})
            if (allows(at.protection, kind) != allows(first, kind)) return false;
    }
    return true;
}

bool ReferenceSpace::is_free(uint64_t start, uint64_t bytes) const {
    const auto next = pages_.lower_bound(start);
    return next == pages_.end() || next->first >= start + bytes;
}

void ReferenceSpace::share_from(ReferenceSpace& source, const Operation& op) {
    const uint64_t end = op.address + round_up_to_pages(op.bytes);
    for (uint64_t page = op.address; page < end; page += kPage) {
        Page& from = source.pages_.at(page);
        from.shared = true;
        pages_[page] = from;
        pages_[page].mapping = 0;
    }
}

// One mapping throughout, with one protection.
Error ReferenceSpace::check_remap(const Operation& op) const {
    const uint64_t end = op.address + round_up_to_pages(op.bytes);
    const auto first = pages_.find(op.address);
    if (first == pages_.end()) return Error::BadAddress;
    if (first->second.mapping == 0) return Error::Invalid;
    if (!mapped_throughout(op.address, end)) return Error::BadAddress;
    for (uint64_t page = op.address; page < end; page += kPage) {
        const Page& at = pages_.at(page);
        if (at.mapping != first->second.mapping) return Error::BadAddress;
        for (const Kind kind : {Kind::Read, Kind::Write, Kind::Execute})
            if (allows(at.protection, kind) != allows(first->second.protection, kind)) return Error::BadAddress;
    }
    return Error::None;
}

void ReferenceSpace::remap_from(const ReferenceSpace& source, const Operation& op, uint64_t chosen) {
    const uint64_t mapping = next_mapping(), bytes = round_up_to_pages(op.bytes);
    for (uint64_t offset = 0; offset < bytes; offset += kPage) {
        Page page = source.pages_.at(op.address + offset);
        page.mapping = mapping;
        page.read_only = page.read_only || op.flags != 0;
        if (page.read_only) page.protection &= ~uint64_t{kProtectWrite};
        if (page.protection == kProtectNone && allows(source.pages_.at(op.address + offset).protection, Kind::Read)) page.protection = kProtectRead;
        pages_[chosen + offset] = page;
    }
}

void ReferenceSpace::copy_from(const ReferenceSpace& source) {
    *this = source;
    for (auto& [address, page] : pages_) {
        page.pinned = false;
        if (!page.shared) page.contents = std::make_shared<Contents>(*page.contents);
    }
}

void ReferenceSpace::clear() {
    pages_.clear();
    heap_end_ = kHeapStart;
}

uint64_t ReferenceSpace::page_near(uint64_t choice) const {
    if (pages_.empty()) return 0;
    const auto found = pages_.lower_bound(choice);
    return found == pages_.end() ? pages_.begin()->first : found->first;
}

bool ReferenceSpace::mapped_throughout(uint64_t start, uint64_t end) const {
    auto next = pages_.lower_bound(start);
    for (uint64_t page = start; page < end; page += kPage, ++next)
        if (next == pages_.end() || next->first != page) return false;
    return true;
}

void ReferenceSpace::erase(uint64_t start, uint64_t end) {
    pages_.erase(pages_.lower_bound(start), pages_.lower_bound(end));
}

ReferenceSpace::Page* ReferenceSpace::find(uint64_t page) {
    const auto found = pages_.find(page);
    return found == pages_.end() ? nullptr : &found->second;
}

namespace {

Error check_blocks(const Operation& op, uint64_t most) {
    const uint64_t pages = round_up_to_pages(op.bytes) / kPage;
    return pages == 0 || pages > most ? Error::Invalid : Error::None;
}

}  // namespace

// The caller has made the range present and writable: what is private is the space's alone.
Error ReferenceCache::set(ReferenceSpace& space, const Operation& op) {
    if (const Error error = check_blocks(op, kMostCachePages); error != Error::None) return error;
    if (op.address % kPage != 0) return Error::BadAddress;
    uint64_t block = op.value;
    for (uint64_t page = op.address; page < op.address + round_up_to_pages(op.bytes); page += kPage, ++block) {
        ReferenceSpace::Page* at = space.find(page);
        if (at == nullptr) return Error::BadAddress;
        const auto there = blocks_.find(block);
        if (there != blocks_.end() && there->second.contents == at->contents) continue;
        blocks_.erase(block);  // what was there gives way, whatever becomes of this one
        if (at->mapping != 0 || (at->pinned && !at->shared)) return Error::BadAddress;
        if (at->shared && (at->of_object || at->contents.use_count() > 1)) return Error::Invalid;
        at->shared = true;
        blocks_[block] = {at->contents};
    }
    return Error::None;
}

Error ReferenceCache::check_map(const Operation& op) const {
    if (const Error error = check_blocks(op, kMostCachePages); error != Error::None) return error;
    for (uint64_t block = op.value; block < op.value + round_up_to_pages(op.bytes) / kPage; ++block)
        if (blocks_.find(block) == blocks_.end()) return Error::NoEntry;
    return Error::None;
}

void ReferenceCache::map(ReferenceSpace& space, const Operation& op, uint64_t chosen) {
    uint64_t number = op.value;
    for (uint64_t page = chosen; page < chosen + round_up_to_pages(op.bytes); page += kPage) {
        Block& block = blocks_.at(number++);
        block.doubtful = false;
        space.put(page, {kProtectRead | kProtectWrite, false, true, false, block.contents});
    }
}

void ReferenceCache::call_in() {
    for (auto& [number, block] : blocks_) block.doubtful = block.doubtful || block.contents.use_count() == 1;
}

bool ReferenceCache::may_have_given_way(const Operation& op) const {
    const auto end = blocks_.lower_bound(op.value + round_up_to_pages(op.bytes) / kPage);
    return std::any_of(blocks_.lower_bound(op.value), end, [](const auto& block) { return block.second.doubtful; });
}

Error ReferenceCache::forget(const Operation& op) {
    if (op.bytes == 0) blocks_.clear();
    else blocks_.erase(blocks_.lower_bound(op.value), blocks_.lower_bound(op.value + round_up_to_pages(op.bytes) / kPage));
    return Error::None;
}

}  // namespace shoal::model
