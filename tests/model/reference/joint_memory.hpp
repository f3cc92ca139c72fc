// Memory mapped by grants: who has what of whom, so that it can be taken back. What is joint is a property of the pages, and outlives neither
// them nor the mapping.
#pragma once

#include <vector>

#include "tests/model/reference/space.hpp"

namespace shoal::model {

// A process, of the many that have one place after the other.
using ProcessName = uint64_t;
struct ProcessPlace {
    static constexpr unsigned kShift = 8;
    uint64_t place, before = 0;
    static constexpr ProcessPlace of(ProcessName name) { return {(name & ((uint64_t{1} << kShift) - 1)) - 1, name >> kShift}; }
    [[nodiscard]] constexpr ProcessName name() const { return (place + 1) | before << kShift; }
    [[nodiscard]] constexpr ProcessName next() const { return ProcessPlace{place, before + 1}.name(); }
};

// A process, and what it has.
struct Party {
    ProcessName name;
    ReferenceSpace& space;
};

class ReferenceJointMemory {
  public:
    struct Grant {
        ProcessName granter;
        uint64_t number;
        bool operator==(const Grant&) const = default;
    };
    struct Mapping {
        ProcessName owner, source;
        uint64_t start, end;
        std::vector<Grant> grants;
    };

    // Makes pages of the source present for the mode, whether it succeeds or not.
    Error map(Party source, Party destination, const Operation& op, std::vector<Grant> grants);
    Error unmap(Party owner, uint64_t address);
    // Those of one owner.
    void revoke(Party owner, const Grant& grant);
    // A process ends: what it has is no more.
    void end(ProcessName process);
    // What is left with this owner of what it had from a process that has ended.
    void orphan(Party owner, ProcessName source);
    // Whether a page there is what its owner has by a grant.
    bool has_from_another(Party owner, uint64_t start, uint64_t end) const;
    // Whether the process has something so, or somebody has something of it.
    bool concerns(ProcessName process) const;
    const std::vector<Mapping>& mappings() const { return mappings_; }

  private:
    bool overlaps(ProcessName owner, uint64_t start, uint64_t end) const;
    // By which the owner has something there, as well. Whether they are not too many.
    bool add_grants_of(ProcessName owner, uint64_t start, uint64_t end, std::vector<Grant>& grants) const;
    std::vector<Mapping> mappings_;
};

// The range is one that map_memory takes from, or puts something over: None, or its error.
Error check_mappable(const ReferenceSpace& space, uint64_t address, uint64_t bytes);
// Whether the source has found out by now that nobody else has some page of the range any more is its own affair; here it would show.
bool joint_map_is_open(const ReferenceSpace& source, const Operation& op);

}  // namespace shoal::model
