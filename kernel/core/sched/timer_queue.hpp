// TimerQueue: what one CPU has to do at a certain time, ordered by time. Owned by that CPU, interrupts off.
#pragma once

#include <compare>
#include <cstdint>

#include "base/containers/avl.hpp"

namespace shoal::kernel {

struct Thread;

// Two a thread: the alarm and the time-out of a wait. It lies in the queue of the thread's home.
struct Timer {
    enum class Kind : uint8_t { Alarm, WaitTimeout };
    uint64_t deadline = 0;  // [ns] since boot; 0: not in the queue
    Thread* thread = nullptr;
    Kind kind = Kind::Alarm;
    AvlHook hook;

    [[nodiscard]] bool armed() const { return deadline != 0; }
};

class TimerQueue {
  public:
    static constexpr uint64_t kNever = ~uint64_t{0};

    void add(Timer& timer, uint64_t deadline) {
        timer.deadline = deadline;
        tree_.insert(timer);
    }
    void cancel(Timer& timer) {
        if (!timer.armed()) return;
        tree_.remove(timer);
        timer.deadline = 0;
    }
    [[nodiscard]] uint64_t next_deadline() const {
        const Timer* first = tree_.first();
        return first == nullptr ? kNever : first->deadline;
    }
    // Takes out one timer that is due; nullptr if there is none.
    Timer* pop_due(uint64_t now) {
        Timer* first = tree_.first();
        if (first == nullptr || first->deadline > now) return nullptr;
        cancel(*first);
        return first;
    }

  private:
    struct Key {  // equal deadlines are told apart by address
        uint64_t deadline;
        const Timer* timer;
        auto operator<=>(const Key&) const = default;
    };
    struct KeyOf {
        Key operator()(const Timer& timer) const { return {timer.deadline, &timer}; }
    };
    AvlTree<Timer, &Timer::hook, KeyOf> tree_;
};

}  // namespace shoal::kernel
