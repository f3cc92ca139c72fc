// Random operations that meet each other: few places, sizes around the borders that the structures have, and arguments that are
// sometimes wrong.
#pragma once

#include <random>
#include <vector>

#include "tests/model/operation.hpp"
#include "tests/model/reference/reference_space.hpp"

namespace shoal::model {

class Generator {
  public:
    Generator(uint64_t seed, unsigned workers, unsigned spaces);

    Operation next(const std::vector<ReferenceSpace>& spaces);

  private:
    uint64_t below(uint64_t limit) { return random_() % limit; }
    bool one_in(uint64_t n) { return below(n) == 0; }
    uint64_t place();
    uint64_t size();
    uint64_t protection();
    void aim(Operation& op, const ReferenceSpace& space);
    void choose_map(Operation& op);
    void choose_blocks(Operation& op);
    void choose_file(Operation& op);
    void choose_remap(Operation& op);
    void choose_end(Operation& op, const ReferenceSpace& space);

    std::mt19937_64 random_;
    unsigned workers_;
    unsigned spaces_;
};

}  // namespace shoal::model
