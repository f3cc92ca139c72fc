#include "tests/model/sequential/replay.hpp"

#include "tests/model/isolation/child.hpp"
#include "tests/model/isolation/shared.hpp"
#include "tests/model/sequential/generator.hpp"
#include "tests/model/sequential/pair.hpp"

namespace shoal::model {

namespace {

constexpr unsigned kPatienceForOne = 60;   // seconds for one operation or audit, under ThreadSanitizer too
constexpr unsigned kShortPatience = 5;  // where an endless loop is replayed again and again

// The operations that a child has begun.
class Trace {
  public:
    explicit Trace(uint64_t most) : operations_(most + 1) {}

    void begin(const Operation& op, unsigned patience) {
        expect_progress_within(patience);
        operations_[(*begun_)++] = op;
    }
    std::vector<Operation> read() {
        std::vector<Operation> all;
        for (uint64_t i = 0; i < *begun_; ++i) all.push_back(operations_[i]);
        return all;
    }

  private:
    Shared<uint64_t> begun_;
    Shared<Operation> operations_;
};

std::string finish(Pair& pair) {
    std::string found = pair.audit();
    return found.empty() ? pair.end() : found;
}

}  // namespace

std::string Failure::describe() const {
    std::string text = what + "\n" + std::to_string(operations.size()) + " operations:\n";
    for (const Operation& op : operations) text += "  " + model::describe(op) + "\n";
    return text;
}

Failure run_random(const MakeSystem& make, uint64_t seed, uint64_t count, uint64_t audit_every) {
    Trace trace(count);
    const std::string what = run_in_child([&]() -> std::string {
        Pair pair(make());
        Generator generator(seed, pair.workers(), static_cast<unsigned>(pair.reference().spaces().size()));
        for (uint64_t i = 0; i < count; ++i) {
            const Operation op = generator.next(pair.reference());
            trace.begin(op, kPatienceForOne);
            std::string found = pair.apply(op);
            if (found.empty() && (i + 1) % audit_every == 0) found = pair.audit();
            if (!found.empty()) return found;
        }
        return finish(pair);
    });
    if (what.empty()) return {};
    return {what, trace.read()};
}

Failure replay(const MakeSystem& make, const std::vector<Operation>& operations) {
    Trace trace(operations.size());
    const std::string what = run_in_child([&]() -> std::string {
        Pair pair(make());
        for (const Operation& op : operations) {
            trace.begin(op, kShortPatience);
            if (std::string found = pair.apply(op); !found.empty()) return found;
        }
        return finish(pair);
    });
    if (what.empty()) return {};
    return {what, trace.read()};
}

}  // namespace shoal::model
