// The part of the reference that is about memory, of one process or of several.
#include <algorithm>

#include "abi/message.hpp"
#include "tests/model/reference/reference.hpp"
#include "tests/model/reference/shared_memory.hpp"
#include "tests/model/region_digest.hpp"

namespace shoal::model {

namespace {

// Never the answer of a right system: it has chosen what it may not.
constexpr uint64_t kUnfit = ~uint64_t{0};

// The physical address of what a map has made contiguous, or 0.
bool lies_as_wished(const Operation& op, uint64_t physical) {
    constexpr uint64_t k64K = uint64_t{64} << 10;
    if ((op.flags & kMapContiguous) == 0) return physical == 0;
    const bool aligned = physical % ((op.flags & kMapAligned64K) != 0 ? k64K : uint64_t{kPageSize}) == 0;
    return physical != 0 && aligned && physical + round_up_to_pages(op.bytes) <= contiguous_limit(op.flags);
}

// A map that is right may be larger than memory or quota allow to describe, or than any neighbours that are still free: where memory is used
// here and there, no more of it may be found side by side, however much of it is free.
bool may_be_too_large(const Operation& op) {
    constexpr uint64_t kSurelyNeighbours = 16 * kPageSize, kSurelyDescribed = uint64_t{1} << 40;
    if ((op.flags & (kMapBelow1M | kMapBelow16M | kMapAligned64K)) != 0) return true;
    return op.bytes > ((op.flags & kMapContiguous) != 0 ? kSurelyNeighbours : kSurelyDescribed);
}

bool refused_as_too_large(const Operation& op, const Outcome& seen) { return seen.error == Error::NoMemory && may_be_too_large(op); }

Outcome at(uint64_t address) {
    Outcome outcome;
    outcome.address = address;
    return outcome;
}

}  // namespace

Outcome Reference::map(const Operation& op, const Outcome& seen) {
    ReferenceSpace& space = spaces_[op.space];
    const Error error = space.check_map(op);
    if ((op.flags & kMapContiguous) != 0) cache_.call_in();  // where no neighbours are free, however much else is
    if (refused_as_too_large(op, seen)) return seen;
    if (error != Error::None || seen.error != Error::None) return {error};
    if (!space.map_fits(op, seen.address) || !lies_as_wished(op, seen.value)) return at(kUnfit);
    space.map(op, seen.address, seen.value);
    Outcome outcome = at(seen.address);
    outcome.value = seen.value;
    return outcome;
}

Outcome Reference::map_file(const Operation& op, const Outcome& seen) {
    ReferenceSpace& space = spaces_[op.space];
    const Error error = surroundings_.files ? space.check_map_file(op) : Error::NoDevice;
    if (refused_as_too_large(op, seen)) return seen;
    if (error != Error::None || seen.error != Error::None) return {error};
    if (!space.map_fits(op, seen.address)) return at(kUnfit);
    space.map_file(op, seen.address);
    return at(seen.address);
}

Outcome Reference::remap(const Operation& op, const Outcome& seen) {
    ReferenceSpace& destination = spaces_[op.other];
    const Error error = check_remap(spaces_[op.space], destination, op);
    if (error != Error::None || seen.error != Error::None) return {error};
    if (!remap_fits(destination, op, seen.address)) return at(kUnfit);
    model::remap(spaces_[op.space], destination, op, seen.address);
    return at(seen.address);
}

Outcome Reference::map_blocks(const Operation& op, const Outcome& seen) {
    ReferenceSpace& space = spaces_[op.space];
    const Error error = cache_.check_map(op);
    const bool in_doubt = surroundings_.short_memory || cache_.may_have_given_way(op);
    if (error == Error::None && seen.error == Error::NoEntry && in_doubt) return seen;
    if (error != Error::None || seen.error != Error::None) return {error};
    if (!space.is_free(seen.address, round_up_to_pages(op.bytes))) return at(kUnfit);
    cache_.map(space, op, seen.address);
    return at(seen.address);
}

Outcome Reference::map_device(const Operation& op, const Outcome& seen) {
    ReferenceSpace& space = spaces_[op.space];
    const Error error = ReferenceDevice::check_map(op);
    if (error != Error::None || seen.error != Error::None) return {error};
    if (!ReferenceDevice::map_fits(space, op, seen.address)) return at(kUnfit);
    device_.map(space, op, seen.address);
    return at(seen.address);
}

// Privately, at exactly the address.
Error Reference::map_image(const Operation& op, const Outcome& seen) {
    ReferenceSpace& space = spaces_[op.space];
    Operation exactly = op;
    exactly.flags = kMapPrivate | kMapFixedNoReplace;
    if (!surroundings_.files) return Error::NoDevice;
    const Error error = space.leaving ? Error::NoProcess : space.check_map(exactly);
    if (refused_as_too_large(exactly, seen)) return seen.error;
    if ((error == Error::None || error == Error::Exists) && op.flags >= kPageSize) return Error::Invalid;
    if (error == Error::None && seen.error == Error::None) space.map_file(op, op.address);
    return error;
}

// The identity is told for the first time, or as it was told then; and is no other memory's.
Outcome Reference::count_references(const Operation& op, const Outcome& seen) {
    const Page* page = spaces_[op.space].find(op.address & ~uint64_t{kPageSize - 1});
    if (page == nullptr) return {Error::BadAddress};
    if (page->mapping == 0) return {Error::Invalid};
    const auto taken = [&](const auto& other) { return other.second == seen.more; };
    if (!identities_.contains(page->object)) {
        const bool another = std::any_of(identities_.begin(), identities_.end(), taken);
        identities_[page->object] = another ? kUnfit : seen.more;
    }
    Outcome outcome;
    outcome.value = count_mappings(spaces_, page->object);
    outcome.more = identities_.at(page->object);
    return outcome;
}

Outcome Reference::end_hold(const Operation& op) {
    if (holds_.all().empty()) return {Error::NoEntry};
    const size_t which = op.value % holds_.all().size();
    const bool own = holds_.all()[which].holder == names_[op.space];
    if (!own && !spaces_[op.space].may(VmCall::Deldma)) return {Error::Permission};
    holds_.end(which);
    return {};
}

std::vector<ReferenceHolds::Hold> Reference::lost_holds() const {
    std::vector<ReferenceHolds::Hold> lost;
    for (const ReferenceHolds::Hold& hold : holds_.all())
        if (names_[ProcessPlace::of(hold.holder).place] != hold.holder) lost.push_back(hold);
    return lost;
}

// Any of them.
Outcome Reference::find_lost_hold(const Outcome& seen) const {
    const std::vector<ReferenceHolds::Hold> lost = lost_holds();
    if (lost.empty()) return {Error::NoEntry};
    const bool found = std::any_of(lost.begin(), lost.end(), [&](const auto& hold) {
        return hold.physical == seen.value && hold.end() == seen.value + seen.more;
    });
    return found ? seen : at(kUnfit);
}

Outcome Reference::list_regions(const Operation& op) const {
    RegionDigest digest;
    spaces_[op.space].for_each([&](uint64_t address, const Page& page) {
        const uint64_t implied = page.protection == kProtectNone ? 0 : uint64_t{kProtectRead};
        const uint32_t flags = (page.in_stack ? uint32_t{kRegionGrowsDown} : 0) | (page.preallocated ? uint32_t{kRegionPreallocated} : 0);
        digest.add(VirtualRange::of(VirtualAddress{address}, kPageSize), page.protection | implied, page.type, flags);
    });
    Outcome outcome;
    outcome.value = digest.value();
    outcome.more = digest.pages();
    return outcome;
}

Error Reference::share(const Operation& op) {
    Error error = check_share(spaces_[op.space], spaces_[op.other], op);
    const bool possible = error == Error::None || error == Error::Exists;
    if (possible && joint_.has_from_another(party(op.space), op.address, op.address + round_up_to_pages(op.bytes))) error = Error::BadAddress;
    if (error == Error::None) model::share(spaces_[op.space], spaces_[op.other], op);
    return error;
}

Error Reference::set_blocks(const Operation& op) {
    Operation touch = op;
    touch.flags = kFaultWrite;
    if (const Error error = spaces_[op.space].touch(touch); error != Error::None) return error;
    return spaces_[op.space].may(VmCall::Setcachepage) ? cache_.set(spaces_[op.space], op) : Error::CallDenied;
}

}  // namespace shoal::model
