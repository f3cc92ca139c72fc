// Whether what several CPUs saw of one page can be explained by some order of their operations.
//
// An event log of one page is checked by following all explanations at once (Wing and Gong's search, made incremental as by
// Lowe, "Testing for linearizability", 2017): a configuration is a state of the page and the set of operations under way that
// have taken effect already. At each answer only configurations survive in which that operation has taken effect with that answer.
// A change of rights reaches the CPUs one after the other: while its call is under way, an access or a call may fail already though
// another CPU still reads by what it has cached, and where rights are exchanged an access by a new one may succeed beside another
// by an old one. Once the call has answered, neither may.
// Pages are independent of each other (Herlihy and Wing's locality), so each page is checked alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/model/operation.hpp"

namespace shoal::model {

// An operation on a single page, and when it began and ended on a clock that all CPUs share.
struct PageEvent {
    Operation operation;
    Outcome outcome;
    uint64_t began = 0;
    uint64_t ended = 0;
};

struct PageState {
    bool mapped = false;
    uint64_t protection = 0;
    uint64_t words[kWordsUsed] = {};
    bool operator==(const PageState&) const = default;
};

// What the operation answers in this state, and the state after it. Map means a fixed map of this page.
Outcome step(PageState& state, const Operation& operation);

struct Verdict {
    bool explained = true;
    std::string why;  // the first answer that no order explains, with what was under way
};

// At most 64 operations may be under way at once. The state before the first event is `initial`.
Verdict check_page(std::vector<PageEvent> events, const PageState& initial = {});

}  // namespace shoal::model
