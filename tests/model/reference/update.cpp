#include "tests/model/reference/update.hpp"

#include <algorithm>
#include <vector>

namespace shoal::model {

namespace {

constexpr uint64_t kMaps = kHeapLimit;  // above images and heaps

struct Stretch {
    uint64_t start, end;
    Page like;
};

bool continues(const Stretch& stretch, uint64_t address, const Page& page) {
    return stretch.end == address && address != kSlices && stretch.like.type == page.type && stretch.like.mapping == page.mapping &&
           stretch.like.preallocated == page.preallocated &&
           alike(stretch.like.protection, page.protection);
}

// Of pages that are alike, no stack's.
std::vector<Stretch> stretches(const ReferenceSpace& space) {
    std::vector<Stretch> all;
    space.for_each([&](uint64_t address, const Page& page) {
        if (address < kMaps || page.in_stack) return;
        if (all.empty() || !continues(all.back(), address, page)) all.push_back({address, address, page});
        all.back().end = address + kPageSize;
    });
    return all;
}

}  // namespace

bool inheritance_is_open(const ReferenceSpace& old_one, const ReferenceSpace& new_one) {
    const std::vector<Stretch> all = stretches(old_one);
    return std::any_of(all.begin(), all.end(), [&](const Stretch& stretch) {
        const uint64_t bytes = stretch.end - stretch.start;
        return bytes > kPageSize && !new_one.is_free(stretch.start, bytes) && !new_one.mapped_throughout(stretch.start, stretch.end);
    });
}

// Shared memory comes by mappings of its own.
void inherit(const ReferenceSpace& old_one, ReferenceSpace& new_one) {
    std::map<uint64_t, uint64_t> mappings;
    for (const Stretch& stretch : stretches(old_one)) {
        if (!new_one.is_free(stretch.start, stretch.end - stretch.start)) continue;
        for (uint64_t address = stretch.start; address < stretch.end; address += kPageSize) {
            Page page = *old_one.find(address);
            page.be_copy();
            if (page.mapping != 0) page.mapping = mappings.try_emplace(page.mapping, next_number()).first->second;
            new_one.put(address, page);
        }
    }
}

}  // namespace shoal::model
