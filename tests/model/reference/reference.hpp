// The specification of all that the model knows: what each operation must answer, and what it changes.
//
// Where the system may choose, as an address for a map, its answer is looked at, and taken over if it may be that. Where it may do one thing or
// another, and later calls would show which, it is not asked at all (is_open()).
#pragma once

#include <vector>

#include "tests/model/reference/joint_memory.hpp"
#include "tests/model/reference/notices.hpp"
#include "tests/model/reference/page_cache.hpp"
#include "tests/model/reference/physical_memory.hpp"

namespace shoal::model {

// What there is around the spaces.
struct Surroundings {
    bool files = true;          // whether somebody serves the file; else maps of it are answered with NoDevice
    bool short_memory = false;  // whether memory may end, and cached pages give way
};

class Reference {
  public:
    Reference(unsigned spaces, Surroundings surroundings) : surroundings_(surroundings), spaces_(spaces) {
        for (uint64_t place = 0; place < spaces; ++place) {
            names_.push_back(ProcessPlace{place}.name());
            spaces_[place].server = begins_as_server(place);
        }
    }

    // The right answer. seen: the system's.
    Outcome apply(const Operation& op, const Outcome& seen);
    [[nodiscard]] bool is_open(const Operation& op) const;

    [[nodiscard]] const std::vector<ReferenceSpace>& spaces() const { return spaces_; }
    // Of what is mapped in a space by grants.
    [[nodiscard]] std::vector<ReferenceJointMemory::Mapping> mappings_in(unsigned space) const;
    // What is held of processes that have ended.
    [[nodiscard]] std::vector<ReferenceHolds::Hold> lost_holds() const;
    // The spaces that a revoke concerns.
    [[nodiscard]] std::vector<uint8_t> owners_by(const Operation& revoke) const;
    // Threads of the space that wait for news.
    [[nodiscard]] unsigned waiting(unsigned space) const { return notices_.waiting(names_[space]); }

  private:
    Outcome answer(const Operation& op, const Outcome& seen);
    Error change(const Operation& op);
    Error change_process(const Operation& op);
    [[nodiscard]] Error refusal(const Operation& op) const;
    [[nodiscard]] bool leaving(const Operation& op) const { return spaces_[op.space].leaving || spaces_[op.other].leaving; }
    Party party(uint8_t space) { return {names_[space], spaces_[space]}; }
    Outcome map(const Operation& op, const Outcome& seen);
    Outcome map_file(const Operation& op, const Outcome& seen);
    Outcome remap(const Operation& op, const Outcome& seen);
    Outcome map_blocks(const Operation& op, const Outcome& seen);
    Outcome map_device(const Operation& op, const Outcome& seen);
    Error map_image(const Operation& op, const Outcome& seen);
    Outcome count_references(const Operation& op, const Outcome& seen);
    Outcome end_hold(const Operation& op);
    Outcome find_lost_hold(const Outcome& seen) const;
    Outcome tell_news(const ReferenceNotices::News& news) const;
    Outcome await_news(const Operation& op);
    Outcome control_memory(const Operation& op, const Outcome& seen);
    Outcome map_ahead(ReferenceSpace& space, const Operation& op, const Outcome& seen);
    Outcome succeed_vm(const Operation& op);
    Outcome load(const Operation& op);
    Outcome prepare(const Operation& op);
    Outcome list_regions(const Operation& op) const;
    Error update(const Operation& op);
    Error watch(const Operation& op);
    Error signal(const Operation& op);
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
    ReferenceDevice device_;
    ReferenceHolds holds_;
    ReferenceNotices notices_;
    ProcessName successor_ = 0;  // VM's next instance
    std::map<uint64_t, uint64_t> identities_;  // of shared memory, as the system has told them
};

}  // namespace shoal::model
