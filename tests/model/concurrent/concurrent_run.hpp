// Several CPUs at work on the same spaces at once, each on its own thread, in a child process.
//
// Private pages belong to one CPU: it knows at every access what must be there, whatever its neighbours in the same leaf and
// region do. Shared pages are fought over; what each CPU saw of them is logged and checked afterwards (history/page_history.hpp).
#pragma once

#include <cstdint>
#include <string>

#include "abi/memory.hpp"
#include "tests/model/sequential/replay.hpp"

namespace shoal::model {

// Shared pages lie across this border of two leaves; each worker's private pages lie in the same two leaves, and elsewhere.
inline constexpr uint64_t kBorder = (uint64_t{1} << 36) + kLeafSize;

struct ConcurrentPlan {
    uint64_t seed = 1;
    uint64_t operations_per_worker = 10'000;
    unsigned shared_pages = 24;
    unsigned churned_spaces = 0;  // the last so many: ended and made anew beside all else; what is seen of them counts not
    uint64_t churned_pages = 1024;  // over so many, filled in advance now and then: what makes memory short
};

// Empty if everything seen can be explained and the audit afterwards finds nothing.
std::string run_concurrently(const MakeSystem& make, const ConcurrentPlan& plan);

}  // namespace shoal::model
