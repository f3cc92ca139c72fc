// Pair: a system and the reference side by side.
#pragma once

#include <memory>
#include <string>

#include "tests/model/reference/reference.hpp"
#include "tests/model/system.hpp"

namespace shoal::model {

class Pair {
  public:
    explicit Pair(std::unique_ptr<System> system);

    // Empty if both agree on this operation.
    std::string apply(const Operation& op);
    // Everything that the reference knows to be written is read, and the system looks at itself.
    std::string audit();
    // Ends all processes; what has not come back.
    std::string end() { return system_->end(); }
    const Reference& reference() const { return reference_; }
    unsigned workers() const { return system_->workers(); }

  private:
    std::string compare(const Operation& op, const Outcome& seen);
    std::string settle_shortage(const Operation& op);
    std::string renew(uint8_t space);
    std::string read_all(uint8_t space);
    std::string list_regions(uint8_t space);

    std::unique_ptr<System> system_;
    Reference reference_;
};

}  // namespace shoal::model
