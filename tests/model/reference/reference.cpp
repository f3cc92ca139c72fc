#include "tests/model/reference/reference.hpp"

#include <algorithm>
#include <optional>

#include "tests/model/reference/image.hpp"
#include "tests/model/reference/shared_memory.hpp"
#include "tests/model/reference/update.hpp"

namespace shoal::model {

namespace {

// What a call for the system needs a right for, if it is the space's own call.
std::optional<VmCall> right_for(const Operation& op) {
    switch (op.kind) {
        case Kind::Clear:
        case Kind::Touch:
        case Kind::CacheSet: return VmCall::Procctl;
        case Kind::CacheMap: return VmCall::Mapcachepage;
        case Kind::CacheForget: return op.bytes == 0 ? VmCall::Clearcache : VmCall::Forgetcachepage;
        case Kind::Share: return VmCall::Share;
        case Kind::Remap: return op.flags == 0 ? VmCall::Remap : VmCall::RemapRo;
        case Kind::Watch: return VmCall::WatchExit;
        case Kind::News:
        case Kind::AwaitNews: return VmCall::QueryExit;
        case Kind::Hold: return VmCall::Adddma;
        default: return {};
    }
}

// Likewise of what the other asks for about the space.
std::optional<VmCall> right_about_others(Kind kind) {
    switch (kind) {
        case Kind::UnmapShared: return VmCall::ShmUnmap;
        case Kind::Physical: return VmCall::Getphys;
        case Kind::References: return VmCall::Getref;
        default: return {};
    }
}

}  // namespace

Error Reference::refusal(const Operation& op) const {
    if (const auto call = right_for(op); call && !spaces_[op.space].may(*call)) return Error::CallDenied;
    if (const auto call = right_about_others(op.kind); call && op.other != op.space && !spaces_[op.other].may(*call)) return Error::Permission;
    const bool makes = op.kind == Kind::Share || op.kind == Kind::Remap;
    return makes && leaving(op) ? Error::NoProcess : Error::None;
}

Outcome Reference::apply(const Operation& op, const Outcome& seen) {
    const Error refused = refusal(op);
    return refused == Error::None ? answer(op, seen) : Outcome{refused};
}

Outcome Reference::answer(const Operation& op, const Outcome& seen) {
    switch (op.kind) {
        case Kind::Read:
        case Kind::Write:
        case Kind::Execute: return spaces_[op.space].access(op);
        case Kind::Brk: return spaces_[op.space].brk(op);
        case Kind::Map: return map(op, seen);
        case Kind::MapFile: return map_file(op, seen);
        case Kind::MapImage: return {map_image(op, seen)};
        case Kind::MapDevice: return map_device(op, seen);
        case Kind::Remap: return remap(op, seen);
        case Kind::CacheMap: return map_blocks(op, seen);
        case Kind::Physical: return find_physical(spaces_[op.space], op.address);
        case Kind::References: return count_references(op, seen);
        case Kind::Hold: return holds_.add(party(op.space), op);
        case Kind::EndHold: return end_hold(op);
        case Kind::LostHold: return find_lost_hold(seen);
        case Kind::News: return tell_news(notices_.take(names_[op.space]));
        case Kind::AwaitNews: return await_news(op);
        case Kind::Answer: return tell_news(notices_.answered(names_[op.space]));
        case Kind::MemoryControl: return control_memory(op, seen);
        case Kind::Prepare: return prepare(op);
        case Kind::Load: return load(op);
        case Kind::Regions: return list_regions(op);
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
        case Kind::Reach: return space.reach(op);
        case Kind::UnmapShared: return unmap_shared(space, op.address);
        case Kind::UnmapDevice: return ReferenceDevice::unmap(space, op.address);
        case Kind::Share: return share(op);
        case Kind::CacheSet: return set_blocks(op);
        case Kind::CacheForget: return cache_.forget(op);
        case Kind::JointMap: return map_joint(op);
        case Kind::JointUnmap: return joint_.unmap(party(op.space), op.address);
        case Kind::JointRevoke: return revoke(op);
        case Kind::Watch: return watch(op);
        case Kind::Signal: return signal(op);
        default: return change_process(op);
    }
}

Error Reference::change_process(const Operation& op) {
    ReferenceSpace& space = spaces_[op.space];
    switch (op.kind) {
        case Kind::Fork: return fork(op);
        case Kind::Update: return update(op);
        case Kind::Clear: space.clear(); break;
        case Kind::Renew: renew(op.space); break;
        case Kind::WillExit: space.leaving = true; break;
        case Kind::Rights: space.rights = op.value; break;
        default: break;
    }
    return Error::None;
}

namespace {

// An image's heap and that of a space without one: all between is more than there is memory for.
bool heaps_are_far_apart(const ReferenceSpace& one, const ReferenceSpace& other) {
    constexpr uint64_t kFar = uint64_t{16} << 20;
    const uint64_t low = std::min(one.heap_end(), other.heap_end()), high = std::max(one.heap_end(), other.heap_end());
    return high - low > kFar;
}

// To be read only, by whoever is the last, or not.
bool lent_by_object(const ReferenceSpace& space, uint64_t address) {
    const Page* page = space.find(address / kPageSize * kPageSize);
    return page != nullptr && page->joint == Joint::ReadOnly && page->of_object && page->perhaps_alone();
}

}  // namespace

bool Reference::is_open(const Operation& op) const {
    const ReferenceSpace& space = spaces_[op.space];
    const auto any = [&](auto test) { return space.any_in(op.address, op.address + round_up_to_pages(op.bytes), test); };
    const auto found_out = [](const Page& page) { return page.joint != Joint::No && page.perhaps_alone(); };
    switch (op.kind) {
        case Kind::DontNeed:
        case Kind::Share: return any(found_out);  // what is joint they treat otherwise, and nobody has told them that it no longer is
        case Kind::JointMap: return joint_map_is_open(space, op);
        case Kind::Load: return op.value >= images().size() && begins_like_image(spaces_[op.other], op.address);
        case Kind::Update: return op.flags == 0 && inheritance_is_open(space, spaces_[op.other]);
        case Kind::Prepare: return (op.flags == 0 && inheritance_is_open(space, spaces_[op.other])) || heaps_are_far_apart(space, spaces_[op.other]);
        case Kind::Write: return lent_by_object(space, op.address);
        default: return false;
    }
}

Error Reference::map_joint(const Operation& op) {
    const JointFlags flags = JointFlags::of(op.flags);
    std::vector<ReferenceJointMemory::Grant> grants{{names_[op.space], flags.grant}};
    if (flags.passer != JointFlags::kNobody && flags.passer != op.space) grants.push_back({names_[flags.passer], flags.grant});
    return joint_.map(party(op.space), party(op.other), op, grants);
}

Error Reference::revoke(const Operation& op) {
    for (uint8_t owner = 0; owner < spaces_.size(); ++owner) joint_.revoke(party(owner), {names_[op.space], op.value});
    return Error::None;
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
