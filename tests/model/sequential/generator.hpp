// Random operations that meet each other: few processes most of the time, few places, sizes around the borders that the structures have,
// and arguments that are sometimes wrong.
#pragma once

#include <optional>
#include <random>

#include "tests/model/reference/reference.hpp"

namespace shoal::model {

class Generator {
  public:
    Generator(uint64_t seed, unsigned workers, unsigned spaces);

    Operation next(const Reference& reference);

  private:
    static constexpr uint64_t kSpan = 4 * kLeafSize;  // around each place
    static constexpr uint64_t kGrants = 3;            // of a process
    uint64_t below(uint64_t limit) { return random_() % limit; }
    bool one_in(uint64_t n) { return below(n) == 0; }
    Kind kind();
    unsigned active_spaces();
    uint64_t place();
    uint64_t size();
    uint64_t protection();
    void aim(Operation& op, const ReferenceSpace& space);
    void choose(Operation& op, const Reference& reference);
    void choose_map(Operation& op);
    void choose_blocks(Operation& op);
    void choose_file(Operation& op);
    void choose_remap(Operation& op, const ReferenceSpace& space);
    void choose_end(Operation& op, const ReferenceSpace& space);
    void choose_touched(Operation& op);
    void choose_joint_map(Operation& op, const Reference& reference);
    void choose_update(Operation& op);
    void choose_less(Operation& op, const ReferenceSpace& space);
    void choose_prepare(Operation& op, const Reference& reference);
    void choose_memory_control(Operation& op, const ReferenceSpace& space);
    void choose_load(Operation& op, const ReferenceSpace& space);
    void choose_wait(Operation& op, const Reference& reference);
    void choose_rights(Operation& op, const ReferenceSpace& space);
    void choose_device(Operation& op);
    void choose_image(Operation& op);
    void choose_special(Operation& op, const ReferenceSpace& space);
    void choose_joint_unmap(Operation& op, const Reference& reference);

    std::mt19937_64 random_;
    const unsigned workers_, spaces_;
    unsigned active_ = 1;      // the first so many spaces, for a while
    uint64_t operations_ = 0;
    std::optional<Operation> planned_;
};

}  // namespace shoal::model
