#include "tests/model/concurrent/private_pages.hpp"

#include "abi/memory.hpp"
#include "tests/model/concurrent/concurrent_run.hpp"
#include "tests/model/reference/shared_memory.hpp"

namespace shoal::model {

namespace {

constexpr uint64_t kPages = 20;       // of a stretch
constexpr uint64_t kMostPlaced = 6;   // maps at a time
constexpr uint64_t kMostHeap = 24;    // pages

}  // namespace

PrivatePages::PrivatePages(System& system, unsigned worker, unsigned spaces, EventClock& clock, FirstFailure& failure)
    : system_(system), worker_(worker), clock_(clock), failure_(failure), references_(spaces) {}

uint64_t PrivatePages::near() const { return kBorder + (100 + worker_ * kPages) * kPageSize; }

void PrivatePages::expect_ground(const Operation& map) {
    Operation own = map;
    own.bytes = kPages * kPageSize;
    references_[map.space].map(own, near());
}

void PrivatePages::do_something(Operation op, std::mt19937_64& random) {
    const uint64_t far = (uint64_t{2} + worker_) << 32;
    switch (random() % 8) {
        case 0: return do_heap(op, random);
        case 1: return do_placed(op, random);
        case 2:
        case 3: return do_at(op, far, random);
        default: return do_at(op, near(), random);
    }
}

void PrivatePages::do_at(Operation op, uint64_t base, std::mt19937_64& random) {
    if (op.kind == Kind::Share && system_.may_run_out()) op.kind = Kind::Read;  // a share cut short leaves what no reference tells
    const uint64_t page = random() % kPages;
    op.address = base + page * kPageSize;
    if (!is_access(op.kind)) op.bytes = (1 + random() % (kPages - page)) * kPageSize;
    compare(op);
}

// A space's heap is one worker's: its end is one number.
void PrivatePages::do_heap(Operation op, std::mt19937_64& random) {
    if (worker_ >= references_.size()) return do_at(op, (uint64_t{2} + worker_) << 32, random);
    op.space = static_cast<uint8_t>(worker_);
    op.address = kHeapStart + random() % (kMostHeap * kPageSize);
    if (!is_access(op.kind)) op.kind = Kind::Brk;
    compare(op);
}

void PrivatePages::do_placed(Operation op, std::mt19937_64& random) {
    if (live_.empty() || (op.kind == Kind::Map && live_.size() < kMostPlaced)) return place(op, random);
    const size_t which = random() % live_.size();
    const Placement& placed = placements_[live_[which]];
    if (op.kind == Kind::Unmap) return remove(which);
    if (op.kind == Kind::Map || op.kind == Kind::Share) op.kind = Kind::Write;
    op.space = placed.map.space;
    op.address = placed.address + random() % (placed.map.bytes >> kPageShift) * kPageSize;
    compare(op);
}

void PrivatePages::place(Operation op, std::mt19937_64& random) {
    op.kind = Kind::Map;
    op.flags = kMapPrivate | kMapAnonymous;
    op.bytes = (1 + random() % (random() % 2 == 0 ? 2 : 12)) * kPageSize;  // the smallest are soon touched wholly
    const Outcome seen = system_.apply(op);
    if (ran_out(system_, seen)) return;
    if (seen.error != Error::None || !references_[op.space].map_fits(op, seen.address))
        return failure_.report("placed map: " + describe(op, seen));
    references_[op.space].map(op, seen.address);
    live_.push_back(placements_.size());
    placements_.push_back({op, seen.address, clock_.tick()});
}

void PrivatePages::remove(size_t which) {
    Placement& placed = placements_[live_[which]];
    Operation op = placed.map;
    op.kind = Kind::Unmap;
    op.address = placed.address;
    const uint64_t asked = clock_.tick();
    compare(op);
    if (!references_[op.space].is_free(op.address, op.bytes)) return;  // there was no memory to do it
    placed.until = asked;
    live_.erase(live_.begin() + static_cast<ptrdiff_t>(which));
}

void PrivatePages::compare(const Operation& op) {
    const Outcome seen = system_.apply(op);
    if (ran_out(system_, seen)) return;  // and has changed nothing
    const Outcome expected = expect(op);
    const bool same_address = op.kind != Kind::Brk || expected.error != Error::None || seen.address == expected.address;
    if (seen.error != expected.error || seen.access != expected.access || seen.value != expected.value || !same_address)
        failure_.report("private page: " + describe(op, seen) + ", expected" + describe(op, expected));
}

Outcome PrivatePages::expect(const Operation& op) {
    ReferenceSpace& reference = references_[op.space];
    Outcome outcome;
    switch (op.kind) {
        case Kind::Map: reference.map(op, op.address); break;
        case Kind::Unmap: outcome.error = reference.unmap(op); break;
        case Kind::Protect: outcome.error = reference.protect(op); break;
        case Kind::DontNeed: outcome.error = reference.dont_need(op); break;
        case Kind::Share: outcome.error = expect_share(op); break;
        case Kind::Brk: return reference.brk(op);
        default: return reference.access(op);
    }
    return outcome;
}

Error PrivatePages::expect_share(const Operation& op) {
    const Error error = check_share(references_[op.space], references_[op.other], op);
    if (error == Error::None) share(references_[op.space], references_[op.other], op);
    return error;
}

}  // namespace shoal::model
