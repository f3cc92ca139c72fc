#include "tests/model/reference/physical_memory.hpp"

#include <algorithm>

namespace shoal::model {

namespace {

uint64_t page_of(uint64_t address) { return address & ~uint64_t{kPageSize - 1}; }
// Of pages that some bytes of the device lie in.
uint64_t bytes_over(const Operation& op) { return round_up_to_pages(op.value % kPageSize + op.bytes); }

bool is_device(const Page* page) { return page != nullptr && page->type == RegionType::Direct; }

// Whether the second address has what comes next on the device.
bool goes_on(const ReferenceSpace& space, uint64_t address, uint64_t next) {
    const Page *one = space.find(address), *other = space.find(next);
    return is_device(one) && is_device(other) && next != kSlices && other->physical - one->physical == next - address;
}

}  // namespace

Error ReferenceDevice::check_map(const Operation& op) {
    if (check_protection(op.protection) != Error::None || op.bytes == 0) return Error::Invalid;
    return op.value > kDeviceBytes || op.bytes > kDeviceBytes || op.value + op.bytes > kDeviceBytes ? Error::Permission : Error::None;
}

bool ReferenceDevice::map_fits(const ReferenceSpace& space, const Operation& op, uint64_t chosen) {
    return chosen % kPageSize == op.value % kPageSize && chosen >= kLowestMap && space.is_free(page_of(chosen), bytes_over(op));
}

void ReferenceDevice::map(ReferenceSpace& space, const Operation& op, uint64_t chosen) {
    Page page;
    page.protection = op.protection;
    page.type = RegionType::Direct;
    page.shared = true;
    for (uint64_t offset = 0; offset < bytes_over(op); offset += kPageSize) {
        page.physical = kDeviceStart + page_of(op.value) + offset;
        page.contents = pages_.try_emplace(page.physical, zeros()).first->second;
        space.put(page_of(chosen) + offset, page);
    }
}

Error ReferenceDevice::unmap(ReferenceSpace& space, uint64_t address) {
    const uint64_t start = page_of(address);
    if (!is_device(space.find(start)) || goes_on(space, start - kPageSize, start)) return Error::BadAddress;
    uint64_t end = start + kPageSize;
    while (goes_on(space, end - kPageSize, end)) end += kPageSize;
    space.erase(start, end);
    return Error::None;
}

Outcome find_physical(const ReferenceSpace& space, uint64_t address) {
    const Page* page = space.find(page_of(address));
    if (page == nullptr) return {Error::BadAddress};
    if (page->type != RegionType::Direct && page->type != RegionType::Contiguous) return {Error::Invalid};
    Outcome outcome;
    outcome.value = page->physical + address % kPageSize;
    return outcome;
}

Outcome ReferenceHolds::add(Party holder, const Operation& op) {
    if (const Error error = check_range(op.address, op.bytes); error != Error::None) return {error};
    const uint64_t bytes = round_up_to_pages(op.bytes), end = op.address + bytes;
    if (bytes > kMostContiguousBytes) return {Error::Invalid};
    if (!holder.space.mapped_throughout(op.address, end) || (op.address < kSlices && end > kSlices)) return {Error::BadAddress};
    Hold hold{holder.name, holder.space.find(op.address)->physical, {}};
    bool contiguous = true;
    holder.space.for_each_in(op.address, end, [&](uint64_t, Page& page) {
        contiguous = contiguous && page.type == RegionType::Contiguous && page.physical == hold.end();
        hold.contents.push_back(page.contents);
    });
    if (!contiguous) return {Error::BadAddress};
    const bool overlap = std::any_of(holds_.begin(), holds_.end(), [&](const Hold& other) {
        return other.holder == hold.holder && other.physical < hold.end() && hold.physical < other.end();
    });
    if (overlap) return {Error::Exists};
    holder.space.for_each_in(op.address, end, [](uint64_t, Page& page) { page.shared = true; });
    Outcome outcome;
    outcome.value = hold.physical;
    holds_.push_back(hold);
    return outcome;
}

}  // namespace shoal::model
