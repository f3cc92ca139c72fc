#include "tests/model/reference/joint_memory.hpp"

#include <algorithm>

#include "abi/grant.hpp"

namespace shoal::model {

namespace {

MapMode mode_of(const Operation& op) { return static_cast<MapMode>(JointFlags::of(op.flags).mode); }

// Touches what is to be lent; the first page that the source may not read, or write, ends that.
Error prepare(ReferenceSpace& source, const Operation& op) {
    Error error = Error::None;
    source.for_each_in(op.address, op.address + round_up_to_pages(op.bytes), [&](uint64_t, Page& page) {
        if (error != Error::None) return;
        const bool may = mode_of(op) == MapMode::SharedWritable ? source.let_write(page) : allows(page.protection, Kind::Read);
        if (!may) error = Error::AccessDenied;
    });
    return error;
}

// One page of the source in the place of one of the destination's.
void join(Page& from, Page& to, MapMode mode) {
    const bool copied = mode == MapMode::CopyOnWrite;
    if (!copied && !from.shared && from.joint == Joint::No) from.joint = Joint::Writable;
    to.contents = copied ? std::make_shared<Contents>(*from.contents) : from.contents;
    to.of_object = !copied && from.of_object;
    to.shared = false;
    to.joint = copied ? Joint::No : mode == MapMode::SharedReadOnly ? Joint::ReadOnly : Joint::Writable;
}

// Whatever is joint there becomes the owner's own.
void part(ReferenceSpace& space, uint64_t start, uint64_t end) {
    space.for_each_in(start, end, [](uint64_t, Page& page) {
        if (page.joint != Joint::No) page.become_own();
    });
}

}  // namespace

Error check_mappable(const ReferenceSpace& space, uint64_t address, uint64_t bytes) {
    const uint64_t end = address + round_up_to_pages(bytes);
    const bool guarded = space.any_in(address, end, [](const Page& page) { return page.guard; });
    if (guarded || !space.mapped_throughout(address, end)) return Error::BadAddress;
    const bool other = space.any_in(address, end, [](const Page& page) { return page.type != RegionType::Anonymous; });
    return other ? Error::Invalid : Error::None;
}

bool joint_map_is_open(const ReferenceSpace& source, const Operation& op) {
    if (mode_of(op) != MapMode::SharedReadOnly) return false;
    return source.any_in(op.address, op.address + round_up_to_pages(op.bytes),
                         [](const Page& page) { return (page.joint == Joint::ReadOnly || page.joint == Joint::Orphaned) && page.perhaps_alone(); });
}

bool ReferenceJointMemory::overlaps(ProcessName owner, uint64_t start, uint64_t end) const {
    return std::any_of(mappings_.begin(), mappings_.end(),
                       [&](const Mapping& m) { return m.owner == owner && m.start < end && start < m.end; });
}

bool ReferenceJointMemory::add_grants_of(ProcessName owner, uint64_t start, uint64_t end, std::vector<Grant>& grants) const {
    for (const Mapping& m : mappings_) {
        if (m.owner != owner || m.start >= end || start >= m.end) continue;
        for (const Grant& grant : m.grants)
            if (std::find(grants.begin(), grants.end(), grant) == grants.end()) grants.push_back(grant);
    }
    return grants.size() <= kMostGrantsInPath;
}

Error ReferenceJointMemory::map(Party source, Party destination, const Operation& op, std::vector<Grant> grants) {
    if (source.name == destination.name) return Error::Invalid;
    const uint64_t start = op.value, end = start + round_up_to_pages(op.bytes);
    for (const uint64_t address : {start, op.address})
        if (const Error error = check_range(address, op.bytes); error != Error::None) return error;
    if (const Error error = check_mappable(source.space, op.address, op.bytes); error != Error::None) return error;
    if (const Error error = check_mappable(destination.space, start, op.bytes); error != Error::None) return error;
    if (overlaps(destination.name, start, end)) return Error::Exists;
    if (!add_grants_of(source.name, op.address, op.address + round_up_to_pages(op.bytes), grants)) return Error::Loop;
    if (const Error error = prepare(source.space, op); error != Error::None) return error;
    mappings_.push_back({destination.name, source.name, start, end, grants});
    for (uint64_t offset = 0; offset < end - start; offset += kPageSize)
        join(*source.space.find(op.address + offset), *destination.space.find(start + offset), mode_of(op));
    return Error::None;
}

Error ReferenceJointMemory::unmap(Party owner, uint64_t address) {
    const auto found = std::find_if(mappings_.begin(), mappings_.end(),
                                    [&](const Mapping& m) { return m.owner == owner.name && m.start == address; });
    if (found == mappings_.end()) return Error::BadAddress;
    part(owner.space, found->start, found->end);
    mappings_.erase(found);
    return Error::None;
}

void ReferenceJointMemory::revoke(Party owner, const Grant& grant) {
    std::erase_if(mappings_, [&](const Mapping& m) {
        const bool meant = m.owner == owner.name && std::find(m.grants.begin(), m.grants.end(), grant) != m.grants.end();
        if (meant) part(owner.space, m.start, m.end);
        return meant;
    });
}

void ReferenceJointMemory::end(ProcessName process) {
    std::erase_if(mappings_, [&](const Mapping& m) { return m.owner == process; });
}

void ReferenceJointMemory::orphan(Party owner, ProcessName source) {
    for (const Mapping& m : mappings_) {
        if (m.owner != owner.name || m.source != source) continue;
        owner.space.for_each_in(m.start, m.end, [](uint64_t, Page& page) {
            if (page.joint == Joint::ReadOnly) page.joint = Joint::Orphaned;
        });
    }
}

bool ReferenceJointMemory::has_from_another(Party owner, uint64_t start, uint64_t end) const {
    return std::any_of(mappings_.begin(), mappings_.end(), [&](const Mapping& m) {
        const auto is_joint = [](const Page& page) { return page.joint != Joint::No; };
        return m.owner == owner.name && owner.space.any_in(std::max(start, m.start), std::min(end, m.end), is_joint);
    });
}

bool ReferenceJointMemory::concerns(ProcessName process) const {
    return std::any_of(mappings_.begin(), mappings_.end(), [&](const Mapping& m) { return m.owner == process || m.source == process; });
}

}  // namespace shoal::model
