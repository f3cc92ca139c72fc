// Runs operations on a system and on the reference side by side, in a child process, and stops at the first difference.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/model/operation.hpp"
#include "tests/model/system.hpp"

namespace shoal::model {

using MakeSystem = std::function<std::unique_ptr<System>()>;

struct Failure {
    std::string what;                    // empty: none
    std::vector<Operation> operations;   // up to and with the one that differed, or at which the system died
    explicit operator bool() const { return !what.empty(); }
    std::string describe() const;
};

// `count` random operations; audits every `audit_every` and at the end, which is the end of all processes.
Failure run_random(const MakeSystem& make, uint64_t seed, uint64_t count, uint64_t audit_every);
// The given operations on a fresh system, with an audit and that end.
Failure replay(const MakeSystem& make, const std::vector<Operation>& operations);

}  // namespace shoal::model
