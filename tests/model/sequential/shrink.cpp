#include "tests/model/sequential/shrink.hpp"

#include <algorithm>
#include <chrono>

#include "abi/memory.hpp"
#include "tests/model/seed.hpp"

namespace shoal::model {

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kMostPages = 32;  // by which a range is shortened at its beginning

void without_first_page(Operation& op) {
    if (is_access(op.kind) || op.kind == Kind::Map || op.bytes <= kPageSize) return;
    op.address += kPageSize;
    op.bytes -= kPageSize;
    if (op.kind == Kind::JointMap) op.value += kPageSize;
}

void fix_at(Operation& op, uint64_t address) {
    op.address = address;
    op.flags |= kMapFixed;
}

class Shrinker {
  public:
    Shrinker(const MakeSystem& make, Failure best, Clock::time_point end) : make_(make), best_(std::move(best)), end_(end) {}

    void drop_operations() {
        for (size_t chunk = std::max<size_t>(best_.operations.size() / 2, 1); chunk > 0; chunk /= 2)
            while (drop_chunks(chunk)) {
            }
    }
    // So that what remains differs from the most ordinary operation only where that matters.
    void make_plainer() {
        for (size_t i = 0; i < best_.operations.size(); ++i) {
            while (i < best_.operations.size() && best_.operations[i].kind == Kind::Fork && still_fails(without_fork(i))) {
            }
        }
        for (size_t i = 0; i < best_.operations.size() && !is_over(); ++i) place(i);
        for (size_t i = 0; i < best_.operations.size(); ++i) {
            (void)try_with(i, [](Operation& op) { op.worker = 0; });
            (void)try_with(i, [](Operation& op) { op.bytes = kPageSize; });
            for (unsigned pages = 0; pages < kMostPages && try_with(i, without_first_page); ++pages) {
            }
            (void)try_with(i, [](Operation& op) { op.protection = kProtectRead | kProtectWrite; });
            (void)try_with(i, [](Operation& op) { op.flags &= ~kMapPopulate; });
            (void)try_with(i, [](Operation& op) { op.word = 0; });
        }
    }
    const Failure& best() const { return best_; }

  private:
    // One pass from front to back; true if something could go.
    bool drop_chunks(size_t chunk) {
        bool dropped = false;
        for (size_t start = 0; start < best_.operations.size() && !is_over();) {
            std::vector<Operation> fewer = best_.operations;
            const auto from = fewer.begin() + static_cast<ptrdiff_t>(start);
            fewer.erase(from, from + static_cast<ptrdiff_t>(std::min(chunk, fewer.size() - start)));
            if (still_fails(fewer)) dropped = true;
            else start += chunk;
        }
        return dropped;
    }
    // What was done in the source is done in the copy itself.
    std::vector<Operation> without_fork(size_t index) const {
        const Operation fork = best_.operations[index];
        std::vector<Operation> changed;
        for (size_t i = 0; i < best_.operations.size(); ++i) {
            Operation op = best_.operations[i];
            if (i == index || (i < index && op.space == fork.other)) continue;
            if (i < index && op.space == fork.space) op.space = fork.other;
            changed.push_back(op);
        }
        return changed;
    }
    // A map that may lie anywhere lies where a later operation needs it, so that those which only fill the place before it can go.
    void place(size_t index) {
        if (best_.operations[index].kind != Kind::Map) return;
        for (size_t later = index + 1; later < best_.operations.size(); ++later) {
            const Operation& user = best_.operations[later];
            for (const uint64_t needed : {user.address, user.kind == Kind::JointMap ? user.value : user.address})
                if (try_with(index, [needed](Operation& op) { fix_at(op, needed / kPageSize * kPageSize); })) return;
        }
    }
    template <typename Change>
    bool try_with(size_t index, Change change) {
        if (index >= best_.operations.size()) return false;
        std::vector<Operation> changed = best_.operations;
        change(changed[index]);
        return changed[index] != best_.operations[index] && still_fails(changed);
    }
    bool is_over() const { return Clock::now() > end_; }
    bool still_fails(const std::vector<Operation>& operations) {
        if (is_over()) return false;
        Failure found = replay(make_, operations);
        if (!found) return false;
        best_ = std::move(found);  // it may have failed before its last operation
        return true;
    }

    const MakeSystem& make_;
    Failure best_;
    Clock::time_point end_;
};

}  // namespace

Failure shrink(const MakeSystem& make, const Failure& failure) {
    const auto end = Clock::now() + std::chrono::seconds(number_from_environment("SHOAL_SHRINK_SECONDS", 120));
    Failure again = replay(make, failure.operations);
    if (!again) return failure;
    Shrinker shrinker(make, std::move(again), end);
    shrinker.drop_operations();
    shrinker.make_plainer();
    shrinker.drop_operations();
    return shrinker.best();
}

}  // namespace shoal::model
