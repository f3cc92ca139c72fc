// Pair: a system and the reference side by side. Which answers count as equal is decided here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/model/reference/reference_space.hpp"
#include "tests/model/system.hpp"

namespace shoal::model {

class Pair {
  public:
    explicit Pair(std::unique_ptr<System> system);

    // Empty if both agree on this operation.
    std::string apply(const Operation& op);
    std::string audit();
    const std::vector<ReferenceSpace>& spaces() const { return spaces_; }
    unsigned workers() const { return system_->workers(); }

  private:
    std::string settle_shortage(const Operation& op);
    std::string compare_brk(const Operation& op, const Outcome& seen);
    std::string compare_map(const Operation& op, const Outcome& seen);
    std::string compare_fork(const Operation& op, const Outcome& seen);
    std::string compare_remap(const Operation& op, const Outcome& seen);
    std::string compare_cache_set(const Operation& op, const Outcome& seen);
    std::string compare_cache_map(const Operation& op, const Outcome& seen);
    std::string compare_map_file(const Operation& op, const Outcome& seen);
    std::string compare_share(const Operation& op, const Outcome& seen);
    std::string compare_error(const Operation& op, const Outcome& seen, Error expected);
    std::string compare_access(const Operation& op, const Outcome& seen);

    std::unique_ptr<System> system_;
    std::vector<ReferenceSpace> spaces_;
    ReferenceCache cache_;
};

}  // namespace shoal::model
