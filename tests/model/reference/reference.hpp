// The specification of all that the model knows: what each operation must answer, and what it changes.
//
// Where the system may choose, as an address for a map, its answer is looked at, and taken over if it may be that. Where it may do one thing or
// another, and later calls would show which, it is not asked at all (is_open()).
#pragma once

#include <vector>

#include "tests/model/reference/joint_memory.hpp"
#include "tests/model/reference/page_cache.hpp"

namespace shoal::model {

// What there is around the spaces.
struct Surroundings {
    bool files = true;          // whether somebody serves the file; else maps of it are answered with NoDevice
    bool short_memory = false;  // whether memory may end, and cached pages give way
};

class Reference {
  public:
    Reference(unsigned spaces, Surroundings surroundings) : surroundings_(surroundings), spaces_(spaces), names_(spaces) {
        for (ProcessName& name : names_) name = next_number();
    }

    // The right answer. seen: the system's.
    Outcome apply(const Operation& op, const Outcome& seen);
    [[nodiscard]] bool is_open(const Operation& op) const;

    [[nodiscard]] const std::vector<ReferenceSpace>& spaces() const { return spaces_; }
    // Of what is mapped in a space by grants.
    [[nodiscard]] std::vector<ReferenceJointMemory::Mapping> mappings_in(unsigned space) const;
    // The spaces that a revoke concerns.
    [[nodiscard]] std::vector<uint8_t> owners_by(const Operation& revoke) const;

  private:
    Error change(const Operation& op);
    Party party(uint8_t space) { return {names_[space], spaces_[space]}; }
    Outcome map(const Operation& op, const Outcome& seen);
    Outcome map_file(const Operation& op, const Outcome& seen);
    Outcome remap(const Operation& op, const Outcome& seen);
    Outcome map_blocks(const Operation& op, const Outcome& seen);
    Error share(const Operation& op);
    Error fork(const Operation& op);
    Error set_blocks(const Operation& op);
    Error map_joint(const Operation& op);
    Error revoke(const Operation& op);
    void renew(uint8_t space);

    const Surroundings surroundings_;
    std::vector<ReferenceSpace> spaces_;
    std::vector<ProcessName> names_;
    ReferenceCache cache_;
    ReferenceJointMemory joint_;
};

}  // namespace shoal::model
