#include "tests/model/history/page_history.hpp"

#include <algorithm>

#include "abi/memory.hpp"
#include "tests/model/reference/space.hpp"

namespace shoal::model {

namespace {

struct Configuration {
    PageState state;
    uint64_t effective;  // bit per slot of an operation under way: it has taken effect
    bool operator==(const Configuration&) const = default;
};

bool same_answer(const Operation& op, const Outcome& a, const Outcome& b) {
    if (op.kind == Kind::Read)
        return a.access == b.access && (a.access != Access::Done || a.value == b.value);
    if (is_access(op.kind)) return a.access == b.access;
    return a.error == b.error;
}

class Search {
  public:
    explicit Search(const PageState& initial) : configurations_{{initial, 0}} {}

    // Returns the slot of an operation that begins.
    unsigned begin(const PageEvent& event) {
        unsigned slot = 0;
        while ((used_ >> slot & 1) != 0) ++slot;
        used_ |= uint64_t{1} << slot;
        under_way_[slot] = &event;
        return slot;
    }

    // False if no configuration explains this operation's answer.
    bool end(unsigned slot) {
        std::vector<Configuration> kept;
        std::vector<Configuration> seen;
        for (const Configuration& start : configurations_) explore(start, slot, kept, seen);
        used_ &= ~(uint64_t{1} << slot);
        configurations_ = std::move(kept);
        return !configurations_.empty();
    }

    std::string describe_under_way() const {
        std::string text;
        for (unsigned slot = 0; slot < 64; ++slot)
            if ((used_ >> slot & 1) != 0)
                text += "\n    under way: " + describe(under_way_[slot]->operation, under_way_[slot]->outcome);
        return text;
    }

  private:
    // Lets operations under way take effect in every possible order until the one in `slot` has.
    void explore(const Configuration& at, unsigned slot, std::vector<Configuration>& kept,
                 std::vector<Configuration>& seen) {
        if (std::find(seen.begin(), seen.end(), at) != seen.end()) return;
        seen.push_back(at);
        const uint64_t target = uint64_t{1} << slot;
        if ((at.effective & target) != 0) {
            const Configuration done{at.state, at.effective & ~target};
            if (std::find(kept.begin(), kept.end(), done) == kept.end()) kept.push_back(done);
            return;
        }
        for (unsigned other = 0; other < 64; ++other) {
            const uint64_t bit = uint64_t{1} << other;
            if ((used_ & bit) == 0 || (at.effective & bit) != 0) continue;
            Configuration next = at;
            const PageEvent& event = *under_way_[other];
            const bool explained = same_answer(event.operation, step(next.state, event.operation), event.outcome);
            if (!explained) {
                next.state = at.state;
                // What has failed has changed nothing.
                if (!failed_early(at, event) && !allowed_early(next.state, at.effective, event)) continue;
            }
            next.effective |= bit;
            explore(next, slot, kept, seen);
        }
    }

    // Whether this failure met a change under way that other CPUs need not have seen yet.
    bool failed_early(const Configuration& at, const PageEvent& event) const {
        if (event.outcome.access != Access::Refused && event.outcome.error == Error::None) return false;
        for (unsigned other = 0; other < 64; ++other) {
            const uint64_t bit = uint64_t{1} << other;
            if ((used_ & bit) == 0 || (at.effective & bit) != 0) continue;
            const Kind kind = under_way_[other]->operation.kind;
            if (kind != Kind::Unmap && kind != Kind::Protect && kind != Kind::Map) continue;
            PageState changed = at.state;
            (void)step(changed, under_way_[other]->operation);
            if (same_answer(event.operation, step(changed, event.operation), event.outcome)) return true;
        }
        return false;
    }

    // Whether this access was allowed by a protection under way that other CPUs need not have seen yet. The page's contents are as
    // it left them.
    bool allowed_early(PageState& state, uint64_t effective, const PageEvent& event) const {
        if (!is_access(event.operation.kind)) return false;
        for (unsigned other = 0; other < 64; ++other) {
            const uint64_t bit = uint64_t{1} << other;
            if ((used_ & bit) == 0 || (effective & bit) != 0 || under_way_[other]->operation.kind != Kind::Protect) continue;
            PageState changed = state;
            (void)step(changed, under_way_[other]->operation);
            if (!same_answer(event.operation, step(changed, event.operation), event.outcome)) continue;
            changed.protection = state.protection;
            state = changed;
            return true;
        }
        return false;
    }

    std::vector<Configuration> configurations_;
    uint64_t used_ = 0;
    const PageEvent* under_way_[64] = {};
};

// The operations that ended last before an unexplained answer, oldest first.
std::string describe_before(std::vector<PageEvent> events, uint64_t end) {
    constexpr size_t kShown = 16;
    std::erase_if(events, [&](const PageEvent& event) { return event.ended >= end; });
    std::sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.ended < b.ended; });
    std::string text;
    for (size_t i = events.size() > kShown ? events.size() - kShown : 0; i < events.size(); ++i)
        text += "\n    before: [" + std::to_string(events[i].began) + ", " + std::to_string(events[i].ended) + "] " +
                describe(events[i].operation, events[i].outcome);
    return text;
}

struct Edge {
    uint64_t time;
    bool ends;
    size_t event;
};

}  // namespace

Outcome step(PageState& state, const Operation& op) {
    Outcome outcome;
    switch (op.kind) {
        case Kind::Map:
            state = PageState{true, op.protection, {}};
            return outcome;
        case Kind::Unmap:
            state = PageState{};
            return outcome;
        case Kind::Protect:
            if (!state.mapped) outcome.error = Error::BadAddress;
            else state.protection = op.protection;
            return outcome;
        case Kind::DontNeed:
            if (!state.mapped) outcome.error = Error::BadAddress;
            else std::fill(std::begin(state.words), std::end(state.words), 0);
            return outcome;
        case Kind::Read:
        case Kind::Write:
        case Kind::Execute: {
            if (!state.mapped || !allows(state.protection, op.kind)) {
                outcome.access = Access::Refused;
                return outcome;
            }
            if (op.kind == Kind::Execute) return outcome;
            if (op.kind == Kind::Write) state.words[op.word] = op.value;
            outcome.value = state.words[op.word];
            return outcome;
        }
        default: break;
    }
    outcome.error = Error::NotImplemented;  // not an operation on a single page
    return outcome;
}

Verdict check_page(std::vector<PageEvent> events, const PageState& initial) {
    std::vector<Edge> edges;
    for (size_t i = 0; i < events.size(); ++i) {
        edges.push_back({events[i].began, false, i});
        edges.push_back({events[i].ended, true, i});
    }
    // At equal times beginnings come first: the operations may have overlapped.
    std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
        return a.time != b.time ? a.time < b.time : !a.ends && b.ends;
    });
    Search search(initial);
    std::vector<unsigned> slots(events.size());
    for (const Edge& edge : edges) {
        if (!edge.ends) {
            slots[edge.event] = search.begin(events[edge.event]);
            continue;
        }
        const std::string under_way = search.describe_under_way();
        if (!search.end(slots[edge.event]))
            return {false, "no order explains " + describe(events[edge.event].operation, events[edge.event].outcome) +
                               under_way + describe_before(events, edge.time)};
    }
    return {};
}

}  // namespace shoal::model
