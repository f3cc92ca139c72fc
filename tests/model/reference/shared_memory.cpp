#include "tests/model/reference/shared_memory.hpp"

#include <set>

namespace shoal::model {

namespace {

uint64_t end_of(const Operation& op) { return op.address + round_up_to_pages(op.bytes); }

// What is lent to be read, a file's, or somebody's who only lets it be read, is not the source's to give.
bool may_be_shared(const Page& page) {
    return !page.guard && !page.read_only && page.type != RegionType::File && page.type != RegionType::Direct && page.joint != Joint::ReadOnly && page.joint != Joint::Orphaned &&
           allows(page.protection, Kind::Read);
}

bool all_may_be_shared(const ReferenceSpace& source, const Operation& op) {
    if (!source.mapped_throughout(op.address, end_of(op))) return false;
    const uint64_t protection = source.find(op.address)->protection;
    return !source.any_in(op.address, end_of(op), [&](const Page& page) { return !may_be_shared(page) || !alike(page.protection, protection); });
}

// One mapping throughout, with one protection.
Error check_remapped(const ReferenceSpace& source, const Operation& op) {
    const Page* first = source.find(op.address);
    if (first == nullptr) return Error::BadAddress;
    if (first->mapping == 0) return Error::Invalid;
    if (!source.mapped_throughout(op.address, end_of(op))) return Error::BadAddress;
    const auto differs = [&](const Page& page) { return page.mapping != first->mapping || !alike(page.protection, first->protection); };
    return source.any_in(op.address, end_of(op), differs) ? Error::BadAddress : Error::None;
}

}  // namespace

Error check_share(const ReferenceSpace& source, const ReferenceSpace& destination, const Operation& op) {
    if (const Error error = check_range(op.address, op.bytes); error != Error::None) return error;
    if (op.space == op.other) return Error::Invalid;
    if (!all_may_be_shared(source, op)) return Error::BadAddress;
    return destination.is_free(op.address, round_up_to_pages(op.bytes)) ? Error::None : Error::Exists;
}

// What the source has from another by a grant, or the other from it, stays that.
void share(ReferenceSpace& source, ReferenceSpace& destination, const Operation& op) {
    source.for_each_in(op.address, end_of(op), [&](uint64_t address, Page& from) {
        if (from.joint == Joint::No) from.shared = true;
        Page page;
        page.protection = from.protection;
        page.contents = from.contents;
        page.of_object = from.of_object;
        page.shared = true;
        destination.put(address, page);
    });
}

Error check_remap(const ReferenceSpace& source, const ReferenceSpace& destination, const Operation& op) {
    if (const Error error = check_range(op.address, op.bytes); error != Error::None) return error;
    const uint64_t bytes = round_up_to_pages(op.bytes);
    const bool possible = op.value % kPageSize == 0 && op.value >= kLowestMap && op.value < kUserTop && bytes <= kUserTop - op.value;
    if (op.value != 0 && !possible) return Error::Invalid;
    if (const Error error = check_remapped(source, op); error != Error::None) return error;
    return op.value == 0 || destination.is_free(op.value, bytes) ? Error::None : Error::Exists;
}

bool remap_fits(const ReferenceSpace& destination, const Operation& op, uint64_t chosen) {
    return op.value != 0 ? chosen == op.value : chosen != 0 && destination.is_free(chosen, round_up_to_pages(op.bytes));
}

void remap(ReferenceSpace& source, ReferenceSpace& destination, const Operation& op, uint64_t chosen) {
    const uint64_t mapping = next_number();
    std::map<uint64_t, Page> pages;  // source and destination may be one
    source.for_each_in(op.address, end_of(op), [&](uint64_t address, const Page& page) { pages[chosen + (address - op.address)] = page; });
    for (auto& [address, page] : pages) {
        page.mapping = mapping;
        page.read_only = page.read_only || op.flags != 0;
        if (page.read_only && page.protection != kProtectNone) page.protection = (page.protection & ~uint64_t{kProtectWrite}) | kProtectRead;
        destination.put(address, page);
    }
}

namespace {

bool is_of(const Page* page, uint64_t mapping) { return page != nullptr && page->mapping == mapping; }

}  // namespace

Error unmap_shared(ReferenceSpace& space, uint64_t address) {
    const uint64_t start = address & ~uint64_t{kPageSize - 1};
    const Page* first = space.find(start);
    if (first == nullptr || first->mapping == 0) return Error::BadAddress;
    const uint64_t mapping = first->mapping;
    if (start != kSlices && is_of(space.find(start - kPageSize), mapping)) return Error::BadAddress;
    uint64_t end = start + kPageSize;
    while (end != kSlices && is_of(space.find(end), mapping)) end += kPageSize;
    space.erase(start, end);
    return Error::None;
}

uint64_t count_mappings(const std::vector<ReferenceSpace>& spaces, uint64_t object) {
    uint64_t count = 0;
    for (const ReferenceSpace& space : spaces) {
        std::set<uint64_t> mappings;
        space.for_each([&](uint64_t, const Page& page) {
            if (page.mapping != 0 && page.object == object) mappings.insert(page.mapping);
        });
        count += mappings.size();
    }
    return count;
}

}  // namespace shoal::model
