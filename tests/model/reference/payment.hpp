// What a process pays for, and who may make it pay.
#pragma once

#include "tests/model/operation.hpp"

namespace shoal::model {

// Pages. limit 0: nobody counts them.
struct Payment {
    uint64_t pages = 0, limit = 0;
};

// Whether the operation is another's, and makes present what the space pays for.
constexpr bool is_at_anothers_cost(const Operation& op) { return (op.kind == Kind::JointMap || op.kind == Kind::Reach) && op.space != op.other; }

// The last eighth of what a space may pay for is for what it does itself. So much it pays for whoever asks.
constexpr bool may_have_paid(const Payment& before, const Payment& after) { return after.pages <= before.pages || after.pages + after.limit / 8 <= after.limit; }
// A page and its table.
constexpr bool may_have_refused(const Payment& after) { return after.pages + 2 + after.limit / 8 > after.limit; }

}  // namespace shoal::model
