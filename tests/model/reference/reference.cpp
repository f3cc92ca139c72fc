#include "tests/model/reference/reference.hpp"

#include <algorithm>

#include "abi/message.hpp"
#include "tests/model/reference/shared_memory.hpp"

namespace shoal::model {

namespace {

// Never the answer of a right system: it has chosen what it may not.
constexpr uint64_t kUnfit = ~uint64_t{0};

// A map that is right may be larger than memory or quota allow to describe, or than any neighbours that are still free: where memory is used
// here and there, no more of it may be found side by side, however much of it is free.
bool may_be_too_large(const Operation& op) {
    constexpr uint64_t kSurelyNeighbours = 16 * kPageSize, kSurelyDescribed = uint64_t{1} << 40;
    return op.bytes > ((op.flags & kMapContiguous) != 0 ? kSurelyNeighbours : kSurelyDescribed);
}

bool refused_as_too_large(const Operation& op, const Outcome& seen) { return seen.error == Error::NoMemory && may_be_too_large(op); }

Outcome at(uint64_t address) {
    Outcome outcome;
    outcome.address = address;
    return outcome;
}

}  // namespace

Outcome Reference::apply(const Operation& op, const Outcome& seen) {
    switch (op.kind) {
        case Kind::Read:
        case Kind::Write:
        case Kind::Execute: return spaces_[op.space].access(op);
        case Kind::Brk: return spaces_[op.space].brk(op);
        case Kind::Map: return map(op, seen);
        case Kind::MapFile: return map_file(op, seen);
        case Kind::Remap: return remap(op, seen);
        case Kind::CacheMap: return map_blocks(op, seen);
        default: return {change(op)};
    }
}

// Of calls that answer nothing but an error.
Error Reference::change(const Operation& op) {
    ReferenceSpace& space = spaces_[op.space];
    switch (op.kind) {
        case Kind::Unmap: return space.unmap(op);
        case Kind::Protect: return space.protect(op);
        case Kind::DontNeed: return space.dont_need(op);
        case Kind::Touch: return space.touch(op);
        case Kind::Share: return share(op);
        case Kind::Fork: return fork(op);
        case Kind::CacheSet: return set_blocks(op);
        case Kind::CacheForget: return cache_.forget(op);
        case Kind::Clear: space.clear(); return Error::None;
        case Kind::Renew: renew(op.space); return Error::None;
        case Kind::JointMap: return map_joint(op);
        case Kind::JointUnmap: return joint_.unmap(party(op.space), op.address);
        case Kind::JointRevoke: return revoke(op);
        default: return Error::None;
    }
}

bool Reference::is_open(const Operation& op) const {
    const ReferenceSpace& space = spaces_[op.space];
    const auto any = [&](auto test) { return space.any_in(op.address, op.address + round_up_to_pages(op.bytes), test); };
    const auto found_out = [](const Page& page) { return page.joint != Joint::No && page.alone(); };
    switch (op.kind) {
        case Kind::DontNeed: return any(found_out);  // it keeps what is joint, and nobody has told it that it no longer is
        case Kind::Share: return any([&](const Page& page) { return found_out(page) && page.joint != Joint::Writable; });
        case Kind::JointMap: return joint_map_is_open(space, op);
        default: return false;
    }
}

Outcome Reference::map(const Operation& op, const Outcome& seen) {
    ReferenceSpace& space = spaces_[op.space];
    const Error error = space.check_map(op);
    if ((op.flags & kMapContiguous) != 0) cache_.call_in();  // where no neighbours are free, however much else is
    if (refused_as_too_large(op, seen)) return seen;
    if (error != Error::None || seen.error != Error::None) return {error};
    if (!space.map_fits(op, seen.address)) return at(kUnfit);
    space.map(op, seen.address);
    return at(seen.address);
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

Error Reference::share(const Operation& op) {
    const Error error = check_share(spaces_[op.space], spaces_[op.other], op);
    if (error == Error::None) model::share(spaces_[op.space], spaces_[op.other], op);
    return error;
}

Error Reference::fork(const Operation& op) {
    if (op.space == op.other) return Error::Invalid;
    renew(op.other);
    spaces_[op.other].copy_from(spaces_[op.space]);
    return Error::None;
}

Error Reference::set_blocks(const Operation& op) {
    Operation touch = op;
    touch.flags = kFaultWrite;
    const Error error = spaces_[op.space].touch(touch);
    return error == Error::None ? cache_.set(spaces_[op.space], op) : error;
}

Error Reference::map_joint(const Operation& op) {
    const JointFlags flags = JointFlags::of(op.flags);
    std::vector<ReferenceJointMemory::Grant> grants{{names_[op.space], flags.grant}};
    if (flags.passer != JointFlags::kNobody) grants.push_back({names_[flags.passer], flags.grant});
    return joint_.map(party(op.space), party(op.other), op, grants);
}

Error Reference::revoke(const Operation& op) {
    for (uint8_t owner = 0; owner < spaces_.size(); ++owner) joint_.revoke(party(owner), {names_[op.space], op.value});
    return Error::None;
}

// First the others learn of it: what is left with them is no longer the source's.
void Reference::renew(uint8_t space) {
    const ProcessName ended = names_[space];
    spaces_[space] = {};
    joint_.end(ended);
    names_[space] = next_number();
    for (uint8_t owner = 0; owner < spaces_.size(); ++owner) joint_.orphan(party(owner), ended);
}

std::vector<ReferenceJointMemory::Mapping> Reference::mappings_in(unsigned space) const {
    std::vector<ReferenceJointMemory::Mapping> found;
    for (const ReferenceJointMemory::Mapping& m : joint_.mappings())
        if (m.owner == names_[space]) found.push_back(m);
    return found;
}

std::vector<uint8_t> Reference::owners_by(const Operation& revoke) const {
    const ReferenceJointMemory::Grant grant{names_[revoke.space], revoke.value};
    std::vector<uint8_t> owners;
    for (uint8_t space = 0; space < spaces_.size(); ++space) {
        const auto by_it = [&](const auto& m) { return std::find(m.grants.begin(), m.grants.end(), grant) != m.grants.end(); };
        const auto mappings = mappings_in(space);
        if (std::any_of(mappings.begin(), mappings.end(), by_it)) owners.push_back(space);
    }
    return owners;
}

}  // namespace shoal::model
