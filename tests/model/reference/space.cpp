#include "tests/model/reference/space.hpp"

#include <algorithm>

#include "abi/message.hpp"

namespace shoal::model {

namespace {

constexpr uint64_t kPage = kPageSize;

Page own_page(uint64_t protection) {
    Page page;
    page.protection = protection;
    page.contents = zeros();
    return page;
}

// Over the border between the common half and the slices there is none.
Error check_contiguous(const Operation& op, bool may_limit) {
    constexpr uint64_t kLimits = kMapBelow16M | kMapBelow1M, kAny = kMapContiguous | kLimits | kMapAligned64K;
    constexpr uint64_t kNeeded = kMapContiguous | kMapPopulate, kRefused = kMapFixed | kMapGrowsDown | kMapShared;
    if ((op.flags & kAny) == 0) return Error::None;
    if ((op.flags & kNeeded) != kNeeded || (op.flags & kRefused) != 0) return Error::Invalid;
    if (round_up_to_pages(op.bytes) > std::min(kMostContiguousBytes, contiguous_limit(op.flags))) return Error::NoMemory;
    if ((op.flags & kLimits) != 0 && !may_limit) return Error::Permission;
    const bool exact = (op.flags & kMapFixedNoReplace) != 0;
    const bool crosses = op.address < kSlices && op.address + op.bytes > kSlices;
    return exact && crosses ? Error::NoMemory : Error::None;
}

// Who no longer needs it finds it as it was.
bool keeps_contents(const Page& page) {
    return page.shared || page.joint != Joint::No || page.type == RegionType::Contiguous;
}

}  // namespace

uint64_t contiguous_limit(uint64_t flags) {
    if ((flags & kMapBelow1M) != 0) return uint64_t{1} << 20;
    return (flags & kMapBelow16M) != 0 ? uint64_t{16} << 20 : ~uint64_t{0};
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
    if (const Error error = check_contiguous(op, may(VmCall::Mmap)); error != Error::None) return error;
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

// physical: where contiguous memory lies.
void ReferenceSpace::map(const Operation& op, uint64_t chosen, uint64_t physical) {
    const uint64_t end = chosen + round_up_to_pages(op.bytes);
    const bool shared = (op.flags & kMapShared) != 0;
    Page page = own_page(op.protection);
    page.shared = page.of_object = shared;
    page.mapping = page.object = shared ? next_number() : 0;
    page.in_stack = (op.flags & kMapGrowsDown) != 0;
    if ((op.flags & kMapContiguous) != 0) page.type = RegionType::Contiguous;
    if (shared) page.type = RegionType::Shared;
    erase(chosen, end);
    for (uint64_t at = chosen; at < end; at += kPage) {
        page.contents = zeros();
        page.physical = page.type == RegionType::Contiguous ? physical + (at - chosen) : 0;
        put(at, page);
    }
    if ((op.flags & kMapGrowsDown) == 0) return;
    pages_.at(chosen).guard = true;
    cut_stack(kSlices);
}

// What the file holds never changes: so each page may as well be a copy.
void ReferenceSpace::map_file(const Operation& op, uint64_t chosen) {
    const uint64_t end = chosen + round_up_to_pages(op.bytes);
    Page page = own_page(op.protection);
    page.type = RegionType::File;
    page.read_only = op.kind == Kind::MapFile && (op.flags & kMapShared) != 0;
    page.file_page = op.value;
    erase(chosen, end);
    for (uint64_t at = chosen; at < end; at += kPage, ++page.file_page) {
        if (at + kPage == end) page.clear_bytes = op.kind == Kind::MapImage ? op.flags : 0;
        page.contents = file_contents(page.file_page, page.clear_bytes);
        put(at, page);
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
    const bool refused = allows(op.protection, Kind::Write) && any_in(op.address, end, [](const Page& page) { return page.read_only; });
    if (refused) return Error::AccessDenied;
    for_each_in(op.address, end, [&](uint64_t, Page& page) { page.protection = op.protection; });
    for (const uint64_t border : {op.address, end}) cut_stack(border);
    return Error::None;
}

Error ReferenceSpace::dont_need(const Operation& op) {
    if (const Error error = check_range(op.address, op.bytes); error != Error::None) return error;
    const uint64_t end = op.address + round_up_to_pages(op.bytes);
    if (!mapped_throughout(op.address, end)) return Error::BadAddress;
    for_each_in(op.address, end, [](uint64_t, Page& page) {
        if (!keeps_contents(page)) page.contents = page.file_page == kNoFile ? zeros() : file_contents(page.file_page, page.clear_bytes);
    });
    return Error::None;
}

Outcome ReferenceSpace::brk(const Operation& op) {
    Outcome outcome;
    outcome.address = heap_end_;
    if (op.address == 0) return outcome;
    const uint64_t old_top = round_up_to_pages(heap_end_), top = round_up_to_pages(op.address);
    const bool within = op.address >= heap_start_ && op.address < kHeapLimit;
    if (!within || (top > old_top && !is_free(old_top, top - old_top))) return {Error::NoMemory};
    for (uint64_t page = old_top; page < top; page += kPage) put(page, own_page(kProtectRead | kProtectWrite));
    if (top < old_top) erase(top, old_top);
    outcome.address = heap_end_ = op.address;
    return outcome;
}

bool ReferenceSpace::let_write(Page& page) {
    if (!allows(page.protection, Kind::Write) || (page.joint == Joint::ReadOnly && !page.alone())) return false;
    if (page.joint == Joint::ReadOnly || page.joint == Joint::Orphaned) page.become_own();
    return true;
}

Error ReferenceSpace::check_reached(uint64_t page, bool writes) {
    Page* found = find(page);
    if (found == nullptr) return Error::BadAddress;
    const bool may = !found->guard && allows(found->protection, Kind::Read) && (!writes || let_write(*found));
    return may ? Error::None : Error::AccessDenied;
}

// What is in the way of the first page that something is in the way of.
Error ReferenceSpace::touch(const Operation& op) {
    if (op.bytes == 0) return Error::Invalid;
    if (op.address >= kUserTop || op.bytes > kUserTop - op.address) return Error::BadAddress;
    for (uint64_t page = op.address & ~(kPage - 1); page < op.address + op.bytes; page += kPage)
        if (const Error error = check_reached(page, (op.flags & kFaultWrite) != 0); error != Error::None) return error;
    return Error::None;
}

Error ReferenceSpace::reach(const Operation& op) {
    if (op.address >= kUserTop || op.bytes > kUserTop - op.address) return Error::BadAddress;
    if (op.bytes == 0) return Error::None;
    for (uint64_t page = op.address & ~(kPage - 1); page < op.address + op.bytes; page += kPage) {
        if (const Error error = check_reached(page, (op.flags & kFaultWrite) != 0); error != Error::None) return error;
        if (find(page)->type == RegionType::Direct) return Error::BadAddress;
    }
    return Error::None;
}

Outcome ReferenceSpace::access(const Operation& op) {
    Outcome outcome;
    Page* page = find(op.address & ~(kPage - 1));
    const bool allowed = page != nullptr && !page->guard && allows(page->protection, op.kind);
    if (!allowed || (op.kind == Kind::Write && !let_write(*page))) {
        outcome.access = Access::Refused;
        return outcome;
    }
    if (op.kind == Kind::Execute) return outcome;
    uint64_t& word = (*page->contents)[op.word];
    if (op.kind == Kind::Write) word = op.value;
    outcome.value = word;
    return outcome;
}

void ReferenceSpace::copy_from(const ReferenceSpace& source) {
    pages_ = source.pages_;
    heap_start_ = source.heap_start_;
    heap_end_ = source.heap_end_;
    for (auto& [address, page] : pages_) page.be_copy();
}

void ReferenceSpace::clear() {
    pages_.clear();
    begin_heap(kHeapStart);
}

Page* ReferenceSpace::find(uint64_t page) {
    const auto found = pages_.find(page);
    return found == pages_.end() ? nullptr : &found->second;
}

bool ReferenceSpace::is_free(uint64_t start, uint64_t bytes) const {
    const auto next = pages_.lower_bound(start);
    return next == pages_.end() || next->first >= start + bytes;
}

bool ReferenceSpace::mapped_throughout(uint64_t start, uint64_t end) const {
    auto next = pages_.lower_bound(start);
    for (uint64_t page = start; page < end; page += kPage, ++next)
        if (next == pages_.end() || next->first != page) return false;
    return true;
}

void ReferenceSpace::erase(uint64_t start, uint64_t end) {
    pages_.erase(pages_.lower_bound(start), pages_.lower_bound(end));
    cut_stack(end);
}

// A stack that goes on over the address is one no longer from there.
void ReferenceSpace::cut_stack(uint64_t address) {
    for (Page* page = find(address); page != nullptr && page->in_stack && !page->guard; page = find(address += kPage)) page->in_stack = false;
}

uint64_t ReferenceSpace::page_near(uint64_t choice) const {
    if (pages_.empty()) return 0;
    const auto found = pages_.lower_bound(choice);
    return found == pages_.end() ? pages_.begin()->first : found->first;
}

}  // namespace shoal::model
