#include "tests/model/sequential/fake_system.hpp"

#include <utility>

#include "abi/message.hpp"
#include "base/assert.hpp"

namespace shoal::model {

uint64_t FakeSystem::place(const ReferenceSpace& space, uint64_t bytes) {
    bytes = round_up_to_pages(bytes);
    while (!space.is_free(next_free_, bytes)) next_free_ += bytes;
    return std::exchange(next_free_, next_free_ + bytes);
}

Outcome FakeSystem::map(const Operation& op) {
    ReferenceSpace& space = spaces_[op.space];
    Outcome outcome;
    outcome.error = space.check_map(op);
    if (outcome.error == Error::None && op.bytes > (uint64_t{1} << 30)) outcome.error = Error::NoMemory;
    if (outcome.error != Error::None) return outcome;
    const bool fixed = (op.flags & (kMapFixed | kMapFixedNoReplace)) != 0;
    const bool again = defect_ == Defect::PlacesTwice && op.worker % 2 == 1;
    if (fixed) outcome.address = op.address;
    else outcome.address = again ? next_free_ : place(space, op.bytes);
    space.map(op, outcome.address);
    return outcome;
}

Outcome FakeSystem::map_file(const Operation& op) {
    Outcome outcome;
    outcome.error = spaces_[op.space].check_map_file(op);
    if (outcome.error == Error::None && op.bytes > (uint64_t{1} << 30)) outcome.error = Error::NoMemory;
    if (outcome.error != Error::None) return outcome;
    const bool fixed = (op.flags & (kMapFixed | kMapFixedNoReplace)) != 0;
    outcome.address = fixed ? op.address : place(spaces_[op.space], op.bytes);
    spaces_[op.space].map_file(op, outcome.address);
    return outcome;
}

Outcome FakeSystem::remap(const Operation& op) {
    const uint64_t bytes = round_up_to_pages(op.bytes);
    ReferenceSpace source = spaces_[op.space];
    Outcome outcome;
    outcome.error = check_range(op.address, op.bytes);
    if (outcome.error != Error::None) return outcome;
    const bool impossible = op.value % kPageSize != 0 || op.value < kLowestMap || op.value > kUserTop - bytes;
    if (op.value != 0 && impossible) outcome.error = Error::Invalid;
    else outcome.error = source.check_remap(op);
    if (outcome.error == Error::None && op.value != 0 && !spaces_[op.other].is_free(op.value, bytes)) outcome.error = Error::Exists;
    if (outcome.error != Error::None) return outcome;
    outcome.address = op.value != 0 ? op.value : place(spaces_[op.other], bytes);
    spaces_[op.other].remap_from(source, op, outcome.address);
    return outcome;
}

Outcome FakeSystem::map_blocks(const Operation& op) {
    Outcome outcome;
    outcome.error = cache_.check_map(op);
    if (outcome.error != Error::None) return outcome;
    outcome.address = place(spaces_[op.space], op.bytes);
    cache_.map(spaces_[op.space], op, outcome.address);
    return outcome;
}

Outcome FakeSystem::apply(const Operation& original) {
    const std::lock_guard guard(lock_);
    Operation op = original;
    ReferenceSpace& space = spaces_[op.space];
    Outcome outcome;
    switch (op.kind) {
        case Kind::Map: return map(op);
        case Kind::Unmap:
            if (defect_ == Defect::UnmapsOnePageTooFew && op.bytes > 3 * kPageSize) op.bytes -= kPageSize;
            outcome.error = space.unmap(op);
            return outcome;
        case Kind::Protect:
            SHOAL_CHECK(defect_ != Defect::Dies || op.protection != kProtectNone);
            if (defect_ == Defect::IgnoresProtection && op.protection == kProtectRead)
                op.protection |= kProtectWrite;
            outcome.error = space.protect(op);
            return outcome;
        case Kind::DontNeed:
            if (defect_ != Defect::KeepsContents) outcome.error = space.dont_need(op);
            else outcome.error = ReferenceSpace{space}.dont_need(op);
            return outcome;
        case Kind::Share: {
            if ((outcome.error = check_range(op.address, op.bytes)) != Error::None) return outcome;
            if (op.space == op.other) outcome.error = Error::Invalid;
            else if (!space.can_share_from(op)) outcome.error = Error::BadAddress;
            else if (!spaces_[op.other].is_free(op.address, round_up_to_pages(op.bytes)))
                outcome.error = Error::Exists;
            else spaces_[op.other].share_from(space, op);
            return outcome;
        }
        case Kind::Remap: return remap(op);
        case Kind::CacheSet: {
            Operation touch = op;
            touch.flags = kFaultWrite;
            outcome.error = space.touch(touch);
            if (outcome.error == Error::None) outcome.error = cache_.set(space, op);
            return outcome;
        }
        case Kind::MapFile: return map_file(op);
        case Kind::FileForget: return outcome;
        case Kind::CacheMap: return map_blocks(op);
        case Kind::CacheForget: outcome.error = cache_.forget(op); return outcome;
        case Kind::Renew:
        case Kind::Clear: space.clear(); return outcome;
        case Kind::Touch: outcome.error = space.touch(op); return outcome;
        case Kind::Fork:
            if (op.space == op.other) outcome.error = Error::Invalid;
            else spaces_[op.other].copy_from(space);
            return outcome;
        case Kind::Brk: return space.brk(op);
        case Kind::Execute:
        case Kind::Read:
        case Kind::Write: break;
    }
    outcome = space.access(op);
    if (defect_ == Defect::StaleRead && op.kind == Kind::Read && outcome.access == Access::Done) {
        if (op.value % 64 == 0) outcome.value = stale_;
        else stale_ = outcome.value;
    }
    return outcome;
}

}  // namespace shoal::model
