#include "tests/model/reference/preparation.hpp"

namespace shoal::model {

namespace {

void pin_range(ReferenceSpace& space, uint64_t start, uint64_t end) {
    space.for_each_in(start, end, [&](uint64_t, Page& page) {
        if (!page.guard) (void)space.let_write(page);
    });
}

}  // namespace

void pin(ReferenceSpace& space, Outcome& outcome) {
    space.for_each_in(0, kUserTop, [&](uint64_t, Page& page) {
        if (page.guard || !allows(page.protection, Kind::Read)) return;
        ++outcome.value;
        if (space.let_write(page)) ++outcome.more;
    });
}

// The page with the old end comes along, where the heap has it.
Outcome extend_heap(ReferenceSpace& space, uint64_t bytes) {
    const uint64_t old_end = space.heap_end();
    Operation op;
    op.address = old_end + bytes;
    if (const Error error = space.brk(op).error; error != Error::None) return {error};
    const bool begun = round_up_to_pages(old_end) > round_up_to_pages(space.heap_start());
    pin_range(space, begun ? old_end & ~uint64_t{kPageSize - 1} : round_up_to_pages(old_end), round_up_to_pages(op.address));
    Outcome outcome;
    outcome.address = old_end;
    outcome.value = bytes;
    outcome.more = (round_up_to_pages(op.address) - round_up_to_pages(old_end)) / kPageSize;
    return outcome;
}

Error extend_heap_alike(const ReferenceSpace& source, ReferenceSpace& destination) {
    if (destination.heap_end() >= source.heap_end()) return Error::None;
    Operation op;
    op.address = source.heap_end();
    return destination.brk(op).error;
}

void preallocate(ReferenceSpace& space, uint64_t start, uint64_t bytes) {
    Page page;
    page.protection = kProtectRead | kProtectWrite;
    page.preallocated = true;
    for (uint64_t at = start; at < start + bytes; at += kPageSize) {
        page.contents = zeros();
        space.put(at, page);
    }
}

Outcome find_preallocated(const ReferenceSpace& space) {
    Outcome outcome;
    outcome.address = space.page_near(0, [](uint64_t, const Page& page) { return page.preallocated; });
    if (outcome.address == 0) return outcome;
    for (const Page* page = space.find(outcome.address); page != nullptr && page->preallocated; page = space.find(outcome.address + outcome.value))
        outcome.value += kPageSize;
    return outcome;
}

}  // namespace shoal::model
